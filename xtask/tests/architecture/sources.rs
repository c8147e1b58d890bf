//! What no source file may hold.

use crate::repository::{Text, assert_none, texts};

/// The modules that own memory, with what they hold: the mailbox, and the erasure of messages' types.
const MAY_BE_UNSAFE: [&str; 2] =
    ["crates/throng-runtime/src/scheduler/envelope", "crates/throng-runtime/src/scheduler/mailbox"];

/// Marks of work that is not done, in two halves so that this file does not hold them.
const UNFINISHED: [(&str, &str); 5] =
    [("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("todo", "!("), ("unimplemented", "!(")];

/// Starts of paths that exist on one machine only, in two halves likewise.
const ONE_MACHINE: [(&str, &str); 5] =
    [("/ho", "me/"), ("/Us", "ers/"), ("/ro", "ot/"), ("/wo", "rk/"), ("C:", "\\")];

/// The code of a line, without the comment at its end.
fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        !line[..start].ends_with(is_part) && !line[start + word.len()..].starts_with(is_part)
    })
}

/// Every line that `is_wrong`, as `path:number: line`.
fn lines(texts: &[Text], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for Text { path, text } in texts {
        let numbered = text.lines().enumerate().filter(|(_, line)| is_wrong(line));
        wrong.extend(numbered.map(|(index, line)| format!("{path}:{}: {}", index + 1, line.trim())));
    }
    wrong
}

#[test]
fn only_the_modules_that_own_memory_are_unsafe() {
    let mut others = texts(&[".rs"]);
    others.retain(|text| !MAY_BE_UNSAFE.iter().any(|module| text.path.starts_with(module)));
    // The word stands in this test too, but in strings.
    let keyword = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern"];
    let is_unsafe = |line: &str| {
        let code = code(line);
        !code.contains('"') && keyword.iter().any(|keyword| has_word(code, keyword))
    };
    assert_none("unsafe code outside of the modules that own memory", lines(&others, is_unsafe));
}

#[test]
fn nothing_is_left_unfinished() {
    let marks: Vec<String> = UNFINISHED.iter().map(|(one, other)| format!("{one}{other}")).collect();
    let is_unfinished = |line: &str| marks.iter().any(|mark| has_word(line, mark));
    let sources = texts(&[".rs", ".js", ".mjs", ".css", ".html", ".toml", ".md"]);
    assert_none("unfinished", lines(&sources, is_unfinished));
}

#[test]
fn no_test_is_ignored() {
    let attribute = format!("#[{}", "ignore");
    let is_ignored = |line: &str| code(line).contains(&attribute);
    assert_none("ignored tests", lines(&texts(&[".rs"]), is_ignored));
}

#[test]
fn no_file_names_the_paths_of_one_machine() {
    let starts: Vec<String> = ONE_MACHINE.iter().map(|(one, other)| format!("{one}{other}")).collect();
    let names_one = |line: &str| starts.iter().any(|start| has_path(line, start));
    let sources = texts(&[".rs", ".js", ".mjs", ".css", ".html", ".toml", ".md", ".json", "run"]);
    assert_none("paths of one machine", lines(&sources, names_one));
}

/// Whether a path from the root of a file system starts with `start`, rather than going on with it.
fn has_path(line: &str, start: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || "._-/}".contains(c);
    line.match_indices(start).any(|(index, _)| !line[..index].ends_with(goes_on))
}
