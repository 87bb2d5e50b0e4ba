//! The program that runs is the program that was hashed.
//!
//! The file is opened once and copied into a sealed memory file; the copy is hashed and the copy is what runs. Nothing
//! that happens on disk afterwards, neither a rename nor a write into the same inode, can change the bytes. A script runs
//! the same way: its interpreter gets the sealed copy as `/dev/fd/3`, the only descriptor beside 0 to 2 that a plugin
//! inherits. A script that loads files from its own folder (`utils.pm`) cannot find them there; when the policy names them
//! as companions, script and companions are laid out as verified copies in a private folder and run from that.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use rustix::fs::{MemfdFlags, SealFlags};

use crate::policy::PluginPolicy;

/// Largest program, in bytes: the copy stays in memory while the agent runs. A Go plugin with all it carries fits.
const PROGRAM_BYTES_MAX: u64 = 64 << 20;

/// Why a program was not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("could not open {path}: {errno}")]
    Open { path: String, errno: String },
    #[error("{path} is not a regular file")]
    NotAFile { path: String },
    #[error("{path} is larger than {PROGRAM_BYTES_MAX} bytes")]
    TooLarge { path: String },
    #[error(
        "{path} has the digest {actual}, the policy pins {pinned}; if the change was meant, put the new digest into the policy file"
    )]
    Digest { path: String, actual: String, pinned: String },
    #[error("could not hold a sealed copy of {path}: {errno}")]
    Seal { path: String, errno: String },
}

/// Verified bytes, ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) image: Image,
}

#[derive(Debug)]
pub(crate) enum Image {
    /// A sealed memory file.
    Sealed { file: OwnedFd, script: bool },
    /// A private folder, with the path of the script in it.
    Folder { folder: PathBuf, path: CString },
}

/// Tells whether the file on disk is still the one that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

/// A program and what its files looked like when they were copied.
type Held = (Vec<Stamp>, Arc<Program>);

/// Verified programs by path and pin.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    held: HashMap<(PathBuf, [u8; 32]), Held>,
}

impl Programs {
    /// The verified program of a policy. Reads and hashes only when a file changed since the last time.
    pub(crate) fn get(
        &mut self,
        policy: &PluginPolicy,
        code_dir: &Path,
    ) -> Result<Arc<Program>, ProgramError> {
        let key = (policy.program.clone(), policy.sha256);
        let paths = || {
            std::iter::once(policy.program.as_path())
                .chain(policy.companions.iter().map(|c| c.path.as_path()))
        };
        let now: Option<Vec<Stamp>> =
            paths().map(|path| std::fs::metadata(path).ok().map(|meta| Stamp::of(&meta))).collect();
        if let (Some(now), Some((held, program))) = (&now, self.held.get(&key))
            && now == held
        {
            return Ok(Arc::clone(program));
        }
        self.held.remove(&key);
        let (main, mut stamps) = read_verified(&policy.program, &policy.sha256).map(|(b, s)| (b, vec![s]))?;
        let image = if policy.companions.is_empty() {
            seal(&policy.program, &main)?
        } else {
            let mut files = vec![(policy.program.clone(), main)];
            for companion in &policy.companions {
                let (bytes, stamp) = read_verified(&companion.path, &companion.sha256)?;
                stamps.push(stamp);
                files.push((companion.path.clone(), bytes));
            }
            lay_out(&files, code_dir, &policy.sha256)?
        };
        let program = Arc::new(Program { image });
        self.held.insert(key, (stamps, Arc::clone(&program)));
        Ok(program)
    }
}

/// SHA-256 of a file, for the person who writes a policy.
///
/// # Errors
/// When the file cannot be read.
pub fn digest_file(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; 64 << 10];
    loop {
        let n = file.read(&mut chunk)?;
        if n == 0 {
            return Ok(to_array(context.finish().as_ref()));
        }
        context.update(&chunk[..n]);
    }
}

fn to_array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes);
    out
}

fn read_verified(path: &Path, pinned: &[u8; 32]) -> Result<(Vec<u8>, Stamp), ProgramError> {
    let name = || path.display().to_string();
    let open_error = |e: std::io::Error| ProgramError::Open { path: name(), errno: errno_name(&e) };
    // Non-blocking: a pipe put in the place of the file must not hang the agent.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)
        .map_err(open_error)?;
    let meta = file.metadata().map_err(open_error)?;
    if !meta.is_file() {
        return Err(ProgramError::NotAFile { path: name() });
    }
    if meta.size() > PROGRAM_BYTES_MAX {
        return Err(ProgramError::TooLarge { path: name() });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.size()).unwrap_or(0));
    file.take(PROGRAM_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(open_error)?;
    let actual = digest::digest(&digest::SHA256, &bytes);
    if actual.as_ref() != pinned {
        return Err(ProgramError::Digest { path: name(), actual: hex(actual.as_ref()), pinned: hex(pinned) });
    }
    Ok((bytes, Stamp::of(&meta)))
}

fn seal(path: &Path, bytes: &[u8]) -> Result<Image, ProgramError> {
    let fail = |errno: String| ProgramError::Seal { path: path.display().to_string(), errno };
    let name = path.file_name().unwrap_or_default().as_bytes();
    let name = CString::new(&name[..name.len().min(200)]).map_err(|_| fail("NUL in name".into()))?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag and make executable memory files anyway.
    let fd = rustix::fs::memfd_create(&name, flags | MemfdFlags::EXEC)
        .or_else(|_| rustix::fs::memfd_create(&name, flags))
        .map_err(|e| fail(e.to_string()))?;
    let mut file = File::from(fd);
    file.write_all(bytes).map_err(|e| fail(e.to_string()))?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals).map_err(|e| fail(e.to_string()))?;
    let file = high(file.into()).map_err(|e| fail(e.to_string()))?;
    Ok(Image::Sealed { file, script: bytes.starts_with(b"#!") })
}

/// Moves a descriptor out of the way of 0 to 3, which the child fills.
pub(crate) fn high(fd: OwnedFd) -> std::io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(&fd, 10)?)
}

fn lay_out(files: &[(PathBuf, Vec<u8>)], code_dir: &Path, sha256: &[u8; 32]) -> Result<Image, ProgramError> {
    let fail = |e: std::io::Error| ProgramError::Seal {
        path: files[0].0.display().to_string(),
        errno: format!("{} in {}", errno_name(&e), code_dir.display()),
    };
    let mut builder = std::fs::DirBuilder::new();
    // Others may enter and read, nobody but the agent may change it.
    builder.mode(0o755);
    if !code_dir.is_dir() {
        builder.recursive(true).create(code_dir).map_err(fail)?;
        builder.recursive(false);
    }
    let mut nonce = [0; 8];
    // A name that nobody can guess or reuse; old ones are removed when the runner starts.
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| fail(std::io::Error::other("no random bytes")))?;
    let folder = code_dir.join(format!("{}-{}", &hex(sha256)[..16], hex(&nonce)));
    builder.create(&folder).map_err(fail)?;
    for (path, bytes) in files {
        let Some(name) = path.file_name() else { continue };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o555)
            .open(folder.join(name))
            .map_err(fail)?;
        file.write_all(bytes).map_err(fail)?;
    }
    let script = folder.join(files[0].0.file_name().unwrap_or_default());
    let path = CString::new(script.as_os_str().as_bytes())
        .map_err(|_| fail(std::io::Error::from(std::io::ErrorKind::InvalidInput)))?;
    Ok(Image::Folder { folder, path })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        out
    })
}

/// `ENOENT` and its like, as a result's reason names them.
pub(crate) fn errno_name(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => errno_word(errno),
        None => error.kind().to_string(),
    }
}

pub(crate) fn errno_word(errno: i32) -> String {
    let word = match errno {
        libc::ENOENT => "ENOENT",
        libc::EACCES => "EACCES",
        libc::EPERM => "EPERM",
        libc::ENOEXEC => "ENOEXEC",
        libc::ENOMEM => "ENOMEM",
        libc::EAGAIN => "EAGAIN",
        libc::EMFILE => "EMFILE",
        libc::ENFILE => "ENFILE",
        libc::ETXTBSY => "ETXTBSY",
        libc::E2BIG => "E2BIG",
        libc::ELOOP => "ELOOP",
        libc::ENOTDIR => "ENOTDIR",
        libc::EISDIR => "EISDIR",
        libc::EINVAL => "EINVAL",
        libc::ENOSPC => "ENOSPC",
        libc::EROFS => "EROFS",
        libc::EIO => "EIO",
        libc::ENOSYS => "ENOSYS",
        other => return format!("errno {other}"),
    };
    word.to_owned()
}
