//! Throng's derives and attributes: pure sugar, that writes what you would have written.
//!
//! Use them through the `throng` crate, which re-exports each beside its trait. What they write names `::throng`;
//! `#[message(crate = path)]` and `#[server(crate = path)]` name another path, for crates that depend on a part of Throng only.
#![forbid(unsafe_code)]

mod message;
mod server;

use proc_macro::TokenStream;
use syn::{DeriveInput, ItemImpl, parse_macro_input};

/// Implements `Message` for a type, with `()` as its reply or the one that `#[message(reply = …)]` names.
///
/// ```standalone_crate
/// # extern crate self as throng;
/// # pub trait Message: Send + 'static { type Reply: Send + 'static; }
/// # struct Overdrawn(u64);
/// # fn main() {}
/// use throng_macros::Message;
///
/// #[derive(Message)]
/// #[message(reply = Result<u64, Overdrawn>)]
/// struct Withdraw(u64);
///
/// #[derive(Message)] // reply = ()
/// struct Close;
/// ```
///
/// A type parameter of the message must be `Send + 'static`, which the implementation asks for. A message with
/// a lifetime parameter is refused: it is sent to another process and must own what it carries.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    message::expand(input).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Writes the messages, handlers and the client of a server from its methods.
///
/// Each method that is marked `#[call]` or `#[cast]` stands for a message: `withdraw` for a struct `Withdraw` with the method's
/// arguments as fields, the implementation of `Message` for it, and a `Handler` that calls the method. The client is a
/// trait, here `AccountClient`, with the same methods on every address of the server: `account.withdraw(5).await`. The server
/// still has its `impl GenServer`, written by hand, and may have handlers of other messages beside these.
///
/// * A method may be `async` or not, and take `&mut self` or `&self`; an argument `&mut Ctx<Self>`, anywhere, is the server's own.
/// * What it returns is the reply. One that returns `Result<Reply, Halt>` may end the server with `?`, or reply later;
///   `Result<Reply, Exit>`, which would send the `Exit` as the reply, is refused.
/// * `#[call(message = Take)]` names the message otherwise, `#[call(derive(Clone))]` derives for it. A method `delivered` beside a
///   type `Delivered` needs that, else the compiler finds the name defined twice (E0428).
/// * `#[server(client = Teller)]` names the client trait otherwise: a type with two such blocks needs two names, else there are
///   two `AccountClient` (E0428, E0119).
/// * It is for servers. A state machine has its `impl EventHandler` for each message, written by hand.
/// * Messages and client have the visibility of the methods, which is one for all of them; documentation and `#[cfg]` are
///   carried over.
///
/// Re-exported by the crate `throng`, with an example.
#[proc_macro_attribute]
pub fn server(words: TokenStream, block: TokenStream) -> TokenStream {
    let block = parse_macro_input!(block as ItemImpl);
    server::expand(words.into(), block).into()
}
