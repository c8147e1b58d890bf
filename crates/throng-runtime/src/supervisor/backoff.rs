//! How long to wait before a start that failed is tried again: pure (S19).

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use crate::error::StartError;

/// Waits that double from `min` to `max`, each shortened by up to the share `jitter` of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Backoff {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
    pub(crate) jitter: f64,
}

impl Backoff {
    /// Refuses waits that could not grow, or that no chance could shorten (S3).
    pub(super) fn check(&self) -> Result<(), StartError> {
        let wrong = |what: &str| Err(StartError::Invalid(format!("the backoff's {what}")));
        match self {
            Self { min, .. } if min.is_zero() => wrong("shortest wait is zero"),
            Self { min, max, .. } if min > max => wrong("shortest wait is longer than its longest"),
            Self { jitter, .. } if !(0.0..=1.0).contains(jitter) => wrong("jitter is not within 0 to 1"),
            _ => Ok(()),
        }
    }

    /// The wait after so many failures in a row, the first of which is one.
    pub(super) fn delay(&self, failures: u32, chance: &mut Chance) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.min.saturating_mul(1 << doublings).min(self.max);
        let share = 1.0 - self.jitter * chance.share();
        // A wait so long that a float cannot tell it from too long needs no jitter.
        Duration::try_from_secs_f64(whole.as_secs_f64() * share).unwrap_or(whole)
    }
}

/// Chance that can be replayed from its seed (SplitMix64).
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// One that differs from any other: each hasher state of the standard library does.
    pub(super) fn new() -> Self {
        Self::from_seed(RandomState::new().hash_one(0))
    }

    /// A number from 0 up to 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(min_ms: u64, max_ms: u64, jitter: f64) -> Backoff {
        Backoff { min: Duration::from_millis(min_ms), max: Duration::from_millis(max_ms), jitter }
    }

    #[test]
    fn s19_waits_double_from_the_shortest_to_the_longest() {
        let waits: Vec<_> = (1..=6)
            .map(|failures| backoff(100, 1_000, 0.0).delay(failures, &mut Chance::from_seed(1)).as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
        let longest = backoff(100, 1_000, 0.0).delay(u32::MAX, &mut Chance::from_seed(1));
        assert_eq!(longest, Duration::from_secs(1));
    }

    #[test]
    fn s19_jitter_shortens_by_no_more_than_its_share_and_replays_from_its_seed() {
        let (mut one, mut same) = (Chance::from_seed(7), Chance::from_seed(7));
        let waits: Vec<_> = (0..10_000).map(|_| backoff(1_000, 1_000, 0.25).delay(1, &mut one)).collect();
        assert!(waits.iter().all(|wait| (750..=1_000).contains(&wait.as_millis())));
        assert!(waits.iter().any(|wait| wait.as_millis() < 760));
        assert!(waits.iter().any(|wait| wait.as_millis() > 990));
        assert!(waits.iter().all(|wait| *wait == backoff(1_000, 1_000, 0.25).delay(1, &mut same)));
    }

    #[test]
    fn s19_the_longest_of_all_waits_does_not_overflow() {
        let endless = Backoff { min: Duration::MAX, max: Duration::MAX, jitter: 0.0 };
        assert_eq!(endless.delay(40, &mut Chance::from_seed(1)), Duration::MAX);
    }

    #[test]
    fn s3_waits_that_make_no_sense_are_refused() {
        for (wrong, why) in [
            (backoff(0, 1, 0.0), "is zero"),
            (backoff(2, 1, 0.0), "longer than its longest"),
            (backoff(1, 2, 1.5), "jitter"),
            (backoff(1, 2, -0.1), "jitter"),
            (backoff(1, 2, f64::NAN), "jitter"),
        ] {
            let refused = wrong.check().unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
        assert!(backoff(1, 1, 1.0).check().is_ok());
    }
}
