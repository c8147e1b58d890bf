//! Programs that are not Rust's own: where they are, and how to get them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::process::{self, Ended};

/// The longest that one call of `apt-get` may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(15 * 60);

/// A program that a step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Node,
    Npm,
    Chromium,
    /// The BEAM, to compare with.
    Erlang,
    /// Its registry, for their rows.
    Elixir,
    Nginx,
    Haproxy,
    /// Makes certificates for tests.
    Openssl,
}

impl Tool {
    /// The names it goes by, the usual one first.
    fn commands(self) -> &'static [&'static str] {
        match self {
            Tool::Node => &["node"],
            Tool::Npm => &["npm"],
            Tool::Chromium => &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
            Tool::Erlang => &["erl"],
            Tool::Elixir => &["elixir"],
            Tool::Nginx => &["nginx"],
            Tool::Haproxy => &["haproxy"],
            Tool::Openssl => &["openssl"],
        }
    }

    fn debian_package(self) -> &'static str {
        match self {
            Tool::Node => "nodejs",
            Tool::Npm => "npm",
            Tool::Chromium => "chromium",
            Tool::Erlang => "erlang-base",
            Tool::Elixir => "elixir",
            Tool::Nginx => "nginx-light",
            Tool::Haproxy => "haproxy",
            Tool::Openssl => "openssl",
        }
    }

    /// The words for someone who has to install it by hand.
    fn advice(self) -> &'static str {
        match self {
            Tool::Node => "install Node.js 20 or later (https://nodejs.org)",
            Tool::Npm => "install npm (it comes with Node.js, https://nodejs.org)",
            Tool::Chromium => "install Chromium or Chrome and put it on the PATH as `chromium`",
            Tool::Erlang => "install Erlang/OTP (https://www.erlang.org/downloads)",
            Tool::Elixir => "install Elixir (https://elixir-lang.org/install.html)",
            Tool::Nginx => "install nginx with TLS (https://nginx.org)",
            Tool::Haproxy => "install HAProxy 2.4 or later (https://www.haproxy.org)",
            Tool::Openssl => "install the command of OpenSSL (https://www.openssl.org)",
        }
    }

    /// Where the program is on this machine.
    pub(crate) fn find(self) -> Option<PathBuf> {
        let path = env::var_os("PATH")?;
        // Debian keeps proxies where an ordinary user's path does not lead.
        let folders: Vec<PathBuf> = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).collect();
        let mut candidates =
            self.commands().iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        candidates.find(|candidate| candidate.is_file())
    }
}

/// The first of `needs` that is missing, as the reason for which a step cannot run.
pub(crate) fn missing(needs: &[Tool]) -> Option<String> {
    let absent = needs.iter().find(|tool| tool.find().is_none())?;
    Some(format!("{} is missing: {}", absent.commands()[0], absent.advice()))
}

/// Installs those of `needs` that are missing, where this is root on Debian; elsewhere does nothing, because
/// [`missing`] tells the user what to do.
pub(crate) fn install_missing(needs: &[Tool]) {
    let absent: Vec<&str> =
        needs.iter().filter(|tool| tool.find().is_none()).map(|tool| tool.debian_package()).collect();
    if absent.is_empty() || !may_install() {
        return;
    }
    println!("installing {}", absent.join(", "));
    let install = ["install", "--yes", "--no-install-recommends"];
    // The lists of packages on a fresh machine are empty or old; only then are they fetched.
    if !apt_get(&[&install[..], &absent].concat()) {
        apt_get(&["update"]);
        apt_get(&[&install[..], &absent].concat());
    }
}

fn may_install() -> bool {
    Path::new("/etc/debian_version").exists() && is_root()
}

/// Whether this process runs as root, by the owner of its own entry in `/proc`.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

fn apt_get(arguments: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    let ended = process::run(&mut command, INSTALL_LIMIT, |line| println!("  {line}"));
    matches!(ended, Ok(Ended::Itself(status)) if status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needing_nothing_misses_nothing() {
        assert_eq!(missing(&[]), None);
    }

    #[test]
    fn advice_names_the_program() {
        for tool in [Tool::Node, Tool::Npm, Tool::Chromium, Tool::Erlang, Tool::Elixir] {
            if let Some(reason) = missing(&[tool]) {
                assert!(reason.starts_with(tool.commands()[0]), "{reason}");
            }
        }
    }
}
