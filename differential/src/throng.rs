//! Scenarios played on Throng, one after the other.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::{family::Family, journal::Journal};

/// A scenario that has not become quiet by then never will.
const LIMIT: Duration = Duration::from_secs(30);

/// The journals of all scenarios.
pub(crate) fn play<F: Family>(scenarios: &[F]) -> Vec<Vec<String>> {
    // Crashes are what this is about; nobody needs to be told of each.
    let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default());
    scenarios.iter().map(play_one).collect()
}

/// In a runtime of its own, which takes along what the scenario left behind.
fn play_one(scenario: &impl Family) -> Vec<String> {
    let journal = Journal::default();
    let runtime = runtime();
    runtime.block_on(async {
        if tokio::time::timeout(LIMIT, scenario.play(journal.clone())).await.is_err() {
            journal.note("not quiet in time");
        }
    });
    // Before what the scenario left behind ends with the runtime.
    let lines = journal.lines();
    runtime.shutdown_background();
    lines
}

fn runtime() -> Runtime {
    let built = Builder::new_multi_thread().worker_threads(2).enable_time().build();
    built.unwrap_or_else(|error| panic!("no runtime: {error}"))
}
