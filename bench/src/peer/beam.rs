//! The BEAM: an escript of our own that carries out the same workloads in Erlang.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::workload::Workload;

/// The measurement as a command; it prints its figure as this program's own measurements do.
pub(crate) fn command(workload: Workload, count: u64) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/peer/beam.escript");
    let mut command = Command::new("escript");
    command.arg(script).arg(workload.id()).arg(count.to_string());
    command
}

/// Whether this machine can run it.
pub(crate) fn is_installed() -> bool {
    let mut probe = Command::new("erl");
    probe.args(["-noshell", "-eval", "halt()"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}
