//! The tools, and above all that they fail when they should.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{panic::AssertUnwindSafe, time::Duration};

use throng_runtime::{
    Address, CallError, Ctx, Down, Exit, GenServer, Handled, Handler, Init, Message, Node, Pid,
};
use throng_test::{Probe, TestNode, advance, assert_down, assert_receive, expect_down, refute_receive};

#[derive(Debug, PartialEq)]
struct Note(u64);

impl Message for Note {
    type Reply = ();
}

#[derive(Debug, PartialEq)]
struct Word(&'static str);

impl Message for Word {
    type Reply = ();
}

/// Says what it is told to a probe, after a few turns.
struct Echo(Pid<throng_test::Recorder>);

impl GenServer for Echo {
    type Args = Pid<throng_test::Recorder>;

    async fn init(to: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self(to))
    }

    async fn terminate(&mut self, _: &Exit, _: &mut Ctx<Self>) {
        let _ = self.0.cast(Word("stopped"));
    }
}

impl Handler<Note> for Echo {
    async fn handle(&mut self, note: Note, _: &mut Ctx<Self>) -> Handled<Note> {
        tokio::task::yield_now().await;
        Ok(self.0.cast(note)?)
    }
}

#[tokio::test]
async fn a_probe_gives_out_what_it_is_sent_in_order_whatever_it_is() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    probe.pid().cast(Note(1)).unwrap();
    probe.pid().cast(Word("two")).unwrap();
    probe.pid().cast(Note(3)).unwrap();
    assert_eq!(probe.expect::<Note>().await, Note(1));
    let second = probe.next().await;
    assert!(second.is::<Word>() && second.type_name().ends_with("Word"), "{second:?}");
    let still_there = second.downcast::<Note>().unwrap_err();
    assert_eq!(still_there.downcast::<Word>().unwrap(), Word("two"));
    assert_eq!(probe.expect::<Note>().await, Note(3));
    probe.expect_nothing().await;
}

#[tokio::test]
async fn a_probe_sees_the_ends_of_what_it_watches() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    let waiting = || node.spawn(async |_| std::future::pending::<()>().await);
    let (monitored, linked) = (waiting(), waiting());
    probe.monitor(monitored).await;
    probe.link(linked).await.unwrap();
    node.exit(monitored, Exit::other("enough"));
    assert_down!(probe, monitored, Exit::Other(why) if &*why == "enough");
    node.exit(linked, Exit::Shutdown);
    assert!(matches!(probe.expect_exited(linked).await, Exit::Shutdown));
    assert!(probe.link(linked).await.is_err());
    assert!(matches!(expect_down(&node, linked).await, Exit::NoProcess));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_happen_fails_with_what_was_waited_for() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    let silence = failure(async { drop(probe.next().await) }).await;
    assert!(silence.contains("tools.rs") && silence.contains("waited 5s for anything"), "{silence}");

    let mut probe = probe.deadline(Duration::from_millis(20));
    probe.pid().cast(Word("hello")).unwrap();
    let other = failure(async {
        let _: Note = probe.expect().await;
    })
    .await;
    assert!(
        other.contains("expected") && other.contains("Note, was sent") && other.contains("Word"),
        "{other}"
    );

    probe.pid().cast(Word("more")).unwrap();
    let more = failure(probe.expect_nothing()).await;
    assert!(more.contains("sent more") && more.contains("Word"), "{more}");
    // Nothing was lost by the look.
    assert_eq!(probe.expect::<Word>().await, Word("more"));

    let process = node.spawn(async |_| std::future::pending::<()>().await);
    let alive = failure(async { drop(expect_down(&node, process).await) }).await;
    assert!(alive.contains(&format!("the end of {process}")), "{alive}");

    probe.monitor(process).await;
    node.exit(process, Exit::Kill);
    let reason = failure(async { assert_down!(probe, process, Exit::Normal) }).await;
    assert!(reason.contains("Killed, not by Exit::Normal"), "{reason}");
}

#[tokio::test]
async fn a_sync_is_answered_when_all_before_it_is_handled() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    let echo = node.supervise(Echo::child(probe.pid())).await;
    for n in 0..1_000 {
        echo.cast(Note(n)).unwrap();
        echo.sync().await.unwrap();
        assert_eq!(probe.expect::<Note>().await, Note(n));
    }
    probe.expect_nothing().await;
    echo.exit(Exit::Kill);
    expect_down(&node, echo).await;
    assert!(matches!(echo.sync().await, Err(CallError::NoProcess { .. })));
}

#[tokio::test]
async fn a_test_node_stops_its_servers_newest_first() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    let (first, second) =
        (node.supervise(Echo::child(probe.pid())).await, node.supervise(Echo::child(probe.pid())).await);
    probe.monitor(first).await;
    probe.monitor(second).await;
    node.finish().await;
    assert_eq!(probe.expect::<Word>().await, Word("stopped"));
    assert_down!(probe, second, Exit::Shutdown);
    assert_eq!(probe.expect::<Word>().await, Word("stopped"));
    assert_down!(probe, first, Exit::Shutdown);
}

#[tokio::test]
async fn a_test_that_ends_early_leaves_no_server_behind() {
    let node = TestNode::new();
    let keeper: Node = (*node).clone();
    let mut probe = Probe::start(&keeper).await;
    let echo = node.supervise(Echo::child(probe.pid())).await;
    probe.monitor(echo).await;
    drop(node);
    assert_down!(probe, echo, Exit::Killed);
    let (mut watcher, pid) = (Probe::start(&keeper).await, probe.pid());
    watcher.monitor(pid).await;
    drop(probe);
    assert!(matches!(watcher.expect::<Down>().await.reason, Exit::Killed));
}

/// What `work` panics with.
async fn failure(work: impl Future<Output = ()>) -> String {
    let mut work = std::pin::pin!(AssertUnwindSafe(work));
    let panic = std::future::poll_fn(|cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| Future::poll(work.as_mut(), cx)));
        match polled {
            Ok(poll) => poll.map(|()| None),
            Err(panic) => std::task::Poll::Ready(Some(panic)),
        }
    })
    .await
    .expect("it did not fail");
    panic.downcast_ref::<String>().cloned().or(panic.downcast_ref::<&str>().map(|s| (*s).into())).unwrap()
}

#[tokio::test]
async fn what_is_looked_for_is_found_among_the_rest_which_stays_in_its_order() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    for n in [1, 2] {
        probe.pid().cast(Note(n)).unwrap();
    }
    probe.pid().cast(Word("three")).unwrap();
    assert_eq!(assert_receive!(probe, Word(_)), Word("three"));
    assert_receive!(probe, Note(n) if *n > 1);
    refute_receive!(probe, Note(n) if *n > 1);
    refute_receive!(probe, Word(_));
    // One that comes later is found as well, behind what was looked at.
    let me = probe.pid();
    node.spawn(async move |_| {
        let _ = me.cast(Word("four"));
    });
    assert_receive!(probe, Word("four"));
    assert_eq!(probe.expect::<Note>().await, Note(1));
    probe.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_found_fails_with_what_there_is() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    probe.pid().cast(Note(1)).unwrap();
    probe.pid().cast(Word("secret")).unwrap();
    let missing = failure(async {
        assert_receive!(probe, Note(n) if *n > 1);
    })
    .await;
    assert!(missing.contains("tools.rs") && missing.contains("waited 5s for"), "{missing}");
    // The pattern, the values of its type, and no more than the types of the others.
    assert!(missing.contains("`Note(n) if *n > 1` (tools::Note) among"), "{missing}");
    assert!(missing.contains("there is [Note(1), tools::Word]"), "{missing}");
    let missing = failure(async {
        let _: Note = probe.receive(|note: &Note| note.0 > 1).await;
    })
    .await;
    assert!(missing.contains("for tools::Note among") && missing.contains("[Note(1), "), "{missing}");
    let found = failure(async { refute_receive!(probe, Note(1)) }).await;
    assert!(found.contains("tools.rs") && found.contains("was sent `Note(1)` (tools::Note)"), "{found}");
    assert!(found.contains("among [Note(1), tools::Word]"), "{found}");
    assert_eq!(probe.expect::<Note>().await, Note(1), "nothing was lost by the look");
}

/// Casts a note an hour, each of which sets the next.
struct Clock(Pid<throng_test::Recorder>, u64);

impl GenServer for Clock {
    type Args = Pid<throng_test::Recorder>;

    async fn init(to: Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.send_after(HOUR, Word("tick"));
        Ok(Self(to, 0))
    }
}

impl Handler<Word> for Clock {
    async fn handle(&mut self, _: Word, ctx: &mut Ctx<Self>) -> Handled<Word> {
        self.1 += 1;
        ctx.send_after(HOUR, Word("tick"));
        Ok(self.0.cast(Note(self.1))?)
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn time_passes_when_the_test_says_so_and_all_that_is_due_on_the_way_happens() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    node.supervise(Clock::child(probe.pid())).await;
    advance(HOUR - Duration::from_millis(1)).await;
    probe.expect_nothing().await;
    advance(Duration::from_millis(1)).await;
    assert_eq!(probe.expect::<Note>().await, Note(1));
    // Timers that are set by timers, each in its turn.
    advance(24 * HOUR).await;
    for n in 2..=25 {
        assert_eq!(probe.expect::<Note>().await, Note(n));
    }
    probe.expect_nothing().await;
    node.finish().await;
}

#[tokio::test]
#[should_panic = "time is not frozen"]
async fn a_clock_that_is_not_paused_is_not_advanced() {
    advance(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn x9_a_process_that_a_test_leaves_behind_fails_it_and_is_named() {
    let node = TestNode::new();
    let keeper: Node = (*node).clone();
    let mut probe = Probe::start(&keeper).await;
    node.supervise(Echo::child(probe.pid())).await;
    let forgotten = node.start(Echo::child(probe.pid())).await.unwrap();
    probe.monitor(forgotten).await;
    let leak = failure(node.finish()).await;
    assert!(leak.starts_with("the test leaves processes behind:\n  "), "{leak}");
    assert!(leak.contains(&forgotten.to_string()) && leak.contains("tools::Echo, Waiting"), "{leak}");
    assert_eq!(leak.lines().count(), 2, "neither the probe nor what was stopped: {leak}");
    assert_eq!(probe.expect::<Word>().await, Word("stopped"), "the one that is supervised");
    assert_down!(probe, forgotten, Exit::Killed);
}

#[tokio::test]
async fn x9_what_ends_by_itself_is_no_leak() {
    for _ in 0..1_000 {
        let node = TestNode::new();
        node.spawn(async |_| tokio::task::yield_now().await);
        let told = node.spawn(async |_| std::future::pending::<()>().await);
        node.exit(told, Exit::Shutdown);
        node.finish().await;
    }
}

#[tokio::test]
async fn a_server_can_be_stopped_before_the_test_ends() {
    let node = TestNode::new();
    let mut probe = Probe::start(&node).await;
    let first = node.supervise(Echo::child(probe.pid())).await;
    let second = node.supervise(Echo::child(probe.pid())).await;
    node.stop_supervised(first).await;
    assert!(!node.is_alive(first) && node.is_alive(second));
    assert_eq!(probe.expect::<Word>().await, Word("stopped"));
    node.finish().await;
    assert_eq!(probe.expect::<Word>().await, Word("stopped"));
}

#[tokio::test(start_paused = true)]
async fn x9_what_a_process_starts_as_it_ends_is_a_leak_as_well() {
    let node = TestNode::new();
    node.spawn(async |ctx| {
        tokio::task::yield_now().await;
        ctx.node().spawn(async |_| std::future::pending::<()>().await);
    });
    let leak = failure(node.finish()).await;
    assert!(leak.starts_with("the test leaves processes behind:\n  "), "{leak}");
}
