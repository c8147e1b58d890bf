//! When what is due (pure).

use std::time::{Duration, Instant};

use crate::histogram::Histogram;

/// So many a second, evenly, `burst` at a time: the k-th is due at a time that nothing which happens can move.
#[derive(Debug)]
pub(crate) struct Schedule {
    start: Instant,
    interval: Duration,
    burst: u64,
    total: u64,
    next: u64,
    behind: Histogram,
}

impl Schedule {
    /// `rate` counts single things, not bursts.
    pub(crate) fn new(start: Instant, rate: f64, burst: u64, total: u64) -> Schedule {
        let burst = burst.max(1);
        let interval = Duration::from_secs_f64(burst as f64 / rate);
        Schedule { start, interval, burst, total, next: 0, behind: Histogram::default() }
    }

    /// The number and the due time of the next one that is due by now.
    pub(crate) fn take(&mut self, now: Instant) -> Option<(u64, Instant)> {
        let due = self.next_due()?;
        if due > now {
            return None;
        }
        self.behind.record(now - due);
        self.next += 1;
        Some((self.next - 1, due))
    }

    /// When the next one is due; `None` when all were.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        (self.next < self.total).then(|| self.due(self.next))
    }

    pub(crate) fn taken(&self) -> u64 {
        self.next
    }

    /// How late each was taken.
    pub(crate) fn behind(&self) -> &Histogram {
        &self.behind
    }

    fn due(&self, number: u64) -> Instant {
        let bursts = number / self.burst;
        self.start + Duration::from_secs_f64(self.interval.as_secs_f64() * bursts as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_due_at_its_time_however_late_the_others_were() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 10.0, 1, 3);
        assert_eq!(schedule.take(start), Some((0, start)));
        assert_eq!(schedule.take(start), None);
        let late = start + Duration::from_secs(9);
        assert_eq!(schedule.take(late), Some((1, start + Duration::from_millis(100))));
        assert_eq!(schedule.take(late), Some((2, start + Duration::from_millis(200))));
        assert_eq!(schedule.take(late), None);
        assert_eq!((schedule.taken(), schedule.next_due()), (3, None));
        assert_eq!(schedule.behind().max(), Some(Duration::from_millis(8_900)));
    }

    #[test]
    fn those_of_a_burst_are_due_together_and_the_rate_is_kept() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 100.0, 10, 20);
        for number in 0..10 {
            assert_eq!(schedule.take(start), Some((number, start)));
        }
        assert_eq!(schedule.next_due(), Some(start + Duration::from_millis(100)));
    }
}
