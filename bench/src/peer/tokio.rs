//! Plain tokio: a task and an unbounded channel for each process, a oneshot for each reply.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use dashmap::DashMap;
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

use super::{Peer, RESTARTS_MAX, RESTARTS_PERIOD, breathe, countdown::Countdown};
use crate::{
    restarts::{Restarts, Witness, witness},
    workload::{RING_SIZE, STATE_WORDS},
};

pub(crate) struct Tokio;

type State = [u64; STATE_WORDS];

pub(crate) enum IdleMessage {
    Touch(Countdown),
}

struct Add(u64, oneshot::Sender<u64>);

impl Peer for Tokio {
    type Kept = UnboundedSender<IdleMessage>;
    /// tokio has no registry: what a program would use beside it, alone.
    type Names = Arc<DashMap<String, u64>>;

    async fn spawn(count: u64) -> Option<Duration> {
        let ended = Countdown::from(count);
        let started = Instant::now();
        for task in 0..count {
            let ended = ended.clone();
            tokio::spawn(async move { ended.count() });
            breathe(task).await;
        }
        ended.wait().await;
        Some(started.elapsed())
    }

    async fn server(count: u64) -> Duration {
        let ended = Countdown::from(count);
        let started = Instant::now();
        for task in 0..count {
            let (stop, messages) = unbounded_channel();
            tokio::spawn(stopped_by_a_message([task; STATE_WORDS], messages, ended.clone()));
            // The receiver is alive: it waits for this message.
            let _ = stop.send(());
            breathe(task).await;
        }
        ended.wait().await;
        started.elapsed()
    }

    async fn idle_servers(count: u64) -> Vec<Self::Kept> {
        let touched = Countdown::from(count);
        let mut kept = Vec::with_capacity(count as usize);
        for task in 0..count {
            let (sender, messages) = unbounded_channel();
            tokio::spawn(idle([task; STATE_WORDS], messages));
            let _ = sender.send(IdleMessage::Touch(touched.clone()));
            kept.push(sender);
            breathe(task).await;
        }
        touched.wait().await;
        kept
    }

    async fn ping_pong(round_trips: u64) -> Duration {
        let (ping, mut pings) = unbounded_channel::<()>();
        let (pong, mut pongs) = unbounded_channel::<()>();
        tokio::spawn(async move {
            while pings.recv().await.is_some() {
                let _ = pong.send(());
            }
        });
        let started = Instant::now();
        for _ in 0..round_trips {
            let _ = ping.send(());
            pongs.recv().await;
        }
        started.elapsed()
    }

    async fn ring(hops: u64) -> Duration {
        let done = Countdown::from(1);
        let (first, mut messages) = unbounded_channel();
        for _ in 1..RING_SIZE {
            let (next, following) = unbounded_channel();
            tokio::spawn(pass_on(messages, next, done.clone()));
            messages = following;
        }
        tokio::spawn(pass_on(messages, first.clone(), done.clone()));
        let started = Instant::now();
        let _ = first.send(hops);
        done.wait().await;
        started.elapsed()
    }

    async fn fan_in(senders: u64, messages: u64) -> Duration {
        let done = Countdown::from(1);
        let (sender, mut received) = unbounded_channel::<u64>();
        let sink_done = done.clone();
        tokio::spawn(async move {
            for _ in 0..messages {
                received.recv().await;
            }
            sink_done.count();
        });
        let started = Instant::now();
        for _ in 0..senders {
            let sender = sender.clone();
            tokio::spawn(async move {
                for number in 0..messages / senders {
                    let _ = sender.send(number);
                    breathe(number).await;
                }
            });
        }
        done.wait().await;
        started.elapsed()
    }

    async fn call(callers: u64, calls: u64) -> Duration {
        let (server, mut requests) = unbounded_channel::<Add>();
        tokio::spawn(async move {
            let mut sum = 0;
            while let Some(Add(number, reply)) = requests.recv().await {
                sum += number;
                let _ = reply.send(sum);
            }
        });
        let done = Countdown::from(callers);
        let started = Instant::now();
        for _ in 0..callers {
            let (server, done) = (server.clone(), done.clone());
            tokio::spawn(async move {
                for number in 0..calls / callers {
                    let (reply, sum) = oneshot::channel();
                    let _ = server.send(Add(number, reply));
                    let _ = sum.await;
                }
                done.count();
            });
        }
        done.wait().await;
        started.elapsed()
    }

    async fn hold_names(names: &[String]) -> Self::Names {
        Arc::new(names.iter().cloned().zip(0..).collect())
    }

    fn is_found(held: &Self::Names, name: &str) -> bool {
        held.get(name).is_some()
    }

    async fn restarts(before: u64, count: u64) -> Restarts {
        let (witness, births) = witness();
        tokio::spawn(supervise(witness));
        let crash = |mortal: &UnboundedSender<()>| {
            // Its receiver is alive: it waits for this message.
            let _ = mortal.send(());
        };
        births.time(before, count, crash).await
    }
}

/// The loop that people write by hand, with a window of its own.
async fn supervise(witness: Witness<UnboundedSender<()>>) {
    let mut recent = VecDeque::new();
    loop {
        let (sender, messages) = unbounded_channel();
        let ended = tokio::spawn(mortal(messages, witness.clone(), sender)).await;
        let now = Instant::now();
        while recent.front().is_some_and(|at| now - *at > RESTARTS_PERIOD) {
            recent.pop_front();
        }
        if ended.is_ok() || recent.len() >= RESTARTS_MAX as usize {
            return;
        }
        recent.push_back(now);
    }
}

async fn mortal(
    mut messages: UnboundedReceiver<()>,
    witness: Witness<UnboundedSender<()>>,
    me: UnboundedSender<()>,
) {
    witness.born(me);
    if messages.recv().await.is_some() {
        witness.crash()
    }
}

async fn stopped_by_a_message(state: State, mut messages: UnboundedReceiver<()>, ended: Countdown) {
    messages.recv().await;
    std::hint::black_box(&state);
    ended.count();
}

async fn idle(mut state: State, mut messages: UnboundedReceiver<IdleMessage>) {
    while let Some(IdleMessage::Touch(touched)) = messages.recv().await {
        state[0] += 1;
        std::hint::black_box(&state);
        touched.count();
    }
}

async fn pass_on(mut messages: UnboundedReceiver<u64>, next: UnboundedSender<u64>, done: Countdown) {
    while let Some(hops) = messages.recv().await {
        match hops {
            0 => done.count(),
            left => drop(next.send(left - 1)),
        }
    }
}
