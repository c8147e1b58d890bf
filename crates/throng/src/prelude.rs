//! What almost every file of an application needs: `use throng::prelude::*`.

#[doc(no_inline)]
pub use crate::{
    Address, CallError, ChildSpec, Ctx, Down, DynamicSupervisor, Exit, Exited, GenServer, Halt, Handled,
    Handler, Init, InitError, Message, Name, Node, Pid, ProcessId, Registry, ReplyTo, Restart, Shutdown,
    Supervisor, Task, Via,
    pubsub::{Broadcast, Presence, PubSub, Topic},
    web::{Channel, ChannelHandler, Endpoint, JoinError, Refusal, Reply, Socket, SocketRouter},
};
