//! permessage-deflate (RFC 7692) without context takeover.

mod cache;
mod compressor;
mod inflate;
mod offer;
mod options;

use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;

pub(crate) use self::offer::Agreement;
#[cfg(test)]
pub(crate) use self::offer::WindowBits;
pub use self::options::Compress;
pub(crate) use self::{cache::Deflated, compressor::Deflate, inflate::Inflate};
use crate::protocol::Frame;

/// What one connection has agreed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compression {
    agreement: Agreement,
    pub(super) inflate: Inflate,
    deflate: Deflate,
    bytes_min: u32,
}

impl Compression {
    /// What can be agreed on with a client that sent these headers.
    pub(crate) fn negotiate(headers: &HeaderMap, options: &Compress) -> Option<Compression> {
        Agreement::among(headers).map(|agreement| Compression {
            agreement,
            inflate: Inflate::new(options.ratio_max),
            deflate: Deflate::new(options.level, agreement.window_bits),
            bytes_min: u32::try_from(options.bytes_min).unwrap_or(u32::MAX),
        })
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) fn inflate(&self) -> Inflate {
        self.inflate
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) fn deflate(&self) -> Deflate {
        self.deflate
    }

    /// The server's part of the handshake.
    pub(crate) fn header(&self) -> HeaderValue {
        self.agreement.header()
    }

    /// The frame's payload compressed, once for all connections that share the frame and agreed on the same; `None` where it
    /// is too small, or is not smaller when compressed.
    pub(super) fn deflated(&self, frame: &Frame) -> Option<Bytes> {
        if frame.len() < self.bytes_min as usize {
            return None;
        }
        frame.deflated(self.deflate)
    }
}
