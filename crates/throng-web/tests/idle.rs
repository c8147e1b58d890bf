//! What a client costs that is connected, has joined a channel, and says nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod raw;

use std::{alloc::System, net::Ipv4Addr, thread, time::Duration};

use raw::{PLAIN, Raw, Room};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use throng_runtime::Node;
use throng_web::{Endpoint, PubSub, SocketRouter};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CLIENTS: usize = 200;
/// On the heap of the server. The allocator's own overhead comes on top of it.
const BYTES_MAX: usize = 5_000;

fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

#[test]
fn c8_an_idle_client_with_a_channel_costs_few_bytes_and_owns_no_buffer() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let endpoint = runtime.block_on(async {
        let (node, pubsub) = (Node::new("test"), PubSub::new());
        let sockets = SocketRouter::new(async |_| Ok(())).channel::<Room>("room:*");
        let endpoint = Endpoint::builder(&node, &pubsub).socket("/socket", sockets).build().unwrap();
        node.start(endpoint.listen((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        endpoint
    });
    let addr = endpoint.local_addr().unwrap();
    let mut clients = Vec::with_capacity(2 * CLIENTS);
    let come = |clients: &mut Vec<Raw>| {
        for _ in 0..CLIENTS {
            let (mut client, _) = Raw::upgraded(addr, PLAIN);
            client.join(&format!("room:{}", clients.len()));
            clients.push(client);
        }
        // What led them in ends a little after they are in.
        let mut bytes = usize::MAX;
        while live_bytes() < bytes {
            bytes = live_bytes();
            thread::sleep(Duration::from_millis(300));
        }
        live_bytes()
    };
    // Whatever is made once is there after the first.
    let before = come(&mut clients);
    let each = (come(&mut clients) - before) / CLIENTS;
    println!("{each} bytes each");
    assert!(each < BYTES_MAX, "{each} bytes");
    drop(clients);
}
