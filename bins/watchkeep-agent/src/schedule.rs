//! Runs the checks a server assigned, each at its own place in its interval, as far as this machine's own files allow.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use wk_config::{AgentConfig, Remote};
use wk_domain::perfdata::PerfMetric as Metric;
use wk_domain::{CheckResult as Found, ResultReason, Status, Timestamp, spread};
use wk_probes::{Prober, parse_thresholds};
use wk_sandbox::{PluginPolicy, Runner};
use wk_wire::assignment::What;
use wk_wire::{Assignment, Assignments, CheckResult, PerfMetric};

use crate::agent::{Finding, now_ms};

/// Shortest interval that is kept to, whatever an assignment says.
const INTERVAL_MIN: Duration = Duration::from_secs(5);

/// What can run checks here.
#[derive(Debug)]
pub(crate) struct Executor {
    remote: Remote,
    plugins: HashMap<String, Arc<PluginPolicy>>,
    runner: Option<Arc<Runner>>,
    prober: Prober,
    probes: Semaphore,
}

impl Executor {
    pub(crate) fn new(
        config: &AgentConfig,
        plugins: Vec<PluginPolicy>,
        runner: Option<Arc<Runner>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            remote: config.remote,
            plugins: plugins.into_iter().map(|plugin| (plugin.name.clone(), Arc::new(plugin))).collect(),
            runner,
            prober: Prober::new(),
            probes: Semaphore::new(config.probes_max),
        })
    }

    /// Runs one assignment, or refuses it. Always gives a result.
    async fn run(&self, assignment: &Assignment) -> Finding {
        let started = Timestamp::from_ms(now_ms());
        let refuse = |word: &str, text: &str| {
            let reason = Some(ResultReason::Refused(word.to_owned()));
            (finding(assignment, unknown(reason, text, started), Vec::new(), "", false), None)
        };
        if self.remote == Remote::Off {
            return refuse("remote-off", "The agent's own agent.toml says remote = \"off\"");
        }
        let Some(what) = &assignment.what else {
            return refuse(
                "unknown-check",
                "This agent does not know this kind of check; it is older than the server",
            );
        };
        let timeout = Duration::from_millis(u64::from(assignment.timeout_ms.max(100)));
        if let What::Plugin(plugin) = what {
            let Some((policy, runner)) = self.plugins.get(&plugin.name).zip(self.runner.as_ref()) else {
                return refuse("plugin", "The agent's own plugins.toml allows no plugin of this name");
            };
            let params: Vec<(String, String)> =
                plugin.params.iter().map(|p| (p.name.clone(), p.value.clone())).collect();
            let execution = runner.run(policy, &params, timeout).await;
            let verdict = execution.verdict();
            let record = execution.to_wire(&assignment.check_id);
            let id = record.id.clone();
            return (
                finding(assignment, verdict.result, verdict.notes, &id, verdict.truncated),
                Some(record),
            );
        }
        let thresholds = match parse_thresholds(&assignment.thresholds) {
            Ok(thresholds) => thresholds,
            Err(error) => return refuse("thresholds", &error.to_string()),
        };
        let Ok(_place) = self.probes.acquire().await else { return refuse("stopping", "The agent stops") };
        let outcome = self.prober.run(what, &thresholds, timeout).await;
        let result = outcome.into_result(started, Timestamp::from_ms(now_ms()));
        (finding(assignment, result, Vec::new(), "", false), None)
    }
}

fn unknown(reason: Option<ResultReason>, text: &str, started: Timestamp) -> Found {
    Found {
        status: Status::Unknown,
        reason,
        output: text.to_owned(),
        long_output: String::new(),
        metrics: Vec::new(),
        started,
        finished: started,
    }
}

fn finding(
    assignment: &Assignment,
    found: Found,
    notes: Vec<String>,
    execution: &str,
    truncated: bool,
) -> CheckResult {
    CheckResult {
        check_id: assignment.check_id.clone(),
        status: u32::from(found.status.exit_code()),
        reason: found.reason.map(|reason| reason.to_string()).unwrap_or_default(),
        output: found.output,
        long_output: found.long_output,
        metrics: found.metrics.into_iter().map(metric).collect(),
        started_ms: found.started.as_ms(),
        finished_ms: found.finished.as_ms(),
        execution_id: execution.to_owned(),
        truncated,
        parse_notes: notes,
    }
}

fn metric(metric: Metric) -> PerfMetric {
    PerfMetric {
        warn: metric.warn.map(|range| range.to_string()).unwrap_or_default(),
        crit: metric.crit.map(|range| range.to_string()).unwrap_or_default(),
        label: metric.label,
        value: metric.value,
        unit: metric.unit,
        min: metric.min,
        max: metric.max,
    }
}

/// Keeps to the newest list of assignments until `stop`.
pub(crate) async fn run(
    executor: Arc<Executor>,
    mut assigned: watch::Receiver<Arc<Assignments>>,
    mut wanted: mpsc::Receiver<String>,
    findings: mpsc::Sender<Finding>,
    stop: CancellationToken,
) {
    let mut checks: HashMap<String, Arc<Assignment>> = HashMap::new();
    let mut due: BTreeMap<(Instant, String), ()> = BTreeMap::new();
    let mut running: JoinSet<(String, Option<Finding>)> = JoinSet::new();
    let mut busy: HashMap<String, bool> = HashMap::new();
    loop {
        let next = due.first_key_value().map(|((at, _), ())| *at);
        tokio::select! {
            () = stop.cancelled() => break,
            changed = assigned.changed() => {
                if changed.is_err() {
                    break;
                }
                let list = Arc::clone(&assigned.borrow_and_update());
                let old = std::mem::take(&mut checks);
                due.clear();
                for assignment in &list.checks {
                    let id = assignment.check_id.clone();
                    let same = old.get(&id).filter(|before| ***before == *assignment);
                    let at = plan(assignment, same.is_none());
                    due.insert((at, id.clone()), ());
                    checks.insert(id, same.cloned().unwrap_or_else(|| Arc::new(assignment.clone())));
                }
                tracing::info!(checks = checks.len(), revision = list.revision, "checks assigned");
            }
            Some(id) = wanted.recv() => launch(&executor, &checks, &id, &mut running, &mut busy),
            () = async { sleep_until(next.unwrap_or_else(Instant::now)).await }, if next.is_some() => {
                let now = Instant::now();
                while let Some(((at, id), ())) = due.pop_first() {
                    if at > now {
                        due.insert((at, id), ());
                        break;
                    }
                    if let Some(assignment) = checks.get(&id) {
                        due.insert((plan(assignment, false), id.clone()), ());
                    }
                    launch(&executor, &checks, &id, &mut running, &mut busy);
                }
            }
            Some(done) = running.join_next() => {
                if let Ok((id, finding)) = done {
                    busy.remove(&id);
                    if let Some(finding) = finding.filter(|_| checks.contains_key(&id)) {
                        // A full queue makes the next run wait, not the result vanish.
                        let _ = findings.send(finding).await;
                    }
                }
            }
        }
    }
}

/// When the check runs next: at its place in its interval, or soon when it is new.
fn plan(assignment: &Assignment, soon: bool) -> Instant {
    let interval = Duration::from_millis(u64::from(assignment.interval_ms)).max(INTERVAL_MIN);
    let within = if soon { interval.min(Duration::from_secs(10)) } else { interval };
    let now = Timestamp::from_ms(now_ms());
    let next = spread::next_due(now, assignment.check_id.as_bytes(), within);
    Instant::now() + next.since(now)
}

/// Starts a check unless it still runs.
fn launch(
    executor: &Arc<Executor>,
    checks: &HashMap<String, Arc<Assignment>>,
    id: &str,
    running: &mut JoinSet<(String, Option<Finding>)>,
    busy: &mut HashMap<String, bool>,
) {
    let Some(assignment) = checks.get(id).cloned() else { return };
    if busy.insert(id.to_owned(), true).is_some() {
        return;
    }
    let executor = Arc::clone(executor);
    running.spawn(async move {
        let finding = executor.run(&assignment).await;
        (assignment.check_id.clone(), Some(finding))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use wk_wire::{Label, PingProbe, PluginRun};

    fn assignment(what: What) -> Assignment {
        Assignment {
            check_id: "check_01h455vb4pex5vsknk084sn02q".to_owned(),
            interval_ms: 60_000,
            timeout_ms: 1000,
            thresholds: Vec::new(),
            what: Some(what),
        }
    }

    #[tokio::test]
    async fn remote_off_refuses_even_what_is_built_in() {
        let config = AgentConfig { remote: Remote::Off, ..AgentConfig::default() };
        let executor = Executor::new(&config, Vec::new(), None);
        let ping = What::Ping(PingProbe { address: "127.0.0.1".to_owned(), count: 1 });
        let (result, execution) = executor.run(&assignment(ping)).await;
        assert_eq!((result.status, result.reason.as_str()), (3, "refused:remote-off"));
        assert!(execution.is_none());
    }

    #[tokio::test]
    async fn a_plugin_that_the_own_file_does_not_name_is_refused() {
        let executor = Executor::new(&AgentConfig::default(), Vec::new(), None);
        for name in ["check_disk", "/bin/sh", "../../bin/sh", "-c"] {
            let params = vec![Label { name: "argv".to_owned(), value: "id".to_owned() }];
            let run = What::Plugin(PluginRun { name: name.to_owned(), params });
            let (result, execution) = executor.run(&assignment(run)).await;
            assert_eq!((result.status, result.reason.as_str()), (3, "refused:plugin"));
            assert!(execution.is_none());
        }
    }
}
