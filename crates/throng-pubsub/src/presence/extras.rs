//! What the application adds to presences beside their metas.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::payload::PayloadError;

/// The field of an entry that nobody but the presence fills.
const METAS: &str = "metas";

/// Fields to show beside the metas of each key: a user's record, say (§12.5).
///
/// ```
/// # use throng_pubsub::Extras;
/// let mut extras = Extras::new();
/// extras.insert("ann", serde_json::json!({ "user": { "name": "Ann" } }))?;
/// assert_eq!(extras.get("ann").unwrap()["user"]["name"], "Ann");
/// # Ok::<_, throng_pubsub::PayloadError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    fields: HashMap<Arc<str>, Map<String, Value>>,
}

impl Extras {
    /// None for any key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the fields of a key. A field `metas` among them is dropped: the metas stay as they are (§12.5).
    ///
    /// # Errors
    ///
    /// When they are not an object.
    pub fn insert(&mut self, key: impl Into<Arc<str>>, fields: impl Serialize) -> Result<(), PayloadError> {
        let Value::Object(mut fields) = serde_json::to_value(fields)? else {
            return Err(PayloadError::NotAnObject);
        };
        fields.remove(METAS);
        self.fields.insert(key.into(), fields);
        Ok(())
    }

    /// The fields of a key.
    pub fn get(&self, key: &str) -> Option<&Map<String, Value>> {
        self.fields.get(key)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn c12_5_extras_are_objects_and_never_take_the_place_of_the_metas() {
        let mut extras = Extras::new();
        extras.insert("ann", json!({ "metas": [], "user": 1 })).unwrap();
        assert_eq!(serde_json::to_string(extras.get("ann").unwrap()).unwrap(), r#"{"user":1}"#);
        assert!(matches!(extras.insert("bob", json!([1])), Err(PayloadError::NotAnObject)));
        assert!(extras.get("bob").is_none());
    }
}
