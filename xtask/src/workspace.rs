//! Where things are.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The root of the workspace, wherever the command was called from.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Where cargo builds to: `target`, unless the user has moved it.
pub(crate) fn target() -> PathBuf {
    let moved = env::var_os("CARGO_TARGET_DIR").map(|path| root().join(path));
    moved.unwrap_or_else(|| root().join("target"))
}

/// The cargo that runs this command, so that a chosen toolchain stays chosen.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
