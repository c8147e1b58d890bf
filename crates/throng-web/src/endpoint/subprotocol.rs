//! Tokens in the list of subprotocols: the one header that a browser's page can choose for a WebSocket (§1.8).

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// The subprotocol that carries the token; its end is base64, in spite of its name in the standard alphabet.
const TOKEN_PREFIX: &str = "base64url.bearer.phx.";
/// Where a transport can choose its headers, the token has one of its own, as it is.
const TOKEN_HEADER: &str = "x-phoenix-authtoken";

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What was agreed upon.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) token: Option<String>,
    /// What the answer's header says.
    pub(super) selected: Option<HeaderValue>,
}

/// Why none of the offers will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Disagreed {
    #[error("none of the subprotocols offered is supported")]
    Unsupported,
    #[error("the token among the subprotocols is not base64")]
    Token,
}

/// Takes the token out of the offers, if one is asked for, and selects one of the rest: the first of `ours` among them, for
/// a browser that offered some breaks off if none is selected. Without offers there is nothing to agree upon.
pub(super) fn agree(headers: &HeaderMap, with_token: bool, ours: &[String]) -> Result<Agreed, Disagreed> {
    let mut offers = offers(headers);
    if offers.is_empty() {
        return Ok(Agreed::default());
    }
    let token = if with_token { take_token(&mut offers).map(decode).transpose()? } else { None };
    let selected = ours.iter().find(|name| offers.contains(&name.as_str()));
    let selected =
        selected.and_then(|name| HeaderValue::from_str(name).ok()).ok_or(Disagreed::Unsupported)?;
    Ok(Agreed { token, selected: Some(selected) })
}

/// The token of a client that may choose its headers.
pub(super) fn token_header(headers: &HeaderMap) -> Option<String> {
    headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Leaves the offers without the token.
pub(super) fn hide_token(headers: &mut HeaderMap) {
    let offers = offers(headers);
    if !offers.iter().any(|offer| offer.starts_with(TOKEN_PREFIX)) {
        return;
    }
    let harmless: Vec<_> = offers.into_iter().filter(|offer| !offer.starts_with(TOKEN_PREFIX)).collect();
    match HeaderValue::try_from(harmless.join(", ")) {
        Ok(value) => headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value),
        Err(_) => headers.remove(header::SEC_WEBSOCKET_PROTOCOL),
    };
}

fn offers(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect()
}

/// The only offer with the prefix; two of them are offers like any other.
fn take_token<'a>(offers: &mut Vec<&'a str>) -> Option<&'a str> {
    let mut tokens = offers.iter().filter_map(|offer| offer.strip_prefix(TOKEN_PREFIX));
    let token = tokens.next()?;
    if tokens.next().is_some() {
        return None;
    }
    offers.retain(|offer| !offer.starts_with(TOKEN_PREFIX));
    Some(token)
}

fn decode(token: &str) -> Result<String, Disagreed> {
    let bytes = STANDARD.decode(token).or_else(|_| URL_SAFE.decode(token)).map_err(|_| Disagreed::Token)?;
    String::from_utf8(bytes).map_err(|_| Disagreed::Token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(offers: &[&str]) -> Result<Agreed, Disagreed> {
        let mut headers = HeaderMap::new();
        for offer in offers {
            headers.append(header::SEC_WEBSOCKET_PROTOCOL, offer.parse().unwrap());
        }
        agree(&headers, true, &["phoenix".to_owned(), "chat".to_owned()])
    }

    fn selected(token: Option<&str>) -> Result<Agreed, Disagreed> {
        Ok(Agreed { token: token.map(str::to_owned), selected: Some(HeaderValue::from_static("phoenix")) })
    }

    #[test]
    fn c1_8_the_token_is_decoded_and_the_protocol_selected() {
        // "secret?>" encodes with a slash and a plus sign in the standard alphabet.
        assert_eq!(
            agreed(&["phoenix, base64url.bearer.phx.c2VjcmV0Pz4"]),
            selected(Some("secret?>")),
            "as phoenix.js sends it"
        );
        assert_eq!(agreed(&["base64url.bearer.phx.Pz8/", "phoenix"]), selected(Some("???")));
        assert_eq!(agreed(&["phoenix,base64url.bearer.phx.Pz8_"]), selected(Some("???")));
        assert_eq!(agreed(&["phoenix,base64url.bearer.phx.YQ=="]), selected(Some("a")));
        assert_eq!(agreed(&["phoenix"]), selected(None));
    }

    #[test]
    fn c1_8_without_offers_there_is_no_token_and_nothing_is_selected() {
        assert_eq!(agreed(&[]), Ok(Agreed::default()));
    }

    #[test]
    fn c1_8_offers_that_cannot_be_met_are_refused() {
        assert_eq!(agreed(&["graphql-ws"]), Err(Disagreed::Unsupported));
        assert_eq!(agreed(&["base64url.bearer.phx.YQ"]), Err(Disagreed::Unsupported));
        assert_eq!(agreed(&["phoenix, base64url.bearer.phx.!!!"]), Err(Disagreed::Token));
        assert_eq!(agreed(&["phoenix, base64url.bearer.phx._w"]), Err(Disagreed::Token), "not UTF-8");
    }

    #[test]
    fn c1_8_of_two_tokens_none_is_taken() {
        assert_eq!(agreed(&["phoenix, base64url.bearer.phx.YQ, base64url.bearer.phx.Yg"]), selected(None));
    }

    #[test]
    fn c1_8_the_server_chooses_among_what_was_offered() {
        let chosen = |offers: &[&str]| agreed(offers).map(|agreed| agreed.selected);
        assert_eq!(chosen(&["chat, phoenix"]), Ok(Some(HeaderValue::from_static("phoenix"))));
        assert_eq!(chosen(&["soap", "chat"]), Ok(Some(HeaderValue::from_static("chat"))));
        let mut headers = HeaderMap::new();
        let offers = "chat, base64url.bearer.phx.YQ";
        headers.append(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offers));
        let without_token = agree(&headers, false, &["chat".to_owned()]).unwrap();
        assert_eq!(without_token.token, None, "nobody asked for it");
    }
}
