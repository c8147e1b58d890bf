//! UTF-8 that comes in pieces (RFC 6455 §8.1): what can become no text is refused with the byte that shows it.

use super::Violation;

/// How much of a text that grows is known to be UTF-8.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Utf8Prefix {
    /// Whole characters; what follows is the beginning of one, three bytes at most.
    valid: usize,
}

impl Utf8Prefix {
    /// Looks at what was added to the text.
    pub(super) fn advance(&mut self, text: &[u8]) -> Result<(), Violation> {
        match std::str::from_utf8(&text[self.valid..]) {
            Ok(_) => self.valid = text.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(Violation::NotUtf8),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many bytes are taken before one is refused.
    fn accepted(bytes: &[u8]) -> usize {
        let mut prefix = Utf8Prefix::default();
        (1..=bytes.len()).find(|end| prefix.advance(&bytes[..*end]).is_err()).unwrap_or(bytes.len() + 1) - 1
    }

    #[test]
    fn c7_5_the_first_impossible_byte_is_refused() {
        let cases: [(&[u8], usize); 8] = [
            (b"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xF4\x90\x80\x80edited", 12),
            (b"\xC0\xAF", 0),
            (b"\xE0\x80\x80", 1),
            (b"\xED\xA0\x80", 1),
            (b"\xF0\x80\x80\x80", 1),
            (b"\xF5", 0),
            (b"ok\xFF", 2),
            (b"\xE2\x82\x20", 2),
        ];
        for (bytes, expected) in cases {
            assert_eq!(accepted(bytes), expected, "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_of_a_text_passes(text: String) {
            prop_assert_eq!(accepted(text.as_bytes()), text.len());
        }

        #[test]
        fn what_passes_whole_passes_in_bytes_and_what_does_not_does_not(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let whole = std::str::from_utf8(&bytes);
            let expected = !matches!(whole, Err(error) if error.error_len().is_some());
            prop_assert_eq!(accepted(&bytes) == bytes.len(), expected);
        }
    }
}
