//! The HTTP side of the WebSocket handshake (RFC 6455 §4): is this request one, and what is the answer.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};

use super::connect::text;
use crate::websocket;

/// Why a request is not a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoHandshake {
    #[error("only GET opens a WebSocket")]
    Method,
    #[error("the request does not ask to upgrade to a WebSocket")]
    NoUpgrade,
    #[error("only version 13 of the WebSocket protocol is spoken")]
    Version,
    #[error("the Sec-WebSocket-Key header is missing or malformed")]
    Key,
}

/// The accept key for a handshake request.
pub(crate) fn accept_key(parts: &Parts) -> Result<HeaderValue, NoHandshake> {
    let headers = &parts.headers;
    if parts.method != Method::GET {
        return Err(NoHandshake::Method);
    }
    if !lists(headers, &header::CONNECTION, "upgrade") || !lists(headers, &header::UPGRADE, "websocket") {
        return Err(NoHandshake::NoUpgrade);
    }
    if text(headers, &header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(NoHandshake::Version);
    }
    // Sixteen bytes in base64.
    let key = text(headers, &header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24 && key.ends_with("=="));
    let accepted = key.map(websocket::accept_key).ok_or(NoHandshake::Key)?;
    HeaderValue::try_from(accepted).map_err(|_| NoHandshake::Key)
}

/// The answer that switches protocols.
pub(crate) fn switching_protocols(
    accept_key: HeaderValue,
    subprotocol: Option<HeaderValue>,
    extensions: Option<HeaderValue>,
) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept_key);
    if let Some(subprotocol) = subprotocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    if let Some(extensions) = extensions {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, extensions);
    }
    response
}

/// Whether a comma-separated header lists a word.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn request(method: &str, headers: &[(&str, &str)]) -> Parts {
        let request = Request::builder().method(method).uri("/socket/websocket");
        headers.iter().fold(request, |r, (k, v)| r.header(*k, *v)).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_handshake_is_answered_with_the_key_of_the_standard() {
        // RFC 6455 §1.3
        assert_eq!(accept_key(&request("GET", &GOOD)).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn the_answer_switches_protocols() {
        let subprotocol = HeaderValue::from_static("phoenix");
        let response = switching_protocols(HeaderValue::from_static("key="), Some(subprotocol), None);
        assert_eq!(response.status(), 101);
        let expected = [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-accept", "key="),
            ("sec-websocket-protocol", "phoenix"),
        ];
        for (name, value) in expected {
            assert_eq!(response.headers()[name], value, "{name}");
        }
    }

    #[test]
    fn whatever_is_not_a_handshake_is_told_why() {
        // §1.5
        assert_eq!(accept_key(&request("POST", &GOOD)), Err(NoHandshake::Method));
        let cases = [
            ("connection", "close", NoHandshake::NoUpgrade),
            ("upgrade", "h2c", NoHandshake::NoUpgrade),
            ("sec-websocket-version", "8", NoHandshake::Version),
            ("sec-websocket-key", "short", NoHandshake::Key),
        ];
        for (name, value, expected) in cases {
            let mut headers = GOOD;
            if let Some(header) = headers.iter_mut().find(|(header, _)| *header == name) {
                header.1 = value;
            }
            assert_eq!(accept_key(&request("GET", &headers)), Err(expected), "{name}");
            let without: Vec<_> = GOOD.into_iter().filter(|(header, _)| *header != name).collect();
            assert_eq!(accept_key(&request("GET", &without)), Err(expected), "without {name}");
        }
    }
}
