//! Both ends are processes, and either is killed with SIGKILL at random instants. What was appended is committed once.
//!
//! The processes are this test program itself, started with a role in its environment.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use wk_domain::AgentId;
use wk_hub::HubConfig;
use wk_pki::AgentStore;

use crate::support::*;

const DIR: &str = "WK_KILL_TEST_DIR";
const PORT: &str = "WK_KILL_TEST_PORT";
const ROUNDS: u32 = 50;

fn agent_id() -> AgentId {
    AgentId::new(1, [9; 10])
}

/// A child with one of the roles below, killed when dropped.
struct Role(Child);

impl Role {
    fn start(role: &str, dir: &Path, port: u16) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", role, "--ignored", "--nocapture"])
            .env(DIR, dir)
            .env(PORT, port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn place() -> Option<(PathBuf, u16)> {
    Some((std::env::var_os(DIR)?.into(), std::env::var(PORT).ok()?.parse().ok()?))
}

/// Not a test: the agent's process. Feeds batches with ever new numbers and writes down each that the spool has taken.
#[test]
#[ignore = "a role of kill::nothing_is_lost_or_doubled_when_either_side_is_killed"]
fn agent_process() {
    let Some((dir, port)) = place() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(AgentStore::open(&dir.join("agent")).unwrap());
        let agent = TestAgent::start(
            &dir.join("spool"),
            store,
            agent_id(),
            link_config(([127, 0, 0, 1], port).into()),
        );
        let mut taken = OpenOptions::new().create(true).append(true).open(dir.join("taken")).unwrap();
        // Above every number of earlier processes: milliseconds since the test began, and room for a thousand each.
        let began = fs::metadata(dir.join("agent")).unwrap().created().unwrap();
        let first = u64::try_from(began.elapsed().unwrap().as_millis()).unwrap() * 1000;
        for id in first.. {
            if dir.join("enough").exists() {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            agent.outbox.append(numbered(id)).await.unwrap();
            taken.write_all(format!("{id}\n").as_bytes()).unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
}

/// Not a test: the server's process.
#[test]
#[ignore = "a role of kill::nothing_is_lost_or_doubled_when_either_side_is_killed"]
fn hub_process() {
    let Some((dir, port)) = place() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let desk = Arc::new(FakeDesk::with_journal(open_ca(&dir.join("ca")), &dir.join("journal")));
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (_hub, _stop, task) = serve(listener, &desk, HubConfig::default());
        task.await.unwrap();
    });
}

fn numbers(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn committed(dir: &Path) -> Vec<u64> {
    let text = fs::read_to_string(dir.join("journal")).unwrap_or_default();
    text.lines()
        .flat_map(|line| line.split(' ').skip(3).map(|id| id.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn nothing_is_lost_or_doubled_when_either_side_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    issue(&open_ca(&dir.path().join("ca")), &dir.path().join("agent"), agent_id(), now());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut hub = Role::start("kill::hub_process", dir.path(), port);
    let mut agent = Role::start("kill::agent_process", dir.path(), port);
    let mut random = [0; ROUNDS as usize];
    aws_lc_rs::rand::fill(&mut random).unwrap();
    println!("random bytes: {random:?}");
    let mut agent_kills = 0;
    for byte in random {
        // Long enough, most times, for a link to be up and busy.
        std::thread::sleep(Duration::from_millis(60 + u64::from(byte)));
        if byte % 2 == 0 {
            drop(hub);
            hub = Role::start("kill::hub_process", dir.path(), port);
        } else {
            drop(agent);
            agent = Role::start("kill::agent_process", dir.path(), port);
            agent_kills += 1;
        }
    }
    fs::write(dir.path().join("enough"), "").unwrap();
    let started = Instant::now();
    let (taken, stored) = loop {
        std::thread::sleep(Duration::from_millis(300));
        let (taken, stored) = (numbers(&dir.path().join("taken")), committed(dir.path()));
        if !taken.is_empty() && taken.iter().all(|id| stored.contains(id)) {
            // What was under way has come, too.
            std::thread::sleep(Duration::from_millis(500));
            break (numbers(&dir.path().join("taken")), committed(dir.path()));
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{} taken, {} committed, missing {:?}",
            taken.len(),
            stored.len(),
            taken.iter().filter(|id| !stored.contains(id)).take(5).collect::<Vec<_>>()
        );
    };
    drop((hub, agent));
    assert!(stored.windows(2).all(|pair| pair[0] < pair[1]), "doubled or out of order");
    // Each kill of the agent may leave one batch in the spool that it had no time to write down.
    let unwritten = stored.iter().filter(|id| !taken.contains(id)).count();
    assert!(unwritten <= agent_kills, "{unwritten} of {agent_kills}");
    assert!(stored.len() > 100, "only {} batches: the test tests nothing", stored.len());
    println!("{} batches, {agent_kills} kills of the agent", stored.len());
}
