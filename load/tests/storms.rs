//! Storms of reconnects against a server with a history: nothing is lost within it, and each sender's order is kept.
//!
//! The server is this program again, in a process of its own, so that clients and server each have all the descriptors that a
//! process may have. `THRONG_CLIENTS` says how many clients there are; ten thousand are a step of the test run.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{
    env,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use serde::Deserialize;
use serde_json::Value;
use throng_pubsub::{History, HistoryOptions};
use throng_runtime::{Exit, Node};
use throng_web::{Channel, Endpoint, JoinError, Limits, Payload, PubSub, Reply, Socket, SocketRouter};

/// Set for the process that is the server.
const SERVES: &str = "THRONG_STORM_SERVER";
const READY: &str = "listening on ";

struct Room;

#[derive(Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
enum RoomIn {
    NewMsg(Payload),
}

impl Channel for Room {
    type Assigns = ();
    type Params = Payload;
    type Event = RoomIn;
    const RECOVERS: bool = true;

    async fn join(_: Payload, _: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
        Ok(Room)
    }

    async fn handle_in(&mut self, event: RoomIn, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        let RoomIn::NewMsg(payload) = event;
        socket.broadcast("new_msg", payload)?;
        Ok(Reply::ack())
    }
}

/// Serves until standard input ends, which it does with the process that tests.
#[tokio::main]
async fn serve() {
    let history = HistoryOptions::default().with(|options| options.messages_max = 2_000);
    let history = History::builder().topics("room:*", history).build();
    let pubsub = PubSub::new().with_history(&history);
    let node = Node::new("storms");
    let limits = Limits::default().with(|limits| limits.sockets_per_peer_max = 20_000);
    let sockets = SocketRouter::new(async |_| Ok(())).channel::<Room>("room:*");
    let builder = Endpoint::builder(&node, &pubsub).socket("/socket", sockets);
    let endpoint = builder.limits(limits).build().unwrap();
    node.start(endpoint.listen(([127, 0, 0, 1], 0))).await.unwrap();
    println!("\n{READY}{}", endpoint.local_addr().unwrap());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
}

/// The server's process; dropping it ends it.
struct Server(Child);

impl Server {
    fn start() -> (Server, String) {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "clients_that_are_cut_again_and_again_lose_nothing", "--nocapture"])
            .env(SERVES, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = lines.map_while(Result::ok).find_map(|line| line.strip_prefix(READY).map(str::to_owned));
        (Server(child), addr.expect("the server did not start"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn clients_that_are_cut_again_and_again_lose_nothing() {
    if env::var_os(SERVES).is_some() {
        return serve();
    }
    let clients = env::var("THRONG_CLIENTS").unwrap_or_else(|_| "300".to_owned());
    let (server, addr) = Server::start();
    let output = Command::new(env!("CARGO_BIN_EXE_throng-load"))
        .args([
            "rejoin",
            "--url",
            &format!("ws://{addr}/socket/websocket"),
            "--pid",
            &server.0.id().to_string(),
        ])
        .args(["--connections", &clients, "--room", "50", "--senders", "20", "--rate", "100"])
        .args(["--storms", "4", "--calm", if clients.len() > 3 { "6" } else { "1" }])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    println!("{line}");
    let report: Value = serde_json::from_str(&line).unwrap();
    let wanted: u64 = clients.parse().unwrap();
    assert_eq!(report["lost"], 0, "what was said and not heard");
    assert_eq!(report["disordered"], 0);
    assert_eq!(report["gaps"], 0);
    assert!(report["rejoins"].as_u64() >= Some(4 * (wanted / 50 * 50)), "every storm has all rejoin");
    assert!(report["heard_after_a_rejoin"].as_u64() > Some(0), "the storms fell into silence");
    assert!(output.status.success());
}
