//! Tokens that are no longer to be trusted, though they have not expired.

use std::{collections::HashMap, fmt, sync::Arc, time::SystemTime};

use parking_lot::RwLock;

/// Subjects that are kept apart.
const SUBJECTS_MAX: usize = 10_000;

/// Whose tokens no longer open sockets; cloning gives another handle. Made by [`TokenGate::revocations`](super::TokenGate).
///
/// It holds for this node and for as long as it runs; sockets that are open stay open until
/// [`Endpoint::disconnect`](super::Endpoint::disconnect) ends them. Its size is bounded: beyond ten thousand subjects the
/// oldest revocation becomes one for everybody, which costs those who hold older tokens a login, and forgets nothing.
#[derive(Clone, Default)]
pub struct Revocations(Arc<RwLock<Revoked>>);

#[derive(Default)]
struct Revoked {
    /// Tokens of a subject that were signed before this time.
    subjects: HashMap<String, SystemTime>,
    /// Tokens of anybody that were signed before this time.
    everybody: Option<SystemTime>,
}

impl Revocations {
    /// Revokes the tokens that a subject has now.
    pub fn revoke(&self, subject: impl Into<String>) {
        self.revoke_before(subject, SystemTime::now());
    }

    /// Revokes the tokens of a subject that were signed before a time.
    pub fn revoke_before(&self, subject: impl Into<String>, time: SystemTime) {
        let mut revoked = self.0.write();
        let before = revoked.subjects.entry(subject.into()).or_insert(time);
        *before = time.max(*before);
        if revoked.subjects.len() > SUBJECTS_MAX {
            revoked.merge_oldest();
        }
    }

    /// Revokes the tokens of all that were signed before a time: after a secret became known, say.
    pub fn revoke_all_before(&self, time: SystemTime) {
        self.0.write().raise(time);
    }

    /// Whether a token is revoked.
    pub(super) fn covers(&self, subject: Option<&str>, signed_at: SystemTime) -> bool {
        let revoked = self.0.read();
        let of_subject = subject.and_then(|subject| revoked.subjects.get(subject));
        of_subject.max(revoked.everybody.as_ref()).is_some_and(|before| signed_at < *before)
    }
}

impl Revoked {
    /// Makes the older half a revocation for everybody; half of them, so that it is seldom done.
    fn merge_oldest(&mut self) {
        let mut times: Vec<_> = self.subjects.values().copied().collect();
        times.sort_unstable();
        self.raise(times[times.len() / 2]);
    }

    fn raise(&mut self, time: SystemTime) {
        self.everybody = self.everybody.max(Some(time));
        self.subjects.retain(|_, before| *before > time);
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("subjects", &self.0.read().subjects.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_revocation_covers_what_one_had_and_nothing_else() {
        let revocations = Revocations::default();
        revocations.revoke_before("ada", at(100));
        revocations.revoke_before("ada", at(50));
        assert!(revocations.covers(Some("ada"), at(99)));
        assert!(!revocations.covers(Some("ada"), at(100)));
        assert!(!revocations.covers(Some("bob"), at(1)));
        assert!(!revocations.covers(None, at(1)));
        revocations.revoke_all_before(at(10));
        assert!(revocations.covers(Some("bob"), at(9)) && revocations.covers(None, at(9)));
    }

    #[test]
    fn it_is_bounded_and_forgets_nothing() {
        let revocations = Revocations::default();
        let count = 3 * SUBJECTS_MAX as u64;
        for subject in 0..count {
            revocations.revoke_before(subject.to_string(), at(1000 + subject));
            assert!(revocations.0.read().subjects.len() <= SUBJECTS_MAX);
        }
        for subject in 0..count {
            assert!(revocations.covers(Some(&subject.to_string()), at(999 + subject)), "{subject}");
        }
    }
}
