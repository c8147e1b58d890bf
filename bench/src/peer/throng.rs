//! Throng: servers with `call` and `cast`, bare processes where a workload needs no server.

use std::time::{Duration, Instant};

use throng_runtime::{
    Address, Ctx, Exit, GenServer, Handled, Handler, Init, Message, Node, Pid, Registry, Supervisor,
};

use super::{Peer, RESTARTS_MAX, RESTARTS_PERIOD, breathe, countdown::Countdown};
use crate::{
    restarts::{Restarts, Witness, witness},
    workload::{RING_SIZE, STATE_WORDS},
};

pub(crate) struct Throng;

/// Starting one of these servers cannot fail: none of them refuses in `init`.
async fn start<S: GenServer>(node: &Node, args: S::Args) -> Pid<S> {
    node.start(S::child(args)).await.expect("the server starts")
}

impl Peer for Throng {
    type Kept = Pid<Idle>;
    type Names = Registry<String>;

    async fn spawn(count: u64) -> Option<Duration> {
        let node = Node::new("bench");
        let ended = Countdown::from(count);
        let started = Instant::now();
        for number in 0..count {
            let ended = ended.clone();
            node.spawn(move |_| async move { ended.count() });
            breathe(number).await;
        }
        ended.wait().await;
        Some(started.elapsed())
    }

    async fn server(count: u64) -> Duration {
        let node = Node::new("bench");
        let ended = Countdown::from(count);
        let started = Instant::now();
        for number in 0..count {
            let server = start::<Stopped>(&node, ([number; STATE_WORDS], ended.clone())).await;
            let _ = server.cast(Stop);
            breathe(number).await;
        }
        ended.wait().await;
        started.elapsed()
    }

    async fn idle_servers(count: u64) -> Vec<Self::Kept> {
        let node = Node::new("bench");
        let touched = Countdown::from(count);
        let mut kept = Vec::with_capacity(count as usize);
        for number in 0..count {
            let server = start::<Idle>(&node, [number; STATE_WORDS]).await;
            let _ = server.cast(Touch(touched.clone()));
            kept.push(server);
            breathe(number).await;
        }
        touched.wait().await;
        kept
    }

    async fn ping_pong(round_trips: u64) -> Duration {
        let node = Node::new("bench");
        let done = Countdown::from(1);
        let player = start::<Player>(&node, done.clone()).await;
        let other = start::<Player>(&node, done.clone()).await;
        let started = Instant::now();
        let _ = player.cast(Ball { left: 2 * round_trips, from: other });
        done.wait().await;
        started.elapsed()
    }

    async fn ring(hops: u64) -> Duration {
        let node = Node::new("bench");
        let done = Countdown::from(1);
        let first = start::<Member>(&node, (None, done.clone())).await;
        let mut next = first;
        for _ in 1..RING_SIZE {
            next = start::<Member>(&node, (Some(next), done.clone())).await;
        }
        let _ = first.cast(Next(next));
        let started = Instant::now();
        let _ = first.cast(Token(hops));
        done.wait().await;
        started.elapsed()
    }

    async fn fan_in(senders: u64, messages: u64) -> Duration {
        let node = Node::new("bench");
        let done = Countdown::from(1);
        let sink = start::<Sink>(&node, (messages, done.clone())).await;
        let started = Instant::now();
        for _ in 0..senders {
            node.spawn(move |_| async move {
                for number in 0..messages / senders {
                    let _ = sink.cast(Number(number));
                    breathe(number).await;
                }
            });
        }
        done.wait().await;
        started.elapsed()
    }

    async fn call(callers: u64, calls: u64) -> Duration {
        let node = Node::new("bench");
        let server = start::<Adder>(&node, ()).await;
        let done = Countdown::from(callers);
        let started = Instant::now();
        for _ in 0..callers {
            let done = done.clone();
            node.spawn(move |_| async move {
                for number in 0..calls / callers {
                    let _ = server.call(Add(number)).await;
                }
                done.count();
            });
        }
        done.wait().await;
        started.elapsed()
    }

    async fn hold_names(names: &[String]) -> Registry<String> {
        let (node, registry) = (Node::new("bench"), Registry::new());
        for name in names {
            let server = Idle::child([0; STATE_WORDS]).via(registry.via(name.clone()));
            node.start(server).await.expect("the server starts");
        }
        registry
    }

    fn is_found(registry: &Registry<String>, name: &str) -> bool {
        registry.lookup(name).is_some()
    }

    async fn restarts(before: u64, count: u64) -> Restarts {
        let node = Node::new("bench");
        let (witness, births) = witness();
        let tree = Supervisor::one_for_one("tree").max_restarts(RESTARTS_MAX as usize, RESTARTS_PERIOD);
        node.start(tree.child(Mortal::child(witness))).await.expect("the supervisor starts");
        births.time(before, count, |mortal| drop(mortal.cast(Crash))).await
    }
}

struct Stopped {
    _state: [u64; STATE_WORDS],
    ended: Countdown,
}

struct Stop;
impl Message for Stop {
    type Reply = ();
}

impl GenServer for Stopped {
    type Args = ([u64; STATE_WORDS], Countdown);

    async fn init((state, ended): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Stopped { _state: state, ended })
    }

    async fn terminate(&mut self, _: &Exit, _: &mut Ctx<Self>) {
        self.ended.count();
    }
}

impl Handler<Stop> for Stopped {
    async fn handle(&mut self, _: Stop, ctx: &mut Ctx<Self>) -> Handled<Stop> {
        ctx.stop(Exit::Normal);
        Ok(())
    }
}

pub(crate) struct Idle([u64; STATE_WORDS]);

struct Touch(Countdown);
impl Message for Touch {
    type Reply = ();
}

impl GenServer for Idle {
    type Args = [u64; STATE_WORDS];

    async fn init(state: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Idle(state))
    }
}

impl Handler<Touch> for Idle {
    async fn handle(&mut self, Touch(touched): Touch, _: &mut Ctx<Self>) -> Handled<Touch> {
        self.0[0] += 1;
        touched.count();
        Ok(())
    }
}

struct Player(Countdown);

struct Ball {
    left: u64,
    from: Pid<Player>,
}
impl Message for Ball {
    type Reply = ();
}

impl GenServer for Player {
    type Args = Countdown;

    async fn init(done: Countdown, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Player(done))
    }
}

impl Handler<Ball> for Player {
    async fn handle(&mut self, ball: Ball, ctx: &mut Ctx<Self>) -> Handled<Ball> {
        match ball.left {
            0 => self.0.count(),
            left => drop(ball.from.cast(Ball { left: left - 1, from: ctx.me() })),
        }
        Ok(())
    }
}

struct Member {
    next: Option<Pid<Member>>,
    done: Countdown,
}

struct Next(Pid<Member>);
impl Message for Next {
    type Reply = ();
}

struct Token(u64);
impl Message for Token {
    type Reply = ();
}

impl GenServer for Member {
    type Args = (Option<Pid<Member>>, Countdown);

    async fn init((next, done): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Member { next, done })
    }
}

impl Handler<Next> for Member {
    async fn handle(&mut self, Next(next): Next, _: &mut Ctx<Self>) -> Handled<Next> {
        self.next = Some(next);
        Ok(())
    }
}

impl Handler<Token> for Member {
    async fn handle(&mut self, Token(hops): Token, _: &mut Ctx<Self>) -> Handled<Token> {
        match (hops, self.next) {
            (0, _) => self.done.count(),
            (hops, Some(next)) => drop(next.cast(Token(hops - 1))),
            (_, None) => {}
        }
        Ok(())
    }
}

struct Sink {
    left: u64,
    done: Countdown,
}

struct Number(u64);
impl Message for Number {
    type Reply = ();
}

impl GenServer for Sink {
    type Args = (u64, Countdown);

    async fn init((left, done): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Sink { left, done })
    }
}

impl Handler<Number> for Sink {
    async fn handle(&mut self, Number(number): Number, _: &mut Ctx<Self>) -> Handled<Number> {
        std::hint::black_box(number);
        self.left -= 1;
        if self.left == 0 {
            self.done.count();
        }
        Ok(())
    }
}

struct Adder(u64);

struct Add(u64);
impl Message for Add {
    type Reply = u64;
}

impl GenServer for Adder {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Adder(0))
    }
}

impl Handler<Add> for Adder {
    async fn handle(&mut self, Add(number): Add, _: &mut Ctx<Self>) -> Handled<Add> {
        self.0 += number;
        Ok(self.0)
    }
}

struct Mortal(Witness<Pid<Mortal>>);

struct Crash;
impl Message for Crash {
    type Reply = ();
}

impl GenServer for Mortal {
    type Args = Witness<Pid<Mortal>>;

    async fn init(witness: Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        witness.born(ctx.me());
        Ok(Mortal(witness))
    }
}

impl Handler<Crash> for Mortal {
    async fn handle(&mut self, _: Crash, _: &mut Ctx<Self>) -> Handled<Crash> {
        self.0.crash()
    }
}
