#![doc = include_str!("front.md")]
#![forbid(unsafe_code)]

pub mod guide;
pub mod prelude;

#[doc(inline)]
pub use throng_config as config;
#[doc(inline)]
pub use throng_macros::Message;
/// Makes messages, handlers and a client of a server's methods.
///
/// ```
/// use throng::prelude::*;
///
/// struct Counter(u64);
///
/// impl GenServer for Counter {
///     type Args = u64;
///     async fn init(first: u64, _: &mut Ctx<Self>) -> Init<Self> {
///         Ok(Counter(first))
///     }
/// }
///
/// #[server]
/// impl Counter {
///     /// Counts on by so many.
///     #[call]
///     async fn add(&mut self, more: u64) -> u64 {
///         self.0 += more;
///         self.0
///     }
///
///     #[cast]
///     fn finish(&mut self, ctx: &mut Ctx<Self>) {
///         ctx.stop(Exit::Normal);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("example");
/// let counter = node.start(Counter::child(40)).await?;
/// assert_eq!(counter.add(2).await?, 42); // of the trait `CounterClient`
/// counter.finish()?;
/// # Ok(()) }
/// ```
#[doc(inline)]
pub use throng_macros::server;
#[doc(inline)]
pub use throng_pubsub as pubsub;
#[doc(inline)]
pub use throng_runtime::*;
#[doc(inline)]
pub use throng_web as web;

/// The examples of the README run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
