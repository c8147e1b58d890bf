//! What is between a client of this process and its connection: one message on its way in, and the end.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    close::CloseReason,
    connection::{End, Outbox},
    protocol::Frame,
};

/// Shared by the two ends.
#[derive(Default)]
pub(crate) struct Pipe {
    /// There once the client was let in.
    outbox: OnceLock<Arc<Outbox>>,
    state: Mutex<State>,
    /// Rung for the connection: something was sent.
    sent: Notify,
    /// Rung for the client: there is room to send, or the connection has ended.
    changed: Notify,
}

#[derive(Default)]
struct State {
    sent: Option<Sent>,
    /// What was queued when the connection ended.
    rest: VecDeque<Frame>,
    ended: Option<Option<CloseReason>>,
}

/// What a client does.
#[derive(Debug)]
pub(super) enum Sent {
    Text(String),
    Binary(Bytes),
    Close,
    HangUp,
}

/// What a client finds when it looks.
pub(super) enum Found {
    Frame(Frame),
    Nothing,
    /// Nothing, and nothing will come.
    End,
}

impl Pipe {
    pub(super) fn connect(&self, outbox: Arc<Outbox>) {
        // A client connects once.
        let _ = self.outbox.set(outbox);
    }

    pub(super) fn is_connected(&self) -> bool {
        self.outbox.get().is_some()
    }

    /// Whether it was sent; not while the message before it has not been taken, and then it is given back.
    pub(super) fn try_send(&self, sent: Sent) -> Result<(), Sent> {
        let mut state = self.state.lock();
        if state.sent.is_some() && state.ended.is_none() {
            return Err(sent);
        }
        state.sent = Some(sent);
        drop(state);
        self.sent.notify_one();
        Ok(())
    }

    /// Sends what makes all that was sent before it of no interest.
    pub(super) fn hang_up(&self) {
        self.state.lock().sent = Some(Sent::HangUp);
        self.sent.notify_one();
    }

    /// The next thing that the client does; while it should not be heard, only that it hangs up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn take_sent(&self, is_behind: bool) -> Sent {
        loop {
            let taken = self.state.lock().sent.take_if(|sent| !is_behind || matches!(sent, Sent::HangUp));
            if let Some(sent) = taken {
                self.changed.notify_one();
                return sent;
            }
            self.sent.notified().await;
        }
    }

    /// The connection has ended: what is queued for the client stays for it.
    pub(super) fn end(&self, outbox: &Outbox, end: &End) {
        let mut state = self.state.lock();
        state.rest.extend(std::iter::from_fn(|| outbox.next_frame()));
        state.ended = Some(match end {
            End::Server(reason) => Some(reason.clone()),
            End::Client | End::Gone => None,
        });
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn look(&self) -> Found {
        let mut state = self.state.lock();
        let frame = match state.ended {
            Some(_) => state.rest.pop_front(),
            // Under the lock, so that nothing overtakes what is moved at the end.
            None => self.outbox.get().and_then(|outbox| outbox.next_frame()),
        };
        match (frame, &state.ended) {
            (Some(frame), _) => Found::Frame(frame),
            (None, None) => Found::Nothing,
            (None, Some(_)) => Found::End,
        }
    }

    /// `None` while it is open; within, why the server closed it, if it was the server.
    pub(super) fn ended(&self) -> Option<Option<CloseReason>> {
        self.state.lock().ended.clone()
    }

    /// Resolves when there may be something new for the client.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn changed(&self) {
        match self.outbox.get() {
            Some(outbox) => tokio::select! {
                () = outbox.frames_ready() => {}
                () = self.changed.notified() => {}
            },
            None => self.changed.notified().await,
        }
    }
}
