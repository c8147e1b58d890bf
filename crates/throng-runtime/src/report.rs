//! Crash reports: `tracing` events; and words on standard error in a program where nobody listens to these.
//!
//! A program without a subscriber is one that has just been begun: its first crash must not be silent. What is printed is
//! bounded, as nobody asked for it.

use std::{
    fmt::Display,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{exit::Exit, pid::ProcessId};

/// So many lines, and one that says how to see the others.
const LINES_MAX: usize = 50;

/// A process crashed (G20): who, what, why, and what it was doing. A clean end is no crash.
pub(crate) fn crash(process: ProcessId, server: &str, during: Option<&str>, reason: &Exit) {
    if reason.is_clean() {
        return;
    }
    tracing::error!(%process, server, during, %reason, "process crashed");
    if_nobody_listens(&format_args!("process {process} ({server}) crashed: {reason}"));
}

/// What a task is, for the report of its crash (T9).
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskOrigin {
    /// The type of its work, which names the function that wrote it.
    pub(crate) work: &'static str,
    /// The process that started it, if one did.
    pub(crate) starter: Option<ProcessId>,
}

/// A task crashed (T9). A clean end is no crash.
pub(crate) fn task_crash(process: ProcessId, task: &TaskOrigin, reason: &Exit) {
    if reason.is_clean() {
        return;
    }
    let TaskOrigin { work, starter } = task;
    let starter = starter.map(tracing::field::display);
    tracing::error!(%process, task = work, starter, %reason, "task crashed");
    if_nobody_listens(&format_args!("process {process} (task {work}) crashed: {reason}"));
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
