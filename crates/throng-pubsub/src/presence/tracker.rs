//! The process that drives a presence: it announces changes, and gossips with its peers on other nodes.

use std::fmt;

use throng_runtime::{ChildSpec, Ctx, Exit, GenServer, Handled, Handler, Init, IntoChild, Message};

use super::{Presence, gossip::PeerMessage};
use crate::payload::Payload;

/// The process behind a [`Presence`], started by `supervisor.child(&presence)`.
///
/// It holds nothing that could be lost: the presences live in the handle. When it crashes they stay, each change is announced by
/// the process that makes it, and the next tracker goes on where this one was.
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

/// A period has passed.
struct Beat;

impl Message for Beat {
    type Reply = ();
}

/// Another node has sent something.
pub(super) struct Received {
    pub(super) node: Box<str>,
    pub(super) body: Payload,
}

impl Message for Received {
    type Reply = ();
}

impl GenServer for Tracker {
    type Args = Presence;

    async fn init(presence: Presence, ctx: &mut Ctx<Self>) -> Init<Self> {
        presence.shared.attach_tracker(ctx)?;
        if presence.shared.pubsub.has_transport() {
            ctx.continue_with(Beat);
        }
        Ok(Tracker { presence, resting: false })
    }

    async fn terminate(&mut self, reason: &Exit, _: &mut Ctx<Self>) {
        if self.presence.options().permdown_on_shutdown && reason.is_clean() {
            self.presence.shared.say_goodbye();
        }
    }
}

impl Tracker {
    /// Announces what has changed, and collects for a diff period when that was anything.
    fn announce(&mut self, ctx: &Ctx<Self>) {
        self.resting = self.presence.shared.announce();
        if self.resting {
            ctx.send_after(self.presence.options().diff_period, Rested);
        }
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Changed> for Tracker {
    async fn handle(&mut self, _: Changed, ctx: &mut Ctx<Self>) -> Handled<Changed> {
        if !self.resting {
            self.announce(ctx);
        }
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Rested> for Tracker {
    async fn handle(&mut self, _: Rested, ctx: &mut Ctx<Self>) -> Handled<Rested> {
        self.announce(ctx);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Beat> for Tracker {
    async fn handle(&mut self, _: Beat, ctx: &mut Ctx<Self>) -> Handled<Beat> {
        ctx.send_after(self.presence.options().broadcast_period, Beat);
        self.presence.shared.beat();
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Received> for Tracker {
    async fn handle(&mut self, Received { node, body }: Received, _: &mut Ctx<Self>) -> Handled<Received> {
        match body.parse::<PeerMessage>() {
            Ok(message) if *message.from().name == *node => self.presence.shared.on_peer_message(message),
            Ok(message) => {
                tracing::warn!(%node, from = ?message.from(), "a message of another node bears a third one's name");
            }
            Err(error) => tracing::warn!(%node, %error, "a message of another node is not understood"),
        }
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
