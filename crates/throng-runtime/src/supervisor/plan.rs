//! What a child's end means, to itself and to its siblings: pure.

use std::ops::Range;

use crate::{child::Restart, exit::Exit};

/// Who is restarted with a child that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Nobody (S10).
    OneForOne,
    /// All others (S11).
    OneForAll,
    /// Those that were started after it (S12).
    RestForOne,
}

impl Strategy {
    /// The children, by their places in the order of start, that restart with the one at `failed`.
    pub(crate) fn group(self, failed: usize, count: usize) -> Range<usize> {
        match self {
            Self::OneForOne => failed..failed + 1,
            Self::OneForAll => 0..count,
            Self::RestForOne => failed..count,
        }
    }
}

/// What becomes of a child that ended by itself (S9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is started again.
    Restart,
    /// It stays known, and can be started again by hand.
    Keep,
    /// It is forgotten.
    Forget,
}

impl Fate {
    pub(crate) fn of(restart: Restart, reason: &Exit) -> Self {
        match restart {
            Restart::Permanent => Self::Restart,
            Restart::Transient if reason.is_clean() => Self::Keep,
            Restart::Transient => Self::Restart,
            Restart::Temporary => Self::Forget,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_a_permanent_child_is_always_restarted_a_transient_one_unless_it_ended_cleanly() {
        let clean = [Exit::Normal, Exit::Shutdown, Exit::shutdown_with("done")];
        let unclean = [Exit::Kill, Exit::Killed, Exit::Timeout, Exit::NoProcess, Exit::other("boom")];
        for reason in &clean {
            assert_eq!(Fate::of(Restart::Permanent, reason), Fate::Restart);
            assert_eq!(Fate::of(Restart::Transient, reason), Fate::Keep);
            assert_eq!(Fate::of(Restart::Temporary, reason), Fate::Forget);
        }
        for reason in &unclean {
            assert_eq!(Fate::of(Restart::Permanent, reason), Fate::Restart);
            assert_eq!(Fate::of(Restart::Transient, reason), Fate::Restart);
            assert_eq!(Fate::of(Restart::Temporary, reason), Fate::Forget);
        }
    }

    #[test]
    fn s10_to_s12_the_strategy_says_who_restarts_with_it() {
        assert_eq!(Strategy::OneForOne.group(1, 4), 1..2);
        assert_eq!(Strategy::OneForAll.group(1, 4), 0..4);
        assert_eq!(Strategy::RestForOne.group(1, 4), 1..4);
    }
}
