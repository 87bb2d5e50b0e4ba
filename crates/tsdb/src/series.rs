//! Which series exist: append-only files of their definitions, and the index over them in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use wk_domain::HostId;
use wk_engine::ports::metrics::{MetricsError, Selector, SeriesKey, SeriesMeta, SeriesRef};

use crate::files;
use crate::frame::{self, Cursor, FileKind, Found as Item, Kind, Salt, Scan};

/// Longest text in a definition, in bytes: names come from agents and plugins and must stay bounded.
pub(crate) const TEXT_MAX: usize = 1024;
/// Most labels of one series.
pub(crate) const LABELS_MAX: usize = 64;

/// The definitions, and the same again.
const SERIES_FILES: [&str; 2] = ["series.log", "series.copy"];

fn put_text(out: &mut Vec<u8>, text: &str) {
    frame::put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn encode(series: SeriesRef, meta: &SeriesMeta) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    out.extend_from_slice(&series.0.to_le_bytes());
    out.extend_from_slice(meta.key.host.uuid().as_bytes());
    out.push(u8::from(meta.counter));
    put_text(&mut out, &meta.unit);
    put_text(&mut out, &meta.key.name);
    frame::put_varint(&mut out, meta.key.labels.len() as u64);
    for (name, value) in &meta.key.labels {
        put_text(&mut out, name);
        put_text(&mut out, value);
    }
    out
}

pub(crate) fn decode(body: &[u8]) -> Option<(SeriesRef, SeriesMeta)> {
    let mut cursor = Cursor(body);
    let series = SeriesRef(cursor.u32()?);
    let host = HostId::from_uuid(uuid::Uuid::from_bytes(cursor.bytes(16)?.try_into().ok()?));
    let counter = match cursor.byte()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let unit = cursor.text(TEXT_MAX)?.to_owned();
    let name = cursor.text(TEXT_MAX)?.to_owned();
    let n = cursor.size(LABELS_MAX)?;
    let mut labels = Vec::with_capacity(n);
    for _ in 0..n {
        labels.push((cursor.text(TEXT_MAX)?.to_owned(), cursor.text(TEXT_MAX)?.to_owned()));
    }
    cursor
        .0
        .is_empty()
        .then_some((series, SeriesMeta { key: SeriesKey { host, name, labels }, unit, counter }))
}

fn fits(meta: &SeriesMeta) -> bool {
    meta.unit.len() <= TEXT_MAX
        && meta.key.name.len() <= TEXT_MAX
        && meta.key.labels.len() <= LABELS_MAX
        && meta.key.labels.iter().all(|(name, value)| name.len() <= TEXT_MAX && value.len() <= TEXT_MAX)
}

type NameAndLabels = (String, Vec<(String, String)>);

/// The index in memory.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_ref: HashMap<u32, SeriesMeta>,
    /// Per host, in name order, so that a prefix is a range.
    by_host: HashMap<HostId, BTreeMap<NameAndLabels, u32>>,
    next: u32,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.by_ref.len()
    }

    pub(crate) fn knows(&self, series: SeriesRef) -> bool {
        self.by_ref.contains_key(&series.0)
    }

    pub(crate) fn meta(&self, series: u32) -> Option<&SeriesMeta> {
        self.by_ref.get(&series)
    }

    fn find(&self, key: &SeriesKey) -> Option<u32> {
        // A tuple of owned strings is the key: cheap enough, this runs once per series and start of an agent.
        self.by_host.get(&key.host)?.get(&(key.name.clone(), key.labels.clone())).copied()
    }

    fn insert(&mut self, series: u32, meta: SeriesMeta) {
        self.by_host
            .entry(meta.key.host)
            .or_default()
            .insert((meta.key.name.clone(), meta.key.labels.clone()), series);
        self.by_ref.insert(series, meta);
        self.raise_next(series);
    }

    /// No new series may take a number at or below `seen`: data somewhere may still carry it.
    pub(crate) fn raise_next(&mut self, seen: u32) {
        self.next = self.next.max(seen.saturating_add(1));
    }

    pub(crate) fn of_host(&self, host: HostId) -> Vec<SeriesMeta> {
        self.by_host
            .get(&host)
            .map(|names| names.values().filter_map(|r| self.by_ref.get(r)).cloned().collect())
            .unwrap_or_default()
    }

    /// The series a selector means, in name order, at most `max`.
    pub(crate) fn select(&self, selector: &Selector, max: usize) -> Vec<(u32, SeriesMeta)> {
        let Some(names) = self.by_host.get(&selector.host) else { return Vec::new() };
        let prefix = selector.name.ends_with('.') || selector.name.is_empty();
        names
            .range((selector.name.clone(), Vec::new())..)
            .take_while(
                |((name, _), _)| {
                    if prefix { name.starts_with(&selector.name) } else { *name == selector.name }
                },
            )
            .filter(|((_, labels), _)| selector.labels.iter().all(|wanted| labels.contains(wanted)))
            .filter_map(|(_, r)| Some((*r, self.by_ref.get(r)?.clone())))
            .take(max)
            .collect()
    }
}

/// One of the two files of definitions.
#[derive(Debug)]
struct Copy {
    path: PathBuf,
    /// `None` after a failed write: opened anew, and cut, before the next.
    file: Option<File>,
    salt: Salt,
    len: u64,
}

/// What reading one copy gave.
#[derive(Debug, Default)]
struct Found {
    series: Vec<(u32, SeriesMeta)>,
    /// Missing without a readable head.
    salt: Option<Salt>,
    /// Up to here the file is whole records or damage between such.
    len: u64,
    /// Damaged bytes stay inside.
    hurt: bool,
    reports: Vec<String>,
    damaged: u64,
}

fn read_copy(path: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let (data, unreadable) = match files::read_through(path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    let tell = |found: &mut Found, what: String| {
        found.damaged += 1;
        found.reports.push(format!("{}: {what}", path.display()));
    };
    if unreadable > 0 {
        found.hurt = true;
        tell(&mut found, format!("the disk does not give {unreadable} bytes of it"));
    }
    let Some((salt, hurt)) = frame::read_file_head(FileKind::Series, &data) else {
        tell(&mut found, "no readable head".to_owned());
        return Ok(found);
    };
    if hurt {
        found.hurt = true;
        tell(&mut found, "one copy of the head was damaged".to_owned());
    }
    found.salt = Some(salt);
    found.len = data.len() as u64;
    if data.len() < frame::FILE_HEAD {
        found.hurt = true;
    }
    for item in Scan::new(&data, salt) {
        match item {
            Item::Frame { kind: Kind::Series, body, at } => match decode(&data[body]) {
                Some((series, meta)) => found.series.push((series.0, meta)),
                None => {
                    found.hurt = true;
                    tell(&mut found, format!("the record at byte {at} makes no sense"));
                }
            },
            Item::Frame { at, .. } => {
                found.hurt = true;
                tell(&mut found, format!("the record at byte {at} is of another kind"));
            }
            Item::Bad { range, tail: true } => {
                found.len = range.start as u64;
                tell(&mut found, format!("a torn or damaged end from byte {} on was cut", range.start));
            }
            Item::Bad { range, tail: false } => {
                found.hurt = true;
                tell(&mut found, format!("bytes {} to {} are damaged", range.start, range.end));
            }
        }
    }
    Ok(found)
}

impl Copy {
    fn open(dir: &Path, name: &str, found: &Found, all: &Index) -> io::Result<Self> {
        let path = dir.join(name);
        let complete = || {
            let known: BTreeMap<u32, &SeriesMeta> =
                found.series.iter().map(|(number, meta)| (*number, meta)).collect();
            known.len() == all.by_ref.len()
                && all.by_ref.iter().all(|(number, meta)| known.get(number) == Some(&meta))
        };
        // Changes of units and kinds leave records behind; when those are the most, the file is written anew.
        let mostly_old = found.series.len() > 2 * all.by_ref.len() + 1_000;
        if let Some(salt) = found.salt
            && !found.hurt
            && !mostly_old
            && complete()
        {
            let file = files::open_append(&path)?;
            if file.metadata()?.len() > found.len {
                file.set_len(found.len)?;
                file.sync_all()?;
            }
            return Ok(Self { path, file: Some(file), salt, len: found.len });
        }
        let salt = frame::new_salt();
        let mut bytes = frame::file_head(FileKind::Series, salt).to_vec();
        let sorted: BTreeMap<&u32, &SeriesMeta> = all.by_ref.iter().collect();
        for (number, meta) in sorted {
            // Definitions are far below the limit of a frame: what `fits` let in fits.
            let _ = frame::push_frame(&mut bytes, 0, salt, Kind::Series, &encode(SeriesRef(*number), meta));
        }
        files::publish(dir, name, &[&bytes])?;
        let file = files::open_append(&path)?;
        Ok(Self { path, file: Some(file), salt, len: bytes.len() as u64 })
    }

    fn append(&mut self, bodies: &[Vec<u8>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for body in bodies {
            if !frame::push_frame(&mut bytes, self.len, self.salt, Kind::Series, body) {
                return Err(io::Error::other("a series' definition is too large"));
            }
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = files::open_append(&self.path)?;
                file.set_len(self.len)?;
                file
            }
        };
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        if let Err(error) = written {
            let _ = file.set_len(self.len);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    /// Takes the last append back.
    fn cut(&mut self, len: u64) {
        self.len = len;
        let cut = self.file.as_ref().is_some_and(|file| file.set_len(len).is_ok());
        if !cut {
            self.file = None;
        }
    }
}

/// The definitions on disk: small, and all the samples hang on them, so they are kept twice.
#[derive(Debug)]
pub(crate) struct Log {
    copies: Vec<Copy>,
    /// Units and kinds changed since the start, by host: each costs a record that stays, so they are bounded.
    changes: HashMap<HostId, u64>,
    /// Who was told to have too many series.
    told: HashSet<HostId>,
}

/// What a store may have, and how often it may be changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) per_host: u64,
    pub(crate) total: u64,
}

/// What opening found out.
#[derive(Debug, Default)]
pub(crate) struct OpenNotes {
    pub(crate) reports: Vec<String>,
    pub(crate) damaged: u64,
}

impl Log {
    /// Reads both copies, mends each from the other, and cuts torn ends.
    pub(crate) fn open(dir: &Path) -> io::Result<(Self, Index, OpenNotes)> {
        let mut index = Index { next: 1, ..Index::default() };
        let mut notes = OpenNotes::default();
        let mut all = Vec::new();
        for name in SERIES_FILES {
            all.push((name, read_copy(&dir.join(name))?));
        }
        for (_, found) in &all {
            // What one copy has, the other only confirms: it may lack the latest change of a unit.
            let settled: HashSet<u32> = index.by_ref.keys().copied().collect();
            for (number, meta) in &found.series {
                match index.by_ref.get(number) {
                    Some(known) if known.key != meta.key => {
                        notes.damaged += 1;
                        notes
                            .reports
                            .push(format!("series {number} is defined twice; the first definition counts"));
                    }
                    Some(_) if settled.contains(number) => {}
                    // Within a copy a later record changes a series' unit or kind.
                    _ => index.insert(*number, meta.clone()),
                }
            }
        }
        let mut copies = Vec::new();
        let mut failed = None;
        for (name, found) in &all {
            notes.reports.extend(found.reports.iter().cloned());
            notes.damaged += found.damaged;
            match Copy::open(dir, name, found, &index) {
                Ok(copy) => copies.push(copy),
                Err(error) => {
                    notes
                        .reports
                        .push(format!("{}: cannot be mended now: {error}", dir.join(name).display()));
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) if copies.is_empty() => Err(error),
            _ => Ok((Self { copies, changes: HashMap::new(), told: HashSet::new() }, index, notes)),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.copies.iter().map(|copy| copy.len).sum()
    }

    /// To both copies or none.
    fn append(&mut self, bodies: &[Vec<u8>]) -> io::Result<()> {
        let before: Vec<u64> = self.copies.iter().map(|copy| copy.len).collect();
        for i in 0..self.copies.len() {
            if let Err(error) = self.copies[i].append(bodies) {
                for (copy, &len) in self.copies.iter_mut().zip(&before).take(i) {
                    copy.cut(len);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// The numbers of these series; new ones are made durable first. A known key with another unit or kind is changed. What
    /// finds no place gets [`SeriesRef::NONE`]; `tell` hears of it once per host.
    pub(crate) fn resolve(
        &mut self,
        index: &parking_lot::RwLock<Index>,
        series: &[SeriesMeta],
        limits: Limits,
        tell: &dyn Fn(String),
    ) -> Result<Vec<SeriesRef>, MetricsError> {
        let mut fresh: Vec<(u32, &SeriesMeta)> = Vec::new();
        let mut fresh_by_key: HashMap<&SeriesKey, u32> = HashMap::new();
        let mut fresh_by_host: HashMap<HostId, u64> = HashMap::new();
        let mut refused: HashMap<HostId, String> = HashMap::new();
        let mut refs = Vec::with_capacity(series.len());
        let mut made = 0u64;
        {
            let known = index.read();
            let mut next = known.next;
            for meta in series {
                if !fits(meta) {
                    refs.push(SeriesRef::NONE);
                    refused
                        .entry(meta.key.host)
                        .or_insert_with(|| format!("a name or label has more than {TEXT_MAX} bytes"));
                    continue;
                }
                if let Some(number) = known.find(&meta.key) {
                    refs.push(SeriesRef(number));
                    if known.by_ref.get(&number).is_some_and(|old| old != meta) {
                        let changes = self.changes.entry(meta.key.host).or_default();
                        if *changes < limits.per_host {
                            *changes += 1;
                            fresh.push((number, meta));
                        }
                    }
                    continue;
                }
                if let Some(&number) = fresh_by_key.get(&meta.key) {
                    refs.push(SeriesRef(number));
                    continue;
                }
                let of_host = fresh_by_host.entry(meta.key.host).or_default();
                let names = known.by_host.get(&meta.key.host).map_or(0, |names| names.len() as u64);
                let full = if names + *of_host >= limits.per_host {
                    Some(format!("it has {} series, as many as one host may have", limits.per_host))
                } else if known.len() as u64 + made >= limits.total || next == SeriesRef::NONE.0 {
                    Some(format!("the store has {} series, as many as it may have", limits.total))
                } else {
                    None
                };
                if let Some(why) = full {
                    refs.push(SeriesRef::NONE);
                    refused.entry(meta.key.host).or_insert(why);
                    continue;
                }
                *of_host += 1;
                fresh_by_key.insert(&meta.key, next);
                fresh.push((next, meta));
                refs.push(SeriesRef(next));
                next += 1;
                made += 1;
            }
        }
        for (host, why) in refused {
            if self.told.insert(host) {
                tell(format!("new series of {host} are not stored: {why}"));
            }
        }
        if !fresh.is_empty() {
            let bodies: Vec<Vec<u8>> =
                fresh.iter().map(|&(number, meta)| encode(SeriesRef(number), meta)).collect();
            self.append(&bodies)
                .map_err(|error| MetricsError::Io { what: "store new series", detail: error.to_string() })?;
            let mut known = index.write();
            for (number, meta) in fresh {
                known.insert(number, meta.clone());
            }
        }
        Ok(refs)
    }
}
