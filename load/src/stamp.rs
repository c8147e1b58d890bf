//! The words inside of a payload by which its receiver knows when it was due, who sent it and as which (pure).

use std::time::{Duration, Instant};

/// What a payload begins with; a server hands it on as it is.
const MARK: &[u8] = b"\"stamp\":\"";

/// One message: due when, of whom, the how manieth of his.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Microseconds since the clock's start.
    pub(crate) due: u64,
    pub(crate) sender: u32,
    pub(crate) number: u32,
}

/// Turns times into what a stamp can carry, and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock(Instant::now())
    }

    pub(crate) fn micros(self, at: Instant) -> u64 {
        (at - self.0).as_micros() as u64
    }

    /// How long after it was due a message came.
    pub(crate) fn since(self, due: u64, now: Instant) -> Duration {
        now.saturating_duration_since(self.0 + Duration::from_micros(due))
    }
}

impl Stamp {
    /// A payload of that stamp and a body.
    pub(crate) fn payload(self, body: &str) -> String {
        let Stamp { due, sender, number } = self;
        format!("{{\"stamp\":\"{due}.{sender}.{number}\",\"body\":\"{body}\"}}")
    }

    /// Finds it in a payload, wherever the server has put it.
    pub(crate) fn find(payload: &[u8]) -> Option<Stamp> {
        Stamp::all(payload).next()
    }

    /// All that are in a payload, in their order.
    pub(crate) fn all(mut payload: &[u8]) -> impl Iterator<Item = Stamp> {
        std::iter::from_fn(move || {
            let at = memchr::memmem::find(payload, MARK)? + MARK.len();
            payload = &payload[at..];
            let due = number(&mut payload, b'.')?;
            let sender = number(&mut payload, b'.')?;
            let number = number(&mut payload, b'"')?;
            Some(Stamp { due, sender: u32::try_from(sender).ok()?, number: u32::try_from(number).ok()? })
        })
    }
}

/// The decimal number before `end`, which is taken off with it.
fn number(rest: &mut &[u8], end: u8) -> Option<u64> {
    let length = rest.iter().position(|byte| *byte == end)?;
    let (digits, after) = rest.split_at(length);
    *rest = &after[1..];
    let add = |sum: u64, digit: &u8| {
        digit.is_ascii_digit().then(|| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
    };
    digits.iter().try_fold(0, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_wherever_it_stands() {
        let stamp = Stamp { due: 123_456, sender: 7, number: 42 };
        assert_eq!(Stamp::find(stamp.payload("xyz").as_bytes()), Some(stamp));
        let moved = br#"{"response":{"body":"xyz","stamp":"123456.7.42"},"status":"ok"}"#;
        assert_eq!(Stamp::find(moved), Some(stamp));
        let two = format!("[{},{}]", stamp.payload(""), stamp.payload(""));
        assert_eq!(Stamp::all(two.as_bytes()).collect::<Vec<_>>(), [stamp, stamp]);
    }

    #[test]
    fn what_is_no_stamp_is_none() {
        for payload in [&b"{}"[..], b"{\"stamp\":\"1.2\"}", b"{\"stamp\":\"a.2.3\"}", b"{\"stamp\":\"1.2.3"] {
            assert_eq!(Stamp::find(payload), None);
        }
    }
}
