//! A server that sends back what it gets, on the codec that serves channels.

use std::{future::poll_fn, ops::ControlFlow};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};

use crate::{
    close::CloseReason,
    endpoint::handshake,
    websocket::{Compress, Compression, Decoder, Goodbye, Incoming, Io, Outgoing, ReadError, Stream, linger},
};

/// Answers a handshake, and then every message by itself until the client leaves or breaks a rule.
///
/// # Cancel safety
///
/// It waits for nothing: what follows the handshake is a task of its own.
pub async fn echo(request: Request, message_bytes_max: usize, compress: Option<Compress>) -> Response {
    let (mut parts, _body) = request.into_parts();
    let accepted = handshake::accept_key(&parts);
    let (Ok(key), Some(upgrade)) = (accepted, parts.extensions.remove::<OnUpgrade>()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let compression = compress.and_then(|options| Compression::negotiate(&parts.headers, &options));
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            serve(upgraded, message_bytes_max, compression).await;
        }
    });
    handshake::switching_protocols(key, None, compression.map(|compression| compression.header()))
}

async fn serve(upgraded: Upgraded, message_bytes_max: usize, compression: Option<Compression>) {
    let (io, unread) = Io::of(upgraded);
    let decoder = Decoder::new(message_bytes_max, compression.map(|compression| compression.inflate()));
    let mut stream = Stream::new(io, unread, decoder);
    loop {
        let mut answers = Vec::new();
        let read = poll_fn(|cx| stream.poll_read(cx, |incoming| answer(incoming, compression, &mut answers)));
        let read = read.await;
        answers.into_iter().for_each(|answer| stream.queue(answer));
        if let Err(ReadError::Violation(violation)) = &read {
            let reason = CloseReason::from(*violation);
            stream.goodbye(Goodbye::new(reason.code(), &reason.text()));
        }
        if poll_fn(|cx| stream.poll_write(cx)).await.is_err() {
            return;
        }
        match read {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) | Err(ReadError::Gone) => return,
            Err(ReadError::Violation(_)) => return drop(linger(stream).await),
        }
    }
}

fn answer(
    incoming: Incoming<'_>,
    compression: Option<Compression>,
    answers: &mut Vec<Outgoing>,
) -> ControlFlow<()> {
    let (is_binary, payload) = match incoming {
        Incoming::Text(text) => (false, text.as_bytes()),
        Incoming::Binary(bytes) => (true, bytes),
        Incoming::Ping(_) | Incoming::Pong => return ControlFlow::Continue(()),
        Incoming::Close(_) => return ControlFlow::Break(()),
    };
    answers.push(match compression {
        Some(compression) => {
            let payload = Bytes::from(compression.deflate().deflate(&[payload]));
            Outgoing::Flat { is_binary, is_compressed: true, payload }
        }
        None => Outgoing::Flat { is_binary, is_compressed: false, payload: Bytes::copy_from_slice(payload) },
    });
    ControlFlow::Continue(())
}
