//! permessage-deflate (RFC 7692) without context takeover.

mod deflate;
mod inflate;
mod offer;
mod options;

pub use self::options::Compress;
pub(crate) use self::{
    deflate::Deflate,
    inflate::Inflate,
    offer::{Agreement, WindowBits},
};
