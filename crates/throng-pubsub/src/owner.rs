//! The owner of a subscription or a presence.

use std::sync::Arc;

use throng_runtime::{Ctx, Node, OnExit, ProcessId};

/// The process to which a subscription or a presence belongs, and with which it ends: a process' own [`Ctx`], or what wraps one;
/// or [`OtherProcess`].
pub trait Owner {
    /// Which process it is.
    fn process(&self) -> ProcessId;

    /// Has `hook` run at the end of the process, before anybody is told; the same hook twice runs once.
    fn on_exit(&self, hook: Arc<dyn OnExit>);

    /// Whether the process may have ended before its hooks were all set. The running process has not.
    fn has_ended(&self) -> bool {
        false
    }
}

impl<S> Owner for Ctx<S> {
    fn process(&self) -> ProcessId {
        self.id()
    }

    fn on_exit(&self, hook: Arc<dyn OnExit>) {
        Ctx::on_exit(self, hook);
    }
}

/// A process as an owner, for somebody else to subscribe or track it (§12.2).
///
/// ```
/// # use throng_pubsub::{OtherProcess, Presence, PubSub};
/// # use throng_runtime::{Exit, Node};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (node, presence) = (Node::new("example"), Presence::new("lobby", &PubSub::new()));
/// let process = node.spawn(async |_| std::future::pending::<()>().await);
/// presence.track(&OtherProcess::new(&node, process), "room:1", "ann", serde_json::json!({}))?;
/// node.exit(process, Exit::Kill);
/// node.wait(process).await;
/// assert!(presence.list("room:1").is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct OtherProcess {
    node: Node,
    process: ProcessId,
}

impl OtherProcess {
    /// A process that runs on this node.
    #[must_use]
    pub fn new(node: &Node, process: impl Into<ProcessId>) -> Self {
        Self { node: node.clone(), process: process.into() }
    }
}

impl Owner for OtherProcess {
    fn process(&self) -> ProcessId {
        self.process
    }

    fn on_exit(&self, hook: Arc<dyn OnExit>) {
        // The caller asks afterwards whether the process has ended.
        let _ = self.node.on_exit(self.process, hook);
    }

    fn has_ended(&self) -> bool {
        !self.node.is_alive(self.process)
    }
}
