//! Which crate may depend on which: the arrows of ARCHITECTURE.md.

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::repository::{assert_none, root};

/// Each crate of ours with the crates of ours that it may depend on. A crate that is not here has no place yet:
/// give it one in ARCHITECTURE.md first.
const ARROWS: &[(&str, &[&str])] = &[
    ("throng-runtime", &[]),
    ("throng-config", &[]),
    ("throng-macros", &[]),
    ("throng-pubsub", &["throng-runtime"]),
    ("throng-web", &["throng-runtime", "throng-pubsub"]),
    ("throng-test", &["throng-runtime", "throng-pubsub", "throng-web"]),
    ("throng", &["throng-config", "throng-runtime", "throng-macros", "throng-pubsub", "throng-web"]),
    ("chat", &["throng"]),
    ("conformance", &["throng"]),
    ("differential", &["throng-runtime"]),
    ("throng-hostile", &["throng"]),
    // The server of its own test.
    ("throng-load", &["throng-pubsub", "throng-runtime", "throng-web"]),
    ("xtask", &[]),
];

/// What any crate may use in its tests beyond its arrows.
const IN_TESTS: &[&str] = &["throng-test"];

fn members() -> Vec<Package> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    metadata.packages
}

fn arrows_of(name: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(from, _)| *from == name).map(|(_, to)| *to)
}

#[test]
fn crates_depend_on_each_other_along_the_arrows_only() {
    let members = members();
    let is_ours = |name: &str| members.iter().any(|member| member.name.as_str() == name);
    let mut complaints = Vec::new();
    for member in &members {
        let Some(allowed) = arrows_of(&member.name) else {
            complaints.push(format!("{} has no place among the arrows", member.name));
            continue;
        };
        for dependency in member.dependencies.iter().filter(|dependency| is_ours(&dependency.name)) {
            let name = dependency.name.as_str();
            let in_tests = dependency.kind == DependencyKind::Development && IN_TESTS.contains(&name);
            if !allowed.contains(&name) && !in_tests {
                complaints.push(format!("{} must not depend on {name}", member.name));
            }
        }
    }
    assert_none("against the arrows", complaints);
}

#[test]
fn the_benchmarks_are_no_member() {
    assert!(members().iter().all(|member| member.name.as_str() != "throng-bench"));
}
