//! An engine on a real store and a real metrics store in a temporary folder, with a clock that tests set.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wk_authz::{Actor, Role, Who, authorize};
use wk_domain::{AgentId, CheckId, CheckKind, CheckResult, HostId, Status, Timestamp, TokenId};
use wk_engine::agents::TokenRequest;
use wk_engine::desk::{AgentDesk, EnrolAttempt, EnrolRefused, Granted, LinkHello, Observations, Peer};
use wk_engine::people::{ChannelEdit, CheckEdit, HostEdit};
use wk_engine::ports::TenantScope;
use wk_engine::ports::issuer::{AuthorityCert, IssueError, Issued, Issuer};
use wk_engine::ports::metrics::{SeriesKey, SeriesMeta};
use wk_engine::ports::rows::*;
use wk_engine::ports::{Clock, Metrics, Store};
use wk_engine::{Engine, Ports, Tasks};
use wk_store::{Access, SqlStore, StoreUrl};

use crate::flaky::Flaky;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct TestClock {
    now_ms: AtomicI64,
    /// By how much somebody set it: the steady clock does not see that.
    set_ms: AtomicI64,
    fault: parking_lot::Mutex<Option<&'static str>>,
}

impl TestClock {
    fn at(now_ms: i64) -> Self {
        Self {
            now_ms: AtomicI64::new(now_ms),
            set_ms: AtomicI64::new(0),
            fault: parking_lot::Mutex::default(),
        }
    }

    /// Time passes.
    pub(crate) fn advance(&self, by: Duration) {
        self.now_ms.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Somebody sets it.
    pub(crate) fn set_by(&self, ms: i64) {
        self.set_ms.fetch_add(ms, Ordering::SeqCst);
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// The next time that this function of the engine asks for the steady clock, the task it runs in ends.
    pub(crate) fn fault_in(&self, function: &'static str) {
        *self.fault.lock() = Some(function);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        let fault = *self.fault.lock();
        if let Some(function) = fault
            && std::backtrace::Backtrace::force_capture().to_string().contains(function)
        {
            *self.fault.lock() = None;
            panic!("injected: {function} ends here");
        }
        let ms = self.now_ms.load(Ordering::SeqCst) - self.set_ms.load(Ordering::SeqCst);
        Duration::from_millis(ms.try_into().unwrap())
    }
}

/// Signs whatever does not begin with `bad`; the request itself is the key.
#[derive(Debug, Default)]
pub(crate) struct FakeIssuer {
    serials: AtomicU64,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Issuer for FakeIssuer {
    fn issue_agent(&self, csr_der: &[u8], _agent: AgentId, now: Timestamp) -> Result<Issued, IssueError> {
        let spki_sha256 = self.spki_sha256(csr_der)?;
        let serial = format!("{:032x}", 0xabc0_0000 + self.serials.fetch_add(1, Ordering::SeqCst));
        Ok(Issued {
            chain_der: vec![serial.clone().into_bytes(), b"intermediate".to_vec()],
            serial,
            spki_sha256,
            not_before: now,
            not_after: now + Duration::from_secs(7 * 86_400),
        })
    }
    fn chain_of(&self, cert_der: &[u8]) -> Vec<Vec<u8>> {
        vec![cert_der.to_vec(), b"intermediate".to_vec()]
    }
    fn roots_der(&self) -> Vec<Vec<u8>> {
        vec![b"root".to_vec()]
    }
    fn spki_sha256(&self, csr_der: &[u8]) -> Result<String, IssueError> {
        if csr_der.starts_with(b"bad") {
            return Err(IssueError::Request("not a request".to_owned()));
        }
        Ok(hex(csr_der))
    }
    fn enrolment_line(&self, token: TokenId, secret: &[u8; 16]) -> String {
        format!("{token} {}", hex(secret))
    }
    fn inventory(&self) -> Vec<AuthorityCert> {
        Vec::new()
    }
}

/// Newer than any link: for tests that are not about links.
pub(crate) const LINK: u64 = u64::MAX;

/// An administrator.
pub(crate) fn admin() -> Actor {
    as_role(Role::Admin)
}

pub(crate) fn as_role(role: Role) -> Actor {
    let (who, request) = (Who::Local { uid: 1000 }, "req_test".to_owned());
    Actor { request, user_agent: "test".to_owned(), ..Actor::of_role(who, role) }
}

/// An enrolled agent and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) host: HostId,
    pub(crate) peer: Peer,
    pub(crate) seq: u64,
}

pub(crate) struct Rig {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) issuer: Arc<FakeIssuer>,
    pub(crate) store: Arc<Flaky>,
    pub(crate) metrics: Arc<dyn Metrics>,
    pub(crate) engine: Arc<Engine>,
    tasks: Tasks,
    stop: CancellationToken,
}

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 40_000))
}

pub(crate) async fn sqlite(dir: &Path, now: Timestamp) -> Arc<dyn Store> {
    Arc::new(SqlStore::open(&StoreUrl::in_data_dir(dir), Access::Server, now).await.unwrap())
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let now = wk_engine::ports::SystemClock.now().as_ms() / 1000 * 1000;
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let clock = Arc::new(TestClock::at(now));
        Self::on(dir, clock, Arc::default()).await
    }

    async fn on(dir: Arc<TempDir>, clock: Arc<TestClock>, issuer: Arc<FakeIssuer>) -> Self {
        let store = Arc::new(Flaky::new(sqlite(dir.path(), clock.now()).await));
        let metrics: Arc<dyn Metrics> =
            Arc::new(wk_tsdb::Store::open(&dir.path().join("metrics"), wk_tsdb::Options::default()).unwrap());
        let stop = CancellationToken::new();
        let ports = Ports {
            store: Arc::clone(&store) as Arc<dyn Store>,
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            issuer: Arc::clone(&issuer) as Arc<dyn Issuer>,
        };
        let (engine, tasks) = Engine::start(ports, stop.clone()).await.unwrap();
        Self { dir, clock, issuer, store, metrics, engine, tasks, stop }
    }

    /// Stops the server and starts it anew on what is kept.
    pub(crate) async fn restart(self) -> Self {
        let (dir, clock, issuer) = (Arc::clone(&self.dir), Arc::clone(&self.clock), Arc::clone(&self.issuer));
        self.end().await;
        Self::on(dir, clock, issuer).await
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.tasks.ended().await;
        self.metrics.close().unwrap();
        self.store.close().await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock, and lets the engine see it.
    pub(crate) async fn pass(&self, by: Duration) {
        self.clock.advance(by);
        self.engine.tick_now().await;
    }

    pub(crate) async fn token(&self, pattern: &str, grants: &[&str]) -> (TokenId, [u8; 32]) {
        self.token_in(wk_domain::TenantId::ROOT, pattern, grants).await
    }

    pub(crate) async fn token_in(
        &self,
        tenant: wk_domain::TenantId,
        pattern: &str,
        grants: &[&str],
    ) -> (TokenId, [u8; 32]) {
        let request = TokenRequest {
            tenant,
            host_pattern: pattern.to_owned(),
            grants: grants.iter().map(|g| (*g).to_owned()).collect(),
            ttl: secs(3600),
        };
        let token = self.engine.create_token(authorize(&admin(), ()).unwrap(), request).await.unwrap();
        let digest = token.row.secret_sha256.clone().try_into().unwrap();
        (token.row.id, digest)
    }

    pub(crate) fn attempt(&self, token: (TokenId, [u8; 32]), name: &str, key: &[u8]) -> EnrolAttempt {
        EnrolAttempt {
            token: token.0,
            secret_sha256: token.1,
            csr_der: key.to_vec(),
            hostname: name.to_owned(),
            os: "Debian GNU/Linux 12".to_owned(),
            version: "0.1.0".to_owned(),
            machine_digest: vec![1; 32],
            address: address(10),
        }
    }

    pub(crate) async fn try_enrol(&self, attempt: EnrolAttempt) -> Result<Granted, EnrolRefused> {
        self.engine.enrol(attempt).await
    }

    pub(crate) async fn enrol(&self, name: &str, grants: &[&str]) -> Agent {
        self.enrol_in(wk_domain::TenantId::ROOT, name, grants).await
    }

    pub(crate) async fn enrol_in(&self, tenant: wk_domain::TenantId, name: &str, grants: &[&str]) -> Agent {
        let token = self.token_in(tenant, name, grants).await;
        let granted = self.try_enrol(self.attempt(token, name, name.as_bytes())).await.unwrap();
        let host = self.engine.world().agents[&granted.agent].row.host;
        let serial = String::from_utf8(granted.chain_der[0].clone()).unwrap();
        let peer = Peer {
            agent: granted.agent,
            serial,
            not_after: self.now() + secs(7 * 86_400),
            address: address(10),
        };
        Agent { id: granted.agent, host, peer, seq: 0 }
    }

    /// Enrols and connects.
    pub(crate) async fn connected(&self, name: &str, grants: &[&str]) -> Agent {
        let agent = self.enrol(name, grants).await;
        self.link(&agent).await;
        agent
    }

    pub(crate) fn hello(&self, epoch: u64) -> LinkHello {
        LinkHello {
            version: "0.1.0".to_owned(),
            hostname: "whatever it says".to_owned(),
            epoch,
            agent_now: self.now(),
            remote_off: false,
            plugins: Vec::new(),
            machine_digest: vec![1; 32],
        }
    }

    pub(crate) async fn link(&self, agent: &Agent) -> u64 {
        self.engine.open_link(&agent.peer, self.hello(1)).await.unwrap().link
    }

    pub(crate) async fn unlink(&self, agent: &Agent) {
        let link = self.engine.world().agents[&agent.id].link.as_ref().map(|link| link.number);
        if let Some(link) = link {
            self.engine.close_link(agent.id, link).await;
        }
    }

    /// Sends the next batch of the agent.
    pub(crate) async fn send(&self, agent: &mut Agent, mut batch: Observations) {
        agent.seq += 1;
        (batch.epoch, batch.seq) = (1, agent.seq);
        self.engine.ingest(&agent.peer, LINK, batch).await.unwrap();
    }

    /// Reports a status for a check.
    pub(crate) async fn report(&self, agent: &mut Agent, check: CheckId, status: Status) {
        let batch = Observations { results: vec![(check, result(status, self.now()))], ..empty() };
        self.send(agent, batch).await;
    }

    /// A probe of the agent's own host, which it runs itself.
    pub(crate) async fn probe(&self, agent: &Agent, key: &str) -> CheckId {
        self.probe_of(agent.host, agent.id, key).await
    }

    pub(crate) async fn probe_of(&self, host: HostId, runner: AgentId, key: &str) -> CheckId {
        let edit = check_edit(host, Some(runner), key);
        self.engine.write_check(authorize(&admin(), None).unwrap(), edit).await.unwrap().check.id
    }

    pub(crate) async fn channel(&self, name: &str) -> wk_domain::ChannelId {
        let id = wk_engine::ids::new_id(self.now());
        let edit = ChannelEdit {
            tenant: None,
            id,
            create: true,
            name: name.to_owned(),
            kind: "webhook".to_owned(),
            config: json!({"url": "https://example.invalid/"}),
            secret_sealed: Some(b"sealed".to_vec()),
            enabled: true,
            revision: None,
        };
        self.engine.write_channel(authorize(&admin(), ()).unwrap(), edit).await.unwrap();
        id
    }

    pub(crate) async fn host(&self, name: &str) -> HostId {
        let edit = HostEdit { name: name.to_owned(), ..HostEdit::default() };
        self.engine.write_host(authorize(&admin(), None).unwrap(), edit).await.unwrap().id
    }

    pub(crate) fn state(&self, check: CheckId) -> CheckStateRow {
        self.engine.world().checks[&check].state.clone()
    }

    pub(crate) fn status(&self, check: CheckId) -> Option<Status> {
        self.state(check).state.status
    }

    pub(crate) fn check_named(&self, host: HostId, key: &str) -> Option<CheckId> {
        self.engine.world().check_by_key(host, key)
    }

    /// What people were told, oldest first: kind and check.
    pub(crate) async fn told(&self) -> Vec<(String, CheckId)> {
        let page = Page { limit: 500, after: None };
        let mut rows = self.store.outbox_recent(&TenantScope::whole(), page).await.unwrap();
        rows.reverse();
        rows.into_iter().map(|row| (row.kind, row.check)).collect()
    }

    pub(crate) async fn told_of(&self, check: CheckId) -> Vec<String> {
        self.told().await.into_iter().filter(|(_, of)| *of == check).map(|(kind, _)| kind).collect()
    }

    pub(crate) async fn audit(&self) -> Vec<AuditRow> {
        self.store.audit_from(0, 10_000).await.unwrap()
    }

    pub(crate) async fn events(&self, filter: EventFilter) -> Vec<EventRow> {
        self.store.events(&TenantScope::whole(), filter, Page { limit: 500, after: None }).await.unwrap()
    }

    pub(crate) async fn events_of(&self, check: CheckId, kind: &str) -> Vec<EventRow> {
        let filter =
            EventFilter { check: Some(check), kinds: vec![kind.to_owned()], ..EventFilter::default() };
        self.events(filter).await
    }
}

pub(crate) fn check_edit(host: HostId, runner: Option<AgentId>, key: &str) -> CheckEdit {
    CheckEdit {
        host,
        key: key.to_owned(),
        title: format!("Check {key}"),
        runner,
        spec: json!({"kind": "tcp", "address": "192.0.2.80", "port": 443}),
        interval: Some(secs(60)),
        retry_interval: Some(secs(12)),
        max_attempts: Some(3),
        volatile: false,
        enabled: true,
        revision: None,
    }
}

pub(crate) fn empty() -> Observations {
    Observations::default()
}

pub(crate) fn result(status: Status, at: Timestamp) -> CheckResult {
    CheckResult {
        status,
        reason: None,
        output: format!("it is {}", status.as_str()),
        long_output: String::new(),
        metrics: Vec::new(),
        started: at,
        finished: at,
    }
}

pub(crate) fn meta(name: &str, labels: &[(&str, &str)]) -> SeriesMeta {
    SeriesMeta {
        key: SeriesKey {
            host: HostId::new(0, [0; 10]),
            name: name.to_owned(),
            labels: labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        },
        unit: "B".to_owned(),
        counter: false,
    }
}

/// The disk metrics of one mount, so many percent full.
pub(crate) fn disk(at: Timestamp, mount: &str, percent: f64) -> Observations {
    let size = 1e11;
    let labels: &[(&str, &str)] = &[("mount", mount), ("type", "ext4")];
    let series = vec![meta("fs.size", labels), meta("fs.used", labels), meta("fs.available", labels)];
    let used = size * percent / 100.0;
    let samples = vec![(0, at.as_ms(), size), (1, at.as_ms(), used), (2, at.as_ms(), size - used)];
    Observations { series: Arc::new(series.into_iter().collect()), samples, ..empty() }
}

pub(crate) const fn is_builtin(kind: CheckKind) -> bool {
    matches!(kind, CheckKind::Builtin)
}
