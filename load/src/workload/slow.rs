//! `slow`: some do not read.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    LoadError, Run,
    delivery::{Speaking, Talk},
    idle::Rest,
};
use crate::{
    crowd::{Crowd, Seat},
    net::{Ended, Message, Net, Phase},
    report::Meter,
};

pub(super) const STORY: &str = "\
All clients join one room, and one of them speaks, as with `fanout`; the `slow` ones read nothing after the upgrade, and their
kernel takes little for them. The figures are those of the clients who read: a server holds them apart if `delivery_ms` stays
as it is without slow ones. `server_peak_bytes` shows whether what waits is bounded (--pid). Afterwards the slow ones read
what is left for them: `slow_ended` counts how each ended.";

/// How long the slow ones read in the end.
const AFTERWARDS: Duration = Duration::from_secs(3);

pub(super) fn run(run: &mut Run<'_>) -> Result<(), LoadError> {
    let (readers, slow) = (run.plan.count("connections"), run.plan.count("slow"));
    let talk = Talk { members: readers, room: readers, speakers: 1, rate: run.plan.number("rate") };
    let seat = |_| Some(Seat { topic: talk.topic(0), payload: "{}".to_owned() });
    Crowd::new(0..readers + slow, 50, seat).slow_from(readers).arrive(&mut run.net)?;
    // Their joins are under way; nobody reads the answers.
    run.net.run(&mut Rest { until: Instant::now() + Duration::from_secs(1), lost: None })?;
    let total = (talk.rate * run.plan.number("seconds")).max(1.0) as u64;
    let meter = Meter::start(run.server.as_ref())?;
    let mut phase = Speaking::new(talk, total, 1, run.body());
    run.net.run(&mut phase)?;
    let usage = meter.stop()?;
    phase.tell(&mut run.report);
    run.report.generator(&usage, phase.schedule.behind());
    let mut after = Afterwards { until: Instant::now() + AFTERWARDS, ended: BTreeMap::new() };
    phase.ended.into_iter().for_each(|(_, how)| after.count(&how));
    (readers..readers + slow).for_each(|id| run.net.wake(id, &mut after));
    run.net.run(&mut after)?;
    run.report.figure("slow_ended", serde_json::json!(after.ended));
    Ok(())
}

/// The time in which the slow ones read.
struct Afterwards {
    until: Instant,
    ended: BTreeMap<String, u64>,
}

impl Afterwards {
    fn count(&mut self, how: &Ended) {
        *self.ended.entry(format!("{how:?}")).or_default() += 1;
    }
}

impl Phase for Afterwards {
    fn opened(&mut self, _: &mut Net, _: usize, _: Instant) {}

    fn message(&mut self, _: &mut Net, _: usize, _: &Message<'_>, _: Instant) {}

    fn ended(&mut self, _: &mut Net, _: usize, how: Ended, _: Instant) {
        self.count(&how);
    }

    fn tick(&mut self, _: &mut Net, now: Instant) -> Option<Instant> {
        (now < self.until).then_some(self.until)
    }
}
