//! What is wrong, and where.

use std::{fmt, path::PathBuf};

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
    is_unknown: bool,
}

impl Mistake {
    /// `what` is a sentence that names the key itself.
    pub(crate) fn new(place: Place, key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place, key: key.into(), what: what.into(), is_missing: false, is_unknown: false }
    }

    /// `hint` says how it can be set.
    pub(crate) fn missing(key: String, hint: &str) -> Self {
        let what = format!("`{key}` is missing{hint}");
        Self { is_missing: true, ..Self::new(Place::Nowhere, key, what) }
    }

    /// `hint` says what was probably meant.
    pub(crate) fn unknown(place: Place, key: String, hint: &str) -> Self {
        let what = format!("unknown key `{key}`{hint}");
        Self { is_unknown: true, ..Self::new(place, key, what) }
    }

    /// The variable that it is about, if that sets a key which nobody knows.
    pub(crate) fn unknown_variable(&self) -> Option<&str> {
        match &self.place {
            Place::Variable(name) if self.is_unknown => Some(name),
            _ => None,
        }
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
///
/// Its `Debug` is its `Display`: a `main` that returns `Result<(), Box<dyn Error>>` prints the former, and these are words for an
/// operator.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", lines(.mistakes), places(.not_found))]
pub struct ConfigError {
    mistakes: Vec<Mistake>,
    not_found: Vec<PathBuf>,
}

impl ConfigError {
    /// `not_found` are the files of folders that were looked for: they matter when a key is missing, which they could have set.
    pub(crate) fn new(mut mistakes: Vec<Mistake>, mut not_found: Vec<PathBuf>) -> Self {
        mistakes.sort();
        mistakes.dedup();
        if !mistakes.iter().any(|mistake| mistake.is_missing) {
            not_found.clear();
        }
        Self { mistakes, not_found }
    }

    /// Each of them, in the order of the sources and their lines.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// When keys are missing: which files of a [folder](crate::Sources::folder) were looked for and are not there, so that a program
    /// which was started in the wrong place says so.
    pub fn not_found(&self) -> &[PathBuf] {
        &self.not_found
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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

/// Where files were looked for, in a line of its own.
fn places(files: &[PathBuf]) -> String {
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    if files.is_empty() { String::new() } else { format!("\n  not found: {}", files.join(", ")) }
}
