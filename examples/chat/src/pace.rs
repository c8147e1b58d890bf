//! How fast something may go: a steady rate, and an allowance for bursts after a quiet time (pure).

use std::time::Duration;

const SECOND_NANOS: u64 = 1_000_000_000;

/// A rate, and what has been used of it: the moment at which nothing of it is used any more.
///
/// Moments are the time since any moment that its owner chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    nanos_per_unit: u64,
    burst: u64,
    clear_at: Duration,
}

impl Pace {
    /// So many units a second, and a burst of so many at once; zeros count as one.
    pub(crate) fn new(per_second: u64, burst: u64) -> Pace {
        let nanos_per_unit = (SECOND_NANOS / per_second.max(1)).max(1);
        Pace { nanos_per_unit, burst: burst.max(1), clear_at: Duration::ZERO }
    }

    /// How long to wait until so many units may pass; zero if they may now. What is larger than a burst passes as one.
    pub(crate) fn wait(&self, units: u64, now: Duration) -> Duration {
        let full_at = now.saturating_add(self.time_of(self.burst));
        self.clear_after(units, now).saturating_sub(full_at)
    }

    /// Takes the units that pass.
    pub(crate) fn take(&mut self, units: u64, now: Duration) {
        self.clear_at = self.clear_after(units, now);
    }

    /// Whether nothing of it is used: it is as good as new.
    pub(crate) fn is_clear(&self, now: Duration) -> bool {
        self.clear_at <= now
    }

    fn clear_after(&self, units: u64, now: Duration) -> Duration {
        self.clear_at.max(now).saturating_add(self.time_of(units.min(self.burst)))
    }

    fn time_of(&self, units: u64) -> Duration {
        Duration::from_nanos(units.saturating_mul(self.nanos_per_unit))
    }
}

/// A time to wait, as clients are told of it: never nothing.
pub(crate) fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn pass(pace: &mut Pace, units: u64, now: Duration) -> Result<(), Duration> {
        let wait = pace.wait(units, now);
        if wait.is_zero() {
            pace.take(units, now);
            return Ok(());
        }
        Err(wait)
    }

    #[test]
    fn a_burst_passes_and_the_next_is_told_when() {
        let mut pace = Pace::new(10, 3);
        for _ in 0..3 {
            assert_eq!(pass(&mut pace, 1, MS(0)), Ok(()));
        }
        assert_eq!(pass(&mut pace, 1, MS(0)), Err(MS(100)));
        assert_eq!(pass(&mut pace, 1, MS(40)), Err(MS(60)));
        assert_eq!(pass(&mut pace, 1, MS(100)), Ok(()));
    }

    #[test]
    fn a_large_thing_waits_for_all_its_units() {
        let mut pace = Pace::new(1000, 1000);
        assert_eq!(pass(&mut pace, 900, MS(0)), Ok(()));
        assert_eq!(pass(&mut pace, 300, MS(0)), Err(MS(200)));
        assert_eq!(pass(&mut pace, 300, MS(200)), Ok(()));
        assert_eq!(pass(&mut pace, u64::MAX, MS(1200)), Ok(()), "after a quiet time even what is too large");
    }

    #[test]
    fn quiet_time_restores_no_more_than_the_burst() {
        let mut pace = Pace::new(10, 3);
        pass(&mut pace, 3, MS(0)).unwrap();
        assert!(!pace.is_clear(MS(299)) && pace.is_clear(MS(300)));
        let passed = (0..10).filter(|_| pass(&mut pace, 1, MS(60_000)).is_ok()).count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn waiting_as_told_is_enough() {
        let (mut pace, mut now) = (Pace::new(7, 5), MS(0));
        for units in (1..=5).cycle().take(200) {
            now += pace.wait(units, now);
            assert_eq!(pass(&mut pace, units, now), Ok(()));
        }
    }
}
