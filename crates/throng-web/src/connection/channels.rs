//! The channel processes of one connection, from their start to their end.

use std::time::Duration;

use throng_runtime::{Exit, Node};
use tokio::time::Instant;

use crate::{
    channel::{ChannelProcess, Inbound},
    small_map::SmallMap,
    socket::ChannelId,
};

/// The living channels of a connection.
#[derive(Debug, Default)]
pub(super) struct Channels(SmallMap<ChannelId, ChannelProcess>);

impl Channels {
    pub(super) fn add(&mut self, id: ChannelId, process: ChannelProcess) {
        self.0.insert(id, process);
    }

    pub(super) fn remove(&mut self, id: ChannelId) {
        self.0.remove(&id);
    }

    pub(super) fn find(&self, id: ChannelId) -> Option<&ChannelProcess> {
        self.0.get(&id)
    }

    /// Hands something to a channel; lost if it is gone.
    pub(super) fn hand(&self, id: ChannelId, inbound: Inbound) {
        if let Some(process) = self.find(id) {
            process.hand(inbound);
        }
    }

    /// Tells every channel that its connection is over (§4.6); a second time they do not mind.
    pub(super) fn close(&self, is_drain: bool) {
        for process in self.0.values() {
            process.hand(Inbound::Closed { is_drain });
        }
    }

    /// Resolves when all have ended; those that take too long are killed, so that a callback that hangs outlives its
    /// client by no more than the grace, or its own type's.
    pub(super) async fn ended(&self, node: &Node, grace: Duration) {
        let began = Instant::now();
        let mut processes: Vec<_> =
            self.0.values().map(|process| (process.grace.unwrap_or(grace), process.id)).collect();
        processes.sort_unstable_by_key(|(grace, _)| *grace);
        for (grace, process) in processes {
            let left = grace.saturating_sub(began.elapsed());
            if tokio::time::timeout(left, node.wait(process)).await.is_err() {
                node.exit(process, Exit::Kill);
            }
        }
    }
}

/// A connection that is killed takes no leave; its channels are told all the same.
impl Drop for Channels {
    fn drop(&mut self) {
        self.close(false);
    }
}
