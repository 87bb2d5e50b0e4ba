//! What was acknowledged is there, whenever the process is killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may"
)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use common::*;
use wk_engine::ports::rows::{Cursor, IngestCommit};
use wk_engine::ports::store::Store;
use wk_store::{Access, SqlStore, StoreUrl};

const DIR: &str = "WK_STORE_TEST_KILL_DIR";

/// Writes without end and says each number after its commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "run by what_was_acknowledged_survives_kill_9"]
async fn writer_child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let store = SqlStore::open(&StoreUrl::in_data_dir(dir.as_ref()), Access::Server, T0).await.unwrap();
    let agent = store.agents().await.unwrap()[0].clone();
    let check = store.checks().await.unwrap()[0].clone();
    for seq in agent.committed_seq + 1.. {
        let mut state = state(check.check.id, check.check.host);
        state.output = seq.to_string();
        let commit = IngestCommit {
            cursors: vec![Cursor { agent: agent.id, epoch: agent.epoch, seq, at: T0 }],
            states: vec![state],
            audit: vec![draft("agent.batch")],
            ..Default::default()
        };
        store.commit_ingest(commit).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "ack {seq}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let fixture = Fixture::sqlite().await;
    let db = fixture.port();
    let (host, agent, _) = enrolled(&db, "web-1").await;
    db.put_check(check(host.id, "ping"), draft("check.add")).await.unwrap();
    let first = db.health().await.unwrap().audit_entries;
    fixture.store.close().await;

    let mut acknowledged = 0;
    for round in 0..20_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer_child", "--ignored", "--nocapture"])
            .env(DIR, fixture.dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // A different moment each round; the kill comes anywhere in what follows the last line that was read.
        let wanted = 1 + (round * 7) % 23;
        let mut seen = 0;
        let mut note = |line: String| {
            let Some(seq) = line.rsplit_once("ack ").and_then(|(_, n)| n.parse::<u64>().ok()) else {
                return false;
            };
            acknowledged = acknowledged.max(seq);
            true
        };
        while seen < wanted {
            let line = lines.next().expect("the writer ended by itself").unwrap();
            seen += u64::from(note(line));
        }
        for _ in 0..round * 3001 {
            std::hint::black_box(round);
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            note(line);
        }
        child.wait().unwrap();

        let store = SqlStore::open(&fixture.url, Access::Server, T0).await.unwrap_or_else(|e| panic!("{e}"));
        let row = store.agent(agent.id).await.unwrap().unwrap();
        assert!(row.committed_seq >= acknowledged, "round {round}: {} of {acknowledged}", row.committed_seq);
        assert!(row.committed_seq <= acknowledged + 1, "at most the one under way more");
        let states = store.check_states().await.unwrap();
        assert_eq!(states[0].output, row.committed_seq.to_string(), "state and cursor are of one commit");
        let log = store.audit_from(0, 100_000).await.unwrap();
        assert_eq!(log.len() as u64, first + row.committed_seq);
        assert!(log.iter().zip(0..).all(|(entry, seq)| entry.seq == seq));
        store.check().await.unwrap();
        store.close().await;
    }
    assert!(acknowledged >= 20);
}
