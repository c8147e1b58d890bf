//! Crash reports: `tracing` events; and words on standard error in a program where nobody listens to these.
//!
//! A program without a subscriber is one that has just been begun: its first crash must not be silent. What is printed is
//! bounded, as nobody asked for it.

use std::{
    fmt::Display,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    exit::Exit,
    introspect,
    pid::ProcessId,
    scheduler::{self, Birth},
};

/// So many lines, and one that says how to see the others.
const LINES_MAX: usize = 50;

/// A process crashed (G20): who, what, why, and what it was doing. A clean end is no crash.
pub(crate) fn crash(process: ProcessId, server: &str, during: Option<&str>, reason: &Exit) {
    if reason.is_clean() {
        return;
    }
    let label = introspect::label(process);
    let label = label.as_deref();
    tracing::error!(%process, label, server, during, %reason, "process crashed");
    let label = label.map(|label| format!(" {label:?}")).unwrap_or_default();
    if_nobody_listens(&format_args!("process {process}{label} ({server}) crashed: {reason}"));
}

/// The runtime ended a process that is beyond help: what it ran is known by its birth alone.
pub(crate) fn ended(process: ProcessId, reason: &Exit) {
    crash(process, work(process), None, reason);
}

/// A process that is no server crashed: who, what it ran, and on whose behalf if it is a task (T9). A clean end is no crash.
pub(crate) fn raw_crash(process: ProcessId, reason: &Exit) {
    if reason.is_clean() {
        return;
    }
    let label = introspect::label(process);
    let label = label.as_deref();
    let work = work(process);
    let starter = introspect::caller(process).map(tracing::field::display);
    tracing::error!(%process, label, work, starter, %reason, "process crashed");
    let label = label.map(|label| format!(" {label:?}")).unwrap_or_default();
    if_nobody_listens(&format_args!("process {process}{label} ({work}) crashed: {reason}"));
}

/// A process keeps its worker to itself (P38): who, what it runs, and for how long at least.
pub(crate) fn hog(process: ProcessId, bound: Duration) {
    let (label, work) = (introspect::label(process), work(process));
    let label = label.as_deref();
    tracing::warn!(%process, label, work, ?bound, "a process has kept its worker without reaching an await point");
}

/// As [`hog`], for a program in which nobody listens.
pub(crate) fn long_hog(process: ProcessId, bound: Duration) {
    let label = introspect::label(process).map(|label| format!(" {label:?}")).unwrap_or_default();
    let work = work(process);
    let what = format!("has kept its worker for {bound:?} without reaching an await point");
    if_nobody_listens(&format_args!(
        "process {process}{label} ({work}) {what}; what blocks belongs in spawn_blocking"
    ));
}

/// What a process runs: the type name of its server, or of its code.
fn work(process: ProcessId) -> &'static str {
    scheduler::birth(process).and_then(Birth::initial_call).map_or("unknown", |call| (call.name)())
}

/// Prints what was reported, if there is no subscriber.
pub(crate) fn if_nobody_listens(report: &dyn Display) {
    static PRINTED: AtomicUsize = AtomicUsize::new(0);
    if tracing::dispatcher::has_been_set() {
        return;
    }
    match PRINTED.fetch_add(1, Ordering::Relaxed) {
        printed if printed < LINES_MAX => eprintln!("throng: {report}"),
        LINES_MAX => eprintln!("throng: no more is printed; install a tracing subscriber to see all reports"),
        _ => {}
    }
}
