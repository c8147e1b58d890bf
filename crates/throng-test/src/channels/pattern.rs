//! Whether a payload is what a test expects (pure).

use serde_json::Value;

/// An object fits with at least the pattern's fields; an array with as many elements, each of which fits; all else if equal.
pub(super) fn fits(pattern: &Value, actual: &Value) -> bool {
    match (pattern, actual) {
        (Value::Object(pattern), Value::Object(actual)) => {
            pattern.iter().all(|(key, pattern)| actual.get(key).is_some_and(|actual| fits(pattern, actual)))
        }
        (Value::Array(pattern), Value::Array(actual)) => {
            pattern.len() == actual.len()
                && pattern.iter().zip(actual).all(|(pattern, actual)| fits(pattern, actual))
        }
        _ => pattern == actual,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_may_have_more_at_any_depth() {
        let actual = json!({ "a": 1, "b": { "c": [{ "d": 2, "e": 3 }] } });
        for pattern in [json!({}), json!({ "a": 1 }), json!({ "b": { "c": [{ "d": 2 }] } }), actual.clone()] {
            assert!(fits(&pattern, &actual), "{pattern}");
        }
    }

    #[test]
    fn everything_else_has_to_be_equal() {
        let actual = json!({ "a": 1, "b": [1, 2] });
        for pattern in
            [json!({ "a": "1" }), json!({ "c": null }), json!({ "b": [1] }), json!([]), json!(null)]
        {
            assert!(!fits(&pattern, &actual), "{pattern}");
        }
    }
}
