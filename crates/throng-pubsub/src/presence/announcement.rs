//! Saying what has changed on one topic, and telling newcomers its state.
//!
//! ```text
//!    turn ──► [fetch, in a process of its own] ──► the diff, to all who joined the topic before
//!                                              ──► the state, to those who joined lately
//!                                              ──► rest, for as long as it cost
//! ```

use std::{collections::HashSet, error::Error, sync::Arc};

use throng_runtime::Node;

use super::{
    agenda::Turn,
    diff::TopicDiff,
    fetch::{Fetch, FetchError},
    presences::Presences,
    rest::Rest,
    shard::Shard,
    shown::View,
    watch::PresenceDiff,
};
use crate::{
    broadcast::Broadcast,
    payload::{Payload, PayloadError},
    subscription::Subscriber,
};

/// The event by which changes are announced on their topic (§12.3).
const DIFF: &str = "presence_diff";

/// What a frame costs beside its bytes, on both sides and between them.
const FRAME_COST_BYTES: u64 = 1 << 10;

/// Who is to be told the state of a topic, and how.
pub(super) struct Newcomer {
    pub(super) deliver: Box<dyn FnOnce(&Payload) + Send>,
    /// The subscription that the state is for: it spares it the diffs that the state has already.
    pub(super) subscriber: Option<Arc<Subscriber>>,
}

/// A turn that is being carried out. However it ends, what is to be said is said, and the topic can go on.
pub(super) struct Announcement {
    shard: Arc<Shard>,
    /// The presences as they are after the diff.
    view: Arc<View>,
    /// `None` when it is over.
    turn: Option<Turn<Newcomer>>,
}

/// The presences of a turn: what is said to those who were there before, and to newcomers.
struct Told {
    diff: TopicDiff,
    state: Option<Presences>,
}

impl Announcement {
    pub(super) fn new(shard: Arc<Shard>, turn: Turn<Newcomer>, view: Arc<View>) -> Self {
        Self { shard, view, turn: Some(turn) }
    }

    /// Announces now; when something has to be fetched first, in a process of that node.
    pub(super) fn carry_out(self, node: Option<&Node>) {
        if let Some(node) = node {
            node.spawn(async move |_| self.fetch_and_publish().await);
        }
        // Without a node it is dropped here, and a drop publishes.
    }

    /// What cannot be fetched, in time, is published without: who is there is more than what is shown of them (§12.5).
    async fn fetch_and_publish(mut self) {
        let (shard, Some((topic, bare))) = (self.shard.clone(), self.bare()) else { return };
        let Some(fetch) = &shard.setup.fetch else { return };
        match bare.fetch(fetch, &topic).await {
            Ok(fetched) => self.publish(Some(fetched)),
            Err(error) => {
                tracing::warn!(presence = %shard.setup.name, %topic, error = &error as &dyn Error,
                    "nothing was fetched for what clients are told; they are told without");
            }
        }
    }

    /// What there is to fetch for.
    fn bare(&self) -> Option<(Arc<str>, Told)> {
        let Turn { topic, diff, newcomers } = self.turn.as_ref()?;
        let state = (!newcomers.is_empty()).then(|| self.view.presences.clone());
        Some((topic.clone(), Told { diff: diff.clone(), state }))
    }

    fn publish(&mut self, fetched: Option<Told>) {
        let Some(Turn { topic, diff, newcomers }) = self.turn.take() else { return };
        let (diff, state) = match fetched {
            Some(Told { diff, state }) => (diff, state.map(|state| Arc::new(View::new(state)))),
            None => (diff, None),
        };
        let (rests, crowd) = (!diff.is_empty(), newcomers.len());
        let view = state.as_ref().unwrap_or(&self.view);
        self.tell_watchers(&topic, &diff);
        let mut cost = 0;
        let told = self
            .publish_diff(&topic, diff, &newcomers, &mut cost)
            .and_then(|()| tell(newcomers, view, &mut cost));
        let told = told.unwrap_or_else(|error| {
            tracing::error!(presence = %self.shard.setup.name, %topic, %error, "presences could not be encoded");
            None
        });
        let rest = rests.then(|| Rest::after(cost, crowd, told, &self.shard.setup.options));
        self.shard.announced(&topic, rest);
    }

    fn publish_diff(
        &self,
        topic: &Arc<str>,
        diff: TopicDiff,
        newcomers: &[Newcomer],
        cost: &mut u64,
    ) -> Result<(), PayloadError> {
        let options = &self.shard.setup.options;
        if diff.is_empty() || options.is_quiet(topic) {
            return Ok(());
        }
        // By their place in memory, where newcomers hold them: a number of theirs is one among the subscriptions of their own topics.
        let covered: HashSet<*const Subscriber> =
            newcomers.iter().filter_map(|newcomer| newcomer.subscriber.as_ref().map(Arc::as_ptr)).collect();
        for part in diff.split(options.diff_bytes_max) {
            let broadcast = Broadcast::new(topic.clone(), DIFF, Payload::new(part)?)?;
            let frame_bytes = broadcast.payload().as_json().len() as u64 + FRAME_COST_BYTES;
            self.shard.setup.pubsub.local_dispatch_where(&broadcast, |subscriber| {
                let hears = !covered.contains(&std::ptr::from_ref(subscriber)) || subscriber.heard_diff();
                if hears {
                    subscriber.hear_diff();
                    *cost += frame_bytes;
                }
                hears
            });
        }
        Ok(())
    }

    fn tell_watchers(&self, topic: &Arc<str>, diff: &TopicDiff) {
        if !diff.is_empty() {
            self.shard.setup.watchers.tell(topic, || PresenceDiff::new(topic, diff, &self.view.presences));
        }
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        self.publish(None);
    }
}

impl Told {
    /// Once for each side of the diff, also when it is empty, and once for the state (§12.5).
    async fn fetch(mut self, fetch: &Fetch, topic: &Arc<str>) -> Result<Told, FetchError> {
        if !self.diff.is_empty() {
            self.diff.joins = fetch.fetch(topic, self.diff.joins).await?;
            self.diff.leaves = fetch.fetch(topic, self.diff.leaves).await?;
        }
        if let Some(state) = self.state.take() {
            self.state = Some(fetch.fetch(topic, state).await?);
        }
        Ok(self)
    }
}

/// Tells newcomers the state: one text for all of them.
fn tell<'a>(
    newcomers: Vec<Newcomer>,
    view: &'a View,
    cost: &mut u64,
) -> Result<Option<&'a Payload>, PayloadError> {
    if newcomers.is_empty() {
        return Ok(None);
    }
    let state = view.state()?;
    for Newcomer { deliver, subscriber } in newcomers {
        if subscriber.is_none_or(|subscriber| !subscriber.has_ended()) {
            *cost += state.as_json().len() as u64 + FRAME_COST_BYTES;
            deliver(state);
        }
    }
    Ok(Some(state))
}
