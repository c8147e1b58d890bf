//! The README shows what the project has.

use std::fs;

use crate::repository::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn the_program_in_the_readme_is_the_example() {
    let example = read("crates/throng/examples/crash.rs");
    let (_, program) = example.split_once("\n\n").unwrap();
    assert!(
        read("README.md").contains(&format!("```rust\n{program}```")),
        "README.md and examples/crash.rs differ"
    );
}
