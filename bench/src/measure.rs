//! One measurement, in this process: its figure goes to standard output.

use std::{
    fs,
    future::Future,
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{
    peer::{Kameo, Peer, PeerName, Ractor, Throng, Tokio, countdown::Countdown},
    restarts::{self, Restarts},
    statistics::quantile,
    workload::{FEW_RESTARTS, MANY, MANY_RESTARTS, NAMES, READERS, Workload},
};

/// What a peer prints that has no such thing.
pub(crate) const NONE: &str = "none";

/// The share of the work that is done once before the clock starts.
const WARM_UP_DIVISOR: u64 = 20;

/// The allocator gives memory back with a delay; this is far beyond it.
const SETTLING_TIME: Duration = Duration::from_millis(200);

/// Measures and prints the figure, in the workload's unit.
pub(crate) fn run(peer: PeerName, workload: Workload, count: u64) -> ExitCode {
    let figure = match peer {
        PeerName::Throng => on_runtime(figure::<Throng>(workload, count)),
        PeerName::Tokio => on_runtime(figure::<Tokio>(workload, count)),
        PeerName::Ractor => on_runtime(figure::<Ractor>(workload, count)),
        PeerName::Kameo => on_runtime(figure::<Kameo>(workload, count)),
        PeerName::Beam => {
            eprintln!("error: the BEAM is measured by its escript");
            return ExitCode::FAILURE;
        }
    };
    match figure {
        Ok(figure) => {
            println!("{}", figure.map_or(NONE.to_owned(), |figure| figure.to_string()));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the measurement as a task, so that it sits on a worker as everything it measures does.
fn on_runtime(
    measurement: impl Future<Output = Result<Option<f64>, String>> + Send + 'static,
) -> Result<Option<f64>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let measured = runtime.block_on(runtime.spawn(measurement));
    // A million tasks need not be torn down one by one: the process ends anyway.
    std::mem::forget(runtime);
    measured.map_err(|error| format!("the measurement died: {error}"))?
}

async fn figure<P: Peer>(workload: Workload, count: u64) -> Result<Option<f64>, String> {
    match workload {
        Workload::Memory => return memory::<P>(count).await.map(Some),
        Workload::RestartMedian | Workload::RestartTail | Workload::RestartRate => {
            return Ok(restart_figure::<P>(workload, count).await);
        }
        _ => {}
    }
    let warm_up = count / WARM_UP_DIVISOR / MANY * MANY;
    if warm_up > 0 && workload.warms_up() {
        time::<P>(workload, warm_up).await;
    }
    let time = time::<P>(workload, count).await;
    Ok(time.map(|time| count as f64 / time.as_secs_f64()))
}

async fn time<P: Peer>(workload: Workload, count: u64) -> Option<Duration> {
    match workload {
        Workload::Spawn => P::spawn(count).await,
        Workload::Server => Some(P::server(count).await),
        Workload::PingPong => Some(P::ping_pong(count).await),
        Workload::Ring => Some(P::ring(count).await),
        Workload::Flood => Some(P::fan_in(1, count).await),
        Workload::FanIn => Some(P::fan_in(MANY, count).await),
        Workload::CallOne => Some(P::call(1, count).await),
        Workload::CallMany => Some(P::call(MANY, count).await),
        Workload::Lookup => Some(lookups::<P>(count).await),
        Workload::ServerBesideNames => {
            let _held = P::hold_names(&names()).await;
            Some(P::server(count).await)
        }
        Workload::Memory | Workload::RestartMedian | Workload::RestartTail | Workload::RestartRate => None,
    }
}

async fn restart_figure<P: Peer>(workload: Workload, count: u64) -> Option<f64> {
    restarts::silence_crashes();
    let before = if workload == Workload::RestartRate { MANY_RESTARTS } else { FEW_RESTARTS };
    let Restarts { each, all } = P::restarts(before, count).await;
    let each: Vec<f64> = each.iter().map(|time| time.as_nanos() as f64).collect();
    match workload {
        Workload::RestartMedian => quantile(&each, 0.5),
        Workload::RestartTail => quantile(&each, 0.99),
        _ => Some(count as f64 / all.as_secs_f64()),
    }
}

fn names() -> Vec<String> {
    (0..NAMES).map(|number| format!("name-{number}")).collect()
}

/// Looks names up from a few tasks at once, each in an order of its own.
///
/// The order is made beforehand, and each task reads its own copies from one end to the other, so that the time is the
/// registry's: who looks a name up has just been given it, and need not fetch it from memory.
async fn lookups<P: Peer>(count: u64) -> Duration {
    let names = names();
    let held = P::hold_names(&names).await;
    let done = Countdown::from(READERS);
    let orders: Vec<Vec<String>> = (1..=READERS).map(|reader| shuffled(&names, reader)).collect();
    let started = Instant::now();
    for order in orders {
        let (held, done) = (held.clone(), done.clone());
        tokio::spawn(async move {
            for name in order.iter().cycle().take((count / READERS) as usize) {
                assert!(P::is_found(&held, name), "{name} is held");
            }
            done.count();
        });
    }
    done.wait().await;
    started.elapsed()
}

/// Copies in a random order, the same each time for the same seed.
fn shuffled(names: &[String], seed: u64) -> Vec<String> {
    let mut order: Vec<&String> = names.iter().collect();
    let mut random = seed;
    for last in (1..order.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        order.swap(last, (random >> 33) as usize % (last + 1));
    }
    order.into_iter().cloned().collect()
}

/// The growth of resident memory for each idle server.
async fn memory<P: Peer>(count: u64) -> Result<f64, String> {
    let before = resident_bytes()?;
    let kept = P::idle_servers(count).await;
    tokio::time::sleep(SETTLING_TIME).await;
    let after = resident_bytes()?;
    let references = kept.capacity() * size_of::<P::Kept>();
    std::mem::forget(kept);
    Ok((after - before - references as f64) / count as f64)
}

fn resident_bytes() -> Result<f64, String> {
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("memory is read from /proc/self/status: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.ok_or("no VmRSS in /proc/self/status")? * 1024.0)
}
