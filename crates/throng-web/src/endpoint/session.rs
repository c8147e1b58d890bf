//! A page's session, for connects: handed out only to pages that prove to be ours (§1.9).

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, header};

/// The cookies of a request.
#[derive(Clone, Copy, Debug)]
pub struct Cookies<'a>(&'a HeaderMap);

impl<'a> Cookies<'a> {
    /// The value of a cookie, as it was sent.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.0
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// Reads the session of a request, without its type.
#[derive(Clone)]
pub(crate) struct SessionReader(Arc<Read>);

/// Takes the headers, the token of the page, and the values to put the session among.
type Read = dyn Fn(&HeaderMap, Option<&str>, &mut Extensions) + Send + Sync;

/// A session among a connect's values; a type of its own, so that no constant is taken for it.
#[derive(Clone)]
pub(super) struct Verified<S>(pub(super) S);

impl SessionReader {
    pub(super) fn new<S: Clone + Send + Sync + 'static>(
        read: impl Fn(Cookies<'_>) -> Option<S> + Send + Sync + 'static,
        verify: impl Fn(&S, &str) -> bool + Send + Sync + 'static,
    ) -> SessionReader {
        SessionReader(Arc::new(move |headers, csrf_token, values| {
            let Some(csrf_token) = csrf_token else { return };
            if let Some(session) = read(Cookies(headers)).filter(|session| verify(session, csrf_token)) {
                values.insert(Verified(session));
            }
        }))
    }

    /// Puts the session among the values, if the token proves that the page may have it.
    pub(super) fn read(&self, headers: &HeaderMap, csrf_token: Option<&str>, values: &mut Extensions) {
        (self.0)(headers, csrf_token, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "theme=dark; session=ada.s3cret".parse().unwrap());
        headers.append(header::COOKIE, "other=1".parse().unwrap());
        headers
    }

    #[test]
    fn cookies_are_found_by_name() {
        let headers = headers();
        let cookies = Cookies(&headers);
        assert_eq!(cookies.get("session"), Some("ada.s3cret"));
        assert_eq!(cookies.get("other"), Some("1"));
        assert_eq!(cookies.get("sess"), None);
    }

    #[test]
    fn c1_9_a_session_is_handed_out_for_its_csrf_token_alone() {
        let reader = SessionReader::new(
            |cookies| {
                cookies.get("session").and_then(|text| text.split_once('.')).map(|(user, _)| user.to_owned())
            },
            |user: &String, token| token == format!("csrf of {user}"),
        );
        let session = |token: Option<&str>, headers: &HeaderMap| {
            let mut values = Extensions::new();
            reader.read(headers, token, &mut values);
            values.get::<Verified<String>>().map(|session| session.0.clone())
        };
        assert_eq!(session(Some("csrf of ada"), &headers()).as_deref(), Some("ada"));
        assert_eq!(session(Some("csrf of eve"), &headers()), None);
        assert_eq!(session(None, &headers()), None);
        assert_eq!(session(Some("csrf of ada"), &HeaderMap::new()), None);
    }
}
