//! Running a tree until it ends or the operator says stop (L4, L6).

use std::{future::poll_fn, io, pin::pin, task::Poll};

use tokio::signal;

use crate::{
    child::IntoChild,
    error::StartError,
    exit::Exit,
    node::{Node, StopError},
    process,
};

impl Node {
    /// Starts a tree and runs it until it ends: the body of an application's `main`.
    ///
    /// SIGTERM or SIGINT (Ctrl-C) stop it in order: its supervisors stop their children in reverse, each within its own
    /// grace. A second signal stops waiting. While it runs, both signals are this function's.
    ///
    /// ```no_run
    /// # use throng_runtime::{Node, Supervisor};
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::new("shop");
    /// node.run(Supervisor::one_for_one("shop")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RunError`]: an application's exit code should not be zero then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future while the tree starts kills what was started; later it leaves the tree running.
    pub async fn run(&self, tree: impl IntoChild) -> Result<(), RunError> {
        let mut signals = Signals::listen().map_err(RunError::Signals)?;
        let started = unless_told_to_stop(&mut signals, self.start_monitor(tree)).await;
        let Some(started) = started else { return Ok(()) };
        let (root, ended) = started.map_err(RunError::Start)?;
        if let Some(reason) = unless_told_to_stop(&mut signals, ended).await {
            return ended_by_itself(reason);
        }
        tracing::info!(node = self.name(), "stopping in order; a second signal stops waiting");
        let stopped = process::stop(root.id(), Exit::Shutdown, None);
        match unless_told_to_stop(&mut signals, stopped).await {
            None => Err(RunError::Interrupted),
            // That it ended meanwhile is as good.
            Some(Ok(()) | Err(StopError::NoProcess(_))) => Ok(()),
            Some(Err(StopError::Exited(reason))) => ended_by_itself(reason),
            Some(Err(_)) => Err(RunError::Interrupted),
        }
    }
}

/// A supervisor that ends with `Shutdown` though nobody asked has given up (S18).
fn ended_by_itself(reason: Exit) -> Result<(), RunError> {
    match reason {
        Exit::Normal => Ok(()),
        reason => Err(RunError::Ended(reason)),
    }
}

/// Why running a tree came to a bad end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The tree did not start; what had started was stopped.
    #[error(transparent)]
    Start(StartError),
    /// The tree ended by itself. [`Exit::Shutdown`] is a supervisor that reached its limit of restarts.
    #[error("the tree ended by itself: {0}")]
    Ended(Exit),
    /// A second signal came before everything had stopped.
    #[error("told to stop twice: some processes did not stop in time")]
    Interrupted,
    /// The program cannot be told to stop.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] io::Error),
}

/// What `work` resolves to, or `None` when the operator says stop first.
async fn unless_told_to_stop<F: Future>(signals: &mut Signals, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut told = pin!(signals.next());
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => told.as_mut().poll(cx).map(|()| None),
    })
    .await
}

#[cfg(unix)]
struct Signals {
    terminate: signal::unix::Signal,
    interrupt: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        poll_fn(|cx| {
            let terminated = self.terminate.poll_recv(cx).is_ready();
            let interrupted = self.interrupt.poll_recv(cx).is_ready();
            if terminated || interrupted { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
