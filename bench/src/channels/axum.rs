//! The same on axum's WebSocket handler, with rooms by hand: a task for each connection, a queue for each, a map of rooms.
//!
//! Its buffers are tuned down: the default ones cost each connection more than 130 KB. What is queued for a connection is
//! written with one flush, and a broadcast is encoded once. There is no supervision, no limit and no isolation here.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    extract::{
        State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    routing::get,
};
use futures_util::SinkExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinHandle,
};

/// Messages that wait for one client; one that does not read loses the rest.
const QUEUE: usize = 8_192;

/// Starts it on a free port.
///
/// # Errors
///
/// One line that says why it did not start.
pub(super) async fn start() -> Result<(SocketAddr, JoinHandle<()>), String> {
    let hub = Arc::new(Hub::default());
    let app = Router::new().route("/socket/websocket", get(upgrade)).with_state(hub);
    let listener = listen().map_err(|error| error.to_string())?;
    let addr = listener.local_addr().map_err(|error| error.to_string())?;
    let serving = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            eprintln!("error: {error}");
        }
    });
    Ok((addr, serving))
}

/// With a longer queue than the usual one of 128: a crowd that comes at once would wait seconds for its next try.
fn listen() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.listen(4096)
}

/// Who is where.
#[derive(Debug, Default)]
struct Hub {
    rooms: Mutex<HashMap<String, Room>>,
    connections: AtomicU64,
}

/// The members of a topic, by the number of their connection, and who is present.
#[derive(Debug, Default)]
struct Room {
    members: HashMap<u64, Sender<Utf8Bytes>>,
    present: BTreeMap<String, Box<RawValue>>,
}

/// `[join_ref, ref, topic, event, payload]`.
#[derive(Deserialize)]
struct Request<'a>(
    #[serde(borrow)] &'a RawValue,
    #[serde(borrow)] &'a RawValue,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] &'a RawValue,
);

#[derive(Deserialize)]
struct Me {
    key: String,
}

async fn upgrade(State(hub): State<Arc<Hub>>, upgrade: WebSocketUpgrade) -> axum::response::Response {
    let upgrade = upgrade.read_buffer_size(1024).write_buffer_size(4096);
    upgrade.on_upgrade(move |socket| connection(socket, hub))
}

async fn connection(mut socket: WebSocket, hub: Arc<Hub>) {
    let id = hub.connections.fetch_add(1, Ordering::Relaxed);
    let (sender, mut queue) = channel(QUEUE);
    let mut client = Client { id, hub, sender, topics: Vec::new() };
    loop {
        let goes_on = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => client.take(&text).is_ok(),
                Some(Ok(Message::Close(_)) | Err(_)) | None => false,
                Some(Ok(_)) => true,
            },
            Some(text) = queue.recv() => write(&mut socket, text, &mut queue).await.is_ok(),
        };
        if !goes_on {
            return;
        }
    }
}

/// Writes all that waits, and flushes once.
async fn write(
    socket: &mut WebSocket,
    text: Utf8Bytes,
    queue: &mut Receiver<Utf8Bytes>,
) -> Result<(), axum::Error> {
    socket.feed(Message::Text(text)).await?;
    while let Ok(text) = queue.try_recv() {
        socket.feed(Message::Text(text)).await?;
    }
    socket.flush().await
}

/// One connection's side of the hub; dropping it leaves all rooms.
struct Client {
    id: u64,
    hub: Arc<Hub>,
    sender: Sender<Utf8Bytes>,
    topics: Vec<String>,
}

impl Client {
    fn take(&mut self, text: &str) -> Result<(), serde_json::Error> {
        let Request(join_ref, reference, topic, event, payload) = serde_json::from_str(text)?;
        let reply = |response: &str| {
            format!(
                r#"[{join_ref},{reference},"{topic}","phx_reply",{{"status":"ok","response":{response}}}]"#
            )
        };
        match &*event {
            "phx_join" => {
                self.send(reply("{}"));
                self.join(&topic, join_ref, payload)?;
            }
            "new_msg" => {
                self.hub
                    .rooms()
                    .get(&*topic)
                    .into_iter()
                    .for_each(|room| room.broadcast(&topic, "new_msg", payload));
                self.send(reply("{}"));
            }
            "echo" => self.send(reply(payload.get())),
            _ => self.send(reply("{}")),
        }
        Ok(())
    }

    fn join(&mut self, topic: &str, join_ref: &RawValue, params: &RawValue) -> Result<(), serde_json::Error> {
        let mut rooms = self.hub.rooms();
        let room = rooms.entry(topic.to_owned()).or_default();
        room.members.insert(self.id, self.sender.clone());
        if topic.starts_with("presence:") {
            let me: Me = serde_json::from_str(params.get())?;
            let metas = format!(r#"{{"metas":[{{"phx_ref":"r{}"}}]}}"#, self.id);
            let diff = format!(r#"{{"joins":{{"{}":{metas}}},"leaves":{{}}}}"#, me.key);
            room.present.insert(me.key, RawValue::from_string(metas)?);
            room.broadcast(topic, "presence_diff", &RawValue::from_string(diff)?);
            let state = serde_json::to_string(&room.present)?;
            self.send(format!(r#"[{join_ref},null,"{topic}","presence_state",{state}]"#));
        }
        drop(rooms);
        self.topics.push(topic.to_owned());
        Ok(())
    }

    fn send(&self, text: String) {
        // A full queue belongs to a client that does not read.
        let _ = self.sender.try_send(text.into());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut rooms = self.hub.rooms();
        for topic in &self.topics {
            if let Some(room) = rooms.get_mut(topic) {
                room.members.remove(&self.id);
            }
        }
    }
}

impl Hub {
    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn broadcast(&self, topic: &str, event: &str, payload: &RawValue) {
        let text: Utf8Bytes = format!(r#"[null,null,"{topic}","{event}",{payload}]"#).into();
        for member in self.members.values() {
            let _ = member.try_send(text.clone());
        }
    }
}
