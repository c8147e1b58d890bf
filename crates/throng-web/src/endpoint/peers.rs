//! How many connections each peer has open: one alone must not take them all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

/// Counts connections by address.
#[derive(Debug)]
pub(super) struct Peers {
    open: Mutex<HashMap<IpAddr, usize>>,
    max: usize,
}

impl Peers {
    pub(super) fn new(max: usize) -> Arc<Peers> {
        Arc::new(Peers { open: Mutex::default(), max: max.max(1) })
    }

    /// A place for one more connection from the address, if there is one.
    pub(super) fn admit(self: &Arc<Self>, addr: IpAddr) -> Option<Peer> {
        let holder = holder(addr);
        let mut open = self.open.lock();
        let count = open.entry(holder).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Peer { peers: self.clone(), holder })
    }
}

/// A connection's place among those of its peer; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Peer {
    peers: Arc<Peers>,
    holder: IpAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock();
        let Some(count) = open.get_mut(&self.holder) else { return };
        *count -= 1;
        if *count == 0 {
            open.remove(&self.holder);
        }
    }
}

/// Whose address it is: of the sixth version one holds a network of 64 bits, not a single address.
fn holder(addr: IpAddr) -> IpAddr {
    match addr.to_canonical() {
        IpAddr::V6(addr) => Ipv6Addr::from_bits(addr.to_bits() >> 64 << 64).into(),
        addr => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(addr: &str) -> IpAddr {
        addr.parse().unwrap()
    }

    #[test]
    fn places_are_counted_by_peer_and_given_back() {
        let peers = Peers::new(2);
        let _one = peers.admit(ip("192.0.2.1")).unwrap();
        let two = peers.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert!(peers.admit(ip("192.0.2.1")).is_none());
        assert!(peers.admit(ip("192.0.2.2")).is_some());
        drop(two);
        assert!(peers.admit(ip("192.0.2.1")).is_some());
        assert_eq!(peers.open.lock().len(), 1, "nothing is kept of who has gone");
    }

    #[test]
    fn all_of_one_network_are_one_peer() {
        let peers = Peers::new(1);
        let _place = peers.admit(ip("2001:db8:0:1::1")).unwrap();
        assert!(peers.admit(ip("2001:db8:0:1:ffff::2")).is_none());
        assert!(peers.admit(ip("2001:db8:0:2::1")).is_some());
    }
}
