use serde_json::{Value, json};
use throng_pubsub::{Presence, PubSub, TrackError, UpdateError};
use throng_runtime::{Address, Exit, Node};

use crate::member::{Member, within};

fn lobby() -> (Node, Presence) {
    (Node::new("test"), Presence::new("lobby", &PubSub::new()))
}

#[tokio::test]
async fn c12_1_a_list_has_keys_with_metas_and_their_references() {
    let (node, presence) = lobby();
    let (one, other) = (Member::start(&node).await, Member::start(&node).await);
    let handle = presence.clone();
    let first = within(one, move |ctx| handle.track(ctx, "t", "ann", json!({ "tab": 1 })).unwrap()).await;
    let handle = presence.clone();
    let second = within(other, move |ctx| handle.track(ctx, "t", "ann", json!({ "tab": 2 })).unwrap()).await;
    assert_ne!(first, second);
    let list = presence.list("t");
    let wire = json!({ "ann": { "metas": [
        { "tab": 1, "phx_ref": first },
        { "tab": 2, "phx_ref": second },
    ] } });
    assert_eq!(serde_json::to_value(&list).unwrap(), wire);
    assert_eq!(presence.get_by_key("t", "ann"), list.metas("ann"));
    assert_eq!(list.metas("ann")[1].parse::<Value>().unwrap()["tab"], 2);
    assert!(presence.list("u").is_empty() && presence.get_by_key("t", "bob").is_empty());
    assert_eq!(serde_json::to_value(presence.list("u")).unwrap(), json!({}));
}

#[tokio::test]
async fn c12_2_a_process_is_tracked_once_under_a_key_and_under_any_number_of_keys() {
    let (node, presence) = lobby();
    let member = Member::start(&node).await;
    let handle = presence.clone();
    within(member, move |ctx| {
        handle.track(ctx, "t", "ann", json!({})).unwrap();
        let again = handle.track(ctx, "t", "ann", json!({ "more": 1 }));
        assert!(matches!(again, Err(TrackError::AlreadyTracked)));
        handle.track(ctx, "t", "bob", json!({})).unwrap();
        handle.track(ctx, "u", "ann", json!({})).unwrap();
        assert_eq!((handle.list("t").len(), handle.list("u").len()), (2, 1));
        assert_eq!(handle.list("t").metas("ann").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn c12_2_an_update_replaces_the_whole_meta_and_names_the_one_before() {
    let (node, presence) = lobby();
    let member = Member::start(&node).await;
    within(member, move |ctx| {
        let first = presence.track(ctx, "t", "ann", json!({ "name": "Ann", "typing": false })).unwrap();
        let second = presence.update(ctx, "t", "ann", json!({ "typing": true })).unwrap();
        assert_ne!(first, second);
        let wire = |presence: &Presence| serde_json::to_value(presence.list("t")).unwrap();
        let expected = json!({ "typing": true, "phx_ref": second, "phx_ref_prev": first });
        assert_eq!(wire(&presence), json!({ "ann": { "metas": [expected] } }));

        let change = |old: &throng_pubsub::Meta| {
            assert_eq!(old.phx_ref(), second);
            json!({ "was": old.parse::<Value>().unwrap()["typing"] })
        };
        let third = presence.update_with(ctx, "t", "ann", change).unwrap();
        let expected = json!({ "was": true, "phx_ref": third, "phx_ref_prev": second });
        assert_eq!(wire(&presence), json!({ "ann": { "metas": [expected] } }));
    })
    .await;
}

#[tokio::test]
async fn c12_2_only_ones_own_presence_can_be_updated() {
    let (node, presence) = lobby();
    let (owner, other) = (Member::start(&node).await, Member::start(&node).await);
    let handle = presence.clone();
    within(owner, move |ctx| handle.track(ctx, "t", "ann", json!({})).unwrap()).await;
    within(other, move |ctx| {
        let update = presence.update(ctx, "t", "ann", json!({}));
        assert!(matches!(update, Err(UpdateError::NoPresence)));
        let update = presence.update_with(ctx, "t", "ann", |_| json!({}));
        assert!(matches!(update, Err(UpdateError::NoPresence)));
        presence.untrack(ctx, "t", "ann");
        presence.untrack_all(ctx);
        assert!(presence.list("t").contains_key("ann"));
    })
    .await;
}

#[tokio::test]
async fn c12_2_untrack_ends_one_presence_or_all_and_never_fails() {
    let (node, presence) = lobby();
    let member = Member::start(&node).await;
    within(member, move |ctx| {
        for (topic, key) in [("t", "ann"), ("t", "bob"), ("u", "ann")] {
            presence.track(ctx, topic, key, json!({})).unwrap();
        }
        presence.untrack(ctx, "t", "ann");
        presence.untrack(ctx, "t", "ann");
        assert_eq!((presence.list("t").len(), presence.list("u").len()), (1, 1));
        presence.untrack_all(ctx);
        presence.untrack_all(ctx);
        assert!(presence.list("t").is_empty() && presence.list("u").is_empty());
        presence.track(ctx, "t", "ann", json!({})).unwrap();
    })
    .await;
}

#[tokio::test]
async fn c12_2_presences_end_with_their_process_before_anybody_sees_it_down() {
    let (node, presence) = lobby();
    let (watcher, mut downs) = Member::watching(&node).await;
    for reason in [Exit::Normal, Exit::Kill, Exit::other("boom")] {
        let member = Member::start(&node).await;
        let handle = presence.clone();
        within(member, move |ctx| {
            handle.track(ctx, "t", "ann", json!({})).unwrap();
            handle.track(ctx, "u", "bob", json!({})).unwrap();
        })
        .await;
        within(watcher, move |ctx| ctx.monitor(member)).await;
        match reason {
            Exit::Normal => within(member, |ctx| ctx.stop(Exit::Normal)).await,
            reason => member.exit(reason),
        }
        assert_eq!(downs.recv().await, Some(member.id()));
        assert!(presence.list("t").is_empty() && presence.list("u").is_empty());
    }
}

#[tokio::test]
async fn a_list_is_a_snapshot() {
    let (node, presence) = lobby();
    let member = Member::start(&node).await;
    within(member, move |ctx| {
        presence.track(ctx, "t", "ann", json!({})).unwrap();
        let before = presence.list("t");
        presence.untrack_all(ctx);
        assert!(before.contains_key("ann") && !presence.list("t").contains_key("ann"));
    })
    .await;
}

#[tokio::test]
async fn c12_2_counts_and_keys_tell_people_and_not_their_tabs() {
    let (node, presence) = lobby();
    for key in ["bob", "ann", "ann"] {
        let (member, handle) = (Member::start(&node).await, presence.clone());
        within(member, move |ctx| drop(handle.track(ctx, "t", key, json!({})).unwrap())).await;
    }
    assert_eq!((presence.count("t"), presence.list("t").metas_len()), (2, 3));
    assert_eq!(presence.keys("t"), ["ann".into(), "bob".into()]);
    assert_eq!((presence.count("u"), presence.keys("u")), (0, vec![]));
}
