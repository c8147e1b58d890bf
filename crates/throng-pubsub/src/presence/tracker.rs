//! The process that drives a presence: it announces what has changed.

use std::fmt;

use throng_runtime::{ChildSpec, Ctx, GenServer, Handled, Handler, Init, IntoChild, Message};

use super::Presence;

/// The process behind a [`Presence`], started by `supervisor.child(&presence)`.
///
/// It holds nothing that could be lost: who is present lives in the handle. When it crashes, presences stay, changes are still
/// made and announced (by whoever makes them, one by one), and its next incarnation goes on where it was.
pub struct Tracker {
    presence: Presence,
    /// A diff was announced less than a diff period ago.
    resting: bool,
}

/// Something has changed.
pub(super) struct Changed;

impl Message for Changed {
    type Reply = ();
}

/// The diff period is over.
struct Rested;

impl Message for Rested {
    type Reply = ();
}

impl GenServer for Tracker {
    type Args = Presence;

    async fn init(presence: Presence, ctx: &mut Ctx<Self>) -> Init<Self> {
        presence.employ(ctx)?;
        Ok(Tracker { presence, resting: false })
    }
}

impl Tracker {
    /// Announces what there is, and then collects for a while.
    fn announce(&mut self, ctx: &Ctx<Self>) {
        self.resting = self.presence.announce();
        if self.resting {
            ctx.send_after(self.presence.options().diff_period, Rested);
        }
    }
}

impl Handler<Changed> for Tracker {
    async fn handle(&mut self, _: Changed, ctx: &mut Ctx<Self>) -> Handled<Changed> {
        if !self.resting {
            self.announce(ctx);
        }
        Ok(())
    }
}

impl Handler<Rested> for Tracker {
    async fn handle(&mut self, _: Rested, ctx: &mut Ctx<Self>) -> Handled<Rested> {
        self.announce(ctx);
        Ok(())
    }
}

impl IntoChild for &Presence {
    type Server = Tracker;

    fn into_child(self) -> ChildSpec<Tracker> {
        Tracker::child(self.clone()).id(format!("presence {}", self.name()))
    }
}

impl IntoChild for Presence {
    type Server = Tracker;

    fn into_child(self) -> ChildSpec<Tracker> {
        (&self).into_child()
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker").field("presence", &self.presence).finish_non_exhaustive()
    }
}
