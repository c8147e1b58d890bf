//! Halls: channels whose clients get what they missed, on a server that they may outlive.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use throng_pubsub::{History, HistoryBuilder, HistoryOptions};
use throng_runtime::Exit;
use throng_web::{
    Broadcast, Channel, EndpointBuilder, JoinError, PubSub, Refusal, Reply, Socket, SocketRef, SocketRouter,
};
use tokio::sync::Semaphore;

use super::{Client, Server};

/// A server with the halls at `/halls`, their topics, and what is kept of them.
pub(crate) struct Halls {
    pub(crate) server: Server,
    pub(crate) pubsub: PubSub,
    pub(crate) history: History,
    pub(crate) visits: Visits,
}

/// What the channels of all clients share.
#[derive(Clone, Default)]
pub(crate) struct Visits {
    /// How often an event was handled.
    pub(crate) handled: Arc<AtomicUsize>,
    /// What `wait` waits for.
    pub(crate) gate: Arc<Gate>,
}

pub(crate) struct Gate(pub(crate) Semaphore);

impl Default for Gate {
    fn default() -> Gate {
        Gate(Semaphore::new(0))
    }
}

#[derive(Clone)]
pub(crate) struct Visitor {
    name: String,
    visits: Visits,
}

impl Halls {
    pub(crate) async fn open() -> Halls {
        Halls::with(|options| options).await
    }

    /// With other options for the topics `hall:*` and `gallery:*`.
    pub(crate) async fn with(change: impl FnOnce(HistoryOptions) -> HistoryOptions) -> Halls {
        let options = change(HistoryOptions::default().transient(["typing"]));
        Halls::keeping(kept(options), |builder| builder).await
    }

    pub(crate) async fn keeping(
        history: HistoryBuilder,
        change: impl FnOnce(EndpointBuilder) -> EndpointBuilder,
    ) -> Halls {
        let history = history.build();
        let (pubsub, visits) = (PubSub::new().with_history(&history), Visits::default());
        let halls = sockets(visits.clone());
        let server = Server::on(&pubsub, |builder| change(builder.socket("/halls", halls))).await;
        Halls { server, pubsub, history, visits }
    }

    /// A client by the name of `user`; `nobody` has no socket id.
    pub(crate) async fn client(&self, user: &str) -> Client {
        let path = format!("/halls/websocket?user={user}&vsn=2.0.0");
        Client::connect(self.server.addr, &path).await
    }

    pub(crate) fn say(&self, topic: &str, n: u64) {
        self.pubsub.broadcast(topic, "said", json!({ "n": n })).unwrap();
    }

    pub(crate) fn handled(&self) -> usize {
        self.visits.handled.load(Ordering::SeqCst)
    }
}

/// A history of the halls.
pub(crate) fn kept(options: HistoryOptions) -> HistoryBuilder {
    History::builder().topics("hall:*", options.clone()).topics("gallery:*", options)
}

/// What the reply to a join says of the history.
pub(crate) fn history_of(reply: &Value) -> &Value {
    &reply["response"]["history"]
}

/// The messages of a history, short: offset and number.
pub(crate) fn told(history: &Value) -> Vec<(u64, u64)> {
    let messages = history["messages"].as_array().unwrap();
    messages.iter().map(|m| (m["offset"].as_u64().unwrap(), m["payload"]["n"].as_u64().unwrap())).collect()
}

fn sockets(visits: Visits) -> SocketRouter<Visitor> {
    SocketRouter::with_state(visits, async |visits, info| {
        let name = info.params.text("user").ok_or(Refusal::FORBIDDEN)?.to_owned();
        Ok(Visitor { name, visits })
    })
    .id(|visitor: &Visitor| (visitor.name != "nobody").then(|| format!("visitor:{}", visitor.name)))
    .channel::<Hall>("hall:*")
    .channel::<Gallery>("gallery:*")
    .channel::<Cellar>("cellar:*")
}

/// Its clients are told what they missed, but for what is secret.
struct Hall {
    deferred: Option<SocketRef>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HallParams {
    #[serde(default)]
    reply: Option<Value>,
}

#[derive(Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case", deny_unknown_fields)]
enum HallEvent {
    Say(Value),
    Shout(Value),
    /// Answers with how often anything was handled.
    Count {},
    /// Waits for the gate, and counts.
    Wait {},
    Silence {},
    Crash {},
    Defer {},
    AnswerDeferred {},
    Id {},
    Large {},
}

impl Channel for Hall {
    type Assigns = Visitor;
    type Params = HallParams;
    type Event = HallEvent;
    const RECOVERS: bool = true;
    const GRACE: Option<Duration> = Some(Duration::from_millis(200));

    async fn join(params: HallParams, socket: &mut Socket<'_, Self>) -> Result<Hall, JoinError> {
        if let Some(reply) = params.reply {
            socket.reply_to_join(reply)?;
        }
        Ok(Hall { deferred: None })
    }

    fn replays(&self, missed: &Broadcast, socket: &Socket<'_, Self>) -> bool {
        missed.event() != "secret" || socket.assigns().name == "ada"
    }

    async fn handle_in(&mut self, event: HallEvent, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        let visits = socket.assigns().visits.clone();
        let count = || visits.handled.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(match event {
            HallEvent::Say(value) => {
                count();
                socket.broadcast("said", value)?;
                Reply::ack()
            }
            HallEvent::Shout(value) => {
                socket.broadcast_from("said", value)?;
                Reply::ack()
            }
            HallEvent::Count {} => Reply::ok(json!({ "count": count() })),
            HallEvent::Wait {} => {
                visits.gate.0.acquire().await.map_err(Exit::from)?.forget();
                Reply::ok(json!({ "count": count() }))
            }
            HallEvent::Silence {} => {
                count();
                Reply::none()
            }
            HallEvent::Crash {} => {
                count();
                return Err(Exit::other("told to"));
            }
            HallEvent::Defer {} => {
                count();
                self.deferred = socket.socket_ref();
                Reply::none()
            }
            HallEvent::AnswerDeferred {} => {
                if let Some(deferred) = self.deferred.take() {
                    deferred.ok(json!({ "deferred": true }))?;
                }
                Reply::ack()
            }
            HallEvent::Id {} => Reply::ok(json!({ "id": socket.message_id() })),
            HallEvent::Large {} => Reply::ok(json!({ "count": count(), "x": "x".repeat(20 << 10) })),
        })
    }
}

/// Every second event goes through it: those of even numbers are `whispered`, and those of 4, 8, … not shown.
struct Gallery;

impl Channel for Gallery {
    type Assigns = Visitor;
    type Params = ();
    type Event = Value;
    const RECOVERS: bool = true;
    const INTERCEPTS: &'static [&'static str] = &["whispered"];

    async fn join((): (), _: &mut Socket<'_, Self>) -> Result<Gallery, JoinError> {
        Ok(Gallery)
    }

    async fn handle_in(&mut self, _: Value, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(Reply::none())
    }

    async fn handle_out(&mut self, broadcast: &Broadcast, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        let heard: Value = broadcast.payload().parse()?;
        if heard["n"].as_u64().is_some_and(|n| n % 4 != 0) {
            let to = &socket.assigns().name;
            socket.push("whispered", json!({ "n": heard["n"], "by": heard["by"], "to": to }))?;
        }
        Ok(())
    }
}

/// A channel like any other.
struct Cellar;

impl Channel for Cellar {
    type Assigns = Visitor;
    type Params = Value;
    type Event = Value;

    async fn join(params: Value, socket: &mut Socket<'_, Self>) -> Result<Cellar, JoinError> {
        socket.reply_to_join(json!({ "params": params }))?;
        Ok(Cellar)
    }

    async fn handle_in(&mut self, event: Value, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(Reply::ok(event))
    }
}

/// Numbers that look random, from a seed that is printed: set `SEED` to see a run again.
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn printed() -> Seed {
        let drawn = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) | 1;
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(drawn);
        println!("SEED={seed}");
        Seed(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    pub(crate) fn fork(&mut self) -> Seed {
        Seed(self.below(u64::MAX) | 1)
    }
}
