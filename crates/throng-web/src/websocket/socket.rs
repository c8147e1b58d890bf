//! The WebSocket transport: one process that reads and writes by turns, whichever is possible.
//!
//! A client which does not read is still heard, and closed in time. A socket that is idle owns no buffer: it is a
//! [`Stream`] that waits for three things at once, for the client, for the outbox' bell, and for the end of patience.

use std::{
    future::poll_fn,
    ops::ControlFlow,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use hyper::upgrade::OnUpgrade;
use throng_runtime::{Ctx, Exit};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Compression, Decoder, Incoming, Io, Progress, ReadError, Stream, closing, patience::Patience};
use crate::{
    close::CloseReason,
    connection::{Accepted, Client, End, Outbox, Start, Transport},
    endpoint::Limits,
    protocol::Wire,
    rate::{Gcra, Quota},
};

/// A client whose handshake was answered.
pub(crate) struct Opening {
    pub(crate) upgrade: OnUpgrade,
    pub(crate) compression: Option<Compression>,
    pub(crate) accepted: Box<Accepted>,
}

impl Opening {
    /// The life of the connection's process, from here on. All of it is in boxes: an open connection does not carry around
    /// what opened it.
    pub(crate) fn run(self: Box<Self>, ctx: Ctx) -> Pin<Box<dyn Future<Output = Exit> + Send>> {
        Box::pin(async move {
            let Opening { upgrade, compression, accepted } = *self;
            let Some(socket) = Box::pin(WebSocket::open(upgrade, compression, accepted.limits())).await
            else {
                return Exit::shutdown_with("upgrade failed");
            };
            accepted.run(socket, ctx).await
        })
    }
}

/// One client's WebSocket.
pub(crate) struct WebSocket {
    stream: Stream<Io>,
    compression: Option<Compression>,
    patience: Patience,
    fragments: Gcra,
    began: Instant,
    was_behind: bool,
}

impl WebSocket {
    async fn open(
        upgrade: OnUpgrade,
        compression: Option<Compression>,
        limits: &Limits,
    ) -> Option<Box<WebSocket>> {
        let upgraded = tokio::time::timeout(limits.upgrade_timeout, upgrade).await.ok()?.ok()?;
        let (io, unread) = Io::of(upgraded);
        let decoder =
            Decoder::new(limits.frame_bytes_max, compression.map(|compression| compression.inflate));
        let began = Instant::now();
        Some(Box::new(WebSocket {
            stream: Stream::new(io, unread, decoder),
            compression,
            patience: Patience::new(began),
            fragments: Gcra::default(),
            began,
            was_behind: false,
        }))
    }

    /// Ready with a channel that is to be started, before anything else is read, or with the end.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client<'_>,
        mut alarm: Pin<&mut Sleep>,
    ) -> Poll<Result<Box<Start>, End>> {
        loop {
            let is_rung = client.outbox().poll_ready(cx).is_ready();
            client.take_news()?;
            if self.poll_write(cx, client.outbox())?.is_pending() {
                self.note_blocked(alarm.as_mut(), client.limits());
            }
            let is_read = match self.poll_read(cx, client)? {
                Poll::Ready(Some(start)) => return Poll::Ready(Ok(start)),
                Poll::Ready(None) => true,
                Poll::Pending => false,
            };
            if !is_rung && !is_read {
                ready!(alarm.as_mut().poll(cx));
                self.ring(alarm.as_mut(), client.limits())?;
            }
        }
    }

    /// Writes until the outbox is empty, or the client does not take more.
    fn poll_write(&mut self, cx: &mut Context<'_>, outbox: &Outbox) -> Poll<Result<(), End>> {
        loop {
            ready!(self.stream.poll_write(cx)).map_err(|_| End::Gone)?;
            if !outbox.next_batch(|frame| self.stream.queue(frame.into())) {
                self.patience.has_written_all();
                return Poll::Ready(Ok(()));
            }
            if let Some(compression) = &self.compression {
                self.stream.compress_queued(compression);
            }
        }
    }

    /// Reads once, unless the client's channels are behind: the wait is then the network's, not a queue of ours. If they stay
    /// behind for as long as a client may be silent, the connection ends, for nobody would notice that the client left.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client<'_>,
    ) -> Poll<Result<Option<Box<Start>>, End>> {
        let is_behind = client.is_behind();
        if self.was_behind && !is_behind {
            self.patience.listens_again(Instant::now());
        }
        self.was_behind = is_behind;
        if is_behind {
            return Poll::Pending;
        }
        let read = ready!(self.stream.poll_read(cx, |incoming| take(client, incoming)));
        let now = Instant::now();
        let Progress { fragments, has_completed, is_amid_message } = self.stream.progress();
        self.patience.heard(now, has_completed, is_amid_message);
        self.admit_fragments(fragments, &client.limits().message_rate, now)?;
        Poll::Ready(match read {
            Ok(ControlFlow::Continue(()) | ControlFlow::Break(Break::Behind)) => Ok(None),
            Ok(ControlFlow::Break(Break::Start(start))) => Ok(Some(start)),
            Ok(ControlFlow::Break(Break::End(end))) => Err(end),
            Err(ReadError::Violation(violation)) => Err(End::Server(violation.into())),
            Err(ReadError::Gone) => Err(End::Gone),
        })
    }

    /// Fragments may be empty and make a message that never ends: they have a quota of their own.
    fn admit_fragments(&mut self, fragments: u32, quota: &Quota, now: Instant) -> Result<(), CloseReason> {
        let elapsed = now - self.began;
        if (0..fragments).any(|_| self.fragments.take(quota, elapsed).is_err()) {
            return Err(CloseReason::Policy("too many fragments"));
        }
        Ok(())
    }

    /// A write does not go on. The alarm, which is moved only when it rings, may be too late for it.
    fn note_blocked(&mut self, mut alarm: Pin<&mut Sleep>, limits: &Limits) {
        if self.patience.is_blocked(Instant::now(), self.stream.written_bytes()) {
            let (end, _) = self.patience.ends(limits, self.was_behind);
            if end < alarm.deadline() {
                alarm.as_mut().reset(end);
            }
        }
    }

    /// The alarm has rung: patience is over, or goes on for longer than it was set to.
    fn ring(&self, alarm: Pin<&mut Sleep>, limits: &Limits) -> Result<(), CloseReason> {
        let (end, reason) = self.patience.ends(limits, self.was_behind);
        if end <= Instant::now() {
            return Err(reason);
        }
        alarm.reset(end);
        Ok(())
    }
}

impl Transport for WebSocket {
    const NAME: &'static str = "websocket";

    async fn serve(&mut self, client: &mut Client<'_>) -> End {
        let (first_end, _) = self.patience.ends(client.limits(), false);
        let mut alarm = pin!(sleep_until(first_end));
        loop {
            match poll_fn(|cx| self.poll(cx, client, alarm.as_mut())).await {
                // In a box of its own: most of the time a connection starts nothing.
                Ok(start) => Box::pin(client.start(*start)).await,
                Err(end) => return end,
            }
        }
    }

    async fn close(self: Box<Self>, outbox: &Outbox, end: &End, limits: &Limits) {
        let WebSocket { stream, compression, .. } = *self;
        closing::close(stream, compression, outbox, end, limits).await;
    }
}

/// Why no more messages are taken for now.
enum Break {
    Start(Box<Start>),
    Behind,
    End(End),
}

/// Hands a message to the client. The stream answers pings and closes by itself.
fn take(client: &mut Client<'_>, incoming: Incoming<'_>) -> ControlFlow<Break> {
    let taken = match incoming {
        Incoming::Text(text) => dispatch(client, Wire::Text(text)),
        Incoming::Binary(bytes) => dispatch(client, Wire::Binary(bytes)),
        Incoming::Ping(_) | Incoming::Pong => client.take_control().map(|()| None),
        Incoming::Close(_) => return ControlFlow::Break(Break::End(End::Client)),
    };
    match taken {
        Err(reason) => ControlFlow::Break(Break::End(reason.into())),
        Ok(Some(start)) => ControlFlow::Break(Break::Start(Box::new(start))),
        Ok(None) if client.is_behind() => ControlFlow::Break(Break::Behind),
        Ok(None) => ControlFlow::Continue(()),
    }
}

/// The news come first: what a client sends after it saw a channel close must find it closed.
fn dispatch(client: &mut Client<'_>, wire: Wire<'_>) -> Result<Option<Start>, CloseReason> {
    client.take_news()?;
    client.dispatch(wire)
}
