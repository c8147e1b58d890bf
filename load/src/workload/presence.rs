//! `presence`: all join one topic at once.

use std::time::{Duration, Instant};

use super::{LoadError, Run, keys::Members};
use crate::{
    crowd::{self, Crowd, Seat},
    histogram::Histogram,
    net::{Ended, Message, Net, Phase},
    report::{Meter, round},
};

pub(super) const STORY: &str = "\
All clients connect. Then all of them join `presence:storm` at once, each with a key of its own, and each follows its
`presence_state` and every `presence_diff` as a client does, until it has seen all. `seconds_until_all_saw_all` counts from the
first join; this program's parsing shares the processors with the server. Keys that a client has not seen after `seconds`
are lost. `server_peak_bytes` is the server's peak memory (--pid).";

const TOPIC: &str = "presence:storm";

pub(super) fn run(run: &mut Run<'_>) -> Result<(), LoadError> {
    let clients = run.plan.count("connections");
    Crowd::new(0..clients, run.plan.count("window"), |_| None).arrive(&mut run.net)?;
    let meter = Meter::start(run.server.as_ref())?;
    let (_, bytes_before) = run.net.received();
    let mut storm = Storm::new(clients, run.duration("seconds"));
    storm.break_out(&mut run.net);
    run.net.run(&mut storm)?;
    let usage = meter.stop()?;
    let report = &mut run.report;
    report
        .figure("seconds_until_all_saw_all", storm.done_at.map(|at| round((at - storm.start).as_secs_f64())));
    report.figure("refused", storm.refused);
    report.figure("messages", storm.messages);
    report.figure("received_bytes", run.net.received().1 - bytes_before);
    report.figure("server_cpu_s", usage.server.map(|cpu| round(cpu.as_secs_f64())));
    report.lost(storm.sights.iter().map(|sight| (clients - sight.count) as u64).sum());
    report.latency("client_saw_all_ms", &storm.latencies);
    report.generator(&usage, &Histogram::default());
    storm.ended.map_or(Ok(()), |how| Err(LoadError::Ended(format!("{how:?}"))))
}

/// Whom one client sees.
#[derive(Clone, Debug)]
struct Sight {
    keys: Vec<u64>,
    count: usize,
}

impl Sight {
    fn set(&mut self, key: usize, seen: bool) {
        let (word, bit) = (key / 64, 1_u64 << (key % 64));
        let Some(word) = self.keys.get_mut(word) else { return };
        let was = *word & bit != 0;
        if seen && !was {
            *word |= bit;
            self.count += 1;
        } else if !seen && was {
            *word &= !bit;
            self.count -= 1;
        }
    }
}

/// The time from the first join until everybody has seen everybody.
struct Storm {
    start: Instant,
    until: Instant,
    sights: Vec<Sight>,
    /// Clients who have not seen all.
    waiting: usize,
    done_at: Option<Instant>,
    messages: u64,
    refused: u64,
    latencies: Histogram,
    ended: Option<Ended>,
}

impl Storm {
    fn new(clients: usize, patience: Duration) -> Storm {
        let start = Instant::now();
        Storm {
            start,
            until: start + patience,
            sights: vec![Sight { keys: vec![0; clients.div_ceil(64)], count: 0 }; clients],
            waiting: clients,
            done_at: None,
            messages: 0,
            refused: 0,
            latencies: Histogram::default(),
            ended: None,
        }
    }

    fn break_out(&self, net: &mut Net) {
        for id in 0..self.sights.len() {
            let payload = format!("{{\"key\":\"u{id}\"}}");
            net.send(id, &crowd::join(&Seat { topic: TOPIC.to_owned(), payload }));
        }
    }

    fn see(&mut self, id: usize, present: &[u8], seen: bool) {
        for (key, _) in Members::of(present) {
            let key =
                key.strip_prefix(b"u").and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            if let Some(key) = key {
                self.sights[id].set(key, seen);
            }
        }
    }
}

impl Phase for Storm {
    fn opened(&mut self, _: &mut Net, _: usize, _: Instant) {}

    fn message(&mut self, _: &mut Net, id: usize, message: &Message<'_>, now: Instant) {
        let clients = self.sights.len();
        let saw_all = self.sights[id].count == clients;
        match message.event {
            b"presence_state" => self.see(id, message.payload, true),
            b"presence_diff" => {
                for (side, present) in Members::of(message.payload) {
                    self.see(id, present, side == b"joins");
                }
            }
            _ => {
                self.refused += u64::from(message.is_reply() && !message.is_ok());
                return;
            }
        }
        self.messages += 1;
        if !saw_all && self.sights[id].count == clients {
            self.latencies.record(now - self.start);
            self.waiting -= 1;
            self.done_at = (self.waiting == 0).then_some(now);
        }
    }

    fn ended(&mut self, _: &mut Net, _: usize, how: Ended, _: Instant) {
        self.ended = Some(how);
    }

    fn tick(&mut self, _: &mut Net, now: Instant) -> Option<Instant> {
        let over = self.waiting == 0 || now >= self.until || self.ended.is_some() || self.refused > 0;
        (!over).then_some(now + Duration::from_millis(20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sight_counts_each_key_once() {
        let mut sight = Sight { keys: vec![0; 2], count: 0 };
        for key in [3, 3, 100, 1_000] {
            sight.set(key, true);
        }
        sight.set(3, false);
        sight.set(4, false);
        assert_eq!(sight.count, 1);
    }
}
