//! Every rule that the guide lists is shown by a test, or stands among the differences: the rules of OTP, and those of channels.
//!
//! A test shows a rule when its name begins with the rule's id: `fn p14_…` for P14, `fn c4_3_…` for 4.3, `fn c7_5a_…` for the
//! first row of the table in 7.5. Tests of the JavaScript clients do so in the words of their titles: `test("c10c it …`. A difference
//! is a row of a table whose first cell names the id. In the guide's pages a cell holds one id, several (`P10, P11`) or a range
//! (`S10 to S12`).

use std::{collections::BTreeSet, fmt, fs};

use crate::repository::{assert_none, root, texts};

/// How many rules each part of OTP has; they are counted from one.
const OTP: [(char, u32); 12] = [
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

/// How many rules each section about channels has. A section without any is one rule, unless it is a table.
const SECTIONS: [(u32, u32); 19] = [
    (1, 10),  // handshake
    (2, 9),   // text
    (3, 6),   // bytes
    (4, 6),   // dispatch
    (5, 8),   // callbacks
    (6, 7),   // broadcasts
    (7, 7),   // ends
    (8, 0),   // times and limits
    (9, 11),  // long-polling
    (10, 0),  // phoenix.js
    (11, 6),  // tokens
    (12, 7),  // presence
    (13, 5),  // topics
    (14, 11), // the tracker
    (15, 0),  // telemetry
    (16, 4),  // lifecycle
    (17, 0),  // older clients
    (18, 12), // better than the original
    (19, 0),  // a dialect
];

/// The tables among them, by section and number, with their rows: from `a` to the last.
const TABLES: [(u32, u32, char); 4] = [(4, 0, 'i'), (7, 5, 'i'), (8, 0, 'r'), (10, 0, 'h')];

/// A set of rules, and the page that lists them.
struct Book {
    page: &'static str,
    rules: Vec<Rule>,
}

fn books() -> [Book; 2] {
    [Book { page: "rules.md", rules: otp() }, Book { page: "channel_rules.md", rules: channels() }]
}

/// One rule. What it lacks of its number or its row is zero, or a space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    part: Part,
    number: u32,
    row: char,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Of OTP, by its letter.
    Otp(char),
    /// About channels, by its section.
    Section(u32),
}

fn otp() -> Vec<Rule> {
    let part =
        |(part, count)| (1..=count).map(move |number| Rule { part: Part::Otp(part), number, row: ' ' });
    OTP.into_iter().flat_map(part).collect()
}

fn channels() -> Vec<Rule> {
    let is_table = |section| TABLES.iter().any(|table| (table.0, table.1) == (section, 0));
    let numbers = |(section, count)| {
        let whole = (count == 0 && !is_table(section)).then_some(0);
        let rule = move |number| Rule { part: Part::Section(section), number, row: ' ' };
        (1..=count).chain(whole).map(rule)
    };
    let rows = |(section, number, last)| {
        ('a'..=last).map(move |row| Rule { part: Part::Section(section), number, row })
    };
    SECTIONS.into_iter().flat_map(numbers).chain(TABLES.into_iter().flat_map(rows)).collect()
}

impl Rule {
    /// Reads `P14`, `4.3`, `4a`, `7.5a` or `15`.
    fn parse(id: &str) -> Option<Self> {
        match id.chars().next()? {
            letter if letter.is_ascii_uppercase() => {
                Some(Self { part: Part::Otp(letter), number: id[1..].parse().ok()?, row: ' ' })
            }
            _ => Self::parse_of_section(id),
        }
    }

    fn parse_of_section(id: &str) -> Option<Self> {
        let row = id.chars().next_back().filter(char::is_ascii_lowercase);
        let number = row.map_or(id, |row| id.trim_end_matches(row));
        let (section, number) = number.split_once('.').unwrap_or((number, "0"));
        let part = Part::Section(section.parse().ok()?);
        Some(Self { part, number: number.parse().ok()?, row: row.unwrap_or(' ') })
    }

    /// What the name of a test of it begins with, up to the words.
    fn test_prefix(self) -> String {
        match self.part {
            Part::Otp(_) => self.to_string().to_lowercase(),
            Part::Section(_) => format!("c{}", self.to_string().replace('.', "_")),
        }
    }

    /// Whether a test of this name shows it.
    fn is_shown_by(self, name: &str) -> bool {
        name.strip_prefix(&self.test_prefix()).is_some_and(|words| words.starts_with(['_', ' ']))
    }

    /// This rule and those up to `last`, of the same part.
    fn up_to(self, last: Self) -> impl Iterator<Item = Self> {
        let numbers = self.number..=last.number;
        let row = move |number| (self.row..=last.row).map(move |row| Self { number, row, ..self });
        numbers.flat_map(row)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.part, self.number) {
            (Part::Otp(letter), number) => write!(f, "{letter}{number}")?,
            (Part::Section(section), 0) => write!(f, "{section}")?,
            (Part::Section(section), number) => write!(f, "{section}.{number}")?,
        }
        if self.row == ' ' { Ok(()) } else { write!(f, "{}", self.row) }
    }
}

/// The name of the test that a line begins, in Rust or for Node; a function that is none has a name as well.
fn test_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
    function.or_else(|| line.strip_prefix("test(\""))
}

/// The rules that a cell names: `P1`, `P10, P11`, `S10 to S12`, `8d, 8e`, `13.3 to 13.5`.
fn rules_of(cell: &str) -> Vec<Rule> {
    let ends = |ids: &str| match ids.split_once(" to ") {
        Some((first, last)) => Rule::parse(first.trim()).zip(Rule::parse(last.trim())),
        None => Rule::parse(ids.trim()).map(|rule| (rule, rule)),
    };
    cell.split(',').filter_map(ends).flat_map(|(first, last)| first.up_to(last)).collect()
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
    for Book { page, rules } in books() {
        let (all, listed): (BTreeSet<_>, _) = (rules.into_iter().collect(), listed(page));
        // The rules of the Rust interface (X) have no tests of their own: others show them.
        let unknown = listed.difference(&all).filter(|rule| rule.part != Part::Otp('X'));
        let missing = all.difference(&listed).map(|rule| format!("{rule} is not listed"));
        assert_none(page, missing.chain(unknown.map(|rule| format!("{rule} is no rule"))).collect());
    }
}

#[test]
fn every_rule_has_a_test_or_is_a_difference() {
    let different = listed("differences.md");
    let sources = texts(&[".rs", ".mjs"]);
    let names: Vec<_> = sources.iter().flat_map(|source| source.text.lines().filter_map(test_name)).collect();
    let is_tested = |rule: Rule| names.iter().any(|name| rule.is_shown_by(name));
    let all = books().into_iter().flat_map(|book| book.rules);
    let neither = all.filter(|rule| !different.contains(rule) && !is_tested(*rule));
    assert_none("rules with neither a test nor a difference", neither.map(|rule| rule.to_string()).collect());
}

#[test]
fn every_difference_is_of_a_rule() {
    let all: BTreeSet<_> = books().into_iter().flat_map(|book| book.rules).collect();
    let unknown =
        listed("differences.md").difference(&all).map(|rule| format!("{rule} is no rule")).collect();
    assert_none("differences.md", unknown);
}

#[test]
fn cells_of_rules_are_read_as_people_write_them() {
    let read = |cell| rules_of(cell).iter().map(Rule::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(read(" P1 "), "P1");
    assert_eq!(read(" P10, P11 "), "P10 P11");
    assert_eq!(read(" S10 to S12, S14 "), "S10 S11 S12 S14");
    assert_eq!(read(" 4.3, 7.5a "), "4.3 7.5a");
    assert_eq!(read(" 13.3 to 13.5, 8j to 8l, 15 "), "13.3 13.4 13.5 8j 8k 8l 15");
    assert_eq!(read(" §4 "), "");
    assert_eq!(read(" id "), "");
    assert_eq!(read(" --- "), "");
}

#[test]
fn a_test_is_of_the_rule_that_its_name_begins_with() {
    let shows =
        |id: &str, line: &str| test_name(line).is_some_and(|name| Rule::parse(id).unwrap().is_shown_by(name));
    assert!(shows("P1", "fn p1_signals_keep_their_order() {"));
    assert!(!shows("P1", "fn p14_an_exit_spreads() {"));
    assert!(shows("4.3", "    async fn c4_3_a_duplicate_join() {"));
    assert!(!shows("4.3", "async fn c4_33_nothing() {"));
    assert!(shows("4a", "async fn c4a_a_heartbeat() {") && !shows("4a", "async fn c4_a_heartbeat() {"));
    assert!(shows("7.5b", "async fn c7_5b_a_stop() {") && !shows("7.5", "async fn c7_5b_a_stop() {"));
    assert!(shows("10c", "test(\"c10c it joins again\", async () => {") && !shows("10c", "// c10c it joins"));
    assert!(!shows("1.1", "fn c1_10_compression() {"));
}
