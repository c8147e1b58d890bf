//! `GET <mount>/websocket`: the checks of §1.5, then a process for the connection.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, Request},
    http::{Method, request::Parts},
    response::Response,
    routing::any,
};
use hyper::upgrade::OnUpgrade;

use super::{
    Mounted,
    handshake::{self, NoHandshake},
    visitor::{Refused, Visitor},
};
use crate::{
    connection::Transport as _,
    memory::{self, Pipe},
    telemetry,
    websocket::{Compression, Opening, WebSocket},
};

/// The route of one mounted socket type.
pub(super) fn routes(path: &str, mounted: Arc<Mounted>) -> Router {
    let handler = move |path_params: RawPathParams, request: Request| {
        let mounted = mounted.clone();
        async move {
            let (parts, _body) = request.into_parts();
            let path = parts.uri.path().to_owned();
            match connect(parts, &path_params, &mounted).await {
                Ok(response) => response,
                Err(Refused { refusal, why }) => {
                    telemetry::refused(&path, refusal.status().as_u16(), &why);
                    mounted.answer(refusal)
                }
            }
        }
    };
    Router::new().route(path, any(handler))
}

async fn connect(
    mut parts: Parts,
    path_params: &RawPathParams,
    mounted: &Arc<Mounted>,
) -> Result<Response, Refused> {
    let mistaken = |why: String| {
        let refused = Refused::bad_request(why);
        refused.tell(parts.uri.path(), mounted);
        refused
    };
    if parts.method != Method::GET {
        return Err(mistaken(NoHandshake::Method.to_string()));
    }
    if let Some(pipe) = parts.extensions.remove::<Arc<Pipe>>() {
        return memory::open(&parts, path_params, mounted, pipe).await;
    }
    let visitor = Visitor::check(&parts, path_params, WebSocket::NAME, mounted)?;
    let accept_key = handshake::accept_key(&parts).map_err(|why| mistaken(why.to_string()))?;
    let upgrade = parts
        .extensions
        .remove::<OnUpgrade>()
        .ok_or_else(|| Refused::bad_request("the server cannot upgrade this connection"))?;
    let subprotocol = visitor.subprotocol.clone();
    let compress = mounted.sockets.options().compress.as_ref();
    let compression = compress.and_then(|options| Compression::negotiate(&parts.headers, options));
    let accepted = Box::new(visitor.admit().await?);
    let opening = Box::new(Opening { upgrade, compression, accepted });
    mounted.shared.node.spawn(|ctx| opening.run(ctx));
    let extensions = compression.map(|compression| compression.header());
    Ok(handshake::switching_protocols(accept_key, subprotocol, extensions))
}
