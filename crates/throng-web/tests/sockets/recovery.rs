//! §18.6: a client that comes back gets what it missed.

use serde_json::{Value, json};
use throng_pubsub::{HistoryOptions, Payload, Presence};

use crate::support::{Halls, history_of, told};

#[tokio::test]
async fn c18_6_the_reply_to_a_join_says_where_the_client_is() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({})).await;
    let history = history_of(&reply);
    let epoch = history["epoch"].as_str().unwrap();
    let expected = json!({
        "epoch": epoch, "offset": 0, "since": format!("{epoch}:0"), "gap": false, "more": false, "messages": []
    });
    assert_eq!(*history, expected);
    halls.say("hall:1", 1);
    ada.expect(json!([null, null, "hall:1", "said", { "n": 1, "_since": format!("{epoch}:1") }])).await;
}

#[tokio::test]
async fn c18_6_a_client_that_comes_back_gets_what_it_missed_in_order() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    halls.say("hall:1", 1);
    let since = ada.receive().await[4]["_since"].clone();
    ada.hang_up().await;
    (2..=4).for_each(|n| halls.say("hall:1", n));

    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({ "since": since })).await;
    let history = history_of(&reply);
    assert_eq!(told(history), [(2, 2), (3, 3), (4, 4)]);
    assert_eq!((&history["gap"], &history["offset"]), (&json!(false), &json!(4)));
    // As it would have come then.
    assert_eq!(history["messages"][2]["event"], "said");
    assert_eq!(history["messages"][2]["payload"]["_since"], history["since"]);
    halls.say("hall:1", 5);
    assert_eq!(ada.receive().await[4]["n"], 5);
}

#[tokio::test]
async fn c18_6_a_place_may_be_said_in_several_forms() {
    let halls = Halls::open().await;
    (1..=3).for_each(|n| halls.say("hall:1", n));
    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({})).await;
    let epoch = history_of(&reply)["epoch"].clone();
    for since in [
        json!({ "epoch": epoch, "offset": 1 }),
        json!({ "epoch": epoch, "offset": "1" }),
        json!(format!("{}:1", epoch.as_str().unwrap())),
    ] {
        let (_, reply) = ada.try_join("hall:1", json!({ "since": since })).await;
        assert_eq!(told(history_of(&reply)), [(2, 2), (3, 3)]);
    }
    for start in [json!(0), json!("0")] {
        let (_, reply) = ada.try_join("hall:1", json!({ "since": start })).await;
        assert_eq!(told(history_of(&reply)), [(1, 1), (2, 2), (3, 3)]);
        assert_eq!(history_of(&reply)["gap"], false, "a newcomer has missed nothing");
    }
    for nothing in [json!({}), json!({ "since": null })] {
        let (_, reply) = ada.try_join("hall:1", nothing).await;
        assert_eq!((told(history_of(&reply)), &history_of(&reply)["offset"]), (vec![], &json!(3)));
    }
}

#[tokio::test]
async fn c18_6_a_gap_is_told_and_what_is_kept_with_it() {
    let halls = Halls::with(|options| options.with(|options| options.messages_max = 2)).await;
    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({})).await;
    let at_first = history_of(&reply)["since"].clone();
    (1..=5).for_each(|n| halls.say("hall:1", n));
    for since in
        [at_first, json!("0000000000:4"), json!("nonsense"), json!(7), json!([]), json!({ "epoch": 1 })]
    {
        let (_, reply) = ada.try_join("hall:1", json!({ "since": since })).await;
        assert_eq!(
            (told(history_of(&reply)), &history_of(&reply)["gap"]),
            (vec![(4, 4), (5, 5)], &json!(true)),
            "{since}"
        );
    }
}

#[tokio::test]
async fn c18_6_a_place_of_another_topic_is_a_gap() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({})).await;
    let since = &history_of(&reply)["since"];
    let (_, reply) = ada.try_join("hall:2", json!({ "since": since })).await;
    assert_eq!(history_of(&reply)["gap"], true);
}

#[tokio::test]
async fn c18_6_the_response_of_the_application_stays_as_it_is() {
    let halls = Halls::open().await;
    halls.say("hall:1", 1);
    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({ "since": 0, "reply": { "mine": 1 } })).await;
    assert_eq!(reply["response"]["mine"], 1);
    assert_eq!(told(history_of(&reply)), [(1, 1)]);
    // What is no object has no place for the history, which comes right behind it.
    for response in [json!([1]), json!("text"), json!(7)] {
        let (join_ref, reply) = ada.try_join("hall:1", json!({ "since": 0, "reply": response })).await;
        assert_eq!(reply["response"], response);
        let event = loop {
            let message = ada.receive().await;
            if message[3] != "phx_close" {
                break message;
            }
        };
        assert_eq!((&event[0], &event[3]), (&join_ref, &json!("history")));
        assert_eq!(told(&event[4]), [(1, 1)]);
    }
}

#[tokio::test]
async fn c18_6_much_comes_in_pages_and_what_happens_meanwhile_after_them() {
    let kept = crate::support::kept(HistoryOptions::default().with(|options| options.messages_max = 1_000));
    let halls = Halls::keeping(kept, |builder| {
        builder.limits(throng_web::Limits::default().with(|limits| {
            limits.frame_bytes_max = 1_000;
            // Less than all pages together.
            limits.outbound_bytes_max = 8_000;
        }))
    })
    .await;
    (1..=500).for_each(|n| halls.say("hall:1", n));
    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({ "since": 0 })).await;
    let mut page = history_of(&reply).clone();
    halls.say("hall:1", 501);
    let (mut all, mut pages) = (told(&page), 1);
    while page["more"] == true {
        let message = ada.receive().await;
        assert_eq!(message[3], "history");
        assert!(message.to_string().len() <= 1_300);
        page = message[4].clone();
        all.extend(told(&page));
        assert_eq!(page["offset"], all.last().unwrap().0);
        pages += 1;
    }
    assert_eq!(all, (1..=500).map(|n| (n, n)).collect::<Vec<_>>());
    assert!(pages > 20, "{pages}");
    assert_eq!(ada.receive().await[4]["n"], 501);
}

#[tokio::test]
async fn c18_6_what_is_passing_is_not_kept_and_takes_no_number() {
    let halls = Halls::open().await;
    // Nor are bytes, which have no place for it.
    halls.pubsub.broadcast("hall:1", "picture", Payload::bytes(&b"\x01"[..])).unwrap();
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    halls.pubsub.broadcast("hall:1", "typing", json!({ "by": "bob" })).unwrap();
    ada.expect(json!([null, null, "hall:1", "typing", { "by": "bob" }])).await;
    let presence = Presence::new("halls", &halls.pubsub);
    let process = halls.server.node.spawn(async |_| std::future::pending::<()>().await);
    let owner = throng_pubsub::OtherProcess::new(&halls.server.node, process);
    presence.track(&owner, "hall:1", "bob", json!({})).unwrap();
    let diff = ada.receive().await;
    assert_eq!((&diff[3], &diff[4]["_since"]), (&json!("presence_diff"), &Value::Null));
    halls.say("hall:1", 1);
    let (_, reply) = ada.try_join("hall:1", json!({ "since": 0 })).await;
    assert_eq!(told(history_of(&reply)), [(1, 1)]);
}

#[tokio::test]
async fn c18_6_a_field_of_that_name_in_what_is_said_gives_way() {
    // An application may pass on what a client sent, which may be what it was sent before.
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    ada.push(Value::Null, "hall:1", "say", json!({ "n": 1, "_since": "of another" })).await;
    let said = ada.receive().await[4].to_string();
    assert!(said.ends_with(":1\",\"n\":1}") || said.contains("\"n\":1"), "{said}");
    assert_eq!(said.matches("_since").count(), 1, "{said}");
    assert!(!said.contains("of another"));
}

#[tokio::test]
async fn c18_6_whoever_is_spared_a_broadcast_gets_it_when_it_comes_back() {
    // Nobody knows whether the channel that comes back is the one that was spared.
    let halls = Halls::open().await;
    let (mut ada, mut bob) = (halls.client("ada").await, halls.client("bob").await);
    ada.join("hall:1").await;
    bob.join("hall:1").await;
    ada.ask("hall:1", "shout", json!({ "n": 1 })).await;
    ada.ask("hall:1", "say", json!({ "n": 2 })).await;
    assert_eq!(bob.receive().await[4]["n"], 1);
    let (_, reply) = ada.try_join("hall:1", json!({ "since": 0 })).await;
    assert_eq!(told(history_of(&reply)), [(1, 1), (2, 2)]);
}

#[tokio::test]
async fn c18_6_the_application_says_who_is_shown_what() {
    let halls = Halls::open().await;
    halls.say("hall:1", 1);
    halls.pubsub.broadcast("hall:1", "secret", json!({ "n": 2 })).unwrap();
    let (mut ada, mut bob) = (halls.client("ada").await, halls.client("bob").await);
    let (_, reply) = ada.try_join("hall:1", json!({ "since": 0 })).await;
    assert_eq!(told(history_of(&reply)), [(1, 1), (2, 2)]);
    let (_, reply) = bob.try_join("hall:1", json!({ "since": 0 })).await;
    assert_eq!(told(history_of(&reply)), [(1, 1)]);
    assert_eq!(history_of(&reply)["offset"], 2, "it is past what it was not shown");
}

#[tokio::test]
async fn c18_6_intercepted_events_go_through_the_channel_when_they_come_late_too() {
    let halls = Halls::open().await;
    for n in 1..=6_u64 {
        let event = if n % 2 == 0 { "whispered" } else { "said" };
        halls.pubsub.broadcast("gallery:1", event, json!({ "n": n })).unwrap();
    }
    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("gallery:1", json!({ "since": 0 })).await;
    let history = history_of(&reply);
    assert_eq!(told(history), [(1, 1), (2, 2), (3, 3), (5, 5), (6, 6)]);
    let whispered = &history["messages"][1];
    assert_eq!((&whispered["event"], &whispered["payload"]["to"]), (&json!("whispered"), &json!("ada")));
    let epoch = history["epoch"].as_str().unwrap();
    assert_eq!(whispered["payload"]["_since"], format!("{epoch}:2"));
    // And carry their place when they come in time.
    halls.pubsub.broadcast("gallery:1", "whispered", json!({ "n": 7 })).unwrap();
    assert_eq!(
        ada.receive().await[4],
        json!({ "n": 7, "by": null, "to": "ada", "_since": format!("{epoch}:7") })
    );
}

#[tokio::test]
async fn c18_6_a_channel_that_does_not_recover_is_as_it_was() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    let (_, reply) = ada.try_join("cellar:1", json!({ "since": 0 })).await;
    assert_eq!(reply["response"], json!({ "params": { "since": 0 } }));
    halls.say("cellar:1", 1);
    ada.expect(json!([null, null, "cellar:1", "said", { "n": 1 }])).await;
    let event = json!({ "event": "x", "payload": { "_message_id": "1" } });
    assert_eq!(ada.ask("cellar:1", "x", json!({ "_message_id": "1" })).await, ("ok".to_owned(), event));
}

#[tokio::test]
async fn c18_6_clients_of_version_1_recover_as_well() {
    let halls = Halls::open().await;
    halls.say("hall:1", 1);
    let path = "/halls/websocket?user=ada&vsn=1.0.0";
    let mut ada = crate::support::Client::connect(halls.server.addr, path).await;
    ada.send(r#"{"topic":"hall:1","event":"phx_join","payload":{"since":0},"ref":"1"}"#).await;
    let reply = ada.receive().await;
    assert_eq!(told(&reply["payload"]["response"]["history"]), [(1, 1)]);
    halls.say("hall:1", 2);
    let since = ada.receive().await["payload"]["_since"].as_str().unwrap().to_owned();
    assert!(since.ends_with(":2"));
}
