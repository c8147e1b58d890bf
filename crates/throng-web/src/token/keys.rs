//! Keys derived from a secret, one per salt (§11.1).

use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::RwLock;

use super::digest::Digest;

/// A derived key; a type of its own so that it is never printed.
pub(super) struct Key([u8; 32]);

const ITERATIONS: u32 = 1000;
/// Salts are constants of the application; a number beyond this one means that they are not, and keys stop being kept.
const CACHED_SALTS_MAX: usize = 64;
const SECRET_BYTES_MIN: usize = 20;

/// A secret key base and the keys derived from it so far.
pub(super) struct Secret {
    base: Box<[u8]>,
    digest: Digest,
    keys: RwLock<HashMap<Box<str>, Arc<Key>>>,
}

impl Secret {
    /// `None` if the secret is too short to be one.
    pub(super) fn new(base: &[u8]) -> Option<Secret> {
        let long_enough = base.len() >= SECRET_BYTES_MIN;
        long_enough.then(|| Secret { base: base.into(), digest: Digest::default(), keys: RwLock::default() })
    }

    /// The same secret, whose keys are derived with another digest.
    pub(super) fn with_digest(self, digest: Digest) -> Secret {
        Secret { digest, keys: RwLock::default(), ..self }
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    /// The key for a salt: derived at first, which takes about a millisecond, and remembered.
    pub(super) fn key(&self, salt: &str) -> Arc<Key> {
        if let Some(key) = self.keys.read().get(salt) {
            return key.clone();
        }
        let key = Arc::new(Key(self.digest.derive(&self.base, salt.as_bytes(), ITERATIONS)));
        let mut keys = self.keys.write();
        if keys.len() < CACHED_SALTS_MAX {
            keys.insert(salt.into(), key.clone());
        }
        key
    }
}

impl Key {
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c11_6_the_derived_key_is_the_one_measured() {
        let secret = Secret::new(&[b'k'; 64]).unwrap();
        let hex: String =
            secret.key("user socket").as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "201c99efb065df40156f52c884b8ebe300c91b45d33d848b29dc1e9964aee482");
    }

    #[test]
    fn c11_1_a_key_is_derived_once_and_the_cache_is_bounded() {
        let secret = Secret::new(&[b'k'; 20]).unwrap();
        assert!(Arc::ptr_eq(&secret.key("a"), &secret.key("a")));
        for salt in 0..CACHED_SALTS_MAX + 5 {
            secret.key(&salt.to_string());
        }
        assert_eq!(secret.keys.read().len(), CACHED_SALTS_MAX);
    }

    #[test]
    fn c11_1_a_short_secret_is_no_secret() {
        assert!(Secret::new(&[b'k'; 19]).is_none());
        assert_eq!(format!("{:?}", Secret::new(b"correct horse battery staple").unwrap()), "Secret(…)");
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new(&[b'k'; 20]).unwrap().key("salt")), "Key(…)");
    }
}
