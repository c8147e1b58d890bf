//! The files of the repository, without what is built or installed into it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold nothing of ours.
const FOREIGN: [&str; 3] = ["target", "node_modules", ".git"];

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// One text file of ours: its path from the root, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Every file with one of these endings, in the order of their paths.
pub(crate) fn texts(endings: &[&str]) -> Vec<Text> {
    let mut texts = Vec::new();
    collect(&root(), endings, &mut texts);
    texts.sort_by(|one, other| one.path.cmp(&other.path));
    texts
}

fn collect(folder: &Path, endings: &[&str], texts: &mut Vec<Text>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !FOREIGN.contains(&name.as_str()) {
                collect(&path, endings, texts);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            texts.push(Text { path, text });
        }
    }
}

/// Fails with every complaint at once, so that one run shows all there is to mend.
pub(crate) fn assert_none(rule: &str, complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{rule}:\n  {}", complaints.join("\n  "));
}
