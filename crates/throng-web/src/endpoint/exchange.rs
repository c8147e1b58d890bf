//! The time that an HTTP connection may take for a request: to send its body, to be answered, and to read the answer.
//!
//! ```text
//!   head ──► service ──► answer handed over ──► answer written ──► next head
//!            └────────────── one exchange ──────────────┘
//! ```
//!
//! The HTTP library bounds the time between exchanges alone. What it does not tell is seen from both of its sides: the
//! service sees exchanges begin and answers handed over, the stream sees when nothing waits to be written any more.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body as AxumBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// The exchanges of one connection that are not over.
#[derive(Default)]
pub(super) struct Exchanges(Mutex<Open>);

#[derive(Default)]
struct Open {
    /// When the exchange in hand began.
    in_hand: Option<Instant>,
    /// When the oldest began whose answer was handed over and is not written.
    unwritten: Option<Instant>,
}

impl Exchanges {
    /// Begins an exchange; its answer was handed over when what this returns is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Exchange {
        self.0.lock().in_hand = Some(Instant::now());
        Exchange(self.clone())
    }

    /// Resolves when the connection has ended, or an exchange has lasted for longer than it may.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing; the connection goes on where it was.
    pub(super) async fn in_time(&self, mut connection: Pin<&mut impl Future>, timeout: Duration) {
        let mut alarm = pin!(tokio::time::sleep(timeout));
        poll_fn(|cx| {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            // Exchanges begin and end while the connection is polled, and only then.
            let deadline = self.oldest().and_then(|began| began.checked_add(timeout));
            let Some(deadline) = deadline else { return Poll::Pending };
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            alarm.as_mut().poll(cx)
        })
        .await;
    }

    fn oldest(&self) -> Option<Instant> {
        let open = self.0.lock();
        open.unwritten.or(open.in_hand)
    }

    fn handed_over(&self) {
        let mut open = self.0.lock();
        let in_hand = open.in_hand.take();
        open.unwritten = open.unwritten.or(in_hand);
    }

    fn written(&self) {
        self.0.lock().unwritten = None;
    }
}

/// An exchange in hand.
pub(super) struct Exchange(Arc<Exchanges>);

impl Exchange {
    /// The body of its answer, with which it is handed over.
    pub(super) fn answered_with(self, body: AxumBody) -> Answer {
        Answer { body, _exchange: self }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.handed_over();
    }
}

/// The body of an answer; the HTTP library drops it when it has taken the whole of it.
pub(super) struct Answer {
    body: AxumBody,
    _exchange: Exchange,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells when all was written: the HTTP library flushes it when nothing is left in its own buffers.
pub(crate) struct Watched<S> {
    stream: S,
    exchanges: Arc<Exchanges>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, exchanges: Arc<Exchanges>) -> Watched<S> {
        Watched { stream, exchanges }
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.exchanges.written();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_exchange_that_is_not_over_counts() {
        let exchanges = Arc::new(Exchanges::default());
        assert_eq!(exchanges.oldest(), None);
        let first = exchanges.begin();
        let began = exchanges.oldest();
        assert!(began.is_some());
        // A second request that came with the first buys its unread answer no time.
        drop(first);
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = exchanges.begin();
        assert_eq!(exchanges.oldest(), began);
        exchanges.written();
        assert!(exchanges.oldest() > began);
        drop(second);
        exchanges.written();
        assert_eq!(exchanges.oldest(), None);
    }
}
