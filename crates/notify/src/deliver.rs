//! Delivery from the outbox: at least once, in order for each channel and check, a few channels at a time.
//!
//! What is to be sent, when it was tried and when it is tried next stands in the store alone: killing the program at any
//! instant loses nothing. A message whose receipt could not be recorded is sent again under the same id.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use tokio::task::{Id as TaskId, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use wk_domain::text::{clean_line, span};
use wk_domain::{ChannelId, Timestamp};
use wk_engine::ids::new_id;
use wk_engine::ports::rows::{ChannelRow, EventRow, OutboxRow};
use wk_engine::ports::{Clock, Store, StoreError};
use wk_engine::record;
use wk_seal::SecretBytes;

use crate::Unseal;
use crate::channel::ChannelConfig;
use crate::egress::Egress;
use crate::egress::tls::Tls;
use crate::failure::{Failure, Kind};
use crate::payload::Payload;
use crate::{mail, smtp, webhook};

/// Bounds and spans of delivery.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Channels served at once. Each message is small; what is bounded is sockets and handshakes.
    pub in_flight_max: usize,
    /// The outbox is looked at so often even when nobody wakes us: a lost wake-up costs no more than this.
    pub poll: Duration,
    /// Wait after the first failure; doubled after each further one, up to `backoff_max`, each time a fifth more or
    /// less by chance.
    pub backoff_first: Duration,
    pub backoff_max: Duration,
    /// Given up when both are reached. Both: a clock that jumps by a day gives up nothing.
    pub give_up_after: Duration,
    pub give_up_attempts: i64,
    /// Attempts when the receiver says no: a person has to mend something, and may do so within minutes.
    pub refused_attempts: i64,
    /// A channel that failed is left alone so long at most, whatever is due on it.
    pub pause_max: Duration,
    /// Time for one attempt.
    pub email_deadline: Duration,
    pub webhook_deadline: Duration,
    /// Time for what is under way when the program ends.
    pub grace: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            in_flight_max: 8,
            poll: Duration::from_secs(1),
            backoff_first: Duration::from_secs(10),
            backoff_max: Duration::from_secs(3600),
            give_up_after: Duration::from_secs(24 * 3600),
            give_up_attempts: 20,
            refused_attempts: 5,
            pause_max: Duration::from_secs(60),
            email_deadline: Duration::from_secs(30),
            webhook_deadline: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }
    }
}

impl Policy {
    /// Wait after the `attempts`-th failure, which is at least 1. `chance` is any random number.
    fn backoff(&self, attempts: i64, chance: u16) -> Duration {
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(24);
        let wait = self.backoff_first.saturating_mul(1 << doublings).min(self.backoff_max);
        wait.mul_f64(0.8 + 0.4 * f64::from(chance) / f64::from(u16::MAX))
    }

    /// Whether the `attempts`-th failure is the last.
    fn gives_up(&self, row: &OutboxRow, attempts: i64, kind: Kind, now: Timestamp) -> bool {
        match kind {
            _ if row.kind == "test" => true, // A person waits for the answer.
            Kind::Final => true,
            Kind::Refused if attempts >= self.refused_attempts => true,
            Kind::Refused | Kind::Passing => {
                attempts >= self.give_up_attempts && now.since(row.created) >= self.give_up_after
            }
        }
    }
}

/// Hears what happened.
pub trait Observer: Send + Sync + fmt::Debug {
    /// A new entry of the timeline, committed.
    fn event(&self, event: EventRow);
    /// `notify.delivered`, `notify.failed`, `notify.given_up`.
    fn count(&self, name: &'static str);
}

/// What delivery is made of.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub unseal: Arc<Unseal>,
    pub egress: Egress,
    pub observer: Arc<dyn Observer>,
    pub policy: Policy,
    /// Where people find the console, for links in messages.
    pub console_url: Option<String>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Delivers from the outbox.
#[derive(Debug, Clone)]
pub struct Delivery(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    tls: Tls,
}

/// A channel that failed: left alone for a while, unless somebody changed it.
#[derive(Debug, Clone, Copy)]
struct Pause {
    failures: u32,
    revision: i64,
    until: Instant,
}

/// A channel and what is to be sent through it now, in order.
#[derive(Debug)]
struct Turn {
    id: ChannelId,
    /// None: it was deleted.
    channel: Option<ChannelRow>,
    tests_only: bool,
    rows: Vec<OutboxRow>,
}

/// A turn ends after this, so that a change of the channel or a test does not wait for long.
const TURN: Duration = Duration::from_secs(1);

/// What came of a turn.
#[derive(Debug)]
struct Done {
    revision: i64,
    delivered: bool,
}

impl Delivery {
    /// Puts it together; nothing happens before [`Self::run`].
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, tls: Tls::default() }))
    }

    /// Delivers until `stop`; looks at the outbox when woken, and every [`Policy::poll`]. Dropping the future ends what
    /// is under way; those messages are sent again later.
    pub async fn run(&self, wake: Arc<Notify>, stop: CancellationToken) {
        let policy = &self.0.parts.policy;
        let mut running: JoinSet<Done> = JoinSet::new();
        let mut busy: HashMap<TaskId, ChannelId> = HashMap::new();
        let mut pauses: HashMap<ChannelId, Pause> = HashMap::new();
        let mut troubled = false;
        loop {
            if running.len() < policy.in_flight_max {
                match self.ready(&busy, &mut pauses).await {
                    Ok(turns) => {
                        if std::mem::take(&mut troubled) {
                            tracing::info!("the outbox can be read again");
                        }
                        let free = policy.in_flight_max - running.len();
                        for turn in turns.into_iter().take(free) {
                            let id = turn.id;
                            let (inner, stop) = (Arc::clone(&self.0), stop.clone());
                            let task = running.spawn(async move { inner.serve(turn, &stop).await });
                            busy.insert(task.id(), id);
                        }
                    }
                    Err(error) if !std::mem::replace(&mut troubled, true) => {
                        tracing::error!("the outbox cannot be read; notifications wait: {error}");
                    }
                    Err(_) => {}
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = running.join_next_with_id() => {
                    let (task, done) = match ended {
                        Ok((task, done)) => (task, Some(done)),
                        Err(error) => (error.id(), None),
                    };
                    if let Some(channel) = busy.remove(&task) {
                        pause(&mut pauses, channel, done, policy);
                    }
                }
                () = wake.notified() => {
                    // A storm of changes is one look at the outbox, not one each.
                    sleep(Duration::from_millis(10).min(policy.poll)).await;
                }
                () = sleep(policy.poll) => {}
            }
        }
        let drain = async { while running.join_next().await.is_some() {} };
        if timeout(policy.grace, drain).await.is_err() {
            tracing::info!(
                left = running.len(),
                "notifications under way are left; they are sent again at the next start"
            );
        }
        running.shutdown().await;
    }

    /// The next rows of each channel that is neither busy nor paused, with its channel.
    async fn ready(
        &self,
        busy: &HashMap<TaskId, ChannelId>,
        pauses: &mut HashMap<ChannelId, Pause>,
    ) -> Result<Vec<Turn>, StoreError> {
        let Parts { store, clock, .. } = &self.0.parts;
        let rows = store.outbox_ready(clock.now(), 500).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let channels: HashMap<ChannelId, ChannelRow> =
            store.channels().await?.into_iter().map(|channel| (channel.id, channel)).collect();
        pauses.retain(|id, _| channels.contains_key(id));
        let now = Instant::now();
        let mut out: Vec<Turn> = Vec::new();
        for row in rows {
            if let Some(turn) = out.iter_mut().find(|turn| turn.id == row.channel) {
                // Behind a test that goes out although the channel is paused, nothing else does.
                if !turn.tests_only || row.kind == "test" {
                    turn.rows.push(row);
                }
                continue;
            }
            let channel = channels.get(&row.channel);
            let paused = pauses.get(&row.channel).is_some_and(|pause| {
                pause.until > now && channel.is_some_and(|channel| channel.revision == pause.revision)
            });
            let busy = busy.values().any(|channel| *channel == row.channel);
            if !busy && (!paused || row.kind == "test") {
                out.push(Turn {
                    id: row.channel,
                    channel: channel.cloned(),
                    tests_only: paused,
                    rows: vec![row],
                });
            }
        }
        Ok(out)
    }
}

fn pause(pauses: &mut HashMap<ChannelId, Pause>, channel: ChannelId, done: Option<Done>, policy: &Policy) {
    match done {
        Some(Done { delivered: true, .. }) => {
            pauses.remove(&channel);
        }
        Some(Done { delivered: false, revision }) => {
            let failures = pauses.get(&channel).map_or(0, |pause| pause.failures).saturating_add(1);
            // A tenth of the wait of the message itself: others on the channel may have better luck.
            let wait = policy.backoff(i64::from(failures), u16::MAX / 2).div_f64(10.0).min(policy.pause_max);
            pauses.insert(channel, Pause { failures, revision, until: Instant::now() + wait });
        }
        None => {
            tracing::error!(channel = %channel, "a delivery ended by a fault of this program; it is tried again")
        }
    }
}

impl Inner {
    /// Sends one row after the other until one fails, the turn is over, or `stop`.
    async fn serve(&self, turn: Turn, stop: &CancellationToken) -> Done {
        let started = Instant::now();
        let revision = turn.channel.as_ref().map_or(0, |channel| channel.revision);
        let mut delivered = true;
        // Mails of one turn go over one connection. It does not outlive the turn: none lies idle while nothing is to say.
        let mut session = None;
        for row in turn.rows {
            delivered = self.one(row, turn.channel.as_ref(), &mut session).await;
            if !delivered || stop.is_cancelled() || started.elapsed() > TURN {
                break;
            }
        }
        if let Some(session) = session {
            session.quit().await;
        }
        Done { revision, delivered }
    }

    /// Sends one row and writes down what came of it; true when it was delivered.
    async fn one(
        &self,
        row: OutboxRow,
        channel: Option<&ChannelRow>,
        session: &mut Option<smtp::Session>,
    ) -> bool {
        let name = channel.map_or_else(|| row.channel.to_string(), |channel| clean_line(&channel.name, 100));
        let result = self.attempt(&row, channel, &name, session).await;
        let delivered = result.is_ok();
        match result {
            Ok(refused) => self.delivered(&row, &name, &refused).await,
            Err(failure) => self.failed(&row, &name, failure).await,
        }
        delivered
    }

    /// Sends; gives back the recipients that were left out.
    async fn attempt(
        &self,
        row: &OutboxRow,
        channel: Option<&ChannelRow>,
        name: &str,
        session: &mut Option<smtp::Session>,
    ) -> Result<Vec<String>, Failure> {
        let Parts { unseal, egress, policy, console_url, clock, store, .. } = &self.parts;
        let channel = channel.ok_or_else(|| Failure::new(Kind::Final, "the channel was deleted"))?;
        if !channel.enabled {
            return Err(Failure::new(Kind::Final, format!("the channel {name} is disabled")));
        }
        let payload = Payload::read(row).map_err(|what| Failure::new(Kind::Final, what))?;
        let config = serde_json::from_str(&channel.config_json)
            .map_err(|_| (String::new(), "it is not JSON".to_owned()))
            .and_then(|config| ChannelConfig::parse(&channel.kind, &config))
            .map_err(|(at, what)| {
                Failure::refused(format!("the configuration of {name} is wrong at `{at}`: {what}"))
            })?;
        let secret = match channel.secret_sealed.as_slice() {
            [] => None,
            sealed => {
                let opened = unseal(&channel.id.to_string(), sealed);
                let used = record::draft(&record::system(), clock.now(), "secret.use", "channel", channel.id)
                    .request(row.id)
                    .reason("to deliver the notification that the request names");
                let used = if opened.is_ok() { used } else { used.failed("it does not open") };
                // No use without a trace: when none can be written, the message waits.
                store.append_audit(vec![used]).await.map_err(|error| {
                    Failure::passing(format!("the use of its secret could not be written down: {error}"))
                })?;
                Some(opened.map_err(|what| {
                    Failure::refused(format!("the secret of {name} cannot be opened; enter it again: {what}"))
                })?)
            }
        };
        let username = match &config {
            ChannelConfig::Email(email) => email.username.clone(),
            ChannelConfig::Webhook(_) => None,
        };
        let late = |deadline: Duration| Failure::passing(format!("no answer within {}", span(deadline)));
        // Boxed: a TLS handshake and an SMTP session are large to carry in every task.
        let sent = match &config {
            ChannelConfig::Email(email) => {
                let mail =
                    mail::compose(email, name, &payload, console_url.as_deref()).map_err(Failure::refused)?;
                let send = Box::pin(smtp::send(egress, &self.tls, email, secret.as_ref(), &mail, session));
                timeout(policy.email_deadline, send)
                    .await
                    .unwrap_or_else(|_| Err(late(policy.email_deadline)))
            }
            ChannelConfig::Webhook(hook) => {
                let message = webhook::Message {
                    id: &payload.id,
                    attempt: row.attempts.saturating_add(1),
                    body: payload.document(console_url.as_deref()),
                };
                let send =
                    Box::pin(webhook::send(egress, &self.tls, hook, secret.as_ref(), message, clock.now()));
                let sent = timeout(policy.webhook_deadline, send).await;
                sent.unwrap_or_else(|_| Err(late(policy.webhook_deadline))).map(|()| Vec::new())
            }
        };
        let secret = secret.unwrap_or_else(|| SecretBytes::new(Vec::new()));
        sent.map_err(|failure| failure.without(secret.expose(), username.as_deref()))
    }

    async fn delivered(&self, row: &OutboxRow, name: &str, refused: &[String]) {
        let now = self.parts.clock.now();
        let attempt = row.attempts.saturating_add(1);
        tracing::info!(notification = %row.id, channel = %row.channel, attempt, "delivered {} through {name}", row.id);
        for recipient in refused {
            tracing::warn!(notification = %row.id, channel = %row.channel, "not told: {recipient}");
        }
        let mut summary = format!("Told {name}: {}", headline(row));
        if !refused.is_empty() {
            summary = format!("{summary}; not told: {}", refused.join("; "));
        }
        let severity = if refused.is_empty() { "info" } else { "warning" };
        let detail = json!({"refused": refused});
        let event = self.event(row, now, severity, &summary, attempt, detail);
        let (store, id) = (&self.parts.store, row.id);
        if self.write(row, || store.outbox_delivered(id, now, event.clone())).await {
            self.parts.observer.count("notify.delivered");
            self.parts.observer.event(event);
        }
    }

    async fn failed(&self, row: &OutboxRow, name: &str, failure: Failure) {
        let Parts { clock, policy, store, observer, .. } = &self.parts;
        let now = clock.now();
        let attempt = row.attempts.saturating_add(1);
        let give_up = policy.gives_up(row, attempt, failure.kind, now);
        let wait = policy.backoff(attempt, chance()).max(failure.retry_after.unwrap_or_default());
        let (notification, channel, why) = (row.id, row.channel, &failure.text);
        observer.count("notify.failed");
        if give_up {
            tracing::error!(%notification, %channel, attempt, "given up {notification} through {name}: {why}");
        } else {
            let wait = span(wait);
            tracing::warn!(%notification, %channel, attempt, "could not deliver {notification} through {name}, again in {wait}: {why}");
        }
        if !self.write(row, || store.outbox_failed(row.id, now + wait, &failure.text, give_up)).await
            || !give_up
        {
            return;
        }
        observer.count("notify.given_up");
        let summary = format!("Could not tell {name}: {}: {}", headline(row), failure.text);
        let event = self.event(row, now, "warning", &summary, attempt, json!({"error": failure.text}));
        if self.write(row, || store.put_event(event.clone(), None)).await {
            observer.event(event);
        }
    }

    fn event(
        &self,
        row: &OutboxRow,
        now: Timestamp,
        severity: &str,
        summary: &str,
        attempt: i64,
        mut detail: serde_json::Value,
    ) -> EventRow {
        detail["notification"] = json!(row.id.to_string());
        detail["channel"] = json!(row.channel.to_string());
        detail["kind"] = json!(row.kind);
        detail["attempt"] = json!(attempt);
        EventRow {
            id: new_id(now),
            at: now,
            host: Some(row.host),
            check: Some(row.check),
            agent: None,
            kind: "notification".to_owned(),
            severity: severity.to_owned(),
            summary: clean_line(summary, 500),
            detail_json: detail.to_string(),
        }
    }

    /// Writes to the store, patiently: what is not recorded is sent again. False when it was not written.
    async fn write<F, W>(&self, row: &OutboxRow, write: W) -> bool
    where
        F: Future<Output = Result<(), StoreError>>,
        W: Fn() -> F,
    {
        let mut next = Instant::now();
        for attempt in 0..8_u32 {
            match write().await {
                Ok(()) => return true,
                // Its channel, check or host was removed meanwhile.
                Err(StoreError::NotFound { .. }) => return false,
                Err(error) if attempt == 0 => {
                    tracing::error!(notification = %row.id, "the outcome cannot be recorded, trying again: {error}");
                }
                Err(_) => {}
            }
            next += Duration::from_millis(100) * (1 << attempt);
            sleep_until(next).await;
        }
        false
    }
}

fn headline(row: &OutboxRow) -> String {
    Payload::read(row).map_or_else(|_| row.kind.clone(), |payload| payload.headline())
}

fn chance() -> u16 {
    let mut bytes = [0; 2];
    // Without entropy the waits are a fifth shorter; nothing hangs on it.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u16::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(kind: &str) -> OutboxRow {
        let at = Timestamp::from_ms(0);
        OutboxRow {
            id: new_id(at),
            channel: new_id(at),
            check: new_id(at),
            host: new_id(at),
            kind: kind.into(),
            created: at,
            payload_json: "{}".into(),
            state: "pending".into(),
            attempts: 0,
            next_attempt: at,
            last_error: String::new(),
            delivered: None,
        }
    }

    #[test]
    fn waits_double_from_ten_seconds_to_an_hour() {
        let waits: Vec<u64> = (1..=12)
            .map(|n| Policy::default().backoff(n, u16::MAX / 2).as_secs_f64().round() as u64)
            .collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
    }

    #[test]
    fn giving_up_takes_a_day_and_twenty_attempts() {
        let policy = Policy::default();
        let gives_up = |kind, attempts, hours: i64| {
            policy.gives_up(&row("problem"), attempts, kind, Timestamp::from_ms(hours * 3_600_000))
        };
        assert!(!gives_up(Kind::Passing, 19, 100), "the clock jumped");
        assert!(!gives_up(Kind::Passing, 100, 23));
        assert!(gives_up(Kind::Passing, 31, 24));
        assert!(!gives_up(Kind::Refused, 4, 0));
        assert!(gives_up(Kind::Refused, 5, 0));
        assert!(gives_up(Kind::Final, 1, 0));
        assert!(
            policy.gives_up(&row("test"), 1, Kind::Passing, Timestamp::from_ms(0)),
            "a person waits for a test"
        );
    }

    proptest! {
        #[test]
        fn a_wait_is_bounded(attempts: i64, chance: u16) {
            let wait = Policy::default().backoff(attempts, chance);
            prop_assert!(wait >= Duration::from_secs(8) && wait <= Duration::from_secs(4_320));
        }
    }
}
