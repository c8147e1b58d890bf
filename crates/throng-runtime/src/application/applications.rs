//! The applications of one program, started and stopped in order.

use std::{fmt, future::poll_fn, sync::Arc, task::Poll, time::Duration};

use super::{
    Application, RestartType,
    erased::{Alone, Erased},
    error::{ApplicationError, StopApplicationError},
    order::{self, Needs},
    part::Part,
};
use crate::{child::ChildSpec, exit::Exit, gen_server::GenServer, node::Node};

/// The applications of a program: which there are, and which of them run.
///
/// [`run`](Applications::run) is the body of such a program's `main`; a test starts and stops them by hand. Dropping this
/// stops nothing: supervisors own life.
///
/// ```
/// # use throng_runtime::{Application, Applications, ChildSpec, Exit, Node, RestartType, Supervisor};
/// struct Mailer;
/// impl Application for Mailer {
///     fn name(&self) -> &str {
///         "mailer"
///     }
///     async fn start(&self, _: &Node) -> Result<ChildSpec<Supervisor>, Exit> {
///         Ok(Supervisor::one_for_one("mailer"))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("shop");
/// let mut applications = Applications::new(&node).add_as(RestartType::Temporary, Mailer);
/// assert_eq!(applications.ensure_all_started("mailer").await?, ["mailer"]);
/// assert!(applications.ensure_all_started("mailer").await?.is_empty()); // it runs
/// applications.stop("mailer").await?;
/// # Ok(()) }
/// ```
pub struct Applications {
    node: Node,
    known: Vec<Known>,
    /// In the order of their start.
    running: Vec<Part>,
    shutdown_timeout: Option<Duration>,
}

struct Known {
    application: Arc<dyn Erased>,
    restart: RestartType,
}

impl Applications {
    /// None yet.
    pub fn new(node: &Node) -> Self {
        Self { node: node.clone(), known: Vec::new(), running: Vec::new(), shutdown_timeout: None }
    }

    /// A tree as the only application, called as its node is.
    pub(crate) fn alone<S: GenServer>(node: &Node, tree: ChildSpec<S>) -> Self {
        let mut applications = Self::new(node);
        let application = Arc::new(Alone::new(node.name(), tree));
        applications.known.push(Known { application, restart: RestartType::Permanent });
        applications
    }

    /// Adds one whose end is everybody's ([`RestartType::Permanent`]), and starts nothing yet.
    #[expect(clippy::should_implement_trait, reason = "one more application, and no sum")]
    pub fn add(self, application: impl Application) -> Self {
        self.add_as(RestartType::Permanent, application)
    }

    /// Adds one, with what its end means for the others (L3), and starts nothing yet.
    pub fn add_as(mut self, restart: RestartType, application: impl Application) -> Self {
        self.known.push(Known { application: Arc::new(application), restart });
        self
    }

    /// How long each of `prep_stop`, the tree's stop and `stop` may take of an application, before it is killed; without a limit
    /// unless told otherwise (L4). The children have their own graces within that.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.shutdown_timeout = Some(limit);
        self
    }

    /// The node that they run on.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The names of those that run, in the order of their start.
    pub fn running(&self) -> Vec<&str> {
        self.running.iter().map(|part| part.application.name()).collect()
    }

    /// Starts all that do not run yet, each after those that it needs (L1); the names of those it started, in order.
    ///
    /// # Errors
    ///
    /// [`ApplicationError`]: those that this call had started have been stopped again, in reverse.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the one that was being started; those before it run on, and are known to run. So are those that
    /// it was about to stop again.
    pub async fn start_all(&mut self) -> Result<Vec<String>, ApplicationError> {
        self.start_places(&(0..self.known.len()).collect::<Vec<_>>()).await
    }

    /// Starts one, after those that it needs and that do not run yet (L1); the names of those it started, in order.
    ///
    /// # Errors
    ///
    /// As [`start_all`](Applications::start_all).
    ///
    /// # Cancel safety
    ///
    /// As [`start_all`](Applications::start_all).
    pub async fn ensure_all_started(&mut self, name: &str) -> Result<Vec<String>, ApplicationError> {
        let place = self.known.iter().position(|known| known.application.name() == name);
        let missing = || ApplicationError::Missing { name: name.to_owned(), needed_by: None };
        self.start_places(&[place.ok_or_else(missing)?]).await
    }

    /// Stops one; those that need it are not asked (L4).
    ///
    /// # Errors
    ///
    /// It does not run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it among those that run, asked to stop, perhaps, and not waited for. To stop it again begins
    /// with `prep_stop` again.
    pub async fn stop(&mut self, name: &str) -> Result<(), StopApplicationError> {
        let place = self.running.iter().position(|part| part.application.name() == name);
        let place = place.ok_or_else(|| StopApplicationError::NotRunning(name.to_owned()))?;
        self.running[place].stop(&self.node, self.shutdown_timeout).await;
        self.running.remove(place);
        Ok(())
    }

    /// Stops all that run, in the reverse order of their start (L4).
    ///
    /// # Cancel safety
    ///
    /// As [`stop`](Applications::stop).
    pub async fn stop_all(&mut self) {
        self.stop_down_to(0).await;
    }

    /// Waits until one ends by itself whose end is everybody's (L3): its name and the reason. The others still run; those
    /// whose end means nothing to them are logged on the way.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets nothing, but may cut an application's `stop` short.
    pub async fn ended(&mut self) -> (String, Exit) {
        loop {
            let (place, reason) = self.next_end().await;
            let part = self.running.remove(place);
            let name = part.application.name().to_owned();
            let restart = self.known.iter().find(|known| Arc::ptr_eq(&known.application, &part.application));
            let ends_all = restart.is_none_or(|known| known.restart.ends_all(&reason));
            part.clean_up(&self.node, self.shutdown_timeout).await;
            if ends_all {
                tracing::error!(application = name, %reason, "an application ended, and the others with it");
                return (name, reason);
            }
            tracing::warn!(application = name, %reason, "an application ended");
        }
    }

    async fn next_end(&mut self) -> (usize, Exit) {
        let running = &mut self.running;
        poll_fn(|cx| {
            let mut polled = running.iter_mut().map(|part| part.poll_end(cx)).enumerate();
            let ended = polled.find_map(|(place, polled)| match polled {
                Poll::Ready(reason) => Some((place, reason)),
                Poll::Pending => None,
            });
            ended.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    async fn start_places(&mut self, wanted: &[usize]) -> Result<Vec<String>, ApplicationError> {
        let needs: Vec<_> = self.known.iter().map(Known::needs).collect();
        let order = order::start_order(&needs, wanted)?;
        let before = self.running.len();
        for place in order {
            let application = self.known[place].application.clone();
            if self.running.iter().any(|part| Arc::ptr_eq(&part.application, &application)) {
                continue;
            }
            if let Err(error) = self.start_one(application).await {
                self.stop_down_to(before).await;
                return Err(error);
            }
        }
        Ok(self.running[before..].iter().map(|part| part.application.name().to_owned()).collect())
    }

    async fn start_one(&mut self, application: Arc<dyn Erased>) -> Result<(), ApplicationError> {
        // It counts as running while its phases run: whoever gives up meanwhile finds it to be stopped.
        self.running.push(Part::start(application.clone(), &self.node).await?);
        Part::run_phases(&application, &self.node).await?;
        tracing::info!(application = application.name(), "started");
        Ok(())
    }

    /// Stops those that started last until so many are left.
    async fn stop_down_to(&mut self, left: usize) {
        while self.running.len() > left
            && let Some(part) = self.running.last_mut()
        {
            // It counts as running until it is gone: whoever gives up meanwhile finds it to be stopped.
            part.stop(&self.node, self.shutdown_timeout).await;
            tracing::info!(application = part.application.name(), "stopped");
            self.running.pop();
        }
    }
}

impl Known {
    fn needs(&self) -> Needs<'_> {
        let Self { application, .. } = self;
        Needs { name: application.name(), required: application.required(), optional: application.optional() }
    }
}

impl fmt::Debug for Applications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = self.known.iter().map(|known| known.application.name()).collect();
        f.debug_struct("Applications")
            .field("known", &known)
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}
