//! Messages of the server, compressed each by itself.

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress};

use super::{inflate::TAIL, offer::WindowBits};

thread_local! {
    /// A worker's compressors: as many as there are agreements, and they are few.
    static COMPRESSORS: RefCell<Vec<(Deflate, Compress)>> = const { RefCell::new(Vec::new()) };
}

/// A way to compress messages; two that are equal make the same of the same message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Deflate {
    level: u8,
    window_bits: WindowBits,
}

impl Deflate {
    pub(crate) fn new(level: u8, window_bits: WindowBits) -> Deflate {
        Deflate { level: level.clamp(1, 9), window_bits }
    }

    /// Compresses a message that lies in parts. It may come out larger than it was.
    pub(crate) fn deflate(self, parts: &[&[u8]]) -> Vec<u8> {
        COMPRESSORS.with_borrow_mut(|compressors| {
            let at = compressors.iter().position(|(deflate, _)| *deflate == self).unwrap_or_else(|| {
                compressors.push((self, self.compressor()));
                compressors.len() - 1
            });
            let compressor = &mut compressors[at].1;
            compressor.reset();
            let mut deflated = Vec::new();
            for part in parts {
                deflate_part(compressor, part, FlushCompress::None, &mut deflated);
            }
            deflate_part(compressor, &[], FlushCompress::Sync, &mut deflated);
            debug_assert!(deflated.ends_with(&TAIL));
            deflated.truncate(deflated.len().saturating_sub(TAIL.len()));
            deflated
        })
    }

    fn compressor(self) -> Compress {
        let level = Compression::new(u32::from(self.level));
        Compress::new_with_window_bits(level, false, self.window_bits.bits())
    }
}

fn deflate_part(compressor: &mut Compress, mut part: &[u8], flush: FlushCompress, deflated: &mut Vec<u8>) {
    loop {
        if deflated.len() == deflated.capacity() {
            deflated.reserve(part.len() / 2 + 64);
        }
        let taken = compressor.total_in();
        // It fails where a stream was finished; none is here.
        if compressor.compress_vec(part, deflated, flush).is_err() {
            unreachable!("a stream that is never finished takes whatever comes")
        }
        part = &part[usize::try_from(compressor.total_in() - taken).unwrap_or(usize::MAX)..];
        if part.is_empty() && deflated.len() < deflated.capacity() {
            return;
        }
    }
}

/// Bytes that cannot be compressed.
#[cfg(test)]
pub(super) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::websocket::deflate::Inflate;

    const INFLATE: fn(&[u8]) -> Vec<u8> =
        |deflated| Inflate::new(2_000).inflate(deflated, 1 << 24).expect("what was deflated is inflated");

    proptest! {
        #[test]
        fn c1_10_what_is_deflated_is_inflated_to_the_same(
            parts in prop::collection::vec("[a-c]{0,400}|\\PC{0,50}", 0..5), level in 1_u8..10, bits in 9_u8..16
        ) {
            let deflate = Deflate::new(level, WindowBits::of(bits));
            let bytes: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
            prop_assert_eq!(INFLATE(&deflate.deflate(&bytes)), parts.concat().into_bytes());
        }
    }

    #[test]
    fn c1_10_a_small_window_is_kept_to() {
        // Two equal halves: whoever may look back far enough writes the second one in a few bytes.
        let half = noise(2_000);
        let sizes: Vec<usize> =
            [9, 15].map(|bits| Deflate::new(9, WindowBits::of(bits)).deflate(&[&half, &half]).len()).into();
        assert!(sizes[0] > sizes[1] + 1_000, "{sizes:?}");
    }

    #[test]
    fn c1_10_large_messages_and_those_that_cannot_be_compressed_pass_as_well() {
        for message in [vec![b'x'; 1 << 20], noise(300_000)] {
            assert_eq!(INFLATE(&Deflate::new(1, WindowBits::MAX).deflate(&[&message])), message);
        }
    }
}
