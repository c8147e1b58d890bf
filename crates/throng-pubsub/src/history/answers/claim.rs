//! The right to handle a message, which one process has at a time.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use super::{Answer, Answers, Outcome, Scope};

/// How a message stands that arrives under an id.
#[derive(Debug)]
pub enum Standing {
    /// Nobody handles it, nor has: it is the caller's.
    Yours(Claim),
    /// It was handled, with this answer or without any.
    Handled(Option<Answer>),
    /// Its handling crashed: half of it may have been done.
    Crashed,
}

/// The right to handle a message. Whoever sends it again waits until it is [answered](Claim::answer), or dropped.
///
/// Dropped before it is [begun](Claim::begin), it is the next one's; dropped then, the message counts as crashed, unless it was
/// [done](Claim::done). Clones are the same claim.
#[derive(Clone)]
pub struct Claim {
    inner: Arc<Inner>,
}

struct Inner {
    answers: Answers,
    scope: Scope,
    id: Arc<str>,
    phase: AtomicU8,
}

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const DONE: u8 = 2;
const ANSWERED: u8 = 3;

impl Claim {
    pub(super) fn new(answers: &Answers, scope: Scope, id: Arc<str>) -> Claim {
        Claim {
            inner: Arc::new(Inner { answers: answers.clone(), scope, id, phase: AtomicU8::new(WAITING) }),
        }
    }

    /// The id under which the message was sent.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The handling begins.
    pub fn begin(&self) {
        self.inner.phase.fetch_max(BEGUN, Ordering::Relaxed);
    }

    /// The handling ended in order. The answer may still come, from whoever has a clone; when the last one is dropped it does not.
    pub fn done(&self) {
        self.inner.phase.fetch_max(DONE, Ordering::Relaxed);
    }

    /// Keeps the answer, for all who send the message again. The first one counts.
    pub fn answer(&self, answer: Answer) {
        if self.inner.phase.fetch_max(ANSWERED, Ordering::Relaxed) < ANSWERED {
            self.inner.settle(Outcome::Answered(Some(answer)));
        }
    }
}

impl Inner {
    fn settle(&self, outcome: Outcome) {
        self.answers.settle(&self.scope, &self.id, outcome);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        match *self.phase.get_mut() {
            WAITING => self.answers.give_up(self.scope.clone(), self.id.clone()),
            BEGUN => self.settle(Outcome::Crashed),
            DONE => self.settle(Outcome::Answered(None)),
            _ => {}
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("topic", &self.inner.scope.topic).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{
        history::{AnswerOptions, clock::Clock},
        payload::Payload,
    };

    fn answers() -> Answers {
        Answers::new(AnswerOptions::default(), Arc::new(Clock::new()))
    }

    fn ask(answers: &Answers) -> mpsc::Receiver<Standing> {
        let (told, standing) = mpsc::channel();
        let scope = Scope { client: "ada".into(), topic: "room".into() };
        answers.claim(scope, "1".into(), move |standing| drop(told.send(standing)));
        standing
    }

    fn claim(answers: &Answers) -> Claim {
        match ask(answers).try_recv() {
            Ok(Standing::Yours(claim)) => claim,
            other => panic!("{other:?}"),
        }
    }

    fn answer() -> Answer {
        Answer { status: "ok".into(), response: Payload::empty() }
    }

    #[test]
    fn whoever_sends_it_again_waits_for_the_answer_and_gets_it() {
        let answers = answers();
        let first = claim(&answers);
        let again = ask(&answers);
        first.begin();
        assert!(again.try_recv().is_err());
        first.answer(answer());
        assert!(matches!(again.try_recv(), Ok(Standing::Handled(Some(told))) if told == answer()));
        drop(first);
        assert!(matches!(ask(&answers).try_recv(), Ok(Standing::Handled(Some(told))) if told == answer()));
    }

    #[test]
    fn an_answer_may_come_after_the_handling() {
        let answers = answers();
        let first = claim(&answers);
        let later = first.clone();
        first.begin();
        first.done();
        drop(first);
        let again = ask(&answers);
        assert!(again.try_recv().is_err());
        later.answer(answer());
        assert!(matches!(again.try_recv(), Ok(Standing::Handled(Some(_)))));
    }

    #[test]
    fn one_that_is_never_answered_was_handled_all_the_same() {
        let answers = answers();
        let first = claim(&answers);
        let again = ask(&answers);
        first.begin();
        first.done();
        drop(first);
        assert!(matches!(again.try_recv(), Ok(Standing::Handled(None))));
    }

    #[test]
    fn a_crash_is_told_and_nothing_is_done_twice() {
        let answers = answers();
        let first = claim(&answers);
        let again = ask(&answers);
        first.begin();
        drop(first);
        assert!(matches!(again.try_recv(), Ok(Standing::Crashed)));
        assert!(matches!(ask(&answers).try_recv(), Ok(Standing::Crashed)));
    }

    #[test]
    fn what_was_not_begun_is_the_next_ones() {
        let answers = answers();
        let first = claim(&answers);
        let (second, third) = (ask(&answers), ask(&answers));
        drop(first);
        let Ok(Standing::Yours(second)) = second.try_recv() else { panic!("it is nobody's") };
        assert!(third.try_recv().is_err());
        second.begin();
        second.answer(answer());
        assert!(matches!(third.try_recv(), Ok(Standing::Handled(Some(_)))));
    }

    /// A client sent one message again and again, and went: each of its connections that were gone passed it on to the next from
    /// within, and the program ended for want of stack.
    #[test]
    fn very_many_who_have_gone_are_passed_over() {
        let answers = answers();
        let first = claim(&answers);
        for _ in 0..200_000 {
            let scope = Scope { client: "ada".into(), topic: "room".into() };
            answers.claim(scope, "1".into(), drop);
        }
        let last = ask(&answers);
        drop(first);
        assert!(matches!(last.try_recv(), Ok(Standing::Yours(_))));
    }

    #[test]
    fn threads_that_race_handle_it_once() {
        for _ in 0..2_000 {
            let answers = answers();
            let handled = std::sync::atomic::AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for give_up in [true, false, false] {
                    let (answers, handled) = (&answers, &handled);
                    scope.spawn(move || match ask(answers).recv() {
                        Ok(Standing::Yours(claim)) if !give_up => {
                            claim.begin();
                            handled.fetch_add(1, Ordering::Relaxed);
                            claim.answer(answer());
                        }
                        Ok(Standing::Yours(_) | Standing::Handled(Some(_))) => {}
                        other => panic!("{other:?}"),
                    });
                }
            });
            assert_eq!(handled.into_inner(), 1);
        }
    }
}
