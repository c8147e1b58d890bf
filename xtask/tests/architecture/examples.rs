//! Whatever a user starts from shows how, by an example that runs.

use crate::{
    items::{Item, items},
    repository::{Text, assert_none, texts},
};

/// The entry points: what the guide begins with, and what stands for itself in the documentation.
const ENTRY_POINTS: [(&str, &[&str]); 5] = [
    ("crates/throng/src/", &["server"]),
    ("crates/throng-macros/src/", &["derive_message"]),
    (
        "crates/throng-runtime/src/",
        &[
            "Agent",
            "Application",
            "Applications",
            "Bounds",
            "ChildSpec",
            "Ctx",
            "DuplicateRegistry",
            "DynamicSupervisor",
            "Exit",
            "GenServer",
            "Mailbox",
            "Message",
            "Name",
            "Node",
            "PartitionSupervisor",
            "ProcessInfo",
            "Registry",
            "ReplyTo",
            "Requests",
            "StateMachine",
            "Supervisor",
            "Task",
            "TaskStream",
            "TaskSupervisor",
            "TimerRef",
            "Via",
            "abcast",
            "alias",
            "call_retry",
            "get_state",
            "get_status",
            "install",
            "log",
            "multi_call",
            "replace_state",
            "spawn",
            "start_statistics",
            "suspend",
            "with_state",
        ],
    ),
    ("crates/throng-config/src/", &["ConfigError", "Secret", "Sources"]),
    (
        "crates/throng-test/src/",
        &["Probe", "TestNode", "advance", "assert_down", "assert_receive", "expect_down", "refute_receive"],
    ),
];

/// The modules that are entry points themselves.
const MODULES: [&str; 4] = [
    "crates/throng-config/src/lib.rs",
    "crates/throng-runtime/src/dictionary.rs",
    "crates/throng-runtime/src/sys/mod.rs",
    "crates/throng-test/src/lib.rs",
];

/// What stands at the fence of an example that runs.
const RUN: [&str; 2] = ["", "standalone_crate"];

/// Whether documentation holds an example that is run, and not only compiled or shown.
fn has_example(docs: &str) -> bool {
    // Every second one closes.
    let mut fences = docs.lines().filter_map(|line| line.trim().strip_prefix("```")).step_by(2);
    fences.any(|words| RUN.contains(&words.trim()))
}

fn name(item: &Item) -> Option<&str> {
    let again = || item.head.strip_prefix("pub use ")?.trim_end_matches(';').rsplit("::").next();
    item.public_type().or_else(|| item.macro_name()).or_else(|| item.public_function()).or_else(again)
}

/// Those of `wanted` for which no source has an example.
fn without_example(sources: &[Text], wanted: &[&str]) -> Vec<String> {
    let all: Vec<Item> = sources.iter().flat_map(|source| items(&source.text)).collect();
    let is_shown =
        |wanted: &str| all.iter().any(|item| name(item) == Some(wanted) && has_example(&item.docs));
    wanted.iter().filter(|wanted| !is_shown(wanted)).map(|wanted| (*wanted).to_owned()).collect()
}

#[test]
fn every_entry_point_has_an_example_that_runs() {
    let sources = texts(&[".rs"]);
    let mut missing = Vec::new();
    for (folder, wanted) in ENTRY_POINTS {
        let of_crate = |source: &&Text| source.path.starts_with(folder);
        let of_crate: Vec<Text> = sources.iter().filter(of_crate).map(Text::clone).collect();
        missing
            .extend(without_example(&of_crate, wanted).into_iter().map(|name| format!("{folder}: {name}")));
    }
    for module in MODULES {
        let source = sources.iter().find(|source| source.path == module);
        let docs: String = source
            .map_or("", |source| &source.text)
            .lines()
            .filter_map(|line| line.strip_prefix("//!"))
            .fold(String::new(), |docs, line| docs + line + "\n");
        if !has_example(&docs) {
            missing.push(module.to_owned());
        }
    }
    assert_none("entry points without an example", missing);
}

#[test]
fn an_example_is_one_only_if_it_runs() {
    assert!(has_example("Words.\n\n```\nrun();\n```\n"));
    assert!(has_example("```text\na picture\n```\n```\nrun();\n```\n"));
    assert!(!has_example("Words."));
    assert!(!has_example("```text\na picture\n```\n"));
    assert!(!has_example("```no_run\nrun();\n```\n"));
}

#[test]
fn what_has_no_example_is_named() {
    let text = "/// ```\n/// run();\n/// ```\npub struct One;\n/// Words.\npub struct Two;\n".to_owned();
    let sources = [Text { path: "a.rs".into(), text }];
    assert_eq!(without_example(&sources, &["One", "Two", "Three"]), ["Two", "Three"]);
}
