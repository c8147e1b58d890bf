//! TOML into settings that know their lines.

use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    mistake::{Mistake, Place},
    setting::{DEPTH_MAX, Setting, Value},
};

/// A file, or a text in the program that takes the place of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Document<'a> {
    /// Which source it is.
    pub(crate) layer: usize,
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

/// A document that knows where its lines begin.
struct Lined<'a> {
    document: Document<'a>,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl<'a> Document<'a> {
    /// What it says, as far as it can be read; and every place at which it is no TOML.
    pub(crate) fn settings(self) -> (Setting, Vec<Mistake>) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let lined = self.lined();
        let mut mistakes: Vec<_> = errors
            .iter()
            .map(|error| {
                let place = lined.place(error.span().map_or(0, |span| span.start));
                Mistake::new(place, "", error.message().replace('\n', ", "))
            })
            .collect();
        // What was read around a mistake would only lead to more of them.
        let setting = if mistakes.is_empty() {
            let place = lined.place(0);
            Setting::new(lined.table(table.into_inner(), "", 0, &mut mistakes), place)
        } else {
            Setting::empty()
        };
        (setting, mistakes)
    }

    fn lined(self) -> Lined<'a> {
        let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at);
        Lined { document: self, ends: ends.collect() }
    }
}

impl Lined<'_> {
    fn place(&self, at: usize) -> Place {
        let Document { layer, path, .. } = self.document;
        let line = self.ends.partition_point(|end| *end < at) + 1;
        Place::File { layer, path: path.to_owned(), line }
    }

    fn table(&self, table: DeTable<'_>, path: &str, depth: usize, mistakes: &mut Vec<Mistake>) -> Value {
        let entries = table.into_iter().map(|(key, value)| {
            let path = crate::names::join(path, key.get_ref());
            // A key tells the line better than a value, which may be a table that is written elsewhere.
            let place = self.place(key.span().start);
            let setting = Setting::new(self.value(value, &place, &path, depth + 1, mistakes), place);
            (key.into_inner().into_owned(), setting)
        });
        Value::Table(entries.collect())
    }

    fn value(
        &self,
        value: Spanned<DeValue<'_>>,
        place: &Place,
        path: &str,
        depth: usize,
        mistakes: &mut Vec<Mistake>,
    ) -> Value {
        if depth > DEPTH_MAX {
            mistakes.push(Setting::too_deep(place.clone()));
            return Value::Table(BTreeMap::new());
        }
        match value.into_inner() {
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Boolean(boolean) => Value::Boolean(boolean),
            DeValue::Datetime(time) => Value::String(time.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => {
                    let what = format!("`{path}`: a number that is too large");
                    mistakes.push(Mistake::new(place.clone(), path, what));
                    Value::Integer(0)
                }
            },
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Array(elements) => {
                let element = |(index, element): (usize, Spanned<DeValue<'_>>)| {
                    let place = self.place(element.span().start);
                    let path = crate::names::element(path, index);
                    Setting::new(self.value(element, &place, &path, depth + 1, mistakes), place)
                };
                Value::Array(elements.into_iter().enumerate().map(element).collect())
            }
            DeValue::Table(table) => self.table(table, path, depth, mistakes),
        }
    }
}

/// A list or a table that stands in a text: `[1, 2]`, `{ max = 3 }`.
pub(crate) fn inline(text: &str, place: &Place) -> Option<Value> {
    let document = format!("it = {text}");
    let (setting, mistakes) = Document { layer: 0, path: "", text: &document }.settings();
    let Value::Table(mut table) = setting.value else { return None };
    let mut setting = table.remove("it").filter(|_| mistakes.is_empty() && table.is_empty())?;
    move_to(&mut setting, place);
    Some(setting.value)
}

fn move_to(setting: &mut Setting, place: &Place) {
    setting.place = place.clone();
    match &mut setting.value {
        Value::Table(table) => table.values_mut().for_each(|beneath| move_to(beneath, place)),
        Value::Array(elements) => elements.iter_mut().for_each(|element| move_to(element, place)),
        _ => {}
    }
}
