//! What supervisors tell of: `tracing` events with the supervisor, the child and the reason.

use crate::{
    child::{Child, Shutdown},
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
    let killed_as_it_should = child.shutdown == Shutdown::Kill && matches!(reason, Exit::Killed);
    if !reason.is_clean() && !killed_as_it_should {
        tracing::warn!(child = &*child.id, %reason, "a child did not shut down in order");
    }
}
