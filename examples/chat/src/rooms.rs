//! The rooms of a chat: how one is found, or opened by the first who asks for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use throng::{
    CallError, ChildError, ChildSpec, StartError,
    prelude::*,
    pubsub::{BroadcastError, Payload, Presence, Since},
};

use crate::{
    config::Config,
    memberships::{Excess, Memberships},
    room::{Enter, Full, Room, SAID},
    text::RoomName,
};

/// The supervisor of all rooms.
const ROOMS: Name<DynamicSupervisor> = Name::new("rooms");

/// How often a room that stopped in the very moment of being entered is opened anew.
const TRIES: usize = 3;

/// All rooms; cloning gives another handle.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    node: Node,
    names: Registry<RoomName>,
    /// How many incarnations each room has had that has not been closed: the one thing that outlives them.
    births: Mutex<HashMap<RoomName, u64>>,
    memberships: Mutex<Memberships>,
    pubsub: PubSub,
    presence: Presence,
    limits: RoomLimits,
}

/// What rooms may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomLimits {
    pub(crate) rooms_max: usize,
    pub(crate) members_max: usize,
    /// How long an empty room stays.
    pub(crate) empty_for: Duration,
}

impl From<&Config> for RoomLimits {
    fn from(config: &Config) -> RoomLimits {
        let Config { rooms_max, members_max, .. } = *config;
        RoomLimits { rooms_max, members_max, empty_for: Duration::from_secs(60) }
    }
}

impl Rooms {
    pub(crate) fn new(node: &Node, pubsub: &PubSub, presence: &Presence, limits: RoomLimits) -> Rooms {
        let (node, pubsub, presence) = (node.clone(), pubsub.clone(), presence.clone());
        let (names, births, memberships) = (Registry::new(), Mutex::default(), Mutex::default());
        Rooms { shared: Arc::new(Shared { node, names, births, memberships, pubsub, presence, limits }) }
    }

    /// The supervisor under which rooms are opened.
    ///
    /// Every room may be crashed once in two seconds, so its budget lets all of them do that.
    pub(crate) fn supervisor(&self) -> ChildSpec<DynamicSupervisor> {
        let rooms_max = self.limits().rooms_max;
        DynamicSupervisor::new("rooms")
            .max_children(rooms_max)
            .max_restarts(rooms_max.max(1), Duration::from_secs(1))
            .name(ROOMS)
    }

    pub(crate) fn supervisor_address(&self) -> Via<DynamicSupervisor> {
        self.shared.node.via(ROOMS)
    }

    pub(crate) fn limits(&self) -> &RoomLimits {
        &self.shared.limits
    }

    /// Who is in which room, and which rooms are open.
    pub(crate) fn presence(&self) -> &Presence {
        &self.shared.presence
    }

    /// Gives the calling room its name, and says which of its incarnations it is; nothing where another runs.
    pub(crate) fn open_as(&self, ctx: &Ctx<Room>, name: &RoomName) -> Option<u64> {
        self.shared.names.register(ctx, name.clone(), ()).ok()?;
        let mut births = locked(&self.shared.births);
        let incarnation = births.entry(name.clone()).or_default();
        *incarnation += 1;
        Some(*incarnation)
    }

    /// A room was closed in order: whoever opens it again begins with its first incarnation.
    pub(crate) fn forget(&self, name: &RoomName) {
        locked(&self.shared.births).remove(name);
        locked(&self.shared.memberships).close(name);
    }

    /// The incarnation that runs now, if one does.
    pub(crate) fn whereis(&self, name: &RoomName) -> Option<Pid<Room>> {
        self.shared.names.whereis(name)
    }

    /// Counts a channel of a guest as a member of a room, until what this returns is dropped.
    ///
    /// # Errors
    ///
    /// [`Excess`]: the guest takes enough already.
    pub(crate) fn admit(&self, name: &RoomName, guest: &Arc<str>) -> Result<Membership, Excess> {
        locked(&self.shared.memberships).enter(guest, name)?;
        Ok(Membership { rooms: self.clone(), name: name.clone(), guest: guest.clone() })
    }

    /// Takes a channel into a room, and opens the room if it is closed.
    ///
    /// # Errors
    ///
    /// [`EnterError`].
    pub(crate) async fn enter(&self, name: &RoomName, member: ProcessId) -> Result<Pid<Room>, EnterError> {
        for _ in 0..TRIES {
            let room = match self.whereis(name) {
                Some(room) => room,
                None => match self.open(name).await? {
                    Some(room) => room,
                    None => continue,
                },
            };
            match room.call(Enter(member)).await {
                Ok(Ok(())) => return Ok(room),
                Ok(Err(Full)) => return Err(EnterError::RoomFull),
                Err(CallError::NoProcess { .. } | CallError::Exited { .. }) => {}
                Err(error) => return Err(EnterError::Call(error)),
            }
        }
        Err(EnterError::Restarting)
    }

    /// Sends an event to everyone in a room.
    ///
    /// # Errors
    ///
    /// When the payload is no JSON object.
    pub(crate) fn broadcast(
        &self,
        name: &RoomName,
        event: &str,
        payload: impl Serialize,
    ) -> Result<(), BroadcastError> {
        self.shared.pubsub.broadcast(name.topic(), event, payload)
    }

    /// What was said in a room lately, as everyone heard it.
    pub(crate) fn said(&self, name: &RoomName) -> Vec<Payload> {
        let Some(history) = self.shared.pubsub.history() else { return Vec::new() };
        let kept = history.read(name.topic(), Since::Start).messages;
        kept.iter()
            .filter(|message| message.event() == SAID)
            .map(|message| message.payload().clone())
            .collect()
    }

    /// The room, unless it was open and ended in the very moment.
    async fn open(&self, name: &RoomName) -> Result<Option<Pid<Room>>, EnterError> {
        let child = Room::opened(name.clone(), self.clone());
        match DynamicSupervisor::start_child(&self.supervisor_address(), child).await {
            Ok(room) => Ok(Some(room)),
            // Somebody else opened it first, or its supervisor brought it back.
            Err(ChildError::Start(StartError::Ignored)) => Ok(self.whereis(name)),
            Err(ChildError::MaxChildren(_)) => Err(EnterError::TooManyRooms),
            Err(error) => Err(EnterError::Start(error)),
        }
    }
}

/// One channel of a guest in a room.
#[derive(Debug)]
pub(crate) struct Membership {
    rooms: Rooms,
    name: RoomName,
    guest: Arc<str>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        let is_open = self.rooms.whereis(&self.name).is_some();
        locked(&self.rooms.shared.memberships).leave(&self.guest, &self.name, is_open);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a room was not entered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnterError {
    #[error("the room is full")]
    RoomFull,
    #[error("there are too many rooms")]
    TooManyRooms,
    #[error("the room is restarting")]
    Restarting,
    #[error(transparent)]
    Start(ChildError),
    #[error(transparent)]
    Call(CallError),
}
