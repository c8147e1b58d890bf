//! What is known of a client that asks to connect, and how it is refused.

use std::{borrow::Cow, fmt, net::SocketAddr};

use axum::{
    extract::OriginalUri,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{session::Verified, subprotocol, visitor::peer};
use crate::{origin::Origin, params::Params, token::TokenData};

/// Headers of a trace context.
const TRACE_CONTEXT: [&str; 2] = ["traceparent", "tracestate"];
/// Headers that carry tokens of the transports.
const SECRET: [&str; 2] = ["x-phoenix-authtoken", "x-phoenix-longpoll-token"];

/// A request to connect (§1.9).
///
/// Cookies and `Authorization` are not in it: browsers send them with whatever page opens the socket, so trusting them
/// invites cross-site hijacking. Sign a token and have the page send it as a parameter.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectInfo {
    /// The decoded query.
    pub params: Params,
    /// The address of the client: the peer's, or, where that is one of the
    /// [trusted proxies](super::EndpointBuilder::trusted_proxies), the one that it names, with port 0. Unknown where the
    /// server in use does not tell.
    pub peer: Option<SocketAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Headers that begin with `x-` or `sec-websocket-`, and those of a trace context; none that carries a token.
    pub headers: HeaderMap,
    /// Where the request went to: scheme, host, port, path and query.
    pub uri: Uri,
    /// The token that phoenix.js sends as its `authToken`, where [`Mount::auth_token`](super::Mount::auth_token) asks for
    /// it (§1.8).
    pub auth_token: Option<String>,
    /// What the client's token says, where a [`TokenGate`](super::TokenGate) let it in.
    pub token: Option<TokenData>,
    /// The transport: `websocket` or `longpoll` (§5.5).
    pub transport: &'static str,
    /// The mount's constants and the session, by type.
    pub(super) values: Extensions,
}

impl ConnectInfo {
    pub(super) fn new(parts: &Parts, here: &Origin, transport: &'static str, params: Params) -> ConnectInfo {
        ConnectInfo {
            params,
            peer: peer(parts),
            user_agent: text(&parts.headers, &header::USER_AGENT).map(str::to_owned),
            headers: shown(&parts.headers),
            // A router around the endpoint's own cuts its prefix off.
            uri: here.with_path(parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0)),
            auth_token: None,
            token: None,
            transport,
            values: Extensions::new(),
        }
    }

    /// Headers that begin with `x-`.
    pub fn x_headers(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.headers_from("x-")
    }

    /// Headers that begin with `sec-websocket-`; the token among the subprotocols is left out.
    pub fn sec_websocket_headers(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.headers_from("sec-websocket-")
    }

    /// `traceparent` and `tracestate`.
    pub fn trace_context_headers(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.headers_from("trace")
    }

    /// The value of this type that the mount [was given](super::Mount::constant).
    pub fn constant<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.get()
    }

    /// The page's session, if the page proved to be one of yours: see [`Mount::session`](super::Mount::session).
    pub fn session<S: Send + Sync + 'static>(&self) -> Option<&S> {
        self.values.get::<Verified<S>>().map(|session| &session.0)
    }

    fn headers_from<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a HeaderValue)> {
        let named = self.headers.iter().map(|(name, value)| (name.as_str(), value));
        named.filter(move |(name, _)| name.starts_with(prefix))
    }
}

impl fmt::Debug for ConnectInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may carry keys as well; their names alone are shown, and nothing of the token.
        let headers: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("ConnectInfo")
            .field("path", &self.uri.path())
            .field("transport", &self.transport)
            .field("peer", &self.peer)
            .field("params", &self.params)
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}

/// A header's value where it is text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn shown(headers: &HeaderMap) -> HeaderMap {
    let is_shown = |name: &str| {
        let is_harmless = name.starts_with("x-") && !SECRET.contains(&name);
        is_harmless || name.starts_with("sec-websocket-") || TRACE_CONTEXT.contains(&name)
    };
    let mut shown: HeaderMap = headers
        .iter()
        .filter(|(name, _)| is_shown(name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    subprotocol::hide_token(&mut shown);
    shown
}

/// An answer to a client that is not let in (§1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    body: Cow<'static, str>,
    reason: Option<Cow<'static, str>>,
}

impl Refusal {
    /// 403 without a body.
    pub const FORBIDDEN: Refusal = Refusal::of(StatusCode::FORBIDDEN, Cow::Borrowed(""));

    /// 429, for clients that connect too often.
    pub const TOO_MANY_REQUESTS: Refusal =
        Refusal::of(StatusCode::TOO_MANY_REQUESTS, Cow::Borrowed("too many requests"));

    /// Any status with a body.
    pub fn new(status: StatusCode, body: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::of(status, body.into())
    }

    /// For a reason, of which an [error handler](super::EndpointBuilder::error_handler) makes the answer; without one it is
    /// 403. The client does not see the reason, the log does.
    ///
    /// ```
    /// # use throng_runtime::Node;
    /// # use throng_web::{Endpoint, PubSub, Refusal, SocketRouter, axum::{http::StatusCode, response::IntoResponse}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), throng_web::EndpointError> {
    /// # let (node, pubsub) = (Node::new("shop"), PubSub::new());
    /// # struct Buckets; impl Buckets { fn is_empty(&self) -> bool { true } }
    /// # let buckets = Buckets;
    /// let sockets = SocketRouter::<()>::new(async |_| Err(Refusal::because("rate limit")));
    /// let endpoint = Endpoint::builder(&node, &pubsub)
    ///     .socket("/socket", sockets)
    ///     .error_handler(|refusal| match refusal.reason() {
    ///         Some("rate limit") => (StatusCode::TOO_MANY_REQUESTS, "Too many requests").into_response(),
    ///         _ => refusal.clone().into_response(),
    ///     })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn because(reason: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { reason: Some(reason.into()), ..Refusal::FORBIDDEN }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Why, if it was said.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    const fn of(status: StatusCode, body: Cow<'static, str>) -> Refusal {
        Refusal { status, body, reason: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, self.body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn info(headers: &[(&str, &str)]) -> ConnectInfo {
        let request = Request::get("/socket/websocket?user=ada").header("host", "chat.test:4000");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let parts = request.body(()).unwrap().into_parts().0;
        let here = Origin::of_request("http", "chat.test:4000");
        let mut info = ConnectInfo::new(&parts, &here, "websocket", Params::decode("user=ada").unwrap());
        info.auth_token = Some("secret".into());
        info
    }

    fn names<'a>(headers: impl Iterator<Item = (&'a str, &'a HeaderValue)>) -> Vec<&'a str> {
        headers.map(|(name, _)| name).collect()
    }

    #[test]
    fn c1_9_cookies_authorization_and_tokens_are_not_shown() {
        let info = info(&[
            ("cookie", "session=secret"),
            ("authorization", "Bearer secret"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-phoenix-authtoken", "secret"),
            ("traceparent", "00-1-2-01"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "phoenix, base64url.bearer.phx.c2VjcmV0, chat"),
            ("user-agent", "curl"),
        ]);
        assert_eq!(names(info.x_headers()), ["x-forwarded-for"]);
        assert_eq!(names(info.trace_context_headers()), ["traceparent"]);
        assert_eq!(names(info.sec_websocket_headers()), ["sec-websocket-version", "sec-websocket-protocol"]);
        assert_eq!(info.headers["sec-websocket-protocol"], "phoenix, chat");
        assert_eq!(info.headers.len(), 4);
        assert_eq!(info.user_agent.as_deref(), Some("curl"));
        assert!(!format!("{info:?} {:?}", info.headers).contains("secret"));
    }

    #[test]
    fn c1_9_the_uri_is_whole() {
        let uri = info(&[]).uri;
        let seen = (uri.scheme_str(), uri.host(), uri.port_u16(), uri.path(), uri.query());
        let expected = (Some("http"), Some("chat.test"), Some(4000), "/socket/websocket", Some("user=ada"));
        assert_eq!(seen, expected);
    }
}
