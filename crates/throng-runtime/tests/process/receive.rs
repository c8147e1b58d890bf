//! Raw processes that receive.

use std::{future::pending, time::Duration};

use throng_runtime::{
    Address, Ctx, Down, Exit, Exited, Mailbox, Message, MonitorRef, Node, Pid, ProcessId, Raw,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
};

use crate::{
    dice::Dice,
    probe::{Probe, within},
};

/// What the raw processes of these tests receive.
#[derive(Debug)]
pub(crate) enum Mail {
    Note(u64),
    Down(MonitorRef, ProcessId, String),
    Exited(Option<ProcessId>, String),
}

impl Message for Mail {
    type Reply = ();
}

impl From<Down> for Mail {
    fn from(down: Down) -> Self {
        Self::Down(down.monitor, down.pid, down.reason.to_string())
    }
}

impl From<Exited> for Mail {
    fn from(exited: Exited) -> Self {
        Self::Exited(exited.pid, exited.reason.to_string())
    }
}

impl Mail {
    pub(crate) fn note(&self) -> Option<u64> {
        if let Self::Note(n) = self { Some(*n) } else { None }
    }
}

fn is(wanted: u64) -> impl FnMut(&Mail) -> bool + Send {
    move |mail| mail.note() == Some(wanted)
}

/// Runs the script in a raw process of its own, and gives its result; a script that panics or ends early fails the test.
pub(crate) async fn script<R, F, Fut>(node: &Node, script: F) -> R
where
    R: Send + 'static,
    F: FnOnce(Mailbox<Mail>) -> Fut + Send + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    let process = node.spawn_receiver(move |mailbox| async move { drop(tell.send(script(mailbox).await)) });
    let ended = node.wait(process);
    match told.await {
        Ok(result) => result,
        Err(_) => panic!("the script ended: {}", ended.await),
    }
}

#[tokio::test]
async fn p37_messages_are_received_in_the_order_of_their_arrival() {
    let node = Node::new("test");
    let received = script(&node, async |mut mailbox| {
        (0..1_000).for_each(|n| mailbox.me().cast(Mail::Note(n)).unwrap());
        let mut received = Vec::new();
        for _ in 0..1_000 {
            received.extend(mailbox.recv().await.note());
        }
        received
    });
    assert_eq!(received.await, (0..1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn p37_the_first_that_matches_is_taken_and_the_rest_keep_their_order() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        (0..10).for_each(|n| mailbox.me().cast(Mail::Note(n)).unwrap());
        let even = |mail: &Mail| mail.note().is_some_and(|n| n % 2 == 0);
        assert_eq!(mailbox.recv_matching(is(7)).await.note(), Some(7));
        assert_eq!(mailbox.recv_matching(even).await.note(), Some(0));
        assert_eq!(mailbox.recv_matching(even).await.note(), Some(2));
        let mut rest = Vec::new();
        while let Some(mail) = mailbox.try_recv() {
            rest.extend(mail.note());
        }
        assert_eq!(rest, [1, 3, 4, 5, 6, 8, 9]);
    })
    .await;
}

#[tokio::test]
async fn p37_a_receive_waits_for_a_match_past_what_does_not() {
    let node = Node::new("test");
    let (tell, told) = oneshot::channel();
    let process = node.spawn_receiver(async move |mut mailbox: Mailbox<Mail>| {
        let first = mailbox.recv_matching(is(3)).await.note();
        tell.send((first, mailbox.recv().await.note(), mailbox.recv().await.note())).unwrap();
    });
    for n in 1..=3 {
        yield_now().await;
        process.cast(Mail::Note(n)).unwrap();
    }
    assert_eq!(told.await.unwrap(), (Some(3), Some(1), Some(2)));
}

#[tokio::test]
async fn p37_a_receive_after_nothing_is_a_poll() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        assert!(mailbox.try_recv().is_none());
        assert!(mailbox.recv_timeout(Duration::ZERO).await.is_none());
        // More than a process may handle in one turn: a poll is no wait, so it sees them all.
        (0..200).for_each(|n| mailbox.me().cast(Mail::Note(n)).unwrap());
        assert_eq!(mailbox.try_recv_matching(is(199)).and_then(|mail| mail.note()), Some(199));
        assert!(mailbox.try_recv_matching(is(200)).is_none());
        for n in 0..199 {
            assert_eq!(mailbox.recv_timeout(Duration::ZERO).await.and_then(|mail| mail.note()), Some(n));
        }
        assert!(mailbox.try_recv().is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn p37_a_receive_gives_up_when_its_time_is_over() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        let begin = tokio::time::Instant::now();
        assert!(mailbox.recv_timeout(Duration::from_secs(9)).await.is_none());
        assert!(begin.elapsed() >= Duration::from_secs(9));
        mailbox.node().send_after(mailbox.me(), Duration::from_secs(1), Mail::Note(1));
        assert_eq!(mailbox.recv_timeout(Duration::from_secs(9)).await.and_then(|mail| mail.note()), Some(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn p37_a_receive_that_is_dropped_loses_nothing() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        let me = mailbox.me();
        for n in 0..100 {
            let sender = mailbox.spawn_link(async move |_| {
                tokio::time::sleep(Duration::from_millis(n % 3)).await;
                me.cast(Mail::Note(n)).unwrap();
            });
            // Dropped while it waits, after it looked at what it does not want, or when it is done.
            let wanted =
                tokio::time::timeout(Duration::from_millis(n % 4), mailbox.recv_matching(is(n))).await;
            mailbox.node().wait(sender).await;
            let wanted = wanted.ok().or_else(|| mailbox.try_recv());
            assert_eq!(wanted.and_then(|mail| mail.note()), Some(n));
        }
    })
    .await;
}

#[tokio::test]
async fn p37_a_receive_inside_of_a_future_that_polls_what_it_likes_is_woken() {
    /// Polls its future only if this future's own waker was called, as sets of futures do.
    struct Reluctant<F> {
        future: F,
        called: std::sync::Arc<Called>,
    }

    struct Called(std::sync::atomic::AtomicBool, std::sync::Mutex<Option<std::task::Waker>>);

    impl std::task::Wake for Called {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            let outer = self.1.lock().unwrap().take();
            outer.into_iter().for_each(std::task::Waker::wake);
        }
    }

    impl<F: Future + Unpin> Future for Reluctant<F> {
        type Output = F::Output;

        fn poll(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<F::Output> {
            *self.called.1.lock().unwrap() = Some(cx.waker().clone());
            if !self.called.0.swap(false, std::sync::atomic::Ordering::SeqCst) {
                return std::task::Poll::Pending;
            }
            let waker = std::task::Waker::from(self.called.clone());
            std::pin::Pin::new(&mut self.future).poll(&mut std::task::Context::from_waker(&waker))
        }
    }

    let node = Node::new("test");
    let (tell, mut told) = mpsc::unbounded_channel();
    let process = node.spawn_receiver(async move |mut mailbox: Mailbox<Mail>| {
        loop {
            let called = std::sync::Arc::new(Called(true.into(), None.into()));
            let future = Box::pin(mailbox.recv_matching(|mail| mail.note() != Some(0)));
            let Some(n) = (Reluctant { future, called }).await.note() else { return };
            tell.send(n).unwrap();
        }
    });
    for n in 1..=100 {
        yield_now().await;
        // Neither of these is what it waits for, and it has to look again after each of them.
        process.exit(Exit::Normal);
        yield_now().await;
        process.cast(Mail::Note(0)).unwrap();
        yield_now().await;
        process.cast(Mail::Note(n)).unwrap();
        assert_eq!(told.recv().await, Some(n));
    }
}

#[tokio::test]
async fn p21_a_down_is_received_as_a_message_of_ones_own() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        let (target, early) = mailbox.spawn_monitor(async |_| Err::<(), _>(Exit::other("boom")));
        let Mail::Down(monitor, pid, reason) = mailbox.recv().await else { panic!("no down") };
        assert_eq!((monitor, pid, &*reason), (early, target, "boom"));
        let late = mailbox.monitor(target);
        assert!(matches!(mailbox.recv().await, Mail::Down(monitor, ..) if monitor == late));
        assert!(mailbox.try_recv().is_none());
    })
    .await;
}

#[tokio::test]
async fn p7_a_spawn_with_a_monitor_leaves_no_gap() {
    let node = Node::new("test");
    let (probe, mut seen) = Probe::start(&node).await;
    for _ in 0..1_000 {
        let (pid, monitor) = within(probe, |ctx| ctx.spawn_monitor(async |_| Exit::other("at once"))).await;
        let saw = seen.recv().await;
        assert_eq!(
            saw,
            Some(crate::probe::Saw::Down(monitor, pid, "at once".into())),
            "never that it is gone"
        );
    }
}

#[tokio::test]
async fn p24_a_flush_takes_a_down_back_that_was_received_and_not_asked_for() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        let (target, flushed) = mailbox.spawn_monitor(async |_| ());
        let kept = mailbox.monitor(target);
        let (node, me) = (mailbox.node().clone(), mailbox.me());
        node.wait(target).await;
        me.cast(Mail::Note(1)).unwrap();
        // Both are in the mailbox, and have been looked at.
        assert!(mailbox.try_recv_matching(is(2)).is_none());
        assert!(!mailbox.demonitor_flush(flushed));
        assert!(!mailbox.demonitor(kept));
        assert!(matches!(mailbox.try_recv(), Some(Mail::Down(monitor, ..)) if monitor == kept));
        assert_eq!(mailbox.try_recv().and_then(|mail| mail.note()), Some(1));
        assert!(mailbox.try_recv().is_none());
    })
    .await;
}

#[tokio::test]
async fn p14_exits_are_received_as_messages_by_a_raw_process_that_traps_them() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        mailbox.trap_exits();
        let peer = mailbox.spawn_link(async |_| Err::<(), _>(Exit::other("boom")));
        assert!(
            matches!(mailbox.recv().await, Mail::Exited(Some(pid), reason) if pid == peer && reason == "boom")
        );
        mailbox.exit(mailbox.id(), Exit::Normal);
        let me = mailbox.id();
        assert!(
            matches!(mailbox.recv().await, Mail::Exited(Some(pid), reason) if pid == me && reason == "normal")
        );
    })
    .await;
}

#[tokio::test]
async fn p14_the_exit_of_its_parent_is_a_message_to_a_raw_process() {
    let node = Node::new("test");
    let (tell, mut told) = mpsc::unbounded_channel();
    let parent = node.spawn(async move |ctx: Ctx| {
        ctx.spawn_receiver_link(async move |mut mailbox: Mailbox<Mail>| {
            mailbox.trap_exits();
            tell.send(None).unwrap();
            tell.send(Some(mailbox.recv().await)).unwrap();
        });
        pending::<()>().await
    });
    told.recv().await.unwrap();
    node.exit(parent, Exit::other("boom"));
    let Some(Some(Mail::Exited(from, reason))) = told.recv().await else { panic!("it is gone") };
    assert_eq!((from, &*reason), (Some(parent), "boom"));
}

#[tokio::test]
async fn p13_an_unlink_with_flush_takes_an_exit_back_that_was_received() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        mailbox.trap_exits();
        let peer = mailbox.spawn_link(async |_| ());
        let node = mailbox.node().clone();
        node.wait(peer).await;
        assert!(mailbox.try_recv_matching(is(1)).is_none(), "the exit is there, and was looked at");
        mailbox.unlink_flush(peer);
        assert!(mailbox.try_recv().is_none());
    })
    .await;
}

#[tokio::test]
async fn p16_a_raw_process_that_waits_for_a_message_can_be_killed() {
    let node = Node::new("test");
    let process = node.spawn_receiver(async |mut mailbox: Mailbox<Mail>| {
        mailbox.trap_exits();
        mailbox.recv_matching(is(2)).await;
    });
    yield_now().await;
    process.cast(Mail::Note(1)).unwrap();
    process.exit(Exit::Kill);
    assert_eq!(node.wait(process).await.to_string(), "killed");
}

#[tokio::test]
async fn g10_a_call_of_a_raw_process_is_answered_when_it_has_received_the_message() {
    let node = Node::new("test");
    let (go, gone) = oneshot::channel();
    let process = node.spawn_receiver(async move |mut mailbox: Mailbox<Mail>| {
        gone.await.unwrap();
        mailbox.recv_matching(is(2)).await;
        pending::<()>().await
    });
    let received = process.call(Mail::Note(1)).send();
    let never = process.call(Mail::Note(3)).send();
    process.cast(Mail::Note(2)).unwrap();
    go.send(()).unwrap();
    received.await.unwrap();
    never.await.unwrap();
    let late = process.call(Mail::Note(4)).send();
    process.exit(Exit::Kill);
    assert!(late.await.is_err(), "it was never received");
}

#[tokio::test]
async fn p4_a_mailbox_that_outlives_its_process_receives_nothing_of_the_next() {
    let node = Node::new("test");
    let (tell, told) = oneshot::channel();
    let process = node.spawn_receiver(async move |mailbox: Mailbox<Mail>| drop(tell.send(mailbox)));
    let mut carried_off = told.await.unwrap();
    node.wait(process).await;
    // Likely in the same slot.
    let next: Vec<Pid<Raw<Mail>>> = (0..8)
        .map(|_| {
            node.spawn_receiver(async |mut mailbox: Mailbox<Mail>| {
                mailbox.recv().await;
            })
        })
        .collect();
    let ended: Vec<_> = next.iter().map(|next| node.wait(next)).collect();
    next.iter().for_each(|next| next.cast(Mail::Note(1)).unwrap());
    assert!(carried_off.try_recv().is_none());
    for ended in ended {
        assert!(ended.await.is_clean());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p37_under_a_race_of_senders_everything_is_received_once_in_each_senders_order() {
    const SENDERS: u64 = 4;
    const EACH: u64 = 5_000;
    let mut dice = Dice::new("selective receive");
    let node = Node::new("test");
    let received = script(&node, async move |mut mailbox| {
        for sender in 0..SENDERS {
            let me = mailbox.me();
            mailbox.spawn_link(async move |_| {
                for n in 0..EACH {
                    me.cast(Mail::Note(sender * EACH + n)).unwrap();
                    if n % 64 == 0 {
                        yield_now().await;
                    }
                }
            });
        }
        let mut received = Vec::new();
        while received.len() < (SENDERS * EACH) as usize {
            // Of one sender only, then of any, with receives that are given up in between.
            let sender = dice.roll(SENDERS);
            let of_sender = |mail: &Mail| mail.note().is_some_and(|n| n / EACH == sender);
            let mail = match dice.roll(3) {
                0 => mailbox.try_recv_matching(of_sender),
                1 => mailbox.recv_timeout(Duration::from_micros(dice.roll(50))).await,
                _ => Some(mailbox.recv().await),
            };
            received.extend(mail.and_then(|mail| mail.note()));
        }
        received
    })
    .await;
    for sender in 0..SENDERS {
        let of_sender = received.iter().copied().filter(|n| n / EACH == sender);
        assert!(of_sender.eq(sender * EACH..(sender + 1) * EACH), "sender {sender}");
    }
}
