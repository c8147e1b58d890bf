//! Waiting for the end of a process.

use throng_runtime::{Exit, Node, ProcessId};

use crate::deadline::{DEFAULT_DEADLINE, in_time};

/// Waits until a process is gone and gives its reason; [`Exit::NoProcess`] if it was gone already. To be sure of the reason,
/// have a [`Probe`](crate::Probe) monitor it before.
///
/// ```
/// # use throng_runtime::Exit;
/// # use throng_test::{TestNode, expect_down};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let node = TestNode::new();
/// let process = node.spawn(async |_| std::future::pending::<()>().await);
/// let ended = expect_down(&node, process);
/// node.exit(process, Exit::Kill);
/// assert!(matches!(ended.await, Exit::Killed | Exit::NoProcess));
/// # }
/// ```
///
/// # Panics
///
/// When it is still there after [`DEFAULT_DEADLINE`].
///
/// # Cancel safety
///
/// Dropping the future forgets the wait, nothing else.
#[track_caller]
pub fn expect_down(node: &Node, process: impl Into<ProcessId>) -> impl Future<Output = Exit> {
    let process = process.into();
    let node = node.clone();
    in_time(DEFAULT_DEADLINE, async move { node.wait(process).await }, move || {
        format!("the end of {process}")
    })
}

/// Waits for the [`Down`](throng_runtime::Down) of a process that a probe monitors, as the next thing the probe is sent, and
/// checks its reason against a pattern.
///
/// ```
/// # use throng_runtime::Exit;
/// # use throng_test::{Probe, TestNode, assert_down};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let node = TestNode::new();
/// let mut probe = Probe::start(&node).await;
/// let process = node.spawn(async |_| std::future::pending::<()>().await);
/// probe.monitor(process).await;
/// node.exit(process, Exit::Kill);
/// assert_down!(probe, process, Exit::Killed);
/// # }
/// ```
///
/// # Panics
///
/// When the reason is another, something else comes first, or nothing comes in time.
#[macro_export]
macro_rules! assert_down {
    ($probe:expr, $process:expr, $reason:pat $(if $guard:expr)? $(,)?) => {
        match $probe.expect_down($process).await {
            $reason $(if $guard)? => {}
            other => panic!("it ended by {other:?}, not by {}", stringify!($reason $(if $guard)?)),
        }
    };
}
