//! Which guests are in which rooms, and how often: one guest may not be everybody (pure).
//!
//! A guest is a person with a few tabs. The places in a room and the rooms of the chat are for all, so what one guest may take of
//! both is limited. A room that is empty counts for the guest who was the last in it, until it closes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::text::RoomName;

/// How often a guest may be in one room: tabs.
pub(crate) const PER_ROOM_MAX: usize = 8;
/// How often a guest may be in rooms at all.
pub(crate) const IN_ALL_MAX: usize = 32;
/// In how many rooms a guest may be in which nobody else is.
pub(crate) const ALONE_MAX: usize = 8;

/// All memberships of all guests.
#[derive(Debug, Default)]
pub(crate) struct Memberships {
    /// The channels that each guest has in a room; none for one who was the last to leave it.
    rooms: HashMap<RoomName, HashMap<Arc<str>, usize>>,
    /// The rooms in which a guest has an entry.
    guests: HashMap<Arc<str>, HashSet<RoomName>>,
}

/// Why a guest may not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Excess {
    #[error("you are in this room too often")]
    Room,
    #[error("you are in too many rooms")]
    InAll,
    #[error("you have too many rooms to yourself")]
    Alone,
}

impl Memberships {
    /// Counts one more channel of the guest in the room.
    ///
    /// # Errors
    ///
    /// [`Excess`]; then nothing was counted.
    pub(crate) fn enter(&mut self, guest: &Arc<str>, room: &RoomName) -> Result<(), Excess> {
        self.check(guest, room)?;
        let counts = self.rooms.entry(room.clone()).or_default();
        counts.retain(|other, count| {
            let stays = *count > 0 || other == guest;
            if !stays {
                remove(&mut self.guests, other, room);
            }
            stays
        });
        *counts.entry(guest.clone()).or_default() += 1;
        self.guests.entry(guest.clone()).or_default().insert(room.clone());
        Ok(())
    }

    /// A channel of the guest has left the room, which may have closed meanwhile.
    pub(crate) fn leave(&mut self, guest: &Arc<str>, room: &RoomName, is_open: bool) {
        let Some(counts) = self.rooms.get_mut(room) else { return };
        let Some(count) = counts.get_mut(guest) else { return };
        *count = count.saturating_sub(1);
        let is_out = *count == 0;
        if is_out && counts.len() > 1 {
            counts.remove(guest);
            remove(&mut self.guests, guest, room);
        }
        if !is_open {
            self.close(room);
        }
    }

    /// The room has closed: if it is empty, it counts for nobody any more.
    pub(crate) fn close(&mut self, room: &RoomName) {
        let Some(counts) = self.rooms.get(room) else { return };
        if counts.values().all(|count| *count == 0) {
            counts.keys().for_each(|guest| remove(&mut self.guests, guest, room));
            self.rooms.remove(room);
        }
    }

    fn check(&self, guest: &Arc<str>, room: &RoomName) -> Result<(), Excess> {
        if self.count(guest, room) >= PER_ROOM_MAX {
            return Err(Excess::Room);
        }
        let Some(rooms) = self.guests.get(guest) else { return Ok(()) };
        if rooms.iter().map(|room| self.count(guest, room)).sum::<usize>() >= IN_ALL_MAX {
            return Err(Excess::InAll);
        }
        let others = rooms.iter().filter(|other| *other != room && self.is_alone(guest, other)).count();
        if self.is_alone(guest, room) && others >= ALONE_MAX { Err(Excess::Alone) } else { Ok(()) }
    }

    fn count(&self, guest: &Arc<str>, room: &RoomName) -> usize {
        self.rooms.get(room).and_then(|counts| counts.get(guest)).copied().unwrap_or(0)
    }

    /// Whether nobody but this guest is in the room.
    fn is_alone(&self, guest: &Arc<str>, room: &RoomName) -> bool {
        let is_other = |(other, count): (&Arc<str>, &usize)| other != guest && *count > 0;
        self.rooms.get(room).is_none_or(|counts| !counts.iter().any(is_other))
    }
}

fn remove(guests: &mut HashMap<Arc<str>, HashSet<RoomName>>, guest: &Arc<str>, room: &RoomName) {
    if let Some(rooms) = guests.get_mut(guest) {
        rooms.remove(room);
        if rooms.is_empty() {
            guests.remove(guest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: impl ToString) -> RoomName {
        RoomName::parse(&name.to_string()).unwrap()
    }

    fn guest(name: &str) -> Arc<str> {
        name.into()
    }

    fn is_empty(memberships: &Memberships) -> bool {
        memberships.rooms.is_empty() && memberships.guests.is_empty()
    }

    #[test]
    fn a_guest_has_a_few_tabs_in_a_room_and_others_still_come_in() {
        let (mut memberships, [ada, grace], lobby) =
            (Memberships::default(), ["ada", "grace"].map(guest), room("lobby"));
        for _ in 0..PER_ROOM_MAX {
            memberships.enter(&ada, &lobby).unwrap();
        }
        assert_eq!(memberships.enter(&ada, &lobby), Err(Excess::Room));
        memberships.enter(&grace, &lobby).unwrap();
        memberships.leave(&ada, &lobby, true);
        memberships.enter(&ada, &lobby).unwrap();
    }

    #[test]
    fn a_guest_is_in_so_many_rooms_in_company() {
        let (mut memberships, ada) = (Memberships::default(), guest("ada"));
        for n in 0..IN_ALL_MAX {
            memberships.enter(&guest(&n.to_string()), &room(n)).unwrap();
            memberships.enter(&ada, &room(n)).unwrap();
        }
        memberships.enter(&guest("grace"), &room("lobby")).unwrap();
        assert_eq!(memberships.enter(&ada, &room("lobby")), Err(Excess::InAll));
        memberships.leave(&ada, &room(0), true);
        memberships.enter(&ada, &room("lobby")).unwrap();
    }

    #[test]
    fn a_guest_has_few_rooms_alone_and_may_go_where_somebody_is() {
        let (mut memberships, [ada, grace]) = (Memberships::default(), ["ada", "grace"].map(guest));
        for n in 0..ALONE_MAX {
            memberships.enter(&ada, &room(n)).unwrap();
        }
        assert_eq!(memberships.enter(&ada, &room("lobby")), Err(Excess::Alone));
        memberships.enter(&ada, &room(0)).unwrap();
        memberships.enter(&grace, &room("lobby")).unwrap();
        memberships.enter(&ada, &room("lobby")).unwrap();
    }

    #[test]
    fn an_empty_room_counts_for_the_last_who_was_in_it_until_it_closes_or_another_comes() {
        let (mut memberships, [ada, grace]) = (Memberships::default(), ["ada", "grace"].map(guest));
        for n in 0..ALONE_MAX {
            memberships.enter(&ada, &room(n)).unwrap();
            memberships.leave(&ada, &room(n), true);
        }
        assert_eq!(memberships.enter(&ada, &room("lobby")), Err(Excess::Alone));
        memberships.close(&room(0));
        memberships.enter(&ada, &room("lobby")).unwrap();
        assert_eq!(memberships.enter(&ada, &room("kitchen")), Err(Excess::Alone));
        memberships.enter(&grace, &room(1)).unwrap();
        memberships.leave(&grace, &room(1), true);
        memberships.enter(&ada, &room("kitchen")).unwrap();
    }

    #[test]
    fn a_room_that_was_never_opened_counts_for_nobody() {
        let (mut memberships, ada) = (Memberships::default(), guest("ada"));
        memberships.enter(&ada, &room("lobby")).unwrap();
        memberships.close(&room("lobby"));
        assert_eq!(memberships.count(&ada, &room("lobby")), 1, "it is being opened anew");
        memberships.leave(&ada, &room("lobby"), false);
        assert!(is_empty(&memberships));
    }

    /// Whoever comes and goes in whatever order: the limits hold, and when all have gone and all is closed nothing is left.
    #[test]
    fn nothing_is_left_of_any_coming_and_going() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = move |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        for _ in 0..200 {
            let (mut memberships, mut inside) = (Memberships::default(), Vec::new());
            for _ in 0..300 {
                let (guest, room) = (guest(&below(3).to_string()), room(below(12)));
                match below(3) {
                    0 if !inside.is_empty() => {
                        let left = usize::try_from(below(inside.len() as u64)).unwrap();
                        let (guest, room): (Arc<str>, RoomName) = inside.swap_remove(left);
                        memberships.leave(&guest, &room, below(4) > 0);
                    }
                    1 => memberships.close(&room),
                    _ => {
                        if memberships.enter(&guest, &room).is_ok() {
                            inside.push((guest, room));
                        }
                    }
                }
                for (guest, room) in &inside {
                    let channels = inside.iter().filter(|one| *one == &(guest.clone(), room.clone())).count();
                    assert_eq!(memberships.count(guest, room), channels);
                    assert!(channels <= PER_ROOM_MAX);
                }
            }
            inside.drain(..).for_each(|(guest, room)| memberships.leave(&guest, &room, true));
            (0..12).for_each(|n| memberships.close(&room(n)));
            assert!(is_empty(&memberships));
        }
    }
}
