//! Aliases, and what becomes of late replies.

use std::time::Duration;

use throng_runtime::{
    Address, Alias, AliasMode, CallError, Ctx, Exit, GenServer, Handled, Handler, Init, Mailbox, Message,
    Node, ReplyTo,
};

use crate::{
    dice::Dice,
    receive::{Mail, script},
};

#[tokio::test]
async fn p27_an_alias_is_a_destination_until_it_is_taken_back() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        let (alias, other) = (mailbox.alias(), mailbox.alias());
        assert_ne!(alias, other);
        alias.send(Mail::Note(1));
        alias.send(Mail::Note(2));
        assert_eq!(mailbox.recv().await.note(), Some(1));
        assert_eq!(mailbox.recv().await.note(), Some(2));
        assert!(mailbox.unalias(alias));
        assert!(!mailbox.unalias(alias), "it was active twice");
        alias.send(Mail::Note(3));
        other.send(Mail::Note(4));
        assert_eq!(mailbox.recv().await.note(), Some(4));
        assert!(mailbox.try_recv().is_none());
    })
    .await;
}

#[tokio::test]
async fn p27_what_was_sent_before_and_not_received_vanishes_what_was_received_stays() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        let alias = mailbox.alias();
        alias.send(Mail::Note(1));
        // Into the mailbox, but not out of it.
        assert!(mailbox.try_recv_matching(|_| false).is_none());
        alias.send(Mail::Note(2));
        mailbox.unalias(alias);
        mailbox.me().cast(Mail::Note(3)).unwrap();
        assert_eq!(mailbox.recv().await.note(), Some(1));
        assert_eq!(mailbox.recv().await.note(), Some(3));
        assert!(mailbox.try_recv().is_none());
    })
    .await;
}

#[tokio::test]
async fn p27_a_reply_alias_ends_with_the_first_message() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        let alias = mailbox.alias_for_reply();
        alias.send(Mail::Note(1));
        alias.send(Mail::Note(2));
        assert_eq!(mailbox.recv().await.note(), Some(1));
        assert!(mailbox.try_recv().is_none());
        assert!(!mailbox.unalias(alias), "it is over");
    })
    .await;
}

#[tokio::test]
async fn p27_nobody_else_can_take_an_alias_back_and_the_dead_receive_nothing() {
    let node = Node::new("test");
    let (tell, told) = tokio::sync::oneshot::channel();
    let owner = node.spawn_receiver(async move |mut mailbox: Mailbox<Mail>| {
        tell.send(mailbox.alias()).unwrap();
        assert_eq!(mailbox.recv().await.note(), Some(1));
    });
    let alias = told.await.unwrap();
    script(&node, async move |mut mailbox| assert!(!mailbox.unalias(alias))).await;
    alias.send(Mail::Note(1));
    assert!(node.wait(owner).await.is_clean());
    alias.send(Mail::Note(2));
}

/// With an alias of this mode, made with a monitor of a process that lives: what arrives of a message, of a second one, of one
/// after a demonitor; and whether the monitor was active then.
async fn while_alive(node: &Node, mode: AliasMode) -> (Vec<u64>, bool) {
    script(node, async move |mut mailbox| {
        let target = mailbox.spawn_link(async |_| std::future::pending::<()>().await);
        let (monitor, alias) = mailbox.monitor_alias(target, mode);
        alias.send(Mail::Note(1));
        alias.send(Mail::Note(2));
        let mut received = Vec::new();
        while let Some(mail) = mailbox.try_recv() {
            received.extend(mail.note());
        }
        let was_active = mailbox.demonitor(monitor);
        alias.send(Mail::Note(3));
        received.extend(mailbox.try_recv().and_then(|mail| mail.note()));
        mailbox.unlink(target);
        mailbox.exit(target, Exit::Kill);
        let node = mailbox.node().clone();
        node.wait(target).await;
        assert!(mailbox.try_recv().is_none(), "a down after the demonitor");
        (received, was_active)
    })
    .await
}

#[tokio::test]
async fn p28_the_mode_says_how_the_monitor_and_the_alias_end_each_other() {
    let node = Node::new("test");
    assert_eq!(while_alive(&node, AliasMode::ExplicitUnalias).await, (vec![1, 2, 3], true));
    assert_eq!(while_alive(&node, AliasMode::Demonitor).await, (vec![1, 2], true));
    assert_eq!(while_alive(&node, AliasMode::ReplyDemonitor).await, (vec![1], false));
}

#[tokio::test]
async fn p28_the_down_of_its_monitor_ends_an_alias_unless_that_is_explicit() {
    let node = Node::new("test");
    for mode in [AliasMode::ExplicitUnalias, AliasMode::Demonitor, AliasMode::ReplyDemonitor] {
        script(&node, async move |mut mailbox| {
            let target = mailbox.spawn_link(async |_| ());
            let (monitor, alias) = mailbox.monitor_alias(target, mode);
            assert!(matches!(mailbox.recv().await, Mail::Down(which, ..) if which == monitor));
            alias.send(Mail::Note(1));
            let after = mailbox.try_recv().and_then(|mail| mail.note());
            assert_eq!(after, (mode == AliasMode::ExplicitUnalias).then_some(1), "{mode:?}");
            assert_eq!(mailbox.unalias(alias), mode == AliasMode::ExplicitUnalias);
        })
        .await;
    }
}

#[tokio::test]
async fn p28_taking_the_alias_back_leaves_the_monitor() {
    let node = Node::new("test");
    script(&node, async |mut mailbox| {
        let target = mailbox.spawn_link(async |_| std::future::pending::<()>().await);
        mailbox.unlink(target);
        let (monitor, alias) = mailbox.monitor_alias(target, AliasMode::Demonitor);
        assert!(mailbox.unalias(alias));
        mailbox.exit(target, Exit::Kill);
        assert!(matches!(mailbox.recv().await, Mail::Down(which, ..) if which == monitor));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p28_a_reply_against_death_is_one_or_the_other_and_never_both() {
    let mut dice = Dice::new("reply against death");
    let node = Node::new("test");
    script(&node, async move |mut mailbox| {
        for round in 0..3_000 {
            let (give, given) = tokio::sync::oneshot::channel::<Alias<Mail>>();
            let spins = dice.roll(300);
            let server = mailbox.spawn_link(async move |_| {
                let alias = given.await.unwrap();
                (0..spins).for_each(|_| std::hint::spin_loop());
                alias.send(Mail::Note(round));
            });
            mailbox.unlink(server);
            let (monitor, alias) = mailbox.monitor_alias(server, AliasMode::ReplyDemonitor);
            give.send(alias).unwrap();
            if dice.roll(2) == 0 {
                mailbox.exit(server, Exit::Kill);
            }
            match mailbox.recv().await {
                Mail::Note(n) => assert_eq!(n, round),
                Mail::Down(which, ..) => assert_eq!(which, monitor),
                other => panic!("{other:?}"),
            }
            let node = mailbox.node().clone();
            node.wait(server).await;
            assert!(mailbox.try_recv().is_none(), "a second one came");
        }
    })
    .await;
}

/// Answers as late as it is told.
struct Slow;

impl GenServer for Slow {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self)
    }
}

struct Ask {
    round: u64,
    spins: u64,
}

impl Message for Ask {
    type Reply = u64;
}

impl Handler<Ask> for Slow {
    async fn handle(&mut self, ask: Ask, ctx: &mut Ctx<Self>) -> Handled<Ask> {
        ctx.reply_later(|to: ReplyTo<u64>| {
            (0..ask.spins).for_each(|_| std::hint::spin_loop());
            // An error means that the caller gave up: it gets its answer back, and the caller nothing.
            let _ = to.send(ask.round);
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_p30_a_call_that_timed_out_never_sees_its_answer_later() {
    let mut dice = Dice::new("late answers");
    let node = Node::new("test");
    let slow = node.start(Slow::child(())).await.unwrap();
    let (answered, late) = script(&node, async move |mut mailbox| {
        let (mut answered, mut late) = (0, 0);
        for round in 0..5_000 {
            let spins = 1 + dice.roll(2_000);
            let within = Duration::from_micros(dice.roll(30));
            match slow.call(Ask { round, spins }).timeout(within).await {
                Ok(reply) => {
                    assert_eq!(reply, round, "the answer to another call");
                    answered += 1;
                }
                Err(CallError::Timeout { .. }) => late += 1,
                Err(other) => panic!("{other}"),
            }
            assert!(mailbox.try_recv().is_none(), "an answer leaked into the mailbox");
        }
        (answered, late)
    })
    .await;
    println!("{answered} were answered, {late} late");
    assert!(node.is_alive(slow));
}
