//! Topics of one node, joined with those of others.

use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};

use throng_runtime::{Address, Ctx, Handler, ProcessId};

use crate::{
    broadcast::Broadcast,
    history::{History, Missed, Since, turn},
    into_payload::IntoPayload,
    owner::Owner,
    payload::{Payload, PayloadError},
    side_channel::{SideChannel, SideChannels},
    subscription::{Delivery, Subscriber, Subscription},
    table::Table,
    transport::{Receiver, Transport, TransportError},
    wire::{self, Arrived, WireError, WireLimits},
};

/// The name of a node that knows no others.
const ALONE: &str = "local";

/// Topics and their subscribers. Cloning gives another handle on the same topics.
///
/// No process stands behind it: a broadcast runs in the broadcaster, and does no more than push into queues. So it never
/// waits, is over when it returns, and works as long as anybody holds a handle.
///
/// ```
/// use throng_pubsub::{Broadcast, PubSub};
/// use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node};
///
/// struct Reader(Vec<String>);
/// impl GenServer for Reader {
///     type Args = PubSub;
///     async fn init(pubsub: PubSub, ctx: &mut Ctx<Self>) -> Init<Self> {
///         pubsub.subscribe(ctx, "news");                  // compiles because of the handler below
///         Ok(Reader(Vec::new()))
///     }
/// }
/// impl Handler<Broadcast> for Reader {
///     async fn handle(&mut self, news: Broadcast, _: &mut Ctx<Self>) -> Handled<Broadcast> {
///         self.0.push(news.payload().as_json().to_owned());
///         Ok(())
///     }
/// }
/// # struct Read;
/// # impl Message for Read { type Reply = Vec<String>; }
/// # impl Handler<Read> for Reader {
/// #     async fn handle(&mut self, _: Read, _: &mut Ctx<Self>) -> Handled<Read> { Ok(self.0.clone()) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (node, pubsub) = (Node::new("example"), PubSub::new());
/// let reader = node.start(Reader::child(pubsub.clone())).await?;
/// pubsub.broadcast("news", "headline", serde_json::json!({ "text": "it works" }))?;
/// assert_eq!(reader.call(Read).await?, [r#"{"text":"it works"}"#]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PubSub {
    shared: Arc<Shared>,
}

struct Shared {
    table: Arc<Table>,
    transport: Option<Arc<dyn Transport>>,
    limits: WireLimits,
    side_channels: SideChannels,
    history: OnceLock<History>,
}

impl PubSub {
    /// Topics of this node alone.
    #[must_use]
    pub fn new() -> Self {
        Self::build(None, WireLimits::default())
    }

    /// Topics that reach the nodes which `transport` reaches.
    #[must_use]
    pub fn over(transport: impl Transport + 'static) -> Self {
        Self::over_with(transport, WireLimits::default())
    }

    /// As [`PubSub::over`], with other limits for messages between nodes. All nodes should have the same.
    #[must_use]
    pub fn over_with(transport: impl Transport + 'static, limits: WireLimits) -> Self {
        Self::build(Some(Arc::new(transport)), limits)
    }

    fn build(transport: Option<Arc<dyn Transport>>, limits: WireLimits) -> Self {
        let (table, side_channels) = (Arc::default(), SideChannels::default());
        let history = OnceLock::new();
        let shared = Arc::new(Shared { table, transport, limits, side_channels, history });
        if let Some(transport) = &shared.transport {
            let receiver: Arc<dyn Receiver> = shared.clone();
            transport.attach(Arc::downgrade(&receiver));
        }
        Self { shared }
    }

    /// Has what is broadcast from now on recorded, on the topics that the history was told of (§18.6).
    ///
    /// ```
    /// # use throng_pubsub::{History, HistoryOptions, PubSub};
    /// let history = History::builder().topics("room:*", HistoryOptions::default()).build();
    /// let pubsub = PubSub::new().with_history(&history);
    /// assert!(pubsub.history().is_some());
    /// ```
    ///
    /// # Panics
    ///
    /// When these topics have a history already.
    #[must_use]
    pub fn with_history(self, history: &History) -> Self {
        assert!(self.shared.history.set(history.clone()).is_ok(), "these topics have a history already");
        history.listen(&self.shared.table);
        self
    }

    /// What is recorded of these topics.
    pub fn history(&self) -> Option<&History> {
        self.shared.history.get()
    }

    /// Whether both are handles on the same topics. Two that were made apart are not the same, even over one transport.
    ///
    /// ```
    /// # use throng_pubsub::PubSub;
    /// let pubsub = PubSub::new();
    /// assert!(pubsub.is_same(&pubsub.clone()));
    /// assert!(!pubsub.is_same(&PubSub::new()));
    /// ```
    pub fn is_same(&self, other: &PubSub) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The name of this node among the others; `local` when it knows no others.
    pub fn node_name(&self) -> &str {
        self.shared.transport.as_ref().map_or(ALONE, |transport| transport.node())
    }

    /// Has every broadcast of a topic sent to this server, until it unsubscribes or ends. Twice subscribed, it gets each
    /// twice (§6.7).
    pub fn subscribe<S: Handler<Broadcast>>(&self, ctx: &Ctx<S>, topic: impl Into<Arc<str>>) {
        let me = ctx.me();
        self.subscribe_for_life(ctx, topic.into(), move |broadcast| drop(me.cast(broadcast.clone())));
    }

    /// Has `deliver` called with every broadcast of a topic, until the subscription is dropped or its process ends: before
    /// anybody sees its [`Down`](throng_runtime::Down).
    ///
    /// It runs in the broadcaster, several at a time if several broadcast: it must be as short as a push into a queue. Use it
    /// to deliver past the process, as the sockets do (§6.2). If it panics, the broadcast is lost to this subscription only.
    ///
    /// The subscription of a process that is gone has ended when it is returned.
    pub fn subscribe_with(
        &self,
        owner: &impl Owner,
        topic: impl Into<Arc<str>>,
        deliver: impl Fn(&Broadcast) + Send + Sync + 'static,
    ) -> Subscription {
        let subscriber = self.add(owner, topic.into(), Box::new(deliver));
        Subscription::new(self.shared.table.clone(), subscriber)
    }

    /// As [`PubSub::subscribe_with`], and says what the subscriber missed of the topic's [`History`]: what it gives back and what
    /// `deliver` is called with join without a gap and without anything twice (§18.6). `None` where the topic has no history.
    ///
    /// Without `since`, nothing was missed, and the position alone is told.
    ///
    /// # Panics
    ///
    /// When it is called within a delivery.
    pub fn subscribe_since(
        &self,
        owner: &impl Owner,
        topic: impl Into<Arc<str>>,
        since: Option<Since>,
        deliver: impl Fn(&Broadcast) + Send + Sync + 'static,
    ) -> (Subscription, Option<Missed>) {
        let topic = topic.into();
        let Some(history) = self.history().filter(|history| history.keeps(&topic)) else {
            return (self.subscribe_with(owner, topic, deliver), None);
        };
        assert!(!turn::is_taken(), "a delivery must not subscribe: it is as short as a push into a queue");
        let subscribe = || self.subscribe_with(owner, topic.clone(), deliver);
        let (subscription, missed) = history.read_and(&topic, since, subscribe);
        (subscription, Some(missed))
    }

    /// Ends all subscriptions of a process to a topic, however often and in whatever way it subscribed (§6.7).
    pub fn unsubscribe(&self, owner: &impl Owner, topic: &str) {
        self.shared.table.remove_from(topic, owner.process());
    }

    /// Sends an event to all subscribers of a topic on all nodes (§6.1).
    ///
    /// # Errors
    ///
    /// [`BroadcastError`]: then nobody got it (§13.2). Success does not mean that other nodes got it (§6.6).
    pub fn broadcast(
        &self,
        topic: impl Into<Arc<str>>,
        event: impl Into<Arc<str>>,
        payload: impl IntoPayload,
    ) -> Result<(), BroadcastError> {
        self.dispatch(&Broadcast::new(topic, event, payload)?, None)
    }

    /// As [`PubSub::broadcast`], but not to the subscriptions of the process `from`.
    ///
    /// # Errors
    ///
    /// As [`PubSub::broadcast`].
    pub fn broadcast_from(
        &self,
        from: impl Into<ProcessId>,
        topic: impl Into<Arc<str>>,
        event: impl Into<Arc<str>>,
        payload: impl IntoPayload,
    ) -> Result<(), BroadcastError> {
        self.dispatch(&Broadcast::new(topic, event, payload)?, Some(from.into()))
    }

    /// Sends an event to the subscribers of a topic on this node.
    ///
    /// # Errors
    ///
    /// When the payload is neither a JSON object nor bytes.
    pub fn local_broadcast(
        &self,
        topic: impl Into<Arc<str>>,
        event: impl Into<Arc<str>>,
        payload: impl IntoPayload,
    ) -> Result<(), PayloadError> {
        self.local_dispatch(&Broadcast::new(topic, event, payload)?, None);
        Ok(())
    }

    /// As [`PubSub::local_broadcast`], but not to the subscriptions of the process `from` (§13.1).
    ///
    /// # Errors
    ///
    /// As [`PubSub::local_broadcast`].
    pub fn local_broadcast_from(
        &self,
        from: impl Into<ProcessId>,
        topic: impl Into<Arc<str>>,
        event: impl Into<Arc<str>>,
        payload: impl IntoPayload,
    ) -> Result<(), PayloadError> {
        self.local_dispatch(&Broadcast::new(topic, event, payload)?, Some(from.into()));
        Ok(())
    }

    /// Sends an event to the subscribers of a topic on one node (§13.1).
    ///
    /// # Errors
    ///
    /// [`BroadcastError`], also when there is no such node.
    pub fn direct_broadcast(
        &self,
        node: &str,
        topic: impl Into<Arc<str>>,
        event: impl Into<Arc<str>>,
        payload: impl IntoPayload,
    ) -> Result<(), BroadcastError> {
        let broadcast = Broadcast::new(topic, event, payload)?;
        if node == self.node_name() {
            self.local_dispatch(&broadcast, None);
            return Ok(());
        }
        let unknown = || TransportError::UnknownNode(node.to_owned());
        let transport = self.shared.transport.as_ref().ok_or_else(unknown)?;
        Ok(transport.send(node, wire::encode(&broadcast, &self.shared.limits)?)?)
    }

    /// Sends a broadcast that was made before to all nodes, but not to the subscriptions of the process `except`.
    ///
    /// # Errors
    ///
    /// As [`PubSub::broadcast`].
    pub fn dispatch(&self, broadcast: &Broadcast, except: Option<ProcessId>) -> Result<(), BroadcastError> {
        if let Some(transport) = &self.shared.transport {
            transport.broadcast(wire::encode(broadcast, &self.shared.limits)?)?;
        }
        self.local_dispatch(broadcast, except);
        Ok(())
    }

    /// Sends a broadcast that was made before on this node, but not to the subscriptions of the process `except`.
    ///
    /// Within a delivery, on a topic with a [`History`], it is sent right after what is being delivered.
    pub fn local_dispatch(&self, broadcast: &Broadcast, except: Option<ProcessId>) {
        self.shared.hand_out(broadcast, except, |_| ());
    }

    /// As [`PubSub::dispatch`], after `prepare` has seen the broadcast as this node's subscribers get it.
    pub(crate) fn dispatch_prepared(
        &self,
        broadcast: &Broadcast,
        prepare: impl FnOnce(&Broadcast) + 'static,
    ) -> Result<(), BroadcastError> {
        if let Some(transport) = &self.shared.transport {
            transport.broadcast(wire::encode(broadcast, &self.shared.limits)?)?;
        }
        self.shared.hand_out(broadcast, None, prepare);
        Ok(())
    }

    /// Sends a broadcast on this node to the subscribers that `hears` picks.
    pub(crate) fn local_dispatch_where(&self, broadcast: &Broadcast, hears: impl FnMut(&Subscriber) -> bool) {
        self.shared.table.dispatch_where(broadcast, hears);
    }

    /// Has `observe` called after every broadcast that was handed to subscriptions of this node, with how many they were. It
    /// runs in the broadcaster, and for as long as there are handles on these topics: count, and go on.
    pub fn observe(&self, observe: impl Fn(&Broadcast, usize) + Send + Sync + 'static) {
        self.shared.table.fan_out.add(observe);
    }

    /// How many subscriptions a topic has on this node.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.shared.table.members(topic).len()
    }

    /// Whether there may be other nodes.
    pub(crate) fn has_transport(&self) -> bool {
        self.shared.transport.is_some()
    }

    /// Hands over what other nodes send to this side channel, from now on. False when the name is taken.
    pub(crate) fn open_side_channel(&self, name: &str, channel: Weak<dyn SideChannel>) -> bool {
        self.shared.side_channels.open(name, channel)
    }

    /// Sends to the side channel of that name on another node, or on all others.
    pub(crate) fn send_to_peers(
        &self,
        node: Option<&str>,
        channel: &str,
        body: &Payload,
    ) -> Result<(), BroadcastError> {
        let transport = self.shared.transport.as_ref().ok_or(TransportError::Closed)?;
        let message = wire::encode_side_channel(channel, body, &self.shared.limits)?;
        let sent = match node {
            Some(node) => transport.send(node, message),
            None => transport.broadcast(message),
        };
        Ok(sent?)
    }

    /// A subscription that is not given back: only its process ends it, or `unsubscribe`.
    pub(crate) fn subscribe_for_life(
        &self,
        owner: &impl Owner,
        topic: Arc<str>,
        deliver: impl Fn(&Broadcast) + Send + Sync + 'static,
    ) {
        self.add(owner, topic, Box::new(deliver));
    }

    fn add(&self, owner: &impl Owner, topic: Arc<str>, deliver: Delivery) -> Arc<Subscriber> {
        let table = &self.shared.table;
        owner.on_exit(table.clone());
        let subscriber = table.add(topic, owner.process(), deliver);
        if owner.has_ended() {
            table.remove(&subscriber);
        }
        subscriber
    }
}

impl Shared {
    /// Hands a broadcast to the subscribers on this node: of a topic with a history in the order in which it is recorded.
    fn hand_out(
        &self,
        broadcast: &Broadcast,
        except: Option<ProcessId>,
        prepare: impl FnOnce(&Broadcast) + 'static,
    ) {
        let history = self.history.get().filter(|history| history.keeps_event(broadcast));
        let Some(history) = history.cloned() else {
            prepare(broadcast);
            return self.table.dispatch(broadcast, except);
        };
        let (table, broadcast) = (self.table.clone(), broadcast.clone());
        turn::take(move || {
            history.record(&broadcast, |recorded| {
                prepare(&recorded);
                table.dispatch(&recorded, except);
            });
        });
    }
}

impl Receiver for Shared {
    fn receive(&self, from: &str, message: &[u8]) {
        match wire::decode(message, &self.limits) {
            Ok(Arrived::Broadcast(broadcast)) => self.hand_out(&broadcast, None, |_| ()),
            Ok(Arrived::SideChannel { name, body }) => self.side_channels.receive(&name, from, &body),
            Err(error) => tracing::warn!(node = from, %error, "a message of another node was refused"),
        }
    }
}

impl Default for PubSub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PubSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSub").field("node", &self.node_name()).finish_non_exhaustive()
    }
}

/// Why a broadcast reached nobody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BroadcastError {
    /// The payload is not one that can be broadcast.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// It is too large for other nodes.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The transport refused it.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
