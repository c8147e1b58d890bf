//! Servers of channels, side by side: Throng, a bare Node server on `ws`, and a WebSocket handler of axum with rooms.
//!
//! ```text
//!   channels ──► channels serve throng │ axum,  or  node server.mjs      one fresh process for each run
//!      └───────► channels load fanout --url … --pid …                    another one: the generator of crate `throng-load`
//! ```
//!
//! The generator knows nothing of whom it measures: it speaks the protocol, and reads processor time and memory of the
//! server's process from `/proc`. Both share the processors of the machine, for every peer alike.

mod axum;
mod cli;
mod comparison;
mod row;
mod server;
mod throng;

use std::process::ExitCode;

use cli::Command;

/// Carries out `bench channels …`.
pub(crate) fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    match cli::parse(arguments) {
        Ok(Command::Help) => {
            println!("{}", cli::help());
            ExitCode::SUCCESS
        }
        Ok(Command::Compare(options)) => comparison::run(&options),
        Ok(Command::Serve(peer)) => server::serve(peer),
        Ok(Command::Load(arguments)) => throng_load::run(arguments.into_iter()),
        Err(complaint) => {
            eprintln!("error: {complaint}\n\nSee `cargo xtask bench channels --help`.");
            ExitCode::from(2)
        }
    }
}
