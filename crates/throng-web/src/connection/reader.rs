//! The reading half: frames become messages, messages become steps of the [`SocketState`], steps become actions.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::StreamExt;
use throng_runtime::{Ctx, ProcessId};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{
    Error, Message as WsMessage,
    error::{CapacityError, ProtocolError},
};

use super::{ChannelNews, Channels, End, InFlight, Link, Source, meter::Incomplete};
use crate::{
    channel::{Inbound, JoinRequest},
    close::CloseReason,
    endpoint::{Limits, Session},
    protocol::{self, DecodeLimits, Message},
    rate::Gcra,
    socket::{Action, ChannelId, ChannelLimit, Input, SocketState},
    telemetry,
};

/// The state of the reading half.
pub(super) struct Reader<'a> {
    ctx: &'a mut Ctx,
    link: &'a Arc<Link>,
    session: &'a dyn Session,
    limits: &'a Limits,
    decode_limits: DecodeLimits,
    state: SocketState,
    channels: Channels,
    rates: Rates,
    incomplete: Incomplete,
    began: Instant,
}

/// What the client has used of its quotas.
#[derive(Default)]
struct Rates {
    messages: Gcra,
    joins: Gcra,
    refusals: Gcra,
}

/// A channel that is to be started.
struct Start {
    channel: ChannelId,
    message: Message,
    replaces: Option<ChannelId>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        ctx: &'a mut Ctx,
        link: &'a Arc<Link>,
        session: &'a dyn Session,
        limits: &'a Limits,
        incomplete: Incomplete,
    ) -> Self {
        Reader {
            ctx,
            link,
            session,
            limits,
            decode_limits: DecodeLimits::default(),
            state: SocketState::new(ChannelLimit(limits.channels_per_connection_max)),
            channels: Channels::default(),
            rates: Rates::default(),
            incomplete,
            began: Instant::now(),
        }
    }

    /// Reads until the connection ends.
    ///
    /// A client whose channels are behind is not read: the wait is the network's, not a queue of ours. If they stay
    /// behind for as long as a client may be silent, the connection ends, for nobody would notice that the client left.
    pub(super) async fn run(&mut self, source: &mut Source) -> End {
        let mut silent_since = Instant::now();
        let mut listening_since = silent_since;
        let mut alarm = pin!(sleep_until(after(silent_since, self.limits.idle_timeout)));
        loop {
            if let Err(reason) = self.take_news() {
                return reason.into();
            }
            let is_behind = self.link.outbox.is_behind();
            tokio::select! {
                biased;
                () = self.link.outbox.news_ready() => {
                    if is_behind && !self.link.outbox.is_behind() {
                        listening_since = Instant::now();
                        silent_since = listening_since;
                    }
                }
                frame = source.next(), if !is_behind => {
                    silent_since = Instant::now();
                    match self.take_frame(frame) {
                        // In a box of its own: most of the time a connection starts nothing.
                        Ok(Some(start)) => Box::pin(self.start(start)).await,
                        Ok(None) => {}
                        Err(end) => return end,
                    }
                }
                () = alarm.as_mut() => {
                    // Moved only when it rings: most frames then cost no timer. The first byte of a message is a sign
                    // of life that buys the rest as much time; what comes between, be it pings, buys no more.
                    let since = match self.incomplete.since() {
                        Some(began) if !is_behind => began.max(listening_since),
                        _ => silent_since,
                    };
                    let deadline = after(since, self.limits.idle_timeout);
                    if deadline <= Instant::now() {
                        return if is_behind { CloseReason::Behind.into() } else { CloseReason::Idle.into() };
                    }
                    alarm.as_mut().reset(deadline);
                }
            }
        }
    }

    /// The channels that live on when the reading has ended.
    pub(super) fn into_channels(self) -> Channels {
        self.channels
    }

    /// News of channels goes before frames: what a client sends after it saw a channel close must find it closed.
    fn take_news(&mut self) -> Result<(), CloseReason> {
        while let Some(news) = self.link.outbox.next_news()? {
            let input = match news {
                ChannelNews::Joined(channel) => Input::Joined(channel),
                ChannelNews::Closing(channel) => Input::Closing(channel),
                ChannelNews::Down(channel) => {
                    self.channels.remove(channel);
                    Input::Down(channel)
                }
            };
            self.step(input);
        }
        Ok(())
    }

    /// Deals with a frame, up to the channel that is to be started for it.
    fn take_frame(&mut self, frame: Option<Result<WsMessage, Error>>) -> Result<Option<Start>, End> {
        match frame {
            Some(Ok(WsMessage::Text(text))) => Ok(self.take_text(&text)?),
            Some(Ok(WsMessage::Binary(_))) => Err(CloseReason::Binary.into()),
            Some(Ok(WsMessage::Close(_))) => Err(End::Client),
            // The library answers pings.
            Some(Ok(WsMessage::Ping(_) | WsMessage::Pong(_) | WsMessage::Frame(_))) => {
                self.admit_control()?;
                Ok(None)
            }
            Some(Err(error)) => Err(end_by(&error)),
            None => Err(End::Gone),
        }
    }

    fn take_text(&mut self, text: &str) -> Result<Option<Start>, CloseReason> {
        let message = protocol::decode(text, &self.decode_limits).map_err(|error| {
            telemetry::malformed_message(self.link.id.as_deref(), &error);
            CloseReason::from(&error)
        })?;
        let input = self.admit(message)?;
        Ok(self.step(input))
    }

    /// Holds a message against the quotas (§18.8).
    fn admit(&mut self, message: Message) -> Result<Input, CloseReason> {
        let now = self.began.elapsed();
        let is_join = &*message.event == protocol::event::JOIN;
        let taken =
            self.rates.messages.take(&self.limits.message_rate, now).and_then(|()| {
                if is_join { self.rates.joins.take(&self.limits.join_rate, now) } else { Ok(()) }
            });
        let Err(retry_after) = taken else {
            let routed = self.session.routes(&message.topic);
            return Ok(Input::Received { message, routed });
        };
        self.refuse(now)?;
        Ok(Input::Refused { message, retry_after })
    }

    /// Control frames count as messages; there is no answer that would tell of a refusal.
    fn admit_control(&mut self) -> Result<(), CloseReason> {
        let now = self.began.elapsed();
        self.rates.messages.take(&self.limits.message_rate, now).or_else(|_| self.refuse(now))
    }

    /// Refusals cost as well: a client that does not heed them is closed.
    fn refuse(&mut self, now: Duration) -> Result<(), CloseReason> {
        let taken = self.rates.refusals.take(&self.limits.message_rate, now);
        taken.map_err(|_| CloseReason::Policy("rate limit exceeded"))
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
                Action::LogUnmatched(topic) => telemetry::unmatched_topic(&topic),
            }
        }
        start
    }

    /// Starts a channel's process and watches it; its join runs there.
    async fn start(&mut self, Start { channel, message, replaces }: Start) {
        let replaces: Option<ProcessId> =
            replaces.and_then(|old| self.channels.find(old)).map(|process| process.id);
        let request = JoinRequest { link: self.link.clone(), channel, message, replaces };
        let outbox = self.link.outbox.clone();
        let node = self.ctx.node().clone();
        match self.session.start(&node, request).await {
            Ok(process) => {
                self.ctx.monitor_with(process.id, move |_| outbox.tell(ChannelNews::Down(channel)));
                self.channels.add(channel, process);
            }
            Err(error) => {
                telemetry::channel_not_started(&error);
                outbox.tell(ChannelNews::Down(channel));
            }
        }
    }
}

/// What a message takes of memory, but for a little that all take.
fn bytes(message: &Message) -> usize {
    message.payload.as_json().len() + message.topic.len() + message.event.len()
}

/// What a broken rule of the WebSocket protocol ends in (§7.5).
fn end_by(error: &Error) -> End {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => CloseReason::TooBig.into(),
        Error::Utf8(_) => CloseReason::NotUtf8.into(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(_) => CloseReason::Protocol.into(),
        _ => End::Gone,
    }
}

/// A point in time; one that the clock cannot tell is as good as never.
fn after(start: Instant, time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    start.checked_add(time).unwrap_or(start + NEVER)
}
