//! The keys of presence messages, without a JSON parser (pure).

use crate::net::string_end;

/// The members of a JSON object, one after the other: each key without its quotes, each value as it is.
///
/// It is meant for what a server sends; in something that is no object it finds nothing more.
pub(super) struct Members<'a>(&'a [u8]);

impl<'a> Members<'a> {
    pub(super) fn of(object: &'a [u8]) -> Members<'a> {
        Members(trim(object).strip_prefix(b"{").unwrap_or_default())
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let rest = trim(self.0);
        let rest = trim(rest.strip_prefix(b",").unwrap_or(rest)).strip_prefix(b"\"")?;
        let end = string_end(rest)?;
        let value = trim(trim(&rest[end + 1..]).strip_prefix(b":")?);
        let length = value_length(value)?;
        self.0 = &value[length..];
        Some((&rest[..end], &value[..length]))
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_start()
}

/// How long the value is that `bytes` begin with: up to the comma or bracket that is not inside of it.
fn value_length(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => at += 1 + string_end(&bytes[at + 1..])?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&str> {
        Members::of(text.as_bytes()).map(|(key, _)| std::str::from_utf8(key).unwrap()).collect()
    }

    #[test]
    fn the_members_are_found_whatever_their_values_hold() {
        assert_eq!(
            keys(r#"{"a":{"metas":[{"b":1},{"c":"}\","}]},"d":[],"e":"x","f":1}"#),
            ["a", "d", "e", "f"]
        );
        assert_eq!(keys(r#" { "a" : 1 , "b" : { } } "#), ["a", "b"]);
    }

    #[test]
    fn the_values_are_those_of_their_keys() {
        let members: Vec<_> = Members::of(br#"{"joins":{"u1":{}},"leaves":{}}"#).collect();
        assert_eq!(members, [(&b"joins"[..], &br#"{"u1":{}}"#[..]), (&b"leaves"[..], &b"{}"[..])]);
    }

    #[test]
    fn what_is_no_object_has_none() {
        for text in ["", "[]", "null", "{", "{}", r#"{"a"#, r#"{"a":"#] {
            assert!(keys(text).is_empty(), "{text}");
        }
    }
}
