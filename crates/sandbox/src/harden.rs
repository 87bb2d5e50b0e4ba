//! Hardening of the agent's own process.
//!
//! Identity and capabilities belong to threads: both functions are for the start of the program, before it has a second
//! thread, and refuse to run later. Folders and sockets that need root are to be opened before.

#![allow(unsafe_code)]

use std::ffi::c_ulong;
use std::io;

/// A capability that an agent may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepCapability {
    /// Read files of other users: package databases and processes of a locked-down machine.
    DacReadSearch,
    /// Raw ICMP.
    NetRaw,
    /// Ports below 1024, for gateways.
    NetBindService,
    /// Sockets' owners and programs of other users in /proc.
    SysPtrace,
}

impl KeepCapability {
    const fn number(self) -> u32 {
        match self {
            Self::DacReadSearch => 2,
            Self::NetBindService => 10,
            Self::NetRaw => 13,
            Self::SysPtrace => 19,
        }
    }
}

/// Why the process could not be hardened.
#[derive(Debug, thiserror::Error)]
pub enum HardenError {
    #[error("the process has {threads} threads already; harden it first")]
    Threads { threads: usize },
    #[error(
        "no user {name} in /etc/passwd; make it with: useradd --system --no-create-home --shell /usr/sbin/nologin {name}"
    )]
    NoUser { name: String },
    #[error("user {name} is root")]
    RootUser { name: String },
    #[error("could not {what}")]
    Call { what: &'static str, source: io::Error },
    #[error("still root after giving it up")]
    StillRoot,
}

/// Gives up root for the user of this name, whose groups are dropped but for its own, and keeps `keep` for
/// [`harden_self`]. Does nothing for a process that is not root.
///
/// Users are looked up in `/etc/passwd`: the agent must start before a directory service does.
///
/// # Errors
/// When there is no such user, or the kernel refuses. The process must then stop.
pub fn become_user(name: &str, keep: &[KeepCapability]) -> Result<(), HardenError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    single_thread()?;
    let passwd = std::fs::read_to_string("/etc/passwd")
        .map_err(|source| HardenError::Call { what: "read /etc/passwd", source })?;
    let (uid, gid) = find_user(&passwd, name).ok_or_else(|| HardenError::NoUser { name: name.to_owned() })?;
    if uid == 0 || gid == 0 {
        return Err(HardenError::RootUser { name: name.to_owned() });
    }
    become_ids(uid, gid, keep)
}

/// Gives up root for a user by number, for machines where its data directory has an owner that no account names. Does
/// nothing for a process that is not root.
///
/// # Errors
/// When the number is root's, or the kernel refuses. The process must then stop.
pub fn become_ids(uid: u32, gid: u32, keep: &[KeepCapability]) -> Result<(), HardenError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    single_thread()?;
    if uid == 0 || gid == 0 {
        return Err(HardenError::RootUser { name: uid.to_string() });
    }
    if !keep.is_empty() {
        prctl(libc::PR_SET_KEEPCAPS, 1, 0, "keep capabilities through the change of user")?;
    }
    // SAFETY: integers, and a null list of length zero.
    check(unsafe { libc::setgroups(0, std::ptr::null()) }, "drop the supplementary groups")?;
    // SAFETY: integers only.
    check(unsafe { libc::setresgid(gid, gid, gid) }, "change the group")?;
    // SAFETY: integers only.
    check(unsafe { libc::setresuid(uid, uid, uid) }, "change the user")?;
    // SAFETY: integers only; success would mean that root can be had back.
    if unsafe { libc::setresuid(0, 0, 0) } == 0 {
        return Err(HardenError::StillRoot);
    }
    Ok(())
}

/// No new privileges, no core dump or debugger, no capabilities but `keep`.
///
/// CAP_NET_RAW stays in the bounding set: without it the kernel refuses to start `ping` for plugins, and with no new
/// privileges nobody can gain it from there.
///
/// # Errors
/// When the kernel refuses. The process must then stop.
pub fn harden_self(keep: &[KeepCapability]) -> Result<(), HardenError> {
    single_thread()?;
    prctl(libc::PR_SET_DUMPABLE, 0, 0, "forbid core dumps")?;
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(rustix::process::Resource::Core, none)
        .map_err(|e| HardenError::Call { what: "forbid core dumps", source: e.into() })?;
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, "refuse new privileges")?;
    let sets = rustix::thread::capabilities(None)
        .map_err(|e| HardenError::Call { what: "read the capabilities", source: e.into() })?;
    let mask = keep.iter().fold(0, |mask, cap| mask | 1 << cap.number());
    // A root agent keeps what plugins with users of their own take: to start them, to end them, and to remove the folders
    // they filled. An agent that gave up root needs none of it.
    let for_plugins = match rustix::process::geteuid().is_root() {
        true => 1 << 0 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8, // CHOWN, DAC_OVERRIDE, KILL, SETGID, SETUID, SETPCAP
        false => 0,
    };
    let left = sets.permitted.bits() & (mask | for_plugins);
    const SETPCAP: u64 = 1 << 8;
    if sets.effective.bits() & SETPCAP != 0 {
        let bounding = left | 1 << KeepCapability::NetRaw.number();
        for cap in 0..64 {
            if bounding & (1 << cap) == 0 {
                // SAFETY: integers only. EINVAL past the last capability ends the list.
                if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, cap as c_ulong, 0, 0, 0) } < 0 {
                    break;
                }
            }
        }
    }
    let set = rustix::thread::CapabilitySet::from_bits_retain(left);
    let sets = rustix::thread::CapabilitySets {
        effective: set,
        permitted: set,
        inheritable: rustix::thread::CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets)
        .map_err(|e| HardenError::Call { what: "drop the capabilities", source: e.into() })?;
    Ok(())
}

fn single_thread() -> Result<(), HardenError> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 { Err(HardenError::Threads { threads }) } else { Ok(()) }
}

fn prctl(option: i32, a: c_ulong, b: c_ulong, what: &'static str) -> Result<(), HardenError> {
    // SAFETY: the options used here take integers.
    check(unsafe { libc::prctl(option, a, b, 0, 0) }, what)
}

fn check(result: i32, what: &'static str) -> Result<(), HardenError> {
    if result < 0 { Err(HardenError::Call { what, source: io::Error::last_os_error() }) } else { Ok(()) }
}

fn find_user(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_users_as_the_file_has_them() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\nwatchkeep-agent:x:998:997::/:/usr/sbin/nologin\nbad:x:a:b:\n";
        assert_eq!(find_user(passwd, "watchkeep-agent"), Some((998, 997)));
        assert_eq!(find_user(passwd, "bad"), None);
        assert_eq!(find_user(passwd, "watchkeep"), None);
    }
}
