//! What must not compile, and what the compiler says then: the words are part of the interface.

use std::process::Command;

/// The compiler that the expected words were written with; another one words its own part differently.
const WORDED_BY: &str = "rustc 1.95.";

#[test]
fn mistakes_are_refused_in_words_that_help() {
    let rustc = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&rustc.stdout).into_owned();
    if !version.starts_with(WORDED_BY) {
        println!("left out: the expected words are those of {WORDED_BY}x, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
