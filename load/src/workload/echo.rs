//! `echo`: requests and their replies.

use std::time::{Duration, Instant};

use super::{LoadError, Run, delivery::GRACE};
use crate::{
    crowd::{Crowd, Seat},
    histogram::Histogram,
    net::{Ended, Message, Net, Phase},
    report::{Meter, round},
    schedule::Schedule,
    stamp::{Clock, Stamp},
};

pub(super) const STORY: &str = "\
Each client joins a room of its own. All together push `echo` at the rate, in turn, each when it is due, and get their payload
back. `server_us_per_reply` is the server's processor time (--pid); `reply_ms` counts from the time at which the request was
due. What has not come ten seconds after the last was due is lost.";

pub(super) fn run(run: &mut Run<'_>) -> Result<(), LoadError> {
    let clients = run.plan.count("connections");
    let seat = |id| Some(Seat { topic: format!("room:{id}"), payload: "{}".to_owned() });
    Crowd::new(0..clients, run.plan.count("window"), seat).arrive(&mut run.net)?;
    let (rate, time) = (run.plan.number("rate"), run.duration("seconds"));
    let total = (rate * time.as_secs_f64()).max(1.0) as u64;
    let meter = Meter::start(run.server.as_ref())?;
    let mut phase = Asking::new(clients, rate, total, run.body());
    run.net.run(&mut phase)?;
    let usage = meter.stop()?;
    let report = &mut run.report;
    report.figure("server_us_per_reply", usage.server_micros_per(phase.received));
    report.figure("replies_per_second", round(phase.received as f64 / usage.wall.as_secs_f64()));
    report.figure("refused", phase.refused);
    report.lost(phase.schedule.taken().saturating_sub(phase.received));
    report.latency("reply_ms", &phase.latencies);
    report.generator(&usage, phase.schedule.behind());
    phase.ended.map_or(Ok(()), |how| Err(LoadError::Ended(format!("{how:?}"))))
}

/// The time in which it is asked.
struct Asking {
    clients: usize,
    clock: Clock,
    schedule: Schedule,
    body: String,
    received: u64,
    refused: u64,
    latencies: Histogram,
    ended: Option<Ended>,
    until: Instant,
}

impl Asking {
    fn new(clients: usize, rate: f64, total: u64, body: String) -> Asking {
        let (clock, start) = (Clock::start(), Instant::now() + Duration::from_millis(100));
        Asking {
            clients,
            clock,
            schedule: Schedule::new(start, rate, 1, total),
            body,
            received: 0,
            refused: 0,
            latencies: Histogram::default(),
            ended: None,
            until: start + Duration::from_secs_f64(total as f64 / rate) + GRACE,
        }
    }
}

impl Phase for Asking {
    fn opened(&mut self, _: &mut Net, _: usize, _: Instant) {}

    fn message(&mut self, _: &mut Net, _: usize, message: &Message<'_>, now: Instant) {
        if !message.is_reply() {
            return;
        }
        match Stamp::find(message.payload) {
            Some(stamp) => {
                self.received += 1;
                self.latencies.record(self.clock.since(stamp.due, now));
            }
            None => self.refused += u64::from(!message.is_ok()),
        }
    }

    fn ended(&mut self, _: &mut Net, _: usize, how: Ended, _: Instant) {
        self.ended = Some(how);
    }

    fn tick(&mut self, net: &mut Net, now: Instant) -> Option<Instant> {
        while let Some((number, due)) = self.schedule.take(now) {
            let id = (number % self.clients as u64) as usize;
            let stamp = Stamp { due: self.clock.micros(due), sender: id as u32, number: number as u32 };
            let payload = stamp.payload(&self.body);
            net.send(id, &format!("[\"1\",\"m{number}\",\"room:{id}\",\"echo\",{payload}]"));
        }
        match self.schedule.next_due() {
            _ if self.ended.is_some() => None,
            Some(due) => Some(due),
            None if self.received + self.refused >= self.schedule.taken() || now >= self.until => None,
            None => Some(now + Duration::from_millis(20)),
        }
    }
}
