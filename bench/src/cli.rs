//! What was asked for: the command line, parsed once (pure).

use crate::{peer::PeerName, workload::Workload};

#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Compare(Options),
    /// One measurement, in this process: what a comparison starts again and again.
    Measure {
        peer: PeerName,
        workload: Workload,
        count: u64,
    },
}

/// What a comparison consists of.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) workloads: Vec<Workload>,
    pub(crate) rounds: u32,
    pub(crate) quick: bool,
}

/// Medians of fewer samples say little.
const DEFAULT_ROUNDS: u32 = 5;
const QUICK_ROUNDS: u32 = 3;

pub(crate) fn help() -> String {
    let mut text = String::from(
        "\
Compares Throng with its peers and prints one Markdown table.

Usage: cargo xtask bench [WORKLOAD]… [--rounds N] [--quick]

  --rounds N   measurements of each figure (5); the table shows their median and range
  --quick      a tenth of the work and 3 rounds: to see that all runs, not to be quoted

Workloads (all without a name):
",
    );
    for workload in Workload::ALL {
        text.push_str(&format!("  {:<12}{}\n", workload.word(), workload.label()));
    }
    text.push_str("\nPeers: ");
    text.push_str(&PeerName::ALL.map(PeerName::label).join(", "));
    text.push_str(" (the BEAM where `escript` is installed, its registry rows where `elixir` is).\n");
    text.push_str("`cargo xtask bench channels --help` tells of the comparison of channel servers.\n");
    text.push_str("All of it takes about 15 minutes on 2 cores and up to 9 GB of memory.");
    text
}

/// Reads the command line, given without the program's own name.
///
/// # Errors
///
/// One line that says what was not understood.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let arguments: Vec<String> = arguments.collect();
    match arguments.first().map(String::as_str) {
        Some("measure") => parse_measure(&arguments[1..]),
        _ => parse_compare(&arguments),
    }
}

fn parse_compare(arguments: &[String]) -> Result<Command, String> {
    let mut words: Vec<&str> = Vec::new();
    let (mut rounds, mut quick) = (None, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--quick" => quick = true,
            "--rounds" => rounds = Some(parse_rounds(rest.next())?),
            word if Workload::ALL.iter().any(|workload| workload.word() == word) => words.push(word),
            unknown => return Err(format!("there is no workload or option `{unknown}`")),
        }
    }
    let wanted = |workload: &Workload| words.is_empty() || words.contains(&workload.word());
    Ok(Command::Compare(Options {
        workloads: Workload::ALL.into_iter().filter(wanted).collect(),
        rounds: rounds.unwrap_or(if quick { QUICK_ROUNDS } else { DEFAULT_ROUNDS }),
        quick,
    }))
}

fn parse_rounds(word: Option<&String>) -> Result<u32, String> {
    let rounds = word.and_then(|word| word.parse().ok()).filter(|rounds| *rounds > 0);
    rounds.ok_or_else(|| "--rounds needs a number from 1 on".to_owned())
}

fn parse_measure(arguments: &[String]) -> Result<Command, String> {
    let [peer, workload, count] = arguments else {
        return Err("`measure` takes a peer, a workload and a count".to_owned());
    };
    let peer = PeerName::by_word(peer).ok_or_else(|| format!("there is no peer `{peer}`"))?;
    let workload = Workload::by_id(workload).ok_or_else(|| format!("there is no row `{workload}`"))?;
    let count = count.parse().map_err(|_| format!("`{count}` is no count"))?;
    Ok(Command::Measure { peer, workload, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn nothing_asked_for_is_everything_in_five_rounds() {
        let all = Options { workloads: Workload::ALL.to_vec(), rounds: 5, quick: false };
        assert_eq!(parsed(""), Ok(Command::Compare(all)));
    }

    #[test]
    fn one_word_can_name_two_rows() {
        let calls =
            Options { workloads: vec![Workload::CallOne, Workload::CallMany], rounds: 7, quick: false };
        assert_eq!(parsed("call --rounds 7"), Ok(Command::Compare(calls)));
    }

    #[test]
    fn a_group_of_rows_is_named_by_its_word() {
        let Ok(Command::Compare(options)) = parsed("supervisor") else { panic!("not a comparison") };
        let rows = [Workload::RestartMedian, Workload::RestartTail, Workload::RestartRate];
        assert_eq!(options.workloads, rows);
    }

    #[test]
    fn rows_come_in_the_order_of_the_table() {
        let Ok(Command::Compare(options)) = parsed("ring mem --quick") else { panic!("not a comparison") };
        assert_eq!(options.workloads, [Workload::Memory, Workload::Ring]);
        assert_eq!(options.rounds, QUICK_ROUNDS);
    }

    #[test]
    fn a_measurement_names_peer_row_and_count() {
        let expected = Command::Measure { peer: PeerName::Tokio, workload: Workload::CallMany, count: 6400 };
        assert_eq!(parsed("measure tokio call-64 6400"), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["rings", "--rounds", "--rounds 0", "--rounds many", "measure tokio", "measure go ring 1"]
        {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
