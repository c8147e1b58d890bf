//! The reading half: frames become messages, messages become steps of the [`SocketState`], steps become actions.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use throng_runtime::{Ctx, ProcessId};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::{Error, Message as WsMessage};

use super::{ChannelNews, End, InFlight, Link, Source};
use crate::channel::{ChannelProcess, Inbound};
use crate::close::CloseReason;
use crate::endpoint::{JoinRequest, Limits, Session};
use crate::protocol::{self, DecodeLimits, Message};
use crate::rate::Gcra;
use crate::socket::{Action, ChannelId, ChannelLimit, Input, SocketState};
use crate::telemetry;

/// The state of the reading half.
pub(super) struct Reader<'a> {
    ctx: &'a mut Ctx,
    link: &'a Arc<Link>,
    session: &'a dyn Session,
    limits: &'a Limits,
    decode_limits: DecodeLimits,
    state: SocketState,
    channels: HashMap<ChannelId, ChannelProcess>,
    rates: Rates,
    began: Instant,
}

/// What the client has used of its quotas.
#[derive(Default)]
struct Rates {
    messages: Gcra,
    joins: Gcra,
    /// Refusals cost as well: a client that does not heed them is closed.
    refusals: Gcra,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        ctx: &'a mut Ctx,
        link: &'a Arc<Link>,
        session: &'a dyn Session,
        limits: &'a Limits,
    ) -> Self {
        Reader {
            ctx,
            link,
            session,
            limits,
            decode_limits: DecodeLimits::default(),
            state: SocketState::new(ChannelLimit(limits.channels_per_connection_max)),
            channels: HashMap::new(),
            rates: Rates::default(),
            began: Instant::now(),
        }
    }

    /// Reads until the connection ends.
    pub(super) async fn run(&mut self, source: &mut Source) -> End {
        let mut last_heard = Instant::now();
        loop {
            if let Err(end) = self.take_news().await {
                return end;
            }
            // A client whose channels are behind is not read: the wait is the network's, not a queue of ours.
            let is_behind = self.link.outbox.in_flight() >= self.limits.events_in_flight_max;
            tokio::select! {
                biased;
                () = self.link.outbox.news_ready() => {
                    if is_behind {
                        last_heard = Instant::now();
                    }
                }
                frame = tokio::time::timeout_at(last_heard + self.limits.idle_timeout, source.next()),
                    if !is_behind =>
                {
                    let Ok(frame) = frame else { return CloseReason::Idle.into() };
                    last_heard = Instant::now();
                    if let Err(end) = self.take_frame(frame).await {
                        return end;
                    }
                }
            }
        }
    }

    /// News of channels goes before frames: what a client sends after it saw a channel close must find it closed.
    async fn take_news(&mut self) -> Result<(), End> {
        while let Some(news) = self.link.outbox.next_news()? {
            let input = match news {
                ChannelNews::Joined(channel) => Input::Joined(channel),
                ChannelNews::Closing(channel) => Input::Closing(channel),
                ChannelNews::Down(channel) => {
                    self.channels.remove(&channel);
                    Input::Down(channel)
                }
            };
            self.step(input).await;
        }
        Ok(())
    }

    async fn take_frame(&mut self, frame: Option<Result<WsMessage, Error>>) -> Result<(), End> {
        match frame {
            Some(Ok(WsMessage::Text(text))) => self.take_text(&text).await,
            Some(Ok(WsMessage::Binary(_))) => Err(CloseReason::Binary.into()),
            Some(Ok(WsMessage::Close(_))) => Err(End::Client),
            // The library answers pings.
            Some(Ok(WsMessage::Ping(_) | WsMessage::Pong(_) | WsMessage::Frame(_))) => Ok(()),
            Some(Err(error)) => Err(end_by(&error)),
            None => Err(End::Gone),
        }
    }

    async fn take_text(&mut self, text: &str) -> Result<(), End> {
        let message = protocol::decode(text, &self.decode_limits).map_err(|error| {
            telemetry::malformed_message(self.link.id.as_deref(), &error);
            CloseReason::from(&error)
        })?;
        let input = self.admit(message)?;
        self.step(input).await;
        Ok(())
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
        match self.rates.refusals.take(&self.limits.message_rate, now) {
            Ok(()) => Ok(Input::Refused { message, retry_after }),
            Err(_) => Err(CloseReason::Policy("rate limit exceeded")),
        }
    }

    async fn step(&mut self, input: Input) {
        for action in self.state.step(input) {
            self.perform(action).await;
        }
    }

    async fn perform(&mut self, action: Action) {
        match action {
            Action::Send(frame) => self.link.outbox.send(frame),
            Action::Start { channel, message, replaces } => self.start(channel, message, replaces).await,
            Action::Deliver { channel, message } => {
                let in_flight = InFlight::begin(&self.link.outbox);
                self.hand(channel, Inbound::Event { message, in_flight });
            }
            Action::Leave { channel, reference } => self.hand(channel, Inbound::Leave { reference }),
            Action::Replace { channel, announce } => self.hand(channel, Inbound::Replaced { announce }),
            Action::LogUnmatched(topic) => telemetry::unmatched_topic(&topic),
        }
    }

    fn hand(&self, channel: ChannelId, inbound: Inbound) {
        if let Some(process) = self.channels.get(&channel) {
            process.hand(inbound);
        }
    }

    /// Starts a channel's process and watches it; its join runs there.
    async fn start(&mut self, channel: ChannelId, message: Message, replaces: Option<ChannelId>) {
        let replaces: Option<ProcessId> =
            replaces.and_then(|old| self.channels.get(&old)).map(|process| process.id);
        let request = JoinRequest { link: self.link.clone(), channel, message, replaces };
        let outbox = self.link.outbox.clone();
        let node = self.ctx.node().clone();
        match self.session.start(&node, request).await {
            Ok(process) => {
                self.ctx.monitor_with(process.id, move |_| outbox.tell(ChannelNews::Down(channel)));
                self.channels.insert(channel, process);
            }
            Err(error) => {
                telemetry::channel_not_started(&error);
                outbox.tell(ChannelNews::Down(channel));
            }
        }
    }
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
