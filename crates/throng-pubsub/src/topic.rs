//! Topics whose events have a type.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};
use throng_runtime::{Address, Ctx, Handler, Message};

use crate::{
    broadcast::Broadcast,
    pubsub::{BroadcastError, PubSub},
};

/// What can be said on a typed topic: a message for servers, and a JSON object for other nodes and for clients.
pub trait Event: Message<Reply = ()> + Clone + Sync + Serialize + DeserializeOwned {}

impl<T: Message<Reply = ()> + Clone + Sync + Serialize + DeserializeOwned> Event for T {}

/// A topic and an event on it whose payload is a `T`: usually a constant that names both.
///
/// A server is sent the `T` itself: on the publisher's node it never goes through bytes, from other nodes it is parsed once
/// for all. Everybody else on the topic, clients too, gets the event as an ordinary [`Broadcast`].
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use throng_pubsub::{PubSub, Topic};
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node};
/// const PRICES: Topic<Price> = Topic::new("prices", "changed");
///
/// #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
/// struct Price { item: u32, cents: u64 }
/// # impl Message for Price { type Reply = (); }
///
/// struct Till { last: Option<Price> }
/// impl GenServer for Till {
///     type Args = PubSub;
///     async fn init(pubsub: PubSub, ctx: &mut Ctx<Self>) -> Init<Self> {
///         pubsub.subscribe_to(ctx, &PRICES);              // compiles because of the handler below
///         Ok(Till { last: None })
///     }
/// }
/// impl Handler<Price> for Till {
///     async fn handle(&mut self, price: Price, _: &mut Ctx<Self>) -> Handled<Price> {
///         self.last = Some(price);
///         Ok(())
///     }
/// }
/// # struct Last;
/// # impl Message for Last { type Reply = Option<Price>; }
/// # impl Handler<Last> for Till {
/// #     async fn handle(&mut self, _: Last, _: &mut Ctx<Self>) -> Handled<Last> { Ok(self.last.clone()) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (node, pubsub) = (Node::new("example"), PubSub::new());
/// let till = node.start(Till::child(pubsub.clone())).await?;
/// pubsub.publish(&PRICES, Price { item: 7, cents: 250 })?;
/// assert_eq!(till.call(Last).await?, Some(Price { item: 7, cents: 250 }));
/// # Ok(()) }
/// ```
pub struct Topic<T> {
    name: Cow<'static, str>,
    event: Cow<'static, str>,
    says: PhantomData<fn() -> T>,
}

/// A payload in its type; `None` when one from another node does not deserialize.
struct Typed<T>(Option<T>);

impl<T> Topic<T> {
    /// The event `event` on the topic `name`.
    #[must_use]
    pub const fn new(name: &'static str, event: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), event: Cow::Borrowed(event), says: PhantomData }
    }

    /// The same event on another topic: `ROOM.at("room:42")`.
    #[must_use]
    pub fn at(&self, name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), event: self.event.clone(), says: PhantomData }
    }

    /// The topic.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The event.
    pub fn event(&self) -> &str {
        &self.event
    }
}

impl PubSub {
    /// Has every event of a typed topic sent to this server, until it unsubscribes or ends.
    pub fn subscribe_to<S: Handler<T>, T: Event>(&self, ctx: &Ctx<S>, topic: &Topic<T>) {
        let (me, event) = (ctx.me(), topic.event.clone());
        self.subscribe_for_life(ctx, topic.name().into(), move |broadcast| {
            if broadcast.event() == event
                && let Some(value) = typed::<T>(broadcast)
            {
                drop(me.cast(value.clone()));
            }
        });
    }

    /// Sends a value to all subscribers of a typed topic on all nodes.
    ///
    /// # Errors
    ///
    /// As [`PubSub::broadcast`].
    pub fn publish<T: Event>(&self, topic: &Topic<T>, value: T) -> Result<(), BroadcastError> {
        let broadcast = Broadcast::new(topic.name(), topic.event(), &value)?;
        self.dispatch_prepared(&broadcast, |broadcast| {
            broadcast.encoded(|_| Typed(Some(value)));
        })
    }
}

/// The payload as a `T`, parsed at most once for all subscribers.
fn typed<T: Event>(broadcast: &Broadcast) -> Option<&T> {
    let parse = |broadcast: &Broadcast| match broadcast.parse() {
        Ok(value) => Typed(Some(value)),
        Err(error) => {
            let (topic, event) = (broadcast.topic(), broadcast.event());
            tracing::warn!(topic, event, %error, "an event does not deserialize as its type");
            Typed(None)
        }
    };
    broadcast.encoded::<Typed<T>>(parse).0.as_ref()
}

impl<T> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), event: self.event.clone(), says: PhantomData }
    }
}

impl<T> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({:?}, {:?})", self.name, self.event)
    }
}
