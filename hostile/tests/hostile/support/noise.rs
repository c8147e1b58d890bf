//! Random numbers from a seed that is printed, so that a run can be repeated.

/// xorshift64*
pub(crate) struct Noise(u64);

impl Noise {
    /// From `THRONG_SEED`, or the same as ever.
    pub(crate) fn from_env() -> Noise {
        let seed = std::env::var("THRONG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x7e57_u64);
        println!("THRONG_SEED={seed}");
        Noise(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
