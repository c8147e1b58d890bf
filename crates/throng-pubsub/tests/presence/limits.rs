use serde_json::json;
use throng_pubsub::{
    PayloadError, Presence, PresenceOptions, PresenceRefusal, PubSub, TrackError, UpdateError,
};
use throng_runtime::{Ctx, Node};

use crate::member::{Member, within};

#[tokio::test]
async fn what_is_too_large_is_refused_and_changes_nothing() {
    let options = PresenceOptions::default().with(|options| {
        options.topic_bytes_max = 4;
        options.key_bytes_max = 3;
        options.meta_bytes_max = 9;
    });
    let presence = Presence::with_options("lobby", &PubSub::new(), options);
    let member = Member::start(&Node::new("test")).await;
    within(member, move |ctx: &mut Ctx<Member>| {
        let refused = |topic: &str, key: &str, meta| match presence.track(ctx, topic, key, meta) {
            Err(TrackError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        };
        assert!(matches!(
            refused("topic", "key", json!({})),
            PresenceRefusal::TopicTooLong { bytes: 5, max: 4 }
        ));
        assert!(matches!(refused("t", "kääy", json!({})), PresenceRefusal::KeyTooLong { bytes: 6, max: 3 }));
        let large = refused("t", "key", json!({ "a": "bcd" }));
        assert!(matches!(large, PresenceRefusal::MetaTooLarge { bytes: 11, max: 9 }), "{large}");
        let no_object = refused("t", "key", json!("text"));
        assert!(matches!(no_object, PresenceRefusal::Meta(PayloadError::NotAnObject)));
        assert!(presence.list("t").is_empty());

        presence.track(ctx, "t", "key", json!({ "a": "b" })).unwrap();
        let update = presence.update(ctx, "t", "key", json!({ "a": "bcd" }));
        assert!(matches!(update, Err(UpdateError::Refused(PresenceRefusal::MetaTooLarge { .. }))));
        let kept = serde_json::to_value(presence.list("t")).unwrap();
        assert_eq!(kept["key"]["metas"][0]["a"], "b");
        // The reference that an old meta carries does not count.
        presence.update_with(ctx, "t", "key", |old| old.parse::<serde_json::Value>().unwrap()).unwrap();
    })
    .await;
}

#[tokio::test]
async fn c18_7_a_topic_and_a_process_have_so_many_presences_at_most() {
    let options = PresenceOptions::default().with(|options| {
        options.presences_per_topic_max = 3;
        options.presences_per_process_max = 4;
        options.pool_size = 3;
    });
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::with_options("lobby", &pubsub, options);
    let (one, other) = (Member::start(&node).await, Member::start(&node).await);
    let handle = presence.clone();
    within(one, move |ctx: &mut Ctx<Member>| {
        for key in ["a", "b", "c"] {
            handle.track(ctx, "t", key, json!({})).unwrap();
        }
        let full = handle.track(ctx, "t", "d", json!({}));
        assert!(matches!(full, Err(TrackError::TopicFull { max: 3 })), "{full:?}");
        let again = handle.track(ctx, "t", "a", json!({}));
        assert!(matches!(again, Err(TrackError::AlreadyTracked)), "{again:?}");
        handle.track(ctx, "u", "a", json!({})).unwrap();
        let too_many = handle.track(ctx, "v", "a", json!({}));
        assert!(matches!(too_many, Err(TrackError::TooMany { max: 4 })), "{too_many:?}");
        assert_eq!(too_many.unwrap_err().to_string(), "the process has 4 presences already");
        handle.update(ctx, "t", "a", json!({ "n": 1 })).unwrap();
        handle.untrack(ctx, "t", "a");
        handle.untrack(ctx, "t", "a");
        handle.track(ctx, "v", "a", json!({})).unwrap();
        handle.untrack_all(ctx);
        for topic in ["t", "u", "v", "w"] {
            handle.track(ctx, topic, "a", json!({})).unwrap();
        }
    })
    .await;
    let handle = presence.clone();
    within(other, move |ctx: &mut Ctx<Member>| {
        assert!(handle.track(ctx, "t", "b", json!({})).is_ok(), "each has its own share");
    })
    .await;
    throng_runtime::Address::exit(&one, throng_runtime::Exit::Kill);
    node.wait(one).await;
    assert_eq!((presence.count("t"), presence.count("u")), (1, 0));
}
