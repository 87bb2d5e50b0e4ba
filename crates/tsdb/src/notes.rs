//! What the store has to tell people: damage found, samples refused, and whether the disk takes writes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Reports kept; older ones are in the log.
const REPORTS_MAX: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Notes {
    reports: Mutex<VecDeque<String>>,
    pub(crate) damaged: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) rejected: AtomicU64,
    refusing: Mutex<Option<String>>,
}

impl Notes {
    /// Damage: counted, logged and shown.
    pub(crate) fn damage(&self, count: u64, report: String) {
        self.damaged.fetch_add(count, Ordering::Relaxed);
        self.tell(report);
    }

    pub(crate) fn tell(&self, report: String) {
        tracing::warn!("metrics store: {report}");
        let mut reports = self.reports.lock();
        if reports.len() == REPORTS_MAX {
            reports.pop_front();
        }
        reports.push_back(report);
    }

    pub(crate) fn reports(&self) -> Vec<String> {
        self.reports.lock().iter().cloned().collect()
    }

    /// The disk refused; said once per change.
    pub(crate) fn refuse(&self, why: &str) {
        let mut refusing = self.refusing.lock();
        if refusing.as_deref() != Some(why) {
            *refusing = Some(why.to_owned());
            drop(refusing);
            self.tell(format!("samples are refused: {why}"));
        }
    }

    pub(crate) fn writes_again(&self) {
        let mut refusing = self.refusing.lock();
        if refusing.is_some() {
            *refusing = None;
            drop(refusing);
            self.tell("the disk takes samples again".to_owned());
        }
    }

    pub(crate) fn refusing(&self) -> Option<String> {
        self.refusing.lock().clone()
    }
}
