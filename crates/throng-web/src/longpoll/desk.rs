//! Where the requests of one mount arrive: who asks, for which session, and what it is answered (§9).

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{RawPathParams, Request},
    http::{Method, StatusCode, header, request::Parts},
    response::Response,
    routing::any,
};

use super::{
    LongPoll, answer,
    answer::{Messages, Status},
    inbound,
    polling::Polling,
    query::take_token,
    session::{Polled, Session},
    sessions::Sessions,
    token::SessionTokens,
};
use crate::{
    EndpointError,
    connection::Transport as _,
    endpoint::{Mounted, Refused, Visitor},
    telemetry,
};

/// The parameter by which a client says that it reads binary messages, as strings of base64; others get none (§9.5).
const BINARY: &str = "binary";

/// The long-poll side of one mount.
struct Desk {
    mounted: Arc<Mounted>,
    options: LongPoll,
    tokens: SessionTokens,
    sessions: Arc<Sessions>,
}

/// The route of one mount's long-poll transport.
///
/// # Errors
///
/// When the system has no random bytes for a secret.
pub(crate) fn routes(path: &str, options: LongPoll, mounted: Arc<Mounted>) -> Result<Router, EndpointError> {
    let tokens = SessionTokens::generate(options.token_max_age)
        .map_err(|error| EndpointError::Random(error.to_string()))?;
    let desk = Arc::new(Desk { mounted, options, tokens, sessions: Arc::default() });
    let handler = move |path_params: RawPathParams, request: Request| {
        let desk = desk.clone();
        async move { desk.answer(request, &path_params).await }
    };
    Ok(Router::new().route(path, any(handler)))
}

impl Desk {
    async fn answer(&self, request: Request, path_params: &RawPathParams) -> Response {
        let (mut parts, body) = request.into_parts();
        if !Visitor::may_come(&parts, &self.mounted) {
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
        if let Some(token) = token
            && let Some(session) = self.find(&token)
        {
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
                refused(refusal.status())
            }
        }
    }

    /// Hands the messages of a body to their session (§9.6).
    async fn post(&self, parts: &Parts, body: Body, token: Option<String>) -> Status {
        let Some(session) = token.and_then(|token| self.find(&token)) else { return Status::Gone };
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        inbound::take(body, content_type, &session, &self.options, &self.mounted.limits).await
    }

    fn find(&self, token: &str) -> Option<Arc<Session>> {
        self.sessions.find(self.tokens.verify(token)?)
    }

    /// A new session, whose token is handed back (§9.3).
    async fn open(&self, parts: &Parts, path_params: &RawPathParams) -> Result<String, Refused> {
        let visitor = Visitor::check(parts, path_params, Polling::NAME, &self.mounted)?;
        let takes_bytes = visitor.params().text(BINARY) == Some("base64");
        let accepted = visitor.admit().await?;
        let (session, mail) = Session::new(accepted.outbox().clone(), takes_bytes);
        let entry = self.sessions.add(session);
        let token = self.tokens.sign(entry.key);
        let polling = Polling::new(entry, mail, self.options.patience());
        self.mounted.shared.node.spawn(|ctx| Box::new(accepted).run(Box::new(polling), ctx));
        Ok(token)
    }
}

/// What a client is told that is not let in. The body is for the client; that the endpoint has no place, or shuts down, is
/// for whoever balances load as well, and HTTP says it.
fn refused(why: StatusCode) -> Response {
    if !why.is_server_error() {
        return answer::status(Status::Forbidden);
    }
    let mut response = answer::status(Status::Error);
    if why == StatusCode::SERVICE_UNAVAILABLE {
        *response.status_mut() = why;
    }
    response
}
