//! G20: what is logged of an end, and what is not.

use throng_runtime::{Address, Exit, InitError, Node};

use crate::{
    actor::{Part, Say, act, start, start_as},
    log::Log,
};

#[tokio::test]
async fn g20_a_crash_is_reported_once_with_who_what_and_why() {
    let (log, _guard) = Log::capture();
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    actor.cast(act(|_, _| panic!("a bad day"))).unwrap();
    node.wait(actor).await;
    let report = log.lines();
    assert_eq!(report.len(), 1, "{report:#?}");
    for part in ["ERROR", "process crashed", &actor.to_string(), "Actor", "Do<", "a bad day", "reports.rs"] {
        assert!(report[0].contains(part), "{part:?} is not in {}", report[0]);
    }
}

#[tokio::test]
async fn g20_init_and_terminate_are_reported_as_such() {
    let (log, _guard) = Log::capture();
    let node = Node::new("test");
    let (part, _h) = Part::new();
    let failing = part.init(|_| async { Err(InitError::Stop(Exit::other("no database"))) });
    node.start(failing.child()).await.unwrap_err();
    let (actor, _heard) = start_as(&node, |part| part.last(|| async { panic!("cannot flush") })).await;
    node.stop(actor, Exit::Normal, None).await.unwrap_err();
    let report = log.lines();
    assert_eq!(report.len(), 2, "{report:#?}");
    assert!(report[0].contains("during=\"init\"") && report[0].contains("no database"), "{}", report[0]);
    assert!(
        report[1].contains("during=\"terminate\"") && report[1].contains("cannot flush"),
        "{}",
        report[1]
    );
}

#[tokio::test]
async fn g20_a_clean_end_is_silent() {
    let (log, _guard) = Log::capture();
    let node = Node::new("test");
    for reason in [Exit::Normal, Exit::Shutdown, Exit::shutdown_with("a deploy")] {
        let (actor, _heard) = start(&node).await;
        node.stop(actor, reason, None).await.unwrap();
    }
    let (actor, _heard) = start(&node).await;
    actor.cast(Say("hello")).unwrap();
    // Somebody else's kill is not its own crash; its supervisor reports it.
    actor.exit(Exit::Kill);
    node.wait(actor).await;
    assert_eq!(log.lines(), Vec::<String>::new());
}
