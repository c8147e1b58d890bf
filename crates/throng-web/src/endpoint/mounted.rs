//! A socket type at its place in a built endpoint: what its transports' routes and its connections share.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    http::Extensions,
    response::{IntoResponse, Response},
};

use super::{
    Limits, Mount, Refusal, Shared, mount::ErrorHandler, router::SocketType, session::SessionReader,
};
use crate::origin::CheckOrigin;

/// A socket type at its place.
pub(crate) struct Mounted {
    pub(crate) sockets: Arc<dyn SocketType>,
    /// The endpoint's, with the changes of the mount.
    pub(crate) limits: Limits,
    pub(crate) shared: Arc<Shared>,
    pub(super) check_origin: CheckOrigin,
    pub(super) auth_token: bool,
    /// Subprotocols that may be selected, the preferred ones first.
    pub(super) subprotocols: Vec<String>,
    pub(super) constants: Extensions,
    pub(super) session: Option<SessionReader>,
    error_handler: Option<ErrorHandler>,
}

/// The subprotocol of phoenix.js: what is selected when it sends a token among its offers (§1.8).
const PHOENIX: &str = "phoenix";

impl Mounted {
    /// What the mount says goes before what the socket type says, and that before what the endpoint says (§16.4).
    pub(super) fn new(
        mount: Mount,
        sockets: Arc<dyn SocketType>,
        check_origin: CheckOrigin,
        error_handler: Option<ErrorHandler>,
        shared: &Arc<Shared>,
    ) -> Arc<Mounted> {
        let mut limits = shared.limits.clone();
        for change in mount.limits {
            change(&mut limits);
        }
        let auth_token = mount.auth_token || sockets.options().auth_token;
        let phoenix = auth_token.then(|| PHOENIX.to_owned());
        Arc::new(Mounted {
            sockets,
            limits,
            shared: shared.clone(),
            check_origin,
            auth_token,
            subprotocols: phoenix.into_iter().chain(mount.subprotocols).collect(),
            constants: mount.constants,
            session: mount.session,
            error_handler: mount.error_handler.or(error_handler),
        })
    }

    /// The answer to a client that is not let in: where there is a reason, the error handler's (§1.6).
    pub(crate) fn answer(&self, refusal: Refusal) -> Response {
        let Some(handler) = self.error_handler.as_ref().filter(|_| refusal.reason().is_some()) else {
            return refusal.into_response();
        };
        // What it would have said nobody knows; that it refuses is certain.
        let answer = std::panic::catch_unwind(AssertUnwindSafe(|| handler(&refusal)));
        answer.unwrap_or_else(|_| refusal.into_response())
    }
}
