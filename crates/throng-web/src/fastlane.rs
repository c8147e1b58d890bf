//! How broadcasts reach clients: as frames encoded once, past the channels, straight into the queues of connections (§6.2).

use std::sync::Arc;

use throng_pubsub::Broadcast;
use throng_runtime::{Address, Pid};

use crate::{
    channel::{Channel, ChannelServer, Inbound},
    close::CloseReason,
    connection::{Loan, Mark, Merge, Outbox},
    protocol::{Frame, Ref, Serializer},
    slow::WhenSlowRules,
    socket::ChannelId,
    telemetry,
};

/// The event that ends all connections of a socket id (§7.4).
pub(crate) const DISCONNECT: &str = "disconnect";

/// A broadcast as clients of one version get it: each version has a type, so that none is taken for the other's.
struct V1(Option<Frame>);
struct V2(Option<Frame>);

/// The frame of a broadcast, for whom it has one. The first who asks encodes it.
fn frame(broadcast: &Broadcast, serializer: Serializer) -> Option<Frame> {
    match serializer {
        Serializer::V1 => broadcast.encoded(|broadcast| V1(encode(broadcast, serializer))).0.clone(),
        Serializer::V2 => broadcast.encoded(|broadcast| V2(encode(broadcast, serializer))).0.clone(),
    }
}

/// Clients that cannot be told, as the first version has no bytes, are skipped, and the broadcaster goes on (§3.6).
fn encode(broadcast: &Broadcast, serializer: Serializer) -> Option<Frame> {
    let encoded = serializer.broadcast(broadcast);
    encoded.map_err(|error| telemetry::broadcast_skipped(broadcast.topic(), &error)).ok()
}

/// Delivers to a channel's client, by its rules for clients that are slow.
pub(crate) fn to_client(
    channel: ChannelId,
    outbox: Arc<Outbox>,
    serializer: Serializer,
    when_slow: WhenSlowRules,
) -> impl Fn(&Broadcast) + Send + Sync + 'static {
    move |broadcast| send(broadcast, channel, &outbox, serializer, when_slow)
}

/// Queues a broadcast for a channel's client, as it is.
pub(crate) fn send(
    broadcast: &Broadcast,
    channel: ChannelId,
    outbox: &Outbox,
    serializer: Serializer,
    when_slow: WhenSlowRules,
) {
    if let Some(frame) = frame(broadcast, serializer) {
        let mark = Mark::new(when_slow, channel, broadcast.event(), |merge| Merge {
            merge,
            serializer,
            join_ref: Ref::NULL,
            topic: broadcast.topic().into(),
            payload: broadcast.client_payload().clone(),
        });
        outbox.broadcast(channel, frame, mark);
    }
}

/// Delivers to a channel's client, but hands the events that the channel intercepts to the channel.
pub(crate) fn to_channel<C: Channel>(
    pid: Pid<ChannelServer<C>>,
    channel: ChannelId,
    outbox: Arc<Outbox>,
    serializer: Serializer,
) -> impl Fn(&Broadcast) + Send + Sync + 'static {
    let deliver = to_client(channel, outbox.clone(), serializer, C::WHEN_SLOW);
    move |broadcast| {
        if !goes_through::<C>(broadcast) {
            deliver(broadcast);
        } else if let Some(loan) = Loan::take(&outbox, broadcast.payload().as_wire().len()) {
            // A pid is an address of its own: it always resolves.
            drop(pid.cast(Inbound::Intercepted { broadcast: broadcast.clone(), loan }));
        }
    }
}

/// Whether a broadcast goes through the channel: it is intercepted; or it is recorded and would overtake one that is, and who is
/// lost between the two would come back from a place behind both.
fn goes_through<C: Channel>(broadcast: &Broadcast) -> bool {
    C::INTERCEPTS.contains(&broadcast.event())
        || (C::RECOVERS && !C::INTERCEPTS.is_empty() && broadcast.position().is_some())
}

/// Ends a connection that is told to disconnect on the topic of its socket id.
pub(crate) fn to_connection(outbox: Arc<Outbox>) -> impl Fn(&Broadcast) + Send + Sync + 'static {
    move |broadcast| {
        if broadcast.event() == DISCONNECT {
            outbox.close(CloseReason::Disconnected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(broadcast: &Broadcast, serializer: Serializer) -> Frame {
        super::frame(broadcast, serializer).unwrap()
    }

    #[test]
    fn c6_2_a_broadcast_carries_no_references_and_is_encoded_once_for_each_version() {
        // §2.8
        let broadcast = Broadcast::new("room:a", "new_msg", serde_json::json!({"a": 1})).unwrap();
        let texts = [
            (Serializer::V2, r#"[null,null,"room:a","new_msg",{"a":1}]"#),
            (Serializer::V1, r#"{"topic":"room:a","event":"new_msg","ref":null,"payload":{"a":1}}"#),
        ];
        for (serializer, text) in texts {
            let (first, second) = (frame(&broadcast, serializer), frame(&broadcast.clone(), serializer));
            assert_eq!(first.as_text().unwrap(), text);
            assert_eq!(first.parts()[0].as_ptr(), second.parts()[0].as_ptr());
        }
    }

    #[test]
    fn c6_2_a_large_payload_is_the_same_for_all() {
        let broadcast =
            Broadcast::new("room:a", "state", serde_json::json!({"a": "x".repeat(5_000)})).unwrap();
        for serializer in [Serializer::V1, Serializer::V2] {
            let frame = frame(&broadcast, serializer);
            assert_eq!(frame.parts()[1].as_ptr(), broadcast.payload().as_wire().as_ptr());
        }
    }

    #[test]
    fn c3_6_bytes_go_to_those_who_understand_them() {
        let bytes = throng_pubsub::Payload::bytes(&b"\x01"[..]);
        let broadcast = Broadcast::new("room:a", "pic", bytes).unwrap();
        assert_eq!(super::frame(&broadcast, Serializer::V1), None);
        assert!(frame(&broadcast, Serializer::V2).is_binary());
    }
}
