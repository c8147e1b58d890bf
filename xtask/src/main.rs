//! The project's own commands, run as `cargo xtask …`.
//!
//! `test` is the whole test run and what continuous integration calls; `soak` is what takes longer; `bench` is the
//! comparison with the peers. Deciding is kept apart from doing: [`cli`], [`plan`], [`tally`] and [`summary`] are pure, and
//! [`run`], [`process`], [`tools`], [`npm`], [`server`] and [`mod@bench`] carry out what they say.
//!
//! Every child process runs in a process group of its own under a time limit, and none outlives this command:
//! not after a failure, not after a timeout and not after Ctrl-C. Only Unix is supported.
#![forbid(unsafe_code)]

mod autobahn;
mod bench;
mod cli;
mod npm;
mod plan;
mod process;
mod run;
mod server;
mod summary;
mod tally;
mod tools;
mod workspace;

use std::{env, process::ExitCode};

use cli::Command;

fn main() -> ExitCode {
    let command = match cli::parse(env::args().skip(1)) {
        Ok(command) => command,
        Err(complaint) => {
            eprintln!("error: {complaint}\n\nSee `cargo xtask help`.");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = process::end_children_on_interrupt() {
        eprintln!("error: cannot listen for Ctrl-C: {error}");
        return ExitCode::FAILURE;
    }
    match command {
        Command::Help => {
            println!("{}", cli::HELP);
            ExitCode::SUCCESS
        }
        Command::TestHelp => {
            println!("{}", cli::test_help());
            ExitCode::SUCCESS
        }
        Command::Test { only } => run::test(&only),
        Command::Soak { minutes } => run::soak(minutes),
        Command::Bench { arguments } => bench::run(&arguments),
    }
}
