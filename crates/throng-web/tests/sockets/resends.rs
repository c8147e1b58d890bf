//! §18.6: what a client sends again, because it does not know whether it was handled, is handled once.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::support::{Halls, eventually};

fn id(id: &str) -> Value {
    json!({ "_message_id": id })
}

fn counted(count: usize) -> (String, Value) {
    ("ok".to_owned(), json!({ "count": count }))
}

#[tokio::test]
async fn c18_6_a_message_that_is_sent_again_gets_its_answer_and_is_not_handled() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    assert_eq!(ada.ask("hall:1", "count", id("a")).await, counted(1));
    assert_eq!(ada.ask("hall:1", "count", id("a")).await, counted(1));
    ada.hang_up().await;
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    assert_eq!(ada.ask("hall:1", "count", id("a")).await, counted(1));
    assert_eq!(ada.ask("hall:1", "count", id("b")).await, counted(2));
    assert_eq!(ada.ask("hall:1", "count", json!({})).await, counted(3), "without an id it is another");
}

#[tokio::test]
async fn c18_6_an_id_is_of_one_client_and_one_topic() {
    let halls = Halls::open().await;
    let (mut ada, mut bob) = (halls.client("ada").await, halls.client("bob").await);
    ada.join("hall:1").await;
    ada.join("hall:2").await;
    bob.join("hall:1").await;
    assert_eq!(ada.ask("hall:1", "count", id("a")).await, counted(1));
    assert_eq!(ada.ask("hall:2", "count", id("a")).await, counted(2));
    assert_eq!(bob.ask("hall:1", "count", id("a")).await, counted(3));
    // The messages of those who have no socket id are told apart by their ids alone, which nobody else would guess.
    let (mut one, mut other) = (halls.client("nobody").await, halls.client("nobody").await);
    one.join("hall:1").await;
    other.join("hall:1").await;
    let random = id("f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    assert_eq!(one.ask("hall:1", "count", random.clone()).await, counted(4));
    assert_eq!(other.ask("hall:1", "count", random).await, counted(4));
}

/// Two strangers that both count their messages: one got the answer to the other's, and its own message was not handled.
#[tokio::test]
async fn c18_6_nobody_gets_the_answer_to_a_strangers_message_by_counting() {
    let halls = Halls::open().await;
    let (mut one, mut other) = (halls.client("nobody").await, halls.client("nobody").await);
    one.join("hall:1").await;
    other.join("hall:1").await;
    for (n, guess) in ["a", "1", "message-1"].into_iter().enumerate() {
        assert_eq!(one.ask("hall:1", "count", id(guess)).await, counted(2 * n + 1));
        assert_eq!(other.ask("hall:1", "count", id(guess)).await, counted(2 * n + 2));
    }
}

#[tokio::test]
async fn c18_6_the_application_does_not_see_the_id_in_the_payload_and_may_ask_for_it() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    assert_eq!(ada.ask("hall:1", "id", id("x")).await.1, json!({ "id": "x" }));
    assert_eq!(ada.ask("hall:1", "id", json!({})).await.1, json!({ "id": null }));
    ada.push(Value::Null, "hall:1", "say", json!({ "n": 1, "_message_id": "y" })).await;
    let said = ada.receive().await;
    assert_eq!((&said[3], &said[4]["n"], &said[4]["_message_id"]), (&json!("said"), &json!(1), &Value::Null));
}

#[tokio::test]
async fn c18_6_a_message_still_in_hand_when_it_comes_again_is_waited_for() {
    let halls = Halls::open().await;
    let mut lost = halls.client("ada").await;
    lost.join("hall:1").await;
    // Two: one is being handled, the other waits in the mailbox of a channel whose client is gone.
    lost.push(Value::Null, "hall:1", "wait", id("a")).await;
    lost.push(Value::Null, "hall:1", "wait", id("b")).await;
    lost.push(Value::Null, "phoenix", "heartbeat", json!({})).await;
    lost.receive().await;
    drop(lost);

    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    let (a, b) = (
        ada.push(Value::Null, "hall:1", "wait", id("a")).await,
        ada.push(Value::Null, "hall:1", "wait", id("b")).await,
    );
    ada.expect_nothing().await;
    halls.visits.gate.0.add_permits(2);
    assert_eq!(ada.reply_to(&a.into()).await["response"], json!({ "count": 1 }));
    assert_eq!(ada.reply_to(&b.into()).await["response"], json!({ "count": 2 }));
    assert_eq!(halls.handled(), 2);
}

#[tokio::test]
async fn c18_6_a_message_whose_channel_was_killed_before_it_began_is_handled_then() {
    let halls = Halls::open().await;
    let mut lost = halls.client("ada").await;
    lost.join("hall:1").await;
    lost.push(Value::Null, "hall:1", "wait", id("hangs")).await;
    lost.push(Value::Null, "hall:1", "count", id("waits")).await;
    lost.push(Value::Null, "phoenix", "heartbeat", json!({})).await;
    lost.receive().await;
    drop(lost);
    // The first hangs, and its channel is killed when its grace is over: nobody knows how far it came.
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    let hangs = ada.push(Value::Null, "hall:1", "wait", id("hangs")).await;
    let waits = ada.push(Value::Null, "hall:1", "count", id("waits")).await;
    let crashed = json!({ "status": "error", "response": { "reason": "crashed" } });
    assert_eq!(ada.reply_to(&hangs.into()).await, crashed);
    assert_eq!(ada.reply_to(&waits.into()).await["response"], json!({ "count": 1 }));
    assert_eq!(halls.handled(), 1);
}

#[tokio::test]
async fn c18_6_a_message_that_crashed_its_channel_does_not_crash_the_next() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    ada.push(Value::Null, "hall:1", "crash", id("a")).await;
    assert_eq!(ada.receive().await[3], "phx_error");
    ada.join("hall:1").await;
    let refused = ("error".to_owned(), json!({ "reason": "crashed" }));
    assert_eq!(ada.ask("hall:1", "crash", id("a")).await, refused);
    assert_eq!(halls.handled(), 1);
}

#[tokio::test]
async fn c18_6_an_answer_that_comes_later_is_kept_as_well() {
    let halls = Halls::open().await;
    let mut lost = halls.client("ada").await;
    lost.join("hall:1").await;
    lost.push(Value::Null, "hall:1", "defer", id("a")).await;
    let again = lost.push(Value::Null, "hall:1", "defer", id("a")).await;
    lost.expect_nothing().await;
    lost.push(Value::Null, "hall:1", "answer_deferred", json!({})).await;
    assert_eq!(lost.reply_to(&again.into()).await["response"], json!({ "deferred": true }));
    assert_eq!(lost.ask("hall:1", "defer", id("a")).await.1, json!({ "deferred": true }));
    assert_eq!(halls.handled(), 1);
}

#[tokio::test]
async fn c18_6_a_message_without_an_answer_is_handled_once_too() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    for _ in 0..3 {
        ada.push(Value::Null, "hall:1", "silence", id("a")).await;
    }
    assert_eq!(ada.ask("hall:1", "count", json!({})).await, counted(2));
}

#[tokio::test]
async fn c18_6_an_answer_that_is_too_large_to_keep_was_given() {
    let halls = Halls::open().await;
    let mut ada = halls.client("ada").await;
    ada.join("hall:1").await;
    assert_eq!(ada.ask("hall:1", "large", id("a")).await.1["count"], 1);
    assert_eq!(
        ada.ask("hall:1", "large", id("a")).await,
        ("ok".to_owned(), json!({ "reason": "handled before" }))
    );
}

/// Clients that lose their connections at any moment and send everything again until it is answered: each message is handled
/// once, and its answer is one and the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_6_whatever_is_lost_and_sent_again_is_handled_once() {
    let halls = Halls::open().await;
    let mut seed = crate::support::Seed::printed();
    let (rounds, mut told) = (400, 0);
    for round in 0..rounds {
        let ids: Vec<_> = (0..5).map(|n| format!("{round}:{n}")).collect();
        for _ in 0..seed.below(4) {
            let mut lost = halls.client("ada").await;
            lost.join("hall:1").await;
            for name in &ids[..=usize::try_from(seed.below(5)).unwrap()] {
                lost.push(Value::Null, "hall:1", "count", id(name)).await;
            }
            for _ in 0..seed.below(4) {
                lost.push(Value::Null, "phoenix", "heartbeat", json!({})).await;
                lost.receive().await;
            }
            // Without a goodbye.
            drop(lost);
        }
        let mut ada = halls.client("ada").await;
        ada.join("hall:1").await;
        for name in &ids {
            let first = ada.ask("hall:1", "count", id(name)).await;
            assert_eq!(first.0, "ok");
            assert_eq!(ada.ask("hall:1", "count", id(name)).await, first);
            told += 1;
        }
        ada.hang_up().await;
    }
    eventually("the last channel to end", || halls.server.endpoint.channel_count() == 0).await;
    assert_eq!(halls.visits.handled.load(Ordering::SeqCst), told);
}
