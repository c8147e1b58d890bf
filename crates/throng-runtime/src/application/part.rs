//! One application: how its start and its stop are carried out.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{
    erased::{Boxed, Erased},
    error::ApplicationError,
};
use crate::{error::StartError, exit::Exit, node::Node, pid::ProcessId, process, timer};

/// An application whose tree runs.
pub(super) struct Part {
    pub(super) application: Arc<dyn Erased>,
    top: ProcessId,
    /// Resolves when the tree is gone; then it is there no more.
    ended: Option<Boxed<Exit>>,
}

impl Part {
    /// Makes the tree and starts it.
    pub(super) async fn start(application: Arc<dyn Erased>, node: &Node) -> Result<Self, ApplicationError> {
        let made = contained(node, application.clone().start(node.clone())).await;
        let started = match made.flatten() {
            Ok(tree) => tree(node.clone()).await,
            Err(reason) => Err(StartError::Exited(reason)),
        };
        match started {
            Ok((top, ended)) => Ok(Self { application, top, ended: Some(ended) }),
            Err(reason) => Err(ApplicationError::Start { name: application.name().to_owned(), reason }),
        }
    }

    /// Does what comes when the tree is up (L2).
    pub(super) async fn run_phases(
        application: &Arc<dyn Erased>,
        node: &Node,
    ) -> Result<(), ApplicationError> {
        for phase in application.phases() {
            let done = contained(node, application.clone().start_phase((*phase).to_owned(), node.clone()));
            done.await.flatten().map_err(|reason| ApplicationError::Phase {
                name: application.name().to_owned(),
                phase: (*phase).to_owned(),
                reason,
            })?;
        }
        Ok(())
    }

    /// Ready when the tree is gone.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        let Some(ended) = &mut self.ended else { return Poll::Ready(Exit::NoProcess) };
        let polled = ended.as_mut().poll(cx);
        if polled.is_ready() {
            self.ended = None;
        }
        polled
    }

    /// Stops it: each of the three steps may take as long as `limit`, then it is killed (L4).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may be called again, and begins anew.
    pub(super) async fn stop(&mut self, node: &Node, limit: Option<Duration>) {
        step(&*self.application, "prep_stop", self.application.clone().prep_stop(node.clone()), node, limit)
            .await;
        process::request_shutdown(self.top, Exit::Shutdown);
        if within(limit, poll_fn(|cx| self.poll_end(cx))).await.is_none() {
            tracing::error!(
                application = self.application.name(),
                "its tree did not stop in time and is killed"
            );
            process::request_exit(None, self.top, Exit::Kill);
            poll_fn(|cx| self.poll_end(cx)).await;
        }
        self.clean_up(node, limit).await;
    }

    /// Runs what comes when the tree is gone.
    pub(super) async fn clean_up(&self, node: &Node, limit: Option<Duration>) {
        step(&*self.application, "stop", self.application.clone().stop(node.clone()), node, limit).await;
    }
}

/// A step of a stop: however it fails, the next one comes.
async fn step(application: &dyn Erased, name: &str, work: Boxed<()>, node: &Node, limit: Option<Duration>) {
    let reason = match within(limit, contained(node, work)).await {
        Some(Ok(())) => return,
        Some(Err(reason)) => reason,
        None => Exit::Timeout,
    };
    tracing::error!(application = application.name(), step = name, %reason, "a step of its stop failed");
}

async fn within<F: Future>(limit: Option<Duration>, work: F) -> Option<F::Output> {
    match limit {
        Some(limit) => timer::within(limit, work).await,
        None => Some(work.await),
    }
}

/// Runs a piece of an application in a process of its own: its panic is an error. Dropped, it is killed.
async fn contained<T: Send + 'static>(node: &Node, work: Boxed<T>) -> Result<T, Exit> {
    struct KillOnDrop(ProcessId);
    impl Drop for KillOnDrop {
        fn drop(&mut self) {
            // One that is gone needs no killing.
            process::request_exit(None, self.0, Exit::Kill);
        }
    }
    let task = node.task(work);
    let _kill = KillOnDrop(task.id());
    task.await
}
