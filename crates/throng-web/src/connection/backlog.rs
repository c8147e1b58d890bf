//! What a connection's channels have been handed and not dealt with yet: the bound on queues that lie behind the network.

use std::sync::Arc;

use super::Outbox;
use crate::endpoint::Limits;

/// What an event costs in a mailbox beside its text.
const EVENT_OVERHEAD_BYTES: usize = 256;

/// One event of the client that a channel has not handled yet; dropping it says that it has.
#[derive(Debug)]
pub(crate) struct InFlight {
    outbox: Arc<Outbox>,
    bytes: usize,
}

impl InFlight {
    pub(crate) fn begin(outbox: &Arc<Outbox>, bytes: usize) -> InFlight {
        outbox.flight_began(bytes);
        InFlight { outbox: outbox.clone(), bytes }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.outbox.flight_ended(self.bytes);
    }
}

/// The events in flight of one connection: how many, how large, and how much of either there may be.
pub(super) struct Flights {
    events: usize,
    bytes: usize,
    events_max: usize,
    bytes_max: usize,
}

impl Flights {
    pub(super) fn new(limits: &Limits) -> Flights {
        let (events_max, bytes_max) = (limits.events_in_flight_max.max(1), limits.bytes_in_flight_max.max(1));
        Flights { events: 0, bytes: 0, events_max, bytes_max }
    }

    pub(super) fn begin(&mut self, bytes: usize) {
        self.events += 1;
        self.bytes += bytes + EVENT_OVERHEAD_BYTES;
    }

    pub(super) fn end(&mut self, bytes: usize) {
        self.events -= 1;
        self.bytes -= bytes + EVENT_OVERHEAD_BYTES;
    }

    pub(super) fn are_too_many(&self) -> bool {
        self.events >= self.events_max || self.bytes >= self.bytes_max
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

    fn outbox(change: impl FnOnce(&mut Limits)) -> Arc<Outbox> {
        Arc::new(Outbox::new(&Limits::default().with(change)))
    }

    #[test]
    fn events_in_flight_are_counted() {
        let outbox = outbox(|limits| limits.events_in_flight_max = 2);
        let one = InFlight::begin(&outbox, 0);
        assert!(!outbox.is_behind());
        let two = InFlight::begin(&outbox, 0);
        assert!(outbox.is_behind());
        drop((one, two));
        assert!(!outbox.is_behind());
    }

    #[test]
    fn so_are_their_bytes() {
        let outbox = outbox(|limits| limits.bytes_in_flight_max = 100_000);
        let one = InFlight::begin(&outbox, 99_000);
        assert!(!outbox.is_behind());
        let two = InFlight::begin(&outbox, 1_000);
        assert!(outbox.is_behind());
        drop(one);
        assert!(!outbox.is_behind());
        drop(two);
    }

    #[tokio::test]
    async fn the_reader_hears_of_the_step_back_under_the_bound_and_of_no_other() {
        use futures_util::FutureExt;
        let outbox = outbox(|limits| {
            limits.events_in_flight_max = 3;
            limits.bytes_in_flight_max = 10_000;
        });
        let mut flights: Vec<_> = [100, 100, 9_000].map(|bytes| InFlight::begin(&outbox, bytes)).into();
        // Too many, and too large: one step mends the one, the next the other.
        flights.push(InFlight::begin(&outbox, 1_000));
        for heard in [false, false, true] {
            drop(flights.remove(0));
            assert_eq!(outbox.news_ready().now_or_never().is_some(), heard);
        }
        drop(flights);
        assert!(outbox.news_ready().now_or_never().is_none());
    }

    #[test]
    fn a_channel_that_is_behind_with_broadcasts_ends_its_connection() {
        let outbox = outbox(|limits| limits.outbound_bytes_max = 1_000);
        let loans: Vec<_> = std::iter::from_fn(|| Loan::take(&outbox, 100)).collect();
        assert_eq!(loans.len(), 6, "each costs its bytes and an overhead");
        assert_eq!(outbox.next_news(), Err(CloseReason::SlowReader));
    }

    #[test]
    fn what_is_paid_back_can_be_lent_again() {
        let outbox = outbox(|limits| limits.outbound_bytes_max = 200);
        for _ in 0..10 {
            assert!(Loan::take(&outbox, 100).is_some());
        }
        assert_eq!(outbox.next_news(), Ok(None));
        assert_eq!(outbox.queued_bytes(), 0);
    }
}
