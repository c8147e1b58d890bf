//! The servers under test as processes: started, asked for their port, ended.

use std::{
    env,
    future::Future,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
};

use tokio::io::AsyncReadExt;

use super::{axum, throng};

/// Who is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Throng,
    Node,
    Axum,
}

/// What a server prints before its address.
const READY: &str = "listening on ";

impl Peer {
    /// Throng first: the others' ratios are taken against it.
    pub(super) const ALL: [Peer; 3] = [Peer::Throng, Peer::Node, Peer::Axum];

    /// The head of its column.
    pub(super) fn label(self) -> &'static str {
        match self {
            Peer::Throng => "Throng",
            Peer::Node => "Node, `ws` 8",
            Peer::Axum => "axum 0.8, rooms by hand",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Peer::Throng => "throng",
            Peer::Node => "node",
            Peer::Axum => "axum",
        }
    }

    /// Node's server needs its package.
    pub(super) fn is_installed(self) -> bool {
        self != Peer::Node || node_folder().join("node_modules/ws").is_dir()
    }
}

fn node_folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/channels/node"))
}

/// A server in a process of its own; dropping it ends it.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    addr: String,
}

impl Server {
    /// # Errors
    ///
    /// One line that says why there is none.
    pub(super) fn start(peer: Peer) -> Result<Server, String> {
        let mut command = match peer {
            Peer::Node => Command::new("node"),
            _ => Command::new(env::current_exe().map_err(|error| error.to_string())?),
        };
        match peer {
            Peer::Node => command.arg(node_folder().join("server.mjs")),
            _ => command.args(["channels", "serve", peer.word()]),
        };
        // It ends when its standard input does: whatever becomes of this process, none is left behind.
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the server: {error}"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // A server that cannot start ends, and so does this read.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let addr = line.trim().strip_prefix(READY).map(str::to_owned);
        let server = Server { child, addr: addr.clone().unwrap_or_default() };
        addr.map(|_| server).ok_or_else(|| "the server did not start".to_owned())
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}/socket/websocket", self.addr)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one of the Rust servers in this process, until standard input ends.
pub(super) fn serve(peer: Peer) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.map_err(|error| error.to_string()).and_then(|runtime| match peer {
        Peer::Throng => runtime.block_on(until_input_ends(throng::start())),
        Peer::Axum => runtime.block_on(until_input_ends(axum::start())),
        Peer::Node => Err("the server of Node is run by node".to_owned()),
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What is started lives as long as its value.
async fn until_input_ends<T>(
    start: impl Future<Output = Result<(SocketAddr, T), String>>,
) -> Result<(), String> {
    let (addr, _running) = start.await?;
    println!("{READY}{addr}");
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await.map_err(|error| error.to_string())?;
    Ok(())
}
