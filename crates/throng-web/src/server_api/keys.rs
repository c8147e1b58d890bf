//! Who may ask: whoever knows one of the keys.

use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

const KEY_BYTES_MIN: usize = 20;

/// The keys, as digests: all of one length, so that comparing tells nothing of theirs.
#[derive(Clone)]
pub(super) struct Keys(Vec<[u8; 32]>);

/// A key that could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of the server API must have at least {KEY_BYTES_MIN} bytes")]
pub struct WeakKey;

impl Keys {
    pub(super) fn new(key: &[u8]) -> Result<Keys, WeakKey> {
        let mut keys = Keys(Vec::new());
        keys.add(key)?;
        Ok(keys)
    }

    pub(super) fn add(&mut self, key: &[u8]) -> Result<(), WeakKey> {
        if key.len() < KEY_BYTES_MIN {
            return Err(WeakKey);
        }
        self.0.push(Sha256::digest(key).into());
        Ok(())
    }

    /// Whether a request carries one of them. It takes as long for a good key as for a bad one.
    pub(super) fn know(&self, headers: &HeaderMap) -> bool {
        let header = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
        let Some((scheme, key)) = header.and_then(|header| header.split_at_checked(b"Bearer ".len())) else {
            return false;
        };
        let digest: [u8; 32] = Sha256::digest(key).into();
        let is_known = self.0.iter().fold(Choice::from(0), |known, key| known | key.ct_eq(&digest));
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(is_known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c18_11_a_key_is_known_by_its_bearer_alone() {
        let mut keys = Keys::new(b"twenty bytes, and one").unwrap();
        keys.add(b"another key, and longer").unwrap();
        let knows = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            keys.know(&headers)
        };
        assert!(knows("Bearer twenty bytes, and one") && knows("bearer another key, and longer"));
        for value in ["", "Bearer", "Bearer ", "twenty bytes, and one", "Basic twenty bytes, and one"] {
            assert!(!knows(value), "{value:?}");
        }
        for value in
            ["Bearer twenty bytes, and on", "Bearer twenty bytes, and one ", "Bearer  twenty bytes, and one"]
        {
            assert!(!knows(value), "{value:?}");
        }
        assert!(!keys.know(&HeaderMap::new()));
        assert_eq!(Keys::new(b"nineteen bytes long").err(), Some(WeakKey));
    }
}
