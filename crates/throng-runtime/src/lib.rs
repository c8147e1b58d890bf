//! Throng's processes on one node: servers with typed messages, links, monitors, exit reasons, supervision, names, tasks and
//! timers, with the semantics of Erlang/OTP.
//!
//! A [`Node`] is a place where processes run. A [`GenServer`] is a process with a state that answers messages; it is reached by
//! its [`Pid`] or by a name ([`Via`]), both [`Address`]es. A [`Supervisor`] starts, restarts and stops
//! processes. What a process ended with is an [`Exit`].
//!
//! The `throng` crate re-exports all of this; use that one.
//!
//! Ids in parentheses, such as `(P14)`, are those of the rules in the guide (crate `throng`).

mod address;
mod agent;
mod application;
mod call;
#[doc(hidden)]
pub mod census;
mod child;
mod control;
mod ctx;
pub mod dictionary;
mod error;
mod exit;
mod few;
mod gen_server;
mod inbox;
mod introspect;
mod letter;
mod message;
mod names;
mod node;
mod panics;
mod pid;
mod post;
mod process;
mod receive;
mod recipient;
mod registry;
mod report;
mod scheduler;
mod signal;
mod state_machine;
mod supervisor;
pub mod sys;
mod task;
mod timer;

pub use crate::{
    address::{Address, CallError, CastError, DEFAULT_CALL_TIMEOUT, Name, Naming, Target, Via},
    agent::{Agent, AgentWork},
    application::{Application, ApplicationError, Applications, RestartType, RunError, StopApplicationError},
    call::{Answer, Call, Replies, ReplyTo, Requests, abcast, multi_call, multi_call_within},
    child::{ChildKind, ChildSpec, IntoChild, Restart, Shutdown},
    control::{NoProcess, OnExit},
    ctx::Ctx,
    error::StartError,
    exit::{Exit, IntoExit, Panic},
    gen_server::{GenServer, Init, InitError},
    introspect::{Ancestor, Listed, ProcessInfo, ProcessStatus, callers},
    message::{Down, Exited, Halt, Handled, Handler, IdleTimeout, Message, MonitorRef},
    node::{Node, StopError},
    pid::{Pid, ProcessId},
    post::{Bounds, MailboxFull, Overflow, Sending},
    receive::{Alias, AliasMode, Mailbox, Raw},
    recipient::Recipient,
    registry::{AlreadyRegistered, DuplicateRegistry, Registry, RegistryEvent, RegistryKey},
    state_machine::{EnterCtx, EventCtx, EventHandler, Machine, StateMachine, Timeout, TooManyPostponed},
    supervisor::{
        AutoShutdown, ChildCount, ChildError, ChildInfo, ChildStatus, DynamicSupervisor,
        DynamicSupervisorFlags, Partition, PartitionSupervisor, ResizeError, Supervisor, SupervisorFlags,
    },
    task::{
        OnStreamTimeout, OnTimeout, StreamFailure, Task, TaskStream, TaskSupervisor, TaskSupervisorFlags,
        YieldMany,
    },
    timer::TimerRef,
};
