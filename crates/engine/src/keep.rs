//! Watches over the server's long-lived tasks: one that panics or ends by itself is started again, and people are told.
//!
//! A task that nobody waits for dies unseen. Here each has a keeper that waits for nothing else. What it saw is counted,
//! logged, shown on the System page, and written into the audit log and the timeline as soon as the store takes it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wk_audit::Draft;
use wk_authz::Actor;
use wk_domain::text::clean_line;
use wk_domain::{AgentId, HostId, Timestamp};

use crate::Engine;
use crate::ids::new_id;
use crate::live::Live;
use crate::ports::StoreError;
use crate::ports::rows::EventRow;
use crate::record;

/// Wait before a task is started again: first, and at most. One that ran for as long as the last begins with the first.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// Reports that wait for the store; of more than that the oldest are in the log only.
const UNSAID_MAX: usize = 64;

/// Counter of faults of this program, wherever they happened.
pub const FAULTS: &str = "faults";

/// How a long-lived task is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskState {
    pub running: bool,
    /// Times it ended by itself since this program started.
    pub restarts: u64,
    /// When and why it ended by itself last.
    pub last_end: Option<(Timestamp, String)>,
}

/// Something that does not go on as it should, for the server's opinion of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub what: &'static str,
    pub since: Timestamp,
    pub detail: String,
}

/// What is known of the server's own health.
#[derive(Debug, Default)]
pub(crate) struct Health {
    tasks: Mutex<BTreeMap<String, TaskState>>,
    troubles: Mutex<BTreeMap<&'static str, (Timestamp, String)>>,
    unsaid: Mutex<VecDeque<(Draft, EventRow)>>,
}

impl Engine {
    /// Runs a task until `stop`, and again whenever it ends before. The future that is made must end when `stop` is
    /// cancelled.
    pub async fn keep<Make, Task>(self: Arc<Self>, name: String, stop: CancellationToken, mut make: Make)
    where
        Make: FnMut() -> Task + Send,
        Task: Future<Output = ()> + Send + 'static,
    {
        let mut pause = AGAIN.0;
        loop {
            let began = Instant::now();
            self.health.tasks.lock().entry(name.clone()).or_default().running = true;
            // A set ends its tasks when it is dropped: a keeper that is gone leaves no orphan.
            let mut running = JoinSet::new();
            running.spawn(make());
            let ended = running.join_next().await;
            let why = match ended {
                Some(Ok(())) | None => None,
                Some(Err(error)) => Some(fault_text(error)),
            };
            self.health.tasks.lock().entry(name.clone()).or_default().running = false;
            if stop.is_cancelled() {
                if let Some(why) = why {
                    tracing::error!(task = name, "while stopping: {why}");
                }
                return;
            }
            let why = why.unwrap_or_else(|| "it came to an end".to_owned());
            let now = self.now();
            {
                let mut tasks = self.health.tasks.lock();
                let state = tasks.entry(name.clone()).or_default();
                state.restarts += 1;
                state.last_end = Some((now, why.clone()));
            }
            self.counters.add("tasks.restarted", 1);
            self.note_fault(&name, None, &format!("The task `{name}` ended and is started again: {why}"));
            if began.elapsed() >= AGAIN.1 {
                pause = AGAIN.0;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(AGAIN.1);
        }
    }

    /// How each long-lived task is, by name.
    pub fn tasks(&self) -> Vec<(String, TaskState)> {
        self.health.tasks.lock().iter().map(|(name, state)| (name.clone(), state.clone())).collect()
    }

    /// What does not go on as it should now.
    pub fn troubles(&self) -> Vec<Trouble> {
        let troubles = self.health.troubles.lock();
        troubles
            .iter()
            .map(|(what, (since, detail))| Trouble { what, since: *since, detail: detail.clone() })
            .collect()
    }

    /// Says that something does not go on, or, with `None`, that it does again. Logs only when that changes.
    pub(crate) fn trouble(&self, what: &'static str, detail: Option<String>) {
        let now = self.now();
        let mut troubles = self.health.troubles.lock();
        match detail {
            Some(detail) => match troubles.get_mut(what) {
                Some(known) => known.1 = detail,
                None => {
                    tracing::error!("{what}: {detail}");
                    troubles.insert(what, (now, detail));
                }
            },
            None => {
                if let Some((since, _)) = troubles.remove(what) {
                    tracing::info!("{what}: it goes on, after {}", wk_domain::text::span(now.since(since)));
                }
            }
        }
    }

    /// Writes down a fault of this program: now in the log, in the audit log and the timeline when the store takes it.
    pub(crate) fn note_fault(&self, what: &str, of: Option<(AgentId, HostId)>, text: &str) {
        let now = self.now();
        let text = clean_line(text, 500);
        tracing::error!("{text}");
        let audit = record::draft(&Actor::system(), now, "task.restart", "task", what).failed(&text);
        self.report(audit, of, "critical", text, json!({"task": what}));
    }

    /// Writes down that the server's own clock was set: what it dates before and after does not compare.
    pub(crate) fn note_clock(&self, text: &str) {
        tracing::warn!("{text}");
        let now = self.now();
        let audit = record::draft(&Actor::system(), now, "clock.set", "clock", "server").reason(text);
        self.report(audit, None, "warning", text.to_owned(), json!({}));
    }

    fn report(
        &self,
        audit: Draft,
        of: Option<(AgentId, HostId)>,
        severity: &str,
        summary: String,
        detail: serde_json::Value,
    ) {
        let now = self.now();
        let event = EventRow {
            id: new_id(now),
            at: now,
            host: of.map(|(_, host)| host),
            check: None,
            agent: of.map(|(agent, _)| agent),
            kind: "system".to_owned(),
            severity: severity.to_owned(),
            summary,
            detail_json: detail.to_string(),
        };
        let mut unsaid = self.health.unsaid.lock();
        if unsaid.len() == UNSAID_MAX {
            unsaid.pop_front();
        }
        unsaid.push_back((audit, event));
    }

    /// Writes down what waits for it. What the store does not take now waits on.
    pub(crate) async fn say(&self) {
        loop {
            let Some((audit, event)) = self.health.unsaid.lock().front().cloned() else { return };
            match self.ports.store.put_event(event.clone(), Some(audit)).await {
                Ok(()) => {}
                Err(StoreError::Unavailable { .. } | StoreError::CannotWrite { .. }) => return,
                // It never will: the log has it.
                Err(error) => tracing::error!("the report of a fault cannot be stored: {error}"),
            }
            self.health.unsaid.lock().retain(|(_, waiting)| waiting.id != event.id);
            self.tell([Live::Event(Arc::new(event))]);
        }
    }
}

/// What a task ended of, for people.
pub(crate) fn fault_text(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => panic_text(payload.as_ref()),
        Err(_) => "it was cancelled".to_owned(),
    }
}

/// What a panic said.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let said = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("a fault of this program: {}", clean_line(said.unwrap_or("it left no message"), 300))
}
