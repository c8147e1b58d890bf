//! Running a tree in a program of its own, and how its end shows in the exit code (L4, L6).
//!
//! Each test runs this very program again, which then is the application.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]
#![cfg(unix)]

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
};

use throng_runtime::{Ctx, Exit, GenServer, Init, InitError, Name, Node, Supervisor};

const ROLE: &str = "THRONG_TEST_ROLE";
const WORKER: Name<Worker> = Name::new("worker");

/// Says when it is up and when it stops.
struct Worker {
    hangs: bool,
}

impl GenServer for Worker {
    type Args = String;

    async fn init(role: String, _: &mut Ctx<Self>) -> Init<Self> {
        if role == "fails to start" {
            return Err(InitError::Stop(Exit::other("no luck")));
        }
        println!("\nup");
        Ok(Worker { hangs: role == "hangs" })
    }

    async fn terminate(&mut self, reason: &Exit, _: &mut Ctx<Self>) {
        println!("stopping: {reason}");
        if self.hangs {
            std::future::pending::<()>().await;
        }
    }
}

/// Not a test of its own: the application that the tests run.
#[test]
fn application() {
    let Ok(role) = env::var(ROLE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap();
    let ran = runtime.block_on(async {
        let node = Node::new("application");
        let worker = Worker::child(role.clone()).name(WORKER).shutdown(throng_runtime::Shutdown::Infinity);
        let budget = std::time::Duration::from_secs(5);
        let tree = Supervisor::one_for_one("top").max_restarts(0, budget).child(worker);
        if role == "gives up" {
            let node = node.clone();
            tokio::spawn(async move {
                while node.whereis(WORKER).is_none() {
                    tokio::task::yield_now().await;
                }
                node.exit(node.whereis(WORKER).unwrap(), Exit::Kill);
            });
        }
        node.run(tree).await
    });
    match ran {
        Ok(()) => println!("ran well"),
        Err(error) => {
            println!("error: {error}");
            std::process::exit(3);
        }
    }
}

struct Application {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Application {
    fn start(role: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "application", "--nocapture"])
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn wait_for(&mut self, wanted: &str) {
        let mut seen = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line == wanted {
                return;
            }
            seen.push(line);
        }
        panic!("{wanted:?} did not come, but {seen:?}");
    }

    /// Where it says that its dump is.
    fn dump_path(&mut self) -> String {
        let said = "throng: wrote a state dump to ";
        let mut lines = BufReader::new(self.child.stderr.take().unwrap()).lines().map(Result::unwrap);
        lines.find_map(|line| Some(line.strip_prefix(said)?.to_owned())).unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

#[test]
fn l4_sigterm_and_sigint_stop_the_tree_in_order() {
    for signal in ["-TERM", "-INT"] {
        let mut application = Application::start("runs");
        application.wait_for("up");
        application.signal(signal);
        application.wait_for("stopping: shutdown");
        application.wait_for("ran well");
        assert!(application.end().success(), "{signal}");
    }
}

#[test]
fn l4_a_second_signal_stops_waiting() {
    let mut application = Application::start("hangs");
    application.wait_for("up");
    application.signal("-TERM");
    application.wait_for("stopping: shutdown");
    application.signal("-TERM");
    application.wait_for("error: told to stop twice: some processes did not stop in time");
    assert_eq!(application.end().code(), Some(3));
}

#[test]
fn l4_sigusr1_writes_what_runs_to_a_file_and_goes_on() {
    let mut application = Application::start("runs");
    application.wait_for("up");
    application.signal("-USR1");
    let path = application.dump_path();
    let dump = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(dump.contains("node:      application") && dump.contains("processes: 2"), "{dump}");
    let tree: Vec<_> = dump.lines().skip_while(|line| !line.starts_with('<')).collect();
    assert!(
        tree[0].contains("Supervisor, ")
            && tree[0].contains("links: 1, ")
            && tree[0].ends_with("traps exits"),
        "{dump}"
    );
    assert!(tree[1].starts_with("  <") && tree[1].contains("\"worker\", run::Worker, "), "{dump}");
    application.signal("-TERM");
    application.wait_for("stopping: shutdown");
    application.wait_for("ran well");
    assert!(application.end().success());
}

#[test]
fn l6_a_tree_that_gave_up_is_an_error() {
    let mut application = Application::start("gives up");
    application.wait_for("error: application \"application\" ended by itself: shutdown");
    assert_eq!(application.end().code(), Some(3));
}

#[test]
fn s7_a_tree_that_does_not_start_is_an_error_that_names_the_child() {
    let mut application = Application::start("fails to start");
    application.wait_for("error: application \"application\" did not start: child \"worker\" failed to start: init failed: no luck");
    assert_eq!(application.end().code(), Some(3));
}
