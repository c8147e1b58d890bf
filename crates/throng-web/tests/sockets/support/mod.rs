//! What the tests share: a server with a channel that does as it is told, and clients, polite and raw.

mod client;
mod hall;
mod noise;
mod raw;
mod room;
mod server;

use std::time::Duration;

pub(crate) use self::{
    client::{Client, Refused},
    hall::{Halls, Seed, history_of, kept, told},
    noise::Noise,
    raw::{Raw, masked},
    room::{Note, Room, sockets},
    server::Server,
};

/// No wait in these tests is longer: what has not come by then will not come.
const DEADLINE: Duration = Duration::from_secs(20);

/// The result of a future that must not take long.
#[track_caller]
pub(crate) fn soon<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(DEADLINE, future).await {
            Ok(output) => output,
            Err(_) => panic!("waited in vain for {what} at {place}"),
        }
    }
}

/// Resolves when a condition holds that nobody announces.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) -> impl Future<Output = ()> {
    soon(what, async move {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}
