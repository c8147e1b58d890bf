//! How long a topic rests after an announcement.
//!
//! For as long as it cost, by an estimate; and longer where the estimate was too good: while most of the newcomers who were told the
//! state have not been written it. What a topic says to a crowd is then never more than what it said last and what it says now.

use std::time::Duration;

use super::options::PresenceOptions;
use crate::payload::Payload;

/// Fewer newcomers prolong no rest: a few who do not read must not slow down the others.
const CROWD_MIN: usize = 16;

/// How often a rest is prolonged by its own length, at most.
const PROLONGATIONS_MAX: u32 = 10;

pub(super) struct Rest {
    pub(super) length: Duration,
    state: Option<Payload>,
    /// How many were told it.
    crowd: usize,
    prolongations: u32,
}

impl Rest {
    /// After an announcement that cost so many bytes, and told so many newcomers this state.
    pub(super) fn after(
        cost_bytes: u64,
        crowd: usize,
        state: Option<&Payload>,
        options: &PresenceOptions,
    ) -> Self {
        let cost = cost_bytes as f64 / options.diff_bytes_per_second.max(1) as f64;
        let longest = options.diff_period_max.max(options.diff_period);
        let length = Duration::from_secs_f64(cost).clamp(options.diff_period, longest);
        let state = state.filter(|_| crowd >= CROWD_MIN).cloned();
        Self { length, state, crowd, prolongations: 0 }
    }

    /// It is over, unless most of the crowd has yet to be written its state.
    pub(super) fn prolonged(self) -> Option<Rest> {
        // One is here and one is with the presences, while they have not changed.
        let unread = self.state.as_ref()?.holders().saturating_sub(2);
        let goes_on = unread * 2 > self.crowd && self.prolongations < PROLONGATIONS_MAX;
        goes_on.then(|| Rest { prolongations: self.prolongations + 1, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(cost_bytes: u64, crowd: usize, state: Option<&Payload>) -> Rest {
        let options = PresenceOptions::default().with(|options| options.diff_bytes_per_second = 1_000);
        Rest::after(cost_bytes, crowd, state, &options)
    }

    #[test]
    fn c18_7_a_topic_rests_for_as_long_as_its_announcement_cost() {
        let of = |cost| after(cost, 0, None).length;
        assert_eq!(of(0), Duration::from_millis(20));
        assert_eq!(of(500), Duration::from_millis(500));
        assert_eq!(of(u64::MAX), Duration::from_secs(2));
        let options = PresenceOptions::default().with(|options| {
            options.diff_bytes_per_second = 0;
            options.diff_period_max = Duration::ZERO;
        });
        let rest = Rest::after(500, 0, None, &options);
        assert_eq!(rest.length, options.diff_period, "the shortest counts where the longest is shorter");
    }

    #[test]
    fn c18_7_a_topic_goes_on_resting_while_most_of_a_crowd_waits_for_its_state() {
        let state = Payload::empty();
        let mut queues = vec![state.clone(); 16];
        let mut rest = after(0, 16, Some(&state)).prolonged().unwrap();
        queues.truncate(9);
        rest = rest.prolonged().unwrap();
        queues.truncate(8);
        assert!(rest.prolonged().is_none());
        let few = vec![state.clone(); 15];
        assert!(after(0, few.len(), Some(&state)).prolonged().is_none());
    }

    #[test]
    fn those_who_never_read_do_not_hold_up_a_topic_for_ever() {
        let state = Payload::empty();
        let _queues = vec![state.clone(); 100];
        let mut rest = after(0, 100, Some(&state));
        let mut times = 0;
        while let Some(longer) = rest.prolonged() {
            rest = longer;
            times += 1;
        }
        assert_eq!(times, PROLONGATIONS_MAX);
    }
}
