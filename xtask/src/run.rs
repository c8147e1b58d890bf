//! The test run itself: carries out the plan, step by step, and ends with the summary.

use std::{
    env,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use crate::{
    autobahn, npm,
    plan::{self, Example, Invocation, Program, Step, Work},
    process::{self, Ended},
    server::Server,
    summary::{Outcome, Row, Summary},
    tally::Tally,
    tools::{self, Tool},
    workspace,
};

/// Runs the steps named in `only`, or all of them, and prints how each of them went.
pub(crate) fn test(only: &[String]) -> ExitCode {
    carry_out_all(plan::select(plan::steps(), only))
}

/// Runs the long steps, of which some take as many minutes as they are told.
pub(crate) fn soak(minutes: u32) -> ExitCode {
    carry_out_all(plan::long_steps(minutes))
}

fn carry_out_all(steps: Vec<Step>) -> ExitCode {
    let needs: Vec<Tool> = steps.iter().flat_map(|step| step.needs.iter().copied()).collect();
    tools::install_missing(&needs);

    let mut summary = Summary::default();
    for (index, step) in steps.iter().enumerate() {
        println!("\n== {} ({} of {}): {}", step.name, index + 1, steps.len(), step.about);
        let started = Instant::now();
        let outcome = carry_out(step);
        let took = started.elapsed();
        announce(step, &outcome, took);
        summary.push(Row { step: step.name, outcome, took });
    }
    println!("\n{summary}");
    if summary.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn announce(step: &Step, outcome: &Outcome, took: Duration) {
    let (word, why) = match outcome {
        Outcome::Passed(_) => ("passed", None),
        Outcome::Failed(_, why) => ("FAILED", Some(why)),
        Outcome::Skipped(why) => ("skipped", Some(why)),
    };
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    println!("-- {} {word} after {:.1} s{why}", step.name, took.as_secs_f64());
}

fn carry_out(step: &Step) -> Outcome {
    if let Some(reason) = tools::missing(step.needs) {
        // What a person may lack, the machine that guards the project must have.
        return if in_ci() { failed(reason) } else { Outcome::Skipped(reason) };
    }
    let deadline = Instant::now() + step.limit;
    match &step.work {
        Work::Checks(commands) => run_all(commands, deadline),
        Work::Tests(commands) => some_tests(run_all(commands, deadline)),
        Work::TestsIf { probe, reason, commands } => match quietly(probe, deadline) {
            true => some_tests(run_all(commands, deadline)),
            false => Outcome::Skipped((*reason).to_owned()),
        },
        Work::Autobahn(extent) => autobahn::run(*extent, deadline),
        Work::Against(example, script) => against(*example, step, script, deadline),
    }
}

/// Whether this runs under continuous integration, by the variable that its services set.
fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Runs every command, adds up the tests they report and keeps the first failure.
fn run_all(commands: &[Invocation], deadline: Instant) -> Outcome {
    let mut tally = Tally::default();
    let mut failure = None;
    for invocation in commands {
        let (counted, ended) = run(&mut command(invocation), deadline);
        tally = tally.plus(counted);
        failure = failure.or(ended.err());
    }
    match failure {
        None => Outcome::Passed(tally),
        Some(why) => Outcome::Failed(tally, why),
    }
}

/// A filter that matches nothing must not pass for a green test run.
fn some_tests(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Passed(Tally { passed: 0, .. }) => failed("no test ran"),
        outcome => outcome,
    }
}

fn against(example: Example, step: &Step, script: &str, deadline: Instant) -> Outcome {
    let e2e = |example: Example| workspace::root().join("examples").join(example.name()).join("e2e");
    for example in example.packages() {
        if let Err(why) = npm::install(&e2e(*example)) {
            return failed(why);
        }
    }
    let mut build = Command::new(workspace::cargo());
    build.args(["build", "--release", "--package", example.name()]).current_dir(workspace::root());
    if let (_, Err(why)) = run(&mut build, deadline) {
        return failed(why);
    }
    let server = match Server::start(example.name(), step.name) {
        Ok(server) => server,
        Err(why) => return failed(why),
    };
    let mut node = Command::new("node");
    node.arg(e2e(example).join(script)).arg(server.url()).current_dir(workspace::root());
    // For those who restart one of their own.
    node.env("SERVER", workspace::target().join("release").join(example.name()));
    if let Some(chromium) = Tool::Chromium.find() {
        node.env("CHROMIUM", chromium);
    }
    let (tally, ended) = run(&mut node, deadline);
    // The server is stopped whatever the script found; the script's complaint is the more telling one.
    match ended.and(server.stop()) {
        Ok(()) => Outcome::Passed(tally),
        Err(why) => Outcome::Failed(tally, why),
    }
}

/// Runs one command, shows what it prints as it prints it, and counts the tests it reports.
pub(crate) fn run(command: &mut Command, deadline: Instant) -> (Tally, Result<(), String>) {
    let program = command.get_program().to_string_lossy().into_owned();
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let name = program.rsplit('/').next().unwrap_or(&program);
    let line = format!("{name} {}", words.join(" "));
    println!("$ {line}");

    let mut tally = Tally::default();
    let limit = deadline.saturating_duration_since(Instant::now());
    let ended = process::run(command, limit, |line| {
        println!("{line}");
        tally.read_line(line);
    });
    let result = match ended {
        Ok(Ended::Itself(status)) if status.success() => Ok(()),
        Ok(Ended::Itself(status)) => Err(format!("`{line}`: {status}")),
        Ok(Ended::ByLimit(_)) => Err(format!("`{line}` was ended at the step's time limit")),
        Err(error) => Err(format!("`{line}`: {error}")),
    };
    (tally, result)
}

/// Whether a command succeeds; what it prints interests nobody.
fn quietly(invocation: &Invocation, deadline: Instant) -> bool {
    let limit = deadline.saturating_duration_since(Instant::now());
    let mut command = command(invocation);
    command.stderr(std::process::Stdio::null());
    matches!(process::run(&mut command, limit, |_| {}), Ok(Ended::Itself(status)) if status.success())
}

fn command(invocation: &Invocation) -> Command {
    let mut command = match invocation.program {
        Program::Cargo => Command::new(workspace::cargo()),
        Program::CargoNightly => nightly(),
        Program::Node => Command::new("node"),
    };
    command.args(&invocation.arguments);
    command.envs(invocation.environment.iter().map(|(variable, value)| (variable, value)));
    command.current_dir(workspace::root().join(invocation.directory));
    command
}

/// rustup's own `cargo`, asked for the nightly toolchain in place of the one that runs this command.
fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]).env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command
}

fn failed(why: impl Into<String>) -> Outcome {
    Outcome::Failed(Tally::default(), why.into())
}
