//! The reading half: what is a message goes to the [`Client`], silence and broken rules end the connection.

use std::{pin::pin, time::Duration};

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
};

use super::{Incomplete, Source};
use crate::{
    close::CloseReason,
    connection::{Client, End},
    protocol::Wire,
};

/// The state of the reading half.
pub(super) struct Reader<'a, 'c> {
    client: &'a mut Client<'c>,
    incomplete: &'a Incomplete,
}

impl<'a, 'c> Reader<'a, 'c> {
    pub(super) fn new(client: &'a mut Client<'c>, incomplete: &'a Incomplete) -> Self {
        Reader { client, incomplete }
    }

    /// Reads until the connection ends.
    ///
    /// A client whose channels are behind is not read: the wait is the network's, not a queue of ours. If they stay
    /// behind for as long as a client may be silent, the connection ends, for nobody would notice that the client left.
    pub(super) async fn run(mut self, source: &mut Source) -> End {
        let (outbox, idle_timeout) = (self.client.outbox(), self.client.limits().idle_timeout);
        let mut silent_since = Instant::now();
        let mut listening_since = silent_since;
        let mut alarm = pin!(sleep_until(after(silent_since, idle_timeout)));
        loop {
            if let Err(reason) = self.client.take_news() {
                return reason.into();
            }
            let is_behind = self.client.is_behind();
            tokio::select! {
                biased;
                () = outbox.news_ready() => {
                    if is_behind && !self.client.is_behind() {
                        listening_since = Instant::now();
                        silent_since = listening_since;
                    }
                }
                frame = source.next(), if !is_behind => {
                    silent_since = Instant::now();
                    if let Err(end) = self.take(frame).await {
                        return end;
                    }
                }
                () = alarm.as_mut() => {
                    // Moved only when it rings: most frames then cost no timer. The first byte of a message is a sign
                    // of life that buys the rest as much time; what comes between, be it pings, buys no more.
                    let since = match self.incomplete.since() {
                        Some(began) if !is_behind => began.max(listening_since),
                        _ => silent_since,
                    };
                    let deadline = after(since, idle_timeout);
                    if deadline <= Instant::now() {
                        return if is_behind { CloseReason::Behind.into() } else { CloseReason::Idle.into() };
                    }
                    alarm.as_mut().reset(deadline);
                }
            }
        }
    }

    async fn take(&mut self, frame: Option<Result<Message, Error>>) -> Result<(), End> {
        match frame {
            Some(Ok(Message::Text(text))) => Ok(self.client.take(Wire::Text(&text)).await?),
            Some(Ok(Message::Binary(bytes))) => Ok(self.client.take(Wire::Binary(&bytes)).await?),
            Some(Ok(Message::Close(_))) => Err(End::Client),
            // The library answers pings.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                Ok(self.client.take_control()?)
            }
            Some(Err(error)) => Err(end_by(&error)),
            None => Err(End::Gone),
        }
    }
}

/// What a broken rule of the WebSocket protocol ends in (§7.5).
fn end_by(error: &Error) -> End {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => CloseReason::TooBig.into(),
        Error::Utf8(_) => CloseReason::NotUtf8.into(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(_) => CloseReason::Protocol.into(),
        _ => End::Gone,
    }
}

/// A point in time; one that the clock cannot tell is as good as never.
fn after(start: Instant, time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    start.checked_add(time).unwrap_or(start + NEVER)
}
