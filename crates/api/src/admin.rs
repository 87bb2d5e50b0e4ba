//! Routes of evidence and of the server itself: audit, certificates, ports, storage, channels, notifications.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use wk_authz::{
    Act, AuditRead, ChannelRead, ChannelWrite, Permit, Place, SystemRead, TenantRead, authorize, authorize_at,
};
use wk_domain::ChannelKind;
use wk_engine::people::ChannelEdit;
use wk_engine::places::View;
use wk_engine::ports::rows::{AuditFilter, ChannelRow, OutboxRow};
use wk_engine::record;
use wk_engine::world::World;

use crate::auth::{Caller, permit_at};
use crate::body::{Body, PathId, Query};
use crate::dto::{
    AuditEntry, AuditProgress, AuditReport, Certificate, Channel, ChannelInput, Notification, Page, Queue,
    Storage, System,
};
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::monitor::{Paged, cut, in_sight, optional_id, optional_time, page, row_page};
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;
use crate::time;

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AuditRead, _, _>(
            get("/audit", "Audit entries, newest first")
                .query("actor", "string", "Name, as the list shows it")
                .query("action", "string", "Beginning of the action, such as `problem.`")
                .query("object", "string", "Object, as the list shows it")
                .query("outcome", "string", "success, denied or failed")
                .query("from", "string", "RFC 3339")
                .query("to", "string", "RFC 3339, exclusive")
                .paged()
                .page::<AuditEntry>(),
            audit,
        )
        .add::<AuditRead, _, _>(
            get("/audit/verify", "Recompute every entry of the log").answer::<AuditReport>(),
            verify,
        )
        .add::<AuditRead, _, _>(
            get("/audit/verify/progress", "How far a check of the log is that is under way")
                .answer::<AuditProgress>(),
            verify_progress,
        )
        .add::<SystemRead, _, _>(get("/system", "The server itself").answer::<System>(), system)
        .add::<SystemRead, _, _>(
            get("/certificates", "Every certificate made here, soonest to end first")
                .paged()
                .page::<Certificate>(),
            certificates,
        )
        .add::<ChannelRead, _, _>(
            get("/channels", "Ways to reach people").paged().page::<Channel>(),
            channels,
        )
        .add::<ChannelWrite, _, _>(
            post("/channels", "Add a way to reach people").body::<ChannelInput>().answer::<Channel>().asks(),
            create_channel,
        )
        .add::<ChannelWrite, _, _>(
            put("/channels/{id}", "Change a way to reach people")
                .body::<ChannelInput>()
                .answer::<Channel>()
                .asks(),
            change_channel,
        )
        .add::<ChannelWrite, _, _>(
            delete("/channels/{id}", "Remove a way to reach people").asks(),
            delete_channel,
        )
        .add::<ChannelWrite, _, _>(
            post("/channels/{id}/test", "Send a test").answer::<Notification>(),
            test_channel,
        )
        .add::<ChannelRead, _, _>(
            get("/notifications", "Sent and waiting, newest first").paged().page::<Notification>(),
            notifications,
        )
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    actor: Option<String>,
    action: Option<String>,
    object: Option<String>,
    outcome: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<u32>,
    after: Option<String>,
}

async fn audit(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<AuditQuery>,
) -> Answer<Page<AuditEntry>> {
    let some = |raw: Option<String>| raw.filter(|raw| !raw.is_empty());
    let filter = AuditFilter {
        actor: some(query.actor),
        action_prefix: some(query.action),
        object: some(query.object),
        outcome: some(query.outcome),
        from: optional_time("/from", query.from.as_deref())?,
        to: optional_time("/to", query.to.as_deref())?,
    };
    let (page, limit) = row_page(query.limit, query.after)?;
    let (permit, scope) = {
        let world = app.engine.world();
        let scope = world.view_of(&actor, Act::AuditRead).entire();
        // An entry is of a tenant, and of no host: whoever sees some hosts of one only reads nothing of its log.
        let place = scope.tenants().and_then(|tenants| world.place_of_tenant(*tenants.first()?));
        (authorize_at::<AuditRead, ()>(&actor, (), &place.unwrap_or(Place::ROOT))?, scope)
    };
    let rows = app.engine.audit_page(permit, &scope, filter, page).await?;
    let (rows, next) = cut(rows, limit, |row| row.seq.to_string());
    let items = rows
        .into_iter()
        .map(|row| AuditEntry {
            seq: row.seq,
            at: time::write(row.at),
            actor: row.actor,
            action: row.action,
            object: row.object,
            outcome: row.outcome,
            leaf_hash: row.leaf_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            entry: serde_json::from_str(&row.entry_json).unwrap_or_default(),
        })
        .collect();
    Ok(Json(Page { items, total: None, next }))
}

async fn verify(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<AuditReport> {
    let report = app.engine.verify_audit(authorize::<AuditRead, ()>(&actor, ())?).await?;
    Ok(Json(AuditReport {
        entries: report.entries,
        root_hash: report.root_hash,
        intact: report.findings.is_empty(),
        findings: report.findings,
    }))
}

async fn verify_progress(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<AuditProgress> {
    let progress = app.engine.verify_progress(authorize::<AuditRead, ()>(&actor, ())?);
    let (done, total) = progress.unwrap_or_default();
    Ok(Json(AuditProgress { running: progress.is_some(), done, total }))
}

async fn system(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<System> {
    let _ = authorize::<SystemRead, ()>(&actor, ())?;
    let store = app.engine.store().health().await?;
    let metrics = app.engine.metrics().health();
    let (waiting, limit) = app.engine.queue();
    Ok(Json(System {
        started_at: time::write(app.engine.started()),
        ports: app.ports(),
        storage: Storage {
            database_engine: store.engine,
            schema_version: store.schema_version,
            database_bytes: store.bytes,
            audit_entries: store.audit_entries,
            events: store.events,
            metrics_series: metrics.series,
            metrics_bytes: metrics.bytes_on_disk,
            metrics_wal_bytes: metrics.wal_bytes,
            metrics_corrupt_blocks: metrics.corrupt_blocks,
            reports: metrics.reports.into_iter().chain(metrics.refusing).collect(),
        },
        queues: vec![
            Queue {
                name: "Batches from agents".to_owned(),
                length: waiting as u64,
                limit: limit as u64,
                detail: "waiting for the writer".to_owned(),
            },
            Queue {
                name: "Notifications".to_owned(),
                length: store.outbox_pending,
                limit: 0,
                detail: format!("{} given up", store.outbox_failed),
            },
        ],
        self_checks: app.self_checks().await,
        counters: app.engine.counters().all().into_iter().collect::<BTreeMap<_, _>>(),
    }))
}

async fn certificates(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<Paged>,
) -> Answer<Page<Certificate>> {
    let _ = authorize::<SystemRead, ()>(&actor, ())?;
    let now = app.engine.now();
    let days = |at: wk_domain::Timestamp| (at.as_ms() - now.as_ms()).div_euclid(86_400_000);
    let mut items: Vec<Certificate> = app
        .engine
        .issuer()
        .inventory()
        .into_iter()
        .map(|cert| Certificate {
            days_left: days(cert.not_after),
            role: cert.role,
            subject: cert.subject,
            serial: cert.serial,
            algorithm: cert.algorithm,
            not_before: time::write(cert.not_before),
            not_after: time::write(cert.not_after),
            fingerprint_sha256: cert.fingerprint_sha256,
            agent: None,
            revoked: false,
        })
        .collect();
    let agents: Vec<_> = app.engine.world().agents.values().map(|entry| entry.row.clone()).collect();
    for agent in agents {
        for cert in app.engine.store().agent_certs(agent.id).await? {
            if cert.not_after <= now {
                continue;
            }
            items.push(Certificate {
                role: "agent".to_owned(),
                subject: agent.hostname.clone(),
                days_left: days(cert.not_after),
                algorithm: "ECDSA P-256".to_owned(),
                not_before: time::write(cert.not_before),
                not_after: time::write(cert.not_after),
                fingerprint_sha256: app.fingerprint(&cert.cert_der),
                agent: Some(agent.id.to_string()),
                revoked: cert.revoked.is_some(),
                serial: cert.serial,
            });
        }
    }
    items.sort_by(|a, b| (&a.not_after, &a.serial).cmp(&(&b.not_after, &b.serial)));
    page(&items, query.limit, query.after.as_deref(), |cert| Some(cert.clone()))
}

fn channel_view(row: &ChannelRow) -> Channel {
    Channel {
        id: row.id.to_string(),
        tenant: row.tenant.to_string(),
        name: row.name.clone(),
        kind: row.kind.clone(),
        config: serde_json::from_str(&row.config_json).unwrap_or_default(),
        has_secret: !row.secret_sealed.is_empty(),
        enabled: row.enabled,
        revision: row.revision,
    }
}

async fn channels(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<Paged>,
) -> Answer<Page<Channel>> {
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::ChannelRead);
    let mut rows: Vec<&ChannelRow> =
        world.channels.values().map(|entry| &entry.row).filter(|row| seen.tenant(row.tenant)).collect();
    rows.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    page(&rows, query.limit, query.after.as_deref(), |row| Some(channel_view(row)))
}

/// The permit to write a channel where it is, and where it is to be.
fn may_write_channel(
    app: &App,
    actor: &wk_authz::Actor,
    id: Option<wk_domain::ChannelId>,
    tenant: Option<wk_domain::TenantId>,
) -> Result<Permit<ChannelWrite>, ApiError> {
    let world = app.engine.world();
    let mut permit = None;
    if let Some(id) = id {
        permit = Some(permit_at::<ChannelWrite, _>(
            actor,
            (),
            world.place_of_channel(id).as_ref(),
            "the channel",
        )?);
    }
    let to = tenant.or_else(|| id.is_none().then(|| record::home_of(actor)));
    if let Some(to) = to {
        let place = world.place_of_tenant(to);
        let _ = permit_at::<TenantRead, _>(actor, (), place.as_ref(), "the tenant")?;
        permit =
            Some(permit_at::<ChannelWrite, _>(actor, (), place.as_ref(), "the tenant").map_err(in_sight)?);
    }
    permit.ok_or(ApiError::Internal)
}

async fn write_channel(
    app: &App,
    actor: &wk_authz::Actor,
    id: Option<wk_domain::ChannelId>,
    input: ChannelInput,
) -> Result<Response, ApiError> {
    let tenant = optional_id("/tenant", input.tenant.as_deref())?;
    let permit = may_write_channel(app, actor, id, tenant)?;
    let tenant = tenant.or_else(|| id.is_none().then(|| record::home_of(actor)));
    let config = (app.ports_of.check_channel)(&input.kind, &input.config)
        .map_err(|(pointer, detail)| ApiError::field(&format!("/config{pointer}"), detail))?;
    let create = id.is_none();
    let id = id.unwrap_or_else(|| wk_engine::ids::new_id(app.engine.now()));
    let secret_sealed = match input.secret.clone().filter(|secret| !secret.is_empty()) {
        Some(secret) => {
            Some((app.ports_of.seal)("channel", &id.to_string(), secret.as_bytes()).map_err(|error| {
                tracing::error!("a channel's secret could not be sealed: {error}");
                ApiError::Internal
            })?)
        }
        None => None,
    };
    let has_secret = || app.engine.world().channels.get(&id).is_some_and(|c| !c.row.secret_sealed.is_empty());
    if input.kind == "webhook" && secret_sealed.is_none() && !has_secret() {
        return Err(ApiError::field(
            "/secret",
            "a webhook is signed, so that its receiver can tell who calls: give it a key, such as 32 random bytes in hexadecimal",
        ));
    }
    let edit = ChannelEdit {
        id,
        create,
        tenant,
        name: input.name,
        kind: input.kind,
        config,
        secret_sealed,
        enabled: input.enabled,
        revision: input.revision,
    };
    // Where a channel leads is where what the server knows may go: two people must want it.
    let wanted = Wanted {
        act: if create { "channel.create" } else { "channel.change" },
        object: if create { format!("channel:{}", edit.name) } else { id.to_string() },
        summary: format!("{} the channel {}", if create { "Add" } else { "Change" }, edit.name),
        target: (!create).then(|| id.to_string()),
        reason: &input.reason,
        input: kept(&edit),
    };
    if let Some(asked) = four_eyes::ask(app, actor, wanted).await? {
        return Ok(asked);
    }
    let row = app.engine.write_channel(permit, edit).await?;
    Ok(Json(channel_view(&row)).into_response())
}

/// A channel's change as a request keeps it: its secret is sealed already.
fn kept(edit: &ChannelEdit) -> serde_json::Value {
    let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    serde_json::json!({
        "id": edit.id.to_string(),
        "create": edit.create,
        "tenant": edit.tenant.map(|tenant| tenant.to_string()),
        "name": edit.name,
        "kind": edit.kind,
        "config": edit.config,
        "secret_sealed": edit.secret_sealed.as_ref().map(hex),
        "enabled": edit.enabled,
        "revision": edit.revision,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptChannel {
    id: String,
    create: bool,
    #[serde(default)]
    tenant: Option<String>,
    name: String,
    kind: String,
    config: serde_json::Value,
    secret_sealed: Option<String>,
    enabled: bool,
    revision: Option<i64>,
}

/// Makes the change that was asked for and agreed to.
pub(crate) async fn carry_out_channel(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    input: serde_json::Value,
) -> Result<Response, ApiError> {
    let kept: KeptChannel = serde_json::from_value(input).map_err(|_| ApiError::Internal)?;
    let bytes = |hex: String| -> Option<Vec<u8>> {
        let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        (0..hex.len()).step_by(2).map(pair).collect()
    };
    let secret_sealed = match kept.secret_sealed {
        Some(hex) => Some(bytes(hex).ok_or(ApiError::Internal)?),
        None => None,
    };
    // What was right when it was asked for is right now, too: the program may have learnt something.
    let config = (app.ports_of.check_channel)(&kept.kind, &kept.config)
        .map_err(|(pointer, detail)| ApiError::field(&format!("/config{pointer}"), detail))?;
    let edit = ChannelEdit {
        id: kept.id.parse().map_err(|_| ApiError::Internal)?,
        create: kept.create,
        tenant: optional_id("/tenant", kept.tenant.as_deref())?,
        name: kept.name,
        kind: kept.kind,
        config,
        secret_sealed,
        enabled: kept.enabled,
        revision: kept.revision,
    };
    let permit = may_write_channel(&app, &actor, (!edit.create).then_some(edit.id), edit.tenant)?;
    let row = app.engine.write_channel(permit, edit).await?;
    Ok(Json(channel_view(&row)).into_response())
}

async fn create_channel(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<ChannelInput>,
) -> Result<Response, ApiError> {
    write_channel(&app, &actor, None, input).await
}

async fn change_channel(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ChannelKind>,
    Body(input): Body<ChannelInput>,
) -> Result<Response, ApiError> {
    write_channel(&app, &actor, Some(id), input).await
}

pub(crate) async fn delete_channel(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ChannelKind>,
) -> Result<Response, ApiError> {
    let permit = {
        let world = app.engine.world();
        permit_at::<ChannelWrite, _>(&actor, id, world.place_of_channel(id).as_ref(), "the channel")?
    };
    let name = app.engine.world().channels.get(&id).map(|entry| entry.row.name.clone());
    let name = name.ok_or_else(|| ApiError::NotFound("the channel is not there (any more)".to_owned()))?;
    let wanted = Wanted {
        act: "channel.delete",
        object: id.to_string(),
        summary: format!("Remove the channel {name}"),
        target: Some(id.to_string()),
        reason: "it is to be removed",
        input: serde_json::json!({}),
    };
    if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
        return Ok(asked);
    }
    app.engine.remove_channel(permit).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn test_channel(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ChannelKind>,
) -> Answer<Notification> {
    let permit = {
        let world = app.engine.world();
        permit_at::<ChannelWrite, _>(&actor, id, world.place_of_channel(id).as_ref(), "the channel")?
    };
    let row = app.engine.test_channel(permit).await?;
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::ChannelRead);
    Ok(Json(notification(&world, &seen, &row)))
}

fn notification(world: &World, seen: &View<'_>, row: &OutboxRow) -> Notification {
    let payload: serde_json::Value = serde_json::from_str(&row.payload_json).unwrap_or_default();
    let text =
        |pointer: &str| payload.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
    let channel = world.channels.get(&row.channel).map(|entry| &entry.row);
    // One of a tenant above hears of this host too; what it is called is that tenant's business.
    let channel = match channel {
        Some(channel) if seen.tenant(channel.tenant) => channel.name.clone(),
        _ => row.channel.to_string(),
    };
    Notification {
        id: row.id.to_string(),
        channel,
        host: text("/host/name").to_owned(),
        check: text("/check/title").to_owned(),
        kind: row.kind.clone(),
        created_at: time::write(row.created),
        state: row.state.clone(),
        attempts: row.attempts,
        last_error: row.last_error.clone(),
        delivered_at: row.delivered.map(time::write),
        summary: format!(
            "{} {} {}",
            text("/host/name"),
            text("/check/title"),
            text("/status").to_uppercase()
        ),
    }
}

async fn notifications(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<Paged>,
) -> Answer<Page<Notification>> {
    let scope = app.engine.world().view_of(&actor, Act::ChannelRead).scope().clone();
    let (page, limit) = row_page(query.limit, query.after)?;
    let rows = app.engine.store().outbox_recent(&scope, page).await?;
    let (rows, next) = cut(rows, limit, |row| row.id.to_string());
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::ChannelRead);
    // Where not all of a tenant is seen, a page may be short.
    let rows = rows.iter().filter(|row| seen.stored(Some(row.host)));
    Ok(Json(Page { items: rows.map(|row| notification(&world, &seen, row)).collect(), total: None, next }))
}
