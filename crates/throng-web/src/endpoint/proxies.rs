//! Who a client is behind proxies: its address in `X-Forwarded-For`, as far as those are trusted who wrote it.
//!
//! ```text
//!   client ──► outer proxy ──► inner proxy ──► here
//!              X-Forwarded-For: [what the client claims,] client, outer proxy
//!                                                         ▲ read from the right, to the first that is no proxy of ours
//! ```
//!
//! Pure.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use axum::http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks in which the proxies are.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Whether a peer may say for whom it asks.
    pub(crate) fn trust(&self, addr: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(addr))
    }

    /// The client's address: the peer's own, unless it is a proxy that names another. A forwarded client has no port.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trust(peer.ip()) {
            return peer;
        }
        let client = self.nearest_stranger(peer.ip(), headers);
        if client == peer.ip() { peer } else { SocketAddr::new(client, 0) }
    }

    /// The first from the right that is no proxy. What it claims itself stands further left, and is not looked at. Where an
    /// entry is no address, the proxy that let it pass is as far as is known.
    fn nearest_stranger(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let values: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let entries = values
            .iter()
            .rev()
            .flat_map(|value| value.to_str().unwrap_or_default().rsplit(',').map(str::trim));
        let mut nearest = peer;
        for entry in entries {
            let Some(addr) = address(entry) else { return nearest };
            nearest = addr;
            if !self.trust(addr) {
                break;
            }
        }
        nearest
    }
}

impl FromIterator<Network> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> TrustedProxies {
        TrustedProxies(networks.into_iter().collect())
    }
}

/// An address, as some proxies write it with a port.
fn address(entry: &str) -> Option<IpAddr> {
    let with_port = || entry.parse::<SocketAddr>().map(|addr| addr.ip());
    let bracketed = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    bracketed.parse().or_else(|_| with_port()).ok().map(|addr: IpAddr| addr.to_canonical())
}

/// A network in the notation `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    addr: IpAddr,
    prefix: u32,
}

impl Network {
    fn contains(self, addr: IpAddr) -> bool {
        match (self.addr, addr.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(addr)) => {
                (own.to_bits() ^ addr.to_bits()).checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(addr)) => {
                (own.to_bits() ^ addr.to_bits()).checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// A text that names no network.
#[derive(Debug)]
pub(crate) struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Network, NoNetwork> {
        let (addr, prefix) = text.split_once('/').map_or((text, None), |(addr, prefix)| (addr, Some(prefix)));
        let addr: IpAddr = addr.parse().map_err(|_| NoNetwork)?;
        let bits = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), str::parse).map_err(|_| NoNetwork)?;
        if prefix > bits { Err(NoNetwork) } else { Ok(Network { addr, prefix }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        networks.iter().map(|network| network.parse::<Network>().unwrap()).collect()
    }

    fn client(proxies: &TrustedProxies, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        proxies.client(SocketAddr::new(peer.parse().unwrap(), 7), &headers).to_string()
    }

    #[test]
    fn a_proxy_is_believed_and_nobody_else() {
        let ours = proxies(&["10.0.0.0/8", "::1"]);
        for (peer, forwarded, expected) in [
            ("192.0.2.1", &["203.0.113.9"][..], "192.0.2.1:7"),
            ("10.1.2.3", &[], "10.1.2.3:7"),
            ("10.1.2.3", &["203.0.113.9"], "203.0.113.9:0"),
            ("::1", &["2001:db8::7"], "[2001:db8::7]:0"),
            ("::ffff:10.1.2.3", &["203.0.113.9"], "203.0.113.9:0"),
            // What the client claims stands left of what the proxy saw.
            ("10.1.2.3", &["1.1.1.1, 203.0.113.9"], "203.0.113.9:0"),
            ("10.1.2.3", &["1.1.1.1", "203.0.113.9"], "203.0.113.9:0"),
            ("10.1.2.3", &["203.0.113.9, 10.9.9.9"], "203.0.113.9:0"),
            ("10.1.2.3", &["10.8.8.8,10.9.9.9"], "10.8.8.8:0"),
            ("10.1.2.3", &["203.0.113.9:4711"], "203.0.113.9:0"),
            ("10.1.2.3", &["[2001:db8::7]:4711"], "[2001:db8::7]:0"),
            ("10.1.2.3", &["unknown"], "10.1.2.3:7"),
            ("10.1.2.3", &["203.0.113.9, unknown, 10.9.9.9"], "10.9.9.9:0"),
            ("10.1.2.3", &[""], "10.1.2.3:7"),
        ] {
            assert_eq!(client(&ours, peer, forwarded), expected, "{peer} {forwarded:?}");
        }
        assert_eq!(client(&proxies(&[]), "127.0.0.1", &["203.0.113.9"]), "127.0.0.1:7", "none is trusted");
    }

    #[test]
    fn a_network_holds_what_begins_as_it_does() {
        for (network, addr, is_in) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let addr = addr.parse().unwrap();
            assert_eq!(network.parse::<Network>().unwrap().contains(addr), is_in, "{network} {addr}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/x", "localhost", "10.0.0.0/"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
