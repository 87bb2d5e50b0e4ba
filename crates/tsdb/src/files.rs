//! Files and folders as the store wants them: private, synced, and never half written under their final name.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Ends the name of a file that is still being written; such files are removed at open.
pub(crate) const TEMP_SUFFIX: &str = ".tmp";

/// Makes a folder only its owner may enter.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// Opens a file for reading and appending, making it with mode 0600.
pub(crate) fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)
}

/// Makes a new file with mode 0600; an older one of that name is emptied.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(true).write(true).read(true).mode(0o600).open(path)
}

/// A disk that fails is read in pieces of this size: what one bad sector takes with it.
const PIECE: usize = 4096;

/// Whether an error means that the disk has lost what is asked for, or a file system with checksums says that it has.
pub(crate) fn is_unreadable(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let lost = [Errno::IO, Errno::UCLEAN, Errno::BADMSG, Errno::NODATA];
    error.raw_os_error().is_some_and(|code| lost.iter().any(|errno| errno.raw_os_error() == code))
}

/// A whole file, with zeros for the pieces that the disk does not give, and the bytes in those.
pub(crate) fn read_through(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let file = File::open(path)?;
    gather(file.metadata()?.len(), &|into, at| file.read_exact_at(into, at))
}

fn gather(len: u64, read: &dyn Fn(&mut [u8], u64) -> io::Result<()>) -> io::Result<(Vec<u8>, u64)> {
    let mut data = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    match read(&mut data, 0) {
        Ok(()) => return Ok((data, 0)),
        Err(error) if is_unreadable(&error) => {}
        Err(error) => return Err(error),
    }
    let mut lost = 0;
    for (piece, at) in data.chunks_mut(PIECE).zip((0u64..).step_by(PIECE)) {
        match read(piece, at) {
            Ok(()) => {}
            Err(error) if is_unreadable(&error) => {
                piece.fill(0);
                lost += piece.len() as u64;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((data, lost))
}

/// Makes a folder's names durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes a file under its final name in one step: temp file, sync, rename, sync of the folder.
pub(crate) fn publish(dir: &Path, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let temp = dir.join(format!("{name}{TEMP_SUFFIX}"));
    let written = (|| {
        let mut file = create(&temp)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        std::fs::rename(&temp, dir.join(name))
    })();
    if written.is_err() {
        // Best effort: what stays is removed at the next open.
        let _ = std::fs::remove_file(&temp);
    }
    written?;
    sync_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_sector_costs_itself_and_other_errors_are_told() {
        let whole: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8 + 1).collect();
        let disk = |error: fn() -> io::Error| {
            let whole = whole.clone();
            move |into: &mut [u8], at: u64| {
                let (from, to) = (at as usize, at as usize + into.len());
                if from <= 9_000 && to > 9_000 {
                    return Err(error());
                }
                into.copy_from_slice(&whole[from..to]);
                Ok(())
            }
        };
        let bad = disk(|| io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
        let (data, lost) = gather(whole.len() as u64, &bad).expect("read");
        assert_eq!((data.len(), lost), (whole.len(), PIECE as u64));
        assert_eq!((&data[..8_192], &data[12_288..]), (&whole[..8_192], &whole[12_288..]));
        assert!(data[8_192..12_288].iter().all(|b| *b == 0));
        let gone = disk(|| io::Error::from_raw_os_error(rustix::io::Errno::NOMEM.raw_os_error()));
        assert!(gather(whole.len() as u64, &gone).is_err());
    }
}
