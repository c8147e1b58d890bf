//! Sockets and channels over WebSocket, health endpoints and signed tokens.
#![forbid(unsafe_code)]

mod channel;
mod close;
mod connection;
mod endpoint;
mod fastlane;
mod origin;
mod params;
mod protocol;
mod rate;
mod routing;
mod socket;
mod telemetry;
mod token;
mod vsn;

pub use channel::{Channel, ChannelHandler, ChannelPid, JoinError, PushError, Reply, Socket, SocketRef};
pub use close::CloseReason;
pub use endpoint::{
    ConnectInfo, Drain, Endpoint, EndpointBuilder, EndpointError, Limits, ListenError, Listener, Refusal,
    SocketRouter,
};
pub use origin::{CheckOrigin, Origin, OriginPattern, OriginPatternError};
pub use params::{Params, ParamsError};
pub use protocol::{DecodeError, Ref};
pub use rate::Quota;
pub use routing::{TopicPattern, TopicPatternError};
pub use throng_pubsub::{Broadcast, BroadcastError, Payload, PayloadError, PubSub};
pub use token::{MaxAge, Term, TokenError, Tokens, WeakSecret};
