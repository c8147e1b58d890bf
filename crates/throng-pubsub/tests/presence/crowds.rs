//! Many who come at once. What it costs is counted in texts and bytes; the time is the clock's, which stands still while anybody
//! is at work.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use throng_pubsub::{Payload, Presence, PresenceOptions, PubSub};
use throng_runtime::{Node, Pid};

use crate::{
    client::{Client, listed},
    member::{Member, within},
};

/// Everything that one client was sent, in its order.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<(bool, Payload)>>>);

impl Inbox {
    fn push(&self, is_state: bool, payload: &Payload) {
        self.0.lock().push((is_state, payload.clone()));
    }

    /// Whom it sees as phoenix.js does: diffs wait for the state, joins come before leaves.
    fn refs(&self) -> BTreeSet<String> {
        let (mut present, mut waiting, mut has_state) = (BTreeSet::new(), Vec::new(), false);
        for (is_state, payload) in self.0.lock().iter() {
            let payload: Value = payload.parse().unwrap();
            match (is_state, has_state) {
                (true, _) => {
                    present = refs(&payload);
                    has_state = true;
                    for diff in std::mem::take(&mut waiting) {
                        apply(&mut present, &diff);
                    }
                }
                (false, true) => apply(&mut present, &payload),
                (false, false) => waiting.push(payload),
            }
        }
        present
    }

    fn bytes(&self) -> usize {
        self.0.lock().iter().map(|(_, payload)| payload.as_json().len()).sum()
    }

    /// Where each text that it was sent is kept.
    fn texts(&self) -> Vec<(*const u8, usize)> {
        self.0
            .lock()
            .iter()
            .map(|(_, payload)| (payload.as_json().as_ptr(), payload.as_json().len()))
            .collect()
    }
}

fn refs(side: &Value) -> BTreeSet<String> {
    let metas = side.as_object().unwrap().values().flat_map(|entry| entry["metas"].as_array().unwrap());
    metas.map(|meta| meta["phx_ref"].as_str().unwrap().to_owned()).collect()
}

fn apply(present: &mut BTreeSet<String>, diff: &Value) {
    present.extend(refs(&diff["joins"]));
    for gone in refs(&diff["leaves"]) {
        present.remove(&gone);
    }
}

/// Joins a topic as a channel does: subscribes, is tracked, and asks for the state.
async fn join(member: Pid<Member>, pubsub: &PubSub, presence: &Presence, key: String) -> Inbox {
    let inbox = Inbox::default();
    let (pubsub, presence, mine) = (pubsub.clone(), presence.clone(), inbox.clone());
    within(member, move |ctx| {
        let (diffs, states) = (mine.clone(), mine);
        let subscription = pubsub.subscribe_with(ctx, "t", move |diff| diffs.push(false, diff.payload()));
        presence.track(ctx, "t", key, json!({ "online_at": 1_700_000_000 })).unwrap();
        presence.send_state_to(&subscription, move |state| states.push(true, state));
        // It lasts as long as the member.
        std::mem::forget(subscription);
    })
    .await;
    inbox
}

/// Lets the clock run until nothing is to be announced.
async fn settle() {
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

async fn driven(node: &Node, options: PresenceOptions) -> (PubSub, Presence) {
    let pubsub = PubSub::new();
    let presence = Presence::with_options("lobby", &pubsub, options);
    node.start(&presence).await.unwrap();
    (pubsub, presence)
}

#[tokio::test(start_paused = true)]
async fn c12_7_a_crowd_is_told_of_itself_once_and_in_few_texts() {
    const CROWD: usize = 500;
    let node = Node::new("test");
    let (pubsub, presence) = driven(&node, PresenceOptions::default()).await;
    let mut inboxes = Vec::new();
    for n in 0..CROWD {
        let member = Member::start(&node).await;
        inboxes.push(join(member, &pubsub, &presence, format!("user{n}")).await);
        if n % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    settle().await;
    let there = listed(&presence, "t");
    assert_eq!(there.len(), CROWD);
    let mut texts = BTreeMap::new();
    for inbox in &inboxes {
        assert_eq!(inbox.refs(), there);
        texts.extend(inbox.texts());
    }
    let state = serde_json::to_string(&presence.list("t")).unwrap().len();
    let sent: usize = inboxes.iter().map(Inbox::bytes).sum();
    // Each presence has to reach each client, which is one state for each of them.
    println!(
        "{sent} bytes, {:.2} times what is needed, in {} texts",
        sent as f64 / (state * CROWD) as f64,
        texts.len()
    );
    assert!(sent < state * CROWD * 5 / 4, "{sent} bytes for {CROWD} clients and a state of {state}");
    assert!(texts.len() < 60, "{} texts", texts.len());
    assert!(texts.values().sum::<usize>() < 10 * state, "the texts are kept once, not for each client");
}

#[tokio::test(start_paused = true)]
async fn c18_7_the_more_there_are_to_tell_the_more_rarely_they_are_told() {
    let node = Node::new("test");
    let diffs = async |others: usize| {
        let options = PresenceOptions::default().with(|options| {
            // A second takes a hundred frames.
            options.diff_bytes_per_second = 100 << 10;
            options.diff_period = Duration::from_millis(10);
        });
        let (pubsub, presence) = driven(&node, options).await;
        for _ in 0..others {
            let member = Member::start(&node).await;
            let (pubsub, idle) = (pubsub.clone(), |_: &_| ());
            within(member, move |ctx| std::mem::forget(pubsub.subscribe_with(ctx, "t", idle))).await;
        }
        let member = Member::start(&node).await;
        let inbox = join(member, &pubsub, &presence, "one".into()).await;
        for n in 0..100 {
            let handle = presence.clone();
            within(member, move |ctx| handle.update(ctx, "t", "one", json!({ "n": n })).unwrap()).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        settle().await;
        assert_eq!(inbox.refs(), listed(&presence, "t"));
        inbox.0.lock().len()
    };
    let (few, many) = (diffs(0).await, diffs(19).await);
    assert!(few > 25 && many < 10 && many > 2, "{few} for one, {many} for twenty");
}

#[tokio::test(start_paused = true)]
async fn c18_7_a_large_diff_comes_in_parts_that_add_up() {
    let node = Node::new("test");
    let options = PresenceOptions::default().with(|options| options.diff_bytes_max = 2_000);
    let (pubsub, presence) = driven(&node, options).await;
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    let handle = presence.clone();
    within(member, move |ctx| {
        for n in 0..200 {
            handle.track(ctx, "t", format!("user{n}"), json!({})).unwrap();
        }
        for n in 0..200 {
            handle.update(ctx, "t", format!("user{n}"), json!({ "n": n })).unwrap();
        }
    })
    .await;
    let there = listed(&presence, "t");
    let mut parts = 0;
    while client.refs() != there {
        let part = client.next().await;
        assert!(part.to_string().len() < 2_400, "a part of {} bytes", part.to_string().len());
        parts += 1;
    }
    assert!(parts > 10, "{parts} parts");
}

#[tokio::test(start_paused = true)]
async fn c18_7_a_quiet_topic_announces_nothing_and_tells_newcomers_the_state() {
    let node = Node::new("test");
    let options =
        PresenceOptions::default().with(|options| options.quiet_topics = vec!["t*".into(), "u".into()]);
    let (pubsub, presence) = driven(&node, options).await;
    let first = join(Member::start(&node).await, &pubsub, &presence, "ann".into()).await;
    let second = join(Member::start(&node).await, &pubsub, &presence, "bob".into()).await;
    settle().await;
    for (inbox, seen) in [(first, 1), (second, 2)] {
        let inbox = inbox.0.lock();
        assert!(matches!(&inbox[..], [(true, state)] if refs(&state.parse().unwrap()).len() == seen));
    }
    assert_eq!(presence.count("t"), 2);
    let mut elsewhere = Client::follow(&node, &pubsub, &presence, "ux").await;
    let member = Member::start(&node).await;
    within(member, move |ctx| drop(presence.track(ctx, "ux", "ann", json!({})).unwrap())).await;
    elsewhere.until(|client| client.keys() == ["ann"]).await;
}
