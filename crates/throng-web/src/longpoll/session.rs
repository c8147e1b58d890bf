//! A session as its requests see it: polls wait here for frames, and messages are handed to its process.

use std::{pin::pin, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, sleep, timeout},
};

use super::{
    answer::Messages,
    attendance::{Attendance, Poll},
    lines::Line,
};
use crate::{close::CloseReason, connection::Outbox, protocol::Frame};

/// Messages that wait for the session's process beside the one in its hand; each waits in a request of its own.
const MAIL_MAX: usize = 1;

/// What the requests of a session share with its process.
#[derive(Debug)]
pub(super) struct Session {
    outbox: Arc<Outbox>,
    /// Whether its client reads binary messages, as lines of base64.
    takes_bytes: bool,
    attendance: Mutex<Attendance>,
    mail: mpsc::Sender<Mail>,
    /// Rung for polls: a newer one has come, or the session has ended.
    polls: Notify,
    /// Rung for the process: a poll took what waited.
    taken: Notify,
    ended: Mutex<bool>,
}

/// A message on its way to the session's process, and where to say what became of it.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) line: Line,
    pub(super) taken: oneshot::Sender<Result<(), CloseReason>>,
}

/// What comes of a poll.
#[derive(Debug)]
pub(super) enum Polled {
    /// Messages waited, or came while it waited.
    Messages(Messages),
    /// Nothing came in time, or a newer poll has taken its place.
    Nothing,
    /// The session is over.
    Ended,
}

/// Why a message was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// The session is over.
    Ended,
    /// It was too busy for too long.
    Busy,
    /// The message ended it.
    Refused(CloseReason),
}

impl Session {
    pub(super) fn new(outbox: Arc<Outbox>, takes_bytes: bool) -> (Arc<Session>, mpsc::Receiver<Mail>) {
        let (mail, received) = mpsc::channel(MAIL_MAX);
        let session = Session {
            outbox,
            takes_bytes,
            attendance: Mutex::new(Attendance::new(Instant::now())),
            mail,
            polls: Notify::new(),
            taken: Notify::new(),
            ended: Mutex::new(false),
        };
        (Arc::new(session), received)
    }

    /// Waits for messages, for as long as the window lasts (§9.4). A session that ends lets go of it at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no message: they are taken in the same moment in which they are returned.
    pub(super) async fn poll(&self, window: Duration) -> Polled {
        let visit = Visit::begin(self);
        let mut window = pin!(sleep(window));
        loop {
            // Made before the look at what waits: it hears what rings after that look.
            let bell = self.polls.notified();
            match self.take(visit.poll) {
                None => {
                    // It may have heard of a frame that the poll in its place is waiting for.
                    self.polls.notify_waiters();
                    return Polled::Nothing;
                }
                Some(messages) if !messages.is_empty() => return Polled::Messages(messages),
                Some(_) if *self.ended.lock() => return Polled::Ended,
                Some(_) => {}
            }
            tokio::select! {
                () = self.outbox.frames_ready() => {}
                () = bell => {}
                () = window.as_mut() => return Polled::Nothing,
            }
        }
    }

    /// Hands a message to the process and waits until it has taken it, which is as long as the channels are behind (§9.6).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the message may be taken or not.
    pub(super) async fn hand(&self, line: Line, window: Duration) -> Result<(), NotTaken> {
        let (taken, answer) = oneshot::channel();
        let handed = async {
            self.mail.send(Mail { line, taken }).await.map_err(|_| NotTaken::Ended)?;
            answer.await.map_err(|_| NotTaken::Ended)?.map_err(NotTaken::Refused)
        };
        timeout(window, handed).await.unwrap_or(Err(NotTaken::Busy))
    }

    /// Ends it for what a client sent.
    pub(super) fn close(&self, reason: CloseReason) {
        self.outbox.close(reason);
    }

    /// When to look again whether anybody polls; `None` if nobody has for too long (§9.8).
    pub(super) fn look_again(&self, patience: Duration) -> Option<Instant> {
        self.attendance.lock().look_again(Instant::now(), patience)
    }

    /// Resolves when polls have taken all that waited.
    pub(super) async fn all_taken(&self) {
        loop {
            let taken = self.taken.notified();
            if self.outbox.is_empty() {
                return;
            }
            taken.await;
        }
    }

    /// Lets go of whoever polls.
    pub(super) fn end(&self) {
        *self.ended.lock() = true;
        self.polls.notify_waiters();
    }

    /// Bytes are for clients that asked for them alone: others would take them for text (§9.5).
    fn write(&self, frame: &Frame, messages: &mut Messages) {
        if !frame.is_binary() {
            messages.push(frame.parts());
        } else if self.takes_bytes {
            let bytes = BASE64.encode(frame.bytes(0..frame.len()));
            messages.push([bytes.as_bytes()]);
        }
    }

    /// All that waits; `None` for a poll whose place was taken. A newer poll that comes meanwhile finds it done or not begun.
    fn take(&self, poll: Poll) -> Option<Messages> {
        let attendance = self.attendance.lock();
        if !attendance.is_newest(poll) {
            return None;
        }
        let mut messages = Messages::none();
        while let Some(frame) = self.outbox.next_frame() {
            self.write(&frame, &mut messages);
        }
        drop(attendance);
        self.taken.notify_waiters();
        Some(messages)
    }
}

/// A poll that is in the session, however it leaves.
struct Visit<'a> {
    session: &'a Session,
    poll: Poll,
}

impl Visit<'_> {
    fn begin(session: &Session) -> Visit<'_> {
        let poll = session.attendance.lock().arrive();
        session.polls.notify_waiters();
        Visit { session, poll }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.session.attendance.lock().leave(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};

    use super::*;
    use crate::endpoint::Limits;

    const WINDOW: Duration = Duration::from_secs(10);

    fn session() -> (Arc<Session>, Arc<Outbox>, mpsc::Receiver<Mail>) {
        let outbox = Arc::new(Outbox::new(&Limits::default()));
        let (session, mail) = Session::new(outbox.clone(), false);
        (session, outbox, mail)
    }

    fn texts(polled: Polled) -> usize {
        match polled {
            Polled::Messages(messages) => messages.count(),
            Polled::Nothing => 0,
            Polled::Ended => panic!("the session has ended"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn c9_4_a_poll_waits_for_a_window_at_most() {
        let (session, outbox, _mail) = session();
        let began = Instant::now();
        assert!(matches!(session.poll(WINDOW).await, Polled::Nothing));
        assert_eq!(began.elapsed(), WINDOW);
        outbox.send("[1]".into());
        outbox.send("[2]".into());
        assert_eq!(texts(session.poll(WINDOW).await), 2);
        assert_eq!(began.elapsed(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn c9_8_the_end_lets_go_of_a_poll_at_once() {
        let (session, _outbox, _mail) = session();
        let mut poll = Box::pin(session.poll(WINDOW));
        assert!(poll.as_mut().now_or_never().is_none());
        session.end();
        assert!(matches!(poll.now_or_never(), Some(Polled::Ended)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_that_was_given_up_took_nothing() {
        let (session, outbox, _mail) = session();
        let mut poll = Box::pin(session.poll(WINDOW));
        assert!(poll.as_mut().now_or_never().is_none());
        // It was rung for, and is dropped before it looks.
        outbox.send("[1]".into());
        drop(poll);
        assert_eq!(texts(session.poll(WINDOW).await), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_waits_for_the_process_no_longer_than_a_window() {
        let (session, _outbox, mut mail) = session();
        let line = || Line::Text("[1]".to_owned());
        assert_eq!(session.hand(line(), WINDOW).await, Err(NotTaken::Busy));
        let Mail { taken, .. } = mail.recv().await.unwrap();
        assert!(taken.is_closed(), "the process sees that nobody waits for it");
        let handed = tokio::spawn({
            let session = session.clone();
            async move { session.hand(Line::Text("[2]".to_owned()), WINDOW).await }
        });
        mail.recv().await.unwrap().taken.send(Err(CloseReason::Malformed)).unwrap();
        assert_eq!(handed.await.unwrap(), Err(NotTaken::Refused(CloseReason::Malformed)));
        drop(mail);
        assert_eq!(session.hand(line(), WINDOW).await, Err(NotTaken::Ended));
    }

    /// Polls come, supersede each other and are given up, while frames are queued: each frame is in one answer.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whenever_polls_are_given_up_no_frame_is_lost_or_twice() {
        const ROUNDS: usize = 3_000;
        let (session, outbox, _mail) = session();
        let mut taken = 0;
        for round in 0..ROUNDS {
            let polls: Vec<_> = (0..2)
                .map(|_| {
                    let session = session.clone();
                    tokio::spawn(async move { session.poll(WINDOW).await })
                })
                .collect();
            if round % 3 > 0 {
                tokio::task::yield_now().await;
            }
            outbox.send("[1]".into());
            for poll in polls {
                // One that was answered before is answered.
                poll.abort();
                taken += poll.await.map_or(0, texts);
            }
        }
        outbox.send("[1]".into());
        taken += texts(session.poll(WINDOW).await);
        assert_eq!(taken, ROUNDS + 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_frame_that_comes_as_a_poll_takes_anothers_place_finds_the_newer_one() {
        for _ in 0..3_000 {
            let (session, outbox, _mail) = session();
            let poll = |session: Arc<Session>| async move { session.poll(WINDOW).await };
            let mut polls: FuturesUnordered<_> =
                (0..2).map(|_| tokio::spawn(poll(session.clone()))).collect();
            outbox.send("[1]".into());
            let answered = async {
                while let Some(polled) = polls.next().await {
                    if texts(polled.unwrap()) == 1 {
                        return;
                    }
                }
                panic!("nobody got it");
            };
            timeout(WINDOW / 2, answered).await.expect("a poll was forgotten");
            polls.iter().for_each(|poll| poll.abort());
        }
    }
}
