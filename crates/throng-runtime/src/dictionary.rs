//! The process dictionary: values of the running process by their types, gone with it (P35).
//!
//! For what belongs to a process and not to its state: a request's id for the logs, a random generator, a cache of a library
//! that knows nothing of its caller's types. Each type is its own key, so two users of the dictionary never meet by accident;
//! observers see the types, not the values ([`ProcessInfo::dictionary`](crate::ProcessInfo::dictionary)).
//!
//! ```
//! use throng_runtime::{Node, dictionary};
//!
//! struct RequestId(u64);
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let node = Node::new("example");
//! let process = node.spawn(async |_| {
//!     dictionary::put(RequestId(7))?;
//!     let id = dictionary::get::<RequestId>();
//!     assert_eq!(id.map(|id| id.0), Some(7));
//!     Ok::<(), throng_runtime::Exit>(())
//! });
//! assert!(node.wait(process).await.is_clean());
//! assert!(dictionary::get::<RequestId>().is_none(), "here is no process");
//! # }
//! ```
//!
//! A future that a process hands to another executor, such as a tokio task, does not run in the process.

use std::{
    any::{Any, TypeId, type_name},
    collections::BTreeMap,
    sync::Arc,
};

use crate::{
    panics::contain,
    scheduler::{self, current},
};

/// This code runs outside of any process, where there is no dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no process dictionary outside of a process")]
pub struct OutsideProcess;

/// Keeps a value in the running process' dictionary; the one of its type that was there before.
///
/// # Errors
///
/// Outside of a process; the value is dropped.
pub fn put<T: Send + Sync + 'static>(value: T) -> Result<Option<Arc<T>>, OutsideProcess> {
    let id = current::id().ok_or(OutsideProcess)?;
    let entry = Entry { name: type_name::<T>, value: Arc::new(value) };
    let mut control = scheduler::slot(id).control(id).ok_or(OutsideProcess)?;
    let before = control.get().about().dictionary.entries.insert(TypeId::of::<T>(), entry);
    // Without the lock: to be dropped is to run other code.
    drop(control);
    Ok(before.and_then(Entry::open))
}

/// The value of this type in the running process' dictionary; `None` if there is none, or no process.
pub fn get<T: Send + Sync + 'static>() -> Option<Arc<T>> {
    let id = current::id()?;
    let value = {
        let mut control = scheduler::slot(id).control(id)?;
        let entry = control.existing()?.about.as_ref()?.dictionary.entries.get(&TypeId::of::<T>())?;
        entry.value.clone()
    };
    value.downcast().ok()
}

/// Takes the value of this type out of the running process' dictionary.
pub fn erase<T: Send + Sync + 'static>() -> Option<Arc<T>> {
    let id = current::id()?;
    let entry = {
        let mut control = scheduler::slot(id).control(id)?;
        control.existing()?.about.as_mut()?.dictionary.entries.remove(&TypeId::of::<T>())?
    };
    entry.open()
}

#[derive(Default)]
pub(crate) struct Dictionary {
    entries: BTreeMap<TypeId, Entry>,
}

struct Entry {
    name: fn() -> &'static str,
    value: Arc<dyn Any + Send + Sync>,
}

impl Entry {
    fn open<T: Send + Sync + 'static>(self) -> Option<Arc<T>> {
        self.value.downcast().ok()
    }
}

impl Dictionary {
    /// The names of the types in it.
    pub(crate) fn keys(&self) -> Vec<&'static str> {
        self.entries.values().map(|entry| (entry.name)()).collect()
    }
}

impl Drop for Dictionary {
    /// A panic of a value's destructor must not keep its process' end from going on (X8).
    fn drop(&mut self) {
        for (_, entry) in std::mem::take(&mut self.entries) {
            contain("a value of the process dictionary that was dropped", || drop(entry));
        }
    }
}
