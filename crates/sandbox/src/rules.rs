//! Landlock rules of a plugin: which files, ports and processes it may reach.
//!
//! Rulesets are built before the fork, as file descriptors, and kept: a run without a folder of its own takes one system
//! call to enforce them.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
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

/// Builds the ruleset, or `None` when the kernel has no Landlock.
pub(crate) fn ruleset(features: Features, reach: &Reach) -> Result<Option<OwnedFd>, String> {
    if !features.files() {
        return Ok(None);
    }
    let abi = features.abi();
    let words = |error: &dyn std::error::Error| error.to_string();
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
        let Ok(file) = open_path(path) else { continue };
        let folder = file.metadata().is_ok_and(|meta| meta.is_dir());
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
    fd.map(Some).ok_or_else(|| "the kernel made no ruleset".to_owned())
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
