//! Routes of what is watched: overview, problems, checks, hosts, inventory, graphs, events.

use axum::Json;
use axum::extract::{Extension, State};
use serde::Deserialize;
use wk_authz::{CheckRead, CheckWrite, HostRead, HostWrite, OverviewRead, authorize};
use wk_domain::id::{Id, Kind};
use wk_domain::{CheckId, CheckKindTag, HostId, HostKind, Timestamp};
use wk_engine::filter::Filter;
use wk_engine::people::{CheckEdit, HostEdit};
use wk_engine::ports::metrics::{RangeQuery, Selector, SeriesMeta, Tier};
use wk_engine::ports::rows::{EventFilter, Page as RowPage, Standing};

use crate::auth::Caller;
use crate::body::{Body, PathId, Query};
use crate::dto::{
    AgentCounts, CheckDetail, CheckInput, CheckStatus, CheckView, Completion, Event, HostCell, HostInput,
    HostView, InventoryItem, InventorySection, Overview, Page, RangeAnswer, RangeSeries, Series,
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

async fn overview(State(app): State<App>) -> Answer<Overview> {
    let now = app.engine.now();
    let recent = RowPage { limit: 20, after: None };
    let events = app.engine.store().events(EventFilter::default(), recent).await?;
    let self_checks = app.self_checks().await;
    let world = app.engine.world();
    let mut open: Vec<CheckId> = world
        .checks
        .values()
        .filter(|e| e.row.check.enabled && e.state.state.is_problem() && e.state.state.ack_at(now).is_none())
        .filter(|e| !world.in_downtime(e.row.check.id, e.row.check.host, now))
        .map(|e| e.row.check.id)
        .collect();
    view::sort(&world, &mut open, now);
    let mut hosts: Vec<HostCell> = world
        .hosts
        .values()
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
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    let mut agents = AgentCounts::default();
    for agent in world.agents.values() {
        match agent.row.standing {
            Standing::Revoked => agents.revoked += 1,
            Standing::Quarantined => agents.quarantined += 1,
            Standing::Active if agent.connected() => agents.connected += 1,
            Standing::Active => agents.silent += 1,
        }
    }
    Ok(Json(Overview {
        problems: view::counts(&world, world.checks.values(), now),
        hosts,
        agents,
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

async fn checks(State(app): State<App>, Query(query): Query<ChecksQuery>) -> Answer<Page<CheckView>> {
    list_checks(&app, &query, false)
}

async fn problems(State(app): State<App>, Query(query): Query<ChecksQuery>) -> Answer<Page<CheckView>> {
    list_checks(&app, &query, true)
}

fn list_checks(app: &App, query: &ChecksQuery, problems: bool) -> Answer<Page<CheckView>> {
    let filter =
        Filter::parse(&query.filter).map_err(|error| ApiError::field("/filter", error.to_string()))?;
    let host: Option<HostId> = optional_id("/host", query.host.as_deref())?;
    let now = app.engine.now();
    let world = app.engine.world();
    let mut ids: Vec<CheckId> = world
        .checks
        .values()
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

async fn complete(State(app): State<App>, Query(query): Query<CompleteQuery>) -> Answer<Page<Completion>> {
    let world = app.engine.world();
    let items = view::complete(&world, &wk_domain::text::clean_line(&query.q, 1000))
        .into_iter()
        .map(|(value, label)| Completion { value, label })
        .collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn check(State(app): State<App>, PathId(id): PathId<CheckKindTag>) -> Answer<CheckDetail> {
    let now = app.engine.now();
    let world = app.engine.world();
    let entry =
        world.checks.get(&id).ok_or_else(|| ApiError::NotFound("the check is not there".to_owned()))?;
    Ok(Json(view::check_detail(&world, entry, now)))
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
    let permit = authorize::<CheckWrite, _>(&actor, None)?;
    let row = app.engine.write_check(permit, check_edit(input)?).await?;
    check(State(app), PathId(row.check.id)).await
}

async fn change_check(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<CheckKindTag>,
    Body(input): Body<CheckInput>,
) -> Answer<CheckDetail> {
    let permit = authorize::<CheckWrite, _>(&actor, Some(id))?;
    app.engine.write_check(permit, check_edit(input)?).await?;
    check(State(app), PathId(id)).await
}

async fn delete_check(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<CheckKindTag>,
) -> Result<axum::http::StatusCode, ApiError> {
    app.engine.remove_check(authorize::<CheckWrite, _>(&actor, id)?).await?;
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

async fn hosts(State(app): State<App>, Query(query): Query<HostsQuery>) -> Answer<Page<HostView>> {
    let now = app.engine.now();
    let world = app.engine.world();
    let q = query.q.to_lowercase();
    let mut found: Vec<HostId> = world
        .hosts
        .values()
        .filter(|host| {
            q.is_empty()
                || host.name.contains(&q)
                || host.os.to_lowercase().contains(&q)
                || host.addresses.iter().any(|address| address.contains(&q))
                || host.fields.iter().any(|(_, value)| value.to_lowercase().contains(&q))
        })
        .map(|host| host.id)
        .collect();
    order::hosts(&world, &mut found, now, query.sort.as_deref())?;
    page(&found, query.limit, query.after.as_deref(), |id| view::host(&world, *id, now))
}

async fn host(State(app): State<App>, PathId(id): PathId<HostKind>) -> Answer<HostView> {
    let now = app.engine.now();
    let world = app.engine.world();
    view::host(&world, id, now)
        .map(Json)
        .ok_or_else(|| ApiError::NotFound("the host is not there".to_owned()))
}

fn host_edit(input: HostInput) -> HostEdit {
    HostEdit { name: input.name, addresses: input.addresses, fields: input.fields, revision: input.revision }
}

async fn create_host(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<HostInput>,
) -> Answer<HostView> {
    let permit = authorize::<HostWrite, _>(&actor, None)?;
    let row = app.engine.write_host(permit, host_edit(input)).await?;
    host(State(app), PathId(row.id)).await
}

async fn change_host(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
    Body(input): Body<HostInput>,
) -> Answer<HostView> {
    let permit = authorize::<HostWrite, _>(&actor, Some(id))?;
    app.engine.write_host(permit, host_edit(input)).await?;
    host(State(app), PathId(id)).await
}

async fn delete_host(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<HostKind>,
) -> Result<axum::http::StatusCode, ApiError> {
    app.engine.remove_host(authorize::<HostWrite, _>(&actor, id)?).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

async fn sections(State(app): State<App>, PathId(id): PathId<HostKind>) -> Answer<Page<InventorySection>> {
    let counts = app.engine.store().inventory_counts(id).await?;
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
    PathId(id): PathId<HostKind>,
    axum::extract::Path(path): axum::extract::Path<SectionPath>,
    Query(query): Query<Paged>,
) -> Answer<Page<InventoryItem>> {
    let (page, limit) = row_page(query.limit, query.after)?;
    let section = wk_domain::text::clean_line(&path.section, 64);
    let rows = app.engine.store().inventory(id, Some(&section), page).await?;
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

async fn series(State(app): State<App>, PathId(id): PathId<HostKind>) -> Answer<Page<Series>> {
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
    PathId(id): PathId<HostKind>,
    Query(query): Query<RangeParams>,
) -> Answer<RangeAnswer> {
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

async fn events(State(app): State<App>, Query(query): Query<EventsQuery>) -> Answer<Page<Event>> {
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
    let (page, limit) = row_page(query.limit, query.after)?;
    let rows = app.engine.store().events(filter, page).await?;
    let (rows, next) = cut(rows, limit, |row| row.id.to_string());
    let world = app.engine.world();
    Ok(Json(Page { items: rows.iter().map(|row| view::event(&world, row)).collect(), total: None, next }))
}
