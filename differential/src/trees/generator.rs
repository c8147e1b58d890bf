//! Trees and scripts from a seed (pure).

use std::time::Duration;

use throng_runtime::{Restart, Shutdown};

use super::{
    Branch, Deed, DynamicSpec, Farewell, Outcome, Request, Step, Strategy, SupervisorSpec, Trees, WorkerSpec,
};
use crate::{dice::Dice, reason::Reason};

/// At most so many children in all, at the start.
const CHILDREN_MAX: usize = 12;
/// Supervisors within supervisors, at most so deep.
const DEPTH_MAX: usize = 3;
/// What a child that hangs in `terminate` is given.
const GRACE: Duration = Duration::from_millis(20);
/// What is never reached.
const LONG: Duration = Duration::from_secs(60);

pub(super) fn generate(dice: &mut Dice) -> Trees {
    let mut nursery = Nursery { dice, names: 0, left: CHILDREN_MAX, known: Vec::new() };
    let top = nursery.supervisor(1, Restart::Permanent, Shutdown::Infinity);
    let steps = nursery.dice.between(4, 14);
    let mut script: Vec<Step> = (0..steps).map(|_| nursery.step()).collect();
    script.push(nursery.last());
    Trees { top, steps: script }
}

/// Makes children, and remembers whom it made.
struct Nursery<'a> {
    dice: &'a mut Dice,
    names: usize,
    left: usize,
    known: Vec<Known>,
}

/// Somebody with a name, who was in the tree at some time.
#[derive(Clone)]
struct Known {
    /// Its supervisor; none of the topmost.
    parent: Option<String>,
    branch: Branch,
}

impl Nursery<'_> {
    fn name(&mut self, kind: char) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    fn supervisor(&mut self, depth: usize, restart: Restart, shutdown: Shutdown) -> SupervisorSpec {
        use Strategy::{OneForAll, OneForOne, RestForOne};
        let name = self.name('s');
        let strategy = self.dice.one_of([OneForOne, OneForAll, RestForOne]);
        let intensity = self.dice.one_of([0, 1, 2, 2, 3, 3, 4, 6]);
        let wanted = self.dice.between(usize::from(depth == 1), 4);
        let mut children = Vec::new();
        for _ in 0..wanted.min(self.left) {
            self.left = self.left.saturating_sub(1);
            let child = self.branch(depth);
            self.known.push(Known { parent: Some(name.clone()), branch: child.clone() });
            children.push(child);
        }
        let made = SupervisorSpec { name, strategy, intensity, restart, shutdown, children };
        if depth == 1 {
            self.known.push(Known { parent: None, branch: Branch::Supervisor(made.clone()) });
        } else if self.dice.chance(1) && !made.children.is_empty() {
            // Two children of one id: the supervisor does not start (S3).
            let mut twice = made;
            twice.children.push(twice.children[0].clone());
            return twice;
        }
        made
    }

    fn branch(&mut self, depth: usize) -> Branch {
        let restart = self.restart();
        let shutdown = if self.dice.chance(4) { Shutdown::Kill } else { self.patience() };
        match self.dice.roll(100) {
            0..25 if depth < DEPTH_MAX => Branch::Supervisor(self.supervisor(depth + 1, restart, shutdown)),
            25..35 => Branch::Dynamic(self.dynamic(restart, shutdown)),
            _ => Branch::Worker(self.worker()),
        }
    }

    fn dynamic(&mut self, restart: Restart, shutdown: Shutdown) -> DynamicSpec {
        let (children_restart, children_shutdown) = (self.restart(), self.child_shutdown());
        let intensity = self.dice.one_of([0, 1, 2, 3, 5]);
        let name = self.name('d');
        DynamicSpec { name, intensity, restart, shutdown, children_restart, children_shutdown }
    }

    fn worker(&mut self) -> WorkerSpec {
        let (restart, shutdown, traps) = (self.restart(), self.child_shutdown(), self.dice.chance(65));
        let starts = self.starts();
        let farewell = self.farewell(traps, shutdown);
        WorkerSpec { name: self.name('w'), restart, shutdown, starts, traps, farewell }
    }

    /// The first start seldom fails, or hardly a tree would come to be.
    fn starts(&mut self) -> Vec<Outcome> {
        use Outcome::{Fails, Ignores, Panics, Up};
        let first = match self.dice.roll(100) {
            0 => Fails,
            1 => Panics,
            2..6 => Ignores,
            _ => Up,
        };
        let others = if self.dice.chance(35) { self.dice.between(1, 3) } else { 0 };
        let rest = (0..others).map(|_| self.dice.one_of([Up, Up, Fails, Fails, Panics, Ignores]));
        std::iter::once(first).chain(rest).collect()
    }

    /// Who hangs needs to be given little time; who does not trap exits does nothing at the end on the BEAM.
    fn farewell(&mut self, traps: bool, shutdown: Shutdown) -> Farewell {
        let may_hang = shutdown == Shutdown::After(GRACE) || shutdown == Shutdown::Kill;
        match self.dice.roll(100) {
            0..50 if traps && may_hang => Farewell::Hangs,
            50..60 if traps => Farewell::Panics,
            _ => Farewell::Notes,
        }
    }

    fn restart(&mut self) -> Restart {
        use Restart::{Permanent, Temporary, Transient};
        self.dice.one_of([Permanent, Permanent, Permanent, Transient, Transient, Temporary])
    }

    fn patience(&mut self) -> Shutdown {
        self.dice.one_of([Shutdown::Infinity, Shutdown::Infinity, Shutdown::After(LONG)])
    }

    fn child_shutdown(&mut self) -> Shutdown {
        match self.dice.roll(100) {
            0..8 => Shutdown::After(GRACE),
            8..20 => Shutdown::Kill,
            _ => self.patience(),
        }
    }

    /// Reasons that a process ends itself with.
    fn own_reason(&mut self) -> Reason {
        use Reason::{Boom, Kill, Normal, Shutdown, ShutdownWith};
        self.dice.one_of([Normal, Normal, Shutdown, ShutdownWith, Boom, Boom, Boom, Kill])
    }

    /// Reasons that a stranger asks with.
    fn asked_reason(&mut self) -> Reason {
        use Reason::{Boom, Kill, Normal, Shutdown, ShutdownWith};
        self.dice.one_of([Normal, Shutdown, ShutdownWith, Boom, Kill, Kill])
    }
}

/// Scripts.
impl Nursery<'_> {
    fn step(&mut self) -> Step {
        match self.dice.roll(100) {
            0..20 => self.with_worker(|nursery, worker| {
                Step::Finish(worker.name.clone(), nursery.finish_reason(&worker))
            }),
            20..28 => self.with_worker(|_, worker| Step::Panic(worker.name)),
            28..42 => self.with_worker(|nursery, worker| Step::Exit(worker.name, nursery.asked_reason())),
            42..46 => self.exit_of_a_supervisor(),
            46..76 => {
                let supervisor = self.a_supervisor();
                let request = self.request(&supervisor);
                Step::Ask(supervisor.name().to_owned(), request)
            }
            76..92 => self.busy(),
            92..96 => {
                let supervisor = self.a_supervisor();
                let reason = self.dice.one_of([Reason::Normal, Reason::Shutdown, Reason::Boom]);
                Step::Stop(supervisor.name().to_owned(), reason)
            }
            _ => Step::Ask(self.a_supervisor().name().to_owned(), Request::Which),
        }
    }

    /// However the script went, the tree ends.
    fn last(&mut self) -> Step {
        use Reason::{Boom, Normal, Shutdown};
        let reason = self.dice.one_of([Normal, Shutdown, Boom]);
        if self.dice.chance(50) {
            return Step::ParentExit(reason);
        }
        let top = self.known.iter().find(|known| known.parent.is_none());
        Step::Stop(top.map(|known| known.branch.name().to_owned()).unwrap_or_default(), reason)
    }

    fn with_worker(&mut self, make: impl FnOnce(&mut Self, WorkerSpec) -> Step) -> Step {
        let workers = self.workers(|_| true);
        match self.dice.pick(&workers).cloned() {
            Some(worker) => make(self, worker),
            None => Step::Ask(self.a_supervisor().name().to_owned(), Request::Count),
        }
    }

    fn workers(&self, is_wanted: impl Fn(&Known) -> bool) -> Vec<WorkerSpec> {
        let worker = |known: &Known| match &known.branch {
            Branch::Worker(worker) if is_wanted(known) => Some(worker.clone()),
            _ => None,
        };
        self.known.iter().filter_map(worker).collect()
    }

    fn finish_reason(&mut self, worker: &WorkerSpec) -> Reason {
        match self.own_reason() {
            // It would hang without a supervisor that has asked it.
            Reason::Shutdown if worker.farewell == Farewell::Hangs => Reason::Normal,
            reason => reason,
        }
    }

    fn a_supervisor(&mut self) -> Branch {
        let is_supervisor = |known: &&Known| !matches!(known.branch, Branch::Worker(_));
        let all: Vec<Branch> =
            self.known.iter().filter(is_supervisor).map(|known| known.branch.clone()).collect();
        let dynamic: Vec<Branch> =
            all.iter().filter(|branch| matches!(branch, Branch::Dynamic(_))).cloned().collect();
        let from = if !dynamic.is_empty() && self.dice.chance(40) { dynamic } else { all };
        self.dice.pick(&from).cloned().unwrap_or_else(|| unreachable!("the topmost is known"))
    }

    /// A kill leaves orphans behind; one that hangs at its end would do so for ever.
    fn exit_of_a_supervisor(&mut self) -> Step {
        let supervisor = self.a_supervisor();
        let reason = match self.asked_reason() {
            Reason::Kill if self.dice.chance(60) => Reason::Boom,
            reason => reason,
        };
        Step::Exit(supervisor.name().to_owned(), reason)
    }

    fn request(&mut self, supervisor: &Branch) -> Request {
        if let Branch::Dynamic(dynamic) = supervisor {
            return self.dynamic_request(dynamic);
        }
        let children = self.children(supervisor.name());
        let child = self.dice.pick(&children).map_or("nobody".to_owned(), |child| child.name().to_owned());
        match self.dice.roll(100) {
            0..25 => Request::Start(self.new_or_known(supervisor.name(), &children)),
            25..50 => Request::Terminate(child),
            50..75 => Request::Restart(child),
            75..90 => Request::Delete(child),
            90..95 => Request::Which,
            _ => Request::Count,
        }
    }

    fn dynamic_request(&mut self, dynamic: &DynamicSpec) -> Request {
        let children = self.children(&dynamic.name);
        match self.dice.pick(&children) {
            Some(child) if self.dice.chance(25) => Request::Terminate(child.name().to_owned()),
            _ if self.dice.chance(10) => Request::Which,
            _ if self.dice.chance(10) => Request::Count,
            _ => {
                let mut worker = self.worker();
                (worker.restart, worker.shutdown) = (dynamic.children_restart, dynamic.children_shutdown);
                // Erlang keeps a child without a process when a restart has nothing to do; Elixir, and Throng, forget it (D4).
                worker.starts.iter_mut().skip(1).for_each(|outcome| {
                    *outcome = if *outcome == Outcome::Ignores { Outcome::Fails } else { *outcome };
                });
                worker.farewell = self.farewell(worker.traps, worker.shutdown);
                self.remember(&dynamic.name, Branch::Worker(worker))
            }
        }
    }

    fn new_or_known(&mut self, supervisor: &str, children: &[Branch]) -> Branch {
        match self.dice.pick(children) {
            Some(known) if self.dice.chance(30) => known.clone(),
            _ => {
                self.left = 3;
                let branch = self.branch(DEPTH_MAX - 1);
                match self.remember(supervisor, branch) {
                    Request::Start(branch) => branch,
                    _ => unreachable!("that is what it makes"),
                }
            }
        }
    }

    fn remember(&mut self, supervisor: &str, branch: Branch) -> Request {
        self.known.push(Known { parent: Some(supervisor.to_owned()), branch: branch.clone() });
        Request::Start(branch)
    }

    fn children(&self, supervisor: &str) -> Vec<Branch> {
        let is_child = |known: &&Known| known.parent.as_deref() == Some(supervisor);
        self.known.iter().filter(is_child).map(|known| known.branch.clone()).collect()
    }

    /// Several children end, and things are asked, before the supervisor learns of any of it.
    fn busy(&mut self) -> Step {
        let supervisor = self.a_supervisor();
        let name = supervisor.name().to_owned();
        let deeds = self.dice.between(2, 4);
        let deeds = (0..deeds).map(|_| {
            let workers = self.workers(|known| known.parent.as_ref() == Some(&name));
            match self.dice.pick(&workers).cloned() {
                Some(worker) if self.dice.chance(30) => Deed::Kill(worker.name),
                Some(worker) if self.dice.chance(30) => {
                    let reason = self.finish_reason(&worker);
                    Deed::Finish(worker.name, reason)
                }
                _ => match (self.request(&supervisor), &supervisor) {
                    // A dead child that it has not heard of is active to Erlang's dynamic supervisor, and to no other (S31).
                    (Request::Count, Branch::Dynamic(_)) => Deed::Ask(Request::Which),
                    (request, _) => Deed::Ask(request),
                },
            }
        });
        let deeds = deeds.collect();
        Step::Busy(name, deeds)
    }
}
