//! What a connection does with each message: the dispatch table of §4 as a state machine.
//!
//! Pure: inputs in, actions out. It knows which topics are joined under which reference; the connection starts the
//! processes, moves the messages and writes the frames that the actions name.

use std::{sync::Arc, time::Duration};

use crate::{
    protocol::{CONNECTION_TOPIC, Frame, Message, Payload, Ref, Serializer, event},
    small_map::SmallMap,
};

/// One incarnation of a channel within its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChannelId(pub(crate) u64);

/// What happens to a connection.
#[derive(Debug)]
pub(crate) enum Input {
    /// A message arrived; `routed` says whether its topic leads to a channel.
    Received { message: Message, routed: bool },
    /// A message arrived that the rate limit refuses.
    Refused { message: Message, retry_after: Duration },
    /// A channel's join was accepted, its reply sent.
    Joined(ChannelId),
    /// A channel said that it will end, and has told the client.
    Closing(ChannelId),
    /// A channel's process ended.
    Down(ChannelId),
}

/// What the connection is to do, in order.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    /// Write a frame.
    Send(Frame),
    /// Start a channel and have it run its join, once the channel that it replaces is gone.
    Start { channel: ChannelId, message: Message, replaces: Option<ChannelId> },
    /// Hand an event to a channel.
    Deliver { channel: ChannelId, message: Message },
    /// Tell a channel that its client leaves.
    Leave { channel: ChannelId, reference: Ref },
    /// Stop a channel in favour of another join of its topic; `announce` if it has to tell the client itself.
    Replace { channel: ChannelId, announce: bool },
    /// Look at the new token that a client sent to stay longer.
    Renew(Message),
    /// Nobody joined or routes the topic; worth a log line, as the client was told already.
    LogUnmatched(Arc<str>),
}

/// How many channels one connection may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChannelLimit(pub(crate) usize);

/// The joined topics of one connection.
#[derive(Debug)]
pub(crate) struct SocketState {
    limit: ChannelLimit,
    serializer: Serializer,
    /// Whether clients may send new tokens.
    renews: bool,
    next: u64,
    topics: SmallMap<Arc<str>, Joined>,
    /// Where each living channel's entry is; those without a topic were replaced or are closing.
    channels: SmallMap<ChannelId, Option<Arc<str>>>,
}

#[derive(Debug)]
struct Joined {
    channel: ChannelId,
    /// As the join sent it, null if it had none.
    join_ref: Ref,
    /// While its join runs.
    joining: Option<Box<Joining>>,
    leaving: bool,
}

#[derive(Debug)]
struct Joining {
    /// The join's own reference.
    reference: Ref,
    /// What was handed to the channel meanwhile. If it is not let in, nobody else answers.
    pending: Vec<Pending>,
}

#[derive(Debug)]
struct Pending {
    reference: Ref,
    leave: bool,
}

impl SocketState {
    pub(crate) fn new(limit: ChannelLimit, serializer: Serializer) -> SocketState {
        let (topics, channels) = (SmallMap::new(), SmallMap::new());
        SocketState { limit, serializer, renews: false, next: 0, topics, channels }
    }

    /// With clients that may send new tokens, or not.
    pub(crate) fn with_renewals(self, renews: bool) -> SocketState {
        SocketState { renews, ..self }
    }

    /// Takes one input and says what follows from it.
    pub(crate) fn step(&mut self, input: Input) -> Vec<Action> {
        match input {
            Input::Received { message, routed } => self.received(message, routed),
            Input::Refused { message, retry_after } => vec![self.rate_limited(&message, retry_after)],
            Input::Joined(channel) => self.opened(channel),
            Input::Closing(channel) => self.closing(channel),
            Input::Down(channel) => self.down(channel),
        }
    }

    fn received(&mut self, message: Message, routed: bool) -> Vec<Action> {
        match (&*message.topic, &*message.event) {
            (CONNECTION_TOPIC, event::HEARTBEAT) => {
                return vec![self.reply(&Ref::NULL, &message, "ok", &Payload::empty())];
            }
            (CONNECTION_TOPIC, event::ACCESS_TOKEN) if self.renews => return vec![Action::Renew(message)],
            _ => {}
        }
        match (self.topics.get(&message.topic), &*message.event) {
            (None, event::JOIN) => self.join(message, routed),
            (None, event::LEAVE) => vec![self.reply(&message.join_ref, &message, "ok", &Payload::empty())],
            (None, _) => self.unmatched(message),
            (Some(_), event::JOIN) => self.join_again(message),
            (Some(joined), _) if joined.is_stale(&message) => Vec::new(),
            (Some(_), _) => self.hand_on(message),
        }
    }

    /// A first join of a topic. Channels that were replaced and still terminate count as well: a client that rejoins
    /// faster than its channels end must not pile up processes.
    fn join(&mut self, message: Message, routed: bool) -> Vec<Action> {
        if !routed {
            return self.unmatched(message);
        }
        let full = self.topics.len() >= self.limit.0 || self.is_crowded();
        if full {
            return vec![self.refuse(&message, "too many channels joined")];
        }
        self.start(message, None)
    }

    /// A join of a joined topic replaces the channel (§4.3).
    fn join_again(&mut self, message: Message) -> Vec<Action> {
        if self.is_crowded() {
            return vec![self.refuse(&message, "too many channels joined")];
        }
        let Some(old) = self.topics.remove(&message.topic) else { return Vec::new() };
        self.channels.insert(old.channel, None);
        // A join that still runs is answered first, and only the channel knows when that is.
        let announce = old.joining.is_some();
        let mut actions = vec![Action::Replace { channel: old.channel, announce }];
        if old.joining.is_none() && !old.leaving {
            actions.push(self.ended(&old.join_ref, &message.topic, event::CLOSE, &Payload::empty()));
        }
        actions.extend(self.start(message, Some(old.channel)));
        actions
    }

    fn start(&mut self, message: Message, replaces: Option<ChannelId>) -> Vec<Action> {
        self.next += 1;
        let channel = ChannelId(self.next);
        let joining = Joining { reference: message.reference.clone(), pending: Vec::new() };
        let joining = Some(Box::new(joining));
        let joined = Joined { channel, join_ref: message.join_ref.clone(), joining, leaving: false };
        self.topics.insert(message.topic.clone(), joined);
        self.channels.insert(channel, Some(message.topic.clone()));
        vec![Action::Start { channel, message, replaces }]
    }

    /// A message for a channel: an event or a leave.
    fn hand_on(&mut self, message: Message) -> Vec<Action> {
        let Some(joined) = self.topics.get_mut(&message.topic) else { return Vec::new() };
        let (channel, leave) = (joined.channel, &*message.event == event::LEAVE);
        joined.leaving |= leave;
        if let Some(joining) = &mut joined.joining {
            joining.pending.push(Pending { reference: message.reference.clone(), leave });
        }
        let action = if leave {
            Action::Leave { channel, reference: message.reference }
        } else {
            Action::Deliver { channel, message }
        };
        vec![action]
    }

    fn opened(&mut self, channel: ChannelId) -> Vec<Action> {
        if let Some(joined) = self.joined(channel) {
            joined.joining = None;
        }
        Vec::new()
    }

    /// A channel that was let in has said goodbye; one that was not has answered its join, and nothing after that.
    fn closing(&mut self, channel: ChannelId) -> Vec<Action> {
        let Some(topic) = self.channels.get_mut(&channel).and_then(Option::take) else { return Vec::new() };
        let Some(joined) = self.topics.remove(&topic) else { return Vec::new() };
        joined
            .joining
            .map(|joining| joining.unanswered(self.serializer, &joined.join_ref, &topic))
            .unwrap_or_default()
    }

    /// A channel ended. If it had not said so before, the client is told (§7.1, §4.2).
    fn down(&mut self, channel: ChannelId) -> Vec<Action> {
        let Some(topic) = self.channels.remove(&channel).flatten() else { return Vec::new() };
        let Some(Joined { join_ref, joining, leaving, .. }) = self.topics.remove(&topic) else {
            return Vec::new();
        };
        match joining {
            Some(joining) => {
                let reason = Payload::reason("join crashed");
                let serializer = self.serializer;
                let reply = serializer.text_reply(&join_ref, &joining.reference, &topic, "error", &reason);
                let mut actions = vec![Action::Send(reply)];
                actions.extend(joining.unanswered(serializer, &join_ref, &topic));
                actions
            }
            None if leaving => vec![self.ended(&join_ref, &topic, event::CLOSE, &Payload::empty())],
            None => vec![self.ended(&join_ref, &topic, event::ERROR, &Payload::reason("channel_crash"))],
        }
    }

    /// Whether replaced channels that still terminate have piled up. The client is not heard until some have ended, so that its
    /// joins are refused for topics that it has, and not for those that it had a moment ago (§4.3).
    pub(crate) fn is_crowded(&self) -> bool {
        self.channels.len() >= self.limit.0.saturating_mul(2).max(1)
    }

    fn joined(&mut self, channel: ChannelId) -> Option<&mut Joined> {
        let topic = self.channels.get(&channel)?.as_ref()?;
        self.topics.get_mut(topic)
    }

    fn reply(&self, join_ref: &Ref, to: &Message, status: &str, response: &Payload) -> Action {
        Action::Send(self.serializer.text_reply(join_ref, &to.reference, &to.topic, status, response))
    }

    fn refuse(&self, message: &Message, reason: &str) -> Action {
        self.reply(&message.join_ref, message, "error", &Payload::reason(reason))
    }

    fn unmatched(&self, message: Message) -> Vec<Action> {
        let answer = self.reply(&Ref::NULL, &message, "error", &Payload::reason("unmatched topic"));
        vec![answer, Action::LogUnmatched(message.topic)]
    }

    fn rate_limited(&self, message: &Message, retry_after: Duration) -> Action {
        let retry_after_ms = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX).max(1);
        let response = serde_json::json!({ "reason": "rate limited", "retry_after_ms": retry_after_ms });
        let response = Payload::new(response).unwrap_or_else(|_| Payload::reason("rate limited"));
        self.reply(&message.join_ref, message, "error", &response)
    }

    /// `phx_close` or `phx_error` (§2.8).
    fn ended(&self, join_ref: &Ref, topic: &str, event: &str, payload: &Payload) -> Action {
        Action::Send(self.serializer.ended(join_ref, topic, event, payload))
    }
}

impl Joined {
    /// Whether a message is meant for another join of the topic; null means any.
    fn is_stale(&self, message: &Message) -> bool {
        !message.join_ref.is_null() && message.join_ref != self.join_ref
    }
}

impl Joining {
    /// What the messages behind a join that failed are answered with: as if they had come after it (§4.2).
    fn unanswered(self, serializer: Serializer, join_ref: &Ref, topic: &str) -> Vec<Action> {
        let answer = |pending: Pending| {
            Action::Send(if pending.leave {
                serializer.text_reply(join_ref, &pending.reference, topic, "ok", &Payload::empty())
            } else {
                let reason = Payload::reason("unmatched topic");
                serializer.text_reply(&Ref::NULL, &pending.reference, topic, "error", &reason)
            })
        };
        self.pending.into_iter().map(answer).collect()
    }
}

#[cfg(test)]
mod tests;
