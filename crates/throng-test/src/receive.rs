//! Looking for one message among those that a probe was sent.

use std::{
    any::type_name,
    collections::VecDeque,
    fmt::{self, Debug},
    marker::PhantomData,
};

use throng_runtime::{Address, Message};

use crate::{
    deadline::within,
    probe::{Probe, Received},
};

impl Probe {
    /// The first thing it is sent that is an `M` and `wanted`; what comes before stays for later. [`assert_receive!`] takes a
    /// pattern in place of a function.
    ///
    /// [`assert_receive!`]: crate::assert_receive
    ///
    /// # Panics
    ///
    /// When no such thing comes in time, with what came instead: each `M` as it is, and the types of the rest. Or when the probe was
    /// killed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn receive<M: Message + Debug>(&mut self, wanted: impl Fn(&M) -> bool) -> impl Future<Output = M> {
        self.receive_like("", wanted)
    }

    /// As [`receive`](Probe::receive), with what is wanted in words: the pattern of a macro, or nothing.
    ///
    /// # Cancel safety
    ///
    /// As [`receive`](Probe::receive).
    #[doc(hidden)]
    #[track_caller]
    pub fn receive_like<M: Message + Debug>(
        &mut self,
        pattern: &str,
        wanted: impl Fn(&M) -> bool,
    ) -> impl Future<Output = M> {
        let place = std::panic::Location::caller();
        let mut looked_at = 0;
        async move {
            let deadline = self.deadline;
            let found = within(deadline, async {
                loop {
                    if let Some(at) = self.position(looked_at, &wanted) {
                        return self.take(at);
                    }
                    looked_at = self.ahead.len();
                    match self.seen.recv().await {
                        Some(received) => self.ahead.push_back(received),
                        None => panic!("{place}: the probe was killed"),
                    }
                }
            })
            .await
            .flatten();
            found.unwrap_or_else(|| {
                let (wanted, ahead) = (described::<M>(pattern), Shown::<M>::of(&self.ahead));
                panic!("{place}: waited {deadline:?} for {wanted} among what the probe is sent, where there is {ahead:?}")
            })
        }
    }

    /// Checks that nothing it was sent so far is an `M` and `unwanted`. It waits for no time: what was sent before this is looked
    /// at. [`refute_receive!`] takes a pattern.
    ///
    /// [`refute_receive!`]: crate::refute_receive
    ///
    /// # Panics
    ///
    /// When there is such a thing, or the probe was killed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn refuse<M: Message + Debug>(&mut self, unwanted: impl Fn(&M) -> bool) -> impl Future<Output = ()> {
        self.refuse_like("", unwanted)
    }

    /// As [`refuse`](Probe::refuse), with what is unwanted in words.
    ///
    /// # Cancel safety
    ///
    /// As [`refuse`](Probe::refuse).
    #[doc(hidden)]
    #[track_caller]
    pub fn refuse_like<M: Message + Debug>(
        &mut self,
        pattern: &str,
        unwanted: impl Fn(&M) -> bool,
    ) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            if let Err(error) = self.pid().sync().await {
                panic!("{place}: the probe was killed: {error}");
            }
            while let Ok(received) = self.seen.try_recv() {
                self.ahead.push_back(received);
            }
            let found = self.position(0, &unwanted);
            if found.is_some() {
                let (unwanted, ahead) = (described::<M>(pattern), Shown::<M>::of(&self.ahead));
                panic!("{place}: the probe was sent {unwanted}, among {ahead:?}");
            }
        }
    }

    fn position<M: Message>(&self, from: usize, wanted: impl Fn(&M) -> bool) -> Option<usize> {
        let is_wanted = |received: &Received| received.as_ref::<M>().is_some_and(&wanted);
        (from..self.ahead.len()).find(|at| self.ahead.get(*at).is_some_and(is_wanted))
    }

    fn take<M: Message>(&mut self, at: usize) -> Option<M> {
        self.ahead.remove(at)?.downcast().ok()
    }
}

/// What is looked for: its type and, from a macro, its pattern.
fn described<M>(pattern: &str) -> String {
    if pattern.is_empty() {
        type_name::<M>().to_owned()
    } else {
        format!("`{pattern}` ({})", type_name::<M>())
    }
}

/// Something that a probe was sent, for somebody who looks for an `M`: the value that does not match is what they want to see.
struct Shown<'a, M> {
    received: &'a Received,
    message: PhantomData<fn() -> M>,
}

impl<'a, M> Shown<'a, M> {
    fn of(received: &'a VecDeque<Received>) -> Vec<Self> {
        received.iter().map(|received| Self { received, message: PhantomData }).collect()
    }
}

impl<M: Message + Debug> Debug for Shown<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.received.as_ref::<M>() {
            Some(message) => message.fmt(f),
            None => self.received.fmt(f),
        }
    }
}

/// Waits until a probe is sent what matches a pattern, and gives it. What comes before stays for later.
///
/// ```
/// # use throng_runtime::{Address, Message};
/// # use throng_test::{Probe, TestNode, assert_receive, refute_receive};
/// #[derive(Debug)]
/// struct Bid {
///     amount: u64,
/// }
/// # impl Message for Bid { type Reply = (); }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = TestNode::new();
/// let mut probe = Probe::start(&node).await;
/// for amount in [1, 20, 3] {
///     probe.pid().cast(Bid { amount })?;
/// }
/// let bid = assert_receive!(probe, Bid { amount } if *amount > 10);
/// assert_eq!(bid.amount, 20);
/// assert_receive!(probe, Bid { amount: 1 });
/// refute_receive!(probe, Bid { amount: 20 });
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// When nothing matches in time, with the pattern and what came instead: messages of the pattern's type as they are, which is
/// why it has to be `Debug`, and the types of the others.
#[macro_export]
macro_rules! assert_receive {
    ($probe:expr, $message:pat $(if $guard:expr)? $(,)?) => {
        $probe
            .receive_like(stringify!($message $(if $guard)?), |message| matches!(message, $message $(if $guard)?))
            .await
    };
}

/// Checks that nothing which a probe was sent so far matches a pattern. It waits for no time: to be sure that something has
/// had its chance, wait for what comes after it.
///
/// ```
/// # use throng_runtime::{Address, Message};
/// # use throng_test::{Probe, TestNode, refute_receive};
/// # #[derive(Debug)] struct Bid { amount: u64 }
/// # impl Message for Bid { type Reply = (); }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = TestNode::new();
/// let mut probe = Probe::start(&node).await;
/// probe.pid().cast(Bid { amount: 3 })?;
/// refute_receive!(probe, Bid { amount } if *amount > 10);
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// When something matches.
#[macro_export]
macro_rules! refute_receive {
    ($probe:expr, $message:pat $(if $guard:expr)? $(,)?) => {
        $probe
            .refuse_like(stringify!($message $(if $guard)?), |message| matches!(message, $message $(if $guard)?))
            .await
    };
}
