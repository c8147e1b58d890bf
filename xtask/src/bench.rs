//! `cargo xtask bench`: builds the benchmarks and hands the words over to them.

use std::{
    process::{Command, ExitCode},
    time::Duration,
};

use crate::{
    npm,
    process::{self, Ended},
    tools::{self, Tool},
    workspace,
};

/// Far above what all rows with many rounds take.
const LIMIT: Duration = Duration::from_secs(6 * 60 * 60);

/// Runs the benchmarks, which are a workspace of their own, in their release build.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let asks_for_help = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    if !asks_for_help {
        match arguments.first().map(String::as_str) {
            Some("channels") => prepare_channels(),
            _ => prepare_processes(),
        }
    }
    let mut command = Command::new(workspace::cargo());
    command
        .args(["run", "--quiet", "--release", "--manifest-path", "bench/Cargo.toml"])
        .args(["--target-dir", "target/bench", "--"])
        .args(arguments)
        .current_dir(workspace::root());
    match process::run(&mut command, LIMIT, |line| println!("{line}")) {
        Ok(Ended::Itself(status)) if status.success() => ExitCode::SUCCESS,
        Ok(Ended::Itself(_)) => ExitCode::FAILURE,
        Ok(Ended::ByLimit(limit)) => {
            eprintln!("error: ended after {limit:?}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn prepare_processes() {
    tools::install_missing(&[Tool::Erlang, Tool::Elixir]);
    if let Some(reason) = tools::missing(&[Tool::Erlang]) {
        eprintln!("note: no rows for the BEAM; {reason}");
    } else if let Some(reason) = tools::missing(&[Tool::Elixir]) {
        eprintln!("note: no registry rows for the BEAM; {reason}");
    }
}

/// The server of Node needs its package; without it the table has no column for it.
fn prepare_channels() {
    let needs = [Tool::Node, Tool::Npm];
    tools::install_missing(&needs);
    let installed = match tools::missing(&needs) {
        Some(reason) => Err(reason),
        None => npm::install(&workspace::root().join("bench/src/channels/node")),
    };
    if let Err(reason) = installed {
        eprintln!("note: no column for Node; {reason}");
    }
}
