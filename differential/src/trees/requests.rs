//! Requests to supervisors on Throng, and the words of their answers.

use std::sync::Arc;

use throng_runtime::{
    ChildCount, ChildError, ChildInfo, ChildKind, ChildSpec, ChildStatus, DynamicSupervisor, GenServer, Pid,
    ProcessId, StartError, StopError, Supervisor, Via,
};

use super::{
    Branch, DynamicSpec, Request, Strategy, SupervisorSpec, WorkerSpec,
    worker::Worker,
    world::{Door, Entry, World},
};
use crate::{
    family::PERIOD,
    reason::{call_failure, failure, reason},
};

pub(super) async fn ask(world: World, entry: Entry, request: Request) -> String {
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

pub(super) fn stop_reply(stopped: Result<(), StopError>) -> String {
    match stopped {
        Ok(()) => "= ok".to_owned(),
        Err(StopError::NoProcess(_)) => "= noproc".to_owned(),
        Err(StopError::Exited(exit)) => format!("= ended {}", reason(&exit)),
        Err(other) => format!("= {other}"),
    }
}

/// What a child is started from.
pub(super) fn supervisor(world: &World, spec: &SupervisorSpec) -> ChildSpec<Supervisor> {
    let empty = match spec.strategy {
        Strategy::OneForOne => Supervisor::one_for_one(spec.name.clone()),
        Strategy::OneForAll => Supervisor::one_for_all(spec.name.clone()),
        Strategy::RestForOne => Supervisor::rest_for_one(spec.name.clone()),
    };
    let door = Door { world: world.clone(), name: spec.name.clone(), entry: Entry::Supervisor };
    let empty =
        empty.max_restarts(spec.intensity, PERIOD).auto_shutdown(spec.auto_shutdown).via(Via::new(door));
    let tree = spec.children.iter().fold(empty, |tree, child| match child {
        Branch::Worker(child) => tree.child(worker(world, child)),
        Branch::Supervisor(child) => tree.child(supervisor(world, child)),
        Branch::Dynamic(child) => tree.child(dynamic(world, child)),
    });
    weighed(tree.restart(spec.restart).shutdown(spec.shutdown), spec.significant)
}

fn weighed<S: GenServer>(child: ChildSpec<S>, is_significant: bool) -> ChildSpec<S> {
    if is_significant { child.significant() } else { child }
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
    let child = Worker::child((world.clone(), Arc::new(spec.clone())));
    let child = child.id(spec.name.clone()).restart(spec.restart).shutdown(spec.shutdown);
    weighed(child, spec.significant)
}
