//! Servers that hear what clients hear (§12.6).

use serde_json::{Value, json};
use throng_pubsub::{Meta, Presence, PresenceChange, PresenceDiff, PresenceOptions, PubSub};
use throng_runtime::{Address, Ctx, Exit, GenServer, Handled, Handler, Init, Node, Pid};
use tokio::sync::mpsc;

use crate::member::{Member, within};

/// A server that keeps a log of what it is told.
struct Host {
    log: mpsc::UnboundedSender<String>,
    presence: Presence,
}

impl GenServer for Host {
    type Args = (Presence, Option<&'static str>, mpsc::UnboundedSender<String>);

    async fn init((presence, topic, log): Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        match topic {
            Some(topic) => presence.watch(ctx, topic),
            None => presence.watch_all(ctx),
        }
        Ok(Host { log, presence })
    }
}

impl Handler<PresenceDiff> for Host {
    async fn handle(&mut self, diff: PresenceDiff, ctx: &mut Ctx<Self>) -> Handled<PresenceDiff> {
        let n = |meta: &Meta| meta.parse::<Value>().unwrap()["n"].clone();
        for change in diff.changes() {
            self.log.send(match change {
                PresenceChange::Joined { key, meta } => format!("{} +{key} {}", diff.topic(), n(meta)),
                PresenceChange::Updated { key, old, new } => {
                    format!("{} {key} {} to {}", diff.topic(), n(old), n(new))
                }
                PresenceChange::Left { key, meta } => format!("{} -{key} {}", diff.topic(), n(meta)),
                other => panic!("{other:?}"),
            })?;
        }
        let keys: Vec<_> = diff.presences().keys().collect();
        self.log.send(format!("{} has {}", diff.topic(), keys.join(" ")))?;
        if keys == ["enough"] {
            self.presence.unwatch(ctx, diff.topic());
        }
        Ok(())
    }
}

struct House {
    node: Node,
    presence: Presence,
    log: mpsc::UnboundedReceiver<String>,
    member: Pid<Member>,
}

impl House {
    async fn watched(topic: Option<&'static str>) -> House {
        let (node, pubsub) = (Node::new("test"), PubSub::new());
        let options = PresenceOptions::default().with(|options| options.quiet_topics = vec!["quiet".into()]);
        let presence = Presence::with_options("lobby", &pubsub, options);
        node.start(&presence).await.unwrap();
        let (tell, log) = mpsc::unbounded_channel();
        node.start(Host::child((presence.clone(), topic, tell))).await.unwrap();
        let member = Member::start(&node).await;
        House { node, presence, log, member }
    }

    async fn act(&self, act: impl FnOnce(&Presence, &Ctx<Member>) + Send + 'static) {
        let presence = self.presence.clone();
        within(self.member, move |ctx| act(&presence, ctx)).await;
    }

    /// The next lines of the log.
    async fn hears(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.log.recv().await.unwrap(), *line);
        }
    }
}

#[tokio::test]
async fn c12_6_joins_updates_and_leaves_are_told_apart_with_who_is_there_afterwards() {
    let mut house = House::watched(Some("t")).await;
    house.act(|presence, ctx| drop(presence.track(ctx, "t", "ann", json!({ "n": 1 })).unwrap())).await;
    house.hears(&["t +ann 1", "t has ann"]).await;
    house.act(|presence, ctx| drop(presence.update(ctx, "t", "ann", json!({ "n": 2 })).unwrap())).await;
    house.hears(&["t ann 1 to 2", "t has ann"]).await;
    house.act(|presence, ctx| drop(presence.track(ctx, "u", "ann", json!({ "n": 3 })).unwrap())).await;
    house.act(|presence, ctx| presence.untrack(ctx, "t", "ann")).await;
    house.hears(&["t -ann 2", "t has "]).await;
}

#[tokio::test]
async fn c12_6_what_happens_within_one_diff_is_told_by_its_outcome() {
    // Each handler call of the member is one diff: the tracker has its turn when it is over.
    let mut house = House::watched(Some("t")).await;
    house
        .act(|presence, ctx| {
            presence.track(ctx, "t", "ann", json!({ "n": 1 })).unwrap();
            presence.update(ctx, "t", "ann", json!({ "n": 2 })).unwrap();
            presence.track(ctx, "t", "bob", json!({ "n": 1 })).unwrap();
            presence.untrack(ctx, "t", "bob");
        })
        .await;
    house.hears(&["t +ann 2", "t has ann"]).await;
    house
        .act(|presence, ctx| {
            for n in 3..6 {
                presence.update(ctx, "t", "ann", json!({ "n": n })).unwrap();
            }
        })
        .await;
    house.hears(&["t ann 2 to 5", "t has ann"]).await;
    house
        .act(|presence, ctx| {
            presence.update(ctx, "t", "ann", json!({ "n": 6 })).unwrap();
            presence.untrack(ctx, "t", "ann");
        })
        .await;
    house.hears(&["t -ann 5", "t has "]).await;
}

#[tokio::test]
async fn c12_6_a_server_may_watch_all_topics_and_hears_of_quiet_ones() {
    let mut house = House::watched(None).await;
    house.act(|presence, ctx| drop(presence.track(ctx, "quiet", "ann", json!({ "n": 1 })).unwrap())).await;
    house.hears(&["quiet +ann 1", "quiet has ann"]).await;
    house.act(|presence, ctx| drop(presence.track(ctx, "u", "ann", json!({ "n": 2 })).unwrap())).await;
    house.hears(&["u +ann 2", "u has ann"]).await;
    house.member.exit(Exit::Kill);
    house.node.wait(house.member).await;
    let mut left = Vec::new();
    while left.len() < 4 {
        left.push(house.log.recv().await.unwrap());
    }
    left.sort();
    assert_eq!(left, ["quiet -ann 1", "quiet has ", "u -ann 2", "u has "]);
}

#[tokio::test]
async fn c12_6_a_server_that_no_longer_watches_hears_no_more() {
    let mut house = House::watched(Some("t")).await;
    house.act(|presence, ctx| drop(presence.track(ctx, "t", "enough", json!({ "n": 1 })).unwrap())).await;
    house.hears(&["t +enough 1", "t has enough"]).await;
    house.act(|presence, ctx| presence.untrack_all(ctx)).await;
    let (tell, mut log) = mpsc::unbounded_channel();
    house.node.start(Host::child((house.presence.clone(), Some("t"), tell))).await.unwrap();
    house.act(|presence, ctx| drop(presence.track(ctx, "t", "ann", json!({ "n": 2 })).unwrap())).await;
    while log.recv().await.unwrap() != "t has ann" {}
    assert!(house.log.try_recv().is_err());
}
