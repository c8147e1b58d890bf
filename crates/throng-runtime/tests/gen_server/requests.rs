//! Many calls under way, and calls that wait for somebody to be there.

use std::time::Duration;

use throng_runtime::{Address, CallError, Exit, Name, Node, Requests, Supervisor};
use tokio::time::Instant;

use crate::actor::{Actor, Heard, Part, Say, act, hear, start, stop, wait_for};

const NAME: Name<Actor> = Name::new("retried");
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn g10_requests_come_back_in_the_order_of_their_answers_with_their_labels() {
    let node = Node::new("test");
    let mut requests = Requests::new();
    let mut gates = Vec::new();
    for label in ["a", "b", "c"] {
        let (actor, _heard) = start(&node).await;
        let (open, gate) = tokio::sync::oneshot::channel::<()>();
        actor.cast(wait_for(async { drop(gate.await) })).unwrap();
        requests.add(label, actor.call(act(move |_, _| Ok(label.len()))).send());
        gates.push((label, open));
    }
    for wanted in ["b", "c", "a"] {
        let at = gates.iter().position(|(label, _)| *label == wanted).unwrap();
        gates.swap_remove(at).1.send(()).unwrap();
        let (label, answer) = requests.next().await.unwrap();
        assert_eq!((label, answer.unwrap()), (wanted, 1));
    }
    assert!(requests.is_empty() && requests.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn g10_of_requests_one_is_late_another_has_nobody_and_the_third_sees_an_end() {
    let node = Node::new("test");
    let (busy, _b) = start(&node).await;
    busy.cast(wait_for(std::future::pending())).unwrap();
    let (ends, _e) = start(&node).await;
    let (gone, _g) = start(&node).await;
    gone.exit(Exit::Kill);
    node.wait(gone).await;
    let outcomes = node.task(async move {
        let mut requests = Requests::new();
        requests.add("late", busy.call(Say("x")).timeout(SECOND).send());
        requests.add("nobody", gone.call(Say("x")).send());
        ends.cast(stop(Exit::Shutdown)).unwrap();
        requests.add("ends", ends.call(Say("x")).send());
        let mut outcomes = Vec::new();
        while let Some((label, outcome)) = requests.next().await {
            outcomes.push((label, outcome.unwrap_err()));
        }
        outcomes
    });
    let mut outcomes = outcomes.await.unwrap();
    let (label, last) = outcomes.pop().unwrap();
    assert!(label == "late" && matches!(last, CallError::Timeout { .. }), "{label}: {last}");
    outcomes.sort_by_key(|(label, _)| *label);
    let [("ends", ends), ("nobody", nobody)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(matches!(ends, CallError::Exited { .. }), "{ends}");
    assert!(matches!(nobody, CallError::NoProcess { .. }), "{nobody}");
}

async fn named(node: &Node) -> Heard {
    let (part, heard) = Part::new();
    node.start(part.child().name(NAME)).await.unwrap();
    heard
}

#[tokio::test(start_paused = true)]
async fn g22_a_retry_waits_for_whoever_takes_the_name() {
    let node = Node::new("test");
    let via = node.via(NAME);
    let waits = node.task(async move { via.call_retry(Say("hello"), SECOND * 60).await });
    tokio::time::sleep(SECOND).await;
    let mut heard = named(&node).await;
    waits.await.unwrap().unwrap();
    assert_eq!((hear(&mut heard).await, hear(&mut heard).await), ("init".into(), "hello".into()));
}

#[tokio::test(start_paused = true)]
async fn g22_a_retry_gives_up_in_time() {
    let node = Node::new("test");
    let began = Instant::now();
    let error = node.via(NAME).call_retry(Say("hello"), SECOND).await.unwrap_err();
    assert!(matches!(error, CallError::NoProcess { .. }), "{error}");
    assert!(began.elapsed() >= SECOND && began.elapsed() < SECOND * 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn g22_a_retry_does_not_give_a_message_to_a_server_twice() {
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    node.start(Supervisor::one_for_one("tree").child(part.child().name(NAME))).await.unwrap();
    let via = node.via(NAME);
    // The first message keeps it at work; the second waits in its mailbox when it crashes.
    via.cast(wait_for(std::future::pending())).unwrap();
    let call = tokio::spawn(async move { via.call_retry(Say("queued"), SECOND * 60).await });
    let server = node.whereis(NAME).unwrap();
    tokio::task::yield_now().await;
    server.exit(Exit::other("crash"));
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Exited { .. }), "{error}");
    for words in ["init", "dropped", "init"] {
        assert_eq!(hear(&mut heard).await, words);
    }
}
