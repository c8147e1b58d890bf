//! Running a program until it ends or the operator says stop (L4, L6).

use std::{fmt, io};

use super::{ApplicationError, Applications, operator::Operator};
use crate::{child::IntoChild, exit::Exit, node::Node};

impl Node {
    /// Starts a tree and runs it until it ends: the body of a program's `main`. The tree is an application of its own, called as
    /// the node is; a program of several runs [`Applications`].
    ///
    /// SIGTERM or SIGINT (Ctrl-C) stop it in order: its supervisors stop their children in reverse, each within its own
    /// grace. A second signal stops waiting. SIGUSR1 has what runs written to a file, whose path is logged, and goes on. While it
    /// runs, these signals are this function's.
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
    /// [`RunError`]: the program's exit code should not be zero then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future while the tree starts kills what was started; later it leaves the tree running.
    pub async fn run(&self, tree: impl IntoChild) -> Result<(), RunError> {
        Applications::alone(self, tree.into_child()).run().await
    }
}

impl Applications {
    /// Starts all of them and runs them until one ends that is not to be missed (L3), or the operator says stop: the body of a
    /// program's `main`. They stop in the reverse of their order (L4); signals as for [`Node::run`].
    ///
    /// ```no_run
    /// # use throng_runtime::{Application, Applications, ChildSpec, Exit, Node, Supervisor};
    /// # struct Shop;
    /// # impl Application for Shop {
    /// #     fn name(&self) -> &str { "shop" }
    /// #     async fn start(&self, _: &Node) -> Result<ChildSpec<Supervisor>, Exit> { Ok(Supervisor::one_for_one("shop")) }
    /// # }
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// Applications::new(&Node::new("shop")).add(Shop).run().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Node::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops nothing that has started.
    pub async fn run(mut self) -> Result<(), RunError> {
        let node = self.node().clone();
        let mut operator = Operator::listen().map_err(RunError::Signals)?;
        let ended = match operator.unless_told_to_stop(&node, self.start_all()).await {
            Some(Ok(_)) => operator.unless_told_to_stop(&node, self.ended()).await,
            Some(Err(error)) => return Err(RunError::Start(error)),
            None => None,
        };
        if ended.is_none() {
            tracing::info!(node = node.name(), "stopping in order; a second signal stops waiting");
        }
        let stopped = operator.unless_told_to_stop(&node, self.stop_all()).await;
        match (ended, stopped) {
            (None | Some((_, Exit::Normal)), Some(())) => Ok(()),
            // A supervisor that ends with `Shutdown` though nobody asked has given up (S18).
            (Some((application, reason)), _) => Err(RunError::Ended { application, reason }),
            (None, None) => Err(RunError::Interrupted),
        }
    }
}

/// Why running a program came to a bad end.
///
/// Its `Debug` is its `Display`, as that of [`ApplicationError`] is.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// An application did not start; what had started was stopped.
    #[error(transparent)]
    Start(ApplicationError),
    /// An application ended by itself. [`Exit::Shutdown`] is a supervisor that reached its limit of restarts.
    #[error("application {application:?} ended by itself: {reason}")]
    Ended {
        /// Which one.
        application: String,
        /// What its tree ended with.
        reason: Exit,
    },
    /// A second signal came before everything had stopped.
    #[error("told to stop twice: some processes did not stop in time")]
    Interrupted,
    /// The program cannot be told to stop.
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
}

impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
