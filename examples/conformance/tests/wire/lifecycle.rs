//! How the server begins and ends, as whoever runs it sees it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use serde_json::json;

use crate::support::{Client, End, Request, Server, refused, soon};

/// The program itself, on a port that is free.
struct Program {
    child: Child,
    addr: SocketAddr,
}

impl Program {
    /// Starts it, and returns with the address that it prints.
    fn start() -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
        command.env("PORT", "0").env_remove("RUST_LOG").env_remove("SECRET_KEY_BASE");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().rsplit("http://").next().unwrap().parse().unwrap();
        Program { child, addr }
    }

    /// Tells it to stop, as an operator does.
    fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Waits for its end, and says whether it was a success.
    async fn ended(mut self) -> bool {
        let ended = tokio::task::spawn_blocking(move || self.child.wait().unwrap().success());
        soon("the program to end", ended).await.unwrap()
    }
}

/// A test that fails takes its program along.
impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[tokio::test]
async fn c16_1_it_listens_last_so_that_all_is_there_for_the_first_client() {
    let program = Program::start();
    let health = Request::new(program.addr, "GET", "/demo/health").send().await;
    assert_eq!((health.status, health.json()), (200, json!({ "ok": true })));
    let path = "/socket/websocket?vsn=2.0.0&user_id=ada";
    let mut client = Client::connect(program.addr, path, &[]).await.unwrap();
    client.join("presence:1").await;
    assert_eq!(client.event("presence_state").await["ada"]["user"], json!({"name": "User ada"}));
    program.terminate();
    assert_eq!(client.close_code().await, Some(1012));
    assert!(program.ended().await);
}

#[tokio::test]
async fn c16_2_a_stop_tells_clients_to_come_back_and_channels_to_end() {
    let server = Server::start().await;
    let (mut joined, mut bare) = (server.client("ada").await, server.client("bob").await);
    joined.join("room:1").await;
    let addr = server.addr;
    // The connection's end is all that its channels are told: phoenix.js joins them again, which it would not after a close.
    let (first, second, ()) = tokio::join!(joined.next(), bare.next(), server.stop());
    for end in [first, second] {
        assert!(matches!(end, Err(End::Close(1012, _))), "{end:?}");
    }
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn c16_4_what_the_endpoint_says_holds_for_mounts_that_say_nothing_else() {
    let server = Server::start().await;
    for mount in ["/socket", "/socket_fast"] {
        // The endpoint's origins and its error handler.
        let path = format!("{mount}/websocket?vsn=2.0.0&ratelimit=true");
        let foreign = Client::connect(server.addr, &path, &[("origin", "http://evil.test")]).await;
        assert_eq!(foreign.err().unwrap().status, 403);
        let limited = Client::connect(server.addr, &path, &[("origin", "https://example.com")]).await;
        assert_eq!(limited.err().unwrap().status, 429);
    }
    // A mount's own bounds.
    let (mut slow, mut fast) = (server.client("ada").await, server.fast_client("ada").await);
    for n in 0..5 {
        slow.join(&format!("room:{n}")).await;
        fast.join(&format!("room:{n}")).await;
    }
    slow.join("room:5").await;
    let join_ref = fast.send_join("room:5", json!({})).await;
    assert_eq!(fast.reply_to(&join_ref).await, refused("too many channels joined"));
}
