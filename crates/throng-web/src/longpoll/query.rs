//! The session's token in a request: in a header, or the last `token` of the query (§9.2).

use axum::{
    extract::OriginalUri,
    http::{Uri, request::Parts},
};
use percent_encoding::percent_decode_str;

use super::token::SessionTokens;

/// Where clients from 1.9 on put it.
const TOKEN_HEADER: &str = "x-phoenix-longpoll-token";

/// Takes the token out of a request.
///
/// An application may have a parameter of that name as well. So a token in the query is the session's only if it was signed
/// here, however long ago; then the application does not see it, and finds its own.
pub(super) fn take_token(parts: &mut Parts, tokens: &SessionTokens) -> Option<String> {
    if let Some(token) = parts.headers.remove(TOKEN_HEADER) {
        return token.to_str().map(str::to_owned).ok();
    }
    let (token, uri) = take_from_query(&parts.uri, tokens)?;
    if let Some(OriginalUri(original)) = parts.extensions.get_mut::<OriginalUri>() {
        let without = take_from_query(original, tokens);
        *original = without.map_or_else(|| original.clone(), |(_, uri)| uri);
    }
    parts.uri = uri;
    Some(token)
}

/// The token, and what the URI is without it.
fn take_from_query(uri: &Uri, tokens: &SessionTokens) -> Option<(String, Uri)> {
    let query = uri.query()?;
    let pairs = || query.split('&');
    let (index, value) = pairs()
        .enumerate()
        .filter_map(|(index, pair)| pair.strip_prefix("token=").map(|value| (index, value)))
        .last()?;
    let token = percent_decode_str(value).decode_utf8().ok()?.into_owned();
    if !tokens.is_ours(&token) {
        return None;
    }
    let rest: Vec<&str> =
        pairs().enumerate().filter(|(other, _)| *other != index).map(|(_, pair)| pair).collect();
    let path_and_query = format!("{}?{}", uri.path(), rest.join("&"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.try_into().ok()?);
    Uri::from_parts(parts).ok().map(|uri| (token, uri))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Request;

    use super::{super::SessionKey, *};

    fn parts(uri: &str, header: Option<&str>) -> Parts {
        let mut request = Request::get(uri);
        if let Some(token) = header {
            request = request.header(TOKEN_HEADER, token);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn c9_2_the_last_token_of_the_query_is_the_sessions_if_it_was_signed_here() {
        let tokens = SessionTokens::new(&[1; 32], Duration::ZERO);
        let ours = tokens.sign(SessionKey(7));
        let cases = [
            (format!("/lp?vsn=2.0.0&token={ours}"), true, "vsn=2.0.0"),
            (format!("/lp?token=app&vsn=2.0.0&token={ours}"), true, "token=app&vsn=2.0.0"),
            (format!("/lp?token={ours}&vsn=2.0.0&token=app"), false, "token="),
            ("/lp?token=app&vsn=2.0.0&".to_owned(), false, "token=app&vsn=2.0.0&"),
            (format!("/lp?token={ours}"), true, ""),
        ];
        for (uri, is_found, rest) in cases {
            let mut parts = parts(&uri, None);
            parts.extensions.insert(OriginalUri(format!("http://h/outer{uri}").parse().unwrap()));
            assert_eq!(take_token(&mut parts, &tokens), is_found.then(|| ours.clone()), "{uri}");
            let original = &parts.extensions.get::<OriginalUri>().unwrap().0;
            for uri in [&parts.uri, original] {
                assert!(uri.query().unwrap_or_default().starts_with(rest), "{uri}");
            }
            assert_eq!(parts.uri.path(), "/lp");
        }
    }

    #[test]
    fn c9_2_a_token_in_the_header_leaves_the_query_to_the_application() {
        let tokens = SessionTokens::new(&[1; 32], Duration::ZERO);
        let mut parts = parts("/lp?token=app", Some("a.b.c"));
        assert_eq!(take_token(&mut parts, &tokens).as_deref(), Some("a.b.c"));
        assert_eq!(parts.uri.query(), Some("token=app"));
        assert!(parts.headers.is_empty());
    }
}
