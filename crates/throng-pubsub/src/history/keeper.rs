//! The process that looks after a history: it forgets what is too old, and carries the rest over a restart.

use std::{fmt, time::Duration};

use throng_runtime::{ChildSpec, Ctx, Exit, GenServer, Handled, Handler, Init, IntoChild, Message};

use super::History;

/// How often it looks for what is too old.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// How long the store may take at the end.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// The process behind a [`History`], started by `supervisor.child(&history)`.
///
/// Put it before the children that let clients in: it is started first, and takes in what the run before wrote; and it is stopped
/// last, when the last message has been said, and writes what is known. What the store says when it fails is logged, and the
/// program goes on: positions of before are then told of the gap. A program that is killed writes nothing, and what it took in is
/// not in the store any more: the same holds.
pub struct HistoryKeeper {
    history: History,
}

/// It is time to look again.
struct Sweep;

impl Message for Sweep {
    type Reply = ();
}

impl GenServer for HistoryKeeper {
    type Args = History;

    async fn init(history: History, ctx: &mut Ctx<Self>) -> Init<Self> {
        match history.load() {
            Ok(0) => {}
            Ok(topics) => tracing::info!(topics, "histories were taken over from the last run"),
            Err(error) => tracing::error!(%error, "histories begin anew"),
        }
        ctx.send_after(SWEEP_INTERVAL, Sweep);
        Ok(HistoryKeeper { history })
    }

    async fn terminate(&mut self, reason: &Exit, _: &mut Ctx<Self>) {
        if !reason.is_clean() {
            return;
        }
        match self.history.save() {
            Ok(0) => {}
            Ok(topics) => tracing::info!(topics, "histories were written for the next run"),
            Err(error) => tracing::error!(%error, "histories were not written; the next run begins anew"),
        }
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Sweep> for HistoryKeeper {
    async fn handle(&mut self, _: Sweep, ctx: &mut Ctx<Self>) -> Handled<Sweep> {
        self.history.sweep();
        ctx.send_after(SWEEP_INTERVAL, Sweep);
        Ok(())
    }
}

impl IntoChild for &History {
    type Server = HistoryKeeper;

    fn into_child(self) -> ChildSpec<HistoryKeeper> {
        HistoryKeeper::child(self.clone()).id("history").shutdown(SHUTDOWN)
    }
}

impl IntoChild for History {
    type Server = HistoryKeeper;

    fn into_child(self) -> ChildSpec<HistoryKeeper> {
        (&self).into_child()
    }
}

impl fmt::Debug for HistoryKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryKeeper").field("history", &self.history).finish()
    }
}
