//! `GET <mount>/websocket`: the checks of §1.5 in their order, then a process for the connection.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    extract::{RawPathParams, Request},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::FutureExt;
use hyper::upgrade::OnUpgrade;

use super::{
    ConnectInfo, Refusal, Shared,
    connect::text,
    handshake,
    router::{Session, SocketType},
    subprotocol::{self, Agreed},
};
use crate::{
    connection::{Accepted, Outbox},
    origin::Origin,
    params::Params,
    protocol::Serializer,
    telemetry, vsn,
    websocket::{Compression, Opening},
};

/// Where the clients of a mounted socket type connect.
pub(super) fn path(mount: &str) -> String {
    format!("{mount}/websocket")
}

/// The route of one mounted socket type.
pub(super) fn routes(mount: &str, sockets: Arc<dyn SocketType>, shared: &Arc<Shared>) -> Router {
    let shared = shared.clone();
    let handler = move |path_params: RawPathParams, request: Request| {
        let (sockets, shared) = (sockets.clone(), shared.clone());
        async move {
            let (parts, _body) = request.into_parts();
            let path = parts.uri.path().to_owned();
            match connect(parts, &path_params, sockets, &shared).await {
                Ok(response) => response,
                Err((refusal, why)) => {
                    telemetry::refused(&path, refusal.status().as_u16(), &why);
                    refusal.into_response()
                }
            }
        }
    };
    Router::new().route(&path(mount), any(handler))
}

/// A refusal, and why for the log.
type Refused = (Refusal, String);

async fn connect(
    mut parts: Parts,
    path_params: &RawPathParams,
    sockets: Arc<dyn SocketType>,
    shared: &Arc<Shared>,
) -> Result<Response, Refused> {
    let params = params(&parts, path_params)?;
    check_origin(&parts, &*sockets, shared)?;
    let Agreed { token, selected } = agree(&parts, &*sockets)?;
    let serializer = negotiate(&params)?;
    let accept_key = handshake::accept_key(&parts).map_err(|why| bad_request(why.to_string()))?;
    let compress = sockets.options().compress.as_ref();
    let compression = compress.and_then(|options| Compression::negotiate(&parts.headers, options));
    let upgrade = parts
        .extensions
        .remove::<OnUpgrade>()
        .ok_or_else(|| bad_request("the server cannot upgrade this connection".to_owned()))?;
    // A place is taken before the application is asked, so that it is not asked in vain.
    let registration = shared
        .connections
        .register(Outbox::new(&shared.limits))
        .ok_or_else(|| unavailable("draining, or too many connections"))?;
    let session = ask(sockets, ConnectInfo::new(&parts, params, token), shared).await?;
    telemetry::connected(parts.uri.path(), session.id().as_deref());
    let accepted = Box::new(Accepted { session, serializer, registration, shared: shared.clone() });
    let opening = Box::new(Opening { upgrade, compression, accepted });
    shared.node.spawn(move |ctx| opening.run(ctx));
    let extensions = compression.map(|compression| compression.header());
    Ok(handshake::switching_protocols(accept_key, selected, extensions))
}

/// Asks the application, which may refuse, panic or take too long (§1.6).
async fn ask(
    sockets: Arc<dyn SocketType>,
    info: ConnectInfo,
    shared: &Shared,
) -> Result<Box<dyn Session>, Refused> {
    // Within the block: what the application does before its first await is caught as well.
    let answer = AssertUnwindSafe(async { sockets.connect(info).await }).catch_unwind();
    match tokio::time::timeout(shared.limits.upgrade_timeout, answer).await {
        Ok(Ok(answer)) => answer.map_err(|refusal| (refusal, "refused by connect".to_owned())),
        Ok(Err(_panic)) => {
            Err((Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, ""), "connect panicked".to_owned()))
        }
        Err(_elapsed) => Err(unavailable("connect took too long")),
    }
}

fn params(parts: &Parts, path_params: &RawPathParams) -> Result<Params, Refused> {
    let query = parts.uri.query().unwrap_or_default();
    let mut params = Params::decode(query).map_err(|why| bad_request(why.to_string()))?;
    for (name, value) in path_params {
        params.insert(name, value);
    }
    Ok(params)
}

fn check_origin(parts: &Parts, sockets: &dyn SocketType, shared: &Shared) -> Result<(), Refused> {
    let header = parts.headers.get(header::ORIGIN);
    // A header that is not text is an origin that matches nothing.
    let origin = header.map(|value| value.to_str().unwrap_or_default());
    let host = text(&parts.headers, &header::HOST).unwrap_or_default();
    let here = Origin::of_request(shared.scheme, host);
    // The list belongs to the mount (§1.7).
    let rule = sockets.options().check_origin.as_ref().unwrap_or(&shared.check_origin);
    if rule.allows(origin, &here) {
        return Ok(());
    }
    telemetry::origin_refused(parts.uri.path(), origin.unwrap_or_default());
    Err((Refusal::FORBIDDEN, "origin not allowed".to_owned()))
}

/// The header is ignored where no token is asked for (§1.8).
fn agree(parts: &Parts, sockets: &dyn SocketType) -> Result<Agreed, Refused> {
    if !sockets.options().auth_token {
        return Ok(Agreed::default());
    }
    subprotocol::agree(&parts.headers).map_err(|why| (Refusal::FORBIDDEN, why.to_string()))
}

/// The version of the protocol that the client asks for; whoever writes a client of another is told so (§1.4).
fn negotiate(params: &Params) -> Result<Serializer, Refused> {
    vsn::negotiate(params.get("vsn"))
        .map_err(|why| (Refusal::new(StatusCode::FORBIDDEN, vsn::SPOKEN), why.to_string()))
}

fn bad_request(why: String) -> Refused {
    (Refusal::new(StatusCode::BAD_REQUEST, why.clone()), why)
}

fn unavailable(why: &'static str) -> Refused {
    (Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why), why.to_owned())
}
