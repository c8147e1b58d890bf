//! What was asked for: the command line, parsed once (pure).

use crate::plan;

/// One parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    TestHelp,
    /// Run the named steps, or all of them when none is named.
    Test {
        only: Vec<String>,
    },
    /// Run the long steps, some of them for so long.
    Soak {
        minutes: u32,
    },
    /// Hand everything over to the benchmarks, which parse it themselves.
    Bench {
        arguments: Vec<String>,
    },
}

pub(crate) const HELP: &str = "\
The project's own commands.

Usage: cargo xtask <command>

  test    the whole test run: installs what is missing, then checks everything
  soak    the long runs before a release: `soak [MINUTES]`, 30 for each fuzzer unless told otherwise
  bench   the comparison with the peers, as one Markdown table
  help    this text

`cargo xtask test --help` and `cargo xtask bench --help` tell more.";

/// The text of `cargo xtask test --help`, which lists the steps.
pub(crate) fn test_help() -> String {
    let mut text = String::from(
        "\
The whole test run.

Usage: cargo xtask test [--only STEP[,STEP…]]…

Each step shows what it does as it goes; the run ends with a table of step, result and seconds, and a last
line `N passed, M failed` that counts every test, and one for each step without tests of its own. A failed
step does not keep the others from running; the exit code is 0 only when nothing failed.

What a step needs and the machine lacks is installed by apt-get where this is root on Debian; elsewhere the
run says what to install and leaves that step out. With CI=true a step left out for that is a failure.

Steps:
",
    );
    for step in plan::steps() {
        text.push_str(&format!("  {:<14}{}\n", step.name, step.about));
    }
    text.push_str(
        "
Examples:
  cargo xtask test                       everything
  cargo xtask test --only lint           one step
  cargo xtask test --only phoenix,browser",
    );
    text
}

/// Reads the command line, given without the program's own name.
///
/// # Errors
///
/// One line that says what was not understood.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let arguments: Vec<String> = arguments.collect();
    let Some((command, rest)) = arguments.split_first() else {
        return Ok(Command::Help);
    };
    match command.as_str() {
        "help" | "--help" | "-h" => Ok(Command::Help),
        "test" => parse_test(rest),
        "soak" => parse_soak(rest),
        "bench" => Ok(Command::Bench { arguments: rest.to_vec() }),
        unknown => Err(format!("there is no command `{unknown}`")),
    }
}

fn parse_soak(arguments: &[String]) -> Result<Command, String> {
    let minutes = match arguments {
        [] => 30,
        [minutes] => {
            minutes.parse().map_err(|_| format!("`soak` takes a number of minutes, not `{minutes}`"))?
        }
        [_, surplus, ..] => return Err(format!("`soak` does not know `{surplus}`")),
    };
    Ok(Command::Soak { minutes })
}

fn parse_test(arguments: &[String]) -> Result<Command, String> {
    let mut only = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Command::TestHelp),
            "--only" => {
                let steps = rest.next().ok_or("--only needs the name of a step")?;
                only.extend(steps.split(',').map(str::to_owned));
            }
            unknown => return Err(format!("`test` does not know `{unknown}`")),
        }
    }
    plan::check_names(&only)?;
    Ok(Command::Test { only })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn nothing_asked_for_shows_the_help() {
        assert_eq!(parsed(""), Ok(Command::Help));
        assert_eq!(parsed("--help"), Ok(Command::Help));
    }

    #[test]
    fn a_soak_takes_minutes() {
        assert_eq!(parsed("soak"), Ok(Command::Soak { minutes: 30 }));
        assert_eq!(parsed("soak 5"), Ok(Command::Soak { minutes: 5 }));
        assert!(parsed("soak long").is_err() && parsed("soak 5 6").is_err());
    }

    #[test]
    fn test_without_words_means_every_step() {
        assert_eq!(parsed("test"), Ok(Command::Test { only: vec![] }));
    }

    #[test]
    fn steps_are_named_one_by_one_or_in_a_list() {
        let expected = Ok(Command::Test { only: vec!["lint".into(), "docs".into(), "tests".into()] });
        assert_eq!(parsed("test --only lint,docs --only tests"), expected);
    }

    #[test]
    fn an_unknown_step_is_refused_by_name() {
        let complaint = parsed("test --only lints").unwrap_err();
        assert!(complaint.contains("`lints`"), "{complaint}");
        assert!(complaint.contains("lint"), "{complaint}");
    }

    #[test]
    fn an_unknown_word_is_refused() {
        assert!(parsed("tset").is_err());
        assert!(parsed("test --fast").is_err());
        assert!(parsed("test --only").is_err());
    }

    #[test]
    fn bench_words_are_handed_over_untouched() {
        let expected = Ok(Command::Bench { arguments: vec!["mem".into(), "--help".into()] });
        assert_eq!(parsed("bench mem --help"), expected);
    }

    #[test]
    fn the_help_of_test_names_every_step() {
        let help = test_help();
        for step in plan::steps() {
            assert!(help.contains(step.name), "{} is not in the help", step.name);
        }
    }
}
