//! A node for one test.

use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
    thread,
};

use throng_runtime::{Exit, GenServer, IntoChild, Node, Pid, ProcessId, StopError};

use crate::deadline::DEFAULT_DEADLINE;

/// A node whose servers end with the test: [`finish`](TestNode::finish) stops them in order, and a drop kills what is left.
///
/// It is a [`Node`] for everything else.
#[derive(Debug)]
pub struct TestNode {
    node: Node,
    /// In the order of their start.
    started: Mutex<Vec<ProcessId>>,
}

impl TestNode {
    /// A node, named after the running test.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub fn new() -> Self {
        let name = thread::current().name().unwrap_or("test").to_owned();
        Self { node: Node::new(name), started: Mutex::default() }
    }

    /// Starts a server that ends with the test.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn supervise<S: GenServer>(&self, child: impl IntoChild<Server = S>) -> Pid<S> {
        let started = self.node.start(child).await;
        let pid = started.unwrap_or_else(|error| panic!("a server of the test did not start: {error}"));
        self.lock().push(pid.id());
        pid
    }

    /// Stops what [`supervise`](TestNode::supervise) started and is still there, the newest first, each by a shutdown that it
    /// answers in its own way.
    ///
    /// # Panics
    ///
    /// When one does not stop within [`DEFAULT_DEADLINE`], or ends by something else than the shutdown.
    pub async fn finish(self) {
        let mut started = std::mem::take(&mut *self.lock());
        while let Some(process) = started.pop() {
            match self.node.stop(process, Exit::Shutdown, Some(DEFAULT_DEADLINE)).await {
                Ok(()) | Err(StopError::NoProcess(_)) => {}
                Err(error) => {
                    self.lock().append(&mut started);
                    self.lock().push(process);
                    panic!("{process} did not stop with the test: {error}");
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<ProcessId>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for TestNode {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for TestNode {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        for process in self.lock().drain(..).rev() {
            self.node.exit(process, Exit::Kill);
        }
    }
}
