//! Custom channels: servers of the application's own behind topics (§5.8).

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use throng_pubsub::{IntoPayload, Owner, Payload, PayloadError, PubSub, Subscription};
use throng_runtime::{
    Address, ChildSpec, Exit, GenServer, Handler, Message, Node, OnExit, ProcessId, Restart,
};

use super::{
    PushError, SocketRef,
    route::{ChannelProcess, JoinRequest, Start, StartChannel, Starting},
    server::Inbound,
};
use crate::{
    connection::{ChannelNews, InFlight, Link},
    endpoint::ChannelCount,
    fastlane,
    protocol::{Frame, Ref, event},
    socket::ChannelId,
    telemetry::{self, ChannelWatch},
};

/// A client that wants to join the topic of a custom channel: what the server of
/// [`SocketRouter::custom`](crate::SocketRouter::custom) begins from.
#[derive(Clone)]
#[non_exhaustive]
pub struct CustomJoin<A> {
    /// What the socket knows of its client.
    pub assigns: A,
    /// What the client said when it joined.
    pub params: Payload,
    /// By which the server answers the join, and speaks to the client from then on.
    pub socket: CustomSocket,
}

/// A custom channel's side of its client; clones are the same side.
#[derive(Clone)]
pub struct CustomSocket(Arc<Side>);

struct Side {
    link: Arc<Link>,
    channel: ChannelId,
    topic: Arc<str>,
    /// As the join sent it: what `phx_close` carries.
    stored_join_ref: Ref,
    /// What replies and pushes carry (§2.8).
    join_ref: Ref,
    phase: Mutex<Phase>,
    /// Follows the channel, where there are observers.
    watch: Option<Arc<ChannelWatch>>,
}

/// How far a custom channel has come.
enum Phase {
    Joining { reference: Ref },
    Joined { subscription: Subscription },
    Ended,
}

/// What comes from the client of a custom channel, in its order.
#[derive(Debug)]
#[non_exhaustive]
pub enum FromClient {
    /// It sent an event.
    Event(ClientEvent),
    /// It leaves: [confirm](ClientLeave::confirm) that and stop.
    Leave(ClientLeave),
    /// It joined the topic anew, and another server begins: stop within the [grace](crate::Limits::channel_grace), or be
    /// killed (§4.3).
    Replaced,
    /// The server shuts down; [`FromClient::Closed`] follows (§5.8).
    Drain,
    /// The connection is over: stop.
    Closed,
}

impl Message for FromClient {
    type Reply = ();
}

/// An event of a custom channel's client. It counts as handled when it is dropped.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientEvent {
    /// Its name.
    pub event: Box<str>,
    /// Its payload: JSON or bytes.
    pub payload: Payload,
    /// The right to answer it.
    pub reply: SocketRef,
    _in_flight: InFlight,
}

/// The wish of a custom channel's client to leave.
#[derive(Debug)]
pub struct ClientLeave {
    socket: CustomSocket,
    reference: Ref,
    _in_flight: InFlight,
}

impl ClientLeave {
    /// Tells the client that it has left (§4.4); the server is to stop then.
    pub fn confirm(self) {
        let Side { link, join_ref, topic, .. } = &*self.socket.0;
        let reply = link.serializer.text_reply(join_ref, &self.reference, topic, "ok", &Payload::empty());
        self.socket.end([reply]);
    }
}

impl CustomSocket {
    fn new(join: &JoinRequest) -> CustomSocket {
        let message = &join.message;
        CustomSocket(Arc::new(Side {
            link: join.link.clone(),
            channel: join.channel,
            topic: message.topic.clone(),
            stored_join_ref: message.join_ref.clone(),
            join_ref: message.join_ref.or(&message.reference),
            phase: Mutex::new(Phase::Joining { reference: message.reference.clone() }),
            watch: join.watch.clone(),
        }))
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// The socket id, if the socket names its clients.
    pub fn id(&self) -> Option<&str> {
        self.0.link.id.as_deref()
    }

    /// What carries the client's messages: `websocket`, `longpoll` or `memory`.
    pub fn transport(&self) -> &'static str {
        self.0.link.transport
    }

    /// The process of the client's connection.
    pub fn connection(&self) -> ProcessId {
        self.0.link.connection
    }

    /// The topics of the endpoint.
    pub fn pubsub(&self) -> &PubSub {
        &self.0.link.pubsub
    }

    /// Lets the client in: the broadcasts of the topic reach it from now on, until the owner ends. An answer that was given
    /// already stands.
    ///
    /// # Errors
    ///
    /// When the response cannot be encoded: the join is not answered then.
    pub fn accept(&self, owner: &impl Owner, response: impl IntoPayload) -> Result<(), PayloadError> {
        let mut phase = self.0.phase.lock();
        let Phase::Joining { reference } = &*phase else { return Ok(()) };
        let reply = self.join_reply(reference, "ok", &Payload::new(response)?)?;
        let Side { link, channel, topic, .. } = &*self.0;
        link.outbox.hold(*channel);
        let deliver = fastlane::to_client(*channel, link.outbox.clone(), link.serializer, &[]);
        let subscription = link.pubsub.subscribe_with(owner, topic.clone(), deliver);
        link.outbox.tell(ChannelNews::Joined(*channel));
        link.outbox.release(*channel, reply);
        *phase = Phase::Joined { subscription };
        telemetry::channel_joined(topic, self.id());
        self.0.watch.as_ref().inspect(|watch| watch.joined());
        Ok(())
    }

    /// Keeps the client out; the server is to stop then. An answer that was given already stands.
    ///
    /// # Errors
    ///
    /// When the response cannot be encoded: the join is not answered then.
    pub fn refuse(&self, response: impl IntoPayload) -> Result<(), PayloadError> {
        let mut phase = self.0.phase.lock();
        let Phase::Joining { reference } = &*phase else { return Ok(()) };
        let reply = self.join_reply(reference, "error", &Payload::new(response)?)?;
        self.0.link.outbox.announce([reply], ChannelNews::Closing(self.0.channel));
        *phase = Phase::Ended;
        telemetry::join_refused(self.topic(), self.id());
        self.0.watch.as_ref().inspect(|watch| watch.refused());
        Ok(())
    }

    /// Sends an event to this client.
    ///
    /// # Errors
    ///
    /// Before the join is accepted, and when the payload is neither a JSON object nor bytes that this client can be sent.
    pub fn push(&self, event: &str, payload: impl IntoPayload) -> Result<(), PushError> {
        if matches!(*self.0.phase.lock(), Phase::Joining { .. }) {
            return Err(PushError::NotJoined);
        }
        let payload = Payload::new(payload)?.into_pushed()?;
        let Side { link, join_ref, topic, .. } = &*self.0;
        link.outbox.send(link.serializer.push(join_ref, topic, event, &payload)?);
        Ok(())
    }

    /// Tells the client that the channel closes; the server is to stop then. One that ends without this has crashed, and its
    /// client is told so (§7.1).
    pub fn close(&self) {
        self.end([]);
    }

    /// Ends the broadcasts, and sends the last frames and `phx_close`, unless that was done already.
    fn end<const N: usize>(&self, last: [Frame; N]) {
        let Side { link, channel, topic, stored_join_ref, .. } = &*self.0;
        let Phase::Joined { subscription } = std::mem::replace(&mut *self.0.phase.lock(), Phase::Ended)
        else {
            return;
        };
        subscription.end();
        let close = link.serializer.ended(stored_join_ref, topic, event::CLOSE, &Payload::empty());
        link.outbox.announce(last.into_iter().chain([close]), ChannelNews::Closing(*channel));
    }

    /// Another join took the topic, and the client knows.
    fn replaced(&self) {
        if let Phase::Joined { subscription } = std::mem::replace(&mut *self.0.phase.lock(), Phase::Ended) {
            subscription.end();
        }
    }

    fn join_reply(&self, reference: &Ref, status: &str, response: &Payload) -> Result<Frame, PayloadError> {
        let Side { link, stored_join_ref, topic, .. } = &*self.0;
        link.serializer.reply(stored_join_ref, reference, topic, status, response)
    }

    /// What a connection hands over, in the words of custom channels.
    fn translate(&self, inbound: Inbound) -> [Option<FromClient>; 2] {
        let Side { link, topic, join_ref, .. } = &*self.0;
        let one = |message| [Some(message), None];
        match inbound {
            Inbound::Event { message, in_flight } => {
                let reply = SocketRef {
                    link: link.clone(),
                    topic: topic.clone(),
                    join_ref: join_ref.clone(),
                    reference: message.reference,
                    claim: None,
                };
                let (event, payload) = (message.event, message.payload);
                one(FromClient::Event(ClientEvent { event, payload, reply, _in_flight: in_flight }))
            }
            Inbound::Leave { reference, in_flight } => {
                let socket = self.clone();
                one(FromClient::Leave(ClientLeave { socket, reference, _in_flight: in_flight }))
            }
            Inbound::Replaced { .. } => {
                self.replaced();
                one(FromClient::Replaced)
            }
            Inbound::Closed { is_drain: true } => [Some(FromClient::Drain), Some(FromClient::Closed)],
            Inbound::Closed { is_drain: false } => one(FromClient::Closed),
            // Custom channels intercept nothing, and know no ids.
            Inbound::Intercepted { .. } | Inbound::Known { .. } => [None, None],
        }
    }
}

/// A server of the application's own as a route's target.
pub(crate) struct CustomRoute<F>(pub(crate) F);

impl<A, S, F> StartChannel<A> for CustomRoute<F>
where
    A: Clone + Send + Sync + 'static,
    S: GenServer + Handler<FromClient>,
    F: Fn(CustomJoin<A>) -> ChildSpec<S> + Send + Sync,
{
    fn start<'a>(&'a self, node: &'a Node, start: Start<A>) -> Starting<'a> {
        Box::pin(async move {
            let Start { assigns, join } = start;
            if let Some(replaced) = join.replaces {
                // The connection waits for this start: the end of the old channel is somebody else's to see to.
                let watched = node.clone();
                node.spawn(async move |_| replaced.end(&watched).await);
            }
            let socket = CustomSocket::new(&join);
            let params = join.message.payload.clone();
            let spec = (self.0)(CustomJoin { assigns, params, socket: socket.clone() });
            let pid = node.start(spec.restart(Restart::Temporary)).await?;
            Counted::begin(node, pid.id(), &join.link.channels);
            Ok(ChannelProcess::new(pid.id(), None, move |inbound| {
                for message in socket.translate(inbound).into_iter().flatten() {
                    // A pid is an address of its own: it always resolves.
                    drop(pid.cast(message));
                }
            }))
        })
    }
}

/// Counts a process that was started elsewhere, until it ends.
struct Counted(Mutex<Option<Arc<ChannelCount>>>);

impl Counted {
    fn begin(node: &Node, process: ProcessId, count: &Arc<ChannelCount>) {
        count.opened();
        let counted = Arc::new(Counted(Mutex::new(Some(count.clone()))));
        if node.on_exit(process, counted.clone()).is_err() {
            // It has ended; whether its hooks ran before this one was set, nobody can tell.
            counted.process_exited(process, &Exit::Normal);
        }
    }
}

impl OnExit for Counted {
    fn process_exited(&self, id: ProcessId, reason: &Exit) {
        if let Some(count) = self.0.lock().take() {
            count.process_exited(id, reason);
        }
    }
}

impl fmt::Debug for CustomSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomSocket").field("topic", &self.topic()).finish_non_exhaustive()
    }
}

impl<A> fmt::Debug for CustomJoin<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomJoin").field("params", &self.params).finish_non_exhaustive()
    }
}
