//! What replicas send each other, and when (§14.3 to §14.9). Pure; time is counted in beats, of which the tracker makes one
//! each period.
//!
//! ```text
//!    beat ──► own changes since the last beat, and the context ──► all
//!    a new peer ──► a heartbeat and a request ──► it alone
//!    a peer that knows more ──► request ──► it alone ──► answer: what the requester lacks
//!    nothing heard for long ──► down (hidden, kept) ──► for very long: forgotten
//! ```
//!
//! Time counts in beats and not in seconds, so that a machine that slept or stalled does not think its peers down when it wakes.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    diff::Diff,
    part::{Context, Part},
    replica::Replica,
    state::State,
};

/// Messages larger than this are cut: well below what the wire takes.
const SLICE_BYTES: usize = 1 << 20;

/// Timeouts, in beats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beats {
    /// A replica without changes sends a heartbeat after so many.
    pub(crate) silent_max: u32,
    /// The contexts of the peers are compared every so many.
    pub(crate) sample: u32,
    /// A replica that was silent for more than so many is down.
    pub(crate) down: u32,
    /// A replica that was silent for more than so many is forgotten.
    pub(crate) permdown: u32,
}

/// What is known of the peers, and what they were sent.
#[derive(Debug)]
pub(crate) struct Gossip {
    beats: Beats,
    peers: BTreeMap<Replica, Peer>,
    /// The own clock as of the last delta that was sent to all.
    sent: u64,
    /// Beats since this replica sent to all; `None` when it is to do so with the next.
    silent: Option<u32>,
    until_sample: u32,
}

#[derive(Debug, Default)]
struct Peer {
    /// Beats since it sent anything.
    silent: u32,
    /// The context that it sent since the last comparison.
    context: Option<Context>,
}

/// What replicas send each other, in the words of the sender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PeerMessage {
    /// I am up, this has changed, and this is my context.
    Heartbeat { from: Replica, delta: Option<Part>, context: Context },
    /// This is my context; what do I lack?
    Request { from: Replica, context: Context },
    /// This is what you lacked.
    Answer { from: Replica, part: Part },
    /// I end now and do not come back (§14.9).
    Goodbye { from: Replica },
}

/// What is to be sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    ToAll(PeerMessage),
    To(Arc<str>, PeerMessage),
}

impl Gossip {
    pub(crate) fn new(beats: Beats) -> Self {
        Self { until_sample: beats.sample, beats, peers: BTreeMap::new(), sent: 0, silent: None }
    }

    /// Has the next beat send to all, whatever was sent before.
    pub(crate) fn wake(&mut self) {
        self.silent = None;
    }

    /// One period has passed.
    pub(crate) fn beat<P: Ord + Copy>(&mut self, state: &mut State<P>, news: &mut Diff) -> Vec<Action> {
        self.watch(state, news);
        let mut actions = self.speak(state);
        self.until_sample = self.until_sample.saturating_sub(1);
        if self.until_sample == 0 {
            self.until_sample = self.beats.sample;
            actions.extend(self.compare(state));
        }
        actions
    }

    /// A peer has sent something.
    pub(crate) fn receive<P: Ord + Copy>(
        &mut self,
        message: PeerMessage,
        state: &mut State<P>,
        news: &mut Diff,
    ) -> Vec<Action> {
        if message.from().name == state.me().name {
            // It is an earlier life of this node, or a node that took its name. It must not speak for others.
            return Vec::new();
        }
        match message {
            PeerMessage::Heartbeat { from, delta, context } => {
                self.on_heartbeat(from, delta, context, state, news)
            }
            PeerMessage::Request { from, context } => self.on_request(&from, &context, state, news),
            PeerMessage::Answer { from, part } => self.on_answer(&from, &part, state, news),
            PeerMessage::Goodbye { from } => self.on_goodbye(&from, state, news),
        }
    }

    fn on_heartbeat<P: Ord + Copy>(
        &mut self,
        from: Replica,
        delta: Option<Part>,
        context: Context,
        state: &mut State<P>,
        news: &mut Diff,
    ) -> Vec<Action> {
        let welcome = self.meet(&from, state, news);
        if let Some(delta) = delta {
            state.merge(&delta, news);
        }
        self.peers.entry(from).or_default().context = Some(context);
        welcome
    }

    fn on_request<P: Ord + Copy>(
        &mut self,
        from: &Replica,
        context: &Context,
        state: &mut State<P>,
        news: &mut Diff,
    ) -> Vec<Action> {
        let mut actions = self.meet(from, state, news);
        actions.extend(answers(from, context, state));
        actions
    }

    /// The answer of a replica that is not up is dropped.
    fn on_answer<P: Ord + Copy>(
        &mut self,
        from: &Replica,
        part: &Part,
        state: &mut State<P>,
        news: &mut Diff,
    ) -> Vec<Action> {
        if !state.is_up(from) {
            return Vec::new();
        }
        state.merge(part, news);
        self.meet(from, state, news)
    }

    fn on_goodbye<P: Ord + Copy>(
        &mut self,
        from: &Replica,
        state: &mut State<P>,
        news: &mut Diff,
    ) -> Vec<Action> {
        self.peers.remove(from);
        state.forget_replica(from, news);
        Vec::new()
    }

    /// A replica is alive. One that was not up is sent a heartbeat, and asked for what is not known of it (§14.5).
    fn meet<P: Ord + Copy>(&mut self, from: &Replica, state: &mut State<P>, news: &mut Diff) -> Vec<Action> {
        let earlier = self.peers.keys().filter(|known| known.name == from.name && *known != from);
        for earlier in earlier.cloned().collect::<Vec<_>>() {
            self.peers.remove(&earlier);
            state.forget_replica(&earlier, news);
        }
        self.peers.entry(from.clone()).or_default().silent = 0;
        if !state.replica_up(from, news) {
            return Vec::new();
        }
        let (me, context) = (state.me().clone(), state.context());
        let hello = PeerMessage::Heartbeat { from: me.clone(), delta: None, context: context.clone() };
        let request = PeerMessage::Request { from: me, context };
        vec![Action::To(from.name.clone(), hello), Action::To(from.name.clone(), request)]
    }

    /// Counts the silence of the peers (§14.7).
    fn watch<P: Ord + Copy>(&mut self, state: &mut State<P>, news: &mut Diff) {
        let Beats { down, permdown, .. } = self.beats;
        self.peers.retain(|replica, peer| {
            peer.silent += 1;
            if peer.silent > permdown {
                state.forget_replica(replica, news);
                return false;
            }
            if peer.silent > down {
                state.replica_down(replica, news);
            }
            true
        });
    }

    /// Sends all what has changed; when nothing has, a heartbeat now and then (§14.4).
    fn speak<P: Ord + Copy>(&mut self, state: &State<P>) -> Vec<Action> {
        let (me, context, clock) = (state.me(), state.context(), state.clock());
        let heartbeat = |delta| {
            Action::ToAll(PeerMessage::Heartbeat { from: me.clone(), delta, context: context.clone() })
        };
        if clock > self.sent {
            let delta = state.delta(self.sent);
            self.sent = clock;
            self.silent = Some(0);
            return match delta {
                Some(delta) => delta.split(SLICE_BYTES).map(|slice| heartbeat(Some(slice))).collect(),
                // The removals since then are forgotten: the others will see that they lag, and ask.
                None => vec![heartbeat(None)],
            };
        }
        let silent = self.silent.map_or(self.beats.silent_max, |silent| silent + 1);
        let speaks = silent >= self.beats.silent_max;
        self.silent = Some(if speaks { 0 } else { silent });
        if speaks { vec![heartbeat(None)] } else { Vec::new() }
    }

    /// Asks the peers that know more: of all contexts that they sent, those that no other covers (§14.6).
    fn compare<P: Ord + Copy>(&mut self, state: &State<P>) -> Vec<Action> {
        let own = state.context();
        let mut ahead: Vec<(&Replica, Context)> = Vec::new();
        for (replica, peer) in &mut self.peers {
            let Some(context) = peer.context.take() else { continue };
            // What it knows of replicas that are not up here would not be taken in.
            let context: Context =
                context.clocks.into_iter().filter(|(known, _)| state.is_up(known)).collect();
            if own.covers(&context) || ahead.iter().any(|(_, other)| other.covers(&context)) {
                continue;
            }
            ahead.retain(|(_, other)| !context.covers(other));
            ahead.push((replica, context));
        }
        let request = || PeerMessage::Request { from: state.me().clone(), context: own.clone() };
        ahead.into_iter().map(|(replica, _)| Action::To(replica.name.clone(), request())).collect()
    }
}

impl PeerMessage {
    pub(crate) fn from(&self) -> &Replica {
        match self {
            PeerMessage::Heartbeat { from, .. }
            | PeerMessage::Request { from, .. }
            | PeerMessage::Answer { from, .. }
            | PeerMessage::Goodbye { from } => from,
        }
    }
}

fn answers<P: Ord + Copy>(to: &Replica, context: &Context, state: &State<P>) -> Vec<Action> {
    let parts = state.extract(to, context).split(SLICE_BYTES);
    let answer = |part| Action::To(to.name.clone(), PeerMessage::Answer { from: state.me().clone(), part });
    parts.map(answer).collect()
}

#[cfg(test)]
mod tests;
