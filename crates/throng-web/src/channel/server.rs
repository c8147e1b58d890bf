//! The process behind a channel: a server that joins, handles and leaves on its client's behalf.

use std::{pin::Pin, sync::Arc, time::Instant};

use throng_pubsub::{Answer as KeptAnswer, Broadcast, Claim, Standing};
use throng_runtime::{Ctx, Down, Exit, GenServer, Halt, Handled, Handler, Init, Message};

use super::{
    Channel, ChannelHandler, Replaced,
    event::{self, EventError},
    reply::{Answer, JoinError, Reply},
    route::{JoinRequest, Start},
    socket::{Out, Socket, SocketState},
};
use crate::{
    connection::{ChannelNews, InFlight, Loan},
    fastlane,
    protocol::{self, Payload, PayloadError, Ref},
    recovery, telemetry,
};

/// The server that runs a channel.
pub(crate) struct ChannelServer<C: Channel> {
    /// `None` until the join was accepted.
    pub(super) channel: Option<C>,
    pub(super) socket: SocketState<C>,
}

/// What a connection hands to a channel.
#[derive(Debug)]
pub(crate) enum Inbound {
    /// An event of the client.
    Event { message: protocol::Message, in_flight: InFlight },
    /// An event that the client gave an id, and what is known of it.
    Known { message: protocol::Message, in_flight: InFlight, standing: Standing },
    /// The client leaves.
    Leave { reference: Ref, in_flight: InFlight },
    /// Another join took the topic.
    Replaced { announce: bool },
    /// A broadcast of an event that the channel intercepts, or that must not overtake one, and the bytes that it costs until it
    /// is handled.
    Intercepted { broadcast: Broadcast, loan: Loan },
    /// The connection is over; in a drain, for all at once.
    Closed { is_drain: bool },
}

impl Message for Inbound {
    type Reply = ();
}

/// The first thing that a channel does.
pub(super) struct Join {
    payload: Payload,
    replaces: Option<Replaced>,
}

impl Message for Join {
    type Reply = ();
}

/// A message of the application's own.
#[derive(Debug)]
pub(crate) struct Info<M>(pub(super) M);

impl<M: Message> Message for Info<M> {
    type Reply = M::Reply;
}

/// A broadcast of a topic that the channel subscribed to, and the bytes that it costs until it is handled.
#[derive(Debug)]
pub(super) struct Subscribed {
    pub(super) broadcast: Broadcast,
    pub(super) loan: Loan,
}

impl Message for Subscribed {
    type Reply = ();
}

/// How a `Down` is handed to a channel that handles them.
pub(super) type DownHandler<C> =
    for<'a> fn(&'a mut C, Down, Socket<'a, C>) -> Pin<Box<dyn Future<Output = Result<(), Halt>> + Send + 'a>>;

pub(super) fn hand_down<'a, C: ChannelHandler<Down>>(
    channel: &'a mut C,
    down: Down,
    mut socket: Socket<'a, C>,
) -> Pin<Box<dyn Future<Output = Result<(), Halt>> + Send + 'a>> {
    Box::pin(async move { channel.handle(down, &mut socket).await })
}

impl<C: Channel> GenServer for ChannelServer<C> {
    type Args = Arc<Start<C::Assigns>>;

    async fn init(start: Arc<Start<C::Assigns>>, ctx: &mut Ctx<Self>) -> Init<Self> {
        let Start { assigns, join: JoinRequest { link, channel, message, replaces, watch } } = &*start;
        ctx.on_exit(link.channels.clone());
        link.channels.opened();
        ctx.continue_with(Join { payload: message.payload.clone(), replaces: *replaces });
        let socket = SocketState {
            assigns: assigns.clone(),
            link: link.clone(),
            channel: *channel,
            topic: message.topic.clone(),
            stored_join_ref: message.join_ref.clone(),
            join_ref: message.join_ref.or(&message.reference),
            reference: Some(message.reference.clone()),
            join_reply: None,
            subscription: None,
            watch: watch.clone(),
            down: None,
            out: None,
            claim: None,
        };
        Ok(ChannelServer { channel: None, socket })
    }

    async fn terminate(&mut self, reason: &Exit, ctx: &mut Ctx<Self>) {
        self.socket.reference = None;
        if let Some(channel) = &mut self.channel {
            channel.terminate(reason, &mut Socket { state: &mut self.socket, ctx }).await;
        }
        telemetry::channel_ended(&self.socket.topic, reason);
    }
}

#[diagnostic::do_not_recommend]
impl<C: Channel> Handler<Join> for ChannelServer<C> {
    async fn handle(&mut self, join: Join, ctx: &mut Ctx<Self>) -> Handled<Join> {
        if let Some(old) = join.replaces {
            old.end(ctx.node()).await;
        }
        let (since, payload) =
            if C::RECOVERS { recovery::since(&join.payload) } else { (None, join.payload) };
        let Ok(params) = payload.parse::<C::Params>() else {
            return Err(self.refuse(&Payload::reason("invalid params")));
        };
        let joined = C::join(params, &mut Socket { state: &mut self.socket, ctx }).await;
        match joined {
            Ok(channel) => self.channel = Some(channel),
            Err(JoinError::Refused(response)) => return Err(self.refuse(&response)),
            Err(JoinError::Crashed(reason)) => return Err(Halt::Stop(reason)),
        }
        self.open(since, ctx).await?;
        let Some(channel) = &mut self.channel else { return Ok(()) };
        let result = channel.joined(&mut Socket { state: &mut self.socket, ctx }).await;
        self.settle(result.map_err(Halt::Stop))
    }
}

#[diagnostic::do_not_recommend]
impl<C: Channel> Handler<Inbound> for ChannelServer<C> {
    async fn handle(&mut self, inbound: Inbound, ctx: &mut Ctx<Self>) -> Handled<Inbound> {
        match inbound {
            Inbound::Event { message, in_flight } => {
                let handled = self.handle_event(message, ctx).await;
                drop(in_flight);
                handled
            }
            Inbound::Leave { reference, in_flight } => {
                drop(in_flight);
                Err(self.leave(&reference))
            }
            Inbound::Replaced { announce } => Err(self.give_way(announce)),
            Inbound::Known { message, in_flight, standing } => {
                let handled = self.handle_known(message, standing, ctx).await;
                drop(in_flight);
                handled
            }
            Inbound::Intercepted { broadcast, loan } => {
                let handled = self.hand_out(&broadcast, ctx).await;
                drop(loan);
                handled
            }
            Inbound::Closed { .. } => Err(closed()),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<C: Channel> Handler<Down> for ChannelServer<C> {
    async fn handle(&mut self, down: Down, ctx: &mut Ctx<Self>) -> Handled<Down> {
        let (Some(channel), Some(hand)) = (&mut self.channel, self.socket.down) else { return Ok(()) };
        let result = hand(channel, down, Socket { state: &mut self.socket, ctx }).await;
        self.settle(result)
    }
}

#[diagnostic::do_not_recommend]
impl<C: ChannelHandler<Broadcast>> Handler<Subscribed> for ChannelServer<C> {
    async fn handle(&mut self, message: Subscribed, ctx: &mut Ctx<Self>) -> Handled<Subscribed> {
        let Subscribed { broadcast, loan } = message;
        let handled = self.handle(Info(broadcast), ctx).await;
        drop(loan);
        handled
    }
}

#[diagnostic::do_not_recommend]
impl<C: ChannelHandler<M>, M: Message> Handler<Info<M>> for ChannelServer<C> {
    async fn handle(&mut self, Info(message): Info<M>, ctx: &mut Ctx<Self>) -> Handled<Info<M>> {
        let Some(channel) = &mut self.channel else {
            // Join runs before anything else, so only a channel that is ending gets here.
            return Err(Halt::Stop(Exit::Normal));
        };
        let result = channel.handle(message, &mut Socket { state: &mut self.socket, ctx }).await;
        self.settle(result)
    }
}

impl<C: Channel> ChannelServer<C> {
    /// Answers the join with an error and ends, without `phx_close` (§4.2).
    fn refuse(&mut self, response: &Payload) -> Halt {
        let socket = &mut self.socket;
        let outbox = &socket.link.outbox;
        let reference = socket.reference.take().unwrap_or_default();
        let serializer = socket.link.serializer;
        match serializer.reply(&socket.stored_join_ref, &reference, &socket.topic, "error", response) {
            Ok(reply) => outbox.announce([reply], ChannelNews::Closing(socket.channel)),
            Err(error) => return error.into(),
        }
        telemetry::join_refused(&socket.topic, socket.link.id.as_deref());
        socket.watch.as_ref().inspect(|watch| watch.refused());
        Halt::Stop(Exit::Normal)
    }

    /// Handles an event that may have been sent before, unless it was handled then.
    async fn handle_known(
        &mut self,
        message: protocol::Message,
        standing: Standing,
        ctx: &mut Ctx<Self>,
    ) -> Result<(), Halt> {
        match standing {
            // One that is not begun is left to who sends it again.
            Standing::Yours(_) if self.channel.is_none() => Ok(()),
            Standing::Yours(claim) => self.handle_claimed(message, claim, ctx).await,
            Standing::Handled(Some(KeptAnswer { status, response })) => {
                Ok(self.answer(&message.reference, &status, &response)?)
            }
            Standing::Handled(None) => Ok(()),
            Standing::Crashed => Ok(self.answer(&message.reference, "error", &Payload::reason("crashed"))?),
        }
    }

    async fn handle_claimed(
        &mut self,
        message: protocol::Message,
        claim: Claim,
        ctx: &mut Ctx<Self>,
    ) -> Result<(), Halt> {
        claim.begin();
        self.socket.claim = Some(claim);
        let handled = self.handle_event(message, ctx).await;
        let is_crash = matches!(&handled, Err(Halt::Stop(reason)) if !reason.is_clean());
        if let Some(claim) = self.socket.claim.take()
            && !is_crash
        {
            claim.done();
        }
        handled
    }

    async fn handle_event(&mut self, message: protocol::Message, ctx: &mut Ctx<Self>) -> Result<(), Halt> {
        let Some(channel) = &mut self.channel else { return Ok(()) };
        let event = match event::read::<C::Event>(&message.event, &message.payload) {
            Ok(event) => event,
            Err(error) => {
                self.answer(&message.reference, "error", &no_event(&error))?;
                return Ok(());
            }
        };
        self.socket.reference = Some(message.reference.clone());
        let watch = self.socket.watch.clone().map(|watch| (watch, Instant::now()));
        let result = channel.handle_in(event, &mut Socket { state: &mut self.socket, ctx }).await;
        watch.inspect(|(watch, began)| watch.handled(&message.event, *began));
        self.socket.reference = None;
        let Reply { answer, stop } = match result {
            Ok(reply) => reply,
            Err(reason) => return self.settle(Err(Halt::Stop(reason))),
        };
        if let Some(Answer { status, response }) = answer {
            self.answer(&message.reference, &status, &response?)?;
        }
        self.settle(stop.map_or(Ok(()), |reason| Err(Halt::Stop(reason))))
    }

    fn answer(&self, reference: &Ref, status: &str, response: &Payload) -> Result<(), PayloadError> {
        let SocketState { link, join_ref, topic, claim, .. } = &self.socket;
        let reply = link.serializer.reply(join_ref, reference, topic, status, response)?;
        if let Some(claim) = claim {
            claim.answer(KeptAnswer { status: status.into(), response: response.clone() });
        }
        link.outbox.send(reply);
        Ok(())
    }

    /// Has the channel handle a broadcast that it intercepts, and sends one that had to wait behind such.
    async fn hand_out(&mut self, broadcast: &Broadcast, ctx: &mut Ctx<Self>) -> Result<(), Halt> {
        let Some(channel) = &mut self.channel else { return Ok(()) };
        if !C::INTERCEPTS.contains(&broadcast.event()) {
            let SocketState { link, channel, .. } = &self.socket;
            fastlane::send(broadcast, *channel, &link.outbox, link.serializer, C::WHEN_SLOW);
            return Ok(());
        }
        if C::RECOVERS {
            self.socket.out = broadcast.position().map(|position| Box::new(Out { position, missed: None }));
        }
        let result = channel.handle_out(broadcast, &mut Socket { state: &mut self.socket, ctx }).await;
        self.socket.out = None;
        self.settle(result.map_err(Halt::Stop))
    }

    /// The client hears the answer, then the close, then whatever `terminate` pushes (§4.4).
    fn leave(&mut self, reference: &Ref) -> Halt {
        let socket = &mut self.socket;
        socket.mute();
        let outbox = &socket.link.outbox;
        let serializer = socket.link.serializer;
        let reply =
            serializer.text_reply(&socket.join_ref, reference, &socket.topic, "ok", &Payload::empty());
        outbox.announce([reply, socket.close_frame()], ChannelNews::Closing(socket.channel));
        Halt::Stop(Exit::shutdown_with("left"))
    }

    fn give_way(&mut self, announce: bool) -> Halt {
        self.socket.mute();
        if announce {
            self.socket.link.outbox.send(self.socket.close_frame());
        }
        Halt::Stop(Exit::shutdown_with("duplicate_join"))
    }

    /// A callback that stops with a clean reason closes the channel for its client; any other reason is a crash, which
    /// the connection tells of (§7.3).
    fn settle<T>(&mut self, result: Result<T, Halt>) -> Result<T, Halt> {
        if let Err(Halt::Stop(reason)) = &result
            && reason.is_clean()
        {
            let socket = &mut self.socket;
            socket.mute();
            socket.link.outbox.announce([socket.close_frame()], ChannelNews::Closing(socket.channel));
        }
        result
    }
}

impl<C: Channel> SocketState<C> {
    /// Broadcasts no longer reach the client; pushes still do.
    fn mute(&mut self) {
        if let Some(subscription) = &self.subscription {
            subscription.end();
        }
    }

    /// `phx_close`, with the join's reference twice (§2.8).
    fn close_frame(&self) -> protocol::Frame {
        let serializer = self.link.serializer;
        serializer.ended(&self.stored_join_ref, &self.topic, protocol::event::CLOSE, &Payload::empty())
    }
}

/// How a channel ends whose connection is over (§4.6).
fn closed() -> Halt {
    Halt::Stop(Exit::shutdown_with("closed"))
}

fn no_event(error: &EventError) -> Payload {
    match error {
        EventError::Unknown => Payload::reason("unknown event"),
        EventError::Payload(why) => {
            let response = serde_json::json!({ "reason": "invalid payload", "detail": why });
            Payload::new(response).unwrap_or_else(|_| Payload::reason("invalid payload"))
        }
    }
}

impl<C: Channel> std::fmt::Debug for ChannelServer<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelServer").field("topic", &self.socket.topic).finish_non_exhaustive()
    }
}
