//! Routes of what is watched: overview, problems, checks, hosts, inventory, graphs, events.

use axum::Json;
use axum::extract::{Extension, State};
use serde::Deserialize;
use wk_authz::{
    Act, Actor, AgentRead, CheckRead, CheckWrite, HostRead, HostWrite, OverviewRead, Permit, Place,
    TenantRead,
};
use wk_domain::id::{Id, Kind};
use wk_domain::{CheckId, CheckKindTag, HostId, HostKind, Labels, TenantId, Timestamp};
use wk_engine::filter::Filter;
use wk_engine::people::{CheckEdit, HostEdit};
use wk_engine::places::View;
use wk_engine::ports::TenantScope;
use wk_engine::ports::metrics::{RangeQuery, Selector, SeriesMeta, Tier};
use wk_engine::ports::rows::{EventFilter, EventRow, Page as RowPage, Standing};
use wk_engine::record;
use wk_engine::world::World;

use crate::auth::{Caller, absent, permit_at};
use crate::body::{Body, PathId, Query};
use crate::dto::{
    AgentCounts, CheckDetail, CheckInput, CheckStatus, CheckView, Closed, Completion, Event, HostCell,
    HostCounts, HostInput, HostView, InventoryItem, InventorySection, Overview, Page, RangeAnswer,
    RangeSeries, Series, Summary,
};
use crate::error::ApiError;
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;
use crate::{order, time, view};

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<OverviewRead, _, _>(
            get("/overview", "What needs a person, first").answer::<Overview>(),
            overview,
        )
        .add::<OverviewRead, _, _>(
            get("/summary", "The counts of the overview alone: what every page shows of the whole")
                .answer::<Summary>(),
            summary,
        )
        .add::<CheckRead, _, _>(
            get("/checks", "All checks, worst first")
                .query("filter", "string", "Words that must all hold, as in the console's filter bar")
                .query("host", "string", "Only this host's, by id")
                .query("sort", "string", "`state`, `host`, `check`, `since`, `handled`, `checked`, `attempt` or `kind`; `-` in front turns it round")
                .paged()
                .page::<CheckView>(),
            checks,
        )
        .add::<CheckRead, _, _>(
            get("/problems", "Checks that are not OK, worst first")
                .query("filter", "string", "Words that must all hold, as in the console's filter bar")
                .query("host", "string", "Only this host's, by id")
                .query("sort", "string", "`state`, `host`, `check`, `since`, `handled`, `checked`, `attempt` or `kind`; `-` in front turns it round")
                .paged()
                .page::<CheckView>(),
            problems,
        )
        .add::<CheckRead, _, _>(
            get("/filter/complete", "How the last word of a filter could go on")
                .query("q", "string", "The filter so far")
                .page::<Completion>(),
            complete,
        )
        .add::<CheckWrite, _, _>(
            post("/checks", "Add a probe or plugin check").body::<CheckInput>().answer::<CheckDetail>(),
            create_check,
        )
        .add::<CheckRead, _, _>(get("/checks/{id}", "A check whole").answer::<CheckDetail>(), check)
        .add::<CheckWrite, _, _>(
            put("/checks/{id}", "Change a check").body::<CheckInput>().answer::<CheckDetail>(),
            change_check,
        )
        .add::<CheckWrite, _, _>(delete("/checks/{id}", "Remove a check"), delete_check)
        .add::<HostRead, _, _>(
            get("/hosts", "Hosts by name")
                .query("q", "string", "Text in name, address, OS or a field")
                .query("sort", "string", "`state`, `name`, `problems`, `agent`, `os`, `seen` or `field.NAME`; `-` in front turns it round")
                .paged()
                .page::<HostView>(),
            hosts,
        )
        .add::<HostWrite, _, _>(
            post("/hosts", "Add a host without an agent").body::<HostInput>().answer::<HostView>(),
            create_host,
        )
        .add::<HostRead, _, _>(get("/hosts/{id}", "A host").answer::<HostView>(), host)
        .add::<HostWrite, _, _>(
            put("/hosts/{id}", "Change a host's name and fields").body::<HostInput>().answer::<HostView>(),
            change_host,
        )
        .add::<HostWrite, _, _>(delete("/hosts/{id}", "Remove a host with its checks"), delete_host)
        .add::<HostRead, _, _>(
            get("/hosts/{id}/inventory", "Sections of the inventory").page::<InventorySection>(),
            sections,
        )
        .add::<HostRead, _, _>(
            get("/hosts/{id}/inventory/{section}", "One section").paged().page::<InventoryItem>(),
            inventory,
        )
        .add::<HostRead, _, _>(get("/hosts/{id}/series", "What is measured").page::<Series>(), series)
        .add::<HostRead, _, _>(
            get("/hosts/{id}/range", "Points of series over time")
                .query("name", "string", "Metric name, or the beginning of names when it ends in a dot")
                .query("label", "string", "Labels that must match, `name:value`, separated by a vertical bar")
                .query("from", "string", "RFC 3339; an hour ago when absent")
                .query("to", "string", "RFC 3339, exclusive; now when absent")
                .query("step_ms", "integer", "Width of a point; about 500 points when absent")
                .query("rate", "boolean", "Counters as growth per second")
                .answer::<RangeAnswer>(),
            range,
        )
        .add::<CheckRead, _, _>(
            get("/events", "The timeline, newest first")
                .query("host", "string", "Only this host's")
                .query("check", "string", "Only this check's")
                .query("kind", "string", "Only these kinds, separated by commas")
                .query("from", "string", "RFC 3339")
                .query("to", "string", "RFC 3339, exclusive")
                .paged()
                .page::<Event>(),
            events,
        )
}

/// The server's opinion of itself, for those who may know of the server.
async fn self_checks(app: &App, actor: &Actor) -> Vec<crate::dto::SelfCheck> {
    if actor.rights.may(Act::SystemRead, &Place::ROOT) { app.self_checks().await } else { Vec::new() }
}

/// Agents by how they stand, of those whom somebody sees.
fn agent_counts(world: &World, seen: &View<'_>) -> AgentCounts {
    let mut agents = AgentCounts::default();
    for agent in world.agents.values().filter(|agent| seen.host(agent.row.host)) {
        match agent.row.standing {
            Standing::Revoked => agents.revoked += 1,
            Standing::Quarantined => agents.quarantined += 1,
            Standing::Active if agent.connected() => agents.connected += 1,
            Standing::Active => agents.silent += 1,
        }
    }
    agents
}

/// What is read-only of what somebody sees, and of what is above it.
fn closed(world: &World, actor: &Actor) -> Vec<Closed> {
    let sight = actor.rights.sight(Act::OverviewRead);
    let (seen, homes) = (world.view_of(actor, Act::OverviewRead), sight.tenants());
    let mut closed: Vec<Closed> = world
        .tenants
        .all()
        .map(|(tenant, _)| tenant)
        .filter(|tenant| tenant.read_only)
        .filter_map(|tenant| {
            let named = seen.tenant(tenant.id);
            let above = homes.iter().any(|home| world.tenants.is_within(*home, tenant.id));
            let named_here = named && tenant.id != TenantId::ROOT;
            (named || above).then(|| Closed {
                tenant: named_here.then(|| tenant.id.to_string()),
                name: if named_here { world.title_for(actor, tenant.id) } else { String::new() },
                why: tenant.why.clone(),
            })
        })
        .collect();
    closed.sort_by(|a, b| a.name.cmp(&b.name));
    closed
}

/// The counts alone: what every page shows of the whole.
async fn summary(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<Summary> {
    let now = app.engine.now();
    let self_checks = self_checks(&app, &actor).await;
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::OverviewRead);
    let entries = world.checks.values().filter(|entry| seen.host(entry.row.check.host));
    let mut hosts = HostCounts::default();
    for host in world.hosts.values().filter(|host| seen.row(host)) {
        hosts.total += 1;
        match view::host_status(&world, host.id, now) {
            CheckStatus::Critical => hosts.critical += 1,
            CheckStatus::Warning => hosts.warning += 1,
            CheckStatus::Unknown => hosts.unknown += 1,
            CheckStatus::Pending => hosts.pending += 1,
            CheckStatus::Ok => hosts.ok += 1,
        }
    }
    Ok(Json(Summary {
        problems: view::counts(&world, entries, now),
        hosts,
        agents: agent_counts(&world, &seen),
        self_checks,
        read_only: closed(&world, &actor),
        now: time::write(now),
    }))
}

async fn overview(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<Overview> {
    let now = app.engine.now();
    let events = recent_events(&app, &actor, EventFilter::default(), 20, None).await?.0;
    let self_checks = self_checks(&app, &actor).await;
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::OverviewRead);
    let mut open: Vec<CheckId> = world
        .checks
        .values()
        .filter(|e| seen.host(e.row.check.host))
        .filter(|e| e.row.check.enabled && e.state.state.is_problem() && e.state.state.ack_at(now).is_none())
        .filter(|e| !world.in_downtime(e.row.check.id, e.row.check.host, now))
        .map(|e| e.row.check.id)
        .collect();
    view::sort(&world, &mut open, now);
    let mut hosts: Vec<HostCell> = world
        .hosts
        .values()
        .filter(|host| seen.row(host))
        .map(|host| {
            let view = view::host(&world, host.id, now);
            HostCell {
                id: host.id.to_string(),
                name: host.name.clone(),
                status: view.as_ref().map_or(CheckStatus::Pending, |v| v.status),
                problems: view::open_problems(&world, host.id, now),
                connected: view.is_some_and(|v| v.connected),
            }
        })
        .collect();
    hosts.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let entries = world.checks.values().filter(|entry| seen.host(entry.row.check.host));
    Ok(Json(Overview {
        problems: view::counts(&world, entries, now),
        hosts,
        agents: agent_counts(&world, &seen),
        open: open
            .iter()
            .take(20)
            .filter_map(|id| Some(view::check(&world, world.checks.get(id)?, now)))
            .collect(),
        events: events.iter().map(|row| view::event(&world, row)).collect(),
        self_checks,
        now: time::write(now),
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChecksQuery {
    #[serde(default)]
    filter: String,
    host: Option<String>,
    sort: Option<String>,
    limit: Option<u32>,
    after: Option<String>,
}

async fn checks(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<ChecksQuery>,
) -> Answer<Page<CheckView>> {
    list_checks(&app, &actor, &query, false)
}

async fn problems(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<ChecksQuery>,
) -> Answer<Page<CheckView>> {
    list_checks(&app, &actor, &query, true)
}

fn list_checks(app: &App, actor: &Actor, query: &ChecksQuery, problems: bool) -> Answer<Page<CheckView>> {
    let filter =
        Filter::parse(&query.filter).map_err(|error| ApiError::field("/filter", error.to_string()))?;
    let host: Option<HostId> = optional_id("/host", query.host.as_deref())?;
    let now = app.engine.now();
    let world = app.engine.world();
    let seen = world.view_of(actor, Act::CheckRead);
    let mut ids: Vec<CheckId> = world
        .checks
        .values()
        .filter(|e| seen.host(e.row.check.host))
        .filter(|e| !problems || (e.row.check.enabled && e.state.state.is_problem()))
        .filter(|e| host.is_none_or(|host| e.row.check.host == host))
        .filter(|e| view::matches(&world, e, &filter, now))
        .map(|e| e.row.check.id)
        .collect();
    order::checks(&world, &mut ids, now, query.sort.as_deref())?;
    page(&ids, query.limit, query.after.as_deref(), |id| {
        Some(view::check(&world, world.checks.get(id)?, now))
    })
}

/// Cuts a page out of a list in memory; the cursor is the place in it.
pub(crate) fn page<K, T>(
    all: &[K],
    limit: Option<u32>,
    after: Option<&str>,
    mut show: impl FnMut(&K) -> Option<T>,
) -> Answer<Page<T>> {
    let limit = bounded(limit)? as usize;
    let start: usize = match after {
        Some(raw) => raw.parse().map_err(|_| ApiError::field("/after", "not a cursor this list gave"))?,
        None => 0,
    };
    let items: Vec<T> = all.iter().skip(start).take(limit).filter_map(&mut show).collect();
    let end = start.saturating_add(limit);
    let next = (end < all.len()).then(|| end.to_string());
    Ok(Json(Page { items, total: Some(all.len() as u64), next }))
}

pub(crate) fn bounded(limit: Option<u32>) -> Result<u32, ApiError> {
    match limit {
        None => Ok(100),
        Some(limit @ 1..=500) => Ok(limit),
        Some(limit) => Err(ApiError::field("/limit", format!("{limit} is not between 1 and 500"))),
    }
}

/// A page of the store, with one row too many to know whether there is a next: see [`cut`].
pub(crate) fn row_page(limit: Option<u32>, after: Option<String>) -> Result<(RowPage, usize), ApiError> {
    let limit = bounded(limit)?;
    Ok((RowPage { limit: limit + 1, after }, limit as usize))
}

/// Takes the row too many away; with it goes the cursor of the last that stays, else there is no next page.
pub(crate) fn cut<T>(
    mut rows: Vec<T>,
    limit: usize,
    cursor: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    (rows, next)
}

pub(crate) fn optional_id<K: Kind>(pointer: &str, raw: Option<&str>) -> Result<Option<Id<K>>, ApiError> {
    raw.filter(|raw| !raw.is_empty())
        .map(|raw| raw.parse().map_err(|error| ApiError::field(pointer, format!("{error}"))))
        .transpose()
}

pub(crate) fn optional_time(pointer: &str, raw: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    raw.filter(|raw| !raw.is_empty()).map(|raw| time::read(pointer, raw)).transpose()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteQuery {
    #[serde(default)]
    q: String,
}

async fn complete(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<CompleteQuery>,
) -> Answer<Page<Completion>> {
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::CheckRead);
    let items = view::complete(&world, &seen, &wk_domain::text::clean_line(&query.q, 1000))
        .into_iter()
        .map(|(value, label)| Completion { value, label })
        .collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn check(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<CheckKindTag>,
) -> Answer<CheckDetail> {
    let now = app.engine.now();
    let world = app.engine.world();
    let permit = permit_at::<CheckRead, _>(&actor, id, world.place_of_check(id).as_ref(), "the check")?;
    let entry = world.checks.get(permit.resource()).ok_or_else(|| absent("the check"))?;
    Ok(Json(view::check_detail(&world, entry, now)))
}

/// What a check names beside its own: the host it is of, and who is to run it. What the actor does not see of that is not
/// there for him.
fn names_what_is_seen(world: &World, actor: &Actor, edit: &CheckEdit) -> Result<(), ApiError> {
    let _ = permit_at::<CheckRead, _>(actor, (), world.place_of_host(edit.host).as_ref(), "the host")?;
    if let Some(runner) = edit.runner {
        let _ = permit_at::<AgentRead, _>(actor, (), world.place_of_agent(runner).as_ref(), "the agent")?;
    }
    Ok(())
}

fn check_edit(input: CheckInput) -> Result<CheckEdit, ApiError> {
    let host =
        optional_id("/host", Some(&input.host))?.ok_or_else(|| ApiError::field("/host", "name the host"))?;
    Ok(CheckEdit {
        host,
        key: input.key,
        title: input.title,
        runner: optional_id("/runner", input.runner.as_deref())?,
        spec: input.spec,
        interval: input.interval_s.map(std::time::Duration::from_secs),
        retry_interval: input.retry_interval_s.map(std::time::Duration::from_secs),
        max_attempts: input.max_attempts,
        volatile: input.volatile,
        enabled: input.enabled,
        revision: input.revision,
    })
}

async fn create_check(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<CheckInput>,
) -> Answer<CheckDetail> {
    let edit = check_edit(input)?;
    let permit = {
        let world = app.engine.world();
        names_what_is_seen(&world, &actor, &edit)?;
        permit_at::<CheckWrite, _>(&actor, None, world.place_of_host(edit.host).as_ref(), "the host")?
    };
    let row = app.engine.write_check(permit, edit).await?;
    check(State(app), Extension(Caller(actor)), PathId(row.check.id)).await
}

async fn change_check(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<CheckKindTag>,
    Body(input): Body<CheckInput>,
) -> Answer<CheckDetail> {
    let permit = {
        let world = app.engine.world();
        permit_at::<CheckWrite, _>(&actor, Some(id), world.place_of_check(id).as_ref(), "the check")?
    };
    let edit = check_edit(input)?;
    names_what_is_seen(&app.engine.world(), &actor, &edit)?;
    app.engine.write_check(permit, edit).await?;
    check(State(app), Extension(Caller(actor)), PathId(id)).await
}

async fn delete_check(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<CheckKindTag>,
) -> Result<axum::http::StatusCode, ApiError> {
    let permit = {
        let world = app.engine.world();
        permit_at::<CheckWrite, _>(&actor, id, world.place_of_check(id).as_ref(), "the check")?
    };
    app.engine.remove_check(permit).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostsQuery {
    #[serde(default)]
    q: String,
    sort: Option<String>,
    limit: Option<u32>,
    after: Option<String>,
}

async fn hosts(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<HostsQuery>,
) -> Answer<Page<HostView>> {
    let now = app.engine.now();
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::HostRead);
    let q = query.q.to_lowercase();
    let mut found: Vec<HostId> = world
        .hosts
        .values()
        .filter(|host| seen.row(host))
        .filter(|host| {
            q.is_empty()
                || host.name.contains(&q)
                || host.os.to_lowercase().contains(&q)
                || host.addresses.iter().any(|address| address.contains(&q))
                || host.fields.iter().any(|(_, value)| value.to_lowercase().contains(&q))
                || host.labels.iter().any(|(key, value)| format!("{key}={value}").to_lowercase().contains(&q))
        })
        .map(|host| host.id)
        .collect();
    order::hosts(&world, &mut found, now, query.sort.as_deref())?;
    page(&found, query.limit, query.after.as_deref(), |id| view::host(&world, *id, now))
}

async fn host(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
) -> Answer<HostView> {
    let now = app.engine.now();
    let world = app.engine.world();
    let permit = permit_at::<HostRead, _>(&actor, id, world.place_of_host(id).as_ref(), "the host")?;
    view::host(&world, *permit.resource(), now).map(Json).ok_or_else(|| absent("the host"))
}

/// That the host may be read by the actor; what follows speaks of it, and of its tenant alone.
fn seen_host(app: &App, actor: &Actor, id: HostId) -> Result<TenantScope, ApiError> {
    let world = app.engine.world();
    let permit = permit_at::<HostRead, _>(actor, id, world.place_of_host(id).as_ref(), "the host")?;
    Ok(TenantScope::of(world.hosts.get(permit.resource()).map(|host| host.tenant)))
}

fn host_edit(input: HostInput) -> Result<HostEdit, ApiError> {
    Ok(HostEdit {
        tenant: optional_id("/tenant", input.tenant.as_deref())?,
        name: input.name,
        addresses: input.addresses,
        fields: input.fields,
        labels: input.labels,
        revision: input.revision,
    })
}

/// The permit to put a host where it is to be, with the labels it is to have. A tenant that is not there and one that the
/// actor does not see are one.
fn may_put_host(
    world: &World,
    actor: &Actor,
    id: Option<HostId>,
    edit: &HostEdit,
) -> Result<Permit<HostWrite, Option<HostId>>, ApiError> {
    let old = id.and_then(|id| world.hosts.get(&id));
    let labels = match &edit.labels {
        Some(labels) => {
            Labels::parse(labels).map_err(|error| ApiError::field("/labels", error.to_string()))?
        }
        None => old.map(|old| old.labels.clone()).unwrap_or_default(),
    };
    let tenant = edit.tenant.or(old.map(|old| old.tenant)).unwrap_or_else(|| record::home_of(actor));
    if old.is_none_or(|old| old.tenant != tenant) {
        let _ = permit_at::<TenantRead, _>(actor, (), world.place_of_tenant(tenant).as_ref(), "the tenant")?;
    }
    let after = world.place_if(tenant, id, &labels);
    permit_at::<HostWrite, _>(actor, id, after.as_ref(), "the tenant").map_err(in_sight)
}

/// The tenant that something would go to is seen, or the question would have ended before: what is missing is a right.
pub(crate) fn in_sight(error: ApiError) -> ApiError {
    match error {
        ApiError::Hidden { denied, .. } => ApiError::Denied(wk_authz::Denied { hidden: false, ..denied }),
        other => other,
    }
}

async fn create_host(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<HostInput>,
) -> Answer<HostView> {
    let mut edit = host_edit(input)?;
    edit.tenant = Some(edit.tenant.unwrap_or_else(|| record::home_of(&actor)));
    let permit = may_put_host(&app.engine.world(), &actor, None, &edit)?;
    let row = app.engine.write_host(permit, edit).await?;
    host(State(app), Extension(Caller(actor)), PathId(row.id)).await
}

async fn change_host(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
    Body(input): Body<HostInput>,
) -> Answer<HostView> {
    let permit = {
        let world = app.engine.world();
        permit_at::<HostWrite, _>(&actor, Some(id), world.place_of_host(id).as_ref(), "the host")?
    };
    let edit = host_edit(input)?;
    // And where it will be: a label may take it out of somebody's sight, or into it.
    let _ = may_put_host(&app.engine.world(), &actor, Some(id), &edit)?;
    app.engine.write_host(permit, edit).await?;
    host(State(app), Extension(Caller(actor)), PathId(id)).await
}

async fn delete_host(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
) -> Result<axum::http::StatusCode, ApiError> {
    let permit = {
        let world = app.engine.world();
        permit_at::<HostWrite, _>(&actor, id, world.place_of_host(id).as_ref(), "the host")?
    };
    app.engine.remove_host(permit).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

async fn sections(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
) -> Answer<Page<InventorySection>> {
    let scope = seen_host(&app, &actor, id)?;
    let counts = app.engine.store().inventory_counts(&scope, id).await?;
    let items = counts.into_iter().map(|(section, items)| InventorySection { section, items }).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

#[derive(Debug, Deserialize)]
struct SectionPath {
    section: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paged {
    pub(crate) limit: Option<u32>,
    pub(crate) after: Option<String>,
}

async fn inventory(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
    axum::extract::Path(path): axum::extract::Path<SectionPath>,
    Query(query): Query<Paged>,
) -> Answer<Page<InventoryItem>> {
    let scope = seen_host(&app, &actor, id)?;
    let (page, limit) = row_page(query.limit, query.after)?;
    let section = wk_domain::text::clean_line(&path.section, 64);
    let rows = app.engine.store().inventory(&scope, id, Some(&section), page).await?;
    let (rows, next) = cut(rows, limit, |row| format!("{}/{}", row.section, row.key));
    let items = rows
        .into_iter()
        .map(|row| InventoryItem {
            fields: view::fields(&row.fields_json),
            key: row.key,
            first_seen_at: time::write(row.first_seen),
            last_changed_at: time::write(row.last_changed),
        })
        .collect();
    Ok(Json(Page { items, total: None, next }))
}

async fn series(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
) -> Answer<Page<Series>> {
    seen_host(&app, &actor, id)?;
    let engine = app.engine.clone();
    let list = tokio::task::spawn_blocking(move || engine.metrics().series_of(id))
        .await
        .map_err(|_| ApiError::Internal)?;
    let items = list.into_iter().map(|meta| series_view(&meta)).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

fn series_view(meta: &SeriesMeta) -> Series {
    Series {
        name: meta.key.name.clone(),
        labels: meta.key.labels.iter().cloned().collect(),
        unit: meta.unit.clone(),
        counter: meta.counter,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeParams {
    name: String,
    #[serde(default)]
    label: String,
    from: Option<String>,
    to: Option<String>,
    step_ms: Option<i64>,
    #[serde(default)]
    rate: bool,
}

async fn range(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
    Query(query): Query<RangeParams>,
) -> Answer<RangeAnswer> {
    seen_host(&app, &actor, id)?;
    let now = app.engine.now();
    let to = optional_time("/to", query.to.as_deref())?.unwrap_or(now);
    let from = optional_time("/from", query.from.as_deref())?
        .unwrap_or_else(|| to - std::time::Duration::from_secs(3600));
    let span_ms = to.as_ms() - from.as_ms();
    if span_ms <= 0 {
        return Err(ApiError::field("/from", "the range must begin before it ends"));
    }
    let step_ms = query.step_ms.unwrap_or(span_ms / 500).max(1000);
    if span_ms / step_ms > 11_000 {
        return Err(ApiError::field("/step_ms", "that would be more than 11 000 points: widen the step"));
    }
    let labels = query
        .label
        .split('|')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let pair = pair
                .split_once(':')
                .ok_or_else(|| ApiError::field("/label", "write labels as name:value"))?;
            Ok((pair.0.to_owned(), pair.1.to_owned()))
        })
        .collect::<Result<Vec<_>, ApiError>>()?;
    let selector = Selector { host: id, name: query.name, labels };
    let asked = RangeQuery { selector, from, to, step_ms, rate: query.rate, series_max: 200 };
    let engine = app.engine.clone();
    let data = tokio::task::spawn_blocking(move || engine.metrics().range(&asked))
        .await
        .map_err(|_| ApiError::Internal)?
        .map_err(wk_engine::EngineError::from)?;
    let series = data
        .into_iter()
        .map(|one| RangeSeries {
            series: series_view(&one.series),
            tier: match one.tier {
                Tier::Raw => "raw",
                Tier::Minute => "1m",
                Tier::Hour => "1h",
            }
            .to_owned(),
            points: one.points.iter().map(|p| [p.at_ms as f64, p.min, p.max, p.avg, p.last]).collect(),
        })
        .collect();
    Ok(Json(RangeAnswer { from: time::write(from), to: time::write(to), step_ms, series }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    host: Option<String>,
    check: Option<String>,
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<u32>,
    after: Option<String>,
}

/// Rows that are read at most to fill one page, where not everything of a tenant is seen.
const SCANNED_MAX: usize = 5_000;

/// Events that the actor sees, newest first: up to `limit`, and the cursor of the page after.
async fn recent_events(
    app: &App,
    actor: &Actor,
    filter: EventFilter,
    limit: usize,
    after: Option<String>,
) -> Result<(Vec<EventRow>, Option<String>), ApiError> {
    let (scope, in_part) = {
        let world = app.engine.world();
        let seen = world.view_of(actor, Act::CheckRead);
        (seen.scope().clone(), seen.is_in_part())
    };
    let store = app.engine.store();
    let asked = RowPage { limit: u32::try_from(limit + 1).unwrap_or(501), after };
    if !in_part {
        let rows = store.events(&scope, filter, asked).await?;
        return Ok(cut(rows, limit, |row| row.id.to_string()));
    }
    // The statement keeps to the tenants; which hosts of them, by label or one by one, is asked here.
    let (mut found, mut scanned, mut after) = (Vec::new(), 0, asked.after);
    loop {
        let rows = store.events(&scope, filter.clone(), RowPage { limit: 500, after: after.clone() }).await?;
        let (read, last) = (rows.len(), rows.last().map(|row| row.id.to_string()));
        scanned += read;
        {
            let world = app.engine.world();
            let seen = world.view_of(actor, Act::CheckRead);
            found.extend(rows.into_iter().filter(|row| seen.stored(row.host)));
        }
        if found.len() > limit {
            return Ok(cut(found, limit, |row: &EventRow| row.id.to_string()));
        }
        if read < 500 {
            return Ok((found, None));
        }
        if scanned >= SCANNED_MAX {
            return Ok((found, last));
        }
        after = last;
    }
}

async fn events(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<EventsQuery>,
) -> Answer<Page<Event>> {
    let filter = EventFilter {
        host: optional_id("/host", query.host.as_deref())?,
        check: optional_id("/check", query.check.as_deref())?,
        kinds: query
            .kind
            .iter()
            .flat_map(|k| k.split(','))
            .filter(|k| !k.is_empty())
            .map(str::to_owned)
            .collect(),
        from: optional_time("/from", query.from.as_deref())?,
        to: optional_time("/to", query.to.as_deref())?,
    };
    let limit = bounded(query.limit)? as usize;
    let (rows, next) = recent_events(&app, &actor, filter, limit, query.after).await?;
    let world = app.engine.world();
    Ok(Json(Page { items: rows.iter().map(|row| view::event(&world, row)).collect(), total: None, next }))
}
