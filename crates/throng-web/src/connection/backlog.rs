//! What a connection's channels have been handed and not dealt with yet: the bound on queues that lie behind the network.

use std::sync::Arc;

use super::Outbox;

/// One event of the client that a channel has not handled yet; dropping it says that it has.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Outbox>);

impl InFlight {
    pub(crate) fn begin(outbox: &Arc<Outbox>) -> InFlight {
        outbox.flight_began();
        InFlight(outbox.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.flight_ended();
    }
}

/// Bytes of a broadcast that waits in a channel's mailbox to be handled; they count as if they waited to be written.
#[derive(Debug)]
pub(crate) struct Loan {
    outbox: Arc<Outbox>,
    bytes: usize,
}

impl Loan {
    /// `None` where the client has too much waiting; that ends its connection.
    pub(crate) fn take(outbox: &Arc<Outbox>, bytes: usize) -> Option<Loan> {
        outbox.lend(bytes).then(|| Loan { outbox: outbox.clone(), bytes })
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.outbox.pay_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::CloseReason;

    #[test]
    fn events_in_flight_are_counted() {
        let outbox = Arc::new(Outbox::new(100, 2));
        let one = InFlight::begin(&outbox);
        assert!(!outbox.is_behind());
        let two = InFlight::begin(&outbox);
        assert!(outbox.is_behind());
        drop((one, two));
        assert!(!outbox.is_behind());
    }

    #[test]
    fn a_channel_that_is_behind_with_broadcasts_ends_its_connection() {
        let outbox = Arc::new(Outbox::new(1_000, 2));
        let loans: Vec<_> = std::iter::from_fn(|| Loan::take(&outbox, 100)).collect();
        assert_eq!(loans.len(), 6, "each costs its bytes and an overhead");
        assert_eq!(outbox.next_news(), Err(CloseReason::SlowReader));
    }

    #[test]
    fn what_is_paid_back_can_be_lent_again() {
        let outbox = Arc::new(Outbox::new(200, 2));
        for _ in 0..10 {
            assert!(Loan::take(&outbox, 100).is_some());
        }
        assert_eq!(outbox.next_news(), Ok(None));
    }
}
