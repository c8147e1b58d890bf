//! Presence: processes that show themselves on topics under keys, on all nodes.

mod agenda;
mod announcement;
mod builder;
mod clocks;
mod diff;
mod driver;
mod error;
mod extras;
mod fetch;
mod gossip;
mod meta;
mod options;
mod part;
mod presences;
mod quota;
mod record;
mod replica;
mod rest;
mod shard;
mod shared;
mod shown;
mod sorted;
mod state;
mod tracker;
mod watch;

use std::{fmt, sync::Arc};

use serde::Serialize;
use throng_runtime::{Ctx, Handler, ProcessId};

use self::{announcement::Newcomer, meta::Fields, shared::Shared};
pub use self::{
    builder::PresenceBuilder,
    error::{PresenceRefusal, TrackError, UpdateError},
    extras::Extras,
    fetch::FetchError,
    meta::Meta,
    options::PresenceOptions,
    presences::{PresenceEntry, Presences},
    tracker::Tracker,
    watch::{PresenceChange, PresenceDiff},
};
use crate::{owner::Owner, payload::Payload, pubsub::PubSub, subscription::Subscription};

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
/// diff. The presences themselves live in this handle: reading waits for no process and no lock, and a tracker that crashes loses
/// nothing.
///
/// Servers hear of changes by [`Presence::watch`]; what clients should see beside the metas is added by
/// [`PresenceBuilder::fetch`].
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
        Self::builder(name, pubsub).build()
    }

    /// As [`Presence::new`], with other limits and times.
    #[must_use]
    pub fn with_options(name: &str, pubsub: &PubSub, options: PresenceOptions) -> Self {
        Self::builder(name, pubsub).options(options).build()
    }

    /// A presence with more to say of it.
    pub fn builder(name: &str, pubsub: &PubSub) -> PresenceBuilder {
        PresenceBuilder::new(name, pubsub)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.setup.name
    }

    /// The topics on which it announces: the [same](PubSub::is_same) that it was made with.
    ///
    /// ```
    /// # use throng_pubsub::{Presence, PubSub};
    /// let pubsub = PubSub::new();
    /// assert!(Presence::new("lobby", &pubsub).pubsub().is_same(&pubsub));
    /// ```
    pub fn pubsub(&self) -> &PubSub {
        &self.shared.setup.pubsub
    }

    /// Shows a process on a topic under a key, until it is untracked or ends; the meta must be a JSON object. Gives back the
    /// presence's `phx_ref` (§12.2).
    ///
    /// # Errors
    ///
    /// [`TrackError`]: the process is tracked there already, or has ended; the topic, the key or the meta is refused; the topic or
    /// the process has too many presences.
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
        let shard = self.shared.shard(&topic);
        owner.on_exit(shard.clone());
        let tag = shard.track(owner.process(), &topic, &key, fields)?;
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
        let old = self.shared.shard(&topic).own_meta(process, &topic, &key);
        let fields = self.options().check_meta(change(&old.ok_or(UpdateError::NoPresence)?))?;
        self.replace(process, &topic, &key, fields)
    }

    /// Ends a presence of a process; nothing happens when it has none there (§12.2).
    pub fn untrack(&self, owner: &impl Owner, topic: impl Into<Arc<str>>, key: impl Into<Arc<str>>) {
        let (topic, key) = (topic.into(), key.into());
        self.shared.shard(&topic).untrack(owner.process(), &topic, &key);
    }

    /// Ends all presences of a process.
    pub fn untrack_all(&self, owner: &impl Owner) {
        for shard in &self.shared.shards {
            shard.untrack_all(owner.process());
        }
    }

    /// The presences on a topic, of all nodes that are up. It waits for nobody, and nothing is fetched for it (§14.11).
    pub fn list(&self, topic: &str) -> Presences {
        self.shared.shard(topic).views().list(topic)
    }

    /// The metas on a topic under a key; empty when nobody is present there.
    pub fn get_by_key(&self, topic: &str, key: &str) -> Vec<Meta> {
        self.read(topic, |present| present.metas(key).to_vec())
    }

    /// The keys that are present on a topic, in their order.
    pub fn keys(&self, topic: &str) -> Vec<Arc<str>> {
        self.read(topic, |present| present.entries().map(|(key, _)| key.clone()).collect())
    }

    /// How many keys are present on a topic: people, and not their tabs. It costs the same however many they are.
    ///
    /// ```
    /// # use throng_pubsub::{Presence, PubSub};
    /// assert_eq!(Presence::new("lobby", &PubSub::new()).count("room:1"), 0);
    /// ```
    pub fn count(&self, topic: &str) -> usize {
        self.read(topic, Presences::len)
    }

    /// As [`Presence::list`], with what is [fetched](PresenceBuilder::fetch) for the keys; the fetch runs in the caller (§12.5).
    ///
    /// # Errors
    ///
    /// [`FetchError`]: it failed or took too long. A fetch that panics does so in the caller.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the fetch.
    pub async fn fetch_list(&self, topic: &str) -> Result<Presences, FetchError> {
        self.fetch(topic, self.list(topic)).await
    }

    /// As [`Presence::fetch_list`], with one key alone; [`Presences::get`] is its entry.
    ///
    /// # Errors
    ///
    /// As [`Presence::fetch_list`].
    ///
    /// # Cancel safety
    ///
    /// As [`Presence::fetch_list`].
    pub async fn fetch_by_key(&self, topic: &str, key: &str) -> Result<Presences, FetchError> {
        self.fetch(topic, self.read(topic, |present| present.only(key))).await
    }

    /// Has a server told what changes on a topic, until it ends or [no longer watches](Presence::unwatch): the same that clients
    /// are told, in the same order, with the presences as they are afterwards (§12.6).
    ///
    /// ```
    /// # use serde_json::json;
    /// # use throng_pubsub::{Presence, PresenceChange, PresenceDiff, PubSub};
    /// # use throng_runtime::{Ctx, GenServer, Handled, Handler, Init};
    /// /// Lets who is idle be told apart from who is there.
    /// struct Host { presence: Presence }
    ///
    /// impl GenServer for Host {
    ///     type Args = Presence;
    ///     async fn init(presence: Presence, ctx: &mut Ctx<Self>) -> Init<Self> {
    ///         presence.watch(ctx, "room:1");                  // compiles because of the handler below
    ///         Ok(Host { presence })
    ///     }
    /// }
    ///
    /// impl Handler<PresenceDiff> for Host {
    ///     async fn handle(&mut self, diff: PresenceDiff, _: &mut Ctx<Self>) -> Handled<PresenceDiff> {
    ///         for change in diff.changes() {
    ///             match change {
    ///                 PresenceChange::Joined { key, .. } => println!("{key} came"),
    ///                 PresenceChange::Left { key, .. } => println!("{key} went"),
    ///                 PresenceChange::Updated { key, old, new } => println!("{key}: {old:?} became {new:?}"),
    ///                 _ => {}
    ///             }
    ///         }
    ///         println!("{} are here", diff.presences().len());
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn watch<S: Handler<PresenceDiff>>(&self, ctx: &Ctx<S>, topic: impl Into<Arc<str>>) {
        self.shared.setup.watchers.add(ctx, Some(topic.into()));
    }

    /// As [`Presence::watch`], on all topics.
    pub fn watch_all<S: Handler<PresenceDiff>>(&self, ctx: &Ctx<S>) {
        self.shared.setup.watchers.add(ctx, None);
    }

    /// Ends the watches of a server on a topic.
    pub fn unwatch(&self, owner: &impl Owner, topic: &str) {
        self.shared.setup.watchers.remove(owner, Some(topic));
    }

    /// Ends the watches of a server on all topics.
    pub fn unwatch_all(&self, owner: &impl Owner) {
        self.shared.setup.watchers.remove(owner, None);
    }

    /// Has `deliver` called once with the state of a topic: the payload of `presence_state`, with what is fetched.
    ///
    /// In quiet times that is now; while the topic changes fast, it is with the next announcement, so that all who come meanwhile
    /// share one text. It never comes amid an announcement: what changes afterwards is announced afterwards (§12.3).
    ///
    /// It is for those who bring presence to clients of their own, as the channels do. `deliver` runs in this process or in one
    /// that announces, and must be as short as a push into a queue.
    pub fn send_state(&self, topic: impl Into<Arc<str>>, deliver: impl FnOnce(&Payload) + Send + 'static) {
        let topic = topic.into();
        self.shared.shard(&topic).welcome(&topic, Newcomer { deliver: Box::new(deliver), subscriber: None });
    }

    /// As [`Presence::send_state`], for the client behind a subscription to the topic, if that has not ended by then. A diff that
    /// the state has already is not delivered to it, unless it was delivered an earlier one.
    pub fn send_state_to(
        &self,
        subscription: &Subscription,
        deliver: impl FnOnce(&Payload) + Send + 'static,
    ) {
        let subscriber = subscription.subscriber();
        let topic = subscriber.topic.clone();
        let newcomer = Newcomer { deliver: Box::new(deliver), subscriber: Some(subscriber.clone()) };
        self.shared.shard(&topic).welcome(&topic, newcomer);
    }

    /// Its limits and times.
    pub fn options(&self) -> &PresenceOptions {
        &self.shared.setup.options
    }

    fn read<T: Default>(&self, topic: &str, look: impl FnOnce(&Presences) -> T) -> T {
        self.shared.shard(topic).views().read(topic, look).unwrap_or_default()
    }

    async fn fetch(&self, topic: &str, presences: Presences) -> Result<Presences, FetchError> {
        match &self.shared.setup.fetch {
            Some(fetch) => fetch.fetch(&topic.into(), presences).await,
            None => Ok(presences),
        }
    }

    fn replace(
        &self,
        process: ProcessId,
        topic: &Arc<str>,
        key: &Arc<str>,
        fields: Fields,
    ) -> Result<String, UpdateError> {
        let tag = self.shared.shard(topic).update(process, topic, key, fields);
        Ok(tag.ok_or(UpdateError::NoPresence)?.phx_ref())
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("name", &self.name()).finish_non_exhaustive()
    }
}
