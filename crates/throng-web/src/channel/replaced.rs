//! The end of a channel whose topic another join took (§4.3).

use std::time::Duration;

use throng_runtime::{Exit, Node, ProcessId};

/// A channel that was told to give way, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replaced {
    pub(crate) process: ProcessId,
    pub(crate) grace: Duration,
}

impl Replaced {
    /// Waits until it has ended, and kills it if it takes too long.
    pub(super) async fn end(self, node: &Node) {
        if tokio::time::timeout(self.grace, node.wait(self.process)).await.is_err() {
            node.exit(self.process, Exit::Kill);
            node.wait(self.process).await;
        }
    }
}
