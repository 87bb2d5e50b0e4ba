//! How many check states a second the store takes, durable, and how long a start reads them.
//!
//! `cargo run -p wk-store --profile quick --example ingest [postgres-url]`; without a URL, SQLite in a temporary folder
//! under the current one, so that it is the disk that counts.

use std::io::Write as _;
use std::time::{Duration, Instant};

use wk_domain::check::RetryPolicy;
use wk_domain::check_state::{CheckState, StateType};
use wk_domain::{Check, CheckKind, Id, Status, Timestamp};
use wk_engine::ports::rows::*;
use wk_engine::ports::store::Store;
use wk_store::{Access, SqlStore, StoreUrl};

type Error = Box<dyn std::error::Error>;

fn id<K: wk_domain::id::Kind>(n: u64) -> Id<K> {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    Id::new(1_790_000_000_000 + n / 50, random)
}

fn state(check: u64, host: u64, round: u64) -> CheckStateRow {
    let now = Timestamp::from_ms(1_790_000_000_000 + i64::try_from(round * 1000).unwrap_or(0));
    CheckStateRow {
        check: id(check),
        host: id(host),
        state: CheckState {
            status: Some(if check.is_multiple_of(17) { Status::Warning } else { Status::Ok }),
            state_type: StateType::Hard,
            attempt: 1,
            last_hard_status: Some(Status::Ok),
            since: Some(now),
            hard_since: Some(now),
            last_result_started: Some(now),
            last_checked: Some(now),
            last_heard: Some(now),
            next_due: Some(now + Duration::from_secs(60)),
            ..CheckState::pending()
        },
        reason: String::new(),
        output: format!("DISK OK - free space: /var {round} MB (83% inode=97%)"),
        long_output: String::new(),
        metrics_json: "[{\"label\":\"/var\",\"value\":2643,\"unit\":\"MB\",\"warn\":5948,\"crit\":5958}]"
            .into(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut out = std::io::stdout();
    let dir = tempfile::tempdir_in(".")?;
    let url = match std::env::args().nth(1) {
        Some(raw) => StoreUrl::parse(&raw)?,
        None => StoreUrl::in_data_dir(dir.path()),
    };
    let store = SqlStore::open(&url, Access::Tool, Timestamp::from_ms(0)).await?;
    const HOSTS: u64 = 1_000;
    const CHECKS: u64 = 50;
    for host in 0..HOSTS {
        let row = HostRow {
            id: id(host),
            tenant: wk_domain::TenantId::ROOT,
            labels: wk_domain::Labels::default(),
            name: format!("host-{host}"),
            agent: None,
            created: Timestamp::from_ms(0),
            fields: vec![],
            addresses: vec![],
            os: String::new(),
            revision: 0,
        };
        let system = wk_audit::Draft::new(0, wk_audit::Actor::system(), "host.add");
        store.put_host(row, system).await?;
    }
    let begin = Instant::now();
    for host in (0..HOSTS).step_by(40) {
        let new_checks = (host * CHECKS..(host + 40) * CHECKS)
            .map(|check| CheckRow {
                check: Check {
                    id: id(check),
                    host: id(check / CHECKS),
                    key: format!("disk:{check}"),
                    title: "Disk".into(),
                    kind: CheckKind::Builtin,
                    runner: None,
                    retry: RetryPolicy::default(),
                    enabled: true,
                },
                spec_json: "{}".into(),
                created: Timestamp::from_ms(0),
                revision: 1,
            })
            .collect();
        store.commit_ingest(IngestCommit { new_checks, ..IngestCommit::default() }).await?;
    }
    writeln!(out, "{} checks made in {:.2} s", HOSTS * CHECKS, begin.elapsed().as_secs_f64())?;

    for batch in [1_000_u64, 5_000, 20_000] {
        let (mut rows, mut commits, mut slowest) = (0, 0, Duration::ZERO);
        let begin = Instant::now();
        while rows < 200_000 {
            let start = (commits * batch) % (HOSTS * CHECKS);
            let states = (start..start + batch)
                .map(|check| check % (HOSTS * CHECKS))
                .map(|check| state(check, check / CHECKS, commits))
                .collect();
            let one = Instant::now();
            store.commit_ingest(IngestCommit { states, ..IngestCommit::default() }).await?;
            slowest = slowest.max(one.elapsed());
            rows += batch;
            commits += 1;
        }
        let seconds = begin.elapsed().as_secs_f64();
        writeln!(
            out,
            "{batch} states a commit: {:.0} states/s durable, slowest commit {:.0} ms",
            rows as f64 / seconds,
            slowest.as_secs_f64() * 1000.0
        )?;
    }
    let begin = Instant::now();
    for _ in 0..500 {
        store.commit_ingest(IngestCommit { states: vec![state(1, 0, 1)], ..IngestCommit::default() }).await?;
    }
    writeln!(out, "one state a commit: {:.0} commits/s", 500.0 / begin.elapsed().as_secs_f64())?;
    let begin = Instant::now();
    let draft = || wk_audit::Draft::new(0, wk_audit::Actor::system(), "bench.entry").object("host", "host_x");
    for _ in 0..20 {
        store.append_audit((0..2_000).map(|_| draft()).collect()).await?;
    }
    writeln!(out, "audit: {:.0} entries/s in batches of 2000", 40_000.0 / begin.elapsed().as_secs_f64())?;
    let begin = Instant::now();
    let loaded = store.check_states().await?.len();
    writeln!(out, "{loaded} states loaded in {:.2} s", begin.elapsed().as_secs_f64())?;
    store.close().await;
    let begin = Instant::now();
    let store = SqlStore::open(&url, Access::Tool, Timestamp::from_ms(0)).await?;
    writeln!(out, "opened in {:.2} s, {} bytes", begin.elapsed().as_secs_f64(), store.health().await?.bytes)?;
    store.close().await;
    Ok(())
}
