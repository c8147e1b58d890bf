//! What a client has used of its quotas (§18.8).

use std::time::Duration;

use crate::{close::CloseReason, endpoint::Limits, rate::Gcra};

/// What a client has used of its quotas.
#[derive(Debug, Default)]
pub(super) struct Rates {
    messages: Gcra,
    joins: Gcra,
    refusals: Gcra,
}

/// Whether a message is within the quotas.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted,
    Refused { retry_after: Duration },
}

impl Rates {
    /// Counts a message. Refusals count as well: a client that does not heed them is closed.
    pub(super) fn admit(
        &mut self,
        is_join: bool,
        limits: &Limits,
        now: Duration,
    ) -> Result<Admission, CloseReason> {
        let taken = self
            .messages
            .take(&limits.message_rate, now)
            .and_then(|()| if is_join { self.joins.take(&limits.join_rate, now) } else { Ok(()) });
        match taken {
            Ok(()) => Ok(Admission::Admitted),
            Err(retry_after) => {
                self.refuse(limits, now)?;
                Ok(Admission::Refused { retry_after })
            }
        }
    }

    fn refuse(&mut self, limits: &Limits, now: Duration) -> Result<(), CloseReason> {
        let taken = self.refusals.take(&limits.message_rate, now);
        taken.map_err(|_| CloseReason::Policy("rate limit exceeded"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Quota;

    #[test]
    fn a_client_that_does_not_heed_refusals_is_closed() {
        let limits = Limits::default().with(|limits| {
            limits.message_rate = Quota::new(1, 3);
            limits.join_rate = Quota::new(1, 1);
        });
        let (mut rates, now) = (Rates::default(), Duration::ZERO);
        let second = Duration::from_secs(1);
        assert_eq!(rates.admit(true, &limits, now), Ok(Admission::Admitted));
        assert_eq!(rates.admit(true, &limits, now), Ok(Admission::Refused { retry_after: second }));
        assert_eq!(rates.admit(false, &limits, now), Ok(Admission::Admitted));
        for _ in 0..2 {
            assert_eq!(rates.admit(false, &limits, now), Ok(Admission::Refused { retry_after: second }));
        }
        assert_eq!(rates.admit(false, &limits, now), Err(CloseReason::Policy("rate limit exceeded")));
    }
}
