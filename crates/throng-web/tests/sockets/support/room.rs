//! A channel that does as its client tells it, and notes what happened to it.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use throng_runtime::{Exit, Handled, Message};
use throng_web::{
    Broadcast, Channel, ChannelHandler, JoinError, Refusal, Reply, Socket, SocketRef, SocketRouter, WhenSlow,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// What is known of a client.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    notes: UnboundedSender<Note>,
}

impl User {
    fn note(&self, topic: &str, what: impl Into<String>) {
        let note = Note { user: self.name.clone(), topic: topic.to_owned(), what: what.into() };
        let _ = self.notes.send(note);
    }
}

/// Something that happened to a channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) user: String,
    pub(crate) topic: String,
    pub(crate) what: String,
}

/// The test socket: `user` names the client, `refuse` has it refused with a status, `connect` makes connects go wrong.
pub(crate) fn sockets() -> (SocketRouter<User>, UnboundedReceiver<Note>) {
    let (notes, noted) = mpsc::unbounded_channel();
    let sockets = SocketRouter::new(move |info| {
        let notes = notes.clone();
        async move {
            match info.params.text("connect") {
                Some("panic") => panic!("told to"),
                Some("hang") => std::future::pending().await,
                _ => {}
            }
            if let Some(status) = info.params.text("refuse") {
                return Err(Refusal::new(StatusCode::from_bytes(status.as_bytes()).unwrap(), "told to"));
            }
            let name = info.params.text("user").ok_or(Refusal::FORBIDDEN)?.to_owned();
            let user = User { name, notes };
            user.note("", format!("connect {}", Value::Object(info.params.into_map())));
            Ok(user)
        }
    })
    .id(|user: &User| (user.name != "nobody").then(|| format!("users_socket:{}", user.name)))
    .channel::<Room>("room:first")
    .channel::<Picky>("room:picky")
    .channel::<Room>("room:*")
    .channel::<Room>("lobby");
    (sockets, noted)
}

/// How a client wants its join to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JoinParams {
    how: String,
    /// Pushed after the join.
    greeting: Option<Value>,
    /// Have `terminate` say goodbye.
    goodbye: bool,
}

pub(crate) struct Room {
    params: JoinParams,
    deferred: Vec<SocketRef>,
}

/// What a client may ask for.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
pub(crate) enum RoomIn {
    Echo(Value),
    Ack,
    Refuse(String),
    Status(Value),
    Silence,
    Push(Value),
    PushMany(usize),
    PushBadly,
    Broadcast(Value),
    BroadcastFrom(Value),
    /// Broadcasts an event that the channel intercepts.
    Whisper(Value),
    Hush(Value),
    BroadcastMany(usize),
    /// Pushes, broadcasts, and replies.
    Three,
    Defer,
    AnswerDeferred(Value),
    /// Answers from another process.
    Delegate(Value),
    Assign(String),
    Whoami,
    Crash,
    Panic,
    Stop(String),
    ReplyAndStop(String),
    Hang,
    Sleep(u64),
    /// Has another process kill the channel, or its connection.
    Kill,
    KillConnection,
    /// Sends a message to itself.
    Remind(u64),
}

impl Channel for Room {
    type Assigns = User;
    type Params = JoinParams;
    type Event = RoomIn;
    const INTERCEPTS: &'static [&'static str] = &["whispered", "hushed"];
    const WHEN_SLOW: &'static [(&'static str, WhenSlow)] =
        &[("tick", WhenSlow::DropOldest), ("cursor", WhenSlow::KeepLatest)];

    async fn join(params: JoinParams, socket: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
        match params.how.as_str() {
            "refuse" => return Err(JoinError::refused("told to")),
            "refuse with" => return Err(JoinError::with(json!({"code": 7}))),
            "unauthorized" => return Err(JoinError::unauthorized()),
            "crash" => return Err(std::io::Error::other("told to").into()),
            "panic" => panic!("told to"),
            "hang" => std::future::pending().await,
            "slow" => tokio::time::sleep(Duration::from_millis(50)).await,
            "push" => {
                let refused = socket.push("too_soon", json!({})).is_err();
                socket.reply_to_join(json!({ "refused": refused }))?;
            }
            "broadcast" => socket.broadcast("from_join", json!({}))?,
            "reply" => {
                socket.reply_to_join(json!({"topic": socket.topic(), "user": socket.assigns().name}))?;
            }
            _ => {}
        }
        Ok(Room { params, deferred: Vec::new() })
    }

    async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        if let Some(greeting) = self.params.greeting.take() {
            socket.push("greeting", greeting)?;
        }
        match self.params.how.as_str() {
            "stop in joined" => Err(Exit::Normal),
            "crash in joined" => Err(Exit::other("told to")),
            _ => Ok(()),
        }
    }

    async fn handle_in(&mut self, event: RoomIn, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(match event {
            RoomIn::Echo(value) => Reply::ok(value),
            RoomIn::Ack => Reply::ack(),
            RoomIn::Refuse(why) => Reply::refused(&why),
            RoomIn::Status(value) => Reply::status("teapot", value),
            RoomIn::Silence => Reply::none(),
            RoomIn::Push(value) => {
                socket.push("pushed", value)?;
                Reply::none()
            }
            RoomIn::PushMany(count) => {
                for n in 0..count {
                    socket.push("pushed", json!({ "n": n }))?;
                }
                Reply::ack()
            }
            RoomIn::PushBadly => Reply::ok(socket.push("pushed", "no object").is_err()),
            RoomIn::Broadcast(value) => {
                socket.broadcast("shouted", value)?;
                Reply::ack()
            }
            RoomIn::BroadcastFrom(value) => {
                socket.broadcast_from("shouted", value)?;
                Reply::ack()
            }
            RoomIn::Whisper(value) => {
                socket.broadcast("whispered", value)?;
                Reply::none()
            }
            RoomIn::Hush(value) => {
                socket.broadcast("hushed", value)?;
                Reply::none()
            }
            RoomIn::BroadcastMany(count) => {
                for n in 0..count {
                    socket.broadcast("shouted", json!({ "n": n }))?;
                }
                Reply::ack()
            }
            RoomIn::Three => {
                socket.push("pushed", json!({}))?;
                socket.broadcast("shouted", json!({}))?;
                Reply::ack()
            }
            RoomIn::Defer => {
                self.deferred.extend(socket.socket_ref());
                Reply::none()
            }
            RoomIn::AnswerDeferred(value) => {
                for (n, socket_ref) in self.deferred.drain(..).rev().enumerate() {
                    socket_ref.ok(json!({ "n": n, "value": value }))?;
                }
                Reply::none()
            }
            RoomIn::Delegate(value) => {
                if let Some(socket_ref) = socket.socket_ref() {
                    socket.node().spawn(async move |_| drop(socket_ref.error(value)));
                }
                Reply::none()
            }
            RoomIn::Assign(name) => {
                socket.assigns_mut().name = name;
                Reply::ack()
            }
            RoomIn::Whoami => Reply::ok(&socket.assigns().name),
            RoomIn::Crash => return Err(Exit::other("told to")),
            RoomIn::Panic => panic!("told to"),
            RoomIn::Stop(why) => return Err(exit(&why)),
            RoomIn::ReplyAndStop(why) => Reply::ok("bye").then_stop(exit(&why)),
            RoomIn::Kill => {
                socket.node().exit(socket.process(), Exit::Kill);
                std::future::pending().await
            }
            RoomIn::KillConnection => {
                socket.node().exit(socket.connection(), Exit::Kill);
                Reply::none()
            }
            RoomIn::Hang => std::future::pending().await,
            RoomIn::Sleep(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Reply::ack()
            }
            RoomIn::Remind(millis) => {
                socket.send_after(Duration::from_millis(millis), Reminder);
                Reply::ack()
            }
        })
    }

    async fn handle_out(&mut self, broadcast: &Broadcast, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        let heard: Value = broadcast.payload().parse()?;
        match broadcast.event() {
            "whispered" => {
                let changed = json!({"heard": heard, "by": socket.assigns().name});
                socket.push("whispered", changed)?;
            }
            _ => socket.assigns().note(socket.topic(), format!("dropped {heard}")),
        }
        Ok(())
    }

    async fn terminate(&mut self, reason: &Exit, socket: &mut Socket<'_, Self>) {
        if self.params.goodbye {
            socket.push("goodbye", json!({})).unwrap();
        }
        socket.assigns().note(socket.topic(), format!("terminate {reason}"));
    }
}

fn exit(why: &str) -> Exit {
    match why {
        "normal" => Exit::Normal,
        "shutdown" => Exit::Shutdown,
        clean if clean.starts_with("clean") => Exit::shutdown_with(clean),
        other => Exit::other(other),
    }
}

/// A message of another process.
pub(crate) struct Reminder;

impl Message for Reminder {
    type Reply = ();
}

impl ChannelHandler<Reminder> for Room {
    async fn handle(&mut self, _: Reminder, socket: &mut Socket<'_, Self>) -> Handled<Reminder> {
        socket.push("reminded", json!({}))?;
        Ok(())
    }
}

/// A channel that only lets those in who say how old they are.
pub(crate) struct Picky;

#[derive(Deserialize)]
pub(crate) struct Age {
    age: u8,
}

impl Channel for Picky {
    type Assigns = User;
    type Params = Age;
    type Event = Value;

    async fn join(params: Age, socket: &mut Socket<'_, Self>) -> Result<Picky, JoinError> {
        socket.reply_to_join(json!({"picky": params.age}))?;
        Ok(Picky)
    }

    async fn handle_in(&mut self, _: Value, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(Reply::none())
    }
}
