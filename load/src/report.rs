//! What a run came to, as one line of JSON.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use crate::{histogram::Histogram, process::Process, workload::LoadError};

/// A schedule that is this late at its 99th of 100 measures the generator.
const BEHIND_MAX: Duration = Duration::from_millis(50);
/// So does a thread that never rests.
const SHARE_MAX: f64 = 0.95;

/// One run: its `Display` is the line.
#[derive(Debug)]
pub(crate) struct Report {
    line: Map<String, Value>,
    lost: u64,
}

impl Report {
    pub(crate) fn new(workload: &str, settings: Map<String, Value>) -> Report {
        let mut line = Map::new();
        line.insert("workload".to_owned(), workload.into());
        line.insert("settings".to_owned(), settings.into());
        Report { line, lost: 0 }
    }

    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.line.insert(name.to_owned(), value.into());
    }

    /// What should have come and did not. A run that lost anything fails.
    pub(crate) fn lost(&mut self, count: u64) {
        self.lost += count;
        self.figure("lost", self.lost);
    }

    pub(crate) fn latency(&mut self, name: &str, histogram: &Histogram) {
        self.figure(name, quantiles(histogram));
    }

    /// What the generator itself used, and how far it fell behind.
    pub(crate) fn generator(&mut self, usage: &Usage, behind: &Histogram) {
        let late = behind.quantile(0.99).is_some_and(|late| late > BEHIND_MAX);
        let saturated = late || usage.own_share() > SHARE_MAX;
        self.figure(
            "generator",
            json!({
                "cpu_s": round(usage.own.as_secs_f64()),
                "cpu_share": round(usage.own_share()),
                "behind_ms": quantiles(behind),
                "saturated": saturated,
            }),
        );
    }

    /// Whether nothing was lost.
    pub(crate) fn is_success(&self) -> bool {
        self.lost == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_string(&self.line) {
            Ok(line) => out.write_str(&line),
            Err(_) => Err(fmt::Error),
        }
    }
}

/// Three digits behind the point are more than any of this is exact.
pub(crate) fn round(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

fn quantiles(histogram: &Histogram) -> Value {
    let millis = |time: Option<Duration>| time.map(|time| round(time.as_secs_f64() * 1_000.0));
    json!({
        "p50": millis(histogram.quantile(0.5)),
        "p90": millis(histogram.quantile(0.9)),
        "p99": millis(histogram.quantile(0.99)),
        "p999": millis(histogram.quantile(0.999)),
        "max": millis(histogram.max()),
    })
}

/// Reads what the server and the generator use from one moment to another.
#[derive(Debug)]
pub(crate) struct Meter {
    server: Option<(Process, Duration)>,
    own: (Process, Duration),
    began: Instant,
}

/// What was used between the two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) server: Option<Duration>,
    pub(crate) own: Duration,
    pub(crate) wall: Duration,
}

impl Meter {
    pub(crate) fn start(server: Option<&Process>) -> Result<Meter, LoadError> {
        let with_cpu = |process: &Process| Ok::<_, LoadError>((process.clone(), process.cpu()?));
        Ok(Meter {
            server: server.map(with_cpu).transpose()?,
            own: with_cpu(&Process::own())?,
            began: Instant::now(),
        })
    }

    pub(crate) fn stop(&self) -> Result<Usage, LoadError> {
        let since = |(process, before): &(Process, Duration)| {
            Ok::<_, LoadError>(process.cpu()?.saturating_sub(*before))
        };
        Ok(Usage {
            server: self.server.as_ref().map(since).transpose()?,
            own: since(&self.own)?,
            wall: self.began.elapsed(),
        })
    }
}

impl Usage {
    /// Of one processor; the generator has one thread.
    pub(crate) fn own_share(&self) -> f64 {
        self.own.as_secs_f64() / self.wall.as_secs_f64().max(f64::EPSILON)
    }

    /// The server's processor time in microseconds for each of so many.
    pub(crate) fn server_micros_per(&self, count: u64) -> Option<f64> {
        let server = self.server.filter(|_| count > 0)?;
        Some(round(server.as_secs_f64() * 1e6 / count as f64))
    }
}
