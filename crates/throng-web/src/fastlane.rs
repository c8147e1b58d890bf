//! How broadcasts reach clients: as frames encoded once, past the channels, straight into the queues of connections (§6.2).

use std::sync::Arc;

use throng_pubsub::Broadcast;
use throng_runtime::{Address, Pid};

use crate::{
    channel::{Channel, ChannelServer, Inbound},
    close::CloseReason,
    connection::{Loan, Outbox},
    protocol::{Frame, Ref, encode},
    socket::ChannelId,
};

/// The event that ends all connections of a socket id (§7.4).
pub(crate) const DISCONNECT: &str = "disconnect";

/// A broadcast as all clients get it; a type of its own, so that no other serializer's is taken for it.
struct BroadcastFrame(Frame);

/// The frame of a broadcast, which carries no references (§2.8). The first who asks encodes it.
fn frame(broadcast: &Broadcast) -> Frame {
    let encode = |broadcast: &Broadcast| {
        let (topic, event) = (broadcast.topic(), broadcast.event());
        BroadcastFrame(encode(&Ref::NULL, &Ref::NULL, topic, event, broadcast.payload()))
    };
    broadcast.encoded(encode).0.clone()
}

/// Delivers to a channel's client, but hands the events that the channel intercepts to the channel.
pub(crate) fn to_channel<C: Channel>(
    pid: Pid<ChannelServer<C>>,
    channel: ChannelId,
    outbox: Arc<Outbox>,
) -> impl Fn(&Broadcast) + Send + Sync + 'static {
    move |broadcast| {
        if !C::INTERCEPTS.contains(&broadcast.event()) {
            outbox.broadcast(channel, frame(broadcast));
        } else if let Some(loan) = Loan::take(&outbox, broadcast.payload().as_json().len()) {
            // A pid is an address of its own: it always resolves.
            drop(pid.cast(Inbound::Intercepted { broadcast: broadcast.clone(), loan }));
        }
    }
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

    #[test]
    fn a_broadcast_carries_no_references_and_is_encoded_once() {
        // §2.8, §6.2
        let broadcast = Broadcast::new("room:a", "new_msg", serde_json::json!({"a": 1})).unwrap();
        let (first, second) = (frame(&broadcast), frame(&broadcast.clone()));
        assert_eq!(first.as_str(), r#"[null,null,"room:a","new_msg",{"a":1}]"#);
        assert_eq!(first.as_ptr(), second.as_ptr());
    }
}
