//! The server under test: an address of this machine, and no other.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    /// Path and query, as the request line has it.
    pub(crate) path: String,
}

/// Why a URL is no target.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("`{0}` is no URL like ws://127.0.0.1:4000/socket/websocket")]
    Form(String),
    #[error("`{0}` is not this machine: load goes to loopback addresses only")]
    NotLoopback(String),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Target, TargetError> {
        let form = || TargetError::Form(url.to_owned());
        let rest = url.strip_prefix("ws://").ok_or_else(form)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = authority.rsplit_once(':').ok_or_else(form)?;
        let port = port.parse().map_err(|_| form())?;
        let ip = match host.trim_start_matches('[').trim_end_matches(']') {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            // A name could lead anywhere.
            host => host.parse().map_err(|_| TargetError::NotLoopback(host.to_owned()))?,
        };
        if !ip.is_loopback() {
            return Err(TargetError::NotLoopback(host.to_owned()));
        }
        let path = if path.is_empty() { "/socket/websocket" } else { path };
        if path.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(form());
        }
        let mark = if path.contains('?') { '&' } else { '?' };
        Ok(Target { addr: SocketAddr::new(ip, port), path: format!("{path}{mark}vsn=2.0.0") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_this_machine_is_a_target() {
        let target: Target = "ws://127.0.0.1:4000/socket/websocket?user=ada".parse().unwrap();
        assert_eq!(target.addr, SocketAddr::from(([127, 0, 0, 1], 4000)));
        assert_eq!(target.path, "/socket/websocket?user=ada&vsn=2.0.0");
        let short: Target = "ws://localhost:1".parse().unwrap();
        assert_eq!(short.path, "/socket/websocket?vsn=2.0.0");
        assert!("ws://[::1]:4000/x".parse::<Target>().unwrap().addr.is_ipv6());
    }

    #[test]
    fn any_other_machine_is_refused() {
        for url in
            ["ws://10.0.0.1:80/", "ws://example.com:80/", "ws://0.0.0.0:80/", "ws://127.0.0.1.nip.io:80/"]
        {
            assert!(matches!(url.parse::<Target>(), Err(TargetError::NotLoopback(_))), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in
            ["", "http://127.0.0.1:1/", "ws://127.0.0.1/", "ws://127.0.0.1:x/", "ws://127.0.0.1:1/a b\r\n"]
        {
            assert!(matches!(url.parse::<Target>(), Err(TargetError::Form(_))), "{url}");
        }
    }
}
