//! The parameters of a connect as the query of a URL (pure).

use std::fmt::Write;

use serde_json::Value;

/// `{"user": "ada", "a": {"b": 1}, "l": [2]}` as `&user=ada&a[b]=1&l[]=2`, escaped.
pub(super) fn encode(params: &Value) -> String {
    let mut query = String::new();
    if let Value::Object(fields) = params {
        fields.iter().for_each(|(name, value)| pair(&escaped(name), value, &mut query));
    }
    query
}

fn pair(name: &str, value: &Value, query: &mut String) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| pair(&format!("{name}%5B{}%5D", escaped(key)), value, query)),
        Value::Array(elements) => {
            elements.iter().for_each(|element| pair(&format!("{name}%5B%5D"), element, query))
        }
        Value::String(text) => query.push_str(&format!("&{name}={}", escaped(text))),
        Value::Null => query.push_str(&format!("&{name}=")),
        scalar => query.push_str(&format!("&{name}={scalar}")),
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte))
            }
            // Writing to a string cannot fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_become_a_query() {
        let params = json!({ "user": "Ada & co", "a": { "b": 1 }, "l": [2, true], "n": null });
        assert_eq!(encode(&params), "&a%5Bb%5D=1&l%5B%5D=2&l%5B%5D=true&n=&user=Ada%20%26%20co");
        assert_eq!(encode(&json!({})), "");
    }
}
