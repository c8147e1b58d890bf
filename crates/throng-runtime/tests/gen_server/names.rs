use throng_runtime::{Address, CallError, Exit, Name, Node};

use crate::actor::{Actor, Part, Say, hear, start, wait_for, with};

const NAME: Name<Actor> = Name::new("named");

#[tokio::test]
async fn g22_a_name_is_resolved_at_each_call() {
    let node = Node::new("test");
    let via = node.via(NAME);
    for _ in 0..100 {
        let (part, mut heard) = Part::new();
        let actor = node.start(part.child().name(NAME)).await.unwrap();
        via.call(Say("by name")).await.unwrap();
        assert_eq!((hear(&mut heard).await, hear(&mut heard).await), ("init".into(), "by name".into()));
        actor.exit(Exit::Kill);
        node.wait(actor).await;
        // In the gap a call fails at once; it is not kept for the next holder.
        let error = via.call(Say("in the gap")).no_timeout().await.unwrap_err();
        assert!(
            matches!(&error, CallError::NoProcess { target } if target.to_string() == "named"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn g22_a_pid_means_one_incarnation() {
    let node = Node::new("test");
    let (part, _h) = Part::new();
    let first = node.start(part.child().name(NAME)).await.unwrap();
    first.exit(Exit::Kill);
    node.wait(first).await;
    let (part, _h) = Part::new();
    let second = node.start(part.child().name(NAME)).await.unwrap();
    assert!(matches!(first.call(Say("old")).await, Err(CallError::NoProcess { .. })));
    second.call(Say("new")).await.unwrap();
}

#[tokio::test]
async fn g23_what_was_queued_is_lost_with_the_crash_and_its_callers_are_told() {
    let node = Node::new("test");
    let (part, _h) = Part::new();
    let first = node.start(part.child().name(NAME)).await.unwrap();
    let via = node.via(NAME);
    first.cast(wait_for(std::future::pending())).unwrap();
    let waiting = via.call(Say("queued")).no_timeout().send();
    via.cast(Say("queued too")).unwrap();
    first.exit(Exit::other("crash"));
    let answer = waiting.await;
    assert!(
        matches!(&answer, Err(CallError::Exited { reason, .. }) if reason.to_string() == "crash"),
        "not a retry, but the reason: {answer:?}"
    );
    node.wait(first).await;
    let (part, mut heard) = Part::new();
    node.start(part.child().name(NAME)).await.unwrap();
    via.call(Say("fresh")).await.unwrap();
    assert_eq!((hear(&mut heard).await, hear(&mut heard).await), ("init".into(), "fresh".into()));
}

#[tokio::test]
async fn p33_a_pid_and_a_name_are_addresses_of_the_same_kind() {
    async fn greet(to: &impl Address<Actor>) {
        to.call(Say("hello")).await.unwrap();
        to.cast(Say("again")).unwrap();
    }
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let actor = node.start(part.child().name(NAME)).await.unwrap();
    greet(&actor).await;
    greet(&node.via(NAME)).await;
    for words in ["init", "hello", "again", "hello", "again"] {
        assert_eq!(hear(&mut heard).await, words);
    }
    let back = node.via(Name::<Actor>::new("nobody")).cast(Say("returned")).unwrap_err();
    assert_eq!(back.target().to_string(), "nobody");
    assert_eq!(back.into_message().0, "returned");
}

#[tokio::test]
async fn g21_a_call_to_oneself_by_name_fails_at_once_too() {
    let node = Node::new("test");
    let (part, _h) = Part::new();
    let actor = node.start(part.child().name(NAME)).await.unwrap();
    let own = with(actor, |ctx| {
        let call = ctx.node().via(NAME).call(Say("me")).no_timeout();
        Box::pin(call.into_future())
    });
    assert!(matches!(own.await, Err(CallError::CallingSelf { .. })));
    // Through another it would wait: two that call each other are not seen (as in OTP), and end by their timeouts.
    let (other, _o) = start(&node).await;
    with(actor, move |_| Box::pin(other.call(Say("fine")).into_future())).await.unwrap();
}
