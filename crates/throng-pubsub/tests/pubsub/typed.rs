use std::cell::Cell;

use serde::{Deserialize, Serialize};
use serde_json::json;
use throng_pubsub::{Broadcast, Network, PubSub, Topic};
use throng_runtime::{Ctx, GenServer, Handled, Handler, Init, Message, Node};
use tokio::sync::mpsc;

use crate::probe::{Probe, event};

const PRICES: Topic<Price> = Topic::new("prices", "changed");

thread_local! {
    /// How often a price was parsed in this test: it, its processes and its network run on one thread.
    static PARSED: Cell<usize> = const { Cell::new(0) };
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
struct Price {
    #[serde(deserialize_with = "counted")]
    cents: u64,
}

impl Message for Price {
    type Reply = ();
}

fn counted<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    PARSED.set(PARSED.get() + 1);
    u64::deserialize(from)
}

struct Till(mpsc::UnboundedSender<Price>);

impl GenServer for Till {
    type Args = (PubSub, Topic<Price>, mpsc::UnboundedSender<Price>);

    async fn init((pubsub, topic, saw): Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        pubsub.subscribe_to(ctx, &topic);
        Ok(Till(saw))
    }
}

impl Handler<Price> for Till {
    async fn handle(&mut self, price: Price, _: &mut Ctx<Self>) -> Handled<Price> {
        self.0.send(price)?;
        Ok(())
    }
}

async fn till(node: &Node, pubsub: &PubSub, topic: Topic<Price>) -> mpsc::UnboundedReceiver<Price> {
    let (saw, seen) = mpsc::unbounded_channel();
    node.start(Till::child((pubsub.clone(), topic, saw))).await.unwrap();
    seen
}

#[tokio::test]
async fn a_typed_event_is_parsed_by_nobody_here_and_once_elsewhere() {
    let (node, network) = (Node::new("test"), Network::new());
    let [a, b] = ["a", "b"].map(|name| PubSub::over(network.join(name)));
    let (mut here, mut there) = (till(&node, &a, PRICES).await, till(&node, &b, PRICES).await);
    let mut also_there = till(&node, &b, PRICES).await;
    a.local_broadcast("prices", "other", json!({})).unwrap();
    a.publish(&PRICES, Price { cents: 250 }).unwrap();
    for seen in [&mut here, &mut there, &mut also_there] {
        assert_eq!(seen.recv().await, Some(Price { cents: 250 }));
    }
    assert_eq!(PARSED.get(), 1);
}

#[tokio::test]
async fn a_typed_event_is_an_ordinary_broadcast_to_everybody_else() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (_probe, mut saw) = Probe::subscribed(&node, &pubsub, "prices:7").await;
    let mut seen = till(&node, &pubsub, PRICES.at("prices:7")).await;
    pubsub.publish(&PRICES.at("prices:7"), Price { cents: 1 }).unwrap();
    assert_eq!(saw.next().await, event("prices:7", "changed", r#"{"cents":1}"#));
    assert_eq!(seen.recv().await, Some(Price { cents: 1 }));
}

#[tokio::test]
async fn what_has_not_the_type_is_not_delivered() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let mut seen = till(&node, &pubsub, PRICES).await;
    pubsub.dispatch(&Broadcast::new("prices", "changed", json!({ "cents": "many" })).unwrap(), None).unwrap();
    pubsub.publish(&PRICES, Price { cents: 2 }).unwrap();
    assert_eq!(seen.recv().await, Some(Price { cents: 2 }));
}
