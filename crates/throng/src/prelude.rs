//! What almost every file of an application needs: `use throng::prelude::*`.

#[doc(no_inline)]
pub use crate::{
    Address, Agent, CallError, ChildSpec, Ctx, Down, DynamicSupervisor, EventCtx, EventHandler, Exit, Exited,
    GenServer, Halt, Handled, Handler, Init, InitError, Machine, Message, Name, Node, Pid, ProcessId,
    Registry, ReplyTo, Restart, Shutdown, StateMachine, Supervisor, Task, TaskSupervisor, Via,
    pubsub::{Broadcast, Presence, PubSub, Topic},
    server,
    web::{Channel, ChannelHandler, Endpoint, JoinError, Refusal, Reply, Socket, SocketRouter},
};
