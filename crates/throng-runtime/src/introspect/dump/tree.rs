//! Processes as a tree of text. Pure but for the writer.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use crate::pid::ProcessId;

/// A process, as far as a dump shows it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: ProcessId,
    /// Who started and linked it; it may be gone.
    pub(super) parent: Option<ProcessId>,
    pub(super) notes: Vec<String>,
}

/// Whatever lies deeper is not indented further, but says how deep it lies: a long chain of processes must not make a dump
/// that is as large as the square of its length.
const DEPTH_MAX: usize = 100;

/// Writes each process beneath its parent, and those whose parent is gone at the top.
///
/// By hand and not by recursion: how deep the tree is, is up to the program that is looked at.
pub(super) fn write(entries: &[Entry], out: &mut impl Write) -> io::Result<()> {
    let there: BTreeSet<_> = entries.iter().map(|entry| entry.id).collect();
    let mut beneath = BTreeMap::<Option<ProcessId>, Vec<&Entry>>::new();
    for entry in entries {
        beneath.entry(entry.parent.filter(|parent| there.contains(parent))).or_default().push(entry);
    }
    let mut next: Vec<(usize, &Entry)> = Vec::new();
    let mut push = |next: &mut Vec<_>, depth, parent: Option<ProcessId>| {
        let children = beneath.remove(&parent).unwrap_or_default();
        next.extend(children.into_iter().rev().map(|child| (depth, child)));
    };
    push(&mut next, 0, None);
    while let Some((depth, entry)) = next.pop() {
        let indent = 2 * depth.min(DEPTH_MAX);
        let deeper = if depth > DEPTH_MAX { format!("({depth} deep) ") } else { String::new() };
        writeln!(out, "{:indent$}{deeper}{} {}", "", entry.id, entry.notes.join(", "))?;
        push(&mut next, depth + 1, Some(entry.id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

    use super::*;

    fn shown(rows: &[(u32, Option<u32>, &str)]) -> String {
        let id = |index| ProcessId::new(index, 1);
        let entry = |&(index, parent, note): &(u32, Option<u32>, &str)| Entry {
            id: id(index),
            parent: parent.map(id),
            notes: vec![note.to_owned()],
        };
        let mut out = Vec::new();
        write(&rows.iter().map(entry).collect::<Vec<_>>(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn l4_a_dump_shows_each_process_beneath_its_parent() {
        let rows = [(1, None, "top"), (4, Some(2), "deep"), (2, Some(1), "first"), (3, Some(1), "second")];
        assert_eq!(shown(&rows), "<1.1> top\n  <2.1> first\n    <4.1> deep\n  <3.1> second\n");
    }

    #[test]
    fn l4_a_dump_shows_processes_whose_parent_is_gone() {
        assert_eq!(shown(&[(1, None, "top"), (5, Some(9), "orphan")]), "<1.1> top\n<5.1> orphan\n");
    }

    /// A chain of linked processes may be as long as the table: its dump must not be as large as the square of that.
    #[test]
    fn l4_a_dump_of_a_very_deep_tree_is_written_as_well() {
        let rows: Vec<_> = (0..40_000).map(|n: u32| (n, n.checked_sub(1), "link")).collect();
        let shown = shown(&rows);
        assert_eq!(shown.lines().count(), 40_000);
        assert!(shown.len() < 40_000 * 300, "{}", shown.len());
        assert!(shown.ends_with("(39999 deep) <39999.1> link\n"), "{}", &shown[shown.len() - 100..]);
    }
}
