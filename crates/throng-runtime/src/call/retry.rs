//! Calls that wait for somebody to be there (G22).

use std::time::Duration;

use crate::{
    address::{Address, CallError},
    gen_server::GenServer,
    message::{Handler, Message},
    scheduler,
    timer::{self, later},
};

/// How long to wait before the second look, and at most between two.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// As [`Address::call`], until somebody is there to take the message or the time is up.
pub(crate) async fn call_retry<S, M>(
    to: &impl Address<S>,
    message: M,
    within: Duration,
) -> Result<M::Reply, CallError>
where
    S: GenServer + Handler<M>,
    M: Message + Clone,
{
    let end = later(scheduler::now(), within);
    let mut pause = FIRST_PAUSE;
    loop {
        // This failure, and no other, means that nobody has the message.
        match to.call(message.clone()).await {
            Err(CallError::NoProcess { target }) => {
                let left = end.saturating_duration_since(scheduler::now());
                if left.is_zero() {
                    return Err(CallError::NoProcess { target });
                }
                timer::within(pause.min(left), std::future::pending::<()>()).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            outcome => return outcome,
        }
    }
}
