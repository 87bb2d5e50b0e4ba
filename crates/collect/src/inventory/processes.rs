//! Running processes by name, user and program. Kernel threads and what lives less than half a minute are left out:
//! an inventory says what runs on a machine, not what passes by.

use std::ffi::CStr;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use rustix::fs::AtFlags;

use super::section::Writer;
use super::{accounts, cmdline};
use crate::host::processes::{each_process, open_proc, read_of};
use crate::note::{Notes, Problem};
use crate::parse::{decimal, fields, lines, number, proc_stat};
use crate::source::read_small;
use crate::text;

/// Youngest process told, in seconds.
const AGE_SECONDS_MIN: f64 = 30.0;
/// Most processes looked at.
const PROCESSES_MAX: usize = 20_000;
/// The parent of all kernel threads.
const KTHREADD: u32 = 2;

/// A process whose group is known. What it is can change while it runs (`exec`), which its short name shows.
#[derive(Debug, Clone, Copy)]
struct Known {
    pid: u32,
    start: u64,
    comm: u64,
    group: u32,
}

#[derive(Debug)]
struct Group {
    key: Box<str>,
    /// The process that stands for the group when it was last told.
    told: Option<(u32, u64)>,
    /// The oldest in this scan.
    oldest: Option<(u64, u32)>,
}

#[derive(Debug, Default)]
pub(crate) struct Running {
    known: Vec<Known>,
    groups: Vec<Group>,
    hasher: RandomState,
}

impl Running {
    pub(crate) fn scan(&mut self, root: &Path, observed_ms: i64, mut out: Writer<'_>, notes: &mut Notes) {
        let uptime =
            read_small(&root.join("proc/uptime"), 64).and_then(|t| fields(&t).next().and_then(decimal));
        let (Ok(proc), Some(uptime)) = (open_proc(root), uptime) else {
            return out.finish(false, notes);
        };
        let hz = rustix::param::clock_ticks_per_second() as f64;
        for group in &mut self.groups {
            group.oldest = None;
        }
        let mut now: Vec<Known> = Vec::with_capacity(self.known.len());
        let mut passwd = None;
        let mut small = [0u8; 512];
        let mut buffer = vec![std::mem::MaybeUninit::uninit(); 4096];
        let walked = each_process(&proc, &mut buffer, |name, pid| {
            if now.len() >= PROCESSES_MAX {
                notes.add("processes", Problem::Cut);
                return false;
            }
            let Some(stat) = read_of(&proc, name, "stat", &mut small).and_then(proc_stat) else {
                return true;
            };
            let age = uptime - stat.start_ticks as f64 / hz;
            if pid == KTHREADD || stat.ppid == KTHREADD || age < AGE_SECONDS_MIN || stat.state == b'Z' {
                return true;
            }
            let comm = self.hasher.hash_one(stat.comm);
            let known = self.known.binary_search_by_key(&pid, |k| k.pid).ok().map(|at| self.known[at]);
            let group = match known.filter(|k| k.start == stat.start_ticks && k.comm == comm) {
                Some(known) => known.group,
                None => {
                    let passwd = passwd.get_or_insert_with(|| {
                        read_small(&root.join("etc/passwd"), 1 << 20).unwrap_or_default()
                    });
                    let key = key(&proc, name, stat.comm, passwd);
                    let at = self.groups.iter().position(|g| *g.key == *key).unwrap_or_else(|| {
                        self.groups.push(Group { key: key.into(), told: None, oldest: None });
                        self.groups.len() - 1
                    });
                    at as u32
                }
            };
            now.push(Known { pid, start: stat.start_ticks, comm, group });
            if let Some(group) = self.groups.get_mut(group as usize) {
                let this = (stat.start_ticks, pid);
                group.oldest = Some(group.oldest.map_or(this, |oldest| oldest.min(this)));
            }
            true
        });
        now.sort_unstable_by_key(|k| k.pid);
        self.known = now;
        let passwd = passwd.unwrap_or_default();
        for group in &mut self.groups {
            let Some((start, pid)) = group.oldest else {
                group.told = None;
                continue;
            };
            if group.told == Some((pid, start)) && out.keep(&group.key, notes) {
                continue;
            }
            group.told = Some((pid, start));
            let started = observed_ms - ((uptime - start as f64 / hz) * 1000.0) as i64;
            tell(root, &proc, &group.key, pid, started, &passwd, &mut out, notes);
        }
        if self.groups.len() > 64
            && self.groups.iter().filter(|g| g.oldest.is_none()).count() > self.groups.len() / 2
        {
            self.forget_gone();
        }
        out.finish(walked.is_ok(), notes);
    }

    /// Drops groups without processes and renumbers the others.
    fn forget_gone(&mut self) {
        let mut number = vec![u32::MAX; self.groups.len()];
        let mut at = 0;
        for (old, group) in self.groups.iter().enumerate() {
            if group.oldest.is_some() {
                number[old] = at;
                at += 1;
            }
        }
        self.groups.retain(|g| g.oldest.is_some());
        for known in &mut self.known {
            known.group = number.get(known.group as usize).copied().unwrap_or(u32::MAX);
        }
        self.known.retain(|k| k.group != u32::MAX);
    }
}

/// Name, user and program: what makes two processes the same for an inventory.
fn key(proc: &std::os::fd::OwnedFd, pid: &CStr, comm: &[u8], passwd: &[u8]) -> String {
    let name = text::clean(comm, 64);
    let user = user(proc, pid, passwd);
    format!("{name} {user} {}", program(proc, pid))
}

fn user(proc: &std::os::fd::OwnedFd, pid: &CStr, passwd: &[u8]) -> String {
    let Ok(stat) = rustix::fs::statat(proc, pid, AtFlags::empty()) else { return String::new() };
    // The folder of a process that may not be inspected belongs to root; its status tells the truth.
    let mut status = [0u8; 2048];
    let uid = read_of(proc, pid, "status", &mut status)
        .and_then(|t| lines(t).find_map(|l| l.strip_prefix(b"Uid:")))
        .and_then(|l| fields(l).nth(1).and_then(number))
        .and_then(|n| u32::try_from(n).ok());
    accounts::user_name(passwd, uid.unwrap_or(stat.st_uid))
}

/// The program's path by its link, or by its first argument when the link may not be read.
fn program(proc: &std::os::fd::OwnedFd, pid: &CStr) -> String {
    let link = [pid.to_bytes(), b"/exe"].concat();
    let mut path = [0u8; 256];
    if let Ok(len) = rustix::fs::readlinkat_raw(proc, link, &mut path[..]) {
        let target = &path[..len.min(256)];
        // A program replaced by an update runs on until it is restarted.
        return text::clean(target.strip_suffix(b" (deleted)").unwrap_or(target), 160);
    }
    let mut raw = [0u8; 256];
    let first = read_of(proc, pid, "cmdline", &mut raw).and_then(|t| t.split(|b| *b == 0).next());
    text::clean(first.filter(|f| f.starts_with(b"/") && !f.contains(&b' ')).unwrap_or_default(), 160)
}

#[allow(clippy::too_many_arguments, reason = "one call, all of them plain facts")]
fn tell(
    root: &Path,
    proc: &std::os::fd::OwnedFd,
    key: &str,
    pid: u32,
    started_ms: i64,
    passwd: &[u8],
    out: &mut Writer<'_>,
    notes: &mut Notes,
) {
    let Ok(name) = std::ffi::CString::new(pid.to_string()) else { return };
    let mut small = [0u8; 512];
    let comm = read_of(proc, &name, "stat", &mut small).and_then(proc_stat).map(|s| s.comm.to_vec());
    let mut raw = [0u8; 2048];
    let line = read_of(proc, &name, "cmdline", &mut raw).map(cmdline::from_proc).unwrap_or_default();
    let mut link = [0u8; 256];
    let replaced = rustix::fs::readlinkat_raw(proc, [name.to_bytes(), b"/exe"].concat(), &mut link[..])
        .is_ok_and(|len| link[..len.min(256)].ends_with(b" (deleted)"));
    let owned;
    let passwd = if passwd.is_empty() {
        owned = read_small(&root.join("etc/passwd"), 1 << 20).unwrap_or_default();
        &owned
    } else {
        passwd
    };
    // Rounded to seconds: the two clocks this comes from do not agree on more.
    let started = (started_ms.saturating_add(500)).div_euclid(1000).saturating_mul(1000);
    out.item(
        key.as_bytes(),
        &[
            ("name", &comm.unwrap_or_default()),
            ("user", user(proc, &name, passwd).as_bytes()),
            ("program", program(proc, &name).as_bytes()),
            ("command", &line),
            ("started_ms", started.to_string().as_bytes()),
            ("replaced", if replaced { b"true" } else { b"" }),
        ],
        notes,
    );
}
