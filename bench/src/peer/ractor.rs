//! ractor: actors with `cast` and `call`, as its benchmarks and documentation use them.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};

use super::{Peer, RESTARTS_MAX, RESTARTS_PERIOD, breathe, countdown::Countdown};
use crate::{
    restarts::{Restarts, Witness, witness},
    workload::{RING_SIZE, STATE_WORDS},
};

pub(crate) struct Ractor;

type Result<T = ()> = std::result::Result<T, ActorProcessingErr>;

/// Starting one of these actors cannot fail: none of them refuses in `pre_start`.
async fn start<A: Actor>(actor: A, arguments: A::Arguments) -> ActorRef<A::Msg> {
    let (actor, _) = Actor::spawn(None, actor, arguments).await.expect("the actor starts");
    actor
}

impl Peer for Ractor {
    type Kept = ActorRef<IdleMessage>;
    /// One registry for the whole program.
    type Names = ();

    async fn spawn(_: u64) -> Option<Duration> {
        None
    }

    async fn server(count: u64) -> Duration {
        let ended = Countdown::from(count);
        let started = Instant::now();
        for number in 0..count {
            let actor = start(Stopped(ended.clone()), [number; STATE_WORDS]).await;
            let _ = actor.cast(StopMessage);
            breathe(number).await;
        }
        ended.wait().await;
        started.elapsed()
    }

    async fn idle_servers(count: u64) -> Vec<Self::Kept> {
        let touched = Countdown::from(count);
        let mut kept = Vec::with_capacity(count as usize);
        for number in 0..count {
            let actor = start(Idle, [number; STATE_WORDS]).await;
            let _ = actor.cast(IdleMessage(touched.clone()));
            kept.push(actor);
            breathe(number).await;
        }
        touched.wait().await;
        kept
    }

    async fn ping_pong(round_trips: u64) -> Duration {
        let done = Countdown::from(1);
        let player = start(Player(done.clone()), ()).await;
        let other = start(Player(done.clone()), ()).await;
        let started = Instant::now();
        let _ = player.cast(Ball { left: 2 * round_trips, from: other });
        done.wait().await;
        started.elapsed()
    }

    async fn ring(hops: u64) -> Duration {
        let done = Countdown::from(1);
        let first = start(Node(done.clone()), None).await;
        let mut next = first.clone();
        for _ in 1..RING_SIZE {
            next = start(Node(done.clone()), Some(next)).await;
        }
        let _ = first.cast(NodeMessage::Next(next));
        let started = Instant::now();
        let _ = first.cast(NodeMessage::Token(hops));
        done.wait().await;
        started.elapsed()
    }

    async fn fan_in(senders: u64, messages: u64) -> Duration {
        let done = Countdown::from(1);
        let sink = start(Sink(done.clone()), messages).await;
        let started = Instant::now();
        for _ in 0..senders {
            let sink = sink.clone();
            tokio::spawn(async move {
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
        let server = start(Adder, 0).await;
        let done = Countdown::from(callers);
        let started = Instant::now();
        for _ in 0..callers {
            let (server, done) = (server.clone(), done.clone());
            tokio::spawn(async move {
                for number in 0..calls / callers {
                    let _ = server.call(|reply| Add(number, reply), None).await;
                }
                done.count();
            });
        }
        done.wait().await;
        started.elapsed()
    }

    async fn hold_names(names: &[String]) {
        for name in names {
            let actor = Actor::spawn(Some(name.clone()), Idle, [0; STATE_WORDS]).await;
            std::mem::forget(actor.expect("the actor starts"));
        }
    }

    fn is_found((): &(), name: &str) -> bool {
        ractor::registry::where_is(name).is_some()
    }

    async fn restarts(before: u64, count: u64) -> Restarts {
        let (witness, births) = witness();
        let _supervisor = start(Restarting(witness), ()).await;
        births.time(before, count, |mortal| drop(mortal.cast(Crash))).await
    }
}

/// ractor tells a supervisor of its children's ends; to restart and to count is up to it.
struct Restarting(Witness<ActorRef<Crash>>);

impl Restarting {
    async fn start(&self, me: &ActorRef<()>) -> Result {
        Actor::spawn_linked(None, Mortal, self.0.clone(), me.get_cell()).await?;
        Ok(())
    }
}

impl Actor for Restarting {
    type Msg = ();
    type State = VecDeque<Instant>;
    type Arguments = ();

    async fn pre_start(&self, me: ActorRef<()>, (): ()) -> Result<Self::State> {
        self.start(&me).await?;
        Ok(VecDeque::new())
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<()>,
        event: SupervisionEvent,
        recent: &mut Self::State,
    ) -> Result {
        let SupervisionEvent::ActorFailed(..) = event else { return Ok(()) };
        let now = Instant::now();
        while recent.front().is_some_and(|at| now - *at > RESTARTS_PERIOD) {
            recent.pop_front();
        }
        if recent.len() >= RESTARTS_MAX as usize {
            me.stop(None);
            return Ok(());
        }
        recent.push_back(now);
        self.start(&me).await
    }
}

struct Mortal;
struct Crash;

impl Actor for Mortal {
    type Msg = Crash;
    type State = Witness<ActorRef<Crash>>;
    type Arguments = Self::State;

    async fn pre_start(&self, me: ActorRef<Crash>, witness: Self::State) -> Result<Self::State> {
        witness.born(me);
        Ok(witness)
    }

    async fn handle(&self, _: ActorRef<Crash>, _: Crash, witness: &mut Self::State) -> Result {
        witness.crash()
    }
}

struct Stopped(Countdown);
struct StopMessage;

impl Actor for Stopped {
    type Msg = StopMessage;
    type State = [u64; STATE_WORDS];
    type Arguments = Self::State;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, state: Self::State) -> Result<Self::State> {
        Ok(state)
    }

    async fn handle(&self, me: ActorRef<Self::Msg>, _: StopMessage, _: &mut Self::State) -> Result {
        me.stop(None);
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Self::Msg>, _: &mut Self::State) -> Result {
        self.0.count();
        Ok(())
    }
}

struct Idle;
pub(crate) struct IdleMessage(Countdown);

impl Actor for Idle {
    type Msg = IdleMessage;
    type State = [u64; STATE_WORDS];
    type Arguments = Self::State;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, state: Self::State) -> Result<Self::State> {
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        IdleMessage(touched): IdleMessage,
        state: &mut Self::State,
    ) -> Result {
        state[0] += 1;
        touched.count();
        Ok(())
    }
}

struct Player(Countdown);
struct Ball {
    left: u64,
    from: ActorRef<Ball>,
}

impl Actor for Player {
    type Msg = Ball;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Ball>, (): ()) -> Result {
        Ok(())
    }

    async fn handle(&self, me: ActorRef<Ball>, ball: Ball, (): &mut ()) -> Result {
        match ball.left {
            0 => self.0.count(),
            left => drop(ball.from.cast(Ball { left: left - 1, from: me })),
        }
        Ok(())
    }
}

struct Node(Countdown);
enum NodeMessage {
    Next(ActorRef<NodeMessage>),
    Token(u64),
}

impl Actor for Node {
    type Msg = NodeMessage;
    type State = Option<ActorRef<NodeMessage>>;
    type Arguments = Self::State;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, next: Self::State) -> Result<Self::State> {
        Ok(next)
    }

    async fn handle(&self, _: ActorRef<Self::Msg>, message: NodeMessage, next: &mut Self::State) -> Result {
        match (message, next) {
            (NodeMessage::Next(actor), next) => *next = Some(actor),
            (NodeMessage::Token(0), _) => self.0.count(),
            (NodeMessage::Token(hops), Some(next)) => drop(next.cast(NodeMessage::Token(hops - 1))),
            (NodeMessage::Token(_), None) => {}
        }
        Ok(())
    }
}

struct Sink(Countdown);
struct Number(u64);

impl Actor for Sink {
    type Msg = Number;
    type State = u64;
    type Arguments = u64;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, left: u64) -> Result<u64> {
        Ok(left)
    }

    async fn handle(&self, _: ActorRef<Self::Msg>, Number(number): Number, left: &mut u64) -> Result {
        std::hint::black_box(number);
        *left -= 1;
        if *left == 0 {
            self.0.count();
        }
        Ok(())
    }
}

struct Adder;
struct Add(u64, RpcReplyPort<u64>);

impl Actor for Adder {
    type Msg = Add;
    type State = u64;
    type Arguments = u64;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, sum: u64) -> Result<u64> {
        Ok(sum)
    }

    async fn handle(&self, _: ActorRef<Self::Msg>, Add(number, reply): Add, sum: &mut u64) -> Result {
        *sum += number;
        let _ = reply.send(*sum);
        Ok(())
    }
}
