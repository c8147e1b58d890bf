//! What is written to a client: a head and whatever it stands before, by reference.

use bytes::Bytes;

use super::{Compression, Opcode, ServerHead};
use crate::protocol::Frame;

/// One frame of the WebSocket protocol, or control frames that were encoded before.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A message as all transports know it.
    Message(Frame),
    /// A message in one piece, compressed or not.
    Flat { is_binary: bool, is_compressed: bool, payload: Bytes },
    /// Whole frames with their heads.
    Encoded(Vec<u8>),
}

impl Outgoing {
    /// The parts that follow each other on the wire, without the head; any of them may be empty.
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        match self {
            Outgoing::Message(frame) => frame.parts(),
            Outgoing::Flat { payload, .. } => [payload, &[], &[]],
            Outgoing::Encoded(frames) => [frames, &[], &[]],
        }
    }

    /// What stands before the parts.
    pub(super) fn head(&self) -> ServerHead {
        match self {
            Outgoing::Message(frame) => ServerHead::whole(opcode(frame.is_binary()), frame.len()),
            Outgoing::Flat { is_binary, is_compressed: true, payload } => {
                ServerHead::compressed(opcode(*is_binary), payload.len())
            }
            Outgoing::Flat { is_binary, is_compressed: false, payload } => {
                ServerHead::whole(opcode(*is_binary), payload.len())
            }
            Outgoing::Encoded(_) => ServerHead::NONE,
        }
    }

    /// Compresses it, if that makes it smaller.
    pub(super) fn compress(&mut self, compression: &Compression) {
        let Outgoing::Message(frame) = self else { return };
        if let Some(payload) = compression.deflated(frame) {
            *self = Outgoing::Flat { is_binary: frame.is_binary(), is_compressed: true, payload };
        }
    }

    /// Bytes on the wire.
    pub(super) fn len(&self) -> usize {
        self.head().as_bytes().len() + self.parts().iter().map(|part| part.len()).sum::<usize>()
    }
}

impl From<Frame> for Outgoing {
    fn from(frame: Frame) -> Outgoing {
        Outgoing::Message(frame)
    }
}

fn opcode(is_binary: bool) -> Opcode {
    if is_binary { Opcode::Binary } else { Opcode::Text }
}
