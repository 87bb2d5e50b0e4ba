//! Routes of tenants: the tree as far as one sees it, its changes, and the switch that closes a part of it, or the whole
//! server, to changes.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_authz::{Act, Actor, Permit, ReadOnlySwitch, TenantRead, TenantWrite};
use wk_domain::{TenantId, TenantKind};
use wk_engine::record;
use wk_engine::world::World;

use crate::auth::{Caller, absent, permit_at};
use crate::body::{Body, PathId, Query};
use crate::dto::Page;
use crate::error::ApiError;
use crate::monitor::{in_sight, optional_id};
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;

type Answer<T> = Result<Json<T>, ApiError>;

/// A tenant, with what it holds itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TenantView {
    id: String,
    /// The tenant it hangs on; absent for the first, and where one does not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    name: String,
    /// Names from the highest one sees down to it: `Europe / Paris`.
    title: String,
    /// 0 for the highest one sees.
    depth: usize,
    hosts: usize,
    channels: usize,
    /// Accounts at home here; absent for those who may not see people.
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<u64>,
    /// Its own switch.
    read_only: bool,
    /// Why, when it is; of the one above that makes it so, when it is one above.
    why: String,
    /// Whether its configuration may not be changed now, by its own switch or one above.
    closed: bool,
    /// Whether the caller may change it, and use its switch.
    may_write: bool,
    may_switch: bool,
    revision: i64,
}

/// A tenant to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantInput {
    /// Unique among those of one parent.
    name: String,
    /// The tenant it is to hang on; the home of whoever makes it when absent.
    #[serde(default)]
    parent: Option<String>,
}

/// What is to be different about a tenant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantChange {
    /// As it is when absent.
    #[serde(default)]
    name: Option<String>,
    /// Where it is when absent.
    #[serde(default)]
    parent: Option<String>,
    /// The revision that was read; refused when somebody else changed it since.
    #[serde(default)]
    revision: Option<i64>,
}

/// Close, or open again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchInput {
    read_only: bool,
    /// Whoever is refused a change reads it.
    why: String,
}

/// What would change if a tenant moved.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TenantMove {
    /// Tenants that move: itself and all below it.
    tenants: usize,
    hosts: usize,
    channels: usize,
    /// Whoever holds something at these sees it now, and no longer after the move.
    loses: Vec<String>,
    /// Whoever holds something at these sees it after the move.
    gains: Vec<String>,
    /// Channels that will hear of its hosts no longer, and those that will.
    channels_lost: Vec<String>,
    channels_gained: Vec<String>,
    /// Checks in the way: their agent would be elsewhere.
    stranded: Vec<String>,
    /// Whether its configuration could not be changed afterwards.
    closed_after: bool,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<TenantRead, _, _>(
            get("/tenants", "Tenants one sees, each after the one it hangs on").page::<TenantView>(),
            list,
        )
        .add::<TenantWrite, _, _>(
            post("/tenants", "Make a tenant").body::<TenantInput>().answer::<TenantView>(),
            create,
        )
        .add::<TenantWrite, _, _>(
            put("/tenants/{id}", "Rename a tenant, or hang it on another with all below it")
                .body::<TenantChange>()
                .answer::<TenantView>(),
            change,
        )
        .add::<TenantWrite, _, _>(delete("/tenants/{id}", "Remove a tenant that holds nothing"), remove)
        .add::<TenantRead, _, _>(
            get("/tenants/{id}/move", "What would change if it hung on another")
                .query("to", "string", "The tenant it would hang on, by id")
                .answer::<TenantMove>(),
            preview,
        )
        .add::<ReadOnlySwitch, _, _>(
            post(
                "/tenants/{id}/read-only",
                "Close a tenant and all below it to changes of configuration, or open it again; at the first: the server",
            )
            .body::<SwitchInput>()
            .answer::<TenantView>(),
            switch,
        )
}

fn view(world: &World, actor: &Actor, id: TenantId, people: &HashMap<TenantId, u64>) -> Option<TenantView> {
    let tenant = world.tenants.get(id)?;
    let path = world.tenants.path_ref(id)?;
    let place = world.place_of_tenant(id)?;
    let sight = actor.rights.sight(Act::TenantRead);
    let seen: Vec<TenantId> = path
        .ids()
        .iter()
        .copied()
        .filter(|id| world.place_of_tenant(*id).is_some_and(|place| sight.sees(&place)))
        .collect();
    let names: Vec<&str> = seen
        .iter()
        .filter(|id| **id != TenantId::ROOT || seen.len() == 1)
        .filter_map(|id| world.tenants.get(*id))
        .map(|tenant| tenant.name.as_str())
        .collect();
    let closed = world.tenants.read_only_by(id);
    Some(TenantView {
        id: id.to_string(),
        parent: tenant.parent.filter(|parent| seen.contains(parent)).map(|parent| parent.to_string()),
        name: tenant.name.clone(),
        title: names.join(" / "),
        depth: seen.len().saturating_sub(1),
        hosts: world.hosts.values().filter(|host| host.tenant == id).count(),
        channels: world.channels.values().filter(|channel| channel.row.tenant == id).count(),
        people: actor.rights.may(Act::UserRead, &place).then(|| people.get(&id).copied().unwrap_or_default()),
        read_only: tenant.read_only,
        why: closed.map(|by| by.why.clone()).unwrap_or_default(),
        closed: closed.is_some(),
        may_write: actor.rights.may(Act::TenantWrite, &place),
        may_switch: actor.rights.may(Act::ReadOnlySwitch, &place),
        revision: tenant.revision,
    })
}

async fn counts(app: &App) -> Result<HashMap<TenantId, u64>, ApiError> {
    let counts = app.engine.store().tenant_counts().await?;
    Ok(counts.into_iter().map(|of| (of.tenant, of.people)).collect())
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<TenantView>> {
    let people = counts(&app).await?;
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::TenantRead);
    // By the names on the way, so that each comes after the one it hangs on.
    let mut found: Vec<(Vec<(&str, TenantId)>, TenantId)> = world
        .tenants
        .all()
        .filter(|(tenant, _)| seen.tenant(tenant.id))
        .map(|(tenant, path)| {
            let way = path.ids().iter().filter_map(|id| world.tenants.get(*id));
            (way.map(|tenant| (tenant.name.as_str(), tenant.id)).collect(), tenant.id)
        })
        .collect();
    found.sort();
    let items = found.into_iter().filter_map(|(_, id)| view(&world, &actor, id, &people)).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn one(app: &App, actor: &Actor, id: TenantId) -> Answer<TenantView> {
    let people = counts(app).await?;
    let world = app.engine.world();
    view(&world, actor, id, &people).map(Json).ok_or_else(|| absent("the tenant"))
}

fn may(app: &App, actor: &Actor, id: TenantId) -> Result<Permit<TenantWrite, TenantId>, ApiError> {
    let world = app.engine.world();
    permit_at::<TenantWrite, _>(actor, id, world.place_of_tenant(id).as_ref(), "the tenant")
}

async fn create(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<TenantInput>,
) -> Answer<TenantView> {
    let parent = optional_id("/parent", input.parent.as_deref())?.unwrap_or_else(|| record::home_of(&actor));
    let permit = may(&app, &actor, parent)?;
    let row = app.engine.create_tenant(permit, &input.name).await?;
    one(&app, &actor, row.id).await
}

async fn change(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<TenantKind>,
    Body(input): Body<TenantChange>,
) -> Answer<TenantView> {
    let permit = may(&app, &actor, id)?;
    let present = app.engine.world().tenants.get(id).cloned().ok_or_else(|| absent("the tenant"))?;
    let to = optional_id("/parent", input.parent.as_deref())?.filter(|to| Some(*to) != present.parent);
    let name = input.name.filter(|name| *name != present.name);
    match (to, name) {
        (Some(_), Some(_)) => {
            return Err(ApiError::BadRequest("move it or rename it: one at a time".to_owned()));
        }
        (Some(to), None) => {
            // To take something out of a place and to put it into one are two rights.
            if let Some(from) = present.parent {
                let _ = may(&app, &actor, from).map_err(in_sight)?;
            }
            let to = may(&app, &actor, to)?;
            app.engine.move_tenant(permit, to, input.revision).await?;
        }
        (None, Some(name)) => {
            app.engine.rename_tenant(permit, &name, input.revision).await?;
        }
        (None, None) => {}
    }
    one(&app, &actor, id).await
}

async fn remove(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<TenantKind>,
) -> Result<StatusCode, ApiError> {
    let permit = may(&app, &actor, id)?;
    app.engine.remove_tenant(permit).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveQuery {
    to: Option<String>,
}

async fn preview(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<TenantKind>,
    Query(query): Query<MoveQuery>,
) -> Answer<TenantMove> {
    let to: TenantId = optional_id("/to", query.to.as_deref())?
        .ok_or_else(|| ApiError::field("/to", "say on which tenant it would hang"))?;
    let world = app.engine.world();
    for at in [id, to] {
        let _ = permit_at::<TenantRead, _>(&actor, (), world.place_of_tenant(at).as_ref(), "the tenant")?;
    }
    let found = world.preview_move(id, to)?;
    let seen = world.view_of(&actor, Act::TenantRead);
    let channels = world.view_of(&actor, Act::ChannelRead);
    let titles = |ids: Vec<TenantId>| -> Vec<String> {
        ids.into_iter().filter(|id| seen.tenant(*id)).map(|id| world.title_for(&actor, id)).collect()
    };
    let named = |names: Vec<String>| if channels.is_all() { names } else { Vec::new() };
    let checks = world.view_of(&actor, Act::CheckRead);
    Ok(Json(TenantMove {
        tenants: found.tenants,
        hosts: found.hosts,
        channels: found.channels,
        loses: titles(found.loses),
        gains: titles(found.gains),
        channels_lost: named(found.channels_lost),
        channels_gained: named(found.channels_gained),
        stranded: found
            .stranded
            .into_iter()
            .filter(|id| checks.check(*id))
            .filter_map(|id| world.checks.get(&id))
            .map(|entry| entry.row.check.title.clone())
            .collect(),
        closed_after: found.read_only_after,
    }))
}

async fn switch(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<TenantKind>,
    Body(input): Body<SwitchInput>,
) -> Answer<TenantView> {
    let permit = {
        let world = app.engine.world();
        permit_at::<ReadOnlySwitch, _>(&actor, id, world.place_of_tenant(id).as_ref(), "the tenant")?
    };
    app.engine.set_read_only(permit, input.read_only, &input.why).await?;
    one(&app, &actor, id).await
}
