//! What handlers stand on.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wk_domain::{Timestamp, UserId};
use wk_engine::Engine;
use wk_identity::outside::ProviderKind;

use crate::clients::{ClientDoor, NoDoor};
use crate::conditions::Conditions;
use crate::dto::{Port, SelfCheck};
use crate::gate::{Gate, Limits};
use crate::providers::Doorway;
use crate::sign::Desk;

/// Seals a secret for a table's row: the program that wires everything holds the keys, not this crate.
pub type Seal = dyn Fn(&str, &str, &[u8]) -> Result<Vec<u8>, String> + Send + Sync;
/// Checks a channel's configuration for its kind; a JSON pointer and a sentence when it is not right.
pub type CheckChannel =
    dyn Fn(&str, &serde_json::Value) -> Result<serde_json::Value, (String, String)> + Send + Sync;
/// SHA-256 of a certificate, lower-case hex.
pub type Fingerprint = dyn Fn(&[u8]) -> String + Send + Sync;

/// What the program that wires everything provides.
pub struct PortsOf {
    pub seal: Box<Seal>,
    pub check_channel: Box<CheckChannel>,
    pub fingerprint: Box<Fingerprint>,
    /// What this server listens on and calls.
    pub ports: Box<dyn Fn() -> Vec<Port> + Send + Sync>,
    /// The server's opinion of itself, beyond what the engine knows.
    pub self_checks: Box<dyn Fn() -> Vec<SelfCheck> + Send + Sync>,
}

impl fmt::Debug for PortsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PortsOf(..)")
    }
}

/// The conditions of administration, and when they were read.
type ReadAt = (Instant, Arc<Conditions>);

/// Shared by all handlers.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) people: Arc<Desk>,
    pub(crate) ports_of: Arc<PortsOf>,
    /// The session behind a live stream is asked for again this often: a stream must not outlive its permission.
    pub(crate) recheck: Duration,
    pub(crate) gate: Arc<Gate>,
    /// Identities that others vouch for.
    pub(crate) outside: Arc<Doorway>,
    /// What this server is called, beside `localhost` and addresses.
    pub(crate) names: Arc<[String]>,
    /// Further addresses, as browsers write them, that are led to this server's console: `https://watch.acme.example`.
    pub(crate) origins: Arc<[String]>,
    /// Who may knock.
    pub(crate) clients: Arc<dyn ClientDoor>,
    /// What acts of administrators ask for, and when it was read.
    pub(crate) conditions: Arc<Mutex<Option<ReadAt>>>,
    /// Whose removal of a factor was told to the channels, and when.
    pub(crate) removals_told: Arc<Mutex<HashMap<UserId, Timestamp>>>,
}

impl App {
    /// Puts it together.
    pub fn new(engine: Arc<Engine>, people: Arc<Desk>, ports_of: PortsOf) -> Self {
        Self {
            engine,
            people,
            ports_of: Arc::new(ports_of),
            recheck: Duration::from_secs(30),
            gate: Arc::new(Gate::new(Limits::DEFAULT)),
            outside: Arc::new(Doorway::new(Vec::new())),
            names: Arc::new([]),
            origins: Arc::new([]),
            clients: Arc::new(NoDoor),
            conditions: Arc::default(),
            removals_told: Arc::default(),
        }
    }

    /// The names under which people may come, beside `localhost` and addresses; others are sent away.
    #[must_use]
    pub fn called(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().collect(), ..self }
    }

    /// Addresses that are led to the console from elsewhere, with their scheme and port: passkeys work under them too.
    #[must_use]
    pub fn led_here(self, origins: impl IntoIterator<Item = String>) -> Self {
        Self { origins: origins.into_iter().collect(), ..self }
    }

    /// The door that knows client certificates.
    #[must_use]
    pub fn behind(self, clients: Arc<dyn ClientDoor>) -> Self {
        Self { clients, ..self }
    }

    /// With these kinds of providers that vouch for people.
    #[must_use]
    pub fn outside(self, kinds: Vec<Arc<dyn ProviderKind>>) -> Self {
        Self { outside: Arc::new(Doorway::new(kinds)), ..self }
    }

    /// The origin that a request came to.
    pub(crate) fn first_origin(&self, headers: &axum::http::HeaderMap) -> String {
        let host = headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| self.names.first().map(String::as_str)).unwrap_or("localhost");
        format!("https://{}", host.to_ascii_lowercase())
    }

    /// Other limits of what may be asked at once.
    #[doc(hidden)]
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { gate: Arc::new(Gate::new(limits)), ..self }
    }

    /// Asks for the sessions behind live streams at another pace.
    #[doc(hidden)]
    #[must_use]
    pub fn recheck_streams_every(self, recheck: Duration) -> Self {
        Self { recheck, ..self }
    }

    pub(crate) fn ports(&self) -> Vec<Port> {
        (self.ports_of.ports)()
    }

    pub(crate) fn fingerprint(&self, der: &[u8]) -> String {
        (self.ports_of.fingerprint)(der)
    }

    pub(crate) async fn self_checks(&self) -> Vec<SelfCheck> {
        use crate::dto::CheckStatus;
        let mut checks = (self.ports_of.self_checks)();
        let mut add = |key: &str, title: &str, status, detail: String| {
            checks.push(SelfCheck { key: key.to_owned(), title: title.to_owned(), status, detail });
        };
        match self.engine.store().health().await {
            Ok(health) if health.outbox_failed > 0 => add(
                "outbox",
                "Notifications",
                CheckStatus::Warning,
                format!("{} could not be delivered and were given up", health.outbox_failed),
            ),
            Ok(health) => add(
                "database",
                "Database",
                CheckStatus::Ok,
                format!("{}, schema {}", health.engine, health.schema_version),
            ),
            Err(error) => add("database", "Database", CheckStatus::Critical, error.to_string()),
        }
        let metrics = self.engine.metrics().health();
        match (&metrics.refusing, metrics.corrupt_blocks) {
            (Some(why), _) => add("metrics", "Metrics store", CheckStatus::Critical, why.clone()),
            (None, 0) => {
                add("metrics", "Metrics store", CheckStatus::Ok, format!("{} series", metrics.series))
            }
            (None, n) => add(
                "metrics",
                "Metrics store",
                CheckStatus::Warning,
                format!("{n} damaged blocks are set aside; the rest is served"),
            ),
        }
        for trouble in self.engine.troubles() {
            let now = self.engine.now();
            let since = wk_domain::text::span(now.since(trouble.since));
            add("trouble", trouble.what, CheckStatus::Critical, format!("for {since}: {}", trouble.detail));
        }
        let counted = self.engine.counters().all();
        if let Some((_, faults)) = counted.iter().find(|(name, _)| name == wk_engine::keep::FAULTS) {
            let detail = format!("{faults} since the start; the log says where each was. Please report them");
            add("faults", "Faults of this program", CheckStatus::Warning, detail);
        }
        let tasks = self.engine.tasks();
        let ended: Vec<String> = tasks
            .iter()
            .filter_map(|(name, task)| {
                let (at, why) = task.last_end.as_ref()?;
                let (times, at) = (task.restarts, crate::time::write(*at));
                let now = if task.running { "runs again" } else { "is being started again" };
                Some(format!("{name} ended {times} times, last at {at} ({why}), and {now}"))
            })
            .collect();
        if ended.is_empty() {
            add("tasks", "Tasks", CheckStatus::Ok, format!("all {} run", tasks.len()));
        } else {
            add("tasks", "Tasks", CheckStatus::Warning, ended.join("; "));
        }
        if let Some(until) = crate::flood::attack_until(self) {
            let until = crate::time::write(until);
            let detail = format!(
                "more than half of a thousand sign-ins failed: unknown browsers solve a puzzle for each try, until {until} \
                 or longer. Known browsers and passkeys are not slowed"
            );
            add("sign_in", "Sign-ins", CheckStatus::Warning, detail);
        }
        if let Some((at, name)) = crate::providers::emergency::recent(self).await {
            let at = crate::time::write(at);
            let detail = format!("{name} signed in at {at}: see the audit log, and who had to");
            add("emergency", "Emergency account", CheckStatus::Critical, detail);
        }
        let channels = self.engine.world().channels.values().filter(|channel| channel.row.enabled).count();
        if channels == 0 {
            add(
                "channels",
                "Notifications",
                CheckStatus::Warning,
                "nobody would be told of a problem: add a channel under System".to_owned(),
            );
        }
        let now = self.engine.now();
        if let Some(cert) = self.engine.issuer().inventory().into_iter().min_by_key(|cert| cert.not_after) {
            let days = (cert.not_after.as_ms() - now.as_ms()).div_euclid(86_400_000);
            let status = match days {
                ..=2 => CheckStatus::Critical,
                3..=6 => CheckStatus::Warning,
                _ => CheckStatus::Ok,
            };
            add(
                "certificates",
                "Own certificates",
                status,
                format!("the next ends in {days} days ({})", cert.role),
            );
        }
        checks
    }
}
