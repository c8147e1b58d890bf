//! What has to be kept of frames and messages that have not come whole.

use crate::websocket::{
    Opcode, Violation,
    head::{CLIENT_HEAD_BYTES_MAX, ClientHead},
    utf8::Utf8Prefix,
};

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

impl Kind {
    /// The kind of the message that such a frame begins.
    pub(super) fn of(opcode: Opcode) -> Kind {
        if opcode == Opcode::Text { Kind::Text } else { Kind::Binary }
    }
}

/// Something has begun and not ended: a head, a payload, a message, or several of them. Only then does it exist.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub(super) head: PartialHead,
    /// The frame whose payload is on its way; its length is what is left of it.
    pub(super) frame: Option<ClientHead>,
    /// What came of a control frame.
    pub(super) control: Vec<u8>,
    pub(super) message: Option<Message>,
}

impl Partial {
    pub(super) fn is_over(&self) -> bool {
        self.head.length == 0 && self.frame.is_none() && self.message.is_none()
    }
}

/// The first bytes of a head.
#[derive(Debug, Default)]
pub(super) struct PartialHead {
    bytes: [u8; CLIENT_HEAD_BYTES_MAX],
    length: u8,
}

impl PartialHead {
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds a byte; hands out the head with the last one.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<ClientHead>, Violation> {
        self.bytes[usize::from(self.length)] = byte;
        self.length += 1;
        let head = ClientHead::parse(&self.bytes[..usize::from(self.length)])?;
        if head.is_some() {
            self.length = 0;
        }
        Ok(head.map(|(head, _)| head))
    }
}

/// What came of a message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) is_compressed: bool,
    bytes: Vec<u8>,
    utf8: Utf8Prefix,
}

impl Message {
    pub(super) fn begin(head: &ClientHead) -> Message {
        Message {
            kind: Kind::of(head.opcode),
            is_compressed: head.is_compressed,
            bytes: Vec::new(),
            utf8: Utf8Prefix::default(),
        }
    }

    /// Adds what came; text is looked at as it comes.
    pub(super) fn extend(&mut self, payload: &[u8]) -> Result<(), Violation> {
        self.bytes.extend_from_slice(payload);
        if self.kind == Kind::Text && !self.is_compressed {
            self.utf8.advance(&self.bytes)?;
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What it owns of memory.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}
