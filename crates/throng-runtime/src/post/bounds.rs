//! How much may wait in a mailbox, and what happens to what does not fit (P34).

/// The bounds of a mailbox: [`ChildSpec::mailbox`](crate::ChildSpec::mailbox) takes them.
///
/// ```
/// # use throng_runtime::{Bounds, Overflow};
/// let bounds = Bounds::messages(1_000).bytes(1 << 20).on_overflow(Overflow::DropOldest);
/// ```
///
/// They hold at every moment, however many send at once. What processes send each other counts: calls, casts and sends. What
/// the runtime itself sends does not, because it comes once and cannot be asked for again: exit signals, requests to stop,
/// [`Down`](crate::Down) and [`Exited`](crate::Exited), the messages of timers, system requests ([`sys`](crate::sys)), and what
/// the server [continues with](crate::Ctx::continue_with).
///
/// How many messages were dropped for them is seen in [`ProcessInfo::dropped`](crate::ProcessInfo::dropped).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "bounds do nothing until a child's specification takes them"]
pub struct Bounds {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    pub(crate) overflow: Overflow,
}

impl Bounds {
    /// At most so many messages wait; at least one does.
    pub const fn messages(messages: usize) -> Self {
        let messages = if messages == 0 { 1 } else { messages };
        Self { messages, bytes: usize::MAX, overflow: Overflow::Block }
    }

    /// At most so many bytes of messages wait: those of their envelopes, and what each says that it
    /// [holds](crate::Message::weight) besides. A message that is larger by itself never fits.
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// What happens when a message does not fit; unless said, [`Overflow::Block`].
    pub const fn on_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }
}

/// What happens to a message that does not fit into its receiver's mailbox (P34).
///
/// | | `cast` | `send` | `call` |
/// |---|---|---|---|
/// | `Block` | gives it back | waits for room, first come, first served | waits for room, within its timeout |
/// | `Refuse` | gives it back | gives it back | fails with `Overloaded` |
/// | `DropNewest` | lost in silence | lost in silence | fails with `Overloaded` |
/// | `DropOldest` | goes in | goes in | goes in; the caller whose request was dropped is told `Overloaded` |
/// | `Kill` | as to a dead process | comes back, when the receiver has ended | fails with the reason of the end, when it has come |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The sender waits, if it can: the pressure goes back to where the work comes from.
    #[default]
    Block,
    /// The sender is told, and keeps the message.
    Refuse,
    /// The message is dropped: what waits already is worth more.
    DropNewest,
    /// The messages that waited longest are dropped to make room: the news is worth more.
    ///
    /// What waits behind them moves up, past the notices and signals in between.
    DropOldest,
    /// The receiver is ended, with [`MailboxFull`] as its reason: it is beyond help.
    Kill,
}

/// Why a process was ended whose mailbox overflowed under [`Overflow::Kill`]: the cause of its [`Exit::Error`](crate::Exit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its mailbox was full, with {messages} messages of {bytes} bytes")]
#[non_exhaustive]
pub struct MailboxFull {
    /// How many messages waited.
    pub messages: usize,
    /// How many bytes they took.
    pub bytes: usize,
}
