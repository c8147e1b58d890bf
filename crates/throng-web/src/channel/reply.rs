//! What a channel answers: to a join, to an event, now or later.

use std::{borrow::Cow, sync::Arc};

use throng_pubsub::{Claim, IntoPayload};
use throng_runtime::Exit;

use crate::{
    connection::Link,
    protocol::{Payload, PayloadError, Ref},
};

/// What `handle_in` returns: an answer to the event, or none, and whether the channel goes on.
///
/// A response is any JSON value, or bytes (§2.5, §3.2). One that cannot be encoded crashes the channel when the reply is sent.
#[derive(Debug)]
#[must_use = "a reply is sent by returning it"]
pub struct Reply {
    pub(super) answer: Option<Answer>,
    pub(super) stop: Option<Exit>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: Cow<'static, str>,
    pub(super) response: Result<Payload, PayloadError>,
}

impl Reply {
    /// No answer: the event needs none, or it comes later by a [`SocketRef`].
    pub fn none() -> Reply {
        Reply { answer: None, stop: None }
    }

    /// Status `ok` with an empty response.
    pub fn ack() -> Reply {
        Reply::bare("ok")
    }

    /// Any status with an empty response (§2.7).
    pub fn bare(status: impl Into<Cow<'static, str>>) -> Reply {
        Reply::of(status, Ok(Payload::empty()))
    }

    /// Status `ok` with a response.
    pub fn ok(response: impl IntoPayload) -> Reply {
        Reply::status("ok", response)
    }

    /// Status `error` with a response.
    pub fn error(response: impl IntoPayload) -> Reply {
        Reply::status("error", response)
    }

    /// Status `error` with the response `{"reason": reason}`.
    pub fn refused(reason: &str) -> Reply {
        Reply::of("error", Ok(Payload::reason(reason)))
    }

    /// Any status with a response.
    pub fn status(status: impl Into<Cow<'static, str>>, response: impl IntoPayload) -> Reply {
        Reply::of(status, Payload::new(response))
    }

    /// Stops the channel after the answer; a clean reason closes it for the client, any other is a crash (§7.3).
    pub fn then_stop(mut self, reason: Exit) -> Reply {
        self.stop = Some(reason);
        self
    }

    fn of(status: impl Into<Cow<'static, str>>, response: Result<Payload, PayloadError>) -> Reply {
        Reply { answer: Some(Answer { status: status.into(), response }), stop: None }
    }
}

/// Why a join did not succeed.
///
/// Any error converts into a crash, so `?` within a join means "join crashed" for the client, the cause in the log.
#[derive(Debug)]
#[non_exhaustive]
pub enum JoinError {
    /// The client may not join; it gets the response.
    Refused(Payload),
    /// Something broke.
    Crashed(Exit),
}

impl JoinError {
    /// Refuses with the response `{"reason": reason}`.
    pub fn refused(reason: &str) -> JoinError {
        JoinError::Refused(Payload::reason(reason))
    }

    /// Refuses with the reason `unauthorized`.
    pub fn unauthorized() -> JoinError {
        JoinError::refused("unauthorized")
    }

    /// Refuses with any response; one that cannot be encoded is a crash.
    pub fn with(response: impl IntoPayload) -> JoinError {
        match Payload::new(response) {
            Ok(response) => JoinError::Refused(response),
            Err(error) => JoinError::Crashed(error.into()),
        }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for JoinError {
    fn from(error: E) -> JoinError {
        JoinError::Crashed(error.into())
    }
}

/// The right to answer one event later, from any process (§5.3).
///
/// It may outlive its channel; an answer to a connection that is gone goes nowhere. An event that is never answered runs into
/// the client's own timeout.
///
/// ```
/// # use throng_runtime::Exit;
/// # use throng_web::{Channel, JoinError, Reply, Socket};
/// # struct Room;
/// # async fn look_up(question: serde_json::Value) -> serde_json::Value { question }
/// # impl Channel for Room {
/// #     type Assigns = (); type Params = (); type Event = serde_json::Value;
/// #     async fn join(_: (), _: &mut Socket<'_, Self>) -> Result<Self, JoinError> { Ok(Room) }
/// async fn handle_in(&mut self, question: serde_json::Value, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
///     if let Some(socket_ref) = socket.socket_ref() {
///         // The channel goes on; the answer comes when it is there.
///         socket.node().spawn(async move |_| {
///             let answer = look_up(question).await;
///             socket_ref.ok(answer).map_err(Exit::from)
///         });
///     }
///     Ok(Reply::none())
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SocketRef {
    pub(super) link: Arc<Link>,
    pub(super) topic: Arc<str>,
    pub(super) join_ref: Ref,
    pub(super) reference: Ref,
    /// The right to handle the event, if its client gave it an id: the answer is kept for who sends it again.
    pub(super) claim: Option<Claim>,
}

impl SocketRef {
    /// Answers with status `ok`.
    ///
    /// # Errors
    ///
    /// When the response cannot be encoded.
    pub fn ok(&self, response: impl IntoPayload) -> Result<(), PayloadError> {
        self.reply("ok", response)
    }

    /// Answers with status `error`.
    ///
    /// # Errors
    ///
    /// When the response cannot be encoded.
    pub fn error(&self, response: impl IntoPayload) -> Result<(), PayloadError> {
        self.reply("error", response)
    }

    /// Answers with any status.
    ///
    /// # Errors
    ///
    /// When the response cannot be encoded.
    pub fn reply(&self, status: &str, response: impl IntoPayload) -> Result<(), PayloadError> {
        let (response, serializer) = (Payload::new(response)?, self.link.serializer);
        let reply = serializer.reply(&self.join_ref, &self.reference, &self.topic, status, &response)?;
        if let Some(claim) = &self.claim {
            claim.answer(throng_pubsub::Answer { status: status.into(), response });
        }
        self.link.outbox.send(reply);
        Ok(())
    }
}
