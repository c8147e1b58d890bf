//! Every rule of OTP that the guide lists is shown by a test, or stands among the differences.
//!
//! A test shows a rule when its name begins with the rule's id: `fn p14_…`. A difference is a row of a table whose first cell
//! names the id. In both of the guide's pages a cell holds one id, several (`P10, P11`) or a range (`S10 to S12`).

use std::{collections::BTreeSet, fmt, fs};

use crate::repository::{assert_none, root, texts};

/// How many rules each part has; they are counted from one.
const PARTS: [(char, u32); 12] = [
    ('P', 39), // processes
    ('G', 23), // servers
    ('F', 6),  // state machines
    ('S', 35), // supervisors
    ('D', 8),  // dynamic supervisors
    ('R', 4),  // partition supervisors
    ('T', 9),  // tasks
    ('N', 11), // registries
    ('A', 1),  // agents
    ('L', 6),  // applications
    ('Y', 3),  // the debug protocol
    ('C', 4),  // code change
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    part: char,
    number: u32,
}

impl Rule {
    fn parse(id: &str) -> Option<Self> {
        let part = id.chars().next().filter(char::is_ascii_uppercase)?;
        Some(Self { part, number: id[1..].parse().ok()? })
    }

    /// What the name of a test of it begins with.
    fn test_prefix(self) -> String {
        format!("fn {}{}_", self.part.to_ascii_lowercase(), self.number)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.part, self.number)
    }
}

/// All rules there are.
fn all() -> impl Iterator<Item = Rule> {
    PARTS.into_iter().flat_map(|(part, count)| (1..=count).map(move |number| Rule { part, number }))
}

/// The rules that a cell names: `P1`, `P10, P11`, `S10 to S12`.
fn rules_of(cell: &str) -> Vec<Rule> {
    let range = |(first, last): (Rule, Rule)| {
        (first.number..=last.number).map(move |number| Rule { part: first.part, number })
    };
    let ends = |ids: &str| match ids.split_once(" to ") {
        Some((first, last)) => Rule::parse(first.trim()).zip(Rule::parse(last.trim())),
        None => Rule::parse(ids.trim()).map(|rule| (rule, rule)),
    };
    cell.split(',').filter_map(ends).flat_map(range).collect()
}

/// The rules that the first cells of a page's tables name.
fn listed(page: &str) -> BTreeSet<Rule> {
    let path = root().join("crates/throng/src/guide").join(page);
    let text = fs::read_to_string(path).unwrap();
    let first_cells = text.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    first_cells.flat_map(rules_of).collect()
}

#[test]
fn the_guide_lists_every_rule_and_no_other() {
    let (all, listed): (BTreeSet<_>, _) = (all().collect(), listed("rules.md"));
    // The rules of the Rust interface (X) have no tests of their own: others show them.
    let unknown = listed.difference(&all).filter(|rule| rule.part != 'X');
    let missing = all.difference(&listed).map(|rule| format!("{rule} is not listed"));
    assert_none("rules.md", missing.chain(unknown.map(|rule| format!("{rule} is no rule"))).collect());
}

#[test]
fn every_rule_has_a_test_or_is_a_difference() {
    let different = listed("differences.md");
    let sources = texts(&[".rs"]);
    let is_tested = |rule: Rule| {
        let prefix = rule.test_prefix();
        let is_test = |line: &str| {
            let line = line.trim_start();
            line.strip_prefix("async ").unwrap_or(line).starts_with(&prefix)
        };
        sources.iter().any(|source| source.text.lines().any(is_test))
    };
    let neither = all().filter(|rule| !different.contains(rule) && !is_tested(*rule));
    assert_none("rules with neither a test nor a difference", neither.map(|rule| rule.to_string()).collect());
}

#[test]
fn cells_of_rules_are_read_as_people_write_them() {
    let read = |cell| rules_of(cell).iter().map(Rule::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(read(" P1 "), "P1");
    assert_eq!(read(" P10, P11 "), "P10 P11");
    assert_eq!(read(" S10 to S12, S14 "), "S10 S11 S12 S14");
    assert_eq!(read(" §4 "), "");
    assert_eq!(read(" id "), "");
    assert_eq!(read(" --- "), "");
}
