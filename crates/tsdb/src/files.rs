//! Files and folders as the store wants them: private, synced, and never half written under their final name.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
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
