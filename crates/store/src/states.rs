//! The hot state of checks: written by the thousand, read whole at start.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use wk_domain::check_state::{Ack, CheckState, Flap, Stale, StaleCause, StateType};
use wk_domain::{CheckId, Status, Timestamp};
use wk_engine::ports::rows::CheckStateRow;
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::sql::{Bulk, Compose, sql};
use crate::value::{Row, Value, json};

/// The part of a state that nobody filters by. Short names and no defaults: 50 000 of these are rewritten each minute.
/// A name once used keeps its meaning for ever; new ones may come, and are absent in older rows.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Core {
    /// attempt
    #[serde(rename = "a", skip_serializing_if = "is_default")]
    attempt: u32,
    #[serde(rename = "lh", skip_serializing_if = "is_default")]
    last_hard_status: Option<String>,
    #[serde(rename = "hs", skip_serializing_if = "is_default")]
    hard_since: Option<i64>,
    #[serde(rename = "rs", skip_serializing_if = "is_default")]
    last_result_started: Option<i64>,
    #[serde(rename = "lc", skip_serializing_if = "is_default")]
    last_checked: Option<i64>,
    #[serde(rename = "he", skip_serializing_if = "is_default")]
    last_heard: Option<i64>,
    #[serde(rename = "nd", skip_serializing_if = "is_default")]
    next_due: Option<i64>,
    #[serde(rename = "fb", skip_serializing_if = "is_default")]
    flap_bits: u32,
    #[serde(rename = "fl", skip_serializing_if = "is_default")]
    flapping: bool,
    #[serde(rename = "nn", skip_serializing_if = "is_default")]
    notification_number: u32,
    #[serde(rename = "ln", skip_serializing_if = "is_default")]
    last_notified: Option<i64>,
    #[serde(rename = "to", skip_serializing_if = "is_default")]
    told: Option<String>,
    /// sticky, expires
    #[serde(rename = "ak", skip_serializing_if = "is_default")]
    ack: Option<(bool, Option<i64>)>,
    /// since, cause
    #[serde(rename = "st", skip_serializing_if = "is_default")]
    stale: Option<(i64, String)>,
    #[serde(rename = "rj", skip_serializing_if = "is_default")]
    rejected: u64,
    #[serde(rename = "rr", skip_serializing_if = "is_default")]
    rejected_in_a_row: u8,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Core {
    fn of(state: &CheckState) -> Self {
        // Taken apart by name, so that a new field of the state fails the build here.
        let CheckState {
            status: _,
            state_type: _,
            attempt,
            last_hard_status,
            since: _,
            hard_since,
            last_result_started,
            last_checked,
            last_heard,
            next_due,
            flap: Flap { bits, flapping },
            notification_number,
            last_notified,
            told,
            ack,
            stale,
            rejected,
            rejected_in_a_row,
        } = *state;
        let ms = |t: Option<Timestamp>| t.map(Timestamp::as_ms);
        let word = |s: Option<Status>| s.map(|s| s.as_str().to_owned());
        Self {
            attempt,
            last_hard_status: word(last_hard_status),
            hard_since: ms(hard_since),
            last_result_started: ms(last_result_started),
            last_checked: ms(last_checked),
            last_heard: ms(last_heard),
            next_due: ms(next_due),
            flap_bits: bits,
            flapping,
            notification_number,
            last_notified: ms(last_notified),
            told: word(told),
            ack: ack.map(|ack| (ack.sticky, ms(ack.expires))),
            stale: stale.map(|stale| (stale.since.as_ms(), stale.cause.as_str().to_owned())),
            rejected,
            rejected_in_a_row,
        }
    }

    fn state(
        self,
        status: Option<Status>,
        state_type: StateType,
        since: Option<Timestamp>,
    ) -> Result<CheckState> {
        let ms = |t: Option<i64>| t.map(Timestamp::from_ms);
        let stale = match self.stale {
            None => None,
            Some((at, cause)) => Some(Stale {
                since: Timestamp::from_ms(at),
                cause: StaleCause::parse(&cause).ok_or_else(|| unknown("a cause of silence", &cause))?,
            }),
        };
        Ok(CheckState {
            status,
            state_type,
            attempt: self.attempt,
            last_hard_status: status_of(self.last_hard_status)?,
            since,
            hard_since: ms(self.hard_since),
            last_result_started: ms(self.last_result_started),
            last_checked: ms(self.last_checked),
            last_heard: ms(self.last_heard),
            next_due: ms(self.next_due),
            flap: Flap { bits: self.flap_bits, flapping: self.flapping },
            notification_number: self.notification_number,
            last_notified: ms(self.last_notified),
            told: status_of(self.told)?,
            ack: self.ack.map(|(sticky, expires)| Ack { sticky, expires: ms(expires) }),
            stale,
            rejected: self.rejected,
            rejected_in_a_row: self.rejected_in_a_row,
        })
    }
}

fn unknown(what: &str, word: &str) -> StoreError {
    StoreError::Corrupt { detail: format!("`{word}` as {what}") }
}

fn status_of(word: Option<String>) -> Result<Option<Status>> {
    word.map(|word| Status::parse(&word).ok_or_else(|| unknown("a status", &word))).transpose()
}

const UPSERT: Bulk = Bulk {
    head: "INSERT INTO check_state (check_id, host, status, state_type, since, core, reason, output, long_output, metrics)",
    columns: 10,
    tail: "ON CONFLICT (check_id) DO UPDATE SET status = excluded.status, state_type = excluded.state_type,
           since = excluded.since, core = excluded.core, reason = excluded.reason, output = excluded.output,
           long_output = excluded.long_output, metrics = excluded.metrics",
    tenant: None,
};

fn values(row: CheckStateRow) -> Result<Vec<Value>> {
    let state = &row.state;
    Ok(vec![
        row.check.into(),
        row.host.into(),
        state.status.map(|s| s.as_str().to_owned()).into(),
        state.state_type.as_str().into(),
        state.since.into(),
        json(&Core::of(state))?,
        row.reason.into(),
        row.output.into(),
        row.long_output.into(),
        row.metrics_json.into(),
    ])
}

/// Writes states of checks that exist; returns how many were left out because their check was removed meanwhile.
pub(crate) async fn upsert(tx: &mut Tx, mut rows: Vec<CheckStateRow>) -> Result<usize> {
    // In key order: neighbours share pages, and two writers lock rows in the same order. One state per check: a
    // statement may not touch a row twice, and the last one given is the newest.
    rows.sort_by_key(|row| row.check);
    rows.reverse();
    rows.dedup_by_key(|row| row.check);
    rows.reverse();
    let before = rows.len();
    let gone = missing(tx, &rows).await?;
    if !gone.is_empty() {
        rows.retain(|row| !gone.contains(&row.check));
    }
    let left_out = before - rows.len();
    let values = rows.into_iter().map(values).collect::<Result<Vec<_>>>()?;
    tx.run_all(UPSERT.queries(tx.engine(), values)).await?;
    Ok(left_out)
}

/// The checks that are not there. Counted in the engine, and only looked at one by one when the count is short.
async fn missing(tx: &mut Tx, rows: &[CheckStateRow]) -> Result<HashSet<CheckId>> {
    const CHUNK: usize = 128;
    let mut gone = HashSet::new();
    for chunk in rows.chunks(CHUNK) {
        let ids = || {
            // Always the same number of arguments, so that the statement is prepared once.
            let last = chunk.last().map(|row| row.check);
            chunk.iter().map(|row| Some(row.check)).chain(std::iter::repeat(last)).take(CHUNK)
        };
        let mut count = Compose::new("SELECT COUNT(*) FROM check_def WHERE id IN ");
        count.list(ids());
        let found = tx.row(count.done()).await?.map(|row| row.read().int()).transpose()?.unwrap_or(0);
        if usize::try_from(found) == Ok(chunk.len()) {
            continue;
        }
        let mut which = Compose::new("SELECT id FROM check_def WHERE id IN ");
        which.list(ids());
        let found = tx.rows(which.done()).await?;
        let found = found.iter().map(|row| row.read().id()).collect::<Result<HashSet<CheckId>>>()?;
        gone.extend(chunk.iter().map(|row| row.check).filter(|id| !found.contains(id)));
    }
    Ok(gone)
}

fn read(row: &Row) -> Result<CheckStateRow> {
    let mut r = row.read();
    let (check, host) = (r.id()?, r.id()?);
    let status = status_of(r.opt_text()?)?;
    let state_type = r.word("a state type", StateType::parse)?;
    let since = r.opt_instant()?;
    let core: Core = r.json()?;
    Ok(CheckStateRow {
        check,
        host,
        state: core.state(status, state_type, since)?,
        reason: r.text()?,
        output: r.text()?,
        long_output: r.text()?,
        metrics_json: r.text()?,
    })
}

pub(crate) async fn all(db: &Db) -> Result<Vec<CheckStateRow>> {
    let q =
        sql("SELECT check_id, host, status, state_type, since, core, reason, output, long_output, metrics
                 FROM check_state ORDER BY check_id");
    db.rows(q).await?.iter().map(read).collect()
}
