//! Throng's derives: pure sugar, that writes what you would have written.
//!
//! Use them through the `throng` crate, which re-exports each beside its trait. What they write names `::throng`;
//! `#[message(crate = path)]` names another path, for crates that depend on a part of Throng only.
#![forbid(unsafe_code)]

mod message;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

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
