//! Agents: a value in a process of its own, looked at and changed by closures (A1).

use std::{fmt, sync::Arc};

use crate::{
    address::{Address, CastError},
    call::Call,
    child::ChildSpec,
    ctx::Ctx,
    gen_server::{GenServer, Init},
    message::{Handled, Handler, Message},
};

/// A value in a process of its own: what is shared without a lock, and begins anew when it crashes.
///
/// The closures run *in the agent*, one at a time, and everybody else waits meanwhile: keep them to a small read or a small
/// change, and compute with what they return. When there is more to say than a value and its changes, write a
/// [`GenServer`]. What only needs a lock has one in the standard library, and that is faster.
///
/// An agent is a server: it has names, links, monitors, and a place in a supervisor.
///
/// ```
/// use std::{collections::HashMap, time::Duration};
/// use throng_runtime::{Agent, Name, Node, Supervisor};
///
/// const PRICES: Name<Agent<HashMap<&str, u64>>> = Name::new("prices");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("shop");
/// let tree = Supervisor::one_for_one("shop").child(Agent::child(HashMap::new).name(PRICES));
/// node.start(tree).await?;
///
/// let prices = node.via(PRICES);
/// Agent::update(&prices, |prices| drop(prices.insert("tea", 3))).await?;
/// let tea = Agent::get(&prices, |prices| prices["tea"]).timeout(Duration::from_secs(1)).await?;
/// assert_eq!(tea, 3);
/// # Ok(()) }
/// ```
pub struct Agent<T> {
    value: T,
}

impl<T: Send + 'static> Agent<T> {
    /// How to start an agent, and how its supervisor treats it: permanent, with 5 s to shut down (S1). `first` makes the value,
    /// at each start anew.
    pub fn child(first: impl Fn() -> T + Send + Sync + 'static) -> ChildSpec<Self> {
        let first: <Self as GenServer>::Args = Arc::new(first);
        ChildSpec::new(first)
    }

    /// What `look` makes of the value; 5 s at most, unless [`Call::timeout`] says otherwise.
    ///
    /// # Errors
    ///
    /// As [`Address::call`]; when the closure panics the agent ends, and the error has the panic.
    ///
    /// # Panics
    ///
    /// As [`Address::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Address::call`]: the closure runs all the same, its result dropped.
    pub fn get<R: Send + 'static>(
        agent: &impl Address<Self>,
        look: impl FnOnce(&T) -> R + Send + 'static,
    ) -> Call<Self, AgentWork<T, R>> {
        agent.call(AgentWork::new(|value| look(value)))
    }

    /// Changes the value, and waits until that is done.
    ///
    /// # Errors
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Panics
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Agent::get).
    pub fn update(
        agent: &impl Address<Self>,
        change: impl FnOnce(&mut T) + Send + 'static,
    ) -> Call<Self, AgentWork<T, ()>> {
        agent.call(AgentWork::new(change))
    }

    /// Changes the value, and gives what `change` returns.
    ///
    /// # Errors
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Panics
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Agent::get).
    pub fn get_and_update<R: Send + 'static>(
        agent: &impl Address<Self>,
        change: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Call<Self, AgentWork<T, R>> {
        agent.call(AgentWork::new(change))
    }

    /// Has the value changed and goes on; it never waits.
    ///
    /// # Errors
    ///
    /// As [`Address::cast`].
    pub fn cast(
        agent: &impl Address<Self>,
        change: impl FnOnce(&mut T) + Send + 'static,
    ) -> Result<(), CastError<AgentWork<T, ()>>> {
        agent.cast(AgentWork::new(change))
    }
}

impl<T: Send + 'static> GenServer for Agent<T> {
    type Args = Arc<dyn Fn() -> T + Send + Sync>;

    async fn init(first: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self { value: first() })
    }
}

/// What an agent is asked to do: the message behind [`Agent::get`] and its like.
pub struct AgentWork<T, R>(Box<dyn FnOnce(&mut T) -> R + Send>);

impl<T, R> AgentWork<T, R> {
    fn new(work: impl FnOnce(&mut T) -> R + Send + 'static) -> Self {
        Self(Box::new(work))
    }
}

impl<T: Send + 'static, R: Send + 'static> Message for AgentWork<T, R> {
    type Reply = R;
}

impl<T: Send + 'static, R: Send + 'static> Handler<AgentWork<T, R>> for Agent<T> {
    async fn handle(&mut self, work: AgentWork<T, R>, _: &mut Ctx<Self>) -> Handled<AgentWork<T, R>> {
        Ok((work.0)(&mut self.value))
    }
}

impl<T> fmt::Debug for Agent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").finish_non_exhaustive()
    }
}

impl<T, R> fmt::Debug for AgentWork<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentWork").finish_non_exhaustive()
    }
}
