//! A polite client of the long-poll transport: it polls and posts as phoenix.js does.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::{Value, json};

use super::{Answer, Request};

/// One session of a client.
pub(crate) struct Poller {
    addr: SocketAddr,
    /// With its query.
    path: String,
    pub(crate) token: Option<String>,
    received: VecDeque<Value>,
    last_ref: u64,
}

impl Poller {
    /// A client without a session.
    pub(crate) fn new(addr: SocketAddr, path: &str) -> Poller {
        Poller { addr, path: path.to_owned(), token: None, received: VecDeque::new(), last_ref: 0 }
    }

    /// A client that was let in.
    pub(crate) async fn open(addr: SocketAddr, path: &str) -> Poller {
        let mut poller = Poller::new(addr, path);
        let opened = poller.poll().await;
        assert_eq!((&opened["status"], &opened["messages"]), (&json!(410), &json!([])));
        poller.token = Some(opened["token"].as_str().unwrap().to_owned());
        poller
    }

    /// A request of this session.
    pub(crate) fn request(&self, method: &str) -> Request {
        let token = self.token.as_ref().map(|token| format!("&token={token}")).unwrap_or_default();
        Request::new(self.addr, method, &format!("{}{token}", self.path))
    }

    /// One poll: the body of its answer.
    pub(crate) async fn poll(&self) -> Value {
        body(&self.request("GET").send().await)
    }

    /// Posts lines; the status in the body of the answer.
    pub(crate) async fn post(&self, lines: &str) -> u64 {
        let request = self.request("POST").header("Content-Type", "application/x-ndjson").body(lines);
        body(&request.send().await)["status"].as_u64().unwrap()
    }

    /// Sends an event with a new reference, and returns the reference.
    pub(crate) async fn push(&mut self, topic: &str, event: &str, payload: Value) -> Value {
        self.last_ref += 1;
        let reference = Value::from(self.last_ref.to_string());
        let join_ref = if event == "phx_join" { reference.clone() } else { Value::Null };
        let message = json!([join_ref, reference, topic, event, payload]);
        assert_eq!(self.post(&message.to_string()).await, 200);
        reference
    }

    /// Joins a topic and is let in.
    pub(crate) async fn join(&mut self, topic: &str, params: Value) {
        let reply = self.ask(topic, "phx_join", params).await;
        assert_eq!(reply["status"], "ok", "{reply}");
    }

    /// Sends an event, and waits for the payload of its answer; what comes before it is skipped.
    pub(crate) async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> Value {
        let reference = self.push(topic, event, payload).await;
        loop {
            let message = self.receive().await;
            if message[1] == reference && message[3] == "phx_reply" {
                return message[4].clone();
            }
        }
    }

    /// The next message, polled for as often as it takes.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            if let Some(message) = self.received.pop_front() {
                return message;
            }
            let polled = self.poll().await;
            assert!([200, 204].contains(&polled["status"].as_u64().unwrap()), "{polled}");
            let messages = polled["messages"].as_array().unwrap().iter();
            self.received
                .extend(messages.map(|text| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap()));
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, message: Value) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            assert_eq!(self.receive().await, message, "at {place}");
        }
    }
}

/// The body, whose status is the one that counts.
fn body(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200);
    answer.json()
}
