//! Fields of a payload that belong to the platform and not to the application: put in and taken out without reading the rest.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::payload::Payload;

impl Payload {
    /// Takes a field out of an object: its value, and the object without it. `None` where there is no such field. Of several
    /// the last counts, as in JavaScript, and all are taken out.
    ///
    /// ```
    /// # use throng_pubsub::Payload;
    /// let payload = Payload::new(serde_json::json!({ "body": "hi", "since": 7 }))?;
    /// let (since, rest) = payload.take_field("since").unwrap();
    /// assert_eq!((since.as_json(), rest.as_json()), ("7", r#"{"body":"hi"}"#));
    /// assert!(rest.take_field("since").is_none());
    /// # Ok::<_, throng_pubsub::PayloadError>(())
    /// ```
    pub fn take_field(&self, name: &str) -> Option<(Payload, Payload)> {
        // Most payloads do not have it, and are not looked into further.
        if !self.as_json().starts_with('{') || !self.as_json().contains(&format!("\"{name}\"")) {
            return None;
        }
        let Fields(fields) = serde_json::from_str(self.as_json()).ok()?;
        let value = fields.iter().rfind(|(key, _)| key.0 == name)?.1;
        let mut rest = String::with_capacity(self.as_json().len());
        rest.push('{');
        for (key, value) in fields.iter().filter(|(key, _)| key.0 != name) {
            if rest.len() > 1 {
                rest.push(',');
            }
            rest.push_str(&serde_json::Value::from(&*key.0).to_string());
            rest.push(':');
            rest.push_str(value.get());
        }
        rest.push('}');
        Some((Payload::from_raw(value), Payload::from(RawValue::from_string(rest).ok()?)))
    }

    /// The object with another field at its end, in the place of one that had the name. What is no object stays as it is.
    ///
    /// ```
    /// # use throng_pubsub::Payload;
    /// let payload = Payload::empty().with_field("a", &Payload::new(1)?).with_field("b", &Payload::new(2)?);
    /// assert_eq!(payload.with_field("a", &Payload::new(3)?).as_json(), r#"{"b":2,"a":3}"#);
    /// # Ok::<_, throng_pubsub::PayloadError>(())
    /// ```
    #[must_use]
    pub fn with_field(&self, name: &str, value: &Payload) -> Payload {
        let rest = self.take_field(name).map(|(_, rest)| rest);
        let rest = rest.as_ref().unwrap_or(self);
        let Some(fields) = rest.as_json().strip_suffix('}').filter(|_| !rest.is_binary()) else {
            return self.clone();
        };
        let fields = fields.trim_end();
        let comma = if fields == "{" { "" } else { "," };
        let name = serde_json::Value::from(name);
        let text = format!("{fields}{comma}{name}:{}}}", value.as_json());
        RawValue::from_string(text).map_or_else(|_| self.clone(), Payload::from)
    }
}

/// An object, its fields in their order.
struct Fields<'a>(Vec<(Key<'a>, &'a RawValue)>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'de>, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn payload(text: &str) -> Payload {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn only_fields_of_the_object_itself_are_taken() {
        for other in [r#"{"a":{"since":1}}"#, r#"{"a":"\"since\""}"#, r#"["since"]"#, r#""since""#, "null"] {
            assert!(payload(other).take_field("since").is_none(), "{other}");
            let added = payload(other).with_field("since", &Payload::empty());
            assert_eq!(added.take_field("since").is_some(), other.starts_with('{'), "{other}");
        }
        assert!(Payload::bytes(&b"{\"since\":1}"[..]).take_field("since").is_none());
        assert!(Payload::bytes(&b"{}"[..]).with_field("a", &Payload::empty()).is_binary());
    }

    #[test]
    fn spaces_and_doubles_are_dealt_with() {
        let (value, rest) =
            payload("{ \"since\" : 1, \"a\\n\" : [ 1 ], \"since\" : 2 }").take_field("since").unwrap();
        assert_eq!((value.as_json(), rest.as_json()), ("2", "{\"a\\n\":[ 1 ]}"));
        assert_eq!(payload("{ }").with_field("a", &payload("1")).as_json(), r#"{"a":1}"#);
        assert_eq!(payload("{\"b\":0 }").with_field("a", &payload("1")).as_json(), r#"{"b":0,"a":1}"#);
    }

    proptest! {
        #[test]
        fn it_does_what_a_map_does(fields in prop::collection::btree_map("[a-c\"\\\\é]{0,3}", 0..9_i32, 0..6), name in "[a-c\"\\\\é]{0,3}", value: i32) {
            let map: Map<String, Value> = fields.into_iter().map(|(key, value)| (key, json!(value))).collect();
            let payload = Payload::new(&map).unwrap();
            let mut with = map.clone();
            with.insert(name.clone(), json!(value));
            let added = payload.with_field(&name, &Payload::new(value).unwrap());
            prop_assert_eq!(&added.parse::<Map<String, Value>>().unwrap(), &with);
            let mut without = map.clone();
            without.remove(&name);
            // A name that JSON spells with escapes is not found, and is no name of ours.
            if !name.contains(['"', '\\']) {
                let (taken, rest) = added.take_field(&name).unwrap();
                prop_assert_eq!(taken.parse::<i32>().unwrap(), value);
                prop_assert_eq!(rest.parse::<Map<String, Value>>().unwrap(), without);
            }
        }
    }
}
