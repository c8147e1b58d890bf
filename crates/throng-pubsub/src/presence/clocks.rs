//! Sets of clock readings: which changes of a replica are known.

use serde::{Deserialize, Deserializer, Serialize};

/// A set of clock readings, which start at 1, kept as ranges.
///
/// A replica's changes arrive in order, or nearly, so the ranges are few. The literature calls the first range, when it starts at
/// 1, the context, and all others the cloud. A gap that closes compacts by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Clocks {
    /// First and last of each range: in order, with a gap between any two.
    ranges: Vec<(u64, u64)>,
}

impl Clocks {
    /// All readings from `first` to `last`.
    pub(crate) fn range(first: u64, last: u64) -> Self {
        let mut clocks = Self::default();
        clocks.add(first, last);
        clocks
    }

    /// Adds all readings from `first` to `last`; nothing when `first` is the larger.
    pub(crate) fn add(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        // The ranges that overlap the new one, or adjoin it.
        let start = self.ranges.partition_point(|&(_, end)| end < first.saturating_sub(1));
        let end = self.ranges.partition_point(|&(begin, _)| begin <= last.saturating_add(1));
        let touched = &self.ranges[start..end];
        let first = touched.first().map_or(first, |&(begin, _)| begin.min(first));
        let last = touched.last().map_or(last, |&(_, end)| end.max(last));
        self.ranges.splice(start..end, [(first, last)]);
    }

    pub(crate) fn union(&mut self, other: &Self) {
        for &(first, last) in &other.ranges {
            self.add(first, last);
        }
    }

    pub(crate) fn contains(&self, clock: u64) -> bool {
        let at = self.ranges.partition_point(|&(_, end)| end < clock);
        self.ranges.get(at).is_some_and(|&(begin, _)| begin <= clock)
    }

    /// The last reading such that it and all before it are in the set; 0 when the first is not.
    pub(crate) fn contiguous(&self) -> u64 {
        self.ranges.first().filter(|&&(begin, _)| begin <= 1).map_or(0, |&(_, end)| end)
    }

    /// The readings from `first` to `last`.
    pub(crate) fn within(&self, first: u64, last: u64) -> Self {
        let cut = self.ranges().map(|(begin, end)| (begin.max(first), end.min(last)));
        Self { ranges: cut.filter(|(begin, end)| begin <= end).collect() }
    }

    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u64, u64)> {
        self.ranges.iter().copied()
    }
}

impl<'de> Deserialize<'de> for Clocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut clocks = Self::default();
        for (first, last) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            clocks.add(first, last);
        }
        Ok(clocks)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(clocks: &Clocks) -> BTreeSet<u64> {
        clocks.ranges().flat_map(|(first, last)| first..=last).collect()
    }

    #[test]
    fn c14_2_a_gap_that_closes_compacts_the_cloud_into_the_context() {
        let mut clocks = Clocks::range(1, 4);
        clocks.add(6, 7);
        assert_eq!((clocks.contiguous(), clocks.ranges().count()), (4, 2));
        clocks.add(5, 5);
        assert_eq!((clocks.contiguous(), clocks.ranges().count()), (7, 1));
    }

    #[test]
    fn without_the_first_reading_nothing_is_contiguous() {
        assert_eq!(Clocks::default().contiguous(), 0);
        assert_eq!(Clocks::range(2, 9).contiguous(), 0);
    }

    #[test]
    fn the_ends_of_the_numbers_do_not_overflow() {
        let mut clocks = Clocks::range(u64::MAX, u64::MAX);
        clocks.add(0, 0);
        clocks.add(9, 3);
        assert_eq!(clocks.ranges().collect::<Vec<_>>(), [(0, 0), (u64::MAX, u64::MAX)]);
        clocks.add(0, u64::MAX);
        assert_eq!(clocks.ranges().collect::<Vec<_>>(), [(0, u64::MAX)]);
    }

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((1..60_u64, 0..6_u64), 0..40), asked in 0..70_u64, from in 0..70_u64) {
            let (mut clocks, mut model) = (Clocks::default(), BTreeSet::new());
            for (first, more) in steps {
                clocks.add(first, first + more);
                model.extend(first..=first + more);
            }
            prop_assert_eq!(&set(&clocks), &model);
            prop_assert_eq!(clocks.contains(asked), model.contains(&asked));
            let within: BTreeSet<_> = model.iter().copied().filter(|clock| (from..=asked).contains(clock)).collect();
            prop_assert_eq!(set(&clocks.within(from, asked)), within);
            let contiguous = (1..).take_while(|clock| model.contains(clock)).last().unwrap_or(0);
            prop_assert_eq!(clocks.contiguous(), contiguous);
            let gaps = clocks.ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0);
            prop_assert!(gaps, "ranges touch: {:?}", clocks.ranges);
        }
    }
}
