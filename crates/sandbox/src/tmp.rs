//! A run's own folder: made, measured while a hostile plugin writes into it, and removed whatever is in it.
//!
//! Nothing here follows a link or goes down a path that the plugin made: folders are entered by descriptor, one at a time.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::Errno;

/// Files and folders a plugin may have in its folder.
pub(crate) const ENTRIES_MAX: u64 = 1000;
/// Bytes in all, as so many of the largest file it may write.
pub(crate) const FILES_OF_LARGEST: u64 = 8;

/// A folder of the run's own, removed if the start fails.
#[derive(Debug)]
pub(crate) struct TmpDir {
    pub(crate) path: PathBuf,
}

impl TmpDir {
    pub(crate) fn make(base: &Path, run: u64, user: Option<(u32, u32)>) -> io::Result<Self> {
        if !base.is_dir() {
            // Entered by the plugin's user, listed by nobody.
            std::fs::DirBuilder::new().recursive(true).mode(0o711).create(base)?;
        }
        let path = base.join(format!("{}-{run}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        let made = Self { path };
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(&made.path, Some(uid), Some(gid))?;
        }
        Ok(made)
    }

    pub(crate) fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.path)
    }
}

impl Drop for TmpDir {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty()
            && let Err(error) = sweep(&self.path, 16)
        {
            tracing::warn!(path = %self.path.display(), %error, "could not remove a plugin's folder");
        }
    }
}

/// Whether a folder holds more than [`ENTRIES_MAX`] entries or `bytes_max` bytes on disk. Looks at no more than that.
pub(crate) fn is_overfull(path: &Path, bytes_max: u64) -> bool {
    let Ok(top) = folder(CWD, path) else { return false };
    let (mut entries, mut bytes) = (0, 0);
    let mut open = vec![top];
    while let Some(fd) = open.pop() {
        let Ok(listing) = Dir::read_from(&fd) else { continue };
        for entry in listing.flatten() {
            let name = entry.file_name();
            if is_dots(name) {
                continue;
            }
            entries += 1;
            let Ok(stat) = rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            // What is on disk, not what a sparse file claims.
            bytes += u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
            if entries > ENTRIES_MAX || bytes > bytes_max {
                return true;
            }
            let is_folder = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
            // Each level in hand is a descriptor of the agent's; a plugin has no business that deep.
            if is_folder && open.len() >= 32 {
                return true;
            }
            if is_folder && let Ok(inner) = folder(&fd, name) {
                open.push(inner);
            }
        }
    }
    false
}

/// Removes a folder with all that is in it, in at most about `budget` steps; true when it is gone. Folders below it are
/// emptied into it rather than gone down into: depth costs neither stack nor descriptors.
pub(crate) fn sweep(path: &Path, mut budget: usize) -> io::Result<bool> {
    /// Names for folders on their way up; a plugin that guesses one only makes us take the next.
    static MOVED: AtomicU64 = AtomicU64::new(0);
    let top = match folder(CWD, path) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(true),
        // Its own plugin may have closed it.
        Err(Errno::ACCESS) => {
            rustix::fs::chmod(path, Mode::RWXU)?;
            folder(CWD, path)?
        }
        Err(error) => return Err(error.into()),
    };
    loop {
        let names = names(&top, budget)?;
        if names.is_empty() {
            rustix::fs::rmdir(path)?;
            return Ok(true);
        }
        for name in names {
            if remove(top.as_fd(), &name)? {
                budget = budget.saturating_sub(1);
                continue;
            }
            rustix::fs::chmodat(&top, &name, Mode::RWXU, AtFlags::empty())?;
            let inner = folder(&top, name.as_c_str())?;
            for below in self::names(&inner, budget)? {
                budget = budget.saturating_sub(1);
                if remove(inner.as_fd(), &below)? {
                    continue;
                }
                // A folder can be moved only by who may write to it.
                rustix::fs::chmodat(&inner, &below, Mode::RWXU, AtFlags::empty())?;
                let place = format!(".swept-{}", MOVED.fetch_add(1, Ordering::Relaxed));
                match rustix::fs::renameat(&inner, &below, &top, &place) {
                    Ok(()) | Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if budget == 0 {
                return Ok(false);
            }
        }
        if budget == 0 {
            return Ok(false);
        }
    }
}

/// Removes a file or an empty folder; false when it is a folder with something in it.
fn remove(at: BorrowedFd<'_>, name: &CStr) -> io::Result<bool> {
    match rustix::fs::unlinkat(at, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(true),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    match rustix::fs::unlinkat(at, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn names(at: &OwnedFd, most: usize) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(at)? {
        let entry = entry?;
        if !is_dots(entry.file_name()) {
            names.push(entry.file_name().to_owned());
        }
        if names.len() > most {
            break;
        }
    }
    Ok(names)
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

fn folder<P: rustix::path::Arg>(at: impl AsFd, path: P) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_overfull_by_number_depth_or_size() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_overfull(dir.path(), 1 << 20));
        std::fs::write(dir.path().join("a"), vec![1; 100 << 10]).unwrap();
        assert!(!is_overfull(dir.path(), 1 << 20));
        assert!(is_overfull(dir.path(), 50 << 10));
        std::fs::File::create(dir.path().join("sparse")).unwrap().set_len(1 << 40).unwrap();
        assert!(!is_overfull(dir.path(), 1 << 20), "nothing of it is on disk");
        std::os::unix::fs::symlink("/", dir.path().join("link")).unwrap();
        assert!(!is_overfull(dir.path(), 1 << 20), "links are not followed");
        for n in 0..=ENTRIES_MAX {
            std::fs::File::create(dir.path().join(format!("f{n}"))).unwrap();
        }
        assert!(is_overfull(dir.path(), 1 << 20));
    }

    #[test]
    fn sweeping_stays_within_its_budget_and_within_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (mine, other) = (dir.path().join("mine"), dir.path().join("other"));
        std::fs::create_dir_all(mine.join("a/b/c/.swept-0")).unwrap();
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join("keep"), "x").unwrap();
        std::os::unix::fs::symlink(&other, mine.join("a/link")).unwrap();
        for n in 0..50 {
            std::fs::write(mine.join(format!("a/b/{n}")), "x").unwrap();
        }
        let mut rounds = 0;
        while !sweep(&mine, 10).unwrap() {
            rounds += 1;
            assert!(rounds < 50, "no progress");
        }
        assert!(rounds > 2 && !mine.exists() && other.join("keep").exists());
        assert!(sweep(&mine, 10).unwrap(), "what is gone is gone");
    }
}
