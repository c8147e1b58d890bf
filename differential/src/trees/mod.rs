//! Supervision trees and what is done to them: the model (pure).
//!
//! Every type prints as the Erlang term that the other side reads.

mod generator;
mod stage;
mod worker;
mod world;

use std::{collections::BTreeSet, fmt};

use throng_runtime::{Restart, Shutdown};

use crate::{
    dice::Dice,
    family::{Family, list},
    journal::Order,
    reason::Reason,
};

/// The children of one supervisor, and what is done with them, step by step.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    top: SupervisorSpec,
    steps: Vec<Step>,
}

/// A child: its name is its id.
#[derive(Clone, Debug)]
enum Branch {
    Worker(WorkerSpec),
    Supervisor(SupervisorSpec),
    Dynamic(DynamicSpec),
}

#[derive(Clone, Debug)]
struct WorkerSpec {
    name: String,
    restart: Restart,
    shutdown: Shutdown,
    /// What its first starts come to; all others succeed.
    starts: Vec<Outcome>,
    traps: bool,
    farewell: Farewell,
}

/// What a start comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Up,
    Fails,
    Panics,
    Ignores,
}

/// What `terminate` does; only those that trap exits do anything but note it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    Notes,
    /// Does not return when asked to shut down.
    Hangs,
    Panics,
}

#[derive(Clone, Debug)]
struct SupervisorSpec {
    name: String,
    strategy: Strategy,
    intensity: usize,
    restart: Restart,
    shutdown: Shutdown,
    children: Vec<Branch>,
}

#[derive(Clone, Copy, Debug)]
enum Strategy {
    OneForOne,
    OneForAll,
    RestForOne,
}

/// A dynamic supervisor; on the BEAM that is `simple_one_for_one`, whose children are all of one kind.
#[derive(Clone, Debug)]
struct DynamicSpec {
    name: String,
    intensity: usize,
    restart: Restart,
    shutdown: Shutdown,
    children_restart: Restart,
    children_shutdown: Shutdown,
}

/// One thing that is done; then all is waited for that comes of it.
#[derive(Clone, Debug)]
enum Step {
    /// A worker stops itself.
    Finish(String, Reason),
    /// A worker panics.
    Panic(String),
    /// A stranger asks a worker or a supervisor to exit.
    Exit(String, Reason),
    /// A supervisor is asked something.
    Ask(String, Request),
    /// While a supervisor is busy, several things happen, in this order; it learns of them afterwards.
    Busy(String, Vec<Deed>),
    /// A supervisor is stopped as any server is.
    Stop(String, Reason),
    /// The process that started the topmost supervisor ends.
    ParentExit(Reason),
}

#[derive(Clone, Debug)]
enum Deed {
    Kill(String),
    Finish(String, Reason),
    Ask(Request),
}

#[derive(Clone, Debug)]
enum Request {
    Start(Branch),
    Terminate(String),
    Restart(String),
    Delete(String),
    Which,
    Count,
}

impl Family for Trees {
    const NAME: &'static str = "trees";

    fn generate(dice: &mut Dice) -> Self {
        generator::generate(dice)
    }

    fn term(&self) -> String {
        format!("{{{},{}}}", self.top, list(&self.steps))
    }

    fn steps(&self) -> Vec<String> {
        std::iter::once("the tree starts".to_owned()).chain(self.steps.iter().map(Step::to_string)).collect()
    }

    fn without_step(&self, step: usize) -> Option<Self> {
        let mut less = self.clone();
        (1..=less.steps.len()).contains(&step).then(|| less.steps.remove(step - 1))?;
        Some(less)
    }

    async fn play(&self, journal: crate::journal::Journal) {
        stage::play(self, journal).await;
    }

    fn order(&self) -> impl Fn(&[&str], &str) -> Order {
        let ordered = !self.has_orphans();
        let mut workers = Vec::new();
        self.top.workers(&mut workers);
        self.steps.iter().for_each(|step| step.workers(&mut workers));
        let untrapped: BTreeSet<String> =
            workers.iter().filter(|worker| !worker.traps).map(|worker| worker.name.clone()).collect();
        let dynamic: BTreeSet<String> =
            self.steps.iter().flat_map(|step| step.started_by_dynamic()).collect();
        move |_, line| {
            let name = line.split(['#', ' ']).next().unwrap_or_default();
            if line.ends_with(" terminate shutdown") && untrapped.contains(name) {
                // G19: Throng's servers get `terminate` on a supervisor's shutdown without trapping exits, on purpose.
                Order::Ignored
            } else if line.starts_with("= ") {
                // An answer comes after what it is about, and at any time among what comes of that.
                Order::Among("answers".to_owned())
            } else if line.contains(" down ") || dynamic.contains(name) || !ordered {
                // Observers learn of two ends in any order; dynamic children stop all at once (D6); what a killed
                // supervisor leaves behind ends on its own while others start.
                Order::Free
            } else {
                Order::Sequence
            }
        }
    }
}

impl Trees {
    /// Whether a supervisor with children is killed in it.
    fn has_orphans(&self) -> bool {
        let is_supervisor = |name: &str| name.starts_with('s') || name.starts_with('d');
        let kills = |step: &Step| matches!(step, Step::Exit(name, Reason::Kill) if is_supervisor(name));
        let started = self.steps.iter().flat_map(Step::started);
        self.steps.iter().any(kills) || self.top.children.iter().chain(started).any(Branch::is_killed_to_stop)
    }
}

impl Branch {
    fn name(&self) -> &str {
        match self {
            Self::Worker(WorkerSpec { name, .. })
            | Self::Supervisor(SupervisorSpec { name, .. })
            | Self::Dynamic(DynamicSpec { name, .. }) => name,
        }
    }

    fn workers<'a>(&'a self, into: &mut Vec<&'a WorkerSpec>) {
        match self {
            Self::Worker(worker) => into.push(worker),
            Self::Supervisor(supervisor) => supervisor.workers(into),
            Self::Dynamic(_) => {}
        }
    }

    /// Whether it is a supervisor, or holds one, that its own kills to stop it.
    fn is_killed_to_stop(&self) -> bool {
        match self {
            Self::Worker(_) => false,
            Self::Supervisor(supervisor) => {
                supervisor.shutdown == Shutdown::Kill
                    || supervisor.children.iter().any(Self::is_killed_to_stop)
            }
            Self::Dynamic(dynamic) => dynamic.shutdown == Shutdown::Kill,
        }
    }
}

impl SupervisorSpec {
    fn workers<'a>(&'a self, into: &mut Vec<&'a WorkerSpec>) {
        self.children.iter().for_each(|child| child.workers(into));
    }
}

impl Step {
    /// What a supervisor is asked to start.
    fn started(&self) -> Vec<&Branch> {
        let requests: Vec<&Request> = match self {
            Self::Ask(_, request) => vec![request],
            Self::Busy(_, deeds) => deeds.iter().filter_map(Deed::request).collect(),
            _ => Vec::new(),
        };
        requests
            .into_iter()
            .filter_map(|request: &Request| match request {
                Request::Start(branch) => Some(branch),
                _ => None,
            })
            .collect()
    }

    fn workers<'a>(&'a self, into: &mut Vec<&'a WorkerSpec>) {
        self.started().into_iter().for_each(|branch| branch.workers(into));
    }

    /// The workers that a dynamic supervisor is asked to start.
    fn started_by_dynamic(&self) -> Vec<String> {
        let (Self::Ask(asked, _) | Self::Busy(asked, _)) = self else { return Vec::new() };
        let mut workers = Vec::new();
        if asked.starts_with('d') {
            self.workers(&mut workers);
        }
        workers.into_iter().map(|worker| worker.name.clone()).collect()
    }
}

impl Deed {
    fn request(&self) -> Option<&Request> {
        match self {
            Self::Ask(request) => Some(request),
            Self::Kill(_) | Self::Finish(..) => None,
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(worker) => worker.fmt(f),
            Self::Supervisor(supervisor) => supervisor.fmt(f),
            Self::Dynamic(dynamic) => dynamic.fmt(f),
        }
    }
}

impl fmt::Display for WorkerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = self.starts.iter().map(word).collect::<Vec<_>>();
        let (name, traps, farewell) = (&self.name, self.traps, word(&self.farewell));
        let (restart, shutdown) = (word(&self.restart), shutdown(self.shutdown));
        write!(f, "{{worker,{name},{restart},{shutdown},{},{traps},{farewell}}}", list(&starts))
    }
}

impl fmt::Display for SupervisorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, intensity, .. } = self;
        let (restart, shutdown) = (word(&self.restart), shutdown(self.shutdown));
        let strategy = match self.strategy {
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
        };
        let children = list(&self.children);
        write!(f, "{{supervisor,{name},{strategy},{intensity},{restart},{shutdown},{children}}}")
    }
}

impl fmt::Display for DynamicSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, intensity, .. } = self;
        let (own, own_shutdown) = (word(&self.restart), shutdown(self.shutdown));
        let (theirs, their_shutdown) = (word(&self.children_restart), shutdown(self.children_shutdown));
        write!(f, "{{dynamic,{name},{intensity},{own},{own_shutdown},{theirs},{their_shutdown}}}")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finish(name, reason) => write!(f, "{{finish,{name},{reason}}}"),
            Self::Panic(name) => write!(f, "{{panic,{name}}}"),
            Self::Exit(name, reason) => write!(f, "{{exit,{name},{reason}}}"),
            Self::Ask(name, request) => write!(f, "{{ask,{name},{request}}}"),
            Self::Busy(name, deeds) => write!(f, "{{busy,{name},{}}}", list(deeds)),
            Self::Stop(name, reason) => write!(f, "{{stop,{name},{reason}}}"),
            Self::ParentExit(reason) => write!(f, "{{parent_exit,{reason}}}"),
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(name) => write!(f, "{{kill,{name}}}"),
            Self::Finish(name, reason) => write!(f, "{{finish,{name},{reason}}}"),
            Self::Ask(request) => write!(f, "{{ask,{request}}}"),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(branch) => write!(f, "{{start,{branch}}}"),
            Self::Terminate(name) => write!(f, "{{terminate,{name}}}"),
            Self::Restart(name) => write!(f, "{{restart,{name}}}"),
            Self::Delete(name) => write!(f, "{{delete,{name}}}"),
            Self::Which => f.write_str("which"),
            Self::Count => f.write_str("count"),
        }
    }
}

/// The name of a variant as an Erlang atom.
fn word(variant: &impl fmt::Debug) -> String {
    format!("{variant:?}").to_lowercase()
}

fn shutdown(shutdown: Shutdown) -> String {
    match shutdown {
        Shutdown::Kill => "brutal_kill".to_owned(),
        Shutdown::After(grace) => grace.as_millis().to_string(),
        Shutdown::Infinity => "infinity".to_owned(),
    }
}
