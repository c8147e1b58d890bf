//! What is known of a client that asks to connect, and how it is refused.

use std::{borrow::Cow, fmt, net::SocketAddr};

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use crate::params::Params;

/// Headers that an application may see beside those that begin with `x-`.
const SHOWN: [&str; 2] = ["traceparent", "tracestate"];

/// A request to connect (§1.9).
///
/// Cookies and `Authorization` are not in it: browsers send them with whatever page opens the socket, so trusting them
/// invites cross-site hijacking. Sign a token and have the page send it as a parameter.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectInfo {
    /// The decoded query.
    pub params: Params,
    /// The address of the peer: the client's, or a proxy's. Unknown where the server in use does not tell.
    pub peer: Option<SocketAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Headers that begin with `x-`, and those of a trace context.
    pub headers: HeaderMap,
    /// The path of the request.
    pub path: String,
    /// The token that phoenix.js sends as its `authToken`, where [`SocketRouter::auth_token`](super::SocketRouter::auth_token)
    /// asks for it (§1.8).
    pub auth_token: Option<String>,
}

impl ConnectInfo {
    pub(super) fn new(parts: &Parts, params: Params, auth_token: Option<String>) -> ConnectInfo {
        let peer = parts.extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
        ConnectInfo {
            params,
            peer: peer.map(|info| info.0),
            user_agent: text(&parts.headers, &header::USER_AGENT).map(str::to_owned),
            headers: shown(&parts.headers),
            path: parts.uri.path().to_owned(),
            auth_token,
        }
    }
}

impl fmt::Debug for ConnectInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may carry keys as well; their names alone are shown, and nothing of the token.
        let headers: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("ConnectInfo")
            .field("path", &self.path)
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
    let is_shown = |name: &HeaderName| name.as_str().starts_with("x-") || SHOWN.contains(&name.as_str());
    headers
        .iter()
        .filter(|(name, _)| is_shown(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// An answer to a client that is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    body: Cow<'static, str>,
}

impl Refusal {
    /// 403 without a body.
    pub const FORBIDDEN: Refusal = Refusal { status: StatusCode::FORBIDDEN, body: Cow::Borrowed("") };

    /// 429, for clients that connect too often.
    pub const TOO_MANY_REQUESTS: Refusal =
        Refusal { status: StatusCode::TOO_MANY_REQUESTS, body: Cow::Borrowed("too many requests") };

    /// Any status with a body.
    pub fn new(status: StatusCode, body: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { status, body: body.into() }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
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

    #[test]
    fn cookies_and_authorization_are_not_shown() {
        // §1.9
        let (parts, ()) = Request::get("/socket/websocket?user=ada")
            .header("cookie", "session=secret")
            .header("authorization", "Bearer secret")
            .header("x-forwarded-for", "10.0.0.1")
            .header("traceparent", "00-1-2-01")
            .header("user-agent", "curl")
            .body(())
            .unwrap()
            .into_parts();
        let info = ConnectInfo::new(&parts, Params::decode("user=ada").unwrap(), Some("secret".into()));
        let names: Vec<_> = info.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-forwarded-for", "traceparent"]);
        assert_eq!(info.user_agent.as_deref(), Some("curl"));
        assert_eq!(info.path, "/socket/websocket");
        assert!(!format!("{info:?}").contains("secret"));
    }
}
