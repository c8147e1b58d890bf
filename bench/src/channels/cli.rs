//! What was asked for: the words behind `channels`, parsed once (pure).

use super::{
    row::{RUNS, Run},
    server::Peer,
};

#[derive(Debug)]
pub(super) enum Command {
    Help,
    Compare(Options),
    /// One server, in this process, until its standard input ends.
    Serve(Peer),
    /// The load generator, in this process.
    Load(Vec<String>),
}

/// What a comparison consists of.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) runs: Vec<&'static Run>,
    pub(super) peers: Vec<Peer>,
    pub(super) rounds: u32,
    pub(super) quick: bool,
}

const DEFAULT_ROUNDS: u32 = 3;

pub(super) fn help() -> String {
    let mut text = String::from(
        "\
Compares servers of channels, and prints one Markdown table after one line of JSON for each measurement.

Usage: cargo xtask bench channels [ROW]… [--rounds N] [--quick] [--only PEER]

  --rounds N    measurements of each figure (3); the table shows their median and range
  --quick       small crowds and 1 round: to see that all runs, not to be quoted
  --only PEER   throng, node or axum, alone
  serve PEER    the server of a peer (throng, axum) alone, until its standard input ends
  load …        the generator alone; `load --help` tells how

Every measurement has a fresh server process, and a process of its own for the load; the peers take turns within each round.
Processor time and memory are the server's alone, read from /proc; the load shares the machine's processors with it.
Bytes of an idle connection are the growth of the resident memory, divided by the connections. Rates and delays are in the
lines of JSON, with what the generator itself used.

Rows (all without a name):
",
    );
    for run in RUNS {
        text.push_str(&format!("  {:<16}{}\n", run.word, run.about()));
    }
    text
}

/// # Errors
///
/// One line that says what was not understood.
pub(super) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let arguments: Vec<String> = arguments.collect();
    match arguments.split_first() {
        Some((word, rest)) if word == "load" => Ok(Command::Load(rest.to_vec())),
        Some((word, [peer])) if word == "serve" => peer_by_word(peer).map(Command::Serve),
        _ => parse_compare(&arguments),
    }
}

fn peer_by_word(word: &str) -> Result<Peer, String> {
    Peer::ALL.into_iter().find(|peer| peer.word() == word).ok_or_else(|| format!("there is no peer `{word}`"))
}

fn parse_compare(arguments: &[String]) -> Result<Command, String> {
    let (mut words, mut peers) = (Vec::new(), Peer::ALL.to_vec());
    let (mut rounds, mut quick) = (None, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--quick" => quick = true,
            "--only" => peers = vec![peer_by_word(rest.next().map_or("", String::as_str))?],
            "--rounds" => {
                let number = rest.next().and_then(|word| word.parse().ok()).filter(|number| *number > 0);
                rounds = Some(number.ok_or("--rounds needs a number from 1 on")?);
            }
            word if RUNS.iter().any(|run| run.word == word) => words.push(word.to_owned()),
            unknown => return Err(format!("there is no row or option `{unknown}`")),
        }
    }
    let runs = RUNS.iter().filter(|run| words.is_empty() || words.iter().any(|word| word == run.word));
    let rounds = rounds.unwrap_or(if quick { 1 } else { DEFAULT_ROUNDS });
    Ok(Command::Compare(Options { runs: runs.collect(), peers, rounds, quick }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn nothing_asked_for_is_everything() {
        let Ok(Command::Compare(options)) = parsed("") else { panic!("not a comparison") };
        assert_eq!((options.runs.len(), options.peers.len(), options.rounds), (RUNS.len(), 3, 3));
    }

    #[test]
    fn rows_and_peers_can_be_named() {
        let Ok(Command::Compare(options)) = parsed("echo-100 idle --only node --quick") else {
            panic!("not a comparison")
        };
        let words: Vec<_> = options.runs.iter().map(|run| run.word).collect();
        assert_eq!((words, options.peers, options.rounds), (vec!["idle", "echo-100"], vec![Peer::Node], 1));
    }

    #[test]
    fn words_for_the_generator_are_handed_on() {
        assert!(
            matches!(parsed("load echo --help"), Ok(Command::Load(words)) if words == ["echo", "--help"])
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["bogus", "--rounds 0", "--only", "--only go", "serve go"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
