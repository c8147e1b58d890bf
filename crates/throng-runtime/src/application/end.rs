//! What the end of one application means for the others (L3). Pure.

use crate::exit::Exit;

/// What it means for the program when an application's tree ends by itself (L3). Unlike a supervisor's children, no application is
/// started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartType {
    /// The others are stopped, whatever the reason was.
    #[default]
    Permanent,
    /// The others are stopped unless the reason was [`Exit::Normal`]. [`Exit::Shutdown`] is not normal here: it is what a
    /// supervisor ends with that has given up.
    Transient,
    /// It is logged.
    Temporary,
}

impl RestartType {
    /// Whether the others are stopped.
    pub(super) fn ends_all(self, reason: &Exit) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !matches!(reason, Exit::Normal),
            Self::Temporary => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l3_the_restart_type_and_the_reason_decide_whether_the_others_end() {
        use RestartType::{Permanent, Temporary, Transient};
        let cases = [
            (Permanent, Exit::Normal, true),
            (Permanent, Exit::Shutdown, true),
            (Permanent, Exit::other("crash"), true),
            (Transient, Exit::Normal, false),
            (Transient, Exit::Shutdown, true),
            (Transient, Exit::shutdown_with("enough"), true),
            (Transient, Exit::Killed, true),
            (Temporary, Exit::Normal, false),
            (Temporary, Exit::Shutdown, false),
            (Temporary, Exit::other("crash"), false),
        ];
        for (restart, reason, expected) in cases {
            assert_eq!(restart.ends_all(&reason), expected, "{restart:?} {reason}");
        }
    }
}
