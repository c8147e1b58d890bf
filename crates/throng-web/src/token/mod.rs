//! Signed tokens, byte for byte those of Phoenix.Token (§11): a page gets one from any application that knows the
//! secret, Elixir or Rust, and a socket verifies who it is from.
//!
//! Signed, not encrypted: a token's bearer can read it. Keys are derived per salt, compared in constant time, and several
//! secrets may be active at once so that they can be rotated.

mod etf;
mod keys;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use self::etf::Term;
use self::keys::Secret;

/// "HS256" in base64url: the only digest that is accepted.
const PROTECTED: &str = "SFMyNTY";
/// Phoenix' default age, in seconds, for tokens that carry none.
const DEFAULT_MAX_AGE: i64 = 86_400;
/// Tokens travel in query strings; longer ones are nobody's.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Signs tokens with the newest of its secrets and verifies them with all.
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
}

impl Tokens {
    /// Signs and verifies with this secret key base.
    ///
    /// # Errors
    ///
    /// When the secret is shorter than 20 bytes.
    pub fn new(secret_key_base: impl AsRef<[u8]>) -> Result<Tokens, WeakSecret> {
        Ok(Tokens { newest: Secret::new(secret_key_base.as_ref()).ok_or(WeakSecret)?, older: Vec::new() })
    }

    /// Still accepts tokens signed with an older secret.
    ///
    /// # Errors
    ///
    /// When the secret is shorter than 20 bytes.
    pub fn or_older(mut self, secret_key_base: impl AsRef<[u8]>) -> Result<Tokens, WeakSecret> {
        self.older.push(Secret::new(secret_key_base.as_ref()).ok_or(WeakSecret)?);
        Ok(self)
    }

    /// Signs data under a salt, valid for a day unless whoever verifies it says otherwise.
    ///
    /// # Errors
    ///
    /// [`SignError`] for data that nobody could read out of the token.
    pub fn sign(&self, salt: &str, data: impl Into<Term>) -> Result<String, SignError> {
        self.sign_at(salt, data, SystemTime::now())
    }

    /// Signs as if at another time.
    ///
    /// # Errors
    ///
    /// As [`Tokens::sign`].
    pub fn sign_at(&self, salt: &str, data: impl Into<Term>, at: SystemTime) -> Result<String, SignError> {
        let content =
            Term::Tuple(vec![data.into(), Term::Integer(millis(at)), Term::Integer(DEFAULT_MAX_AGE)]);
        let content = etf::encode(&content).ok_or(SignError::Unencodable)?;
        let signed = format!("{PROTECTED}.{}", BASE64.encode(content));
        let signature = mac(&self.newest, salt, &signed).finalize().into_bytes();
        let token = format!("{signed}.{}", BASE64.encode(signature));
        if token.len() > TOKEN_BYTES_MAX { Err(SignError::TooLong) } else { Ok(token) }
    }

    /// The data of a token, if it was signed under this salt with one of the secrets and is not too old.
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
        let content = self.authentic_content(salt, token).ok_or(TokenError::Invalid)?;
        let (data, signed_at, own_max_age) = open(content).ok_or(TokenError::Invalid)?;
        if max_age.has_passed(signed_at, own_max_age, millis(now)) {
            Err(TokenError::Expired)
        } else {
            Ok(data)
        }
    }

    /// The term within a token whose signature holds.
    fn authentic_content(&self, salt: &str, token: &str) -> Option<Term> {
        let (signed, signature) = token.rsplit_once('.').filter(|_| token.len() <= TOKEN_BYTES_MAX)?;
        let (protected, content) = signed.split_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        let mut secrets = std::iter::once(&self.newest).chain(&self.older);
        let authentic = protected == PROTECTED
            && secrets.any(|secret| mac(secret, salt, signed).verify_slice(&signature).is_ok());
        authentic.then(|| BASE64.decode(content).ok()).flatten().and_then(|bytes| etf::decode(&bytes))
    }
}

/// How old a token may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaxAge {
    /// As old as whoever signed it allowed: a day, by default.
    FromToken,
    /// At most this old; zero accepts nothing.
    At(Duration),
    /// Any age.
    Infinite,
}

impl MaxAge {
    fn has_passed(self, signed_at: i64, own_max_age: Option<i64>, now: i64) -> bool {
        let max_age = match self {
            MaxAge::Infinite => return false,
            MaxAge::FromToken => match own_max_age {
                Some(seconds) => i128::from(seconds) * 1000,
                None => return false,
            },
            MaxAge::At(age) => i128::try_from(age.as_millis()).unwrap_or(i128::MAX / 2),
        };
        max_age <= 0 || i128::from(signed_at) + max_age < i128::from(now)
    }
}

impl From<Duration> for MaxAge {
    fn from(age: Duration) -> MaxAge {
        MaxAge::At(age)
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
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Signed by us, but too long ago.
    #[error("token expired")]
    Expired,
    /// Not signed by us, under this salt.
    #[error("token invalid")]
    Invalid,
}

/// A secret key base that is too short to protect anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret key base must have at least 20 bytes")]
pub struct WeakSecret;

fn mac(secret: &Secret, salt: &str, signed: &str) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.key(salt).as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac
}

/// Data, signing time in milliseconds and maximum age in seconds, of the three forms that Phoenix wrote (§11.2).
fn open(content: Term) -> Option<(Term, i64, Option<i64>)> {
    match content {
        Term::Tuple(fields) => {
            let mut fields = fields.into_iter();
            let (data, signed_at, max_age) = (fields.next()?, fields.next()?.as_i64()?, fields.next());
            let max_age = match max_age {
                None => Some(DEFAULT_MAX_AGE),
                Some(term) if term.is_atom("infinity") => None,
                Some(term) => Some(term.as_i64()?),
            };
            fields.next().is_none().then_some((data, signed_at, max_age))
        }
        map @ Term::Map(_) => {
            Some((map.get("data")?.clone(), map.get("signed")?.as_i64()?, Some(DEFAULT_MAX_AGE)))
        }
        _ => None,
    }
}

fn millis(time: SystemTime) -> i64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
