//! What a server's callbacks asked for, and what it does next because of that.

use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
    time::Duration,
};

use parking_lot::Mutex;

use crate::{exit::Exit, pid::ProcessId, scheduler::Envelope, timer::Alarm};

/// The plans of a process, made when first needed: most of the time there are none.
///
/// Never locked, only reached by `&mut`: the mutex lets `&Ctx` be held across awaits, whatever the plans hold.
#[derive(Default)]
pub(super) struct Plans(Mutex<Option<Box<Wishes>>>);

#[derive(Default)]
struct Wishes {
    stop: Option<Exit>,
    first: VecDeque<Envelope>,
    idle: Option<IdlePlan>,
    /// Give memory back before the next wait.
    hibernate: bool,
    /// When it has been idle for so long that it gives memory back.
    nap: Option<Alarm>,
    parting_answer: Option<Box<dyn FnOnce() + Send>>,
}

/// An idle timeout, and how it becomes a message.
struct IdlePlan {
    after: Duration,
    message: fn(ProcessId) -> Envelope,
    /// Set when the wait begins.
    alarm: Option<Alarm>,
}

impl Plans {
    pub(super) fn stop(&mut self, reason: Exit) {
        self.made().stop = Some(reason);
    }

    pub(super) fn handle_first(&mut self, envelope: Envelope) {
        self.made().first.push_back(envelope);
    }

    pub(super) fn handle_before_all(&mut self, envelope: Envelope) {
        self.made().first.push_front(envelope);
    }

    pub(super) fn idle_timeout(&mut self, after: Duration, message: fn(ProcessId) -> Envelope) {
        self.made().idle = Some(IdlePlan { after, message, alarm: None });
    }

    pub(super) fn hibernate(&mut self) {
        self.made().hibernate = true;
    }

    pub(super) fn answer_last(&mut self, answer: Box<dyn FnOnce() + Send>) {
        self.made().parting_answer = Some(answer);
    }

    pub(super) fn take_parting_answer(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        self.0.get_mut().as_mut()?.parting_answer.take()
    }

    pub(super) fn is_stopping(&mut self) -> bool {
        self.0.get_mut().as_ref().is_some_and(|wishes| wishes.stop.is_some())
    }

    pub(super) fn take_stop(&mut self) -> Option<Exit> {
        self.0.get_mut().as_mut()?.stop.take()
    }

    pub(super) fn continues(&mut self) -> bool {
        self.0.get_mut().as_ref().is_some_and(|wishes| !wishes.first.is_empty())
    }

    pub(super) fn take_first(&mut self) -> Option<Envelope> {
        self.0.get_mut().as_mut()?.first.pop_front()
    }

    /// The idle timeout's message when it is time. Frees what earlier callbacks needed and a wait does not.
    pub(super) fn poll_idle(&mut self, id: ProcessId, cx: &mut Context<'_>) -> Poll<Envelope> {
        let wishes = self.0.get_mut();
        let Some(plan) = wishes.as_mut().and_then(|wishes| wishes.idle.as_mut()) else {
            wishes.take_if(|wishes| wishes.nap.is_none());
            return Poll::Pending;
        };
        let is_new = plan.alarm.is_none();
        let alarm = plan.alarm.get_or_insert_with(|| Alarm::after(plan.after));
        ready!(alarm.poll_ring(cx));
        if is_new {
            // There is no time to wait, but others get their turn first (P38), and so does a message that waits for its own (G13).
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let message = plan.message;
        *wishes = None;
        Poll::Ready(message(id))
    }

    /// Whether to give memory back: at once if a callback asked for it, else when `after` has passed without a message.
    pub(super) fn poll_nap(&mut self, after: Option<Duration>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(wishes) = self.0.get_mut()
            && std::mem::take(&mut wishes.hibernate)
        {
            return Poll::Ready(());
        }
        let Some(after) = after else { return Poll::Pending };
        let nap = &mut self.made().nap;
        ready!(nap.get_or_insert_with(|| Alarm::after(after)).poll_ring(cx));
        *nap = None;
        Poll::Ready(())
    }

    /// A system request came: what is waited for is waited for anew (G13).
    pub(super) fn rearm(&mut self) {
        if let Some(wishes) = self.0.get_mut() {
            wishes.nap = None;
            if let Some(idle) = &mut wishes.idle {
                idle.alarm = None;
            }
        }
    }

    /// A message came: the idle timeout is off, and no other plan is left when one is taken from the mailbox.
    pub(super) fn tidy(&mut self) {
        *self.0.get_mut() = None;
    }

    fn made(&mut self) -> &mut Wishes {
        self.0.get_mut().get_or_insert_default()
    }
}
