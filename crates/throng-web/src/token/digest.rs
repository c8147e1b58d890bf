//! The digests that keys and signatures are made with (§11.1, §11.3).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// A digest of the second family of secure hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256, Phoenix' default.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// The first part of a token that is signed with it: its name in base64url.
    pub(super) fn header(self) -> &'static str {
        match self {
            Digest::Sha256 => "SFMyNTY",
            Digest::Sha384 => "SFMzODQ",
            Digest::Sha512 => "SFM1MTI",
        }
    }

    pub(super) fn of_header(header: &str) -> Option<Digest> {
        [Digest::Sha256, Digest::Sha384, Digest::Sha512].into_iter().find(|digest| digest.header() == header)
    }

    /// A key of 32 bytes.
    pub(super) fn derive(self, secret: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
        match self {
            Digest::Sha256 => pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(secret, salt, iterations),
            Digest::Sha384 => pbkdf2::pbkdf2_hmac_array::<Sha384, 32>(secret, salt, iterations),
            Digest::Sha512 => pbkdf2::pbkdf2_hmac_array::<Sha512, 32>(secret, salt, iterations),
        }
    }

    /// The signature of a text.
    pub(super) fn sign(self, key: &[u8; 32], text: &str) -> Vec<u8> {
        match self {
            Digest::Sha256 => mac::<Hmac<Sha256>>(key, text).finalize().into_bytes().to_vec(),
            Digest::Sha384 => mac::<Hmac<Sha384>>(key, text).finalize().into_bytes().to_vec(),
            Digest::Sha512 => mac::<Hmac<Sha512>>(key, text).finalize().into_bytes().to_vec(),
        }
    }

    /// Whether it is the signature of the text; it takes as long for a good one as for a bad one.
    pub(super) fn verify(self, key: &[u8; 32], text: &str, signature: &[u8]) -> bool {
        #[cfg(test)]
        VERIFIED.with(|count| count.set(count.get() + 1));
        let verified = match self {
            Digest::Sha256 => mac::<Hmac<Sha256>>(key, text).verify_slice(signature),
            Digest::Sha384 => mac::<Hmac<Sha384>>(key, text).verify_slice(signature),
            Digest::Sha512 => mac::<Hmac<Sha512>>(key, text).verify_slice(signature),
        };
        verified.is_ok()
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8; 32], text: &str) -> M {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
thread_local! {
    /// How many signatures this thread has verified.
    pub(crate) static VERIFIED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
