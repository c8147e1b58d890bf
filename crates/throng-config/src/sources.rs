//! Where settings come from, in their order.

use std::{fmt, fs, io, path::PathBuf};

use serde::de::DeserializeOwned;

use crate::{
    document::Document,
    environment::{Environment, Variables},
    error::did_you_mean,
    mistake::{ConfigError, Mistake, Place},
    recovery,
    setting::Setting,
};

/// The modes that a program can run in; each has a file of its own.
const MODES: [&str; 3] = ["dev", "test", "prod"];

/// Which mode it is.
const MODE: &str = "THRONG_ENV";

/// Where an application's settings come from: files in the order that they are named in, above them the
/// [hook](Sources::hook), above that the environment.
///
/// ```
/// # #[derive(serde::Deserialize)] struct Settings {}
/// use throng_config::Sources;
///
/// // config/default.toml; config/dev.toml, test.toml or prod.toml; CHAT__SECTION__KEY
/// let settings: Settings = Sources::of("chat").folder("config").load()?;
/// # Ok::<(), throng_config::ConfigError>(())
/// ```
#[must_use = "nothing is read before `load`"]
pub struct Sources {
    application: String,
    files: Vec<Source>,
    /// A variable, and the key that it sets.
    variables: Vec<(String, String)>,
    hook: Option<Hook>,
    environment: Option<Environment>,
}

#[derive(Debug)]
enum Source {
    /// `default.toml`, and that of the mode; either may be missing.
    Folder(PathBuf),
    File(PathBuf),
    Text {
        name: String,
        text: String,
    },
}

type Hook = Box<dyn FnOnce(&mut Overrides<'_>) -> Result<(), String>>;

impl Sources {
    /// The environment of this program, whose variables begin with the application's name in capitals: `CHAT__ROOMS__MAX` is the
    /// key `max` of the section `[rooms]`.
    pub fn of(application: impl Into<String>) -> Self {
        Self {
            application: application.into(),
            files: Vec::new(),
            variables: Vec::new(),
            hook: None,
            environment: None,
        }
    }

    /// Reads `default.toml` of a folder, and above it `dev.toml`, `test.toml` or `prod.toml`: what `THRONG_ENV` says, and without
    /// it `dev` in a debug build and `prod` in a release. A file that is not there says nothing;
    /// if a key is missing in the end, the error names such files by their whole paths.
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(Source::Folder(path.into()));
        self
    }

    /// Reads a file, which has to be there.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(Source::File(path.into()));
        self
    }

    /// Takes a text of the program as a file, such as `include_str!("default.toml")`; errors call it `name`.
    pub fn text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.push(Source::Text { name: name.into(), text: text.into() });
        self
    }

    /// Has another variable set a key: `.variable("PORT", "endpoint.port")`.
    pub fn variable(mut self, name: impl Into<String>, key: impl Into<String>) -> Self {
        self.variables.push((name.into(), key.into()));
        self
    }

    /// Runs when the files are read, and may set what only the running program can know. The environment goes above it.
    ///
    /// ```
    /// # use throng_config::Sources;
    /// #[derive(serde::Deserialize)]
    /// struct Settings {
    ///     workers: usize,
    /// }
    ///
    /// let settings: Settings = Sources::of("chat")
    ///     .environment([("FLY_CORES", "4")])
    ///     .hook(|overrides| {
    ///         let cores = overrides.variable("FLY_CORES").ok_or("how many cores are there?")?;
    ///         overrides.set("workers", cores.to_owned());
    ///         Ok(())
    ///     })
    ///     .load()?;
    /// assert_eq!(settings.workers, 4);
    /// # Ok::<(), throng_config::ConfigError>(())
    /// ```
    pub fn hook(mut self, hook: impl FnOnce(&mut Overrides<'_>) -> Result<(), String> + 'static) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Takes these variables in place of the program's own, as a test does.
    pub fn environment<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        self.environment = Some(variables.into_iter().collect());
        self
    }

    /// Reads all of them. Keys that the type does not know are mistakes; those that it can do without need not be there.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: every mistake at once. One whose key accepts nothing that could stand in for a right value may hide others
    /// in its own section, until it is corrected.
    pub fn load<T: DeserializeOwned>(self) -> Result<T, ConfigError> {
        let environment = self.environment.unwrap_or_else(Environment::of_this_program);
        let mut reading =
            Reading { settings: Setting::empty(), mistakes: Vec::new(), not_found: Vec::new(), layers: 0 };
        let has_folder = self.files.iter().any(|source| matches!(source, Source::Folder(_)));
        let mode = reading.mode(&environment, has_folder || self.hook.is_some());
        for source in self.files {
            reading.source(source, mode);
        }
        if let Some(hook) = self.hook {
            let mut overrides = Overrides { environment: &environment, mode, set: Vec::new() };
            if let Err(why) = hook(&mut overrides) {
                reading.mistakes.push(Mistake::new(Place::Program, "", why));
            }
            overrides.set.into_iter().for_each(|setting| reading.overlay(setting));
        }
        for (name, key) in &self.variables {
            if let Some(value) = environment.get(name) {
                let place = Place::Variable(name.clone());
                reading.overlay(Setting::at(key, ".", value, place));
            }
            reading.mistakes.extend(environment.unreadable(name));
        }
        environment.settings(&self.application).for_each(|setting| reading.overlay(setting));
        let variables = Variables { application: &self.application, environment: &environment };
        match recovery::read(&reading.settings, variables) {
            Ok(value) if reading.mistakes.is_empty() => Ok(value),
            Ok(_) => Err(ConfigError::new(reading.mistakes, reading.not_found)),
            Err(mistakes) => {
                let unread = !reading.mistakes.is_empty();
                // What a file that could not be read would have said is not missing.
                reading
                    .mistakes
                    .extend(mistakes.into_iter().filter(|mistake| !(unread && mistake.is_missing)));
                Err(ConfigError::new(reading.mistakes, reading.not_found))
            }
        }
    }
}

/// What has been read so far.
struct Reading {
    settings: Setting,
    mistakes: Vec<Mistake>,
    /// Files of folders that are not there, as whole paths.
    not_found: Vec<PathBuf>,
    layers: usize,
}

impl Reading {
    /// The mode that is asked for, if there is anything whose mode matters.
    fn mode(&mut self, environment: &Environment, matters: bool) -> &'static str {
        let usual = if cfg!(debug_assertions) { "dev" } else { "prod" };
        self.mistakes.extend(environment.unreadable(MODE).filter(|_| matters));
        let Some(asked) = environment.get(MODE).filter(|_| matters) else { return usual };
        MODES.into_iter().find(|mode| *mode == asked).unwrap_or_else(|| {
            let what = format!("expected one of {}{}", MODES.join(", "), did_you_mean(asked, &MODES));
            self.mistakes.push(Mistake::new(Place::Variable(MODE.to_owned()), "", what));
            usual
        })
    }

    fn overlay(&mut self, above: Result<Setting, Mistake>) {
        match above {
            Ok(setting) => self.settings.overlay(setting),
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    fn source(&mut self, source: Source, mode: &str) {
        match source {
            Source::Text { name, text } => self.text(&name, &text),
            Source::File(path) => self.file(path, false),
            Source::Folder(folder) => {
                self.file(folder.join("default.toml"), true);
                self.file(folder.join(format!("{mode}.toml")), true);
            }
        }
    }

    fn file(&mut self, path: PathBuf, may_be_missing: bool) {
        let name = path.display().to_string();
        match fs::read_to_string(&path) {
            Ok(text) => self.text(&name, &text),
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => {
                // A relative path depends on where the program was started, which is what an operator has to be told.
                self.not_found.push(std::path::absolute(&path).unwrap_or(path));
            }
            Err(error) => {
                let place = Place::File { layer: self.layers, path: name, line: 0 };
                self.mistakes.push(Mistake::new(place, "", format!("cannot be read: {error}")));
            }
        }
    }

    fn text(&mut self, path: &str, text: &str) {
        let (settings, mistakes) = Document { layer: self.layers, path, text }.settings();
        self.layers += 1;
        self.settings.overlay(settings);
        self.mistakes.extend(mistakes);
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("application", &self.application).finish_non_exhaustive()
    }
}

/// What a [hook](Sources::hook) knows and sets.
#[derive(Debug)]
pub struct Overrides<'a> {
    environment: &'a Environment,
    mode: &'static str,
    set: Vec<Result<Setting, Mistake>>,
}

impl Overrides<'_> {
    /// Sets a key, such as `endpoint.port`. The text becomes what the key's type is.
    pub fn set(&mut self, key: &str, text: impl Into<String>) {
        self.set.push(Setting::at(key, ".", &text.into(), Place::Program));
    }

    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }

    /// `dev`, `test` or `prod`.
    pub fn mode(&self) -> &'static str {
        self.mode
    }
}
