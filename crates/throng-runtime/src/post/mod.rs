//! Sending into mailboxes that may be bounded: what fits goes in, what does not is dealt with as the bounds say (P34).

mod bounds;
mod room;
mod send;

use self::room::{Left, Offer, Told};
pub use self::{
    bounds::{Bounds, MailboxFull, Overflow},
    send::Sending,
};
pub(crate) use self::{room::Room, send::unpack};
use crate::{
    address::CallFailure,
    panics::contain,
    pid::ProcessId,
    scheduler::{self, Envelope, Pushed, Slot},
    signal::Signal,
};

/// Why a message was not sent; it comes back.
pub(crate) enum Unsent {
    /// The process is gone.
    Gone(Envelope),
    /// Its mailbox is full.
    Full(Envelope),
}

/// Bounds the mailbox of a process that nobody knows yet.
pub(crate) fn bound(id: ProcessId, bounds: Bounds) {
    let slot = scheduler::slot(id);
    if let Some(mut control) = slot.control(id) {
        control.get().room = Some(Box::new(Room::new(bounds)));
        slot.mark_bounded();
    }
}

/// Sends a message; it never waits.
pub(crate) fn post(to: ProcessId, envelope: Envelope) -> Result<(), Unsent> {
    match scheduler::slot(to).is_bounded() {
        false => scheduler::deliver(to, envelope).map_err(Unsent::Gone),
        true => offer(to, envelope, None).map(|_| ()),
    }
}

/// Sends a message, or puts it into the line of those that wait for room. `told`, if anybody is, learns that it got in.
pub(crate) fn post_or_wait(
    to: ProcessId,
    envelope: Envelope,
    told: Option<Told>,
) -> Result<Option<Seat>, Unsent> {
    match scheduler::slot(to).is_bounded() {
        false => scheduler::deliver(to, envelope).map(|()| None).map_err(Unsent::Gone),
        true => offer(to, envelope, Some(told)),
    }
}

/// For the process itself: the message that a ticket in its mailbox stands for.
pub(crate) fn redeem(slot: &Slot, id: ProcessId) -> Option<Envelope> {
    let mut control = slot.control(id)?;
    let room = control.existing()?.room.as_mut()?;
    let envelope = room.redeem();
    slot.count_taken(u32::from(envelope.is_some()));
    let told = let_in(slot, id, room).told;
    drop(control);
    told.into_iter().for_each(|told| drop(told.settle(Ok(None))));
    envelope
}

/// At the end of a process: tells all whose messages nobody will handle.
pub(crate) fn abandon(slot: &Slot, room: Room, why: &CallFailure) {
    let Left { held, line } = room.leave();
    for envelope in held {
        slot.count_taken(1);
        contain("a message that was dropped", || envelope.abandon(why.clone()));
    }
    for (envelope, told) in line {
        contain("a message that was dropped", || match told {
            // It comes back when the sender has given up meanwhile.
            Some(told) => drop(told.settle(Ok(Some(envelope)))),
            None => envelope.abandon(why.clone()),
        });
    }
}

/// `told` is there when the sender may wait.
fn offer(to: ProcessId, envelope: Envelope, told: Option<Option<Told>>) -> Result<Option<Seat>, Unsent> {
    let slot = scheduler::slot(to);
    // The message's own code, so it runs before anything is locked.
    let cost = envelope.cost();
    // Nobody makes room for a process that waits for itself.
    let told = told.filter(|_| scheduler::current::id() != Some(to));
    let Some(mut control) = slot.control(to) else { return Err(Unsent::Gone(envelope)) };
    let Some(room) = control.existing().and_then(|control| control.room.as_mut()) else {
        return Err(Unsent::Gone(envelope));
    };
    match room.offer(envelope, cost) {
        Offer::In { ticket, dropped } => {
            slot.count_taken(dropped.len() as u32);
            slot.count_queued();
            let wakes = ticket && push_ticket(slot, to);
            drop(control);
            if wakes {
                slot.waker.wake();
            }
            dropped.into_iter().for_each(overload);
            Ok(None)
        }
        Offer::Full { envelope, may_wait } => match told.filter(|_| may_wait) {
            Some(told) => Ok(Some(Seat { process: to, number: room.line_up(envelope, cost, told) })),
            None => Err(Unsent::Full(envelope)),
        },
        Offer::Dropped(envelope) => {
            drop(control);
            overload(envelope);
            Ok(None)
        }
        Offer::Doomed { envelope, end } => {
            // Whoever waits is told by the end itself: only then are the names free that others may want to take.
            let seated = match told {
                Some(told) => Ok(Some(Seat { process: to, number: room.line_up(envelope, cost, told) })),
                None => Err(Unsent::Gone(envelope)),
            };
            drop(control);
            if let Some(full) = end {
                scheduler::signal(to, Signal::End(full.into()));
            }
            seated
        }
    }
}

/// Its sender's business is with the receiver: what its destructor does is no concern of whoever made it go.
fn overload(envelope: Envelope) {
    contain("a message that was dropped", || envelope.abandon(CallFailure::Overloaded));
}

struct LetIn {
    told: Vec<Told>,
    wakes: bool,
}

fn let_in(slot: &Slot, id: ProcessId, room: &mut Room) -> LetIn {
    let mut all = LetIn { told: Vec::new(), wakes: false };
    for (ticket, told) in room.let_in() {
        slot.count_queued();
        all.wakes |= ticket && push_ticket(slot, id);
        all.told.extend(told);
    }
    all
}

/// Under the lock, so that tickets and messages are in the same order. True when the process has to be woken.
fn push_ticket(slot: &Slot, id: ProcessId) -> bool {
    // An error means that the process has just ended; its room goes with it.
    matches!(slot.mailbox.push(Envelope::ticket(id.generation())), Ok(Pushed::Wake))
}

/// A place in the line of those that wait for room. Dropping it gives it up, unless the message got in.
#[derive(Debug)]
pub(crate) struct Seat {
    process: ProcessId,
    number: u64,
}

impl Unsent {
    /// Tells whoever waits for an answer that none will come.
    pub(crate) fn abandon(self) {
        match self {
            Self::Gone(envelope) => envelope.abandon(CallFailure::NoProcess),
            Self::Full(envelope) => envelope.abandon(CallFailure::Overloaded),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let slot = scheduler::slot(self.process);
        let Some(mut control) = slot.control(self.process) else { return };
        let Some(room) = control.existing().and_then(|control| control.room.as_mut()) else { return };
        let withdrawn = room.withdraw(self.number);
        // It may have been too large for a room that has a place for the next.
        let LetIn { told, wakes } = let_in(slot, self.process, room);
        drop(control);
        if wakes {
            slot.waker.wake();
        }
        told.into_iter().for_each(|told| drop(told.settle(Ok(None))));
        drop(withdrawn);
    }
}
