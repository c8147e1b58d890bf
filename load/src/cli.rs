//! What was asked for: the command line, parsed once (pure).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{target::Target, workload::Workload};

/// One parsed command line.
#[derive(Debug)]
pub(crate) enum Command {
    Help(String),
    Run(Plan),
}

/// A workload with all its settings.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) workload: Workload,
    pub(crate) target: Target,
    /// The server's process, where its processor time and memory shall be read.
    pub(crate) pid: Option<u32>,
    numbers: BTreeMap<&'static str, f64>,
}

/// A setting of a workload: a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Knob {
    pub(crate) name: &'static str,
    pub(crate) default: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) about: &'static str,
}

impl Plan {
    /// The value of one of the workload's own settings.
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.numbers.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    pub(crate) fn settings(&self) -> Map<String, Value> {
        self.numbers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
    }
}

/// Reads the command line, given without the program's own name.
///
/// # Errors
///
/// One line that says what was not understood.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let arguments: Vec<String> = arguments.collect();
    let Some((word, rest)) = arguments.split_first() else { return Ok(Command::Help(help())) };
    if is_help(word) {
        return Ok(Command::Help(help()));
    }
    let workload = Workload::ALL.into_iter().find(|workload| workload.word() == word);
    let workload = workload.ok_or_else(|| format!("there is no workload `{word}`"))?;
    if rest.iter().any(|word| is_help(word)) {
        return Ok(Command::Help(help_of(workload)));
    }
    parse_settings(workload, rest).map(Command::Run)
}

fn is_help(word: &str) -> bool {
    matches!(word, "help" | "--help" | "-h")
}

fn parse_settings(workload: Workload, words: &[String]) -> Result<Plan, String> {
    let (mut target, mut pid) = (None, None);
    let mut numbers: BTreeMap<_, _> = workload.knobs().iter().map(|knob| (knob.name, knob.default)).collect();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").ok_or_else(|| format!("`{word}` is no setting"))?;
        let value = words.next().ok_or_else(|| format!("--{name} needs a value"))?;
        match name {
            "url" => target = Some(value.parse().map_err(|error| format!("{error}"))?),
            "pid" => pid = Some(value.parse().map_err(|_| format!("`{value}` is no process id"))?),
            _ => {
                let knob = workload.knobs().iter().find(|knob| knob.name == name);
                let knob = knob.ok_or_else(|| format!("`{}` has no setting --{name}", workload.word()))?;
                numbers.insert(knob.name, knob.parse(value)?);
            }
        }
    }
    let target = target.ok_or("--url is needed, like ws://127.0.0.1:4000/socket/websocket")?;
    Ok(Plan { workload, target, pid, numbers })
}

impl Knob {
    fn parse(&self, value: &str) -> Result<f64, String> {
        let Knob { name, min, max, .. } = self;
        let number = value.parse().ok().filter(|number: &f64| (*min..=*max).contains(number));
        number.ok_or_else(|| format!("--{name} takes a number from {min} to {max}, not `{value}`"))
    }
}

fn help() -> String {
    let mut text = String::from(
        "\
Open-loop load for a server that speaks the channels protocol (version 2, over WebSocket).

Usage: throng-load WORKLOAD --url URL [--pid PID] [--SETTING NUMBER]…

  --url URL   where the sockets are, on this machine: ws://127.0.0.1:4000/socket/websocket
  --pid PID   the server's process: its processor time and memory are read from /proc

Workloads:
",
    );
    for workload in Workload::ALL {
        text.push_str(&format!("  {:<10}{}\n", workload.word(), workload.about()));
    }
    text.push_str(
        "
`throng-load WORKLOAD --help` tells what a workload does, and its settings.

A run prints one line of JSON. What is sent follows a schedule that no answer holds up, and a latency counts from
the time at which its message was due: a server that stalls is charged for what should have been sent meanwhile.
`generator` tells how far this program itself fell behind, and which share of one processor it used; with
`saturated` the figures are its own, not the server's. The exit code is 1 when anything was lost.

The server has channels at `room:*` that answer `echo` with its payload, and broadcast the payload of `new_msg`; those at
`presence:*` track the `key` of their join's payload, push `presence_state`, and let `presence_diff` through.

Examples:
  throng-load idle --url ws://127.0.0.1:4000/socket/websocket --pid $(pgrep -n my-server) --connections 10000
  throng-load fanout --url ws://127.0.0.1:4000/socket/websocket --connections 1000 --rate 50 --seconds 10",
    );
    text
}

fn help_of(workload: Workload) -> String {
    let mut text = format!("{}\n\n{}\n\nSettings:\n", workload.about(), workload.story());
    for knob in workload.knobs() {
        text.push_str(&format!("  --{:<14}{} ({})\n", knob.name, knob.about, knob.default));
    }
    text.push_str("\n`throng-load --help` tells of --url and --pid.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "--url ws://127.0.0.1:4000/socket/websocket";

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    fn plan(line: &str) -> Plan {
        match parsed(line) {
            Ok(Command::Run(plan)) => plan,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn settings_have_defaults_and_can_be_given() {
        let plan = plan(&format!("echo {URL} --pid 7 --connections 10"));
        assert_eq!((plan.workload, plan.pid, plan.count("connections")), (Workload::Echo, Some(7), 10));
        assert!(plan.number("rate") > 0.0);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["bogus", "echo", "echo --url", "echo --url ws://10.0.0.1:80/"] {
            assert!(parsed(line).is_err(), "{line}");
        }
        for rest in [
            "--bogus 1",
            "--connections 0",
            "--connections 20001",
            "--rate x",
            "--rate NaN",
            "--pid x",
            "word",
        ] {
            assert!(parsed(&format!("echo {URL} {rest}")).is_err(), "{rest}");
        }
    }

    #[test]
    fn every_workload_has_a_help_that_names_its_settings() {
        for workload in Workload::ALL {
            let Ok(Command::Help(text)) = parsed(&format!("{} --help", workload.word())) else {
                panic!("no help")
            };
            for knob in workload.knobs() {
                assert!(
                    text.contains(knob.name) && (knob.min..=knob.max).contains(&knob.default),
                    "{}",
                    knob.name
                );
            }
        }
    }
}
