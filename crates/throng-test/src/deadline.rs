//! How long a test waits before it fails.

use std::time::Duration;

/// Unless told otherwise: far more than anything takes that happens at all, and little enough to see a test fail.
///
/// On a paused clock a wait for what never comes fails at once, because nothing else is left to do.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// What `work` gives.
///
/// # Panics
///
/// When it takes longer than `limit`, with what was waited for.
#[track_caller]
pub(crate) fn within<F: Future>(
    limit: Duration,
    work: F,
    waited_for: impl FnOnce() -> String,
) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(limit, work).await {
            Ok(output) => output,
            Err(_) => panic!("{place}: waited {limit:?} for {}", waited_for()),
        }
    }
}
