//! The agents' side of the engine: enrolment, links, renewal, revocation, and what each agent is to run.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::{broadcast, oneshot, watch};
use wk_authz::{AgentEnrol, AgentRevoke, AgentWrite, Permit};
use wk_domain::name::{HostName, HostPattern};
use wk_domain::spec::{Assignment, AssignmentSet};
use wk_domain::{AgentId, HostId, Labels, TenantId, Timestamp, TokenId};

use crate::Engine;
use crate::desk::{
    AgentDesk, EnrolAttempt, EnrolRefused, Granted, IngestError, LinkHello, LinkOrder, LinkRefused,
    LinkTerms, Observations, Peer,
};
use crate::error::EngineError;
use crate::ids::{new_id, random};
use crate::ingest::Job;
use crate::live::Live;
use crate::ports::StoreError;
use crate::ports::rows::{AgentCertRow, AgentRow, EventRow, HostRow, RenewOutcome, Standing, TokenRow};
use crate::record::{self, DraftExt};
use crate::spec_json;
use crate::world::{AgentEntry, LinkEntry, World};

/// Grants there are beside `host`, which every agent has for its own host.
pub const GRANTS: [&str; 1] = ["probe"];
/// Bounds of a token's life.
pub const TTL: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));
/// Networks whose refusals are written down in one minute.
const REFUSAL_NETWORKS_MAX: usize = 1_000;
/// One event a minute and network at most for refused handshakes: an attacker must not fill the log.
const REFUSAL_EVENT_EVERY: Duration = Duration::from_secs(60);

/// What an operator asks of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Where the host lands.
    pub tenant: TenantId,
    pub host_pattern: String,
    pub grants: Vec<String>,
    pub ttl: Duration,
}

/// A new token. The line holds the secret and is shown once.
pub struct NewToken {
    pub row: TokenRow,
    pub line: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken").field("row", &self.row.id).finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes an enrolment token.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a pattern, grant or span that cannot be.
    pub async fn create_token(
        &self,
        permit: Permit<AgentEnrol>,
        request: TokenRequest,
    ) -> Result<NewToken, EngineError> {
        let pattern: HostPattern = request
            .host_pattern
            .parse()
            .map_err(|e| EngineError::Invalid(format!("the host pattern: {e}")))?;
        if let Some(unknown) = request.grants.iter().find(|grant| !GRANTS.contains(&grant.as_str())) {
            return Err(EngineError::Invalid(format!(
                "there is no grant `{unknown}`; there is {}",
                GRANTS.join(", ")
            )));
        }
        if request.ttl < TTL.0 || request.ttl > TTL.1 {
            return Err(EngineError::Invalid("a token lives between one minute and 24 hours".to_owned()));
        }
        let now = self.now();
        let secret: [u8; 16] = random();
        let mut grants = vec!["host".to_owned()];
        grants.extend(request.grants);
        grants.dedup();
        let row = TokenRow {
            id: new_id(now),
            tenant: request.tenant,
            secret_sha256: sha256(&secret),
            host_pattern: pattern.as_str().to_owned(),
            grants,
            created: now,
            created_by: permit.actor().label(),
            expires: now + request.ttl,
            used: None,
            used_by: None,
            withdrawn: None,
        };
        let audit = record::draft(permit.actor(), now, "token.create", "token", row.id)
            .within(row.tenant)
            .images_of(None, Some(&row));
        self.ports.store.put_token(row.clone(), audit).await?;
        Ok(NewToken { line: self.ports.issuer.enrolment_line(row.id, &secret), row })
    }

    /// Takes a token back that nobody has used.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when there is no open token with the id.
    pub async fn withdraw_token(&self, permit: Permit<AgentEnrol, TokenId>) -> Result<(), EngineError> {
        let now = self.now();
        let before = self.ports.store.token(*permit.resource()).await?;
        let after = before.clone().map(|token| TokenRow { withdrawn: Some(now), ..token });
        let audit = record::draft(permit.actor(), now, "token.withdraw", "token", permit.resource())
            .within(before.as_ref().map_or(TenantId::ROOT, |token| token.tenant))
            .images_of(before.as_ref(), after.as_ref());
        Ok(self.ports.store.withdraw_token(*permit.resource(), now, audit).await?)
    }

    /// Revokes an agent: its links close within a second and none opens again.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn revoke_agent(
        &self,
        permit: Permit<AgentRevoke, AgentId>,
        reason: &str,
    ) -> Result<(), EngineError> {
        self.set_standing(permit, Standing::Revoked, "agent.revoke", reason).await
    }

    /// Trusts a quarantined agent again. The copy of its key is still out there until its certificate ends: revoke
    /// and enrol anew when in doubt.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when it is not quarantined.
    pub async fn release_agent(
        &self,
        permit: Permit<AgentRevoke, AgentId>,
        reason: &str,
    ) -> Result<(), EngineError> {
        let standing = self.world.read().agents.get(permit.resource()).map(|agent| agent.row.standing);
        match standing {
            Some(Standing::Quarantined) => {
                self.set_standing(permit, Standing::Active, "agent.release", reason).await
            }
            Some(_) => Err(EngineError::Conflict("the agent is not quarantined".to_owned())),
            None => Err(EngineError::NotFound { what: "the agent" }),
        }
    }

    /// Ends the server's management of an agent, or begins it again: a read-only agent goes on to tell what it sees, and
    /// is sent nothing to run.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] without a reason; [`EngineError::Conflict`] when it is so
    /// already.
    pub async fn set_agent_read_only(
        &self,
        permit: Permit<AgentWrite, AgentId>,
        read_only: bool,
        reason: &str,
    ) -> Result<(), EngineError> {
        let reason = wk_domain::text::clean_line(reason, 500);
        if reason.is_empty() {
            return Err(EngineError::Invalid("say why: the reason is empty".to_owned()));
        }
        let mut writer = self.writer().await?;
        let now = self.now();
        let agent = *permit.resource();
        let Some(old) = self.world.read().agents.get(&agent).map(|entry| entry.row.clone()) else {
            return Err(EngineError::NotFound { what: "the agent" });
        };
        let (action, word) =
            if read_only { ("agent.restrict", "read-only") } else { ("agent.manage", "managed") };
        if old.read_only == read_only {
            return Err(EngineError::Conflict(format!("the agent is {word} already")));
        }
        let detail = json!({"reason": reason, "by": permit.actor().label()});
        let event =
            self.agent_event(now, &old, "warning", format!("Agent {} is {word} now", old.hostname), detail);
        let audit = record::draft(permit.actor(), now, action, "agent", agent)
            .within(self.tenant_of(old.host))
            .reason(reason)
            .images_of(Some(&old), Some(&AgentRow { read_only, ..old.clone() }));
        writer.commit(self.ports.store.set_read_only(agent, read_only, event.clone(), audit)).await?;
        writer.put(|world| {
            if let Some(entry) = world.agents.get_mut(&agent) {
                entry.row.read_only = read_only;
            }
        });
        self.push_assignments();
        let tenant = self.tenant_of(old.host);
        self.tell([Live::ConfigurationOf(tenant), Live::Agent(agent), Live::Event(Arc::new(event))]);
        Ok(())
    }

    async fn set_standing(
        &self,
        permit: Permit<AgentRevoke, AgentId>,
        standing: Standing,
        action: &'static str,
        reason: &str,
    ) -> Result<(), EngineError> {
        let reason = wk_domain::text::clean_line(reason, 500);
        if reason.is_empty() {
            return Err(EngineError::Invalid("say why: the reason is empty".to_owned()));
        }
        let mut writer = self.writer().await?;
        let now = self.now();
        let agent = *permit.resource();
        let Some(old) = self.world.read().agents.get(&agent).map(|entry| entry.row.clone()) else {
            return Err(EngineError::NotFound { what: "the agent" });
        };
        if old.standing == standing {
            return Err(EngineError::Conflict(format!("the agent is {} already", standing.as_str())));
        }
        let summary = format!("Agent {}: {} → {}", old.hostname, old.standing.as_str(), standing.as_str());
        let event = self.agent_event(
            now,
            &old,
            "warning",
            summary,
            json!({"reason": reason, "by": permit.actor().label()}),
        );
        let audit = record::draft(permit.actor(), now, action, "agent", agent)
            .within(self.tenant_of(old.host))
            .reason(reason)
            .images_of(Some(&old), Some(&AgentRow { standing, ..old.clone() }));
        writer.commit(self.ports.store.set_standing(agent, standing, event.clone(), audit)).await?;
        writer.put(|world| {
            if let Some(entry) = world.agents.get_mut(&agent) {
                entry.row.standing = standing;
            }
            if standing == Standing::Revoked {
                world.denied_serials.insert(old.cert_serial.clone());
                if let Some(host) = world.hosts.get_mut(&old.host) {
                    host.agent = None;
                }
            }
        });
        if standing != Standing::Active {
            let _ = self.orders.send(LinkOrder::Close { agent, reason: standing.as_str() });
        }
        self.tell([Live::Agent(agent), Live::Event(Arc::new(event))]);
        Ok(())
    }

    fn agent_event(
        &self,
        now: Timestamp,
        agent: &AgentRow,
        severity: &str,
        summary: String,
        detail: serde_json::Value,
    ) -> EventRow {
        EventRow {
            id: new_id(now),
            at: now,
            host: Some(agent.host),
            check: None,
            agent: Some(agent.id),
            kind: "agent".to_owned(),
            severity: severity.to_owned(),
            summary,
            detail_json: detail.to_string(),
        }
    }

    /// What every agent is to run, told to those whose list changed.
    pub(crate) fn push_assignments(&self) {
        let world = self.world.read();
        let senders = self.assignments.lock();
        for (agent, sender) in senders.iter() {
            let set = assignments_of(&world, *agent);
            sender.send_if_modified(|present| {
                let changed = present.checks != set.checks;
                if changed {
                    *present = Arc::new(set);
                }
                changed
            });
        }
    }

    /// Orders an assigned check to run now; false when nobody is there to run it.
    pub(crate) fn order_run(&self, agent: AgentId, check: wk_domain::CheckId) -> bool {
        let linked = self.world.read().agents.get(&agent).is_some_and(AgentEntry::connected);
        linked && self.orders.send(LinkOrder::RunNow { agent, check }).is_ok()
    }

    /// Counts a refusal, and writes an audit entry for it, at most one a minute and network and
    /// [`REFUSAL_NETWORKS_MAX`] a minute in all: whoever can choose among many addresses fills no log either.
    pub(crate) fn note_refusal(&self, address: IpAddr, what: &'static str, detail: &str) {
        self.counters.add(what, 1);
        let now = self.now();
        let network = (network_of(address), what);
        let since = {
            let mut refusals = self.refusals.lock();
            if refusals.len() >= REFUSAL_NETWORKS_MAX && !refusals.contains_key(&network) {
                refusals.retain(|_, (last, _)| now.since(*last) < REFUSAL_EVENT_EVERY);
                if refusals.len() >= REFUSAL_NETWORKS_MAX {
                    self.counters.add("hub.refused_unwritten", 1);
                    return;
                }
            }
            let slot = refusals.entry(network).or_insert((Timestamp::from_ms(0), 0));
            slot.1 += 1;
            if now.since(slot.0) < REFUSAL_EVENT_EVERY {
                return;
            }
            let since = slot.1;
            *slot = (now, 0);
            since
        };
        tracing::warn!(source.address = %address, what, since, "refused: {detail}");
        let mut detail = wk_domain::text::clean_line(detail, 500);
        if since > 1 {
            detail
                .push_str(&format!("; {} more from its network since the last one written down", since - 1));
        }
        let audit = record::by_nobody(Some(address), now, "hub.refuse", "link", what).denied(detail);
        let store = Arc::clone(&self.ports.store);
        // The refusal itself must not wait for the store. A flood is bounded by one a minute and address.
        tokio::spawn(async move {
            if let Err(error) = store.append_audit(vec![audit]).await {
                tracing::warn!("a refusal could not be written down: {error}");
            }
        });
    }

    async fn try_enrol(&self, attempt: &EnrolAttempt) -> Result<Granted, String> {
        let now = self.now();
        let unavailable = |e: StoreError| format!("store: {e}");
        let token = self
            .ports
            .store
            .token(attempt.token)
            .await
            .map_err(unavailable)?
            .ok_or_else(|| "no such token".to_owned())?;
        let same =
            aws_lc_rs::constant_time::verify_slices_are_equal(&token.secret_sha256, &attempt.secret_sha256);
        same.map_err(|_| "wrong secret".to_owned())?;
        if token.used.is_some() || token.withdrawn.is_some() || token.expires <= now {
            return Err("the token is used, withdrawn or expired".to_owned());
        }
        let name: HostName = attempt.hostname.parse().map_err(|e| format!("host name: {e}"))?;
        let pattern: HostPattern = token.host_pattern.parse().map_err(|e| format!("pattern: {e}"))?;
        if !pattern.matches(&name) {
            return Err(format!("host name {} is outside {}", name.as_str(), token.host_pattern));
        }
        let mut writer = self.writer().await.map_err(unavailable)?;
        let present = {
            let world = self.world.read();
            if let Some((by, why)) = world.read_only(token.tenant) {
                return Err(format!("{by} is read-only: {why}"));
            }
            let id = world.host_names.get(&(token.tenant, name.as_str().to_owned())).copied();
            id.and_then(|id| world.hosts.get(&id).cloned())
        };
        if present.as_ref().is_some_and(|host| host.agent.is_some()) {
            return Err(format!("host {} has an agent; revoke it first", name.as_str()));
        }
        let agent: AgentId = new_id(now);
        let issued =
            self.ports.issuer.issue_agent(&attempt.csr_der, agent, now).map_err(|e| e.to_string())?;
        let mut host = present.unwrap_or_else(|| HostRow {
            id: new_id(now),
            tenant: token.tenant,
            name: name.as_str().to_owned(),
            agent: None,
            created: now,
            fields: Vec::new(),
            labels: Labels::default(),
            addresses: Vec::new(),
            os: String::new(),
            revision: 1,
        });
        host.agent = Some(agent);
        host.os = wk_domain::text::clean_line(&attempt.os, 200);
        let row = AgentRow {
            id: agent,
            host: host.id,
            hostname: name.as_str().to_owned(),
            standing: Standing::Active,
            grants: token.grants.clone(),
            version: wk_domain::text::clean_line(&attempt.version, 64),
            os: host.os.clone(),
            enrolled: now,
            enrolled_by_token: token.id,
            last_seen: None,
            last_address: attempt.address.ip().to_string(),
            cert_serial: issued.serial.clone(),
            cert_not_after: issued.not_after,
            machine_digest: attempt.machine_digest.clone(),
            remote_off: false,
            read_only: false,
            plugins: Vec::new(),
            epoch: 0,
            committed_seq: 0,
        };
        let cert = AgentCertRow {
            serial: issued.serial,
            agent,
            parent_serial: None,
            spki_sha256: issued.spki_sha256,
            not_before: issued.not_before,
            not_after: issued.not_after,
            cert_der: issued.chain_der.first().cloned().unwrap_or_default(),
            revoked: None,
        };
        let audit = record::by_agent(agent, attempt.address.ip(), now, "agent.enrol")
            .within(token.tenant)
            .reason(format!("token {}", token.id))
            .on_behalf_of(&token.created_by)
            .images_of(None, Some(&row));
        let enrol = self.ports.store.enrol(token.id, now, host.clone(), row.clone(), cert, audit);
        writer.commit(enrol).await.map_err(unavailable)?;
        let event =
            self.agent_event(now, &row, "info", format!("Agent enrolled on {}", host.name), json!({}));
        writer.put(|world| {
            world.put_host(host);
            world.agents.insert(agent, AgentEntry { row, link: None, silent_since: now });
        });
        if let Err(error) = self.ports.store.put_event(event.clone(), None).await {
            tracing::warn!("the enrolment's event could not be stored: {error}");
        }
        self.tell([Live::ConfigurationOf(token.tenant), Live::Agent(agent), Live::Event(Arc::new(event))]);
        Ok(Granted { agent, chain_der: issued.chain_der, roots_der: self.ports.issuer.roots_der() })
    }
}

/// The checks that `agent` is to run.
fn assignments_of(world: &World, agent: AgentId) -> AssignmentSet {
    let read_only = world.agents.get(&agent).is_some_and(|entry| entry.row.read_only);
    let mut checks: Vec<Assignment> = world
        .checks
        .values()
        .filter(|entry| !read_only && entry.row.check.enabled && entry.row.check.runner == Some(agent))
        .filter_map(|entry| {
            let json = serde_json::from_str(&entry.row.spec_json).ok()?;
            let full = spec_json::parse(&json).ok()?;
            Some(Assignment {
                check: entry.row.check.id,
                interval: entry.row.check.retry.interval,
                timeout: full.timeout.min(entry.row.check.retry.interval),
                thresholds: full.thresholds,
                spec: full.spec,
            })
        })
        .collect();
    checks.sort_by_key(|assignment| assignment.check);
    AssignmentSet { agent, revision: world.revision, checks }
}

/// The network that one subscriber has: of IPv6 the first 64 bits, of which he picks the rest as he likes.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::from((u128::from(ip) & !u128::from(u64::MAX)).to_be_bytes()),
        v4 => v4,
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

#[async_trait]
impl AgentDesk for Engine {
    async fn enrol(&self, attempt: EnrolAttempt) -> Result<Granted, EnrolRefused> {
        match self.try_enrol(&attempt).await {
            Ok(granted) => Ok(granted),
            Err(why) => {
                let hostname = wk_domain::text::clean_line(&attempt.hostname, 253);
                self.note_refusal(
                    attempt.address.ip(),
                    "enrolment",
                    &format!("{hostname}, token {}: {why}", attempt.token),
                );
                Err(EnrolRefused)
            }
        }
    }

    async fn open_link(&self, peer: &Peer, hello: LinkHello) -> Result<LinkTerms, LinkRefused> {
        let not_now = |error: StoreError| {
            tracing::warn!(agent.id = %peer.agent, "a link could not be opened: {error}");
            LinkRefused::TryLater
        };
        let mut writer = self.writer().await.map_err(not_now)?;
        let now = self.now();
        let Some(old) = self.world.read().agents.get(&peer.agent).map(|entry| entry.row.clone()) else {
            return Err(LinkRefused::Revoked);
        };
        if old.standing == Standing::Revoked {
            return Err(LinkRefused::Revoked);
        }
        let committed_seq = if old.epoch == hello.epoch { old.committed_seq } else { 0 };
        let row = AgentRow {
            version: wk_domain::text::clean_line(&hello.version, 64),
            last_seen: Some(now),
            last_address: peer.address.ip().to_string(),
            remote_off: hello.remote_off,
            plugins: hello.plugins,
            ..old.clone()
        };
        // What its own machine lets it do is worth an entry; that it came back is not.
        let told = |row: &AgentRow| (row.version.clone(), row.remote_off, row.plugins.clone());
        let audit = (told(&old) != told(&row)).then(|| {
            record::by_agent(peer.agent, peer.address.ip(), now, "agent.change")
                .within(self.tenant_of(old.host))
                .images_of(Some(&old), Some(&row))
        });
        writer.commit(self.ports.store.agent_seen(row.clone(), audit)).await.map_err(not_now)?;
        let number = self.next_link();
        let standing = row.standing;
        let superseded = writer.put(|world| {
            let entry = world.agents.get_mut(&peer.agent)?;
            entry.row = row;
            let link = LinkEntry {
                number,
                address: peer.address,
                serial: peer.serial.clone(),
                opened: now,
                heard: now,
                clock_offset_ms: hello.agent_now.as_ms().saturating_sub(now.as_ms()),
            };
            entry.link.replace(link).map(|old| old.number)
        });
        if let Some(link) = superseded {
            let _ = self.orders.send(LinkOrder::Superseded { agent: peer.agent, link });
        }
        tracing::info!(agent.id = %peer.agent, source.address = %peer.address, "agent connected");
        self.tell([Live::Agent(peer.agent)]);
        Ok(LinkTerms { link: number, standing, committed_seq })
    }

    async fn close_link(&self, agent: AgentId, link: u64) {
        let closed = {
            let now = self.now();
            let mut world = self.world.write();
            let entry = world.agents.get_mut(&agent);
            entry.filter(|entry| entry.link.as_ref().is_some_and(|open| open.number == link)).map(|entry| {
                entry.link = None;
                entry.silent_since = now;
            })
        };
        if closed.is_some() {
            tracing::info!(agent.id = %agent, "agent disconnected");
            self.tell([Live::Agent(agent)]);
        }
    }

    fn heard(&self, agent: AgentId, link: u64) {
        let now = self.now();
        let mut world = self.world.write();
        if let Some(open) = world.agents.get_mut(&agent).and_then(|entry| entry.link.as_mut())
            && open.number == link
        {
            open.heard = now;
        }
    }

    fn clock(&self, agent: AgentId, link: u64, ahead_ms: i64) {
        let mut world = self.world.write();
        if let Some(open) = world.agents.get_mut(&agent).and_then(|entry| entry.link.as_mut())
            && open.number == link
        {
            open.clock_offset_ms = ahead_ms;
        }
    }

    async fn ingest(&self, peer: &Peer, link: u64, batch: Observations) -> Result<(), IngestError> {
        // A link that a newer one took over speaks no more: what it still carries comes again over the newer.
        let newer = {
            let world = self.world.read();
            let open = world.agents.get(&peer.agent).and_then(|entry| entry.link.as_ref());
            open.is_some_and(|open| open.number > link)
        };
        if newer {
            return Err(IngestError::TryLater);
        }
        let (done, answer) = oneshot::channel();
        let job = Job { peer: peer.clone(), batch, done };
        self.jobs.send(job).await.map_err(|_| IngestError::TryLater)?;
        answer.await.unwrap_or(Err(IngestError::TryLater))
    }

    async fn renew(&self, peer: &Peer, csr_der: Vec<u8>) -> Result<Granted, LinkRefused> {
        let mut writer = self.writer().await.map_err(|error| {
            tracing::warn!(agent.id = %peer.agent, "a certificate could not be renewed: {error}");
            LinkRefused::TryLater
        })?;
        let now = self.now();
        let Some(old) = self.world.read().agents.get(&peer.agent).map(|entry| entry.row.clone()) else {
            return Err(LinkRefused::Revoked);
        };
        match old.standing {
            Standing::Active => {}
            Standing::Quarantined => return Err(LinkRefused::Quarantined),
            Standing::Revoked => return Err(LinkRefused::Revoked),
        }
        let refuse = |why: String| {
            self.note_refusal(peer.address.ip(), "renewal", &format!("agent {}: {why}", peer.agent));
            LinkRefused::TryLater
        };
        let issued = self
            .ports
            .issuer
            .issue_agent(&csr_der, peer.agent, now)
            .map_err(|error| refuse(error.to_string()))?;
        // Asked again by the same certificate it is the same renewal; else a key that somebody may have had time to steal.
        let certs =
            self.ports.store.agent_certs(peer.agent).await.map_err(|error| refuse(error.to_string()))?;
        let served = |cert: &AgentCertRow| {
            cert.spki_sha256 == issued.spki_sha256 && cert.parent_serial.as_ref() != Some(&peer.serial)
        };
        if certs.iter().any(served) {
            return Err(refuse("the key it asks with has served before".to_owned()));
        }
        let cert = AgentCertRow {
            serial: issued.serial.clone(),
            agent: peer.agent,
            parent_serial: Some(peer.serial.clone()),
            spki_sha256: issued.spki_sha256.clone(),
            not_before: issued.not_before,
            not_after: issued.not_after,
            cert_der: issued.chain_der.first().cloned().unwrap_or_default(),
            revoked: None,
        };
        let (address, tenant) = (peer.address.ip(), self.tenant_of(old.host));
        // The certificate that was shown, which need not be the newest.
        let shown = AgentRow { cert_serial: peer.serial.clone(), ..old.clone() };
        let renewed =
            AgentRow { cert_serial: issued.serial.clone(), cert_not_after: issued.not_after, ..old.clone() };
        let audit = record::by_agent(peer.agent, address, now, "agent.renew")
            .within(tenant)
            .images_of(Some(&shown), Some(&renewed));
        let summary =
            format!("Agent {}: its key was used from two places; both are quarantined", old.hostname);
        let clone_event = self.agent_event(
            now,
            &old,
            "critical",
            summary,
            json!({"serial": peer.serial, "address": address.to_string(), "last_address": old.last_address}),
        );
        let clone_audit = record::by_agent(peer.agent, address, now, "agent.quarantine")
            .within(tenant)
            .reason("a certificate that had been renewed was used to renew again: the key has two holders")
            .images_of(Some(&old), Some(&AgentRow { standing: Standing::Quarantined, ..old.clone() }));
        let renew = self.ports.store.renew(cert, now, audit, clone_event.clone(), clone_audit);
        let outcome = writer.commit(renew).await;
        match outcome.map_err(|error| refuse(error.to_string()))? {
            RenewOutcome::Recorded => {
                writer.put(|world| {
                    if let Some(entry) = world.agents.get_mut(&peer.agent) {
                        entry.row.cert_serial = issued.serial;
                        entry.row.cert_not_after = issued.not_after;
                    }
                });
                Ok(Granted {
                    agent: peer.agent,
                    chain_der: issued.chain_der,
                    roots_der: self.ports.issuer.roots_der(),
                })
            }
            RenewOutcome::Repeated(present) => {
                writer.put(|_| ());
                Ok(Granted {
                    agent: peer.agent,
                    chain_der: self.ports.issuer.chain_of(&present.cert_der),
                    roots_der: self.ports.issuer.roots_der(),
                })
            }
            RenewOutcome::Cloned => {
                writer.put(|world| {
                    if let Some(entry) = world.agents.get_mut(&peer.agent) {
                        entry.row.standing = Standing::Quarantined;
                    }
                });
                tracing::error!(agent.id = %peer.agent, "a cloned key: the agent is quarantined");
                let _ = self.orders.send(LinkOrder::Close { agent: peer.agent, reason: "quarantined" });
                self.tell([Live::Agent(peer.agent), Live::Event(Arc::new(clone_event))]);
                Err(LinkRefused::Quarantined)
            }
            RenewOutcome::Refused => {
                writer.put(|_| ());
                Err(LinkRefused::Revoked)
            }
        }
    }

    fn assignments(&self, agent: AgentId) -> watch::Receiver<Arc<AssignmentSet>> {
        let set = Arc::new(assignments_of(&self.world.read(), agent));
        let mut senders = self.assignments.lock();
        senders.entry(agent).or_insert_with(|| watch::channel(set).0).subscribe()
    }

    fn orders(&self) -> broadcast::Receiver<LinkOrder> {
        self.orders.subscribe()
    }

    fn denied(&self, agent: AgentId, serial: &str) -> bool {
        let world = self.world.read();
        world.denied_serials.contains(serial)
            || world.agents.get(&agent).is_none_or(|entry| entry.row.standing == Standing::Revoked)
    }

    fn roots_der(&self) -> Vec<Vec<u8>> {
        self.ports.issuer.roots_der()
    }

    fn refused(&self, address: std::net::SocketAddr, what: &'static str, detail: String) {
        if what == "left-out" {
            // Cleaned away, not refused: worth a count, no entry.
            self.counters.add(what, 1);
            return;
        }
        self.note_refusal(address.ip(), what, &detail);
    }
}

/// The actor and host of an agent, for callers that only have its id.
pub fn host_of(world: &World, agent: AgentId) -> Option<HostId> {
    world.agents.get(&agent).map(|entry| entry.row.host)
}
