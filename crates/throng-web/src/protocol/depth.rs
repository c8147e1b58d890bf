//! A bound on how deeply JSON may nest, checked before anything recursive sees it.
//!
//! A stack overflow aborts the whole node (RELIABILITY §1), and raw payloads are handed on unparsed, so the frame is
//! measured once at the door.

/// Whether no array or object of the text lies deeper than `max` levels.
///
/// The text need not be valid JSON: brackets within string literals do not count, and anything else is left for the
/// parser to judge.
pub(crate) fn within(text: &str, max: usize) -> bool {
    let mut depth = 0_usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' if depth == max => return false,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Moves past the closing quote, or to the end of an unterminated string.
fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_strings_only() {
        let cases = [
            ("", 0, true),
            ("1", 0, true),
            ("[]", 0, false),
            ("[]", 1, true),
            ("[[],[],[]]", 2, true),
            ("[[],[[]],[]]", 2, false),
            (r#"{"a":{"b":[1]}}"#, 3, true),
            (r#"{"a":{"b":[1]}}"#, 2, false),
            (r#"["[[[[{{{{"]"#, 1, true),
            (r#"["\"[[[["]"#, 1, true),
            (r#"["\\",[[]]]"#, 2, false),
            (r#"["unterminated [[["#, 1, true),
            ("]]]][", 1, true),
        ];
        for (text, max, expected) in cases {
            assert_eq!(within(text, max), expected, "{text} within {max}");
        }
    }

    #[test]
    fn a_million_brackets_cost_no_stack() {
        assert!(!within(&"[".repeat(1_000_000), 128));
    }
}
