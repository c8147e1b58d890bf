//! Load for servers that speak the channels protocol: thousands of simulated clients in one thread, over raw sockets.
//!
//! ```text
//!   schedule ─ due times ─► workload ─ pre-encoded frames ─► net ══ loopback ══► server under test
//!   histogram ◄─ now − due ─ workload ◄─ messages, scanned ── net ◄════════════      │
//!                                                                  /proc/<pid> ◄─────┘ CPU, memory
//! ```
//!
//! It is an *open loop*: what is sent, and when, is a schedule that no answer can hold up. A latency begins when its message
//! was due, so a server that stalls is charged for all that should have been sent meanwhile. What the generator itself could
//! not keep up with is reported beside the figures: a run whose `generator.saturated` is true says nothing of the server.
//!
//! One run prints one line of JSON. It talks to this machine alone, and ends by itself.
#![forbid(unsafe_code)]

mod cli;
mod crowd;
mod histogram;
mod net;
mod process;
mod report;
mod schedule;
mod stamp;
mod target;
mod workload;

use std::process::ExitCode;

use cli::Command;

/// Runs what a command line asks for, given without the program's own name, and prints one line of JSON.
///
/// The exit code is 0 for a run in which nothing was lost, 1 for one that lost something or could not be made, 2 for a command
/// line that was not understood.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    match cli::parse(arguments) {
        Ok(Command::Help(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Command::Run(plan)) => match workload::run(&plan) {
            Ok(report) => {
                println!("{report}");
                if report.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Err(complaint) => {
            eprintln!("error: {complaint}\n\nSee `throng-load --help`.");
            ExitCode::from(2)
        }
    }
}
