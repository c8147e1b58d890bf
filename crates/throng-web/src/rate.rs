//! Rate limiting by the generic cell rate algorithm: one timestamp of state, no timers.
//!
//! A [`Quota`] is shared by everyone it applies to; a [`Gcra`] is the eight bytes each of them owns.

use std::time::Duration;

/// A steady rate with an allowance for bursts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    interval_nanos: u64,
    burst_nanos: u64,
}

impl Quota {
    /// Allows `per_second` events each second, and `burst` at once after a quiet time; zeros count as one.
    pub const fn new(per_second: u32, burst: u32) -> Quota {
        let interval_nanos = 1_000_000_000 / at_least_one(per_second);
        Quota { interval_nanos, burst_nanos: interval_nanos * at_least_one(burst) }
    }
}

const fn at_least_one(n: u32) -> u64 {
    if n == 0 { 1 } else { n as u64 }
}

/// What one party has used of a quota: the time, in nanoseconds, at which it will have used none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gcra {
    clear_at: u64,
}

impl Gcra {
    /// Takes one event from the quota, or says how long to wait for the next; a refused event uses nothing.
    ///
    /// `now` is any clock that does not run backwards.
    pub(crate) fn take(&mut self, quota: &Quota, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let clear_at = self.clear_at.max(now).saturating_add(quota.interval_nanos);
        let over = clear_at.saturating_sub(now.saturating_add(quota.burst_nanos));
        if over > 0 {
            return Err(Duration::from_nanos(over));
        }
        self.clear_at = clear_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_burst_passes_and_the_next_event_is_told_when() {
        let quota = Quota::new(10, 3);
        let mut used = Gcra::default();
        for _ in 0..3 {
            used.take(&quota, MS(0)).unwrap();
        }
        assert_eq!(used.take(&quota, MS(0)), Err(MS(100)));
        assert_eq!(used.take(&quota, MS(40)), Err(MS(60)));
        used.take(&quota, MS(100)).unwrap();
        assert_eq!(used.take(&quota, MS(100)), Err(MS(100)));
    }

    #[test]
    fn quiet_time_restores_no_more_than_the_burst() {
        let quota = Quota::new(10, 3);
        let mut used = Gcra::default();
        used.take(&quota, MS(0)).unwrap();
        let passed = (0..10).filter(|_| used.take(&quota, MS(60_000)).is_ok()).count();
        assert_eq!(passed, 3);
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate_allow(
            per_second in 1_u32..1000, burst in 1_u32..50, gaps in prop::collection::vec(0_u64..50, 1..300)
        ) {
            let quota = Quota::new(per_second, burst);
            let (mut used, mut now, mut passed) = (Gcra::default(), 0, 0_u64);
            for gap in gaps {
                now += gap;
                passed += u64::from(used.take(&quota, MS(now)).is_ok());
            }
            let interval = 1_000_000_000 / u64::from(per_second);
            prop_assert!(passed <= u64::from(burst) + now * 1_000_000 / interval);
        }

        #[test]
        fn waiting_as_told_is_enough(per_second in 1_u32..1000, burst in 1_u32..50, tries in 1..200) {
            let quota = Quota::new(per_second, burst);
            let (mut used, mut now) = (Gcra::default(), Duration::ZERO);
            for _ in 0..tries {
                if let Err(wait) = used.take(&quota, now) {
                    now += wait;
                    prop_assert!(used.take(&quota, now).is_ok());
                }
            }
        }
    }
}
