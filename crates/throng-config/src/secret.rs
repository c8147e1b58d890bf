//! Settings that nobody may see.

use std::fmt;

use serde::Deserialize;

/// A setting that does not show itself: whoever needs it says [`expose`](Secret::expose).
///
/// ```
/// # use throng_config::Secret;
/// let key = Secret::new("correct horse");
/// assert_eq!(format!("{key:?}"), "Secret(..)");
/// assert_eq!(key.expose(), "correct horse");
/// ```
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret that does not come from a file or the environment.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What it is.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
