//! Races, thousands of rounds on two threads, from a printed seed.

use std::{collections::HashMap, time::Duration};

use throng_runtime::{
    Address, CallError, Ctx, Exit, GenServer, Handled, Handler, Init, InitError, Message, Node, Pid,
    ProcessId, ReplyTo, StopError,
};
use tokio::sync::mpsc;

use crate::{
    actor::{Actor, Do, Part, act, start, start_as, sync, with},
    dice::Dice,
};

const ROUNDS: u64 = 3_000;

/// A server that answers after a time, and tells whether the answer was taken.
struct Desk(mpsc::UnboundedSender<(u64, bool)>);

impl GenServer for Desk {
    type Args = mpsc::UnboundedSender<(u64, bool)>;

    async fn init(tell: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Desk(tell))
    }
}

struct Ask {
    number: u64,
    after: Duration,
}

impl Message for Ask {
    type Reply = u64;
}

impl Handler<Ask> for Desk {
    async fn handle(&mut self, Ask { number, after }: Ask, ctx: &mut Ctx<Self>) -> Handled<Ask> {
        let mut kept = None;
        let later = ctx.reply_later(|to| kept = Some(to));
        if let Some(to) = kept {
            ctx.send_after(after, Settle { number, to });
        }
        later
    }
}

struct Settle {
    number: u64,
    to: ReplyTo<u64>,
}

impl Message for Settle {
    type Reply = ();
}

impl Handler<Settle> for Desk {
    async fn handle(&mut self, Settle { number, to }: Settle, _: &mut Ctx<Self>) -> Handled<Settle> {
        Ok(self.0.send((number, to.send(number).is_ok()))?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_reply_against_the_timeout_is_taken_or_handed_back_and_both_sides_know() {
    const CALLERS: u64 = 16;
    let mut dice = Dice::new("reply against timeout");
    let node = Node::new("test");
    let (tell, mut told) = mpsc::unbounded_channel();
    let desk = node.start(Desk::child(tell)).await.unwrap();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let mut own = Dice::from(dice.roll(u64::MAX) | 1);
            node.task(async move {
                let mut taken = Vec::new();
                for round in 0..ROUNDS / CALLERS {
                    let number = caller * ROUNDS + round;
                    // The answer and the deadline are due within the same milliseconds.
                    let after = Duration::from_micros(own.roll(2_000));
                    let limit = Duration::from_micros(own.roll(2_000) + 1);
                    match desk.call(Ask { number, after }).timeout(limit).await {
                        Ok(answer) => {
                            assert_eq!(answer, number, "a late answer to another call");
                            taken.push((number, true));
                        }
                        Err(CallError::Timeout { .. }) => taken.push((number, false)),
                        Err(error) => panic!("{error}"),
                    }
                }
                taken
            })
        })
        .collect();
    let mut taken = HashMap::new();
    for caller in callers {
        taken.extend(caller.await.unwrap());
    }
    for _ in 0..taken.len() {
        let (number, sent) = told.recv().await.unwrap();
        assert_eq!(taken.remove(&number), Some(sent), "call {number}: the two sides do not agree");
    }
}

/// Starts a call whose right to be answered is kept.
fn keep(keep: &mpsc::UnboundedSender<ReplyTo<u64>>) -> Do<u64> {
    let keep = keep.clone();
    act(move |_, ctx| ctx.reply_later(|to| keep.send(to).unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g8_a_reply_against_the_callers_death_hurts_nobody() {
    let mut dice = Dice::new("reply against the caller's death");
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let (stash, mut stashed) = mpsc::unbounded_channel();
    let (tell, mut told) = mpsc::unbounded_channel();
    for round in 0..ROUNDS {
        let call = actor.call(keep(&stash)).no_timeout();
        let got = tell.clone();
        let caller = node.spawn(async move |_| got.send(call.await.unwrap()).unwrap());
        let to = stashed.recv().await.unwrap();
        let killer = kill(&node, caller);
        spin(&mut dice);
        let sent = to.send(round).is_ok();
        killer.await.unwrap();
        node.wait(caller).await;
        // Otherwise it was killed before it looked, or before there was an answer.
        if let Ok(answer) = told.try_recv() {
            assert!(sent && answer == round, "round {round}: got {answer}, sent {sent}");
        }
    }
    sync(actor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_reply_against_the_servers_death_is_the_answer_or_the_reason() {
    let mut dice = Dice::new("reply against the server's death");
    let node = Node::new("test");
    let (stash, mut stashed) = mpsc::unbounded_channel();
    for round in 0..ROUNDS {
        let (actor, _heard): (Pid<Actor>, _) = start(&node).await;
        let answer = actor.call(keep(&stash)).no_timeout().send();
        let to = stashed.recv().await.unwrap();
        let killer = kill(&node, actor.id());
        spin(&mut dice);
        let sent = to.send(round).is_ok();
        match answer.await {
            Ok(answer) => assert!(sent && answer == round, "round {round}: got {answer}, sent {sent}"),
            Err(CallError::Exited { reason: Exit::Killed, .. }) => assert!(!sent, "round {round}: lost"),
            Err(error) => panic!("round {round}: {error}"),
        }
        killer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p30_a_dropped_right_against_the_servers_death_tells_one_or_the_other() {
    let mut dice = Dice::new("dropped right against the server's death");
    let node = Node::new("test");
    let (stash, mut stashed) = mpsc::unbounded_channel();
    for round in 0..ROUNDS {
        let (actor, _heard): (Pid<Actor>, _) = start(&node).await;
        let answer = actor.call(keep(&stash)).no_timeout().send();
        let to = stashed.recv().await.unwrap();
        let killer = kill(&node, actor.id());
        spin(&mut dice);
        drop(to);
        // Without a timeout: a call that was told neither would hang here.
        let outcome = answer.await;
        assert!(
            matches!(
                outcome,
                Err(CallError::ReplyDropped { .. } | CallError::Exited { reason: Exit::Killed, .. })
            ),
            "round {round}: {outcome:?}"
        );
        killer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g18_a_stop_sees_the_end_that_it_caused_however_soon_that_comes() {
    let node = Node::new("test");
    for round in 0..ROUNDS {
        let (actor, _heard) = start(&node).await;
        let stopped = node.stop(actor, Exit::Normal, None).await;
        assert!(stopped.is_ok(), "round {round}: {stopped:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g18_of_stops_at_once_one_has_its_way() {
    let node = Node::new("test");
    for round in 0..ROUNDS {
        let (actor, _heard) = start(&node).await;
        let stops = ["left", "right"].map(|words| {
            let node = node.clone();
            tokio::spawn(async move { node.stop(actor, Exit::other(words), None).await })
        });
        let mut outcomes = Vec::new();
        for stop in stops {
            outcomes.push(stop.await.unwrap());
        }
        let lost = |outcome: &Result<(), StopError>| {
            matches!(outcome, Err(StopError::Exited(_) | StopError::NoProcess(_)))
        };
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
            1,
            "round {round}: {outcomes:?}"
        );
        assert!(outcomes.iter().any(lost), "round {round}: {outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_start_that_fails_leaves_its_trapping_starter_no_message() {
    let mut dice = Dice::new("failing starts");
    let node = Node::new("test");
    let (parent, mut heard) = start_as(&node, Part::trapping).await;
    for round in 0..ROUNDS {
        let (part, _heard) = Part::new();
        let how = dice.roll(3);
        let failing = part.init(move |_| async move {
            match how {
                0 => Err(InitError::Ignore),
                1 => Err(InitError::Stop(Exit::other("no luck"))),
                _ => panic!("no luck at all"),
            }
        });
        with(parent, |ctx| Box::pin(ctx.start_link(failing.child()))).await.unwrap_err();
        assert!(heard.try_recv().is_err(), "round {round}");
    }
    sync(parent).await;
    assert!(heard.try_recv().is_err());
}

fn kill(node: &Node, process: ProcessId) -> tokio::task::JoinHandle<()> {
    let node = node.clone();
    tokio::spawn(async move { node.exit(process, Exit::Kill) })
}

fn spin(dice: &mut Dice) {
    (0..dice.roll(400)).for_each(|_| std::hint::spin_loop());
}
