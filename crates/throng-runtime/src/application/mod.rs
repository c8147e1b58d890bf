//! Applications: trees that start after those that they need, and stop before them (L1 to L4).
//!
//! ```text
//!   start:   database ─► mailer ─► shop        each: start ─► its tree is up ─► its phases
//!   stop:    shop ─► mailer ─► database        each: prep_stop ─► its tree stops ─► stop
//! ```
//!
//! Which come first is decided in [`order`], what the end of one means for the others in [`end`]; here it is carried out.
//! Nothing of a program's own needs this: a tree alone is run by [`Node::run`]. It is for programs that are put together from
//! parts that know what they need.

mod applications;
mod end;
mod erased;
mod error;
mod operator;
mod order;
mod part;
mod run;

pub use self::{
    applications::Applications,
    end::RestartType,
    error::{ApplicationError, StopApplicationError},
    run::RunError,
};
use crate::{child::ChildSpec, exit::Exit, node::Node, supervisor::Supervisor};

/// A part of a program that has a tree of its own: what it needs to run first, and what goes on around its start and stop.
///
/// Its settings are its fields: whoever makes it has read them (L5). Every `async` method runs in a process of its own, so that a
/// panic is an error like another; the others are asked by whoever starts it.
///
/// ```
/// use throng_runtime::{Application, Applications, ChildSpec, Exit, Node, Supervisor};
///
/// struct Database;
/// impl Application for Database {
///     fn name(&self) -> &str {
///         "database"
///     }
///     async fn start(&self, _: &Node) -> Result<ChildSpec<Supervisor>, Exit> {
///         Ok(Supervisor::one_for_one("connections"))
///     }
/// }
///
/// struct Shop;
/// impl Application for Shop {
///     fn name(&self) -> &str {
///         "shop"
///     }
///     fn dependencies(&self) -> &[&str] {
///         &["database"]
///     }
///     async fn start(&self, _: &Node) -> Result<ChildSpec<Supervisor>, Exit> {
///         Ok(Supervisor::rest_for_one("shop"))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut applications = Applications::new(&Node::new("shop")).add(Shop).add(Database);
/// assert_eq!(applications.start_all().await?, ["database", "shop"]);
/// applications.stop_all().await;
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an application",
    note = "write `impl Application for {Self}`; a tree alone needs none, it is run by `node.run(tree)`"
)]
pub trait Application: Send + Sync + 'static {
    /// What others name when they need it; one of a kind in a program.
    fn name(&self) -> &str;

    /// The names of those that have to run before this one starts (L1).
    fn dependencies(&self) -> &[&str] {
        &[]
    }

    /// The names of those that start before this one if they are there at all (L1).
    fn optional_dependencies(&self) -> &[&str] {
        &[]
    }

    /// What is done, in this order, when the tree is up: the arguments of [`start_phase`](Application::start_phase) (L2).
    fn start_phases(&self) -> &[&str] {
        &[]
    }

    /// Makes the tree; it is started when this has returned.
    ///
    /// # Errors
    ///
    /// Why there can be none: this application does not start, and those that were started for it are stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the operator says stop meanwhile.
    fn start(&self, node: &Node) -> impl Future<Output = Result<ChildSpec<Supervisor>, Exit>> + Send;

    /// Does one of [`start_phases`](Application::start_phases), with the tree up (L2).
    ///
    /// # Errors
    ///
    /// Why it cannot be done: the application is stopped again.
    ///
    /// # Cancel safety
    ///
    /// As [`start`](Application::start).
    fn start_phase(&self, phase: &str, node: &Node) -> impl Future<Output = Result<(), Exit>> + Send {
        let _ = (phase, node);
        async { Ok(()) }
    }

    /// Runs before the tree is stopped; not when it ended by itself (L4).
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when it takes longer than [`Applications::shutdown_timeout`].
    fn prep_stop(&self, node: &Node) -> impl Future<Output = ()> + Send {
        let _ = node;
        async {}
    }

    /// Runs when the tree is gone, whether it was stopped or ended by itself (L4).
    ///
    /// # Cancel safety
    ///
    /// As [`prep_stop`](Application::prep_stop).
    fn stop(&self, node: &Node) -> impl Future<Output = ()> + Send {
        let _ = node;
        async {}
    }
}
