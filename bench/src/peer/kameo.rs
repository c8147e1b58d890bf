//! kameo: actors with unbounded mailboxes (its fastest), `tell` and `ask`.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use kameo::{
    actor::{Actor, ActorRef, Spawn, WeakActorRef},
    error::ActorStopReason,
    mailbox,
    message::{Context, Message},
};

use super::{Peer, RESTARTS_MAX, RESTARTS_PERIOD, breathe, countdown::Countdown};
use crate::{
    restarts::{Restarts, Witness, witness},
    workload::{RING_SIZE, STATE_WORDS},
};

pub(crate) struct Kameo;

fn start<A: Actor>(actor: A::Args) -> ActorRef<A> {
    A::spawn_with_mailbox(actor, mailbox::unbounded())
}

/// The state is what the actor is started with.
macro_rules! actor_started_as_itself {
    ($actor:ty) => {
        impl Actor for $actor {
            type Args = Self;
            type Error = Infallible;

            async fn on_start(actor: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
                Ok(actor)
            }
        }
    };
}

impl Peer for Kameo {
    type Kept = ActorRef<Idle>;
    /// One registry for the whole program.
    type Names = ();

    async fn spawn(_: u64) -> Option<Duration> {
        None
    }

    async fn server(count: u64) -> Duration {
        let ended = Countdown::from(count);
        let started = Instant::now();
        for number in 0..count {
            let actor = start::<Stopped>(Stopped { _state: [number; STATE_WORDS], ended: ended.clone() });
            let _ = actor.tell(Stop).try_send();
            breathe(number).await;
        }
        ended.wait().await;
        started.elapsed()
    }

    async fn idle_servers(count: u64) -> Vec<Self::Kept> {
        let touched = Countdown::from(count);
        let mut kept = Vec::with_capacity(count as usize);
        for number in 0..count {
            let actor = start::<Idle>(Idle([number; STATE_WORDS]));
            let _ = actor.tell(Touch(touched.clone())).try_send();
            kept.push(actor);
            breathe(number).await;
        }
        touched.wait().await;
        kept
    }

    async fn ping_pong(round_trips: u64) -> Duration {
        let done = Countdown::from(1);
        let player = start::<Player>(Player(done.clone()));
        let other = start::<Player>(Player(done.clone()));
        let started = Instant::now();
        let _ = player.tell(Ball { left: 2 * round_trips, from: other }).try_send();
        done.wait().await;
        started.elapsed()
    }

    async fn ring(hops: u64) -> Duration {
        let done = Countdown::from(1);
        let first = start::<Node>(Node { next: None, done: done.clone() });
        let mut next = first.clone();
        for _ in 1..RING_SIZE {
            next = start::<Node>(Node { next: Some(next), done: done.clone() });
        }
        let _ = first.tell(Next(next)).try_send();
        let started = Instant::now();
        let _ = first.tell(Token(hops)).try_send();
        done.wait().await;
        started.elapsed()
    }

    async fn fan_in(senders: u64, messages: u64) -> Duration {
        let done = Countdown::from(1);
        let sink = start::<Sink>(Sink { left: messages, done: done.clone() });
        let started = Instant::now();
        for _ in 0..senders {
            let sink = sink.clone();
            tokio::spawn(async move {
                for number in 0..messages / senders {
                    let _ = sink.tell(Number(number)).try_send();
                    breathe(number).await;
                }
            });
        }
        done.wait().await;
        started.elapsed()
    }

    async fn call(callers: u64, calls: u64) -> Duration {
        let server = start::<Adder>(Adder(0));
        let done = Countdown::from(callers);
        let started = Instant::now();
        for _ in 0..callers {
            let (server, done) = (server.clone(), done.clone());
            tokio::spawn(async move {
                for number in 0..calls / callers {
                    let _ = server.ask(Add(number)).send().await;
                }
                done.count();
            });
        }
        done.wait().await;
        started.elapsed()
    }

    async fn hold_names(names: &[String]) {
        for name in names {
            let actor = start::<Idle>(Idle([0; STATE_WORDS]));
            actor.register(name.clone()).expect("nobody else holds the name");
            actor.wait_for_startup().await;
        }
    }

    fn is_found((): &(), name: &str) -> bool {
        ActorRef::<Idle>::lookup(name).is_ok_and(|actor| actor.is_some())
    }

    async fn restarts(before: u64, count: u64) -> Restarts {
        let (witness, births) = witness();
        let tree = start::<Tree>(Tree);
        Mortal::supervise(&tree, witness)
            .restart_limit(RESTARTS_MAX, RESTARTS_PERIOD)
            .spawn_with_mailbox(mailbox::unbounded())
            .await;
        births.time(before, count, |mortal| drop(mortal.tell(Crash).try_send())).await
    }
}

struct Tree;
actor_started_as_itself!(Tree);

struct Mortal(Witness<ActorRef<Mortal>>);
struct Crash;

impl Actor for Mortal {
    type Args = Witness<ActorRef<Mortal>>;
    type Error = Infallible;

    async fn on_start(witness: Self::Args, me: ActorRef<Self>) -> Result<Self, Infallible> {
        witness.born(me);
        Ok(Mortal(witness))
    }
}

impl Message<Crash> for Mortal {
    type Reply = ();

    async fn handle(&mut self, _: Crash, _: &mut Context<Self, ()>) {
        self.0.crash()
    }
}

struct Stopped {
    _state: [u64; STATE_WORDS],
    ended: Countdown,
}
struct Stop;

impl Actor for Stopped {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(actor: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(actor)
    }

    async fn on_stop(&mut self, _: WeakActorRef<Self>, _: ActorStopReason) -> Result<(), Infallible> {
        self.ended.count();
        Ok(())
    }
}

impl Message<Stop> for Stopped {
    type Reply = ();

    async fn handle(&mut self, _: Stop, ctx: &mut Context<Self, ()>) {
        ctx.stop();
    }
}

pub(crate) struct Idle([u64; STATE_WORDS]);
struct Touch(Countdown);
actor_started_as_itself!(Idle);

impl Message<Touch> for Idle {
    type Reply = ();

    async fn handle(&mut self, Touch(touched): Touch, _: &mut Context<Self, ()>) {
        self.0[0] += 1;
        touched.count();
    }
}

struct Player(Countdown);
struct Ball {
    left: u64,
    from: ActorRef<Player>,
}
actor_started_as_itself!(Player);

impl Message<Ball> for Player {
    type Reply = ();

    async fn handle(&mut self, ball: Ball, ctx: &mut Context<Self, ()>) {
        match ball.left {
            0 => self.0.count(),
            left => {
                let from = ctx.actor_ref().clone();
                let _ = ball.from.tell(Ball { left: left - 1, from }).try_send();
            }
        }
    }
}

struct Node {
    next: Option<ActorRef<Node>>,
    done: Countdown,
}
struct Next(ActorRef<Node>);
struct Token(u64);
actor_started_as_itself!(Node);

impl Message<Next> for Node {
    type Reply = ();

    async fn handle(&mut self, Next(next): Next, _: &mut Context<Self, ()>) {
        self.next = Some(next);
    }
}

impl Message<Token> for Node {
    type Reply = ();

    async fn handle(&mut self, Token(hops): Token, _: &mut Context<Self, ()>) {
        match (hops, &self.next) {
            (0, _) => self.done.count(),
            (hops, Some(next)) => drop(next.tell(Token(hops - 1)).try_send()),
            (_, None) => {}
        }
    }
}

struct Sink {
    left: u64,
    done: Countdown,
}
struct Number(u64);
actor_started_as_itself!(Sink);

impl Message<Number> for Sink {
    type Reply = ();

    async fn handle(&mut self, Number(number): Number, _: &mut Context<Self, ()>) {
        std::hint::black_box(number);
        self.left -= 1;
        if self.left == 0 {
            self.done.count();
        }
    }
}

struct Adder(u64);
struct Add(u64);
actor_started_as_itself!(Adder);

impl Message<Add> for Adder {
    type Reply = u64;

    async fn handle(&mut self, Add(number): Add, _: &mut Context<Self, u64>) -> u64 {
        self.0 += number;
        self.0
    }
}
