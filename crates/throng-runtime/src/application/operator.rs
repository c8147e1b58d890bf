//! What the operator of a program says to it, by signals (L4).

use std::{future::poll_fn, io, pin::pin, task::Poll};

use tokio::signal;

use crate::{introspect, node::Node};

/// What a signal asks for.
#[derive(Clone, Copy, Debug)]
enum Request {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGUSR1.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no such signal elsewhere"))]
    Dump,
}

/// The one who may stop a program, or ask what it is at.
pub(crate) struct Operator {
    signals: Signals,
}

impl Operator {
    /// From now on the signals are this program's own.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { signals: Signals::listen()? })
    }

    /// What `work` resolves to, or `None` when the operator says stop first. Dumps are written on the way.
    pub(crate) async fn unless_told_to_stop<F: Future>(&mut self, node: &Node, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            let mut told = pin!(self.signals.next());
            let either = poll_fn(|cx| match work.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                Poll::Pending => told.as_mut().poll(cx).map(Err),
            });
            match either.await {
                Ok(output) => return Some(output),
                Err(Request::Stop) => return None,
                Err(Request::Dump) => introspect::write_dump(node),
            }
        }
    }
}

#[cfg(unix)]
struct Signals {
    terminate: signal::unix::Signal,
    interrupt: signal::unix::Signal,
    dump: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            dump: signal(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Request {
        poll_fn(|cx| {
            let terminated = self.terminate.poll_recv(cx).is_ready();
            let interrupted = self.interrupt.poll_recv(cx).is_ready();
            if terminated || interrupted {
                return Poll::Ready(Request::Stop);
            }
            self.dump.poll_recv(cx).map(|_| Request::Dump)
        })
        .await
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Request {
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Request::Stop
    }
}
