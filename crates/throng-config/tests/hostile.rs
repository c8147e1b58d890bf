//! Settings that nobody would write but by mistake, or by malice: they are told of, and nothing falls over (L5).
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test that cannot do what it needs has failed; types are only read into"
)]

use std::{collections::BTreeMap, fmt::Write};

use serde::{Deserialize, de::IgnoredAny};
use throng_config::Sources;

const NOTHING: [(&str, &str); 0] = [];

fn text(text: impl Into<String>) -> Sources {
    Sources::of("chat").environment(NOTHING).text("a.toml", text)
}

#[test]
fn l5_a_huge_file_is_read_in_the_time_of_its_length() {
    let mut lines = String::new();
    (0..200_000).for_each(|n| writeln!(lines, "key{n} = {n}").unwrap());
    let settings: BTreeMap<String, u32> = text(&*lines).load().unwrap();
    assert_eq!(settings.len(), 200_000);
    lines.push_str("last = 'no number'");
    let told = text(lines).load::<BTreeMap<String, u32>>().unwrap_err().to_string();
    assert!(told.starts_with("a.toml:200001: `last`: "), "{told}");
}

#[test]
fn l5_settings_that_nest_too_deep_are_a_mistake() {
    type Any = BTreeMap<String, IgnoredAny>;
    let deep = 10_000;
    let dotted = format!("{}a = 1", "a.".repeat(deep));
    let header = format!("[{}a]", "a.".repeat(deep));
    let list = format!("a = {}1{}", "[".repeat(deep), "]".repeat(deep));
    let table = format!("a = {}1{}", "{ a = ".repeat(deep), "}".repeat(deep));
    for (what, written) in [("dotted", dotted), ("header", header), ("list", list), ("table", table)] {
        assert!(text(written).load::<Any>().is_err(), "{what}");
    }
    let name = format!("CHAT{}", "__A".repeat(deep));
    let list = "[".repeat(deep);
    for (name, value) in [(&*name, "1"), ("CHAT__A", &*list)] {
        let sources = Sources::of("chat").environment([(name, value)]);
        assert!(sources.load::<BTreeMap<String, Vec<u8>>>().is_err());
    }
    let keys = "a.".repeat(deep);
    let set = text("").hook(move |overrides| {
        overrides.set(&keys, "1");
        Ok(())
    });
    assert!(set.load::<Any>().is_err());
    let keys: &'static str = "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a";
    let set = text("").hook(move |overrides| {
        overrides.set(keys, "1");
        Ok(())
    });
    assert!(set.load::<Any>().is_ok());
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "u32")]
struct Pin;

impl TryFrom<u32> for Pin {
    type Error = String;

    fn try_from(pin: u32) -> Result<Self, String> {
        Err(format!("{pin} is too easy"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "f64")]
struct Share;

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        Err(format!("{share:?} or {share} is no share"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Word;

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Err(format!("{} is no word", word.trim()))
    }
}

#[derive(Debug, Deserialize)]
struct Talkative {
    pin: Option<Pin>,
    share: Option<Share>,
    word: Option<Word>,
}

#[test]
fn l5_no_value_is_told_however_it_is_written() {
    for (name, value, secret) in [
        ("CHAT__PIN", " 8642 ", "8642"),
        ("CHAT__PIN", "0008642", "8642"),
        ("CHAT__PIN", "+8642", "8642"),
        ("CHAT__SHARE", " 86.420", "86.42"),
        ("CHAT__SHARE", "864e2", "86400"),
        ("CHAT__WORD", " hunter2\n", "hunter2"),
    ] {
        let told = Sources::of("chat").environment([(name, value)]).load::<Talkative>().unwrap_err();
        assert!(!told.to_string().contains(secret), "{told}");
    }
    for (written, secret) in
        [("pin = 8_642", "8642"), ("pin = 0x21C2", "8642"), ("share = 86.0", "86.0"), ("share = 86", "86")]
    {
        let told = text(written).load::<Talkative>().unwrap_err();
        assert!(!told.to_string().contains(secret), "{told}");
    }
}

#[test]
fn l5_no_value_is_told_of_text_that_is_no_toml() {
    for written in [
        "word = hunter2",
        "word = 'hunter2",
        "word = \"hunter2",
        "word = \"\\qhunter2\"",
        "word = 'a' hunter2",
        "word hunter2",
        "word: hunter2",
        "word = [hunter2",
        "word = 1hunter2",
        "word = 0xhunter2",
        "word = 2020-hunter2",
        "hunter2",
        "'word' = '''hunter2",
        "word = { hunter2 }",
        "word = 'hunter2'\nword = 'hunter2'",
    ] {
        let told = text(written).load::<Talkative>().unwrap_err();
        assert!(!told.to_string().contains("hunter2"), "{written}: {told}");
    }
}

#[test]
fn l5_numbers_may_be_written_in_every_way_of_toml() {
    let integers: BTreeMap<String, i64> =
        text("a = 1_000\nb = 0xFF\nc = -0\nd = 0o17\ne = 0b1\nf = -9_223_372_036_854_775_808")
            .load()
            .unwrap();
    assert_eq!(integers.into_values().collect::<Vec<_>>(), [1_000, 255, 0, 15, 1, i64::MIN]);
    let floats: BTreeMap<String, f64> = text("a = 1_000.5\nb = 1e3\nc = -inf\nd = 7").load().unwrap();
    assert_eq!(floats.into_values().collect::<Vec<_>>(), [1_000.5, 1_000.0, f64::NEG_INFINITY, 7.0]);
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Store {
    Memory,
    File { path: String, size: u32 },
}

#[derive(Debug, Deserialize, PartialEq)]
struct Common {
    port: u16,
    name: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Whole {
    #[serde(flatten)]
    common: Common,
    store: Store,
}

#[test]
fn l5_flattened_and_tagged_settings_may_come_from_the_environment() {
    let written = "port = 1\nname = '1'\nstore = { kind = 'file', path = 'a', size = 1 }";
    let whole: Whole = text(written).load().unwrap();
    assert_eq!(whole.store, Store::File { path: "a".into(), size: 1 });
    let sources = Sources::of("chat").text("a.toml", written).environment([("CHAT__STORE__PATH", "b")]);
    assert_eq!(sources.load::<Whole>().unwrap().store, Store::File { path: "b".into(), size: 1 });
}

#[test]
fn l5_there_is_a_mistake_whatever_does_not_fit() {
    fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>() {
        let error = text("a = 1").load::<T>().unwrap_err();
        assert!(!error.mistakes().is_empty() && !error.to_string().is_empty());
    }
    refused::<u16>();
    refused::<String>();
    refused::<Vec<u8>>();
    refused::<(u8, u8)>();
    refused::<Store>();
    refused::<Whole>();
    refused::<BTreeMap<u8, u8>>();
    refused::<BTreeMap<String, BTreeMap<String, u8>>>();
}
