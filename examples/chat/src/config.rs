//! What can be set: in a TOML file that `CHAT_CONFIG` names, and above it by the environment.
//!
//! ```toml
//! host = "0.0.0.0"
//! port = 4000
//! secret_key_base = "at least twenty bytes; without it a new one is made at every start"
//! rooms_max = 1000
//! members_max = 200
//! history_max = 100
//! ```

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
};

use serde::Deserialize;

use crate::secret::Secret;

/// The configuration of one chat.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The address to listen on; this machine only, unless told otherwise.
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    /// What tokens are signed with. Without one they last until the next start.
    pub(crate) secret_key_base: Option<Secret>,
    pub(crate) rooms_max: usize,
    /// Channels in one room. Everyone hears of everyone, so presence costs their square.
    pub(crate) members_max: usize,
    /// Messages that a room remembers.
    pub(crate) history_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 4000,
            secret_key_base: None,
            rooms_max: 1000,
            members_max: 200,
            history_max: 100,
        }
    }
}

impl Config {
    /// Reads the file that the environment names, if it names one, and then the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: one line that names the file or the variable.
    pub(crate) fn load(variable: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let mut config = match variable("CHAT_CONFIG") {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        if let Some(host) = variable("HOST") {
            config.host = host.parse().map_err(|_| ConfigError::Host(host))?;
        }
        if let Some(port) = variable("PORT") {
            config.port = port.parse().map_err(|_| ConfigError::Port(port))?;
        }
        if let Some(secret) = variable("SECRET_KEY_BASE") {
            config.secret_key_base = Some(Secret::new(secret));
        }
        Ok(config)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    fn read(path: String) -> Result<Config, ConfigError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let why = error.message().replace('\n', ", ");
            ConfigError::File { path, line, why }
        })
    }
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration {path}: {source}")]
    Read { path: String, source: io::Error },
    #[error("{path}:{line}: {why}")]
    File { path: String, line: usize, why: String },
    #[error("HOST={0:?} is no IP address (127.0.0.1 is this machine only, 0.0.0.0 is every interface)")]
    Host(String),
    #[error("PORT={0:?} is no port (a number from 0 to 65535; with 0 the system chooses)")]
    Port(String),
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Config::load(variable).map_err(|error| error.to_string())
    }

    /// A file of its own for one test, gone with it.
    struct TempFile(PathBuf);

    impl TempFile {
        fn new(name: &str, text: &str) -> TempFile {
            let path = std::env::temp_dir().join(format!("chat-{}-{name}.toml", std::process::id()));
            fs::write(&path, text).unwrap();
            TempFile(path)
        }

        fn path(&self) -> &str {
            self.0.to_str().unwrap()
        }
    }

    impl Drop for TempFile {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let config = load(&[]).unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.addr().to_string(), "127.0.0.1:4000");
    }

    #[test]
    fn the_environment_goes_above_the_file() {
        let file = TempFile::new("above", "port = 1\nhistory_max = 7\nhost = \"::1\"\n");
        let config = load(&[("CHAT_CONFIG", file.path()), ("PORT", "2")]).unwrap();
        assert_eq!((config.port, config.history_max), (2, 7));
        assert_eq!(config.addr().to_string(), "[::1]:2");
    }

    #[test]
    fn the_secret_is_read_from_either_and_never_shown() {
        let file = TempFile::new("secret", "secret_key_base = \"from the file, long enough\"\n");
        for variable in [("CHAT_CONFIG", file.path()), ("SECRET_KEY_BASE", "from the environment")] {
            let config = load(&[variable]).unwrap();
            assert!(config.secret_key_base.as_ref().unwrap().expose().starts_with("from the"));
            assert!(!format!("{config:?}").contains("from the"), "{config:?}");
        }
    }

    #[test]
    fn mistakes_are_told_in_one_line_that_says_where() {
        let unknown = TempFile::new("unknown", "port = 1\n\nprot = 2\n");
        let kind = TempFile::new("kind", "port = \"many\"\n");
        let syntax = TempFile::new("syntax", "port = \n");
        let cases = [
            (("PORT", "many"), "PORT=\"many\""),
            (("PORT", "65536"), "PORT=\"65536\""),
            (("PORT", "-1"), "PORT=\"-1\""),
            (("HOST", "example.org"), "HOST=\"example.org\""),
            (("CHAT_CONFIG", "missing.toml"), "missing.toml"),
            (("CHAT_CONFIG", unknown.path()), "unknown.toml:3: unknown field `prot`"),
            (("CHAT_CONFIG", kind.path()), "kind.toml:1: "),
            (("CHAT_CONFIG", syntax.path()), "syntax.toml:1: "),
        ];
        for (variable, expected) in cases {
            let why = load(&[variable]).unwrap_err();
            assert!(why.contains(expected), "{why}");
            assert!(!why.contains('\n'), "{why}");
        }
    }
}
