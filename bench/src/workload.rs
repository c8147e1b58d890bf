//! What is measured: the definition of every workload, the same for all peers.

/// A workload. Its variants' comments are the definitions that the peers carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// One process starts bare processes (no mailbox used, no state), each of which counts itself out and exits.
    /// Timed until the last has counted.
    Spawn,
    /// One process starts servers with 64 bytes of state, in the way users start them, and sends each one message
    /// that makes it stop. Timed until the last has stopped.
    Server,
    /// Servers with 64 bytes of state that have each handled one message and wait for the next: the growth of the
    /// process' resident memory, less the references that the workload itself keeps.
    Memory,
    /// Two processes send one message back and forth; counted in round trips.
    PingPong,
    /// One message travels round a ring of 1,000 processes; counted in hops.
    Ring,
    /// One process sends to one other as fast as it can, yielding after every 256 messages where the scheduler
    /// does not preempt. Timed until the last message is handled.
    Flood,
    /// 64 processes flood one.
    FanIn,
    /// One process calls one server and waits for each reply (a sum of all it was sent).
    CallOne,
    /// 64 processes call one server.
    CallMany,
    /// Two tasks look up one name after the other, each in a random order of its own, of 100,000 that as many servers hold.
    Lookup,
    /// As [`Server`](Workload::Server), while 100,000 other servers hold names.
    ServerBesideNames,
    /// A supervised server panics (`error` in Erlang), again and again, each time when its last restart is done. Timed
    /// from the line before the panic to the first line of its next `init`, with a thousand restarts before; half of them
    /// are faster.
    RestartMedian,
    /// As before; 99 of 100 are faster.
    RestartTail,
    /// As before, with 20,000 restarts in the window in which they are counted; from the first crash to the last restart.
    RestartRate,
}

/// The state of a server, in words of eight bytes.
pub(crate) const STATE_WORDS: usize = 8;

/// The number of processes in the ring.
pub(crate) const RING_SIZE: u64 = 1000;

/// The number of senders and callers where there are many.
pub(crate) const MANY: u64 = 64;

/// The number of names in a registry.
pub(crate) const NAMES: u64 = 100_000;

/// The number of tasks that look them up.
pub(crate) const READERS: u64 = 2;

/// The restarts that a supervisor has counted when the clock starts: its caches are warm.
pub(crate) const FEW_RESTARTS: u64 = 1_000;

/// As many as a bad hour has.
pub(crate) const MANY_RESTARTS: u64 = 20_000;

/// The way a figure reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// More is better.
    PerSecond,
    /// Less is better.
    Bytes,
    /// Less is better.
    Nanoseconds,
}

impl Workload {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Workload; 14] = [
        Workload::Spawn,
        Workload::Server,
        Workload::Memory,
        Workload::PingPong,
        Workload::Ring,
        Workload::Flood,
        Workload::FanIn,
        Workload::CallOne,
        Workload::CallMany,
        Workload::Lookup,
        Workload::ServerBesideNames,
        Workload::RestartMedian,
        Workload::RestartTail,
        Workload::RestartRate,
    ];

    /// The word for it on the command line; a word may name more than one row.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Workload::Spawn | Workload::Server => "spawn",
            Workload::Memory => "mem",
            Workload::PingPong => "pingpong",
            Workload::Ring => "ring",
            Workload::Flood => "flood",
            Workload::FanIn => "fan-in",
            Workload::CallOne | Workload::CallMany => "call",
            Workload::Lookup | Workload::ServerBesideNames => "registry",
            Workload::RestartMedian | Workload::RestartTail | Workload::RestartRate => "supervisor",
        }
    }

    /// The name of its row, and of its measurement.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Workload::Server => "server",
            Workload::CallOne => "call-1",
            Workload::CallMany => "call-64",
            Workload::Lookup => "lookup",
            Workload::ServerBesideNames => "server-beside-names",
            Workload::RestartMedian => "restart-p50",
            Workload::RestartTail => "restart-p99",
            Workload::RestartRate => "restart-20000",
            other => other.word(),
        }
    }

    pub(crate) fn by_id(id: &str) -> Option<Workload> {
        Workload::ALL.into_iter().find(|workload| workload.id() == id)
    }

    /// The text that starts its row.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Workload::Spawn => "spawn and exit, bare process, /s",
            Workload::Server => "start, one message, stop: server, /s",
            Workload::Memory => "idle server with 64 B of state, RSS bytes",
            Workload::PingPong => "ping-pong, round trips/s",
            Workload::Ring => "ring of 1,000, hops/s",
            Workload::Flood => "flood 1→1, messages/s",
            Workload::FanIn => "fan-in 64→1, messages/s",
            Workload::CallOne => "call, one caller, /s",
            Workload::CallMany => "call, 64 callers, /s",
            Workload::Lookup => "registry lookups of 100,000 names, two tasks, /s",
            Workload::ServerBesideNames => "start, one message, stop: server, beside 100,000 names, /s",
            Workload::RestartMedian => "crash to restarted, p50, ns",
            Workload::RestartTail => "crash to restarted, p99, ns",
            Workload::RestartRate => "restarts with 20,000 in the window, /s",
        }
    }

    /// Whether a small run comes first, before the clock starts.
    pub(crate) fn warms_up(self) -> bool {
        !matches!(self, Workload::Memory | Workload::Lookup | Workload::ServerBesideNames)
    }

    pub(crate) fn unit(self) -> Unit {
        match self {
            Workload::Memory => Unit::Bytes,
            Workload::RestartMedian | Workload::RestartTail => Unit::Nanoseconds,
            _ => Unit::PerSecond,
        }
    }

    /// How many operations one measurement makes: enough for a second or so of the faster peers.
    pub(crate) fn count(self, quick: bool) -> u64 {
        let full = match self {
            Workload::Spawn | Workload::Server => 400_000,
            Workload::Flood | Workload::FanIn => 3_200_000,
            Workload::Lookup => 4_000_000,
            // One of the peers starts three thousand a second.
            Workload::ServerBesideNames => 40_000,
            // Each is timed, or as slow as the slowest peer makes it.
            Workload::RestartMedian | Workload::RestartTail => return 1_000,
            Workload::RestartRate => 10_000,
            _ => 1_000_000,
        };
        if quick { full / 10 } else { full }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_own_id() {
        for workload in Workload::ALL {
            assert_eq!(Workload::by_id(workload.id()), Some(workload));
        }
    }

    #[test]
    fn counts_divide_evenly_among_the_many() {
        for workload in [Workload::FanIn, Workload::CallMany] {
            assert_eq!(workload.count(false) % MANY, 0);
        }
        assert_eq!(Workload::Lookup.count(true) % READERS, 0);
    }
}
