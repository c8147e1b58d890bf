//! Whatever is awaited says what becomes of it when nobody awaits it any more.
//!
//! A public function that waits has a section `# Cancel safety`. One that returns a named future of ours may leave that to the
//! documentation of the future.

use std::collections::BTreeMap;

use crate::{
    items::{Item, items},
    repository::{Text, assert_none, texts},
};

const SECTION: &str = "# Cancel safety";

impl Item {
    fn is_said(&self) -> bool {
        self.docs.lines().any(|line| line.trim() == SECTION)
    }

    /// The type that this item makes a future.
    fn future_type(&self) -> Option<&str> {
        let (before, after) = self.head.split_once("Future for ")?;
        let name = after.split(|c: char| !c.is_alphanumeric()).next()?;
        before.starts_with("impl").then_some(name)
    }

    /// What the function returns, without its bounds.
    fn returned(&self) -> &str {
        let head = self.head.split(" where ").next().unwrap_or_default();
        let returned = head.rfind(") -> ").map_or("", |at| &head[at + ") -> ".len()..]);
        returned.trim_end_matches(['{', ';', ' '])
    }

    /// Whether awaiting is written in the signature itself.
    fn waits(&self) -> bool {
        let head = self.head.strip_prefix("pub ").unwrap_or(&self.head);
        head.starts_with("async fn") || self.returned().starts_with("impl Future")
    }
}

/// The functions that leave it unsaid, as `path:line: name`.
fn unsaid(sources: &[Text]) -> Vec<String> {
    let all: Vec<(&str, Item)> = sources
        .iter()
        .flat_map(|source| items(&source.text).into_iter().map(|item| (&*source.path, item)))
        .collect();
    let types: BTreeMap<&str, bool> =
        all.iter().filter_map(|(_, item)| Some((item.public_type()?, item.is_said()))).collect();
    let futures = all.iter().filter_map(|(_, item)| item.future_type());
    let futures: BTreeMap<&str, bool> = futures.filter_map(|name| Some((name, *types.get(name)?))).collect();

    let must_say = |item: &Item| {
        let named = futures.iter().filter(|(name, _)| names(item.returned(), name));
        item.waits() || named.into_iter().any(|(_, is_said)| !is_said)
    };
    let wrong = all.iter().filter(|(_, item)| !item.is_said()).filter_map(|(path, item)| {
        let name = item.public_function().filter(|_| must_say(item))?;
        Some(format!("{path}:{}: {name}", item.line))
    });
    wrong.collect()
}

/// Whether a type is `name`, with or without parameters; what is inside of another type is not returned by itself.
fn names(returned: &str, name: &str) -> bool {
    returned.split('<').next() == Some(name)
}

#[test]
fn whatever_waits_says_what_a_drop_of_it_does() {
    let mut sources = texts(&[".rs"]);
    sources.retain(|source| {
        let is_test = source.path.ends_with("/tests.rs") || source.path.contains("/tests/");
        source.path.starts_with("crates/") && source.path.contains("/src/") && !is_test
    });
    assert_none("functions that wait and have no section `# Cancel safety`", unsaid(&sources));
}

fn unsaid_of(source: &str) -> Vec<String> {
    unsaid(&[Text { path: "a.rs".into(), text: source.into() }])
}

#[test]
fn what_waits_and_says_nothing_is_found() {
    assert_eq!(unsaid_of("/// Waits.\npub async fn wait() {\n}\n"), ["a.rs:2: wait"]);
    assert_eq!(
        unsaid_of("/// Waits.\npub fn wait(\n    a: A,\n) -> impl Future<Output = ()> {\n}\n"),
        ["a.rs:2: wait"]
    );
    assert_eq!(
        unsaid_of(
            "pub trait Wait {\n    /// Waits.\n    fn wait(&self) -> impl Future<Output = ()> + Send;\n}\n"
        ),
        ["a.rs:3: wait"]
    );
    let named = "/// A wait.\npub struct Wait<T>(T);\nimpl<T> Future for Wait<T> {\n}\npub fn wait() -> Wait<u8> {\n}\n";
    assert_eq!(unsaid_of(named), ["a.rs:5: wait"]);
}

#[test]
fn what_says_it_or_does_not_wait_or_is_private_is_not() {
    assert!(
        unsaid_of(
            "/// Waits.\n///\n/// # Cancel safety\n///\n/// Drop it.\n#[must_use]\npub async fn wait() {\n}\n"
        )
        .is_empty()
    );
    assert!(
        unsaid_of("pub fn work() -> u8 {\n}\nasync fn wait() {\n}\npub(crate) async fn hidden() {\n}\n")
            .is_empty()
    );
    assert!(unsaid_of("trait Wait {\n    fn wait(&self) -> impl Future<Output = ()>;\n}\n").is_empty());
    let named =
        "/// # Cancel safety\npub struct Wait(u8);\nimpl Future for Wait {\n}\npub fn wait() -> Wait {\n}\n";
    assert!(unsaid_of(named).is_empty());
    assert!(unsaid_of("#[cfg(test)]\nmod tests {\n    pub async fn wait() {}\n}\n").is_empty());
}

#[test]
fn the_section_of_one_item_does_not_speak_for_the_next() {
    let source = "/// # Cancel safety\npub async fn one() {\n}\n\n/// Waits.\npub async fn other() {\n}\n";
    assert_eq!(unsaid_of(source), ["a.rs:6: other"]);
}
