//! The BEAM: our Erlang modules are compiled once, and one run of it plays all scenarios.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// What the BEAM may take for all scenarios. Each has a limit of its own there.
const LIMIT: Duration = Duration::from_secs(600);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A folder of compiled modules, gone with this value.
#[derive(Debug)]
pub(crate) struct Beam {
    folder: PathBuf,
}

impl Beam {
    /// Compiles the modules beside this crate.
    ///
    /// # Panics
    ///
    /// Without `erl` and `erlc` on the path: there is nothing to compare with.
    pub(crate) fn compile() -> Self {
        let beam = Self { folder: own_folder() };
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("erlang");
        let entries = fs::read_dir(&sources).unwrap_or_else(|error| panic!("{}: {error}", sources.display()));
        let modules = entries.flatten().map(|entry| entry.path());
        let modules: Vec<PathBuf> =
            modules.filter(|path| path.extension().is_some_and(|it| it == "erl")).collect();
        let compiled = Command::new("erlc").args(["-Werror", "-o"]).arg(&beam.folder).args(modules).status();
        match compiled {
            Ok(status) => assert!(status.success(), "the Erlang modules do not compile"),
            Err(error) => panic!(
                "no Erlang (`apt-get install erlang-base`, or https://www.erlang.org/downloads): {error}"
            ),
        }
        beam
    }

    /// The journals of scenarios, in their order.
    pub(crate) fn play(&self, module: &str, terms: &[String]) -> Vec<Vec<String>> {
        let (scenarios, journals) = (self.folder.join("scenarios"), self.folder.join("journals"));
        let written = fs::File::create(&scenarios)
            .and_then(|mut file| terms.iter().try_for_each(|term| writeln!(file, "{{{module},{term}}}.")));
        written.unwrap_or_else(|error| panic!("{}: {error}", scenarios.display()));
        let mut erl = Command::new("erl");
        erl.args(["-noshell", "-noinput", "-pa"]).arg(&self.folder);
        erl.args(["-run", "differential", "main"]).arg(&scenarios).arg(&journals).stdin(Stdio::null());
        run(&mut erl);
        let text = fs::read_to_string(&journals).unwrap_or_else(|error| panic!("no journals: {error}"));
        let journals = parted(&text);
        assert_eq!(journals.len(), terms.len(), "the BEAM did not play all scenarios");
        journals
    }
}

impl Drop for Beam {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans up temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn own_folder() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("throng-differential-{}-{count}", std::process::id()));
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

fn run(command: &mut Command) {
    let mut child = Ended(command.spawn().unwrap_or_else(|error| panic!("no erl: {error}")));
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        match child.0.try_wait() {
            Ok(None) => thread::sleep(POLL_INTERVAL),
            Ok(Some(status)) => return assert!(status.success(), "the BEAM ended with {status}"),
            Err(error) => panic!("the BEAM cannot be waited for: {error}"),
        }
    }
    panic!("the BEAM took longer than {LIMIT:?}");
}

/// A child process that does not outlive this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Each journal begins with a line of its own.
fn parted(text: &str) -> Vec<Vec<String>> {
    let mut journals: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        match (line, journals.last_mut()) {
            ("scenario", _) => journals.push(Vec::new()),
            (line, Some(journal)) => journal.push(line.to_owned()),
            (_, None) => {}
        }
    }
    journals
}
