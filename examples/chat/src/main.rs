//! The reference application: a chat of supervised rooms, for unmodified Phoenix clients and for browsers.
#![forbid(unsafe_code)]

mod announcement;
mod app;
mod assets;
mod config;
mod directory_channel;
mod door;
mod failure;
mod guest;
mod history;
mod http;
mod memberships;
mod pace;
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

/// What is logged unless `RUST_LOG` says otherwise: what crashes, and what is started again.
const LOGGED: &str = "throng=warn,throng_runtime::supervisor=info";

#[tokio::main]
async fn main() -> ExitCode {
    let filter = match env::var("RUST_LOG") {
        Ok(directives) => EnvFilter::builder().parse_lossy(directives),
        Err(_) => EnvFilter::new(LOGGED),
    };
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
