//! How long a test waits before it fails.

use std::time::Duration;

/// Unless told otherwise: far more than anything takes that happens at all, and little enough to see a test fail.
///
/// On a paused clock a wait for what never comes fails at once, because nothing else is left to do.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// What `work` gives, unless it takes longer than `limit`.
pub(crate) async fn within<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    tokio::time::timeout(limit, work).await.ok()
}

/// What `work` gives.
///
/// # Panics
///
/// When it takes longer than `limit`, with what was waited for.
#[track_caller]
pub(crate) fn in_time<F: Future>(
    limit: Duration,
    work: F,
    waited_for: impl FnOnce() -> String,
) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        let done = within(limit, work).await;
        done.unwrap_or_else(|| panic!("{place}: waited {limit:?} for {}", waited_for()))
    }
}
