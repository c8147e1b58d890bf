//! `PORT=4001 cargo run --release -p conformance`: the application, until somebody stops it.
#![forbid(unsafe_code)]

mod announcement;

use std::process::ExitCode;

use conformance::Settings;
use throng::{GenServer, Node};
use tracing_subscriber::EnvFilter;

use crate::announcement::Announcement;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off")))
        .with_writer(std::io::stderr)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("conformance: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::new("conformance");
    let (tree, endpoint) = conformance::tree(&node, &Settings::load()?)?;
    Ok(node.run(tree.child(Announcement::child(endpoint))).await?)
}
