//! Links between our documents lead somewhere.

use std::path::Path;

use crate::repository::{Text, assert_none, root, texts};

/// The targets of Markdown's `[text](target)` and `![text](target)`, outside of code blocks.
fn targets(text: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let links = line.split("](").skip(1).filter(|_| !in_code);
        targets.extend(links.filter_map(|rest| rest.split([')', ' ']).next()));
    }
    targets
}

/// The file that a link names, if it names one of ours.
fn file_of(target: &str) -> Option<&str> {
    let elsewhere = target.contains("://") || target.starts_with("mailto:") || target.starts_with('#');
    let is_item = target.contains("::") || !target.contains(['.', '/']);
    (!elsewhere && !is_item).then(|| target.split('#').next().unwrap_or(target))
}

#[test]
fn links_between_documents_lead_to_files() {
    let mut complaints = Vec::new();
    for Text { path, text } in texts(&[".md"]) {
        let folder = root().join(Path::new(&path).parent().unwrap());
        let broken =
            targets(&text).into_iter().filter_map(file_of).filter(|file| !folder.join(file).exists());
        complaints.extend(broken.map(|file| format!("{path}: {file}")));
    }
    assert_none("links to nothing", complaints);
}

#[test]
fn the_reader_finds_what_a_repository_owes() {
    let owed =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];
    let missing = owed.into_iter().filter(|file| !root().join(file).exists());
    assert_none("missing", missing.map(str::to_owned).collect());
}
