//! Long-polling as a transport: the process of a session takes messages from requests, and is emptied by polls.

use std::{pin::pin, time::Duration};

use tokio::{
    sync::mpsc,
    time::{sleep_until, timeout},
};

use super::{lines::Line, session::Mail, sessions::Entry};
use crate::{
    close::CloseReason,
    connection::{Client, End, Outbox, Transport},
    endpoint::Limits,
    protocol::Wire,
};

/// One session, to be served by its process.
pub(super) struct Polling {
    entry: Entry,
    mail: mpsc::Receiver<Mail>,
    /// How long it lives while nobody polls.
    patience: Duration,
}

impl Polling {
    pub(super) fn new(entry: Entry, mail: mpsc::Receiver<Mail>, patience: Duration) -> Polling {
        Polling { entry, mail, patience }
    }

    async fn take(client: &mut Client<'_>, Mail { line, taken }: Mail) -> Result<(), CloseReason> {
        // Who waited for it has given up, and said so to the client (§9.6).
        if taken.is_closed() {
            return Ok(());
        }
        let outcome = match &line {
            Line::Text(text) => client.take(Wire::Text(text)).await,
            Line::Binary(bytes) => client.take(Wire::Binary(bytes)).await,
        };
        // Nobody may be left to be told.
        drop(taken.send(outcome.clone()));
        outcome
    }
}

impl Transport for Polling {
    const NAME: &'static str = "longpoll";

    /// There is no idle timeout but that of the polls: clients send no heartbeats here (§9.11).
    async fn serve(&mut self, client: &mut Client<'_>) -> End {
        let session = self.entry.session.clone();
        let Some(first) = session.look_again(self.patience) else { return CloseReason::Idle.into() };
        let mut alarm = pin!(sleep_until(first));
        loop {
            if let Err(reason) = client.take_news() {
                return reason.into();
            }
            let is_behind = client.is_behind();
            tokio::select! {
                biased;
                () = client.outbox().news_ready() => {}
                Some(mail) = self.mail.recv(), if !is_behind => {
                    if let Err(reason) = Polling::take(client, mail).await {
                        return reason.into();
                    }
                }
                () = alarm.as_mut() => match session.look_again(self.patience) {
                    Some(later) => alarm.as_mut().reset(later),
                    None => return CloseReason::Idle.into(),
                }
            }
        }
    }

    /// What was queued before the end can still be polled for, as the last frames of a WebSocket are still written; but not
    /// by a client that did not read it in time, nor by one that has gone.
    async fn close(self: Box<Self>, _: &Outbox, end: &End, limits: &Limits) {
        let Polling { entry, mail, .. } = *self;
        // Whoever has a message for it learns that it is over.
        drop(mail);
        let End::Server(CloseReason::SlowReader | CloseReason::Idle) = end else {
            drop(timeout(limits.close_timeout, entry.session.all_taken()).await);
            return;
        };
    }
}
