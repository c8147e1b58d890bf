//! Compressed messages of clients, within bounds: what would inflate beyond them is given up on before it is there.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use crate::websocket::Violation;

/// What every sender leaves out at the end of a message (RFC 7692 §7.2.1).
pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// What a message may inflate to whatever its own size.
const INFLATED_BYTES_MIN: usize = 32 << 10;
/// What the first bytes are inflated into.
const FIRST_BYTES: usize = 256;

thread_local! {
    /// No message refers to an earlier one, so a worker's connections share a window.
    static WINDOW: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Inflates messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inflate {
    ratio_max: u32,
}

impl Inflate {
    pub(crate) fn new(ratio_max: u32) -> Inflate {
        Inflate { ratio_max: ratio_max.max(1) }
    }

    /// The message as it was before it was compressed.
    pub(crate) fn inflate(&self, compressed: &[u8], bytes_max: usize) -> Result<Vec<u8>, Violation> {
        let bytes_max =
            compressed.len().saturating_mul(self.ratio_max as usize).max(INFLATED_BYTES_MIN).min(bytes_max);
        WINDOW.with_borrow_mut(|window| {
            window.reset(false);
            let mut inflated = Vec::new();
            for part in [compressed, &TAIL] {
                inflate_part(window, part, &mut inflated, bytes_max)?;
            }
            Ok(inflated)
        })
    }
}

fn inflate_part(
    window: &mut Decompress,
    mut part: &[u8],
    inflated: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), Violation> {
    loop {
        if inflated.len() == inflated.capacity() {
            // One byte more than allowed shows that there is more.
            inflated.reserve_exact(inflated.len().max(FIRST_BYTES).min(bytes_max + 1 - inflated.len()));
        }
        let (taken, made) = (window.total_in(), inflated.len());
        let status = window.decompress_vec(part, inflated, FlushDecompress::Sync);
        let status = status.map_err(|_| Violation::NotDeflated)?;
        let taken = usize::try_from(window.total_in() - taken).unwrap_or(usize::MAX);
        part = &part[taken..];
        if inflated.len() > bytes_max {
            return Err(Violation::TooBig);
        }
        if status == Status::StreamEnd {
            // A sender may end its blocks; what follows begins anew (RFC 7692 §7.2.3.4).
            window.reset(false);
        }
        if part.is_empty() && inflated.len() < inflated.capacity() {
            return Ok(());
        }
        let has_stalled = taken == 0 && inflated.len() == made && status != Status::StreamEnd;
        if has_stalled && inflated.len() < inflated.capacity() {
            return Err(Violation::NotDeflated);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::websocket::deflate::{Deflate, WindowBits};

    const INFLATE: Inflate = Inflate { ratio_max: 100 };
    const MAX: usize = 1 << 20;

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        Deflate::new(6, WindowBits::MAX).deflate(&[bytes])
    }

    #[test]
    fn c1_10_the_examples_of_the_standard_are_read() {
        // RFC 7692 §7.2.3
        let hellos: [&[u8]; 4] = [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ];
        for hello in hellos {
            assert_eq!(INFLATE.inflate(hello, MAX).unwrap(), b"Hello", "{hello:x?}");
        }
        assert_eq!(INFLATE.inflate(&[0x00], MAX).unwrap(), b"");
    }

    #[test]
    fn c1_10_a_bomb_is_given_up_on() {
        let bomb = deflated(&vec![b'a'; 8 << 20]);
        assert!(bomb.len() < 10_000);
        assert_eq!(INFLATE.inflate(&bomb, 64 << 10), Err(Violation::TooBig));
        assert_eq!(INFLATE.inflate(&bomb, MAX), Err(Violation::TooBig));
        assert_eq!(INFLATE.inflate(&bomb, usize::MAX), Err(Violation::TooBig), "for its ratio");
        assert_eq!(
            Inflate { ratio_max: 2_000 }.inflate(&bomb, 8 << 20).map(|bytes| bytes.len()),
            Ok(8 << 20)
        );
    }

    #[test]
    fn c1_10_a_message_may_be_as_large_as_the_limit_and_not_a_byte_larger() {
        let message = deflated(&vec![b'a'; 1_000]);
        assert_eq!(INFLATE.inflate(&message, 1_000).map(|bytes| bytes.len()), Ok(1_000));
        assert_eq!(INFLATE.inflate(&message, 999), Err(Violation::TooBig));
        assert_eq!(INFLATE.inflate(&message, 0), Err(Violation::TooBig));
    }

    #[test]
    fn c1_10_bytes_that_are_no_compression_are_refused() {
        assert_eq!(INFLATE.inflate(&[0xff; 10], MAX), Err(Violation::NotDeflated));
        // A failure leaves nothing behind that the next message would notice.
        assert_eq!(INFLATE.inflate(&deflated(b"after"), MAX).unwrap(), b"after");
    }

    proptest! {
        #[test]
        fn c1_10_no_bytes_inflate_beyond_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..300), max in 0_usize..5_000) {
            if let Ok(inflated) = INFLATE.inflate(&bytes, max) {
                prop_assert!(inflated.len() <= max);
                prop_assert!(inflated.capacity() <= max + FIRST_BYTES);
            }
        }
    }
}
