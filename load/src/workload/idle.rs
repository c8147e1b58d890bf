//! `idle`: what a connection costs that does nothing.

use std::time::Instant;

use super::{LoadError, Run};
use crate::{
    crowd::{Crowd, Seat},
    net::{Ended, Message, Net, Phase},
};

pub(super) const STORY: &str = "\
Ten clients connect and join, so that whatever the server makes once is there; its resident memory is read. Then the
others come, each with one connection and one joined channel in a room of its own number, and all rest for `seconds`. The
growth of the memory, divided by their number, is `bytes_per_connection`. It needs --pid.";

/// Clients who come before the memory is read for the first time.
const FIRST: usize = 10;

pub(super) fn run(run: &mut Run<'_>) -> Result<(), LoadError> {
    let total = run.plan.count("connections") + FIRST;
    let window = run.plan.count("window");
    let seat = |id| Some(Seat { topic: format!("room:{id}"), payload: "{}".to_owned() });
    Crowd::new(0..FIRST, window, seat).arrive(&mut run.net)?;
    rest(run)?;
    let resident = |run: &Run<'_>| run.server.as_ref().map(|server| server.memory()).transpose();
    let before = resident(run)?;
    Crowd::new(FIRST..total, window, seat).arrive(&mut run.net)?;
    rest(run)?;
    if let (Some(before), Some(after)) = (before, resident(run)?) {
        let grown = after.resident.saturating_sub(before.resident);
        run.report.figure("bytes_per_connection", grown / (total - FIRST) as u64);
    }
    Ok(())
}

fn rest(run: &mut Run<'_>) -> Result<(), LoadError> {
    let mut rest = Rest { until: Instant::now() + run.duration("seconds"), lost: None };
    run.net.run(&mut rest)?;
    rest.lost.map_or(Ok(()), |how| Err(LoadError::Ended(format!("{how:?}"))))
}

/// Nothing is done until a time.
pub(super) struct Rest {
    pub(super) until: Instant,
    pub(super) lost: Option<Ended>,
}

impl Phase for Rest {
    fn opened(&mut self, _: &mut Net, _: usize, _: Instant) {}

    fn message(&mut self, _: &mut Net, _: usize, _: &Message<'_>, _: Instant) {}

    fn ended(&mut self, _: &mut Net, _: usize, how: Ended, _: Instant) {
        self.lost = Some(how);
    }

    fn tick(&mut self, _: &mut Net, now: Instant) -> Option<Instant> {
        (now < self.until && self.lost.is_none()).then_some(self.until)
    }
}
