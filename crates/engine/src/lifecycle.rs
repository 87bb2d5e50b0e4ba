//! What the server writes down about itself: that it starts and stops, which keys and certificates it made, and when it
//! turned load away.
//!
//! A start is the first thing each run writes, and fails when it cannot be written: a server whose acts would leave no
//! trace does not run. That the clock was set stands in [`crate::keep`].

use wk_audit::Image;
use wk_authz::Actor;

use crate::Engine;
use crate::ports::rows::{AuditFilter, Page};
use crate::ports::{StoreError, TenantScope};
use crate::record;

const START: &str = "server.start";
const STOP: &str = "server.stop";

/// Counters of what was turned away to keep serving others. One entry a minute says what they gained.
const SHED: [&str; 5] =
    ["api.shed", "hub.refused_unwritten", "ingest.try_later", "metrics.over_limit", "sign_in.throttled"];

impl Engine {
    /// Writes down that this server starts, with what it starts as.
    ///
    /// # Errors
    /// [`StoreError`]: then it must not start.
    pub async fn record_start(&self, facts: &Image) -> Result<(), StoreError> {
        let filter = AuditFilter { action_prefix: Some("server.st".to_owned()), ..AuditFilter::default() };
        let last =
            self.ports.store.audit(&TenantScope::whole(), filter, Page { limit: 1, after: None }).await?;
        let mut audit =
            record::draft(&Actor::system(), self.now(), START, "server", "server").images(None, Some(facts));
        if last.first().is_some_and(|entry| entry.action == START) {
            audit = audit.reason("the run before did not end in order: it was killed, or power was lost");
        }
        self.ports.store.append_audit(vec![audit]).await
    }

    /// Writes down that this server stops in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_stop(&self) -> Result<(), StoreError> {
        let audit = record::draft(&Actor::system(), self.now(), STOP, "server", "server");
        self.ports.store.append_audit(vec![audit]).await
    }

    /// Writes down that the server made a certificate for itself in the place of another.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_certificate(
        &self,
        role: &str,
        before: Option<&Image>,
        after: Option<&Image>,
    ) -> Result<(), StoreError> {
        let audit = record::draft(&Actor::system(), self.now(), "certificate.make", "certificate", role)
            .images(before, after);
        self.ports.store.append_audit(vec![audit]).await
    }

    /// Writes down what was turned away since the last time, if anything was. What cannot be written now is in the next.
    pub async fn record_shed(&self) {
        let counted: Vec<(&str, u64)> = {
            let all = self.counters.0.lock();
            SHED.iter().map(|name| (*name, all.get(name).copied().unwrap_or(0))).collect()
        };
        let (before, after) = {
            let told = self.shed_told.lock();
            let gained = counted.iter().filter(|(name, n)| told.get(name).copied().unwrap_or(0) < *n);
            gained.fold((Image::new(), Image::new()), |(before, after), (name, n)| {
                (before.field(name, told.get(name).copied().unwrap_or(0)), after.field(name, *n))
            })
        };
        if after == Image::new() {
            return;
        }
        let audit = record::draft(&Actor::system(), self.now(), "server.shed_load", "server", "server")
            .images(Some(&before), Some(&after))
            .denied("more came in the last minute than this server takes; the counts are since its start");
        match self.ports.store.append_audit(vec![audit]).await {
            Ok(()) => self.shed_told.lock().extend(counted),
            Err(error) => tracing::warn!("that load was turned away could not be written down: {error}"),
        }
    }
}
