//! A tree played on Throng.
//!
//! After each step all is waited for that comes of it: the tree is walked from the top, by asking each supervisor for its
//! children, until nobody is being restarted and those in the tree are those who are alive. What ended and what is told of
//! an end reaches a supervisor before the walk does, so nothing is waited for by time.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use throng_runtime::{
    Address, ChildCount, ChildError, ChildInfo, ChildKind, ChildSpec, ChildStatus, Ctx, DynamicSupervisor,
    Exit, Exited, GenServer, Handled, Handler, Init, Message, Pid, ProcessId, Restart, StartError, StopError,
    Supervisor, Via,
};

use super::{
    Branch, Deed, DynamicSpec, Request, Step, Strategy, SupervisorSpec, Trees, WorkerSpec,
    worker::{Finish, Gate, Latch, Panic, Worker},
    world::{Door, Entry, World},
};
use crate::{
    family::PERIOD,
    journal::Journal,
    reason::{call_failure, failure, reason},
};

pub(super) async fn play(scenario: &Trees, journal: Journal) {
    let world = World::new(journal);
    let top = &scenario.top.name;
    world.journal.begin_step(0);
    let parent = match world.node.start(Parent::child(())).await {
        Ok(parent) => parent,
        Err(error) => return world.journal.note(error),
    };
    let started = parent.call(Begin(supervisor(&world, &scenario.top))).no_timeout().await;
    world.journal.note(match started {
        Ok(Ok(pid)) => format!("= ok {}", world.badge(pid.id())),
        Ok(Err(error)) => format!("= error {}", failure(&error)),
        Err(error) => format!("= {}", call_failure(&error)),
    });
    quiet(&world, top).await;
    for (at, step) in scenario.steps.iter().enumerate() {
        world.journal.begin_step(at + 1);
        take(&world, step, parent).await;
        quiet(&world, top).await;
    }
    world.node.exit(parent, Exit::Kill);
    world.node.wait(parent).await;
    quiet(&world, top).await;
}

/// Whoever starts the tree.
struct Parent;

impl GenServer for Parent {
    type Args = ();

    async fn init((): (), ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.trap_exits();
        Ok(Self)
    }
}

struct Begin(ChildSpec<Supervisor>);

impl Message for Begin {
    type Reply = Result<Pid<Supervisor>, StartError>;
}

impl Handler<Begin> for Parent {
    async fn handle(&mut self, Begin(tree): Begin, ctx: &mut Ctx<Self>) -> Handled<Begin> {
        Ok(ctx.start_link(tree).await)
    }
}

impl Handler<Exited> for Parent {
    async fn handle(&mut self, _: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        Ok(())
    }
}

impl Handler<Finish> for Parent {
    async fn handle(&mut self, Finish(reason): Finish, _: &mut Ctx<Self>) -> Handled<Finish> {
        Err(reason.into())
    }
}

/// What a child is started from.
fn supervisor(world: &World, spec: &SupervisorSpec) -> ChildSpec<Supervisor> {
    let empty = match spec.strategy {
        Strategy::OneForOne => Supervisor::one_for_one(spec.name.clone()),
        Strategy::OneForAll => Supervisor::one_for_all(spec.name.clone()),
        Strategy::RestForOne => Supervisor::rest_for_one(spec.name.clone()),
    };
    let door = Door { world: world.clone(), name: spec.name.clone(), entry: Entry::Supervisor };
    let empty = empty.max_restarts(spec.intensity, PERIOD).via(Via::new(door));
    let tree = spec.children.iter().fold(empty, |tree, child| match child {
        Branch::Worker(child) => tree.child(worker(world, child)),
        Branch::Supervisor(child) => tree.child(supervisor(world, child)),
        Branch::Dynamic(child) => tree.child(dynamic(world, child)),
    });
    tree.restart(spec.restart).shutdown(spec.shutdown)
}

fn dynamic(world: &World, spec: &DynamicSpec) -> ChildSpec<DynamicSupervisor> {
    let door = Door { world: world.clone(), name: spec.name.clone(), entry: Entry::Dynamic };
    DynamicSupervisor::new(spec.name.clone())
        .max_restarts(spec.intensity, PERIOD)
        .via(Via::new(door))
        .restart(spec.restart)
        .shutdown(spec.shutdown)
}

fn worker(world: &World, spec: &WorkerSpec) -> ChildSpec<Worker> {
    Worker::child((world.clone(), Arc::new(spec.clone())))
        .id(spec.name.clone())
        .restart(spec.restart)
        .shutdown(spec.shutdown)
}

async fn take(world: &World, step: &Step, parent: Pid<Parent>) {
    match step {
        Step::Finish(name, reason) => {
            with_worker(world, name, |worker| worker.cast(Finish(reason.exit()))).await
        }
        Step::Panic(name) => with_worker(world, name, |worker| worker.cast(Panic)).await,
        Step::Exit(name, reason) => match world.living(name) {
            None => not_there(world, name),
            Some(entry) => {
                world.node.exit(entry.id(), reason.exit());
                settle(world, entry).await;
            }
        },
        Step::Ask(name, request) => match world.living(name) {
            None => not_there(world, name),
            Some(entry) => world.journal.note(ask(world.clone(), entry, request.clone()).await),
        },
        Step::Busy(name, deeds) => match world.living(name) {
            None => not_there(world, name),
            Some(entry) => busy(world, entry, deeds).await,
        },
        Step::Stop(name, reason) => match world.living(name) {
            None => not_there(world, name),
            Some(entry) => {
                let stopped = world.node.stop(entry.id(), reason.exit(), None).await;
                world.journal.note(stop_reply(stopped));
                world.await_gone(entry.id()).await;
            }
        },
        Step::ParentExit(reason) => {
            // A parent that is gone already has nothing to do.
            let _ = parent.cast(Finish(reason.exit()));
            world.node.wait(parent).await;
        }
    }
}

async fn with_worker<E>(world: &World, name: &str, tell: impl FnOnce(Pid<Worker>) -> Result<(), E>) {
    match world.living(name) {
        Some(entry @ Entry::Worker(pid)) => {
            let _ = tell(pid);
            settle(world, entry).await;
        }
        _ => not_there(world, name),
    }
}

fn not_there(world: &World, name: &str) {
    world.journal.note(format_args!("{name} is not there"));
}

/// Waits until a process has dealt with what it was sent; if it ended over it, until that was noted.
async fn settle(world: &World, entry: Entry) {
    let answered = match entry {
        Entry::Worker(pid) => pid.sync().await,
        Entry::Supervisor(pid) => pid.sync().await,
        Entry::Dynamic(pid) => pid.sync().await,
    };
    if answered.is_err() {
        world.await_gone(entry.id()).await;
    }
}

/// Does several things while a supervisor is kept busy by the start of a child.
async fn busy(world: &World, entry: Entry, deeds: &[Deed]) {
    let latch = Arc::new(Latch::default());
    let gate = Gate::child(latch.clone()).id("gate").restart(Restart::Temporary);
    let mut start: Pin<Box<dyn Future<Output = ()> + Send>> = match entry {
        Entry::Supervisor(pid) => Box::pin(async move { drop(Supervisor::start_child(&pid, gate).await) }),
        Entry::Dynamic(pid) => {
            Box::pin(async move { drop(DynamicSupervisor::start_child(&pid, gate).await) })
        }
        Entry::Worker(_) => return,
    };
    tokio::select! {
        () = &mut start => return world.journal.note("= not busy"),
        () = latch.entered.notified() => {}
    }
    let mut answers = Vec::new();
    for deed in deeds {
        match deed {
            Deed::Kill(name) => match world.living(name) {
                None => not_there(world, name),
                Some(child) => {
                    world.node.exit(child.id(), Exit::Kill);
                    world.await_gone(child.id()).await;
                }
            },
            Deed::Finish(name, reason) => {
                with_worker(world, name, |worker| worker.cast(Finish(reason.exit()))).await;
            }
            Deed::Ask(request) => answers.push(sent(ask(world.clone(), entry, request.clone())).await),
        }
    }
    latch.opened.notify_one();
    start.await;
    for answer in answers {
        world.journal.note(answer.await);
    }
}

/// A request that is on its way: polled once, as nothing is sent before.
async fn sent(
    request: impl Future<Output = String> + Send + 'static,
) -> Pin<Box<dyn Future<Output = String> + Send>> {
    let mut request: Pin<Box<dyn Future<Output = String> + Send>> = Box::pin(request);
    let first = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(answer) => Box::pin(std::future::ready(answer)),
        Poll::Pending => request,
    }
}

async fn ask(world: World, entry: Entry, request: Request) -> String {
    match entry {
        Entry::Supervisor(pid) => ask_supervisor(&world, pid, request).await,
        Entry::Dynamic(pid) => ask_dynamic(&world, pid, request).await,
        Entry::Worker(_) => "= no supervisor".to_owned(),
    }
}

async fn ask_supervisor(world: &World, pid: Pid<Supervisor>, request: Request) -> String {
    match request {
        Request::Start(Branch::Worker(spec)) => {
            started(world, Supervisor::start_child(&pid, worker(world, &spec)).await)
        }
        Request::Start(Branch::Supervisor(spec)) => {
            started(world, Supervisor::start_child(&pid, supervisor(world, &spec)).await)
        }
        Request::Start(Branch::Dynamic(spec)) => {
            started(world, Supervisor::start_child(&pid, dynamic(world, &spec)).await)
        }
        Request::Terminate(child) => done(world, Supervisor::terminate_child(&pid, child).await),
        Request::Restart(child) => started(world, Supervisor::restart_child(&pid, child).await),
        Request::Delete(child) => done(world, Supervisor::delete_child(&pid, child).await),
        Request::Which => which(world, Supervisor::which_children(&pid).await),
        Request::Count => count(world, Supervisor::count_children(&pid).await),
    }
}

async fn ask_dynamic(world: &World, pid: Pid<DynamicSupervisor>, request: Request) -> String {
    match request {
        Request::Start(Branch::Worker(spec)) => {
            started(world, DynamicSupervisor::start_child(&pid, worker(world, &spec)).await)
        }
        Request::Terminate(child) => match world.last(&child) {
            None => "= never started".to_owned(),
            Some(child) => match DynamicSupervisor::terminate_child(&pid, child.id()).await {
                // To Erlang the child of a dynamic supervisor is terminated if it is dead, whoever's it was (D5).
                Err(ChildError::NotFound) if !world.node.is_alive(child.id()) => done(world, Ok(())),
                terminated => done(world, terminated),
            },
        },
        Request::Which => {
            let mut children = DynamicSupervisor::which_children(&pid).await;
            if let Ok(children) = &mut children {
                children.iter_mut().for_each(|child| child.id = "child".to_owned());
                children.sort_by_key(|child| status(world, child.status));
            }
            which(world, children)
        }
        Request::Count => {
            let mut counted = DynamicSupervisor::count_children(&pid).await;
            if let Ok(counted) = &mut counted {
                // The one template of Erlang's, whatever the number of children (S31).
                counted.specs = 1;
            }
            count(world, counted)
        }
        Request::Start(_) | Request::Restart(_) | Request::Delete(_) => "= not offered".to_owned(),
    }
}

fn started<P: Into<ProcessId>>(world: &World, started: Result<P, ChildError>) -> String {
    match started {
        Ok(pid) => format!("= ok {}", world.badge(pid.into())),
        Err(error) => refusal(world, &error),
    }
}

fn done(world: &World, done: Result<(), ChildError>) -> String {
    done.map_or_else(|error| refusal(world, &error), |()| "= ok".to_owned())
}

fn refusal(world: &World, error: &ChildError) -> String {
    match error {
        ChildError::AlreadyStarted(pid) => format!("= already_started {}", world.badge(*pid)),
        ChildError::AlreadyPresent => "= already_present".to_owned(),
        ChildError::Running => "= running".to_owned(),
        ChildError::Restarting => "= restarting".to_owned(),
        ChildError::NotFound => "= not_found".to_owned(),
        ChildError::Start(StartError::Ignored) => "= ignored".to_owned(),
        ChildError::Start(error) => format!("= error {}", failure(error)),
        ChildError::Supervisor(error) => format!("= no answer: {}", call_failure(error)),
        other => format!("= {other}"),
    }
}

fn which(world: &World, children: Result<Vec<ChildInfo>, ChildError>) -> String {
    let kind = |kind| if kind == ChildKind::Supervisor { "supervisor" } else { "worker" };
    let line =
        |child: &ChildInfo| format!("{} {} {}", child.id, status(world, child.status), kind(child.kind));
    match children {
        Ok(children) => format!("= [{}]", children.iter().map(line).collect::<Vec<_>>().join(", ")),
        Err(error) => refusal(world, &error),
    }
}

fn status(world: &World, status: ChildStatus) -> String {
    match status {
        ChildStatus::Running(pid) => world.badge(pid),
        ChildStatus::Restarting => "restarting".to_owned(),
        ChildStatus::Stopped => "undefined".to_owned(),
    }
}

fn count(world: &World, count: Result<ChildCount, ChildError>) -> String {
    match count {
        Ok(ChildCount { specs, active, supervisors, workers, .. }) => {
            format!("= specs {specs} active {active} supervisors {supervisors} workers {workers}")
        }
        Err(error) => refusal(world, &error),
    }
}

fn stop_reply(stopped: Result<(), StopError>) -> String {
    match stopped {
        Ok(()) => "= ok".to_owned(),
        Err(StopError::NoProcess(_)) => "= noproc".to_owned(),
        Err(StopError::Exited(exit)) => format!("= ended {}", reason(&exit)),
        Err(other) => format!("= {other}"),
    }
}

/// Waits until nothing is under way any more.
async fn quiet(world: &World, top: &str) {
    loop {
        let mut met = Vec::new();
        let is_settled = match world.living(top) {
            Some(Entry::Supervisor(pid)) => walk(world, Entry::Supervisor(pid), &mut met).await,
            _ => true,
        };
        met.sort();
        if is_settled && met == world.alive() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Meets everybody from here down; false when somebody is being restarted or has gone meanwhile.
async fn walk(world: &World, from: Entry, met: &mut Vec<ProcessId>) -> bool {
    met.push(from.id());
    let children = match from {
        Entry::Worker(_) => return true,
        Entry::Supervisor(pid) => Supervisor::which_children(&pid).await,
        Entry::Dynamic(pid) => DynamicSupervisor::which_children(&pid).await,
    };
    let Ok(children) = children else { return false };
    for child in children {
        match child.status {
            ChildStatus::Stopped => {}
            ChildStatus::Restarting => return false,
            ChildStatus::Running(pid) => match world.entry(pid) {
                None => return false,
                Some(child) => {
                    if !Box::pin(walk(world, child, met)).await {
                        return false;
                    }
                }
            },
        }
    }
    true
}
