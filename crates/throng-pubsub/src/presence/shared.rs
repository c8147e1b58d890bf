//! The state that all handles of a presence share and its tracker drives.

use std::{mem, sync::Arc};

use parking_lot::{Mutex, RwLock};
use throng_runtime::{Address, Ctx, Exit, OnExit, Pid, ProcessId};

use super::{
    diff::Diff,
    gossip::{Action, Gossip, PeerMessage},
    options::PresenceOptions,
    replica::Replica,
    state::State,
    tracker::{Changed, Received, Tracker},
};
use crate::{
    payload::Payload,
    pubsub::{BroadcastError, PubSub},
    side_channel::SideChannel,
};

/// The event by which changes are announced on their topic (§12.3).
const DIFF: &str = "presence_diff";

/// Changes that may wait for the tracker. The process that makes one more announces them all: this back-pressures writers.
const CHANGES_MAX: usize = 10_000;

pub(super) struct Shared {
    pub(super) name: Box<str>,
    pub(super) pubsub: PubSub,
    pub(super) options: PresenceOptions,
    core: RwLock<Core>,
    slot: Mutex<TrackerSlot>,
    /// Held while diffs are announced: those of one topic must not overtake each other.
    announcing: Mutex<()>,
}

/// The presences, what of them has not been announced on this node, and the gossip with other nodes.
pub(super) struct Core {
    pub(super) state: State<ProcessId>,
    pub(super) news: Diff,
    gossip: Gossip,
}

/// The tracker that is to announce changes, when one runs.
#[derive(Default)]
struct TrackerSlot {
    tracker: Option<Pid<Tracker>>,
    /// The tracker has been notified of changes, and has not begun to announce them.
    notified: bool,
}

impl Shared {
    pub(super) fn new(name: &str, pubsub: &PubSub, options: PresenceOptions) -> Self {
        let state = State::new(Replica::unique(pubsub.node_name()));
        let gossip = Gossip::new(options.beats());
        Self {
            name: name.into(),
            pubsub: pubsub.clone(),
            options,
            core: RwLock::new(Core { state, news: Diff::default(), gossip }),
            slot: Mutex::default(),
            announcing: Mutex::default(),
        }
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&State<ProcessId>) -> T) -> T {
        look(&self.core.read().state)
    }

    /// Makes a change, and has it announced.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.core.write();
        let outcome = change(&mut core);
        let waiting = core.news.changes();
        drop(core);
        if waiting > CHANGES_MAX || waiting > 0 && !self.notify_tracker() {
            self.announce();
        }
        outcome
    }

    /// Announces until nothing is left, or leaves it to the process that is announcing. False when this one announced nothing.
    pub(super) fn announce(&self) -> bool {
        self.slot.lock().notified = false;
        let mut announced = false;
        // The turn is given back before each look, so a change that was left to this process is seen by its next look.
        while !self.core.read().news.is_empty() {
            let Some(_turn) = self.announcing.try_lock() else { return announced };
            let news = mem::take(&mut self.core.write().news);
            for (topic, diff) in news.into_topics() {
                announced = true;
                if let Err(error) = self.pubsub.local_broadcast(topic, DIFF, diff) {
                    tracing::error!(presence = %self.name, %error, "a diff could not be encoded");
                }
            }
        }
        announced
    }

    /// Notifies this tracker of changes, and hands it what other nodes send, from now on until it ends.
    pub(super) fn attach_tracker(self: &Arc<Self>, ctx: &Ctx<Tracker>) -> Result<(), AttachError> {
        let channel: Arc<dyn SideChannel> = self.clone();
        if !self.pubsub.open_side_channel(&self.name, Arc::downgrade(&channel)) {
            return Err(AttachError::NameTaken(self.name.clone()));
        }
        let mut slot = self.slot.lock();
        if slot.tracker.is_some() {
            return Err(AttachError::AlreadyDriven(self.name.clone()));
        }
        *slot = TrackerSlot { tracker: Some(ctx.me()), notified: false };
        drop(slot);
        ctx.on_exit(self.clone());
        self.core.write().gossip.wake();
        Ok(())
    }

    /// One period has passed.
    pub(super) fn beat(&self) {
        self.gossip(|Core { state, news, gossip }| gossip.beat(state, news));
    }

    /// Takes in what another node sent.
    pub(super) fn on_peer_message(&self, message: PeerMessage) {
        self.gossip(|Core { state, news, gossip }| gossip.receive(message, state, news));
    }

    /// Tells all others that this node does not come back.
    pub(super) fn say_goodbye(&self) {
        self.gossip(|core| vec![Action::ToAll(PeerMessage::Goodbye { from: core.state.me().clone() })]);
    }

    fn gossip(&self, step: impl FnOnce(&mut Core) -> Vec<Action>) {
        for action in self.change(step) {
            if let Err(error) = self.send_to_peers(action) {
                // What is lost is asked for again, by this node or by the other.
                tracing::debug!(presence = %self.name, %error, "a message to other nodes was not sent");
            }
        }
    }

    fn send_to_peers(&self, action: Action) -> Result<(), BroadcastError> {
        let (node, message) = match action {
            Action::ToAll(message) => (None, message),
            Action::To(node, message) => (Some(node), message),
        };
        self.pubsub.send_to_peers(node.as_deref(), &self.name, &Payload::new(message)?)
    }

    /// False when there is no tracker.
    fn notify_tracker(&self) -> bool {
        let mut slot = self.slot.lock();
        let Some(tracker) = slot.tracker else { return false };
        if !mem::replace(&mut slot.notified, true) {
            drop(slot);
            // If it ends before it gets this, its exit hook announces the changes.
            drop(tracker.cast(Changed));
        }
        true
    }
}

impl SideChannel for Shared {
    /// A message that comes while no tracker runs is lost, and asked for again.
    fn receive(&self, from: &str, body: &Payload) {
        let tracker = self.slot.lock().tracker;
        if let Some(tracker) = tracker {
            drop(tracker.cast(Received { node: from.into(), body: body.clone() }));
        }
    }
}

impl OnExit for Shared {
    /// The end of a process that is tracked, or of the tracker, whose unannounced changes are announced here.
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        let mut slot = self.slot.lock();
        if slot.tracker.is_some_and(|tracker| tracker.id() == id) {
            *slot = TrackerSlot::default();
        }
        drop(slot);
        self.change(|core| core.state.leave_all(id, &mut core.news));
    }
}

/// Why a tracker did not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttachError {
    #[error("presence {0:?} has a tracker already")]
    AlreadyDriven(Box<str>),
    #[error("another presence on the same topics is called {0:?}")]
    NameTaken(Box<str>),
}
