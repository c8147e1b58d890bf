//! A polite client: it speaks the protocol as phoenix.js does, one reference after another.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Bytes, Error, Message, client::IntoClientRequest, handshake::client::Response, protocol::CloseFrame,
    },
};

use super::{Answer, soon};

/// One connection of a client.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) response: Response,
    last_ref: u64,
}

/// What the server sends.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    Text(Value),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

/// How a connection ended: with a code and a reason, or without.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Close(u16, String),
    Broken,
}

impl Client {
    /// Connects; the answer where the server refuses.
    pub(crate) async fn connect(
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, Answer> {
        let mut request = format!("ws://{addr}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let stream = soon("the connection", TcpStream::connect(addr)).await.unwrap();
        match soon("the handshake", tokio_tungstenite::client_async(request, stream)).await {
            Ok((socket, response)) => Ok(Client { socket, response, last_ref: 0 }),
            Err(Error::Http(response)) => Err(answer(&response)),
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    /// Sends any text.
    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.send_message(Message::text(text.into())).await;
    }

    /// Sends one message of the second version.
    pub(crate) async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: impl Into<Vec<u8>>) {
        self.send_message(Message::binary(bytes.into())).await;
    }

    pub(crate) async fn ping(&mut self, data: &'static [u8]) {
        self.send_message(Message::Ping(Bytes::from_static(data))).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        soon("a write", self.socket.send(message)).await.unwrap();
    }

    /// A reference that was not used before.
    pub(crate) fn next_ref(&mut self) -> Value {
        self.last_ref += 1;
        self.last_ref.to_string().into()
    }

    /// Sends an event with a new reference, and returns the reference.
    pub(crate) async fn push(&mut self, join_ref: &Value, topic: &str, event: &str, payload: Value) -> Value {
        let reference = self.next_ref();
        self.send(json!([join_ref, reference, topic, event, payload])).await;
        reference
    }

    /// Sends a join, whose `join_ref` it returns.
    pub(crate) async fn send_join(&mut self, topic: &str, params: Value) -> Value {
        let join_ref = self.next_ref();
        self.send(json!([join_ref, join_ref, topic, "phx_join", params])).await;
        join_ref
    }

    /// Joins a topic and is let in; its `join_ref`.
    #[track_caller]
    pub(crate) fn join(&mut self, topic: &str) -> impl Future<Output = Value> {
        self.join_with(topic, json!({}))
    }

    #[track_caller]
    pub(crate) fn join_with(&mut self, topic: &str, params: Value) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let join_ref = self.send_join(topic, params).await;
            let reply = self.reply_to(&join_ref).await;
            assert_eq!(reply["status"], "ok", "{reply} at {place}");
            join_ref
        }
    }

    /// Sends an event as a member, and waits for the payload of its answer; what comes before it is skipped.
    pub(crate) async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> Value {
        let reference = self.push(&Value::Null, topic, event, payload).await;
        self.reply_to(&reference).await
    }

    /// The payload of the reply to a reference; what comes before it is skipped.
    pub(crate) async fn reply_to(&mut self, reference: &Value) -> Value {
        self.find(|message| message[1] == *reference && message[3] == "phx_reply").await[4].clone()
    }

    /// The first message that is wanted; what comes before it is skipped.
    pub(crate) async fn find(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.receive().await;
            if is_wanted(&message) {
                return message;
            }
        }
    }

    /// The payload of the next event of this name; what comes before it is skipped.
    pub(crate) async fn event(&mut self, event: &str) -> Value {
        self.find(|message| message[3] == event).await[4].clone()
    }

    /// The next text message.
    #[track_caller]
    pub(crate) fn receive(&mut self) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            match self.next().await {
                Ok(Frame::Text(message)) => message,
                other => panic!("{other:?} at {place}"),
            }
        }
    }

    /// The next binary message.
    #[track_caller]
    pub(crate) fn receive_binary(&mut self) -> impl Future<Output = Vec<u8>> {
        let place = std::panic::Location::caller();
        async move {
            match self.next().await {
                Ok(Frame::Binary(bytes)) => bytes,
                other => panic!("{other:?} at {place}"),
            }
        }
    }

    /// Expects the next message to be this one.
    #[track_caller]
    pub(crate) fn expect(&mut self, message: Value) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let received = self.next().await;
            assert_eq!(received, Ok(Frame::Text(message)), "at {place}");
        }
    }

    /// That nothing lies between now and the answer to a heartbeat.
    #[track_caller]
    pub(crate) fn expect_nothing(&mut self) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let reference = self.push(&Value::Null, "phoenix", "heartbeat", json!({})).await;
            let answer = json!([null, reference, "phoenix", "phx_reply", {"status": "ok", "response": {}}]);
            assert_eq!(self.next().await, Ok(Frame::Text(answer)), "at {place}");
        }
    }

    /// The next frame, or how the connection ended.
    pub(crate) async fn next(&mut self) -> Result<Frame, End> {
        match soon("a message", self.socket.next()).await {
            Some(Ok(Message::Text(text))) => Ok(Frame::Text(serde_json::from_str(&text).unwrap())),
            Some(Ok(Message::Binary(bytes))) => Ok(Frame::Binary(bytes.into())),
            Some(Ok(Message::Ping(data))) => Ok(Frame::Ping(data.into())),
            Some(Ok(Message::Pong(data))) => Ok(Frame::Pong(data.into())),
            Some(Ok(Message::Close(Some(frame)))) => {
                Err(End::Close(frame.code.into(), frame.reason.to_string()))
            }
            Some(Ok(Message::Close(None))) => Err(End::Close(1005, String::new())),
            Some(Ok(Message::Frame(_)) | Err(_)) | None => Err(End::Broken),
        }
    }

    /// Reads to the end; the close code, or none if the connection broke without.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        match self.end().await {
            End::Close(code, _) => Some(code),
            End::Broken => None,
        }
    }

    /// Reads to the end.
    pub(crate) async fn end(&mut self) -> End {
        let end = loop {
            if let Err(end) = self.next().await {
                break end;
            }
        };
        // Reading on is what answers the close, and what shows that the server has hung up.
        while let Some(Ok(_)) = soon("the server to hang up", self.socket.next()).await {}
        end
    }

    /// Says goodbye as phoenix.js does, and waits until the server has hung up.
    pub(crate) async fn hang_up(mut self) -> End {
        let frame = CloseFrame { code: 1000.into(), reason: "".into() };
        // The server may have been quicker.
        drop(self.socket.close(Some(frame)).await);
        self.end().await
    }
}

fn answer(response: &tokio_tungstenite::tungstenite::http::Response<Option<Vec<u8>>>) -> Answer {
    let headers = response.headers().iter();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body: text(response.body().as_deref().unwrap_or_default()),
    }
}
