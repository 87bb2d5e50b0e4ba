//! The offline check of a log: form, order, time, and the root against every checkpoint one trusts.
//!
//! Entries come one by one, so that a log of any size is checked in the memory of one entry. Findings name the place.

use std::collections::BTreeMap;
use std::fmt;

use crate::checkpoint::NoteError;
use crate::entry::{self, Place};
use crate::{Checkpoint, EntryError, Frontier, Hash, merkle};

/// Findings kept with their places; the rest is counted.
pub const FINDINGS_MAX: usize = 100;
/// A clock may be set back this far by ordinary synchronisation without remark.
pub const CLOCK_TOLERANCE_NS: i64 = 1_000_000_000;

/// Something that is not as it must be, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Line or item of what was read, from 1.
    pub line: u64,
    /// Entry that belongs there, from 0.
    pub index: u64,
    pub fault: Fault,
}

/// What is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Not an entry in canonical form.
    Form(EntryError),
    /// Not a line of an export.
    Line(&'static str),
    /// The entry says it belongs elsewhere: something is missing, doubled or moved.
    Sequence { found: u64 },
    /// The entry's bytes are not those that were exported.
    Leaf,
    /// The entry says another time has passed since the one before than their instants do.
    Gap { declared_ns: i64, actual_ns: i64 },
    /// The log's root differs from the one somebody saw at this size: an entry up to here was changed.
    Root { size: u64, expected: Hash, computed: Hash },
    /// A checkpoint is for more entries than there are: the end was cut off.
    Missing { size: u64 },
    /// A checkpoint stands at another place than its size says.
    CheckpointPlace { size: u64 },
    /// A checkpoint is of another log.
    Origin { found: String },
    /// A checkpoint's note or signature.
    Note(NoteError),
    /// The clock stepped back between two entries. Happens; the order stands.
    ClockBack { by_ns: i64 },
    /// The writer's own clock, which nobody sets, began anew without an entry that says a server started.
    OtherWriter,
    /// No checkpoint covers these last entries, so nobody vouches for them.
    Unsigned { entries: u64 },
}

impl Fault {
    /// Worth knowing, and no sign of tampering.
    pub const fn is_remark(&self) -> bool {
        matches!(self, Self::ClockBack { .. } | Self::OtherWriter | Self::Unsigned { .. })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(error) => write!(f, "not an entry: {error}"),
            Self::Line(what) => write!(f, "not a line of an export: {what}"),
            Self::Sequence { found } => {
                write!(f, "entry {found} stands here: something is missing, doubled or moved")
            }
            Self::Leaf => f.write_str("the entry's bytes do not match its hash: it was changed"),
            Self::Gap { declared_ns, actual_ns } => {
                write!(
                    f,
                    "the entry says {declared_ns} ns passed since the one before, their instants say {actual_ns}"
                )
            }
            Self::Root { size, expected, computed } => write!(
                f,
                "the root over {size} entries is {computed}, and a checkpoint says {expected}: an entry up to here was changed"
            ),
            Self::Missing { size } => write!(f, "a checkpoint is for {size} entries: the end was cut off"),
            Self::CheckpointPlace { size } => write!(f, "a checkpoint for {size} entries stands here"),
            Self::Origin { found } => write!(f, "a checkpoint of another log: {found:?}"),
            Self::Note(error) => write!(f, "{error}"),
            Self::ClockBack { by_ns } => write!(f, "the clock stepped back by {} ms", by_ns / 1_000_000),
            Self::OtherWriter => {
                f.write_str("another process wrote from here, and no entry says that a server started")
            }
            Self::Unsigned { entries } => write!(f, "no checkpoint covers the last {entries} entries"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, entry {}: {}", self.line, self.index, self.fault)
    }
}

/// What the check of a log found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Entries read.
    pub entries: u64,
    /// Root over all of them.
    pub root: Hash,
    /// Instants of the first and the last entry, nanoseconds since 1970 UTC.
    pub span_ns: Option<(i64, i64)>,
    /// Sizes of the checkpoints that held.
    pub checkpoints: Vec<u64>,
    /// The first [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    pub findings_total: u64,
    /// Some finding is more than a remark.
    pub broken: bool,
}

impl Report {
    /// For a program's exit: 0 sound, 1 sound with remarks, 2 broken.
    pub const fn exit_code(&self) -> u8 {
        match (self.broken, self.findings_total) {
            (true, _) => 2,
            (false, 0) => 0,
            (false, _) => 1,
        }
    }
}

/// Checks a log entry by entry.
#[derive(Debug)]
pub struct Verifier {
    frontier: Frontier,
    previous_ts: Option<i64>,
    previous_mono: Option<i64>,
    /// Roots that somebody saw, by size.
    trusted: BTreeMap<u64, Vec<Hash>>,
    covered: u64,
    line: u64,
    report: Report,
}

impl Verifier {
    /// Of a log from its first entry. `trusted`: checkpoints from elsewhere, such as an earlier audit's or an agent's,
    /// whose signatures were checked.
    pub fn new(trusted: &[Checkpoint]) -> Self {
        Self::resume(Frontier::new(), None, trusted)
    }

    /// Of a log from where an earlier check ended.
    pub fn resume(frontier: Frontier, previous_ts_ns: Option<i64>, trusted: &[Checkpoint]) -> Self {
        let mut by_size: BTreeMap<u64, Vec<Hash>> = BTreeMap::new();
        for checkpoint in trusted.iter().filter(|checkpoint| checkpoint.size >= frontier.size()) {
            by_size.entry(checkpoint.size).or_default().push(checkpoint.root);
        }
        let report = Report {
            entries: 0,
            root: frontier.root(),
            span_ns: None,
            checkpoints: Vec::new(),
            findings: Vec::new(),
            findings_total: 0,
            broken: false,
        };
        let covered = frontier.size();
        let mut verifier = Self {
            frontier,
            previous_ts: previous_ts_ns,
            previous_mono: None,
            trusted: by_size,
            covered,
            line: 0,
            report,
        };
        verifier.meet_trusted();
        verifier
    }

    /// Entries before the next one.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The next entry. `leaf`: the hash that was exported beside it, if any.
    pub fn entry(&mut self, bytes: &[u8], leaf: Option<Hash>) {
        self.line += 1;
        let hash = merkle::leaf_hash(bytes);
        if leaf.is_some_and(|leaf| leaf != hash) {
            self.find(Fault::Leaf);
        }
        match entry::check(bytes) {
            Ok(place) => self.order(&place),
            Err(error) => {
                self.find(Fault::Form(error));
                self.forget();
            }
        }
        self.grow(hash);
    }

    /// Something stands where an entry belongs, and is none.
    pub(crate) fn broken_line(&mut self, what: &'static str, line: &[u8]) {
        self.line += 1;
        self.find(Fault::Line(what));
        self.forget();
        self.grow(merkle::leaf_hash(line));
    }

    /// An exported index that is not the entry's place.
    pub(crate) fn place(&mut self, found: u64) {
        if found != self.frontier.size() {
            self.line += 1;
            self.find(Fault::Sequence { found });
            self.line -= 1;
        }
    }

    /// A checkpoint that stands after the entries it is for. Its signature was checked.
    pub(crate) fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        self.line += 1;
        if checkpoint.size != self.frontier.size() {
            return self.find(Fault::CheckpointPlace { size: checkpoint.size });
        }
        self.compare(checkpoint.size, checkpoint.root);
    }

    pub(crate) fn bad_checkpoint(&mut self, fault: Fault) {
        self.line += 1;
        self.find(fault);
    }

    /// The end of the log.
    pub fn finish(mut self) -> Report {
        let size = self.frontier.size();
        let missing: Vec<u64> = self.trusted.range(size + 1..).map(|(size, _)| *size).collect();
        missing.into_iter().for_each(|size| self.find(Fault::Missing { size }));
        if self.covered < size {
            self.find(Fault::Unsigned { entries: size - self.covered });
        }
        self.report.root = self.frontier.root();
        self.report
    }

    fn order(&mut self, place: &Place) {
        if place.seq != self.frontier.size() {
            self.find(Fault::Sequence { found: place.seq });
        }
        let ts = place.ts_ns;
        if let Some(previous) = self.previous_ts {
            let actual_ns = ts.saturating_sub(previous);
            if actual_ns != place.prev_ts_gap_ns {
                self.find(Fault::Gap { declared_ns: place.prev_ts_gap_ns, actual_ns });
            }
        }
        // Also after a broken entry: the gap tells by itself.
        if place.prev_ts_gap_ns < -CLOCK_TOLERANCE_NS {
            self.find(Fault::ClockBack { by_ns: place.prev_ts_gap_ns.saturating_neg() });
        }
        let before = self.previous_mono.replace(place.ts_mono_ns);
        if before.is_some_and(|before| place.ts_mono_ns < before) && !place.starts {
            self.find(Fault::OtherWriter);
        }
        self.previous_ts = Some(ts);
        let first = self.report.span_ns.map_or(ts, |(first, _)| first);
        self.report.span_ns = Some((first, ts));
    }

    fn forget(&mut self) {
        self.previous_ts = None;
        self.previous_mono = None;
    }

    fn grow(&mut self, leaf: Hash) {
        self.frontier.append(leaf);
        self.report.entries += 1;
        self.meet_trusted();
    }

    fn meet_trusted(&mut self) {
        let size = self.frontier.size();
        if let Some(roots) = self.trusted.remove(&size) {
            roots.into_iter().for_each(|root| self.compare(size, root));
        }
    }

    fn compare(&mut self, size: u64, expected: Hash) {
        let computed = self.frontier.root();
        self.covered = size;
        if computed == expected {
            self.report.checkpoints.push(size);
        } else {
            self.find(Fault::Root { size, expected, computed });
        }
    }

    fn find(&mut self, fault: Fault) {
        self.report.broken |= !fault.is_remark();
        self.report.findings_total += 1;
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(Finding { line: self.line, index: self.frontier.size(), fault });
        }
    }
}

/// Checks a log from its first entry against checkpoints one trusts.
pub fn verify_entries<I>(entries: I, trusted: &[Checkpoint]) -> Report
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let mut verifier = Verifier::new(trusted);
    for entry in entries {
        verifier.entry(entry.as_ref(), None);
    }
    verifier.finish()
}
