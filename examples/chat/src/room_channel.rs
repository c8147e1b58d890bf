//! A person's channel into one room.
//!
//! The room and the channel are two processes, and neither takes the other down: the channel monitors its room, tells its
//! client when it crashed, and enters the next incarnation when the supervisor has started it. The client notices no more
//! than two events. A crash of the channel itself is told by the connection (`phx_error`), and the client joins again.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use throng::{CallError, prelude::*};

use crate::{
    guest::Guest,
    pace::millis,
    room::{Busy, Crash, Enter, Full, Recall, Room, Say, TooSoon},
    rooms::{EnterError, Membership, Rooms},
    text::{Body, RoomName},
};

/// How often a channel looks whether its room is back, and how many times.
const SEEK_INTERVAL: Duration = Duration::from_millis(50);
const SEEKS_MAX: u32 = 100;
/// How long somebody is shown as typing who does not say so again.
const TYPING_FOR: Duration = Duration::from_secs(8);

/// What a connection knows of its client.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) guest: Guest,
    pub(crate) rooms: Rooms,
}

/// One person in one room.
#[derive(Debug)]
pub(crate) struct RoomChannel {
    name: RoomName,
    room: Attachment,
    /// Counts for its guest as long as this channel lives, whatever becomes of the room.
    _membership: Membership,
    /// Whether the client was told what was said before by its join.
    is_told: bool,
    /// Counts what the client said of its typing; a timer for an earlier time is void.
    typed: u64,
}

/// Where the room is.
#[derive(Debug)]
enum Attachment {
    Entered { room: Pid<Room>, incarnation: u64 },
    Seeking { since: Instant },
}

/// How a client joins. One that keeps its place, and joins with `since`, needs to be told nothing else: `{"memory": false}`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct JoinParams {
    memory: bool,
}

impl Default for JoinParams {
    fn default() -> JoinParams {
        JoinParams { memory: true }
    }
}

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
pub(crate) enum RoomEvent {
    NewMsg { body: String },
    Typing { typing: bool },
    CrashRoom,
    CrashChannel,
}

impl Channel for RoomChannel {
    type Assigns = Visitor;
    type Params = Option<JoinParams>;
    type Event = RoomEvent;
    const RECOVERS: bool = true;

    async fn join(params: Option<JoinParams>, socket: &mut Socket<'_, Self>) -> Result<Self, JoinError> {
        let is_told = !params.unwrap_or_default().memory;
        let name = RoomName::of_topic(socket.topic()).map_err(JoinError::with)?;
        let Visitor { guest, rooms } = socket.assigns().clone();
        let membership =
            rooms.admit(&name, &guest.id).map_err(|excess| JoinError::refused(&excess.to_string()))?;
        let room = match rooms.enter(&name, socket.process()).await {
            Ok(room) => room,
            Err(error @ (EnterError::RoomFull | EnterError::TooManyRooms | EnterError::Restarting)) => {
                return Err(JoinError::refused(&error.to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        socket.monitor(room);
        socket.reply_to_join(json!({ "room": name, "you": guest, "chars_max": Body::CHARS_MAX }))?;
        let room = Attachment::Entered { room, incarnation: 0 };
        Ok(RoomChannel { name, room, _membership: membership, is_told, typed: 0 })
    }

    /// The room's memory and its people are asked for once its broadcasts arrive: what happens meanwhile comes twice, and the
    /// client knows messages by their id and presences by their reference.
    async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        let Visitor { guest, rooms } = socket.assigns();
        socket.track(rooms.presence(), guest.id.clone(), shown(guest, false))?;
        socket.push_presence_state(rooms.presence())?;
        if let Attachment::Entered { room, .. } = self.room {
            self.recall(room, socket).await?;
        }
        Ok(())
    }

    async fn handle_in(&mut self, event: RoomEvent, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        match event {
            RoomEvent::NewMsg { body } => Ok(self.say(&body, socket).await),
            RoomEvent::Typing { typing } => {
                self.show_typing(typing, socket)?;
                Ok(Reply::ack())
            }
            RoomEvent::CrashRoom => Ok(self.crash_room(socket).await),
            RoomEvent::CrashChannel => {
                panic!("{} crashed their own channel", socket.assigns().guest.nickname)
            }
        }
    }
}

impl RoomChannel {
    async fn say(&self, body: &str, socket: &Socket<'_, Self>) -> Reply {
        let body = match Body::parse(body) {
            Ok(body) => body,
            Err(flaw) => return Reply::error(flaw),
        };
        let Attachment::Entered { room, .. } = self.room else { return restarting() };
        match room.call(Say { from: socket.assigns().guest.clone(), body }).await {
            Ok(Ok(post)) => Reply::ok(json!({ "id": post.id, "seq": post.seq })),
            Ok(Err(Busy(wait))) => later("the room is too busy", wait),
            Err(error) if is_gone(&error) => restarting(),
            // It may still be said.
            Err(_) => Reply::refused("the room gave no answer"),
        }
    }

    /// Shows to others whether its person is typing: until the client says otherwise, but not for ever.
    fn show_typing(&mut self, typing: bool, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        self.typed += 1;
        if typing {
            socket.send_after(TYPING_FOR, StopTyping(self.typed));
        }
        let Visitor { guest, rooms } = socket.assigns();
        socket.update_presence(rooms.presence(), guest.id.clone(), shown(guest, typing))?;
        Ok(())
    }

    async fn crash_room(&self, socket: &Socket<'_, Self>) -> Reply {
        let Attachment::Entered { room, .. } = self.room else { return restarting() };
        match room.call(Crash { by: socket.assigns().guest.nickname.clone() }).await {
            Ok(TooSoon(left)) => later("too soon", left),
            Err(_) => Reply::ack(),
        }
    }

    /// Tells the client what was said, unless it hears that by itself. A room that is gone again is left to its `Down`.
    async fn recall(&mut self, room: Pid<Room>, socket: &Socket<'_, Self>) -> Result<(), Exit> {
        if let Ok(mut memory) = room.call(Recall).await {
            if self.is_told {
                memory.messages.clear();
            }
            self.room = Attachment::Entered { room, incarnation: memory.incarnation };
            socket.push("history", memory)?;
        }
        Ok(())
    }
}

impl ChannelHandler<Down> for RoomChannel {
    async fn handle(&mut self, down: Down, socket: &mut Socket<'_, Self>) -> Handled<Down> {
        let Attachment::Entered { room, incarnation } = self.room else { return Ok(()) };
        // An orderly end is the whole chat's, whose connections close by themselves.
        if down.pid != room.id() || down.reason.is_clean() {
            return Ok(());
        }
        self.room = Attachment::Seeking { since: Instant::now() };
        socket.push("room_down", json!({ "incarnation": incarnation, "reason": down.reason.to_string() }))?;
        socket.send_after(Duration::ZERO, Seek(1));
        Ok(())
    }
}

/// Looks whether the room is back. Only its supervisor starts it again: a channel that opened it would race with that.
#[derive(Debug, Message)]
pub(crate) struct Seek(u32);

impl ChannelHandler<Seek> for RoomChannel {
    async fn handle(&mut self, Seek(times): Seek, socket: &mut Socket<'_, Self>) -> Handled<Seek> {
        let Attachment::Seeking { since } = self.room else { return Ok(()) };
        let rooms = socket.assigns().rooms.clone();
        match rooms.whereis(&self.name) {
            Some(room) => self.enter_again(room, since, socket).await?,
            None if times < SEEKS_MAX => drop(socket.send_after(SEEK_INTERVAL, Seek(times + 1))),
            // The client joins again, and the join opens the room.
            None => return Err(Exit::other("the room did not come back").into()),
        }
        Ok(())
    }
}

impl RoomChannel {
    async fn enter_again(
        &mut self,
        room: Pid<Room>,
        since: Instant,
        socket: &mut Socket<'_, Self>,
    ) -> Result<(), Exit> {
        socket.monitor(room);
        self.room = Attachment::Entered { room, incarnation: 0 };
        match room.call(Enter(socket.process())).await {
            Ok(Ok(())) => {}
            Ok(Err(Full)) => return Err(Exit::other("the room is full")),
            // It crashed again; its `Down` is on its way.
            Err(error) if is_gone(&error) => return Ok(()),
            // It lives and does not answer: the client joins again, instead of being in no room for ever.
            Err(error) => return Err(error.into()),
        }
        let down_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        socket.push("room_up", json!({ "down_ms": down_ms }))?;
        self.recall(room, socket).await
    }
}

/// The person stopped typing, or their client forgot to say so.
#[derive(Debug, Message)]
pub(crate) struct StopTyping(u64);

impl ChannelHandler<StopTyping> for RoomChannel {
    async fn handle(
        &mut self,
        StopTyping(time): StopTyping,
        socket: &mut Socket<'_, Self>,
    ) -> Handled<StopTyping> {
        if time == self.typed {
            self.show_typing(false, socket)?;
        }
        Ok(())
    }
}

/// What others see of a person in the room.
fn shown(guest: &Guest, typing: bool) -> serde_json::Value {
    json!({ "nickname": guest.nickname, "typing": typing })
}

/// Whether the room has ended, rather than not answered in time.
fn is_gone(error: &CallError) -> bool {
    matches!(error, CallError::NoProcess { .. } | CallError::Exited { .. })
}

fn restarting() -> Reply {
    Reply::refused("the room is restarting")
}

/// A refusal of what may be tried again after a time.
fn later(reason: &str, wait: Duration) -> Reply {
    Reply::error(json!({ "reason": reason, "retry_after_ms": millis(wait) }))
}
