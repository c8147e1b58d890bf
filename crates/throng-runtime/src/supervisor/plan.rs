//! What a child's end means, to itself and to its siblings: pure.

use std::ops::Range;

use super::children::Children;
use crate::{
    child::{Child, Restart},
    exit::Exit,
};

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

/// Whether a supervisor ends by itself when its significant children have (S33).
///
/// It is about children that ended by themselves and are not restarted: not about one that was asked to stop, by
/// [`terminate_child`](crate::Supervisor::terminate_child) or in the restart of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// Never.
    #[default]
    Never,
    /// With the first of them.
    AnySignificant,
    /// With the last of them: when none runs, or is being restarted, any more.
    AllSignificant,
}

impl AutoShutdown {
    /// Whether the end of this child, which is not restarted, is the supervisor's; `others` are as they are after it.
    pub(crate) fn follows(self, ended: &Child, others: &Children) -> bool {
        match self {
            _ if !ended.is_significant => false,
            Self::Never => false,
            Self::AnySignificant => true,
            Self::AllSignificant => !others.iter().any(|place| place.child.is_significant && place.is_up()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        child::{ChildKind, Shutdown},
        error::StartError,
        pid::ProcessId,
        supervisor::ChildStatus,
    };

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

    fn child(id: &'static str, is_significant: bool) -> Child {
        Child {
            id: id.into(),
            restart: Restart::Transient,
            shutdown: Shutdown::Kill,
            kind: ChildKind::Worker,
            is_significant,
            backoff: None,
            start: std::sync::Arc::new(|_, _| Box::pin(async { Err(StartError::Ignored) })),
        }
    }

    #[test]
    fn s33_a_supervisor_follows_any_or_the_last_of_its_significant_children() {
        let (running, restarting) = (ChildStatus::Running(ProcessId::new(1, 1)), ChildStatus::Restarting);
        let cases = [
            // How another significant child is; whether any, and whether all, is enough.
            (running, true, false),
            (restarting, true, false),
            (ChildStatus::Stopped, true, true),
        ];
        for (other, any, all) in cases {
            let mut others = Children::default();
            others.push(child("plain", false), running);
            others.push(child("other", true), other);
            let follows = |policy: AutoShutdown, ended| policy.follows(&child("x", ended), &others);
            assert_eq!(follows(AutoShutdown::AnySignificant, true), any, "{other:?}");
            assert_eq!(follows(AutoShutdown::AllSignificant, true), all, "{other:?}");
            assert!(!follows(AutoShutdown::Never, true));
            assert!(!follows(AutoShutdown::AnySignificant, false));
            assert!(!follows(AutoShutdown::AllSignificant, false));
        }
    }
}
