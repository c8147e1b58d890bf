//! Turns played on Throng.
//!
//! After each turn all is waited for that comes of it: each actor answers, and none that did not was alive or is waited for
//! by somebody else, in rounds, until nobody ended in one. A process tells its links of its end before it tells its
//! monitors, so whoever is known to have ended has told its links.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use throng_runtime::{Address, GenServer, Node, ProcessId};

use super::{
    Actors,
    actor::{Actor, ActorPid, Outstanding, Play},
};
use crate::{journal::Journal, reason::reason};

/// Everybody by name; clones are the same.
#[derive(Clone)]
pub(super) struct Cast {
    pub(super) journal: Journal,
    pids: Arc<OnceLock<HashMap<String, ActorPid>>>,
    /// Those whose end has been noted.
    gone: Arc<Mutex<HashSet<String>>>,
}

impl Cast {
    pub(super) fn pid(&self, name: &str) -> ActorPid {
        match self.pids.get().and_then(|pids| pids.get(name)) {
            Some(pid) => *pid,
            None => panic!("nobody is called {name}"),
        }
    }

    pub(super) fn name(&self, id: Option<ProcessId>) -> String {
        let mut all = self.pids.get().into_iter().flatten();
        let known = all.find(|(_, pid)| Some(pid.id()) == id);
        known.map_or("a stranger".to_owned(), |(name, _)| name.clone())
    }

    fn is_gone(&self, name: &str) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    async fn await_gone(&self, name: &str) {
        while !self.is_gone(name) {
            tokio::task::yield_now().await;
        }
    }
}

impl fmt::Debug for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cast").finish_non_exhaustive()
    }
}

pub(super) async fn play(scenario: &Actors, journal: Journal) {
    journal.begin_step(0);
    let cast = Cast { journal, pids: Arc::default(), gone: Arc::default() };
    let node = Node::new("differential");
    let mut pids = HashMap::new();
    for spec in &scenario.actors {
        let actor = Actor::child((cast.clone(), spec.name.clone(), spec.traps));
        let Ok(pid) = node.start(actor).await else { return cast.journal.note("no start") };
        let ended = node.wait(pid);
        pids.insert(spec.name.clone(), pid);
        let (cast, name) = (cast.clone(), spec.name.clone());
        tokio::spawn(async move {
            let exit = ended.await;
            cast.journal.note(format_args!("{name} ended {}", reason(&exit)));
            cast.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        });
    }
    // Nobody else sets it.
    let _ = cast.pids.set(pids);
    for (at, turn) in scenario.turns.iter().enumerate() {
        cast.journal.begin_step(at + 1);
        if cast.is_gone(&turn.actor) {
            cast.journal.note(format_args!("{} is not there", turn.actor));
        } else if cast.pid(&turn.actor).call(Play(turn.acts.clone())).no_timeout().await.is_err() {
            cast.await_gone(&turn.actor).await;
        }
        while !round(&cast, scenario).await {}
    }
}

/// Whether nobody ended in it, and nobody has yet to hear of an end.
async fn round(cast: &Cast, scenario: &Actors) -> bool {
    let alive: Vec<&str> =
        scenario.actors.iter().map(|spec| &*spec.name).filter(|name| !cast.is_gone(name)).collect();
    let mut outstanding = Vec::new();
    for name in &alive {
        match cast.pid(name).call(Outstanding).no_timeout().await {
            Ok(names) => outstanding.extend(names),
            Err(_) => cast.await_gone(name).await,
        }
    }
    !alive.iter().any(|name| cast.is_gone(name)) && !outstanding.iter().any(|name| cast.is_gone(name))
}
