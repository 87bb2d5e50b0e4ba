//! One server per data directory: a lock that the kernel lets go when its holder dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use wk_domain::Timestamp;

/// Holds a data directory until it is dropped.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
    path: PathBuf,
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server works in it.
    #[error("another server ({holder}) already works in {}. Stop it first, or give this one a data directory of its own",
            dir.display())]
    Held { dir: PathBuf, holder: String },
    #[error("cannot lock {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
}

impl DataDirLock {
    /// Takes `dir`, which must exist. Writes this process's id and `now` into `dir/server.lock`, for the message that a
    /// second server shows.
    ///
    /// # Errors
    /// [`LockError::Held`] while another process, or another lock of this one, has it.
    pub fn take(dir: &Path, now: Timestamp) -> Result<Self, LockError> {
        let path = dir.join("server.lock");
        let io = |source| LockError::Io { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut said = String::new();
                // Bounded: the file may be anything.
                let read = (&mut file).take(200).read_to_string(&mut said);
                let said: String = said.chars().filter(|c| !c.is_control()).collect();
                let holder =
                    if read.is_ok() && !said.is_empty() { said } else { "its process is unknown".into() };
                return Err(LockError::Held { dir: dir.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let line = format!("process {}, started at {} ms since 1970", std::process::id(), now.as_ms());
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        file.write_all(line.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        Ok(Self { file, path })
    }

    /// The lock's file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDirLock {
    fn drop(&mut self) {
        // The file stays: removing it would let two servers lock two files of one name.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_with_the_first_ones_process() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDirLock::take(dir.path(), Timestamp::from_ms(1_700_000_000_000)).unwrap();
        let refused = DataDirLock::take(dir.path(), Timestamp::from_ms(1)).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        assert!(refused.contains("1700000000000"), "{refused}");
        drop(first);
        DataDirLock::take(dir.path(), Timestamp::from_ms(2)).unwrap();
    }

    #[test]
    fn what_a_dead_server_left_does_not_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("server.lock"), b"process 1, started at \xff\x1b[2J").unwrap();
        DataDirLock::take(dir.path(), Timestamp::from_ms(2)).unwrap();
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = DataDirLock::take(Path::new("/nonexistent/wk"), Timestamp::from_ms(0)).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/wk"));
    }
}
