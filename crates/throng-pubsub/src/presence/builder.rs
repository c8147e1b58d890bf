//! How a presence is made.

use std::{error::Error, sync::Arc};

use super::{
    Presence,
    extras::Extras,
    fetch::Fetch,
    options::PresenceOptions,
    presences::Presences,
    quota::Quota,
    shared::{Setup, Shared},
    watch::Watchers,
};
use crate::pubsub::PubSub;

/// A presence that is being made, by [`Presence::builder`].
#[must_use = "it is not built yet"]
#[derive(Debug)]
pub struct PresenceBuilder {
    name: Box<str>,
    pubsub: PubSub,
    options: PresenceOptions,
    fetch: Option<Fetch>,
}

impl PresenceBuilder {
    pub(super) fn new(name: &str, pubsub: &PubSub) -> Self {
        Self { name: name.into(), pubsub: pubsub.clone(), options: PresenceOptions::default(), fetch: None }
    }

    /// Other limits and times.
    pub fn options(mut self, options: PresenceOptions) -> Self {
        self.options = options;
        self
    }

    /// Has `fetch` add fields beside the metas of each key, wherever presences are shown: in what clients are told, and by
    /// [`Presence::fetch_list`] (§12.5).
    ///
    /// It is called once for a list and once for each side of a topic's diff, also when that is empty, so that one query serves
    /// all keys. It runs in a process of its own, one at a time for each topic; the diffs of a topic stay in order, and what changes
    /// meanwhile is in the next. When it fails, panics, or takes longer than
    /// [`fetch_timeout`](PresenceOptions::fetch_timeout), clients are told without its fields, which a log line tells of: who is
    /// there is more than what is shown of them.
    ///
    /// ```
    /// # use throng_pubsub::{Extras, PayloadError, Presence, PubSub};
    /// # async fn names_of(keys: Vec<&str>) -> Vec<(String, String)> { keys.iter().map(|k| (k.to_string(), k.to_uppercase())).collect() }
    /// let presence = Presence::builder("lobby", &PubSub::new())
    ///     .fetch(async |_topic, presences| {
    ///         let mut extras = Extras::new();
    ///         for (key, name) in names_of(presences.keys().collect()).await {
    ///             extras.insert(key, serde_json::json!({ "user": { "name": name } }))?;
    ///         }
    ///         Ok::<_, PayloadError>(extras)
    ///     })
    ///     .build();
    /// # let _ = presence;
    /// ```
    pub fn fetch<F, Fut, E>(mut self, fetch: F) -> Self
    where
        F: Fn(Arc<str>, Presences) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Extras, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.fetch = Some(Fetch::new(fetch));
        self
    }

    /// The presence.
    #[must_use]
    pub fn build(self) -> Presence {
        let Self { name, pubsub, options, fetch } = self;
        let quota = Quota::new(options.presences_per_process_max);
        let fetch = fetch.map(|fetch| fetch.within(options.fetch_timeout));
        let setup = Setup { name, pubsub, options, fetch, watchers: Watchers::default(), quota };
        Presence { shared: Arc::new(Shared::new(setup)) }
    }
}
