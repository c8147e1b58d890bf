//! What is fetched for presences: the application's own records, from wherever they are.

use std::{error::Error, fmt, pin::Pin, sync::Arc, time::Duration};

use super::{extras::Extras, presences::Presences};

type BoxError = Box<dyn Error + Send + Sync>;
type Fetching = Pin<Box<dyn Future<Output = Result<Extras, BoxError>> + Send>>;

/// The application's function, and how long it may take.
pub(super) struct Fetch {
    fetch: Box<dyn Fn(Arc<str>, Presences) -> Fetching + Send + Sync>,
    timeout: Duration,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The application's own reason.
    #[error("the fetch failed")]
    Failed(#[source] BoxError),
    /// It took longer than [`fetch_timeout`](super::PresenceOptions::fetch_timeout).
    #[error("the fetch took longer than {0:?}")]
    TimedOut(Duration),
}

impl Fetch {
    pub(super) fn new<F, Fut, E>(fetch: F) -> Self
    where
        F: Fn(Arc<str>, Presences) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Extras, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let fetch = move |topic, presences| -> Fetching {
            let fetching = fetch(topic, presences);
            Box::pin(async move { fetching.await.map_err(Into::into) })
        };
        Self { fetch: Box::new(fetch), timeout: Duration::MAX }
    }

    pub(super) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The presences with what was fetched for them.
    pub(super) async fn fetch(
        &self,
        topic: &Arc<str>,
        presences: Presences,
    ) -> Result<Presences, FetchError> {
        let fetching = (self.fetch)(topic.clone(), presences.clone());
        match tokio::time::timeout(self.timeout, fetching).await {
            Ok(Ok(extras)) => Ok(presences.with_extras(extras)),
            Ok(Err(error)) => Err(FetchError::Failed(error)),
            Err(_) => Err(FetchError::TimedOut(self.timeout)),
        }
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
