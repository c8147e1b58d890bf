//! Message references: opaque to the server, echoed as they came (§2.4).

use std::{borrow::Cow, fmt, sync::Arc};

use serde_json::value::RawValue;

/// A `ref` or `join_ref`: any JSON value of the client's choice, or null.
///
/// It is echoed with its JSON type kept, so the integer `1` and the string `"1"` are two references. Two spellings of
/// one JSON value (escapes, white space) are the same reference.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Ref(Option<Arc<str>>);

impl Ref {
    /// The absent reference, `null` on the wire.
    pub const NULL: Ref = Ref(None);

    /// The reference that the raw JSON spells, or `None` if it does not parse.
    pub(crate) fn parse(raw: &RawValue) -> Option<Ref> {
        match serde_json::from_str(raw.get()).ok()? {
            serde_json::Value::Null => Some(Ref::NULL),
            value => Some(Ref(Some(value.to_string().into()))),
        }
    }

    /// A string reference, as phoenix.js sends them.
    pub(crate) fn text(text: &str) -> Ref {
        Ref(Some(serde_json::Value::from(text).to_string().into()))
    }

    /// Whether there is no reference.
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// This reference, or the other where this one is null.
    pub(crate) fn or(&self, other: &Ref) -> Ref {
        if self.is_null() { other.clone() } else { self.clone() }
    }

    /// As it travels in binary frames, where all references are text (§3.3).
    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        match self.0.as_deref() {
            None => "".into(),
            Some(json) if json.starts_with('"') => {
                serde_json::from_str(json).map_or(json.into(), |text: String| text.into())
            }
            Some(json) => json.into(),
        }
    }

    /// The JSON text that goes on the wire.
    pub fn as_json(&self) -> &str {
        self.0.as_deref().unwrap_or("null")
    }
}

impl fmt::Debug for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Ref {
        Ref::parse(&RawValue::from_string(json.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn a_reference_keeps_its_json_type() {
        // §2.4
        for json in ["1", "\"1\"", "null", "true", "1.5", "[1]", "{\"a\":1}", "-7", "18446744073709551615"] {
            assert_eq!(parsed(json).as_json(), json);
        }
        assert_ne!(parsed("1"), parsed("\"1\""));
    }

    #[test]
    fn two_spellings_of_one_value_are_one_reference() {
        assert_eq!(parsed(r#""a""#), parsed(r#""\u0061""#));
        assert_eq!(parsed("[1, 2]"), parsed("[1,2]"));
        assert_eq!(parsed("null"), Ref::NULL);
    }

    #[test]
    fn a_null_reference_gives_way_to_another() {
        assert_eq!(Ref::NULL.or(&Ref::text("4")), Ref::text("4"));
        assert_eq!(Ref::text("3").or(&Ref::text("4")), Ref::text("3"));
    }
}
