//! RFC 6455 frames as a client writes and reads them (pure).

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    /// More of a message that came in pieces.
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// One frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Whether its message ends with it.
    pub(crate) is_final: bool,
    pub(crate) opcode: Opcode,
    pub(crate) payload: &'a [u8],
}

/// What no server may send here: compression is not offered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a frame that begins {0:02x} {1:02x}")]
pub(crate) struct FrameError(u8, u8);

/// Appends a frame. Its mask is of zeros: a server has to undo it all the same, and frames can be written before they are due.
pub(crate) fn masked(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    const MASKED: u8 = 0x80;
    out.push(0x80 | opcode as u8);
    match payload.len() {
        length @ ..126 => out.push(MASKED | length as u8),
        length @ 126..=0xffff => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// The first frame of `bytes`, and how many bytes it takes; `None` while it is not complete.
///
/// # Errors
///
/// [`FrameError`].
pub(crate) fn first(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let [head, size, rest @ ..] = bytes else { return Ok(None) };
    let opcode = match head & 0x7f {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        _ => return Err(FrameError(*head, *size)),
    };
    let is_final = head & 0x80 != 0;
    let (length, start): (usize, usize) = match (size, rest) {
        (..126, _) => (usize::from(*size), 2),
        (126, [a, b, ..]) => (usize::from(u16::from_be_bytes([*a, *b])), 4),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            (usize::try_from(length).map_err(|_| FrameError(*head, *size))?, 10)
        }
        (126 | 127, _) => return Ok(None),
        _ => return Err(FrameError(*head, *size)),
    };
    let Some(end) = start.checked_add(length) else { return Err(FrameError(*head, *size)) };
    Ok(bytes.get(start..end).map(|payload| (Frame { is_final, opcode, payload }, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_once_all_of_it_is_there() {
        for length in [0_usize, 1, 125, 126, 65_535, 65_536] {
            let mut bytes = Vec::new();
            masked(Opcode::Text, &vec![b'x'; length], &mut bytes);
            // The same frame, as a server writes it.
            let mask_at = bytes.len() - length - 4;
            bytes.drain(mask_at..mask_at + 4);
            bytes[1] &= 0x7f;
            for cut in [0, 1, 2, 3, bytes.len() - 1] {
                if cut < bytes.len() {
                    assert_eq!(first(&bytes[..cut]), Ok(None), "{length} cut at {cut}");
                }
            }
            let total = bytes.len();
            bytes.extend_from_slice(b"more");
            let (frame, used) = first(&bytes).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.payload.len(), used), (Opcode::Text, length, total));
        }
    }

    #[test]
    fn masks_and_reserved_bits_are_refused() {
        assert!(matches!(first(&[0x01, 0]), Ok(Some((Frame { is_final: false, .. }, 2)))));
        for head in [[0xc1, 0], [0x83, 0], [0x81, 0x80]] {
            assert!(first(&head).is_err(), "{head:?}");
        }
    }
}
