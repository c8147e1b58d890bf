//! What almost every file of an application needs: `use throng::prelude::*`.

#[doc(no_inline)]
pub use crate::{
    Address, Agent, Application, Applications, Bounds, CallError, ChildSpec, Ctx, Down, DynamicSupervisor,
    EnterCtx, EventCtx, EventHandler, Exit, Exited, GenServer, Halt, Handled, Handler, IdleTimeout, Init,
    InitError, Machine, Message, Name, Node, Overflow, PartitionSupervisor, Pid, ProcessId, Recipient,
    Registry, ReplyTo, Restart, Shutdown, StateMachine, Supervisor, Task, TaskSupervisor, Via,
    pubsub::{Broadcast, Presence, PubSub, Topic},
    server,
    web::{Channel, ChannelHandler, Endpoint, JoinError, Refusal, Reply, Socket, SocketRouter},
};
