//! The answers: HTTP says 200, and the body says what it means (§9.1).

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

/// What a body's `status` says.
///
/// phoenix.js takes anything but 200 as the answer to a POST for a reason to connect anew. Of a poll's answer it knows
/// 200, 204, 403, 410 and 500, and throws at any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The messages were taken, or here are some.
    Ok,
    /// Nothing was to be told for as long as a poll may last.
    NoContent,
    /// A message was none; the session has ended (§9.7).
    Malformed,
    /// Not let in.
    Forbidden,
    /// The session was too busy to take a message in time (§9.6).
    Timeout,
    /// No such session, or a new one (§9.3).
    Gone,
    /// A message or the body is too large; the session has ended.
    TooLarge,
    /// The server could not; the client tries again.
    Error,
}

impl Status {
    pub(super) fn code(self) -> u16 {
        match self {
            Status::Ok => 200,
            Status::NoContent => 204,
            Status::Malformed => 400,
            Status::Forbidden => 403,
            Status::Timeout => 408,
            Status::Gone => 410,
            Status::TooLarge => 413,
            Status::Error => 500,
        }
    }
}

/// Messages that go out in one answer: a JSON array of strings, each the text of a frame (§9.5).
#[derive(Debug)]
pub(super) struct Messages(Vec<u8>);

impl Messages {
    pub(super) fn none() -> Messages {
        Messages(vec![b'['])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 1
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let json = [self.0.as_slice(), b"]"].concat();
        serde_json::from_slice::<Vec<String>>(&json).unwrap().len()
    }

    /// Adds one whose text comes in parts, each of them UTF-8.
    pub(super) fn push<'a>(&mut self, parts: impl IntoIterator<Item = &'a [u8]>) {
        self.0.extend_from_slice(if self.is_empty() { b"\"" } else { b",\"" });
        for part in parts {
            escape(part, &mut self.0);
        }
        self.0.push(b'"');
    }
}

/// The answer to a POST, to a refused client, or to one that cannot be served.
pub(super) fn status(status: Status) -> Response {
    json(format!(r#"{{"status":{}}}"#, status.code()))
}

/// The answer to a poll. The token is ours: nothing in it needs to be escaped.
pub(super) fn poll(status: Status, token: &str, messages: &Messages) -> Response {
    let rest = format!(r#"],"status":{},"token":"{token}"}}"#, status.code());
    json([br#"{"messages":"#, messages.0.as_slice(), rest.as_bytes()].concat())
}

/// The answer to a browser that asks whether a page from elsewhere may send a request (§9.9).
pub(super) fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    for value in asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.append(header::ACCESS_CONTROL_ALLOW_HEADERS, value.clone());
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("get, post, options"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    from_anywhere(response)
}

/// The answer to any other method (§9.9).
pub(super) fn bad_request() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    from_anywhere(response)
}

fn json(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    from_anywhere(response)
}

/// Pages from anywhere may read an answer: the origin was checked before, and what opens a session is not a cookie.
fn from_anywhere(mut response: Response) -> Response {
    let anywhere = HeaderValue::from_static("*");
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anywhere);
    response
}

/// Writes a part of a JSON string.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + text.len() / 8);
    let mut plain = 0;
    for (index, byte) in text.iter().enumerate() {
        let escaped: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            // Of text that is JSON no message has others.
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&text[plain..index]);
        plain = index + 1;
        if escaped.is_empty() {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(escaped);
        }
    }
    out.extend_from_slice(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn messages(texts: &[&str]) -> Messages {
        let mut messages = Messages::none();
        texts.iter().for_each(|text| messages.push([text.as_bytes()]));
        messages
    }

    async fn body(response: Response) -> Value {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn c9_5_messages_are_strings() {
        let answer = poll(Status::Ok, "t", &messages(&[r#"["1",null]"#, "[]"]));
        let expected = json!({ "status": 200, "token": "t", "messages": [r#"["1",null]"#, "[]"] });
        assert_eq!(body(answer).await, expected);
        let answer = poll(Status::NoContent, "t", &messages(&[]));
        assert_eq!(body(answer).await, json!({ "status": 204, "token": "t", "messages": [] }));
    }

    #[tokio::test]
    async fn c9_1_http_says_ok_whatever_the_body_says() {
        for status_of_body in [Status::Forbidden, Status::Gone, Status::Timeout, Status::Error] {
            let answer = status(status_of_body);
            assert_eq!(answer.status(), 200);
            for (name, value) in [
                ("content-type", "application/json; charset=utf-8"),
                ("access-control-allow-origin", "*"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(answer.headers()[name], value);
            }
            assert_eq!(body(answer).await, json!({ "status": status_of_body.code() }));
        }
    }

    proptest! {
        #[test]
        fn a_text_in_any_parts_is_read_as_it_was_written(parts in prop::collection::vec(any::<String>(), 0..5)) {
            let mut messages = Messages::none();
            messages.push(parts.iter().map(String::as_bytes));
            let read: Vec<String> = serde_json::from_slice(&[messages.0.as_slice(), b"]"].concat()).unwrap();
            prop_assert_eq!(read, vec![parts.concat()]);
        }
    }
}
