//! Who owns a subscription or a presence.

use std::sync::Arc;

use throng_runtime::{Ctx, OnExit, ProcessId};

/// The running process, to which a subscription or a presence belongs and with which it ends: its [`Ctx`], or what wraps one.
pub trait Owner {
    /// Which process it is.
    fn process(&self) -> ProcessId;

    /// Has `hook` run at the end of the process, before anybody is told; the same hook twice runs once.
    fn on_exit(&self, hook: Arc<dyn OnExit>);
}

impl<S> Owner for Ctx<S> {
    fn process(&self) -> ProcessId {
        self.id()
    }

    fn on_exit(&self, hook: Arc<dyn OnExit>) {
        Ctx::on_exit(self, hook);
    }
}
