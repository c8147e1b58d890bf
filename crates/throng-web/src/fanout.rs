//! From topics to clients: subscriptions whose frames go straight to the connection, without waking the channel (§6.2).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use throng_runtime::{Address, Pid, ProcessId};

use crate::broadcast::Broadcast;
use crate::channel::{Channel, ChannelServer, Inbound};
use crate::close::CloseReason;
use crate::connection::{Loan, Outbox};
use crate::protocol::Payload;
use crate::socket::ChannelId;

/// The event that ends all connections of a socket id (§7.4).
const DISCONNECT: &str = "disconnect";

/// Topics and who gets what is broadcast on them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fanout {
    topics: Arc<RwLock<Topics>>,
}

type Topics = HashMap<Arc<str>, Vec<Arc<Subscriber>>>;

impl Fanout {
    /// Sends an event to all subscribers but one.
    pub(crate) fn broadcast(&self, topic: &str, event: &str, payload: Payload, except: Option<ProcessId>) {
        let broadcast = Arc::new(Broadcast::new(topic, event, payload));
        let topics = self.topics.read();
        for subscriber in topics.get(topic).into_iter().flatten() {
            if Some(subscriber.process) != except {
                subscriber.deliver(&broadcast);
            }
        }
    }

    /// Subscribes until the subscription is dropped.
    pub(crate) fn subscribe(&self, topic: &Arc<str>, subscriber: Subscriber) -> Subscription {
        let subscriber = Arc::new(subscriber);
        self.topics.write().entry(topic.clone()).or_default().push(subscriber.clone());
        Subscription { fanout: self.clone(), topic: topic.clone(), subscriber: Some(subscriber) }
    }
}

/// A place in a topic's list of subscribers.
pub(crate) struct Subscription {
    fanout: Fanout,
    topic: Arc<str>,
    subscriber: Option<Arc<Subscriber>>,
}

impl Subscription {
    /// Ends it before it is dropped.
    pub(crate) fn end(&mut self) {
        let Some(ended) = self.subscriber.take() else { return };
        let mut topics = self.fanout.topics.write();
        if let Some(subscribers) = topics.get_mut(&self.topic) {
            subscribers.retain(|subscriber| !Arc::ptr_eq(subscriber, &ended));
            if subscribers.is_empty() {
                topics.remove(&self.topic);
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// Who gets a topic's broadcasts, and how.
pub(crate) struct Subscriber {
    process: ProcessId,
    outbox: Arc<Outbox>,
    delivery: Delivery,
}

enum Delivery {
    /// Frames to the client; intercepted events to the channel.
    Channel { channel: ChannelId, intercepts: &'static [&'static str], hand: Option<Hand> },
    /// Orders to the connection itself, on the topic of its socket id.
    Connection,
}

type Hand = Box<dyn Fn(Arc<Broadcast>, Loan) + Send + Sync>;

impl Subscriber {
    /// A channel, whose client gets the frames.
    pub(crate) fn channel<C: Channel>(
        pid: Pid<ChannelServer<C>>,
        channel: ChannelId,
        outbox: Arc<Outbox>,
    ) -> Subscriber {
        let hand = (!C::INTERCEPTS.is_empty()).then(|| -> Hand {
            Box::new(move |broadcast, loan| drop(pid.cast(Inbound::Intercepted { broadcast, loan })))
        });
        let delivery = Delivery::Channel { channel, intercepts: C::INTERCEPTS, hand };
        Subscriber { process: pid.id(), outbox, delivery }
    }

    /// A connection, which ends when told to disconnect.
    pub(crate) fn connection(process: ProcessId, outbox: Arc<Outbox>) -> Subscriber {
        Subscriber { process, outbox, delivery: Delivery::Connection }
    }

    /// Never waits: it runs in the broadcaster.
    fn deliver(&self, broadcast: &Arc<Broadcast>) {
        match &self.delivery {
            Delivery::Channel { intercepts, hand: Some(hand), .. }
                if intercepts.contains(&broadcast.event()) =>
            {
                if let Some(loan) = Loan::take(&self.outbox, broadcast.payload().as_json().len()) {
                    hand(broadcast.clone(), loan);
                }
            }
            Delivery::Channel { channel, .. } => self.outbox.broadcast(*channel, broadcast.frame()),
            Delivery::Connection if broadcast.event() == DISCONNECT => {
                self.outbox.close(CloseReason::Disconnected);
            }
            Delivery::Connection => {}
        }
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscriber").field(&self.process).finish()
    }
}
