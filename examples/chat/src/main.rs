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
mod http;
mod log;
mod memberships;
mod pace;
mod post;
mod room;
mod room_channel;
mod rooms;
mod secret;
mod text;

use std::process::ExitCode;

use throng::Node;

use crate::{config::Config, failure::Failure, log::Log};

#[tokio::main]
async fn main() -> ExitCode {
    let log = Log::install();
    match run(&log).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("chat: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(log: &Log) -> Result<(), Failure> {
    let config = Config::load()?;
    let node = Node::new("chat");
    let tree = app::tree(&node, &config, log)?;
    Ok(node.run(tree).await?)
}
