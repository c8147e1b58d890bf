//! State machines: servers whose answer to a message depends on a state that has a name (F1 to F6).
//!
//! ```text
//!                    Machine<D>  (a GenServer)                      pure
//!   message ─► Handler<M> ─► EventHandler<M> for D ─► EventCtx ─► Engine ─► what comes next
//! ```
//!
//! There is one concept more than a server has: the state, apart from the data. Everything else is a message: what comes
//! from outside, what a timeout becomes, what the machine tells itself. A message that cannot be handled in this state is given
//! back with [`EventCtx::postpone`], and comes again when the state has changed.

mod ctx;
mod engine;
mod machine;

pub use self::{
    ctx::{EnterCtx, EventCtx, TooManyPostponed},
    engine::Timeout,
    machine::Machine,
};

use std::fmt;

use crate::{
    child::ChildSpec,
    ctx::Ctx,
    exit::Exit,
    gen_server::Init,
    message::{Handled, Message},
};

/// A server with a state that has a name, apart from its data, which is `self`.
///
/// It runs as a [`Machine<Self>`](Machine), which is a [`GenServer`](crate::GenServer): calls, casts, names, links, monitors and
/// supervisors treat it as any other server. For each message that it handles it has an [`EventHandler`].
///
/// Use one where what a message means depends on what happened before, and above all where some have to wait: a connection
/// that is being made, a lock, a payment. Where every message is handled alike in every state, a plain server says less.
///
/// ```
/// use std::time::Duration;
/// use throng_runtime::{
///     Address, Ctx, EventCtx, EventHandler, Handled, Init, Message, Node, StateMachine,
/// };
///
/// #[derive(PartialEq)]
/// enum Light { Red, Green }
///
/// struct Crossing { cars: u64 }
///
/// impl StateMachine for Crossing {
///     type Args = ();
///     type State = Light;
///     async fn init(_: (), _: &mut Ctx<throng_runtime::Machine<Self>>) -> Init<(Light, Self)> {
///         Ok((Light::Red, Crossing { cars: 0 }))
///     }
/// }
///
/// struct Turn;
/// impl Message for Turn { type Reply = (); }
/// impl EventHandler<Turn> for Crossing {
///     async fn handle_event(&mut self, light: &Light, _: Turn, ctx: &mut EventCtx<'_, Self>) -> Handled<Turn> {
///         ctx.next_state(match light { Light::Red => Light::Green, Light::Green => Light::Red });
///         Ok(())
///     }
/// }
///
/// /// The reply is how many have crossed.
/// struct Cross;
/// impl Message for Cross { type Reply = u64; }
/// impl EventHandler<Cross> for Crossing {
///     async fn handle_event(&mut self, light: &Light, car: Cross, ctx: &mut EventCtx<'_, Self>) -> Handled<Cross> {
///         match light {
///             Light::Red => ctx.postpone(car), // it waits until the light has turned
///             Light::Green => {
///                 self.cars += 1;
///                 Ok(self.cars)
///             }
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("example");
/// let crossing = node.start(Crossing::child(())).await?;
/// let waits = crossing.call(Cross).send();
/// crossing.cast(Turn)?;
/// assert_eq!(waits.await?, 1);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state machine",
    note = "write `impl StateMachine for {Self}`, with a `State` and an `async fn init`"
)]
pub trait StateMachine: Sized + Send + 'static {
    /// What `init` begins from. `Clone`: a restart begins from the same words.
    type Args: Clone + Send + Sync + 'static;

    /// The state. Two that are equal are the same state: to go from one to the other is no change (F2).
    type State: PartialEq + Send + Sync + 'static;

    /// So many events may wait for a change of state; one more, and the machine ends with [`TooManyPostponed`] (F4).
    const POSTPONED_MAX: usize = 10_000;

    /// Makes the first state and the data. As [`GenServer::init`](crate::GenServer::init).
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the process is killed meanwhile or its start times out.
    fn init(
        args: Self::Args,
        ctx: &mut Ctx<Machine<Self>>,
    ) -> impl Future<Output = Init<(Self::State, Self)>> + Send;

    /// Runs when `state` was entered from `old`, before any other event: in the first state, where both are the same, after
    /// a change, and after [`EventCtx::repeat_state`] (F3). A place for what belongs to a state, such as its timeout.
    ///
    /// It cannot change the state, postpone or insert events.
    ///
    /// # Errors
    ///
    /// An error ends the machine with that reason; the call that led here has been answered.
    ///
    /// # Cancel safety
    ///
    /// As for [`EventHandler::handle_event`].
    fn state_enter(
        &mut self,
        old: &Self::State,
        state: &Self::State,
        ctx: &mut EnterCtx<'_, Self>,
    ) -> impl Future<Output = Result<(), Exit>> + Send {
        let _ = (old, state, ctx);
        async { Ok(()) }
    }

    /// As [`GenServer::terminate`](crate::GenServer::terminate).
    ///
    /// # Cancel safety
    ///
    /// As [`GenServer::terminate`](crate::GenServer::terminate).
    fn terminate(
        &mut self,
        state: &Self::State,
        reason: &Exit,
        ctx: &mut Ctx<Machine<Self>>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (state, reason, ctx);
        async {}
    }

    /// As [`GenServer::hibernate`](crate::GenServer::hibernate) (F6, G14).
    fn hibernate(&mut self) {}

    /// What an observer is shown of state and data, as by [`GenServer::inspect`](crate::GenServer::inspect): by default the
    /// type's name, so a machine whose state is to be seen writes it here. How many events it has postponed is told after it.
    ///
    /// # Errors
    ///
    /// Only the formatter's own.
    fn inspect(&self, state: &Self::State, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = state;
        f.write_str(std::any::type_name::<Self>())
    }

    /// How a supervisor starts, restarts and stops this machine: permanent, with 5 s to shut down (S1).
    fn child(args: Self::Args) -> ChildSpec<Machine<Self>> {
        ChildSpec::new(args)
    }
}

/// A state machine's answer to the message `M`, in each of its states.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{M}`",
    label = "no event handler for this message",
    note = "write `impl EventHandler<{M}> for {Self}`"
)]
pub trait EventHandler<M: Message>: StateMachine {
    /// Handles one message in `state`; no other runs in this process meanwhile.
    ///
    /// `Ok` is the reply, which is given before the next state is entered. An error ends the machine with that reason, which
    /// its caller is told, and so are the callers of everything that was postponed (G6).
    ///
    /// # Cancel safety
    ///
    /// A kill or a fatal exit signal drops this future at its next await point; destructors run, `terminate` does not (P39).
    fn handle_event(
        &mut self,
        state: &Self::State,
        event: M,
        ctx: &mut EventCtx<'_, Self>,
    ) -> impl Future<Output = Handled<M>> + Send;
}
