//! From bytes to messages: strict, incremental, and without a buffer of its own.
//!
//! ```text
//!   one read, in a scratch buffer ─► Input ─► next(), next(), … ─► messages that lie in the buffer
//!                                      └─ the last one is not whole: what came of it is kept ─► Partial
//! ```
//!
//! The decoder of a client that has sent nothing half owns nothing but a pointer. What it keeps otherwise is what came,
//! and never more than the limit: a frame that says that it is large is refused before it comes, and nothing is set aside
//! for one that says so and does not come.

mod input;
mod partial;
#[cfg(test)]
mod tests;

pub(crate) use self::input::Input;
use self::{
    input::Place,
    partial::{Kind, Message, Partial},
};
use super::{Goodbye, Inflate, Opcode, Violation, head::ClientHead};

/// What a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    Close(Goodbye<'a>),
}

/// What came since the last time somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Frames that continued a message; the first of each is not counted.
    pub(crate) fragments: u32,
    /// Whether the last byte of a message came, or of a control frame that stood alone.
    pub(crate) has_completed: bool,
    /// Whether something has begun and not ended: a message, or a frame of any kind.
    pub(crate) is_amid_message: bool,
}

impl Incoming<'_> {
    /// Bytes of its payload, but for closes and pongs, which nobody counts.
    pub(crate) fn len(&self) -> usize {
        match self {
            Incoming::Text(text) => text.len(),
            Incoming::Binary(bytes) | Incoming::Ping(bytes) => bytes.len(),
            Incoming::Pong | Incoming::Close(_) => 0,
        }
    }
}

/// Where in the frames of one client the input is.
#[derive(Debug)]
pub(crate) struct Decoder {
    partial: Option<Box<Partial>>,
    /// Frames that continued a message, since they were last asked for.
    fragments: u32,
    /// Whether anything has ended and nothing was left, since it was last asked.
    has_completed: bool,
    /// Bytes of a frame and of a message, as they came and inflated.
    bytes_max: u32,
    inflate: Option<Inflate>,
}

/// A whole message or control frame, and where it lies.
#[derive(Clone, Copy)]
enum Whole {
    Message(Kind, Place),
    Control(Opcode, Place),
}

impl Decoder {
    /// A decoder for messages of at most so many bytes; `inflate` where compression was agreed on.
    pub(crate) fn new(bytes_max: usize, inflate: Option<Inflate>) -> Decoder {
        let bytes_max = u32::try_from(bytes_max).unwrap_or(u32::MAX);
        Decoder { partial: None, fragments: 0, has_completed: false, bytes_max, inflate }
    }

    /// The next message or control frame of the input; `None` when the rest of it, if any, was kept for later.
    ///
    /// After a violation nothing that follows has a meaning.
    pub(crate) fn next<'a>(&mut self, input: &'a mut Input<'_>) -> Result<Option<Incoming<'a>>, Violation> {
        let Some(whole) = self.step(input)? else { return Ok(None) };
        let input = &*input;
        Ok(Some(match whole {
            Whole::Message(Kind::Binary, place) => Incoming::Binary(input.at(place)),
            Whole::Message(Kind::Text, place) => Incoming::Text(text(input.at(place))?),
            Whole::Control(Opcode::Close, place) => Incoming::Close(Goodbye::parse(input.at(place))?),
            Whole::Control(Opcode::Ping, place) => Incoming::Ping(input.at(place)),
            Whole::Control(..) => Incoming::Pong,
        }))
    }

    /// What came since it was last asked.
    pub(crate) fn progress(&mut self) -> Progress {
        Progress {
            fragments: std::mem::take(&mut self.fragments),
            has_completed: std::mem::take(&mut self.has_completed),
            is_amid_message: self.partial.is_some(),
        }
    }

    fn step(&mut self, input: &mut Input<'_>) -> Result<Option<Whole>, Violation> {
        loop {
            let Some(head) = self.take_head(input)? else { return Ok(None) };
            let whole =
                if head.opcode.is_control() { self.control(head, input) } else { self.data(head, input)? };
            if self.partial.as_ref().is_some_and(|partial| partial.is_over()) {
                self.partial = None;
            }
            if whole.is_some() {
                self.has_completed |= self.partial.is_none();
                return Ok(whole);
            }
        }
    }

    /// The head of the frame in hand, or of the next one; `None` when the input has nothing for it.
    fn take_head(&mut self, input: &mut Input<'_>) -> Result<Option<ClientHead>, Violation> {
        if let Some(head) = self.partial.as_mut().and_then(|partial| partial.frame.take()) {
            if head.length > 0 && input.rest().is_empty() {
                self.partial().frame = Some(head);
                return Ok(None);
            }
            return Ok(Some(head));
        }
        let head = match &mut self.partial {
            Some(partial) if !partial.head.is_empty() => loop {
                let Some(byte) = input.rest().first().copied() else { return Ok(None) };
                input.skip(1);
                if let Some(head) = partial.head.push(byte)? {
                    break head;
                }
            },
            _ => match ClientHead::parse(input.rest())? {
                Some((head, bytes)) => {
                    input.skip(bytes);
                    head
                }
                None => return self.keep_head(input),
            },
        };
        self.admit(&head)?;
        Ok(Some(head))
    }

    /// Keeps a head that is not whole.
    fn keep_head(&mut self, input: &mut Input<'_>) -> Result<Option<ClientHead>, Violation> {
        let bytes = input.rest().len();
        for at in 0..bytes {
            let byte = input.rest()[at];
            self.partial().head.push(byte)?;
        }
        input.skip(bytes);
        Ok(None)
    }

    /// Whether such a frame may come now, and be so large.
    fn admit(&mut self, head: &ClientHead) -> Result<(), Violation> {
        if head.opcode.is_control() {
            return Ok(());
        }
        let begun = self.partial.as_ref().and_then(|partial| partial.message.as_ref());
        let is_continuation = head.opcode == Opcode::Continuation;
        match begun {
            None if is_continuation => return Err(Violation::Protocol("a continuation of nothing")),
            Some(_) if !is_continuation => return Err(Violation::Protocol("a message within a message")),
            _ => {}
        }
        if head.is_compressed && self.inflate.is_none() {
            return Err(Violation::Protocol("a reserved bit is set"));
        }
        let length = head.length.saturating_add(begun.map_or(0, Message::len) as u64);
        if length > u64::from(self.bytes_max) {
            return Err(Violation::TooBig);
        }
        self.fragments += u32::from(is_continuation);
        Ok(())
    }

    fn control(&mut self, mut head: ClientHead, input: &mut Input<'_>) -> Option<Whole> {
        let place = advance(&mut head, input);
        let is_whole = head.length == 0;
        let is_kept = self.partial.as_ref().is_some_and(|partial| !partial.control.is_empty());
        if is_whole && !is_kept {
            return Some(Whole::Control(head.opcode, place));
        }
        let partial = self.partial();
        partial.control.extend_from_slice(input.at(place));
        if is_whole {
            let payload = std::mem::take(&mut partial.control);
            return Some(Whole::Control(head.opcode, input.keep(payload)));
        }
        partial.frame = Some(head);
        None
    }

    fn data(&mut self, mut head: ClientHead, input: &mut Input<'_>) -> Result<Option<Whole>, Violation> {
        let was_whole = head.length <= input.rest().len() as u64;
        let place = advance(&mut head, input);
        let is_begun = self.partial.as_ref().is_some_and(|partial| partial.message.is_some());
        if was_whole && head.is_final && !is_begun {
            let place = if head.is_compressed { self.inflate(place, input)? } else { place };
            return Ok(Some(Whole::Message(Kind::of(head.opcode), place)));
        }
        let partial = self.partial();
        partial.message.get_or_insert_with(|| Message::begin(&head)).extend(input.at(place))?;
        if head.length > 0 {
            partial.frame = Some(head);
            return Ok(None);
        }
        if !head.is_final {
            return Ok(None);
        }
        let Some(message) = partial.message.take() else { return Ok(None) };
        let (kind, is_compressed) = (message.kind, message.is_compressed);
        let place = input.keep(message.into_bytes());
        let place = if is_compressed { self.inflate(place, input)? } else { place };
        Ok(Some(Whole::Message(kind, place)))
    }

    fn inflate(&self, place: Place, input: &mut Input<'_>) -> Result<Place, Violation> {
        let Some(inflate) = &self.inflate else { return Ok(place) };
        let inflated = inflate.inflate(input.at(place), self.bytes_max as usize)?;
        Ok(input.keep(inflated))
    }

    fn partial(&mut self) -> &mut Partial {
        self.partial.get_or_insert_default()
    }
}

/// Takes what there is of a payload; the head then tells what is left of it.
fn advance(head: &mut ClientHead, input: &mut Input<'_>) -> Place {
    let before = input.rest().len();
    let place = input.payload(head.length, &mut head.mask);
    head.length -= (before - input.rest().len()) as u64;
    place
}

fn text(bytes: &[u8]) -> Result<&str, Violation> {
    std::str::from_utf8(bytes).map_err(|_| Violation::NotUtf8)
}
