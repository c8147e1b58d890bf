//! The page and the client's modules, built into the program.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// One file, and where it is served.
#[derive(Clone, Copy, Debug)]
struct Asset {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

macro_rules! assets {
    ($($path:literal = $file:literal as $content_type:expr;)*) => {
        &[$(Asset { path: $path, content_type: $content_type, text: include_str!($file) }),*]
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const ASSETS: &[Asset] = assets! {
    "/" = "../page/index.html" as HTML;
    "/icon.svg" = "../page/icon.svg" as SVG;
    "/page/style/base.css" = "../page/style/base.css" as CSS;
    "/page/style/door.css" = "../page/style/door.css" as CSS;
    "/page/style/layout.css" = "../page/style/layout.css" as CSS;
    "/page/style/room.css" = "../page/style/room.css" as CSS;
    "/page/style/field.css" = "../page/style/field.css" as CSS;
    "/page/style/side.css" = "../page/style/side.css" as CSS;
    "/page/style/adapt.css" = "../page/style/adapt.css" as CSS;
    "/page/app.js" = "../page/app.js" as JS;
    "/page/composer.js" = "../page/composer.js" as JS;
    "/page/dom.js" = "../page/dom.js" as JS;
    "/page/guest.js" = "../page/guest.js" as JS;
    "/page/people.js" = "../page/people.js" as JS;
    "/page/room.js" = "../page/room.js" as JS;
    "/page/rooms.js" = "../page/rooms.js" as JS;
    "/page/status.js" = "../page/status.js" as JS;
    "/page/timeline.js" = "../page/timeline.js" as JS;
    "/page/tree.js" = "../page/tree.js" as JS;
    "/page/words.js" = "../page/words.js" as JS;
    "/client/index.js" = "../../../clients/js/src/index.js" as JS;
    "/client/backoff.js" = "../../../clients/js/src/backoff.js" as JS;
    "/client/channel.js" = "../../../clients/js/src/channel.js" as JS;
    "/client/close.js" = "../../../clients/js/src/close.js" as JS;
    "/client/error.js" = "../../../clients/js/src/error.js" as JS;
    "/client/heartbeat.js" = "../../../clients/js/src/heartbeat.js" as JS;
    "/client/listeners.js" = "../../../clients/js/src/listeners.js" as JS;
    "/client/position.js" = "../../../clients/js/src/position.js" as JS;
    "/client/presence.js" = "../../../clients/js/src/presence.js" as JS;
    "/client/protocol.js" = "../../../clients/js/src/protocol.js" as JS;
    "/client/push.js" = "../../../clients/js/src/push.js" as JS;
    "/client/socket.js" = "../../../clients/js/src/socket.js" as JS;
    "/client/timers.js" = "../../../clients/js/src/timers.js" as JS;
};

/// Everything comes from here, and nothing that people typed can run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A route for every file.
pub(crate) fn routes() -> Router {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        let tag = asset.tag();
        let serve = async move |headers: HeaderMap| serve(asset, &tag, &headers);
        router.route(asset.path, get(serve))
    })
}

/// The file, or 304 for a browser that has it: it asks every time, so a new build shows at once.
fn serve(asset: &Asset, tag: &HeaderValue, request: &HeaderMap) -> Response {
    let common = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    if request.get(header::IF_NONE_MATCH) == Some(tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, asset.content_type)], asset.text).into_response()
}

impl Asset {
    /// Names the content, so that it changes with it.
    fn tag(&self) -> HeaderValue {
        let mut hasher = DefaultHasher::new();
        self.text.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    use super::*;

    async fn get_asset(path: &str, tag: Option<&HeaderValue>) -> Response {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if let Some(tag) = tag {
            request.headers_mut().insert(header::IF_NONE_MATCH, tag.clone());
        }
        routes().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn every_file_is_served_as_what_it_is_and_guarded() {
        for asset in ASSETS {
            let response = get_asset(asset.path, None).await;
            assert_eq!(response.status(), StatusCode::OK, "{}", asset.path);
            let headers = response.headers();
            assert_eq!(headers[header::CONTENT_TYPE], asset.content_type);
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert!(
                headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'")
            );
        }
    }

    #[tokio::test]
    async fn a_browser_that_has_the_file_is_told_so() {
        let first = get_asset("/", None).await;
        let again = get_asset("/", Some(&first.headers()[header::ETAG])).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = get_asset("/page/style/base.css", Some(&first.headers()[header::ETAG])).await;
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn what_a_module_imports_is_served() {
        let paths: BTreeSet<&str> = ASSETS.iter().map(|asset| asset.path).collect();
        for asset in ASSETS.iter().filter(|asset| asset.content_type == JS) {
            let folder = asset.path.rsplit_once('/').unwrap().0;
            // Types in comments name modules as well, and those are served too.
            let imports =
                asset.text.lines().filter_map(|line| line.split("from \"").nth(1)?.split('"').next());
            for import in imports {
                let path = match import.strip_prefix("./") {
                    Some(name) => format!("{folder}/{name}"),
                    None => import.replacen("..", "", 1),
                };
                assert!(paths.contains(path.as_str()), "{} imports {path}", asset.path);
            }
        }
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_nothing_inline() {
        for asset in ASSETS {
            for foreign in ["http://", "https://", "@import", "innerHTML", "eval("] {
                let found = asset.text.lines().find(|line| {
                    line.contains(foreign)
                        && !line.trim_start().starts_with("//")
                        && !line.contains("www.w3.org")
                });
                assert_eq!(found, None, "{}", asset.path);
            }
        }
        let page = ASSETS[0].text;
        assert!(
            !page.contains("<style") && !page.contains(" style=") && !page.contains(" on"),
            "inline in the page"
        );
    }
}
