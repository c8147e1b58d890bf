//! `GET <mount>/websocket`: the checks of §1.5 in their order, then a process for the connection.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hyper::upgrade::OnUpgrade;

use super::connect::text;
use super::router::SocketType;
use super::{ConnectInfo, Refusal, Shared, handshake};
use crate::connection::{Accepted, Outbox};
use crate::origin::Origin;
use crate::params::Params;
use crate::telemetry;
use crate::vsn::{self, Version};

/// The route of one mounted socket type.
pub(super) fn route(path: &str, sockets: Arc<dyn SocketType>, shared: &Arc<Shared>) -> Router {
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
    Router::new().route(&format!("{path}/websocket"), any(handler))
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
    check_origin(&parts, shared)?;
    check_version(&params)?;
    let accept_key = handshake::accept_key(&parts).map_err(|why| bad_request(why.to_string()))?;
    let upgrade = parts
        .extensions
        .remove::<OnUpgrade>()
        .ok_or_else(|| bad_request("the server cannot upgrade this connection".to_owned()))?;
    // A place is taken before the application is asked, so that it is not asked in vain.
    let registration = shared
        .connections
        .register(Outbox::new(shared.limits.outbound_bytes_max))
        .ok_or_else(|| unavailable("draining, or too many connections"))?;
    let info = ConnectInfo::new(&parts, params);
    let session =
        sockets.connect(info).await.map_err(|refusal| (refusal, "refused by connect".to_owned()))?;
    telemetry::connected(parts.uri.path(), session.id().as_deref());
    let accepted = Accepted { upgrade, session, registration, shared: shared.clone() };
    shared.node.spawn(|ctx| accepted.run(ctx));
    Ok(handshake::switching_protocols(&accept_key))
}

fn params(parts: &Parts, path_params: &RawPathParams) -> Result<Params, Refused> {
    let query = parts.uri.query().unwrap_or_default();
    let mut params = Params::decode(query).map_err(|why| bad_request(why.to_string()))?;
    for (name, value) in path_params {
        params.insert(name, value);
    }
    Ok(params)
}

fn check_origin(parts: &Parts, shared: &Shared) -> Result<(), Refused> {
    let header = parts.headers.get(header::ORIGIN);
    // A header that is not text is an origin that matches nothing.
    let origin = header.map(|value| value.to_str().unwrap_or_default());
    let host = text(&parts.headers, &header::HOST).unwrap_or_default();
    let here = Origin::of_request(shared.scheme, host);
    if shared.check_origin.allows(origin, &here) {
        return Ok(());
    }
    telemetry::origin_refused(parts.uri.path(), origin.unwrap_or_default());
    Err((Refusal::FORBIDDEN, "origin not allowed".to_owned()))
}

/// Only the second version of the protocol is spoken.
fn check_version(params: &Params) -> Result<(), Refused> {
    match vsn::negotiate(params.get("vsn")) {
        Ok(Version::V2) => Ok(()),
        Ok(Version::V1) => Err((Refusal::FORBIDDEN, "vsn 1 is not supported".to_owned())),
        Err(why) => Err((Refusal::FORBIDDEN, why.to_string())),
    }
}

fn bad_request(why: String) -> Refused {
    (Refusal::new(StatusCode::BAD_REQUEST, why.clone()), why)
}

fn unavailable(why: &'static str) -> Refused {
    (Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why), why.to_owned())
}
