//! A channel's side of its client: what it knows of it, and how it speaks to it.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use throng_pubsub::{Broadcast, BroadcastError, Claim, IntoPayload, Owner, Position, PubSub, Subscription};
use throng_runtime::{
    Address, CallError, CastError, Ctx, Down, Message, MonitorRef, Node, OnExit, Pid, ProcessId, TimerRef,
};

use super::{
    Channel, ChannelHandler, SocketRef,
    server::{ChannelServer, Info, Subscribed},
};
use crate::{
    connection::{Link, Loan, Mark, Merge, Outbox},
    protocol::{Payload, PayloadError, Ref, Serializer},
    socket::ChannelId,
    telemetry::ChannelWatch,
};

/// A channel's own view of its client and topic, given to each of its callbacks.
pub struct Socket<'a, C: Channel> {
    pub(super) state: &'a mut SocketState<C>,
    pub(super) ctx: &'a mut Ctx<ChannelServer<C>>,
}

/// What a channel's process keeps of its client.
pub(super) struct SocketState<C: Channel> {
    pub(super) assigns: C::Assigns,
    pub(super) link: Arc<Link>,
    pub(super) channel: ChannelId,
    pub(super) topic: Arc<str>,
    /// As the join sent it: what `phx_close` carries.
    pub(super) stored_join_ref: Ref,
    /// The join's `join_ref`, or else its `ref`: what replies and pushes carry (§2.8).
    pub(super) join_ref: Ref,
    /// The reference of the event in hand.
    pub(super) reference: Option<Ref>,
    pub(super) join_reply: Option<Payload>,
    /// Held while the topic's broadcasts reach the client.
    pub(super) subscription: Option<Subscription>,
    /// Follows the channel, where there are observers.
    pub(super) watch: Option<Arc<ChannelWatch>>,
    /// How a `Down` reaches the channel, known once it monitored anything.
    pub(super) down: Option<super::server::DownHandler<C>>,
    /// The recorded broadcast that is handed out through the channel.
    pub(super) out: Option<Box<Out>>,
    /// The right to handle the event in hand, if its client gave it an id.
    pub(super) claim: Option<Claim>,
}

/// A recorded broadcast in `handle_out`: what is pushed for it carries its place.
pub(super) struct Out {
    pub(super) position: Position,
    /// It was missed: what is pushed for it goes here, and then into the reply to the join.
    pub(super) missed: Option<Mutex<Vec<Pushed>>>,
}

/// An event and its payload.
pub(super) type Pushed = (Box<str>, Payload);

impl<C: Channel> Socket<'_, C> {
    /// What is known of the client: the channel's own copy.
    pub fn assigns(&self) -> &C::Assigns {
        &self.state.assigns
    }

    /// What is known of the client, to change for this channel alone.
    pub fn assigns_mut(&mut self) -> &mut C::Assigns {
        &mut self.state.assigns
    }

    /// The topic that was joined.
    pub fn topic(&self) -> &str {
        &self.state.topic
    }

    /// The socket id, if the socket names its clients.
    pub fn id(&self) -> Option<&str> {
        self.state.link.id.as_deref()
    }

    /// The reference under which the topic was joined.
    pub fn join_ref(&self) -> &Ref {
        &self.state.join_ref
    }

    /// What carries the client's messages: `websocket`, `longpoll` or `memory` (§5.5).
    pub fn transport(&self) -> &'static str {
        self.state.link.transport
    }

    /// Whether the client understands bytes; one that speaks version 1 of the protocol does not (§3.6).
    pub fn takes_bytes(&self) -> bool {
        self.state.link.serializer == Serializer::V2
    }

    /// The reference of the event in hand, or of the join; `None` outside of both (§5.5).
    pub fn reference(&self) -> Option<&Ref> {
        self.state.reference.as_ref()
    }

    /// The node that the channel runs on.
    pub fn node(&self) -> &Node {
        self.ctx.node()
    }

    /// The channel's process: what to track in a presence, to exclude from a broadcast, to link with.
    pub fn process(&self) -> ProcessId {
        self.ctx.id()
    }

    /// The process of the client's connection, which all its channels share.
    pub fn connection(&self) -> ProcessId {
        self.state.link.connection
    }

    /// The channel as an address for messages it handles.
    pub fn address(&self) -> ChannelPid<C> {
        ChannelPid(self.ctx.me())
    }

    /// Gives the join's reply a response; without one it is empty. Has no effect after the join.
    ///
    /// # Errors
    ///
    /// When the response cannot be encoded.
    pub fn reply_to_join(&mut self, response: impl IntoPayload) -> Result<(), PayloadError> {
        self.state.join_reply = Some(Payload::new(response)?);
        Ok(())
    }

    /// Sends an event to this client (§5.4).
    ///
    /// # Errors
    ///
    /// Before the topic is joined, and when the payload is neither a JSON object nor bytes that this client can be sent.
    pub fn push(&self, event: &str, payload: impl IntoPayload) -> Result<(), PushError> {
        self.state.joined()?;
        let mut payload = Payload::new(payload)?.into_pushed()?;
        let SocketState { link, join_ref, topic, channel, out, .. } = &*self.state;
        if let Some(out) = out {
            payload = out.position.stamp(&payload);
            if let Some(missed) = &out.missed {
                missed.lock().push((event.into(), payload));
                return Ok(());
            }
        }
        let frame = link.serializer.push(join_ref, topic, event, &payload)?;
        let mark = Mark::new(C::WHEN_SLOW, *channel, event, |merge| Merge {
            merge,
            serializer: link.serializer,
            join_ref: join_ref.clone(),
            topic: (**topic).into(),
            payload,
        });
        link.outbox.send_marked(frame, mark);
        Ok(())
    }

    /// Sends an event to all who joined the topic, this client included (§6.1).
    ///
    /// # Errors
    ///
    /// When the payload is neither a JSON object nor bytes, or other nodes cannot be told: then nobody got it.
    pub fn broadcast(&self, event: &str, payload: impl IntoPayload) -> Result<(), BroadcastError> {
        self.pubsub().broadcast(self.state.topic.clone(), event, payload)
    }

    /// Sends an event to all who joined the topic but this channel; another tab of the same user gets it (§6.1).
    ///
    /// # Errors
    ///
    /// As [`Socket::broadcast`].
    pub fn broadcast_from(&self, event: &str, payload: impl IntoPayload) -> Result<(), BroadcastError> {
        self.pubsub().broadcast_from(self.ctx.id(), self.state.topic.clone(), event, payload)
    }

    /// The topics of the endpoint: to broadcast on others than this channel's own.
    pub fn pubsub(&self) -> &PubSub {
        &self.state.link.pubsub
    }

    /// Has the broadcasts of another topic handled by this channel, until the subscription is dropped; they do not go to the
    /// client. What waits to be handled counts as bytes that wait for the client: a channel that falls behind too far ends
    /// its connection, rather than growing.
    pub fn subscribe(&self, topic: impl Into<Arc<str>>) -> Subscription
    where
        C: ChannelHandler<Broadcast>,
    {
        let (me, outbox) = (self.ctx.me(), self.outbox().clone());
        let deliver = move |broadcast: &Broadcast| {
            if let Some(loan) = Loan::take(&outbox, broadcast.payload().as_wire().len()) {
                drop(me.cast(Subscribed { broadcast: broadcast.clone(), loan }));
            }
        };
        self.pubsub().subscribe_with(self, topic, deliver)
    }

    /// Keeps the right to answer the event in hand later, from any process (§5.3): return
    /// [`Reply::none`](super::Reply::none) and answer by it. `None` outside of `handle_in`, and for an event that was
    /// sent without a reference.
    pub fn socket_ref(&self) -> Option<SocketRef> {
        let reference = self.state.reference.clone().filter(|reference| !reference.is_null())?;
        Some(SocketRef {
            link: self.state.link.clone(),
            topic: self.state.topic.clone(),
            join_ref: self.state.join_ref.clone(),
            reference,
            claim: self.state.claim.clone(),
        })
    }

    /// The id that the client gave the event in hand, if it gave one and the channel [recovers](Channel::RECOVERS) (§18.6).
    pub fn message_id(&self) -> Option<&str> {
        self.state.claim.as_ref().map(Claim::id)
    }

    /// Has a [`Down`] handled when `target` ends, or at once if it is gone.
    pub fn monitor(&mut self, target: impl Into<ProcessId>) -> MonitorRef
    where
        C: ChannelHandler<Down>,
    {
        self.state.down = Some(super::server::hand_down::<C>);
        self.ctx.monitor(target)
    }

    /// Takes a monitor away; true when it was active.
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        self.ctx.demonitor(monitor)
    }

    /// Sends a message to this channel after a time. Dropping the result does not cancel.
    pub fn send_after<M: Message<Reply = ()>>(&self, after: Duration, message: M) -> TimerRef
    where
        C: ChannelHandler<M>,
    {
        self.ctx.send_after(after, Info(message))
    }

    fn outbox(&self) -> &Arc<Outbox> {
        &self.state.link.outbox
    }
}

/// A channel owns subscriptions and presences: they end with it.
impl<C: Channel> Owner for Socket<'_, C> {
    fn process(&self) -> ProcessId {
        self.ctx.id()
    }

    fn on_exit(&self, hook: Arc<dyn OnExit>) {
        self.ctx.on_exit(hook);
    }
}

impl<C: Channel> SocketState<C> {
    fn joined(&self) -> Result<(), PushError> {
        if self.subscription.is_some() { Ok(()) } else { Err(PushError::NotJoined) }
    }
}

impl<C: Channel> fmt::Debug for Socket<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("topic", &self.state.topic)
            .field("id", &self.state.link.id)
            .field("process", &self.ctx.id())
            .finish_non_exhaustive()
    }
}

/// Why an event could not be pushed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The join has not been answered; push from [`Channel::joined`].
    #[error("nothing can be pushed before the join is answered")]
    NotJoined,
    /// The payload is not what can be pushed.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// A channel's process as an address for the messages it handles.
pub struct ChannelPid<C: Channel>(Pid<ChannelServer<C>>);

impl<C: Channel> ChannelPid<C> {
    /// The identity without the type.
    pub fn id(&self) -> ProcessId {
        self.0.id()
    }

    /// Sends a message and goes on; to a channel that is gone it is lost in silence.
    pub fn cast<M: Message<Reply = ()>>(&self, message: M)
    where
        C: ChannelHandler<M>,
    {
        // A pid is an address of its own: it always resolves.
        let _: Result<(), CastError<Info<M>>> = self.0.cast(Info(message));
    }

    /// Sends a message and waits for the answer, five seconds at most.
    ///
    /// # Errors
    ///
    /// [`CallError`] when no answer comes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the call; the message is handled all the same.
    pub async fn call<M: Message>(&self, message: M) -> Result<M::Reply, CallError>
    where
        C: ChannelHandler<M>,
    {
        self.0.call(Info(message)).await
    }
}

impl<C: Channel> Clone for ChannelPid<C> {
    fn clone(&self) -> ChannelPid<C> {
        *self
    }
}

impl<C: Channel> Copy for ChannelPid<C> {}

impl<C: Channel> fmt::Debug for ChannelPid<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<C: Channel> From<ChannelPid<C>> for ProcessId {
    fn from(pid: ChannelPid<C>) -> ProcessId {
        pid.id()
    }
}
