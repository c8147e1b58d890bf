//! The server's side of RFC 6455: frames, messages, closes, and compression, and the stream that carries them.

mod accept_key;
mod decoder;
mod deflate;
mod goodbye;
mod head;
mod mask;
mod opcode;
mod outgoing;
mod scratch;
mod stream;
mod transport;
mod utf8;
mod violation;

pub use self::deflate::Compress;
pub(crate) use self::{
    accept_key::accept_key,
    decoder::{Decoder, Incoming, Input},
    deflate::{Agreement, Deflate, Inflate},
    goodbye::Goodbye,
    head::ServerHead,
    opcode::Opcode,
    outgoing::Outgoing,
    stream::{ReadError, Stream},
    transport::Transport,
    violation::Violation,
};
