//! Testing tools for applications built on Throng.
//!
//! A test of processes waits for events, never for time. A [`Probe`] is a process that remembers what it is sent and gives it
//! out one by one; a [`TestNode`] is a node whose processes end with the test; [`Address::sync`] takes the place of a
//! sleep. Whatever does not happen within a deadline fails the test, and says what was waited for.
//!
//! ```
//! use throng_runtime::{Address, Exit, Message};
//! use throng_test::{Probe, TestNode, assert_down};
//!
//! #[derive(Debug, PartialEq)]
//! struct Greeting(&'static str);
//! impl Message for Greeting {
//!     type Reply = ();
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let node = TestNode::new();
//! let mut probe = Probe::start(&node).await;
//!
//! let me = probe.pid();
//! let worker = node.spawn(async move |_| {
//!     let _ = me.cast(Greeting("hello"));
//!     std::future::pending::<()>().await
//! });
//! assert_eq!(probe.expect::<Greeting>().await, Greeting("hello"));
//!
//! probe.monitor(worker).await;
//! node.exit(worker, Exit::other("no more to say"));
//! assert_down!(probe, worker, Exit::Other(why) if &*why == "no more to say");
//! node.finish().await;
//! # }
//! ```
//!
//! With the feature `channels`, a `TestSocket` is a client of an endpoint: a channel is tested without a socket, in five lines.
//!
//! [`Address::sync`]: throng_runtime::Address::sync
#![forbid(unsafe_code)]

#[cfg(feature = "channels")]
mod channels;
mod clock;
mod deadline;
mod down;
mod node;
mod probe;
mod receive;

#[cfg(feature = "channels")]
pub use crate::channels::{JoinRefused, Refused, TestChannel, TestReply, TestSocket, Value, json};
pub use crate::{
    clock::advance,
    deadline::DEFAULT_DEADLINE,
    down::expect_down,
    node::TestNode,
    probe::{Probe, Received, Recorder},
};
