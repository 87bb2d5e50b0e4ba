//! Wire → domain: what an agent sent, cleaned and bounded. The only place where the two meet on the way in.
//!
//! Two kinds of wrong: what the agent program would never send (too many of something, values without series) is an
//! error and ends the link; what a monitored machine may bring into it (a name that is none, a number that is not
//! finite, an id that does not parse) is left out and counted, and the rest of the batch stands.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use wk_domain::name::{Label, MetricName};
use wk_domain::perfdata::{LABEL_MAX, METRICS_MAX, PerfMetric, UNIT_MAX};
use wk_domain::text::{clean_line, clean_text};
use wk_domain::threshold::Range;
use wk_domain::{AgentId, CheckId, CheckResult, HostId, ResultReason, Status, Timestamp};
use wk_engine::desk::{EnrolAttempt, LinkHello, Observations, ObservedInventory, ObservedNote, SeriesNames};
use wk_engine::ports::metrics::{SeriesKey, SeriesMeta};
use wk_engine::ports::rows::ExecutionRow;
use wk_wire as wire;

/// Results in one batch.
pub const RESULTS_MAX: usize = 4_096;
/// Values in one batch.
pub const SAMPLES_MAX: usize = 20_000;
/// Series in one dictionary.
pub const SERIES_MAX: usize = 10_000;
/// Inventory items and removals in one batch.
pub const ITEMS_MAX: usize = 20_000;
/// Execution records in one batch.
pub const EXECUTIONS_MAX: usize = 4_096;
/// Notes in one batch.
pub const NOTES_MAX: usize = 4_096;

/// Bytes of what people read: one line of output, all of it, a note, an inventory value.
const OUTPUT_MAX: usize = 4 << 10;
const LONG_OUTPUT_MAX: usize = 64 << 10;
const NOTE_MAX: usize = 1_000;
const VALUE_MAX: usize = 2_048;
const KEY_MAX: usize = 512;
const WORD_MAX: usize = 64;
/// Fields of one inventory item; a process or a package has about ten.
const FIELDS_MAX: usize = 64;
/// Arguments of one execution record and bytes of each.
const ARGV_MAX: usize = 64;
const ARGUMENT_MAX: usize = 1_024;
/// Plugins that a policy file allows, and their parameters.
const PLUGINS_MAX: usize = 256;
const PARAMS_MAX: usize = 32;
/// Instants outside of years 2000 to 9999 are no instants.
const INSTANTS: std::ops::Range<i64> = 946_684_800_000..253_402_300_800_000;

/// Sections an inventory has.
const SECTIONS: [&str; 14] = [
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
    "top",
];

/// What no agent program of ours sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    #[error("{count} {what}; at most {max} are taken")]
    TooMany { what: &'static str, count: usize, max: usize },
    #[error("{refs} references for {values} values")]
    Uneven { refs: usize, values: usize },
    #[error("the dictionary goes on at {first}, but ends at {length}")]
    Dictionary { first: u32, length: usize },
    #[error("the batch refers to a dictionary that was not sent")]
    NoDictionary,
    #[error("`{field}` is not what it should be")]
    Field { field: &'static str },
}

fn bounded(what: &'static str, count: usize, max: usize) -> Result<(), ConvertError> {
    if count > max { Err(ConvertError::TooMany { what, count, max }) } else { Ok(()) }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// SHA-256 of a file as hexadecimal; empty when it is none.
fn digest(bytes: &[u8]) -> String {
    if bytes.len() == 32 { hex(bytes) } else { String::new() }
}

/// A request to enrol, from `address`. The secret ends here: only its hash goes on.
///
/// # Errors
/// [`ConvertError::Field`].
pub fn enrol(request: wire::EnrolRequest, address: SocketAddr) -> Result<EnrolAttempt, ConvertError> {
    let field = |field| move || ConvertError::Field { field };
    if request.protocol != wire::PROTOCOL_VERSION {
        return Err(field("protocol")());
    }
    if request.secret.len() > 64 {
        return Err(field("secret")());
    }
    if request.csr_der.is_empty() || request.csr_der.len() > wk_pki::CSR_BYTES_MAX {
        return Err(field("csr_der")());
    }
    if request.machine_digest.len() > 64 {
        return Err(field("machine_digest")());
    }
    let secret = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &request.secret);
    Ok(EnrolAttempt {
        token: request.token_id.parse().map_err(|_| field("token_id")())?,
        secret_sha256: secret.as_ref().try_into().map_err(|_| field("secret")())?,
        csr_der: request.csr_der,
        hostname: clean_line(&request.hostname, 253),
        os: clean_line(&request.os, 200),
        version: clean_line(&request.version, WORD_MAX),
        machine_digest: request.machine_digest,
        address,
    })
}

/// What an agent says of itself.
///
/// # Errors
/// [`ConvertError`].
pub fn hello(hello: wire::Hello) -> Result<LinkHello, ConvertError> {
    if hello.protocol != wire::PROTOCOL_VERSION {
        return Err(ConvertError::Field { field: "protocol" });
    }
    if hello.machine_digest.len() > 64 {
        return Err(ConvertError::Field { field: "machine_digest" });
    }
    bounded("plugins", hello.plugins.len(), PLUGINS_MAX)?;
    let mut plugins = Vec::with_capacity(hello.plugins.len());
    for plugin in hello.plugins {
        bounded("plugin parameters", plugin.params.len(), PARAMS_MAX)?;
        let params = plugin.params.iter().map(|name| clean_line(name, WORD_MAX)).collect();
        plugins.push((clean_line(&plugin.name, WORD_MAX), digest(&plugin.sha256), params));
    }
    Ok(LinkHello {
        version: clean_line(&hello.version, WORD_MAX),
        hostname: clean_line(&hello.hostname, 253),
        epoch: hello.epoch,
        agent_now: Timestamp::from_ms(hello.now_ms),
        remote_off: hello.remote_off,
        plugins,
        machine_digest: hello.machine_digest,
    })
}

/// The dictionary that is in force on a link.
#[derive(Debug, Default)]
pub struct SeriesTable {
    id: Option<u64>,
    /// For each entry its place in `series`; [`NOWHERE`] for one that is no series.
    places: Vec<u32>,
    series: Arc<SeriesNames>,
}

const NOWHERE: u32 = u32::MAX;

impl SeriesTable {
    /// Takes a part of a dictionary: a new one begins at 0 or has another id. Returns how many entries are no series;
    /// values that refer to them are left out.
    ///
    /// # Errors
    /// [`ConvertError`]; the table must not be used afterwards.
    pub fn define(&mut self, part: wire::Dictionary) -> Result<usize, ConvertError> {
        if self.id != Some(part.id) || part.first == 0 {
            *self = Self { id: Some(part.id), ..Self::default() };
        }
        let length = self.places.len();
        let first = usize::try_from(part.first).unwrap_or(usize::MAX);
        bounded("series", first.saturating_add(part.series.len()), SERIES_MAX)?;
        if first < length {
            return Err(ConvertError::Dictionary { first: part.first, length });
        }
        // Entries may be missing when the agent's disk lost them.
        self.places.resize(first, NOWHERE);
        // While a batch that waits holds the present names this copies them; it happens when series are new.
        let series = Arc::make_mut(&mut self.series);
        self.places.reserve_exact(part.series.len());
        let mut bad = 0;
        for definition in part.series {
            let place = match meta(definition) {
                Some(meta) => {
                    series.push(&meta);
                    u32::try_from(series.len() - 1).unwrap_or(NOWHERE)
                }
                None => {
                    bad += 1;
                    NOWHERE
                }
            };
            self.places.push(place);
        }
        series.shrink_to_fit();
        Ok(bad)
    }
}

fn meta(from: wire::SeriesDef) -> Option<SeriesMeta> {
    if !MetricName::is_valid(&from.name) || from.labels.len() > Label::PER_SERIES_MAX {
        return None;
    }
    let mut labels = Vec::with_capacity(from.labels.len());
    for label in from.labels {
        Label::new(&label.name, &clean_line(&label.value, Label::VALUE_MAX)).ok()?;
        labels.push((label.name, clean_line(&label.value, Label::VALUE_MAX)));
    }
    labels.sort();
    if labels.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
        return None;
    }
    // The host is not kept: no agent can name one.
    let host = HostId::new(0, [0; 10]);
    Some(SeriesMeta {
        key: SeriesKey { host, name: from.name, labels },
        unit: clean_line(&from.unit, UNIT_MAX),
        counter: from.kind == wire::SeriesKind::Counter as i32,
    })
}

/// A batch, cleaned.
#[derive(Debug, Clone, Default)]
pub struct Cleaned {
    pub observations: Observations,
    /// How many things were left out.
    pub left_out: u64,
}

/// Cleans a batch of `agent` that belongs to spool `epoch`.
///
/// # Errors
/// [`ConvertError`].
pub fn batch(
    batch: wire::Batch,
    table: &SeriesTable,
    agent: AgentId,
    epoch: u64,
) -> Result<Cleaned, ConvertError> {
    bounded("results", batch.results.len(), RESULTS_MAX)?;
    bounded("executions", batch.executions.len(), EXECUTIONS_MAX)?;
    bounded("notes", batch.notes.len(), NOTES_MAX)?;
    let values = batch.samples.iter().map(|block| block.values.len()).sum();
    bounded("values", values, SAMPLES_MAX)?;
    let items = batch.inventory.iter().map(|delta| delta.items.len() + delta.removed.len() + 1).sum();
    bounded("inventory items", items, ITEMS_MAX)?;
    if values > 0 && table.id != Some(batch.dictionary) {
        return Err(ConvertError::NoDictionary);
    }

    let mut left_out = 0;
    let mut keep = |kept: bool| {
        left_out += u64::from(!kept);
        kept
    };
    let mut samples = Vec::with_capacity(values);
    for block in batch.samples {
        if block.refs.len() != block.values.len() {
            return Err(ConvertError::Uneven { refs: block.refs.len(), values: block.values.len() });
        }
        let timely = INSTANTS.contains(&block.at_ms);
        for (series, value) in block.refs.into_iter().zip(block.values) {
            let place = table.places.get(series as usize).copied().unwrap_or(NOWHERE);
            if keep(timely && place != NOWHERE && value.is_finite()) {
                samples.push((place, block.at_ms, value));
            }
        }
    }
    let mut results = Vec::with_capacity(batch.results.len());
    for from in batch.results {
        let check: Option<CheckId> = from.check_id.parse().ok();
        if let Some(check) = check
            && keep(INSTANTS.contains(&from.finished_ms))
        {
            results.push((check, result(from)));
        } else if check.is_none() {
            keep(false);
        }
    }
    let mut inventory = Vec::with_capacity(batch.inventory.len());
    for delta in batch.inventory {
        if keep(SECTIONS.contains(&delta.section.as_str())) {
            let (delta, bad) = observed(delta);
            (0..bad).for_each(|_| {
                keep(false);
            });
            inventory.push(delta);
        }
    }
    let mut executions = Vec::with_capacity(batch.executions.len());
    for from in batch.executions {
        let execution = execution(from, agent);
        if keep(execution.is_some()) {
            executions.extend(execution);
        }
    }
    let notes = batch.notes.into_iter().map(note).collect();
    let observations = Observations {
        epoch,
        seq: batch.seq,
        series: Arc::clone(&table.series),
        samples,
        results,
        inventory,
        executions,
        notes,
    };
    Ok(Cleaned { observations, left_out })
}

fn result(from: wire::CheckResult) -> CheckResult {
    let status = i32::try_from(from.status).ok().and_then(Status::from_exit_code).unwrap_or(Status::Unknown);
    CheckResult {
        status,
        reason: reason(&from.reason),
        output: clean_line(&from.output, OUTPUT_MAX),
        long_output: clean_text(&from.long_output, LONG_OUTPUT_MAX),
        metrics: from.metrics.into_iter().take(METRICS_MAX).filter_map(metric).collect(),
        started: Timestamp::from_ms(from.started_ms.clamp(INSTANTS.start, from.finished_ms)),
        finished: Timestamp::from_ms(from.finished_ms),
    }
}

fn reason(raw: &str) -> Option<ResultReason> {
    let (word, rest) = raw.split_once(':').unwrap_or((raw, ""));
    let text = |max| clean_line(rest, max);
    Some(match word {
        "" => return None,
        "timeout" => ResultReason::Timeout,
        "signal" => ResultReason::Signal(rest.parse().unwrap_or(0)),
        "exit" => ResultReason::Exit(rest.parse().unwrap_or(-1)),
        "spawn" => ResultReason::Spawn(text(WORD_MAX)),
        "refused" => ResultReason::Refused(text(WORD_MAX)),
        "no-data" => ResultReason::NoData(text(200)),
        // A word of a newer agent: kept for people.
        _ => ResultReason::NoData(clean_line(raw, 200)),
    })
}

fn metric(from: wire::PerfMetric) -> Option<PerfMetric> {
    let label = clean_line(&from.label, LABEL_MAX);
    let range = |raw: &str| raw.parse::<Range>().ok();
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    (!label.is_empty()).then(|| PerfMetric {
        label,
        value: finite(from.value),
        unit: clean_line(&from.unit, UNIT_MAX),
        warn: range(&from.warn),
        crit: range(&from.crit),
        min: finite(from.min),
        max: finite(from.max),
    })
}

fn observed(from: wire::InventoryDelta) -> (ObservedInventory, u64) {
    let mut bad = 0;
    let mut items = Vec::with_capacity(from.items.len());
    for item in from.items {
        let key = clean_line(&item.key, KEY_MAX);
        if key.is_empty() || item.fields.len() > FIELDS_MAX {
            bad += 1;
            continue;
        }
        let fields = item.fields.iter();
        let mut fields: Vec<_> =
            fields.map(|f| (clean_line(&f.name, WORD_MAX), clean_line(&f.value, VALUE_MAX))).collect();
        fields.retain(|(name, _)| !name.is_empty());
        items.push((key, fields));
    }
    let removed =
        from.removed.iter().map(|key| clean_line(key, KEY_MAX)).filter(|key| !key.is_empty()).collect();
    let observed = ObservedInventory {
        section: from.section,
        full: from.full,
        items,
        removed,
        at: Timestamp::from_ms(from.observed_ms),
    };
    (observed, bad)
}

fn execution(from: wire::Execution, agent: AgentId) -> Option<ExecutionRow> {
    Some(ExecutionRow {
        id: from.id.parse().ok()?,
        agent,
        check: from.check_id.parse().ok(),
        kind: matches!(from.kind.as_str(), "plugin" | "probe").then_some(from.kind)?,
        what: clean_line(&from.what, 200),
        argv: from.argv.iter().take(ARGV_MAX).map(|argument| clean_line(argument, ARGUMENT_MAX)).collect(),
        sha256: digest(&from.sha256),
        grade: clean_line(&from.grade, WORD_MAX),
        outcome: clean_line(&from.outcome, WORD_MAX),
        started: Timestamp::from_ms(from.started_ms),
        finished: Timestamp::from_ms(from.finished_ms),
    })
}

fn note(from: wire::AgentNote) -> ObservedNote {
    let word = !from.kind.is_empty()
        && from.kind.len() <= WORD_MAX
        && from.kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    ObservedNote {
        at: Timestamp::from_ms(from.at_ms),
        kind: if word { from.kind } else { "other".to_owned() },
        text: clean_line(&from.text, NOTE_MAX),
        count: from.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_700_000_000_000;

    fn agent() -> AgentId {
        AgentId::new(1, [0; 10])
    }

    fn series(name: &str) -> wire::SeriesDef {
        wire::SeriesDef { name: name.into(), ..Default::default() }
    }

    fn clean(of: wire::Batch, table: &SeriesTable) -> Cleaned {
        batch(of, table, agent(), 1).unwrap()
    }

    #[test]
    fn values_keep_their_names_when_an_entry_is_no_series() {
        let mut table = SeriesTable::default();
        let dictionary = wire::Dictionary {
            id: 3,
            first: 0,
            series: vec![series("a"), series("Not A Name"), series("c")],
        };
        assert_eq!(table.define(dictionary), Ok(1));
        // The agent's disk lost entry 3.
        table.define(wire::Dictionary { id: 3, first: 4, series: vec![series("e")] }).unwrap();
        let block = wire::SampleBlock {
            at_ms: NOW,
            refs: vec![0, 1, 2, 3, 4, 99],
            values: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        };
        let cleaned =
            clean(wire::Batch { dictionary: 3, samples: vec![block], ..Default::default() }, &table);
        let series = &cleaned.observations.series;
        let names: Vec<_> = series.of(HostId::new(0, [0; 10])).map(|meta| meta.key.name).collect();
        let named: Vec<_> = cleaned
            .observations
            .samples
            .iter()
            .map(|(place, _, value)| (names[*place as usize].as_str(), *value))
            .collect();
        assert_eq!(named, [("a", 0.0), ("c", 2.0), ("e", 4.0)]);
        assert_eq!(cleaned.left_out, 3);
    }

    #[test]
    fn what_is_not_finite_or_out_of_time_is_left_out() {
        let mut table = SeriesTable::default();
        table.define(wire::Dictionary { id: 0, first: 0, series: vec![series("a")] }).unwrap();
        let block = |at_ms, value| wire::SampleBlock { at_ms, refs: vec![0], values: vec![value] };
        let samples = vec![
            block(NOW, f64::NAN),
            block(NOW, f64::INFINITY),
            block(-1, 1.0),
            block(i64::MAX, 1.0),
            block(NOW, 1.5),
        ];
        let cleaned = clean(wire::Batch { samples, ..Default::default() }, &table);
        assert_eq!(cleaned.observations.samples, [(0, NOW, 1.5)]);
        assert_eq!(cleaned.left_out, 4);
    }

    #[test]
    fn a_result_is_text_and_a_known_status() {
        let from = wire::CheckResult {
            check_id: CheckId::new(1, [0; 10]).to_string(),
            status: 77,
            reason: "signal:9".into(),
            output: "\u{1b}[31mred\u{202e}\nline".into(),
            finished_ms: NOW,
            started_ms: i64::MIN,
            metrics: vec![
                wire::PerfMetric {
                    label: "x".into(),
                    value: Some(f64::NAN),
                    warn: "bad".into(),
                    ..Default::default()
                },
                wire::PerfMetric::default(),
            ],
            ..Default::default()
        };
        let other = wire::CheckResult { check_id: "host_x".into(), ..from.clone() };
        let cleaned =
            clean(wire::Batch { results: vec![from, other], ..Default::default() }, &SeriesTable::default());
        assert_eq!(cleaned.left_out, 1);
        let (_, result) = &cleaned.observations.results[0];
        assert_eq!(
            (result.status, result.reason.as_ref()),
            (Status::Unknown, Some(&ResultReason::Signal(9)))
        );
        assert_eq!(result.output, "red line");
        assert_eq!(result.metrics.len(), 1);
        assert_eq!((result.metrics[0].value, result.metrics[0].warn), (None, None));
    }

    #[test]
    fn what_no_agent_sends_is_an_error() {
        let table = SeriesTable::default();
        let refuse = |of| batch(of, &table, agent(), 1).unwrap_err();
        let results = vec![wire::CheckResult::default(); RESULTS_MAX + 1];
        assert!(matches!(
            refuse(wire::Batch { results, ..Default::default() }),
            ConvertError::TooMany { what: "results", .. }
        ));
        let block = wire::SampleBlock { at_ms: NOW, refs: vec![0], values: vec![1.0] };
        assert_eq!(
            refuse(wire::Batch { samples: vec![block], dictionary: 9, ..Default::default() }),
            ConvertError::NoDictionary
        );
        let uneven = wire::SampleBlock { at_ms: NOW, refs: vec![0], values: vec![] };
        assert_eq!(
            refuse(wire::Batch { samples: vec![uneven], ..Default::default() }),
            ConvertError::Uneven { refs: 1, values: 0 }
        );
        let mut table = SeriesTable::default();
        table.define(wire::Dictionary { id: 1, first: 0, series: vec![series("a"), series("b")] }).unwrap();
        assert!(table.define(wire::Dictionary { id: 1, first: 1, series: vec![] }).is_err());
        assert!(table.define(wire::Dictionary { id: 1, first: u32::MAX, series: vec![] }).is_err());
    }

    #[test]
    fn an_unknown_section_and_a_nameless_item_are_left_out() {
        let delta = |section: &str, key: &str| wire::InventoryDelta {
            section: section.into(),
            full: true,
            items: vec![wire::InventoryItem { key: key.into(), fields: vec![] }],
            ..Default::default()
        };
        let inventory = vec![delta("packages", "bash"), delta("packages", "\u{7}"), delta("secrets", "x")];
        let cleaned = clean(wire::Batch { inventory, ..Default::default() }, &SeriesTable::default());
        assert_eq!(cleaned.left_out, 2);
        assert_eq!(cleaned.observations.inventory.len(), 2);
        assert_eq!(cleaned.observations.inventory[0].items[0].0, "bash");
    }

    #[test]
    fn an_enrolment_of_another_protocol_or_without_a_key_is_refused() {
        let address = "192.0.2.1:1".parse().unwrap();
        let good = wire::EnrolRequest {
            protocol: 1,
            token_id: wk_domain::TokenId::new(1, [0; 10]).to_string(),
            csr_der: vec![1],
            ..Default::default()
        };
        assert!(enrol(good.clone(), address).is_ok());
        assert!(enrol(wire::EnrolRequest { protocol: 2, ..good.clone() }, address).is_err());
        assert!(enrol(wire::EnrolRequest { csr_der: vec![], ..good.clone() }, address).is_err());
        assert!(enrol(wire::EnrolRequest { token_id: "x".into(), ..good }, address).is_err());
    }

    proptest! {
        /// Any bytes that decode as a batch convert or are refused; what comes out keeps every bound.
        #[test]
        fn any_batch(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut frame = vec![0x1a];
            prost::encoding::encode_varint(bytes.len() as u64, &mut frame);
            frame.extend(bytes);
            if let Ok(wire::agent_frame::Body::Batch(decoded)) = wire::budget::decode_agent_frame(frame.into())
                && let Ok(cleaned) = batch(decoded, &SeriesTable::default(), agent(), 1)
            {
                prop_assert!(cleaned.observations.samples.is_empty());
                prop_assert!(cleaned.observations.results.iter().all(|(_, result)| result.output.len() <= OUTPUT_MAX));
            }
        }
    }
}
