//! What is told to whoever watches (§15): [events](Event) with their measurements to the observers of an
//! [endpoint](crate::EndpointBuilder::observe), and `tracing` events, never with parameters, payloads or tokens.
//!
//! ```
//! use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
//! use throng_web::telemetry::Event;
//! # use throng_runtime::Node;
//! # use throng_web::{Endpoint, PubSub};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), throng_web::EndpointError> {
//! # let (node, pubsub) = (Node::new("shop"), PubSub::new());
//!
//! let crashes = Arc::new(AtomicU64::new(0));
//! let counter = crashes.clone();
//! let endpoint = Endpoint::builder(&node, &pubsub)
//!     .observe(move |event| match event {
//!         Event::ChannelEnded(ended) if ended.is_crash() => {
//!             counter.fetch_add(1, Ordering::Relaxed);
//!         }
//!         Event::SocketDisconnected(gone) => println!("{:?} after {:?}", gone.reason, gone.duration),
//!         _ => {}
//!     })
//!     .build()?;
//! # Ok(()) }
//! ```
//!
//! An observer runs in the process that something happens to: it counts and goes on. Without observers nothing is measured.

mod channel_watch;
mod event;
mod filter;
mod observers;

use throng_runtime::{Exit, StartError};

pub(crate) use self::{
    channel_watch::ChannelWatch,
    observers::{Observe, Observers},
};
pub use self::{
    event::{
        ChannelEnded, ChannelHandledIn, ChannelJoined, Event, FanOut, JoinResult, Parameters,
        PresenceTracked, SocketConnected, SocketDisconnected, SocketDrain, SocketRefused, Traffic,
    },
    filter::Filter,
};

use crate::protocol::{DecodeError, PayloadError};

const TARGET: &str = "throng::web";

pub(crate) fn connected(path: &str, id: Option<&str>) {
    tracing::info!(target: TARGET, path, id, "socket connected");
}

pub(crate) fn refused(path: &str, status: u16, why: &str) {
    if status == 500 {
        tracing::error!(target: TARGET, path, status, why, "socket refused");
    } else {
        tracing::info!(target: TARGET, path, status, why, "socket refused");
    }
}

pub(crate) fn origin_refused(path: &str, origin: &str) {
    let hint = "pages from elsewhere need to be named in check_origin";
    tracing::warn!(target: TARGET, path, origin, hint, "origin refused");
}

pub(crate) fn connection_closed(id: Option<&str>, why: &str) {
    tracing::info!(target: TARGET, id, why, "socket closed");
}

pub(crate) fn malformed_message(id: Option<&str>, error: &DecodeError) {
    // The parser's own words may quote what the client wrote: its position says enough.
    match error {
        DecodeError::Malformed(error) => {
            let (line, column, kind) = (error.line(), error.column(), error.classify());
            tracing::warn!(target: TARGET, id, line, column, ?kind, "malformed message");
        }
        error => tracing::warn!(target: TARGET, id, %error, "message refused"),
    }
}

pub(crate) fn broadcast_skipped(topic: &str, error: &PayloadError) {
    tracing::warn!(target: TARGET, topic, %error, "broadcast skipped");
}

pub(crate) fn unmatched_topic(topic: &str) {
    tracing::debug!(target: TARGET, topic, "unmatched topic");
}

pub(crate) fn channel_joined(topic: &str, id: Option<&str>) {
    tracing::info!(target: TARGET, topic, id, "channel joined");
}

pub(crate) fn channel_recovered(topic: &str, messages: usize, gap: bool) {
    tracing::debug!(target: TARGET, topic, messages, gap, "channel recovered");
}

pub(crate) fn join_refused(topic: &str, id: Option<&str>) {
    tracing::info!(target: TARGET, topic, id, "join refused");
}

pub(crate) fn channel_ended(topic: &str, reason: &Exit) {
    if reason.is_clean() {
        tracing::debug!(target: TARGET, topic, %reason, "channel ended");
    } else {
        tracing::warn!(target: TARGET, topic, %reason, "channel crashed");
    }
}

/// Without an error it panicked.
pub(crate) fn channel_not_started(error: Option<&StartError>) {
    let why = error.map_or("it panicked".to_owned(), StartError::to_string);
    tracing::error!(target: TARGET, why, "channel not started");
}

pub(crate) fn listening(addr: std::net::SocketAddr) {
    tracing::info!(target: TARGET, %addr, "listening");
}

pub(crate) fn draining(connections: usize) {
    tracing::info!(target: TARGET, connections, "draining");
}

pub(crate) fn drained(left: usize) {
    tracing::info!(target: TARGET, left, "drained");
}

pub(crate) fn accept_failed(error: &std::io::Error) {
    tracing::warn!(target: TARGET, %error, "connection not accepted");
}

pub(crate) fn peer_refused(peer: std::net::IpAddr) {
    tracing::debug!(target: TARGET, %peer, "too many connections of one peer");
}

pub(crate) fn descriptors_few(granted: u64, wanted: u64) {
    let hint = "raise the hard limit of open files, or lower the endpoint's limits";
    tracing::warn!(target: TARGET, granted, wanted, hint, "fewer descriptors than connections may be open");
}
