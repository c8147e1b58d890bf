//! The peers: what each must be able to do, and who they are.

pub(crate) mod beam;
pub(crate) mod countdown;
mod kameo;
mod ractor;
mod throng;
mod tokio;

use std::{future::Future, time::Duration};

pub(crate) use self::{kameo::Kameo, ractor::Ractor, throng::Throng, tokio::Tokio};
use crate::restarts::Restarts;

/// A library that runs in this process, on tokio's runtime of many threads. Each method carries out the workload
/// of its name, as [`Workload`](crate::workload::Workload) defines it, in the fastest way that the library's
/// documentation shows; it is called from a task of the runtime and returns the time without the set-up.
pub(crate) trait Peer {
    /// What is kept of an idle server so that it goes on living, or can be reached.
    type Kept: Send;
    /// Where names are looked up.
    type Names: Clone + Send + Sync + 'static;

    /// `None` where the library has no processes but servers.
    fn spawn(count: u64) -> impl Future<Output = Option<Duration>> + Send;
    fn server(count: u64) -> impl Future<Output = Duration> + Send;
    /// Returns once every server has handled its message.
    fn idle_servers(count: u64) -> impl Future<Output = Vec<Self::Kept>> + Send;
    fn ping_pong(round_trips: u64) -> impl Future<Output = Duration> + Send;
    fn ring(hops: u64) -> impl Future<Output = Duration> + Send;
    fn fan_in(senders: u64, messages: u64) -> impl Future<Output = Duration> + Send;
    fn call(callers: u64, calls: u64) -> impl Future<Output = Duration> + Send;
    /// Returns once there is a server for each name.
    fn hold_names(names: &[String]) -> impl Future<Output = Self::Names> + Send;
    /// Looks a name up as a user would who then sends something to its holder.
    fn is_found(held: &Self::Names, name: &str) -> bool;
    /// Under a supervisor of the library, where it has one, whose budget is far above what happens.
    fn restarts(before: u64, count: u64) -> impl Future<Output = Restarts> + Send;
}

/// What every supervisor allows: so many restarts within an hour.
const RESTARTS_MAX: u32 = 1_000_000;
const RESTARTS_PERIOD: Duration = Duration::from_secs(3_600);

/// Who is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerName {
    Throng,
    Tokio,
    Ractor,
    Kameo,
    Beam,
}

impl PeerName {
    /// Throng first: the others' ratios are taken against it.
    pub(crate) const ALL: [PeerName; 5] =
        [PeerName::Throng, PeerName::Tokio, PeerName::Ractor, PeerName::Kameo, PeerName::Beam];

    /// The head of its column.
    pub(crate) fn label(self) -> &'static str {
        match self {
            PeerName::Throng => "Throng",
            PeerName::Tokio => "tokio task + mpsc",
            PeerName::Ractor => "ractor 0.16",
            PeerName::Kameo => "kameo 0.22",
            PeerName::Beam => "BEAM",
        }
    }

    /// The word for it in a measurement's command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            PeerName::Throng => "throng",
            PeerName::Tokio => "tokio",
            PeerName::Ractor => "ractor",
            PeerName::Kameo => "kameo",
            PeerName::Beam => "beam",
        }
    }

    pub(crate) fn by_word(word: &str) -> Option<PeerName> {
        PeerName::ALL.into_iter().find(|peer| peer.word() == word)
    }
}

/// How many operations a process makes before it lets others run. Without this a sender that nothing preempts
/// would fill the memory before its receiver runs.
const BATCH: u64 = 256;

/// Lets others run after every batch.
async fn breathe(operation: u64) {
    if operation % BATCH == BATCH - 1 {
        ::tokio::task::yield_now().await;
    }
}
