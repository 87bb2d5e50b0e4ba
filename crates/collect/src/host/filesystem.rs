//! File systems: `/proc/self/mountinfo` says which, `statvfs(2)` how full.
//!
//! Only local types are asked: `statvfs` on a network file system whose server is gone blocks for ever, and no deadline
//! can take a thread out of that.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use crate::metrics::Metric;
use crate::note::{Notes, Problem};
use crate::parse::{fields, lines, unescape_octal};
use crate::sampler::{Sampler, SeriesRef};
use crate::source::Source;

const LOCAL_TYPES: &[&[u8]] = &[
    b"bcachefs",
    b"btrfs",
    b"exfat",
    b"ext2",
    b"ext3",
    b"ext4",
    b"f2fs",
    b"jfs",
    b"ntfs3",
    b"reiserfs",
    b"vfat",
    b"xfs",
    b"zfs",
];
/// Memory file systems that fill up in practice.
const TMPFS_MOUNTS: &[&[u8]] = &[b"/tmp", b"/run", b"/dev/shm"];
/// Most file systems followed.
const MOUNTS_MAX: usize = 256;

/// One line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub device_number: Vec<u8>,
    /// What of the file system is mounted: `/` unless it is a bind mount.
    pub fs_root: Vec<u8>,
    pub point: Vec<u8>,
    pub options: Vec<u8>,
    pub kind: Vec<u8>,
    pub device: Vec<u8>,
    pub super_options: Vec<u8>,
}

/// Parses a line of `/proc/*/mountinfo`, see proc(5).
pub(crate) fn mountinfo_line(line: &[u8]) -> Option<Mount> {
    let mut words = fields(line);
    let device_number = words.nth(2)?.to_vec();
    let fs_root = unescape_octal(words.next()?);
    let point = unescape_octal(words.next()?);
    let options = words.next()?.to_vec();
    // Optional fields end with a lone hyphen.
    words.find(|w| *w == b"-")?;
    let kind = unescape_octal(words.next()?);
    let device = unescape_octal(words.next()?);
    let super_options = words.next().unwrap_or_default().to_vec();
    point.starts_with(b"/").then_some(Mount {
        device_number,
        fs_root,
        point,
        options,
        kind,
        device,
        super_options,
    })
}

impl Mount {
    pub(crate) fn readonly(&self) -> bool {
        let has_ro = |options: &[u8]| options.split(|b| *b == b',').any(|o| o == b"ro");
        has_ro(&self.options) || has_ro(&self.super_options)
    }
}

#[derive(Debug)]
pub(crate) struct Filesystems {
    root: PathBuf,
    source: Source,
    hasher: RandomState,
    table_hash: Option<u64>,
    mounts: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    readonly: bool,
    series: [SeriesRef; 4],
    inodes: [SeriesRef; 2],
    readonly_series: SeriesRef,
}

impl Filesystems {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            source: Source::new(root, "proc/self/mountinfo"),
            hasher: RandomState::new(),
            table_hash: None,
            mounts: Vec::new(),
        }
    }

    pub(crate) fn sample(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        if let Some(text) = self.source.read(buffer, notes) {
            let hash = self.hasher.hash_one(text);
            if self.table_hash != Some(hash) {
                self.table_hash = Some(hash);
                let chosen = choose(text, notes);
                self.mounts = chosen.iter().map(|m| watch(&self.root, m, out)).collect();
            }
        }
        for mount in &self.mounts {
            out.push(mount.readonly_series, f64::from(u8::from(mount.readonly)));
            let Ok(stat) = rustix::fs::statvfs(&mount.path) else {
                notes.add("statvfs", Problem::Unreadable);
                continue;
            };
            let bytes = |blocks: u64| blocks as f64 * stat.f_frsize as f64;
            if stat.f_blocks > 0 {
                let used = stat.f_blocks.saturating_sub(stat.f_bfree);
                for (series, blocks) in mount.series.iter().zip([
                    stat.f_blocks,
                    used,
                    stat.f_bfree,
                    stat.f_bavail.min(stat.f_bfree),
                ]) {
                    out.push(*series, bytes(blocks));
                }
            }
            if stat.f_files > 0 {
                out.push(mount.inodes[0], stat.f_files as f64);
                out.push(mount.inodes[1], stat.f_ffree as f64);
            }
        }
    }
}

fn watch(root: &Path, mount: &Mount, out: &mut Sampler) -> Watched {
    use std::os::unix::ffi::OsStrExt as _;
    let relative = mount.point.strip_prefix(b"/").unwrap_or(&mount.point);
    let labels: [&[u8]; 3] = [&mount.device, &mount.point, &mount.kind];
    Watched {
        path: root.join(std::ffi::OsStr::from_bytes(relative)),
        readonly: mount.readonly(),
        series: [Metric::FsSize, Metric::FsUsed, Metric::FsFree, Metric::FsAvailable]
            .map(|m| out.series(m, &labels)),
        inodes: [Metric::FsInodesTotal, Metric::FsInodesFree].map(|m| out.series(m, &[&mount.point])),
        readonly_series: out.series(Metric::FsReadonly, &[&mount.point]),
    }
}

/// The file systems worth watching: local, each device once, what is mounted last on a point.
fn choose(text: &[u8], notes: &mut Notes) -> Vec<Mount> {
    let mut chosen: Vec<Mount> = Vec::new();
    for line in lines(text).filter(|l| !l.is_empty()) {
        let Some(mount) = mountinfo_line(line) else {
            notes.add("proc/self/mountinfo", Problem::Malformed);
            continue;
        };
        // Whatever this is, it hides what was mounted here before.
        chosen.retain(|m| m.point != mount.point);
        let wanted = match mount.kind.as_slice() {
            b"tmpfs" => TMPFS_MOUNTS.contains(&mount.point.as_slice()),
            b"overlay" => mount.point == b"/",
            kind => LOCAL_TYPES.contains(&kind),
        };
        if !wanted || mount.point.contains(&0) || mount.point.windows(4).any(|w| w == b"/../") {
            continue;
        }
        let rank = |m: &Mount| (m.fs_root != b"/", m.point.len());
        match chosen.iter().position(|m| m.device_number == mount.device_number) {
            Some(same) if rank(&mount) < rank(&chosen[same]) => chosen[same] = mount,
            Some(_) => {}
            None if chosen.len() < MOUNTS_MAX => chosen.push(mount),
            None => notes.add("proc/self/mountinfo", Problem::Cut),
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_local_device_is_watched_once_and_nothing_pseudo_or_remote() {
        let text = b"22 27 0:21 / /proc rw - proc proc rw\n\
            27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro\n\
            30 27 254:0 /srv /mnt/bind rw - ext4 /dev/vda rw\n\
            31 27 254:1 / /mnt/a\\040b rw master:1 - xfs /dev/vdb ro\n\
            32 27 0:40 / /net rw - nfs4 server:/x rw\n\
            33 27 0:41 / /run rw - tmpfs tmpfs rw\n\
            34 27 0:42 / /run/user/0 rw - tmpfs tmpfs rw\n\
            35 27 254:3 / /hidden rw - ext4 /dev/vdd rw\n\
            36 27 0:43 / /hidden rw - nfs4 server:/y rw\n\
            broken line\n";
        let mut notes = Notes::default();
        let chosen = choose(text, &mut notes);
        let points: Vec<_> = chosen.iter().map(|m| String::from_utf8_lossy(&m.point).into_owned()).collect();
        assert_eq!(points, ["/", "/mnt/a b", "/run"]);
        assert_eq!(chosen.iter().map(Mount::readonly).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(notes.take().len(), 1);
    }

    proptest! {
        #[test]
        fn no_mount_table_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = choose(&bytes, &mut Notes::default());
        }
    }
}
