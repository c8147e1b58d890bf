//! A tree played on Throng.
//!
//! After each step all is waited for that comes of it: the tree is walked from the top, by asking each supervisor for its
//! children, until nobody is being restarted and those in the tree are those who are alive. What ended and what is told of
//! an end reaches a supervisor before the walk does, so nothing is waited for by time.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use throng_runtime::{
    Address, ChildStatus, DynamicSupervisor, Exit, GenServer, Pid, ProcessId, Restart, Supervisor,
};

use super::{
    Deed, Step, Trees,
    requests::{ask, stop_reply, supervisor},
    worker::{Finish, Gate, Latch, Panic, Worker},
    world::{Entry, World},
};
use crate::{
    journal::Journal,
    parent::{Begin, End, Parent},
    reason::{call_failure, failure},
};

pub(super) async fn play(scenario: &Trees, journal: Journal) {
    let world = World::new(journal);
    let top = &scenario.top.name;
    world.journal.begin_step(0);
    let parent = match Parent::start(&world.node).await {
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
            let _ = parent.cast(End(reason.exit()));
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
