//! What a token says, and for how long (§11.2, §11.5).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{TokenError, etf, etf::Term};

/// Phoenix' default age, in seconds, for tokens that carry none.
const DEFAULT_MAX_AGE: i64 = 86_400;

/// What a token says, which somebody vouched for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenData {
    /// The data that was signed.
    pub data: Term,
    /// When.
    pub signed_at: SystemTime,
    /// When it will no longer be accepted; never, if none.
    pub expires_at: Option<SystemTime>,
}

/// From when on a token is valid, and for how long: from now on for a day, unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    from: SystemTime,
    max_age: Option<Duration>,
}

impl Validity {
    /// From now on for so long; whole seconds count (§11.2).
    pub fn lasting(max_age: Duration) -> Validity {
        Validity { from: SystemTime::now(), max_age: Some(max_age) }
    }

    /// From now on and for ever, unless whoever verifies it says otherwise.
    pub fn forever() -> Validity {
        Validity { from: SystemTime::now(), max_age: None }
    }

    /// From another time on.
    #[must_use]
    pub fn from_time(self, from: SystemTime) -> Validity {
        Validity { from, ..self }
    }
}

impl Default for Validity {
    fn default() -> Validity {
        Validity::lasting(Duration::from_secs(DEFAULT_MAX_AGE.unsigned_abs()))
    }
}

/// A day from this time on.
impl From<SystemTime> for Validity {
    fn from(from: SystemTime) -> Validity {
        Validity::default().from_time(from)
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

impl From<Duration> for MaxAge {
    fn from(age: Duration) -> MaxAge {
        MaxAge::At(age)
    }
}

/// The term within a token, read.
#[derive(Debug)]
pub(super) struct Content {
    data: Term,
    /// In milliseconds since the epoch.
    signed_at: i64,
    /// In seconds; any age, if none.
    max_age: Option<i64>,
}

impl Content {
    pub(super) fn new(data: Term, validity: Validity) -> Content {
        let seconds = |age: Duration| i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        Content { data, signed_at: millis(validity.from), max_age: validity.max_age.map(seconds) }
    }

    pub(super) fn encode(self) -> Option<Vec<u8>> {
        let max_age = self.max_age.map_or_else(|| Term::Atom("infinity".to_owned()), Term::Integer);
        etf::encode(&Term::Tuple(vec![self.data, Term::Integer(self.signed_at), max_age]))
    }

    /// Reads the three forms that Phoenix wrote.
    pub(super) fn decode(bytes: &[u8]) -> Option<Content> {
        match etf::decode(bytes)? {
            Term::Tuple(fields) => Content::from_fields(fields),
            map @ Term::Map(_) => {
                let (data, signed_at) = (map.get("data")?.clone(), map.get("signed")?.as_i64()?);
                Some(Content { data, signed_at, max_age: Some(DEFAULT_MAX_AGE) })
            }
            _ => None,
        }
    }

    fn from_fields(fields: Vec<Term>) -> Option<Content> {
        let mut fields = fields.into_iter();
        let (data, signed_at) = (fields.next()?, fields.next()?.as_i64()?);
        let max_age = match fields.next() {
            None => Some(DEFAULT_MAX_AGE),
            Some(term) if term.is_atom("infinity") => None,
            Some(term) => Some(term.as_i64()?),
        };
        fields.next().is_none().then_some(Content { data, signed_at, max_age })
    }

    /// The data, if it is not too old.
    pub(super) fn open(self, max_age: MaxAge, now: SystemTime) -> Result<TokenData, TokenError> {
        let max_age = match max_age {
            MaxAge::Infinite => None,
            MaxAge::FromToken => self.max_age.map(|seconds| i128::from(seconds) * 1000),
            MaxAge::At(age) => Some(i128::try_from(age.as_millis()).unwrap_or(i128::MAX / 2)),
        };
        let last = max_age.map(|age| i128::from(self.signed_at) + age);
        let is_young =
            max_age.is_none_or(|age| age > 0) && last.is_none_or(|last| last >= i128::from(millis(now)));
        if !is_young {
            return Err(TokenError::Expired);
        }
        // A time beyond what the clock can tell is as good as never.
        let expires_at = last.and_then(|last| time(u64::try_from(last).ok()?));
        let signed_at = u64::try_from(self.signed_at).ok().and_then(time).unwrap_or(UNIX_EPOCH);
        Ok(TokenData { data: self.data, signed_at, expires_at })
    }
}

fn millis(time: SystemTime) -> i64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

fn time(millis: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}
