//! How often a supervisor may restart: a sliding window, decided purely (S16).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::error::StartError;

/// So many restarts in so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) restarts: usize,
    pub(crate) period: Duration,
}

impl Default for Budget {
    /// Three in five seconds, as Elixir has it (S2).
    fn default() -> Self {
        Self { restarts: 3, period: Duration::from_secs(5) }
    }
}

impl Budget {
    /// Refuses a window that could hold nothing (S3).
    pub(crate) fn check(self) -> Result<(), StartError> {
        if self.period.is_zero() {
            return Err(StartError::Invalid("the period of max_restarts is zero".to_owned()));
        }
        Ok(())
    }
}

/// A budget and what has been used of it.
#[derive(Debug)]
pub(crate) struct Intensity {
    budget: Budget,
    /// The restarts within the window, oldest first; never more than the budget. Each is put in and taken out once, so that a
    /// restart costs the same whatever came before it.
    recent: VecDeque<Instant>,
}

/// Room for so few restarts is not worth giving back.
const KEPT_CAPACITY: usize = 64;

impl Intensity {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, recent: VecDeque::new() }
    }

    /// Counts a restart. False when it is one too many: then the supervisor gives up.
    ///
    /// The window is inclusive: a restart that is exactly one period old still counts.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        let Budget { restarts, period } = self.budget;
        if restarts == usize::MAX {
            // No number of restarts reaches it, so there is nothing to remember.
            return true;
        }
        while self.recent.front().is_some_and(|&at| now.saturating_duration_since(at) > period) {
            self.recent.pop_front();
        }
        if self.recent.len() >= restarts {
            return false;
        }
        self.give_room_back();
        self.recent.push_back(now);
        true
    }

    /// After a burst that has left the window. Halving keeps it cheap: half of what is given back was taken out before.
    fn give_room_back(&mut self) {
        let capacity = self.recent.capacity();
        if capacity > KEPT_CAPACITY && self.recent.len() < capacity / 4 {
            self.recent.shrink_to(capacity / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the restarts at these milliseconds are admitted.
    fn admitted(restarts: usize, period_ms: u64, at_ms: &[u64]) -> Vec<bool> {
        let start = Instant::now();
        let mut intensity = Intensity::new(Budget { restarts, period: Duration::from_millis(period_ms) });
        at_ms.iter().map(|&ms| intensity.admit(start + Duration::from_millis(ms))).collect()
    }

    #[test]
    fn s16_exactly_the_budget_is_allowed_inside_the_window() {
        assert_eq!(admitted(2, 5_000, &[0, 10, 20]), [true, true, false]);
        assert_eq!(admitted(3, 5_000, &[0, 1, 2, 3]), [true, true, true, false]);
    }

    #[test]
    fn s16_without_a_budget_the_first_restart_is_one_too_many() {
        assert_eq!(admitted(0, 5_000, &[0]), [false]);
    }

    #[test]
    fn s16_the_window_slides_and_is_inclusive() {
        assert_eq!(admitted(2, 5_000, &[0, 3_000, 5_000]), [true, true, false]);
        assert_eq!(admitted(2, 5_000, &[0, 3_000, 5_001, 8_000, 8_001]), [true, true, true, false, true]);
    }

    /// Counting must not grow with its history: what one restart costs is one entry put in and at most as many taken out as
    /// were put in before, and what it keeps is what lies in the window.
    #[test]
    fn s16_a_large_budget_costs_no_more_than_its_restarts() {
        let mut intensity = Intensity::new(Budget { restarts: 20_000, period: Duration::from_secs(5) });
        let start = Instant::now();
        for ms in 0..100_000 {
            assert!(intensity.admit(start + Duration::from_millis(ms)));
        }
        assert_eq!(intensity.recent.len(), 5_001);
        // Ten in each millisecond are too many, and are not remembered beyond the budget.
        let admitted =
            (0..200_000).filter(|n| intensity.admit(start + Duration::from_millis(200_000 + n / 10)));
        assert!(admitted.count() >= 40_000);
        assert!(intensity.recent.len() <= 20_000);
        assert!(intensity.recent.capacity() <= 2 * 20_000);
    }

    #[test]
    fn s16_the_room_of_a_burst_is_given_back() {
        let mut intensity = Intensity::new(Budget { restarts: 100_000, period: Duration::from_secs(1) });
        let start = Instant::now();
        for _ in 0..100_000 {
            assert!(intensity.admit(start));
        }
        for secs in 2..20 {
            assert!(intensity.admit(start + Duration::from_secs(secs)));
        }
        assert!(intensity.recent.capacity() <= 2 * KEPT_CAPACITY, "{}", intensity.recent.capacity());
    }

    #[test]
    fn s16_a_budget_that_nothing_reaches_remembers_nothing() {
        let mut intensity = Intensity::new(Budget { restarts: usize::MAX, period: Duration::from_secs(1) });
        let now = Instant::now();
        assert!((0..1_000).all(|_| intensity.admit(now)));
        assert_eq!(intensity.recent.capacity(), 0);
    }
}
