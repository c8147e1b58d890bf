//! Trees and steps as the Erlang terms that the other side reads (pure).

use std::fmt;

use throng_runtime::{AutoShutdown, Shutdown};

use super::{Branch, Deed, DynamicSpec, Request, Step, Strategy, SupervisorSpec, WorkerSpec};
use crate::family::list;

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
        let (starts, significant) = (list(&starts), self.significant);
        write!(f, "{{worker,{name},{restart},{shutdown},{starts},{traps},{farewell},{significant}}}")
    }
}

impl fmt::Display for SupervisorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, intensity, significant, .. } = self;
        let (restart, shutdown) = (word(&self.restart), shutdown(self.shutdown));
        let auto_shutdown = match self.auto_shutdown {
            AutoShutdown::AnySignificant => "any_significant",
            AutoShutdown::AllSignificant => "all_significant",
            _ => "never",
        };
        let strategy = match self.strategy {
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
        };
        let children = list(&self.children);
        write!(
            f,
            "{{supervisor,{name},{strategy},{intensity},{auto_shutdown},{restart},{shutdown},{significant},{children}}}"
        )
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
