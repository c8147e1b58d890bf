//! Several nodes on a network in memory, with periods of a few milliseconds. The rules themselves are tested beat by beat beside
//! the code; here is shown that the processes keep to them.

use std::time::Duration;

use serde_json::json;
use throng_pubsub::{Network, Presence, PresenceOptions, PubSub, Tracker, Transport};
use throng_runtime::{Address, Exit, Node, Pid, StartError};

use crate::{
    client::{Client, listed},
    member::{Member, within},
};

const TOPIC: &str = "t";

/// A node of the cluster, with a client that follows the topic there.
struct Site {
    presence: Presence,
    tracker: Pid<Tracker>,
    client: Client,
}

fn options() -> PresenceOptions {
    PresenceOptions::default().with(|options| {
        options.diff_period = Duration::from_millis(1);
        options.broadcast_period = Duration::from_millis(5);
    })
}

impl Site {
    async fn start(node: &Node, network: &Network, name: &str) -> Site {
        Self::start_with(node, network, name, options()).await
    }

    async fn start_with(node: &Node, network: &Network, name: &str, options: PresenceOptions) -> Site {
        let pubsub = PubSub::over(network.join(name));
        let presence = Presence::with_options("lobby", &pubsub, options);
        let tracker = node.start(&presence).await.unwrap();
        let client = Client::follow(node, &pubsub, &presence, TOPIC).await;
        Site { presence, tracker, client }
    }

    async fn track(&self, node: &Node, key: &'static str) -> Pid<Member> {
        let (member, presence) = (Member::start(node).await, self.presence.clone());
        within(member, move |ctx| drop(presence.track(ctx, TOPIC, key, json!({ "at": key })).unwrap())).await;
        member
    }

    async fn sees(&mut self, keys: &[&str]) {
        self.client.until(|client| client.keys() == keys).await;
        assert_eq!(self.client.refs(), listed(&self.presence, TOPIC));
    }
}

#[tokio::test]
async fn c14_3_presences_of_all_nodes_show_on_all_nodes() {
    let (node, network) = (Node::new("test"), Network::new());
    let mut a = Site::start(&node, &network, "a").await;
    let ann = a.track(&node, "ann").await;
    let mut b = Site::start(&node, &network, "b").await;
    b.track(&node, "bob").await;
    a.sees(&["ann", "bob"]).await;
    b.sees(&["ann", "bob"]).await;
    assert_eq!(a.presence.list(TOPIC), b.presence.list(TOPIC));
    ann.exit(Exit::Kill);
    a.sees(&["bob"]).await;
    b.sees(&["bob"]).await;
}

#[tokio::test]
async fn c14_8_a_split_hides_each_side_from_the_other_and_a_heal_brings_it_back() {
    let (node, network) = (Node::new("test"), Network::new());
    let mut a = Site::start(&node, &network, "a").await;
    let mut b = Site::start(&node, &network, "b").await;
    let mut c = Site::start(&node, &network, "c").await;
    let ann = a.track(&node, "ann").await;
    b.track(&node, "bob").await;
    c.track(&node, "cid").await;
    for site in [&mut a, &mut b, &mut c] {
        site.sees(&["ann", "bob", "cid"]).await;
    }
    network.split(&["a"], &["b", "c"]);
    a.sees(&["ann"]).await;
    b.sees(&["bob", "cid"]).await;
    ann.exit(Exit::Kill);
    a.track(&node, "amy").await;
    network.heal();
    for site in [&mut a, &mut b, &mut c] {
        site.sees(&["amy", "bob", "cid"]).await;
    }
}

#[tokio::test]
async fn c14_7_a_node_that_is_gone_takes_its_presences_along() {
    let (node, network) = (Node::new("test"), Network::new());
    let mut a = Site::start(&node, &network, "a").await;
    let b = Site::start(&node, &network, "b").await;
    b.track(&node, "bob").await;
    a.sees(&["bob"]).await;
    network.unplug("b");
    a.sees(&[]).await;
}

#[tokio::test]
async fn c14_9_a_tracker_that_is_told_to_says_goodbye_when_it_shuts_down() {
    let (node, network) = (Node::new("test"), Network::new());
    // So long would a silent node be believed to be there that the test would not end.
    let patient = options().with(|options| {
        options.down_periods = 1_000_000;
        options.permdown_on_shutdown = true;
    });
    let mut a = Site::start_with(&node, &network, "a", patient.clone()).await;
    let b = Site::start_with(&node, &network, "b", patient).await;
    b.track(&node, "bob").await;
    a.sees(&["bob"]).await;
    node.stop(b.tracker, Exit::Shutdown, None).await.unwrap();
    a.sees(&[]).await;
    // Its presences live on in the handle: when it is driven again, they are told anew.
    node.start(&b.presence).await.unwrap();
    a.sees(&["bob"]).await;
}

#[tokio::test]
async fn a_tracker_that_crashes_goes_on_with_the_others_where_it_was() {
    let (node, network) = (Node::new("test"), Network::new());
    let mut a = Site::start(&node, &network, "a").await;
    let mut b = Site::start(&node, &network, "b").await;
    b.track(&node, "bob").await;
    a.sees(&["bob"]).await;
    b.tracker.exit(Exit::Kill);
    node.wait(b.tracker).await;
    b.track(&node, "bea").await;
    a.track(&node, "ann").await;
    node.start(&b.presence).await.unwrap();
    a.sees(&["ann", "bea", "bob"]).await;
    b.sees(&["ann", "bea", "bob"]).await;
}

#[tokio::test]
async fn c14_1_a_node_that_starts_again_is_a_new_replica() {
    let (node, network) = (Node::new("test"), Network::new());
    let mut a = Site::start(&node, &network, "a").await;
    let before = Site::start(&node, &network, "b").await;
    before.track(&node, "before").await;
    a.sees(&["before"]).await;
    let mut after = Site::start(&node, &network, "b").await;
    after.track(&node, "after").await;
    a.sees(&["after"]).await;
    after.sees(&["after"]).await;
}

#[tokio::test]
async fn two_presences_on_the_same_topics_need_two_names() {
    let node = Node::new("test");
    let pubsub = PubSub::new();
    let first = Presence::new("lobby", &pubsub);
    node.start(&first).await.unwrap();
    let second = node.start(Presence::new("lobby", &pubsub)).await;
    let Err(StartError::Exited(reason)) = second else { panic!("{second:?}") };
    assert_eq!(reason.to_string(), "error: another presence on the same topics is called \"lobby\"");
    node.start(Presence::new("kitchen", &pubsub)).await.unwrap();
}

#[tokio::test]
async fn what_a_node_says_in_the_name_of_another_is_not_heard() {
    let (node, network) = (Node::new("test"), Network::new());
    let mut a = Site::start(&node, &network, "a").await;
    let b = Site::start(&node, &network, "b").await;
    b.track(&node, "bob").await;
    a.sees(&["bob"]).await;
    let version =
        u64::from_str_radix(listed(&b.presence, TOPIC).first().unwrap().split('-').next().unwrap(), 16);
    let goodbye = json!({ "goodbye": { "from": { "name": "b", "version": version.unwrap() } } });
    let note = |body| format!("\u{1}{}", json!({ "note": { "to": "lobby", "body": body } }));
    let evil = network.join("evil");
    for body in [goodbye, json!({ "surprise": 1 }), json!(null)] {
        evil.broadcast(note(body).into()).unwrap();
    }
    b.track(&node, "bea").await;
    let diff = a.client.next().await;
    assert_eq!((diff["joins"].as_object().unwrap().len(), &diff["leaves"]), (1, &json!({})));
    assert_eq!(a.client.keys(), ["bea", "bob"]);
}
