//! The comparison: a fresh server and a fresh generator for every run, the peers in turn, round after round.

use std::{
    env,
    io::Read,
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};

use super::{
    cli::Options,
    row::Run,
    server::{Peer, Server},
};
use crate::{
    statistics::Spread,
    table::{Cell, Table},
};

/// The longest one run of the generator may take: it has bounds of its own below this.
const LIMIT: Duration = Duration::from_secs(400);

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Measures all that was asked for; prints a line of JSON for each run and then the table. Progress goes to standard error.
pub(super) fn run(options: &Options) -> ExitCode {
    let peers: Vec<Peer> = options.peers.iter().copied().filter(|peer| peer.is_installed()).collect();
    let mut table = Table::new(peers.iter().map(|peer| peer.label()).collect());
    let mut failures = Vec::new();
    for run in &options.runs {
        let lines = measure(run, &peers, options, &mut failures);
        for row in run.rows {
            let cells = lines.iter().map(|lines| cell(lines, row.figure, row.unit)).collect();
            table.push(row.label, row.less_is_better, cells);
        }
    }
    println!("\n{table}");
    println!(
        "\nMedians of {} rounds (lowest to highest); ×: Throng's median divided by the peer's.",
        options.rounds
    );
    for failure in &failures {
        eprintln!("error: {failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The lines of each peer; fewer than rounds where one failed.
fn measure(
    run: &Run,
    peers: &[Peer],
    options: &Options,
    failures: &mut Vec<String>,
) -> Vec<Vec<Map<String, Value>>> {
    let mut lines = vec![Vec::new(); peers.len()];
    let mut failed = vec![false; peers.len()];
    for round in 1..=options.rounds {
        for (index, peer) in peers.iter().enumerate().filter(|(index, _)| !failed[*index]).collect::<Vec<_>>()
        {
            eprintln!("{}, {}, round {round}", run.word, peer.label());
            match measured(*peer, run, options.quick) {
                Ok(mut line) => {
                    line.insert("peer".to_owned(), peer.word().into());
                    line.insert("round".to_owned(), round.into());
                    println!("{}", Value::Object(line.clone()));
                    lines[index].push(line);
                }
                Err(why) => {
                    failures.push(format!("{}, {}, round {round}: {why}", run.word, peer.label()));
                    failed[index] = true;
                }
            }
        }
    }
    lines
}

fn cell(lines: &[Map<String, Value>], figure: &str, unit: f64) -> Cell {
    let figures: Vec<f64> =
        lines.iter().filter_map(|line| line.get(figure)?.as_f64()).map(|figure| figure / unit).collect();
    Spread::of(&figures).map_or(Cell::Failed, Cell::Measured)
}

/// One run; the server ends with it.
fn measured(peer: Peer, run: &Run, quick: bool) -> Result<Map<String, Value>, String> {
    let server = Server::start(peer)?;
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args(["channels", "load"])
        .args(run.words(quick))
        .args(["--url", &server.url(), "--pid", &server.pid().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start: {error}"))?;
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(POLL_INTERVAL);
    }
    // It may have ended by itself; either way it is reaped.
    let _ = child.kill();
    let status = child.wait().map_err(|error| format!("cannot wait: {error}"))?;
    let mut output = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut output).map_err(|error| format!("cannot read: {error}"))?;
    }
    match serde_json::from_str(output.trim()) {
        Ok(Value::Object(line)) if status.success() => Ok(line),
        Ok(line) => Err(format!("something was lost: {line}")),
        Err(_) => Err(format!("no figures, {status}")),
    }
}
