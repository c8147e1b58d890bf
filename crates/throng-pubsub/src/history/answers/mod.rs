//! Messages that are handled once, however often they are sent (§18.6).
//!
//! A client whose connection is lost does not know whether its message was handled: it sends it again, under the same id. Here
//! stands what became of it.
//!
//! ```text
//!    arrives ──► in hand ──► begun ──► answered, or without an answer ──► the same for all who send it again
//!                   │          └─────► crashed ──► for all who send it again
//!                   └─ given up (its process was killed first) ──► in hand by the next who sent it
//! ```

mod claim;
mod window;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

pub use self::claim::{Claim, Standing};
pub(super) use self::window::{Kept, Outcome, Scope};
use self::window::{Known, Window};
use super::clock::Clock;
use crate::payload::Payload;

/// How long, and how many answers are kept for messages that are sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerOptions {
    /// How long after its answer a message is known: 5 minutes.
    pub age_max: Duration,
    /// Messages of one client on one topic: 200.
    pub messages_max: usize,
    /// Bytes of all answers together: 16 MiB. Beyond it the clients that were answered the longest ago are forgotten.
    pub bytes_max: usize,
    /// Answers that are larger are not kept: 16 KiB. Who sends such a message again hears that it was handled.
    pub answer_bytes_max: usize,
}

/// The answer to a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `ok`, `error`, or another.
    pub status: Arc<str>,
    /// What was said.
    pub response: Payload,
}

/// What became of the messages of all clients. Cloning gives another handle.
#[derive(Clone)]
pub(super) struct Answers {
    shared: Arc<Shared>,
}

struct Shared {
    window: Mutex<Window<Resume>>,
    options: AnswerOptions,
    clock: Arc<Clock>,
}

/// Called once, when it is known how a message stands.
type Resume = Box<dyn FnOnce(Standing) + Send>;

impl Answers {
    pub(super) fn new(options: AnswerOptions, clock: Arc<Clock>) -> Answers {
        Answers { shared: Arc::new(Shared { window: Mutex::new(Window::new()), options, clock }) }
    }

    /// Says to `resume` how a message stands: now, or when whoever has it in hand is done.
    pub(super) fn claim(&self, scope: Scope, id: Arc<str>, resume: impl FnOnce(Standing) + Send + 'static) {
        let known = self.shared.window.lock().arrive(&scope, &id, Box::new(resume));
        match known {
            Known::No(resume) => resume(Standing::Yours(Claim::new(self, scope, id))),
            Known::InHand => {}
            Known::Handled(resume, outcome) => resume(outcome.into()),
        }
    }

    pub(super) fn sweep(&self) {
        self.shared.window.lock().sweep(self.shared.clock.now(), &self.shared.options);
    }

    pub(super) fn restore(&self, scope: &Scope, id: Arc<str>, outcome: Outcome, at: u64) {
        self.shared.window.lock().restore(scope, id, outcome, at, &self.shared.options);
    }

    /// Has `see` shown what became of the messages of every client.
    pub(super) fn each<T>(
        &self,
        see: impl FnOnce(&mut dyn Iterator<Item = (&Scope, Vec<Kept<'_>>)>) -> T,
    ) -> T {
        see(&mut self.shared.window.lock().kept())
    }

    pub(super) fn bytes(&self) -> usize {
        self.shared.window.lock().bytes()
    }

    fn settle(&self, scope: &Scope, id: &Arc<str>, outcome: Outcome) {
        let Shared { window, options, clock } = &*self.shared;
        let kept = options.cut(outcome.clone());
        let waiters = window.lock().settle(scope, id, kept, clock.now(), options);
        for resume in waiters {
            resume(outcome.clone().into());
        }
    }

    fn give_up(&self, scope: Scope, id: Arc<str>) {
        let mut next = self.shared.window.lock().give_up(&scope, &id);
        // Those who wait may have gone: each gives it up at once, within the call, and there may be very many of them.
        while let Some(resume) = next {
            resume(Standing::Yours(Claim::new(self, scope.clone(), id.clone())));
            next = self.shared.window.lock().passed_on(&scope, &id);
        }
    }
}

impl AnswerOptions {
    /// Changes some of the options.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut AnswerOptions)) -> AnswerOptions {
        change(&mut self);
        self
    }

    fn age_max_ms(&self) -> u64 {
        u64::try_from(self.age_max.as_millis()).unwrap_or(u64::MAX)
    }

    /// The outcome as it is kept.
    fn cut(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Answered(Some(answer)) if answer.response.as_wire().len() > self.answer_bytes_max => {
                let response = Payload::reason("handled before");
                Outcome::Answered(Some(Answer { response, ..answer }))
            }
            outcome => outcome,
        }
    }
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self {
            age_max: Duration::from_secs(300),
            messages_max: 200,
            bytes_max: 16 << 20,
            answer_bytes_max: 16 << 10,
        }
    }
}

impl From<Outcome> for Standing {
    fn from(outcome: Outcome) -> Standing {
        match outcome {
            Outcome::Answered(answer) => Standing::Handled(answer),
            Outcome::Crashed => Standing::Crashed,
        }
    }
}
