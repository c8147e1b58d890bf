//! A deadline that some code waits for.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{Fire, TimerKey, Timers, later};
use crate::scheduler;

/// A deadline that the running code waits for: by its process' [`Wakeup`], or on its node's wheels where only a waker of its own
/// will do; on the backend's clock outside of processes.
///
/// It refers to the wheels by number, because a count of references on the node would be shared by all its workers. So one
/// that was set in a process of a node can be taken back only there; dropped anywhere else, it fires in vain.
pub(crate) struct Alarm {
    deadline: Instant,
    set: Option<Set>,
}

enum Set {
    /// There was no time to wait.
    Rung,
    /// Its process is woken in time.
    ByProcess,
    OnWheel {
        timers: u64,
        timer: TimerKey,
    },
    Outside(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Alarm {
    pub(crate) fn after(time: Duration) -> Self {
        Self { deadline: later(scheduler::now(), time), set: time.is_zero().then_some(Set::Rung) }
    }

    /// Ready when the deadline has passed.
    pub(crate) fn poll_ring(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.set {
            None => self.set(cx),
            Some(Set::Rung) => Poll::Ready(()),
            Some(Set::ByProcess | Set::OnWheel { .. }) if scheduler::now() >= self.deadline => {
                Poll::Ready(())
            }
            Some(Set::ByProcess) => self.set(cx),
            // One that fired meanwhile woke the waker of an earlier poll, which may be another's.
            Some(Set::OnWheel { timers, timer }) => {
                let (timers, timer) = (*timers, *timer);
                match on_wheels(timers, |timers| timers.rewake(timer, cx.waker())) {
                    Some(true) => Poll::Pending,
                    Some(false) => Poll::Ready(()),
                    None => self.set_outside(cx),
                }
            }
            Some(Set::Outside(sleep)) => sleep.as_mut().poll(cx),
        }
    }

    fn set(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if scheduler::current::wake_by(self.deadline, cx.waker()) {
            self.set = Some(Set::ByProcess);
            return Poll::Pending;
        }
        let wake = Fire::Wake(cx.waker().clone());
        let set = scheduler::current::with_node(|node| Set::OnWheel {
            timers: node.timers().number,
            timer: node.timers().set(node, self.deadline, wake),
        });
        match set {
            None => self.set_outside(cx),
            on_wheel => {
                self.set = on_wheel;
                Poll::Pending
            }
        }
    }

    fn set_outside(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleep = Box::pin(scheduler::sleep_until(self.deadline));
        let rung = sleep.as_mut().poll(cx);
        self.set = Some(Set::Outside(sleep));
        rung
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(Set::OnWheel { timers, timer }) = self.set {
            drop(on_wheels(timers, |timers| timers.take(timer)));
        }
    }
}

/// Lends the wheels with this number, if they are those of the node that the running process is on.
fn on_wheels<R>(number: u64, f: impl FnOnce(&Timers) -> R) -> Option<R> {
    scheduler::current::with_node(|node| (node.timers().number == number).then(|| f(node.timers()))).flatten()
}

/// What `work` resolves to, or `None` when `time` passes first.
pub(crate) async fn within<F: Future>(time: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut alarm = Alarm::after(time);
    std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => alarm.poll_ring(cx).map(|()| None),
    })
    .await
}
