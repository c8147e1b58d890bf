//! Where histories are kept while the program restarts.

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Keeps the histories of a node from its end to its next start: a [`FileStore`], or one of your own.
///
/// Both methods may block; they run at the start and at the end of the program. What is taken must be gone, for good, before
/// [`HistoryStore::take`] returns: were it taken again after a crash, clients would be told that they missed nothing.
pub trait HistoryStore: Send + Sync + 'static {
    /// Keeps these bytes, and nothing that was kept before.
    ///
    /// # Errors
    ///
    /// When they are not all kept.
    fn save(&self, snapshot: &[u8]) -> Result<(), StoreError>;

    /// Takes out what was kept; `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// When there is something that cannot be read, or not be removed.
    fn take(&self) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Why a store failed, in its own words.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// A file, which is there whole or not at all: it is written under another name, flushed to the disk, and renamed.
///
/// Only its owner may read it: it holds what people said to each other.
///
/// ```
/// # use throng_pubsub::{FileStore, HistoryStore};
/// # let path = std::env::temp_dir().join(format!("throng-doc-{}.history", std::process::id()));
/// let store = FileStore::new(path);
/// store.save(b"what was said")?;
/// assert_eq!(store.take()?.as_deref(), Some(&b"what was said"[..]));
/// assert_eq!(store.take()?, None);
/// # Ok::<_, throng_pubsub::StoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
    bytes_max: u64,
}

/// Why a file of histories could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused.
    #[error("cannot {act} {}: {source}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is larger than any that this program writes.
    #[error("{} has {bytes} bytes, and may have {max}", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The bound.
        max: u64,
    },
}

impl FileStore {
    /// The file at this path, of 256 MiB at most. Its directory has to be there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> FileStore {
        FileStore { path: path.into(), bytes_max: 256 << 20 }
    }

    /// Changes how large the file may be.
    #[must_use]
    pub fn bytes_max(mut self, bytes: u64) -> FileStore {
        self.bytes_max = bytes;
        self
    }

    fn write(&self, beside: &Path, snapshot: &[u8]) -> Result<(), FileError> {
        let told = |act| move |source| FileError::Io { act, path: beside.to_owned(), source };
        let mut file = private(beside).map_err(told("create"))?;
        file.write_all(snapshot).map_err(told("write"))?;
        file.sync_all().map_err(told("flush"))?;
        fs::rename(beside, &self.path).map_err(told("rename"))?;
        self.flush_directory()
    }

    /// A file's name is kept by its directory, and flushed with it.
    fn flush_directory(&self) -> Result<(), FileError> {
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if cfg!(unix) {
            let flushed = File::open(directory).and_then(|directory| directory.sync_all());
            flushed.map_err(|source| FileError::Io { act: "flush", path: directory.to_owned(), source })?;
        }
        Ok(())
    }

    fn check_size(&self, bytes: u64) -> Result<(), FileError> {
        let (path, max) = (self.path.clone(), self.bytes_max);
        if bytes > max { Err(FileError::TooLarge { path, bytes, max }) } else { Ok(()) }
    }
}

impl HistoryStore for FileStore {
    fn save(&self, snapshot: &[u8]) -> Result<(), StoreError> {
        self.check_size(snapshot.len() as u64)?;
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        let beside = PathBuf::from(name);
        self.write(&beside, snapshot).inspect_err(|_| drop(fs::remove_file(&beside)))?;
        Ok(())
    }

    fn take(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let told = |act| move |source| FileError::Io { act, path: self.path.clone(), source };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told("open")(error).into()),
        };
        let read = self.read(&mut file);
        // Gone in any case: what cannot be read now must not be found later, when it is of no time any more.
        fs::remove_file(&self.path).map_err(told("remove"))?;
        self.flush_directory()?;
        Ok(Some(read?))
    }
}

impl FileStore {
    fn read(&self, file: &mut File) -> Result<Vec<u8>, FileError> {
        let told = |source| FileError::Io { act: "read", path: self.path.clone(), source };
        self.check_size(file.metadata().map_err(told)?.len())?;
        let mut bytes = Vec::new();
        file.take(self.bytes_max).read_to_end(&mut bytes).map_err(told)?;
        Ok(bytes)
    }
}

/// A new file that nobody else may read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of the test's own.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Directory {
            let path = std::env::temp_dir().join(format!("throng-store-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Directory(path)
        }

        fn names(&self) -> Vec<String> {
            fs::read_dir(&self.0)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn what_is_saved_is_taken_once_and_nothing_else_is_left() {
        let directory = Directory::new("once");
        let store = FileStore::new(directory.0.join("history"));
        assert_eq!(store.take().unwrap(), None);
        store.save(b"first").unwrap();
        store.save(b"second").unwrap();
        assert_eq!(directory.names(), ["history"]);
        assert_eq!(store.take().unwrap().unwrap(), b"second");
        assert_eq!(store.take().unwrap(), None);
        assert!(directory.names().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = Directory::new("private");
        let path = directory.0.join("history");
        FileStore::new(&path).save(b"secret").unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_store_that_fails_says_what_it_tried_and_leaves_nothing_half_written() {
        let directory = Directory::new("fails");
        let nowhere = directory.0.join("nowhere").join("history");
        let error = FileStore::new(&nowhere).save(b"x").unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot create {}.new: ", nowhere.display())), "{error}");
        // A directory in the place of the file: the rename fails.
        let taken = directory.0.join("history");
        fs::create_dir_all(taken.join("within")).unwrap();
        let error = FileStore::new(&taken).save(b"x").unwrap_err().to_string();
        assert!(error.starts_with("cannot rename "), "{error}");
        assert_eq!(directory.names(), ["history"]);
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read_and_not_kept() {
        let directory = Directory::new("large");
        let path = directory.0.join("history");
        FileStore::new(&path).save(b"12345").unwrap();
        let narrow = FileStore::new(&path).bytes_max(4);
        assert!(narrow.take().unwrap_err().to_string().ends_with("has 5 bytes, and may have 4"));
        assert_eq!(narrow.take().unwrap(), None);
        assert!(narrow.save(b"12345").is_err());
    }

    /// `/dev/full` takes no byte, like a disk that is full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let directory = Directory::new("full");
        let path = directory.0.join("history");
        std::os::unix::fs::symlink("/dev/full", directory.0.join("history.new")).unwrap();
        let error = FileStore::new(&path).save(b"x").unwrap_err().to_string();
        assert!(error.starts_with("cannot write ") && error.contains("No space left on device"), "{error}");
        assert!(directory.names().is_empty());
    }
}
