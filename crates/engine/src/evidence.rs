//! The audit log, read and verified.

use wk_authz::{AuditRead, Permit};

use crate::Engine;
use crate::error::EngineError;
use crate::ports::rows::{AuditFilter, AuditRow, Page};

/// Entries read at once while verifying.
const CHUNK: u32 = 500;
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
        filter: AuditFilter,
        page: Page,
    ) -> Result<Vec<AuditRow>, EngineError> {
        Ok(self.ports.store.audit(filter, page).await?)
    }

    /// Recomputes every entry: its bytes against its leaf, its place, its predecessor.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn verify_audit(&self, _permit: Permit<AuditRead>) -> Result<AuditReport, EngineError> {
        let mut entries: Vec<Vec<u8>> = Vec::new();
        let mut findings = Vec::new();
        loop {
            let rows = self.ports.store.audit_from(entries.len() as u64, CHUNK).await?;
            let last = rows.len() < CHUNK as usize;
            for row in rows {
                let place = entries.len() as u64;
                if row.seq != place && findings.len() < FINDINGS_MAX {
                    findings.push(format!("entry {place} is missing; the store gives {}", row.seq));
                }
                let leaf = wk_audit::Entry::leaf_hash(row.entry_json.as_bytes());
                if leaf.0 != row.leaf_hash && findings.len() < FINDINGS_MAX {
                    findings.push(format!("entry {}: its bytes do not make its leaf hash", row.seq));
                }
                entries.push(row.entry_json.into_bytes());
            }
            if last {
                break;
            }
        }
        let report = wk_audit::verify_entries(entries.iter(), &[]);
        let room = FINDINGS_MAX.saturating_sub(findings.len());
        findings.extend(
            report.findings.iter().filter(|f| !f.fault.is_remark()).take(room).map(ToString::to_string),
        );
        Ok(AuditReport { entries: report.entries, root_hash: report.root.to_string(), findings })
    }
}
