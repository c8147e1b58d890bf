//! The messages of a bounded mailbox, and who waits for room in it (pure).
//!
//! ```text
//!   line: senders that wait ─►  room: what waits, oldest first  ─► the process
//!                               └ a ticket in the mailbox for each
//! ```
//!
//! A bounded process' messages do not stand in its mailbox themselves, where only the process could reach them, but here,
//! behind its slot's lock. In the mailbox stands a ticket for each, so that messages and signals keep their order. To make room
//! by dropping the oldest is then anybody's affair, and the bound is checked and used up in one step.
//!
//! There are never fewer tickets than messages. When several small messages make room for a large one there are more; the next
//! message uses one of them.

use std::{collections::VecDeque, sync::Arc};

use super::bounds::{Bounds, MailboxFull, Overflow};
use crate::{call::ReplyCell, scheduler::Envelope};

pub(crate) struct Room {
    bounds: Bounds,
    held: VecDeque<Held>,
    bytes: usize,
    tickets: usize,
    line: VecDeque<Place>,
    places: u64,
    /// How many messages were dropped by its policy.
    dropped: u64,
    /// It was too full, and its process is being ended.
    doomed: bool,
}

struct Held {
    envelope: Envelope,
    cost: usize,
}

/// A message that waits for room, and who is told when it got in; a caller need not be.
struct Place {
    number: u64,
    held: Held,
    told: Option<Told>,
}

/// Settled with nothing when the message got in, with the message when the process ended first.
pub(crate) type Told = Arc<ReplyCell<Option<Envelope>>>;

/// What became of an offered message.
pub(crate) enum Offer {
    /// It is in, in the place of these; it may need a ticket.
    In { ticket: bool, dropped: Vec<Envelope> },
    /// There is no room; the sender may wait if `may_wait`.
    Full { envelope: Envelope, may_wait: bool },
    /// It is not wanted.
    Dropped(Envelope),
    /// The process is being ended, and takes nothing more; for this reason, when it was this message that was too much.
    Doomed { envelope: Envelope, end: Option<MailboxFull> },
}

/// What the end of a process leaves: messages nobody will handle, and those that waited for room.
pub(crate) struct Left {
    pub(crate) held: Vec<Envelope>,
    pub(crate) line: Vec<(Envelope, Option<Told>)>,
}

impl Room {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            held: VecDeque::new(),
            bytes: 0,
            tickets: 0,
            line: VecDeque::new(),
            places: 0,
            dropped: 0,
            doomed: false,
        }
    }

    /// Takes a message in if it fits, else does what the policy says.
    pub(crate) fn offer(&mut self, envelope: Envelope, cost: usize) -> Offer {
        if self.doomed {
            return Offer::Doomed { envelope, end: None };
        }
        if self.line.is_empty() && self.fits(cost) {
            return Offer::In { ticket: self.admit(Held { envelope, cost }), dropped: Vec::new() };
        }
        let ever_fits = cost <= self.bounds.bytes;
        match self.bounds.overflow {
            Overflow::Block => Offer::Full { envelope, may_wait: ever_fits },
            Overflow::Refuse => Offer::Full { envelope, may_wait: false },
            Overflow::DropOldest if ever_fits => {
                let dropped = self.make_room(cost);
                self.dropped += dropped.len() as u64;
                Offer::In { ticket: self.admit(Held { envelope, cost }), dropped }
            }
            Overflow::DropNewest | Overflow::DropOldest => {
                self.dropped += 1;
                Offer::Dropped(envelope)
            }
            Overflow::Kill => {
                self.doomed = true;
                let full = MailboxFull { messages: self.held.len(), bytes: self.bytes };
                Offer::Doomed { envelope, end: Some(full) }
            }
        }
    }

    /// Puts a message that found no room into the line. The number is for [`Room::withdraw`].
    pub(crate) fn line_up(&mut self, envelope: Envelope, cost: usize, told: Option<Told>) -> u64 {
        self.places += 1;
        self.line.push_back(Place { number: self.places, held: Held { envelope, cost }, told });
        self.places
    }

    /// Takes a message out of the line; `None` when it got in already.
    pub(crate) fn withdraw(&mut self, number: u64) -> Option<Envelope> {
        // The line is in the order of its numbers.
        let at = self.line.binary_search_by_key(&number, |place| place.number).ok()?;
        self.line.remove(at).map(|place| place.held.envelope)
    }

    /// Lets those in who are first in the line and fit; nobody, when all that they wait for is the end. Each is told outside of
    /// the lock; true when it needs a ticket.
    pub(crate) fn let_in(&mut self) -> Vec<(bool, Option<Told>)> {
        let mut admitted = Vec::new();
        while !self.doomed && self.line.front().is_some_and(|place| self.fits(place.held.cost)) {
            let Some(Place { held, told, .. }) = self.line.pop_front() else { break };
            admitted.push((self.admit(held), told));
        }
        admitted
    }

    /// For a ticket: the oldest message; `None` when there are more tickets than messages.
    pub(crate) fn redeem(&mut self) -> Option<Envelope> {
        self.tickets = self.tickets.saturating_sub(1);
        self.take_oldest()
    }

    /// How many messages were dropped, unlike those that their senders kept.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn leave(self) -> Left {
        Left {
            held: self.held.into_iter().map(|held| held.envelope).collect(),
            line: self.line.into_iter().map(|place| (place.held.envelope, place.told)).collect(),
        }
    }

    fn fits(&self, cost: usize) -> bool {
        self.held.len() < self.bounds.messages
            && self.bytes.checked_add(cost).is_some_and(|bytes| bytes <= self.bounds.bytes)
    }

    /// True when it needs a ticket.
    fn admit(&mut self, held: Held) -> bool {
        self.bytes += held.cost;
        self.held.push_back(held);
        let ticket = self.tickets < self.held.len();
        self.tickets += usize::from(ticket);
        ticket
    }

    fn make_room(&mut self, cost: usize) -> Vec<Envelope> {
        let mut dropped = Vec::new();
        while !self.fits(cost)
            && let Some(oldest) = self.take_oldest()
        {
            dropped.push(oldest);
        }
        dropped
    }

    fn take_oldest(&mut self) -> Option<Envelope> {
        let Held { envelope, cost } = self.held.pop_front()?;
        self.bytes -= cost;
        Some(envelope)
    }
}

#[cfg(test)]
mod tests;
