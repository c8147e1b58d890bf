//! Who is where: processes that show themselves on topics under keys, on all nodes.

mod clocks;
mod diff;
mod error;
mod meta;
mod options;
mod presences;
mod record;
mod replica;
mod shown;
mod state;
mod tracker;

use std::{fmt, mem, sync::Arc};

use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use throng_runtime::{Address, Ctx, Exit, OnExit, Pid, ProcessId};

use self::{diff::Diff, meta::Fields, replica::Replica, state::State, tracker::Changed};
pub use self::{
    error::{Refusal, TrackError, UpdateError},
    meta::Meta,
    options::PresenceOptions,
    presences::Presences,
    tracker::Tracker,
};
use crate::{owner::Owner, pubsub::PubSub};

/// The event by which changes are announced on their topic (§12.3).
const DIFF: &str = "presence_diff";

/// Changes that may wait for the tracker. Whoever makes one more announces them all itself: so who changes faster than the
/// tracker announces is slowed down.
const CHANGES_MAX: usize = 10_000;

/// Who is present where. Cloning gives another handle on the same presences.
///
/// A process is *tracked* on a topic under a key (a user's id, say) with a *meta* to show: a JSON object, to which a unique
/// `phx_ref` is added. Several processes may be present under one key: one user with two browser tabs has two metas. A presence
/// ends when it is untracked or its process ends, before anybody sees the process' [`Down`](throng_runtime::Down).
///
/// Changes are announced on the topic itself by the event `presence_diff`, with `joins` and `leaves` in the form that Phoenix'
/// clients expect (§12.3, §12.4); [`Presence::list`] is what to push to a newcomer as `presence_state`. Track first, then list:
/// what changes in between comes twice, and clients take it once.
///
/// Its [`Tracker`] process belongs in the supervision tree, by `.child(&presence)`. It gathers changes that come fast into one
/// diff. The presences themselves live in this handle: reading waits for no process, and a tracker that crashes loses nothing.
///
/// ```
/// use serde_json::json;
/// use throng_pubsub::{Presence, PubSub};
/// use throng_runtime::Node;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (node, pubsub) = (Node::new("example"), PubSub::new());
/// let presence = Presence::new("lobby", &pubsub);
/// node.start(&presence).await?;
///
/// let (tracked, told) = tokio::sync::oneshot::channel();
/// let handle = presence.clone();
/// let ann = node.spawn(async move |ctx| {
///     let phx_ref = handle.track(&ctx, "room:1", "ann", json!({ "typing": false })).expect("is not tracked yet");
///     let _ = tracked.send(phx_ref);
///     std::future::pending::<()>().await
/// });
/// let phx_ref = told.await?;
/// let present = presence.list("room:1");
/// assert_eq!(present.metas("ann")[0].phx_ref(), phx_ref);
/// assert_eq!(
///     serde_json::to_value(&present)?,
///     json!({ "ann": { "metas": [{ "typing": false, "phx_ref": phx_ref }] } })
/// );
///
/// node.exit(ann, throng_runtime::Exit::Shutdown);
/// node.wait(ann).await;
/// assert!(presence.list("room:1").is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Presence {
    shared: Arc<Shared>,
}

struct Shared {
    name: Box<str>,
    pubsub: PubSub,
    options: PresenceOptions,
    core: RwLock<Core>,
    desk: Mutex<Desk>,
    /// Held by whoever announces: diffs of one topic must not overtake each other.
    announcing: Mutex<()>,
}

/// What is known, and what of it has not been announced.
struct Core {
    state: State<ProcessId>,
    news: Diff,
}

/// Where changes are reported.
#[derive(Default)]
struct Desk {
    tracker: Option<Pid<Tracker>>,
    /// The tracker has been told that there are news, and has not begun to announce them.
    told: bool,
}

impl Presence {
    /// A presence that announces over `pubsub`. The name tells presences apart in logs and between nodes.
    pub fn new(name: &str, pubsub: &PubSub) -> Self {
        Self::with_options(name, pubsub, PresenceOptions::default())
    }

    /// As [`Presence::new`], with limits and times of one's own.
    pub fn with_options(name: &str, pubsub: &PubSub, options: PresenceOptions) -> Self {
        let state = State::new(Replica::unique(pubsub.node_name()));
        let shared = Shared {
            name: name.into(),
            pubsub: pubsub.clone(),
            options,
            core: RwLock::new(Core { state, news: Diff::default() }),
            desk: Mutex::default(),
            announcing: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Shows a process on a topic under a key, until it is untracked or ends; the meta must be a JSON object. Gives back the
    /// presence's `phx_ref` (§12.2).
    ///
    /// # Errors
    ///
    /// [`TrackError`]: the process is there already, or the meta is refused.
    pub fn track(
        &self,
        owner: &impl Owner,
        topic: impl Into<Arc<str>>,
        key: impl Into<Arc<str>>,
        meta: impl Serialize,
    ) -> Result<String, TrackError> {
        let (topic, key) = (topic.into(), key.into());
        self.check_place(&topic, &key)?;
        let fields = self.fields(meta)?;
        owner.on_exit(self.shared.clone());
        let tag = self.shared.change(|state, news| state.join(owner.process(), &topic, &key, fields, news));
        Ok(tag.map_err(|_| TrackError::AlreadyTracked)?.phx_ref())
    }

    /// Replaces what a presence shows. Others see one diff, with the new meta joining and the old one leaving (§12.4). Gives
    /// back the new `phx_ref`.
    ///
    /// # Errors
    ///
    /// [`UpdateError`]: there is no such presence, or the meta is refused.
    pub fn update(
        &self,
        owner: &impl Owner,
        topic: impl Into<Arc<str>>,
        key: impl Into<Arc<str>>,
        meta: impl Serialize,
    ) -> Result<String, UpdateError> {
        self.replace(owner.process(), &topic.into(), &key.into(), self.fields(meta)?)
    }

    /// As [`Presence::update`], from what the presence shows now.
    ///
    /// # Errors
    ///
    /// As [`Presence::update`].
    pub fn update_with<T: Serialize>(
        &self,
        owner: &impl Owner,
        topic: impl Into<Arc<str>>,
        key: impl Into<Arc<str>>,
        change: impl FnOnce(&Meta) -> T,
    ) -> Result<String, UpdateError> {
        let (process, topic, key) = (owner.process(), topic.into(), key.into());
        let old = self.shared.core.read().state.own_meta(process, &topic, &key);
        let fields = self.fields(change(&old.ok_or(UpdateError::NoPresence)?))?;
        self.replace(process, &topic, &key, fields)
    }

    /// Ends a presence of a process; where there is none, nothing happens (§12.2).
    pub fn untrack(&self, owner: &impl Owner, topic: impl Into<Arc<str>>, key: impl Into<Arc<str>>) {
        let (topic, key) = (topic.into(), key.into());
        self.shared.change(|state, news| state.leave(owner.process(), &topic, &key, news));
    }

    /// Ends all presences of a process.
    pub fn untrack_all(&self, owner: &impl Owner) {
        self.shared.change(|state, news| state.leave_all(owner.process(), news));
    }

    /// Who is present on a topic, on all nodes that are up. It waits for no process.
    pub fn list(&self, topic: &str) -> Presences {
        self.shared.core.read().state.list(topic)
    }

    /// The metas of who is present on a topic under a key; empty when nobody is.
    pub fn get_by_key(&self, topic: &str, key: &str) -> Vec<Meta> {
        self.list(topic).metas(key).to_vec()
    }

    /// Its limits and times.
    pub fn options(&self) -> &PresenceOptions {
        &self.shared.options
    }

    /// Has changes reported to this tracker from now on, until it ends.
    fn employ(&self, ctx: &Ctx<Tracker>) -> Result<(), AlreadyDriven> {
        let mut desk = self.shared.desk.lock();
        if desk.tracker.is_some() {
            return Err(AlreadyDriven(self.name().to_owned()));
        }
        *desk = Desk { tracker: Some(ctx.me()), told: false };
        drop(desk);
        ctx.on_exit(self.shared.clone());
        Ok(())
    }

    /// Announces what has changed. False when nothing has.
    fn announce(&self) -> bool {
        self.shared.announce()
    }

    fn replace(
        &self,
        process: ProcessId,
        topic: &Arc<str>,
        key: &Arc<str>,
        fields: Fields,
    ) -> Result<String, UpdateError> {
        let tag = self.shared.change(|state, news| state.update(process, topic, key, fields, news));
        Ok(tag.ok_or(UpdateError::NoPresence)?.phx_ref())
    }

    fn check_place(&self, topic: &str, key: &str) -> Result<(), Refusal> {
        let PresenceOptions { topic_bytes_max, key_bytes_max, .. } = self.shared.options;
        if topic.len() > topic_bytes_max {
            return Err(Refusal::TopicTooLong { bytes: topic.len(), max: topic_bytes_max });
        }
        if key.len() > key_bytes_max {
            return Err(Refusal::KeyTooLong { bytes: key.len(), max: key_bytes_max });
        }
        Ok(())
    }

    fn fields(&self, meta: impl Serialize) -> Result<Fields, Refusal> {
        let fields = Fields::new(meta)?;
        let (bytes, max) = (fields.bytes(), self.shared.options.meta_bytes_max);
        if bytes > max { Err(Refusal::MetaTooLarge { bytes, max }) } else { Ok(fields) }
    }
}

impl Shared {
    /// Makes a change, and has it announced.
    fn change<T>(&self, change: impl FnOnce(&mut State<ProcessId>, &mut Diff) -> T) -> T {
        let mut core = self.core.write();
        let Core { state, news } = &mut *core;
        let outcome = change(state, news);
        let waiting = news.changes();
        drop(core);
        if waiting > CHANGES_MAX || waiting > 0 && !self.tell_tracker() {
            self.announce();
        }
        outcome
    }

    /// False when there is no tracker.
    fn tell_tracker(&self) -> bool {
        let mut desk = self.desk.lock();
        let Some(tracker) = desk.tracker else { return false };
        if !mem::replace(&mut desk.told, true) {
            drop(desk);
            // If it ends before it gets this, its end announces what there is.
            drop(tracker.cast(Changed));
        }
        true
    }

    /// Announces until nothing is left; leaves it to whoever is at it already. False when there was nothing.
    fn announce(&self) -> bool {
        self.desk.lock().told = false;
        let mut announced = false;
        // What is noted after the last look, and before the turn is given back, is seen by the look behind it.
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
}

impl OnExit for Shared {
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        let mut desk = self.desk.lock();
        let was_tracker = desk.tracker.is_some_and(|tracker| tracker.id() == id);
        if was_tracker {
            *desk = Desk::default();
        }
        drop(desk);
        self.change(|state, news| state.leave_all(id, news));
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Two trackers were started for one presence.
#[derive(Debug, thiserror::Error)]
#[error("presence {0:?} has a tracker already")]
struct AlreadyDriven(String);
