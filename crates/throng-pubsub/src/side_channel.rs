//! Side channels between nodes: parts of Throng gossip with their peers on other nodes, past all topics.

use std::{collections::HashMap, sync::Weak};

use parking_lot::RwLock;

use crate::payload::Payload;

/// The receiver of what other nodes send to a name.
pub(crate) trait SideChannel: Send + Sync {
    /// Takes a message; it does not wait.
    fn receive(&self, from: &str, body: &Payload);
}

#[derive(Default)]
pub(crate) struct SideChannels {
    open: RwLock<HashMap<Box<str>, Weak<dyn SideChannel>>>,
}

impl SideChannels {
    /// False when another channel has the name. One that is gone does not hold it.
    pub(crate) fn open(&self, name: &str, channel: Weak<dyn SideChannel>) -> bool {
        let mut open = self.open.write();
        let taken =
            open.get(name).is_some_and(|held| held.strong_count() > 0 && !Weak::ptr_eq(held, &channel));
        if !taken {
            open.insert(name.into(), channel);
        }
        !taken
    }

    pub(crate) fn receive(&self, name: &str, from: &str, body: &Payload) {
        let channel = self.open.read().get(name).and_then(Weak::upgrade);
        match channel {
            Some(channel) => channel.receive(from, body),
            None => tracing::debug!(name, node = from, "no side channel of that name is open here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Default)]
    struct Inbox(Mutex<Vec<String>>);

    impl SideChannel for Inbox {
        fn receive(&self, from: &str, body: &Payload) {
            self.0.lock().push(format!("{from}: {}", body.as_json()));
        }
    }

    fn weak(inbox: &Arc<Inbox>) -> Weak<dyn SideChannel> {
        let channel: Arc<dyn SideChannel> = inbox.clone();
        Arc::downgrade(&channel)
    }

    #[test]
    fn a_name_belongs_to_one_channel_as_long_as_it_is_there() {
        let (channels, first, second) =
            (SideChannels::default(), Arc::<Inbox>::default(), Arc::<Inbox>::default());
        assert!(channels.open("x", weak(&first)));
        assert!(channels.open("x", weak(&first)), "the same one may come again");
        assert!(!channels.open("x", weak(&second)));
        channels.receive("x", "a", &Payload::empty());
        channels.receive("y", "a", &Payload::empty());
        assert_eq!(*first.0.lock(), ["a: {}"]);
        drop(first);
        channels.receive("x", "a", &Payload::empty());
        assert!(channels.open("x", weak(&second)));
        channels.receive("x", "b", &Payload::empty());
        assert_eq!(*second.0.lock(), ["b: {}"]);
    }
}
