//! A server under test: started on a free port, stopped as an operator would stop it.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::RecvTimeoutError,
    thread,
    time::{Duration, Instant},
};

use crate::{process::Group, workspace};

/// How long a server may take until it prints its URL.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long it may take to stop; the drain of its clients is part of that.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A running server; dropping it ends it without ceremony.
#[derive(Debug)]
pub(crate) struct Server {
    /// The package, and its program.
    name: &'static str,
    group: Group,
    url: String,
    log: PathBuf,
}

impl Server {
    /// Starts the release build of a package on a port that the system chooses, and returns once it has printed its URL.
    /// All it prints goes to a file named after `step`.
    ///
    /// # Errors
    ///
    /// One line that says why it did not start.
    pub(crate) fn start(name: &'static str, step: &str) -> Result<Server, String> {
        Server::launch(name, Path::new(name), &[], step)
    }

    /// As [`Server::start`], for an example of a package, which is told some words.
    ///
    /// # Errors
    ///
    /// One line that says why it did not start.
    pub(crate) fn start_example(name: &'static str, words: &[&str], step: &str) -> Result<Server, String> {
        Server::launch(name, &Path::new("examples").join(name), words, step)
    }

    fn launch(name: &'static str, program: &Path, words: &[&str], step: &str) -> Result<Server, String> {
        let log = workspace::target().join(format!("xtask/{name}-{step}.log"));
        let file = create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let start = |file: &File| {
            let mut command = Command::new(workspace::target().join("release").join(program));
            command.args(words).current_dir(workspace::root()).env("PORT", "0");
            Group::start(command.stdout(Stdio::piped()).stderr(file.try_clone()?))
        };
        let group = start(&file).map_err(|error| format!("cannot start {name}: {error}"))?;
        let mut server = Server { name, group, url: String::new(), log };
        server.url = server.wait_for_url(file)?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it with SIGTERM.
    ///
    /// # Errors
    ///
    /// One line: it had died, it did not stop in time, or it reported a failure.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let (name, log) = (self.name, self.log.display());
        if let Ok(Some(status)) = self.group.try_wait() {
            return Err(format!("{name} died ({status}), see {log}"));
        }
        self.group.terminate();
        match self.group.wait_until(Instant::now() + STOP_LIMIT) {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(format!("{name} stopped with {status}, see {log}")),
            Ok(None) => Err(format!("{name} did not stop within {STOP_LIMIT:?} of SIGTERM, see {log}")),
            Err(error) => Err(format!("cannot wait for {name}: {error}")),
        }
    }

    fn wait_for_url(&mut self, mut log: File) -> Result<String, String> {
        let deadline = Instant::now() + START_LIMIT;
        let lines = self.group.lines();
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let _ = writeln!(log, "{line}");
                    if let Some(url) = url_in(&line) {
                        let url = url.to_owned();
                        // Whoever prints must be read, or it would block on a full pipe.
                        thread::spawn(move || lines.iter().for_each(|line| drop(writeln!(log, "{line}"))));
                        return Ok(url);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("{} printed no URL within {START_LIMIT:?}", self.name));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("{} ended at its start, see {}", self.name, self.log.display()));
                }
            }
        }
    }
}

/// The address in a line like `chat is listening on http://127.0.0.1:4000`.
fn url_in(line: &str) -> Option<&str> {
    let start = ["http", "ws"].iter().find_map(|scheme| line.find(&format!("{scheme}://127.0.0.1:")))?;
    line[start..].split(|c: char| c.is_whitespace() || c.is_control()).next()
}

fn create(path: &PathBuf) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_found_within_a_line() {
        let line = "chat is listening on http://127.0.0.1:40123 (Ctrl-C stops it)";
        assert_eq!(url_in(line), Some("http://127.0.0.1:40123"));
        assert_eq!(url_in("ws://127.0.0.1:1"), Some("ws://127.0.0.1:1"));
    }

    #[test]
    fn a_line_without_an_address_has_no_url() {
        assert_eq!(url_in("starting"), None);
    }
}
