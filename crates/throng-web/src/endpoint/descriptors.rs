//! The process's descriptors: as many as it may have, and one kept back for when they run out.

use std::{fs::File, io};

use futures_util::FutureExt;
use tokio::net::TcpListener;

use super::Limits;
use crate::telemetry;

/// `ENFILE` and `EMFILE`: the system, or the process, has no descriptor left.
const NONE_LEFT: [i32; 2] = [23, 24];

/// Takes as many descriptors as the system lets the process have, and warns where that is less than the limits promise.
pub(super) fn raise_limit(limits: &Limits) {
    let wanted = limits.sockets_max.saturating_add(limits.connections_max) as u64;
    // Where the system has no such limit there is nothing to raise.
    let Ok(granted) = rlimit::increase_nofile_limit(u64::MAX) else { return };
    if granted < wanted {
        telemetry::descriptors_few(granted, wanted);
    }
}

pub(super) fn none_left(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| NONE_LEFT.contains(&code))
}

/// A descriptor that is kept back. Without it a client that comes when none is left would wait in the kernel's queue for
/// an answer; with it, it is hung up on at once, and goes elsewhere or comes back.
pub(super) struct Reserve(Option<File>);

impl Reserve {
    pub(super) fn new() -> Reserve {
        Reserve(take())
    }

    /// Hangs up on one client that waits; whether there was one.
    pub(super) fn turn_one_away(&mut self, socket: &TcpListener) -> bool {
        let Some(reserve) = self.0.take().or_else(take) else { return false };
        drop(reserve);
        let was_there = matches!(socket.accept().now_or_never(), Some(Ok(_)));
        self.0 = take();
        was_there
    }
}

fn take() -> Option<File> {
    File::open("/dev/null").ok()
}
