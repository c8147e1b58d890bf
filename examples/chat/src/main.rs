//! The reference application: a chat of supervised rooms, for unmodified Phoenix clients and for browsers.
#![forbid(unsafe_code)]

mod announcement;
mod app;
mod assets;
mod config;
mod directory_channel;
mod failure;
mod guest;
mod history;
mod http;
mod room;
mod room_channel;
mod rooms;
mod secret;
mod text;

use std::env;
use std::process::ExitCode;

use throng::Node;
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::failure::Failure;

#[tokio::main]
async fn main() -> ExitCode {
    // `RUST_LOG=info` shows who connects, joins and crashes.
    let filter = EnvFilter::builder().with_default_directive(tracing_level()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("chat: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let config = Config::load(|name| env::var(name).ok())?;
    let node = Node::new("chat");
    let tree = app::tree(&node, &config)?;
    Ok(node.run(tree).await?)
}

fn tracing_level() -> tracing_subscriber::filter::Directive {
    tracing_subscriber::filter::LevelFilter::OFF.into()
}
