//! The guide's page of limits names every limit, and none that is not.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::collections::BTreeSet;

#[test]
fn c8_the_page_of_limits_names_every_limit() {
    let source = include_str!("../src/endpoint/limits.rs");
    let page = include_str!("../../throng/src/guide/limits.md");
    let limits = source.split_once("pub struct Limits {").unwrap().1.split_once("\n}").unwrap().0;
    let field =
        |line: &str| line.trim().strip_prefix("pub ")?.split_once(':').map(|(name, _)| name.to_owned());
    let fields: BTreeSet<String> = limits.lines().filter_map(field).collect();
    let row = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned());
    let rows: BTreeSet<String> = page.lines().filter_map(row).collect();
    assert_eq!(fields, rows);
    assert!(fields.len() > 15);
}
