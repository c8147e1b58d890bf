//! What is written to a client: a head and whatever it stands before, by reference.

use bytes::Bytes;

use super::{Opcode, ServerHead};

/// One frame of the WebSocket protocol, or control frames that were encoded before.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A message in one piece, compressed or not.
    Flat { is_binary: bool, is_compressed: bool, payload: Bytes },
    /// Whole frames with their heads.
    Encoded(Vec<u8>),
}

impl Outgoing {
    /// The parts that follow each other on the wire, without the head; any of them may be empty.
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        match self {
            Outgoing::Flat { payload, .. } => [payload, &[], &[]],
            Outgoing::Encoded(frames) => [frames, &[], &[]],
        }
    }

    /// What stands before the parts.
    pub(super) fn head(&self) -> ServerHead {
        match self {
            Outgoing::Flat { is_binary, is_compressed: true, payload } => {
                ServerHead::compressed(opcode(*is_binary), payload.len())
            }
            Outgoing::Flat { is_binary, is_compressed: false, payload } => {
                ServerHead::whole(opcode(*is_binary), payload.len())
            }
            Outgoing::Encoded(_) => ServerHead::NONE,
        }
    }

    /// Bytes on the wire.
    pub(super) fn len(&self) -> usize {
        self.head().as_bytes().len() + self.parts().iter().map(|part| part.len()).sum::<usize>()
    }
}

fn opcode(is_binary: bool) -> Opcode {
    if is_binary { Opcode::Binary } else { Opcode::Text }
}
