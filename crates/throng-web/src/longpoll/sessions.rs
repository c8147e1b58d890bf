//! The sessions of one mount that live, by the key in their tokens.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use super::{SessionKey, session::Session};

/// The living sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Living>);

#[derive(Debug, Default)]
struct Living {
    next: u64,
    sessions: HashMap<SessionKey, Arc<Session>>,
}

impl Sessions {
    /// Keeps a session until the entry is dropped.
    pub(super) fn add(self: &Arc<Self>, session: Arc<Session>) -> Entry {
        let mut living = self.0.lock();
        living.next += 1;
        let key = SessionKey(living.next);
        living.sessions.insert(key, session.clone());
        Entry { sessions: self.clone(), key, session }
    }

    pub(super) fn find(&self, key: SessionKey) -> Option<Arc<Session>> {
        self.0.lock().sessions.get(&key).cloned()
    }
}

/// A session's place among the others. When it is dropped, whatever the reason, nobody finds the session any more, and
/// whoever polls it is let go.
#[derive(Debug)]
pub(super) struct Entry {
    sessions: Arc<Sessions>,
    pub(super) key: SessionKey,
    pub(super) session: Arc<Session>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.sessions.0.lock().sessions.remove(&self.key);
        self.session.end();
    }
}
