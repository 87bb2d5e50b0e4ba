//! What runs by itself at a time: crontabs, the folders of cron, and systemd's timer units as files.

use std::path::{Path, PathBuf};

use super::section::Writer;
use super::{Stamp, cmdline, dir_entries, shown};
use crate::note::{Notes, Problem};
use crate::parse::{lines, trim};
use crate::source::read_small;

const FILE_BYTES_MAX: usize = 1 << 20;
/// Folders of users' crontabs: Debian's and Red Hat's. The file's name is the user's.
const SPOOLS: [&str; 2] = ["var/spool/cron/crontabs", "var/spool/cron"];
const PERIODS: [&str; 4] = ["hourly", "daily", "weekly", "monthly"];
/// Folders of timer units; an earlier one hides the same name in a later one.
const UNIT_DIRS: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
const ENABLED: [&str; 2] =
    ["etc/systemd/system/timers.target.wants", "run/systemd/system/timers.target.wants"];

pub(crate) fn stamp(root: &Path) -> u64 {
    let mut stamp = Stamp::default();
    stamp.add(&root.join("etc/crontab"));
    for dir in ["etc/cron.d"].into_iter().chain(SPOOLS) {
        stamp.add_dir(&root.join(dir));
    }
    for period in PERIODS {
        stamp.add(&root.join(format!("etc/cron.{period}")));
    }
    // A unit that is edited in place in a package's folder goes unseen; packages replace files, administrators use /etc.
    for dir in UNIT_DIRS.into_iter().chain(ENABLED) {
        stamp.add(&root.join(dir));
    }
    for path in dir_entries(&root.join(UNIT_DIRS[0])) {
        if path.extension().is_some_and(|e| e == "timer") {
            stamp.add(&path);
        }
    }
    stamp.0
}

pub(crate) fn scan(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let mut complete = true;
    let mut system: Vec<PathBuf> = vec![root.join("etc/crontab")];
    system.extend(dir_entries(&root.join("etc/cron.d")).into_iter().filter(|p| is_cron_name(p)));
    for path in system {
        if path.exists() {
            complete &= crontab(root, &path, None, &mut out, notes);
        }
    }
    for dir in SPOOLS {
        // Only the superuser may list users' crontabs.
        if std::fs::read_dir(root.join(dir)).is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
        {
            notes.add("timers", Problem::Unreadable);
        }
        for path in dir_entries(&root.join(dir)) {
            if path.is_file() {
                let user = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                complete &= crontab(root, &path, Some(&user), &mut out, notes);
            }
        }
    }
    for period in PERIODS {
        for path in
            dir_entries(&root.join(format!("etc/cron.{period}"))).into_iter().filter(|p| is_cron_name(p))
        {
            let file = shown(root, &path);
            let schedule = format!("@{period}");
            out.item(
                file.as_bytes(),
                &[
                    ("kind", b"cron"),
                    ("schedule", schedule.as_bytes()),
                    ("user", b"root"),
                    ("command", file.as_bytes()),
                    ("file", file.as_bytes()),
                ],
                notes,
            );
        }
    }
    units(root, &mut out, notes);
    out.finish(complete, notes);
}

/// cron ignores names with anything but letters, digits, `-` and `_`, such as backups of editors and packages.
fn is_cron_name(path: &Path) -> bool {
    path.file_name()
        .and_then(|n| n.to_str())
        .is_some_and(|n| n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
}

fn crontab(root: &Path, path: &Path, user: Option<&str>, out: &mut Writer<'_>, notes: &mut Notes) -> bool {
    let Some(text) = read_small(path, FILE_BYTES_MAX) else { return false };
    let file = shown(root, path);
    for line in lines(&text).map(trim).filter(|l| !l.is_empty() && l[0] != b'#') {
        if is_assignment(line) {
            continue;
        }
        let Some((schedule, line_user, command)) = cron_line(line, user.is_none()) else {
            notes.add("timers", Problem::Malformed);
            continue;
        };
        let user = user.map_or(line_user, str::as_bytes);
        let key = format!("{file} {}", cmdline::short_digest(line));
        out.item(
            key.as_bytes(),
            &[
                ("kind", b"cron"),
                ("schedule", schedule),
                ("user", user),
                ("command", &cmdline::from_line(command)),
                ("file", file.as_bytes()),
            ],
            notes,
        );
    }
    true
}

/// `NAME = value`: the environment of the lines below.
fn is_assignment(line: &[u8]) -> bool {
    let Some(sign) = line.iter().position(|b| *b == b'=') else { return false };
    let name = trim(&line[..sign]);
    !name.is_empty()
        && !name[0].is_ascii_digit()
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// Schedule, user (if the format has one) and command of a line; see crontab(5).
fn cron_line(line: &[u8], with_user: bool) -> Option<(&[u8], &[u8], &[u8])> {
    let wanted = if line.starts_with(b"@") { 1 } else { 5 };
    let mut rest = line;
    let mut take = || {
        let end = rest.iter().position(|b| *b == b' ' || *b == b'\t')?;
        let word = &rest[..end];
        rest = rest[end..].trim_ascii_start();
        Some((word, rest))
    };
    for _ in 0..wanted {
        take()?;
    }
    let mut schedule = &line[..line.len() - rest.len()];
    schedule = trim(schedule);
    let mut user: &[u8] = b"";
    if with_user {
        let end = rest.iter().position(|b| *b == b' ' || *b == b'\t')?;
        user = &rest[..end];
        rest = rest[end..].trim_ascii_start();
    }
    (!rest.is_empty()).then_some((schedule, user, rest))
}

fn units(root: &Path, out: &mut Writer<'_>, notes: &mut Notes) {
    let mut seen: Vec<std::ffi::OsString> = Vec::new();
    let mut dirs: Vec<PathBuf> = UNIT_DIRS.iter().map(|d| root.join(d)).collect();
    // On a merged /usr the last two are one folder.
    dirs.dedup_by_key(|d| d.canonicalize().ok());
    for dir in dirs {
        for path in dir_entries(&dir) {
            let Some(name) =
                path.file_name().filter(|n| Path::new(n).extension().is_some_and(|e| e == "timer"))
            else {
                continue;
            };
            if seen.iter().any(|s| s == name) || seen.len() >= 2_000 {
                continue;
            }
            seen.push(name.to_owned());
            // A link to /dev/null masks the unit: there is no file to read, and it cannot start.
            let Some(text) = read_small(&path, 64 << 10) else { continue };
            let schedule = unit_schedule(&text);
            let name = name.to_string_lossy();
            let enabled = ENABLED.iter().any(|d| root.join(d).join(&*name).symlink_metadata().is_ok());
            let unit = unit_value(&text, b"Unit").map_or_else(
                || format!("{}.service", name.trim_end_matches(".timer")),
                |v| String::from_utf8_lossy(v).into_owned(),
            );
            out.item(
                name.as_bytes(),
                &[
                    ("kind", b"systemd"),
                    ("schedule", &schedule),
                    ("command", unit.as_bytes()),
                    ("enabled", if enabled { b"true" } else { b"false" }),
                    ("file", shown(root, &path).as_bytes()),
                ],
                notes,
            );
        }
    }
}

/// All `On…=` lines of the `[Timer]` part, joined.
fn unit_schedule(text: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for line in lines(text).map(trim).filter(|l| l.starts_with(b"On") && l.contains(&b'=')).take(16) {
        if !out.is_empty() {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(&line[..line.len().min(200)]);
    }
    out
}

fn unit_value<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    lines(text)
        .map(trim)
        .find_map(|l| l.strip_prefix(key)?.strip_prefix(b"=").map(trim))
        .filter(|v| !v.is_empty())
}

/// For the fuzz target.
pub(crate) fn exercise(bytes: &[u8]) {
    let _ = (cron_line(bytes, true), cron_line(bytes, false), is_assignment(bytes), unit_schedule(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn crontab_lines_are_taken_apart() {
        assert_eq!(
            cron_line(b"17 *\t* * *  root  cd / && run-parts x", true),
            Some((&b"17 *\t* * *"[..], &b"root"[..], &b"cd / && run-parts x"[..]))
        );
        assert_eq!(cron_line(b"@reboot /x y", false), Some((&b"@reboot"[..], &b""[..], &b"/x y"[..])));
        assert_eq!(cron_line(b"1 2 3 4 5 root", true), None);
        assert!(is_assignment(b"MAILTO = a@b") && !is_assignment(b"* * * * * root X=1 y"));
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..120), with_user: bool) {
            let _ = (cron_line(&bytes, with_user), is_assignment(&bytes), unit_schedule(&bytes), unit_value(&bytes, b"Unit"));
        }
    }
}
