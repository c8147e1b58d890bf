//! The end of a run: its table and its last line (pure).

use std::{fmt, time::Duration};

use crate::tally::Tally;

/// How one step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed(Tally),
    /// Something failed; the text says what, in one line.
    Failed(Tally, String),
    /// The step did not run; the text says why.
    Skipped(String),
}

/// One step's line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) step: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// What a run came to; its `Display` is the text that ends the run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    rows: Vec<Row>,
}

impl Summary {
    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Every test, and one for each step without tests of its own.
    pub(crate) fn total(&self) -> Tally {
        self.rows.iter().map(|row| row.outcome.tally()).fold(Tally::default(), Tally::plus)
    }

    pub(crate) fn is_success(&self) -> bool {
        self.total().failed == 0
    }
}

impl Outcome {
    fn tally(&self) -> Tally {
        match self {
            Outcome::Passed(tally) => Tally { passed: tally.passed.max(1), failed: tally.failed },
            // A step can fail without a failed test: it did not compile, or it ran out of time.
            Outcome::Failed(tally, _) => Tally { passed: tally.passed, failed: tally.failed.max(1) },
            Outcome::Skipped(_) => Tally::default(),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Outcome::Passed(_) => "passed",
            Outcome::Failed(..) => "FAILED",
            Outcome::Skipped(_) => "skipped",
        }
    }

    fn note(&self) -> String {
        match self {
            Outcome::Passed(tally) if tally.passed > 1 => format!("{} tests", tally.passed),
            Outcome::Passed(_) => String::new(),
            Outcome::Failed(_, why) | Outcome::Skipped(why) => why.clone(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{:<14}{:<9}{:>8}", "step", "result", "seconds")?;
        for row in &self.rows {
            let seconds = row.took.as_secs_f64();
            let line =
                format!("{:<14}{:<9}{seconds:>8.1}  {}", row.step, row.outcome.word(), row.outcome.note());
            writeln!(out, "{}", line.trim_end())?;
        }
        let total = self.total();
        write!(out, "\n{} passed, {} failed", total.passed, total.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(outcomes: impl IntoIterator<Item = Outcome>) -> Summary {
        let rows = outcomes.into_iter().map(|outcome| Row {
            step: "step",
            outcome,
            took: Duration::from_millis(1500),
        });
        Summary { rows: rows.collect() }
    }

    fn counted(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn a_step_without_tests_of_its_own_counts_once() {
        let summary = summary([Outcome::Passed(counted(0, 0)), Outcome::Passed(counted(41, 0))]);
        assert_eq!(summary.total(), counted(42, 0));
        assert!(summary.is_success());
    }

    #[test]
    fn a_step_that_fails_before_its_first_test_is_a_failure() {
        let summary = summary([Outcome::Failed(counted(0, 0), "exit code 101".into())]);
        assert_eq!(summary.total(), counted(0, 1));
        assert!(!summary.is_success());
    }

    #[test]
    fn a_skipped_step_counts_for_nothing_and_says_why() {
        let summary = summary([Outcome::Skipped("chromium is not installed".into())]);
        assert_eq!(summary.total(), counted(0, 0));
        assert!(summary.to_string().contains("skipped"));
        assert!(summary.to_string().contains("chromium is not installed"));
    }

    #[test]
    fn the_last_line_is_for_machines() {
        let summary = summary([
            Outcome::Passed(counted(12, 0)),
            Outcome::Failed(counted(3, 2), "exit code 101".into()),
            Outcome::Skipped("no browser".into()),
        ]);
        assert_eq!(summary.to_string().lines().last(), Some("15 passed, 2 failed"));
    }
}
