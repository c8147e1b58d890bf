//! Everything that Throng is built from may be used by anyone.

use std::process::Command;

use cargo_metadata::{MetadataCommand, Package};

use crate::repository::{assert_none, root};

/// Licences that ask for no more than attribution. Unicode-3.0 comes with the tables of identifiers that every
/// procedural macro is built with.
const ALLOWED: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether a licence expression (SPDX, or the older `MIT/Apache-2.0`) can be met with what is allowed.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.trim();
    let branches = |operator: &str| split_outside_parentheses(expression, operator);
    let (ors, slashes, ands) = (branches(" OR "), branches("/"), branches(" AND "));
    if ors.len() > 1 {
        ors.into_iter().any(is_allowed)
    } else if slashes.len() > 1 {
        slashes.into_iter().any(is_allowed)
    } else if ands.len() > 1 {
        ands.into_iter().all(is_allowed)
    } else if let Some(inner) = expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        is_allowed(inner)
    } else {
        ALLOWED.contains(&expression)
    }
}

fn split_outside_parentheses<'a>(text: &'a str, operator: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && index >= start && text[index..].starts_with(operator) => {
                parts.push(&text[start..index]);
                start = index + operator.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// What this machine builds from. Crates for other platforms need not be there to be read.
fn packages() -> Vec<Package> {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let about = String::from_utf8(rustc.stdout).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned(), "--filter-platform".to_owned(), host])
        .exec()
        .unwrap();
    metadata.packages
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let mut complaints = Vec::new();
    for package in packages().iter().filter(|package| package.source.is_some()) {
        match &package.license {
            Some(licence) if is_allowed(licence) => {}
            Some(licence) => complaints.push(format!("{} {}: {licence}", package.name, package.version)),
            None => complaints.push(format!("{} {}: no licence", package.name, package.version)),
        }
    }
    assert_none("licences that are not allowed", complaints);
}

#[test]
fn a_choice_needs_one_allowed_licence_and_a_sum_needs_all() {
    for allowed in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in ["GPL-3.0", "MPL-2.0", "MIT AND GPL-3.0", "(GPL-3.0 OR MPL-2.0) AND MIT", ""] {
        assert!(!is_allowed(refused), "{refused}");
    }
}
