//! What is measured (pure): runs of the generator, and the rows that each of them fills.

/// One run of the generator.
#[derive(Debug)]
pub(super) struct Run {
    /// The word for it on the command line.
    pub(super) word: &'static str,
    /// The words for the generator.
    load: &'static str,
    /// Those that replace some of them in a quick comparison.
    quick: &'static str,
    pub(super) rows: &'static [Row],
}

/// One figure of a run.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) label: &'static str,
    /// The name of the figure in the generator's line, and what it is divided by to be shown.
    pub(super) figure: &'static str,
    pub(super) unit: f64,
    pub(super) less_is_better: bool,
}

const fn less(label: &'static str, figure: &'static str) -> Row {
    Row { label, figure, unit: 1.0, less_is_better: true }
}

const fn megabytes(label: &'static str) -> Row {
    Row { label, figure: "server_peak_bytes", unit: 1e6, less_is_better: true }
}

const PER_MILLION: &str = "server_s_per_million";
const PER_REPLY: &str = "server_us_per_reply";
const ALL_SAW_ALL: &str = "seconds_until_all_saw_all";

/// All of them, in the order of the table.
pub(super) const RUNS: &[Run] = &[
    Run {
        word: "idle",
        load: "idle --connections 5000",
        quick: "--connections 500 --seconds 1",
        rows: &[less("idle connection with one joined channel, RSS bytes", "bytes_per_connection")],
    },
    Run {
        word: "joins",
        load: "joins --connections 5000",
        quick: "--connections 500",
        rows: &[Row {
            label: "connect and join, /s",
            figure: "joins_per_second",
            unit: 1.0,
            less_is_better: false,
        }],
    },
    Run {
        word: "fanout-1k",
        load: "fanout --connections 1000 --rate 50 --seconds 6",
        quick: "--connections 100 --seconds 2",
        rows: &[less("1,000 subscribers, broadcasts one by one, CPU s per million deliveries", PER_MILLION)],
    },
    Run {
        word: "fanout-1k-burst",
        load: "fanout --connections 1000 --rate 50 --burst 10 --seconds 6",
        quick: "--connections 100 --seconds 2",
        rows: &[less(
            "1,000 subscribers, ten broadcasts at a time, CPU s per million deliveries",
            PER_MILLION,
        )],
    },
    Run {
        word: "fanout-10k",
        load: "fanout --connections 10000 --rate 4 --seconds 6",
        quick: "--connections 500 --seconds 2",
        rows: &[less("10,000 subscribers, broadcasts one by one, CPU s per million deliveries", PER_MILLION)],
    },
    Run {
        word: "fanout-10k-burst",
        load: "fanout --connections 10000 --rate 5 --burst 10 --seconds 8",
        quick: "--connections 500 --seconds 2",
        rows: &[less(
            "10,000 subscribers, ten broadcasts at a time, CPU s per million deliveries",
            PER_MILLION,
        )],
    },
    Run {
        word: "rooms",
        load: "rooms --connections 5000 --seconds 6",
        quick: "--connections 500 --seconds 2",
        rows: &[less(
            "500 rooms of ten, a message a second of each, CPU s per million deliveries",
            PER_MILLION,
        )],
    },
    Run {
        word: "echo-100",
        load: "echo --connections 100 --rate 5000 --seconds 6",
        quick: "--rate 1000 --seconds 2",
        rows: &[less("echo to 100 connections, CPU µs per reply", PER_REPLY)],
    },
    Run {
        word: "echo-1000",
        load: "echo --connections 1000 --rate 5000 --seconds 6",
        quick: "--rate 1000 --seconds 2",
        rows: &[less("echo to 1,000 connections, CPU µs per reply", PER_REPLY)],
    },
    Run {
        word: "presence-1000",
        load: "presence --connections 1000",
        quick: "--connections 100",
        rows: &[
            less("presence: 1,000 join at once, s until all saw all", ALL_SAW_ALL),
            megabytes("the same, peak RSS in MB"),
        ],
    },
    Run {
        word: "presence-5000",
        load: "presence --connections 5000",
        quick: "--connections 300",
        rows: &[
            less("presence: 5,000 join at once, s until all saw all", ALL_SAW_ALL),
            megabytes("the same, peak RSS in MB"),
        ],
    },
];

impl Run {
    /// The words for the generator; a later setting replaces an earlier one.
    pub(super) fn words(&self, quick: bool) -> impl Iterator<Item = &'static str> {
        let quick = if quick { self.quick } else { "" };
        self.load.split_whitespace().chain(quick.split_whitespace())
    }

    pub(super) fn about(&self) -> String {
        self.rows.iter().map(|row| row.label).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_run_has_a_word_of_its_own() {
        let distinct: BTreeSet<_> = RUNS.iter().map(|run| run.word).collect();
        assert_eq!(distinct.len(), RUNS.len());
    }

    #[test]
    fn a_quick_run_says_the_small_numbers_last() {
        let words: Vec<_> = RUNS[1].words(true).collect();
        assert_eq!(words, ["joins", "--connections", "5000", "--connections", "500"]);
        assert_eq!(RUNS[1].words(false).count(), 3);
    }
}
