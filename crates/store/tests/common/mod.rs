//! What the store's tests share: stores on both engines, and rows to put into them.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wk_audit::{Actor, ActorKind, Draft};
use wk_domain::check::RetryPolicy;
use wk_domain::check_state::{Ack, CheckState, Flap, Stale, StaleCause, StateType};
use wk_domain::id::Kind;
use wk_domain::{Check, CheckId, CheckKind, HostId, Id, Status, Timestamp};
use wk_engine::ports::rows::*;
use wk_engine::ports::store::Store;
use wk_store::{Access, SqlStore, StoreUrl};
use wk_testkit::PgServer;

pub(crate) const T0: Timestamp = Timestamp::from_ms(1_790_000_000_000);

pub(crate) fn at(seconds: u64) -> Timestamp {
    T0 + Duration::from_secs(seconds)
}

/// A store that goes with its folder or server.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) store: Arc<SqlStore>,
    pub(crate) url: StoreUrl,
    pub(crate) raw_url: String,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) server: Option<PgServer>,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let raw_url = format!("sqlite:{}", dir.path().join("watchkeep.db").display());
        Self::open(raw_url, dir, None).await
    }

    pub(crate) async fn postgres() -> Self {
        let server = PgServer::start().unwrap_or_else(|e| panic!("{e}"));
        let raw_url = server.database().unwrap_or_else(|e| panic!("{e}"));
        Self::open(raw_url, tempfile::tempdir().unwrap(), Some(server)).await
    }

    async fn open(raw_url: String, dir: tempfile::TempDir, server: Option<PgServer>) -> Self {
        let url = StoreUrl::parse(&raw_url).unwrap();
        let store = SqlStore::open(&url, Access::Server, T0).await.unwrap_or_else(|e| panic!("{e}"));
        Self { store: Arc::new(store), url, raw_url, dir, server }
    }

    pub(crate) fn port(&self) -> Arc<dyn Store> {
        Arc::<SqlStore>::clone(&self.store)
    }
}

/// An id that sorts after all made before.
pub(crate) fn id<K: Kind>() -> Id<K> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    Id::new(1_790_000_000_000 + n, random)
}

pub(crate) fn draft(action: &'static str) -> Draft {
    Draft::new(T0.as_ms() * 1_000_000, Actor::new(ActorKind::User, "user_x"), action)
}

pub(crate) fn host(name: &str) -> HostRow {
    HostRow {
        id: id(),
        tenant: wk_domain::TenantId::ROOT,
        labels: wk_domain::Labels::default(),
        name: name.into(),
        agent: None,
        created: T0,
        fields: vec![("group".into(), "web".into()), ("note".into(), "a \"b\" 'c' ; --".into())],
        addresses: vec!["192.0.2.1".into(), "2001:db8::1".into()],
        os: "Debian GNU/Linux 12".into(),
        revision: 0,
    }
}

pub(crate) fn check(host: HostId, key: &str) -> CheckRow {
    CheckRow {
        check: Check {
            id: id(),
            host,
            key: key.into(),
            title: format!("Check {key}"),
            kind: CheckKind::Probe,
            runner: Some(id()),
            retry: RetryPolicy {
                interval: Duration::from_secs(60),
                retry_interval: Duration::from_millis(12_500),
                max_attempts: 3,
                volatile: true,
            },
            enabled: true,
        },
        spec_json: "{\"kind\":\"ping\"}".into(),
        created: T0,
        revision: 0,
    }
}

/// A state with every field away from its default.
pub(crate) fn state(check: CheckId, host: HostId) -> CheckStateRow {
    CheckStateRow {
        check,
        host,
        state: CheckState {
            status: Some(Status::Critical),
            state_type: StateType::Soft,
            attempt: 2,
            last_hard_status: Some(Status::Warning),
            since: Some(at(1)),
            hard_since: Some(at(2)),
            last_result_started: Some(at(3)),
            last_checked: Some(at(4)),
            last_heard: Some(at(5)),
            next_due: Some(at(6)),
            flap: Flap { bits: 0b1011, flapping: true },
            notification_number: 7,
            last_notified: Some(at(8)),
            told: Some(Status::Unknown),
            ack: Some(Ack { sticky: true, expires: Some(at(9)) }),
            stale: Some(Stale { since: at(10), cause: StaleCause::AgentUnreachable }),
            rejected: 11,
            rejected_in_a_row: 2,
        },
        reason: "timeout".into(),
        output: "CRITICAL: 'it' \"broke\"".into(),
        long_output: "line\nline".into(),
        metrics_json: "[{\"label\":\"rtt\",\"value\":0.1}]".into(),
    }
}

pub(crate) fn event(host: Option<HostId>, check: Option<CheckId>, kind: &str) -> EventRow {
    EventRow {
        id: id(),
        at: T0,
        host,
        check,
        agent: None,
        kind: kind.into(),
        severity: "critical".into(),
        summary: "something happened".into(),
        detail_json: "{}".into(),
    }
}

pub(crate) fn token() -> TokenRow {
    TokenRow {
        id: id(),
        tenant: wk_domain::TenantId::ROOT,
        secret_sha256: vec![7; 32],
        host_pattern: "web-*".into(),
        grants: vec!["host".into(), "probe".into()],
        created: T0,
        created_by: "user_x".into(),
        expires: at(3600),
        used: None,
        used_by: None,
        withdrawn: None,
    }
}

pub(crate) fn agent(host: &HostRow, token: &TokenRow) -> AgentRow {
    let id: wk_domain::AgentId = id();
    AgentRow {
        id,
        host: host.id,
        hostname: host.name.clone(),
        standing: Standing::Active,
        grants: token.grants.clone(),
        version: "0.1.0".into(),
        os: "linux".into(),
        enrolled: T0,
        enrolled_by_token: token.id,
        last_seen: None,
        last_address: String::new(),
        cert_serial: format!("serial-{id}"),
        cert_not_after: at(7 * 86_400),
        machine_digest: vec![1; 32],
        remote_off: false,
        read_only: false,
        plugins: vec![("disk".into(), "ab".repeat(32), vec!["path".into()])],
        epoch: u64::MAX,
        committed_seq: 0,
    }
}

pub(crate) fn cert(agent: &AgentRow) -> AgentCertRow {
    AgentCertRow {
        serial: agent.cert_serial.clone(),
        agent: agent.id,
        parent_serial: None,
        spki_sha256: "aa".repeat(32),
        not_before: T0,
        not_after: agent.cert_not_after,
        cert_der: vec![0x30, 0, 255],
        revoked: None,
    }
}

/// The next certificate from `parent`, for the key `key`.
pub(crate) fn renewal(parent: &AgentCertRow, serial: &str, key: &str) -> AgentCertRow {
    AgentCertRow {
        serial: serial.into(),
        parent_serial: Some(parent.serial.clone()),
        spki_sha256: key.into(),
        not_after: at(8 * 86_400),
        ..parent.clone()
    }
}

pub(crate) async fn enrolled(store: &Arc<dyn Store>, name: &str) -> (HostRow, AgentRow, AgentCertRow) {
    let token = token();
    store.put_token(token.clone(), draft("token.make")).await.unwrap();
    let host = host(name);
    let agent = agent(&host, &token);
    let cert = cert(&agent);
    store
        .enrol(token.id, at(1), host.clone(), agent.clone(), cert.clone(), draft("agent.enrol"))
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    (store.host_by_name(wk_domain::TenantId::ROOT, name).await.unwrap().unwrap(), agent, cert)
}

pub(crate) fn channel(name: &str) -> ChannelRow {
    ChannelRow {
        id: id(),
        tenant: wk_domain::TenantId::ROOT,
        name: name.into(),
        kind: "webhook".into(),
        config_json: "{\"url\":\"https://example.org\"}".into(),
        secret_sealed: vec![0, 1, 2, 255],
        enabled: true,
        revision: 0,
    }
}

pub(crate) fn outbox(channel: wk_domain::ChannelId, due: Timestamp) -> OutboxRow {
    OutboxRow {
        id: id(),
        channel,
        check: id(),
        host: id(),
        kind: "problem".into(),
        created: T0,
        payload_json: "{}".into(),
        state: "pending".into(),
        attempts: 0,
        next_attempt: due,
        last_error: String::new(),
        delivered: None,
    }
}

pub(crate) fn user(name: &str) -> UserRow {
    UserRow {
        id: id(),
        tenant: wk_domain::TenantId::ROOT,
        name: name.into(),
        display_name: "Ana Pérez".into(),
        role: "admin".into(),
        password_phc: "$argon2id$...".into(),
        totp_sealed: vec![9; 40],
        totp_revision: 1,
        totp_last_step: 10,
        created: T0,
        disabled: None,
        failures: 0,
        revision: 1,
    }
}

pub(crate) fn session(user: &UserRow, token: u8) -> SessionRow {
    SessionRow {
        id: id(),
        token_sha256: vec![token; 32],
        user: user.id,
        created: T0,
        last_used: T0,
        address: "192.0.2.7".into(),
        user_agent: "Firefox".into(),
        method: "password+totp".into(),
        ended: None,
        elevated: None,
    }
}

pub(crate) fn page(limit: u32, after: Option<String>) -> Page {
    Page { limit, after }
}

/// A store on a fresh database of a server.
pub(crate) async fn fresh(server: &PgServer) -> Arc<SqlStore> {
    let url = StoreUrl::parse(&server.database().unwrap_or_else(|e| panic!("{e}"))).unwrap();
    Arc::new(SqlStore::open(&url, Access::Server, T0).await.unwrap_or_else(|e| panic!("{e}")))
}
