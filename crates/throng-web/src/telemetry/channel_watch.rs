//! One channel, as observers see it: from its join to its end, whatever ends it.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};

use parking_lot::Mutex;
use throng_runtime::Exit;

use super::{ChannelEnded, ChannelHandledIn, ChannelJoined, Event, JoinResult, Observers};
use crate::protocol::{Message, Payload};

/// Follows one channel for the observers of its endpoint; made where there are any.
pub(crate) struct ChannelWatch {
    observers: Observers,
    topic: Arc<str>,
    id: Option<Arc<str>>,
    began: Instant,
    /// What the client said when it joined, until that was answered.
    params: Mutex<Option<Payload>>,
    /// When it was let in; none, if it was not.
    answered: OnceLock<Option<Instant>>,
}

impl ChannelWatch {
    /// Begins with a join.
    pub(crate) fn begin(
        observers: &Observers,
        join: &Message,
        id: Option<&Arc<str>>,
    ) -> Option<Arc<ChannelWatch>> {
        let watch = || ChannelWatch {
            observers: observers.clone(),
            topic: join.topic.clone(),
            id: id.cloned(),
            began: Instant::now(),
            params: Mutex::new(Some(join.payload.clone())),
            answered: OnceLock::new(),
        };
        observers.are_there().then(|| Arc::new(watch()))
    }

    pub(crate) fn joined(&self) {
        self.answer(JoinResult::Ok, Some(Instant::now()));
    }

    pub(crate) fn refused(&self) {
        self.answer(JoinResult::Refused, None);
    }

    /// An event was handled; it was begun at this time.
    pub(crate) fn handled(&self, event: &str, began: Instant) {
        let (topic, id, duration) = (&*self.topic, self.id.as_deref(), began.elapsed());
        self.observers.tell(|_| Event::ChannelHandledIn(ChannelHandledIn { duration, topic, event, id }));
    }

    /// The channel's process has ended.
    pub(crate) fn ended(&self, reason: &Exit) {
        match self.answered.get() {
            Some(Some(joined)) => {
                let (topic, id, duration) = (&*self.topic, self.id.as_deref(), joined.elapsed());
                self.observers.tell(|_| Event::ChannelEnded(ChannelEnded { duration, topic, id, reason }));
            }
            Some(None) => {}
            None => self.answer(JoinResult::Crashed(reason), None),
        }
    }

    /// A join is answered once.
    fn answer(&self, result: JoinResult<'_>, joined: Option<Instant>) {
        if self.answered.set(joined).is_err() {
            return;
        }
        let payload = self.params.lock().take().unwrap_or_else(Payload::empty);
        let (topic, id, duration) = (&*self.topic, self.id.as_deref(), self.began.elapsed());
        self.observers.tell(|filter| {
            let params = filter.join(&payload);
            Event::ChannelJoined(ChannelJoined { duration, topic, id, params, result })
        });
    }
}

impl fmt::Debug for ChannelWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelWatch").field("topic", &self.topic).finish_non_exhaustive()
    }
}
