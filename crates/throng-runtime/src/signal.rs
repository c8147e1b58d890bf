//! Signals between processes, and the decision what an exit signal does: pure.

use crate::{exit::Exit, pid::ProcessId};

/// What travels between processes besides messages, in the same queue (P1, P2).
#[derive(Debug)]
pub(crate) enum Signal {
    Exit(ExitSignal),
    /// A supervisor's request to end in an orderly way: reaches `terminate` without trapping exits.
    Shutdown(Exit),
    /// The runtime ends the process: at once, whatever it traps.
    End(Exit),
}

/// An exit signal on its way.
#[derive(Clone, Debug)]
pub(crate) struct ExitSignal {
    pub(crate) from: Option<ProcessId>,
    pub(crate) reason: Exit,
    pub(crate) by_link: bool,
}

/// What the receiver of an exit signal is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receiver {
    pub(crate) id: ProcessId,
    pub(crate) parent: Option<ProcessId>,
    pub(crate) trapping: bool,
}

/// What an exit signal does to its receiver.
#[derive(Debug)]
pub(crate) enum Verdict {
    Ignore,
    /// End at once with this reason, without `terminate`.
    Die(Exit),
    /// Hand it over as an `Exited` message, in its place in the queue.
    Deliver,
    /// The parent of a trapping process ended: run `terminate` and end with its reason, in its place in the queue (G17).
    Follow(Exit),
}

/// Decides by P14 to P18 and G17.
pub(crate) fn judge(signal: &ExitSignal, to: Receiver) -> Verdict {
    let ExitSignal { from, reason, by_link } = signal;
    let own = *from == Some(to.id);
    match reason {
        Exit::Kill if !by_link => Verdict::Die(Exit::Killed),
        reason if to.trapping && from.is_some() && *from == to.parent => Verdict::Follow(reason.clone()),
        _ if to.trapping => Verdict::Deliver,
        reason if own || reason.kills_linked() => Verdict::Die(reason.clone()),
        _ => Verdict::Ignore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: ProcessId = ProcessId::new(1, 1);
    const PEER: ProcessId = ProcessId::new(2, 1);
    const PARENT: ProcessId = ProcessId::new(3, 1);

    fn verdict(from: ProcessId, reason: Exit, by_link: bool, trapping: bool) -> String {
        let signal = ExitSignal { from: Some(from), reason, by_link };
        format!("{:?}", judge(&signal, Receiver { id: ME, parent: Some(PARENT), trapping }))
    }

    #[test]
    fn p14_a_link_kills_a_peer_that_does_not_trap_for_all_but_normal() {
        assert_eq!(verdict(PEER, Exit::Normal, true, false), "Ignore");
        assert_eq!(verdict(PEER, Exit::Shutdown, true, false), "Die(Shutdown)");
        assert_eq!(verdict(PEER, Exit::Timeout, true, false), "Die(Timeout)");
    }

    #[test]
    fn p14_a_kill_over_a_link_is_an_ordinary_reason() {
        assert_eq!(verdict(PEER, Exit::Kill, true, false), "Die(Kill)");
        assert_eq!(verdict(PEER, Exit::Kill, true, true), "Deliver");
    }

    #[test]
    fn p14_a_trapping_peer_gets_a_message_for_every_reason() {
        for reason in [Exit::Normal, Exit::Shutdown, Exit::Killed] {
            assert_eq!(verdict(PEER, reason, true, true), "Deliver");
        }
    }

    #[test]
    fn p16_a_kill_request_cannot_be_trapped_and_is_seen_as_killed() {
        assert_eq!(verdict(PEER, Exit::Kill, false, true), "Die(Killed)");
        assert_eq!(verdict(PEER, Exit::Kill, false, false), "Die(Killed)");
    }

    #[test]
    fn p17_a_normal_request_is_ignored_unless_it_is_ones_own() {
        assert_eq!(verdict(PEER, Exit::Normal, false, false), "Ignore");
        assert_eq!(verdict(ME, Exit::Normal, false, false), "Die(Normal)");
        assert_eq!(verdict(PEER, Exit::Normal, false, true), "Deliver");
    }

    #[test]
    fn g17_a_trapping_process_follows_its_parent() {
        assert_eq!(verdict(PARENT, Exit::Normal, true, true), "Follow(Normal)");
        assert_eq!(verdict(PARENT, Exit::Killed, true, true), "Follow(Killed)");
        assert_eq!(verdict(PARENT, Exit::Killed, true, false), "Die(Killed)");
        // Over a link or by request: OTP cannot tell them apart, and a server should not have to.
        assert_eq!(verdict(PARENT, Exit::Normal, false, true), "Follow(Normal)");
    }
}
