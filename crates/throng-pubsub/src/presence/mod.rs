//! Presence: processes that show themselves on topics under keys, on all nodes.

mod clocks;
mod diff;
mod error;
mod gossip;
mod meta;
mod options;
mod part;
mod presences;
mod record;
mod replica;
mod shared;
mod shown;
mod state;
mod tracker;

use std::{fmt, sync::Arc};

use serde::Serialize;
use throng_runtime::ProcessId;

pub use self::{
    error::{PresenceRefusal, TrackError, UpdateError},
    meta::Meta,
    options::PresenceOptions,
    presences::Presences,
    tracker::Tracker,
};
use self::{
    meta::Fields,
    shared::{Core, Shared},
};
use crate::{owner::Owner, pubsub::PubSub};

/// The presences on topics, of all nodes. Cloning gives another handle on the same.
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

impl Presence {
    /// A presence that announces over `pubsub`. The name tells presences apart in logs and between nodes.
    #[must_use]
    pub fn new(name: &str, pubsub: &PubSub) -> Self {
        Self::with_options(name, pubsub, PresenceOptions::default())
    }

    /// As [`Presence::new`], with other limits and times.
    #[must_use]
    pub fn with_options(name: &str, pubsub: &PubSub, options: PresenceOptions) -> Self {
        Self { shared: Arc::new(Shared::new(name, pubsub, options)) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The topics on which it announces: the [same](PubSub::is_same) that it was made with.
    ///
    /// ```
    /// # use throng_pubsub::{Presence, PubSub};
    /// let pubsub = PubSub::new();
    /// assert!(Presence::new("lobby", &pubsub).pubsub().is_same(&pubsub));
    /// ```
    pub fn pubsub(&self) -> &PubSub {
        &self.shared.pubsub
    }

    /// Shows a process on a topic under a key, until it is untracked or ends; the meta must be a JSON object. Gives back the
    /// presence's `phx_ref` (§12.2).
    ///
    /// # Errors
    ///
    /// [`TrackError`]: the process is tracked there already, or has ended, or the topic, the key or the meta is refused.
    pub fn track(
        &self,
        owner: &impl Owner,
        topic: impl Into<Arc<str>>,
        key: impl Into<Arc<str>>,
        meta: impl Serialize,
    ) -> Result<String, TrackError> {
        let (topic, key) = (topic.into(), key.into());
        self.options().check_place(&topic, &key)?;
        let fields = self.options().check_meta(meta)?;
        owner.on_exit(self.shared.clone());
        let join = |core: &mut Core| core.state.join(owner.process(), &topic, &key, fields, &mut core.news);
        let tag = self.shared.change(join).map_err(|_| TrackError::AlreadyTracked)?;
        if owner.has_ended() {
            self.untrack_all(owner);
            return Err(TrackError::NoProcess(owner.process()));
        }
        Ok(tag.phx_ref())
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
        self.replace(owner.process(), &topic.into(), &key.into(), self.options().check_meta(meta)?)
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
        let old = self.shared.read(|state| state.own_meta(process, &topic, &key));
        let fields = self.options().check_meta(change(&old.ok_or(UpdateError::NoPresence)?))?;
        self.replace(process, &topic, &key, fields)
    }

    /// Ends a presence of a process; nothing happens when it has none there (§12.2).
    pub fn untrack(&self, owner: &impl Owner, topic: impl Into<Arc<str>>, key: impl Into<Arc<str>>) {
        let (topic, key) = (topic.into(), key.into());
        self.shared.change(|core| core.state.leave(owner.process(), &topic, &key, &mut core.news));
    }

    /// Ends all presences of a process.
    pub fn untrack_all(&self, owner: &impl Owner) {
        self.shared.change(|core| core.state.leave_all(owner.process(), &mut core.news));
    }

    /// The presences on a topic, of all nodes that are up. It waits for no process.
    pub fn list(&self, topic: &str) -> Presences {
        self.shared.read(|state| state.list(topic))
    }

    /// The metas on a topic under a key; empty when nobody is present there.
    pub fn get_by_key(&self, topic: &str, key: &str) -> Vec<Meta> {
        self.list(topic).metas(key).to_vec()
    }

    /// Its limits and times.
    pub fn options(&self) -> &PresenceOptions {
        &self.shared.options
    }

    fn replace(
        &self,
        process: ProcessId,
        topic: &Arc<str>,
        key: &Arc<str>,
        fields: Fields,
    ) -> Result<String, UpdateError> {
        let tag = self.shared.change(|core| core.state.update(process, topic, key, fields, &mut core.news));
        Ok(tag.ok_or(UpdateError::NoPresence)?.phx_ref())
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("name", &self.name()).finish_non_exhaustive()
    }
}
