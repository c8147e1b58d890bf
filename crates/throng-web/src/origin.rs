//! `check_origin`: which pages may open a socket (§1.7).
//!
//! Browsers send `Origin` with every WebSocket handshake and let any page open one, cookies included; refusing foreign
//! origins is what stops cross-site hijacking. Requests without the header do not come from browsers, and pass.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc};

use axum::http::Uri;

/// The origins that a mount accepts.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum CheckOrigin {
    /// Scheme, host and port must be those of the request itself: pages served from here connect to here. Behind a proxy
    /// that changes any of the three, or where a hostile DNS name could point at this machine, name the hosts instead.
    #[default]
    SameOrigin,
    /// The host must be the one of the endpoint's [`url`](crate::EndpointBuilder::url); scheme and port are not compared.
    /// The default where the endpoint has one.
    Url,
    /// The host must be this one; scheme and port are not compared.
    Host(String),
    /// The origin must match one of these.
    List(Vec<OriginPattern>),
    /// The function decides. Origins without a host, such as `null`, reach it with an empty one.
    Function(Arc<dyn Fn(&Origin) -> bool + Send + Sync>),
    /// Every origin passes: only for sockets that serve nothing private.
    Any,
}

impl CheckOrigin {
    /// A list of origins as text: `https://example.com`, `//localhost`, `//host:888`, `//*.example.com`.
    ///
    /// A missing scheme or port matches any; a scheme implies its default port; the star matches the name itself and any
    /// depth of sub-domain.
    ///
    /// ```
    /// # use throng_web::CheckOrigin;
    /// let origins = CheckOrigin::list(["https://example.com", "//*.example.org", "//localhost:8080"])?;
    /// # let _ = origins;
    /// assert!(CheckOrigin::list(["example.com"]).is_err(), "a name alone is not an origin");
    /// # Ok::<_, throng_web::OriginPatternError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When one of them names no host.
    pub fn list<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<CheckOrigin, OriginPatternError> {
        origins.into_iter().map(OriginPattern::parse).collect::<Result<_, _>>().map(CheckOrigin::List)
    }

    /// Whether a request with this `Origin` header may connect; `here` is where the request was sent to.
    pub(crate) fn allows(&self, header: Option<&str>, here: &Origin) -> bool {
        let Some(header) = header else { return true };
        let origin = Origin::parse(header);
        match self {
            CheckOrigin::Any => true,
            // A panic says nothing in favour of the origin.
            CheckOrigin::Function(decide) => {
                std::panic::catch_unwind(AssertUnwindSafe(|| decide(&origin))).unwrap_or(false)
            }
            _ if origin.host.is_empty() => false,
            CheckOrigin::SameOrigin => origin == *here,
            // The endpoint has put its host in the place of it.
            CheckOrigin::Url => false,
            CheckOrigin::Host(host) => origin.host.eq_ignore_ascii_case(host),
            CheckOrigin::List(patterns) => patterns.iter().any(|pattern| pattern.matches(&origin)),
        }
    }
}

impl fmt::Debug for CheckOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckOrigin::SameOrigin => f.write_str("SameOrigin"),
            CheckOrigin::Url => f.write_str("Url"),
            CheckOrigin::Host(host) => f.debug_tuple("Host").field(host).finish(),
            CheckOrigin::List(patterns) => f.debug_tuple("List").field(patterns).finish(),
            CheckOrigin::Function(_) => f.write_str("Function"),
            CheckOrigin::Any => f.write_str("Any"),
        }
    }
}

/// An origin: scheme and host in lower case, port with the scheme's default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `http`, `https` or another; empty if the text had none.
    pub scheme: String,
    /// A name or an address, IPv6 within brackets; empty for `null`, `file://` and whatever is not an origin.
    pub host: String,
    /// The port, if one is named or the scheme implies one.
    pub port: Option<u16>,
}

impl Origin {
    /// Where a request with this scheme and `Host` header was sent to.
    pub(crate) fn of_request(scheme: &str, host: &str) -> Origin {
        Origin::parse(&format!("{scheme}://{host}"))
    }

    /// The place of the request's path and query here; the path alone where the `Host` header was no host.
    pub(crate) fn with_path(&self, path: &Uri) -> Uri {
        let path_and_query = path.path_and_query().map_or("/", |path| path.as_str());
        let authority = match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        };
        let whole = Uri::builder().scheme(self.scheme.as_str()).authority(authority);
        whole.path_and_query(path_and_query).build().unwrap_or_else(|_| path.clone())
    }

    /// Reads the header; what is not `scheme://host[:port]` comes out without a host.
    pub(crate) fn parse(text: &str) -> Origin {
        match split(text) {
            Some((scheme, host, port)) => Origin { port: port.or(default_port(&scheme)), scheme, host },
            None => Origin { scheme: String::new(), host: String::new(), port: None },
        }
    }
}

/// One allowed origin; parts that are missing match anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    scheme: Option<String>,
    host: String,
    subdomains: bool,
    port: Option<u16>,
}

impl OriginPattern {
    /// Reads a pattern; see [`CheckOrigin::list`].
    ///
    /// # Errors
    ///
    /// When the text names no host.
    pub fn parse(pattern: &str) -> Result<OriginPattern, OriginPatternError> {
        let (scheme, host, port) = split(pattern).ok_or_else(|| OriginPatternError(pattern.to_owned()))?;
        let (host, subdomains) = match host.strip_prefix("*.") {
            Some(parent) => (parent.to_owned(), true),
            None => (host, false),
        };
        if host.is_empty() || host.contains('*') {
            return Err(OriginPatternError(pattern.to_owned()));
        }
        let port = port.or(default_port(&scheme));
        Ok(OriginPattern { scheme: (!scheme.is_empty()).then_some(scheme), host, subdomains, port })
    }

    fn matches(&self, origin: &Origin) -> bool {
        self.scheme.as_ref().is_none_or(|scheme| *scheme == origin.scheme)
            && self.port.is_none_or(|port| Some(port) == origin.port)
            && (self.host == origin.host || (self.subdomains && is_subdomain(&origin.host, &self.host)))
    }
}

/// A text that is not an origin pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin: write https://host, //host, //host:port or //*.host")]
pub struct OriginPatternError(String);

fn is_subdomain(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
}

/// Splits `scheme://host[:port][/…]` or `//host…`; `None` if there is no host or anything unexpected stands beside it.
fn split(text: &str) -> Option<(String, String, Option<u16>)> {
    let (scheme, rest) = text.split_once("//")?;
    let scheme = match scheme {
        "" => "",
        scheme => scheme.strip_suffix(':').filter(|name| is_scheme(name))?,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = split_port(authority)?;
    let sound = !host.is_empty() && !host.contains(['@', '\\', ' ', '%']) && !host.contains(char::is_control);
    sound.then(|| (scheme.to_ascii_lowercase(), host.to_ascii_lowercase(), port))
}

fn is_scheme(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// Splits the port off; the colons of an IPv6 address are within its brackets.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_end = match authority.strip_prefix('[') {
        Some(inner) => inner.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, tail) = authority.split_at(host_end);
    match tail.strip_prefix(':') {
        None if tail.is_empty() => Some((host, None)),
        Some(port) => port.parse().ok().map(|port| (host, Some(port))),
        None => None,
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Origin {
        Origin::of_request("http", "chat.example.com:4000")
    }

    fn check(mode: &CheckOrigin, cases: &[(&str, bool)]) {
        for (origin, expected) in cases {
            assert_eq!(mode.allows(Some(origin), &here()), *expected, "{origin:?} with {mode:?}");
        }
    }

    #[test]
    fn c1_7_a_request_without_origin_passes_in_every_mode() {
        // §1.7
        let nobody = CheckOrigin::Function(Arc::new(|_| false));
        let list = CheckOrigin::list(["https://example.com"]).unwrap();
        for mode in [CheckOrigin::SameOrigin, CheckOrigin::Host("x".into()), list, nobody, CheckOrigin::Any] {
            assert!(mode.allows(None, &here()), "{mode:?}");
        }
    }

    #[test]
    fn c1_7_the_host_mode_compares_the_host_alone() {
        // §1.7, `true`
        check(
            &CheckOrigin::Host("Example.com".into()),
            &[
                ("https://example.com", true),
                ("http://example.com", true),
                ("http://EXAMPLE.com:8080", true),
                ("https://example.com/path", true),
                ("https://www.example.com", false),
                ("https://example.com.evil.test", false),
                ("https://evilexample.com", false),
                ("https://example.com@evil.test", false),
                ("https://evil.test#example.com", false),
                ("https://evil.test\\example.com", false),
                ("https://evil.test/example.com", false),
                ("null", false),
                ("file://", false),
                ("", false),
                ("example.com", false),
                ("https://", false),
                ("https://:443", false),
                ("https://example.com:99999", false),
                ("https://example.com:", false),
            ],
        );
    }

    #[test]
    fn c1_7_the_same_origin_mode_compares_scheme_host_and_port() {
        // §1.7, `:conn`
        check(
            &CheckOrigin::SameOrigin,
            &[
                ("http://chat.example.com:4000", true),
                ("http://CHAT.example.com:4000", true),
                ("https://chat.example.com:4000", false),
                ("http://chat.example.com", false),
                ("http://chat.example.com:4001", false),
                ("http://example.com:4000", false),
                ("//chat.example.com:4000", false),
                ("null", false),
                ("file:///etc/passwd", false),
            ],
        );
        let default_port = Origin::of_request("https", "example.com");
        assert!(CheckOrigin::SameOrigin.allows(Some("https://example.com:443"), &default_port));
        assert!(CheckOrigin::SameOrigin.allows(Some("https://example.com"), &default_port));
    }

    #[test]
    fn c1_7_a_list_entry_matches_what_it_names() {
        // §1.7, a list
        let list = ["//localhost", "https://example.com", "//host.test:888", "//*.wild.test", "//[::1]"];
        check(
            &CheckOrigin::list(list).unwrap(),
            &[
                ("http://localhost", true),
                ("https://localhost:4000", true),
                ("http://localhost.evil.test", false),
                ("https://example.com", true),
                ("https://example.com:443", true),
                ("https://example.com:444", false),
                ("http://example.com", false),
                ("http://host.test:888", true),
                ("https://host.test:888", true),
                ("http://host.test", false),
                ("https://wild.test", true),
                ("https://a.wild.test", true),
                ("http://a.b.wild.test:1234", true),
                ("https://evilwild.test", false),
                ("https://.wild.test", false),
                ("https://wild.test.evil.test", false),
                ("https://a.wild.test@evil.test", false),
                ("http://[::1]:4000", true),
                ("http://[::1]", true),
                ("http://[::2]", false),
                ("http://[::1].evil.test", false),
                ("http://[::1", false),
                ("http://::1", false),
                ("null", false),
                ("file://", false),
                ("https://\u{0}localhost", false),
                ("https://localhost%2eevil.test", false),
            ],
        );
    }

    #[test]
    fn c1_7_any_and_a_function_decide_about_origins_without_host_too() {
        // §1.7
        check(
            &CheckOrigin::Any,
            &[("null", true), ("file://", true), ("https://evil.test", true), ("", true)],
        );
        let no_host = CheckOrigin::Function(Arc::new(|origin| origin.host.is_empty()));
        check(&no_host, &[("null", true), ("file://", true), ("https://example.com", false)]);
    }

    #[test]
    fn c1_7_a_pattern_needs_a_host() {
        for pattern in ["", "example.com", "https://", "//", "//*", "//*.", "//a*b", "//*.*.test", "https:/x"]
        {
            assert!(OriginPattern::parse(pattern).is_err(), "{pattern:?}");
        }
    }

    #[test]
    fn c1_7_a_function_that_panics_lets_nobody_in() {
        let broken = CheckOrigin::Function(Arc::new(|_| panic!("broken")));
        check(&broken, &[("http://chat.example.com:4000", false)]);
    }
}
