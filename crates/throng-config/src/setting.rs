//! The tree of all settings: what each is, where it comes from, and what it hides.

use std::collections::BTreeMap;

use crate::{
    mistake::{Mistake, Place},
    names,
};

/// So many keys may lie beneath each other. Each knows its whole path, so that a long chain would cost its square.
pub(crate) const DEPTH_MAX: usize = 64;

/// A value with its origin.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) value: Value,
    pub(crate) place: Place,
    /// What an earlier source said.
    pub(crate) beneath: Option<Box<Setting>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Table(BTreeMap<String, Setting>),
    Array(Vec<Setting>),
    /// Dates and times are text as well.
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Of the environment, or set by the program: it becomes what is asked for.
    Text(String),
}

impl Setting {
    pub(crate) fn new(value: Value, place: Place) -> Self {
        Self { value, place, beneath: None }
    }

    pub(crate) fn empty() -> Self {
        Self::new(Value::Table(BTreeMap::new()), Place::Nowhere)
    }

    /// A text beneath these keys, and nothing else.
    pub(crate) fn at(keys: &str, separator: &str, text: &str, place: Place) -> Result<Self, Mistake> {
        if keys.matches(separator).count() >= DEPTH_MAX {
            return Err(Self::too_deep(place));
        }
        let leaf = Self::new(Value::Text(text.to_owned()), place.clone());
        Ok(keys.rsplit(separator).fold(leaf, |setting, key| {
            Self::new(Value::Table(BTreeMap::from([(key.to_owned(), setting)])), place.clone())
        }))
    }

    pub(crate) fn too_deep(place: Place) -> Mistake {
        Mistake::new(place, "", format!("more than {DEPTH_MAX} keys beneath each other"))
    }

    /// Puts another above this: tables become one, any other value hides what it goes above.
    pub(crate) fn overlay(&mut self, above: Setting) {
        match (&mut self.value, above.value) {
            (Value::Table(mine), Value::Table(others)) => {
                others.into_iter().for_each(|(key, setting)| overlay_key(mine, key, setting));
            }
            (_, value) => {
                let beneath = std::mem::replace(self, Self::new(value, above.place));
                self.beneath = Some(Box::new(beneath));
            }
        }
    }

    /// What an error must not show: all that is written in it.
    pub(crate) fn texts(&self) -> Vec<String> {
        match &self.value {
            Value::Table(table) => table.values().flat_map(Self::texts).collect(),
            Value::Array(elements) => elements.iter().flat_map(Self::texts).collect(),
            Value::String(text) | Value::Text(text) => spellings(text),
            Value::Integer(number) => vec![number.to_string()],
            Value::Float(number) => vec![number.to_string(), format!("{number:?}")],
            Value::Boolean(_) => Vec::new(),
        }
    }

    /// This, what it hides, what that hides, and so on.
    pub(crate) fn layer(&self, depth: usize) -> Option<&Self> {
        (0..depth).try_fold(self, |setting, _| setting.beneath.as_deref())
    }
}

/// A text as it is, and as it is told by those that read a word or a number from it.
fn spellings(text: &str) -> Vec<String> {
    let word = text.trim();
    let mut spellings = vec![text.to_owned(), word.to_owned()];
    spellings.extend(word.parse::<i128>().map(|number| number.to_string()));
    spellings.extend(word.parse::<f64>().map(|number| format!("{number:?}")));
    spellings.extend(word.parse::<f64>().map(|number| number.to_string()));
    spellings
}

fn overlay_key(table: &mut BTreeMap<String, Setting>, key: String, above: Setting) {
    // A variable means the key that is there, however that is written.
    let known = match above.place {
        Place::Variable(_) => table.keys().find(|known| names::is_same(&key, known)).cloned(),
        _ => None,
    };
    match table.entry(known.unwrap_or(key)) {
        std::collections::btree_map::Entry::Occupied(mut below) => below.get_mut().overlay(above),
        std::collections::btree_map::Entry::Vacant(free) => drop(free.insert(above)),
    }
}
