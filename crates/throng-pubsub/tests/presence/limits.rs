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
