//! Side-by-side workloads for Throng and its peers, printed as one Markdown table with ratios.
//!
//! What each workload does stands in [`workload`], how each peer does it in a file of its own under [`peer`].
//! Every measurement runs in a fresh process of the operating system, so that no one inherits another's heap;
//! the peers take turns within each round, so that a busy machine disturbs all of them alike. Compare ratios of
//! one table, never figures of two.
//!
//! [`channels`] compares servers of channels in the same way, from outside.

mod channels;
mod cli;
mod comparison;
mod measure;
mod peer;
mod restarts;
mod statistics;
mod table;
mod workload;

use std::{env, process::ExitCode};

use cli::Command;

/// One allocator for every Rust peer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|word| word == "channels").is_some() {
        return channels::main(arguments);
    }
    match cli::parse(arguments) {
        Ok(Command::Help) => {
            println!("{}", cli::help());
            ExitCode::SUCCESS
        }
        Ok(Command::Compare(options)) => comparison::run(&options),
        Ok(Command::Measure { peer, workload, count }) => measure::run(peer, workload, count),
        Err(complaint) => {
            eprintln!("error: {complaint}\n\nSee `cargo xtask bench --help`.");
            ExitCode::from(2)
        }
    }
}
