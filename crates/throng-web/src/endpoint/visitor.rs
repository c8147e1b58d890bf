//! A client that asks to be let in: the checks of §1.5 in their order, whatever the transport.
//!
//! ```text
//!   request ─► query ─► origin ─► subprotocol ─► version ─► token ─► [the transport's own] ─► place ─► connect
//!              400      403       403            403        403      400                     503, 429  403 or its own
//! ```
//!
//! Whatever costs more comes later, and the application last: nobody makes it work in vain.

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    extract::{ConnectInfo as PeerInfo, RawPathParams},
    http::{HeaderValue, StatusCode, header, request::Parts},
};
use futures_util::FutureExt;

use super::{
    ConnectInfo, Mounted, Refusal,
    connect::text,
    registry::NoPlace,
    router::Session,
    subprotocol::{self, Agreed},
};
use crate::{
    connection::{Accepted, Outbox, Transport as _},
    origin::Origin,
    params::Params,
    protocol::Serializer,
    telemetry::{self, Event, Observers, SocketConnected, SocketRefused},
    vsn,
    websocket::WebSocket,
};

/// A client that has passed all checks but the application's.
pub(crate) struct Visitor {
    mounted: Arc<Mounted>,
    info: ConnectInfo,
    serializer: Serializer,
    /// Of the request, for the session in its cookies.
    headers: axum::http::HeaderMap,
    /// What the answer's `Sec-WebSocket-Protocol` says.
    pub(crate) subprotocol: Option<HeaderValue>,
}

/// A refusal, and why for the log.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) why: String,
}

impl Visitor {
    /// Holds a request against all rules but the transport's and the application's.
    pub(crate) fn check(
        parts: &Parts,
        path_params: &RawPathParams,
        transport: &'static str,
        mounted: &Arc<Mounted>,
    ) -> Result<Visitor, Refused> {
        let checked = Visitor::try_check(parts, path_params, transport, mounted);
        checked.inspect_err(|refused| refused.tell(parts.uri.path(), mounted))
    }

    fn try_check(
        parts: &Parts,
        path_params: &RawPathParams,
        transport: &'static str,
        mounted: &Arc<Mounted>,
    ) -> Result<Visitor, Refused> {
        let params = params(parts, path_params)?;
        let here = here(parts, mounted);
        check_origin(parts, &here, mounted)?;
        let Agreed { token, selected } = agree(parts, transport, mounted)?;
        let serializer = negotiate(&params)?;
        let mut info = ConnectInfo::new(parts, &here, transport, params);
        info.peer = info.peer.map(|peer| mounted.shared.proxies.client(peer, &parts.headers));
        info.auth_token = token;
        info.values = mounted.constants.clone();
        mounted.sockets.check_token(&mut info).map_err(Refused::by_application)?;
        let (mounted, headers) = (mounted.clone(), parts.headers.clone());
        Ok(Visitor { mounted, info, serializer, headers, subprotocol: selected })
    }

    /// Whether the page that sends a request may (§1.7).
    pub(crate) fn may_come(parts: &Parts, mounted: &Mounted) -> bool {
        check_origin(parts, &here(parts, mounted), mounted).is_ok()
    }

    /// What the query and the path say.
    pub(crate) fn params(&self) -> &Params {
        &self.info.params
    }

    /// Takes a place, and asks the application (§1.6). A place comes first, so that it is not asked in vain.
    pub(crate) async fn admit(self) -> Result<Accepted, Refused> {
        let peer = self.info.peer.map(|peer| peer.ip());
        let outbox = Outbox::new(&self.mounted.limits);
        let registration = self.mounted.shared.connections.register(outbox, peer).map_err(Refused::from);
        let registration =
            registration.inspect_err(|refused| refused.tell(self.info.uri.path(), &self.mounted))?;
        let (mounted, serializer) = (self.mounted.clone(), self.serializer);
        let watch = self.watch();
        let asked = self.ask().await;
        watch.tell(&mounted.shared.observers, asked.as_ref());
        let session = asked?;
        telemetry::connected(&watch.path, session.id().as_deref());
        Ok(Accepted { session, serializer, registration, mounted })
    }

    fn watch(&self) -> Watch {
        Watch {
            began: Instant::now(),
            path: self.info.uri.path().to_owned(),
            transport: self.info.transport,
            vsn: self.serializer.vsn(),
            params: self.mounted.shared.observers.are_there().then(|| self.info.params.clone()),
        }
    }

    /// The application may refuse, panic or take too long.
    async fn ask(self) -> Result<Arc<dyn Session>, Refused> {
        let Visitor { mounted, mut info, headers, .. } = self;
        let timeout = mounted.limits.upgrade_timeout;
        // Within the block: what the application does before its first await is caught as well.
        let answer = AssertUnwindSafe(async move {
            if let Some(session) = &mounted.session {
                let csrf_token = info.params.text("_csrf_token");
                session.read(&headers, csrf_token, &mut info.values);
            }
            mounted.sockets.clone().connect(info).await
        });
        match tokio::time::timeout(timeout, answer.catch_unwind()).await {
            Ok(Ok(answer)) => answer.map_err(Refused::by_application),
            Ok(Err(_panic)) => {
                let refusal = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "");
                Err(Refused { refusal, why: "connect panicked".to_owned() })
            }
            Err(_elapsed) => Err(Refused::unavailable("connect took too long")),
        }
    }
}

/// A connect that the application is asked about, for observers.
struct Watch {
    began: Instant,
    path: String,
    transport: &'static str,
    vsn: &'static str,
    /// Kept only for observers.
    params: Option<Params>,
}

impl Watch {
    fn tell(&self, observers: &Observers, asked: Result<&Arc<dyn Session>, &Refused>) {
        let Some(params) = &self.params else { return };
        let id = asked.ok().and_then(|session| session.id());
        observers.tell(|filter| {
            Event::SocketConnected(SocketConnected {
                duration: self.began.elapsed(),
                path: &self.path,
                transport: self.transport,
                vsn: self.vsn,
                id: id.as_deref(),
                params: filter.query(params),
                result: asked.map(|_| ()).map_err(|refused| refused.why.as_str()),
            })
        });
    }
}

impl Refused {
    /// Tells observers of a client that the application was not asked about.
    pub(super) fn tell(&self, path: &str, mounted: &Mounted) {
        mounted.shared.observers.tell(|_| {
            Event::SocketRefused(SocketRefused {
                path,
                status: self.refusal.status().as_u16(),
                reason: &self.why,
            })
        });
    }

    pub(crate) fn bad_request(why: impl Into<String>) -> Refused {
        let why = why.into();
        Refused { refusal: Refusal::new(StatusCode::BAD_REQUEST, why.clone()), why }
    }

    fn forbidden(why: impl Into<String>) -> Refused {
        Refused { refusal: Refusal::FORBIDDEN, why: why.into() }
    }

    fn unavailable(why: &'static str) -> Refused {
        Refused { refusal: Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why), why: why.to_owned() }
    }

    fn by_application(refusal: Refusal) -> Refused {
        let why = refusal.reason().unwrap_or("refused by connect").to_owned();
        Refused { refusal, why }
    }
}

impl From<NoPlace> for Refused {
    fn from(why: NoPlace) -> Refused {
        match why {
            NoPlace::Closed => Refused::unavailable("draining"),
            NoPlace::Full => Refused::unavailable("too many connections"),
            NoPlace::Peer => Refused {
                refusal: Refusal::TOO_MANY_REQUESTS,
                why: "too many sockets of one peer".to_owned(),
            },
        }
    }
}

fn params(parts: &Parts, path_params: &RawPathParams) -> Result<Params, Refused> {
    let query = parts.uri.query().unwrap_or_default();
    let mut params = Params::decode(query).map_err(|why| Refused::bad_request(why.to_string()))?;
    for (name, value) in path_params {
        params.insert(name, value);
    }
    Ok(params)
}

/// Where the request was sent to.
fn here(parts: &Parts, mounted: &Mounted) -> Origin {
    let host = text(&parts.headers, &header::HOST).unwrap_or_default();
    Origin::of_request(mounted.shared.scheme, host)
}

fn check_origin(parts: &Parts, here: &Origin, mounted: &Mounted) -> Result<(), Refused> {
    let header = parts.headers.get(header::ORIGIN);
    // A header that is not text is an origin that matches nothing.
    let origin = header.map(|value| value.to_str().unwrap_or_default());
    if mounted.check_origin.allows(origin, here) {
        return Ok(());
    }
    telemetry::origin_refused(parts.uri.path(), origin.unwrap_or_default());
    Err(Refused::forbidden("origin not allowed"))
}

/// What is not asked for is ignored. A page cannot choose the headers of a WebSocket, but those of other transports (§1.8).
fn agree(parts: &Parts, transport: &str, mounted: &Mounted) -> Result<Agreed, Refused> {
    if transport != WebSocket::NAME {
        let token = if mounted.auth_token { subprotocol::token_header(&parts.headers) } else { None };
        return Ok(Agreed { token, selected: None });
    }
    if mounted.subprotocols.is_empty() {
        return Ok(Agreed::default());
    }
    let agreed = subprotocol::agree(&parts.headers, mounted.auth_token, &mounted.subprotocols);
    agreed.map_err(|why| Refused::forbidden(why.to_string()))
}

/// The version of the protocol that the client asks for; whoever writes a client of another is told so (§1.4).
fn negotiate(params: &Params) -> Result<Serializer, Refused> {
    vsn::negotiate(params.get("vsn")).map_err(|why| Refused {
        refusal: Refusal::new(StatusCode::FORBIDDEN, vsn::SPOKEN),
        why: why.to_string(),
    })
}

/// The address of whoever is at the other end, where the server in use tells it.
pub(super) fn peer(parts: &Parts) -> Option<SocketAddr> {
    parts.extensions.get::<PeerInfo<SocketAddr>>().map(|info| info.0)
}
