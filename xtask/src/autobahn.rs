//! The Autobahn test suite, the one that WebSocket implementations are measured by, against an echo server on our codec.
//!
//! It needs Python 2.7, which few machines still have. It is installed once, into a folder of its own under `target`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    process::{self, Ended},
    server::Server,
    summary::Outcome,
    tally::Tally,
    workspace,
};

/// The suite, at the version that its cases are counted for.
const PACKAGE: &str = "autobahntestsuite==0.8.2";
/// Written when all of it is installed.
const STAMP: &str = "installed";
const INSTALL_LIMIT: Duration = Duration::from_secs(15 * 60);
/// What runs it and counts.
const DRIVER: &str = "xtask/src/autobahn.py";

/// How much of it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All cases of the protocol, and a few of those of compression: minutes.
    Short,
    /// All 517, and those of the protocol without compression as well: the better part of an hour.
    Full,
}

/// A part of the suite: a name, whether the server compresses, the cases.
type Part = (&'static str, bool, &'static str);

const PROTOCOL: &str = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.*,10.*";
/// One size of message for each kind of payload and each set of parameters.
const SOME_COMPRESSION: &str =
    "12.1.4,12.2.4,12.3.4,12.4.4,12.5.4,13.1.4,13.2.4,13.3.4,13.4.4,13.5.4,13.6.4,13.7.4";

impl Extent {
    fn parts(self) -> &'static [Part] {
        match self {
            Extent::Short => &[("protocol", false, PROTOCOL), ("compression", true, SOME_COMPRESSION)],
            Extent::Full => &[("protocol", false, PROTOCOL), ("all", true, "*")],
        }
    }
}

/// Runs it; left out, and no failure, where there is no Python 2.7.
pub(crate) fn run(extent: Extent, deadline: Instant) -> Outcome {
    let Some(python) = python() else {
        return Outcome::Skipped(
            "no Python 2.7: put `python2.7` on the PATH, or `pyenv install 2.7.18`".to_owned(),
        );
    };
    match install(&python).and_then(|packages| run_parts(&python, &packages, extent, deadline)) {
        Ok((tally, None)) => Outcome::Passed(tally),
        Ok((tally, Some(why))) => Outcome::Failed(tally, why),
        Err(why) => Outcome::Failed(Tally::default(), why),
    }
}

/// On the path, or one of pyenv's.
fn python() -> Option<PathBuf> {
    let folders =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let pyenv = env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".pyenv")));
    let versions = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let versions = versions.into_iter().flatten().flatten().map(|version| version.path());
    let of_pyenv = versions
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("2.7")));
    let mut candidates = folders.into_iter().chain(of_pyenv.map(|version| version.join("bin")));
    // A file that is there may be a shim for a version that is not: it has to run.
    candidates.find_map(|folder| Some(folder.join("python2.7")).filter(|python| works(python)))
}

fn works(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import pip"]).stderr(std::process::Stdio::null());
    python.is_file()
        && matches!(process::run(&mut command, Duration::from_secs(60), |_| {}), Ok(Ended::Itself(status)) if status.success())
}

/// The folder of the installed packages.
fn install(python: &Path) -> Result<PathBuf, String> {
    let folder = workspace::target().join("autobahn");
    let (packages, stamp) = (folder.join("packages"), folder.join(STAMP));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == PACKAGE) {
        return Ok(packages);
    }
    println!("installing {PACKAGE}");
    // What a run that was interrupted has left would be in the way.
    drop(fs::remove_dir_all(&packages));
    fs::create_dir_all(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE, "--target"]);
    match process::run(command.arg(&packages), INSTALL_LIMIT, |line| println!("  {line}")) {
        Ok(Ended::Itself(status)) if status.success() => {}
        ended => return Err(format!("{PACKAGE} cannot be installed: {ended:?}")),
    }
    fs::write(&stamp, PACKAGE).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(packages)
}

/// What the parts found, and the first failure.
fn run_parts(
    python: &Path,
    packages: &Path,
    extent: Extent,
    deadline: Instant,
) -> Result<(Tally, Option<String>), String> {
    let mut build = Command::new(workspace::cargo());
    build.args([
        "build",
        "--release",
        "--package",
        "throng-web",
        "--features",
        "fuzzing",
        "--example",
        "echo",
    ]);
    let (_, built) = crate::run::run(build.current_dir(workspace::root()), deadline);
    built?;
    let (mut tally, mut failure) = (Tally::default(), None);
    for (name, compresses, cases) in extent.parts() {
        let words: &[&str] = if *compresses { &["0", "compress"] } else { &["0"] };
        let server = Server::start_example("echo", words, name)?;
        let reports = workspace::target().join("autobahn/reports").join(name);
        let mut suite = Command::new(python);
        suite.arg(DRIVER).arg(packages).arg(&reports).args([server.url(), *cases]);
        let (counted, ended) = crate::run::run(suite.current_dir(workspace::root()), deadline);
        tally = tally.plus(counted);
        let ended = ended.map_err(|why| format!("{why}, see {}", reports.join("index.html").display()));
        failure = failure.or(ended.err());
    }
    Ok((tally, failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_suite_is_run_with_compression_by_the_full_extent_alone() {
        assert!(Extent::Full.parts().iter().any(|(_, compresses, cases)| *compresses && *cases == "*"));
        for extent in [Extent::Short, Extent::Full] {
            assert!(extent.parts().contains(&("protocol", false, PROTOCOL)));
        }
    }
}
