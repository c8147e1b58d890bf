//! What almost every file of an application needs: `use throng::prelude::*`.

#[doc(no_inline)]
pub use crate::{
    Address, Ctx, Down, Exit, Exited, GenServer, Halt, Handled, Handler, Init, InitError, Message, Name,
    Node, Pid, ProcessId, ReplyTo, Restart, Shutdown,
};
