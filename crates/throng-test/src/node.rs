//! A node for one test.

use std::{
    any::type_name,
    ops::Deref,
    sync::{Mutex, PoisonError},
    thread,
};

use throng_runtime::{Exit, GenServer, IntoChild, Node, Pid, ProcessId, ProcessInfo, StopError};

use crate::{
    deadline::{DEFAULT_DEADLINE, within},
    probe::Recorder,
};

/// A node whose processes end with the test: [`finish`](TestNode::finish) stops its servers in order and finds what leaked; a
/// drop, as of a test that failed, kills what is left.
///
/// It is a [`Node`] for everything else.
///
/// ```
/// # use throng_runtime::{DynamicSupervisor, Supervisor};
/// # use throng_test::TestNode;
/// // #[tokio::test]
/// # #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     let node = TestNode::new();
///     let rooms = node.supervise(DynamicSupervisor::new("rooms")).await;
///     assert!(node.is_alive(rooms));
///     node.finish().await;
/// }
/// ```
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
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done kills the server that was being started.
    pub async fn supervise<S: GenServer>(&self, child: impl IntoChild<Server = S>) -> Pid<S> {
        let started = self.node.start(child).await;
        let pid = started.unwrap_or_else(|error| panic!("a server of the test did not start: {error}"));
        self.lock().push(pid.id());
        pid
    }

    /// Stops a server that [`supervise`](TestNode::supervise) started, before the test ends.
    ///
    /// # Panics
    ///
    /// As [`finish`](TestNode::finish).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the wait, not the stop; [`finish`](TestNode::finish) then waits for it.
    pub async fn stop_supervised(&self, process: impl Into<ProcessId>) {
        let process = process.into();
        match self.node.stop(process, Exit::Shutdown, Some(DEFAULT_DEADLINE)).await {
            Ok(()) | Err(StopError::NoProcess(_)) => self.lock().retain(|started| *started != process),
            Err(error) => panic!("{process} did not stop with the test: {error}"),
        }
    }

    /// Stops what [`supervise`](TestNode::supervise) started and is still there, the newest first, each by a shutdown that it
    /// answers in its own way. Then nothing may be left on the node but probes (X9): whoever started it forgot to stop it.
    ///
    /// # Panics
    ///
    /// When one does not stop within [`DEFAULT_DEADLINE`], or ends by something else than the shutdown; when other processes do
    /// not end by themselves in that time, with what they are.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills what is left, as a drop of the node does.
    pub async fn finish(self) {
        loop {
            let newest = self.lock().last().copied();
            let Some(process) = newest else { break };
            self.stop_supervised(process).await;
        }
        // What was told to end may be about to.
        let ended = within(DEFAULT_DEADLINE, async {
            // One that ends may have started another.
            while let Some(leaked) = self.leaked().first() {
                self.node.wait(leaked.id).await;
            }
        });
        let in_time = ended.await.is_some();
        assert!(in_time, "the test leaves processes behind:{}", listed(&self.leaked()));
    }

    /// What runs and is no probe.
    fn leaked(&self) -> Vec<ProcessInfo> {
        let infos = self.node.processes().filter_map(|process| self.node.process_info(process));
        infos.filter(|info| info.initial_call != type_name::<Recorder>()).collect()
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
        self.lock().drain(..).rev().for_each(|process| self.node.exit(process, Exit::Kill));
        self.leaked().into_iter().for_each(|process| self.node.exit(process.id, Exit::Kill));
    }
}

/// Each in a line: who, what, and what it is called.
fn listed(processes: &[ProcessInfo]) -> String {
    let line = |info: &ProcessInfo| {
        let name = info.name.as_deref().or(info.label.as_deref());
        let name = name.map_or_else(String::new, |name| format!(" {name:?}"));
        format!("\n  {}{name} ({}, {:?})", info.id, info.initial_call, info.status)
    };
    processes.iter().map(line).collect()
}
