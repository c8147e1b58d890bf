//! Addresses: what can be called and cast to, and how that fails.

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use crate::{
    call::{self, Answer, Call},
    error::StartError,
    exit::Exit,
    gen_server::GenServer,
    letter::Cast,
    message::{Handler, Message},
    pid::{Pid, ProcessId},
    post::{self, Sending, Unsent},
    process,
    scheduler::{self, Envelope},
};

/// How long a call waits unless told otherwise (G9).
pub const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Something that messages for a server of type `S` can be sent to: a [`Pid`], which is one incarnation, or a [`Via`], which
/// is whoever holds a name at the time.
pub trait Address<S: GenServer>: Send + Sync {
    /// The process it means now, if there is one.
    fn resolve(&self) -> Option<Pid<S>>;

    /// How errors name it.
    fn target(&self) -> Target;

    /// Sends a message and waits for the answer: 5 s, unless [`Call::timeout`] says otherwise.
    ///
    /// The name is resolved here, once for each call (G22). A call that failed may still be handled: only an answer says that it
    /// was (P29).
    ///
    /// # Errors
    ///
    /// [`CallError`] when no answer comes; it never ends the caller.
    ///
    /// # Panics
    ///
    /// When it has to wait, with a timeout, outside of both a process and a tokio runtime: nothing tells the time there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call abandons it: a message that was sent is handled all the same, its answer dropped (X4).
    fn call<M: Message>(&self, message: M) -> Call<S, M>
    where
        S: Handler<M>,
        Self: Sized,
    {
        Call::new(self.resolve(), self.target(), message)
    }

    /// As [`call`](Address::call); while nobody is there it looks again, for this long (G22). For the gap between a crash and the
    /// restart, of a name: a call alone fails in it at once.
    ///
    /// It sends again only what nobody has received: a message is handled once at most, and a server that crashes over it is not given
    /// it again. Once sent, the answer has 5 s.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Name, Node};
    /// # struct Door;
    /// # impl GenServer for Door { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Door) } }
    /// # #[derive(Clone)] struct Knock;
    /// # impl Message for Knock { type Reply = (); }
    /// # impl Handler<Knock> for Door { async fn handle(&mut self, _: Knock, _: &mut Ctx<Self>) -> Handled<Knock> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = Node::new("example");
    /// # const DOOR: Name<Door> = Name::new("door");
    /// # node.start(Door::child(()).name(DOOR)).await?;
    /// node.via(DOOR).call_retry(Knock, Duration::from_secs(1)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`call`](Address::call); [`CallError::NoProcess`] when nobody was there within the time.
    ///
    /// # Panics
    ///
    /// As [`call`](Address::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Address::call).
    fn call_retry<M: Message + Clone>(
        &self,
        message: M,
        within: Duration,
    ) -> impl Future<Output = Result<M::Reply, CallError>> + Send
    where
        S: Handler<M>,
        Self: Sized,
    {
        call::call_retry(self, message, within)
    }

    /// Sends a message and goes on; it never waits. A cast to a process that is dead is lost in silence (P3).
    ///
    /// # Errors
    ///
    /// The message comes back when nobody holds the name, and when it does not fit into a mailbox whose bounds say that its
    /// sender keeps it (P34).
    fn cast<M: Message<Reply = ()>>(&self, message: M) -> Result<(), CastError<M>>
    where
        S: Handler<M>,
        Self: Sized,
    {
        let Some(pid) = self.resolve() else {
            return Err(CastError::NoProcess { target: self.target(), message });
        };
        let envelope = Envelope::message::<S, _>(pid.id().generation(), Cast(message));
        match post::post(pid.id(), envelope) {
            Err(Unsent::Full(unsent)) => {
                Err(CastError::Full { target: self.target(), message: post::unpack(unsent) })
            }
            Ok(()) | Err(Unsent::Gone(_)) => Ok(()),
        }
    }

    /// Sends a message, and waits for room if the mailbox is bounded, full, and says that its senders wait
    /// ([`Overflow::Block`](crate::Overflow::Block), P34). Those who wait get in first come, first served.
    ///
    /// ```
    /// # use throng_runtime::{Address, Bounds, Ctx, GenServer, Handled, Handler, Init, Message, Node};
    /// # struct Line(String);
    /// # impl Message for Line { type Reply = (); }
    /// # struct Printer;
    /// # impl GenServer for Printer { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Printer) } }
    /// # impl Handler<Line> for Printer {
    /// #     async fn handle(&mut self, _: Line, _: &mut Ctx<Self>) -> Handled<Line> { Ok(()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::new("example");
    /// let printer = node.start(Printer::child(()).mailbox(Bounds::messages(10))).await?;
    /// for number in 0..1_000 {
    ///     printer.send(Line(format!("line {number}"))).await?; // as fast as it prints, and no faster
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// It waits for as long as it takes; a process that sends to itself does not wait at all.
    ///
    /// # Errors
    ///
    /// The message comes back when the process is not there or ends before there is room, and when it does not fit and
    /// nobody may wait.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the message back, unless it got in already.
    fn send<M: Message<Reply = ()>>(&self, message: M) -> Sending<M>
    where
        S: Handler<M>,
        Self: Sized,
    {
        let Some(pid) = self.resolve() else {
            return Sending::failed(CastError::NoProcess { target: self.target(), message });
        };
        let envelope = Envelope::message::<S, _>(pid.id().generation(), Cast(message));
        Sending::new(pid.id(), envelope, self.target())
    }

    /// A round trip through the mailbox, 5 s at most: when it is answered, all that this process sent before has been handled,
    /// and nothing else has happened. For tests, in place of a sleep (X9).
    ///
    /// # Errors
    ///
    /// As [`call`](Address::call).
    fn sync(&self) -> Answer<()> {
        call::fence(self.resolve(), self.target())
    }

    /// Asks the process to end (P16 to P19).
    fn exit(&self, reason: Exit) {
        if let Some(pid) = self.resolve() {
            process::request_exit(scheduler::current::id(), pid.id(), reason);
        }
    }
}

impl<S: GenServer> Address<S> for Pid<S> {
    fn resolve(&self) -> Option<Pid<S>> {
        Some(*self)
    }

    fn target(&self) -> Target {
        Target::Process(self.id())
    }
}

/// Where names of one kind are kept: the contract behind a [`Via`] (P33).
///
/// A claim is atomic against other claims; a claimed name is free again before anybody is told of its holder's death.
pub trait Naming<S>: Send + Sync {
    /// Who holds the name.
    fn whereis(&self) -> Option<Pid<S>>;

    /// Gives the name to a process, which is alive and has not run yet.
    ///
    /// # Errors
    ///
    /// Somebody else holds it.
    fn claim(&self, pid: Pid<S>) -> Result<(), ProcessId>;

    /// The name in words, for errors.
    fn describe(&self) -> String;
}

/// A name that is resolved at each use: calls go to whoever holds it, across restarts (G22).
///
/// [`Node::via`](crate::Node::via) and [`Registry::via`](crate::Registry::via) make them.
///
/// ```
/// # use throng_runtime::{Address, Ctx, Exit, GenServer, Init, Name, Node};
/// # struct Counter;
/// # impl GenServer for Counter { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter) } }
/// const COUNTER: Name<Counter> = Name::new("counter");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// let counter = node.via(COUNTER);
/// assert!(counter.resolve().is_none());
/// let first = node.start(Counter::child(()).name(COUNTER)).await?;
/// assert_eq!(counter.resolve(), Some(first));
///
/// node.stop(first, Exit::Normal, None).await?;
/// let second = node.start(Counter::child(()).name(COUNTER)).await?;
/// assert_eq!(counter.resolve(), Some(second)); // the same address
/// # Ok(()) }
/// ```
pub struct Via<S> {
    naming: Arc<dyn Naming<S>>,
    name: Arc<str>,
}

impl<S> Via<S> {
    /// A name in a name service of your own.
    pub fn new(naming: impl Naming<S> + 'static) -> Self {
        Self { name: naming.describe().into(), naming: Arc::new(naming) }
    }

    pub(crate) fn naming(&self) -> &dyn Naming<S> {
        &*self.naming
    }

    /// Gives the name to a process, or tells who holds it.
    pub(crate) fn claim(&self, pid: Pid<S>) -> Result<(), StartError> {
        let taken = |holder| StartError::AlreadyStarted { name: self.name.clone(), holder };
        self.naming.claim(pid).map_err(taken)
    }
}

impl<S: GenServer> Address<S> for Via<S> {
    fn resolve(&self) -> Option<Pid<S>> {
        self.naming.whereis()
    }

    fn target(&self) -> Target {
        Target::Name(self.name.clone())
    }
}

impl<S> Clone for Via<S> {
    fn clone(&self) -> Self {
        Self { naming: self.naming.clone(), name: self.name.clone() }
    }
}

impl<S> fmt::Debug for Via<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Via({})", self.name)
    }
}

/// A typed constant that names a process of a node.
///
/// ```
/// # use throng_runtime::{GenServer, Ctx, Init, Name};
/// # struct Account; impl GenServer for Account { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Account) } }
/// const TREASURY: Name<Account> = Name::new("treasury");
/// ```
pub struct Name<S> {
    name: &'static str,
    server: PhantomData<fn() -> S>,
}

impl<S> Name<S> {
    /// The name `name`, for a server of type `S`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, server: PhantomData }
    }

    /// The name itself.
    pub const fn as_str(self) -> &'static str {
        self.name
    }
}

impl<S> Clone for Name<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Name<S> {}

impl<S> fmt::Debug for Name<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({:?})", self.name)
    }
}

/// Whom a message was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One process.
    Process(ProcessId),
    /// Whoever holds this name.
    Name(Arc<str>),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(id) => write!(f, "process {id}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Why a call got no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The process is dead, or nobody holds the name now.
    #[error("{target} is not there")]
    NoProcess {
        /// Whom the call was for.
        target: Target,
    },
    /// No answer came in time. The request may still be handled.
    #[error("{target} gave no answer within {after:?}")]
    Timeout {
        /// Whom the call was for.
        target: Target,
        /// The time it waited.
        after: Duration,
    },
    /// The process ended before it answered.
    #[error("{target} ended before it answered: {reason}")]
    Exited {
        /// Whom the call was for.
        target: Target,
        /// Why it ended.
        reason: Exit,
    },
    /// The server dropped its [`ReplyTo`](crate::ReplyTo) without an answer (P30).
    #[error("{target} dropped the call without an answer")]
    ReplyDropped {
        /// Whom the call was for.
        target: Target,
    },
    /// The server's mailbox is full and takes no more, or the request was dropped from it to make room for another (P34). The
    /// request was not handled.
    #[error("{target} has too much to do")]
    Overloaded {
        /// Whom the call was for.
        target: Target,
    },
    /// What was asked of the server by [`sys`](crate::sys) panicked; the server lives on.
    #[error("what was asked of {target} panicked: {reason}")]
    Panicked {
        /// Whom it was asked of.
        target: Target,
        /// The panic.
        reason: Exit,
    },
    /// The process called itself, which could never be answered (G21).
    #[error("{target} called itself")]
    CallingSelf {
        /// Whom the call was for.
        target: Target,
    },
}

/// [`CallError`] without its target, as the server's side knows it.
#[derive(Clone, Debug)]
pub(crate) enum CallFailure {
    NoProcess,
    Timeout(Duration),
    Exited(Exit),
    ReplyDropped,
    Overloaded,
    Panicked(Exit),
    CallingSelf,
}

impl CallFailure {
    pub(crate) fn at(self, target: Target) -> CallError {
        match self {
            Self::NoProcess => CallError::NoProcess { target },
            Self::Timeout(after) => CallError::Timeout { target, after },
            Self::Exited(reason) => CallError::Exited { target, reason },
            Self::ReplyDropped => CallError::ReplyDropped { target },
            Self::Overloaded => CallError::Overloaded { target },
            Self::Panicked(reason) => CallError::Panicked { target, reason },
            Self::CallingSelf => CallError::CallingSelf { target },
        }
    }
}

/// Why a message was not sent; it comes back.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CastError<M> {
    /// Nobody holds the name; or the process is gone, for whoever asked to know.
    #[error("{target} is not there")]
    NoProcess {
        /// Whom it was for.
        target: Target,
        /// What was not sent.
        message: M,
    },
    /// The mailbox is full (P34).
    #[error("the mailbox of {target} is full")]
    Full {
        /// Whom it was for.
        target: Target,
        /// What was not sent.
        message: M,
    },
}

impl<M> CastError<M> {
    /// What was not sent.
    pub fn into_message(self) -> M {
        match self {
            Self::NoProcess { message, .. } | Self::Full { message, .. } => message,
        }
    }

    /// Whom it was for.
    pub fn target(&self) -> &Target {
        match self {
            Self::NoProcess { target, .. } | Self::Full { target, .. } => target,
        }
    }
}

impl<M> fmt::Debug for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::NoProcess { .. } => "NoProcess",
            Self::Full { .. } => "Full",
        };
        f.debug_struct(name).field("target", self.target()).finish_non_exhaustive()
    }
}
