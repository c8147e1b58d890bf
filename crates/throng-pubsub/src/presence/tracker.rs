//! The process that drives a presence: it announces changes, and gossips with its peers on other nodes.

use std::{collections::hash_map::RandomState, fmt, hash::BuildHasher, sync::Arc, time::Duration};

use throng_runtime::{Address, ChildSpec, Ctx, Exit, GenServer, Handled, Handler, Init, IntoChild, Message};

use super::{Presence, gossip::PeerMessage, rest::Rest, shard::Shard};
use crate::payload::Payload;

/// The process behind a [`Presence`], started by `supervisor.child(&presence)`.
///
/// It holds nothing that could be lost: the presences live in the handle. When it crashes they stay, each change is announced by
/// the process that makes it, and the next tracker goes on where this one was.
///
/// A presence with a [pool](super::PresenceOptions::pool_size) has a tracker for each slot. The first is the one in the supervision
/// tree; it starts the others, linked to it.
pub struct Tracker {
    presence: Presence,
    slot: usize,
}

/// Something is to be announced.
pub(super) struct Changed;

impl Message for Changed {
    type Reply = ();
}

/// A topic has rested for the length of its rest.
pub(super) struct Rested {
    pub(super) topic: Arc<str>,
    pub(super) rest: Rest,
}

impl Message for Rested {
    type Reply = ();
}

/// A period has passed.
struct Beat;

impl Message for Beat {
    type Reply = ();
}

/// Another node has sent something.
pub(super) struct Received {
    pub(super) node: Box<str>,
    pub(super) body: Payload,
}

impl Message for Received {
    type Reply = ();
}

impl GenServer for Tracker {
    type Args = Place;

    async fn init(Place { presence, slot }: Place, ctx: &mut Ctx<Self>) -> Init<Self> {
        let tracker = Tracker { presence, slot };
        tracker.shard().attach_tracker(ctx)?;
        if tracker.presence.pubsub().has_transport() {
            ctx.send_after(stutter(tracker.presence.options().broadcast_period), Beat);
        }
        if slot == 0 {
            for slot in 1..tracker.presence.shared.shards.len() {
                ctx.start_link(Place { presence: tracker.presence.clone(), slot }).await?;
            }
        }
        Ok(tracker)
    }

    async fn terminate(&mut self, reason: &Exit, _: &mut Ctx<Self>) {
        if self.slot == 0 && self.presence.options().permdown_on_shutdown && reason.is_clean() {
            for shard in &self.presence.shared.shards {
                shard.say_goodbye();
            }
        }
    }
}

impl Tracker {
    fn shard(&self) -> &Arc<Shard> {
        &self.presence.shared.shards[self.slot]
    }

    /// Announces what is due, and looks at the messages in between when it is much.
    fn announce(&self, ctx: &Ctx<Self>) {
        if self.shard().announce_some() {
            drop(ctx.me().cast(Changed));
        }
    }
}

/// The first beat is early by a random part of a quarter, so that nodes that start together do not speak together (§14.4).
fn stutter(period: Duration) -> Duration {
    let random = RandomState::new().hash_one(period);
    (period / 4).mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64)
}

#[diagnostic::do_not_recommend]
impl Handler<Changed> for Tracker {
    async fn handle(&mut self, _: Changed, ctx: &mut Ctx<Self>) -> Handled<Changed> {
        self.announce(ctx);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Rested> for Tracker {
    async fn handle(&mut self, Rested { topic, rest }: Rested, ctx: &mut Ctx<Self>) -> Handled<Rested> {
        self.shard().rested(topic, rest);
        self.announce(ctx);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Beat> for Tracker {
    async fn handle(&mut self, _: Beat, ctx: &mut Ctx<Self>) -> Handled<Beat> {
        ctx.send_after(self.presence.options().broadcast_period, Beat);
        self.shard().beat();
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Received> for Tracker {
    async fn handle(&mut self, Received { node, body }: Received, _: &mut Ctx<Self>) -> Handled<Received> {
        match body.parse::<PeerMessage>() {
            Ok(message) if *message.from().name == *node => self.shard().on_peer_message(message),
            Ok(message) => {
                tracing::warn!(%node, from = ?message.from(), "a message of another node bears a third one's name");
            }
            Err(error) => tracing::warn!(%node, %error, "a message of another node is not understood"),
        }
        Ok(())
    }
}

/// Which slot of which presence a tracker drives.
#[derive(Clone)]
pub struct Place {
    presence: Presence,
    slot: usize,
}

impl IntoChild for Place {
    type Server = Tracker;

    fn into_child(self) -> ChildSpec<Tracker> {
        let id = match self.slot {
            0 => format!("presence {}", self.presence.name()),
            slot => format!("presence {}, slot {slot}", self.presence.name()),
        };
        Tracker::child(self).id(id)
    }
}

impl IntoChild for &Presence {
    type Server = Tracker;

    fn into_child(self) -> ChildSpec<Tracker> {
        Place { presence: self.clone(), slot: 0 }.into_child()
    }
}

impl IntoChild for Presence {
    type Server = Tracker;

    fn into_child(self) -> ChildSpec<Tracker> {
        (&self).into_child()
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tracker = f.debug_struct("Tracker");
        tracker.field("presence", &self.presence).field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("presence", &self.presence).field("slot", &self.slot).finish()
    }
}
