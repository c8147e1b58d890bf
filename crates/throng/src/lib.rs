#![doc = include_str!("front.md")]
#![forbid(unsafe_code)]

pub mod guide;
pub mod prelude;

#[doc(inline)]
pub use throng_config as config;
#[doc(inline)]
pub use throng_macros::{Message, server};
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
