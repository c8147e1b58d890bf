//! Numbers that look random, from a seed that is printed: `THRONG_SEED` plays a run again.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new() -> Noise {
        let given = std::env::var("THRONG_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed =
            given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64);
        println!("THRONG_SEED={seed}");
        Noise(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 24
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap() % limit
    }
}
