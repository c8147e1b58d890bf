//! Parting with all clients in order (§16.2).

use super::Shared;
use crate::{close::CloseReason, telemetry};

/// Refuses new clients, closes the connections in paced batches with 1012, and waits for the last to end.
///
/// Clients come back at once, elsewhere: pacing the batches paces their return.
pub(super) async fn drain(shared: &Shared) {
    let connections = shared.connections.close();
    telemetry::draining(connections.len());
    for (index, batch) in connections.chunks(shared.drain.batch_size.max(1)).enumerate() {
        if index > 0 {
            tokio::time::sleep(shared.drain.batch_interval).await;
        }
        for outbox in batch {
            outbox.close(CloseReason::Restart);
        }
    }
    let all_ended = async {
        shared.connections.all_ended().await;
        shared.channels.all_ended().await;
    };
    // Whoever has not ended by then ends with the node.
    drop(tokio::time::timeout(shared.drain.patience, all_ended).await);
    telemetry::drained(shared.connections.count());
}
