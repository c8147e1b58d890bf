//! Events that clients send again because they do not know whether they were handled.

use std::sync::Arc;

use serde_json::Value;
use throng_pubsub::Payload;

use crate::{
    channel::Inbound,
    connection::{InFlight, Link},
    protocol::Message,
};

/// The field of an event's payload by which a client names it.
const MESSAGE_ID: &str = "_message_id";
/// The longest name.
const MESSAGE_ID_BYTES_MAX: usize = 128;
/// The shortest name that tells messages of clients apart which nothing else does: a random one is longer, and one that is counted,
/// or that another client would guess, is not. An answer must not reach whoever chose the same.
const NAMELESS_MESSAGE_ID_BYTES_MIN: usize = 16;

/// Hands an event over to its channel. One that has an id goes with what is known of it, when that is known: it may be in hand
/// in the channel of a connection that was lost.
pub(crate) fn hand_over(
    link: &Link,
    message: Message,
    in_flight: InFlight,
    hand: impl FnOnce(Inbound) + Send + 'static,
) {
    let (Some(history), Some((id, payload))) = (link.pubsub.history(), message_id(&message.payload)) else {
        return hand(Inbound::Event { message, in_flight });
    };
    let message = Message { payload, ..message };
    let client = match &link.id {
        Some(client) => client.clone(),
        None if id.len() >= NAMELESS_MESSAGE_ID_BYTES_MIN => Arc::from(""),
        None => return hand(Inbound::Event { message, in_flight }),
    };
    history.claim(client, message.topic.clone(), id, move |standing| {
        hand(Inbound::Known { message, in_flight, standing });
    });
}

/// The id of an event, and its payload without it, which is what the application sees.
fn message_id(payload: &Payload) -> Option<(String, Payload)> {
    let (id, rest) = payload.take_field(MESSAGE_ID)?;
    let id = match id.parse().ok()? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (1..=MESSAGE_ID_BYTES_MAX).contains(&id.len()).then_some((id, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_a_short_text_or_a_number() {
        let of = |id: Value| {
            let payload = Payload::new(json!({ "a": 1, "_message_id": id })).unwrap();
            message_id(&payload).map(|(id, rest)| (id, rest.as_json().to_owned()))
        };
        let rest = r#"{"a":1}"#.to_owned();
        assert_eq!(of(json!("x")), Some(("x".to_owned(), rest.clone())));
        assert_eq!(of(json!(7)), Some(("7".to_owned(), rest)));
        for wrong in [json!(""), json!("x".repeat(129)), json!(null), json!({}), json!([1]), json!(true)] {
            assert_eq!(of(wrong), None);
        }
    }
}
