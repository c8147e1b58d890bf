//! One message for many addresses: the local form of `multi_call` and `abcast` (G12).

use std::time::Duration;

use crate::{
    address::{Address, CallError, DEFAULT_CALL_TIMEOUT, Target},
    gen_server::GenServer,
    message::{Handler, Message},
};

/// What became of a [`multi_call`]: in the order of the addresses, and every address in one of the two.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Replies<R> {
    /// Who answered, and what.
    pub replies: Vec<(Target, R)>,
    /// Who did not: no such process, nobody holds the name, it ended, or it was late. Each error names its target.
    pub failed: Vec<CallError>,
}

/// Calls all of them at once and waits until each has answered or failed: 5 s at most, unlike in OTP, where it may wait for
/// ever.
///
/// ```
/// # use throng_runtime::{Ctx, GenServer, Handled, Handler, Init, Message, Node, multi_call};
/// # struct Shard(u64);
/// # impl GenServer for Shard { type Args = u64; async fn init(n: u64, _: &mut Ctx<Self>) -> Init<Self> { Ok(Shard(n)) } }
/// # #[derive(Clone)] struct Count;
/// # impl Message for Count { type Reply = u64; }
/// # impl Handler<Count> for Shard { async fn handle(&mut self, _: Count, _: &mut Ctx<Self>) -> Handled<Count> { Ok(self.0) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// let shards = [node.start(Shard::child(1)).await?, node.start(Shard::child(2)).await?];
/// let counted = multi_call(&shards, Count).await;
/// assert_eq!(counted.replies.iter().map(|(_, count)| count).sum::<u64>(), 3);
/// # Ok(()) }
/// ```
///
/// # Cancel safety
///
/// Dropping the future abandons the calls: what was sent is handled all the same. A reply that comes too late is dropped.
pub async fn multi_call<'a, S, A, M>(to: impl IntoIterator<Item = &'a A>, message: M) -> Replies<M::Reply>
where
    S: Handler<M>,
    A: Address<S> + 'a,
    M: Message + Clone,
{
    multi_call_within(to, message, DEFAULT_CALL_TIMEOUT).await
}

/// As [`multi_call`], with this time for all of them together.
///
/// # Cancel safety
///
/// As for [`multi_call`].
pub async fn multi_call_within<'a, S, A, M>(
    to: impl IntoIterator<Item = &'a A>,
    message: M,
    timeout: Duration,
) -> Replies<M::Reply>
where
    S: Handler<M>,
    A: Address<S> + 'a,
    M: Message + Clone,
{
    // All are sent, and their time begins, before the first is awaited; so awaiting them in turn takes no longer than the slowest.
    let sent: Vec<_> =
        to.into_iter().map(|to| (to.target(), to.call(message.clone()).timeout(timeout).send())).collect();
    let mut all = Replies { replies: Vec::with_capacity(sent.len()), failed: Vec::new() };
    for (target, answer) in sent {
        match answer.await {
            Ok(reply) => all.replies.push((target, reply)),
            Err(error) => all.failed.push(error),
        }
    }
    all
}

/// Casts to all of them and goes on. Those that are dead, or whose name nobody holds, miss it in silence.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Name, Node, abcast};
/// # struct Cache;
/// # impl GenServer for Cache { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Cache) } }
/// # #[derive(Clone)] struct Clear;
/// # impl Message for Clear { type Reply = (); }
/// # impl Handler<Clear> for Cache { async fn handle(&mut self, _: Clear, ctx: &mut Ctx<Self>) -> Handled<Clear> { Ok(ctx.set_label("clear")) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// # const PRICES: Name<Cache> = Name::new("prices");
/// # const STOCK: Name<Cache> = Name::new("stock");
/// # let prices = node.start(Cache::child(()).name(PRICES)).await?;
/// abcast(&[node.via(PRICES), node.via(STOCK)], Clear); // the second is not there
/// # prices.sync().await?;
/// # assert!(node.process_info(prices).is_some_and(|info| info.label.is_some()));
/// # Ok(()) }
/// ```
pub fn abcast<'a, S, A, M>(to: impl IntoIterator<Item = &'a A>, message: M)
where
    S: GenServer + Handler<M>,
    A: Address<S> + 'a,
    M: Message<Reply = ()> + Clone,
{
    for to in to {
        drop(to.cast(message.clone()));
    }
}
