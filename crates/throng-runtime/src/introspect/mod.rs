//! What observers see of processes from outside, without a message to them and without a turn of theirs.
//!
//! ```text
//!   about   what a process says and what is known of its origin: label, ancestors, callers
//!   info    one process, looked at
//!   dump    all of them, in a file for the operator
//! ```
//!
//! What a server is *asked*, between two of its messages, is [`sys`](crate::sys).

mod about;
mod dump;
mod info;

pub(crate) use self::{
    about::{About, caller, descend, dropped, label, parent, set_label, work_for},
    dump::write as write_dump,
    info::of as process_info,
};
pub use self::{
    about::{Ancestor, callers},
    info::{Listed, ProcessInfo, ProcessStatus},
};
