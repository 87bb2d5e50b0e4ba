//! Users, groups and sudo rights from `/etc`. A password's hash is looked at for its kind and never leaves this file.

use std::path::{Path, PathBuf};

use super::section::Writer;
use super::{Stamp, cmdline, dir_entries, shown};
use crate::note::{Notes, Problem};
use crate::parse::{fields, lines, number, trim};
use crate::source::read_small;

/// Largest account file read.
const FILE_BYTES_MAX: usize = 8 << 20;
/// Files that sudo's include directives may lead to, and how deep.
const SUDO_FILES_MAX: usize = 128;
const SUDO_DEPTH_MAX: usize = 8;
const SUDO_RULES_MAX: usize = 5_000;
const SUDO_LINE_BYTES_MAX: usize = 8 << 10;

/// The name of `uid` in the text of a passwd file, or the number.
pub(crate) fn user_name(passwd: &[u8], uid: u32) -> String {
    lines(passwd)
        .filter_map(passwd_line)
        .find(|user| user.uid == u64::from(uid))
        .map_or_else(|| uid.to_string(), |user| crate::text::clean(user.name, 64))
}

pub(crate) struct PasswdLine<'a> {
    pub name: &'a [u8],
    pub password: &'a [u8],
    pub uid: u64,
    pub gid: u64,
    pub gecos: &'a [u8],
    pub home: &'a [u8],
    pub shell: &'a [u8],
}

pub(crate) fn passwd_line(line: &[u8]) -> Option<PasswdLine<'_>> {
    let mut parts = line.split(|b| *b == b':');
    let name = parts.next().filter(|n| !n.is_empty() && n[0] != b'#')?;
    Some(PasswdLine {
        name,
        password: parts.next()?,
        uid: number(parts.next()?)?,
        gid: number(parts.next()?)?,
        gecos: parts.next()?,
        home: parts.next()?,
        shell: parts.next()?,
    })
}

/// What kind of password a field of passwd or shadow holds; see crypt(5).
fn password_kind(field: &[u8]) -> &'static str {
    match field {
        b"" => "none",
        [b'!' | b'*', ..] => "locked",
        _ => match field.split(|b| *b == b'$').nth(1) {
            Some(b"y") => "yescrypt",
            Some(b"gy") => "gost-yescrypt",
            Some(b"7") => "scrypt",
            Some(b"6") => "sha512crypt",
            Some(b"5") => "sha256crypt",
            Some(b"1") => "md5crypt",
            Some(b"2a" | b"2b" | b"2x" | b"2y") => "bcrypt",
            Some(_) => "other",
            None => "descrypt",
        },
    }
}

pub(crate) fn users(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let Some(passwd) = read_small(&root.join("etc/passwd"), FILE_BYTES_MAX) else {
        return out.finish(false, notes);
    };
    // Only the superuser may read it; without it the kind of a password is unknown.
    let shadow = zeroize_on_drop(read_small(&root.join("etc/shadow"), FILE_BYTES_MAX));
    for line in lines(&passwd).filter(|l| !trim(l).is_empty()) {
        let Some(user) = passwd_line(line) else {
            notes.add("etc/passwd", Problem::Malformed);
            continue;
        };
        let (mut kind, mut changed) = (password_kind(user.password), String::new());
        if user.password == b"x" {
            kind = "unknown";
            if let Some(shadow) = &shadow.0 {
                let entry = lines(shadow)
                    .find(|l| l.strip_prefix(user.name).is_some_and(|rest| rest.starts_with(b":")));
                let mut parts = entry.unwrap_or_default().split(|b| *b == b':').skip(1);
                kind =
                    if entry.is_some() { password_kind(parts.next().unwrap_or_default()) } else { "locked" };
                changed = parts.next().and_then(number).map(|days| days.to_string()).unwrap_or_default();
            }
        }
        out.item(
            user.name,
            &[
                ("uid", user.uid.to_string().as_bytes()),
                ("gid", user.gid.to_string().as_bytes()),
                ("comment", user.gecos),
                ("home", user.home),
                ("shell", user.shell),
                ("password", kind.as_bytes()),
                ("password_changed_day", changed.as_bytes()),
            ],
            notes,
        );
    }
    out.finish(true, notes);
}

/// Overwrites hashes before their memory is given back.
struct Wiped(Option<Vec<u8>>);

fn zeroize_on_drop(bytes: Option<Vec<u8>>) -> Wiped {
    Wiped(bytes)
}

impl Drop for Wiped {
    fn drop(&mut self) {
        if let Some(bytes) = &mut self.0 {
            bytes.fill(0);
            std::hint::black_box(bytes);
        }
    }
}

pub(crate) fn groups(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let Some(group) = read_small(&root.join("etc/group"), FILE_BYTES_MAX) else {
        return out.finish(false, notes);
    };
    for line in lines(&group).filter(|l| !trim(l).is_empty() && l[0] != b'#') {
        let mut parts = line.split(|b| *b == b':');
        let (name, gid) = (parts.next().unwrap_or_default(), parts.nth(1).and_then(number));
        let (Some(gid), false) = (gid, name.is_empty()) else {
            notes.add("etc/group", Problem::Malformed);
            continue;
        };
        let members = parts.next().unwrap_or_default();
        out.item(name, &[("gid", gid.to_string().as_bytes()), ("members", members)], notes);
    }
    out.finish(true, notes);
}

pub(crate) fn sudo_stamp(root: &Path) -> u64 {
    let mut stamp = Stamp::default();
    stamp.add(&root.join("etc/sudoers"));
    stamp.add_dir(&root.join("etc/sudoers.d"));
    stamp.0
}

pub(crate) fn sudo(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let start = root.join("etc/sudoers");
    if !start.exists() {
        return out.finish(true, notes);
    }
    let mut walk = Sudo { root, complete: true, files: 0, rules: 0 };
    walk.file(&start, 0, &mut out, notes);
    let complete = walk.complete;
    out.finish(complete, notes);
}

struct Sudo<'a> {
    root: &'a Path,
    complete: bool,
    files: usize,
    rules: usize,
}

impl Sudo<'_> {
    fn file(&mut self, path: &Path, depth: usize, out: &mut Writer<'_>, notes: &mut Notes) {
        self.files += 1;
        if self.files > SUDO_FILES_MAX || depth > SUDO_DEPTH_MAX {
            notes.add("sudo", Problem::Cut);
            return;
        }
        let Some(text) = read_small(path, 1 << 20) else {
            self.complete = false;
            return;
        };
        for line in joined(&text) {
            if self.rules >= SUDO_RULES_MAX {
                notes.add("sudo", Problem::Cut);
                return;
            }
            let line = trim(&line);
            if let Some((is_dir, target)) = include(line) {
                let target = self.target(path, target);
                if !is_dir {
                    self.file(&target, depth + 1, out, notes);
                    continue;
                }
                for entry in dir_entries(&target) {
                    // sudo skips names with a dot or a tilde at the end.
                    let name = entry.file_name().and_then(|n| n.to_str()).unwrap_or(".");
                    if !name.contains('.') && !name.ends_with('~') {
                        self.file(&entry, depth + 1, out, notes);
                    }
                }
                continue;
            }
            if line.is_empty() || line[0] == b'#' && !line.get(1).is_some_and(u8::is_ascii_digit) {
                continue;
            }
            self.rules += 1;
            let first = fields(line).next().unwrap_or_default();
            let kind: &[u8] = if first.starts_with(b"Defaults") {
                b"default"
            } else if [&b"User_Alias"[..], b"Runas_Alias", b"Host_Alias", b"Cmnd_Alias", b"Cmd_Alias"]
                .contains(&first)
            {
                b"alias"
            } else {
                b"rule"
            };
            let rest = trim(&line[first.len()..]);
            let file = shown(self.root, path);
            let key = format!("{file} {}", cmdline::short_digest(line));
            let nopasswd: &[u8] = if line.windows(9).any(|w| w == b"NOPASSWD:") { b"true" } else { b"" };
            out.item(
                key.as_bytes(),
                &[
                    ("file", file.as_bytes()),
                    ("kind", kind),
                    ("subject", first),
                    ("rights", rest),
                    ("without_password", nopasswd),
                ],
                notes,
            );
        }
    }

    fn target(&self, from: &Path, target: &[u8]) -> PathBuf {
        use std::os::unix::ffi::OsStrExt as _;
        let target = Path::new(std::ffi::OsStr::from_bytes(target));
        match target.strip_prefix("/") {
            Ok(inside) => self.root.join(inside),
            Err(_) => from.parent().unwrap_or(self.root).join(target),
        }
    }
}

/// Lines with their continuations (a backslash at the end) joined, bounded.
fn joined(text: &[u8]) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    for line in lines(text) {
        let (part, more) = match line.strip_suffix(b"\\") {
            Some(part) => (part, true),
            None => (line, false),
        };
        if open && let Some(last) = out.last_mut() {
            let room = SUDO_LINE_BYTES_MAX.saturating_sub(last.len());
            last.extend_from_slice(&part[..part.len().min(room)]);
        } else if out.len() <= 2 * SUDO_RULES_MAX {
            out.push(part[..part.len().min(SUDO_LINE_BYTES_MAX)].to_vec());
        }
        open = more;
    }
    out
}

/// An include directive: whether of a folder, and what.
fn include(line: &[u8]) -> Option<(bool, &[u8])> {
    let rest = line.strip_prefix(b"@").or_else(|| line.strip_prefix(b"#"))?;
    let mut words = fields(rest);
    let is_dir = match words.next()? {
        b"include" => false,
        b"includedir" => true,
        _ => return None,
    };
    let target = words.next()?;
    Some((is_dir, target.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(target)))
}

/// For the fuzz target.
pub(crate) fn exercise(bytes: &[u8]) {
    let _ = (passwd_line(bytes), user_name(bytes, 0), password_kind(bytes), joined(bytes), include(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_password_field_tells_its_kind_only() {
        for (field, kind) in [
            (&b""[..], "none"),
            (b"!", "locked"),
            (b"!$6$salt$hash", "locked"),
            (b"*", "locked"),
            (b"$y$j9T$salt$hash", "yescrypt"),
            (b"$6$salt$hash", "sha512crypt"),
            (b"$1$salt$hash", "md5crypt"),
            (b"$2b$12$hash", "bcrypt"),
            (b"abJnggxhB/yWI", "descrypt"),
        ] {
            assert_eq!(password_kind(field), kind);
        }
    }

    proptest! {
        #[test]
        fn no_account_file_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (passwd_line(&bytes), user_name(&bytes, 0), password_kind(&bytes), joined(&bytes), include(&bytes));
        }
    }
}
