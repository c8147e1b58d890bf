//! All that is wrong is told at once, with its place and its key, and without its value (L5).
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test that cannot do what it needs has failed; types are only read into"
)]

use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU32, path::PathBuf};

use serde::{Deserialize, de::DeserializeOwned};
use throng_config::{Place, Secret, Sources};

#[derive(Debug, Deserialize)]
struct Settings {
    host: IpAddr,
    port: u16,
    secret: Option<Secret>,
    mode: Mode,
    rooms: Rooms,
    #[serde(default)]
    peers: Vec<Peer>,
    #[serde(default)]
    quotas: BTreeMap<String, u8>,
    #[serde(default)]
    log: PathBuf,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Open,
    Closed,
}

#[derive(Debug, Deserialize)]
struct Rooms {
    max: NonZeroU32,
    history: usize,
    #[serde(rename = "empty-for", default)]
    empty_for: u64,
}

#[derive(Debug, Deserialize)]
struct Peer {
    host: String,
    weight: f64,
}

const GOOD: &str = r#"
host = "127.0.0.1"
port = 4000
mode = "open"

[rooms]
max = 10
history = 100
"#;

/// What `load` says, line by line.
fn told<T: DeserializeOwned + std::fmt::Debug>(sources: Sources) -> Vec<String> {
    let error = sources.load::<T>().unwrap_err();
    assert!(!error.mistakes().is_empty());
    error.mistakes().iter().map(ToString::to_string).collect()
}

fn text(text: &str) -> Sources {
    Sources::of("chat").environment([("", ""); 0]).text("a.toml", text)
}

fn good(variables: &[(&str, &str)]) -> Sources {
    Sources::of("chat").environment(variables.iter().copied()).text("a.toml", GOOD)
}

#[test]
fn l5_the_environment_goes_above_the_files_and_becomes_what_is_asked_for() {
    let settings: Settings = good(&[
        ("CHAT__PORT", "80"),
        ("CHAT__HOST", "::1"),
        ("CHAT__SECRET", "12345"),
        ("CHAT__MODE", "closed"),
        ("CHAT__ROOMS__MAX", " 7 "),
        ("CHAT__ROOMS__EMPTY_FOR", "60"),
        ("CHAT__QUOTAS", "{ a = 1, b = 2 }"),
        ("CHAT__QUOTAS__C", "3"),
        ("CHAT__PEERS", "[{ host = 'a', weight = 1 }, { host = 'b', weight = 0.5 }]"),
        ("CHAT__LOG", "logs/chat"),
        ("CHATTER__PORT", "is another's"),
        ("PORT", "is nobody's"),
    ])
    .load()
    .unwrap();
    assert_eq!((settings.port, settings.host.to_string().as_str()), (80, "::1"));
    assert_eq!(settings.secret.unwrap().expose(), "12345", "digits may be text");
    assert_eq!((settings.mode, settings.rooms.max.get()), (Mode::Closed, 7));
    assert_eq!((settings.rooms.history, settings.rooms.empty_for), (100, 60));
    assert_eq!(settings.peers.iter().map(|peer| peer.weight).sum::<f64>(), 1.5);
    assert_eq!(settings.log, PathBuf::from("logs/chat"));
}

#[test]
fn l5_a_later_file_goes_above_an_earlier_one_key_by_key() {
    let settings: Settings = good(&[]).text("b.toml", "port = 1\n[rooms]\nmax = 2\n").load().unwrap();
    assert_eq!((settings.port, settings.rooms.max.get(), settings.rooms.history), (1, 2, 100));
}

#[test]
fn l5_every_kind_of_mistake_is_told_in_one_run_with_its_place() {
    let wrong = r#"
host = "nowhere"
prot = 4000
mode = "opne"
peers = [{ host = "a", weight = 1 }, { host = 2, wieght = 3 }]
quotas = { a = 256, b = "many", c = 1 }

[rooms]
max = 0
histroy = 5

[romms]
max = 1
"#;
    let sources = Sources::of("chat").text("a.toml", wrong).environment([("CHAT__ROOMS__EMPTY_FOR", "long")]);
    assert_eq!(
        told::<Settings>(sources),
        [
            "a.toml:2: `host`: invalid IP address syntax",
            "a.toml:3: unknown key `prot`; did you mean `port`?",
            "a.toml:4: `mode`: expected one of open, closed; did you mean `open`?",
            "a.toml:5: `peers[1].host`: expected text, found a whole number",
            "a.toml:5: unknown key `peers[1].wieght`; did you mean `weight`?",
            "a.toml:6: `quotas.a`: expected a number from 0 to 255, found one out of that range",
            "a.toml:6: `quotas.b`: expected a number from 0 to 255, found text",
            "a.toml:9: `rooms.max`: expected a nonzero u32, found one out of that range",
            "a.toml:10: unknown key `rooms.histroy`; did you mean `history`?",
            "a.toml:12: unknown key `romms`; did you mean `rooms`?",
            "CHAT__ROOMS__EMPTY_FOR: `rooms.empty-for`: expected a whole number from 0 on, found text",
            "`peers[1].weight` is missing",
            "`port` is missing; CHAT__PORT can set it too",
            "`rooms.history` is missing; CHAT__ROOMS__HISTORY can set it too",
        ]
    );
}

#[test]
fn l5_a_section_that_is_missing_is_told_by_what_is_missing_in_it() {
    let told = told::<Settings>(text("host = '::'\nport = 1\nmode = 'open'"));
    assert_eq!(
        told,
        [
            "`rooms.history` is missing; CHAT__ROOMS__HISTORY can set it too",
            "`rooms.max` is missing; CHAT__ROOMS__MAX can set it too"
        ]
    );
}

#[test]
fn l5_each_source_is_told_of_its_own_mistake() {
    let sources = good(&[("CHAT__PORT", "65536")]).text("b.toml", "port = -1");
    assert_eq!(
        told::<Settings>(sources),
        [
            "b.toml:1: `port`: expected a number from 0 to 65535, found one out of that range",
            "CHAT__PORT: `port`: expected a number from 0 to 65535, found one out of that range",
        ]
    );
}

#[test]
fn l5_text_that_is_no_toml_is_told_line_by_line_and_hides_nothing_else() {
    let told = told::<Settings>(good(&[("CHAT__PROT", "1")]).text("b.toml", "port = \nhost = \"a\nok = 1\n"));
    assert!(told[0].starts_with("b.toml:1: ") && told[1].starts_with("b.toml:2: "), "{told:?}");
    assert_eq!(told.last().unwrap(), "CHAT__PROT: unknown key `prot`; did you mean `port`?");
    assert!(told.iter().all(|line| !line.contains('\n')), "{told:?}");
}

/// A type that says too much.
#[derive(Debug)]
struct Talkative;

impl<'de> Deserialize<'de> for Talkative {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(format!("{text} is not what I like, {text:?} is not either")))
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Pair")]
struct Checked;

#[derive(Debug, Deserialize)]
struct Pair {
    one: String,
    other: u32,
}

impl TryFrom<Pair> for Checked {
    type Error = String;

    fn try_from(pair: Pair) -> Result<Self, String> {
        Err(format!("{} and {} do not go together", pair.one, pair.other))
    }
}

#[test]
fn l5_no_value_is_ever_told() {
    #[derive(Debug, Deserialize)]
    struct Vault {
        word: Talkative,
        number: u16,
        choice: Mode,
        flag: bool,
        list: Vec<u8>,
        checked: Checked,
    }
    let wrong = r#"
word = "hun\"ter2"
number = "hunter2"
choice = "hunter2"
flag = "hunter2"
list = "hunter2"
checked = { one = "hunter2", other = 222222 }
"#;
    let environment = [("CHAT__WORD", "hunter2"), ("CHAT__NUMBER", "hunter2"), ("CHAT__LIST", "hunter2")];
    let told = told::<Vault>(Sources::of("chat").text("a.toml", wrong).environment(environment));
    assert!(told.len() >= 8, "{told:#?}");
    let all = told.join("\n");
    assert!(!all.contains("hunter") && !all.contains("ter2") && !all.contains("222222"), "{all}");
}

#[test]
fn l5_a_type_that_accepts_no_stand_in_hides_no_other_section() {
    #[derive(Debug, Deserialize)]
    struct Odd {
        a: Inner,
        b: Inner,
        z: u8,
    }
    #[derive(Debug, Deserialize)]
    struct Inner {
        a: Talkative,
        b: u8,
    }
    let told = told::<Odd>(text("z = 'no'\na = { a = 'x', b = 'no' }\nb = { a = 'x', b = 'no' }"));
    assert_eq!(told.len(), 5, "{told:#?}");
    assert!(told[0].starts_with("a.toml:1: `z`") && told[1].starts_with("a.toml:2: `a.a`"), "{told:#?}");
}

#[test]
fn l5_files_of_a_folder_are_read_by_the_mode_and_named() {
    let folder = std::env::temp_dir().join(format!("throng-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("default.toml"), GOOD).unwrap();
    std::fs::write(folder.join("prod.toml"), "port = 1\n").unwrap();
    std::fs::write(folder.join("test.toml"), "\nprot = 1\n").unwrap();
    let sources = |mode: &str| Sources::of("chat").environment([("THRONG_ENV", mode)]).folder(&folder);

    assert_eq!(sources("prod").load::<Settings>().unwrap().port, 1);
    assert_eq!(sources("dev").load::<Settings>().unwrap().port, 4000);
    let error = sources("test").load::<Settings>().unwrap_err();
    let [mistake] = error.mistakes() else { panic!("{error}") };
    assert!(matches!(mistake.place(), Place::File { path, line: 2, .. } if path.ends_with("test.toml")));
    assert_eq!(mistake.key(), "prot");
    assert_eq!(
        told::<Settings>(sources("porduction").file(folder.join("gone.toml"))).len(),
        2,
        "a mode that there is not, and a file that is not there"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn l5_the_hook_goes_above_the_files_and_beneath_the_environment() {
    let hooked = |variables: &[(&str, &str)]| {
        good(variables).variable("PORT", "port").hook(|overrides| {
            overrides.set("port", "2");
            let max = overrides.variable("CORES").ok_or("nobody says how many cores there are")?.to_owned();
            overrides.set("rooms.max", max);
            Ok(())
        })
    };
    let settings: Settings = hooked(&[("CORES", "8")]).load().unwrap();
    assert_eq!((settings.port, settings.rooms.max.get()), (2, 8));
    let settings: Settings = hooked(&[("CORES", "8"), ("PORT", "3")]).load().unwrap();
    assert_eq!(settings.port, 3);
    assert_eq!(
        told::<Settings>(hooked(&[("PORT", "many")])),
        [
            "set by the program: nobody says how many cores there are",
            "PORT: `port`: expected a number from 0 to 65535, found text",
        ]
    );
    assert_eq!(
        told::<Settings>(hooked(&[("CORES", "a few")])),
        ["set by the program: `rooms.max`: expected a nonzero u32, found text"]
    );
}

proptest::proptest! {
    /// Whatever is wrong, each of it is told, and nothing that is right.
    #[test]
    fn l5_exactly_the_keys_that_are_wrong_are_told(wrong in proptest::collection::vec(0_u8..4, 7)) {
        let keys = ["host", "port", "mode", "log", "rooms.max", "rooms.history", "rooms.empty-for"];
        let right = ["\"::1\"", "1", "\"open\"", "\"x\"", "1", "1", "1"];
        let mut lines = String::new();
        let mut expected = Vec::new();
        for ((key, right), how) in keys.into_iter().zip(right).zip(wrong) {
            let has_default = matches!(key, "log" | "rooms.empty-for");
            match how {
                // Of another type, missing, misspelt, right.
                0 => lines += &format!("{key} = [[]]\n"),
                1 => {}
                2 => lines += &format!("{key}x = {right}\n"),
                _ => lines += &format!("{key} = {right}\n"),
            }
            match how {
                0 => expected.push(key.to_owned()),
                1 | 2 if !has_default => expected.push(key.to_owned()),
                _ => {}
            }
            if how == 2 {
                expected.push(format!("{key}x"));
            }
        }
        let told = match text(&lines).load::<Settings>() {
            Ok(_) => Vec::new(),
            Err(error) => error.mistakes().iter().map(|mistake| mistake.key().to_owned()).collect(),
        };
        let (told, expected) = (sorted(told), sorted(expected));
        proptest::prop_assert_eq!(told, expected, "{}", lines);
    }
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

#[test]
fn l5_a_main_that_returns_the_error_prints_it_in_words() {
    let error = text("port = 'many'").load::<Settings>().unwrap_err();
    let words = error.to_string();
    let returned: Box<dyn std::error::Error> = error.into();
    // The standard library prints what `main` returns by its `Debug`.
    assert_eq!(format!("Error: {returned:?}"), format!("Error: {words}"));
    assert!(words.contains(" mistakes in the settings:\n  a.toml:1: `port`: expected a number"), "{words}");
}
