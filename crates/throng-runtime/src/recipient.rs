//! Whoever takes a message: an address that does not say of which server.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    address::{Address, CastError, Target, Via},
    call::Answer,
    message::{Handler, Message},
    pid::{Pid, ProcessId},
    post::Sending,
};

/// The address of whoever handles `M`, whatever it is: for a server that tells others what happens and need not know which
/// they are, so that a test can put a probe in their place.
///
/// It is made from any [`Address`]: from a [`Pid`] and means that incarnation, from a [`Via`] and means whoever holds the name.
/// Cloning it is cheap.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Name, Node, Recipient};
/// struct Sold(u32);
/// impl Message for Sold {
///     type Reply = ();
/// }
///
/// struct Till {
///     tell: Vec<Recipient<Sold>>, // the stock, the accounts, in a test a probe
/// }
/// # impl GenServer for Till {
/// #     type Args = Vec<Recipient<Sold>>;
/// #     async fn init(tell: Self::Args, _: &mut Ctx<Self>) -> Init<Self> { Ok(Till { tell }) }
/// # }
/// # struct Stock;
/// # impl GenServer for Stock { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Stock) } }
/// # impl Handler<Sold> for Stock {
/// #     async fn handle(&mut self, _: Sold, _: &mut Ctx<Self>) -> Handled<Sold> { Ok(()) }
/// # }
///
/// impl Handler<Sold> for Till {
///     async fn handle(&mut self, Sold(number): Sold, _: &mut Ctx<Self>) -> Handled<Sold> {
///         for who in &self.tell {
///             who.cast(Sold(number))?;
///         }
///         Ok(())
///     }
/// }
///
/// # const STOCK: Name<Stock> = Name::new("stock");
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # let stock = node.start(Stock::child(())).await?;
/// let till = node.start(Till::child(vec![stock.into(), node.via(STOCK).into()])).await?;
/// # let _ = till;
/// # Ok(()) }
/// ```
pub struct Recipient<M: Message> {
    address: Arc<dyn Takes<M>>,
}

/// An address, seen from one message.
trait Takes<M: Message>: Send + Sync {
    fn cast(&self, message: M) -> Result<(), CastError<M>>
    where
        M: Message<Reply = ()>;
    fn send(&self, message: M) -> Sending<M>
    where
        M: Message<Reply = ()>;
    fn call(&self, message: M) -> Answer<M::Reply>;
    fn id(&self) -> Option<ProcessId>;
    fn target(&self) -> Target;
}

/// An address with the server that it is of.
struct Of<A, S> {
    address: A,
    server: PhantomData<fn() -> S>,
}

impl<M: Message, S: Handler<M>, A: Address<S>> Takes<M> for Of<A, S> {
    fn cast(&self, message: M) -> Result<(), CastError<M>>
    where
        M: Message<Reply = ()>,
    {
        self.address.cast(message)
    }

    fn send(&self, message: M) -> Sending<M>
    where
        M: Message<Reply = ()>,
    {
        self.address.send(message)
    }

    fn call(&self, message: M) -> Answer<M::Reply> {
        self.address.call(message).send()
    }

    fn id(&self) -> Option<ProcessId> {
        self.address.resolve().map(Pid::id)
    }

    fn target(&self) -> Target {
        self.address.target()
    }
}

impl<M: Message> Recipient<M> {
    /// Whoever an address means. `into()` does it for a [`Pid`] and a [`Via`].
    pub fn new<S: Handler<M>>(address: impl Address<S> + 'static) -> Self {
        Self { address: Arc::new(Of { address, server: PhantomData }) }
    }

    /// Sends a message and goes on, as [`Address::cast`].
    ///
    /// # Errors
    ///
    /// As [`Address::cast`].
    pub fn cast(&self, message: M) -> Result<(), CastError<M>>
    where
        M: Message<Reply = ()>,
    {
        self.address.cast(message)
    }

    /// Sends a message and waits for room, as [`Address::send`].
    ///
    /// # Errors
    ///
    /// As [`Address::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`Address::send`].
    pub fn send(&self, message: M) -> Sending<M>
    where
        M: Message<Reply = ()>,
    {
        self.address.send(message)
    }

    /// Sends a message now and gives the answer to wait for, 5 s at most. Awaited at once it is [`Address::call`].
    ///
    /// # Errors
    ///
    /// As [`Address::call`].
    ///
    /// # Panics
    ///
    /// As [`Address::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Address::call`].
    pub fn call(&self, message: M) -> Answer<M::Reply> {
        self.address.call(message)
    }

    /// The process that it means now, if there is one: for a monitor.
    pub fn resolve(&self) -> Option<ProcessId> {
        self.address.id()
    }

    /// How errors name it.
    pub fn target(&self) -> Target {
        self.address.target()
    }
}

impl<M: Message, S: Handler<M>> From<Pid<S>> for Recipient<M> {
    fn from(pid: Pid<S>) -> Self {
        Self::new(pid)
    }
}

impl<M: Message, S: Handler<M>> From<Via<S>> for Recipient<M> {
    fn from(via: Via<S>) -> Self {
        Self::new(via)
    }
}

impl<M: Message> Clone for Recipient<M> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone() }
    }
}

impl<M: Message> fmt::Debug for Recipient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.target())
    }
}
