//! A message that is sent later.

use std::{fmt, sync::Weak, time::Duration};

use super::{Fire, TimerKey, later};
use crate::{
    control,
    node::{self, Node},
    pid::ProcessId,
    scheduler::{self, Envelope},
};

/// Has an envelope sent to a process later; its end cancels it (P4, X8).
pub(crate) fn send_later(node: &Node, to: ProcessId, after: Duration, envelope: Envelope) -> TimerRef {
    let timer = node.timers().set(node, later(scheduler::now(), after), Fire::Send(to, envelope));
    let timer = TimerRef { node: node.downgrade(), timer };
    if !control::expect_timer(to, timer.clone()) {
        timer.cancel();
    }
    timer
}

/// A message that was set to be sent later. Dropping this does not cancel it.
///
/// ```
/// # use std::time::Duration;
/// # use throng_runtime::{Ctx, GenServer, Handled, Handler, Init, Message, Node};
/// # struct Counter;
/// # impl GenServer for Counter { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter) } }
/// # struct Remind;
/// # impl Message for Remind { type Reply = (); }
/// # impl Handler<Remind> for Counter { async fn handle(&mut self, _: Remind, _: &mut Ctx<Self>) -> Handled<Remind> { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(())).await?;
/// let reminder = node.send_after(counter, Duration::from_secs(60), Remind);
/// assert!(reminder.cancel().is_some()); // how long it had to go
/// assert!(reminder.cancel().is_none()); // it comes no more
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TimerRef {
    node: Weak<node::Shared>,
    timer: TimerKey,
}

impl TimerRef {
    pub(crate) fn is_set(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.timers().is_set(self.timer))
    }

    /// Cancels it. The time that was left; `None` when the message was sent, or the timer cancelled, already (P5). A message
    /// that was sent is not taken back.
    pub fn cancel(&self) -> Option<Duration> {
        let node = self.node.upgrade()?;
        let due = node.timers().cancel(self.timer)?;
        Some(due.saturating_duration_since(scheduler::now()))
    }
}

impl fmt::Debug for TimerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimerRef").field(&self.timer).finish()
    }
}
