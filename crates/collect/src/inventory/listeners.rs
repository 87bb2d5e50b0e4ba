//! Listening sockets and who holds them: the kernel's diagnosis socket, `/proc/net/{tcp,tcp6,udp,udp6}`, and the
//! descriptors of all processes.
//!
//! Walking all descriptors is dear, so it happens only when a listening socket has appeared whose owner is not known.
//! Without the rights to look into another user's process its name stays empty; the socket's user is always known.
//! UDP sockets on ephemeral ports are clients waiting for an answer and are left out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use rustix::fs::{Mode, OFlags, RawDir};

use super::accounts::user_name;
use super::lines::Lines;
use super::section::Writer;
use crate::host::diag;
use crate::host::processes::{each_process, open_proc, read_of};
use crate::note::{Notes, Problem};
use crate::parse::{fields, hex, number, proc_stat};
use crate::source::read_small;

/// Most listening sockets followed.
const LISTENERS_MAX: usize = 4_096;
/// Most descriptors looked at in one walk.
const DESCRIPTORS_MAX: usize = 200_000;
/// Start of the ephemeral ports when the kernel does not tell.
const EPHEMERAL_DEFAULT: u64 = 32_768;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Socket {
    udp: bool,
    address: IpAddr,
    port: u16,
    uid: u32,
    inode: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Owner {
    pid: u32,
    name: String,
}

#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// By inode. `None`: looked for and not found.
    owners: Vec<(Socket, Option<Owner>)>,
}

impl Listeners {
    pub(crate) fn scan(&mut self, root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
        let ephemeral = read_small(&root.join("proc/sys/net/ipv4/ip_local_port_range"), 64)
            .and_then(|t| fields(&t).next().and_then(number))
            .unwrap_or(EPHEMERAL_DEFAULT);
        let mut sockets = Vec::new();
        let mut complete = false;
        let mut files = vec![("proc/net/udp", true), ("proc/net/udp6", true)];
        let mut cut = false;
        let diagnosed = if root == Path::new("/") {
            diag::tcp_sockets(diag::STATES_LISTEN, &mut |s| {
                cut |= sockets.len() >= LISTENERS_MAX;
                if !cut {
                    let inode = u64::from(s.inode);
                    sockets.push(Socket { udp: false, address: s.address, port: s.port, uid: s.uid, inode });
                }
            })
        } else {
            None
        };
        if diagnosed.is_none() {
            sockets.clear();
            files.extend([("proc/net/tcp", false), ("proc/net/tcp6", false)]);
        }
        if cut {
            notes.add("listeners", Problem::Cut);
        }
        for (file, udp) in files {
            // No IPv6 is no failure; no file at all is.
            let Some(mut lines) = Lines::open(&root.join(file)) else { continue };
            complete = true;
            lines.next();
            while let Some(line) = lines.next() {
                match socket_line(line, udp) {
                    Some(Some(socket)) if udp && u64::from(socket.port) >= ephemeral => {}
                    Some(Some(socket)) if sockets.len() < LISTENERS_MAX => sockets.push(socket),
                    Some(Some(_)) => notes.add("listeners", Problem::Cut),
                    Some(None) => {}
                    None => notes.add("listeners", Problem::Malformed),
                }
            }
            complete &= lines.complete();
        }
        sockets.sort_unstable();
        sockets.dedup();
        if out.told() && complete && sockets.iter().eq(self.owners.iter().map(|(s, _)| s)) {
            return out.keep_all();
        }
        let mut unknown: Vec<u64> = Vec::new();
        let mut next: Vec<(Socket, Option<Owner>)> = Vec::with_capacity(sockets.len());
        for socket in sockets {
            let known =
                self.owners.iter().find(|(s, _)| s.inode == socket.inode).map(|(_, owner)| owner.clone());
            if known.is_none() {
                unknown.push(socket.inode);
            }
            next.push((socket, known.flatten()));
        }
        if !unknown.is_empty() {
            unknown.sort_unstable();
            for (inode, owner) in owners(root, &unknown, notes) {
                for (_, slot) in next.iter_mut().filter(|(s, slot)| s.inode == inode && slot.is_none()) {
                    *slot = Some(owner.clone());
                }
            }
        }
        let passwd = read_small(&root.join("etc/passwd"), 1 << 20).unwrap_or_default();
        let mut last_key = String::new();
        for (socket, owner) in &next {
            let family = if socket.address.is_ipv6() { "6" } else { "" };
            let proto = if socket.udp { "udp" } else { "tcp" };
            let shown = std::net::SocketAddr::new(socket.address, socket.port);
            let key = format!("{proto}{family} {shown}");
            // Workers that share a port are one listener.
            if key == last_key {
                continue;
            }
            let (pid, name) =
                owner.as_ref().map_or_else(Default::default, |o| (o.pid.to_string(), o.name.clone()));
            out.item(
                key.as_bytes(),
                &[
                    ("protocol", proto.as_bytes()),
                    ("address", socket.address.to_string().as_bytes()),
                    ("port", socket.port.to_string().as_bytes()),
                    ("pid", pid.as_bytes()),
                    ("process", name.as_bytes()),
                    ("user", user_name(&passwd, socket.uid).as_bytes()),
                ],
                notes,
            );
            last_key = key;
        }
        self.owners = next;
        out.finish(complete, notes);
    }
}

/// A line of `/proc/net/tcp` and its like: the socket if it listens. The outer `None` is a malformed line.
fn socket_line(line: &[u8], udp: bool) -> Option<Option<Socket>> {
    let mut words = fields(line);
    let local = words.nth(1)?;
    let remote = words.next()?;
    let state = hex(words.next()?)?;
    let (address, port) = endpoint(local)?;
    let (_, remote_port) = endpoint(remote)?;
    let uid = u32::try_from(number(words.nth(3)?)?).ok()?;
    let inode = number(words.nth(1)?)?;
    // 0A is LISTEN; an unconnected UDP socket is in state 07 (CLOSE).
    let listens = if udp { state == 0x07 && remote_port == 0 } else { state == 0x0a };
    Some(listens.then_some(Socket { udp, address, port, uid, inode }))
}

/// `0100007F:0016`. Addresses are words of 32 bits in the machine's own byte order.
fn endpoint(text: &[u8]) -> Option<(IpAddr, u16)> {
    let colon = text.iter().position(|b| *b == b':')?;
    let port = u16::try_from(hex(&text[colon + 1..])?).ok()?;
    let word = |at: usize| Some(u32::try_from(hex(text.get(at..at + 8)?)?).ok()?.to_ne_bytes());
    let address = match colon {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (chunk, at) in bytes.chunks_exact_mut(4).zip([0, 8, 16, 24]) {
                chunk.copy_from_slice(&word(at)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some((address, port))
}

/// The processes that hold the sockets of `wanted` (sorted inodes); the one with the lowest number for each.
fn owners(root: &Path, wanted: &[u64], notes: &mut Notes) -> Vec<(u64, Owner)> {
    let mut found: Vec<(u64, Owner)> = Vec::new();
    let Ok(proc) = open_proc(root) else { return found };
    let mut buffer = vec![std::mem::MaybeUninit::uninit(); 4096];
    let mut fd_buffer = vec![std::mem::MaybeUninit::uninit(); 4096];
    let mut looked = 0usize;
    let mut pids: Vec<(u32, std::ffi::CString)> = Vec::new();
    let _ = each_process(&proc, &mut buffer, |name, pid| {
        pids.push((pid, name.to_owned()));
        pids.len() < 65_536
    });
    pids.sort_unstable();
    for (pid, name) in pids {
        let dir = [name.to_bytes(), b"/fd"].concat();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(fds) = rustix::fs::openat(&proc, dir, flags, Mode::empty()) else { continue };
        let mut entries = RawDir::new(&fds, &mut fd_buffer);
        let mut holds: Vec<u64> = Vec::new();
        while let Some(Ok(entry)) = entries.next() {
            looked += 1;
            if looked > DESCRIPTORS_MAX {
                notes.add("listeners", Problem::Cut);
                return found;
            }
            let mut target = [0u8; 64];
            let Ok(len) = rustix::fs::readlinkat_raw(&fds, entry.file_name(), &mut target[..]) else {
                continue;
            };
            let inode = target[..len.min(64)]
                .strip_prefix(b"socket:[")
                .and_then(|t| t.strip_suffix(b"]"))
                .and_then(number);
            if let Some(inode) = inode.filter(|i| wanted.binary_search(i).is_ok()) {
                holds.push(inode);
            }
        }
        holds.retain(|inode| !found.iter().any(|(i, _)| i == inode));
        if !holds.is_empty() {
            let mut small = [0u8; 512];
            let comm = read_of(&proc, &name, "stat", &mut small)
                .and_then(|t| proc_stat(t).map(|s| crate::text::field(s.comm)))
                .unwrap_or_default();
            found.extend(holds.into_iter().map(|inode| (inode, Owner { pid, name: comm.clone() })));
        }
    }
    found
}

/// For the fuzz target.
pub(crate) fn exercise(bytes: &[u8]) {
    let _ = (socket_line(bytes, false), socket_line(bytes, true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_read_in_the_machines_byte_order() {
        let line = b"   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1167 1 0 100";
        let socket = socket_line(line, false).unwrap().unwrap();
        assert_eq!((socket.address.to_string().as_str(), socket.port, socket.inode), ("127.0.0.1", 22, 1167));
        let line = b"   0: 00000000000000000000000001000000:20FB 00000000000000000000000000000000:0000 0A 0:0 0:0 0 1000 0 42 1";
        let socket = socket_line(line, false).unwrap().unwrap();
        assert_eq!((socket.address.to_string().as_str(), socket.port, socket.uid), ("::1", 8443, 1000));
        // Established: not a listener. Cut short: malformed.
        assert_eq!(socket_line(b"1: 0100007F:0016 0100007F:9999 01 0:0 0:0 0 0 0 1", false), Some(None));
        assert_eq!(socket_line(b"1: 0100007F:0016", false), None);
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (socket_line(&bytes, false), endpoint(&bytes));
        }
    }
}
