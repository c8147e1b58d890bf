//! What can be set: in a TOML file that `CHAT_CONFIG` names, and above it by the environment.
//!
//! ```toml
//! host = "0.0.0.0"
//! port = 4000
//! secret_key_base = "at least twenty bytes; without it a new one is made at every start"
//! rooms_max = 1000
//! members_max = 200
//! history_max = 100
//! state_file = "chat.state"
//! behind_tls = true                   # a proxy ends TLS in front of it
//! trusted_proxies = ["127.0.0.1"]     # and says in X-Forwarded-For who its clients are
//! ```

use std::{
    env,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;
use throng::config::{ConfigError, Secret, Sources};

/// The configuration of one chat.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Config {
    /// The address to listen on; this machine only, unless told otherwise.
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    /// What tokens are signed with. Without one they last until the next start.
    pub(crate) secret_key_base: Option<Secret>,
    pub(crate) rooms_max: usize,
    /// Channels in one room. Everyone hears of everyone, so presence costs their square.
    pub(crate) members_max: usize,
    /// Messages of a room that are kept.
    pub(crate) history_max: usize,
    /// Where what was said is kept over a restart. Without one it ends with the program.
    pub(crate) state_file: Option<PathBuf>,
    /// Whether pages reach it by `https`, through a proxy.
    pub(crate) behind_tls: bool,
    /// Networks of proxies that are believed who their clients are.
    pub(crate) trusted_proxies: Vec<String>,
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
            state_file: None,
            behind_tls: false,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the file that the environment names, if it names one, and then the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: all that is wrong, each in a line that names the file or the variable.
    pub(crate) fn load() -> Result<Config, ConfigError> {
        let sources = Sources::of("chat")
            .variable("HOST", "host")
            .variable("PORT", "port")
            .variable("SECRET_KEY_BASE", "secret_key_base")
            .variable("STATE_FILE", "state_file");
        match env::var_os("CHAT_CONFIG") {
            Some(file) => sources.file(file).load(),
            None => sources.load(),
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}
