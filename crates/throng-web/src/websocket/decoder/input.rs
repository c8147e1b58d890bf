//! The bytes of one read, consumed a frame at a time.

use crate::websocket::mask::Mask;

/// Bytes that were read, in a buffer that is somebody else's; what is handed out of them is unmasked where it lies.
#[derive(Debug)]
pub(crate) struct Input<'b> {
    bytes: &'b mut [u8],
    at: usize,
    /// A message that lies in no read of its own: its parts came in several, or it was inflated.
    assembled: Vec<u8>,
}

/// Where the payload of a whole message or control frame lies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Read { start: usize, end: usize },
    Assembled,
}

impl<'b> Input<'b> {
    pub(crate) fn new(bytes: &'b mut [u8]) -> Input<'b> {
        Input { bytes, at: 0, assembled: Vec::new() }
    }

    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next bytes of a payload, without their mask: `length` of them, or as many as there are.
    pub(super) fn payload(&mut self, length: u64, mask: &mut Mask) -> Place {
        let start = self.at;
        let left = self.bytes.len() - start;
        self.at += usize::try_from(length).map_or(left, |length| length.min(left));
        mask.apply(&mut self.bytes[start..self.at]);
        Place::Read { start, end: self.at }
    }

    /// Keeps a message for as long as it is looked at.
    pub(super) fn keep(&mut self, message: Vec<u8>) -> Place {
        self.assembled = message;
        Place::Assembled
    }

    pub(super) fn at(&self, place: Place) -> &[u8] {
        match place {
            Place::Read { start, end } => &self.bytes[start..end],
            Place::Assembled => &self.assembled,
        }
    }
}
