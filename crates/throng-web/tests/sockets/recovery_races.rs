//! §18.6: nothing is lost and nothing comes twice, whoever speaks while clients come and go.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use serde_json::{Value, json};

use throng_pubsub::HistoryOptions;

use crate::support::{Client, Halls, Seed, history_of, kept};

/// Clients that come and go at the same time.
const CLIENTS: u64 = 6;
/// How often each of them comes.
const JOINS: u64 = 350;
/// Who speaks at the same time.
const SPEAKERS: u64 = 3;

/// What one client has heard over all its joins.
#[derive(Default)]
struct Heard {
    since: Option<String>,
    offset: u64,
    /// The last number of each speaker.
    last: [u64; SPEAKERS as usize],
    count: u64,
}

impl Heard {
    /// Takes a message, however it came: the next of its speaker, and no other.
    fn take(&mut self, offset: u64, payload: &Value, shown: impl Fn(u64) -> bool) {
        let (by, n) = (payload["by"].as_u64().unwrap(), payload["n"].as_u64().unwrap());
        assert!(offset > self.offset, "{offset} after {}: it came twice, or out of its order", self.offset);
        let last = &mut self.last[by as usize];
        let expected = (*last + 1..).find(|n| shown(*n)).unwrap();
        assert_eq!(n, expected, "of speaker {by}, after {last}");
        *last = n;
        self.offset = offset;
        self.since = Some(payload["_since"].as_str().unwrap().to_owned());
        self.count += 1;
    }

    fn take_page(&mut self, page: &Value, shown: impl Fn(u64) -> bool + Copy) {
        assert_eq!(page["gap"], false, "{}", page["epoch"]);
        for message in page["messages"].as_array().unwrap() {
            self.take(message["offset"].as_u64().unwrap(), &message["payload"], shown);
        }
        self.offset = page["offset"].as_u64().unwrap();
        self.since = Some(page["since"].as_str().unwrap().to_owned());
    }
}

async fn come_and_go(
    halls: Arc<Halls>,
    topic: &'static str,
    mut seed: Seed,
    shown: fn(u64) -> bool,
) -> Heard {
    let mut heard = Heard::default();
    let mut joined = 0;
    while joined <= JOINS {
        let mut client = halls.client("ada").await;
        // Some join again on the same connection, others lose it, and what was on its way with it; one that does not read fast
        // enough is sent away.
        while joined <= JOINS && visit(&mut client, topic, &mut heard, seed.below(12), shown).await.is_some()
        {
            joined += 1;
            if seed.below(3) > 0 {
                break;
            }
        }
    }
    heard
}

/// Joins and hears some messages; `None` when the server hung up.
async fn visit(
    client: &mut Client,
    topic: &str,
    heard: &mut Heard,
    messages: u64,
    shown: fn(u64) -> bool,
) -> Option<()> {
    let since = heard.since.clone().map_or(json!(0), Value::from);
    let join_ref: Value =
        client.push("join".into(), topic, "phx_join", json!({ "since": since })).await.into();
    // What the join before is still sent counts not as heard, as in the clients: it is in the reply.
    let reply = loop {
        let message = receive(client).await?;
        if message[1] == join_ref && message[3] == "phx_reply" {
            break message;
        }
    };
    heard.take_page(history_of(&reply[4]), shown);
    for _ in 0..messages {
        let message = receive(client).await?;
        match message[3].as_str().unwrap() {
            "said" | "whispered" => {
                let since = message[4]["_since"].as_str().unwrap();
                heard.take(since.split_once(':').unwrap().1.parse().unwrap(), &message[4], shown);
            }
            "history" => heard.take_page(&message[4], shown),
            "phx_close" => {}
            other => panic!("{other}"),
        }
    }
    Some(())
}

async fn receive(client: &mut Client) -> Option<Value> {
    Some(serde_json::from_str(&client.next().await.ok()?).unwrap())
}

async fn race(topic: &'static str, shown: fn(u64) -> bool) {
    let mut seed = Seed::printed();
    let options = HistoryOptions::default().with(|options| {
        options.messages_max = usize::MAX;
        options.bytes_max = usize::MAX;
    });
    let halls = Arc::new(Halls::keeping(kept(options).bytes_max(usize::MAX), |builder| builder).await);
    let (over, said) =
        (Arc::new(AtomicBool::new(false)), Arc::new([const { AtomicU64::new(0) }; SPEAKERS as usize]));
    let speakers: Vec<_> = (0..SPEAKERS)
        .map(|by| {
            let (pubsub, over, said) = (halls.pubsub.clone(), over.clone(), said.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let n = said[by as usize].fetch_add(1, Ordering::Relaxed) + 1;
                    let event = if n % 2 == 0 { "whispered" } else { "said" };
                    pubsub.broadcast(topic, event, json!({ "n": n, "by": by })).unwrap();
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            })
        })
        .collect();
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(come_and_go(halls.clone(), topic, seed.fork(), shown))).collect();
    let mut all = Vec::new();
    for client in clients {
        all.push(client.await);
    }
    over.store(true, Ordering::Relaxed);
    speakers.into_iter().for_each(|speaker| speaker.join().unwrap());
    for heard in all {
        assert!(heard.unwrap().count > JOINS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_6_every_message_comes_once_and_in_order_whoever_speaks_and_however_often_clients_join() {
    race("hall:1", |_| true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_6_so_does_what_goes_through_the_channel() {
    race("gallery:1", |n| n % 4 != 0).await;
}
