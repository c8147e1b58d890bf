//! Tokens, byte for byte those of Phoenix.Token (§11): a page gets one from any application that knows the secret, Elixir
//! or Rust, and a socket verifies who it is from.
//!
//! ```text
//!   signed      SFMyNTY . base64(content) . base64(HMAC(key, what stands before it))     its bearer can read it
//!   encrypted   XCP . base64(nonce, tag, XChaCha20(content))                             nobody else can
//!               content = (data, signed at in ms, maximum age in s)      key = PBKDF2(secret, salt)
//! ```
//!
//! Keys are derived once per salt, compared in constant time, and several secrets may be active at once so that they can be
//! rotated.

mod content;
mod digest;
mod encrypted;
mod etf;
mod keys;
mod signed;

use std::time::SystemTime;

#[cfg(test)]
pub(crate) use self::digest::VERIFIED;
use self::{content::Content, keys::Secret};
pub use self::{
    content::{MaxAge, TokenData, Validity},
    digest::Digest,
    etf::Term,
};

/// Tokens travel in query strings; longer ones are nobody's.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Signs tokens with the newest of its secrets and verifies them with all; encrypts and decrypts them as well.
///
/// ```
/// use throng_web::{MaxAge, Tokens};
///
/// let tokens = Tokens::new("a secret key base of at least twenty bytes")?;
/// let token = tokens.sign("user socket", "ada")?;
/// let data = tokens.verify("user socket", &token, MaxAge::FromToken)?;
/// assert_eq!(data.as_str(), Some("ada"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Tokens {
    newest: Secret,
    older: Vec<Secret>,
    signing: Digest,
}

impl Tokens {
    /// Signs and verifies with this secret key base.
    ///
    /// # Errors
    ///
    /// When the secret is shorter than 20 bytes.
    pub fn new(secret_key_base: impl AsRef<[u8]>) -> Result<Tokens, WeakSecret> {
        let newest = Secret::new(secret_key_base.as_ref()).ok_or(WeakSecret)?;
        Ok(Tokens { newest, older: Vec::new(), signing: Digest::Sha256 })
    }

    /// Still accepts tokens of an older secret.
    ///
    /// # Errors
    ///
    /// When the secret is shorter than 20 bytes.
    pub fn or_older(mut self, secret_key_base: impl AsRef<[u8]>) -> Result<Tokens, WeakSecret> {
        let secret = Secret::new(secret_key_base.as_ref()).ok_or(WeakSecret)?;
        self.older.push(secret.with_digest(self.newest.digest()));
        Ok(self)
    }

    /// Derives keys with this digest instead of SHA-256: Phoenix' `key_digest` (§11.1).
    #[must_use]
    pub fn key_digest(mut self, digest: Digest) -> Tokens {
        self.newest = self.newest.with_digest(digest);
        self.older = self.older.into_iter().map(|secret| secret.with_digest(digest)).collect();
        self
    }

    /// Signs with this digest instead of SHA-256. Tokens signed with any of them are verified (§11.3).
    #[must_use]
    pub fn signing_digest(mut self, digest: Digest) -> Tokens {
        self.signing = digest;
        self
    }

    /// Signs data under a salt, valid for a day unless whoever verifies it says otherwise. Who has the token can read it.
    ///
    /// # Errors
    ///
    /// [`SignError`] for data that nobody could read out of the token.
    pub fn sign(&self, salt: &str, data: impl Into<Term>) -> Result<String, SignError> {
        self.sign_for(salt, data, Validity::default())
    }

    /// Signs as if at another time.
    ///
    /// # Errors
    ///
    /// As [`Tokens::sign`].
    pub fn sign_at(&self, salt: &str, data: impl Into<Term>, at: SystemTime) -> Result<String, SignError> {
        self.sign_for(salt, data, Validity::from(at))
    }

    /// Signs for some time.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use throng_web::{MaxAge, Tokens, Validity};
    /// # let tokens = Tokens::new("a secret key base of at least twenty bytes")?;
    /// let hour = Validity::lasting(Duration::from_secs(3600));
    /// let token = tokens.sign_for("user socket", "ada", hour)?;
    /// let opened = tokens.open("user socket", &token, MaxAge::FromToken)?;
    /// assert_eq!(opened.expires_at, Some(opened.signed_at + Duration::from_secs(3600)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Tokens::sign`].
    pub fn sign_for(
        &self,
        salt: &str,
        data: impl Into<Term>,
        validity: Validity,
    ) -> Result<String, SignError> {
        let content = Content::new(data.into(), validity).encode().ok_or(SignError::Unencodable)?;
        bounded(signed::sign(&self.newest.key(salt), self.signing, &content))
    }

    /// Encrypts data under a salt, valid for a day unless whoever decrypts it says otherwise (§11.4).
    ///
    /// # Errors
    ///
    /// As [`Tokens::sign`].
    pub fn encrypt(&self, salt: &str, data: impl Into<Term>) -> Result<String, SignError> {
        self.encrypt_for(salt, data, Validity::default())
    }

    /// Encrypts for some time.
    ///
    /// # Errors
    ///
    /// As [`Tokens::sign`].
    pub fn encrypt_for(
        &self,
        salt: &str,
        data: impl Into<Term>,
        validity: Validity,
    ) -> Result<String, SignError> {
        let content = Content::new(data.into(), validity).encode().ok_or(SignError::Unencodable)?;
        bounded(encrypted::encrypt(&self.newest.key(salt), content).ok_or(SignError::NoRandomness)?)
    }

    /// The data of a signed token, if it was signed under this salt with one of the secrets and is not too old.
    ///
    /// # Errors
    ///
    /// [`TokenError::Expired`] for a token that was good once, [`TokenError::Invalid`] for any other text.
    pub fn verify(&self, salt: &str, token: &str, max_age: MaxAge) -> Result<Term, TokenError> {
        self.verify_at(salt, token, max_age, SystemTime::now())
    }

    /// Verifies as if at another time.
    ///
    /// # Errors
    ///
    /// As [`Tokens::verify`].
    pub fn verify_at(
        &self,
        salt: &str,
        token: &str,
        max_age: MaxAge,
        now: SystemTime,
    ) -> Result<Term, TokenError> {
        self.open_at(salt, token, max_age, now).map(|opened| opened.data)
    }

    /// As [`Tokens::verify`], with when it was signed and when it expires.
    ///
    /// # Errors
    ///
    /// As [`Tokens::verify`].
    pub fn open(&self, salt: &str, token: &str, max_age: MaxAge) -> Result<TokenData, TokenError> {
        self.open_at(salt, token, max_age, SystemTime::now())
    }

    /// Opens as if at another time.
    ///
    /// # Errors
    ///
    /// As [`Tokens::verify`].
    pub fn open_at(
        &self,
        salt: &str,
        token: &str,
        max_age: MaxAge,
        now: SystemTime,
    ) -> Result<TokenData, TokenError> {
        let content = self.find(token, |secret| signed::verify(&secret.key(salt), token));
        content?.open(max_age, now)
    }

    /// The data of an encrypted token (§11.4).
    ///
    /// # Errors
    ///
    /// As [`Tokens::verify`].
    pub fn decrypt(&self, salt: &str, token: &str, max_age: MaxAge) -> Result<Term, TokenError> {
        self.decrypt_at(salt, token, max_age, SystemTime::now())
    }

    /// Decrypts as if at another time.
    ///
    /// # Errors
    ///
    /// As [`Tokens::verify`].
    pub fn decrypt_at(
        &self,
        salt: &str,
        token: &str,
        max_age: MaxAge,
        now: SystemTime,
    ) -> Result<Term, TokenError> {
        let content = self.find(token, |secret| encrypted::decrypt(&secret.key(salt), token));
        content?.open(max_age, now).map(|opened| opened.data)
    }

    /// Whether a text could be a signed token that lives: its form and what it says of its age. No key is used, so it costs
    /// next to nothing, and proves nothing (§18.9).
    pub(crate) fn glance(token: &str, max_age: MaxAge, now: SystemTime) -> Result<(), TokenError> {
        let content = if token.len() <= TOKEN_BYTES_MAX { signed::unverified(token) } else { None };
        let content = content.as_deref().and_then(Content::decode).ok_or(TokenError::Invalid)?;
        content.open(max_age, now).map(drop)
    }

    /// The content that one of the secrets vouches for, the newest first.
    fn find(&self, token: &str, read: impl Fn(&Secret) -> Option<Vec<u8>>) -> Result<Content, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let content = std::iter::once(&self.newest).chain(&self.older).find_map(read);
        content.as_deref().and_then(Content::decode).ok_or(TokenError::Invalid)
    }
}

/// Why data cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// It nests too deeply, or holds a tuple of more than 255 items or an atom of more than 255 characters.
    #[error("the data nests too deeply, or a tuple or an atom in it is too long")]
    Unencodable,
    /// The token would be longer than the eight KiB that are accepted.
    #[error("the token would be longer than 8 KiB")]
    TooLong,
    /// The system gave no random bytes, without which nothing is encrypted.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Ours, but too long ago.
    #[error("token expired")]
    Expired,
    /// Not ours, under this salt.
    #[error("token invalid")]
    Invalid,
}

/// A secret key base that is too short to protect anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret key base must have at least 20 bytes")]
pub struct WeakSecret;

/// A token that would be accepted.
fn bounded(token: String) -> Result<String, SignError> {
    if token.len() > TOKEN_BYTES_MAX { Err(SignError::TooLong) } else { Ok(token) }
}

#[cfg(test)]
mod tests;
