//! What a client offers and what the server takes (RFC 7692 §7.1), read strictly: an offer that is not understood to the
//! last parameter is declined, and the next one looked at.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, header};

const EXTENSION: &str = "permessage-deflate";

/// The compression of one connection. Neither side remembers earlier messages: no connection owns a window, and what is
/// broadcast is compressed once for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Agreement {
    /// How far back the server's own messages may refer, as a power of two.
    pub(crate) window_bits: WindowBits,
}

/// A window that the server can keep to when it compresses. One of 8 bits it cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct WindowBits(u8);

impl WindowBits {
    pub(crate) const MAX: WindowBits = WindowBits(15);
    const MIN: WindowBits = WindowBits(9);

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    #[cfg(test)]
    pub(crate) fn of(bits: u8) -> WindowBits {
        WindowBits(bits)
    }
}

impl Agreement {
    /// The first offer of the request's headers that can be taken.
    pub(crate) fn among(headers: &HeaderMap) -> Option<Agreement> {
        let values = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter();
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| split(value, ',')).find_map(take)
    }

    /// The server's part of the handshake.
    pub(crate) fn header(self) -> HeaderValue {
        // Names and a number of two digits.
        HeaderValue::try_from(self.to_string()).unwrap_or(HeaderValue::from_static(EXTENSION))
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{EXTENSION}; server_no_context_takeover; client_no_context_takeover")?;
        if self.window_bits < WindowBits::MAX {
            write!(f, "; server_max_window_bits={}", self.window_bits.0)?;
        }
        Ok(())
    }
}

/// Takes an offer, if it is one of compression, and all of it is understood.
fn take(offer: &str) -> Option<Agreement> {
    let mut parts = split(offer, ';');
    if parts.next()? != EXTENSION {
        return None;
    }
    let mut seen = Vec::new();
    let mut window_bits = WindowBits::MAX;
    for part in parts {
        let (name, value) = parameter(part)?;
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            (
                "server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits",
                None,
            ) => {}
            // The window for reading is the largest there is, whatever the client means to use.
            ("client_max_window_bits", Some(bits)) => drop(parse_bits(bits)?),
            ("server_max_window_bits", Some(bits)) => {
                window_bits = WindowBits(parse_bits(bits)?);
            }
            _ => return None,
        }
    }
    (window_bits >= WindowBits::MIN).then_some(Agreement { window_bits })
}

/// A decimal number from 8 to 15 without leading zeros (§7.1.2).
fn parse_bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}

/// A name, or `name=value`, or `name="value"` where the value is one that needs no quotes (RFC 6455 §9.1).
fn parameter(part: &str) -> Option<(&str, Option<&str>)> {
    let (name, value) = match part.split_once('=') {
        Some((name, value)) => (name, Some(unquoted(value))),
        None => (part, None),
    };
    let is_token = |word: &str| !word.is_empty() && word.bytes().all(is_token_byte);
    (is_token(name) && value.is_none_or(is_token)).then_some((name, value))
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The parts between separators that are not quoted, without the white space around them.
fn split(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let parts = value.split(move |c| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    });
    parts.map(|part| part.trim_matches([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(line).unwrap());
        }
        Agreement::among(&headers).map(|agreement| agreement.to_string())
    }

    const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn c1_10_offers_are_answered_without_context_takeover() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate;client_max_window_bits=10;server_no_context_takeover",
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=\"15\"",
            "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
        ] {
            assert_eq!(agreed(&[offer]).as_deref(), Some(PLAIN), "{offer}");
        }
    }

    #[test]
    fn c1_10_a_window_that_is_asked_for_is_kept_to() {
        for bits in 9..15 {
            let answer = agreed(&[&format!("permessage-deflate; server_max_window_bits={bits}")]);
            assert_eq!(answer, Some(format!("{PLAIN}; server_max_window_bits={bits}")));
        }
    }

    #[test]
    fn c1_10_an_offer_that_cannot_be_kept_is_declined_and_the_next_is_looked_at() {
        for offer in [
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=09",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; unheard_of",
            "permessage-deflate;",
            "permessage-deflate; server_max_window_bits=\"1,5\"",
            "permessage-bzip2",
            "",
        ] {
            assert_eq!(agreed(&[offer]), None, "{offer}");
            assert_eq!(agreed(&[&format!("{offer}, permessage-deflate")]).as_deref(), Some(PLAIN), "{offer}");
            assert_eq!(agreed(&[offer, "permessage-deflate"]).as_deref(), Some(PLAIN), "{offer}");
        }
        assert_eq!(agreed(&[]), None);
    }

    #[test]
    fn c1_10_the_client_is_served_in_the_order_of_its_wishes() {
        let offer = "permessage-deflate; server_max_window_bits=10, permessage-deflate";
        assert_eq!(agreed(&[offer]), Some(format!("{PLAIN}; server_max_window_bits=10")));
    }
}
