//! What strangers send: each decoder is fed input that is nearly right, for as long as it is told.
//!
//! `THRONG_FUZZ_MEGABYTES` or `THRONG_FUZZ_MINUTES` say how long, for each decoder; without them it is a moment.
//! `THRONG_SEED` repeats a run. Led by coverage, the same functions run in `fuzz/`.

use std::{
    env,
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant, SystemTime},
};

use throng_web::fuzzing::{TARGETS, Target};

/// The longest input.
const INPUT_BYTES_MAX: usize = 16 << 10;
/// Without other words.
const BYTES: u64 = 2 << 20;

#[test]
fn c7_5_frames_of_strangers_break_no_decoder() {
    fuzz("websocket");
}

#[test]
fn c1_10_compressed_messages_of_strangers_break_no_decoder() {
    fuzz("inflate");
    fuzz("extensions");
}

#[test]
fn c7_6_messages_of_strangers_break_no_decoder() {
    fuzz("protocol_text");
    fuzz("protocol_binary");
}

#[test]
fn c1_3_queries_of_strangers_break_no_decoder() {
    fuzz("params");
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of that name");
    let seed = number("THRONG_SEED").unwrap_or_else(|| {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64)
    });
    println!("{name}: THRONG_SEED={seed}");
    let began = Instant::now();
    let time = number("THRONG_FUZZ_MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    let bytes_max = number("THRONG_FUZZ_MEGABYTES").map_or(BYTES, |megabytes| megabytes << 20);
    let (mut noise, mut inputs, mut bytes) = (Noise(seed | 1), 0_u64, 0_u64);
    while time.map_or(bytes < bytes_max, |time| began.elapsed() < time) {
        let input = noise.input(target);
        let run = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        if let Err(broken) = run {
            println!("{name}: broken by {}", input.escape_ascii());
            panic::resume_unwind(broken);
        }
        inputs += 1;
        bytes += input.len() as u64;
    }
    println!("{name}: {inputs} inputs, {bytes} bytes, {:.1} s", began.elapsed().as_secs_f64());
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// A generator that is the same for the same seed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end.max(1)
    }

    /// Seeds one after another, with a few changes; or bytes of any kind.
    fn input(&mut self, target: &Target) -> Vec<u8> {
        let mut input = Vec::new();
        if self.below(50) == 0 {
            let length = self.below(INPUT_BYTES_MAX);
            input.extend((0..length).map(|_| self.next() as u8));
            return input;
        }
        for _ in 0..=self.below(6) {
            // The first byte of some seeds says how it is taken; behind another it is a byte like others.
            input.extend_from_slice(target.seeds[self.below(target.seeds.len())]);
        }
        for _ in 0..self.below(8) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = (at + self.below(24)).min(input.len());
        match self.below(6) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.next() as u8,
            2 => input.insert(at, self.next() as u8),
            3 => drop(input.drain(at..end)),
            4 => {
                let copy = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            // Long runs reach the limits.
            5 if self.below(20) == 0 => {
                let (byte, length) = (self.next() as u8, self.below(6_000));
                input.splice(at..at, std::iter::repeat_n(byte, length));
            }
            _ => {}
        }
    }
}
