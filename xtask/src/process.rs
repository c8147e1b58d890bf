//! Child processes that cannot outlive this command.
//!
//! Each child leads a process group of its own, so that ending it ends what it started too. A group is ended when
//! its [`Group`] is dropped, and every living one when this command is interrupted. What a child starts in yet
//! another group (a daemon) is out of reach.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// How often a child without output is asked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The groups that are alive, by the id of their leader.
static LIVING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Itself(ExitStatus),
    /// It was ended because it reached its limit.
    ByLimit(Duration),
}

/// A child process and everything it starts; dropping it ends them all.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
}

/// Runs a command to its end, or to `limit`, and hands over each line of its standard output as it comes.
/// Its standard error goes where ours goes.
///
/// # Errors
///
/// When the command cannot be started or waited for.
pub(crate) fn run(
    command: &mut Command,
    limit: Duration,
    mut on_line: impl FnMut(&str),
) -> io::Result<Ended> {
    let deadline = Instant::now() + limit;
    let mut group = Group::start(command.stdout(Stdio::piped()))?;
    let lines = group.lines();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Timeout) => return Ok(Ended::ByLimit(limit)),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = group.wait_until(deadline)?;
    Ok(status.map_or(Ended::ByLimit(limit), Ended::Itself))
}

/// Ends every living child when this command gets SIGINT, SIGTERM or SIGHUP, and then this command.
///
/// # Errors
///
/// When the signals cannot be listened for.
pub(crate) fn end_children_on_interrupt() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // The lock is kept to the end, so that no further child starts.
            let living = living();
            living.iter().for_each(|leader| send_signal("KILL", *leader));
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

impl Group {
    /// Starts a command at the head of a new group, without standard input.
    pub(crate) fn start(command: &mut Command) -> io::Result<Group> {
        let mut living = living();
        let child = command.stdin(Stdio::null()).process_group(0).spawn()?;
        living.insert(child.id());
        Ok(Group { child })
    }

    /// The lines of a piped standard output; the channel closes with it.
    pub(crate) fn lines(&mut self) -> Receiver<String> {
        let (sender, receiver) = mpsc::sync_channel(1024);
        if let Some(stdout) = self.child.stdout.take() {
            thread::spawn(move || read_lines(stdout, |line| sender.send(line).is_ok()));
        }
        receiver
    }

    /// Asks the whole group to end.
    pub(crate) fn terminate(&self) {
        send_signal("TERM", self.child.id());
    }

    /// Whether the leader has ended, and how.
    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for the leader's end; `None` when `deadline` comes first.
    pub(crate) fn wait_until(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            let status = self.try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        send_signal("KILL", self.child.id());
        // Reaping a killed child does not block, and its status interests nobody any more.
        let _ = self.child.wait();
        living().remove(&self.child.id());
    }
}

fn living() -> MutexGuard<'static, BTreeSet<u32>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Signals a group through the shell's built-in `kill`, the one way that needs neither `unsafe` nor a package.
fn send_signal(signal: &str, leader: u32) {
    let script = format!("kill -s {signal} -- -{leader} 2>/dev/null");
    // A group that has ended already is no failure.
    let _ = Command::new("sh").arg("-c").arg(script).status();
}

/// Reads until the end, or until nobody takes the lines any more.
fn read_lines(stdout: ChildStdout, mut take: impl FnMut(String) -> bool) {
    let mut reader = BufReader::new(stdout);
    let mut bytes = Vec::new();
    while matches!(reader.read_until(b'\n', &mut bytes), Ok(length) if length > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
        if !take(line) {
            return;
        }
        bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    #[test]
    fn lines_and_exit_code_come_through() {
        let mut lines = Vec::new();
        let ended = run(&mut shell("echo one; echo two; exit 3"), Duration::from_secs(60), |line| {
            lines.push(line.to_owned());
        });
        assert_eq!(lines, ["one", "two"]);
        assert!(matches!(ended, Ok(Ended::Itself(status)) if status.code() == Some(3)));
    }

    #[test]
    fn a_limit_ends_the_child_and_what_it_started() {
        let mut grandchild = String::new();
        let script = "sleep 600 & echo $!; wait";
        let ended = run(&mut shell(script), Duration::from_millis(500), |line| grandchild = line.to_owned());
        assert!(matches!(ended, Ok(Ended::ByLimit(_))));
        let deadline = Instant::now() + Duration::from_secs(60);
        while is_running(&grandchild) {
            assert!(Instant::now() < deadline, "{grandchild} is still there");
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// A signal ends a process a little after it was sent. It may stay a zombie until its adopter reaps it; run it must not.
    fn is_running(pid: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !state.is_empty() && !state.contains(") Z ")
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let mut command = Command::new("no-such-program-anywhere");
        assert!(run(&mut command, Duration::from_secs(1), |_| {}).is_err());
    }
}
