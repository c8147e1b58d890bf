//! Chance that can be replayed.

/// A small generator: which side goes first, and by how much, differs from round to round and replays from its seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(test: &str) -> Self {
        let now = || std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_nanos() as u64 | 1);
        let seed = std::env::var("THRONG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(now);
        println!("{test}: replay with THRONG_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

impl From<u64> for Dice {
    /// One that rolls what another did not: for a thread of its own.
    fn from(seed: u64) -> Self {
        Self(seed)
    }
}
