//! What a process uses of the machine, as `/proc` tells it.

use std::{fs, io, time::Duration};

/// The kernel's tick in `/proc/<pid>/stat`: 100 a second on every Linux that applications see.
const TICK: Duration = Duration::from_millis(10);

/// A process whose use of the machine is read.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    folder: String,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
}

impl Process {
    pub(crate) fn of(pid: u32) -> Process {
        Process { folder: format!("/proc/{pid}") }
    }

    pub(crate) fn own() -> Process {
        Process { folder: "/proc/self".to_owned() }
    }

    /// Time on a processor since its start, its own and the kernel's on its behalf.
    ///
    /// # Errors
    ///
    /// When there is no such process.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("{}/stat", self.folder))?;
        cpu_in(&stat).ok_or_else(|| malformed("stat"))
    }

    /// # Errors
    ///
    /// When there is no such process.
    pub(crate) fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(format!("{}/status", self.folder))?;
        memory_in(&status).ok_or_else(|| malformed("status"))
    }
}

fn malformed(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/<pid>/{file} is not as expected"))
}

/// The name of the program comes second and may hold anything; what follows its last parenthesis is regular.
fn cpu_in(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

fn memory_in(status: &str) -> Option<Memory> {
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some(Memory { resident: kilobytes("VmRSS:")? * 1024, peak: kilobytes("VmHWM:")? * 1024 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 12 30 0 0 20 0 2 0 100 1 1";
        assert_eq!(cpu_in(stat), Some(Duration::from_millis(420)));
        assert_eq!(cpu_in("7 (a"), None);
    }

    #[test]
    fn memory_is_told_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(memory_in(status), Some(Memory { resident: 1 << 20, peak: 2 << 20 }));
    }

    #[test]
    fn this_process_is_one() {
        assert!(Process::own().memory().unwrap().resident > 0);
        assert!(Process::own().cpu().is_ok());
    }
}
