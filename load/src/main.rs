//! `throng-load`: see its `--help`.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    throng_load::run(env::args().skip(1))
}
