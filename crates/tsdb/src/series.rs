//! Which series exist: an append-only file of their definitions, and the index over it in memory.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use wk_domain::HostId;
use wk_engine::ports::metrics::{MetricsError, Selector, SeriesKey, SeriesMeta, SeriesRef};

use crate::files;
use crate::frame::{self, Cursor, FileKind, Found, Kind, Salt, Scan};

/// Longest text in a definition, in bytes: names come from agents and plugins and must stay bounded.
pub(crate) const TEXT_MAX: usize = 1024;
/// Most labels of one series.
pub(crate) const LABELS_MAX: usize = 64;

pub(crate) const SERIES_FILE: &str = "series.log";

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

/// The file of definitions.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: Option<File>,
    salt: Salt,
    len: u64,
}

/// What opening found out.
#[derive(Debug, Default)]
pub(crate) struct OpenNotes {
    pub(crate) reports: Vec<String>,
    pub(crate) damaged: u64,
}

impl Log {
    /// Reads the file (made if missing) and cuts a torn tail.
    pub(crate) fn open(dir: &Path) -> io::Result<(Self, Index, OpenNotes)> {
        let path = dir.join(SERIES_FILE);
        let mut index = Index { next: 1, ..Index::default() };
        let mut notes = OpenNotes::default();
        let data = match std::fs::read(&path) {
            Ok(data) => data,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let salt = match frame::read_file_head(FileKind::Series, &data) {
            Some((salt, hurt)) => {
                if hurt {
                    notes.damaged += 1;
                    notes.reports.push(format!("{}: one copy of the head was damaged", path.display()));
                }
                Some(salt)
            }
            None if data.is_empty() => None,
            None => {
                notes.damaged += 1;
                let aside = dir.join(format!("{SERIES_FILE}.damaged"));
                std::fs::rename(&path, &aside)?;
                notes.reports.push(format!(
                    "{}: no readable head; set aside as {}",
                    path.display(),
                    aside.display()
                ));
                None
            }
        };
        let Some(salt) = salt else {
            let salt = frame::new_salt();
            files::publish(dir, SERIES_FILE, &[&frame::file_head(FileKind::Series, salt)])?;
            let file = files::open_append(&path)?;
            return Ok((Self { path, file: Some(file), salt, len: frame::FILE_HEAD as u64 }, index, notes));
        };
        let mut len = data.len();
        for found in Scan::new(&data, salt) {
            match found {
                Found::Frame { kind: Kind::Series, body, at } => match decode(&data[body]) {
                    Some((series, meta)) => index.insert(series.0, meta),
                    None => {
                        notes.damaged += 1;
                        notes
                            .reports
                            .push(format!("{}: the record at byte {at} makes no sense", path.display()));
                    }
                },
                Found::Frame { at, .. } => {
                    notes.damaged += 1;
                    notes
                        .reports
                        .push(format!("{}: the record at byte {at} is of another kind", path.display()));
                }
                Found::Bad { range, tail } => {
                    if tail {
                        len = range.start;
                    }
                    notes.damaged += 1;
                    notes.reports.push(format!(
                        "{}: bytes {} to {} are {}",
                        path.display(),
                        range.start,
                        range.end,
                        if tail { "a torn or damaged end: cut" } else { "damaged: left out" }
                    ));
                }
            }
        }
        if (data.len()) < frame::FILE_HEAD {
            len = 0;
        }
        let file = files::open_append(&path)?;
        if len < data.len() {
            file.set_len(len as u64)?;
            file.sync_all()?;
        }
        Ok((Self { path, file: Some(file), salt, len: len as u64 }, index, notes))
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.len
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // After a failed write the file is opened anew and cut, so that nothing follows bytes of unknown state.
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = files::open_append(&self.path)?;
                file.set_len(self.len)?;
                file
            }
        };
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        if let Err(error) = written {
            let _ = file.set_len(self.len);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    /// The numbers of these series; new ones are made durable first.
    pub(crate) fn resolve(
        &mut self,
        index: &parking_lot::RwLock<Index>,
        series: &[SeriesMeta],
        per_host_max: u64,
        total_max: u64,
    ) -> Result<Vec<SeriesRef>, MetricsError> {
        let mut fresh: Vec<(u32, &SeriesMeta)> = Vec::new();
        let mut fresh_by_key: HashMap<&SeriesKey, u32> = HashMap::new();
        let mut fresh_by_host: HashMap<HostId, u64> = HashMap::new();
        let mut refs = Vec::with_capacity(series.len());
        let mut bytes = Vec::new();
        {
            let known = index.read();
            let mut next = known.next;
            for meta in series {
                if let Some(found) = known.find(&meta.key).or_else(|| fresh_by_key.get(&meta.key).copied()) {
                    refs.push(SeriesRef(found));
                    continue;
                }
                if !fits(meta) {
                    return Err(MetricsError::Limit {
                        what: "bytes in a series' name or labels",
                        limit: TEXT_MAX as u64,
                    });
                }
                let of_host = fresh_by_host.entry(meta.key.host).or_default();
                *of_host += 1;
                if known.by_host.get(&meta.key.host).map_or(0, |names| names.len() as u64) + *of_host
                    > per_host_max
                {
                    return Err(MetricsError::Limit { what: "series of one host", limit: per_host_max });
                }
                if (known.len() + fresh.len()) as u64 >= total_max || next == u32::MAX {
                    return Err(MetricsError::Limit { what: "series", limit: total_max });
                }
                if !frame::push_frame(
                    &mut bytes,
                    self.len,
                    self.salt,
                    Kind::Series,
                    &encode(SeriesRef(next), meta),
                ) {
                    return Err(MetricsError::Limit {
                        what: "bytes of a series",
                        limit: frame::BODY_MAX as u64,
                    });
                }
                fresh_by_key.insert(&meta.key, next);
                fresh.push((next, meta));
                refs.push(SeriesRef(next));
                next += 1;
            }
        }
        if !fresh.is_empty() {
            self.append(&bytes)
                .map_err(|error| MetricsError::Io { what: "store new series", detail: error.to_string() })?;
            let mut known = index.write();
            for (number, meta) in fresh {
                known.insert(number, meta.clone());
            }
        }
        Ok(refs)
    }
}
