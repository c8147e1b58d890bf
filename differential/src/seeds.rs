//! Which scenarios are played.

use std::{env, fmt, ops::Range, str::FromStr};

/// The first seed, unless another is asked for: a run is the same as the one before it.
const BASE: u64 = 20_000;

/// A range of seeds.
#[derive(Clone, Debug)]
pub(crate) struct Seeds {
    range: Range<u64>,
    single: bool,
}

impl Seeds {
    /// `DIFFERENTIAL_SEED` replays one; `DIFFERENTIAL_BASE` and `DIFFERENTIAL_COUNT` choose others than the usual.
    pub(crate) fn from_environment(count: u64) -> Self {
        if let Some(seed) = number::<u64>("DIFFERENTIAL_SEED") {
            return Self { range: seed..seed + 1, single: true };
        }
        let base = number("DIFFERENTIAL_BASE").unwrap_or(BASE);
        Self { range: base..base + number("DIFFERENTIAL_COUNT").unwrap_or(count), single: false }
    }

    pub(crate) fn iter(&self) -> Range<u64> {
        self.range.clone()
    }

    /// One is replayed: whoever does so wants to see what happens.
    pub(crate) fn is_single(&self) -> bool {
        self.single
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.single {
            return write!(f, "seed {}", self.range.start);
        }
        write!(f, "seeds {:?} (DIFFERENTIAL_BASE and DIFFERENTIAL_COUNT choose others)", self.range)
    }
}

fn number<T: FromStr>(variable: &str) -> Option<T> {
    let value = env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}
