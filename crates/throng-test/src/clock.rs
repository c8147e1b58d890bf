//! The paused clock of a test.

use std::time::Duration;

use tokio::{task::yield_now, time};

/// How many turns everything that is due gets when the time has come.
const TURNS: usize = 100;

/// Lets this much time pass at once, on a paused clock: whatever is due on the way happens, in its order, and what follows from
/// it as well (X9).
///
/// ```
/// # use std::time::Duration;
/// # use throng_runtime::{Address, Message};
/// # use throng_test::{Probe, TestNode, advance, assert_receive, refute_receive};
/// # #[derive(Debug)] struct Closed;
/// # impl Message for Closed { type Reply = (); }
/// // #[tokio::test(start_paused = true)]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// # let node = TestNode::new();
/// let mut probe = Probe::start(&node).await;
/// node.send_after(probe.pid(), Duration::from_secs(3600), Closed);
///
/// advance(Duration::from_secs(3599)).await;
/// refute_receive!(probe, Closed);
/// advance(Duration::from_secs(1)).await;
/// assert_receive!(probe, Closed);
/// # }
/// ```
///
/// # Panics
///
/// When the clock is not paused: `#[tokio::test(start_paused = true)]` pauses it.
///
/// # Cancel safety
///
/// Dropping the future leaves the clock where it has got to.
pub async fn advance(time: Duration) {
    // Of no time at all: it only tells whether the clock is paused.
    time::advance(Duration::ZERO).await;
    // A paused clock goes on when nothing else is left to do, to what is due next: timer by timer, and not in one leap.
    time::sleep(time).await;
    for _ in 0..TURNS {
        yield_now().await;
    }
}
