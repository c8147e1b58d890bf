//! Clients that arrive: each connects and joins a topic, so many at a time.

use std::time::{Duration, Instant};

use crate::{
    histogram::Histogram,
    net::{Ended, Message, Net, Phase},
    schedule::Schedule,
    workload::LoadError,
};

/// How long the whole crowd may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// The reference of a client's join, and so its join reference.
pub(crate) const JOIN_REF: &str = "1";

/// A topic, and what its client says when it joins.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) topic: String,
    pub(crate) payload: String,
}

/// Clients on their way in.
pub(crate) struct Crowd<S> {
    seat: S,
    pace: Pace,
    next: usize,
    end: usize,
    /// Those from this number on never read.
    slow_from: usize,
    /// When each of those that are under way began.
    began: Vec<Option<Instant>>,
    under_way: usize,
    arrived: usize,
    failed: usize,
    first_failure: Option<String>,
    joins: Histogram,
    started: Instant,
    last: Instant,
}

/// When the next one sets out.
enum Pace {
    /// When fewer than so many are under way.
    Window(usize),
    /// When it is due.
    Schedule(Schedule),
}

/// What became of a crowd.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) took: Duration,
    /// From the begin, or the due time, of a connection to the answer of its join.
    pub(crate) joins: Histogram,
    pub(crate) behind: Histogram,
}

impl<S: Fn(usize) -> Option<Seat>> Crowd<S> {
    /// Clients of these numbers; `seat` says what each joins, if it joins anything.
    pub(crate) fn new(clients: std::ops::Range<usize>, window: usize, seat: S) -> Crowd<S> {
        Crowd::of(clients, Pace::Window(window.max(1)), seat)
    }

    /// Clients who arrive at a rate, whatever became of those before them.
    pub(crate) fn at_rate(clients: std::ops::Range<usize>, rate: f64, seat: S) -> Crowd<S> {
        let total = clients.len() as u64;
        Crowd::of(clients, Pace::Schedule(Schedule::new(Instant::now(), rate, 1, total)), seat)
    }

    fn of(clients: std::ops::Range<usize>, pace: Pace, seat: S) -> Crowd<S> {
        let now = Instant::now();
        Crowd {
            seat,
            pace,
            next: clients.start,
            end: clients.end,
            slow_from: usize::MAX,
            began: vec![None; clients.end],
            under_way: 0,
            arrived: 0,
            failed: 0,
            first_failure: None,
            joins: Histogram::default(),
            started: now,
            last: now,
        }
    }

    pub(crate) fn slow_from(mut self, id: usize) -> Self {
        self.slow_from = id;
        self
    }

    /// Waits until all have arrived.
    ///
    /// # Errors
    ///
    /// When one of them did not.
    pub(crate) fn arrive(mut self, net: &mut Net) -> Result<Arrived, LoadError> {
        net.run(&mut self)?;
        let behind = match &self.pace {
            Pace::Window(_) => Histogram::default(),
            Pace::Schedule(schedule) => schedule.behind().clone(),
        };
        match self.first_failure {
            Some(first) => Err(LoadError::Arrival { failed: self.failed, first }),
            None => Ok(Arrived { took: self.last - self.started, joins: self.joins, behind }),
        }
    }

    fn set_out(&mut self, net: &mut Net, due: Instant) {
        let id = self.next;
        self.next += 1;
        self.under_way += 1;
        self.began[id] = Some(due);
        let begun = if id >= self.slow_from { net.connect_slow(id) } else { net.connect(id) };
        if let Err(error) = begun {
            self.fail(id, format!("cannot connect: {error}"));
        }
    }

    fn arrive_one(&mut self, id: usize, now: Instant) {
        if let Some(began) = self.began[id].take() {
            self.under_way -= 1;
            self.arrived += 1;
            self.last = now;
            self.joins.record(now.saturating_duration_since(began));
        }
    }

    fn fail(&mut self, id: usize, why: String) {
        if let Some(place) = self.began.get_mut(id) {
            self.under_way -= usize::from(place.take().is_some());
        }
        self.failed += 1;
        self.first_failure.get_or_insert(why);
    }
}

impl<S: Fn(usize) -> Option<Seat>> Phase for Crowd<S> {
    fn opened(&mut self, net: &mut Net, id: usize, now: Instant) {
        match (self.seat)(id) {
            Some(seat) => net.send(id, &join(&seat)),
            None => self.arrive_one(id, now),
        }
        if id >= self.slow_from {
            self.arrive_one(id, now);
        }
    }

    fn message(&mut self, _: &mut Net, id: usize, message: &Message<'_>, now: Instant) {
        if !message.is_reply() || message.reference != JOIN_REF.as_bytes() || self.began.get(id).is_none() {
            return;
        }
        if message.is_ok() {
            self.arrive_one(id, now);
        } else {
            self.fail(id, format!("join refused: {}", String::from_utf8_lossy(message.payload)));
        }
    }

    fn ended(&mut self, _: &mut Net, id: usize, how: Ended, _: Instant) {
        self.fail(id, format!("{how:?}"));
    }

    fn tick(&mut self, net: &mut Net, now: Instant) -> Option<Instant> {
        if self.failed == 0 {
            match &mut self.pace {
                Pace::Window(window) => {
                    let free = window.saturating_sub(self.under_way).min(self.end - self.next);
                    (0..free).for_each(|_| self.set_out(net, now));
                }
                Pace::Schedule(schedule) => {
                    let due: Vec<Instant> =
                        std::iter::from_fn(|| schedule.take(now).map(|(_, due)| due)).collect();
                    due.into_iter().for_each(|due| self.set_out(net, due));
                }
            }
        }
        let all_in = self.next == self.end && self.under_way == 0;
        if all_in || self.failed > 0 {
            return None;
        }
        if now >= self.started + PATIENCE {
            self.fail(usize::MAX, format!("{} had not arrived after {PATIENCE:?}", self.under_way));
            return None;
        }
        let next_due = match &self.pace {
            Pace::Window(_) => None,
            Pace::Schedule(schedule) => schedule.next_due(),
        };
        Some(next_due.unwrap_or(now + Duration::from_secs(1)))
    }
}

/// The text with which a client takes its seat.
pub(crate) fn join(Seat { topic, payload }: &Seat) -> String {
    format!("[\"{JOIN_REF}\",\"{JOIN_REF}\",\"{topic}\",\"phx_join\",{payload}]")
}
