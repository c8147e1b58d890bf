//! Counting tests by the lines that test runners print (pure).

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// Adds what one line of output says, if it is the summary line of Rust's test harness or of Node's.
    pub(crate) fn read_line(&mut self, line: &str) {
        let line = line.trim();
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += count_before(result, " passed");
            self.failed += count_before(result, " failed");
        } else if let Some(count) = node_count(line, "pass ") {
            self.passed += count;
        } else if let Some(count) = node_count(line, "fail ") {
            self.failed += count;
        }
    }

    /// The sum of both.
    pub(crate) fn plus(self, other: Tally) -> Tally {
        Tally { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// The number that stands right before `label`, as in `ok. 12 passed; 0 failed`.
fn count_before(text: &str, label: &str) -> u64 {
    let Some(end) = text.find(label) else { return 0 };
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The number of Node's `# pass 12` (its TAP reporter) or `ℹ pass 12` (its spec reporter).
fn node_count(line: &str, label: &str) -> Option<u64> {
    let rest = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
    rest.strip_prefix(label)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally_of(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read_line(line));
        tally
    }

    #[test]
    fn the_results_of_all_test_binaries_are_added() {
        let tally = tally_of(&[
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test mailbox::keeps_order ... ok",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ]);
        assert_eq!(tally, Tally { passed: 15, failed: 2 });
    }

    #[test]
    fn both_reporters_of_node_are_understood() {
        assert_eq!(tally_of(&["# tests 5", "# pass 4", "# fail 1"]), Tally { passed: 4, failed: 1 });
        assert_eq!(tally_of(&["ℹ pass 7", "ℹ fail 0"]), Tally { passed: 7, failed: 0 });
    }

    #[test]
    fn other_lines_count_for_nothing() {
        assert_eq!(tally_of(&["", "running 3 tests", "# pass the salt", "12 passed"]), Tally::default());
    }
}
