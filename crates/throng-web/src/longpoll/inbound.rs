//! A POST on its way to its session: the body as it arrives, one message at a time (§9.6, §9.7).

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{
    LongPoll,
    answer::Status,
    lines::{BodyError, Format, Lines},
    session::{NotTaken, Session},
};
use crate::{close::CloseReason, endpoint::Limits};

/// Why a body was not taken to its end.
enum Stopped {
    /// It broke off; nobody reads the answer.
    Lost,
    /// It is larger than a body may be.
    TooLarge,
    /// What is in it is no message.
    Body(BodyError),
    /// The session did not take a message.
    Session(NotTaken),
}

/// Hands over the messages of a body in their order, and says what became of them.
///
/// A message that is none ends the session, as it would close a WebSocket (§7.6). Those before it have been taken.
pub(super) async fn take(
    body: Body,
    content_type: Option<&str>,
    session: &Session,
    options: &LongPoll,
    limits: &Limits,
) -> Status {
    let mut body = Arriving { stream: body.into_data_stream(), left: options.body_bytes_max };
    let lines = Lines::new(Format::of(content_type), limits.frame_bytes_max);
    let taken = hand_over(&mut body, lines, session, options);
    // A body that trickles holds neither the request nor the session.
    let Ok(taken) = timeout(limits.request_timeout, taken).await else { return Status::Timeout };
    let Err(stopped) = taken else { return Status::Ok };
    let status = stopped.end(session);
    // A client that is still writing would not read the answer.
    drop(timeout(limits.close_timeout, body.discard()).await);
    status
}

async fn hand_over(
    body: &mut Arriving,
    mut lines: Lines,
    session: &Session,
    options: &LongPoll,
) -> Result<(), Stopped> {
    while let Some(chunk) = body.next().await? {
        lines.feed(chunk);
        while let Some(line) = lines.next()? {
            session.hand(line, options.window).await?;
        }
    }
    if let Some(line) = lines.last()? {
        session.hand(line, options.window).await?;
    }
    Ok(())
}

/// A body of which only so much is read.
struct Arriving {
    stream: BodyDataStream,
    left: usize,
}

impl Arriving {
    async fn next(&mut self) -> Result<Option<bytes::Bytes>, Stopped> {
        let Some(chunk) = self.stream.next().await else { return Ok(None) };
        let chunk = chunk.map_err(|_| Stopped::Lost)?;
        self.left = self.left.checked_sub(chunk.len()).ok_or(Stopped::TooLarge)?;
        Ok(Some(chunk))
    }

    async fn discard(&mut self) {
        while let Ok(Some(_)) = self.next().await {}
    }
}

impl Stopped {
    /// What the answer says; the session ends where its client broke a rule.
    fn end(self, session: &Session) -> Status {
        let (status, reason) = match self {
            Stopped::Lost => return Status::Malformed,
            Stopped::Session(NotTaken::Ended) => return Status::Gone,
            Stopped::Session(NotTaken::Busy) => return Status::Timeout,
            // It has ended already.
            Stopped::Session(NotTaken::Refused(reason)) => return refused(&reason),
            Stopped::TooLarge | Stopped::Body(BodyError::TooBig) => (Status::TooLarge, CloseReason::TooBig),
            Stopped::Body(BodyError::NotUtf8) => (Status::Malformed, CloseReason::NotUtf8),
            Stopped::Body(BodyError::NotBase64) => (Status::Malformed, CloseReason::Malformed),
        };
        session.close(reason);
        status
    }
}

/// A message that was none is the client's mistake; any other reason is the session's own end.
fn refused(reason: &CloseReason) -> Status {
    match reason {
        CloseReason::Malformed | CloseReason::NotUtf8 => Status::Malformed,
        CloseReason::TooBig => Status::TooLarge,
        _ => Status::Gone,
    }
}

impl From<BodyError> for Stopped {
    fn from(error: BodyError) -> Stopped {
        Stopped::Body(error)
    }
}

impl From<NotTaken> for Stopped {
    fn from(error: NotTaken) -> Stopped {
        Stopped::Session(error)
    }
}
