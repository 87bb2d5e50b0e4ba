//! The exported log: a line for each entry with its place and its hash, and a line for each checkpoint after its entries.
//!
//! `{"entry":{...},"index":0,"leaf":"<hex>"}` and `{"checkpoint":"<signed note>"}`, each canonical JSON. The hash beside
//! each entry is what lets the check name the one that was changed.

use crate::canonical::{Reader, write_string, write_uint};
use crate::checkpoint::{Note, VerifyingKey};
use crate::verify::{Fault, Verifier};
use crate::{Checkpoint, Hash, Report, merkle};

const ENTRY_START: &[u8] = b"{\"entry\":";
const INDEX: &[u8] = b",\"index\":";
const LEAF: &[u8] = b",\"leaf\":\"";
const CHECKPOINT_START: &str = "{\"checkpoint\":";

/// The line of an entry, without line break.
pub fn entry_line(index: u64, entry: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(entry.len() + 120);
    line.extend(ENTRY_START);
    line.extend(entry);
    line.extend(INDEX);
    write_uint(&mut line, index);
    line.extend(LEAF);
    merkle::leaf_hash(entry).write_hex(&mut line);
    line.extend(b"\"}");
    line
}

/// The line of a signed checkpoint, without line break. Stands after the last entry it covers.
pub fn checkpoint_line(note: &str) -> Vec<u8> {
    let mut line = CHECKPOINT_START.as_bytes().to_vec();
    write_string(&mut line, note);
    line.push(b'}');
    line
}

/// The entry, its index and its hash in a line of an export; `None` for another line.
pub fn parse_entry_line(line: &[u8]) -> Option<(&[u8], u64, Hash)> {
    let rest = line.strip_prefix(ENTRY_START)?.strip_suffix(b"\"}")?;
    let (rest, leaf) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
    let leaf = Hash::from_hex(leaf)?;
    let rest = rest.strip_suffix(LEAF)?;
    let digits = rest.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (rest, index) = rest.split_at(rest.len() - digits);
    let mut reader = Reader::new(index);
    let index = reader.uint().ok()?;
    reader.end().ok()?;
    Some((rest.strip_suffix(INDEX)?, index, leaf))
}

/// Checks an exported log from its first entry. `log_key` is the log's key; `origin`, if known, its name; `trusted`
/// are checkpoints from elsewhere, such as an earlier audit's.
pub fn verify_export<I>(
    lines: I,
    log_key: &VerifyingKey,
    origin: Option<&str>,
    trusted: &[Checkpoint],
) -> Report
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let mut verifier = Verifier::new(trusted);
    for line in lines {
        let line = line.as_ref();
        if let Some((entry, index, leaf)) = parse_entry_line(line) {
            verifier.place(index);
            verifier.entry(entry, Some(leaf));
        } else if line.starts_with(CHECKPOINT_START.as_bytes()) {
            match read_checkpoint(line, log_key, origin) {
                Ok(checkpoint) => verifier.checkpoint(&checkpoint),
                Err(fault) => verifier.bad_checkpoint(fault),
            }
        } else {
            verifier.broken_line("neither an entry nor a checkpoint", line);
        }
    }
    verifier.finish()
}

fn read_checkpoint(line: &[u8], log_key: &VerifyingKey, origin: Option<&str>) -> Result<Checkpoint, Fault> {
    let mut reader = Reader::new(line);
    let read = |reader: &mut Reader<'_>| {
        reader.literal(CHECKPOINT_START)?;
        let note = reader.string()?.into_owned();
        reader.literal("}")?;
        reader.end().map(|()| note)
    };
    let note = read(&mut reader).map_err(|_| Fault::Line("not a checkpoint in canonical form"))?;
    let note = Note::parse(note.as_bytes()).map_err(Fault::Note)?;
    note.verify(log_key).map_err(Fault::Note)?;
    let checkpoint = Checkpoint::parse(note.body()).map_err(Fault::Note)?;
    match origin {
        Some(origin) if origin != checkpoint.origin => Err(Fault::Origin { found: checkpoint.origin }),
        Some(_) | None => Ok(checkpoint),
    }
}
