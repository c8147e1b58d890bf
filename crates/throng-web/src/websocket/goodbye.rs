//! Close frames (RFC 6455 §5.5.1, §7.4): which codes may be sent, and what a reason may be.

use super::{Opcode, ServerHead, Violation, head::CONTROL_BYTES_MAX};

/// The payload of a close frame: nothing, or a code and a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Goodbye<'a>(Option<(u16, &'a str)>);

impl<'a> Goodbye<'a> {
    /// A close with a code and a reason of at most 123 bytes; what is longer is cut.
    pub(crate) fn new(code: u16, reason: &'a str) -> Goodbye<'a> {
        Goodbye(Some((code, &reason[..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)])))
    }

    pub(super) fn parse(payload: &'a [u8]) -> Result<Goodbye<'a>, Violation> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return if payload.is_empty() {
                Ok(Goodbye(None))
            } else {
                Err(Violation::Protocol("a close code of one byte"))
            };
        };
        let code = u16::from_be_bytes(*code);
        if !may_be_sent(code) {
            return Err(Violation::Protocol("a close code that nobody may send"));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
        Ok(Goodbye(Some((code, reason))))
    }

    /// The answer to it: the same code, if any.
    pub(crate) fn echo(self) -> Goodbye<'static> {
        Goodbye(self.0.map(|(code, _)| (code, "")))
    }

    #[cfg(test)]
    pub(crate) fn code(self) -> Option<u16> {
        self.0.map(|(code, _)| code)
    }

    /// The frame.
    pub(crate) fn encode(self) -> Vec<u8> {
        let length = self.0.map_or(0, |(_, reason)| 2 + reason.len());
        let mut frame = ServerHead::whole(Opcode::Close, length).as_bytes().to_vec();
        if let Some((code, reason)) = self.0 {
            frame.extend(code.to_be_bytes());
            frame.extend(reason.as_bytes());
        }
        frame
    }
}

/// The codes of the protocol that may be on the wire, those that are registered, and those of applications (§7.4).
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c7_5_codes_that_nobody_may_send_are_refused() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535_u16] {
            assert!(Goodbye::parse(&code.to_be_bytes()).is_err(), "{code}");
        }
        for code in [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
            4999_u16,
        ] {
            assert_eq!(Goodbye::parse(&code.to_be_bytes()).map(Goodbye::code), Ok(Some(code)));
        }
    }

    #[test]
    fn c7_5_a_reason_is_text() {
        assert_eq!(Goodbye::parse(b"\x03\xE8bye"), Ok(Goodbye(Some((1000, "bye")))));
        assert_eq!(Goodbye::parse(b"\x03\xE8\xFF"), Err(Violation::NotUtf8));
        assert_eq!(Goodbye::parse(b""), Ok(Goodbye(None)));
        assert!(Goodbye::parse(b"\x03").is_err());
    }

    #[test]
    fn the_echo_is_the_code() {
        assert_eq!(Goodbye::new(1000, "bye").echo().encode(), b"\x88\x02\x03\xE8");
        assert_eq!(Goodbye(None).echo().encode(), b"\x88\x00");
    }

    #[test]
    fn a_reason_is_cut_between_characters_to_fit_a_control_frame() {
        let long = "ö".repeat(100);
        let frame = Goodbye::new(1008, &long).encode();
        assert_eq!(frame.len(), 2 + 2 + 122);
        assert!(Goodbye::parse(&frame[2..]).is_ok());
    }
}
