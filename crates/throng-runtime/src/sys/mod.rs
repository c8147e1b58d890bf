//! The debug protocol that every server speaks (Y1 to Y3): look at its state, suspend it, count and trace what it does.
//!
//! ```
//! use throng_runtime::{Ctx, GenServer, Init, Node, sys};
//!
//! #[derive(Clone)]
//! struct Counter(u64);
//! impl GenServer for Counter {
//!     type Args = u64;
//!     async fn init(first: u64, _: &mut Ctx<Self>) -> Init<Self> {
//!         Ok(Counter(first))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::new("example");
//! let counter = node.start(Counter::child(40)).await?;
//! sys::replace_state(&counter, |Counter(n)| Counter(n + 2)).await?;
//! assert_eq!(sys::get_state(&counter).await?.0, 42);
//! # Ok(()) }
//! ```
//!
//! System requests travel in a lane of their own: they are answered before the messages that wait, however many do. So what they
//! see is *the state between two messages*, not the state after all that was sent before; [`Address::sync`] waits for
//! that. After each round of them one message has its turn, so that whoever asks all the time holds up nothing. A server inside a
//! long callback answers after it; one inside `init`, when that is done. What a server
//! [continues with](crate::Ctx::continue_with) belongs to the callback that asked for it, and comes first.
//!
//! Each function gives an [`Answer`]: it waits 5 s unless [`Answer::timeout`] says otherwise. The closures that are handed over
//! run in the server's process, where it waits for them; one that panics fails the request, and the server lives on.
//!
//! They are for people and their tools. A program that talks to its servers so has left the types behind.

mod debugging;
mod lane;

use std::{fmt, sync::Arc};

pub use self::debugging::{Statistics, SysEvent, SysEventKind};
pub(crate) use self::lane::{Served, Subject, System, serve, with_debugging};
use crate::{
    address::{Address, CallFailure, Target},
    call::{self, Answer, ReplyTo},
    gen_server::GenServer,
    introspect,
    pid::ProcessId,
    scheduler,
};

/// A copy of the server's state.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, sys};
/// # struct Add(u64);
/// # impl Message for Add { type Reply = (); }
/// # #[derive(Clone)] struct Counter(u64);
/// # impl GenServer for Counter { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter(n)) } }
/// # impl Handler<Add> for Counter { async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(1)).await?;
/// assert_eq!(sys::get_state(&counter).await?.0, 1);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// The answer's, as those of a [`call`](Address::call); [`Panicked`](crate::CallError::Panicked) if the state's `clone` did.
///
/// # Cancel safety
///
/// Dropping the answer abandons the request; it is served all the same.
pub fn get_state<S: GenServer + Clone>(server: &impl Address<S>) -> Answer<S> {
    with_state(server, S::clone)
}

/// What `look` finds in the server's state.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, sys};
/// # struct Add(u64);
/// # impl Message for Add { type Reply = (); }
/// # #[derive(Clone)] struct Counter(u64);
/// # impl GenServer for Counter { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter(n)) } }
/// # impl Handler<Add> for Counter { async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(1)).await?;
/// assert!(sys::with_state(&counter, |counter| counter.0 < 10).await?);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`get_state`]; [`Panicked`](crate::CallError::Panicked) if `look` did.
pub fn with_state<S, R>(server: &impl Address<S>, look: impl FnOnce(&S) -> R + Send + 'static) -> Answer<R>
where
    S: GenServer,
    R: Send + 'static,
{
    ask(server, move |subject| Ok(look(subject.state::<S>()?)))
}

/// Replaces the server's state by what `change` makes of it. When `change` panics, the state stays as it was.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, sys};
/// # struct Add(u64);
/// # impl Message for Add { type Reply = (); }
/// # #[derive(Clone)] struct Counter(u64);
/// # impl GenServer for Counter { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter(n)) } }
/// # impl Handler<Add> for Counter { async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(1)).await?;
/// sys::replace_state(&counter, |Counter(n)| Counter(n * 10)).await?;
/// assert_eq!(sys::get_state(&counter).await?.0, 10);
///
/// let broken = sys::replace_state(&counter, |_| panic!("no")).await;
/// assert!(broken.is_err());
/// assert_eq!(sys::get_state(&counter).await?.0, 10);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`get_state`]; [`Panicked`](crate::CallError::Panicked) if `change` did.
pub fn replace_state<S: GenServer>(
    server: &impl Address<S>,
    change: impl FnOnce(&S) -> S + Send + 'static,
) -> Answer<()> {
    ask(server, move |subject| {
        let state = subject.state::<S>()?;
        let changed = change(state);
        let before = std::mem::replace(state, changed);
        // The new state is in place, whatever the old one's destructor does.
        crate::panics::contain("a server's destructor", || drop(before));
        Ok(())
    })
}

/// Lets the server handle no messages until it is resumed: they wait in its mailbox, and calls to it time out (Y2).
///
/// Signals, its parent's end, requests to stop and system requests reach it all the same. Its idle timeout stands still, and
/// begins anew when it is resumed. To suspend it twice is to suspend it once.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, sys};
/// # struct Add(u64);
/// # impl Message for Add { type Reply = (); }
/// # #[derive(Clone)] struct Counter(u64);
/// # impl GenServer for Counter { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter(n)) } }
/// # impl Handler<Add> for Counter { async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(1)).await?;
/// sys::suspend(&counter).await?;
/// counter.cast(Add(1))?;
/// assert_eq!(sys::get_state(&counter).await?.0, 1);
///
/// sys::resume(&counter).await?;
/// counter.sync().await?;
/// assert_eq!(sys::get_state(&counter).await?.0, 2);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`get_state`].
pub fn suspend<S: GenServer>(server: &impl Address<S>) -> Answer<()> {
    ask(server, |subject| {
        subject.debugging.suspended = true;
        Ok(())
    })
}

/// Lets the server go on, with what waits in its mailbox, in order (Y2). See [`suspend`] for an example.
///
/// # Errors
///
/// As [`get_state`].
pub fn resume<S: GenServer>(server: &impl Address<S>) -> Answer<()> {
    ask(server, |subject| {
        subject.debugging.suspended = false;
        Ok(())
    })
}

/// Begins to count what the server does; while it counts already, it goes on.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, sys};
/// # struct Add(u64);
/// # impl Message for Add { type Reply = (); }
/// # #[derive(Clone)] struct Counter(u64);
/// # impl GenServer for Counter { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter(n)) } }
/// # impl Handler<Add> for Counter { async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(1)).await?;
/// sys::start_statistics(&counter).await?;
/// counter.cast(Add(1))?;
/// counter.call(Add(1)).await?;
///
/// let counted = sys::statistics(&counter).await?.ok_or("it does not count")?;
/// assert_eq!((counted.messages_in, counted.messages_out), (2, 1));
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`get_state`].
pub fn start_statistics<S: GenServer>(server: &impl Address<S>) -> Answer<()> {
    ask(server, |subject| {
        subject.debugging.count(true);
        Ok(())
    })
}

/// What the server did since [`start_statistics`], where an example is; `None` when it does not count.
///
/// # Errors
///
/// As [`get_state`].
pub fn statistics<S: GenServer>(server: &impl Address<S>) -> Answer<Option<Statistics>> {
    ask(server, |subject| Ok(subject.debugging.statistics()))
}

/// Stops counting, and forgets what was counted.
///
/// # Errors
///
/// As [`get_state`].
pub fn stop_statistics<S: GenServer>(server: &impl Address<S>) -> Answer<()> {
    ask(server, |subject| {
        subject.debugging.count(false);
        Ok(())
    })
}

/// Keeps the server's last `events` events, for [`get_log`]. With zero, nothing is kept any more.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, sys};
/// # struct Add(u64);
/// # impl Message for Add { type Reply = (); }
/// # #[derive(Clone)] struct Counter(u64);
/// # impl GenServer for Counter { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter(n)) } }
/// # impl Handler<Add> for Counter { async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(1)).await?;
/// sys::log(&counter, 100).await?;
/// counter.call(Add(1)).await?;
///
/// let events = sys::get_log(&counter).await?;
/// let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
/// assert_eq!(kinds, [sys::SysEventKind::InCall, sys::SysEventKind::Out]);
/// assert!(events[0].message.ends_with("Add"));
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`get_state`].
pub fn log<S: GenServer>(server: &impl Address<S>, events: usize) -> Answer<()> {
    ask(server, move |subject| {
        subject.debugging.keep_log(events);
        Ok(())
    })
}

/// The events that [`log`] kept, oldest first. See there for an example.
///
/// # Errors
///
/// As [`get_state`].
pub fn get_log<S: GenServer>(server: &impl Address<S>) -> Answer<Vec<SysEvent>> {
    ask(server, |subject| Ok(subject.debugging.log()))
}

/// Writes each of the server's events to `tracing`, at the level `INFO`, or stops doing so (Y3).
///
/// # Errors
///
/// As [`get_state`].
pub fn trace<S: GenServer>(server: &impl Address<S>, on: bool) -> Answer<()> {
    ask(server, move |subject| {
        subject.debugging.traced = on;
        Ok(())
    })
}

/// Has `listener` told each of the server's events, until [`no_debug`]. It runs in the server, so it must be short.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, sys};
/// # struct Add(u64);
/// # impl Message for Add { type Reply = (); }
/// # #[derive(Clone)] struct Counter(u64);
/// # impl GenServer for Counter { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter(n)) } }
/// # impl Handler<Add> for Counter { async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(1)).await?;
/// let (tell, told) = std::sync::mpsc::channel();
/// sys::install(&counter, move |process, event| drop(tell.send((process, event.kind)))).await?;
/// counter.call(Add(1)).await?;
/// assert_eq!(told.recv()?, (counter.id(), sys::SysEventKind::InCall));
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`get_state`].
pub fn install<S: GenServer>(
    server: &impl Address<S>,
    listener: impl FnMut(ProcessId, &SysEvent) + Send + 'static,
) -> Answer<()> {
    ask(server, move |subject| {
        subject.debugging.listen(Box::new(listener));
        Ok(())
    })
}

/// Stops counting, logging, tracing and listening. A server that is suspended stays so.
///
/// # Errors
///
/// As [`get_state`].
pub fn no_debug<S: GenServer>(server: &impl Address<S>) -> Answer<()> {
    ask(server, |subject| {
        subject.debugging.turn_off();
        Ok(())
    })
}

/// What is known of a process, for people (Y1).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Which process.
    pub id: ProcessId,
    /// The type of the server; `None` for a process that is no server, which has nothing more to tell.
    pub server: Option<&'static str>,
    /// What the server shows of its state, by [`GenServer::inspect`].
    pub state: String,
    /// What it [calls itself](crate::Ctx::set_label).
    pub label: Option<Arc<str>>,
    /// The process that started and linked it.
    pub parent: Option<ProcessId>,
    /// How many messages wait.
    pub queue_len: usize,
    /// How many messages the [bounds](crate::Bounds) of its mailbox have dropped.
    pub dropped: u64,
    /// Whether it is suspended.
    pub suspended: bool,
    /// What it did, if it counts.
    pub statistics: Option<Statistics>,
    /// Its last events, if they are logged.
    pub log: Vec<SysEvent>,
    /// Whether its events go to `tracing`.
    pub traced: bool,
    /// How many listeners are told of its events.
    pub listeners: usize,
}

/// What is known of any process, whatever its type. Of its state it shows what [`GenServer::inspect`] writes, so that no secret
/// is shown that the server does not want to show.
///
/// A process that is no server does not answer for itself; its status is what can be seen from outside.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, sys};
/// # struct Add(u64);
/// # impl Message for Add { type Reply = (); }
/// # #[derive(Clone)] struct Counter(u64);
/// # impl GenServer for Counter { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter(n)) } }
/// # impl Handler<Add> for Counter { async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let counter = node.start(Counter::child(1)).await?;
/// let status = sys::get_status(counter).await?;
/// assert!(status.state.ends_with("Counter")); // its type's name, unless the server shows more
/// assert!(!status.suspended);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`get_state`]; [`Panicked`](crate::CallError::Panicked) if `inspect` did.
pub fn get_status(process: impl Into<ProcessId>) -> Answer<Status> {
    let id = process.into();
    let slot = scheduler::slot(id);
    if slot.is_alive(id) && !slot.is_server() {
        return call::answered(Target::Process(id), Status::from_outside(id));
    }
    request(Some(id), Target::Process(id), |subject| Ok(Status::of(subject)))
}

impl Status {
    fn from_outside(id: ProcessId) -> Self {
        let slot = scheduler::slot(id);
        Self {
            id,
            server: None,
            state: String::new(),
            label: introspect::label(id),
            parent: introspect::parent(id),
            queue_len: slot.queue_len(),
            dropped: introspect::dropped(id),
            suspended: false,
            statistics: None,
            log: Vec::new(),
            traced: false,
            listeners: 0,
        }
    }

    fn of(subject: &Subject<'_>) -> Self {
        let debugging = &*subject.debugging;
        Self {
            server: Some(subject.server),
            state: subject.shown(),
            suspended: debugging.suspended,
            statistics: debugging.statistics(),
            log: debugging.log(),
            traced: debugging.traced,
            listeners: debugging.listeners(),
            ..Self::from_outside(subject.id)
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.server.unwrap_or("no server");
        let suspended = if self.suspended { ", suspended" } else { "" };
        let label = self.label.as_ref().map(|label| format!(" {label:?}")).unwrap_or_default();
        let dropped = if self.dropped > 0 { format!("{} dropped, ", self.dropped) } else { String::new() };
        write!(f, "process {}{label} ({server}{suspended}): {} queued, ", self.id, self.queue_len)?;
        write!(f, "{dropped}{}", self.state)
    }
}

fn ask<S: GenServer, R: Send + 'static>(
    server: &impl Address<S>,
    ask: impl FnOnce(&mut Subject<'_>) -> Result<R, CallFailure> + Send + 'static,
) -> Answer<R> {
    request(server.resolve().map(ProcessId::from), server.target(), ask)
}

fn request<R: Send + 'static>(
    to: Option<ProcessId>,
    target: Target,
    ask: impl FnOnce(&mut Subject<'_>) -> Result<R, CallFailure> + Send + 'static,
) -> Answer<R> {
    call::ask_system(to, target, |id, reply: ReplyTo<R>| lane::ask(id, Box::new(lane::Ask { ask, reply })))
}
