//! `rejoin`: storms.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{LoadError, Run, delivery::GRACE};
use crate::{
    crowd::{self, Crowd, Seat},
    histogram::Histogram,
    net::{Ended, Message, Net, Phase},
    report::Meter,
    schedule::Schedule,
    stamp::{Clock, Stamp},
};

pub(super) const STORY: &str = "\
Clients join rooms of `room` members, and the `senders`, spread over the rooms, push `new_msg` in turn, each when it is due. Every
`calm` seconds, `storms` times, all connections but the senders' are cut without a word, and every client connects and rejoins
at once, `window` of them at a time. With `recover` 1 they join with `since`, the place of the last message that they heard, and
take what they missed from `history` in the reply: then what any member has not heard of any sender, in the sender's order and
once, is lost. With 0 it is `missed`. `back_ms` counts from the cut of a client to the answer of its join.";

pub(super) fn run(run: &mut Run<'_>) -> Result<(), LoadError> {
    let mut storm = Storm::new(run);
    let (members, all) = (storm.seats.len(), storm.seats.len() + storm.numbers.len());
    let seat = |id| Some(Seat { topic: storm.sender_topic(id - members), payload: "{}".to_owned() });
    Crowd::new(members..all, run.plan.count("window"), seat).arrive(&mut run.net)?;
    let meter = Meter::start(run.server.as_ref())?;
    run.net.run(&mut storm)?;
    let usage = meter.stop()?;
    let report = &mut run.report;
    let sent: u64 = storm.numbers.iter().map(|number| u64::from(*number)).sum();
    report.figure("sent", sent);
    report.figure("heard_live", storm.live);
    report.figure("heard_after_a_rejoin", storm.recovered);
    report.figure("rejoins", storm.rejoins);
    report.figure("gaps", storm.gaps);
    report.figure("refused", storm.refused);
    report.figure("retries", storm.retries);
    report.figure("disordered", storm.disordered);
    report.figure("missed", storm.missed());
    report.figure("server_cpu_s", usage.server.map(|cpu| cpu.as_secs_f64()));
    report.lost(storm.disordered + if storm.recover { storm.missed() } else { 0 });
    report.latency("delivery_ms", &storm.latencies);
    report.latency("back_ms", &storm.back);
    report.generator(&usage, storm.schedule.as_ref().map_or(&Histogram::default(), Schedule::behind));
    storm.sender_ended.map_or(Ok(()), |how| Err(LoadError::Ended(format!("{how:?}"))))
}

/// One member.
#[derive(Clone, Debug)]
struct Member {
    place: Place,
    /// The place of the last message that it heard.
    since: Option<String>,
    /// The number that comes next, of each sender of its room.
    expected: Vec<u32>,
    cut_at: Instant,
}

/// Where a member is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Away,
    OnItsWay,
    Back,
}

struct Storm {
    room: usize,
    recover: bool,
    window: usize,
    rate: f64,
    total: u64,
    body: String,
    clock: Clock,
    /// There once all members have joined for the first time.
    schedule: Option<Schedule>,
    storms: VecDeque<Instant>,
    storms_wanted: u32,
    calm: Duration,
    seats: Vec<Member>,
    away: VecDeque<usize>,
    on_their_way: usize,
    /// The number of each sender's next message.
    numbers: Vec<u32>,
    /// Messages that were sent and not heard, once for each member.
    outstanding: u64,
    skipped: u64,
    live: u64,
    recovered: u64,
    rejoins: u64,
    gaps: u64,
    refused: u64,
    retries: u64,
    disordered: u64,
    latencies: Histogram,
    back: Histogram,
    sender_ended: Option<Ended>,
    until: Instant,
}

impl Storm {
    fn new(run: &Run<'_>) -> Storm {
        let room = run.plan.count("room");
        let rooms = (run.plan.count("connections") / room).max(1);
        let senders = run.plan.count("senders");
        let (calm, storms) = (run.duration("calm"), run.plan.count("storms"));
        let (clock, now) = (Clock::start(), Instant::now());
        let rate = run.plan.number("rate");
        let slots = senders.div_ceil(rooms);
        let member = Member { place: Place::Away, since: None, expected: vec![0; slots], cut_at: now };
        let members = rooms * room;
        Storm {
            room,
            recover: run.plan.number("recover") > 0.5,
            window: run.plan.count("window"),
            rate,
            total: (rate * calm.as_secs_f64() * (storms + 1) as f64) as u64,
            body: run.body(),
            clock,
            schedule: None,
            storms: VecDeque::new(),
            storms_wanted: storms as u32,
            calm,
            seats: vec![member; members],
            away: (0..members).collect(),
            on_their_way: 0,
            numbers: vec![0; senders],
            outstanding: 0,
            skipped: 0,
            live: 0,
            recovered: 0,
            rejoins: 0,
            gaps: 0,
            refused: 0,
            retries: 0,
            disordered: 0,
            latencies: Histogram::default(),
            back: Histogram::default(),
            sender_ended: None,
            until: now + calm * (storms as u32 + 1) + 12 * GRACE,
        }
    }

    fn rooms(&self) -> usize {
        self.seats.len() / self.room
    }

    fn sender_topic(&self, sender: usize) -> String {
        format!("room:{}", sender % self.rooms())
    }

    fn missed(&self) -> u64 {
        self.skipped + self.outstanding
    }

    fn is_over(&self) -> bool {
        let said = self.schedule.as_ref().is_some_and(|schedule| schedule.next_due().is_none());
        said && self.storms.is_empty() && self.away.is_empty() && self.on_their_way == 0
    }

    /// All members are there for the first time: now it is spoken, and the storms are foreseen.
    fn begin(&mut self, now: Instant) {
        self.schedule = Some(Schedule::new(now, self.rate, 1, self.total));
        self.storms = (1..=self.storms_wanted).map(|number| now + self.calm * number).collect();
        self.until = now + self.calm * (self.storms_wanted + 1) + 6 * GRACE;
        // These joins were no storm's.
        self.back = Histogram::default();
        self.rejoins = 0;
    }

    fn break_out(&mut self, net: &mut Net, now: Instant) {
        for id in 0..self.seats.len() {
            if self.seats[id].place != Place::Away {
                net.cut(id);
                self.lose(id);
            }
            self.seats[id].cut_at = now;
        }
    }

    /// A member has no connection any more.
    fn lose(&mut self, id: usize) {
        self.on_their_way -= usize::from(self.seats[id].place == Place::OnItsWay);
        self.seats[id].place = Place::Away;
        self.away.push_back(id);
    }

    fn come_back(&mut self, net: &mut Net) {
        while self.on_their_way < self.window
            && let Some(id) = self.away.pop_front()
        {
            self.seats[id].place = Place::OnItsWay;
            self.on_their_way += 1;
            if net.connect(id).is_err() {
                self.retries += 1;
                self.lose(id);
                // The system has no port or descriptor left: later.
                return;
            }
        }
    }

    fn joined(&mut self, id: usize, payload: &[u8], now: Instant) {
        if self.seats[id].place == Place::OnItsWay {
            self.seats[id].place = Place::Back;
            self.on_their_way -= 1;
            self.rejoins += 1;
            self.back.record(now.saturating_duration_since(self.seats[id].cut_at));
        }
        self.hear_history(id, payload);
    }

    fn hear_history(&mut self, id: usize, payload: &[u8]) {
        self.gaps += u64::from(memchr::memmem::find(payload, b"\"gap\":true").is_some());
        for stamp in Stamp::all(payload) {
            self.recovered += 1;
            self.hear(id, stamp);
        }
        self.move_on(id, payload, b"\"since\":\"");
    }

    fn move_on(&mut self, id: usize, payload: &[u8], mark: &[u8]) {
        if !self.recover {
            return;
        }
        let Some(at) = memchr::memmem::rfind(payload, mark) else { return };
        let rest = &payload[at + mark.len()..];
        let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(0);
        let since = self.seats[id].since.get_or_insert_default();
        since.clear();
        since.push_str(&String::from_utf8_lossy(&rest[..end]));
    }

    fn hear(&mut self, id: usize, stamp: Stamp) {
        let Some(sender) = (stamp.sender as usize).checked_sub(self.seats.len()) else { return };
        let rooms = self.rooms();
        let Some(expected) = self.seats[id].expected.get_mut(sender / rooms) else { return };
        match stamp.number.checked_sub(*expected) {
            Some(skipped) => {
                self.skipped += u64::from(skipped);
                self.outstanding -= u64::from(skipped) + 1;
                *expected = stamp.number + 1;
            }
            None => self.disordered += 1,
        }
    }

    fn speak(&mut self, net: &mut Net, number: u64, due: Instant) {
        let sender = (number % self.numbers.len() as u64) as usize;
        let (id, number) = (self.seats.len() + sender, self.numbers[sender]);
        self.numbers[sender] += 1;
        self.outstanding += self.room as u64;
        let stamp = Stamp { due: self.clock.micros(due), sender: id as u32, number };
        let (topic, payload) = (self.sender_topic(sender), stamp.payload(&self.body));
        net.send(id, &format!("[\"1\",\"m{number}\",\"{topic}\",\"new_msg\",{payload}]"));
    }
}

impl Phase for Storm {
    fn opened(&mut self, net: &mut Net, id: usize, _: Instant) {
        let Some(member) = self.seats.get(id) else { return };
        let payload = match &member.since {
            Some(since) => format!("{{\"since\":\"{since}\"}}"),
            None => "{}".to_owned(),
        };
        net.send(id, &crowd::join(&Seat { topic: format!("room:{}", id / self.room), payload }));
    }

    fn message(&mut self, net: &mut Net, id: usize, message: &Message<'_>, now: Instant) {
        if id >= self.seats.len() {
            self.refused += u64::from(message.is_reply() && !message.is_ok());
            return;
        }
        match message.event {
            b"new_msg" => {
                let Some(stamp) = Stamp::find(message.payload) else { return };
                self.live += 1;
                self.latencies.record(self.clock.since(stamp.due, now));
                self.hear(id, stamp);
                self.move_on(id, message.payload, b"\"_since\":\"");
            }
            b"history" => self.hear_history(id, message.payload),
            b"phx_reply" if message.reference == crowd::JOIN_REF.as_bytes() && message.is_ok() => {
                self.joined(id, message.payload, now);
            }
            b"phx_reply" if message.reference == crowd::JOIN_REF.as_bytes() => {
                self.refused += 1;
                net.cut(id);
                self.lose(id);
            }
            _ => {}
        }
    }

    fn ended(&mut self, _: &mut Net, id: usize, how: Ended, _: Instant) {
        if id >= self.seats.len() {
            self.sender_ended = Some(how);
        } else {
            self.retries += 1;
            self.lose(id);
        }
    }

    fn tick(&mut self, net: &mut Net, now: Instant) -> Option<Instant> {
        if self.sender_ended.is_some() || now >= self.until {
            return None;
        }
        self.come_back(net);
        if self.schedule.is_none() && self.away.is_empty() && self.on_their_way == 0 {
            self.begin(now);
        }
        while let Some((number, due)) = self.schedule.as_mut().and_then(|schedule| schedule.take(now)) {
            self.speak(net, number, due);
        }
        if self.storms.front().is_some_and(|due| *due <= now) {
            self.storms.pop_front();
            self.break_out(net, now);
        }
        if self.is_over() {
            // Whoever cannot recover what it missed waits for what is on its way, and no longer.
            self.until = self.until.min(now + if self.recover { GRACE } else { GRACE / 5 });
            if self.outstanding == 0 {
                return None;
            }
        }
        let next_due = self.schedule.as_ref().and_then(Schedule::next_due);
        Some(next_due.unwrap_or(self.until).min(now + Duration::from_millis(20)))
    }
}
