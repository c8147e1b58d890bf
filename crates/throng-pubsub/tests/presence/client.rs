//! A client that follows a topic's presence the way Phoenix' own clients do: it takes the list once, applies the joins of each
//! diff and then its leaves, and tells metas apart by `phx_ref` alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use throng_pubsub::{Broadcast, Presence, PubSub, Subscription};
use throng_runtime::{Node, Pid};
use tokio::sync::mpsc;

use crate::member::{Member, within};

pub(crate) struct Client {
    present: BTreeMap<String, BTreeMap<String, Value>>,
    diffs: mpsc::UnboundedReceiver<Value>,
    _subscription: Subscription,
}

impl Client {
    /// Subscribes first and lists afterwards, so that it hears of all that the list does not have.
    pub(crate) async fn follow(
        node: &Node,
        pubsub: &PubSub,
        presence: &Presence,
        topic: &'static str,
    ) -> Client {
        Self::of(Member::start(node).await, pubsub, presence, topic).await
    }

    pub(crate) async fn of(
        member: Pid<Member>,
        pubsub: &PubSub,
        presence: &Presence,
        topic: &'static str,
    ) -> Client {
        let (tell, diffs) = mpsc::unbounded_channel();
        let (pubsub, presence) = (pubsub.clone(), presence.clone());
        let (subscription, list) = within(member, move |ctx| {
            let deliver = move |broadcast: &Broadcast| {
                assert_eq!(broadcast.event(), "presence_diff");
                let _ = tell.send(broadcast.parse().unwrap());
            };
            (pubsub.subscribe_with(ctx, topic, deliver), presence.list(topic))
        })
        .await;
        let mut client = Client { present: BTreeMap::new(), diffs, _subscription: subscription };
        client.join(&serde_json::to_value(list).unwrap());
        client
    }

    /// The next diff, before it is applied.
    pub(crate) async fn next(&mut self) -> Value {
        // A guard against waiting for ever, far above what anything takes.
        let diff = tokio::time::timeout(Duration::from_secs(60), self.diffs.recv()).await;
        let diff = diff.expect("no diff came").unwrap();
        self.apply(&diff);
        diff
    }

    /// Applies diffs until everything is as `wanted`.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Self) -> bool) {
        while !wanted(self) {
            self.next().await;
        }
    }

    /// Applies what has come so far.
    pub(crate) fn catch_up(&mut self) {
        while let Ok(diff) = self.diffs.try_recv() {
            self.apply(&diff);
        }
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.present.keys().map(String::as_str).collect()
    }

    /// The references of all metas.
    pub(crate) fn refs(&self) -> BTreeSet<String> {
        self.present.values().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// The metas under a key, in the order of their references.
    pub(crate) fn metas(&self, key: &str) -> Vec<&Value> {
        self.present.get(key).into_iter().flat_map(BTreeMap::values).collect()
    }

    fn apply(&mut self, diff: &Value) {
        assert_eq!(diff.as_object().unwrap().len(), 2, "a diff has joins and leaves: {diff}");
        self.join(&diff["joins"]);
        for (key, entry) in diff["leaves"].as_object().unwrap() {
            let Some(metas) = self.present.get_mut(key) else { continue };
            for meta in entry["metas"].as_array().unwrap() {
                metas.remove(meta["phx_ref"].as_str().unwrap());
            }
            if metas.is_empty() {
                self.present.remove(key);
            }
        }
    }

    fn join(&mut self, presences: &Value) {
        for (key, entry) in presences.as_object().unwrap() {
            let metas = self.present.entry(key.clone()).or_default();
            for meta in entry["metas"].as_array().unwrap() {
                metas.insert(meta["phx_ref"].as_str().unwrap().to_owned(), meta.clone());
            }
        }
    }
}

/// The references that a presence lists on a topic.
pub(crate) fn listed(presence: &Presence, topic: &str) -> BTreeSet<String> {
    presence.list(topic).iter().flat_map(|(_, metas)| metas).map(|meta| meta.phx_ref()).collect()
}
