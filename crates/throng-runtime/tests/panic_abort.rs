//! A program that is built with `panic = "abort"` is told so when its first server starts (X7).
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::process::{Command, Output};

fn run_example(config: &[&str]) -> Output {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/panic_abort");
    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "throng-runtime", "--example", "node", "--target-dir", folder])
        .args(config)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

#[test]
fn x7_a_build_that_aborts_on_panic_is_refused_in_words_that_help() {
    let refused = run_example(&["--config", r#"profile.dev.panic="abort""#]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("error: this program was built with `panic = \"abort\"`"), "{error}");
    assert!(error.contains("Cargo.toml"), "it names the way out: {error}");
}
