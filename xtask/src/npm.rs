//! The npm packages of the end-to-end tests.

use std::{fs, path::Path, process::Command, time::Duration};

use crate::process::{self, Ended};

const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The copy of the lock file that the installed packages came from.
const STAMP: &str = "node_modules/.installed-from";

/// Installs what the folder's lock file names, unless exactly that is installed already.
///
/// # Errors
///
/// One line that says what went wrong.
pub(crate) fn install(folder: &Path) -> Result<(), String> {
    let wanted = fs::read(folder.join("package-lock.json"))
        .map_err(|error| format!("{}/package-lock.json: {error}", folder.display()))?;
    if fs::read(folder.join(STAMP)).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing npm packages");
    let mut command = Command::new("npm");
    command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
    match process::run(&mut command, LIMIT, |line| println!("  {line}")) {
        Ok(Ended::Itself(status)) if status.success() => {}
        Ok(Ended::Itself(status)) => return Err(format!("npm ci: {status}")),
        Ok(Ended::ByLimit(limit)) => return Err(format!("npm ci took more than {limit:?}")),
        Err(error) => return Err(format!("npm ci: {error}")),
    }
    fs::write(folder.join(STAMP), wanted).map_err(|error| format!("{STAMP}: {error}"))
}
