//! The audit log, read and verified.

use wk_authz::{AuditRead, Permit};

use crate::Engine;
use crate::error::EngineError;
use crate::ports::rows::{AuditFilter, AuditRow, Page};

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
}
