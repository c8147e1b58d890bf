//! Figures from repeated measurements (pure).

/// The median of some samples, and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` when there are no samples. An even number of samples has the mean of its two middle ones as median.
    pub(crate) fn of(samples: &[f64]) -> Option<Spread> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        Some(Spread { median, min, max })
    }
}

/// The sample that such a share of the others is not above: 0.5 for the middle one. `None` without samples.
pub(crate) fn quantile(samples: &[f64], share: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied()
}

/// A figure in three significant digits, with `k` or `M` for thousands and millions.
pub(crate) fn human(figure: f64) -> String {
    match figure {
        f if f >= 999_500.0 => format!("{} M", three_digits(f / 1e6)),
        f if f >= 9_995.0 => format!("{} k", three_digits(f / 1e3)),
        f if f >= 99.95 => format!("{f:.0}"),
        f => three_digits(f),
    }
}

/// A number up to 999, or somewhat above.
fn three_digits(number: f64) -> String {
    match number {
        n if n >= 99.95 => format!("{n:.0}"),
        n if n >= 9.995 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_number_is_the_middle_one() {
        let spread = Spread::of(&[5.0, 1.0, 9.0]);
        assert_eq!(spread, Some(Spread { median: 5.0, min: 1.0, max: 9.0 }));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_ones() {
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 100.0]).map(|spread| spread.median), Some(3.0));
    }

    #[test]
    fn one_outlier_does_not_move_the_median() {
        assert_eq!(Spread::of(&[10.0, 11.0, 9.0, 10.0, 9000.0]).map(|spread| spread.median), Some(10.0));
    }

    #[test]
    fn of_a_hundred_samples_the_last_but_one_is_the_99th_percentile() {
        let samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&samples, 0.99), Some(99.0));
        assert_eq!(quantile(&samples, 0.5), Some(50.0));
        assert_eq!(quantile(&[7.0], 0.99), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn nothing_measured_has_no_spread() {
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn figures_keep_three_digits() {
        let written: Vec<String> =
            [0.5, 8.314, 27.14, 144.4, 7_800.0, 92_340.0, 521_000.0, 999_700.0, 4_831_000.0, 28_540_000.0]
                .into_iter()
                .map(human)
                .collect();
        assert_eq!(
            written,
            ["0.50", "8.31", "27.1", "144", "7800", "92.3 k", "521 k", "1.00 M", "4.83 M", "28.5 M"]
        );
    }
}
