//! Private folders and files: made with the right modes, refused with the wrong ones, written so that a crash
//! leaves the old content or the new, never half.
//!
//! "Loose" means readable or writable by the group or by others, or owned by somebody else: a key that others could
//! read must be taken for known to them, so reading it stops with the command that mends it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::primitives::{fill_random, random_array};
use crate::secret::SecretBytes;

/// Why a private folder or file was refused or could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Others can reach it.
    #[error(
        "{path} has mode {mode:04o}, so others on this machine may read or change it: run `chmod {want:o} {path}`"
    )]
    Loose { path: PathBuf, mode: u32, want: u32 },
    /// It belongs to another user.
    #[error("{path} belongs to user {owner}, and this program runs as user {us}: run `chown {us} {path}`")]
    Owner { path: PathBuf, owner: u32, us: u32 },
    /// A symbolic link could lead anywhere.
    #[error("{path} is a symbolic link: give the real path, or replace the link by a real folder or file")]
    Symlink { path: PathBuf },
    /// Something else stands there.
    #[error("{path} is not a {want}: move it away")]
    Kind { path: PathBuf, want: &'static str },
    /// It is not there.
    #[error("{path} does not exist")]
    Missing { path: PathBuf },
    /// Larger than anything this program writes there.
    #[error("{path} holds more than {max} bytes, which this program never writes there")]
    TooLarge { path: PathBuf, max: usize },
    /// The operating system said no.
    #[error("could not {action} {path}")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl FileError {
    /// Whether the file or folder is simply not there.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> FileError {
    let path = path.to_owned();
    move |source| match source.kind() {
        std::io::ErrorKind::NotFound => FileError::Missing { path },
        _ => FileError::Io { action, path, source },
    }
}

fn check_owner(path: &Path, owner: u32) -> Result<(), FileError> {
    let us = rustix::process::geteuid().as_raw();
    if owner == us { Ok(()) } else { Err(FileError::Owner { path: path.to_owned(), owner, us }) }
}

/// Makes `path` a folder of mode 0700, or checks that it already is one that belongs to this user.
///
/// Missing parents are made with the mode the umask gives: only the last step is private.
///
/// # Errors
/// [`FileError`]: a symbolic link, another owner, group or world access, or the operating system's refusal.
pub fn private_dir(path: &Path) -> Result<(), FileError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(io("create", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            // The umask may have taken more away than it should (0o277 would lock us out): say exactly what we mean.
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
                .map_err(io("set the mode of", path))?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io("create", path)(error)),
    }
    let meta = std::fs::symlink_metadata(path).map_err(io("look at", path))?;
    if meta.file_type().is_symlink() {
        return Err(FileError::Symlink { path: path.to_owned() });
    }
    if !meta.is_dir() {
        return Err(FileError::Kind { path: path.to_owned(), want: "folder" });
    }
    check_owner(path, meta.uid())?;
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileError::Loose { path: path.to_owned(), mode, want: 0o700 });
    }
    Ok(())
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_dir(dir: &Path) -> Result<(), FileError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("flush", dir))
}

const NEW_SUFFIX: &str = ".new";

/// How the name of a new file begins that is to become `name`.
fn new_prefix(name: &std::ffi::OsStr) -> std::ffi::OsString {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// Whether `found` is what [`write_private`] calls a new file for `name`: 16 hexadecimal digits in between.
fn is_new_file_of(found: &std::ffi::OsStr, name: &std::ffi::OsStr) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let prefix = new_prefix(name);
    let tag = found
        .as_bytes()
        .strip_prefix(prefix.as_bytes())
        .and_then(|rest| rest.strip_suffix(NEW_SUFFIX.as_bytes()));
    tag.is_some_and(|tag| tag.len() == 16 && tag.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// Destroys what crashes left of new files for `path`: each may hold a whole key. Returns them. To be called while
/// nobody writes there.
///
/// # Errors
/// [`FileError`].
pub fn shred_leftovers(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    let dir = parent_of(path);
    let Some(name) = path.file_name() else { return Ok(Vec::new()) };
    let mut gone = Vec::new();
    let listed = match std::fs::read_dir(dir) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(gone),
        Err(error) => return Err(io("list", dir)(error)),
    };
    for entry in listed {
        let found = entry.map_err(io("list", dir))?.file_name();
        if is_new_file_of(&found, name) {
            let left = dir.join(&found);
            if shred(&left)? {
                gone.push(left);
            }
        }
    }
    Ok(gone)
}

/// As [`write_private`], and then overwrites the bytes of the file that stood there: for a key that was in plain and is
/// sealed from now on. What [`shred`] says about storage holds here, too.
///
/// # Errors
/// [`FileError`].
pub fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let old = match open_private(path, true) {
        Ok((file, meta)) => Some((file, meta.len())),
        Err(FileError::Missing { .. }) => None,
        Err(error) => return Err(error),
    };
    write_private(path, bytes)?;
    match old {
        Some((mut file, len)) => overwrite(&mut file, path, len),
        None => Ok(()),
    }
}

/// Writes `bytes` to `path` with mode 0600: to a new file beside it, flushed, renamed over it, the folder flushed.
///
/// After a crash at any instant `path` holds the old bytes or the new ones.
///
/// # Errors
/// [`FileError::Io`] with what was being done.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let dir = parent_of(path);
    let name = path.file_name().ok_or_else(|| FileError::Kind { path: path.to_owned(), want: "file" })?;
    let tag = random_array::<8>()
        .map_err(|error| io("name a new file beside", path)(std::io::Error::other(error)))?;
    let mut tmp_name = new_prefix(name);
    tmp_name.push(format!("{:016x}{NEW_SUFFIX}", u64::from_be_bytes(tag)));
    let tmp = dir.join(tmp_name);
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&tmp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&tmp, path)
    };
    if let Err(error) = write() {
        // The half-written file is of no use to anybody; failing to remove it changes nothing about the error.
        let _ = std::fs::remove_file(&tmp);
        return Err(io("write", path)(error));
    }
    sync_dir(dir)
}

fn open_private(path: &Path, write: bool) -> Result<(File, std::fs::Metadata), FileError> {
    let file = OpenOptions::new()
        .read(true)
        .write(write)
        // NONBLOCK: a pipe put in the place of the file must not make the start wait for ever.
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(|error| match rustix::io::Errno::from_io_error(&error) {
            Some(rustix::io::Errno::LOOP) => FileError::Symlink { path: path.to_owned() },
            _ => io("open", path)(error),
        })?;
    let meta = file.metadata().map_err(io("look at", path))?;
    if !meta.is_file() {
        return Err(FileError::Kind { path: path.to_owned(), want: "file" });
    }
    check_owner(path, meta.uid())?;
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileError::Loose { path: path.to_owned(), mode, want: 0o600 });
    }
    Ok((file, meta))
}

/// Reads at most `max` bytes from `path`, checked through the open file so that nobody can swap it in between.
///
/// # Errors
/// [`FileError`]: missing, a symbolic link, another owner, loose mode, too large, or the operating system's refusal.
pub fn read_private(path: &Path, max: usize) -> Result<SecretBytes, FileError> {
    let (file, meta) = open_private(path, false)?;
    // Room for all of it at once: a vector that grows would leave copies of the secret behind in freed memory.
    let room = usize::try_from(meta.len()).unwrap_or(usize::MAX).min(max).saturating_add(1);
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(room));
    file.take(max as u64 + 1).read_to_end(&mut bytes).map_err(io("read", path))?;
    if bytes.len() > max {
        return Err(FileError::TooLarge { path: path.to_owned(), max });
    }
    Ok(SecretBytes::new(std::mem::take(&mut *bytes)))
}

/// Removes `path` and flushes its folder. Nothing there is fine.
///
/// # Errors
/// [`FileError::Io`].
pub fn remove_private(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Ok(()) => sync_dir(parent_of(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io("remove", path)(error)),
    }
}

/// Overwrites `path` with random bytes, flushes and removes it. Returns whether there was a file.
///
/// Copies that the storage keeps beneath the file (snapshots, copy-on-write, flash wear levelling) are beyond reach:
/// a sealed key whose passphrase is forgotten is the stronger destruction.
///
/// # Errors
/// [`FileError`].
pub fn shred(path: &Path) -> Result<bool, FileError> {
    let (mut file, meta) = match open_private(path, true) {
        Ok(open) => open,
        Err(FileError::Missing { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    overwrite(&mut file, path, meta.len())?;
    drop(file);
    remove_private(path)?;
    Ok(true)
}

fn overwrite(file: &mut File, path: &Path, len: u64) -> Result<(), FileError> {
    let mut left = len;
    let mut noise = [0u8; 4096];
    while left > 0 {
        fill_random(&mut noise).map_err(|error| io("overwrite", path)(std::io::Error::other(error)))?;
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(noise.len());
        file.write_all(&noise[..now]).map_err(io("overwrite", path))?;
        left -= now as u64;
    }
    file.sync_all().map_err(io("flush", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn makes_a_private_folder_and_accepts_it_again() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("a/b/keys");
        private_dir(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        private_dir(&dir).unwrap();
    }

    #[test]
    fn refuses_a_loose_folder_and_says_how_to_mend_it() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("keys");
        std::fs::create_dir(&dir).unwrap();
        for loose in [0o750, 0o701, 0o777, 0o1770] {
            std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(loose)).unwrap();
            let error = private_dir(&dir).unwrap_err().to_string();
            assert!(error.contains(&format!("chmod 700 {}", dir.display())), "{error}");
        }
    }

    #[test]
    fn refuses_links_and_other_things() {
        let tmp = tempfile::tempdir().unwrap();
        let real = tmp.path().join("real");
        private_dir(&real).unwrap();
        let link = tmp.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(matches!(private_dir(&link), Err(FileError::Symlink { .. })));
        let file = real.join("key");
        write_private(&file, b"k").unwrap();
        assert!(matches!(private_dir(&file), Err(FileError::Kind { .. })));
        let link = real.join("key-link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(matches!(read_private(&link, 10), Err(FileError::Symlink { .. })));
        assert!(matches!(read_private(&real, 10), Err(FileError::Kind { .. })));
        assert!(read_private(&real.join("none"), 10).unwrap_err().is_missing());
    }

    #[test]
    fn refuses_a_folder_of_another_user() {
        let us = rustix::process::geteuid().as_raw();
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("keys");
        private_dir(&dir).unwrap();
        if us == 0 {
            std::os::unix::fs::chown(&dir, Some(65534), None).unwrap();
            let error = private_dir(&dir).unwrap_err();
            assert!(matches!(error, FileError::Owner { owner: 65534, .. }), "{error}");
        } else {
            // An ordinary user cannot give a folder away; the root's own one stands in for it.
            assert!(matches!(private_dir(Path::new("/etc")), Err(FileError::Owner { owner: 0, .. })));
        }
    }

    #[test]
    fn writes_0600_and_replaces_whole() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("key");
        write_private(&file, b"first").unwrap();
        write_private(&file, b"second").unwrap();
        assert_eq!(mode(&file), 0o600);
        assert_eq!(read_private(&file, 6).unwrap().expose(), b"second");
        assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 1, "no leftovers");
    }

    #[test]
    fn refuses_a_loose_or_large_file() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("key");
        write_private(&file, b"0123456789").unwrap();
        assert!(matches!(read_private(&file, 9), Err(FileError::TooLarge { max: 9, .. })));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_private(&file, 10).unwrap_err().to_string();
        assert!(error.contains("0640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_writer_that_cannot_finish_leaves_the_old_file() {
        let tmp = tempfile::tempdir().unwrap();
        let target = tmp.path().join("key");
        // A folder in the place of the target makes the rename fail, as a full disk would make the write fail.
        std::fs::create_dir_all(target.join("inside")).unwrap();
        assert!(write_private(&target, b"new").is_err());
        assert!(target.join("inside").exists());
        assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 1, "no leftovers");
    }

    #[test]
    fn shredding_removes_and_says_whether() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("key");
        write_private(&file, &[7; 10_000]).unwrap();
        // A second name for the same bytes shows what the overwriting did.
        let other_name = tmp.path().join("other");
        std::fs::hard_link(&file, &other_name).unwrap();
        assert!(shred(&file).unwrap());
        assert!(!file.exists());
        let left = std::fs::read(&other_name).unwrap();
        assert_eq!(left.len(), 10_000);
        assert!(left.iter().filter(|&&byte| byte == 7).count() < 200);
        assert!(!shred(&file).unwrap());
    }
}
