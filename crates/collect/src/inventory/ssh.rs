//! SSH keys: who may log in with which (`authorized_keys`), and the machine's own (`ssh_host_*_key.pub`).
//!
//! Only public keys are read, and only their fingerprints leave this file. Homes on network file systems are not looked
//! into.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::accounts::passwd_line;
use super::section::Writer;
use super::{Stamp, dir_entries, shown};
use crate::host::filesystem::mountinfo_line;
use crate::note::{Notes, Problem};
use crate::parse::{lines, trim};
use crate::source::read_small;

/// Most users whose files are looked at, and the largest file.
const USERS_MAX: usize = 5_000;
const FILE_BYTES_MAX: usize = 1 << 20;
const NAMES: [&str; 2] = [".ssh/authorized_keys", ".ssh/authorized_keys2"];

/// One key as a line of `authorized_keys` gives it.
#[derive(Debug, PartialEq, Eq)]
struct Key<'a> {
    options: &'a [u8],
    kind: &'a [u8],
    /// `SHA256:` and base64 without padding, as ssh-keygen shows it.
    fingerprint: String,
    comment: &'a [u8],
}

pub(crate) fn stamp(root: &Path) -> u64 {
    let mut stamp = Stamp::default();
    stamp.add(&root.join("etc/passwd"));
    stamp.add(&root.join("etc/ssh"));
    for (_, path) in files(root) {
        stamp.add(&path);
    }
    stamp.0
}

/// Where network file systems are mounted: a look into one whose server is gone would never come back, and a look into an
/// automatic mount would mount it.
fn remote_mounts(root: &Path) -> Vec<Vec<u8>> {
    const REMOTE: [&[u8]; 12] = [
        b"9p",
        b"afs",
        b"autofs",
        b"ceph",
        b"cifs",
        b"glusterfs",
        b"lustre",
        b"ncpfs",
        b"nfs",
        b"nfs4",
        b"smb3",
        b"smbfs",
    ];
    let table = read_small(&root.join("proc/self/mountinfo"), FILE_BYTES_MAX).unwrap_or_default();
    lines(&table)
        .filter_map(mountinfo_line)
        .filter(|m| REMOTE.contains(&m.kind.as_slice()) || m.kind.starts_with(b"fuse"))
        .map(|m| m.point)
        .collect()
}

fn is_below(path: &[u8], mount: &[u8]) -> bool {
    mount != b"/" && path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// User and file, for each user with a home on this machine's own disks.
fn files(root: &Path) -> Vec<(Vec<u8>, PathBuf)> {
    use std::os::unix::ffi::OsStrExt as _;
    let passwd = read_small(&root.join("etc/passwd"), 8 << 20).unwrap_or_default();
    let remote = remote_mounts(root);
    let mut homes: Vec<&[u8]> = Vec::new();
    let mut found = Vec::new();
    for user in lines(&passwd).filter_map(passwd_line).take(USERS_MAX) {
        let home = user.home.strip_prefix(b"/").unwrap_or_default();
        // Many system users share a home such as /nonexistent or /.
        if home.is_empty() || homes.contains(&home) {
            continue;
        }
        homes.push(home);
        if remote.iter().any(|mount| is_below(user.home, mount)) {
            continue;
        }
        for name in NAMES {
            let path = root.join(std::ffi::OsStr::from_bytes(home)).join(name);
            if path.symlink_metadata().is_ok() {
                found.push((user.name.to_vec(), path));
            }
        }
    }
    found
}

pub(crate) fn scan(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let mut complete = true;
    for (user, path) in files(root) {
        let Some(text) = read_small(&path, FILE_BYTES_MAX) else {
            complete = false;
            continue;
        };
        let file = shown(root, &path);
        for line in lines(&text).map(trim).filter(|l| !l.is_empty() && l[0] != b'#') {
            let Some(key) = key(line) else {
                notes.add("ssh_keys", Problem::Malformed);
                continue;
            };
            item(&mut out, &user, &key, &file, "login", notes);
        }
    }
    for path in dir_entries(&root.join("etc/ssh")) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if !name.starts_with("ssh_host_") || !name.ends_with("_key.pub") {
            continue;
        }
        let text = read_small(&path, 64 << 10).unwrap_or_default();
        match key(trim(&text)) {
            Some(key) => item(&mut out, b"", &key, &shown(root, &path), "host", notes),
            None => notes.add("ssh_keys", Problem::Malformed),
        }
    }
    out.finish(complete, notes);
}

fn item(out: &mut Writer<'_>, user: &[u8], key: &Key<'_>, file: &str, purpose: &str, notes: &mut Notes) {
    let name = match purpose {
        "host" => format!("host {}", key.fingerprint).into_bytes(),
        _ => [user, b" ", key.fingerprint.as_bytes()].concat(),
    };
    let options = super::cmdline::from_line(key.options);
    out.item(
        &name,
        &[
            ("purpose", purpose.as_bytes()),
            ("user", user),
            ("type", key.kind),
            ("fingerprint", key.fingerprint.as_bytes()),
            ("comment", key.comment),
            ("options", &options),
            ("file", file.as_bytes()),
        ],
        notes,
    );
}

/// A line of `authorized_keys` or of a `.pub` file; see sshd(8).
fn key(line: &[u8]) -> Option<Key<'_>> {
    let (first, rest) = word(line);
    if let Some(key) = plain(b"", first, rest) {
        return Some(key);
    }
    // Options come first; spaces count only outside of quotes.
    let (options, rest) = quoted_word(line);
    let (kind, rest) = word(rest);
    plain(options, kind, rest)
}

fn plain<'a>(options: &'a [u8], kind: &'a [u8], rest: &'a [u8]) -> Option<Key<'a>> {
    let known = [&b"ssh-"[..], b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-", b"rsa-sha2-"];
    if !known.iter().any(|prefix| kind.starts_with(prefix)) || kind.len() > 64 {
        return None;
    }
    let (text, comment) = word(rest);
    let blob = STANDARD.decode(text).ok()?;
    // The key names its own kind again: four bytes of length, then the name. Certificates name themselves too.
    let len = u32::from_be_bytes(blob.get(..4)?.try_into().ok()?) as usize;
    (blob.get(4..4 + len.min(64))? == kind).then(|| Key {
        options,
        kind,
        fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(digest::digest(&digest::SHA256, &blob))),
        comment,
    })
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| *b == b' ' || *b == b'\t').unwrap_or(text.len());
    (&text[..end], trim(&text[end..]))
}

fn quoted_word(text: &[u8]) -> (&[u8], &[u8]) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, b) in text.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b' ' | b'\t' if !quoted => return (&text[..at], trim(&text[at..])),
            _ => {}
        }
    }
    (text, b"")
}

/// For the fuzz target.
pub(crate) fn exercise(bytes: &[u8]) {
    let _ = key(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Made with `ssh-keygen -t ed25519`; the fingerprint is what `ssh-keygen -lf` shows for it.
    const LINE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBx1W5zQO5ICh3tlbmm6rVGbmE0WJ5dUDoZRhNQkbnTN a comment";

    #[test]
    fn options_with_spaces_and_quotes_do_not_hide_a_key() {
        let plain = key(LINE.as_bytes()).unwrap();
        assert_eq!((plain.kind, plain.comment), (&b"ssh-ed25519"[..], &b"a comment"[..]));
        assert!(plain.fingerprint.starts_with("SHA256:") && plain.fingerprint.len() == 50);
        let line = format!(r#"from="10.0.0.0/8",command="echo \"a b\"" {LINE}"#);
        let got = key(line.as_bytes()).unwrap();
        assert_eq!(got.fingerprint, plain.fingerprint);
        assert_eq!(got.options, br#"from="10.0.0.0/8",command="echo \"a b\"""#);
    }

    #[test]
    fn homes_on_a_servers_disk_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("etc/passwd", "ann:x:1:1::/home/ann:/bin/sh\nbob:x:2:2::/homes/bob:/bin/sh\n"),
            ("proc/self/mountinfo", "1 1 0:1 / /home rw - nfs4 server:/home rw\n"),
            ("home/ann/.ssh/authorized_keys", LINE),
            ("homes/bob/.ssh/authorized_keys", LINE),
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let users: Vec<_> = files(dir.path()).into_iter().map(|(user, _)| user).collect();
        assert_eq!(users, [b"bob"]);
    }

    #[test]
    fn a_key_that_lies_about_its_kind_is_no_key() {
        assert_eq!(key(LINE.replace("ssh-ed25519 ", "ssh-rsa ").as_bytes()), None);
        assert_eq!(key(b"ssh-ed25519 %%%"), None);
        assert_eq!(key(b"ssh-ed25519"), None);
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = key(&bytes);
            let _ = key(&[b"ssh-rsa ", &bytes[..]].concat());
        }
    }
}
