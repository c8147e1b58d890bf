//! What people type, read once at the door: nicknames, names of rooms, and what is said (pure).
//!
//! Markup is no matter here: the page shows text as text. What is refused is what would break a line, a list or a log.

use std::{fmt, sync::Arc};

use serde::Serialize;

/// What a person is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Nickname(Arc<str>);

impl Nickname {
    pub(crate) const CHARS_MAX: usize = 24;

    /// Outer blanks are dropped, inner ones drawn together.
    pub(crate) fn parse(text: &str) -> Result<Nickname, Flaw> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let name = words.join(" ");
        check_length(&name, Nickname::CHARS_MAX)?;
        let is_bad = |c: char| c.is_control() || is_invisible(c);
        if name.chars().any(is_bad) { Err(Flaw::Characters) } else { Ok(Nickname(name.into())) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Nickname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that show nothing, or turn what is around them: a name with one of them passes for the name without it.
///
/// They are Unicode's default ignorable characters, its format characters, the separators of lines, and the blank of Braille.
/// Joiners and variation selectors are among them, so an emoji that is put together of several is none for a name.
fn is_invisible(c: char) -> bool {
    let is_ignorable = matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    let is_format = matches!(
        c,
        '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{fff9}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
    );
    is_ignorable || is_format || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2800}')
}

/// The name of a room, as it stands in an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub(crate) struct RoomName(Arc<str>);

impl RoomName {
    pub(crate) const CHARS_MAX: usize = 32;

    pub(crate) fn parse(text: &str) -> Result<RoomName, Flaw> {
        check_length(text, RoomName::CHARS_MAX)?;
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_tidy = !text.starts_with('-') && !text.ends_with('-');
        if text.chars().all(is_allowed) && is_tidy {
            Ok(RoomName(text.into()))
        } else {
            Err(Flaw::Characters)
        }
    }

    /// The name in a topic such as `room:lobby`.
    pub(crate) fn of_topic(topic: &str) -> Result<RoomName, Flaw> {
        RoomName::parse(topic.strip_prefix(RoomName::TOPIC).unwrap_or_default())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The topic of the room.
    pub(crate) fn topic(&self) -> String {
        format!("{}{}", RoomName::TOPIC, self.0)
    }

    const TOPIC: &str = "room:";
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Body(Arc<str>);

impl Body {
    pub(crate) const CHARS_MAX: usize = 2000;

    pub(crate) fn parse(text: &str) -> Result<Body, Flaw> {
        let text = text.trim();
        check_length(text, Body::CHARS_MAX)?;
        let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if text.chars().any(is_bad) { Err(Flaw::Characters) } else { Ok(Body(text.into())) }
    }

    /// How many bytes it takes inside a JSON string.
    pub(crate) fn json_bytes(&self) -> usize {
        json_bytes(&self.0)
    }
}

/// What is wrong with a text, as the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason")]
pub(crate) enum Flaw {
    #[serde(rename = "empty")]
    Empty,
    #[serde(rename = "too long")]
    TooLong { chars_max: usize },
    #[serde(rename = "characters not allowed")]
    Characters,
}

/// Of what is let in, these are the only characters that JSON escapes, each with one byte more.
fn json_bytes(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\t')).count()
}

fn check_length(text: &str, chars_max: usize) -> Result<(), Flaw> {
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    // Counting stops at the limit: what is far too long is not read to its end.
    if text.chars().nth(chars_max).is_some() { Err(Flaw::TooLong { chars_max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nicknames_are_tidied() {
        for (typed, name) in [
            ("Ada", "Ada"),
            ("  Ada \t Lovelace ", "Ada Lovelace"),
            ("Зоя", "Зоя"),
            ("O'Brien <b>", "O'Brien <b>"),
            ("👩 Ada ❤", "👩 Ada ❤"),
            ("Zoe\u{308}", "Zoe\u{308}"),
        ] {
            assert_eq!(Nickname::parse(typed).unwrap().as_str(), name);
        }
    }

    #[test]
    fn nicknames_that_pass_for_nothing_or_for_another_are_refused() {
        let cases = [
            ("", Flaw::Empty),
            (" \n\t ", Flaw::Empty),
            ("A\u{0}", Flaw::Characters),
            ("A\u{202e}da", Flaw::Characters),
            ("\u{200b}", Flaw::Characters),
            ("\u{3164}", Flaw::Characters),
            ("Ada\u{feff}", Flaw::Characters),
            ("Ada\u{1b}[31m", Flaw::Characters),
            ("\u{200d}", Flaw::Characters),
            ("\u{200d} \u{200d}", Flaw::Characters),
            ("👩\u{200d}💻", Flaw::Characters),
        ];
        for (typed, flaw) in cases {
            assert_eq!(Nickname::parse(typed), Err(flaw), "{typed:?}");
        }
    }

    #[test]
    fn no_character_that_shows_nothing_is_in_a_name() {
        let invisible = [
            '\u{ad}',
            '\u{34f}',
            '\u{600}',
            '\u{61c}',
            '\u{6dd}',
            '\u{70f}',
            '\u{8e2}',
            '\u{115f}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2060}',
            '\u{2064}',
            '\u{2066}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0e}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{110bd}',
            '\u{13430}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{1d17a}',
            '\u{e0001}',
            '\u{e0061}',
            '\u{e0100}',
        ];
        for c in invisible {
            for name in [format!("{c}"), format!("Ada{c}"), format!("{c}Ada"), format!("A{c}da")] {
                assert_eq!(Nickname::parse(&name), Err(Flaw::Characters), "{name:?}");
                assert_eq!(RoomName::parse(&name.to_lowercase()), Err(Flaw::Characters), "{name:?}");
            }
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(Nickname::parse(&"ß".repeat(24)).is_ok());
        assert_eq!(Nickname::parse(&"ß".repeat(25)), Err(Flaw::TooLong { chars_max: 24 }));
        assert!(Body::parse(&"🙂".repeat(2000)).is_ok());
        assert_eq!(Body::parse(&"🙂".repeat(2001)), Err(Flaw::TooLong { chars_max: 2000 }));
    }

    #[test]
    fn room_names_are_plain() {
        for name in ["lobby", "a", "room-2", "0"] {
            assert_eq!(RoomName::of_topic(&format!("room:{name}")).unwrap().to_string(), name);
        }
        for name in ["", "-a", "a-", "Lobby", "a b", "a/b", "ä", "..", "a\n", &"a".repeat(33)] {
            assert!(RoomName::parse(name).is_err(), "{name:?}");
        }
        assert!(RoomName::of_topic("rooms").is_err());
    }

    #[test]
    fn what_is_said_keeps_its_lines_and_its_markup() {
        let body = Body::parse("  <script>alert(1)</script>\n\tand more\n\n").unwrap();
        assert_eq!(serde_json::to_value(body).unwrap(), "<script>alert(1)</script>\n\tand more");
        assert_eq!(Body::parse("bell\u{7}"), Err(Flaw::Characters));
        assert_eq!(Body::parse(" \n "), Err(Flaw::Empty));
    }

    #[test]
    fn a_flaw_says_what_it_is() {
        let flaw = serde_json::to_value(Flaw::TooLong { chars_max: 24 }).unwrap();
        assert_eq!(flaw, serde_json::json!({"reason": "too long", "chars_max": 24}));
    }
}
