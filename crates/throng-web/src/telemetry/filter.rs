//! What is not shown of parameters (§15).

use serde_json::Value;

/// What stands in the place of a value that is not shown.
const FILTERED: &str = "[FILTERED]";

/// Which parameters observers may see: unless told otherwise, all but those whose name contains `password` or `token`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    mode: Mode,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    Hide(Vec<String>),
    Keep(Vec<String>),
}

impl Filter {
    /// Hides the values under names that contain one of these, at any depth.
    ///
    /// ```
    /// # use throng_web::telemetry::Filter;
    /// let filter = Filter::hiding(["secret"]);
    /// assert_ne!(filter, Filter::default());
    /// ```
    pub fn hiding<'a>(parts: impl IntoIterator<Item = &'a str>) -> Filter {
        Filter { mode: Mode::Hide(parts.into_iter().map(str::to_owned).collect()) }
    }

    /// Shows the values under exactly these names, and no others.
    pub fn keeping<'a>(names: impl IntoIterator<Item = &'a str>) -> Filter {
        Filter { mode: Mode::Keep(names.into_iter().map(str::to_owned).collect()) }
    }

    /// Puts a mark in the place of what is not shown.
    pub(super) fn apply(&self, value: Value) -> Value {
        match (value, &self.mode) {
            (Value::Object(fields), _) => {
                fields.into_iter().map(|(name, value)| (name.clone(), self.field(&name, value))).collect()
            }
            (Value::Array(items), _) => items.into_iter().map(|item| self.apply(item)).collect(),
            (value, Mode::Hide(_)) => value,
            (_, Mode::Keep(_)) => FILTERED.into(),
        }
    }

    fn field(&self, name: &str, value: Value) -> Value {
        match &self.mode {
            Mode::Hide(parts) if parts.iter().any(|part| name.contains(part.as_str())) => FILTERED.into(),
            Mode::Keep(names) if names.iter().any(|kept| kept == name) => value,
            _ => self.apply(value),
        }
    }
}

impl Default for Filter {
    fn default() -> Filter {
        Filter::hiding(["password", "token"])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn c15_passwords_and_tokens_are_hidden_at_any_depth() {
        let seen = json!({"user": "ada", "old_password": "x", "a": [{"user_token": {"b": 1}, "c": 2}]});
        let shown = json!({"user": "ada", "old_password": FILTERED, "a": [{"user_token": FILTERED, "c": 2}]});
        assert_eq!(Filter::default().apply(seen), shown);
    }

    #[test]
    fn c15_a_keep_list_hides_all_the_rest() {
        let seen = json!({"user": "ada", "other": 1, "a": {"user": {"b": 1}, "c": [2, 3]}});
        let shown = json!({
            "user": "ada", "other": FILTERED, "a": {"user": {"b": 1}, "c": [FILTERED, FILTERED]}
        });
        assert_eq!(Filter::keeping(["user"]).apply(seen), shown);
    }
}
