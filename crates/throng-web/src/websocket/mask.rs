//! The mask of a client's payload (RFC 6455 §5.3).

/// A key of four bytes, and how far into it the payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask {
    key: [u8; 4],
}

/// As many bytes as a vector register has; the compiler makes one instruction of the loop over them.
const BLOCK: usize = 16;

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Mask {
        Mask { key }
    }

    /// Takes the mask off the next bytes of a payload, or puts it on: it is the same.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        let block: [u8; BLOCK] = std::array::from_fn(|index| self.key[index % 4]);
        let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
        for masked in blocks {
            for (byte, key) in masked.iter_mut().zip(block) {
                *byte ^= key;
            }
        }
        for (byte, key) in rest.iter_mut().zip(block) {
            *byte ^= key;
        }
        self.key.rotate_left(rest.len() % 4);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_it_is_cut_the_mask_goes_on_where_it_was(
            key: [u8; 4], payload in prop::collection::vec(any::<u8>(), 0..200), cuts in prop::collection::vec(0_usize..60, 0..8)
        ) {
            let expected: Vec<u8> = payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
            let (mut mask, mut bytes) = (Mask::new(key), payload);
            let mut rest = &mut bytes[..];
            for cut in cuts {
                let (part, tail) = rest.split_at_mut(cut.min(rest.len()));
                mask.apply(part);
                rest = tail;
            }
            mask.apply(rest);
            prop_assert_eq!(bytes, expected);
        }
    }
}
