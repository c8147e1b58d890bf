//! Versions, lints and profiles stand in the root manifest only.

use toml::{Table, Value};

use crate::repository::{Text, assert_none, texts};

/// What every member takes from the workspace.
const INHERITED: [&str; 6] = ["version", "edition", "rust-version", "license", "repository", "publish"];

/// Tables that only the root may have.
const ROOT_ONLY: [&str; 4] = ["profile", "patch", "replace", "workspace"];

/// The manifests of the members; the benchmarks and the fuzzers are workspaces of their own.
fn manifests() -> Vec<(String, Table)> {
    let is_apart = |path: &str| path.starts_with("bench/") || path.starts_with("fuzz/");
    let is_member = |text: &Text| text.path != "Cargo.toml" && !is_apart(&text.path);
    let members = texts(&["Cargo.toml"]).into_iter().filter(is_member);
    members.map(|Text { path, text }| (path, text.parse().unwrap())).collect()
}

fn inherits(value: Option<&Value>) -> bool {
    let workspace = value.and_then(|value| value.get("workspace"));
    workspace.and_then(Value::as_bool) == Some(true)
}

/// Every table of dependencies in a manifest, also those of one platform.
fn dependency_tables(manifest: &Table) -> Vec<&Table> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let platforms = platforms.into_iter().flat_map(|table| table.values().filter_map(Value::as_table));
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let holders = platforms.chain([manifest]);
    holders.flat_map(|holder| kinds.iter().filter_map(|kind| holder.get(*kind)?.as_table())).collect()
}

#[test]
fn versions_of_dependencies_stand_in_the_root_manifest_only() {
    let mut complaints = Vec::new();
    for (path, manifest) in manifests() {
        for (name, dependency) in dependency_tables(&manifest).into_iter().flatten() {
            if !inherits(Some(dependency)) {
                complaints.push(format!("{path}: {name} is not `workspace = true`"));
            }
        }
    }
    assert_none("not from the workspace", complaints);
}

#[test]
fn every_member_takes_its_lints_and_its_metadata_from_the_root() {
    let mut complaints = Vec::new();
    for (path, manifest) in manifests() {
        if !inherits(manifest.get("lints")) {
            complaints.push(format!("{path}: [lints] is not the workspace's"));
        }
        let package = manifest.get("package");
        for key in INHERITED {
            if !inherits(package.and_then(|package| package.get(key))) {
                complaints.push(format!("{path}: {key} is not the workspace's"));
            }
        }
        if package.and_then(|package| package.get("description")).is_none() {
            complaints.push(format!("{path}: no description"));
        }
    }
    assert_none("not from the workspace", complaints);
}

#[test]
fn profiles_and_patches_stand_in_the_root_manifest_only() {
    let mut complaints = Vec::new();
    for (path, manifest) in manifests() {
        let misplaced = ROOT_ONLY.iter().filter(|table| manifest.contains_key(**table));
        complaints.extend(misplaced.map(|table| format!("{path}: [{table}]")));
    }
    assert_none("belongs into the root manifest", complaints);
}
