//! A task that is about to start: the one place where all tasks are started.

use std::{any::type_name, future::ready, sync::Arc};

use crate::{
    address::CallFailure,
    call::{ReplyCell, Unanswered, Waiting},
    control,
    exit::Exit,
    introspect,
    node::Node,
    pid::ProcessId,
    process::{self, RawCode},
    scheduler::{self, InitialCall},
};

/// Everything of a task but its process. Dropping it tells whoever waits for the task that it will not be.
pub(super) struct Job {
    code: RawCode,
    promise: Promise,
    /// Whose abnormal end is the task's end as well, and the other way round.
    owner: Option<ProcessId>,
    /// On whose behalf it works (P35).
    caller: Option<ProcessId>,
    /// Its work as observers see it: by its type, which names the function that wrote it.
    work: InitialCall,
}

/// What somebody waits for; the end of the process settles it at the latest.
struct Promise(Option<Arc<dyn Unanswered>>);

impl Job {
    /// A task that is known by the type of its work, `W`, a future of so many bytes. It works for the process that this runs in.
    pub(super) fn new<W>(
        owner: Option<ProcessId>,
        promise: Option<Arc<dyn Unanswered>>,
        bytes: usize,
        code: RawCode,
    ) -> Self {
        let caller = owner.or_else(scheduler::current::id);
        let work = InitialCall { name: type_name::<W>, bytes };
        Self { code, promise: Promise(promise), owner, caller, work }
    }

    /// A task whose result somebody waits for.
    pub(super) fn with_result<F>(owner: Option<ProcessId>, work: F) -> (Self, Waiting<F::Output>)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (cell, waiting) = ReplyCell::alone();
        let result = cell.clone();
        let code = Box::pin(async move {
            // An error means that nobody awaits the result any more.
            drop(result.settle(Ok(work.await)));
            Exit::Normal
        });
        (Self::new::<F>(owner, Some(cell), size_of::<F>(), code), waiting)
    }

    /// Whether anybody still waits for it, or nobody ever did.
    pub(super) fn is_wanted(&self) -> bool {
        self.promise.0.as_ref().is_none_or(|promise| promise.is_open())
    }

    /// Tells whoever waits for it why it is not started.
    pub(super) fn refuse(mut self, reason: Exit) {
        self.promise.abandon(CallFailure::Exited(reason));
    }

    /// Starts it as a process of its own, linked to its owner from its first instruction.
    pub(super) fn start(self, node: &Node) -> ProcessId {
        let owner = self.owner;
        self.launch(node, owner, |_, code| code)
    }

    /// Starts it under a supervisor, linked to that and to its owner. One whose owner is gone by now ends at once, so that there
    /// is no orphan (T7).
    pub(super) fn start_under(self, node: &Node, supervisor: ProcessId) -> ProcessId {
        let owner = self.owner;
        self.launch(node, Some(supervisor), |task, code| match owner {
            Some(owner) if control::link(task, owner).is_err() => {
                Box::pin(ready(Exit::shutdown_with("its owner ended before it began")))
            }
            _ => code,
        })
    }

    /// Where every task starts. `attach` runs before its code does.
    fn launch(
        self,
        node: &Node,
        parent: Option<ProcessId>,
        attach: impl FnOnce(ProcessId, RawCode) -> RawCode,
    ) -> ProcessId {
        let Self { code, mut promise, caller, work, .. } = self;
        process::launch(node, parent, promise.0.take(), work, |ctx| {
            if let Some(caller) = caller {
                introspect::work_for(ctx.id(), caller);
            }
            attach(ctx.id(), code)
        })
    }
}

impl Promise {
    fn abandon(&mut self, why: CallFailure) {
        if let Some(promise) = self.0.take() {
            promise.abandon(why);
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.abandon(CallFailure::NoProcess);
    }
}
