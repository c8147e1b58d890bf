//! Messages on their way to and from a client, in version 2 of the protocol (§2.2).

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Value, json};
use throng_web::{MemorySocket, SocketFrame};
use tokio::sync::Mutex;

use crate::deadline::within;

/// A client's connection, shared by its channels.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<Mutex<Ends>>);

#[derive(Debug)]
struct Ends {
    socket: MemorySocket,
    references: u64,
    /// What came and was not taken, in its order.
    heard: Vec<Heard>,
}

/// A message that a client heard.
#[derive(Clone, PartialEq)]
pub(super) struct Heard {
    pub(super) join_ref: Value,
    pub(super) reference: Value,
    pub(super) topic: String,
    pub(super) event: String,
    pub(super) payload: Value,
}

/// Why something was not heard.
pub(super) enum Unheard {
    /// The connection has ended, as these words tell.
    Ended(String),
    TimedOut(Duration),
}

impl Wire {
    pub(super) fn new(socket: MemorySocket) -> Wire {
        Wire(Arc::new(Mutex::new(Ends { socket, references: 0, heard: Vec::new() })))
    }

    /// Sends a message under a reference of its own, which is given back; a join is its own `join_ref`.
    pub(super) async fn say(
        &self,
        join_ref: Option<&str>,
        topic: &str,
        event: &str,
        payload: &Value,
    ) -> String {
        let mut ends = self.0.lock().await;
        ends.references += 1;
        let reference = ends.references.to_string();
        let message = json!([join_ref.unwrap_or(&reference), reference, topic, event, payload]);
        // Whoever waits for the answer is told that the connection has ended.
        let _ = ends.socket.send(message.to_string()).await;
        reference
    }

    /// Takes the first thing that is wanted, once it came.
    pub(super) async fn hear(
        &self,
        wanted: impl Fn(&Heard) -> bool,
        deadline: Duration,
    ) -> Result<Heard, Unheard> {
        let hearing = async {
            let mut ends = self.0.lock().await;
            loop {
                if let Some(at) = ends.heard.iter().position(&wanted) {
                    return Ok(ends.heard.remove(at));
                }
                match ends.socket.next().await {
                    Some(frame) => ends.keep(&frame),
                    None => return Err(Unheard::Ended(ends.end_in_words())),
                }
            }
        };
        within(deadline, hearing).await.unwrap_or(Err(Unheard::TimedOut(deadline)))
    }

    /// All that has come so far and was not taken.
    pub(super) async fn heard(&self) -> Vec<Heard> {
        let mut ends = self.0.lock().await;
        while let Some(frame) = ends.socket.try_next() {
            ends.keep(&frame);
        }
        ends.heard.clone()
    }

    /// Waits until the connection has ended, and tells why the server closed it, if it did.
    pub(super) async fn end(&self, deadline: Duration) -> Option<Option<throng_web::CloseReason>> {
        let ending = async {
            let mut ends = self.0.lock().await;
            while let Some(frame) = ends.socket.next().await {
                ends.keep(&frame);
            }
            ends.socket.close_reason()
        };
        within(deadline, ending).await
    }
}

impl Ends {
    fn keep(&mut self, frame: &SocketFrame) {
        // Bytes have no place in the tests that this is for.
        let SocketFrame::Text(text) = frame else { return };
        if let Ok((join_ref, reference, topic, event, payload)) = serde_json::from_str(text) {
            self.heard.push(Heard { join_ref, reference, topic, event, payload });
        }
    }

    fn end_in_words(&self) -> String {
        match self.socket.close_reason() {
            Some(reason) => {
                format!("the server had closed the connection: {} ({})", reason.text(), reason.code())
            }
            None => "the connection had ended".to_owned(),
        }
    }
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unheard::Ended(why) => f.write_str(why),
            Unheard::TimedOut(deadline) => write!(f, "it did not come within {deadline:?}"),
        }
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Heard { topic, event, payload, .. } = self;
        write!(f, "{topic} {event} {payload}")
    }
}
