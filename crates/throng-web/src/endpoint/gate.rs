//! A gate that only live tokens pass: dead ones are turned away before a place is taken and the application is asked.
//!
//! ```text
//!   token ─► its form, what it says of its age ─► signature ─► revoked? ─► connect
//!            costs no key, so a flood of dead tokens costs little
//! ```

use std::{fmt, sync::Arc, time::SystemTime};

use super::{ConnectInfo, Refusal, Revocations};
use crate::token::{MaxAge, Term, TokenData, TokenError, Tokens};

type Subject = dyn Fn(&Term) -> Option<String> + Send + Sync;

/// Lets clients in by their signed tokens, for as long as the tokens live (§18.9).
///
/// The token is the one that phoenix.js sends as its `authToken`. What it says is [`ConnectInfo::token`]; when it expires,
/// the connection is closed with 4001, and phoenix.js comes back with what its `authToken` function returns then. Before
/// that the client is [told](crate::Limits::expiry_notice), and may push a new token to stay: the event `access_token` on
/// the topic `phoenix`.
///
/// ```
/// # use std::sync::Arc;
/// # use throng_web::{ConnectInfo, Refusal, SocketRouter, TokenGate, Tokens};
/// let tokens = Arc::new(Tokens::new("a secret key base of at least twenty bytes")?);
/// let gate = TokenGate::new(tokens, "user socket");
/// let revocations = gate.revocations();
///
/// let sockets = SocketRouter::new(async |info: ConnectInfo| {
///     let token = info.token.ok_or(Refusal::FORBIDDEN)?;
///     token.data.as_str().map(str::to_owned).ok_or(Refusal::FORBIDDEN)
/// })
/// .id(|user: &String| Some(format!("users_socket:{user}")))
/// .gate(gate);
///
/// // Later: no token that "ada" has today opens a socket any more.
/// revocations.revoke("ada");
/// # let _: SocketRouter<String> = sockets;
/// # Ok::<(), throng_web::WeakSecret>(())
/// ```
#[derive(Clone)]
#[must_use = "a gate is used by `SocketRouter::gate`"]
pub struct TokenGate {
    tokens: Arc<Tokens>,
    salt: Arc<str>,
    max_age: MaxAge,
    param: Option<Arc<str>>,
    is_optional: bool,
    subject: Arc<Subject>,
    revocations: Revocations,
}

/// Why a token does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeadToken {
    Missing,
    Expired,
    Invalid,
    Revoked,
}

impl TokenGate {
    /// Takes tokens that were signed under a salt.
    pub fn new(tokens: Arc<Tokens>, salt: &str) -> TokenGate {
        TokenGate {
            tokens,
            salt: salt.into(),
            max_age: MaxAge::FromToken,
            param: None,
            is_optional: false,
            subject: Arc::new(|data| data.as_str().map(str::to_owned)),
            revocations: Revocations::default(),
        }
    }

    /// How old a token may be, whatever whoever signed it allowed.
    pub fn max_age(mut self, max_age: MaxAge) -> TokenGate {
        self.max_age = max_age;
        self
    }

    /// Takes the token from this connect parameter as well, if there is no `authToken`. Logs of URLs show it, and `token` is
    /// a name that long-polling clients use themselves (§9.2).
    pub fn param(mut self, name: &str) -> TokenGate {
        self.param = Some(name.into());
        self
    }

    /// Lets clients without a token through as well; connect sees that they have none.
    pub fn optional(mut self) -> TokenGate {
        self.is_optional = true;
        self
    }

    /// Whom a token was signed for, by which it can be revoked; unless told otherwise, its data where that is a text.
    pub fn subject(mut self, subject: impl Fn(&Term) -> Option<String> + Send + Sync + 'static) -> TokenGate {
        self.subject = Arc::new(subject);
        self
    }

    /// A handle on what was revoked here.
    pub fn revocations(&self) -> Revocations {
        self.revocations.clone()
    }

    /// What the client's token says.
    pub(super) fn check(&self, info: &ConnectInfo, now: SystemTime) -> Result<Option<TokenData>, DeadToken> {
        let param = || self.param.as_ref().and_then(|name| info.params.text(name));
        match info.auth_token.as_deref().or_else(param) {
            Some(token) => self.verify(token, now).map(Some),
            None if self.is_optional => Ok(None),
            None => Err(DeadToken::Missing),
        }
    }

    /// What a token says, if it lives; the cheaper checks come first.
    pub(super) fn verify(&self, token: &str, now: SystemTime) -> Result<TokenData, DeadToken> {
        Tokens::glance(token, self.max_age, now)?;
        let data = self.tokens.open_at(&self.salt, token, self.max_age, now)?;
        let subject = (self.subject)(&data.data);
        if self.revocations.covers(subject.as_deref(), data.signed_at) {
            return Err(DeadToken::Revoked);
        }
        Ok(data)
    }
}

impl DeadToken {
    pub(super) fn refusal(self) -> Refusal {
        Refusal::because(match self {
            DeadToken::Missing => "token missing",
            DeadToken::Expired => "token expired",
            DeadToken::Invalid => "token invalid",
            DeadToken::Revoked => "token revoked",
        })
    }
}

impl From<TokenError> for DeadToken {
    fn from(error: TokenError) -> DeadToken {
        match error {
            TokenError::Expired => DeadToken::Expired,
            TokenError::Invalid => DeadToken::Invalid,
        }
    }
}

impl fmt::Debug for TokenGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenGate")
            .field("salt", &self.salt)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::{VERIFIED, Validity};

    const SALT: &str = "user socket";

    fn gate() -> TokenGate {
        TokenGate::new(Arc::new(Tokens::new([b'k'; 64]).unwrap()), SALT)
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn token(gate: &TokenGate, signed_at: SystemTime) -> String {
        let hour = Validity::lasting(Duration::from_secs(3600)).from_time(signed_at);
        gate.tokens.sign_for(SALT, "ada", hour).unwrap()
    }

    #[test]
    fn c18_9_a_flood_of_dead_tokens_costs_no_signature() {
        let gate = gate();
        let dead = token(&gate, now() - Duration::from_secs(7200));
        let alive = token(&gate, now());
        let verified = || VERIFIED.with(std::cell::Cell::get);
        let before = verified();
        for _ in 0..10_000 {
            assert_eq!(gate.verify(&dead, now()), Err(DeadToken::Expired));
            assert_eq!(gate.verify("no token", now()), Err(DeadToken::Invalid));
        }
        assert_eq!(verified() - before, 0);
        assert_eq!(gate.verify(&alive, now()).unwrap().data, "ada".into());
        assert_eq!(verified() - before, 1);
    }

    #[test]
    fn c18_9_a_revoked_token_does_not_pass_and_a_later_one_does() {
        let gate = gate();
        let (early, late) = (token(&gate, now() - Duration::from_secs(60)), token(&gate, now()));
        gate.revocations().revoke_before("ada", now());
        assert_eq!(gate.verify(&early, now()), Err(DeadToken::Revoked));
        assert!(gate.verify(&late, now()).is_ok());
    }
}
