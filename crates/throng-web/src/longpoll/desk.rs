//! Where the requests of one mount arrive: who asks, for which session, and what it is answered (§9).

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, BodyDataStream},
    extract::{RawPathParams, Request},
    http::{Method, StatusCode, header, request::Parts},
    response::Response,
    routing::any,
};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{
    LongPoll,
    answer::{self, Messages, Status},
    lines::{BodyError, Format, Lines},
    process::Opened,
    query::take_token,
    session::{NotTaken, Polled, Session},
    sessions::Sessions,
    token::SessionTokens,
};
use crate::{
    close::CloseReason,
    endpoint::{Mounted, Refused, TransportKind, Visitor, text},
    telemetry,
};

/// The long-poll side of one mount.
struct Desk {
    mounted: Arc<Mounted>,
    options: LongPoll,
    tokens: SessionTokens,
    sessions: Arc<Sessions>,
}

/// The route of one mount's long-poll transport.
pub(crate) fn routes(path: &str, options: LongPoll, mounted: Arc<Mounted>) -> Router {
    let tokens = SessionTokens::new(&mounted.shared.secret, options.token_max_age);
    let desk = Arc::new(Desk { mounted, options, tokens, sessions: Arc::default() });
    let handler = move |path_params: RawPathParams, request: Request| {
        let desk = desk.clone();
        async move { desk.answer(request, &path_params).await }
    };
    Router::new().route(path, any(handler))
}

impl Desk {
    async fn answer(&self, request: Request, path_params: &RawPathParams) -> Response {
        let (mut parts, body) = request.into_parts();
        if Visitor::check_origin(&parts, &self.mounted).is_err() {
            return answer::status(Status::Forbidden);
        }
        let token = take_token(&mut parts, &self.tokens);
        match parts.method {
            Method::GET => self.poll(&parts, path_params, token).await,
            Method::POST => answer::status(self.post(&parts, body, token).await),
            Method::OPTIONS => answer::preflight(&parts.headers),
            _ => answer::bad_request(),
        }
    }

    /// What a session has to tell; without one, or when it ends meanwhile, a new one (§9.3, §9.4, §9.8).
    async fn poll(&self, parts: &Parts, path_params: &RawPathParams, token: Option<String>) -> Response {
        if let Some((token, session)) = token.and_then(|token| self.find(&token).map(|found| (token, found))) {
            match session.poll(self.options.window).await {
                Polled::Messages(messages) => return answer::poll(Status::Ok, &token, &messages),
                Polled::Nothing => return answer::poll(Status::NoContent, &token, &Messages::none()),
                Polled::Ended => {}
            }
        }
        match self.open(parts, path_params).await {
            Ok(token) => answer::poll(Status::Gone, &token, &Messages::none()),
            Err(Refused { refusal, why }) => {
                telemetry::refused(parts.uri.path(), refusal.status().as_u16(), &why);
                refuse(refusal.status())
            }
        }
    }
}
