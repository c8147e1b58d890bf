use throng_runtime::{Address, Exit, Node};

use crate::probe::{Probe, Saw, end, sync, within};

#[tokio::test]
async fn p10_a_link_is_one_however_often_it_is_made() {
    let node = Node::new("test");
    let (a, _a) = Probe::start(&node).await;
    let (b, _b) = Probe::start(&node).await;
    within(a, move |ctx| ctx.link(b).and_then(|()| ctx.link(b))).await.unwrap();
    within(b, move |ctx| ctx.unlink(a)).await;
    end(&node, b, Exit::other("boom")).await;
    sync(a).await;
}

#[tokio::test]
async fn p11_a_link_to_oneself_is_nothing() {
    let node = Node::new("test");
    let (a, _a) = Probe::start(&node).await;
    within(a, |ctx| ctx.link(ctx.id())).await.unwrap();
    sync(a).await;
}

#[tokio::test]
async fn p12_a_link_to_a_dead_process_is_an_error() {
    let node = Node::new("test");
    let (a, mut seen) = Probe::start_trapping(&node).await;
    let (b, _b) = Probe::start(&node).await;
    end(&node, b, Exit::Normal).await;
    let error = within(a, move |ctx| ctx.link(b)).await.unwrap_err();
    assert_eq!(error.pid, b.id());
    sync(a).await;
    assert!(seen.try_recv().is_err());
}

#[tokio::test]
async fn p13_after_unlink_no_new_exit_comes_and_one_that_came_stays() {
    let node = Node::new("test");
    let (a, mut seen) = Probe::start_trapping(&node).await;
    let (b, _b) = Probe::start(&node).await;
    within(a, move |ctx| ctx.link(b)).await.unwrap();
    within(a, move |ctx| ctx.unlink(b)).await;
    end(&node, b, Exit::other("boom")).await;
    sync(a).await;
    assert!(seen.try_recv().is_err());

    let (c, _c) = Probe::start(&node).await;
    within(a, move |ctx| ctx.link(c)).await.unwrap();
    end(&node, c, Exit::other("boom")).await;
    assert_eq!(seen.recv().await, Some(Saw::Exited(Some(c.id()), "boom".into())));
    within(a, move |ctx| ctx.unlink(c)).await;
}

#[tokio::test]
async fn p14_an_end_reaches_linked_peers_by_what_they_are() {
    let node = Node::new("test");
    for (reason, survives) in
        [(Exit::Normal, true), (Exit::Shutdown, false), (Exit::Kill, false), (Exit::other("boom"), false)]
    {
        let (dying, _d) = Probe::start(&node).await;
        let (plain, _p) = Probe::start(&node).await;
        let (trapping, mut seen) = Probe::start_trapping(&node).await;
        within(dying, move |ctx| ctx.link(plain).and_then(|()| ctx.link(trapping))).await.unwrap();
        let words = reason.to_string();
        end(&node, dying, reason).await;
        assert_eq!(seen.recv().await, Some(Saw::Exited(Some(dying.id()), words.clone())));
        if survives {
            sync(plain).await;
        } else {
            // The same reason, `kill` included: not `killed`.
            let seen = node.wait(plain).await.to_string();
            assert!(seen == words || seen == "no such process", "{seen}");
        }
    }
}

#[tokio::test]
async fn p15_an_end_spreads_with_the_original_reason() {
    let node = Node::new("test");
    let (a, _a) = Probe::start(&node).await;
    let (b, _b) = Probe::start(&node).await;
    let (c, _c) = Probe::start(&node).await;
    let (last, mut seen) = Probe::start_trapping(&node).await;
    within(a, move |ctx| ctx.link(b)).await.unwrap();
    within(b, move |ctx| ctx.link(c)).await.unwrap();
    within(c, move |ctx| ctx.link(last)).await.unwrap();
    a.exit(Exit::other("boom"));
    assert_eq!(seen.recv().await, Some(Saw::Exited(Some(c.id()), "boom".into())));
}

#[tokio::test]
async fn p20_a_dying_process_runs_none_of_its_callbacks_and_frees_its_links() {
    let node = Node::new("test");
    let (a, mut seen) = Probe::start_trapping(&node).await;
    let (b, _b) = Probe::start(&node).await;
    within(a, move |ctx| ctx.link(b)).await.unwrap();
    a.exit(Exit::Kill);
    assert!(matches!(node.wait(b).await, Exit::Killed | Exit::NoProcess));
    assert_eq!(seen.recv().await, None, "the dying process handled something");
}
