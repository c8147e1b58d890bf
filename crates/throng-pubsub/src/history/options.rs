//! What is kept of which topics.

use std::time::Duration;

/// What is kept of a topic, and for how long. Whatever comes first ends a message's time.
///
/// ```
/// # use std::time::Duration;
/// # use throng_pubsub::HistoryOptions;
/// let options = HistoryOptions::default()
///     .with(|options| options.age_max = Duration::from_secs(600))
///     .transient(["typing", "cursor"]);
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryOptions {
    /// Messages of a topic: 100.
    pub messages_max: usize,
    /// Bytes of a topic's messages, with what each costs beside its payload: 256 KiB.
    pub bytes_max: usize,
    /// How long a message is kept: 5 minutes. As long may a client be away and miss nothing.
    pub age_max: Duration,
    /// Events that are not kept, nor numbered: who missed them has missed nothing.
    pub transient: Vec<String>,
}

/// What presence says of changes: whoever comes back is pushed the whole state (§12.3).
const PRESENCE_DIFF: &str = "presence_diff";

impl HistoryOptions {
    /// Changes some of the options.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut HistoryOptions)) -> HistoryOptions {
        change(&mut self);
        self
    }

    /// Names events that are not kept.
    #[must_use]
    pub fn transient<E: Into<String>>(mut self, events: impl IntoIterator<Item = E>) -> HistoryOptions {
        self.transient.extend(events.into_iter().map(Into::into));
        self
    }

    pub(crate) fn keeps(&self, event: &str) -> bool {
        event != PRESENCE_DIFF && !self.transient.iter().any(|transient| transient == event)
    }

    pub(crate) fn age_max_ms(&self) -> u64 {
        u64::try_from(self.age_max.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Default for HistoryOptions {
    fn default() -> Self {
        Self {
            messages_max: 100,
            bytes_max: 256 << 10,
            age_max: Duration::from_secs(300),
            transient: Vec::new(),
        }
    }
}

/// Which topics have a history, in the order in which they were named; the first pattern that matches counts.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<(Pattern, HistoryOptions)>);

#[derive(Debug)]
struct Pattern {
    text: Box<str>,
    is_prefix: bool,
}

impl Rules {
    /// An exact topic, or a prefix with a star at its end.
    ///
    /// # Panics
    ///
    /// When the pattern is empty, or has a star elsewhere.
    pub(crate) fn add(&mut self, pattern: &str, options: HistoryOptions) {
        let (text, is_prefix) = pattern.strip_suffix('*').map_or((pattern, false), |text| (text, true));
        assert!(!pattern.is_empty() && !text.contains('*'), "{pattern:?} is no pattern of topics");
        self.0.push((Pattern { text: text.into(), is_prefix }, options));
    }

    pub(crate) fn find(&self, topic: &str) -> Option<&HistoryOptions> {
        self.0.iter().find(|(pattern, _)| pattern.matches(topic)).map(|(_, options)| options)
    }
}

impl Pattern {
    fn matches(&self, topic: &str) -> bool {
        if self.is_prefix { topic.starts_with(&*self.text) } else { topic == &*self.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_matches_counts() {
        let mut rules = Rules::default();
        rules.add("room:lobby", HistoryOptions::default().with(|options| options.messages_max = 1));
        rules.add("room:*", HistoryOptions::default());
        let messages_max = |topic| rules.find(topic).map(|options| options.messages_max);
        assert_eq!(messages_max("room:lobby"), Some(1));
        assert_eq!(messages_max("room:lobby2"), Some(100));
        assert_eq!(messages_max("room:"), Some(100));
        assert_eq!(messages_max("news"), None);
    }

    #[test]
    #[should_panic(expected = "is no pattern of topics")]
    fn a_star_inside_is_refused() {
        Rules::default().add("room:*:events", HistoryOptions::default());
    }

    #[test]
    fn presence_and_transient_events_are_not_kept() {
        let options = HistoryOptions::default().transient(["typing"]);
        let kept = ["said", "typing", "presence_diff", "Typing"].map(|event| options.keeps(event));
        assert_eq!(kept, [true, false, false, true]);
    }
}
