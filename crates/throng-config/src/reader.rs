//! Settings as serde reads them: every error is noted with the place that it belongs to.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqDeserializer, StrDeserializer},
    },
    forward_to_deserialize_any,
};

use crate::{
    document, duration,
    error::{self, Error},
    mistake::{Mistake, Place},
    names,
    recovery::Run,
    setting::{Setting, Value},
    stand_in::{self, Choice},
};

/// Reads one setting.
pub(crate) struct Reader<'a> {
    source: Source<'a>,
    path: String,
    /// It lies in something that has been told to be wrong: nothing is to be said of what was invented there.
    is_told: bool,
    run: &'a Run<'a>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Given(&'a Setting),
    /// A value that takes the place of a wrong or a missing one: which try.
    Invented(usize),
}

impl<'a> Reader<'a> {
    pub(crate) fn root(settings: &'a Setting, run: &'a Run<'a>) -> Self {
        Self { source: Source::Given(settings), path: String::new(), is_told: false, run }
    }

    /// What is given, if it is not invented.
    fn value(&self) -> Option<&'a Value> {
        match self.source {
            Source::Given(setting) => Some(&setting.value),
            Source::Invented(_) => None,
        }
    }

    fn text(&self) -> Option<&'a str> {
        match self.value() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A reader of what stands in this one's text, a list or a section.
    fn of<'b>(&self, setting: &'b Setting) -> Reader<'b>
    where
        'a: 'b,
    {
        Reader { source: Source::Given(setting), ..self.again() }
    }

    /// The same setting once more.
    pub(crate) fn again(&self) -> Self {
        Self { source: self.source, path: self.path.clone(), is_told: self.is_told, run: self.run }
    }

    /// Notes an error where it belongs; those of parts have been noted by their own readers.
    pub(crate) fn noted<T>(&self, read: Result<T, Error>) -> Result<T, Error> {
        read.map_err(|error| {
            let (given, place) = match self.source {
                Source::Given(setting) => (Some(setting), Some(&setting.place)),
                Source::Invented(_) => (None, None),
            };
            match error {
                Error::Noted => {}
                Error::Missing(key) => self.run.missing(&names::join(&self.path, key), self.is_told),
                Error::Clean(why) => self.run.wrong(&self.path, place, &why),
                Error::Words(why) => self.run.wrong(&self.path, place, &cleaned(why, given)),
            }
            Error::Noted
        })
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = match self.value() {
            None => visitor.visit_unit(),
            Some(Value::Boolean(boolean)) => visitor.visit_bool(*boolean),
            Some(Value::Integer(number)) => visitor.visit_i64(*number),
            Some(Value::Float(number)) => visitor.visit_f64(*number),
            Some(Value::String(text) | Value::Text(text)) => visitor.visit_string(text.clone()),
            Some(Value::Array(elements)) => visitor.visit_seq(self.elements(elements)),
            Some(Value::Table(table)) => visitor.visit_map(self.entries(Some(table), None)),
        };
        self.noted(read)
    }

    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = match (self.source, self.text()) {
            (Source::Invented(attempt), _) => visitor.visit_u64(u64::from(attempt == 0)),
            (_, None) => return self.any(visitor),
            (_, Some(text)) => match (text.trim().parse(), text.trim().parse()) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => visitor.visit_str(text),
            },
        };
        self.noted(read)
    }

    fn float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = match (self.source, self.text()) {
            (Source::Invented(_), _) => visitor.visit_f64(1.0),
            (_, None) => return self.any(visitor),
            (_, Some(text)) => match text.trim().parse() {
                Ok(number) => visitor.visit_f64(number),
                Err(_) => visitor.visit_str(text),
            },
        };
        self.noted(read)
    }

    fn string<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.source {
            Source::Invented(attempt) => {
                let text = stand_in::TEXTS.get(attempt).copied().unwrap_or_default();
                self.noted(visitor.visit_str(text))
            }
            Source::Given(_) => self.any(visitor),
        }
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match (self.source, self.text()) {
            (Source::Invented(_), _) => self.noted(visitor.visit_seq(self.elements(&[]))),
            (Source::Given(setting), Some(text)) => match list_in(text, &setting.place) {
                Some(value) => self.of(&Setting::new(value, setting.place.clone())).any(visitor),
                None => self.any(visitor),
            },
            _ => self.any(visitor),
        }
    }

    fn section<'de, V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let read = match (self.source, self.value()) {
            (Source::Invented(_), _) => visitor.visit_map(self.entries(None, fields)),
            (_, Some(Value::Table(table))) => visitor.visit_map(self.entries(Some(table), fields)),
            (Source::Given(setting), Some(Value::Text(text))) if text.trim_start().starts_with('{') => {
                return match document::inline(text, &setting.place) {
                    Some(value) => {
                        self.of(&Setting::new(value, setting.place.clone())).section(fields, visitor)
                    }
                    None => self.any(visitor),
                };
            }
            _ => return self.any(visitor),
        };
        self.noted(read)
    }

    /// A text with its unit, or the table that serde takes a duration for.
    fn duration<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let time = match (self.source, self.value()) {
            (Source::Invented(attempt), _) => Some(Duration::from_secs(u64::from(attempt == 0))),
            (_, Some(Value::Table(_))) => return self.section(Some(&duration::FIELDS), visitor),
            (_, Some(Value::String(text) | Value::Text(text))) => duration::parse(text),
            _ => None,
        };
        let read = match time {
            Some(time) => visitor.visit_seq(SeqDeserializer::new(
                [time.as_secs(), u64::from(time.subsec_nanos())].into_iter(),
            )),
            None => Err(Error::Clean(format!("expected {}", duration::EXPECTED))),
        };
        self.noted(read)
    }

    /// The entries of a table for a type that knows these fields, or any.
    fn entries<'b>(
        &self,
        table: Option<&'b BTreeMap<String, Setting>>,
        fields: Option<&[&str]>,
    ) -> Entries<'b>
    where
        'a: 'b,
    {
        let mut entries = Vec::new();
        for (key, setting) in table.into_iter().flatten() {
            match field(key, &setting.place, fields) {
                Some(key) => self.push(&mut entries, key, Some(setting)),
                None => self.run.note(unknown(&self.path, key, &setting.place, fields.unwrap_or_default())),
            }
        }
        for key in fields.unwrap_or_default() {
            let is_there = table.is_some_and(|table| {
                table.iter().any(|(known, setting)| field(known, &setting.place, fields) == Some(*key))
            });
            self.run.know(names::join(&self.path, key));
            if !is_there {
                self.push(&mut entries, key, None);
            }
        }
        entries.sort_by_key(|entry| self.run.comes_last(&entry.path));
        Entries { entries: entries.into_iter(), value: None, run: self.run }
    }

    fn push<'b>(&self, entries: &mut Vec<Entry<'b>>, key: &str, setting: Option<&'b Setting>) {
        let path = names::join(&self.path, key);
        match stand_in::choose(setting, self.run.failures(&path)) {
            Choice::Nothing => {}
            choice => {
                let is_told = self.is_told || (setting.is_some() && matches!(choice, Choice::Invented(_)));
                entries.push(Entry { key: key.to_owned(), path, choice, is_told });
            }
        }
    }

    fn elements<'b>(&self, elements: &'b [Setting]) -> Elements<'b>
    where
        'a: 'b,
    {
        let chosen = elements.iter().enumerate().filter_map(|(index, element)| {
            let path = names::element(&self.path, index);
            match stand_in::choose(Some(element), self.run.failures(&path)) {
                Choice::Nothing => None,
                choice => {
                    let is_told = self.is_told || matches!(choice, Choice::Invented(_));
                    Some(Entry { key: String::new(), path, choice, is_told })
                }
            }
        });
        Elements { elements: chosen.collect::<Vec<_>>().into_iter(), run: self.run }
    }
}

/// The field that a key of the settings means.
fn field<'k>(key: &'k str, place: &Place, fields: Option<&[&'k str]>) -> Option<&'k str> {
    let Some(fields) = fields else { return Some(key) };
    let of_variable = matches!(place, Place::Variable(_));
    let exact = fields.iter().find(|field| **field == key);
    exact.or_else(|| fields.iter().find(|field| of_variable && names::is_same(key, field))).copied()
}

fn unknown(path: &str, key: &str, place: &Place, fields: &[&str]) -> Mistake {
    let path = names::join(path, key);
    Mistake::unknown(place.clone(), path, &error::did_you_mean(key, fields))
}

/// A list that stands in a text: as TOML writes it, or with commas alone.
fn list_in(text: &str, place: &Place) -> Option<Value> {
    if text.trim_start().starts_with('[') {
        return document::inline(text, place);
    }
    let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
    let setting = |element: &str| Setting::new(Value::Text(element.to_owned()), place.clone());
    Some(Value::Array(elements.map(setting).collect()))
}

/// Words without what is written in the setting: it may be a secret.
fn cleaned(mut words: String, given: Option<&Setting>) -> String {
    let mut texts = given.map(Setting::texts).unwrap_or_default();
    // The longest first: what is left of it when a part was taken out would not be found any more.
    texts.sort_by_key(|text| Reverse(text.len()));
    for text in texts {
        let quoted = format!("{text:?}");
        for text in [quoted.trim_matches('"'), &text] {
            if !text.is_empty() {
                words = words.replace(text, "…");
            }
        }
    }
    words
}

/// A part of a table or a list.
struct Entry<'a> {
    key: String,
    path: String,
    choice: Choice<'a>,
    is_told: bool,
}

impl<'a> Entry<'a> {
    fn read<'de, T: DeserializeSeed<'de>>(self, seed: T, run: &'a Run<'a>) -> Result<T::Value, Error> {
        let source = match self.choice {
            Choice::Given(setting) => Source::Given(setting),
            Choice::Invented(attempt) => Source::Invented(attempt),
            Choice::Nothing | Choice::GiveUp => {
                run.give_up(&self.path);
                return Err(Error::Noted);
            }
        };
        let reader = Reader { source, path: self.path, is_told: self.is_told, run };
        // What is wrong may also be found when the value has been read.
        let again = reader.again();
        again.noted(seed.deserialize(reader))
    }
}

struct Entries<'a> {
    entries: std::vec::IntoIter<Entry<'a>>,
    value: Option<Entry<'a>>,
    run: &'a Run<'a>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        let place = match entry.choice {
            Choice::Given(setting) => setting.place.clone(),
            _ => Place::Nowhere,
        };
        // A key becomes what is asked for, as a text of the environment does.
        let key = Setting::new(Value::Text(entry.key.clone()), place);
        let (path, is_told) = (entry.path.clone(), entry.is_told);
        let reader = Reader { source: Source::Given(&key), path, is_told, run: self.run };
        let again = reader.again();
        let key = again.noted(seed.deserialize(reader))?;
        self.value = Some(entry);
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        match self.value.take() {
            Some(entry) => entry.read(seed, self.run),
            None => Err(Error::Clean("a value was asked for before its key".into())),
        }
    }
}

struct Elements<'a> {
    elements: std::vec::IntoIter<Entry<'a>>,
    run: &'a Run<'a>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.elements.next().map(|entry| entry.read(seed, self.run)).transpose()
    }
}

/// Methods for which one word decides how they read.
macro_rules! read_as {
    ($($method:ident: $how:ident,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$how(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    read_as! {
        deserialize_any: any,
        deserialize_i8: integer, deserialize_i16: integer, deserialize_i32: integer,
        deserialize_i64: integer, deserialize_i128: integer,
        deserialize_u8: integer, deserialize_u16: integer, deserialize_u32: integer,
        deserialize_u64: integer, deserialize_u128: integer,
        deserialize_f32: float, deserialize_f64: float,
        deserialize_char: string, deserialize_str: string, deserialize_string: string,
        deserialize_bytes: string, deserialize_byte_buf: string, deserialize_identifier: string,
        deserialize_seq: list,
    }

    forward_to_deserialize_any! { unit ignored_any }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = match (self.source, self.text()) {
            (Source::Invented(_), _) => visitor.visit_bool(false),
            (_, None) => return self.any(visitor),
            (_, Some(text)) => match text.trim().parse() {
                Ok(boolean) => visitor.visit_bool(boolean),
                Err(_) => visitor.visit_str(text),
            },
        };
        self.noted(read)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.source {
            Source::Invented(_) => self.noted(visitor.visit_none()),
            Source::Given(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.section(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == duration::NAME && *fields == duration::FIELDS {
            return self.duration(visitor);
        }
        self.section(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let read = match (self.source, self.value()) {
            (Source::Invented(attempt), _) => match variants.get(attempt) {
                Some(variant) => visitor.visit_enum(unit(variant)),
                None => Err(Error::Clean(String::new())),
            },
            (_, Some(Value::String(text) | Value::Text(text))) => visitor.visit_enum(unit(text)),
            (_, Some(Value::Table(table))) => {
                visitor.visit_enum(MapAccessDeserializer::new(self.entries(Some(table), None)))
            }
            _ => return self.any(visitor),
        };
        self.noted(read)
    }
}

/// A variant by its name.
fn unit(name: &str) -> StrDeserializer<'_, Error> {
    name.into_deserializer()
}
