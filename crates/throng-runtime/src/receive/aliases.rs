//! Which aliases of a process are active, and what a message through one does to it: pure (P27, P28).

use std::collections::BTreeMap;

/// How an alias ends, besides by [`Mailbox::unalias`](super::Mailbox::unalias), when it was made together with a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasMode {
    /// It does not: the monitor may go, the alias stays.
    ExplicitUnalias,
    /// With the monitor: when that is taken away, and when its `Down` is received.
    Demonitor,
    /// As `Demonitor`; and its first message ends both.
    ReplyDemonitor,
}

/// How an alias ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Unalias,
    /// Its first message.
    Reply,
    /// What its monitor does, by the mode.
    Monitor(AliasMode),
}

/// What becomes of a message through an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It vanishes: the alias is not active.
    Vanish,
    Deliver,
    /// The alias' monitor is over as well.
    DeliverAndDemonitor,
}

/// The active aliases, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    active: BTreeMap<u64, Until>,
}

impl Aliases {
    pub(super) fn open(&mut self, number: u64, until: Until) {
        self.active.insert(number, until);
    }

    /// Whether it was active.
    pub(super) fn close(&mut self, number: u64) -> bool {
        self.active.remove(&number).is_some()
    }

    /// The monitor of this number is over.
    pub(super) fn monitor_is_over(&mut self, number: u64) {
        let mode = self.active.get(&number);
        if let Some(Until::Monitor(AliasMode::Demonitor | AliasMode::ReplyDemonitor)) = mode {
            self.active.remove(&number);
        }
    }

    /// A message came through the alias of this number.
    pub(super) fn admit(&mut self, number: u64) -> Admission {
        match self.active.get(&number) {
            None => Admission::Vanish,
            Some(Until::Reply) => {
                self.active.remove(&number);
                Admission::Deliver
            }
            Some(Until::Monitor(AliasMode::ReplyDemonitor)) => {
                self.active.remove(&number);
                Admission::DeliverAndDemonitor
            }
            Some(Until::Unalias | Until::Monitor(_)) => Admission::Deliver,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission::*, AliasMode::*, *};

    /// What two messages in a row meet, and one after the monitor is over.
    fn life(until: Until) -> [Admission; 3] {
        let mut aliases = Aliases::default();
        aliases.open(1, until);
        let first = aliases.admit(1);
        let second = aliases.admit(1);
        aliases.monitor_is_over(1);
        [first, second, aliases.admit(1)]
    }

    #[test]
    fn p27_a_reply_alias_ends_with_its_first_message() {
        assert_eq!(life(Until::Unalias), [Deliver, Deliver, Deliver]);
        assert_eq!(life(Until::Reply), [Deliver, Vanish, Vanish]);
    }

    #[test]
    fn p28_the_mode_says_what_the_monitor_and_the_alias_do_to_each_other() {
        assert_eq!(life(Until::Monitor(ExplicitUnalias)), [Deliver, Deliver, Deliver]);
        assert_eq!(life(Until::Monitor(Demonitor)), [Deliver, Deliver, Vanish]);
        assert_eq!(life(Until::Monitor(ReplyDemonitor)), [DeliverAndDemonitor, Vanish, Vanish]);
    }

    #[test]
    fn p27_an_alias_is_closed_once_and_strangers_vanish() {
        let mut aliases = Aliases::default();
        aliases.open(1, Until::Unalias);
        assert!(aliases.close(1));
        assert!(!aliases.close(1));
        assert_eq!([aliases.admit(1), aliases.admit(2)], [Vanish, Vanish]);
    }
}
