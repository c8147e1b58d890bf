//! Reading on after a mistake.
//!
//! A type's own deserialiser stops at the first mistake. So it is run again, with something else in the place of what was wrong,
//! until it is content: then all has been seen. What settings are worth a person's while is read thousands of times in a blink.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use serde::de::DeserializeOwned;

use crate::{
    environment::Variables,
    mistake::{Mistake, Place},
    reader::Reader,
    setting::Setting,
};

/// More than this many runs are no help to anybody.
const RUNS_MAX: usize = 5_000;

/// What the settings are as a `T`, or all that is wrong with them.
pub(crate) fn read<T: DeserializeOwned>(
    settings: &Setting,
    variables: Variables<'_>,
) -> Result<T, Vec<Mistake>> {
    let mut found = Found::default();
    for _ in 0..RUNS_MAX {
        let run = Run { found: &found, variables, notes: RefCell::default() };
        let root = Reader::root(settings, &run);
        let outcome = root.noted(T::deserialize(root.again()));
        drop(root);
        let notes = run.notes.into_inner();
        let has_more = found.learn(notes);
        match outcome {
            Ok(value) if found.mistakes.is_empty() => return Ok(value),
            Err(_) if has_more => {}
            _ => break,
        }
    }
    Err(found.into_mistakes(variables))
}

/// What earlier runs have found.
#[derive(Default)]
pub(crate) struct Found {
    mistakes: BTreeSet<Mistake>,
    /// How often each path was what a run ended at.
    failures: BTreeMap<String, usize>,
    /// Paths that accept nothing: they come last in their sections, so that the others are seen.
    given_up: BTreeSet<String>,
    /// The paths of all keys that the type was seen to know.
    known: BTreeSet<String>,
}

impl Found {
    /// Whether another run can find more.
    fn learn(&mut self, notes: Notes) -> bool {
        self.mistakes.extend(notes.mistakes);
        self.known.extend(notes.known);
        match notes.failed {
            // The settings as a whole: there is nothing that could be read in their place.
            None => false,
            Some((path, _)) if path.is_empty() => false,
            Some((path, true)) => self.given_up.insert(path),
            Some((path, false)) => {
                *self.failures.entry(path).or_default() += 1;
                true
            }
        }
    }

    fn into_mistakes(self, variables: Variables<'_>) -> Vec<Mistake> {
        let said = |mistake: Mistake| {
            let meant = mistake.unknown_variable().and_then(|written| variables.meant(written, &self.known));
            let Some(name) = meant else { return mistake };
            let hint = format!("; did you mean {name}?");
            Mistake::unknown(mistake.place().clone(), mistake.key().to_owned(), &hint)
        };
        let all: Vec<_> = self.mistakes.into_iter().map(said).collect();
        // A section that is missing is told by what is missing in it.
        let is_told = |section: &Mistake| {
            let beneath = |other: &Mistake| {
                other.key() != section.key() && crate::names::is_within(other.key(), section.key())
            };
            section.is_missing && all.iter().any(beneath)
        };
        all.iter().filter(|mistake| !is_told(mistake)).cloned().collect()
    }
}

/// One run: what is known at its begin, and what it finds.
pub(crate) struct Run<'a> {
    found: &'a Found,
    variables: Variables<'a>,
    notes: RefCell<Notes>,
}

#[derive(Default)]
struct Notes {
    mistakes: Vec<Mistake>,
    known: Vec<String>,
    /// What the run ended at, and whether that accepts nothing at all.
    failed: Option<(String, bool)>,
}

impl Run<'_> {
    pub(crate) fn failures(&self, path: &str) -> usize {
        self.found.failures.get(path).copied().unwrap_or_default()
    }

    /// Whether a path leads to something that accepts nothing.
    pub(crate) fn comes_last(&self, path: &str) -> bool {
        self.found.given_up.iter().any(|given_up| crate::names::is_within(given_up, path))
    }

    /// A mistake that the run goes on after.
    pub(crate) fn note(&self, mistake: Mistake) {
        self.notes.borrow_mut().mistakes.push(mistake);
    }

    /// A key that the type knows.
    pub(crate) fn know(&self, path: String) {
        self.notes.borrow_mut().known.push(path);
    }

    /// A key has a wrong value, of this place unless it was invented.
    pub(crate) fn wrong(&self, path: &str, place: Option<&Place>, why: &str) {
        if let Some(place) = place {
            let what = if path.is_empty() { why.to_owned() } else { format!("`{path}`: {why}") };
            self.note(Mistake::new(place.clone(), path, what));
        }
        self.fail(path, false);
    }

    /// A key that is needed is not there.
    pub(crate) fn missing(&self, path: &str, is_told: bool) {
        // One that was wrong and is left out now has been told as well.
        if !is_told && self.failures(path) == 0 {
            self.note(Mistake::missing(path.to_owned(), &self.variables.hint(path)));
        }
        self.fail(path, false);
    }

    pub(crate) fn give_up(&self, path: &str) {
        self.fail(path, true);
    }

    fn fail(&self, path: &str, for_good: bool) {
        self.notes.borrow_mut().failed = Some((path.to_owned(), for_good));
    }
}
