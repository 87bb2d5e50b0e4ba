//! An entry of the log: a draft with its place, as the one sequence of bytes that is hashed.
//!
//! Every key is always there, `null` when there is nothing to say, so that an entry has exactly one form. Instants are
//! nanoseconds as text, since a JSON number would lose the last digits.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use crate::canonical::{INTEGER_MAX, Read, Reader, Unexpected, write_number, write_string, write_uint};
use crate::draft::{
    Actor, ActorKind, CUT_MAX, Commitment, DIFF_MAX, DiffCut, Draft, FieldChange, ID_MAX, Object, Outcome,
    REASON_MAX, Source, TEXT_MAX, Value, bounded, is_word, length, word,
};
use crate::{Hash, merkle};

/// Entries are shorter than this: the tile format counts their bytes in 16 bits.
pub const ENTRY_MAX: usize = 64 * 1024 - 1;
/// The version this crate writes.
pub const VERSION: u64 = 1;
/// Bytes of the changes that are kept of a list too long for an entry. Everything else an entry can hold, each character
/// escaped, takes less than the other half.
const DIFF_KEPT: usize = 32 * 1024;

/// A draft with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Position, from 0, without gaps: the index of its leaf.
    pub seq: u64,
    /// The server that recorded it.
    pub node: String,
    /// Nanoseconds on the writing process's own clock, which nobody sets: tells a clock that was set from time that passed.
    pub ts_mono_ns: i64,
    /// Time since the entry before, in nanoseconds; negative when the clock stepped back, 0 for the first.
    pub prev_ts_gap_ns: i64,
    pub draft: Draft,
}

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("an entry has at most {ENTRY_MAX} bytes, this one {bytes}")]
    TooLong { bytes: usize },
    #[error("expected {expected} at byte {at}")]
    Form { at: usize, expected: &'static str },
}

impl Entry {
    /// Gives a draft its place. `ts_mono_ns` is the process's own clock, `previous_ts_ns` the instant of the entry before,
    /// if there is one.
    pub fn new(seq: u64, node: &str, ts_mono_ns: i64, previous_ts_ns: Option<i64>, draft: Draft) -> Self {
        let prev_ts_gap_ns = previous_ts_ns.map_or(0, |previous| draft.ts_ns.saturating_sub(previous));
        let node = bounded(node.to_owned(), ID_MAX);
        Self { seq: seq.min(INTEGER_MAX), node, ts_mono_ns, prev_ts_gap_ns, draft }
    }

    /// The canonical bytes, at most [`ENTRY_MAX`]. Always succeeds: of changes that do not fit the first ones go in, and
    /// the hash of all, and the entry says so.
    pub fn encode(&self) -> Vec<u8> {
        let listed: Vec<FieldChange> = self.draft.diff.iter().map(normal).collect();
        if listed.len() <= DIFF_MAX {
            let bytes = self.encode_with(&listed, self.draft.diff_cut.as_ref());
            if bytes.len() <= ENTRY_MAX {
                return bytes;
            }
        }
        let mut whole = Vec::new();
        write_diff(&mut whole, &listed);
        let cut =
            DiffCut { total: length(listed.len()), bytes: length(whole.len()), sha256: Hash::of(&whole) };
        let mut room = DIFF_KEPT;
        let fits = |change: &&FieldChange| {
            let mut one = Vec::new();
            write_diff(&mut one, std::slice::from_ref(*change));
            let left = room.checked_sub(one.len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let kept: Vec<FieldChange> = listed.iter().take(DIFF_MAX).take_while(fits).cloned().collect();
        self.encode_with(&kept, Some(&cut))
    }

    fn encode_with(&self, diff: &[FieldChange], cut: Option<&DiffCut>) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        let d = &self.draft;
        out.extend(b"{\"action\":");
        write_string(&mut out, &word(d.action.clone()));
        out.extend(b",\"actor\":{\"aal\":");
        write_uint(&mut out, u64::from(d.actor.aal.min(3)));
        out.extend(b",\"auth_method\":");
        write_optional(&mut out, d.actor.auth_method.as_deref(), ID_MAX);
        out.extend(b",\"id\":");
        write_bounded(&mut out, &d.actor.id, ID_MAX);
        out.extend(b",\"session\":");
        write_optional(&mut out, d.actor.session.as_deref(), ID_MAX);
        out.extend(b",\"type\":");
        write_string(&mut out, d.actor.kind.as_str());
        out.extend(b"},\"after_hash\":");
        write_optional_hash(&mut out, d.after_hash.as_ref());
        out.extend(b",\"before_hash\":");
        write_optional_hash(&mut out, d.before_hash.as_ref());
        out.extend(b",\"diff\":");
        write_diff(&mut out, diff);
        out.extend(b",\"diff_cut\":");
        write_cut(&mut out, cut);
        out.extend(b",\"node\":");
        write_bounded(&mut out, &self.node, ID_MAX);
        out.extend(b",\"object\":");
        match &d.object {
            None => out.extend(b"null"),
            Some(object) => {
                out.extend(b"{\"id\":");
                write_bounded(&mut out, &object.id, ID_MAX);
                out.extend(b",\"rev\":");
                match object.rev {
                    None => out.extend(b"null"),
                    Some(rev) => write_uint(&mut out, rev.min(INTEGER_MAX)),
                }
                out.extend(b",\"type\":");
                write_string(&mut out, &word(object.kind.clone()));
                out.push(b'}');
            }
        }
        out.extend(b",\"on_behalf_of\":");
        write_optional(&mut out, d.on_behalf_of.as_deref(), ID_MAX);
        out.extend(b",\"outcome\":");
        write_string(&mut out, d.outcome.as_str());
        out.extend(b",\"policy_version\":");
        write_optional(&mut out, d.policy_version.as_deref(), ID_MAX);
        out.extend(b",\"prev_ts_gap_ns\":");
        write_nanoseconds(&mut out, self.prev_ts_gap_ns);
        out.extend(b",\"reason\":");
        write_optional(&mut out, d.reason.as_deref(), REASON_MAX);
        out.extend(b",\"request_id\":");
        write_optional(&mut out, d.request_id.as_deref(), ID_MAX);
        out.extend(b",\"seq\":");
        write_uint(&mut out, self.seq.min(INTEGER_MAX));
        out.extend(b",\"source\":{\"ip\":");
        write_optional(&mut out, d.source.ip.map(|ip| ip.to_string()).as_deref(), ID_MAX);
        out.extend(b",\"ua_hash\":");
        write_optional_hash(&mut out, d.source.ua_hash.as_ref());
        out.extend(b"},\"tenant\":");
        write_bounded(&mut out, &d.tenant, ID_MAX);
        out.extend(b",\"ts_mono_ns\":");
        write_nanoseconds(&mut out, self.ts_mono_ns);
        out.extend(b",\"ts_ns\":");
        write_nanoseconds(&mut out, d.ts_ns);
        out.extend(b",\"v\":");
        write_uint(&mut out, VERSION);
        out.push(b'}');
        out
    }

    /// Reads the canonical bytes, and nothing else: what decodes encodes to the same bytes again.
    ///
    /// # Errors
    /// [`EntryError`] with the byte where the form ended.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_MAX {
            return Err(EntryError::TooLong { bytes: bytes.len() });
        }
        let mut reader = Reader::new(bytes);
        let parts = read_entry::<String>(&mut reader).map_err(EntryError::from)?;
        Ok(parts.into_entry())
    }

    /// The hash of the entry's leaf.
    pub fn leaf_hash(bytes: &[u8]) -> Hash {
        merkle::leaf_hash(bytes)
    }
}

fn normal(change: &FieldChange) -> FieldChange {
    let field = bounded(change.field.clone(), ID_MAX);
    FieldChange { field, old: change.old.clone().normal(), new: change.new.clone().normal() }
}

fn write_bounded(out: &mut Vec<u8>, text: &str, max: usize) {
    if text.len() <= max {
        write_string(out, text)
    } else {
        write_string(out, &bounded(text.to_owned(), max))
    }
}

fn write_optional(out: &mut Vec<u8>, text: Option<&str>, max: usize) {
    match text {
        None => out.extend(b"null"),
        Some(text) => write_bounded(out, text, max),
    }
}

fn write_nanoseconds(out: &mut Vec<u8>, value: i64) {
    out.push(b'"');
    if value < 0 {
        out.push(b'-');
    }
    write_uint(out, value.unsigned_abs());
    out.push(b'"');
}

fn write_hash(out: &mut Vec<u8>, hash: &Hash) {
    out.push(b'"');
    hash.write_hex(out);
    out.push(b'"');
}

fn write_optional_hash(out: &mut Vec<u8>, hash: Option<&Hash>) {
    match hash {
        None => out.extend(b"null"),
        Some(hash) => write_hash(out, hash),
    }
}

fn write_cut(out: &mut Vec<u8>, cut: Option<&DiffCut>) {
    let Some(cut) = cut else { return out.extend(b"null") };
    out.extend(b"{\"bytes\":");
    write_uint(out, cut.bytes.min(INTEGER_MAX));
    out.extend(b",\"sha256\":");
    write_hash(out, &cut.sha256);
    out.extend(b",\"total\":");
    write_uint(out, cut.total.min(INTEGER_MAX));
    out.push(b'}');
}

fn write_diff(out: &mut Vec<u8>, diff: &[FieldChange]) {
    out.push(b'[');
    for (i, change) in diff.iter().enumerate() {
        out.extend(if i == 0 { b"{\"field\":".as_slice() } else { b",{\"field\":" });
        write_string(out, &change.field);
        out.extend(b",\"new\":");
        write_value(out, &change.new);
        out.extend(b",\"old\":");
        write_value(out, &change.old);
        out.push(b'}');
    }
    out.push(b']');
}

pub(crate) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) => write_number(out, *number),
        Value::Text(text) => write_string(out, text),
        Value::Commitment(Commitment(tag)) => {
            out.extend(b"{\"commitment\":");
            write_hash(out, tag);
            out.push(b'}');
        }
        Value::Cut { text, sha256, bytes } => {
            out.extend(b"{\"bytes\":");
            write_uint(out, (*bytes).min(INTEGER_MAX));
            out.extend(b",\"cut\":");
            write_string(out, text);
            out.extend(b",\"sha256\":");
            write_hash(out, sha256);
            out.push(b'}');
        }
        Value::Withheld => out.extend(b"{\"withheld\":true}"),
    }
}

/// What becomes of a text that was read: kept, or only looked at.
trait Keep<'a> {
    fn keep(text: Cow<'a, str>) -> Self;
}

impl<'a> Keep<'a> for String {
    fn keep(text: Cow<'a, str>) -> Self {
        text.into_owned()
    }
}

impl<'a> Keep<'a> for () {
    fn keep(_: Cow<'a, str>) -> Self {}
}

/// An entry as read. With `T = ()` every rule is checked and no text is copied, which is what makes the check of a whole
/// log quick.
struct Parts<T> {
    action: T,
    aal: u8,
    auth_method: Option<T>,
    actor_id: T,
    actor_kind: ActorKind,
    session: Option<T>,
    after_hash: Option<Hash>,
    before_hash: Option<Hash>,
    diff: Vec<(T, ReadValue<T>, ReadValue<T>)>,
    diff_cut: Option<DiffCut>,
    node: T,
    object: Option<(T, T, Option<u64>)>,
    on_behalf_of: Option<T>,
    outcome: Outcome,
    policy_version: Option<T>,
    prev_ts_gap_ns: i64,
    reason: Option<T>,
    request_id: Option<T>,
    seq: u64,
    source: Source,
    tenant: T,
    ts_mono_ns: i64,
    ts_ns: i64,
}

enum ReadValue<T> {
    Text(T),
    Cut(T, Hash, u64),
    Other(Value),
}

impl From<ReadValue<String>> for Value {
    fn from(value: ReadValue<String>) -> Self {
        match value {
            ReadValue::Text(text) => Self::Text(text),
            ReadValue::Cut(text, sha256, bytes) => Self::Cut { text, sha256, bytes },
            ReadValue::Other(value) => value,
        }
    }
}

impl From<Unexpected> for EntryError {
    fn from(bad: Unexpected) -> Self {
        Self::Form { at: bad.at, expected: bad.expected }
    }
}

impl Parts<String> {
    fn into_entry(self) -> Entry {
        let actor = Actor {
            kind: self.actor_kind,
            id: self.actor_id,
            session: self.session,
            auth_method: self.auth_method,
            aal: self.aal,
        };
        let change = |(field, old, new): (String, ReadValue<String>, ReadValue<String>)| FieldChange {
            field,
            old: old.into(),
            new: new.into(),
        };
        let draft = Draft {
            tenant: Cow::Owned(self.tenant),
            ts_ns: self.ts_ns,
            actor,
            on_behalf_of: self.on_behalf_of,
            source: self.source,
            action: Cow::Owned(self.action),
            object: self.object.map(|(id, kind, rev)| Object { kind: Cow::Owned(kind), id, rev }),
            outcome: self.outcome,
            reason: self.reason,
            before_hash: self.before_hash,
            after_hash: self.after_hash,
            diff: self.diff.into_iter().map(change).collect(),
            diff_cut: self.diff_cut,
            request_id: self.request_id,
            policy_version: self.policy_version,
            agreement: None,
        };
        let (ts_mono_ns, prev_ts_gap_ns) = (self.ts_mono_ns, self.prev_ts_gap_ns);
        Entry { seq: self.seq, node: self.node, ts_mono_ns, prev_ts_gap_ns, draft }
    }
}

/// An entry's place, of bytes that passed every rule of [`Entry::decode`].
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) ts_ns: i64,
    pub(crate) prev_ts_gap_ns: i64,
    pub(crate) ts_mono_ns: i64,
    /// The entry a process begins with.
    pub(crate) starts: bool,
}

/// As [`Entry::decode`], without keeping the texts.
pub(crate) fn check(bytes: &[u8]) -> Result<Place, EntryError> {
    if bytes.len() > ENTRY_MAX {
        return Err(EntryError::TooLong { bytes: bytes.len() });
    }
    let parts = read_entry::<()>(&mut Reader::new(bytes))?;
    Ok(Place {
        seq: parts.seq,
        ts_ns: parts.ts_ns,
        prev_ts_gap_ns: parts.prev_ts_gap_ns,
        ts_mono_ns: parts.ts_mono_ns,
        starts: bytes.starts_with(b"{\"action\":\"server.start\","),
    })
}

fn read_entry<'a, T: Keep<'a>>(r: &mut Reader<'a>) -> Read<Parts<T>> {
    r.literal("{\"action\":")?;
    let action = read_word(r)?;
    r.literal(",\"actor\":{\"aal\":")?;
    let Ok(aal @ 0..=3) = u8::try_from(r.uint()?) else { return r.fail("an assurance level from 0 to 3") };
    r.literal(",\"auth_method\":")?;
    let auth_method = r.optional(|r| read_text(r, ID_MAX))?;
    r.literal(",\"id\":")?;
    let actor_id = read_text(r, ID_MAX)?;
    r.literal(",\"session\":")?;
    let session = r.optional(|r| read_text(r, ID_MAX))?;
    r.literal(",\"type\":")?;
    let Some(actor_kind) = ActorKind::parse(&r.string()?) else {
        return r.fail("a kind of actor before here");
    };
    r.literal("},\"after_hash\":")?;
    let after_hash = r.optional(read_hash)?;
    r.literal(",\"before_hash\":")?;
    let before_hash = r.optional(read_hash)?;
    r.literal(",\"diff\":")?;
    let diff = read_diff(r)?;
    r.literal(",\"diff_cut\":")?;
    let diff_cut = r.optional(read_diff_cut)?;
    r.literal(",\"node\":")?;
    let node = read_text(r, ID_MAX)?;
    r.literal(",\"object\":")?;
    let object = r.optional(read_object)?;
    r.literal(",\"on_behalf_of\":")?;
    let on_behalf_of = r.optional(|r| read_text(r, ID_MAX))?;
    r.literal(",\"outcome\":")?;
    let Some(outcome) = Outcome::parse(&r.string()?) else { return r.fail("an outcome before here") };
    r.literal(",\"policy_version\":")?;
    let policy_version = r.optional(|r| read_text(r, ID_MAX))?;
    r.literal(",\"prev_ts_gap_ns\":")?;
    let prev_ts_gap_ns = read_nanoseconds(r)?;
    r.literal(",\"reason\":")?;
    let reason = r.optional(|r| read_text(r, REASON_MAX))?;
    r.literal(",\"request_id\":")?;
    let request_id = r.optional(|r| read_text(r, ID_MAX))?;
    r.literal(",\"seq\":")?;
    let seq = r.uint()?;
    r.literal(",\"source\":{\"ip\":")?;
    let ip = r.optional(read_ip)?;
    r.literal(",\"ua_hash\":")?;
    let ua_hash = r.optional(read_hash)?;
    r.literal("},\"tenant\":")?;
    let tenant = read_text(r, ID_MAX)?;
    r.literal(",\"ts_mono_ns\":")?;
    let ts_mono_ns = read_nanoseconds(r)?;
    r.literal(",\"ts_ns\":")?;
    let ts_ns = read_nanoseconds(r)?;
    r.literal(",\"v\":1}")?;
    r.end()?;
    let source = Source { ip, ua_hash };
    Ok(Parts {
        action,
        aal,
        auth_method,
        actor_id,
        actor_kind,
        session,
        after_hash,
        before_hash,
        diff,
        diff_cut,
        node,
        object,
        on_behalf_of,
        outcome,
        policy_version,
        prev_ts_gap_ns,
        reason,
        request_id,
        seq,
        source,
        tenant,
        ts_mono_ns,
        ts_ns,
    })
}

fn read_text<'a, T: Keep<'a>>(r: &mut Reader<'a>, max: usize) -> Read<T> {
    let text = r.string()?;
    if text.len() > max { r.fail("a shorter text before here") } else { Ok(T::keep(text)) }
}

fn read_word<'a, T: Keep<'a>>(r: &mut Reader<'a>) -> Read<T> {
    let text = r.string()?;
    if is_word(&text) { Ok(T::keep(text)) } else { r.fail("a word of a-z 0-9 _ . before here") }
}

fn read_object<'a, T: Keep<'a>>(r: &mut Reader<'a>) -> Read<(T, T, Option<u64>)> {
    r.literal("{\"id\":")?;
    let id = read_text(r, ID_MAX)?;
    r.literal(",\"rev\":")?;
    let rev = r.optional(Reader::uint)?;
    r.literal(",\"type\":")?;
    let kind = read_word(r)?;
    r.literal("}")?;
    Ok((id, kind, rev))
}

/// Succeeds while what is written to it is what is left of the text.
struct Same<'a>(&'a str);

impl std::fmt::Write for Same<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(std::fmt::Error)?;
        Ok(())
    }
}

fn read_ip(r: &mut Reader<'_>) -> Read<IpAddr> {
    let text = r.string()?;
    let ip = text.parse::<IpAddr>().ok().filter(|ip| {
        let mut same = Same(&text);
        write!(same, "{ip}").is_ok() && same.0.is_empty()
    });
    ip.map_or_else(|| r.fail("an address in its short form before here"), Ok)
}

fn read_hash(r: &mut Reader<'_>) -> Read<Hash> {
    let text = r.string()?;
    Hash::from_hex(text.as_bytes()).map_or_else(|| r.fail("64 hexadecimal digits before here"), Ok)
}

fn read_nanoseconds(r: &mut Reader<'_>) -> Read<i64> {
    let text = r.string()?;
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let canonical = digits.bytes().all(|b| b.is_ascii_digit())
        && (!digits.starts_with('0') || *text == *"0")
        && !digits.is_empty();
    match text.parse() {
        Ok(value) if canonical => Ok(value),
        Ok(_) | Err(_) => r.fail("nanoseconds as text before here"),
    }
}

fn read_diff_cut(r: &mut Reader<'_>) -> Read<DiffCut> {
    r.literal("{\"bytes\":")?;
    let bytes = r.uint()?;
    r.literal(",\"sha256\":")?;
    let sha256 = read_hash(r)?;
    r.literal(",\"total\":")?;
    let total = r.uint()?;
    r.literal("}")?;
    Ok(DiffCut { total, bytes, sha256 })
}

#[expect(clippy::type_complexity)]
fn read_diff<'a, T: Keep<'a>>(r: &mut Reader<'a>) -> Read<Vec<(T, ReadValue<T>, ReadValue<T>)>> {
    r.literal("[")?;
    let mut diff = Vec::new();
    if r.skip_if("]") {
        return Ok(diff);
    }
    loop {
        if diff.len() >= DIFF_MAX {
            return r.fail("no more changes");
        }
        r.literal("{\"field\":")?;
        let field = read_text(r, ID_MAX)?;
        r.literal(",\"new\":")?;
        let new = read_value(r)?;
        r.literal(",\"old\":")?;
        let old = read_value(r)?;
        r.literal("}")?;
        diff.push((field, old, new));
        if r.skip_if("]") {
            return Ok(diff);
        }
        r.literal(",")?;
    }
}

fn read_value<'a, T: Keep<'a>>(r: &mut Reader<'a>) -> Read<ReadValue<T>> {
    if r.peek() == Some(b'"') {
        return read_text(r, TEXT_MAX).map(ReadValue::Text);
    }
    if r.skip_if("{\"bytes\":") {
        let bytes = r.uint()?;
        r.literal(",\"cut\":")?;
        let text = read_text(r, CUT_MAX)?;
        r.literal(",\"sha256\":")?;
        let sha256 = read_hash(r)?;
        r.literal("}")?;
        return Ok(ReadValue::Cut(text, sha256, bytes));
    }
    read_other(r).map(ReadValue::Other)
}

fn read_other(r: &mut Reader<'_>) -> Read<Value> {
    match r.peek() {
        Some(b'n') => r.literal("null").map(|()| Value::Null),
        Some(b't') => r.literal("true").map(|()| Value::Bool(true)),
        Some(b'f') => r.literal("false").map(|()| Value::Bool(false)),
        Some(b'{') => {
            if r.skip_if("{\"withheld\":true}") {
                return Ok(Value::Withheld);
            }
            r.literal("{\"commitment\":")?;
            let value = Value::Commitment(Commitment(read_hash(r)?));
            r.literal("}")?;
            Ok(value)
        }
        Some(_) | None => r.number().map(Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Entry {
        let actor = Actor::new(ActorKind::User, "user_01h455vb4pex5vsknk084sn02q")
            .session("session_01h455vb4pex5vsknk084sn02q")
            .authenticated("password+totp", 2);
        let draft = Draft::new(1_795_262_400_123_456_789, actor, "check.acknowledge")
            .object("check", "check_01h455vb4pex5vsknk084sn02q")
            .revision(3)
            .source(Some("192.0.2.1".parse().unwrap()), Some("Firefox"))
            .request("req_01h455vb4pex5vsknk084sn02q")
            .reason("disk ordered")
            .change("ack.sticky", Value::Null, true)
            .change("ack.note", Value::Null, "new disk \"tomorrow\"\n")
            .secret_change("smtp.password", None, Some(Commitment::new(&[1; 32], b"x")))
            .policy("sha256:00");
        let draft = Draft { before_hash: Some(Hash::of(b"b")), after_hash: Some(Hash::of(b"a")), ..draft };
        Entry::new(12, "srv-1", 4_567, Some(1_795_262_400_000_000_000), draft)
    }

    /// Written out once: the form is a promise to every auditor, and this test is where a change of it shows.
    #[test]
    fn the_form_is_fixed() {
        let expected = concat!(
            r#"{"action":"check.acknowledge","actor":{"aal":2,"auth_method":"password+totp","#,
            r#""id":"user_01h455vb4pex5vsknk084sn02q","session":"session_01h455vb4pex5vsknk084sn02q","type":"user"},"#,
            r#""after_hash":"AFTER","before_hash":"BEFORE","diff":[{"field":"ack.sticky","new":true,"old":null},"#,
            r#"{"field":"ack.note","new":"new disk \"tomorrow\"\n","old":null},"#,
            r#"{"field":"smtp.password","new":{"commitment":"COMMITMENT"},"old":null}],"diff_cut":null,"#,
            r#""node":"srv-1","object":{"id":"check_01h455vb4pex5vsknk084sn02q","rev":3,"type":"check"},"#,
            r#""on_behalf_of":null,"outcome":"success","policy_version":"sha256:00","prev_ts_gap_ns":"123456789","#,
            r#""reason":"disk ordered","request_id":"req_01h455vb4pex5vsknk084sn02q","seq":12,"#,
            r#""source":{"ip":"192.0.2.1","ua_hash":"UAHASH"},"tenant":"default","ts_mono_ns":"4567","#,
            r#""ts_ns":"1795262400123456789","v":1}"#
        )
        .replace("AFTER", &Hash::of(b"a").to_string())
        .replace("BEFORE", &Hash::of(b"b").to_string())
        .replace("COMMITMENT", &Commitment::new(&[1; 32], b"x").tag().to_string())
        .replace("UAHASH", &Hash::of(b"Firefox").to_string());
        assert_eq!(String::from_utf8(sample().encode()).unwrap(), expected);
        assert_eq!(Entry::decode(expected.as_bytes()), Ok(sample()));
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        let good = String::from_utf8(sample().encode()).unwrap();
        for (from, to) in [
            ("\"seq\":12", "\"seq\": 12"),
            ("\"seq\":12", "\"seq\":012"),
            ("\"seq\":12", "\"seq\":12.0"),
            ("\"v\":1}", "\"v\":2}"),
            ("\"v\":1}", "\"v\":1} "),
            ("\"v\":1}", "\"v\":1,\"x\":1}"),
            ("\"aal\":2", "\"aal\":4"),
            ("\"type\":\"user\"", "\"type\":\"root\""),
            ("\"tenant\":\"default\",", ""),
            ("\"ts_mono_ns\":\"4567\"", "\"ts_mono_ns\":4567"),
            ("\"diff_cut\":null,", ""),
            ("\"outcome\":\"success\"", "\"outcome\":\"ok\""),
            ("192.0.2.1", "192.0.2.01"),
            ("\"1795262400123456789\"", "\"01795262400123456789\""),
            ("\"1795262400123456789\"", "\"99999999999999999999\""),
            ("\"123456789\"", "\"+123456789\""),
            ("\"123456789\"", "\"-0\""),
            ("check.acknowledge", "check acknowledge"),
            ("\"on_behalf_of\":null,", ""),
            ("disk ordered", "disk\\u0020ordered"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert!(Entry::decode(bad.as_bytes()).is_err(), "{from} -> {to}");
        }
        assert_eq!(Entry::decode(b"{}"), Err(EntryError::Form { at: 0, expected: "{\"action\":" }));
        assert_eq!(Entry::decode(&vec![b' '; 70_000]), Err(EntryError::TooLong { bytes: 70_000 }));
    }

    #[test]
    fn of_a_huge_change_the_beginning_and_the_hash_of_all_go_in() {
        let many = |n: usize, text: &str| {
            (0..n).fold(sample().draft, |draft, i| draft.change(&format!("f{i}"), Value::Null, text))
        };
        for (draft, total) in [(many(150, &"\u{1}".repeat(1000)), 153), (many(500, "x"), 503)] {
            let mut whole = Vec::new();
            write_diff(&mut whole, &draft.diff);
            let entry = Entry::new(1, "n", 0, None, draft.clone());
            let bytes = entry.encode();
            assert!(bytes.len() <= ENTRY_MAX);
            let read = Entry::decode(&bytes).unwrap();
            let cut = read.draft.diff_cut.unwrap();
            assert_eq!((cut.total, cut.sha256), (total, Hash::of(&whole)));
            assert_eq!(read.draft.diff[..], draft.diff[..read.draft.diff.len()]);
            assert!((5..=DIFF_MAX).contains(&read.draft.diff.len()), "{}", read.draft.diff.len());
            assert_eq!(read.encode(), bytes, "what was read is written as it was");
        }
        // The most that an entry can be asked to hold, all of it escaped.
        let dark = "\u{1}".repeat(2_000);
        let draft = many(200, &dark).reason(&dark).request(&dark).on_behalf_of(&dark).policy(&dark);
        let draft = draft.object("kind", &dark).denied(&dark);
        assert!(Entry::new(1, &dark, 0, None, draft).encode().len() <= ENTRY_MAX);
    }

    #[test]
    fn a_clock_that_steps_back_leaves_a_negative_gap() {
        let entry = Entry::new(1, "n", 0, Some(i64::MAX), sample().draft);
        assert!(entry.prev_ts_gap_ns < 0);
        assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        assert_eq!(Entry::new(0, "n", 0, None, sample().draft).prev_ts_gap_ns, 0);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,40}".prop_map(Value::from),
            "[a-z]{1100,1200}".prop_map(Value::from),
            any::<[u8; 32]>().prop_map(|key| Value::Commitment(Commitment::new(&key, b""))),
            Just(Value::Withheld),
        ]
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let texts = (any::<String>(), any::<String>(), proptest::option::of(any::<String>()));
        let diff = proptest::collection::vec((any::<String>(), any_value(), any_value()), 0..8);
        let source = (proptest::option::of(any::<IpAddr>()), proptest::option::of(any::<String>()));
        (any::<i64>(), 0u64..1 << 53, proptest::option::of(any::<i64>()), 0u8..5, texts, diff, source)
            .prop_map(|(ts, seq, previous, aal, (id, node, reason), diff, (ip, ua))| {
                let actor = Actor::new(ActorKind::ALL[usize::from(aal)], id).authenticated("mtls", aal);
                let mut draft =
                    Draft::new(ts, actor, "host.update").object("host", &node).source(ip, ua.as_deref());
                let reason_hash = reason.as_ref().map(|reason| Hash::of(reason.as_bytes()));
                if let Some(reason) = reason {
                    draft = draft.denied(reason);
                }
                let draft =
                    diff.into_iter().fold(draft, |draft, (field, old, new)| draft.change(&field, old, new));
                let draft = Draft { after_hash: reason_hash, ..draft.policy(&node) };
                Entry::new(seq, &node, ts, previous, draft)
            })
    }

    proptest! {
        #[test]
        fn entries_go_both_ways_in_one_form(entry in any_entry()) {
            let bytes = entry.encode();
            prop_assert!(bytes.len() <= ENTRY_MAX);
            let decoded = Entry::decode(&bytes).unwrap();
            prop_assert_eq!(&decoded, &entry);
            prop_assert_eq!(decoded.encode(), bytes.clone());
            // It is JSON to others, with sorted keys and no space.
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(value["seq"].as_u64(), Some(entry.seq));
            if !entry.draft.diff.iter().any(|c| matches!((&c.old, &c.new), (Value::Number(_), _) | (_, Value::Number(_)))) {
                prop_assert_eq!(serde_json::to_vec(&value).unwrap(), bytes);
            }
        }

        /// Whatever decodes is what encoding it gives: there are no two spellings of one entry.
        #[test]
        fn a_changed_byte_is_refused_or_is_another_entry(at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = sample().encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let decoded = Entry::decode(&bytes);
            let checked = check(&bytes).map(|_| ());
            prop_assert_eq!(decoded.as_ref().err(), checked.as_ref().err());
            if let Ok(entry) = decoded {
                prop_assert_eq!(entry.encode(), bytes);
            }
        }

        #[test]
        fn any_bytes_are_survived(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Entry::decode(&raw).is_err());
        }
    }
}
