//! Whose address a request is from: the peer's, or what a proxy says that is trusted.

use std::net::IpAddr;

use axum::http::HeaderMap;

/// Lists the addresses that a request came by; each proxy adds that of its own peer at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose word is taken.
#[derive(Debug, Default)]
pub(super) struct Proxies(Vec<Range>);

/// Addresses that begin alike: `10.0.0.0/8`, or one of them alone.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    addr: IpAddr,
    bits: u32,
}

impl Proxies {
    /// Reads addresses and ranges of them; the error is the text that is neither.
    pub(super) fn parse(ranges: Vec<String>) -> Result<Proxies, String> {
        let read = |text: String| Range::parse(&text).ok_or(text);
        ranges.into_iter().map(read).collect::<Result<_, _>>().map(Proxies)
    }

    /// The client's address: the last that a trusted proxy tells and that is not a trusted proxy's. What stands before it
    /// anybody may have written.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut told = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while self.trusts(client) {
            match told.next().and_then(|text| text.trim().parse::<IpAddr>().ok()) {
                Some(addr) => client = addr.to_canonical(),
                None => break,
            }
        }
        client
    }

    fn trusts(&self, addr: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(addr))
    }
}

impl Range {
    fn parse(text: &str) -> Option<Range> {
        let (addr, bits) = match text.split_once('/') {
            Some((addr, bits)) => (addr, Some(bits)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().ok()?;
        let all = if addr.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
        (bits <= all).then_some(Range { addr, bits })
    }

    fn contains(&self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differ = ours.to_bits() ^ theirs.to_bits();
                differ.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differ = ours.to_bits() ^ theirs.to_bits();
                differ.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, told: &[&str]) -> String {
        let proxies = Proxies::parse(trusted.iter().map(|&text| text.to_owned()).collect()).unwrap();
        let mut headers = HeaderMap::new();
        for told in told {
            headers.append(FORWARDED_FOR, told.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_word_of_strangers_is_not_taken() {
        assert_eq!(client(&[], "127.0.0.1", &["1.2.3.4"]), "127.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "11.0.0.1", &["1.2.3.4"]), "11.0.0.1");
    }

    #[test]
    fn a_trusted_proxy_tells_the_client() {
        let proxies = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"];
        let cases = [
            ("127.0.0.1", vec!["1.2.3.4"], "1.2.3.4"),
            ("::ffff:127.0.0.1", vec!["1.2.3.4"], "1.2.3.4"),
            // Whatever the client wrote stands before what the proxies added.
            ("127.0.0.1", vec!["9.9.9.9, 1.2.3.4, 10.1.2.3"], "1.2.3.4"),
            ("127.0.0.1", vec!["9.9.9.9", "1.2.3.4,10.1.2.3"], "1.2.3.4"),
            ("fd00::1", vec!["2001:db8::1"], "2001:db8::1"),
            ("127.0.0.1", vec![], "127.0.0.1"),
            ("127.0.0.1", vec!["nonsense"], "127.0.0.1"),
            ("127.0.0.1", vec!["1.2.3.4, nonsense"], "127.0.0.1"),
            ("127.0.0.1", vec!["10.1.1.1"], "10.1.1.1"),
        ];
        for (peer, told, expected) in cases {
            assert_eq!(client(&proxies, peer, &told), expected, "{peer} tells {told:?}");
        }
    }

    #[test]
    fn ranges_hold_what_begins_alike() {
        let holds = |range: &str, addr: &str| Range::parse(range).unwrap().contains(addr.parse().unwrap());
        assert!(holds("0.0.0.0/0", "8.8.8.8") && holds("192.0.2.128/25", "192.0.2.200"));
        assert!(!holds("192.0.2.128/25", "192.0.2.127") && !holds("0.0.0.0/0", "::1"));
        assert!(
            holds("::/0", "::1")
                && holds("2001:db8::1", "2001:db8::1")
                && !holds("2001:db8::1", "2001:db8::2")
        );
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "host"] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
