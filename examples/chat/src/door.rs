//! How many guests one address may let in (pure).
//!
//! A new token is a new guest with limits of its own, so tokens must not be had without end. A house full of people behind one
//! address gets enough of them.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use crate::pace::Pace;

/// Guests of one address: two thousand at once after a quiet time, and fifty a second.
const PER_SECOND: u64 = 50;
const BURST: u64 = 2000;
/// Addresses that are remembered; in a crowd of more, those that come last share one allowance.
const ADDRESSES_MAX: usize = 4096;

/// What each address has used of its allowance lately.
#[derive(Debug)]
pub(crate) struct Door {
    each: Pace,
    paces: HashMap<IpAddr, Pace>,
    rest: Pace,
}

impl Door {
    pub(crate) fn new() -> Door {
        Door::with(Pace::new(PER_SECOND, BURST))
    }

    fn with(each: Pace) -> Door {
        Door { each, paces: HashMap::new(), rest: each }
    }

    /// Lets one guest in, or says how long to wait. `now` is the time since any moment.
    pub(crate) fn pass(&mut self, address: IpAddr, now: Duration) -> Result<(), Duration> {
        let pace = self.pace(household(address), now);
        let wait = pace.wait(1, now);
        if wait.is_zero() {
            pace.take(1, now);
            return Ok(());
        }
        Err(wait)
    }

    fn pace(&mut self, address: IpAddr, now: Duration) -> &mut Pace {
        if self.paces.len() >= ADDRESSES_MAX && !self.paces.contains_key(&address) {
            self.paces.retain(|_, pace| !pace.is_clear(now));
            if self.paces.len() >= ADDRESSES_MAX {
                return &mut self.rest;
            }
        }
        self.paces.entry(address).or_insert(self.each)
    }
}

/// Whom an address belongs to: of IPv6 everybody has at least a /64.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_runs_out_and_others_do_not() {
        let mut door = Door::with(Pace::new(10, 2));
        let now = Duration::from_secs(5);
        for _ in 0..2 {
            door.pass(address("192.0.2.1"), now).unwrap();
        }
        assert_eq!(door.pass(address("192.0.2.1"), now), Err(Duration::from_millis(100)));
        door.pass(address("192.0.2.2"), now).unwrap();
        door.pass(address("192.0.2.1"), now + Duration::from_millis(100)).unwrap();
    }

    #[test]
    fn an_address_is_counted_however_it_is_written() {
        for (one, other, is_same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8::1", "2001:db8::ffff:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            assert_eq!(household(address(one)) == household(address(other)), is_same, "{one} {other}");
        }
    }

    #[test]
    fn a_thousand_guests_of_one_address_are_let_in_at_once() {
        let mut door = Door::new();
        let passed = (0..3000).filter(|_| door.pass(address("127.0.0.1"), Duration::ZERO).is_ok());
        assert_eq!(passed.count(), 2000);
    }

    #[test]
    fn a_crowd_of_addresses_takes_no_more_memory_and_shares_what_is_left() {
        let mut door = Door::with(Pace::new(1, 1));
        let nth = |n: u32| IpAddr::from(n.to_be_bytes());
        let refused = (0..10_000).filter(|n| door.pass(nth(*n), Duration::ZERO).is_err()).count();
        assert_eq!((door.paces.len(), refused), (ADDRESSES_MAX, 10_000 - ADDRESSES_MAX - 1));
        door.pass(nth(20_000), Duration::from_secs(1)).unwrap();
        assert_eq!(door.paces.len(), 1, "who has not come for a while is forgotten");
    }
}
