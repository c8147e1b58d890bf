//! A polite client: it speaks the protocol as phoenix.js does, one reference after another.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, client::IntoClientRequest, handshake::client::Response, protocol::CloseFrame,
    },
};

use super::soon;

/// One connection of a client.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) response: Response,
    next_ref: u64,
}

/// How a client was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr, path: &str) -> Client {
        Client::try_connect(addr, path, &[]).await.unwrap()
    }

    /// Connects with headers of its own.
    pub(crate) async fn try_connect(
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, Refused> {
        let mut request = format!("ws://{addr}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let stream = soon("the connection", TcpStream::connect(addr)).await.unwrap();
        match soon("the handshake", tokio_tungstenite::client_async(request, stream)).await {
            Ok((socket, response)) => Ok(Client { socket, response, next_ref: 0 }),
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                let body = String::from_utf8(body).unwrap();
                Err(Refused { status: response.status().as_u16(), body })
            }
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    /// Sends a text frame.
    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        soon("a write", self.socket.send(Message::text(text.into()))).await.unwrap();
    }

    /// Sends a binary frame.
    pub(crate) async fn send_bytes(&mut self, bytes: impl Into<Vec<u8>>) {
        soon("a write", self.socket.send(Message::binary(bytes.into()))).await.unwrap();
    }

    /// The next message, which is a binary frame.
    pub(crate) async fn receive_bytes(&mut self) -> Vec<u8> {
        match soon("a message", self.socket.next()).await {
            Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
            other => panic!("unexpected {other:?}"),
        }
    }

    /// Sends a message with a new reference, and returns the reference.
    pub(crate) async fn push(&mut self, join_ref: Value, topic: &str, event: &str, payload: Value) -> String {
        self.next_ref += 1;
        let reference = self.next_ref.to_string();
        self.send(json!([join_ref, reference, topic, event, payload]).to_string()).await;
        reference
    }

    /// The next message; panics at a close.
    pub(crate) async fn receive(&mut self) -> Value {
        match self.next().await {
            Ok(text) => serde_json::from_str(&text).unwrap(),
            Err(close) => panic!("closed: {close:?}"),
        }
    }

    /// Expects the next message to be this one.
    #[track_caller]
    pub(crate) fn expect(&mut self, message: Value) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let received = self.receive().await;
            assert_eq!(received, message, "at {place}");
        }
    }

    /// Joins a topic and expects to be let in; its `join_ref`.
    pub(crate) async fn join(&mut self, topic: &str) -> Value {
        self.join_with(topic, json!({})).await
    }

    pub(crate) async fn join_with(&mut self, topic: &str, params: Value) -> Value {
        let (join_ref, reply) = self.try_join(topic, params).await;
        assert_eq!(reply["status"], "ok", "{reply}");
        join_ref
    }

    /// Joins a topic; its `join_ref` and the reply's payload.
    pub(crate) async fn try_join(&mut self, topic: &str, params: Value) -> (Value, Value) {
        let join_ref = Value::from((self.next_ref + 1).to_string());
        self.push(join_ref.clone(), topic, "phx_join", params).await;
        let reply = self.reply_to(&join_ref).await;
        (join_ref, reply)
    }

    /// Sends an event and waits for its answer: status and response. What comes before it is skipped.
    pub(crate) async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> (String, Value) {
        let reference = self.push(Value::Null, topic, event, payload).await;
        let reply = self.reply_to(&reference.into()).await;
        (reply["status"].as_str().unwrap().to_owned(), reply["response"].clone())
    }

    /// The payload of the reply to a reference; what comes before it is skipped.
    pub(crate) async fn reply_to(&mut self, reference: &Value) -> Value {
        loop {
            let message = self.receive().await;
            if message[1] == *reference && message[3] == "phx_reply" {
                return message[4].clone();
            }
        }
    }

    /// That nothing lies between now and the answer to a heartbeat: whatever was sent to this client before has come.
    pub(crate) async fn expect_nothing(&mut self) {
        let reference = self.push(Value::Null, "phoenix", "heartbeat", json!({})).await;
        self.expect(json!([null, reference, "phoenix", "phx_reply", {"status": "ok", "response": {}}])).await;
    }

    /// Reads to the end and returns the close code and reason; `None` if the connection broke without.
    pub(crate) async fn close(&mut self) -> Option<(u16, String)> {
        let close = loop {
            if let Err(close) = self.next().await {
                break close;
            }
        };
        // Reading on is what answers the close, and what shows that the server has hung up.
        while let Some(Ok(_)) = soon("the server to hang up", self.socket.next()).await {}
        close.map(|frame| (frame.code.into(), frame.reason.to_string()))
    }

    /// The close code alone.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        self.close().await.map(|(code, _)| code)
    }

    /// Says goodbye as phoenix.js does, and waits until the server has hung up.
    pub(crate) async fn hang_up(mut self) {
        let frame = CloseFrame { code: 1000.into(), reason: "".into() };
        // The server may have been quicker.
        drop(self.socket.close(Some(frame)).await);
        self.close().await;
    }

    /// The next text frame, or how the connection ended.
    pub(crate) async fn next(&mut self) -> Result<String, Option<CloseFrame>> {
        loop {
            match soon("a message", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("unexpected {other:?}"),
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}
