//! What is known of one connected client: its assigns, its id, and until when it may stay.

use std::{sync::Arc, time::SystemTime};

use parking_lot::Mutex;
use throng_runtime::{Node, StartError};

use super::{
    Refusal, SocketRouter,
    gate::DeadToken,
    router::{Refreshing, Session},
};
use crate::{
    channel::{JoinRequest, Start, Starting},
    token::{Term, TokenData},
};

pub(super) struct ClientSession<A> {
    known: Mutex<Known<A>>,
    id: Option<Arc<str>>,
    /// What its token was signed for, where a gate let it in by one.
    data: Option<Term>,
    router: Arc<SocketRouter<A>>,
}

/// What a new token may change.
struct Known<A> {
    assigns: A,
    expires_at: Option<SystemTime>,
}

impl<A: Clone + Send + Sync + 'static> ClientSession<A> {
    /// The session of a client that connect let in, if its time is not over before it began.
    pub(super) fn new(
        assigns: A,
        token: Option<TokenData>,
        router: Arc<SocketRouter<A>>,
    ) -> Result<ClientSession<A>, Refusal> {
        let id = (router.identify)(&assigns).map(Arc::from);
        let known = Known::new(assigns, token.as_ref(), &router)?;
        Ok(ClientSession { known: Mutex::new(known), id, data: token.map(|token| token.data), router })
    }

    async fn look_at(&self, token: String) -> Result<Option<SystemTime>, Refusal> {
        let router = &self.router;
        let gate = router.gate.as_ref();
        let opened = gate.map(|gate| gate.verify(&token, SystemTime::now()).map_err(DeadToken::refusal));
        let opened = opened.transpose()?;
        let assigns = self.known.lock().assigns.clone();
        let assigns = match &router.refresh {
            Some(refresh) => refresh(assigns, token).await?,
            // Nobody else says whose it is.
            None if opened.as_ref().map(|token| &token.data) == self.data.as_ref() => assigns,
            None => return Err(another_client()),
        };
        // All that hangs on the id would go on under another name.
        if (router.identify)(&assigns).as_deref() != self.id.as_deref() {
            return Err(another_client());
        }
        let known = Known::new(assigns, opened.as_ref(), router)?;
        let expires_at = known.expires_at;
        *self.known.lock() = known;
        Ok(expires_at)
    }
}

impl<A> Known<A> {
    fn new(assigns: A, token: Option<&TokenData>, router: &SocketRouter<A>) -> Result<Known<A>, Refusal> {
        let of_token = token.and_then(|token| token.expires_at);
        let of_assigns = router.expires.as_ref().and_then(|expires| expires(&assigns));
        let expires_at = of_token.into_iter().chain(of_assigns).min();
        if expires_at.is_some_and(|time| time <= SystemTime::now()) {
            return Err(DeadToken::Expired.refusal());
        }
        Ok(Known { assigns, expires_at })
    }
}

fn another_client() -> Refusal {
    Refusal::because("the token is another client's")
}

impl<A: Clone + Send + Sync + 'static> Session for ClientSession<A> {
    fn id(&self) -> Option<Arc<str>> {
        self.id.clone()
    }

    fn is_live(&self) -> bool {
        self.renews() || self.router.expires.is_some()
    }

    fn renews(&self) -> bool {
        self.router.gate.is_some() || self.router.refresh.is_some()
    }

    fn expires_at(&self) -> Option<SystemTime> {
        self.known.lock().expires_at
    }

    fn refresh(self: Arc<Self>, token: String) -> Refreshing {
        Box::pin(async move { self.look_at(token).await })
    }

    fn routes(&self, topic: &str) -> bool {
        self.router.routes.find(topic).is_some()
    }

    fn start<'a>(&'a self, node: &'a Node, join: JoinRequest) -> Starting<'a> {
        match self.router.routes.find(&join.message.topic) {
            Some(route) => {
                let assigns = self.known.lock().assigns.clone();
                route.start(node, Start { assigns, join })
            }
            // Only joins of routed topics get here.
            None => Box::pin(std::future::ready(Err(StartError::Ignored))),
        }
    }
}
