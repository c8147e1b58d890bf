//! Frame heads (RFC 6455 §5.2): what stands before each payload.
//!
//! ```text
//!   bit  0   1   2   3   4 … 7    8      9 … 15           then
//!       FIN RSV1 0   0   opcode   MASK   length or 126    2 bytes of length
//!                                        or 127           8 bytes of length
//!                                                         4 bytes of mask, where MASK is set
//! ```

use super::{Opcode, Violation, mask::Mask};

/// Two bytes, eight of length, four of mask.
pub(super) const CLIENT_HEAD_BYTES_MAX: usize = 14;
/// Without the mask.
const SERVER_HEAD_BYTES_MAX: usize = 10;
/// What a control frame may carry (§5.5).
pub(crate) const CONTROL_BYTES_MAX: usize = 125;

const FINAL: u8 = 0x80;
const COMPRESSED: u8 = 0x40;
const RESERVED: u8 = 0x30;
const MASKED: u8 = 0x80;

/// The head of a frame that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientHead {
    pub(super) opcode: Opcode,
    /// Whether it is the last frame of its message.
    pub(super) is_final: bool,
    /// The first reserved bit, which permessage-deflate gave a meaning (RFC 7692 §6).
    pub(super) is_compressed: bool,
    /// Bytes of payload.
    pub(super) length: u64,
    pub(super) mask: Mask,
}

impl ClientHead {
    /// Reads a head and how many bytes it took; `None` while more have to come.
    ///
    /// What is wrong is told by the first byte that shows it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(ClientHead, usize)>, Violation> {
        let [first, rest @ ..] = bytes else { return Ok(None) };
        if first & RESERVED != 0 {
            return Err(Violation::Protocol("a reserved bit is set"));
        }
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::Protocol("a reserved opcode"))?;
        let (is_final, is_compressed) = (first & FINAL != 0, first & COMPRESSED != 0);
        if opcode.is_control() && !is_final {
            return Err(Violation::Protocol("a control frame in fragments"));
        }
        if is_compressed && !matches!(opcode, Opcode::Text | Opcode::Binary) {
            return Err(Violation::Protocol("the bit of compression on a frame that begins no message"));
        }
        let [second, rest @ ..] = rest else { return Ok(None) };
        if second & MASKED == 0 {
            return Err(Violation::Protocol("a frame without a mask"));
        }
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
            return Err(Violation::Protocol("a control frame that is too long"));
        }
        let Some((length, rest)) = parse_length(short, rest)? else { return Ok(None) };
        let Some((mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let head = ClientHead { opcode, is_final, is_compressed, length, mask: Mask::new(*mask) };
        Ok(Some((head, bytes.len() - rest.len())))
    }
}

/// The length of a payload, and what follows it.
fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (length, least, rest) = match short {
        126 => {
            let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(*length)), 126, rest)
        }
        127 => {
            let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (u64::from_be_bytes(*length), 1 << 16, rest)
        }
        short => (u64::from(short), 0, rest),
    };
    if length >> 63 != 0 {
        return Err(Violation::Protocol("a length with its highest bit set"));
    }
    if length < least {
        return Err(Violation::Protocol("a length in more bytes than it needs"));
    }
    Ok(Some((length, rest)))
}

/// The head of a frame of ours: it has no mask (§5.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerHead {
    bytes: [u8; SERVER_HEAD_BYTES_MAX],
    length: u8,
}

impl ServerHead {
    /// Nothing.
    pub(super) const NONE: ServerHead = ServerHead { bytes: [0; SERVER_HEAD_BYTES_MAX], length: 0 };

    /// The head of a frame that is a whole message, or a control frame.
    pub(crate) fn whole(opcode: Opcode, payload: usize) -> ServerHead {
        ServerHead::encode(opcode.bits() | FINAL, payload)
    }

    /// The head of a message whose payload is compressed.
    pub(crate) fn compressed(opcode: Opcode, payload: usize) -> ServerHead {
        ServerHead::encode(opcode.bits() | FINAL | COMPRESSED, payload)
    }

    fn encode(first: u8, payload: usize) -> ServerHead {
        let mut bytes = [0; SERVER_HEAD_BYTES_MAX];
        bytes[0] = first;
        let payload = payload as u64;
        let length = match payload {
            0..126 => {
                bytes[1] = payload as u8;
                2
            }
            126..0x1_0000 => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
                4
            }
            _ => {
                bytes[1] = 127;
                bytes[2..].copy_from_slice(&payload.to_be_bytes());
                10
            }
        };
        ServerHead { bytes, length }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [1, 2, 3, 4];

    fn parsed(bytes: &[u8]) -> Result<Option<(ClientHead, usize)>, Violation> {
        ClientHead::parse(bytes)
    }

    fn refused(bytes: &[u8]) -> bool {
        matches!(parsed(bytes), Err(Violation::Protocol(_)))
    }

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let heads: [(&[u8], u64); 4] = [
            (&[0x81, 0x85, 1, 2, 3, 4], 5),
            (&[0x81, 0xFD, 1, 2, 3, 4], 125),
            (&[0x81, 0xFE, 0x01, 0x00, 1, 2, 3, 4], 256),
            (&[0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4], 65_536),
        ];
        for (bytes, length) in heads {
            for cut in 0..bytes.len() {
                assert_eq!(parsed(&bytes[..cut]), Ok(None));
            }
            let head = ClientHead {
                opcode: Opcode::Text,
                is_final: true,
                is_compressed: false,
                length,
                mask: Mask::new(KEY),
            };
            assert_eq!(parsed(bytes), Ok(Some((head, bytes.len()))));
            assert_eq!(parsed(&[bytes, b"payload"].concat()), Ok(Some((head, bytes.len()))));
        }
    }

    #[test]
    fn c7_5_what_breaks_the_rules_is_told_by_the_first_byte_that_shows_it() {
        for reserved_bit in [0x91, 0xA1, 0xB1] {
            assert!(refused(&[reserved_bit]), "{reserved_bit:x}");
        }
        for reserved_opcode in [0x83, 0x84, 0x85, 0x86, 0x87, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x03, 0x0B] {
            assert!(refused(&[reserved_opcode]), "{reserved_opcode:x}");
        }
        for control_in_fragments in [0x08, 0x09, 0x0A] {
            assert!(refused(&[control_in_fragments]));
        }
        for compressed in [0xC0, 0xC8, 0xC9, 0xCA] {
            assert!(refused(&[compressed]), "no message begins here");
        }
        assert!(refused(&[0x81, 0x05]), "without a mask");
        for control in [0x88, 0x89, 0x8A] {
            assert!(refused(&[control, 0xFE]) && refused(&[control, 0xFF]), "too long");
            assert_eq!(parsed(&[control, 0xFD]), Ok(None));
        }
    }

    #[test]
    fn c7_5_a_length_takes_as_few_bytes_as_it_can() {
        assert!(refused(&[0x81, 0xFE, 0, 125]));
        assert!(refused(&[0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]));
        assert!(refused(&[0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0]), "no length is that long");
    }

    #[test]
    fn heads_of_ours_have_no_mask_and_the_shortest_length() {
        let heads: [(usize, &[u8]); 6] = [
            (0, &[0x81, 0]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xFF, 0xFF]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (1 << 32, &[0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0]),
        ];
        for (payload, bytes) in heads {
            assert_eq!(ServerHead::whole(Opcode::Text, payload).as_bytes(), bytes);
        }
        assert_eq!(ServerHead::compressed(Opcode::Text, 1).as_bytes(), [0xC1, 1]);
        assert_eq!(ServerHead::whole(Opcode::Binary, 1).as_bytes(), [0x82, 1]);
    }
}
