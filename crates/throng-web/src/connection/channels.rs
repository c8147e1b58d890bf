//! The channel processes of one connection, from their start to their end.

use std::time::Duration;

use throng_runtime::{Exit, Node};

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
    pub(super) fn close(&self) {
        for process in self.0.values() {
            process.hand(Inbound::Closed);
        }
    }

    /// Resolves when all have ended; those that take too long are killed, so that a callback that hangs outlives its
    /// client by no more than the grace.
    pub(super) async fn ended(&self, node: &Node, grace: Duration) {
        let all_ended = async {
            for process in self.0.values() {
                node.wait(process.id).await;
            }
        };
        if tokio::time::timeout(grace, all_ended).await.is_err() {
            for process in self.0.values() {
                node.exit(process.id, Exit::Kill);
            }
        }
    }
}

/// A connection that is killed takes no leave; its channels are told all the same.
impl Drop for Channels {
    fn drop(&mut self) {
        self.close();
    }
}
