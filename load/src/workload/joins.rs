//! `joins`: how fast clients come in.

use super::{LoadError, Run};
use crate::{
    crowd::{Crowd, Seat},
    report::{Meter, round},
};

pub(super) const STORY: &str = "\
Each client connects, upgrades and joins a room of its own. With `rate` 0 a new one sets out whenever fewer than `window`
are under way: `joins_per_second` is what the server can do. With a rate they set out when they are due, and `join_ms` says
how long it took from then to the answer of the join. `server_us_per_join` is the server's processor time, with --pid.";

pub(super) fn run(run: &mut Run<'_>) -> Result<(), LoadError> {
    let (total, window) = (run.plan.count("connections"), run.plan.count("window"));
    let seat = |id| Some(Seat { topic: format!("room:{id}"), payload: "{}".to_owned() });
    let meter = Meter::start(run.server.as_ref())?;
    let crowd = match run.plan.number("rate") {
        0.0 => Crowd::new(0..total, window, seat),
        rate => Crowd::at_rate(0..total, rate, seat),
    };
    let arrived = crowd.arrive(&mut run.net)?;
    let usage = meter.stop()?;
    run.report.figure("joins_per_second", round(total as f64 / arrived.took.as_secs_f64()));
    run.report.figure("server_us_per_join", usage.server_micros_per(total as u64));
    run.report.latency("join_ms", &arrived.joins);
    run.report.generator(&usage, &arrived.behind);
    Ok(())
}
