use std::time::Duration;

use throng_runtime::{Address, CallError, Exit, Halt, Node, Pid, ReplyTo};
use tokio::sync::{mpsc, oneshot};

use crate::actor::{Actor, Heard, Say, act, hear, hear_all, start, sync, wait_for, with};

#[tokio::test]
async fn g6_a_handler_replies_or_stops_or_both() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    assert_eq!(actor.call(act(|_, _| Ok(7))).await.unwrap(), 7);

    // With a reply: `terminate` runs first, then the state is dropped, then the caller has its value, not a crash.
    let answer = actor.call(act(|_, ctx| {
        ctx.stop(Exit::other("done"));
        Ok(8)
    }));
    assert_eq!(answer.await.unwrap(), 8);
    assert_eq!(heard.try_recv().unwrap(), "terminate (done)");
    assert_eq!(heard.try_recv().unwrap(), "dropped");

    // Without: the caller is told the reason, even when it is a clean one.
    for reason in [Exit::Normal, Exit::other("boom")] {
        let (actor, mut heard) = start(&node).await;
        let words = reason.to_string();
        let answer = actor.call(act::<u8>(|_, _| Err(Halt::Stop(reason)))).await;
        assert_exited(answer, &words);
        assert_eq!(hear_all(&mut heard).await, [format!("terminate ({words})"), "dropped".into()]);
    }
}

#[tokio::test]
async fn g6_an_error_in_a_handler_is_its_reason() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let answer = actor.call(act(|_, _| Ok("nine".parse::<u8>()?))).await;
    assert_exited(answer, "error: invalid digit found in string");
}

#[tokio::test]
async fn g7_a_cast_can_stop_the_server() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    actor.cast(act(|_, _| Err(Halt::Stop(Exit::Shutdown)))).unwrap();
    assert_eq!(hear_all(&mut heard).await, ["terminate (shutdown)", "dropped"]);
    assert!(!node.is_alive(actor));
}

#[tokio::test]
async fn g8_calls_are_answered_later_in_any_order_and_from_anywhere() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let (keep, mut kept) = mpsc::unbounded_channel::<(u64, ReplyTo<u64>)>();
    let later = |n| {
        let keep = keep.clone();
        actor.call(act(move |_, ctx| ctx.reply_later(|to| keep.send((n, to)).unwrap()))).send()
    };
    let answers = [later(0), later(1), later(2)];
    let mut tos = vec![kept.recv().await.unwrap(), kept.recv().await.unwrap(), kept.recv().await.unwrap()];
    tos.reverse();
    let answering = node.task(async move {
        for (n, to) in tos {
            assert!(to.is_open());
            to.send(n * 10).unwrap();
        }
    });
    for (n, answer) in (0..).zip(answers) {
        assert_eq!(answer.await.unwrap(), n * 10);
    }
    answering.await.unwrap();
    sync(actor).await;
}

#[tokio::test]
async fn g8_a_stashed_call_is_told_of_the_servers_death_wherever_it_is_stashed() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let (keep, mut kept) = mpsc::unbounded_channel::<ReplyTo<()>>();
    let answer =
        actor.call(act(move |_, ctx| ctx.reply_later(|to| keep.send(to).unwrap()))).no_timeout().send();
    let to = kept.recv().await.unwrap();
    actor.exit(Exit::other("boom"));
    assert_exited(answer.await, "boom");
    assert!(!to.is_open());
    assert_eq!(to.send(()), Err(()), "a dead server's call was answered");
}

#[tokio::test(start_paused = true)]
async fn g9_x4_a_call_waits_five_seconds_unless_told_otherwise() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    actor.cast(wait_for(std::future::pending())).unwrap();
    for (call, limit) in [
        (actor.call(Say("late")), Duration::from_secs(5)),
        (actor.call(Say("late")).timeout(Duration::from_millis(70)), Duration::from_millis(70)),
        (actor.call(Say("late")).timeout(Duration::ZERO), Duration::ZERO),
    ] {
        let begun = tokio::time::Instant::now();
        let error = call.await.unwrap_err();
        assert!(matches!(&error, CallError::Timeout { after, .. } if *after == limit), "{error}");
        let waited = begun.elapsed();
        assert!(waited >= limit && waited <= limit + Duration::from_millis(2), "{waited:?}, not {limit:?}");
    }
}

#[tokio::test]
async fn g9_a_call_says_why_it_failed() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let answer = actor.call(act::<()>(|_, _| panic!("boom"))).await;
    let Err(CallError::Exited { reason: Exit::Panic(panic), target }) = answer else { panic!("{answer:?}") };
    assert_eq!((panic.message(), target), ("boom", actor.target()));
    node.wait(actor).await;
    let error = actor.call(Say("hello")).await.unwrap_err();
    assert!(matches!(error, CallError::NoProcess { .. }), "{error}");
}

#[tokio::test]
async fn g9_a_call_fails_with_the_reason_of_a_callee_that_is_killed_at_work() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let at_work = actor.call(wait_for(std::future::pending())).no_timeout().send();
    let queued = actor.call(Say("never")).no_timeout().send();
    tokio::task::yield_now().await;
    actor.exit(Exit::Kill);
    assert_exited(at_work.await, "killed");
    assert_exited(queued.await, "killed");
}

#[tokio::test]
async fn g10_several_requests_are_under_way_at_once() {
    let node = Node::new("test");
    let (slow, _s) = start(&node).await;
    let (quick, _q) = start(&node).await;
    let (release, released) = oneshot::channel::<()>();
    let slow_answer = slow.call(wait_for(async { drop(released.await) })).send();
    let quick_answer = quick.call(act(|_, _| Ok(1))).send();
    assert_eq!(quick_answer.await.unwrap(), 1);
    release.send(()).unwrap();
    slow_answer.await.unwrap();
}

#[tokio::test]
async fn g11_a_cast_is_seen_by_the_call_that_follows_it() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    for _ in 0..1_000 {
        actor.cast(Say("pushed")).unwrap();
        actor.call(Say("popped")).await.unwrap();
        assert_eq!(heard.try_recv().unwrap(), "pushed");
        assert_eq!(heard.try_recv().unwrap(), "popped");
    }
}

#[tokio::test]
async fn g21_a_call_to_oneself_fails_at_once() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let error =
        with(actor, |ctx| Box::pin(ctx.me().call(Say("me")).no_timeout().into_future())).await.unwrap_err();
    assert!(matches!(error, CallError::CallingSelf { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn p28_p29_a_late_reply_reaches_nobody() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let (caller, mut caller_heard) = start(&node).await;
    let (keep, mut kept) = mpsc::unbounded_channel::<ReplyTo<u64>>();
    let timed_out = with(caller, move |_| {
        let call = actor.call(act(move |_, ctx| ctx.reply_later(|to| keep.send(to).unwrap())));
        Box::pin(call.timeout(Duration::from_millis(10)).into_future())
    });
    assert!(matches!(timed_out.await, Err(CallError::Timeout { .. })));
    let late = kept.recv().await.unwrap();
    assert!(!late.is_open());
    assert_eq!(late.send(1), Err(1), "the answer comes back to its sender");
    sync(caller).await;
    assert!(caller_heard.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn p29_an_answer_that_came_at_the_last_moment_counts() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let mut answer = Box::pin(actor.call(act(|_, _| Ok(3))).timeout(Duration::from_secs(1)).send());
    let first = std::future::poll_fn(|cx| std::task::Poll::Ready(answer.as_mut().poll(cx))).await;
    assert!(first.is_pending());
    // The answer is there and the time is over by the time that anybody looks.
    sync(actor).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(answer.await.unwrap(), 3);
}

#[tokio::test]
async fn p29_the_server_of_an_abandoned_call_handles_it_all_the_same() {
    // X4: dropping the call gives it up.
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    drop(actor.call(Say("anyway")).send());
    assert_eq!(hear(&mut heard).await, "anyway");
}

#[tokio::test]
async fn p30_an_answer_that_is_dropped_is_an_error_of_its_own() {
    // OTP would let the caller wait for its timeout.
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let kept_and_dropped = actor.call(act::<()>(|_, ctx| ctx.reply_later(drop))).no_timeout().await;
    assert!(matches!(kept_and_dropped, Err(CallError::ReplyDropped { .. })), "{kept_and_dropped:?}");
    let forgotten = actor.call(act::<()>(|_, _| Err(Halt::ReplyLater))).no_timeout().await;
    assert!(matches!(forgotten, Err(CallError::ReplyDropped { .. })), "{forgotten:?}");
}

#[tokio::test]
async fn a_right_to_answer_that_dies_with_its_server_tells_the_servers_reason() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let answer = actor
        .call(act::<()>(|_, ctx| {
            let kept = std::cell::OnceCell::new();
            let _ = ctx.reply_later::<()>(|to| drop(kept.set(to)));
            panic!("with the right in hand");
        }))
        .no_timeout();
    let answer = answer.await;
    let Err(CallError::Exited { reason: Exit::Panic(_), .. }) = answer else { panic!("{answer:?}") };
}

#[test]
fn callers_elsewhere_are_told_when_the_servers_runtime_is_torn_down() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (theirs, ours) = (runtime(), runtime());
    let (at_work, queued, task): (_, _, _) = theirs.block_on(async {
        let node = Node::new("test");
        let (actor, _heard): (Pid<Actor>, Heard) = start(&node).await;
        let at_work = actor.call(wait_for(std::future::pending())).no_timeout().send();
        let queued = actor.call(Say("never")).no_timeout().send();
        let task = node.task(std::future::pending::<()>());
        tokio::task::yield_now().await;
        (at_work, queued, task)
    });
    drop(theirs);
    ours.block_on(async {
        assert_exited(at_work.await, "killed");
        assert!(queued.await.is_err());
        assert!(matches!(task.await, Err(Exit::Killed)));
    });
}

fn assert_exited<R: std::fmt::Debug>(answer: Result<R, CallError>, words: &str) {
    match answer {
        Err(CallError::Exited { reason, .. }) if reason.to_string() == words => {}
        other => panic!("{other:?}, not an end by {words:?}"),
    }
}
