//! Sockets and channels over WebSocket, health endpoints and signed tokens.
#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports, reason = "the pure parts come first; the connection that uses them follows")]

mod close;
mod origin;
mod params;
mod protocol;
mod rate;
mod routing;
mod token;
mod vsn;

pub use close::CloseReason;
pub use origin::{CheckOrigin, Origin, OriginPattern, OriginPatternError};
pub use params::{Params, ParamsError};
pub use protocol::{DecodeError, Payload, PayloadError, Ref};
pub use rate::Quota;
pub use routing::{TopicPattern, TopicPatternError};
pub use token::{MaxAge, Term, TokenError, Tokens, WeakSecret};
