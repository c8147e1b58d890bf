//! Sockets and channels over WebSocket, health endpoints and signed tokens.
#![forbid(unsafe_code)]

mod broadcast;
mod channel;
mod close;
mod connection;
mod endpoint;
mod fanout;
mod origin;
mod params;
mod protocol;
mod rate;
mod routing;
mod socket;
mod telemetry;
mod token;
mod vsn;

pub use broadcast::Broadcast;
pub use channel::{Channel, ChannelHandler, ChannelPid, JoinError, PushError, Reply, Socket, SocketRef};
pub use close::CloseReason;
pub use endpoint::{
    ConnectInfo, Drain, Endpoint, EndpointBuilder, EndpointError, Limits, ListenError, Listener, Refusal,
    SocketRouter,
};
pub use origin::{CheckOrigin, Origin, OriginPattern, OriginPatternError};
pub use params::{Params, ParamsError};
pub use protocol::{DecodeError, Payload, PayloadError, Ref};
pub use rate::Quota;
pub use routing::{TopicPattern, TopicPatternError};
pub use token::{MaxAge, Term, TokenError, Tokens, WeakSecret};
