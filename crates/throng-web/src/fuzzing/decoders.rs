//! One function for each decoder that bytes of strangers reach. Each takes any bytes, checks what must hold of whatever
//! comes out, and panics where it does not.

use std::{fmt, ops::ControlFlow};

use crate::{
    params::Params,
    protocol::{DecodeLimits, Serializer},
    websocket::{Agreement, Decoder, Incoming, Inflate, Input},
};

/// What a message may have, and inflate to.
const BYTES_MAX: usize = 4 << 10;

/// A decoder under test.
#[derive(Clone, Copy)]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Feeds it bytes.
    pub run: fn(&[u8]),
    /// Inputs that it understands, to begin from.
    pub seeds: &'static [&'static [u8]],
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All of them.
pub const TARGETS: [Target; 6] = [
    Target {
        name: "websocket",
        run: websocket,
        seeds: &[
            // A text, a ping within fragments, a close; whole, and in parts of four bytes.
            b"\xFE\x81\x85\x01\x02\x03\x04IgohnB\x01\x81\0\0\0\0a\x89\x80\0\0\0\0\x80\x81\0\0\0\0b\x88\x82\0\0\0\0\x03\xE8",
            b"\x06\x82\xFE\0\x80\0\0\0\0binary binary binary binary binary binary binary binary binary binary binary binary binary binary binary binary binary bina",
            // Compressed, as in RFC 7692 §7.2.3.
            b"\xFF\xC1\x87\0\0\0\0\xF2\x48\xCD\xC9\xC9\x07\0\x41\x83\0\0\0\0\xF2\x48\xCD\x80\x84\0\0\0\0\xC9\xC9\x07\0",
        ],
    },
    Target {
        name: "inflate",
        run: inflate,
        seeds: &[
            b"\xF2\x48\xCD\xC9\xC9\x07\0",
            b"\0\x05\0\xFA\xFFHello\0",
            b"\xF3\x48\xCD\xC9\xC9\x07\0\0",
        ],
    },
    Target {
        name: "extensions",
        run: extensions,
        seeds: &[
            b"permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate",
            b"x-webkit-deflate-frame, permessage-deflate; server_no_context_takeover; client_max_window_bits=\"15\"",
        ],
    },
    Target {
        name: "protocol_text",
        run: protocol_text,
        seeds: &[
            br#"["1","2","room:1","phx_join",{"a":[1,2.5e3,null,"\u00e9"]}]"#,
            br#"[null,7,"phoenix","heartbeat",{}]"#,
            br#"{"topic":"room:1","event":"said","ref":"3","payload":{"words":"hello"},"join_ref":1}"#,
        ],
    },
    Target {
        name: "protocol_binary",
        run: protocol_binary,
        seeds: &[b"\0\x01\x02\x06\x04122room:asaid\x01\x02\x03", b"\0\0\0\x06\x08room:aphx_join"],
    },
    Target {
        name: "params",
        run: params,
        seeds: &[b"user=ada&a[b][c]=1&l[]=x&l[]=%C3%A9&vsn=2.0.0&", b"token=SFMyNTY.g2gDYQ&list[][name]=1"],
    },
];

/// The first byte says how the rest is cut, and whether compression was agreed on: any cut gives the same.
fn websocket(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let (inflate, cut) = ((how & 1 == 1).then(|| Inflate::new(100)), usize::from(how >> 1) + 1);
    assert_eq!(seen(bytes, bytes.len(), inflate), seen(bytes, cut, inflate), "in parts of {cut}");
}

/// What comes out, message by message, up to a violation.
fn seen(bytes: &[u8], cut: usize, inflate: Option<Inflate>) -> Vec<(&'static str, Vec<u8>)> {
    let mut decoder = Decoder::new(BYTES_MAX, inflate);
    let mut seen = Vec::new();
    for part in bytes.chunks(cut.max(1)) {
        let mut part = part.to_vec();
        let mut input = Input::new(&mut part);
        let ended = loop {
            match decoder.next(&mut input) {
                Ok(None) => break ControlFlow::Continue(()),
                Ok(Some(incoming)) => seen.push(own(incoming)),
                Err(violation) => {
                    seen.push(("broken", violation.to_string().into_bytes()));
                    break ControlFlow::Break(());
                }
            }
        };
        if ended.is_break() {
            break;
        }
    }
    seen
}

fn own(incoming: Incoming<'_>) -> (&'static str, Vec<u8>) {
    let (kind, payload) = match incoming {
        Incoming::Text(text) => ("text", text.as_bytes().to_vec()),
        Incoming::Binary(bytes) => ("binary", bytes.to_vec()),
        Incoming::Ping(bytes) => ("ping", bytes.to_vec()),
        Incoming::Pong => ("pong", Vec::new()),
        Incoming::Close(goodbye) => ("close", goodbye.encode()),
    };
    assert!(payload.len() <= BYTES_MAX);
    (kind, payload)
}

fn inflate(bytes: &[u8]) {
    if let Ok(inflated) = Inflate::new(100).inflate(bytes, BYTES_MAX) {
        assert!(inflated.len() <= BYTES_MAX);
    }
}

fn extensions(bytes: &[u8]) {
    let mut headers = axum::http::HeaderMap::new();
    if let Ok(value) = axum::http::HeaderValue::from_bytes(bytes) {
        headers.insert(axum::http::header::SEC_WEBSOCKET_EXTENSIONS, value);
        if let Some(agreement) = Agreement::among(&headers) {
            assert!(
                agreement.header().as_bytes().starts_with(b"permessage-deflate; server_no_context_takeover")
            );
        }
    }
}

fn protocol_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let limits = DecodeLimits::default();
    for serializer in [Serializer::V1, Serializer::V2] {
        drop(serializer.decode_text(text, &limits));
    }
}

fn protocol_binary(bytes: &[u8]) {
    let limits = DecodeLimits::default();
    for serializer in [Serializer::V1, Serializer::V2] {
        drop(serializer.decode_binary(bytes, &limits));
    }
}

fn params(bytes: &[u8]) {
    if let Ok(query) = std::str::from_utf8(bytes) {
        drop(Params::decode(query));
    }
}
