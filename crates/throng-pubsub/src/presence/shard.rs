//! One slot of a presence's pool: the presences on its topics, which its tracker drives.
//!
//! Readers look at the [views](Views) and meet nobody. Writers take turns, for as long as a change of the state takes; neither
//! encoding nor delivering is among that.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use throng_runtime::{Address, Ctx, Exit, OnExit, ProcessId};

use super::{
    agenda::{Agenda, Turn},
    announcement::{Announcement, Newcomer},
    diff::Diff,
    driver::{AttachError, Driver},
    error::TrackError,
    gossip::{Action, Gossip, PeerMessage},
    meta::{Fields, Meta},
    presences::Presences,
    replica::{Replica, Tag},
    rest::Rest,
    shared::Setup,
    shown::{View, Views},
    state::State,
    tracker::{Received, Tracker},
};
use crate::{payload::Payload, pubsub::BroadcastError, side_channel::SideChannel};

/// Changes that may wait for the tracker. The process that makes one more announces them all: this back-pressures writers.
const CHANGES_MAX: usize = 100_000;

/// Topics for which something is fetched at a time.
const FETCHES_MAX: usize = 64;

/// Topics of which a tracker speaks before it looks at its messages.
const TURNS_MAX: usize = 64;

pub(super) struct Shard {
    me: Weak<Shard>,
    pub(super) setup: Arc<Setup>,
    slot: usize,
    views: Views,
    core: Mutex<Core>,
    /// Its lock may be held when that of the core is taken, not the other way about.
    driver: Mutex<Driver>,
}

/// The presences, what of them is to be announced on this node, and the gossip with other nodes.
struct Core {
    state: State<ProcessId>,
    agenda: Agenda<Newcomer>,
    gossip: Gossip,
}

impl Shard {
    pub(super) fn new(setup: &Arc<Setup>, slot: usize) -> Arc<Self> {
        let state = State::new(Replica::unique(setup.pubsub.node_name()), setup.options.delta_removals_max);
        let at_work_max = if setup.fetch.is_some() { FETCHES_MAX } else { usize::MAX };
        let agenda = Agenda::new(at_work_max);
        let (views, gossip) = (state.views().clone(), Gossip::new(setup.options.beats()));
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            setup: setup.clone(),
            slot,
            views,
            core: Mutex::new(Core { state, agenda, gossip }),
            driver: Mutex::default(),
        })
    }

    pub(super) fn views(&self) -> &Views {
        &self.views
    }

    pub(super) fn own_meta(&self, process: ProcessId, topic: &Arc<str>, key: &Arc<str>) -> Option<Meta> {
        self.core.lock().state.own_meta(process, topic, key)
    }

    /// Begins a presence, within the limits of its topic and its process.
    pub(super) fn track(
        &self,
        process: ProcessId,
        topic: &Arc<str>,
        key: &Arc<str>,
        fields: Fields,
    ) -> Result<Tag, TrackError> {
        let max = self.setup.options.presences_per_topic_max;
        self.change(|Core { state, .. }, news| {
            if state.has(process, topic, key) {
                return Err(TrackError::AlreadyTracked);
            }
            if self.views.read(topic, Presences::metas_len).is_some_and(|present| present >= max) {
                return Err(TrackError::TopicFull { max });
            }
            if !self.setup.quota.take(process) {
                return Err(TrackError::TooMany { max: self.setup.options.presences_per_process_max });
            }
            state.join(process, topic, key, fields, news).map_err(|_| TrackError::AlreadyTracked)
        })
    }

    pub(super) fn update(
        &self,
        process: ProcessId,
        topic: &Arc<str>,
        key: &Arc<str>,
        fields: Fields,
    ) -> Option<Tag> {
        self.change(|core, news| core.state.update(process, topic, key, fields, news))
    }

    pub(super) fn untrack(&self, process: ProcessId, topic: &Arc<str>, key: &Arc<str>) {
        self.change(|core, news| {
            if core.state.leave(process, topic, key, news) {
                self.setup.quota.give_back(process, 1);
            }
        });
    }

    pub(super) fn untrack_all(&self, process: ProcessId) {
        self.change(|core, news| {
            let ended = core.state.leave_all(process, news);
            if ended > 0 {
                self.setup.quota.give_back(process, ended);
            }
        });
    }

    /// Tells somebody the state of a topic: now, or with the next announcement in a busy time.
    pub(super) fn welcome(&self, topic: &Arc<str>, newcomer: Newcomer) {
        let mut core = self.core.lock();
        core.agenda.welcome(topic, newcomer);
        let turn = core.agenda.newcomers_turn(topic);
        let (view, is_due) = (self.views.get(topic), core.agenda.is_due());
        drop(core);
        match turn {
            Some(turn) => self.announce(turn, view),
            None if is_due => self.see_to_announcements(),
            None => {}
        }
    }

    /// Announces what is due; true when more is.
    pub(super) fn announce_some(&self) -> bool {
        self.driver.lock().notified = false;
        (0..TURNS_MAX).all(|_| self.announce_next())
    }

    /// A topic has rested; it goes on to where there is a reason.
    pub(super) fn rested(&self, topic: Arc<str>, rest: Rest) {
        let driver = self.driver.lock();
        let waker = driver.waker();
        drop(driver);
        match (rest.prolonged(), waker) {
            (Some(rest), Some(waker)) => waker.wake_after(topic, rest),
            _ => self.core.lock().agenda.rested(&topic),
        }
    }

    /// An announcement is over. The topic rests for a while when there is somebody to wake it.
    pub(super) fn announced(&self, topic: &Arc<str>, rest: Option<Rest>) {
        let driver = self.driver.lock();
        let nap = rest.zip(driver.waker());
        let mut core = self.core.lock();
        core.agenda.done(topic, nap.is_some());
        let is_due = core.agenda.is_due();
        drop((core, driver));
        if let Some((rest, waker)) = nap {
            waker.wake_after(topic.clone(), rest);
        }
        if is_due {
            self.see_to_announcements();
        }
    }

    /// Notifies this tracker of changes, and hands it what other nodes send, from now on until it ends. The first slot refuses a
    /// second tracker; those of the other slots come and go with its own.
    pub(super) fn attach_tracker(&self, ctx: &Ctx<Tracker>) -> Result<(), AttachError> {
        self.open_side_channels()?;
        let mut driver = self.driver.lock();
        if self.slot == 0 && driver.tracker.is_some() {
            return Err(AttachError::AlreadyDriven(self.setup.name.clone()));
        }
        *driver = Driver { tracker: Some(ctx.me()), node: Some(ctx.node().clone()), notified: false };
        drop(driver);
        if let Some(me) = self.me.upgrade() {
            ctx.on_exit(me);
        }
        let mut core = self.core.lock();
        core.gossip.wake();
        core.agenda.wake();
        drop(core);
        self.see_to_announcements();
        Ok(())
    }

    /// One period has passed.
    pub(super) fn beat(&self) {
        self.gossip(|Core { state, gossip, .. }, news| gossip.beat(state, news));
    }

    /// Takes in what another node sent.
    pub(super) fn on_peer_message(&self, message: PeerMessage) {
        self.gossip(|Core { state, gossip, .. }, news| gossip.receive(message, state, news));
    }

    /// Tells all others that this node does not come back.
    pub(super) fn say_goodbye(&self) {
        self.gossip(|core, _| vec![Action::ToAll(PeerMessage::Goodbye { from: core.state.me().clone() })]);
    }

    /// Makes a change, lets readers see it, and has it announced.
    fn change<T>(&self, change: impl FnOnce(&mut Core, &mut Diff) -> T) -> T {
        let (mut core, mut news) = (self.core.lock(), Diff::default());
        let outcome = change(&mut core, &mut news);
        core.state.commit();
        for change in news.into_changes() {
            core.agenda.note(change);
        }
        let too_many = core.agenda.changes() > CHANGES_MAX;
        if too_many {
            core.agenda.wake();
        }
        let is_due = core.agenda.is_due();
        drop(core);
        if too_many {
            while self.announce_next() {}
        } else if is_due {
            self.see_to_announcements();
        }
        outcome
    }

    /// Announces what is due in this process, unless a tracker does.
    fn see_to_announcements(&self) {
        if !self.driver.lock().notify() {
            while self.announce_next() {}
        }
    }

    /// False when nothing is due.
    fn announce_next(&self) -> bool {
        let mut core = self.core.lock();
        let Some(turn) = core.agenda.next_turn() else { return false };
        // Under the lock: the view that has all that the diff has, and nothing that a later one will have.
        let view = self.views.get(&turn.topic);
        drop(core);
        self.announce(turn, view);
        true
    }

    fn announce(&self, turn: Turn<Newcomer>, view: Option<Arc<View>>) {
        // Whoever calls holds the shard.
        let Some(me) = self.me.upgrade() else { return };
        let node = self.setup.fetch.as_ref().and_then(|_| self.driver.lock().node.clone());
        Announcement::new(me, turn, view.unwrap_or_default()).carry_out(node.as_ref());
    }

    /// The name itself is the first slot's, so that two presences of one name are found out whatever the sizes of their pools.
    fn open_side_channels(&self) -> Result<(), AttachError> {
        let name = (self.slot == 0).then(|| self.setup.name.to_string());
        for channel in [Some(self.setup.channel(self.slot)), name].into_iter().flatten() {
            let receiver: Weak<dyn SideChannel> = self.me.clone();
            if !self.setup.pubsub.open_side_channel(&channel, receiver) {
                return Err(AttachError::NameTaken(self.setup.name.clone()));
            }
        }
        Ok(())
    }

    fn gossip(&self, step: impl FnOnce(&mut Core, &mut Diff) -> Vec<Action>) {
        for action in self.change(step) {
            if let Err(error) = self.send_to_peers(action) {
                // What is lost is asked for again, by this node or by the other.
                tracing::debug!(presence = %self.setup.name, %error, "a message to other nodes was not sent");
            }
        }
    }

    fn send_to_peers(&self, action: Action) -> Result<(), BroadcastError> {
        let (node, message) = match action {
            Action::ToAll(message) => (None, message),
            Action::To(node, message) => (Some(node), message),
        };
        let channel = self.setup.channel(self.slot);
        self.setup.pubsub.send_to_peers(node.as_deref(), &channel, &Payload::new(message)?)
    }
}

impl SideChannel for Shard {
    /// A message that comes while no tracker runs is lost, and asked for again.
    fn receive(&self, from: &str, body: &Payload) {
        let tracker = self.driver.lock().tracker;
        if let Some(tracker) = tracker {
            drop(tracker.cast(Received { node: from.into(), body: body.clone() }));
        }
    }
}

impl OnExit for Shard {
    /// The end of a process that is tracked, or of the tracker, whose unannounced changes are announced here.
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        let mut driver = self.driver.lock();
        let was_tracker = driver.tracker.is_some_and(|tracker| tracker.id() == id);
        if was_tracker {
            driver.tracker = None;
            driver.notified = false;
        }
        drop(driver);
        if was_tracker {
            // Nobody is left to wake the topics that rest.
            self.core.lock().agenda.wake();
        }
        self.untrack_all(id);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Presence, pubsub::PubSub};

    #[test]
    fn readers_do_not_wait_for_a_writer() {
        let presence = Presence::new("lobby", &PubSub::new());
        let shard = presence.shared.shard("t");
        let _writing = shard.core.lock();
        // With a lock in the way, these would wait for ever.
        assert!(presence.list("t").is_empty() && presence.get_by_key("t", "ann").is_empty());
        assert_eq!((presence.count("t"), presence.keys("t").len()), (0, 0));
    }
}
