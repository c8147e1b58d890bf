//! An error in a value, on its way to the place that it belongs to. It says what was expected, and never what was found.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::names;

/// What is wrong with one value.
#[derive(Debug)]
pub(crate) enum Error {
    /// In words that may hold the value: they are cleaned when the place is known.
    Words(String),
    /// In words that do not.
    Clean(String),
    /// A key of the table at hand.
    Missing(&'static str),
    /// It has been noted with its place.
    Noted,
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self::Words(words.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Clean(format!("expected {}, found {}", in_words(expected), kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let other = match found {
            Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_) => "one out of that range",
            _ => "another",
        };
        Self::Clean(format!("expected {}, found {other}", in_words(expected)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::Clean(format!("expected {expected}, found {length} elements"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::Clean(format!("expected one of {}{}", expected.join(", "), did_you_mean(variant, expected)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::Clean(format!("unknown key `{field}`{}", did_you_mean(field, expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Clean(format!("`{field}` is there twice"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) | Self::Clean(words) => f.write_str(words),
            Self::Missing(key) => write!(f, "`{key}` is missing"),
            Self::Noted => f.write_str("noted"),
        }
    }
}

impl std::error::Error for Error {}

/// `; did you mean this?`, if there is something that was probably meant.
pub(crate) fn did_you_mean(written: &str, known: &[&str]) -> String {
    names::similar(written, known).map_or(String::new(), |meant| format!("; did you mean `{meant}`?"))
}

/// What serde expects, in an operator's words.
fn in_words(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "u8" => "a number from 0 to 255".into(),
        "u16" => "a number from 0 to 65535".into(),
        "u32" | "u64" | "u128" | "usize" => "a whole number from 0 on".into(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" | "string" | "str" => "text".into(),
        "a sequence" => "a list".into(),
        "a map" => "a section".into(),
        other if other.starts_with("struct ") => "a section".into(),
        _ => expected,
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a section",
        _ => "something else",
    }
}
