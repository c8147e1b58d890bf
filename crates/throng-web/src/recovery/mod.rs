//! What clients miss, and how they get it (§18.6): the words of it on the wire.
//!
//! ```text
//!    join     {…, "since": "epoch:offset"}
//!    reply    {…, "history": {"epoch", "offset", "since", "gap", "more", "messages": [{"offset", "event", "payload"}, …]}}
//!    event    "history" {the same}                               for each further page, and where the reply is no object
//!    event    "said" {…, "_since": "epoch:offset"}               every broadcast that is recorded
//!    push     "say" {…, "_message_id": "…"}                      answered once, however often it is sent
//! ```
//!
//! What is recorded, and numbered, is the affair of [`History`](throng_pubsub::History).

mod claims;
mod pages;

use throng_pubsub::{Payload, Since};

pub(crate) use self::{
    claims::hand_over,
    pages::{Pages, reply_with},
};

/// The field of a reply, and the event, by which clients learn what they missed.
pub(crate) const HISTORY: &str = "history";
/// The parameter of a join that says where the client was.
const SINCE: &str = "since";

/// Takes out of a join's parameters where the client was; the application sees the rest.
pub(crate) fn since(params: &Payload) -> (Option<Since>, Payload) {
    match params.take_field(SINCE) {
        Some((since, rest)) => (since.parse().map_or(Some(Since::Unknown), |since| Since::of(&since)), rest),
        None => (None, params.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(params: serde_json::Value) -> (Option<Since>, String) {
        let (since, rest) = since(&Payload::new(params).unwrap());
        (since, rest.as_json().to_owned())
    }

    #[test]
    fn c18_6_the_application_does_not_see_where_the_client_was() {
        assert_eq!(of(json!({ "since": 0, "a": 1 })), (Some(Since::Start), r#"{"a":1}"#.to_owned()));
        assert_eq!(of(json!({ "since": null })), (None, "{}".to_owned()));
        assert_eq!(of(json!({ "since": "?" })), (Some(Since::Unknown), "{}".to_owned()));
        assert_eq!(of(json!({ "a": { "since": 0 } })), (None, r#"{"a":{"since":0}}"#.to_owned()));
        assert_eq!(of(json!(["since"])), (None, r#"["since"]"#.to_owned()));
    }
}
