//! A room: a process that says to everyone what one of them says.
//!
//! What was said lately is kept by its topic, and not by the room: when the room crashes, its supervisor starts another
//! incarnation under the same name, and nothing that was said is lost. An empty room stops after a while.
//!
//! A room is present itself, among the open rooms, with its number of members. So the list of rooms needs no process that could
//! be wrong about them: a room that crashed is gone from it, and back when it is back.

use std::{
    collections::HashSet,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};
use serde_json::json;
use throng::{
    ChildSpec, MonitorRef,
    prelude::*,
    pubsub::{Payload, UpdateError},
};

use crate::{
    directory_channel::DirectoryChannel,
    guest::Guest,
    pace::Pace,
    post::Post,
    rooms::Rooms,
    text::{Body, Nickname, RoomName},
};

/// A room that came back has to live this long before it may be crashed again: the restart should be seen.
const CRASH_PAUSE: Duration = Duration::from_secs(2);

/// What is said, in messages and in bytes of JSON a second, and at once after a quiet time. The slowest line that stays in a room
/// in which people say what they can is one of a megabit.
const MESSAGES: (u64, u64) = (100, 200);
const BYTES: (u64, u64) = (128 << 10, 256 << 10);

/// The event of a message.
pub(crate) const SAID: &str = "new_msg";

/// One room, one incarnation of it.
#[derive(Debug)]
pub(crate) struct Room {
    name: RoomName,
    rooms: Rooms,
    incarnation: u64,
    born: Instant,
    /// Tells this incarnation's messages from all others'.
    epoch: String,
    /// The place of the last message in this incarnation's order.
    last_seq: u64,
    messages: Pace,
    bytes: Pace,
    members: HashSet<MonitorRef>,
    /// Counts the times that the room became empty; a check for an earlier time is void.
    emptied: u64,
}

/// What every incarnation of a room begins with.
#[derive(Clone, Debug)]
pub(crate) struct RoomArgs {
    name: RoomName,
    rooms: Rooms,
}

/// Takes a channel in, until it ends.
#[derive(Debug, Message)]
#[message(reply = Result<(), Full>)]
pub(crate) struct Enter(pub(crate) ProcessId);

/// The room has as many members as it may.
#[derive(Debug)]
pub(crate) struct Full;

/// Asks for what was said lately.
#[derive(Debug, Message)]
#[message(reply = Memory)]
pub(crate) struct Recall;

/// What was said lately in a room, and which of its incarnations tells.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) incarnation: u64,
    #[serde(serialize_with = "as_json")]
    pub(crate) messages: Vec<Payload>,
}

/// Says something to everyone in the room.
#[derive(Debug, Message)]
#[message(reply = Result<Post, Busy>)]
pub(crate) struct Say {
    pub(crate) from: Guest,
    pub(crate) body: Body,
}

/// More is being said in the room than a slow line carries; there is a place for this after the time.
#[derive(Debug)]
pub(crate) struct Busy(pub(crate) Duration);

/// Crashes the room, for people to watch. There is no reply but a refusal: the caller sees the room's end.
#[derive(Debug, Message)]
#[message(reply = TooSoon)]
pub(crate) struct Crash {
    pub(crate) by: Nickname,
}

/// The room came back a moment ago, and may be crashed after this time.
#[derive(Debug)]
pub(crate) struct TooSoon(pub(crate) Duration);

/// The time for which an empty room stays is over, unless it was entered meanwhile.
#[derive(Debug, Message)]
struct StopIfEmpty(u64);

impl Room {
    /// The child of a room that nobody had opened.
    pub(crate) fn opened(name: RoomName, rooms: Rooms) -> ChildSpec<Room> {
        Room::child(RoomArgs { name, rooms }).restart(Restart::Transient)
    }

    /// What the list of rooms shows of it.
    fn entry(&self) -> serde_json::Value {
        json!({ "members": self.members.len() })
    }

    /// Takes what is said out of the room's allowance: people within their own limits could together drown the others.
    fn pace(&mut self, body: &Body) -> Result<(), Busy> {
        let (now, bytes) = (self.born.elapsed(), u64::try_from(body.json_bytes()).unwrap_or(u64::MAX));
        let wait = self.messages.wait(1, now).max(self.bytes.wait(bytes, now));
        if !wait.is_zero() {
            return Err(Busy(wait));
        }
        self.messages.take(1, now);
        self.bytes.take(bytes, now);
        Ok(())
    }

    fn members_changed(&mut self, ctx: &Ctx<Self>) -> Result<(), UpdateError> {
        if self.members.is_empty() {
            self.wait_for_members(ctx);
        }
        let presence = self.rooms.presence();
        presence.update(ctx, DirectoryChannel::TOPIC, self.name.as_str(), self.entry()).map(drop)
    }

    /// An empty room waits for somebody to come, but not for ever.
    fn wait_for_members(&mut self, ctx: &Ctx<Self>) {
        self.emptied += 1;
        ctx.send_after(self.rooms.limits().empty_for, StopIfEmpty(self.emptied));
    }
}

impl GenServer for Room {
    type Args = RoomArgs;

    /// A room takes its name itself. A crashed room and somebody who comes in may bring it back at the same time, and then the
    /// supervisor must not try again and again to start the one that lost: it has nothing to do, which is no failure.
    async fn init(RoomArgs { name, rooms }: RoomArgs, ctx: &mut Ctx<Self>) -> Init<Self> {
        let incarnation = rooms.open_as(ctx, &name).ok_or(InitError::Ignore)?;
        let mut room = Room {
            last_seq: 0,
            messages: Pace::new(MESSAGES.0, MESSAGES.1),
            bytes: Pace::new(BYTES.0, BYTES.1),
            name,
            rooms,
            incarnation,
            born: Instant::now(),
            epoch: format!("{:x}", getrandom::u64()?),
            members: HashSet::new(),
            emptied: 0,
        };
        room.rooms.presence().track(ctx, DirectoryChannel::TOPIC, room.name.as_str(), room.entry())?;
        room.wait_for_members(ctx);
        Ok(room)
    }

    async fn terminate(&mut self, reason: &Exit, _: &mut Ctx<Self>) {
        if reason.is_clean() {
            self.rooms.forget(&self.name);
        }
    }
}

impl Handler<Enter> for Room {
    async fn handle(&mut self, Enter(member): Enter, ctx: &mut Ctx<Self>) -> Handled<Enter> {
        if self.members.len() >= self.rooms.limits().members_max {
            return Ok(Err(Full));
        }
        self.members.insert(ctx.monitor(member));
        self.members_changed(ctx)?;
        Ok(Ok(()))
    }
}

impl Handler<Down> for Room {
    async fn handle(&mut self, down: Down, ctx: &mut Ctx<Self>) -> Handled<Down> {
        if self.members.remove(&down.monitor) {
            self.members_changed(ctx)?;
        }
        Ok(())
    }
}

impl Handler<StopIfEmpty> for Room {
    async fn handle(&mut self, StopIfEmpty(time): StopIfEmpty, ctx: &mut Ctx<Self>) -> Handled<StopIfEmpty> {
        if self.members.is_empty() && time == self.emptied {
            ctx.stop(Exit::Normal);
        }
        Ok(())
    }
}

impl Handler<Recall> for Room {
    async fn handle(&mut self, _: Recall, _: &mut Ctx<Self>) -> Handled<Recall> {
        Ok(Memory { incarnation: self.incarnation, messages: self.rooms.said(&self.name) })
    }
}

impl Handler<Say> for Room {
    async fn handle(&mut self, Say { from, body }: Say, _: &mut Ctx<Self>) -> Handled<Say> {
        if let Err(busy) = self.pace(&body) {
            return Ok(Err(busy));
        }
        self.last_seq += 1;
        let (epoch, seq) = (&self.epoch, self.last_seq);
        let post = Post { id: format!("{epoch}-{seq}"), seq, from, body, at: now() };
        self.rooms.broadcast(&self.name, SAID, &post)?;
        Ok(Ok(post))
    }
}

impl Handler<Crash> for Room {
    async fn handle(&mut self, Crash { by }: Crash, _: &mut Ctx<Self>) -> Handled<Crash> {
        let pause = if self.incarnation == 1 { Duration::ZERO } else { CRASH_PAUSE };
        match pause.checked_sub(self.born.elapsed()).filter(|left| !left.is_zero()) {
            Some(left) => Ok(TooSoon(left)),
            None => panic!("{by} pressed the crash button"),
        }
    }
}

fn as_json<S: Serializer>(messages: &[Payload], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(messages.iter().map(Payload::as_raw))
}

fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
