//! A client that polls and posts as phoenix.js does, one reference after another.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::{Value, json};

use super::{Exchange, request};

/// One session of a client.
pub(crate) struct Client {
    addr: SocketAddr,
    path: String,
    pub(crate) token: String,
    next_ref: u64,
    /// Polled for and not looked at.
    received: VecDeque<Value>,
}

/// The body of a poll's answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Polled {
    pub(crate) status: u64,
    pub(crate) token: Option<String>,
    pub(crate) messages: Vec<String>,
}

impl From<Value> for Polled {
    fn from(body: Value) -> Polled {
        let messages = body["messages"].as_array().into_iter().flatten();
        Polled {
            status: body["status"].as_u64().unwrap(),
            token: body["token"].as_str().map(str::to_owned),
            messages: messages.map(|message| message.as_str().unwrap().to_owned()).collect(),
        }
    }
}

impl Client {
    /// Without a session.
    pub(crate) fn new(addr: SocketAddr, path: &str) -> Client {
        Client { addr, path: path.to_owned(), token: String::new(), next_ref: 0, received: VecDeque::new() }
    }

    /// Gets a session.
    pub(crate) async fn open(&mut self) {
        let opened = self.poll().await;
        assert_eq!((opened.status, opened.messages), (410, vec![]));
        self.token = opened.token.unwrap();
    }

    /// Where the next request goes.
    pub(crate) fn uri(&self) -> String {
        let token = if self.token.is_empty() { String::new() } else { format!("token={}", self.token) };
        format!("{}&{token}", self.path)
    }

    /// Begins a poll.
    pub(crate) async fn begin_poll(&self) -> Exchange {
        request(self.addr, "GET", &self.uri(), &[("Accept", "application/json")], b"").await
    }

    /// One poll.
    pub(crate) async fn poll(&self) -> Polled {
        self.begin_poll().await.answer().await.json().into()
    }

    /// Sends a body of a content type, and returns the status.
    pub(crate) async fn post_as(&self, content_type: &str, body: &[u8]) -> u64 {
        let headers = [("Content-Type", content_type)];
        let answer = request(self.addr, "POST", &self.uri(), &headers, body).await.answer().await;
        assert_eq!(answer.status, 200);
        answer.json()["status"].as_u64().unwrap()
    }

    /// Sends lines.
    pub(crate) async fn post(&self, body: impl AsRef<[u8]>) -> u64 {
        self.post_as("application/x-ndjson", body.as_ref()).await
    }

    /// Sends a message with a new reference, and returns the reference.
    pub(crate) async fn push(&mut self, topic: &str, event: &str, payload: Value) -> String {
        self.next_ref += 1;
        let reference = self.next_ref.to_string();
        let message = json!([null, reference, topic, event, payload]);
        assert_eq!(self.post(message.to_string()).await, 200);
        reference
    }

    /// The next message.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            if let Some(message) = self.received.pop_front() {
                return message;
            }
            let polled = self.poll().await;
            assert!(matches!(polled.status, 200 | 204), "{polled:?}");
            self.received
                .extend(polled.messages.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()));
        }
    }

    /// The answer to a reference; what comes before it is dropped.
    pub(crate) async fn answer(&mut self, reference: &str) -> (String, Value) {
        loop {
            let message = self.receive().await;
            if message[3] == "phx_reply" && message[1] == reference {
                let payload = &message[4];
                return (payload["status"].as_str().unwrap().to_owned(), payload["response"].clone());
            }
        }
    }

    pub(crate) async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> (String, Value) {
        let reference = self.push(topic, event, payload).await;
        self.answer(&reference).await
    }

    pub(crate) async fn join(&mut self, topic: &str) {
        self.join_with(topic, json!({})).await;
    }

    pub(crate) async fn join_with(&mut self, topic: &str, params: Value) {
        assert_eq!(self.ask(topic, "phx_join", params).await.0, "ok");
    }
}
