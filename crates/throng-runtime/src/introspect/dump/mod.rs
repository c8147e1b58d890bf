//! What runs in a program, written to a file for its operator (L4).
//!
//! A thread of its own writes it, so that a program whose workers are all busy is seen as well. The processes go on meanwhile: the
//! dump is no snapshot, each of its lines was true when it was written.

mod tree;

use std::{
    env,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::SystemTime,
};

use self::tree::Entry;
use super::ProcessInfo;
use crate::{node::Node, report};

/// How many dumps of one program may lie about before no more are written.
const DUMPS_MAX: u32 = 100;

/// Has a dump written, unless one is being written; where it is, or why there is none, is reported.
pub(crate) fn write(node: &Node) {
    static BUSY: AtomicBool = AtomicBool::new(false);
    if BUSY.swap(true, Ordering::AcqRel) {
        return;
    }
    let node = node.clone();
    let begun = thread::Builder::new().name("throng-dump".into()).spawn(move || {
        tell(to_file(&node, &env::temp_dir()));
        BUSY.store(false, Ordering::Release);
    });
    if let Err(error) = begun {
        tell(Err(error));
        BUSY.store(false, Ordering::Release);
    }
}

fn tell(written: io::Result<PathBuf>) {
    match written {
        Ok(path) => {
            tracing::warn!(path = %path.display(), "wrote a state dump");
            report::if_nobody_listens(&format_args!("wrote a state dump to {}", path.display()));
        }
        Err(error) => {
            tracing::error!(%error, "cannot write a state dump");
            report::if_nobody_listens(&format_args!("cannot write a state dump: {error}"));
        }
    }
}

fn to_file(node: &Node, folder: &Path) -> io::Result<PathBuf> {
    let (path, file) = create(folder)?;
    let mut out = BufWriter::new(file);
    describe(node, &mut out)?;
    out.flush()?;
    Ok(path)
}

/// A file that was not there: in a folder that everybody may write to, one that is might lead elsewhere.
fn create(folder: &Path) -> io::Result<(PathBuf, File)> {
    for number in 1..=DUMPS_MAX {
        let path = folder.join(format!("throng-{}-{number}.dump", process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("there are {DUMPS_MAX} of them in {} already", folder.display())))
}

fn describe(node: &Node, out: &mut impl Write) -> io::Result<()> {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let entries: Vec<_> = node.processes().filter_map(|id| node.process_info(id)).map(entry).collect();
    writeln!(out, "throng state dump")?;
    writeln!(out, "node:      {}", node.name())?;
    writeln!(
        out,
        "program:   process {} of the system, at {} s since 1970",
        process::id(),
        since_epoch.as_secs()
    )?;
    writeln!(out, "processes: {}", entries.len())?;
    writeln!(out, "timers:    {}", node.timers().len())?;
    writeln!(out, "\nEach process beneath the one that started and linked it:\n")?;
    tree::write(&entries, out)
}

/// What is known of a process, if it is still there.
fn entry(info: ProcessInfo) -> Entry {
    let mut notes = Vec::new();
    let label = info.label.filter(|label| info.name.as_ref() != Some(label));
    notes.extend(info.name.map(|name| format!("{name:?}")));
    notes.extend(label.map(|label| format!("labelled {label:?}")));
    notes.push(info.initial_call.to_owned());
    notes.push(format!("{:?}", info.status).to_lowercase());
    notes.extend(count("waiting messages", info.queue_len));
    notes.extend(count("dropped messages", usize::try_from(info.dropped).unwrap_or(usize::MAX)));
    notes.extend(count("links", info.links.total));
    notes.extend(count("monitors", info.monitors.total));
    notes.extend(count("monitored by", info.monitored_by.total));
    notes.extend(info.trap_exit.then(|| "traps exits".to_owned()));
    Entry { id: info.id, parent: info.parent, notes }
}

fn count(what: &str, number: usize) -> Option<String> {
    (number > 0).then(|| format!("{what}: {number}"))
}
