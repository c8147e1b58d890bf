//! The comparison: every measurement in a fresh process, the peers in turn, round after round.

use std::{
    env,
    io::{self, Read},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    cli::Options,
    measure,
    peer::{PeerName, beam},
    statistics::{Spread, human},
    table::{Cell, Table},
    workload::{Unit, Workload},
};

/// The longest one measurement may take; the slowest take about half a minute.
const LIMIT: Duration = Duration::from_secs(180);

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Measures all that was asked for and prints the table. Progress goes to standard error.
pub(crate) fn run(options: &Options) -> ExitCode {
    let peers: Vec<PeerName> =
        PeerName::ALL.into_iter().filter(|peer| *peer != PeerName::Beam || beam::is_installed()).collect();
    let mut table = Table::new(peers.iter().map(|peer| peer.label()).collect());
    let mut failures = Vec::new();
    for workload in &options.workloads {
        let cells = row(*workload, &peers, options, &mut failures);
        table.push(workload.label(), workload.unit() != Unit::PerSecond, cells);
    }
    println!("{table}");
    println!(
        "\nMedians of {} rounds (lowest to highest); ×: Throng's median divided by the peer's.",
        options.rounds
    );
    for failure in &failures {
        eprintln!("error: {failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(workload: Workload, peers: &[PeerName], options: &Options, failures: &mut Vec<String>) -> Vec<Cell> {
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    let mut failed = vec![false; peers.len()];
    for round in 1..=options.rounds {
        for (index, peer) in peers.iter().enumerate() {
            if failed[index] {
                continue;
            }
            let name = format!("{}, {}, round {round}", workload.label(), peer.label());
            match measured(*peer, workload, workload.count(options.quick)) {
                Ok(Some(figure)) => {
                    eprintln!("{name}: {}", human(figure));
                    samples[index].push(figure);
                }
                Ok(None) => {}
                Err(why) => {
                    failures.push(format!("{name}: {why}"));
                    failed[index] = true;
                }
            }
        }
    }
    let cells = samples.iter().zip(failed);
    cells.map(|(samples, failed)| if failed { Cell::Failed } else { Cell::of(Spread::of(samples)) }).collect()
}

/// One measurement in a fresh process; `None` when the peer has no such thing.
fn measured(peer: PeerName, workload: Workload, count: u64) -> Result<Option<f64>, String> {
    let mut child = command(peer, workload, count)
        .and_then(|mut command| command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn())
        .map_err(|error| format!("cannot start: {error}"))?;
    let ended = wait(&mut child);
    if !matches!(ended, Ok(true)) {
        // It may have ended by itself meanwhile; either way it is reaped.
        let _ = child.kill();
        let _ = child.wait();
    }
    match ended {
        Ok(true) => figure_of(&mut child),
        Ok(false) => Err(format!("no result after {LIMIT:?}")),
        Err(error) => Err(format!("cannot wait: {error}")),
    }
}

fn command(peer: PeerName, workload: Workload, count: u64) -> io::Result<Command> {
    if peer == PeerName::Beam {
        return Ok(beam::command(workload, count));
    }
    let mut command = Command::new(env::current_exe()?);
    command.args(["measure", peer.word(), workload.id(), &count.to_string()]);
    Ok(command)
}

/// Whether the child ended before the limit. Its one line of output fits into the pipe.
fn wait(child: &mut Child) -> io::Result<bool> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(false)
}

fn figure_of(child: &mut Child) -> Result<Option<f64>, String> {
    let status = child.wait().map_err(|error| format!("cannot wait: {error}"))?;
    if !status.success() {
        return Err(format!("ended with {status}"));
    }
    let mut output = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut output).map_err(|error| format!("cannot read: {error}"))?;
    }
    match output.trim() {
        measure::NONE => Ok(None),
        figure => figure.parse().map(Some).map_err(|_| format!("printed `{figure}`")),
    }
}
