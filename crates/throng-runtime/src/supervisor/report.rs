//! What supervisors tell of: `tracing` events with the supervisor, the child and the reason.

use crate::{
    child::{Child, Restart, Shutdown},
    error::StartError,
    exit::Exit,
    pid::ProcessId,
    report,
};

pub(super) fn restarting(supervisor: ProcessId, child: &Child, reason: &Exit) {
    tracing::info!(%supervisor, child = &*child.id, %reason, "restarting a child");
}

pub(super) fn restart_failed(supervisor: ProcessId, child: &Child, error: &StartError) {
    tracing::error!(%supervisor, child = &*child.id, %error, "a restart failed");
}

pub(super) fn replaced(supervisor: ProcessId, child: &Child, error: &StartError) {
    tracing::warn!(%supervisor, child = &*child.id, %error, "a child is not restarted");
}

/// A child used up its own budget of restarts (D4).
pub(super) fn dropped(supervisor: ProcessId, child: &Child) {
    let id = &*child.id;
    tracing::error!(%supervisor, child = id, "a child reached its maximum of restarts and is not restarted");
    let what = "reached its maximum of restarts and is not restarted";
    report::if_nobody_listens(&format_args!("{id}, a child of supervisor {supervisor}, {what}"));
}

pub(super) fn followed(supervisor: ProcessId, child: &Child) {
    tracing::info!(%supervisor, child = &*child.id, "a significant child ended, shutting down");
}

pub(super) fn gave_up(supervisor: ProcessId, child: &Child) {
    let id = &*child.id;
    tracing::error!(%supervisor, child = id, "reached the maximum restart intensity, giving up");
    let what = "reached its maximum of restarts and gives up";
    report::if_nobody_listens(&format_args!("supervisor {supervisor} {what}, as {id} keeps ending"));
}

/// Tells of a child that did not stop as it should (S24).
pub(super) fn stopped(child: &Child, reason: &Exit) {
    if !is_as_asked(child, reason) {
        tracing::warn!(child = &*child.id, %reason, "a child did not shut down in order");
    }
}

/// Whether a child that was asked to stop did. A permanent one that ended in another clean way did so by itself (D6).
fn is_as_asked(child: &Child, reason: &Exit) -> bool {
    match reason {
        Exit::Shutdown => true,
        Exit::Killed => child.shutdown == Shutdown::Kill,
        reason => reason.is_clean() && child.restart != Restart::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::child::ChildKind;

    #[test]
    fn s24_a_stop_is_quiet_when_the_child_ended_as_asked() {
        let (permanent, transient) = (Restart::Permanent, Restart::Transient);
        for (shutdown, restart, reason, quiet) in [
            (Shutdown::Infinity, permanent, Exit::Shutdown, true),
            (Shutdown::Infinity, permanent, Exit::Normal, false),
            (Shutdown::Infinity, transient, Exit::Normal, true),
            (Shutdown::Infinity, transient, Exit::shutdown_with("done"), true),
            (Shutdown::Infinity, transient, Exit::Killed, false),
            (Shutdown::Kill, permanent, Exit::Killed, true),
            (Shutdown::Kill, permanent, Exit::other("boom"), false),
        ] {
            let child = Child {
                id: "a".into(),
                restart,
                shutdown,
                kind: ChildKind::Worker,
                is_significant: false,
                backoff: None,
                start: Arc::new(|_, _| Box::pin(async { Err(StartError::Ignored) })),
            };
            assert_eq!(is_as_asked(&child, &reason), quiet, "{shutdown:?}, {restart:?}, {reason}");
        }
    }
}
