//! Which element of a stream is begun, and which is given next: pure.
//!
//! ```text
//!   begun ─► running ──finish──► waiting ──take──► delivered
//!            at most concurrency                                  begun and not delivered: at most concurrency + buffered
//! ```
//!
//! A slot is free again when its task is gone, not when its result is delivered: a slow head lets the others run on (T8), up
//! to a bound that OTP does not have.

use std::collections::VecDeque;

/// How many elements may be on their way, and in which order their results come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// So many tasks run at once.
    pub(super) concurrency: usize,
    /// So many more elements than that may be begun and not delivered.
    pub(super) buffered: usize,
    pub(super) ordered: bool,
}

/// The elements of one stream.
#[derive(Debug)]
pub(super) struct Schedule<R> {
    pub(super) limits: Limits,
    begun: u64,
    delivered: u64,
    running: usize,
    exhausted: bool,
    /// In order: one place for each element that was begun and not delivered. Else: what is there, as it came.
    results: VecDeque<Option<R>>,
}

impl<R> Schedule<R> {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, begun: 0, delivered: 0, running: 0, exhausted: false, results: VecDeque::new() }
    }

    /// Whether another element may be begun, if there is one.
    pub(super) fn may_begin(&self) -> bool {
        let Limits { concurrency, buffered, .. } = self.limits;
        let undelivered_max = concurrency.saturating_add(buffered) as u64;
        !self.exhausted && self.running < concurrency && self.undelivered() < undelivered_max
    }

    /// Begins an element; its number.
    pub(super) fn begin(&mut self) -> u64 {
        let number = self.begun;
        self.begun += 1;
        self.running += 1;
        if self.limits.ordered {
            self.results.push_back(None);
        }
        number
    }

    /// There are no more elements.
    pub(super) fn exhaust(&mut self) {
        self.exhausted = true;
    }

    /// The result of an element is known, and its task is gone.
    pub(super) fn finish(&mut self, number: u64, result: R) {
        self.resolve(number, result);
        self.release();
    }

    /// The result of an element is known, while its task still holds its slot. Once for each element.
    pub(super) fn resolve(&mut self, number: u64, result: R) {
        if self.limits.ordered {
            // Not yet delivered, so it is at or behind the front.
            self.results[(number - self.delivered) as usize] = Some(result);
        } else {
            self.results.push_back(Some(result));
        }
    }

    /// A task whose result is known, or that nobody asks about any more, is gone.
    pub(super) fn release(&mut self) {
        self.running -= 1;
    }

    /// The next result, if it is there.
    pub(super) fn take(&mut self) -> Option<R> {
        self.results.front().filter(|result| result.is_some())?;
        self.delivered += 1;
        self.results.pop_front().flatten()
    }

    /// No more is begun or delivered; what runs is only waited for.
    pub(super) fn close(&mut self) {
        self.exhausted = true;
        self.delivered = self.begun;
        self.results.clear();
    }

    /// Whether everything was delivered and every task is gone.
    pub(super) fn is_over(&self) -> bool {
        self.exhausted && self.running == 0 && self.undelivered() == 0
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun > 0 || self.exhausted
    }

    /// How many elements were begun and not delivered.
    pub(super) fn undelivered(&self) -> u64 {
        self.begun - self.delivered
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(concurrency: usize, buffered: usize, ordered: bool) -> Schedule<u64> {
        Schedule::new(Limits { concurrency, buffered, ordered })
    }

    fn begin_all(schedule: &mut Schedule<u64>) -> Vec<u64> {
        let mut begun = Vec::new();
        while schedule.may_begin() {
            begun.push(schedule.begin());
        }
        begun
    }

    fn take_all(schedule: &mut Schedule<u64>) -> Vec<u64> {
        std::iter::from_fn(|| schedule.take()).collect()
    }

    #[test]
    fn t8_a_slow_head_lets_the_rest_run_on_up_to_the_bound() {
        for (concurrency, buffered, in_all) in
            [(2, 0, 2), (2, 1, 3), (2, 6, 8), (1, 0, 1), (1, 3, 1), (3, 2, 5)]
        {
            let mut schedule = schedule(concurrency, buffered, true);
            let mut running = begin_all(&mut schedule);
            // All but the first finish at once, whatever is begun.
            while let Some(at) = running.iter().position(|number| *number != 0) {
                let number = running.remove(at);
                schedule.finish(number, number);
                running.extend(begin_all(&mut schedule));
            }
            assert_eq!(schedule.undelivered(), in_all, "{concurrency} at once, {buffered} buffered");
            assert_eq!(schedule.take(), None);
            schedule.finish(0, 0);
            assert_eq!(take_all(&mut schedule), (0..in_all).collect::<Vec<_>>());
        }
    }

    #[test]
    fn t8_without_order_the_results_come_as_the_tasks_finish() {
        let mut schedule = schedule(3, 0, false);
        assert_eq!(begin_all(&mut schedule), [0, 1, 2]);
        for number in [2, 0, 1] {
            schedule.finish(number, number);
        }
        assert_eq!(take_all(&mut schedule), [2, 0, 1]);
    }

    #[test]
    fn t8_a_slot_is_free_when_its_task_is_gone_and_not_when_its_result_is_known() {
        let mut schedule = schedule(1, 4, true);
        schedule.begin();
        schedule.resolve(0, 0);
        assert_eq!(schedule.take(), Some(0));
        assert!(!schedule.may_begin());
        schedule.exhaust();
        assert!(!schedule.is_over());
        schedule.release();
        assert!(schedule.is_over());
    }

    #[test]
    fn t8_a_closed_stream_only_waits_for_its_tasks() {
        let mut schedule = schedule(2, 0, true);
        begin_all(&mut schedule);
        schedule.finish(1, 1);
        schedule.close();
        assert_eq!((schedule.take(), schedule.may_begin(), schedule.is_over()), (None, false, false));
        schedule.release();
        assert!(schedule.is_over());
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Begin,
        Finish(usize),
        Take,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![Just(Step::Begin), any::<usize>().prop_map(Step::Finish), Just(Step::Take)]
    }

    proptest! {
        #[test]
        fn t8_each_element_is_delivered_once_in_its_order_and_within_the_limits(
            concurrency in 1..5_usize, buffered in 0..6_usize, ordered: bool, elements in 0..30_u64,
            steps in prop::collection::vec(step(), 0..300),
        ) {
            let mut schedule = schedule(concurrency, buffered, ordered);
            let (mut running, mut finished, mut delivered) = (Vec::new(), Vec::new(), Vec::new());
            // Whatever happened first: in the end everything comes to its end.
            let rest = [Step::Begin, Step::Finish(0), Step::Take].into_iter().cycle().take(4 * 30 * 3);
            for step in steps.into_iter().chain(rest) {
                match step {
                    Step::Begin if schedule.may_begin() && schedule.begun == elements => schedule.exhaust(),
                    Step::Begin if schedule.may_begin() => running.push(schedule.begin()),
                    Step::Finish(at) if !running.is_empty() => {
                        let number = running.remove(at % running.len());
                        schedule.finish(number, number);
                        finished.push(number);
                    }
                    Step::Take => delivered.extend(schedule.take()),
                    _ => {}
                }
                prop_assert!(running.len() <= concurrency);
                prop_assert!(schedule.undelivered() <= (concurrency + buffered) as u64);
            }
            let expected: Vec<_> = if ordered { (0..elements).collect() } else { finished };
            prop_assert_eq!(delivered, expected);
            prop_assert!(schedule.is_over());
        }
    }
}
