//! Calls under way at once, awaited as they come (G10).

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use super::Answer;
use crate::address::CallError;

/// Calls that are under way at once, each with a label, awaited in the order in which their answers come (G10).
///
/// A look at it looks at all of them. That is nothing for the dozens of calls that a process has under way; for many thousands
/// `FuturesUnordered` of the `futures` crate, which takes [`Answer`]s as it takes any future, looks only at those that are ready.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, Requests};
/// # struct Shop(u64);
/// # impl GenServer for Shop { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Shop(n)) } }
/// # struct Price;
/// # impl Message for Price { type Reply = u64; }
/// # impl Handler<Price> for Shop { async fn handle(&mut self, _: Price, _: &mut Ctx<Self>) -> Handled<Price> { Ok(self.0) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// let shops = [("corner", node.start(Shop::child(3)).await?), ("market", node.start(Shop::child(2)).await?)];
/// let mut offers = Requests::new();
/// for (name, shop) in &shops {
///     offers.add(*name, shop.call(Price).send());
/// }
/// let mut cheapest = ("none", u64::MAX);
/// while let Some((name, price)) = offers.next().await {
///     let price = price?;
///     if price < cheapest.1 {
///         cheapest = (name, price);
///     }
/// }
/// assert_eq!(cheapest, ("market", 2));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Requests<L, R> {
    open: Vec<(L, Answer<R>)>,
}

impl<L, R> Requests<L, R> {
    /// None yet.
    pub const fn new() -> Self {
        Self { open: Vec::new() }
    }

    /// Adds a call that was sent, under a label of any kind. Its time began when it was sent.
    pub fn add(&mut self, label: L, answer: Answer<R>) {
        self.open.push((label, answer));
    }

    /// The next call that is answered or fails, with its label; `None` when none is left.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<(L, Result<R, CallError>)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(L, Result<R, CallError>)>> {
        for at in 0..self.open.len() {
            let (_, answer) = &mut self.open[at];
            if let Poll::Ready(outcome) = std::pin::Pin::new(answer).poll(cx) {
                let (label, _) = self.open.remove(at);
                return Poll::Ready(Some((label, outcome)));
            }
        }
        if self.open.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl<L, R> Default for Requests<L, R> {
    fn default() -> Self {
        Self::new()
    }
}
