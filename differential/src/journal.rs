//! What happened, line by line, in the order in which it did.
//!
//! A journal is parted into the steps of its scenario. Within a step some lines have an order that is promised, and are
//! compared as a sequence; others have none (who is told first of two ends), and are compared as a multiset. Which are which
//! is the scenario's to say: [`Order`].

use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
};

/// The lines of one run on Throng; clones write into the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn note(&self, line: impl Display) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_string());
    }

    /// What is noted from here on belongs to this step.
    pub(crate) fn begin_step(&self, step: usize) {
        self.note(format_args!("step {step}"));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the place of a line among those of its step means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// It is part of the one sequence.
    Sequence,
    /// It keeps its place only among the lines with the same words here.
    Among(String),
    /// None.
    Free,
    /// The line is no part of the comparison.
    Ignored,
}

/// What happened in one step, in the form in which two journals are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chapter {
    pub(crate) lines: Vec<String>,
}

/// Parts a journal into its steps and gives each the normal form.
pub(crate) fn chapters(lines: &[String], order: impl Fn(&[&str], &str) -> Order) -> Vec<Chapter> {
    let begins_step = |line: &str| line.strip_prefix("step ").is_some_and(|n| n.parse::<usize>().is_ok());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let steps = lines.split(|line| begins_step(line)).skip(1);
    steps.map(|step| normal_form(step.iter().map(|line| (order(step, line), *line)).collect())).collect()
}

/// The sequence first, then what keeps its place in a group, then what has none, sorted.
fn normal_form(mut raw: Vec<(Order, &str)>) -> Chapter {
    raw.retain(|(order, _)| *order != Order::Ignored);
    raw.sort_by(|(one, a), (other, b)| {
        one.cmp(other).then_with(|| if *one == Order::Free { a.cmp(b) } else { std::cmp::Ordering::Equal })
    });
    let mark = |order: &Order| if *order == Order::Sequence { "" } else { "~ " };
    Chapter { lines: raw.into_iter().map(|(order, line)| format!("{}{line}", mark(&order))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_keeps_its_order_a_multiset_does_not_and_what_is_ignored_is_gone() {
        let lines = ["step 0", "b", "step 1", "b", "~2", "a", "!", "~1"].map(str::to_owned);
        let order = |_: &[&str], line: &str| match line.chars().next() {
            Some('~') => Order::Free,
            Some('!') => Order::Ignored,
            _ => Order::Sequence,
        };
        let lines = chapters(&lines, order).into_iter().map(|chapter| chapter.lines).collect::<Vec<_>>();
        assert_eq!(lines, [vec!["b"], vec!["b", "a", "~ ~1", "~ ~2"]]);
    }

    #[test]
    fn a_group_keeps_its_own_order() {
        let lines = ["step 0", "x2", "y1", "x1"].map(str::to_owned);
        let chapters = chapters(&lines, |_, line| Order::Among(line[..1].to_owned()));
        assert_eq!(chapters[0].lines, ["~ x2", "~ x1", "~ y1"]);
    }
}
