//! §18.6: nothing is lost and nothing comes twice, whoever speaks while clients come and go.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use serde_json::{Value, json};

use crate::support::{Client, Halls, Seed, history_of};

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

/// The messages of a gallery that its channel does not show.
fn shown_in_gallery(n: u64) -> bool {
    n % 4 != 0
}

async fn come_and_go(
    halls: Arc<Halls>,
    topic: &'static str,
    mut seed: Seed,
    shown: fn(u64) -> bool,
) -> Heard {
    let mut heard = Heard { since: None, ..Heard::default() };
    let mut client = halls.client("ada").await;
    for _ in 0..JOINS {
        let params = json!({ "since": heard.since.clone().map_or(json!(0), Value::from) });
        let (_, reply) = join(&mut client, topic, params, &mut heard, shown).await;
        heard.take_page(history_of(&reply), shown);
        for _ in 0..seed.below(12) {
            hear(&mut client, &mut heard, shown).await;
        }
        // Some join again on the same connection, others lose it, and what was on its way with it.
        if seed.below(3) > 0 {
            client = halls.client("ada").await;
        }
    }
    let params = json!({ "since": heard.since });
    let (_, reply) = join(&mut client, topic, params, &mut heard, shown).await;
    heard.take_page(history_of(&reply), shown);
    heard
}

/// Joins. What the join before is still sent counts not as heard: as in the clients, it is in the reply.
async fn join(
    client: &mut Client,
    topic: &str,
    params: Value,
    _: &mut Heard,
    _: fn(u64) -> bool,
) -> (Value, Value) {
    client.try_join(topic, params).await
}

async fn hear(client: &mut Client, heard: &mut Heard, shown: fn(u64) -> bool) {
    let message = client.receive().await;
    match message[3].as_str().unwrap() {
        "said" | "whispered" => {
            let since = message[4]["_since"].as_str().unwrap();
            let offset = since.split_once(':').unwrap().1.parse().unwrap();
            heard.take(offset, &message[4], shown);
        }
        "history" => heard.take_page(&message[4], shown),
        "phx_close" => {}
        other => panic!("{other}"),
    }
}

async fn race(topic: &'static str, shown: fn(u64) -> bool) {
    let mut seed = Seed::printed();
    let halls = Arc::new(
        Halls::with(|options| {
            options.with(|options| {
                options.messages_max = 1_000_000;
                options.bytes_max = usize::MAX;
            })
        })
        .await,
    );
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
                    if n % 8 == 0 {
                        std::thread::sleep(std::time::Duration::from_micros(500));
                    }
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
    race("gallery:1", |n| shown_in_gallery(n) || n % 2 == 1).await;
}
