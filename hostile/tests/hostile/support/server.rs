//! The server, a process of its own, and what it uses of the machine.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::tcp;

/// Far more than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    log: Arc<Mutex<String>>,
}

/// What the endpoint counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stats {
    pub(crate) connections: u64,
    pub(crate) channels: u64,
    pub(crate) queued_bytes: u64,
    pub(crate) closed_for_being_slow: u64,
}

impl Server {
    /// With limits as everybody has them, but for some.
    pub(crate) fn start(settings: Value) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_throng-hostile"))
            .env("THRONG_HOSTILE", settings.to_string())
            .env("RUST_LOG", "throng=warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut errors, kept) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        thread::spawn(move || {
            let mut line = String::new();
            while errors.read_line(&mut line).is_ok_and(|read| read > 0) {
                kept.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Server { child, addr: line.trim().parse().unwrap(), log }
    }

    /// Memory that it has now, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.kilobytes("VmRSS:") << 10
    }

    /// The most memory that it ever had.
    pub(crate) fn memory_peak(&self) -> u64 {
        self.kilobytes("VmHWM:") << 10
    }

    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// What it has warned of so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stream = tcp(self.addr);
        stream.write_all(b"GET /stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let count = |name: &str| body[name].as_u64().unwrap();
        Stats {
            connections: count("connections"),
            channels: count("channels"),
            queued_bytes: count("queued_bytes"),
            closed_for_being_slow: count("closed_for_being_slow"),
        }
    }

    /// Waits until nothing is left but so many connections and channels.
    pub(crate) fn is_left_with(&self, connections: u64, channels: u64) {
        eventually("the others to be gone", || {
            let stats = self.stats();
            (stats.connections, stats.channels) == (connections, channels)
        });
    }

    fn kilobytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which a test has seen by then.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// Waits for what nobody announces.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited too long for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
