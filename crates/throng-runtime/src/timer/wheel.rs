//! A hierarchical timing wheel: pure, all times in ticks.
//!
//! Six levels of 64 slots; a slot of level `n` spans `64^n` ticks. An entry sits at the level of the highest six-bit digit in
//! which its tick differs from now, and moves down as that digit's time comes. Insertion and cancellation cost a constant,
//! whatever the number of entries; entries live in a slab and are linked by index, so none is allocated apart. A slot is first
//! in, first out, so entries of one tick fire in the order of their insertion.

const LEVELS: usize = 6;
const SLOTS: usize = 64;
const DIGIT: u32 = 6;
const NIL: u32 = u32::MAX;
/// An empty wheel gives back a slab that has room for more.
const KEPT: usize = 1_024;
/// How far the wheel reaches, short of the slot that it stands in; an entry beyond waits there and is sorted again.
const HORIZON: u64 = (SLOTS as u64 - 1) << (DIGIT * (LEVELS as u32 - 1));

/// Names one entry, until it fired or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(super) index: u32,
    pub(super) serial: u64,
}

pub(crate) struct Wheel<T> {
    now: u64,
    entries: Vec<Entry<T>>,
    free: u32,
    len: usize,
    next_serial: u64,
    levels: [Level; LEVELS],
}

struct Entry<T> {
    value: Option<T>,
    tick: u64,
    serial: u64,
    slot: (u8, u8),
    /// Of the first entry in a slot: the last one.
    prev: u32,
    next: u32,
}

#[derive(Clone, Copy)]
struct Level {
    occupied: u64,
    heads: [u32; SLOTS],
}

impl<T> Wheel<T> {
    pub(crate) fn new(now: u64) -> Self {
        let levels = [Level { occupied: 0, heads: [NIL; SLOTS] }; LEVELS];
        Self { now, entries: Vec::new(), free: NIL, len: 0, next_serial: 0, levels }
    }

    /// Adds a value that is due at `tick`, or at the next advance when that has passed.
    pub(crate) fn insert(&mut self, tick: u64, value: T) -> Key {
        let index = self.allocate(tick.max(self.now), value);
        self.link(index);
        Key { index, serial: self.entries[index as usize].serial }
    }

    /// Takes a value back, with its tick, if it has not fired.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<(u64, T)> {
        self.get_mut(key)?;
        self.unlink(key.index);
        let tick = self.entries[key.index as usize].tick;
        self.release(key.index).map(|value| (tick, value))
    }

    /// The value of an entry that has not fired.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.serial == key.serial { entry.value.as_mut() } else { None }
    }

    /// Moves on to `now` and hands over what is due by then, earlier ticks first.
    pub(crate) fn advance(&mut self, now: u64, due: &mut Vec<T>) {
        while let Some((level, slot, start)) = self.next_slot()
            && start <= now
        {
            self.now = self.now.max(start);
            let mut index = std::mem::replace(&mut self.levels[level].heads[slot], NIL);
            self.levels[level].occupied &= !(1 << slot);
            while index != NIL {
                let next = self.entries[index as usize].next;
                if self.entries[index as usize].tick <= self.now {
                    due.extend(self.release(index));
                } else {
                    self.link(index);
                }
                index = next;
            }
        }
        self.now = self.now.max(now);
    }

    /// When to advance next: not later than the first entry is due, possibly earlier.
    pub(crate) fn next_tick(&self) -> Option<u64> {
        self.next_slot().map(|(_, _, start)| start)
    }

    /// The occupied slot whose time comes first. A lower level's always comes before a higher level's.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        self.levels.iter().enumerate().find_map(|(level, slots)| {
            let shift = DIGIT * level as u32;
            let digit = (self.now >> shift) % SLOTS as u64;
            let ahead = slots.occupied.rotate_right(digit as u32);
            if ahead == 0 {
                return None;
            }
            let distance = u64::from(ahead.trailing_zeros());
            let start = ((self.now >> shift) + distance) << shift;
            Some((level, ((digit + distance) % SLOTS as u64) as usize, start.max(self.now)))
        })
    }

    fn link(&mut self, index: u32) {
        let tick = self.entries[index as usize].tick.min(self.now + HORIZON);
        let differing = (self.now ^ tick) | (SLOTS as u64 - 1);
        let level = ((63 - differing.leading_zeros()) / DIGIT).min(LEVELS as u32 - 1);
        let slot = ((tick >> (DIGIT * level)) % SLOTS as u64) as usize;
        let home = &mut self.levels[level as usize];
        let head = home.heads[slot];
        let last = if head == NIL {
            home.heads[slot] = index;
            home.occupied |= 1 << slot;
            index
        } else {
            let last = std::mem::replace(&mut self.entries[head as usize].prev, index);
            self.entries[last as usize].next = index;
            last
        };
        let entry = &mut self.entries[index as usize];
        (entry.slot, entry.prev, entry.next) = ((level as u8, slot as u8), last, NIL);
    }

    fn unlink(&mut self, index: u32) {
        let Entry { slot: (level, slot), prev, next, .. } = self.entries[index as usize];
        let home = &mut self.levels[level as usize];
        let head = home.heads[slot as usize];
        if head == index {
            home.heads[slot as usize] = next;
        } else {
            self.entries[prev as usize].next = next;
        }
        match (head == index, next) {
            (true, NIL) => home.occupied &= !(1 << slot),
            (false, NIL) => self.entries[head as usize].prev = prev,
            (_, next) => self.entries[next as usize].prev = prev,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn allocate(&mut self, tick: u64, value: T) -> u32 {
        self.len += 1;
        let serial = self.next_serial;
        self.next_serial += 1;
        if self.free == NIL {
            let index = u32::try_from(self.entries.len()).unwrap_or(NIL);
            assert!(index != NIL, "more than four thousand million timers");
            self.entries.push(Entry { value: Some(value), tick, serial, slot: (0, 0), prev: NIL, next: NIL });
            return index;
        }
        let index = self.free;
        let entry = &mut self.entries[index as usize];
        self.free = entry.next;
        (entry.value, entry.tick, entry.serial) = (Some(value), tick, serial);
        index
    }

    fn release(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        entry.next = std::mem::replace(&mut self.free, index);
        let value = entry.value.take();
        self.len -= 1;
        if self.len == 0 && self.entries.capacity() > KEPT {
            (self.entries, self.free) = (Vec::new(), NIL);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fired(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
        let mut due = Vec::new();
        wheel.advance(now, &mut due);
        due
    }

    #[test]
    fn p5_nothing_fires_before_its_tick_and_nothing_is_forgotten() {
        let mut wheel = Wheel::new(0);
        for tick in [1, 63, 64, 65, 4_095, 4_096, 300_000, 20_000_000_000, HORIZON * 3] {
            wheel.insert(tick, tick);
            assert_eq!(fired(&mut wheel, tick - 1), [], "before {tick}");
            assert_eq!(fired(&mut wheel, tick), [tick], "at {tick}");
        }
        assert_eq!(wheel.next_tick(), None);
    }

    #[test]
    fn a_cancelled_entry_does_not_fire_and_its_key_is_not_reused() {
        let mut wheel = Wheel::new(0);
        let key = wheel.insert(10, 10);
        assert_eq!(wheel.cancel(key), Some((10, 10)));
        let other = wheel.insert(20, 20);
        assert_eq!(wheel.cancel(key), None);
        assert_eq!(fired(&mut wheel, 30), [20]);
        assert_eq!(wheel.cancel(other), None);
    }

    #[test]
    fn entries_of_one_tick_fire_in_the_order_of_their_insertion() {
        let mut wheel = Wheel::new(0);
        let keys: Vec<_> = (0..8).map(|n| wheel.insert(5_000, n)).collect();
        wheel.cancel(keys[0]);
        wheel.cancel(keys[3]);
        wheel.cancel(keys[7]);
        assert_eq!(fired(&mut wheel, 4_990), []);
        wheel.insert(5_000, 8);
        assert_eq!(fired(&mut wheel, 5_000), [1, 2, 4, 5, 6, 8]);
    }

    #[test]
    fn an_empty_wheel_keeps_no_more_room_than_a_few_need() {
        let mut wheel = Wheel::new(0);
        let stale = wheel.insert(1, 1);
        for tick in 2..10_000 {
            wheel.insert(tick, tick);
        }
        assert_eq!(fired(&mut wheel, 10_000).len(), 9_999);
        assert!(wheel.entries.capacity() <= KEPT, "{}", wheel.entries.capacity());
        wheel.insert(20_000, 7);
        assert_eq!((wheel.cancel(stale), wheel.len()), (None, 1));
    }

    proptest! {
        #[test]
        fn it_fires_what_a_sorted_map_would(steps in prop::collection::vec((0_u8..3, 0_u64..200_000), 1..300)) {
            let (mut wheel, mut model, mut keys) = (Wheel::new(0), BTreeMap::new(), BTreeMap::new());
            let (mut now, mut serial) = (0, 0);
            for (what, amount) in steps {
                match what {
                    0 => {
                        serial += 1;
                        keys.insert(serial, wheel.insert(now + amount, serial));
                        model.insert((now + amount, serial), ());
                    }
                    1 => {
                        let Some((&serial, &key)) = keys.iter().nth(amount as usize % keys.len().max(1)) else { continue };
                        let tick = wheel.cancel(key).map(|(tick, _)| tick);
                        let known = model.keys().find(|(_, known)| *known == serial).copied();
                        prop_assert_eq!(tick, known.map(|(tick, _)| tick));
                        known.map(|key| model.remove(&key));
                    }
                    _ => {
                        now += amount;
                        let got = fired(&mut wheel, now);
                        let rest = model.split_off(&(now + 1, 0));
                        let due: Vec<_> = model.keys().map(|(_, serial)| *serial).collect();
                        prop_assert_eq!(got, due);
                        model = rest;
                    }
                }
                if let (Some(next), Some(((first, _), ()))) = (wheel.next_tick(), model.first_key_value()) {
                    prop_assert!(next <= *first, "would sleep past an entry");
                }
                prop_assert_eq!(wheel.next_tick().is_some(), !model.is_empty());
            }
        }
    }
}
