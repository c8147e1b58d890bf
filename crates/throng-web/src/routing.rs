//! Topic routing: an ordered list of patterns, first match wins (§4.1).

use std::fmt;

/// An exact topic, or a prefix with a star at its end: `"lobby"`, `"room:*"`.
///
/// Matching is by bytes and case sensitive; `"room:*"` matches `"room:"` as well.
///
/// ```
/// # use throng_web::TopicPattern;
/// let rooms = TopicPattern::parse("room:*")?;
/// assert!(rooms.matches("room:42") && !rooms.matches("lobby"));
/// # Ok::<_, throng_web::TopicPatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPattern {
    text: Box<str>,
    prefix: bool,
}

impl TopicPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// When the pattern is empty or holds a star anywhere but at its end.
    pub fn parse(pattern: &str) -> Result<TopicPattern, TopicPatternError> {
        let (text, prefix) = match pattern.strip_suffix('*') {
            Some(text) => (text, true),
            None => (pattern, false),
        };
        if pattern.is_empty() {
            Err(TopicPatternError::Empty)
        } else if text.contains('*') {
            Err(TopicPatternError::StarInside(pattern.to_owned()))
        } else {
            Ok(TopicPattern { text: text.into(), prefix })
        }
    }

    /// Whether the pattern covers the topic.
    pub fn matches(&self, topic: &str) -> bool {
        if self.prefix { topic.starts_with(&*self.text) } else { topic == &*self.text }
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.prefix { "*" } else { "" })
    }
}

/// Why a text is not a topic pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicPatternError {
    /// Nothing to match.
    #[error("a topic pattern must not be empty")]
    Empty,
    /// A star may only end a pattern.
    #[error("topic pattern {0:?} has a star before its end")]
    StarInside(String),
}

/// Patterns with what they lead to, in the order they were added.
#[derive(Clone, Debug)]
pub(crate) struct Routes<T>(Vec<(TopicPattern, T)>);

impl<T> Routes<T> {
    pub(crate) fn new() -> Routes<T> {
        Routes(Vec::new())
    }

    pub(crate) fn add(&mut self, pattern: TopicPattern, target: T) {
        self.0.push((pattern, target));
    }

    /// What the first matching pattern leads to.
    pub(crate) fn find(&self, topic: &str) -> Option<&T> {
        self.0.iter().find(|(pattern, _)| pattern.matches(topic)).map(|(_, target)| target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_exact_or_a_prefix() {
        // §4.1
        let cases = [
            ("lobby", "lobby", true),
            ("lobby", "lobby2", false),
            ("lobby", "Lobby", false),
            ("lobby", "lobb", false),
            ("room:*", "room:1", true),
            ("room:*", "room:", true),
            ("room:*", "room", false),
            ("room:*", "Room:1", false),
            ("room:*", "xroom:1", false),
            ("room:*", "room:*", true),
            ("*", "", true),
            ("*", "anything", true),
            ("rööm:*", "rööm:ü", true),
        ];
        for (pattern, topic, expected) in cases {
            assert_eq!(
                TopicPattern::parse(pattern).unwrap().matches(topic),
                expected,
                "{pattern} against {topic}"
            );
        }
    }

    #[test]
    fn a_star_only_ends_a_pattern() {
        for pattern in ["*:a", "room:*:x", "a**"] {
            assert!(
                matches!(TopicPattern::parse(pattern), Err(TopicPatternError::StarInside(_))),
                "{pattern}"
            );
        }
        assert_eq!(TopicPattern::parse(""), Err(TopicPatternError::Empty));
    }

    #[test]
    fn the_first_match_wins() {
        // §4.1
        let mut routes = Routes::new();
        for (index, pattern) in ["room:private", "room:*", "*"].iter().enumerate() {
            routes.add(TopicPattern::parse(pattern).unwrap(), index);
        }
        assert_eq!(routes.find("room:private"), Some(&0));
        assert_eq!(routes.find("room:1"), Some(&1));
        assert_eq!(routes.find("lobby"), Some(&2));
        assert_eq!(Routes::<()>::new().find("lobby"), None);
    }
}
