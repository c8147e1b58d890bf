//! Starts that failed and are tried again, by way of the supervisor's own mailbox (S19).
//!
//! So requests are handled between two attempts. Each attempt has a ticket: one whose child was stopped, or started
//! otherwise, meanwhile finds another ticket or none, and does nothing (S22).

use super::backoff::Chance;
use crate::{
    child::Child,
    ctx::Ctx,
    letter::Cast,
    message::{Handler, Message},
    scheduler::{self, Envelope},
    timer::TimerRef,
};

/// The message that an attempt comes with; `K` is how the supervisor knows the child.
pub(super) struct Retry<K> {
    pub(super) child: K,
    pub(super) ticket: Ticket,
}

impl<K: Send + 'static> Message for Retry<K> {
    type Reply = ();
}

/// Which attempt: no two of a supervisor have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// The attempt that a child waits for. Dropping it cancels the wait.
#[derive(Debug)]
pub(crate) struct Pending {
    ticket: Ticket,
    timer: Option<TimerRef>,
}

impl Pending {
    pub(super) fn is_for(&self, ticket: Ticket) -> bool {
        self.ticket == ticket
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            // One that fired already sent a ticket that is not valid any more.
            let _ = timer.cancel();
        }
    }
}

/// What a supervisor makes attempts with.
#[derive(Debug)]
pub(super) struct Retries {
    made: u64,
    chance: Chance,
}

impl Retries {
    pub(super) fn new() -> Self {
        Self { made: 0, chance: Chance::new() }
    }

    /// Has a child tried again: at once, or after the wait that its backoff has for so many failures in a row.
    pub(super) fn plan<S, K>(&mut self, child: &Child, key: K, failures: u32, ctx: &Ctx<S>) -> Pending
    where
        S: Handler<Retry<K>>,
        K: Send + 'static,
    {
        self.made += 1;
        let ticket = Ticket(self.made);
        let retry = Retry { child: key, ticket };
        let timer = match &child.backoff {
            Some(backoff) => Some(ctx.send_after(backoff.delay(failures, &mut self.chance), retry)),
            None => {
                // As a timer's message, it comes once: no bound of the mailbox may refuse it. The receiver lives, as it sends it.
                let envelope = Envelope::message::<S, _>(ctx.id().generation(), Cast(retry));
                drop(scheduler::deliver(ctx.id(), envelope));
                None
            }
        };
        Pending { ticket, timer }
    }
}
