//! Landlock rules of a plugin: which files, ports and processes it may reach.
//!
//! Rulesets are built before the fork, as file descriptors, and kept: a run without a folder of its own takes one system
//! call to enforce them. A rule is about a file, not about a name: a file that was replaced by another, as `useradd` does
//! with `/etc/passwd`, is no longer covered. So each ruleset knows what it was made of, and is made anew when that changed.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, Ruleset,
    RulesetAttr, RulesetCreatedAttr, Scope,
};

/// What the running kernel offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Landlock ABI, 0 when there is none.
    pub landlock_abi: u8,
}

impl Features {
    /// Asks the kernel.
    pub fn detect() -> Self {
        Self { landlock_abi: crate::child::landlock_abi() }
    }

    fn abi(self) -> ABI {
        match self.landlock_abi {
            0 => ABI::Unsupported,
            1 => ABI::V1,
            2 => ABI::V2,
            3 => ABI::V3,
            4 => ABI::V4,
            5 => ABI::V5,
            // Newer ones add nothing that these rules use; V7 is the newest that was tested.
            6 => ABI::V6,
            _ => ABI::V7,
        }
    }

    pub(crate) fn files(self) -> bool {
        self.landlock_abi >= 1
    }

    pub(crate) fn ports(self) -> bool {
        self.landlock_abi >= 4
    }

    pub(crate) fn scopes(self) -> bool {
        self.landlock_abi >= 6
    }
}

/// Programs and libraries of the system, read and run.
const PROGRAMS: &[&str] = &["/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin"];
/// What the C library and interpreters look at before they start. Nothing here is secret.
const SYSTEM_FILES: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/group",
    "/etc/alternatives",
    "/etc/perl",
    "/etc/python3",
    "/etc/mtab",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];
/// What name resolution and TLS need.
const NETWORK_FILES: &[&str] = &[
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/ca-certificates",
];

/// What a ruleset is made of, and its key in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Reach {
    pub(crate) read: Vec<PathBuf>,
    /// Folder with a script and what it loads, read and run.
    pub(crate) code: Option<PathBuf>,
    pub(crate) write: Option<PathBuf>,
    pub(crate) connect: Vec<u16>,
    pub(crate) bind: Vec<u16>,
    pub(crate) network: bool,
}

/// Why there is no ruleset.
#[derive(Debug)]
pub(crate) enum RulesError {
    /// The policy asks for what must stay closed.
    Forbidden(String),
    Kernel(String),
}

/// Which file a name meant: device and inode. `None`: nothing there.
type Meant = Option<(u64, u64)>;

/// A ruleset and what it was made of.
#[derive(Debug)]
pub(crate) struct Rules {
    /// `None` when the kernel has no Landlock.
    pub(crate) fd: Option<OwnedFd>,
    made_of: Vec<(PathBuf, Meant)>,
}

impl Rules {
    /// Whether every name still means the same file.
    pub(crate) fn is_current(&self) -> bool {
        self.made_of
            .iter()
            .all(|(path, meant)| *meant == rustix::fs::stat(path).ok().map(|stat| (stat.st_dev, stat.st_ino)))
    }
}

/// Builds a ruleset. No path in it leads into one of `protected`.
pub(crate) fn ruleset(features: Features, reach: &Reach, protected: &[PathBuf]) -> Result<Rules, RulesError> {
    for path in &reach.read {
        if let Some(why) = forbidden(path, protected) {
            return Err(RulesError::Forbidden(why));
        }
    }
    if !features.files() {
        return Ok(Rules {
            fd: None,
            made_of: reach.read.iter().map(|path| (path.clone(), meant(path))).collect(),
        });
    }
    let mut made_of = Vec::new();
    let fd = build(features, reach, protected, &mut made_of)?;
    Ok(Rules { fd: Some(fd), made_of })
}

fn meant(path: &Path) -> Meant {
    rustix::fs::stat(path).ok().map(|stat| (stat.st_dev, stat.st_ino))
}

fn build(
    features: Features,
    reach: &Reach,
    protected: &[PathBuf],
    made_of: &mut Vec<(PathBuf, Meant)>,
) -> Result<OwnedFd, RulesError> {
    let abi = features.abi();
    let words = |error: &dyn std::error::Error| RulesError::Kernel(error.to_string());
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))
        .map_err(|e| words(&e))?;
    if features.ports() {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi)).map_err(|e| words(&e))?;
    }
    if features.scopes() {
        ruleset = ruleset.scope(Scope::from_all(abi)).map_err(|e| words(&e))?;
    }
    let mut created = ruleset.create().map_err(|e| words(&e))?;

    let look = AccessFs::ReadFile | AccessFs::ReadDir;
    let run = look | AccessFs::Execute;
    let mut grants: Vec<(&Path, BitFlags<AccessFs>)> = Vec::new();
    grants.extend(PROGRAMS.iter().map(|path| (Path::new(path), run)));
    grants.extend(SYSTEM_FILES.iter().map(|path| (Path::new(path), look)));
    if reach.network {
        grants.extend(NETWORK_FILES.iter().map(|path| (Path::new(path), look)));
    }
    grants.push((Path::new("/dev/null"), look | AccessFs::WriteFile));
    grants.extend(reach.read.iter().map(|path| (path.as_path(), look)));
    grants.extend(reach.code.iter().map(|path| (path.as_path(), run)));
    if let Some(tmp) = &reach.write {
        // No device, no socket, nothing to run.
        let no = AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock;
        let ioctl: BitFlags<AccessFs> = AccessFs::IoctlDev.into();
        grants.push((tmp, AccessFs::from_all(abi) & !no & !ioctl));
    }
    for (path, access) in grants {
        // What is not there cannot be read; a missing file must not stop a check that can do without.
        let file = open_path(path).ok();
        let meta = file.as_ref().and_then(|file| file.metadata().ok());
        // The system's folders stay; all else may be replaced.
        if !PROGRAMS.iter().any(|program| Path::new(program) == path) {
            made_of.push((path.to_owned(), meta.as_ref().map(|meta| (meta.dev(), meta.ino()))));
        }
        let Some(file) = file else { continue };
        // A link that somebody moved after the first look: what was opened decides.
        if reach.read.iter().any(|declared| declared == path) {
            let real =
                std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(|e| words(&e))?;
            if let Some(why) = forbidden(&real, protected) {
                return Err(RulesError::Forbidden(why));
            }
        }
        let folder = meta.is_some_and(|meta| meta.is_dir());
        let access = if folder { access } else { access & AccessFs::from_file(abi) };
        created = created.add_rule(PathBeneath::new(file, access)).map_err(|e| words(&e))?;
    }
    if features.ports() {
        for port in &reach.connect {
            created = created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(|e| words(&e))?;
        }
        for port in &reach.bind {
            created = created.add_rule(NetPort::new(*port, AccessNet::BindTcp)).map_err(|e| words(&e))?;
        }
    }
    let fd: Option<OwnedFd> = created.into();
    fd.ok_or_else(|| RulesError::Kernel("the kernel made no ruleset".to_owned()))
}

fn open_path(path: &Path) -> std::io::Result<File> {
    std::fs::OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(path)
}

/// Files that no policy may open, even by naming a folder above them.
const NEVER: &[&str] =
    &["/etc/shadow", "/etc/gshadow", "/proc/kcore", "/dev/mem", "/etc/ssl/private", "/etc/ssh"];

/// Says why a declared path may not be granted: it covers, or lies in, something that must stay closed.
pub(crate) fn forbidden(path: &Path, protected: &[PathBuf]) -> Option<String> {
    if !path.is_absolute() {
        return Some(format!("{} is not an absolute path", path.display()));
    }
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if std::fs::symlink_metadata(&real).is_ok_and(|meta| meta.file_type().is_socket()) {
        return Some(format!("{} is a socket; declare net.unix instead", path.display()));
    }
    // /proc holds kcore behind root's permissions, which a plugin does not have; process checks need the whole of it.
    let covers_proc = real == Path::new("/proc");
    NEVER
        .iter()
        .map(Path::new)
        .filter(|never| !(covers_proc && never.starts_with("/proc")))
        .chain(protected.iter().map(PathBuf::as_path))
        .find(|closed| {
            let closed = closed.canonicalize().unwrap_or_else(|_| closed.to_path_buf());
            closed.starts_with(&real) || real.starts_with(&closed)
        })
        .map(|closed| {
            format!(
                "{} would open {}; name the files that are needed instead",
                path.display(),
                closed.display()
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_covers_a_secret_is_forbidden() {
        let keys = PathBuf::from("/var/lib/watchkeep-agent");
        let protected = [keys.clone()];
        for path in ["/etc", "/", "/etc/shadow", "/var", "/var/lib/watchkeep-agent/key.pem", "etc/passwd"] {
            assert!(forbidden(Path::new(path), &protected).is_some(), "{path}");
        }
        for path in ["/proc", "/etc/passwd", "/sys/block", "/run/utmp"] {
            assert_eq!(forbidden(Path::new(path), &protected), None, "{path}");
        }
    }
}
