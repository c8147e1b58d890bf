//! Tokens in the list of subprotocols: the one header that a browser's page can choose for a WebSocket (§1.8).

use axum::http::{HeaderMap, header};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// The subprotocol that carries the token; its end is base64, in spite of its name in the standard alphabet.
const TOKEN_PREFIX: &str = "base64url.bearer.phx.";
/// The subprotocol that is selected; a browser that offered some breaks off if none is selected.
const SELECTED: &str = "phoenix";

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What was agreed upon.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) token: Option<String>,
    /// What the answer's header says.
    pub(super) selected: Option<&'static str>,
}

/// Why none of the offers will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Disagreed {
    #[error("none of the subprotocols offered is supported")]
    Unsupported,
    #[error("the token among the subprotocols is not base64")]
    Token,
}

/// Takes the token out of the offers and selects one of the rest; without offers there is nothing to agree upon.
pub(super) fn agree(headers: &HeaderMap) -> Result<Agreed, Disagreed> {
    let mut offers: Vec<&str> = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    if offers.is_empty() {
        return Ok(Agreed::default());
    }
    let token = take_token(&mut offers).map(decode).transpose()?;
    if offers.contains(&SELECTED) {
        Ok(Agreed { token, selected: Some(SELECTED) })
    } else {
        Err(Disagreed::Unsupported)
    }
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
        agree(&headers)
    }

    fn selected(token: Option<&str>) -> Result<Agreed, Disagreed> {
        Ok(Agreed { token: token.map(str::to_owned), selected: Some("phoenix") })
    }

    #[test]
    fn the_token_is_decoded_and_the_protocol_selected() {
        // §1.8; "secret?>" encodes with a slash and a plus sign in the standard alphabet.
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
    fn without_offers_there_is_no_token_and_nothing_is_selected() {
        // §1.8
        assert_eq!(agreed(&[]), Ok(Agreed::default()));
    }

    #[test]
    fn offers_that_cannot_be_met_are_refused() {
        // §1.8
        assert_eq!(agreed(&["graphql-ws"]), Err(Disagreed::Unsupported));
        assert_eq!(agreed(&["base64url.bearer.phx.YQ"]), Err(Disagreed::Unsupported));
        assert_eq!(agreed(&["phoenix, base64url.bearer.phx.!!!"]), Err(Disagreed::Token));
        assert_eq!(agreed(&["phoenix, base64url.bearer.phx._w"]), Err(Disagreed::Token), "not UTF-8");
    }

    #[test]
    fn of_two_tokens_none_is_taken() {
        // §1.8: "exactly one".
        assert_eq!(agreed(&["phoenix, base64url.bearer.phx.YQ, base64url.bearer.phx.Yg"]), selected(None));
    }
}
