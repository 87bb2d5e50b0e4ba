//! What is on this machine: software, accounts, rights, listeners, processes, interfaces, schedules.
//!
//! The first scan tells everything, later ones tell changes. Between scans only a key and a 64-bit hash are kept per
//! item; files are read again only when their stamp (time, size, inode) has changed. What changes is handed out in
//! pieces of about [`CHUNK_BYTES`], so that a machine with 5 000 packages costs no more memory than one with 50.
//!
//! Local accounts only: users known to a directory service (LDAP, AD) are not listed, because asking for them would
//! mean loading the system's name service modules.

pub(crate) mod accounts;
mod cmdline;
mod lines;
mod listeners;
mod network;
mod packages;
mod processes;
mod rpm;
mod section;
mod ssh;
mod system;
mod timers;

use std::path::{Path, PathBuf};

use wk_wire::v1::InventoryDelta;

use crate::note::{Note, Notes};
use section::{Section, Writer};

pub use section::{CHUNK_BYTES, ITEMS_MAX};

/// Scans between two looks at what hardly ever changes.
const SCANS_PER_SLOW_LOOK: u32 = 10;

/// Names of the sections, in the order they are scanned. The section `top` comes from
/// [`crate::Collector::top`] instead.
pub const SECTIONS: &[&str] = &[
    "os",
    "hardware",
    "packages",
    "users",
    "groups",
    "sudo",
    "ssh_keys",
    "listeners",
    "processes",
    "interfaces",
    "mounts",
    "timers",
    "fields",
];

/// Where to look, and what a person has said about the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryConfig {
    /// Where `/proc`, `/sys`, `/etc`, `/var`, `/home` are found. Anything but `/` is a fixture tree.
    pub root: PathBuf,
    /// Custom fields of the agent's configuration: description, group, department, person responsible, location, ...
    pub fields: Vec<(String, String)>,
}

impl Default for InventoryConfig {
    fn default() -> Self {
        Self { root: PathBuf::from("/"), fields: Vec::new() }
    }
}

/// The inventory and what of it has been told already.
#[derive(Debug)]
pub struct Inventory {
    root: PathBuf,
    fields: Vec<(String, String)>,
    sections: Vec<Section>,
    listeners: listeners::Listeners,
    processes: processes::Running,
    notes: Notes,
    scans: u32,
}

impl Inventory {
    /// An inventory that has told nothing yet.
    pub fn new(config: InventoryConfig) -> Self {
        Self {
            listeners: listeners::Listeners::default(),
            processes: processes::Running::default(),
            root: config.root,
            fields: config.fields,
            sections: SECTIONS.iter().map(|name| Section::new(name)).collect(),
            notes: Notes::default(),
            scans: 0,
        }
    }

    /// Replaces the custom fields.
    pub fn set_fields(&mut self, fields: Vec<(String, String)>) {
        self.fields = fields;
    }

    /// Forgets what has been told: the next scan tells everything again, as a server that has lost it needs.
    pub fn forget(&mut self) {
        self.sections = SECTIONS.iter().map(|name| Section::new(name)).collect();
        self.listeners = listeners::Listeners::default();
        self.processes = processes::Running::default();
        self.scans = 0;
    }

    /// Looks at everything and hands out what has changed, piece by piece in order. `observed_ms`: milliseconds since
    /// 1970 UTC. The first piece of a section's first scan is `full`; those that follow it add to it.
    #[allow(clippy::collapsible_match, reason = "a stamp is taken on purpose, not as a pattern's guard")]
    pub fn scan_each(&mut self, observed_ms: i64, sink: &mut dyn FnMut(InventoryDelta)) {
        let root = self.root.as_path();
        let slow = self.scans.is_multiple_of(SCANS_PER_SLOW_LOOK);
        self.scans = self.scans.wrapping_add(1);
        for section in &mut self.sections {
            let notes = &mut self.notes;
            macro_rules! writer {
                () => {
                    Writer::new(section, observed_ms, &mut *sink)
                };
            }
            match section.name {
                "os" if slow => system::os(root, writer!(), notes),
                "hardware" if slow => system::hardware(root, writer!(), notes),
                "packages" => {
                    if section.stamp(packages::stamp(root)) {
                        packages::scan(root, writer!(), notes);
                    }
                }
                "users" => {
                    if section.stamp(stamp(root, &["etc/passwd", "etc/shadow"])) {
                        accounts::users(root, writer!(), notes);
                    }
                }
                "groups" => {
                    if section.stamp(stamp(root, &["etc/group"])) {
                        accounts::groups(root, writer!(), notes);
                    }
                }
                "sudo" => {
                    if section.stamp(accounts::sudo_stamp(root)) {
                        accounts::sudo(root, writer!(), notes);
                    }
                }
                "ssh_keys" => {
                    if section.stamp(ssh::stamp(root)) {
                        ssh::scan(root, writer!(), notes);
                    }
                }
                "listeners" => self.listeners.scan(root, writer!(), notes),
                "processes" => self.processes.scan(root, observed_ms, writer!(), notes),
                "interfaces" => network::interfaces(root, writer!(), notes),
                "mounts" => system::mounts(root, writer!(), notes),
                "timers" => {
                    if section.stamp(timers::stamp(root)) {
                        timers::scan(root, writer!(), notes);
                    }
                }
                "fields" => {
                    let mut writer = writer!();
                    for (name, value) in &self.fields {
                        writer.item(name.as_bytes(), &[("value", value.as_bytes())], notes);
                    }
                    writer.finish(true, notes);
                }
                _ => {}
            }
        }
    }

    /// [`Inventory::scan_each`] with all pieces in one list: simpler, and as large as the inventory.
    pub fn scan(&mut self, observed_ms: i64) -> Vec<InventoryDelta> {
        let mut all = Vec::new();
        self.scan_each(observed_ms, &mut |delta| all.push(delta));
        all
    }

    /// What could not be read or was cut since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.notes.take()
    }
}

/// Gives `bytes` to every parser of files and messages of this crate: the body of a fuzz target.
#[doc(hidden)]
pub fn exercise_parsers(bytes: &[u8]) {
    use crate::{host, parse};
    let _ = (parse::number(bytes), parse::decimal(bytes), parse::hex(bytes), parse::proc_stat(bytes));
    let _ = (parse::unescape_octal(bytes), host::filesystem::mountinfo_line(bytes));
    host::systemd::exercise(bytes);
    host::clock::exercise(bytes);
    host::diag::exercise(bytes);
    accounts::exercise(bytes);
    listeners::exercise(bytes);
    network::exercise(bytes);
    rpm::exercise(bytes);
    ssh::exercise(bytes);
    timers::exercise(bytes);
    let _ = (cmdline::from_proc(bytes), cmdline::from_line(bytes), crate::text::field(bytes));
}

/// Reads `bytes` as a whole database of rpm in each of its forms: the body of a fuzz target.
#[doc(hidden)]
pub fn exercise_rpm_database(bytes: &[u8]) {
    rpm::exercise_files(bytes);
}

/// A number that changes when one of the files below `root` does.
fn stamp(root: &Path, files: &[&str]) -> u64 {
    let mut stamp = Stamp::default();
    for file in files {
        stamp.add(&root.join(file));
    }
    stamp.0
}

/// Folds time of change, size and inode of files into one number. Not keyed: it only has to tell edits, and the
/// change time (`ctime`) cannot be set back without the superuser changing the clock.
#[derive(Debug, Clone, Copy)]
struct Stamp(u64);

impl Default for Stamp {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Stamp {
    #[allow(clippy::unnecessary_cast, reason = "the types differ between architectures")]
    fn add(&mut self, path: &Path) {
        let facts = match rustix::fs::stat(path) {
            Ok(s) => [
                s.st_ctime as u64,
                s.st_ctime_nsec as u64,
                s.st_mtime as u64,
                s.st_size as u64,
                s.st_ino as u64,
            ],
            Err(_) => [0; 5],
        };
        for fact in facts {
            // FNV-1a over words.
            self.0 = (self.0 ^ fact).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
    }

    /// The folder and the files in it.
    fn add_dir(&mut self, dir: &Path) {
        self.add(dir);
        for path in dir_entries(dir) {
            self.add(&path);
        }
    }
}

/// The entries of a folder by name, at most 4 096. Empty when it cannot be read.
fn dir_entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = list.take(4096).filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    paths
}

/// `path` as it is on the machine itself: without the fixture's root in front.
fn shown(root: &Path, path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let inside = path.strip_prefix(root).unwrap_or(path);
    let text = crate::text::field(inside.as_os_str().as_bytes());
    if text.starts_with('/') { text } else { format!("/{text}") }
}
