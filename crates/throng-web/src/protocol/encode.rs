//! Messages → text frames: arrays of exactly five elements, or objects of exactly four keys (§2.2, §2.3, §2.7).

use super::{Frame, Payload, serializer::Head};

/// Encodes `[join_ref, ref, topic, event, payload]`.
pub(super) fn message_v2(head: Head<'_>, payload: &Payload) -> Frame {
    Frame::text(head_v2(head, Frame::room_for(payload)).0, payload, "]")
}

pub(super) fn reply_v2(head: Head<'_>, status: &str, response: &Payload) -> Frame {
    let room = status_bytes(status) + Frame::room_for(response);
    Frame::text(head_v2(head, room).status(status).0, response, "}]")
}

/// Encodes `{"topic", "event", "ref", "payload"}`; a client of this version is never told of a `join_ref` (§2.3).
pub(super) fn message_v1(head: Head<'_>, payload: &Payload) -> Frame {
    Frame::text(head_v1(head, Frame::room_for(payload)).0, payload, "}")
}

pub(super) fn reply_v1(head: Head<'_>, status: &str, response: &Payload) -> Frame {
    let room = status_bytes(status) + Frame::room_for(response);
    Frame::text(head_v1(head, room).status(status).0, response, "}}")
}

fn head_v2(Head { join_ref, reference, topic, event }: Head<'_>, room: usize) -> Text {
    let names = join_ref.as_json().len() + reference.as_json().len() + topic.len() + event.len();
    Text::with_capacity(names + "[,,\"\",\"\",".len() + room)
        .raw("[")
        .raw(join_ref.as_json())
        .raw(",")
        .raw(reference.as_json())
        .raw(",")
        .string(topic)
        .raw(",")
        .string(event)
        .raw(",")
}

fn head_v1(Head { reference, topic, event, .. }: Head<'_>, room: usize) -> Text {
    let names = reference.as_json().len() + topic.len() + event.len();
    Text::with_capacity(names + "{'topic':'','event':'','ref':,'payload':".len() + room)
        .raw("{\"topic\":")
        .string(topic)
        .raw(",\"event\":")
        .string(event)
        .raw(",\"ref\":")
        .raw(reference.as_json())
        .raw(",\"payload\":")
}

/// What a reply has before its response.
fn status_bytes(status: &str) -> usize {
    "{\"status\":\"\",\"response\":".len() + status.len()
}

/// JSON that is being written.
struct Text(Vec<u8>);

impl Text {
    fn with_capacity(bytes: usize) -> Text {
        Text(Vec::with_capacity(bytes))
    }

    fn raw(mut self, text: &str) -> Text {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// Appends a JSON string literal.
    fn string(self, value: &str) -> Text {
        if value.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
            self.raw("\"").raw(value).raw("\"")
        } else {
            self.raw(&serde_json::Value::from(value).to_string())
        }
    }

    fn status(self, status: &str) -> Text {
        self.raw("{\"status\":").string(status).raw(",\"response\":")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::{DecodeLimits, Ref, Serializer};

    const BOTH: [Serializer; 2] = [Serializer::V1, Serializer::V2];

    fn text(frame: Frame) -> String {
        frame.as_text().unwrap().into_owned()
    }

    #[test]
    fn c2_2_an_array_has_five_elements_and_absent_references_are_null() {
        let frame = Serializer::V2.push(&Ref::NULL, "room:a", "new_msg", &Payload::empty()).unwrap();
        assert_eq!(text(frame), r#"[null,null,"room:a","new_msg",{}]"#);
    }

    #[test]
    fn c2_3_an_object_has_four_keys_and_no_join_ref() {
        let frame = Serializer::V1.push(&Ref::text("1"), "room:a", "new_msg", &Payload::empty()).unwrap();
        assert_eq!(text(frame), r#"{"topic":"room:a","event":"new_msg","ref":null,"payload":{}}"#);
    }

    #[test]
    fn c2_7_a_reply_wraps_status_and_response() {
        let reply = |serializer: Serializer, reference: &Ref, status: &str, response: &Payload| {
            text(serializer.reply(&Ref::text("1"), reference, "r", status, response).unwrap())
        };
        let (two, seven) = (Ref::text("2"), Payload::new(7).unwrap());
        let (two, seven) = (&two, &seven);
        assert_eq!(
            reply(Serializer::V2, two, "ok", &Payload::empty()),
            r#"["1","2","r","phx_reply",{"status":"ok","response":{}}]"#
        );
        assert_eq!(
            reply(Serializer::V2, two, "ma\"ybe", seven),
            r#"["1","2","r","phx_reply",{"status":"ma\"ybe","response":7}]"#
        );
        assert_eq!(
            reply(Serializer::V1, two, "ok", seven),
            r#"{"topic":"r","event":"phx_reply","ref":"2","payload":{"status":"ok","response":7}}"#
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(
            join_ref in ".{0,9}", reference in ".{0,9}", topic in ".{0,40}", event in ".{0,40}", body in ".{0,40}",
            version in 0..2_usize,
        ) {
            let payload = Payload::new(serde_json::json!({ "body": body })).unwrap();
            let (join_ref, reference) = (Ref::text(&join_ref), Ref::text(&reference));
            let head = Head { join_ref: &join_ref, reference: &reference, topic: &topic, event: &event };
            let frame = [message_v1, message_v2][version](head, &payload);
            let decoded = BOTH[version].decode_text(&text(frame), &DecodeLimits::default()).unwrap();
            prop_assert_eq!(decoded.join_ref, if version == 0 { Ref::NULL } else { join_ref });
            prop_assert_eq!(decoded.reference, reference);
            prop_assert_eq!(&*decoded.topic, &*topic);
            prop_assert_eq!(&*decoded.event, &*event);
            prop_assert_eq!(decoded.payload, payload);
        }
    }
}
