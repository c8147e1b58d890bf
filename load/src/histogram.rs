//! Durations, counted by size: a few kilobytes hold any number of them (pure).

use std::time::Duration;

/// Steps between two powers of two: a figure is at most one part in 64 too large.
const STEPS_BITS: u32 = 6;
const STEPS: u64 = 1 << STEPS_BITS;

/// How often which duration was seen, in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    pub(crate) fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let index = index(micros);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
        self.max = self.max.max(micros);
    }

    /// The duration that such a share of the others is not above: 0.5 for the middle one.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        let index = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(Duration::from_micros(upper_bound(index).min(self.max)))
    }

    pub(crate) fn max(&self) -> Option<Duration> {
        (self.total > 0).then_some(Duration::from_micros(self.max))
    }
}

/// Small figures have a place each; above, each power of two has as many as that.
fn index(micros: u64) -> usize {
    let magnitude = (micros | (STEPS - 1)).ilog2() - (STEPS_BITS - 1);
    (u64::from(magnitude) * STEPS + (micros >> magnitude)) as usize
}

fn upper_bound(index: usize) -> u64 {
    let (magnitude, step) = (index as u64 / STEPS, index as u64 % STEPS);
    ((step + 1) << magnitude) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_found_within_one_part_in_64() {
        for micros in (0..200).chain([1_000, 4_095, 4_096, 1_000_000, 123_456_789]) {
            let bound = upper_bound(index(micros));
            assert!(bound >= micros && bound <= micros + micros / 32, "{micros}: {bound}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_figures() {
        let mut histogram = Histogram::default();
        (1..=100).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        assert_eq!(histogram.quantile(0.5), Some(Duration::from_micros(50)));
        assert_eq!(histogram.quantile(1.0), Some(Duration::from_micros(100)));
        assert_eq!(histogram.max(), Some(Duration::from_micros(100)));
    }

    #[test]
    fn nothing_seen_has_no_quantile() {
        assert_eq!(Histogram::default().quantile(0.5), None);
        assert_eq!(Histogram::default().max(), None);
    }
}
