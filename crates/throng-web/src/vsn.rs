//! Protocol version negotiation by the `vsn` parameter (§1.4).

use serde_json::Value;

use crate::protocol::Serializer;

/// What a client of another version is told.
pub(crate) const SPOKEN: &str =
    "this server speaks the versions 1.0 and 2.0 of the protocol: connect with ?vsn=2.0.0";

/// Why no serializer fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VersionError {
    #[error("vsn is not a version")]
    Invalid,
    #[error("vsn is not supported")]
    Unsupported,
}

/// The serializer of the version that the parameter names; a missing one means 1.0.0.
pub(crate) fn negotiate(vsn: Option<&Value>) -> Result<Serializer, VersionError> {
    let vsn = match vsn {
        None => "1.0.0",
        Some(Value::String(vsn)) => vsn,
        Some(_) => return Err(VersionError::Invalid),
    };
    match parse(vsn).ok_or(VersionError::Invalid)? {
        (1, 0, 0, true) | (2, 0, 0, true) => Err(VersionError::Unsupported),
        (1, 0, ..) => Ok(Serializer::V1),
        (2, 0, ..) => Ok(Serializer::V2),
        _ => Err(VersionError::Unsupported),
    }
}

/// Major, minor, patch, and whether it is a pre-release; a pre-release sorts before its release.
fn parse(vsn: &str) -> Option<(u64, u64, u64, bool)> {
    let (vsn, build) = split(vsn, '+');
    let (core, pre) = split(vsn, '-');
    let mut numbers = core.split('.').map(number);
    let version = (numbers.next()??, numbers.next()??, numbers.next()??, pre.is_some());
    let suffixes_are_sound = [build, pre].into_iter().flatten().all(|s| s.split('.').all(identifier));
    (numbers.next().is_none() && suffixes_are_sound).then_some(version)
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(head, tail)| (head, Some(tail)))
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let no_leading_zero = text == "0" || !text.starts_with('0');
    (digits && no_leading_zero).then(|| text.parse().ok()).flatten()
}

fn identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn c1_4_versions_choose_the_serializer() {
        let cases = [
            ("1.0.0", Ok(Serializer::V1)),
            ("1.0.7", Ok(Serializer::V1)),
            ("1.1.0", Err(VersionError::Unsupported)),
            ("2.0.0", Ok(Serializer::V2)),
            ("2.0.9", Ok(Serializer::V2)),
            ("2.0.0+build.5", Ok(Serializer::V2)),
            ("2.0.1-rc.1", Ok(Serializer::V2)),
            ("2.0.0-rc.1", Err(VersionError::Unsupported)),
            ("2.1.0", Err(VersionError::Unsupported)),
            ("3.0.0", Err(VersionError::Unsupported)),
            ("0.0.0", Err(VersionError::Unsupported)),
            ("2.0", Err(VersionError::Invalid)),
            ("2", Err(VersionError::Invalid)),
            ("2.0.0.0", Err(VersionError::Invalid)),
            ("02.0.0", Err(VersionError::Invalid)),
            ("2.0.x", Err(VersionError::Invalid)),
            ("2.0.0-", Err(VersionError::Invalid)),
            ("2.0.0-rc..1", Err(VersionError::Invalid)),
            (" 2.0.0", Err(VersionError::Invalid)),
            ("-2.0.0", Err(VersionError::Invalid)),
            ("2.0.99999999999999999999", Err(VersionError::Invalid)),
            ("abc", Err(VersionError::Invalid)),
            ("", Err(VersionError::Invalid)),
        ];
        for (vsn, expected) in cases {
            assert_eq!(negotiate(Some(&json!(vsn))), expected, "{vsn}");
        }
    }

    #[test]
    fn c1_4_a_missing_version_is_the_first_and_a_nested_one_is_refused() {
        assert_eq!(negotiate(None), Ok(Serializer::V1));
        assert_eq!(negotiate(Some(&json!(["2.0.0"]))), Err(VersionError::Invalid));
        assert_eq!(negotiate(Some(&json!({"a": "2.0.0"}))), Err(VersionError::Invalid));
    }
}
