//! The audit log, read and verified.

use std::sync::atomic::{AtomicU64, Ordering};

use wk_audit::verify::Verifier;
use wk_authz::{AuditRead, Permit};

use crate::Engine;
use crate::error::EngineError;
use crate::ports::TenantScope;
use crate::ports::rows::{AuditFilter, AuditRow, Page};

/// Entries read at once while verifying.
const CHUNK: u32 = 2_000;
/// Findings worth listing; the first says where it began.
const FINDINGS_MAX: usize = 100;

/// What a check of the whole log found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditReport {
    pub entries: u64,
    /// RFC 6962 tree root over all entries, lower-case hex.
    pub root_hash: String,
    pub findings: Vec<String>,
}

impl Engine {
    /// Entries, newest first.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn audit_page(
        &self,
        _permit: Permit<AuditRead>,
        scope: &TenantScope,
        filter: AuditFilter,
        page: Page,
    ) -> Result<Vec<AuditRow>, EngineError> {
        Ok(self.ports.store.audit(scope, filter, page).await?)
    }

    /// Recomputes every entry: its bytes against its leaf, its place, its predecessor. In the memory of one chunk,
    /// whatever the log's length; one at a time, since each reads the whole log. See [`Engine::verify_progress`].
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn verify_audit(&self, _permit: Permit<AuditRead>) -> Result<AuditReport, EngineError> {
        let _one_at_a_time = self.verifying.turn.lock().await;
        let total = self.ports.store.health().await?.audit_entries;
        self.verifying.total.store(total, Ordering::Relaxed);
        let _ended = Ended(&self.verifying);
        let mut verifier = Verifier::new(&[]);
        let mut findings = Vec::new();
        loop {
            let next = verifier.size();
            self.verifying.done.store(next, Ordering::Relaxed);
            let rows = self.ports.store.audit_from(next, CHUNK).await?;
            let last = rows.len() < CHUNK as usize;
            for row in rows {
                let place = verifier.size();
                let mut find = |finding: String| {
                    if findings.len() < FINDINGS_MAX {
                        findings.push(finding);
                    }
                };
                if row.seq != place {
                    find(format!("entry {place} is missing; the store gives {}", row.seq));
                }
                if wk_audit::Entry::leaf_hash(row.entry_json.as_bytes()).0 != row.leaf_hash {
                    find(format!("entry {}: its bytes do not make its leaf hash", row.seq));
                }
                if let Some(column) = other_than_entry(&row) {
                    find(format!("entry {}: lists show another {column} than the entry has", row.seq));
                }
                verifier.entry(row.entry_json.as_bytes(), None);
            }
            if last {
                break;
            }
        }
        let report = verifier.finish();
        let room = FINDINGS_MAX.saturating_sub(findings.len());
        findings.extend(
            report.findings.iter().filter(|f| !f.fault.is_remark()).take(room).map(ToString::to_string),
        );
        Ok(AuditReport { entries: report.entries, root_hash: report.root.to_string(), findings })
    }

    /// How far a verification under way is: entries done, entries there were when it began. `None`: none is.
    pub fn verify_progress(&self, _permit: Permit<AuditRead>) -> Option<(u64, u64)> {
        let total = self.verifying.total.load(Ordering::Relaxed);
        (total > 0).then(|| (self.verifying.done.load(Ordering::Relaxed), total))
    }
}

/// A verification under way.
#[derive(Debug, Default)]
pub(crate) struct Verifying {
    turn: tokio::sync::Mutex<()>,
    done: AtomicU64,
    total: AtomicU64,
}

/// Whoever asked may go away in the middle: nothing is under way then.
struct Ended<'a>(&'a Verifying);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.total.store(0, Ordering::Relaxed);
        self.0.done.store(0, Ordering::Relaxed);
    }
}

/// Which of the columns that lists are made of says something else than the entry that is in the log.
fn other_than_entry(row: &AuditRow) -> Option<&'static str> {
    // Bytes that are no entry are found as such.
    let draft = wk_audit::Entry::decode(row.entry_json.as_bytes()).ok()?.draft;
    // `kind:id`, or the id alone when it names its kind itself; the kind alone without an id.
    let names = |shown: &str, kind: &str, id: &str| match shown.strip_suffix(id) {
        Some(front) if !id.is_empty() => {
            front.strip_suffix(':') == Some(kind) || (front.is_empty() && id.starts_with(kind))
        }
        Some(_) | None => id.is_empty() && shown == kind,
    };
    let object = match &draft.object {
        Some(object) => names(&row.object, &object.kind, &object.id),
        None => row.object.is_empty(),
    };
    let same = [
        ("actor", names(&row.actor, draft.actor.kind.as_str(), &draft.actor.id)),
        ("action", row.action == *draft.action),
        ("object", object),
        ("outcome", row.outcome == draft.outcome.as_str()),
        ("time", row.at.as_ms() == draft.ts_ns.div_euclid(1_000_000)),
    ];
    same.into_iter().find(|(_, same)| !same).map(|(column, _)| column)
}
