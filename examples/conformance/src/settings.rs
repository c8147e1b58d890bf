//! What can be set, by the environment: the port, and what tokens are signed with.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;
use throng::config::{ConfigError, Secret, Sources};

/// A key that everybody knows: whoever checks the server can sign tokens as well, and this application guards nothing.
const PUBLIC_KEY: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";

/// The settings of one server.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    port: u16,
    /// Without one, the key that everybody knows.
    secret_key_base: Option<Secret>,
}

impl Settings {
    /// Reads `PORT` and `SECRET_KEY_BASE`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: all that is wrong with them.
    pub fn load() -> Result<Settings, ConfigError> {
        let sources = Sources::of("conformance");
        sources.variable("PORT", "port").variable("SECRET_KEY_BASE", "secret_key_base").load()
    }

    /// The settings that nobody has changed, but for a port that is free.
    pub fn on_a_free_port() -> Settings {
        Settings { port: 0, ..Settings::default() }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn secret_key_base(&self) -> &str {
        self.secret_key_base.as_ref().map_or(PUBLIC_KEY, Secret::expose)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { port: 4000, secret_key_base: None }
    }
}
