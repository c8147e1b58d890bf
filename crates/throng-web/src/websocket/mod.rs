//! The WebSocket transport: a codec of our own (RFC 6455 and 7692) on the raw socket.
//!
//! ```text
//!   pure:   head · mask · utf8 · goodbye ─► decoder      deflate: offer, inflate, deflate
//!   polls:  stream  (read ─► decoder, outgoing ─► write) over io, with the worker's scratch buffers
//!   async:  socket  serves one client, within its patience · closing
//! ```

mod accept_key;
mod closing;
mod decoder;
mod deflate;
mod goodbye;
mod head;
mod io;
mod mask;
mod opcode;
mod outgoing;
mod patience;
mod scratch;
mod socket;
mod stream;
mod utf8;
mod violation;

pub use self::deflate::Compress;
pub(crate) use self::{
    accept_key::accept_key,
    decoder::{Decoder, Incoming, Input},
    deflate::{Compression, Deflate, Deflated, Inflate},
    goodbye::Goodbye,
    io::Io,
    outgoing::Outgoing,
    socket::{Opening, WebSocket},
    stream::{ReadError, Stream},
};
#[cfg(feature = "fuzzing")]
pub(crate) use self::{closing::linger, deflate::Agreement};
use self::{decoder::Progress, head::ServerHead, opcode::Opcode, violation::Violation};
