//! `fanout` and `rooms`: messages that reach all of a room.

use std::time::{Duration, Instant};

use super::{LoadError, Run};
use crate::{
    crowd::{Crowd, Seat},
    histogram::Histogram,
    net::{Ended, Message, Net, Phase},
    report::{Meter, round},
    schedule::Schedule,
    stamp::{Clock, Stamp},
};

pub(super) const FANOUT_STORY: &str = "\
All clients join one room; the first `senders` of them push `new_msg` in turn, when it is due, and every client gets each.
`server_s_per_million` is the server's processor time for a million deliveries (--pid), the pushes and their replies
included; `delivery_ms` counts from the time at which the message was due. What has not come ten seconds after the last was
due is lost; what comes out of its sender's order, or twice, is told as `disordered`, and counts as lost too.
A rate with `burst` 1 asks for a write to each client for each message; bursts show what a server makes of a queue.";

pub(super) const ROOMS_STORY: &str = "\
Clients join rooms of `room` members. Each pushes `new_msg` at its rate, when it is due, and every member gets each, the
sender too. Figures as of `fanout`: the pushes and their replies are part of the server's processor time.";

/// How long after the last due time a message may come.
pub(super) const GRACE: Duration = Duration::from_secs(10);

pub(super) fn fanout(run: &mut Run<'_>) -> Result<(), LoadError> {
    let (members, senders) = (run.plan.count("connections"), run.plan.count("senders"));
    let rate = run.plan.number("rate");
    let talk = Talk { members, room: members, speakers: senders.min(members), rate };
    speak(run, talk)
}

pub(super) fn rooms(run: &mut Run<'_>) -> Result<(), LoadError> {
    let (members, room) = (run.plan.count("connections"), run.plan.count("room"));
    // Whole rooms only, so that every message has as many receivers.
    let members = (members / room).max(1) * room;
    let rate = run.plan.number("rate") * members as f64;
    speak(run, Talk { members, room, speakers: room, rate })
}

/// Who speaks to whom: rooms of equal size, in each of which the first few speak.
#[derive(Clone, Copy, Debug)]
pub(super) struct Talk {
    pub(super) members: usize,
    pub(super) room: usize,
    pub(super) speakers: usize,
    /// Messages a second of all.
    pub(super) rate: f64,
}

impl Talk {
    pub(super) fn topic(&self, id: usize) -> String {
        format!("room:{}", id / self.room)
    }

    /// The client who sends the how manieth message.
    fn sender(&self, number: u64) -> usize {
        let rooms = self.members / self.room;
        let turn = (number % (rooms * self.speakers) as u64) as usize;
        turn % rooms * self.room + turn / rooms
    }
}

fn speak(run: &mut Run<'_>, talk: Talk) -> Result<(), LoadError> {
    let seat = |id| Some(Seat { topic: talk.topic(id), payload: "{}".to_owned() });
    Crowd::new(0..talk.members, run.plan.count("window"), seat).arrive(&mut run.net)?;
    let burst = run.plan.number("burst").max(1.0) as u64;
    let total = (talk.rate * run.plan.number("seconds")).max(1.0) as u64;
    let meter = Meter::start(run.server.as_ref())?;
    let mut phase = Speaking::new(talk, total, burst, run.body());
    run.net.run(&mut phase)?;
    let usage = meter.stop()?;
    run.report.figure("server_s_per_million", usage.server_micros_per(phase.received));
    run.report.figure("deliveries_per_second", round(phase.received as f64 / usage.wall.as_secs_f64()));
    phase.tell(&mut run.report);
    run.report.generator(&usage, phase.schedule.behind());
    Ok(())
}

/// The time in which it is spoken.
pub(super) struct Speaking {
    talk: Talk,
    clock: Clock,
    pub(super) schedule: Schedule,
    body: String,
    /// The number of each client's next message.
    numbers: Vec<u32>,
    /// For each client and each speaker of its room, the number of the message that comes next.
    expected: Vec<u32>,
    pub(super) received: u64,
    disordered: u64,
    refused: u64,
    pub(super) latencies: Histogram,
    pub(super) ended: Vec<(usize, Ended)>,
    until: Instant,
}

impl Speaking {
    pub(super) fn new(talk: Talk, total: u64, burst: u64, body: String) -> Speaking {
        let clock = Clock::start();
        let start = Instant::now() + Duration::from_millis(100);
        let schedule = Schedule::new(start, talk.rate, burst, total);
        Speaking {
            clock,
            schedule,
            body,
            numbers: vec![0; talk.members],
            expected: vec![0; talk.members * talk.speakers],
            received: 0,
            disordered: 0,
            refused: 0,
            latencies: Histogram::default(),
            ended: Vec::new(),
            until: start + Duration::from_secs_f64(total as f64 / talk.rate) + GRACE,
            talk,
        }
    }

    fn wanted(&self) -> u64 {
        self.schedule.taken() * self.talk.room as u64
    }

    pub(super) fn tell(&self, report: &mut crate::report::Report) {
        report.figure("sent", self.schedule.taken());
        report.figure("delivered", self.received);
        report.figure("disordered", self.disordered);
        report.figure("refused", self.refused);
        report.figure("disconnected", self.ended.len());
        report.lost(self.wanted().saturating_sub(self.received) + self.disordered);
        report.latency("delivery_ms", &self.latencies);
    }

    fn send(&mut self, net: &mut Net, message: u64, due: Instant) {
        let id = self.talk.sender(message);
        let number = self.numbers[id];
        self.numbers[id] += 1;
        let stamp = Stamp { due: self.clock.micros(due), sender: id as u32, number };
        let (topic, payload) = (self.talk.topic(id), stamp.payload(&self.body));
        net.send(id, &format!("[\"1\",\"m{number}\",\"{topic}\",\"new_msg\",{payload}]"));
    }
}

impl Phase for Speaking {
    fn opened(&mut self, _: &mut Net, _: usize, _: Instant) {}

    fn message(&mut self, _: &mut Net, id: usize, message: &Message<'_>, now: Instant) {
        if message.event != b"new_msg" {
            self.refused += u64::from(message.is_reply() && !message.is_ok());
            return;
        }
        let Some(stamp) = Stamp::find(message.payload) else { return };
        let slot = stamp.sender as usize % self.talk.room;
        let Some(expected) = self.expected.get_mut(id * self.talk.speakers + slot) else { return };
        self.received += 1;
        self.disordered += u64::from(stamp.number != *expected);
        *expected = stamp.number + 1;
        self.latencies.record(self.clock.since(stamp.due, now));
    }

    fn ended(&mut self, _: &mut Net, id: usize, how: Ended, _: Instant) {
        self.ended.push((id, how));
    }

    fn tick(&mut self, net: &mut Net, now: Instant) -> Option<Instant> {
        while let Some((number, due)) = self.schedule.take(now) {
            self.send(net, number, due);
        }
        match self.schedule.next_due() {
            Some(due) => Some(due),
            None if self.received >= self.wanted() || now >= self.until => None,
            None => Some(now + Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_take_turns_over_all_rooms() {
        let talk = Talk { members: 6, room: 3, speakers: 2, rate: 1.0 };
        let senders: Vec<usize> = (0..5).map(|number| talk.sender(number)).collect();
        assert_eq!(senders, [0, 3, 1, 4, 0]);
        assert_eq!(talk.topic(4), "room:1");
    }
}
