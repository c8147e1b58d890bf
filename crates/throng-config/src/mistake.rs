//! What is wrong, and where.

use std::fmt;

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// A line of a file.
    File {
        /// Which source it is, counted in the order that they are read in.
        layer: usize,
        /// The file's path, as it was given.
        path: String,
        /// Counted from one; zero for the file as a whole.
        line: usize,
    },
    /// The program itself, by its hook.
    Program,
    /// A variable of the environment.
    Variable(String),
    /// It is missing.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: 0, .. } => write!(f, "{path}: "),
            Self::File { path, line, .. } => write!(f, "{path}:{line}: "),
            Self::Program => f.write_str("set by the program: "),
            Self::Variable(name) => write!(f, "{name}: "),
            Self::Nowhere => Ok(()),
        }
    }
}

/// One thing that is wrong. It says where and which key, and never the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    place: Place,
    key: String,
    what: String,
    pub(crate) is_missing: bool,
}

impl Mistake {
    /// `what` is a sentence that names the key itself.
    pub(crate) fn new(place: Place, key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place, key: key.into(), what: what.into(), is_missing: false }
    }

    pub(crate) fn missing(key: String, variable: Option<String>) -> Self {
        let hint = variable.map_or_else(String::new, |name| format!("; {name} can set it too"));
        let what = format!("`{key}` is missing{hint}");
        Self { is_missing: true, ..Self::new(Place::Nowhere, key, what) }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Which key it is about, as in `rooms.max`; empty for a file that cannot be read at all.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.what)
    }
}

/// All that is wrong with the settings (L5): at least one mistake.
///
/// ```
/// # use throng_config::{Place, Sources};
/// #[derive(Debug, serde::Deserialize)]
/// struct Settings {
///     port: u16,
/// }
///
/// let error = Sources::of("shop").environment([("SHOP__PORT", "eighty")]).load::<Settings>().unwrap_err();
/// let [mistake] = error.mistakes() else { panic!("{error}") };
/// assert_eq!(mistake.key(), "port");
/// assert_eq!(mistake.place(), &Place::Variable("SHOP__PORT".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.mistakes))]
pub struct ConfigError {
    mistakes: Vec<Mistake>,
}

impl ConfigError {
    pub(crate) fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort();
        mistakes.dedup();
        Self { mistakes }
    }

    /// Each of them, in the order of the sources and their lines.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

/// One mistake in its line; several in a list.
fn lines(mistakes: &[Mistake]) -> String {
    match mistakes {
        [one] => one.to_string(),
        several => {
            several.iter().fold(format!("{} mistakes in the settings:", several.len()), |list, mistake| {
                format!("{list}\n  {mistake}")
            })
        }
    }
}
