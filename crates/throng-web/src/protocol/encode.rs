//! Messages → text frames, always of exactly five elements (§2.2, §2.7).

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Payload, Ref, event};

/// One encoded text frame; cloning it shares the bytes, so that a broadcast is encoded once for all its receivers.
pub(crate) type Frame = Utf8Bytes;

/// Encodes `[join_ref, ref, topic, event, payload]`.
pub(crate) fn encode(join_ref: &Ref, reference: &Ref, topic: &str, event: &str, payload: &Payload) -> Frame {
    let mut text = head(join_ref, reference, topic, event, payload.as_json().len());
    text.push_str(payload.as_json());
    text.push(']');
    text.into()
}

/// Encodes a `phx_reply` with its status and response.
pub(crate) fn encode_reply(
    join_ref: &Ref,
    reference: &Ref,
    topic: &str,
    status: &str,
    response: &Payload,
) -> Frame {
    let mut text = head(join_ref, reference, topic, event::REPLY, response.as_json().len() + 32);
    text.push_str("{\"status\":");
    push_string(&mut text, status);
    text.push_str(",\"response\":");
    text.push_str(response.as_json());
    text.push_str("}]");
    text.into()
}

/// The frame up to its payload, with room for the rest.
fn head(join_ref: &Ref, reference: &Ref, topic: &str, event: &str, payload_bytes: usize) -> String {
    let names = join_ref.as_json().len() + reference.as_json().len() + topic.len() + event.len();
    let mut text = String::with_capacity(names + payload_bytes + 16);
    text.push('[');
    text.push_str(join_ref.as_json());
    text.push(',');
    text.push_str(reference.as_json());
    text.push(',');
    push_string(&mut text, topic);
    text.push(',');
    push_string(&mut text, event);
    text.push(',');
    text
}

/// Appends a JSON string literal.
fn push_string(text: &mut String, value: &str) {
    if value.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&serde_json::Value::from(value).to_string());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::{DecodeLimits, decode};

    #[test]
    fn absent_references_are_null() {
        // §2.2
        let frame = encode(&Ref::NULL, &Ref::NULL, "room:a", "new_msg", &Payload::empty());
        assert_eq!(frame.as_str(), r#"[null,null,"room:a","new_msg",{}]"#);
    }

    #[test]
    fn a_reply_wraps_status_and_response() {
        // §2.7
        let frame = encode_reply(&Ref::NULL, &Ref::text("7"), "phoenix", "ok", &Payload::empty());
        assert_eq!(frame.as_str(), r#"[null,"7","phoenix","phx_reply",{"status":"ok","response":{}}]"#);
        let frame = encode_reply(&Ref::text("1"), &Ref::text("2"), "r", "ma\"ybe", &Payload::new(7).unwrap());
        assert_eq!(frame.as_str(), r#"["1","2","r","phx_reply",{"status":"ma\"ybe","response":7}]"#);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(
            join_ref in ".{0,9}", reference in ".{0,9}", topic in ".{0,40}", event in ".{0,40}", body in ".{0,40}"
        ) {
            let payload = Payload::new(serde_json::json!({ "body": body })).unwrap();
            let (join_ref, reference) = (Ref::text(&join_ref), Ref::text(&reference));
            let frame = encode(&join_ref, &reference, &topic, &event, &payload);
            let message = decode(&frame, &DecodeLimits::default()).unwrap();
            prop_assert_eq!(message.join_ref, join_ref);
            prop_assert_eq!(message.reference, reference);
            prop_assert_eq!(&*message.topic, &*topic);
            prop_assert_eq!(&*message.event, &*event);
            prop_assert_eq!(message.payload, payload);
        }
    }
}
