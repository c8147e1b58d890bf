//! Connect parameters: query strings decoded as Plug decodes them (§1.3).
//!
//! `a[b]=1` nests, `l[]=x` appends, the last of two equal keys wins. Depth and count are bounded.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Pairs in one query.
const PAIRS_MAX: usize = 256;
/// Brackets in one key.
const DEPTH_MAX: usize = 8;

/// The decoded query of a connect request: strings, nested maps and lists.
#[derive(Clone, Default, PartialEq)]
pub struct Params(Map<String, Value>);

impl Params {
    /// Decodes a query string.
    ///
    /// ```
    /// # use throng_web::Params;
    /// let params = Params::decode("name=ada&tags[]=a&tags[]=b&at[room]=1")?;
    /// assert_eq!(params.text("name"), Some("ada"));
    /// assert_eq!(params.get("tags"), Some(&serde_json::json!(["a", "b"])));
    /// assert_eq!(params.get("at"), Some(&serde_json::json!({ "room": "1" })));
    /// # Ok::<_, throng_web::ParamsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When an escape is malformed, a text is not UTF-8, or there are more pairs or brackets than anyone needs.
    pub fn decode(query: &str) -> Result<Params, ParamsError> {
        let mut params = Map::new();
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        for (index, pair) in pairs.enumerate() {
            if index == PAIRS_MAX {
                return Err(ParamsError::TooMany);
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = unescape(key)?;
            let (first, rest) = segments(&key)?;
            insert(params.entry(first).or_insert(Value::Null), &rest, unescape(value)?.into_owned());
        }
        Ok(Params(params))
    }

    /// The value under a key: a string, a map or a list.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The value under a key where it is a string.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// Reads all parameters into a type of your own; every leaf is a string.
    ///
    /// # Errors
    ///
    /// When they do not deserialize as one.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(Value::Object(self.0.clone()))
    }

    /// The parameters as a JSON object.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// Adds what the mount's path names (§1.1).
    pub(crate) fn insert(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), Value::from(value));
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be tokens and passwords: only the names are shown.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a query cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// A percent sign without two hexadecimal digits.
    #[error("malformed escape in the query")]
    Escape,
    /// A name or value that is not UTF-8.
    #[error("query is not UTF-8")]
    NotUtf8,
    /// More pairs than the limit.
    #[error("too many parameters")]
    TooMany,
    /// A key nests deeper than the limit.
    #[error("a parameter nests too deeply")]
    TooDeep,
}

/// `a[b][]` → `a` and `["b", ""]`; a key without closed brackets is one name.
fn segments(key: &str) -> Result<(&str, Vec<&str>), ParamsError> {
    let Some((first, inner)) = key.strip_suffix(']').and_then(|open| open.split_once('[')) else {
        return Ok((key, Vec::new()));
    };
    let rest: Vec<&str> = inner.split("][").take(DEPTH_MAX + 1).collect();
    if rest.len() > DEPTH_MAX { Err(ParamsError::TooDeep) } else { Ok((first, rest)) }
}

/// Puts the value at the path below `slot`; what stands in the way in another shape is replaced.
fn insert(slot: &mut Value, path: &[&str], value: String) {
    let Some((segment, rest)) = path.split_first() else {
        *slot = Value::String(value);
        return;
    };
    let next = if segment.is_empty() {
        let list = as_list(slot);
        list.push(Value::Null);
        list.last_mut()
    } else {
        Some(as_map(slot).entry(*segment).or_insert(Value::Null))
    };
    if let Some(next) = next {
        insert(next, rest, value);
    }
}

fn as_list(slot: &mut Value) -> &mut Vec<Value> {
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    match slot {
        Value::Array(list) => list,
        _ => unreachable!("the slot was made a list above"),
    }
}

fn as_map(slot: &mut Value) -> &mut Map<String, Value> {
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    match slot {
        Value::Object(map) => map,
        _ => unreachable!("the slot was made a map above"),
    }
}

/// Decodes `%XX` and `+`.
fn unescape(text: &str) -> Result<Cow<'_, str>, ParamsError> {
    let well_formed = text
        .split('%')
        .skip(1)
        .all(|tail| tail.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    if !well_formed {
        return Err(ParamsError::Escape);
    }
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    match spaced {
        Cow::Borrowed(text) => percent_decode_str(text).decode_utf8(),
        Cow::Owned(text) => percent_decode_str(&text).decode_utf8().map(|text| Cow::Owned(text.into_owned())),
    }
    .map_err(|_| ParamsError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn c1_3_queries_decode_as_plug_decodes_them() {
        let cases = [
            ("", json!({})),
            ("&&", json!({})),
            ("a=1&", json!({"a": "1"})),
            ("a=1&b=2", json!({"a": "1", "b": "2"})),
            ("a=1&a=2", json!({"a": "2"})),
            ("a", json!({"a": ""})),
            ("a=", json!({"a": ""})),
            ("=x", json!({"": "x"})),
            ("a=b=c", json!({"a": "b=c"})),
            ("a[b]=1", json!({"a": {"b": "1"}})),
            ("a[b]=1&a[c]=2", json!({"a": {"b": "1", "c": "2"}})),
            ("a[b][c]=1", json!({"a": {"b": {"c": "1"}}})),
            ("a%5Bb%5D=1", json!({"a": {"b": "1"}})),
            ("l[]=x&l[]=y", json!({"l": ["x", "y"]})),
            ("a[l][]=x&a[l][]=y", json!({"a": {"l": ["x", "y"]}})),
            ("l[][n]=x&l[][n]=y", json!({"l": [{"n": "x"}, {"n": "y"}]})),
            ("a=1&a[b]=2", json!({"a": {"b": "2"}})),
            ("a[b]=2&a=1", json!({"a": "1"})),
            ("a[b=1", json!({"a[b": "1"})),
            ("a]=1", json!({"a]": "1"})),
            ("name=J%C3%BCrgen+M", json!({"name": "Jürgen M"})),
            ("a%26b=%3D", json!({"a&b": "="})),
            ("vsn=2.0.0&token=x.y", json!({"vsn": "2.0.0", "token": "x.y"})),
        ];
        for (query, expected) in cases {
            assert_eq!(Value::Object(Params::decode(query).unwrap().into_map()), expected, "{query}");
        }
    }

    #[test]
    fn c1_3_broken_and_oversized_queries_are_refused() {
        assert_eq!(Params::decode("a=%"), Err(ParamsError::Escape));
        assert_eq!(Params::decode("a=%2"), Err(ParamsError::Escape));
        assert_eq!(Params::decode("a=%zz"), Err(ParamsError::Escape));
        assert_eq!(Params::decode("a=%é"), Err(ParamsError::Escape));
        assert_eq!(Params::decode("a=%ff"), Err(ParamsError::NotUtf8));
        assert_eq!(Params::decode(&"a=1&".repeat(257)), Err(ParamsError::TooMany));
        assert!(Params::decode(&"a=1&".repeat(256)).is_ok());
        assert_eq!(Params::decode(&format!("a{}=1", "[b]".repeat(9))), Err(ParamsError::TooDeep));
        assert!(Params::decode(&format!("a{}=1", "[b]".repeat(8))).is_ok());
    }

    #[test]
    fn parameters_read_into_a_type() {
        #[derive(serde::Deserialize)]
        struct Mine {
            user: String,
            tags: Vec<String>,
        }
        let mine: Mine = Params::decode("user=ada&tags[]=a&tags[]=b&vsn=2.0.0").unwrap().parse().unwrap();
        assert_eq!((mine.user.as_str(), mine.tags.len()), ("ada", 2));
    }

    proptest! {
        #[test]
        fn no_query_makes_the_decoder_panic(query in r"[a-c\[\]=&%+0-9é]{0,80}") {
            drop(Params::decode(&query));
        }
    }
}
