//! The server that is attacked: rooms behind sockets and long-polling, on a free port, with the limits that a test sets.
//!
//! It is a process of its own, so that its memory and its descriptors are counted apart from those of its attackers. It ends
//! when its standard input does, and so with whoever started it.
#![forbid(unsafe_code)]

mod room;
mod settings;

use std::{
    error::Error,
    io,
    net::Ipv4Addr,
    sync::{Arc, OnceLock},
};

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};
use throng::{
    prelude::*,
    pubsub::{History, HistoryOptions},
    web::{CheckOrigin, Compress, Mount},
};
use tracing_subscriber::EnvFilter;

use crate::{room::Room, settings::Settings};

/// The endpoint that serves the routes: it is there before anybody asks.
type ThisEndpoint = Arc<OnceLock<Endpoint>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(io::stderr).init();
    let settings = Settings::load()?;
    if let Some(descriptors) = settings.descriptors {
        rlimit::setrlimit(rlimit::Resource::NOFILE, descriptors, descriptors)?;
    }
    let node = Node::new("hostile");
    let endpoint = endpoint(&node, &settings)?;
    node.start(endpoint.listen((Ipv4Addr::LOCALHOST, 0))).await?;
    println!("{}", endpoint.local_addr().ok_or("not listening")?);
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    Ok(())
}

fn endpoint(node: &Node, settings: &Settings) -> Result<Endpoint, Box<dyn Error>> {
    let sockets = SocketRouter::new(async |_| Ok(())).compress(Compress::default()).channel::<Room>("room:*");
    let this = ThisEndpoint::default();
    let stats = Router::new().route("/stats", get(stats)).with_state(this.clone());
    let history = History::builder().topics("room:recalled:*", HistoryOptions::default()).build();
    let endpoint = Endpoint::builder(node, &PubSub::new().with_history(&history))
        .check_origin(CheckOrigin::list(["//page.test"])?)
        .limits(settings.limits())
        .socket(Mount::at("/socket").longpoll(settings.longpoll()), sockets)
        .routes(stats)
        .build()?;
    let _ = this.set(endpoint.clone());
    Ok(endpoint)
}

async fn stats(State(endpoint): State<ThisEndpoint>) -> Json<Value> {
    let Some(endpoint) = endpoint.get() else { return Json(Value::Null) };
    Json(json!({
        "connections": endpoint.connection_count(),
        "channels": endpoint.channel_count(),
        "queued_bytes": endpoint.queued_bytes(),
        "closed_for_being_slow": endpoint.outbound_counts().closed,
    }))
}
