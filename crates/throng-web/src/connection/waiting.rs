//! The frames that wait for a client, in order; some of them may be dropped, replaced or merged while they do (§18.3).
//!
//! ```text
//!   firm   tick   firm   cursor   tick   firm
//!           ▲              ▲       ▲
//!           └── droppable ─┼───────┘          oldest first
//!                          └── single: one for each channel and event
//! ```
//!
//! What is dropped leaves a gap, so that the places of the others hold; gaps are closed when they are most of the list.

use std::collections::VecDeque;

use throng_pubsub::Payload;

use crate::{
    WhenSlow,
    protocol::{Frame, Ref, Serializer},
    slow::WhenSlowRules,
    small_map::SmallMap,
    socket::ChannelId,
};

/// What may become of a frame while it waits, and what is needed for that.
pub(crate) struct Mark {
    pub(crate) channel: ChannelId,
    pub(crate) event: &'static str,
    pub(crate) rule: Rule,
}

pub(crate) enum Rule {
    Drop,
    Replace,
    Merge(Merge),
}

/// A frame that can be merged with a later one: what it was made of.
pub(crate) struct Merge {
    pub(crate) merge: fn(&Payload, &Payload) -> Option<Payload>,
    pub(crate) serializer: Serializer,
    pub(crate) join_ref: Ref,
    pub(crate) topic: Box<str>,
    pub(crate) payload: Payload,
}

/// Of whose events there is one at most.
type Single = (ChannelId, &'static str);

/// The list; a client that keeps up has none, and then it holds no memory.
#[derive(Default)]
pub(super) struct Waiting {
    entries: VecDeque<Option<Entry>>,
    /// The place of the first entry; places count up.
    first: u64,
    gaps: usize,
    marks: Option<Box<Marks>>,
}

struct Entry {
    frame: Frame,
    mark: Option<Box<Mark>>,
}

#[derive(Default)]
struct Marks {
    droppable: VecDeque<u64>,
    single: SmallMap<Single, u64>,
}

impl Mark {
    /// The mark of a frame of an event with this rule; none where it just waits.
    pub(crate) fn new(
        rules: WhenSlowRules,
        channel: ChannelId,
        event: &str,
        merge: impl FnOnce(fn(&Payload, &Payload) -> Option<Payload>) -> Merge,
    ) -> Option<Box<Mark>> {
        let (event, rule) = rules.iter().find(|(named, _)| *named == event)?;
        let rule = match rule {
            WhenSlow::Close => return None,
            WhenSlow::DropOldest => Rule::Drop,
            WhenSlow::KeepLatest => Rule::Replace,
            WhenSlow::Coalesce(by) => Rule::Merge(merge(*by)),
        };
        Some(Box::new(Mark { channel, event, rule }))
    }

    fn single(&self) -> Single {
        (self.channel, self.event)
    }
}

impl Merge {
    /// The frame of both, and what it was made of.
    fn with(&self, newer: &Merge, event: &str) -> Option<(Frame, Merge)> {
        let payload = (newer.merge)(&self.payload, &newer.payload)?.into_object().ok()?;
        let frame = newer.serializer.push(&newer.join_ref, &newer.topic, event, &payload).ok()?;
        let (join_ref, topic) = (newer.join_ref.clone(), newer.topic.clone());
        Some((frame, Merge { merge: newer.merge, serializer: newer.serializer, join_ref, topic, payload }))
    }
}

impl Waiting {
    pub(super) fn push(&mut self, frame: Frame, mark: Option<Box<Mark>>) {
        let place = self.first + self.entries.len() as u64;
        if let Some(mark) = &mark {
            let marks = self.marks.get_or_insert_default();
            match mark.rule {
                Rule::Drop => marks.droppable.push_back(place),
                Rule::Replace | Rule::Merge(_) => drop(marks.single.insert(mark.single(), place)),
            }
        }
        self.entries.push_back(Some(Entry { frame, mark }));
    }

    pub(super) fn pop(&mut self) -> Option<Frame> {
        loop {
            let Some(entry) = self.entries.pop_front() else {
                // An idle connection keeps no buffer.
                *self = Waiting::default();
                return None;
            };
            self.first += 1;
            let Some(Entry { frame, mark }) = entry else {
                self.gaps -= 1;
                continue;
            };
            if let Some(mark) = mark {
                self.forget(&mark);
            }
            if self.entries.is_empty() {
                *self = Waiting::default();
            }
            self.close_many_gaps();
            return Some(frame);
        }
    }

    /// The frame that waits where only one of its kind may.
    pub(super) fn single(&self, mark: &Mark) -> Option<&Frame> {
        let place = *self.marks.as_ref()?.single.get(&mark.single())?;
        self.at(place).map(|entry| &entry.frame)
    }

    /// Puts a frame in the place of the one of its kind that waits.
    pub(super) fn replace(&mut self, frame: Frame, mark: Box<Mark>) {
        let place = self.marks.as_ref().and_then(|marks| marks.single.get(&mark.single()).copied());
        if let Some(entry) = place.and_then(|place| self.at_mut(place)) {
            *entry = Entry { frame, mark: Some(mark) };
        }
    }

    /// What becomes of a frame and the one of its kind that waits, merged.
    pub(super) fn merged(&self, mark: &Mark) -> Option<(Frame, Box<Mark>)> {
        let place = *self.marks.as_ref()?.single.get(&mark.single())?;
        let older = self.at(place)?.mark.as_ref()?;
        let (Rule::Merge(older), Rule::Merge(newer)) = (&older.rule, &mark.rule) else { return None };
        let (frame, merge) = older.with(newer, mark.event)?;
        let mark = Mark { channel: mark.channel, event: mark.event, rule: Rule::Merge(merge) };
        Some((frame, Box::new(mark)))
    }

    /// Takes out the oldest frame that may be dropped.
    pub(super) fn drop_oldest(&mut self) -> Option<Frame> {
        let place = self.marks.as_mut()?.droppable.pop_front()?;
        let index = usize::try_from(place.checked_sub(self.first)?).ok()?;
        let entry = self.entries.get_mut(index)?.take()?;
        self.gaps += 1;
        self.close_many_gaps();
        Some(entry.frame)
    }

    /// How many frames wait.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.gaps
    }

    fn at(&self, place: u64) -> Option<&Entry> {
        let index = usize::try_from(place.checked_sub(self.first)?).ok()?;
        self.entries.get(index)?.as_ref()
    }

    fn at_mut(&mut self, place: u64) -> Option<&mut Entry> {
        let index = usize::try_from(place.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(index)?.as_mut()
    }

    /// A marked frame has been taken from the front.
    fn forget(&mut self, mark: &Mark) {
        let Some(marks) = &mut self.marks else { return };
        match mark.rule {
            // The front is older than all others of its kind.
            Rule::Drop => drop(marks.droppable.pop_front()),
            // A merge that failed left two: the map knows the newer, which still waits.
            Rule::Replace | Rule::Merge(_) => {
                if marks.single.get(&mark.single()).is_some_and(|place| *place < self.first) {
                    marks.single.remove(&mark.single());
                }
            }
        }
    }

    /// Closes the gaps where they are most of the list; also when what stood before them has been taken.
    fn close_many_gaps(&mut self) {
        if self.gaps <= self.entries.len() / 2 {
            return;
        }
        let entries = std::mem::take(&mut self.entries);
        *self = Waiting::default();
        for Entry { frame, mark } in entries.into_iter().flatten() {
            self.push(frame, mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: ChannelId = ChannelId(1);

    fn mark(rule: Rule) -> Option<Box<Mark>> {
        Some(Box::new(Mark { channel: A, event: "e", rule }))
    }

    fn texts(waiting: &mut Waiting) -> Vec<String> {
        std::iter::from_fn(|| waiting.pop()).map(|frame| frame.as_text().unwrap().into_owned()).collect()
    }

    #[test]
    fn c18_3_the_oldest_that_may_be_dropped_goes_first() {
        let mut waiting = Waiting::default();
        waiting.push("firm".into(), None);
        waiting.push("1".into(), mark(Rule::Drop));
        waiting.push("2".into(), mark(Rule::Drop));
        assert_eq!(waiting.drop_oldest(), Some("1".into()));
        assert_eq!(waiting.len(), 2);
        assert_eq!(texts(&mut waiting), ["firm", "2"]);
        assert_eq!(waiting.drop_oldest(), None);
    }

    #[test]
    fn c18_3_the_latest_takes_the_place_of_the_one_that_waits() {
        let mut waiting = Waiting::default();
        waiting.push("old".into(), mark(Rule::Replace));
        waiting.push("firm".into(), None);
        let newer = mark(Rule::Replace).unwrap();
        assert!(waiting.single(&newer).is_some());
        waiting.replace("new".into(), newer);
        assert_eq!(texts(&mut waiting), ["new", "firm"]);
        assert!(waiting.single(&mark(Rule::Replace).unwrap()).is_none());
    }

    #[test]
    fn what_has_been_written_is_forgotten() {
        let mut waiting = Waiting::default();
        waiting.push("1".into(), mark(Rule::Replace));
        waiting.push("firm".into(), None);
        assert_eq!(waiting.pop(), Some("1".into()));
        assert!(waiting.single(&mark(Rule::Replace).unwrap()).is_none());
    }

    #[test]
    fn gaps_are_closed_as_well_when_what_stood_before_them_is_taken() {
        let mut waiting = Waiting::default();
        (0..6).for_each(|_| waiting.push("firm".into(), None));
        (0..5).for_each(|n| waiting.push((&*n.to_string()).into(), mark(Rule::Drop)));
        (0..5).for_each(|_| drop(waiting.drop_oldest()));
        waiting.push("last".into(), None);
        while waiting.len() > 1 {
            waiting.pop();
        }
        assert!(waiting.entries.len() <= 3, "{} places for one frame", waiting.entries.len());
    }

    proptest! {
        #[test]
        fn it_is_a_queue_from_which_old_droppable_frames_may_go(steps in prop::collection::vec(0..6_u8, 0..300)) {
            let (mut waiting, mut model) = (Waiting::default(), VecDeque::<(String, bool)>::new());
            for (step, kind) in steps.into_iter().enumerate() {
                let name = step.to_string();
                match kind {
                    0 | 1 => {
                        waiting.push((&*name).into(), None);
                        model.push_back((name, false));
                    }
                    2 | 3 => {
                        waiting.push((&*name).into(), mark(Rule::Drop));
                        model.push_back((name, true));
                    }
                    4 => {
                        let oldest = model.iter().position(|(_, droppable)| *droppable);
                        let expected = oldest.and_then(|at| model.remove(at)).map(|(name, _)| Frame::from(&*name));
                        prop_assert_eq!(waiting.drop_oldest(), expected);
                    }
                    _ => {
                        let expected = model.pop_front().map(|(name, _)| Frame::from(&*name));
                        prop_assert_eq!(waiting.pop(), expected);
                    }
                }
                prop_assert_eq!(waiting.len(), model.len());
                prop_assert!(waiting.entries.len() <= 2 * model.len() + 1, "gaps pile up");
            }
        }
    }
}
