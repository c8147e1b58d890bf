//! What the test run consists of, as data (pure): the steps, their commands, their limits and their needs.

use std::time::Duration;

use crate::{autobahn::Extent, tools::Tool};

/// One step of the test run.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The longest the step may take on a slow machine that builds everything anew.
    pub(crate) limit: Duration,
    pub(crate) needs: &'static [Tool],
    pub(crate) work: Work,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Work {
    /// Runs commands, each of them even when one before it failed.
    Checks(Vec<Invocation>),
    /// Runs commands that report tests; a run that finds no test is a failure.
    Tests(Vec<Invocation>),
    /// Runs commands that report tests if `probe` succeeds. What it needs cannot be asked of every machine, so
    /// the step is left out with the given reason elsewhere, and that is no failure.
    TestsIf { probe: Invocation, reason: &'static str, commands: Vec<Invocation> },
    /// Runs the Autobahn test suite, where there is a Python for it.
    Autobahn(Extent),
    /// Builds an example, starts it on a free port and runs a Node script of its folder `e2e` against its URL.
    Against(Example, &'static str),
}

/// An example that is a server, and has tests from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Example {
    Chat,
    Conformance,
}

impl Example {
    /// The package, its program and its folder.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Example::Chat => "chat",
            Example::Conformance => "conformance",
        }
    }

    /// The examples whose npm packages its scripts use; what the scripts share is the chat's.
    pub(crate) fn packages(self) -> &'static [Example] {
        match self {
            Example::Chat => &[Example::Chat],
            Example::Conformance => &[Example::Chat, Example::Conformance],
        }
    }
}

/// One command line, with paths relative to the root of the workspace.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) program: Program,
    pub(crate) arguments: Vec<&'static str>,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) directory: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Cargo,
    /// Found on the path rather than taken from this build, because it names another toolchain.
    CargoNightly,
    Node,
}

/// Every step in the order of a run: the quick and telling ones first.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps = checks();
    steps.extend(tests());
    steps.extend(browser_tests());
    steps
}

/// The steps of a soak: what takes long, before a release.
pub(crate) fn long_steps(time: u32) -> Vec<Step> {
    vec![
        Step {
            name: "fuzz",
            about: "the decoders of what strangers send, from a new seed",
            limit: minutes(20 + u64::from(time)),
            needs: &[],
            work: Work::Tests(vec![fuzz().with("THRONG_FUZZ_MINUTES", time)]),
        },
        Step {
            name: "autobahn",
            about: "the whole Autobahn test suite, with compression and without",
            limit: minutes(3 * 60),
            needs: &[],
            work: Work::Autobahn(Extent::Full),
        },
    ]
}

fn fuzz() -> Invocation {
    cargo("test --package throng-web --features fuzzing --test fuzz --release -- --nocapture")
}

fn checks() -> Vec<Step> {
    vec![
        Step {
            name: "format",
            about: "rustfmt would change nothing",
            limit: minutes(2),
            needs: &[],
            work: Work::Checks(vec![
                cargo("fmt --all --check"),
                cargo("fmt --check --manifest-path bench/Cargo.toml"),
            ]),
        },
        Step {
            name: "lint",
            about: "clippy on every target, warnings denied",
            limit: minutes(30),
            needs: &[],
            work: Work::Checks(vec![
                cargo("clippy --workspace --all-targets -- -D warnings"),
                cargo(
                    "clippy --manifest-path bench/Cargo.toml --target-dir target/bench --all-targets -- -D warnings",
                ),
            ]),
        },
        Step {
            name: "docs",
            about: "rustdoc, warnings denied",
            limit: minutes(15),
            needs: &[],
            work: Work::Checks(vec![cargo("doc --workspace --no-deps").with("RUSTDOCFLAGS", "-D warnings")]),
        },
    ]
}

fn tests() -> Vec<Step> {
    vec![
        Step {
            name: "architecture",
            about: "crate arrows, manifests, unsafe code, licences, links (and this command's own tests)",
            limit: minutes(10),
            needs: &[],
            work: Work::Tests(vec![cargo("test --package xtask")]),
        },
        Step {
            name: "tests",
            about: "unit, integration and doc tests of every crate",
            limit: minutes(40),
            needs: &[],
            work: Work::Tests(vec![cargo(
                "test --workspace --exclude xtask --exclude differential --exclude throng-hostile",
            )]),
        },
        Step {
            name: "otp",
            about: "generated scenarios on the BEAM and on Throng: equal journals, seed by seed",
            limit: minutes(15),
            needs: &[Tool::Erlang],
            work: Work::Tests(vec![cargo("test --package differential -- --nocapture --test-threads 1")]),
        },
        Step {
            name: "loom",
            about: "the mailbox under every interleaving that loom can reach",
            limit: minutes(20),
            needs: &[],
            work: Work::Tests(vec![
                cargo("test --package throng-runtime --lib --release --target-dir target/loom scheduler::mailbox::")
                    .with("RUSTFLAGS", "--cfg throng_loom"),
            ]),
        },
        Step {
            name: "miri",
            about: "the runtime's unsafe modules under Miri, where a nightly toolchain has it",
            limit: minutes(20),
            needs: &[],
            work: Work::TestsIf {
                probe: cargo_nightly("miri --version"),
                reason: "no Miri: `rustup toolchain install nightly --component miri,rust-src`",
                commands: vec![
                    cargo_nightly(
                        "miri test --package throng-runtime --lib --target-dir target/miri scheduler::",
                    )
                    .with("MIRIFLAGS", "-Zmiri-strict-provenance"),
                ],
            },
        },
        Step {
            name: "soak",
            about: "a million supervised crashes; a slow server with eight producers for 60 seconds; bounds and heap as they should be",
            limit: minutes(30),
            needs: &[],
            work: Work::Tests(vec![
                cargo("test --package throng-runtime --test supervised_soak --release -- --nocapture")
                    .with("THRONG_CRASHES", "1000000"),
                cargo("test --package throng-runtime --test mailbox --release soak:: -- --nocapture")
                    .with("THRONG_SOAK", "60"),
            ]),
        },
        Step {
            name: "hostile",
            about: "floods, slow readers and writers, garbage, joins without end: against a server in a process of its own",
            limit: minutes(20),
            needs: &[],
            work: Work::Tests(vec![cargo(
                "test --release --package throng-hostile -- --test-threads 1 --nocapture",
            )]),
        },
        Step {
            name: "million",
            about: "a million joined channels on one node: one broadcast reaches each of them once, within a bound on memory",
            limit: minutes(30),
            needs: &[],
            work: Work::Tests(vec![
                cargo("test --package throng-web --test memory --release million:: -- --nocapture")
                    .with("THRONG_CHANNELS", "1000000"),
            ]),
        },
        Step {
            name: "storms",
            about: "10,000 clients whose connections are cut again and again: nothing is lost, order is kept",
            limit: minutes(30),
            needs: &[],
            work: Work::Tests(vec![
                cargo("test --package throng-load --test storms --release -- --nocapture")
                    .with("THRONG_CLIENTS", "10000"),
            ]),
        },
        Step {
            name: "fuzz",
            about: "the decoders of what strangers send, with a billion bytes each of what is nearly right",
            limit: minutes(20),
            needs: &[],
            work: Work::Tests(vec![fuzz().with("THRONG_FUZZ_MEGABYTES", 1_000)]),
        },
        Step {
            name: "autobahn",
            about: "the Autobahn test suite: the WebSocket protocol, and some of its compression",
            limit: minutes(30),
            needs: &[],
            work: Work::Autobahn(Extent::Short),
        },
        Step {
            name: "bench",
            about: "the benchmarks build and their own tests pass",
            limit: minutes(30),
            needs: &[],
            work: Work::Tests(vec![cargo("test --manifest-path bench/Cargo.toml --target-dir target/bench")]),
        },
        Step {
            name: "restart",
            about: "the chat is restarted under 1,000 clients, and killed: nothing acknowledged is lost, or the gap is told",
            limit: minutes(20),
            needs: &[],
            work: Work::Tests(vec![
                cargo("test --package chat --test restart --release -- --nocapture --test-threads 1")
                    .with("THRONG_CLIENTS", "1000"),
            ]),
        },
        Step {
            name: "client",
            about: "unit tests of the JavaScript client",
            limit: minutes(3),
            needs: &[Tool::Node],
            work: Work::Tests(vec![node("--test --test-reporter=spec").inside("clients/js")]),
        },
    ]
}

fn browser_tests() -> Vec<Step> {
    vec![
        Step {
            name: "phoenix",
            about: "the unmodified npm package `phoenix` against the chat",
            limit: minutes(20),
            needs: &[Tool::Node, Tool::Npm],
            work: Work::Against(Example::Chat, "phoenix.mjs"),
        },
        Step {
            name: "presence",
            about: "what clients are told of random presences, replayed into the class of the npm package `phoenix`",
            limit: minutes(15),
            needs: &[Tool::Node, Tool::Npm],
            work: Work::Tests(vec![cargo("test --package throng-pubsub --test official -- --nocapture")]),
        },
        Step {
            name: "recovery",
            about: "what clients miss and send again: the unmodified npm package `phoenix`, and the project's own client",
            limit: minutes(20),
            needs: &[Tool::Node, Tool::Npm],
            work: Work::Against(Example::Chat, "recovery.mjs"),
        },
        Step {
            name: "longpoll",
            about: "the unmodified npm package `phoenix` against the chat, by long-polling",
            limit: minutes(20),
            needs: &[Tool::Node, Tool::Npm],
            work: Work::Against(Example::Chat, "longpoll.mjs"),
        },
        Step {
            name: "conformance",
            about: "the unmodified npm package `phoenix`, of today and of 2016, against the conformance application",
            limit: minutes(20),
            needs: &[Tool::Node, Tool::Npm],
            work: Work::Against(Example::Conformance, "phoenix.mjs"),
        },
        Step {
            name: "pages",
            about: "phoenix.js in headless Chromium against the conformance application",
            limit: minutes(20),
            needs: &[Tool::Node, Tool::Npm, Tool::Chromium],
            work: Work::Against(Example::Conformance, "browser.mjs"),
        },
        Step {
            name: "proxies",
            about: "the same through nginx and HAProxy, configured as in the guide, and a restart behind them",
            limit: minutes(20),
            needs: &[Tool::Node, Tool::Npm, Tool::Nginx, Tool::Haproxy, Tool::Openssl],
            work: Work::Against(Example::Chat, "proxies.mjs"),
        },
        Step {
            name: "browser",
            about: "two pages of the chat in headless Chromium",
            limit: minutes(20),
            needs: &[Tool::Node, Tool::Npm, Tool::Chromium],
            work: Work::Against(Example::Chat, "browser.mjs"),
        },
        Step {
            name: "thousand",
            about: "1,000 clients chat for 30 seconds and miss nothing",
            limit: minutes(20),
            needs: &[Tool::Node, Tool::Npm],
            work: Work::Against(Example::Chat, "thousand.mjs"),
        },
    ]
}

/// Refuses names that no step has.
///
/// # Errors
///
/// One line with the unknown name and the known ones.
pub(crate) fn check_names(only: &[String]) -> Result<(), String> {
    let known: Vec<&str> = steps().iter().map(|step| step.name).collect();
    match only.iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(format!("there is no step `{unknown}`; there are {}", known.join(", "))),
        None => Ok(()),
    }
}

/// The steps named in `only`, in the order of a run; all of them when none is named.
pub(crate) fn select(steps: Vec<Step>, only: &[String]) -> Vec<Step> {
    let wanted = |step: &Step| only.is_empty() || only.iter().any(|name| name == step.name);
    steps.into_iter().filter(wanted).collect()
}

impl Invocation {
    fn new(program: Program, words: &'static str) -> Invocation {
        let arguments = words.split_whitespace().collect();
        Invocation { program, arguments, environment: Vec::new(), directory: "." }
    }

    fn with(mut self, variable: &'static str, value: impl ToString) -> Invocation {
        self.environment.push((variable, value.to_string()));
        self
    }

    fn inside(mut self, directory: &'static str) -> Invocation {
        self.directory = directory;
        self
    }
}

fn cargo(words: &'static str) -> Invocation {
    Invocation::new(Program::Cargo, words)
}

fn cargo_nightly(words: &'static str) -> Invocation {
    Invocation::new(Program::CargoNightly, words)
}

fn node(words: &'static str) -> Invocation {
    Invocation::new(Program::Node, words)
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(steps: &[Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let steps = steps();
        let distinct: BTreeSet<&str> = names(&steps).into_iter().collect();
        assert_eq!(distinct.len(), steps.len());
    }

    #[test]
    fn naming_no_step_selects_all() {
        assert_eq!(names(&select(steps(), &[])), names(&steps()));
    }

    #[test]
    fn named_steps_run_in_the_order_of_a_run() {
        let only = ["browser".to_owned(), "format".to_owned()];
        assert_eq!(names(&select(steps(), &only)), ["format", "browser"]);
    }

    #[test]
    fn no_step_may_take_for_ever() {
        for step in steps() {
            assert!(step.limit <= minutes(40), "{} may take {:?}", step.name, step.limit);
        }
    }

    #[test]
    fn what_runs_against_an_example_needs_npm_packages() {
        for step in steps() {
            if matches!(step.work, Work::Against(..)) {
                assert!(step.needs.contains(&Tool::Npm), "{} needs its npm packages", step.name);
            }
        }
    }
}
