//! Measures judging and starting, and prints one JSON line per figure.
//!
//! `cargo run --profile dist -p wk-engine --example judge`
//! Results go the whole way: one link per agent, batches in sequence, states and events in SQLite with every commit
//! synced, acknowledged before the next. Start loads 1 000 hosts with 50 checks each from that store.
#![allow(clippy::print_stdout)] // printing is what this program is for

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use wk_domain::{AgentId, Check, CheckId, CheckKind, CheckResult, HostId, RetryPolicy, Status, Timestamp};
use wk_engine::desk::{AgentDesk, Observations, Peer};
use wk_engine::ids::new_id;
use wk_engine::ports::issuer::{AuthorityCert, IssueError, Issued, Issuer};
use wk_engine::ports::rows::{AgentCertRow, AgentRow, CheckRow, HostRow, IngestCommit, Standing, TokenRow};
use wk_engine::ports::{Clock, Store, SystemClock};
use wk_engine::{Engine, Ports, record};
use wk_store::{Access, SqlStore, StoreUrl};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const HOSTS: usize = 1_000;
const CHECKS: usize = 50;
/// Agents that report at once, and results of each batch.
const AGENTS: usize = 32;
const ROUNDS: u64 = 40;

#[derive(Debug)]
struct Nobody;

impl Issuer for Nobody {
    fn issue_agent(&self, _: &[u8], _: AgentId, _: Timestamp) -> Result<Issued, IssueError> {
        Err(IssueError::Authority("not here".to_owned()))
    }
    fn chain_of(&self, _: &[u8]) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn roots_der(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn spki_sha256(&self, _: &[u8]) -> Result<String, IssueError> {
        Err(IssueError::Authority("not here".to_owned()))
    }
    fn enrolment_line(&self, _: wk_domain::TokenId, _: &[u8; 16]) -> String {
        String::new()
    }
    fn inventory(&self) -> Vec<AuthorityCert> {
        Vec::new()
    }
}

fn say(name: &str, value: f64, unit: &str, budget: f64, ok: bool) {
    println!(r#"{{"name":"{name}","value":{value:.3},"unit":"{unit}","budget":{budget},"ok":{ok}}}"#);
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A host with an enrolled agent and checks that it runs.
async fn populate(store: &dyn Store, now: Timestamp) -> Fallible<Vec<(AgentId, Vec<CheckId>)>> {
    let actor = wk_authz::Actor::system();
    let mut all = Vec::with_capacity(HOSTS);
    for number in 0..HOSTS {
        let (host, agent): (HostId, AgentId) = (new_id(now), new_id(now));
        let token = TokenRow {
            id: new_id(now),
            tenant: wk_domain::TenantId::ROOT,
            secret_sha256: vec![0; 32],
            host_pattern: "*".to_owned(),
            grants: vec!["host".to_owned()],
            created: now,
            created_by: "bench".to_owned(),
            expires: now + Duration::from_secs(3600),
            used: None,
            used_by: None,
            withdrawn: None,
        };
        store.put_token(token.clone(), record::draft(&actor, now, "token.create", "token", token.id)).await?;
        let row = HostRow {
            id: host,
            tenant: wk_domain::TenantId::ROOT,
            labels: wk_domain::Labels::default(),
            name: format!("host-{number:04}"),
            agent: Some(agent),
            created: now,
            fields: Vec::new(),
            addresses: Vec::new(),
            os: "Debian GNU/Linux 12".to_owned(),
            revision: 1,
        };
        let agent_row = AgentRow {
            id: agent,
            host,
            hostname: row.name.clone(),
            standing: Standing::Active,
            grants: token.grants.clone(),
            version: "bench".to_owned(),
            os: row.os.clone(),
            enrolled: now,
            enrolled_by_token: token.id,
            last_seen: None,
            last_address: String::new(),
            cert_serial: format!("{number:032x}"),
            cert_not_after: now + Duration::from_secs(7 * 86_400),
            machine_digest: Vec::new(),
            remote_off: false,
            read_only: false,
            plugins: Vec::new(),
            epoch: 0,
            committed_seq: 0,
        };
        let cert = AgentCertRow {
            serial: agent_row.cert_serial.clone(),
            agent,
            parent_serial: None,
            spki_sha256: format!("{number:064x}"),
            not_before: now,
            not_after: agent_row.cert_not_after,
            cert_der: Vec::new(),
            revoked: None,
        };
        store
            .enrol(
                token.id,
                now,
                row,
                agent_row,
                cert,
                record::draft(&actor, now, "agent.enrol", "agent", agent),
            )
            .await?;
        let checks: Vec<CheckRow> = (0..CHECKS)
            .map(|n| CheckRow {
                check: Check {
                    id: new_id(now),
                    host,
                    key: format!("probe:{n}"),
                    title: format!("Probe {n}"),
                    kind: CheckKind::Probe,
                    runner: Some(agent),
                    retry: RetryPolicy::default(),
                    enabled: true,
                },
                spec_json: r#"{"kind":"ping","address":"192.0.2.1"}"#.to_owned(),
                created: now,
                revision: 1,
            })
            .collect();
        all.push((agent, checks.iter().map(|check| check.check.id).collect()));
        store.commit_ingest(IngestCommit { new_checks: checks, ..IngestCommit::default() }).await?;
    }
    Ok(all)
}

fn results(checks: &[CheckId], at: Timestamp, round: u64) -> Vec<(CheckId, CheckResult)> {
    let result = |n: usize| {
        // One in fifty changes its status each round: what a restless estate does.
        let status = if (n as u64 + round).is_multiple_of(50) { Status::Warning } else { Status::Ok };
        CheckResult {
            status,
            reason: None,
            output: format!("192.0.2.1: {n} of 3 echo requests answered, round trip 1.{n:02} ms"),
            long_output: String::new(),
            metrics: Vec::new(),
            started: at,
            finished: at,
        }
    };
    checks.iter().enumerate().map(|(n, check)| (*check, result(n))).collect()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Fallible<()> {
    let dir = tempfile::tempdir()?;
    let clock = SystemClock;
    let store: Arc<dyn Store> =
        Arc::new(SqlStore::open(&StoreUrl::in_data_dir(dir.path()), Access::Server, clock.now()).await?);
    let all = populate(store.as_ref(), clock.now()).await?;
    let metrics = Arc::new(wk_tsdb::Store::open(&dir.path().join("metrics"), wk_tsdb::Options::default())?);
    let ports = Ports { store, metrics, clock: Arc::new(SystemClock), issuer: Arc::new(Nobody) };

    let began = Instant::now();
    let stop = CancellationToken::new();
    let (engine, tasks) = Engine::start(ports.clone(), stop.clone()).await?;
    say(
        "start with 1 000 hosts x 50 checks",
        began.elapsed().as_secs_f64(),
        "s",
        3.0,
        began.elapsed().as_secs_f64() <= 3.0,
    );

    let address: SocketAddr = ([127, 0, 0, 1], 1).into();
    let (began, began_cpu) = (Instant::now(), cpu());
    let mut tasks_of_agents = Vec::new();
    for lane in 0..AGENTS {
        let mine: Vec<_> = all.iter().skip(lane).step_by(AGENTS).cloned().collect();
        let engine = Arc::clone(&engine);
        tasks_of_agents.push(tokio::spawn(async move {
            let mut done = 0u64;
            for round in 1..=ROUNDS {
                for (number, (agent, checks)) in mine.iter().enumerate() {
                    let peer = Peer {
                        agent: *agent,
                        serial: format!("{:032x}", lane + number * AGENTS),
                        not_after: Timestamp::from_ms(i64::MAX),
                        address,
                    };
                    let at = SystemClock.now();
                    let batch = Observations {
                        epoch: 7,
                        seq: round,
                        results: results(checks, at, round),
                        ..Observations::default()
                    };
                    if engine.ingest(&peer, 1, batch).await.is_ok() {
                        done += checks.len() as u64;
                    }
                }
            }
            done
        }));
    }
    let mut done = 0;
    for task in tasks_of_agents {
        done += task.await?;
    }
    let (wall, used) = (began.elapsed().as_secs_f64(), (cpu() - began_cpu).as_secs_f64());
    say("results judged, durable", done as f64 / wall, "/s", 20_000.0, done as f64 / wall >= 20_000.0);
    say(
        "results judged per CPU second",
        done as f64 / used,
        "/CPU s",
        20_000.0,
        done as f64 / used >= 20_000.0,
    );
    let all_counted = done == (HOSTS * CHECKS) as u64 * ROUNDS;
    say(
        "results acknowledged of those sent",
        done as f64 / ((HOSTS * CHECKS) as u64 * ROUNDS) as f64,
        "share",
        1.0,
        all_counted,
    );
    stop.cancel();
    tasks.ended().await;
    Ok(())
}
