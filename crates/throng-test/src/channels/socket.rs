//! A client's connection.

use std::time::Duration;

use serde_json::Value;
use throng_web::{
    CloseReason, Endpoint,
    axum::{
        body::to_bytes,
        http::{Request, StatusCode},
        response::Response,
    },
};

use super::{
    channel::{JoinRefused, TestChannel},
    query,
    wire::Wire,
};
use crate::deadline::DEFAULT_DEADLINE;

/// What a refusal's body may take to be shown.
const BODY_BYTES_MAX: usize = 64 << 10;

/// A client of an endpoint, connected without a socket. Dropping it, and the channels that it joined, is a connection that is
/// lost.
///
/// ```
/// use throng_test::{TestNode, TestSocket, assert_push, json};
/// # use serde_json::Value;
/// # use throng_runtime::Exit;
/// # use throng_web::{Channel, Endpoint, JoinError, PubSub, Refusal, Reply, Socket, SocketRouter};
/// # struct Room;
/// # #[derive(serde::Deserialize)]
/// # #[serde(tag = "event", content = "payload", rename_all = "snake_case")]
/// # enum RoomIn { Shout { body: String } }
/// # impl Channel for Room {
/// #     type Assigns = String; type Params = Value; type Event = RoomIn;
/// #     async fn join(_: Value, socket: &mut Socket<'_, Self>) -> Result<Self, JoinError> {
/// #         if socket.topic() == "room:secret" { Err(JoinError::unauthorized()) } else { Ok(Room) }
/// #     }
/// #     async fn handle_in(&mut self, event: RoomIn, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
/// #         let RoomIn::Shout { body } = event;
/// #         socket.broadcast("shout", json!({ "by": socket.assigns(), "body": body }))?;
/// #         Ok(Reply::ack())
/// #     }
/// # }
/// # fn endpoint(node: &throng_runtime::Node) -> Result<Endpoint, throng_web::EndpointError> {
/// #     let sockets = SocketRouter::new(async |info| info.params.text("name").map(str::to_owned).ok_or(Refusal::FORBIDDEN));
/// #     Endpoint::builder(node, &PubSub::new()).socket("/socket", sockets.channel::<Room>("room:*")).build()
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = TestNode::new();
/// let client = TestSocket::connect(&endpoint(&node)?, "/socket", json!({ "name": "ada" })).await?;
/// let mut room = client.join("room:1", json!({})).await?;
/// room.push("shout", json!({ "body": "hi" })).await.assert_ok(json!({}));
/// assert_push!(room, "shout", { "by": "ada", "body": "hi" });
///
/// let refused = client.join("room:secret", json!({})).await.unwrap_err();
/// assert_eq!(refused.response, json!({ "reason": "unauthorized" }));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TestSocket {
    wire: Wire,
    deadline: Duration,
}

impl TestSocket {
    /// Connects to the socket that is mounted at `mount`, with the parameters that a client's `params` would give.
    ///
    /// # Errors
    ///
    /// [`Refused`]: by the application's connect function, or by the checks before it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future connects nobody, or somebody who is gone at once.
    pub async fn connect(endpoint: &Endpoint, mount: &str, params: Value) -> Result<TestSocket, Refused> {
        let uri = format!("{mount}/websocket?vsn=2.0.0{}", query::encode(&params));
        let request = Request::get(uri)
            .body(())
            .map_err(|error| Refused { status: StatusCode::BAD_REQUEST, body: error.to_string() })?;
        TestSocket::connect_with(endpoint, request).await
    }

    /// Connects by a request of your own, with headers say; its query has to ask for `vsn=2.0.0`.
    ///
    /// # Errors
    ///
    /// As [`TestSocket::connect`].
    ///
    /// # Cancel safety
    ///
    /// As [`TestSocket::connect`].
    pub async fn connect_with(endpoint: &Endpoint, request: Request<()>) -> Result<TestSocket, Refused> {
        match endpoint.connect(request).await {
            Ok(socket) => Ok(TestSocket { wire: Wire::new(socket), deadline: DEFAULT_DEADLINE }),
            Err(response) => Err(Refused::read(response).await),
        }
    }

    /// Waits this long for what is expected, here and in the channels joined from now on, instead of [`DEFAULT_DEADLINE`].
    pub fn deadline(mut self, deadline: Duration) -> TestSocket {
        self.deadline = deadline;
        self
    }

    /// Joins a topic, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`JoinRefused`], with what the channel said.
    ///
    /// # Panics
    ///
    /// When no answer comes in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the topic joined.
    #[track_caller]
    pub fn join(
        &self,
        topic: &str,
        params: Value,
    ) -> impl Future<Output = Result<TestChannel, JoinRefused>> + use<> {
        TestChannel::join(self.wire.clone(), topic.to_owned(), params, self.deadline)
    }

    /// Waits until the connection has ended; why the server closed it, if it did.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn expect_end(&self) -> impl Future<Output = Option<CloseReason>> + use<> {
        let (place, wire, deadline) = (std::panic::Location::caller(), self.wire.clone(), self.deadline);
        async move {
            let end = wire.end(deadline).await;
            end.unwrap_or_else(|| panic!("{place}: the connection did not end within {deadline:?}"))
        }
    }
}

/// The answer to a client that was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its status.
    pub status: StatusCode,
    /// Its body, as text.
    pub body: String,
}

impl Refused {
    async fn read(response: Response) -> Refused {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
        Refused { status: parts.status, body: String::from_utf8_lossy(&body).into_owned() }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with {} {}", self.status, self.body)
    }
}

impl std::error::Error for Refused {}
