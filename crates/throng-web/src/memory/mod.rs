//! The in-process transport: a client that is a value, without a network; for tests, and for clients that live in the server.
//!
//! ```text
//!   Endpoint::connect ─ the routes, the checks of §1.5, the application's connect ─► a process for the connection
//!   MemorySocket::send ──► pipe, one message ──► Client ──► channels
//!   MemorySocket::next ◄───────────────────────── Outbox, bounded by bytes
//! ```
//!
//! What a socket says passes the same doors as what comes over a network; only the transport's own (frames of RFC 6455, silence)
//! are not there. What waits for a client that does not look is bounded as ever: it is closed when it is too much.

mod pipe;
mod socket;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::RawPathParams,
    http::{Request, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

pub(crate) use self::pipe::Pipe;
use self::pipe::Sent;
pub use self::socket::{MemorySocket, SocketClosed, SocketFrame};
use crate::{
    Endpoint,
    close::CloseReason,
    connection::{Client, End, Outbox, Transport},
    endpoint::{Limits, Mounted, Refused, Visitor},
    protocol::Wire,
};

impl Endpoint {
    /// Connects a client within this process: the request goes through the endpoint's routes as one from a network would, and
    /// what the application's connect function says decides (§1.5, §1.6).
    ///
    /// Tests have more comfort with the `TestSocket` of `throng-test`, which speaks the protocol.
    ///
    /// ```
    /// use throng_web::{SocketFrame, axum::http::Request};
    /// # use throng_runtime::Node;
    /// # use throng_web::{Endpoint, PubSub, SocketRouter, Refusal};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (node, pubsub) = (Node::new("shop"), PubSub::new());
    /// # let sockets = SocketRouter::new(async |info| info.params.text("user").map(|_| ()).ok_or(Refusal::FORBIDDEN));
    /// let endpoint = Endpoint::builder(&node, &pubsub).socket("/socket", sockets).build()?;
    ///
    /// let request = |query| Request::get(format!("/socket/websocket?vsn=2.0.0{query}")).body(());
    /// let refused = endpoint.connect(request("")?).await.unwrap_err();
    /// assert_eq!(refused.status(), 403);
    ///
    /// let mut socket = endpoint.connect(request("&user=ada")?).await.map_err(|refused| refused.status().to_string())?;
    /// socket.send(r#"[null,"1","phoenix","heartbeat",{}]"#).await?;
    /// let reply = r#"[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]"#;
    /// assert_eq!(socket.next().await, Some(SocketFrame::Text(reply.to_owned())));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The response with which the client was refused.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future connects nobody, or somebody who is gone at once.
    pub async fn connect(&self, request: Request<()>) -> Result<MemorySocket, Response> {
        let pipe = Arc::new(Pipe::default());
        // Before the answer: if this future is dropped, so is the client.
        let socket = MemorySocket::new(pipe.clone());
        let mut request = request.map(|()| Body::empty());
        request.extensions_mut().insert(pipe);
        let answer = TowerToHyperService::new(self.router()).call(request).await;
        let answer = answer.unwrap_or_else(|infallible| match infallible {});
        if socket.is_connected() { Ok(socket) } else { Err(answer) }
    }
}

/// Lets a client of this process in, as the upgrade of a WebSocket would.
pub(crate) async fn open(
    parts: &Parts,
    path_params: &RawPathParams,
    mounted: &Arc<Mounted>,
    pipe: Arc<Pipe>,
) -> Result<Response, Refused> {
    let visitor = Visitor::check(parts, path_params, Memory::NAME, mounted)?;
    let accepted = visitor.admit().await?;
    pipe.connect(accepted.outbox().clone());
    mounted.shared.node.spawn(|ctx| Box::new(accepted).run(Box::new(Memory(pipe)), ctx));
    Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
}

/// The connection's end of the pipe.
struct Memory(Arc<Pipe>);

impl Transport for Memory {
    const NAME: &'static str = "memory";

    async fn serve(&mut self, client: &mut Client<'_>) -> End {
        let outbox = client.outbox();
        loop {
            if let Err(reason) = client.take_news() {
                return reason.into();
            }
            tokio::select! {
                biased;
                () = outbox.news_ready() => {}
                sent = self.0.take_sent(client.is_behind()) => {
                    if let Err(end) = take(sent, client).await {
                        return end;
                    }
                }
            }
        }
    }

    /// There is nobody to wait for: what is queued is the client's, with the reason.
    async fn close(self: Box<Self>, outbox: &Outbox, end: &End, _: &Limits) {
        self.0.end(outbox, end);
    }
}

async fn take(sent: Sent, client: &mut Client<'_>) -> Result<(), End> {
    let wire = match &sent {
        Sent::Text(text) => Wire::Text(text),
        Sent::Binary(bytes) => Wire::Binary(bytes),
        Sent::Close => return Err(End::Client),
        Sent::HangUp => return Err(End::Gone),
    };
    let length = match &wire {
        Wire::Text(text) => text.len(),
        Wire::Binary(bytes) => bytes.len(),
    };
    if length > client.limits().frame_bytes_max {
        return Err(CloseReason::TooBig.into());
    }
    Ok(client.take(wire).await?)
}
