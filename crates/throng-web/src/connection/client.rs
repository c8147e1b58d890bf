//! One client, whatever carries its frames: messages become steps of the [`SocketState`], steps become actions.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use throng_runtime::Ctx;
use tokio::time::Instant;

use super::{
    ChannelNews, Channels, InFlight, Lease, Link, Outbox,
    rates::{Admission, Rates},
};
use crate::{
    channel::{Inbound, JoinRequest, Replaced},
    close::CloseReason,
    endpoint::{Limits, Session},
    protocol::{self, DecodeLimits, Message, Wire},
    socket::{Action, ChannelId, ChannelLimit, Input, SocketState},
    telemetry::{self, ChannelWatch, Traffic},
};

/// A connected client, for a [`Transport`](super::Transport) to feed.
pub(crate) struct Client<'a> {
    ctx: &'a mut Ctx,
    link: &'a Arc<Link>,
    session: &'a Arc<dyn Session>,
    /// How long it may stay, where that is bounded.
    lease: Option<&'a Arc<Lease>>,
    limits: &'a Limits,
    decode_limits: DecodeLimits,
    state: SocketState,
    channels: Channels,
    rates: Rates,
    received: Traffic,
    began: Instant,
}

/// A channel that is to be started.
pub(crate) struct Start {
    channel: ChannelId,
    message: Message,
    replaces: Option<ChannelId>,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        ctx: &'a mut Ctx,
        link: &'a Arc<Link>,
        session: &'a Arc<dyn Session>,
        lease: Option<&'a Arc<Lease>>,
        limits: &'a Limits,
    ) -> Client<'a> {
        let limit = ChannelLimit(limits.channels_per_connection_max);
        Client {
            ctx,
            link,
            session,
            lease,
            limits,
            decode_limits: DecodeLimits::default(),
            state: SocketState::new(limit, link.serializer).with_renewals(session.renews()),
            channels: Channels::default(),
            rates: Rates::default(),
            received: Traffic::default(),
            began: Instant::now(),
        }
    }

    /// What waits to be sent, and what rings when there is more, or news.
    pub(crate) fn outbox(&self) -> &'a Arc<Outbox> {
        &self.link.outbox
    }

    pub(crate) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Whether so much is in flight to channels, or so many channels have yet to end, that the client should not be heard.
    pub(crate) fn is_behind(&self) -> bool {
        self.link.outbox.is_behind() || self.state.is_crowded()
    }

    /// Deals with a message; the error is the reason to close. The news have been taken before it.
    ///
    /// # Cancel safety
    ///
    /// None: dropping the future may kill a channel that it was starting.
    pub(crate) async fn take(&mut self, wire: Wire<'_>) -> Result<(), CloseReason> {
        if let Some(start) = self.dispatch(wire)? {
            // In a box of its own: most of the time a connection starts nothing.
            Box::pin(self.start(start)).await;
        }
        Ok(())
    }

    /// Counts what is no message, a ping say, as one; there is no answer that would tell of a refusal.
    pub(crate) fn take_control(&mut self) -> Result<(), CloseReason> {
        self.rates.admit(false, self.limits, self.began.elapsed()).map(|_| ())
    }

    /// News of channels goes before messages: what a client sends after it saw a channel close must find it closed. The
    /// error is the reason to close.
    pub(crate) fn take_news(&mut self) -> Result<(), CloseReason> {
        while let Some(news) = self.link.outbox.next_news()? {
            let input = match news {
                ChannelNews::Joined(channel) => Input::Joined(channel),
                ChannelNews::Closing(channel) => Input::Closing(channel),
                ChannelNews::Down(channel) => {
                    self.channels.remove(channel);
                    self.link.outbox.drop_held(channel);
                    Input::Down(channel)
                }
            };
            self.step(input);
        }
        Ok(())
    }

    /// What it has sent.
    pub(super) fn received(&self) -> Traffic {
        self.received
    }

    /// The channels that live on when the transport has ended.
    pub(super) fn into_channels(self) -> Channels {
        self.channels
    }

    /// Deals with a message, up to the channel that is to be [started](Client::start) for it, before any other message.
    pub(crate) fn dispatch(&mut self, wire: Wire<'_>) -> Result<Option<Start>, CloseReason> {
        let serializer = self.link.serializer;
        self.received.count(wire.len());
        let decoded = match wire {
            Wire::Text(text) => serializer.decode_text(text, &self.decode_limits),
            Wire::Binary(bytes) => serializer.decode_binary(bytes, &self.decode_limits),
        };
        let message = decoded.map_err(|error| {
            telemetry::malformed_message(self.link.id.as_deref(), &error);
            CloseReason::from(&error)
        })?;
        let input = self.admit(message)?;
        Ok(self.step(input))
    }

    /// Holds a message against the quotas (§18.8).
    fn admit(&mut self, message: Message) -> Result<Input, CloseReason> {
        let is_join = &*message.event == protocol::event::JOIN;
        match self.rates.admit(is_join, self.limits, self.began.elapsed())? {
            Admission::Admitted => {
                let routed = self.session.routes(&message.topic);
                Ok(Input::Received { message, routed })
            }
            Admission::Refused { retry_after } => Ok(Input::Refused { message, retry_after }),
        }
    }

    /// Carries out what follows from an input; a channel to be started, which takes a moment, comes last and is handed back.
    fn step(&mut self, input: Input) -> Option<Start> {
        let mut start = None;
        for action in self.state.step(input) {
            match action {
                Action::Send(frame) => self.link.outbox.send(frame),
                Action::Start { channel, message, replaces } => {
                    start = Some(Start { channel, message, replaces })
                }
                Action::Deliver { channel, message } => {
                    let in_flight = InFlight::begin(&self.link.outbox, bytes(&message));
                    self.channels.hand(channel, Inbound::Event { message, in_flight });
                }
                Action::Leave { channel, reference } => {
                    let in_flight = InFlight::begin(&self.link.outbox, 0);
                    self.channels.hand(channel, Inbound::Leave { reference, in_flight });
                }
                Action::Replace { channel, announce } => {
                    self.channels.hand(channel, Inbound::Replaced { announce });
                }
                Action::Renew(message) => self.renew(message),
                Action::LogUnmatched(topic) => telemetry::unmatched_topic(&topic),
            }
        }
        start
    }

    fn renew(&mut self, message: Message) {
        if let Some(lease) = self.lease {
            lease.renew(self.ctx.node(), self.session, self.link, self.limits, message);
        }
    }

    /// Starts a channel's process and watches it; its join runs there.
    ///
    /// # Cancel safety
    ///
    /// None: dropping the future may kill the channel.
    pub(crate) async fn start(&mut self, Start { channel, message, replaces }: Start) {
        let grace = self.link.channel_grace;
        let replaces = replaces
            .and_then(|old| self.channels.find(old))
            .map(|process| Replaced { process: process.id, grace: process.grace.unwrap_or(grace) });
        let watch = ChannelWatch::begin(&self.link.observers, &message, self.link.id.as_ref());
        let (link, watched) = (self.link.clone(), watch.clone());
        let request = JoinRequest { link, channel, message, replaces, watch };
        let outbox = self.link.outbox.clone();
        let node = self.ctx.node().clone();
        // What the application adds to a route may panic; that is a join that crashed.
        let starting = AssertUnwindSafe(async { self.session.start(&node, request).await }).catch_unwind();
        match starting.await {
            Ok(Ok(process)) => {
                self.ctx.monitor_with(process.id, move |down| {
                    outbox.tell(ChannelNews::Down(channel));
                    watched.inspect(|watch| watch.ended(&down.reason));
                });
                self.channels.add(channel, process);
            }
            failed => {
                telemetry::channel_not_started(failed.ok().and_then(Result::err).as_ref());
                outbox.tell(ChannelNews::Down(channel));
            }
        }
    }
}

/// What a message takes of memory, but for a little that all take.
fn bytes(message: &Message) -> usize {
    message.payload.as_wire().len() + message.topic.len() + message.event.len()
}
