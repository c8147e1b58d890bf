//! Parting with all clients in order (§16.2).
//!
//! ```text
//!   nobody is let in ──► notice ──► batch ─► interval ─► batch … ──► the last have ended
//!   (readiness 503)                 closed with 1012 and when to come back
//! ```

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use super::{Drain, Shared};
use crate::{
    close::CloseReason,
    connection::Outbox,
    telemetry::{self, Event, SocketDrain},
};

/// Refuses new clients, closes the connections in paced batches with 1012, and waits for the last to end.
///
/// Clients come back at once, elsewhere: pacing the batches paces their return, and each is told another moment for it.
pub(super) async fn drain(shared: &Shared) {
    let connections = shared.connections.close();
    telemetry::draining(connections.len());
    if !connections.is_empty() {
        tokio::time::sleep(shared.drain.notice).await;
        hand_over(&connections, shared).await;
    }
    let all_ended = async {
        shared.connections.all_ended().await;
        shared.channels.all_ended().await;
    };
    // Whoever has not ended by then ends with the node.
    drop(tokio::time::timeout(shared.drain.patience, all_ended).await);
    telemetry::drained(shared.connections.count());
}

async fn hand_over(connections: &[Arc<Outbox>], shared: &Shared) {
    let Drain { batch_size, batch_interval: interval, retry_spread, .. } = shared.drain;
    let batches = connections.chunks(batch_size.max(1));
    let (total, rounds) = (connections.len(), batches.len());
    for (index, batch) in batches.enumerate() {
        if index > 0 {
            tokio::time::sleep(interval).await;
        }
        let drained = SocketDrain { count: batch.len(), total, index: index + 1, rounds, interval };
        shared.observers.tell(|_| Event::SocketDrain(drained));
        for outbox in batch {
            outbox.close(CloseReason::Restart { retry_in: some_of(retry_spread) });
        }
    }
}

/// A part of a time, in whole milliseconds, another at each call: the seed of a hash map is as good as dice here.
fn some_of(spread: Duration) -> Duration {
    let millis = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
    let dice = RandomState::new().hash_one(0);
    Duration::from_millis(if millis == 0 { 0 } else { 1 + dice % millis })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn c18_12_the_moments_to_come_back_are_spread() {
        let spread = Duration::from_millis(1000);
        let moments: HashSet<_> = (0..1000).map(|_| some_of(spread)).collect();
        assert!(moments.len() > 300, "of a thousand clients {} come at other moments", moments.len());
        assert!(moments.iter().all(|moment| *moment <= spread && !moment.is_zero()));
        assert_eq!(some_of(Duration::ZERO), Duration::ZERO);
    }
}
