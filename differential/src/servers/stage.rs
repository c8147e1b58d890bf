//! Steps played on Throng.
//!
//! After each step every server that lives answers a round trip, or its end is waited for. Then the calls that were sent and
//! not answered before are looked at: what they can have been told, they have been told.

use std::{
    collections::{HashMap, HashSet},
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use throng_runtime::{
    Address, Answer as Reply, Exit, GenServer, Name, Node, Pid, ProcessId, StartError, StopError,
};
use tokio::sync::Notify;

use super::{
    Init, Item, NAMES, Servers, StartSpec, Step, Then,
    server::{Answer, Args, Ask, BeIdle, CallYourself, Finish, How, Latch, Server, Word, Work},
};
use crate::{
    journal::Journal,
    parent::{Begin, End, Parent},
    reason::{call_failure, failure, reason},
};

/// What is too short on purpose.
const SHORT: Duration = Duration::from_millis(10);

pub(super) async fn play(scenario: &Servers, journal: Journal) {
    let node = Node::new("differential");
    let parent = Parent::start(&node).await.ok();
    let (last, trapping, gone, calls) = Default::default();
    let mut stage = Stage { node, journal, parent, last, trapping, gone, calls, idle: Arc::default() };
    for (at, step) in scenario.steps.iter().enumerate() {
        stage.journal.begin_step(at);
        stage.take(step).await;
        stage.settle().await;
    }
}

struct Stage {
    node: Node,
    journal: Journal,
    parent: Option<Pid<Parent>>,
    /// Whoever was started last under each name.
    last: HashMap<&'static str, Pid<Server>>,
    /// Those that trap exits.
    trapping: HashSet<ProcessId>,
    /// Those whose end has been noted.
    gone: Arc<Mutex<HashSet<ProcessId>>>,
    /// Calls that are not answered, in their order.
    calls: Vec<Waiting>,
    idle: Arc<Notify>,
}

struct Waiting {
    to: Pid<Server>,
    number: usize,
    reply: Reply<usize>,
}

impl Stage {
    async fn take(&mut self, step: &Step) {
        match step {
            Step::Start(name, spec) => self.start(name, *spec).await,
            Step::Send(name, item) => match self.living(name) {
                Some(pid) => self.send(pid, *item),
                None => self.not_there(name),
            },
            Step::Queue(name, items, then) => match self.living(name) {
                Some(pid) => self.queue(pid, items, *then).await,
                None => self.not_there(name),
            },
            Step::Idle(name) => match self.living(name) {
                Some(pid) => {
                    let _ = pid.cast(BeIdle);
                    self.idle.notified().await;
                }
                None => self.not_there(name),
            },
            Step::Late(name) => match self.living(name) {
                Some(pid) => {
                    let called = pid.call(Ask(0, How::Defers)).timeout(SHORT).await;
                    self.answered(0, called.map_err(|error| call_failure(&error)));
                    let _ = pid.cast(Answer);
                }
                None => self.not_there(name),
            },
            Step::CallsItself(name) => match self.living(name) {
                Some(pid) => drop(pid.cast(CallYourself)),
                None => self.not_there(name),
            },
            Step::Stop(name, why) => {
                let stopped = match self.last.get(name) {
                    Some(pid) => self.node.stop(*pid, why.exit(), None).await,
                    None => return self.journal.note("= noproc"),
                };
                self.journal.note(match stopped {
                    Ok(()) => "= ok".to_owned(),
                    Err(StopError::NoProcess(_)) => "= noproc".to_owned(),
                    Err(StopError::Exited(exit)) => format!("= ended {}", reason(&exit)),
                    Err(other) => format!("= {other}"),
                });
            }
            Step::Whereis(name) => {
                let is_there = self.node.whereis(Name::<Server>::new(name)).is_some();
                self.journal.note(if is_there { "= there" } else { "= not there" });
            }
            Step::ParentExit(why) => {
                if let Some(parent) = self.parent.take() {
                    let _ = parent.cast(End(why.exit()));
                    self.node.wait(parent).await;
                }
                self.parent = Parent::start(&self.node).await.ok();
            }
        }
    }

    async fn start(&mut self, name: &'static str, spec: StartSpec) {
        let args = Args { journal: self.journal.clone(), name, spec, idle: self.idle.clone() };
        let child = Server::child(args).name(Name::new(name));
        let child = if matches!(spec.init, Init::Hangs) { child.start_timeout(SHORT) } else { child };
        let started = match (spec.linked, self.parent) {
            (true, Some(parent)) => {
                let started = parent.call(Begin(child)).no_timeout().await;
                started.unwrap_or(Err(StartError::Exited(Exit::NoProcess)))
            }
            _ => self.node.start(child).await,
        };
        match started {
            Ok(pid) => {
                self.journal.note("= ok");
                self.last.insert(name, pid);
                self.trapping.extend(spec.traps.then_some(pid.id()));
                self.watch(name, pid);
            }
            Err(StartError::Ignored) => self.journal.note("= ignored"),
            Err(error) => self.journal.note(format_args!("= error {}", failure(&error))),
        }
        let is_there = self.node.whereis(Name::<Server>::new(name)).is_some();
        self.journal.note(if is_there { "= there" } else { "= not there" });
    }

    fn watch(&self, name: &'static str, pid: Pid<Server>) {
        let (journal, gone, ended) = (self.journal.clone(), self.gone.clone(), self.node.wait(pid));
        tokio::spawn(async move {
            let exit = ended.await;
            journal.note(format_args!("{name} down {}", reason(&exit)));
            gone.lock().unwrap_or_else(PoisonError::into_inner).insert(pid.id());
        });
    }

    fn send(&mut self, pid: Pid<Server>, item: Item) {
        // A pid is an address of its own: it always resolves.
        match item {
            Item::Cast(number) => drop(pid.cast(Word(number))),
            Item::Call(number) => self.call(pid, number, How::Answers),
            Item::Defer(number) => self.call(pid, number, How::Defers),
            Item::Answer => drop(pid.cast(Answer)),
            Item::CallStop(number, reason, answers) => self.call(pid, number, How::Stops { reason, answers }),
            Item::CallPanic(number) => self.call(pid, number, How::Panics),
            Item::CastStop(reason) => drop(pid.cast(Finish::Stop(reason.exit()))),
            Item::CastPanic => drop(pid.cast(Finish::Panic)),
            Item::Exit(reason) => self.node.exit(pid, reason.exit()),
            Item::Stop(reason) => {
                let (node, reason) = (self.node.clone(), reason.exit());
                let mut stop: Pin<Box<dyn Future<Output = _> + Send>> =
                    Box::pin(async move { node.stop(pid, reason, None).await });
                // The first poll sends it; a dropped stop stops all the same.
                let waker = std::task::Waker::noop();
                let _ = stop.as_mut().poll(&mut std::task::Context::from_waker(waker));
            }
        }
    }

    fn call(&mut self, to: Pid<Server>, number: usize, how: How) {
        self.calls.push(Waiting { to, number, reply: to.call(Ask(number, how)).no_timeout().send() });
    }

    async fn queue(&mut self, pid: Pid<Server>, items: &[Item], then: Then) {
        let latch = Arc::new(Latch::default());
        let _ = pid.cast(Work(latch.clone(), then));
        latch.begun.notified().await;
        for item in items {
            self.send(pid, *item);
            if matches!(item, Item::Exit(_)) {
                self.obeyed(pid, *item).await;
            }
        }
        latch.over.notify_one();
        if matches!(then, Then::Idles) && items.is_empty() {
            self.idle.notified().await;
        }
    }

    /// A request that ends the server does so at once; what is sent afterwards is to find it gone.
    async fn obeyed(&self, pid: Pid<Server>, item: Item) {
        use crate::reason::Reason::{Kill, Normal};
        let Item::Exit(reason) = item else { return };
        if reason == Kill || (!self.trapping.contains(&pid.id()) && reason != Normal) {
            self.await_gone(pid).await;
        }
    }

    fn living(&self, name: &str) -> Option<Pid<Server>> {
        self.last.get(name).copied().filter(|pid| !self.is_gone(*pid))
    }

    fn is_gone(&self, pid: Pid<Server>) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains(&pid.id())
    }

    async fn await_gone(&self, pid: Pid<Server>) {
        while !self.is_gone(pid) {
            tokio::task::yield_now().await;
        }
    }

    fn not_there(&self, name: &str) {
        self.journal.note(format_args!("= {name} is not there"));
    }

    async fn settle(&mut self) {
        for name in NAMES {
            if let Some(pid) = self.living(name)
                && pid.sync().await.is_err()
            {
                self.await_gone(pid).await;
            }
        }
        for mut call in std::mem::take(&mut self.calls) {
            // Whoever is gone has told, or is about to.
            let answer = if self.is_gone(call.to) {
                Poll::Ready((&mut call.reply).await)
            } else {
                poll_fn(|cx| Poll::Ready(Pin::new(&mut call.reply).poll(cx))).await
            };
            match answer {
                Poll::Ready(answer) => {
                    self.answered(call.number, answer.map_err(|error| call_failure(&error)))
                }
                Poll::Pending => self.calls.push(call),
            }
        }
    }

    fn answered(&self, number: usize, answer: Result<usize, String>) {
        let answer = answer.map_or_else(|error| error, |answer| format!("answer {answer}"));
        self.journal.note(format_args!("= call {number}: {answer}"));
    }
}
