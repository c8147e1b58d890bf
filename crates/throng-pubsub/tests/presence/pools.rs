//! A presence in several parts, each with its tracker (§14.1).

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use throng_pubsub::{Network, Presence, PresenceOptions, PubSub};
use throng_runtime::{Address, Exit, Node};

use crate::{
    client::{Client, listed},
    member::{Member, within},
};

const TOPICS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn options(pool_size: usize) -> PresenceOptions {
    PresenceOptions::default().with(|options| {
        options.pool_size = pool_size;
        options.diff_period = Duration::from_millis(1);
        options.broadcast_period = Duration::from_millis(5);
    })
}

#[tokio::test]
async fn c14_1_each_slot_of_the_pool_has_a_tracker_and_they_end_together() {
    let node = Node::new("test");
    let before: BTreeSet<_> = node.processes().collect();
    let presence = Presence::with_options("lobby", &PubSub::new(), options(4));
    for _ in 0..3 {
        let tracker = node.start(&presence).await.unwrap();
        let trackers: Vec<_> = node.processes().filter(|process| !before.contains(process)).collect();
        assert_eq!(trackers.len(), 4);
        tracker.exit(Exit::Kill);
        for tracker in trackers {
            node.wait(tracker).await;
        }
    }
}

#[tokio::test]
async fn c14_1_topics_of_all_slots_are_announced_whichever_tracker_crashes() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::with_options("lobby", &pubsub, options(4));
    let mut clients = Vec::new();
    for topic in TOPICS {
        clients.push(Client::follow(&node, &pubsub, &presence, topic).await);
    }
    for round in 0..20 {
        let before: BTreeSet<_> = node.processes().collect();
        let first = node.start(&presence).await.unwrap();
        let trackers: Vec<_> = node.processes().filter(|process| !before.contains(process)).collect();
        let member = Member::start(&node).await;
        let handle = presence.clone();
        within(member, move |ctx| {
            for topic in TOPICS {
                handle.track(ctx, topic, round.to_string(), json!({})).unwrap();
            }
        })
        .await;
        node.exit(trackers[round % trackers.len()], Exit::Kill);
        node.wait(first).await;
        for (client, topic) in clients.iter_mut().zip(TOPICS) {
            let there = listed(&presence, topic);
            client.until(|client| client.refs() == there).await;
        }
        member.exit(Exit::Kill);
        node.wait(member).await;
        for topic in TOPICS {
            assert_eq!(presence.count(topic), 0);
        }
    }
}

#[tokio::test]
async fn c14_1_nodes_with_pools_of_one_size_see_each_other_on_all_topics_and_others_do_not() {
    let (node, network) = (Node::new("test"), Network::new());
    let mut sites = Vec::new();
    for (name, pool_size) in [("a", 3), ("b", 3), ("c", 2)] {
        let pubsub = PubSub::over(network.join(name));
        let presence = Presence::with_options("lobby", &pubsub, options(pool_size));
        node.start(&presence).await.unwrap();
        sites.push((pubsub, presence));
    }
    let member = Member::start(&node).await;
    for (_, presence) in &sites {
        let handle = presence.clone();
        within(member, move |ctx| {
            for topic in TOPICS {
                handle.track(ctx, topic, handle.pubsub().node_name().to_owned(), json!({})).unwrap();
            }
        })
        .await;
    }
    for (pubsub, presence) in &sites[..2] {
        for topic in TOPICS {
            let mut client = Client::follow(&node, pubsub, presence, topic).await;
            client.until(|client| client.keys() == ["a", "b"]).await;
        }
    }
    for topic in TOPICS {
        assert_eq!(sites[2].1.keys(topic), ["c".into()]);
    }
}
