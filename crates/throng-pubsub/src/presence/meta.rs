//! What a presence shows: the application's own fields and the reference that tells presences apart.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::replica::Tag;
use crate::payload::{Payload, PayloadError};

const REF: &str = "phx_ref";
const PREVIOUS_REF: &str = "phx_ref_prev";

/// What one presence shows: a JSON object with the fields that it was tracked with, `phx_ref`, and after an update
/// `phx_ref_prev` (§12.1).
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    pub(crate) tag: Tag,
    pub(crate) fields: Payload,
}

impl Meta {
    /// The presence's reference, which no other presence has or had.
    pub fn phx_ref(&self) -> String {
        self.tag.phx_ref()
    }

    /// The whole object, as clients get it.
    pub fn payload(&self) -> &Payload {
        &self.fields
    }

    /// Parses it; the references are fields like all others.
    ///
    /// # Errors
    ///
    /// When it does not deserialize as `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        self.fields.parse()
    }
}

impl Serialize for Meta {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields.as_raw().serialize(serializer)
    }
}

/// The application's fields, before they are stamped with a reference.
#[derive(Clone, Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn new(value: impl Serialize) -> Result<Self, PayloadError> {
        match serde_json::to_value(value)? {
            Value::Object(mut fields) => {
                // Fields that an update made of the old meta contain its references.
                fields.remove(REF);
                fields.remove(PREVIOUS_REF);
                Ok(Self(fields))
            }
            _ => Err(PayloadError::NotAnObject),
        }
    }

    /// The size of the fields as JSON.
    pub(crate) fn bytes(&self) -> usize {
        struct Count(usize);
        impl io::Write for Count {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += bytes.len();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut count = Count(0);
        // Counting does not fail, and neither do fields that came from JSON.
        let _ = serde_json::to_writer(&mut count, &self.0);
        count.0
    }

    pub(crate) fn stamp(mut self, tag: &Tag, previous: Option<&Tag>) -> Payload {
        self.0.insert(REF.to_owned(), Value::String(tag.phx_ref()));
        if let Some(previous) = previous {
            self.0.insert(PREVIOUS_REF.to_owned(), Value::String(previous.phx_ref()));
        }
        Payload::from_fields(self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::presence::replica::Replica;

    fn tag(clock: u64) -> Tag {
        Tag { replica: Replica { name: "a".into(), version: 0xfe }, clock }
    }

    #[test]
    fn c12_1_a_meta_carries_its_reference_and_after_an_update_the_one_before() {
        let fields = || Fields::new(json!({ "typing": true })).unwrap();
        let of = |payload: Payload| payload.as_json().to_owned();
        assert_eq!(of(fields().stamp(&tag(1), None)), r#"{"phx_ref":"fe-1","typing":true}"#);
        let updated = fields().stamp(&tag(3), Some(&tag(1)));
        assert_eq!(of(updated), r#"{"phx_ref":"fe-3","phx_ref_prev":"fe-1","typing":true}"#);
    }

    #[test]
    fn c12_2_the_references_of_an_old_meta_do_not_survive_in_a_new_one() {
        let old = json!({ "phx_ref": "x", "phx_ref_prev": "y", "n": 1 });
        let stamped = Fields::new(old).unwrap().stamp(&tag(2), None);
        assert_eq!(stamped.as_json(), r#"{"n":1,"phx_ref":"fe-2"}"#);
    }

    #[test]
    fn only_an_object_is_a_meta() {
        for value in [json!(null), json!("x"), json!([1])] {
            assert!(matches!(Fields::new(value), Err(PayloadError::NotAnObject)));
        }
    }
}
