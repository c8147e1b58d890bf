//! The workloads: what each does, which settings it has, and the errors they share.

mod delivery;
mod echo;
mod idle;
mod joins;
mod keys;
mod presence;
mod slow;
mod storm;

use std::{io, time::Duration};

use crate::{
    cli::{Knob, Plan},
    net::Net,
    process::Process,
    report::Report,
};

/// What can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    Idle,
    Joins,
    Fanout,
    Rooms,
    Echo,
    Presence,
    Rejoin,
    Slow,
}

/// Why a run has no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("{failed} clients could not join; the first: {first}")]
    Arrival { failed: usize, first: String },
    #[error("a client lost its connection: {0}")]
    Ended(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A process may hold so many descriptors; some are not sockets.
const CONNECTIONS_MAX: f64 = 19_500.0;

const fn knob(name: &'static str, default: f64, (min, max): (f64, f64), about: &'static str) -> Knob {
    Knob { name, default, min, max, about }
}

const fn connections(default: f64) -> Knob {
    knob("connections", default, (1.0, CONNECTIONS_MAX), "clients, one connection and one channel each")
}

const fn rate(default: f64, about: &'static str) -> Knob {
    knob("rate", default, (0.1, 1e6), about)
}

const fn seconds(default: f64, about: &'static str) -> Knob {
    knob("seconds", default, (0.1, 600.0), about)
}

const WINDOW: Knob = knob("window", 200.0, (1.0, CONNECTIONS_MAX), "clients on their way in at a time");
const BODY: Knob = knob("body", 64.0, (0.0, 60_000.0), "bytes of each message's body");
const BURST: Knob =
    knob("burst", 1.0, (1.0, 1e4), "messages that are due at one time; the rate stays what it is");

impl Workload {
    pub(crate) const ALL: [Workload; 8] = [
        Workload::Idle,
        Workload::Joins,
        Workload::Fanout,
        Workload::Rooms,
        Workload::Echo,
        Workload::Presence,
        Workload::Rejoin,
        Workload::Slow,
    ];

    /// The word for it on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Workload::Idle => "idle",
            Workload::Joins => "joins",
            Workload::Fanout => "fanout",
            Workload::Rooms => "rooms",
            Workload::Echo => "echo",
            Workload::Presence => "presence",
            Workload::Rejoin => "rejoin",
            Workload::Slow => "slow",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Workload::Idle => "what a connection with one joined channel costs in memory",
            Workload::Joins => "how many clients connect and join in a second",
            Workload::Fanout => "one room, many subscribers",
            Workload::Rooms => "many rooms, a few members each, all of whom speak",
            Workload::Echo => "requests and their replies",
            Workload::Presence => "all join one topic at once, until each has seen all",
            Workload::Rejoin => "all connections are cut, again and again, while others speak",
            Workload::Slow => "some subscribers do not read",
        }
    }

    /// How it goes, for whoever wants to know what a figure means.
    pub(crate) fn story(self) -> &'static str {
        match self {
            Workload::Idle => idle::STORY,
            Workload::Joins => joins::STORY,
            Workload::Fanout => delivery::FANOUT_STORY,
            Workload::Rooms => delivery::ROOMS_STORY,
            Workload::Echo => echo::STORY,
            Workload::Presence => presence::STORY,
            Workload::Rejoin => storm::STORY,
            Workload::Slow => slow::STORY,
        }
    }

    pub(crate) fn knobs(self) -> &'static [Knob] {
        match self {
            Workload::Idle => {
                const { &[connections(1_000.0), WINDOW, seconds(2.0, "rest before the memory is read")] }
            }
            Workload::Joins => {
                const {
                    &[
                        connections(5_000.0),
                        WINDOW,
                        knob(
                            "rate",
                            0.0,
                            (0.0, 1e6),
                            "clients a second that set out; 0: as many as the window lets",
                        ),
                    ]
                }
            }
            Workload::Fanout => {
                const {
                    &[
                        connections(1_000.0),
                        WINDOW,
                        rate(50.0, "broadcasts a second"),
                        BURST,
                        seconds(5.0, "how long it is spoken"),
                        knob("senders", 1.0, (1.0, 1_000.0), "subscribers that speak, in turn"),
                        BODY,
                    ]
                }
            }
            Workload::Rooms => {
                const {
                    &[
                        connections(5_000.0),
                        WINDOW,
                        knob("room", 10.0, (1.0, 1_000.0), "members of a room"),
                        knob("rate", 1.0, (0.001, 1e4), "messages a second of each client"),
                        seconds(5.0, "how long it is spoken"),
                        BODY,
                    ]
                }
            }
            Workload::Echo => {
                const {
                    &[
                        connections(100.0),
                        WINDOW,
                        rate(5_000.0, "requests a second of all clients"),
                        seconds(5.0, "how long it is asked"),
                        BODY,
                    ]
                }
            }
            Workload::Presence => {
                const { &[connections(1_000.0), WINDOW, seconds(120.0, "how long all may take")] }
            }
            Workload::Rejoin => {
                const {
                    &[
                        connections(1_000.0),
                        WINDOW,
                        knob("room", 50.0, (1.0, 1_000.0), "members of a room"),
                        knob(
                            "senders",
                            20.0,
                            (1.0, 1_000.0),
                            "more clients, who are never cut and speak in turn, each in its room",
                        ),
                        rate(200.0, "messages a second of all senders"),
                        knob(
                            "storms",
                            3.0,
                            (0.0, 100.0),
                            "how often all connections but the senders' are cut",
                        ),
                        knob("calm", 3.0, (0.1, 60.0), "seconds between two storms"),
                        knob(
                            "recover",
                            1.0,
                            (0.0, 1.0),
                            "1: rejoin with `since`, so that nothing may be lost; 0: without",
                        ),
                        BODY,
                    ]
                }
            }
            Workload::Slow => {
                const {
                    &[
                        connections(100.0),
                        knob("slow", 10.0, (1.0, 10_000.0), "more subscribers, who do not read"),
                        rate(200.0, "broadcasts a second"),
                        seconds(10.0, "how long it is spoken"),
                        knob("body", 4_096.0, (0.0, 60_000.0), "bytes of each message's body"),
                    ]
                }
            }
        }
    }
}

/// What every workload works with.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) net: Net,
    pub(crate) server: Option<Process>,
    pub(crate) report: Report,
}

/// Runs a workload to its end.
///
/// # Errors
///
/// [`LoadError`], when there are no figures to report.
pub(crate) fn run(plan: &Plan) -> Result<Report, LoadError> {
    // Where the system has no such limit there is nothing to raise.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let server = plan.pid.map(Process::of);
    let report = Report::new(plan.workload.word(), plan.settings());
    let mut run = Run { plan, net: Net::new(&plan.target)?, server, report };
    match plan.workload {
        Workload::Idle => idle::run(&mut run),
        Workload::Joins => joins::run(&mut run),
        Workload::Fanout => delivery::fanout(&mut run),
        Workload::Rooms => delivery::rooms(&mut run),
        Workload::Echo => echo::run(&mut run),
        Workload::Presence => presence::run(&mut run),
        Workload::Rejoin => storm::run(&mut run),
        Workload::Slow => slow::run(&mut run),
    }?;
    run.report_memory()?;
    Ok(run.report)
}

impl Run<'_> {
    /// A setting in seconds.
    fn duration(&self, name: &str) -> Duration {
        Duration::from_secs_f64(self.plan.number(name))
    }

    /// The body of every message.
    fn body(&self) -> String {
        "x".repeat(self.plan.count("body"))
    }

    fn report_memory(&mut self) -> Result<(), LoadError> {
        if let Some(server) = &self.server {
            let memory = server.memory()?;
            self.report.figure("server_rss_bytes", memory.resident);
            self.report.figure("server_peak_bytes", memory.peak);
        }
        Ok(())
    }
}
