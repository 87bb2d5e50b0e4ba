//! Grants: a role given to somebody somewhere, or denied.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_authz::{AccessRead, AccessWrite, Act, Actions, Actor, Effect, Role, Scope, Section, Selector};
use wk_domain::{GrantId, GrantKind, GroupId, HostId, TenantId, UserId, text};
use wk_engine::access::{GrantEdit, Whom};
use wk_engine::ports::access::GrantRow;
use wk_engine::world::World;

use super::{makes_powerful, tenant_of, write_at};
use crate::auth::{self, Caller};
use crate::body::{Body, PathId, Query};
use crate::dto::{Page, ReasonInput};
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::routes::{Routes, get, post};
use crate::state::App;
use crate::time;

type Answer<T> = Result<Json<T>, ApiError>;

/// Where a grant holds: a tenant with all below it, and of that only what each other field says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct GrantScope {
    pub(crate) tenant: String,
    pub(crate) tenant_title: String,
    /// Only hosts with these labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<String>,
    /// Only this host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host_name: Option<String>,
    /// Only what the person owns.
    pub(crate) owned: bool,
    /// Only actions of these sections of the console; all when empty.
    pub(crate) sections: Vec<String>,
}

/// A role given to somebody somewhere, or denied.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AccessGrant {
    id: String,
    /// Given to a person, or else to a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// The person's or group's name.
    name: String,
    /// `allow` or `deny`.
    effect: String,
    role: String,
    custom: bool,
    scope: GrantScope,
    reason: String,
    created_at: String,
    created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    expired: bool,
}

/// A grant to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantInput {
    /// To whom: a person's id or name, or else a group's id.
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    group: Option<String>,
    /// `allow`, or `deny`, which wins over every allow.
    #[serde(default = "allow")]
    effect: String,
    /// A built-in role's name, or a custom one's.
    role: String,
    /// The tenant with all below it; the whole server when absent.
    #[serde(default)]
    tenant: Option<String>,
    /// Only hosts with these labels: `env=prod, team in (db, web), !legacy`. A group of hosts is the label `group`.
    #[serde(default)]
    labels: Option<String>,
    /// Only this host.
    #[serde(default)]
    host: Option<String>,
    /// Only what the person owns.
    #[serde(default)]
    owned: bool,
    /// Only these: `monitor`, `hosts`, `agents`, `notifications`, `evidence`, `system`, `access`.
    #[serde(default)]
    sections: Vec<String>,
    /// Why.
    reason: String,
    /// From then on it holds nothing.
    #[serde(default)]
    expires_at: Option<String>,
}

fn allow() -> String {
    Effect::Allow.as_str().to_owned()
}

/// Whose grants to list.
#[derive(Debug, Deserialize)]
struct Whose {
    person: Option<String>,
    group: Option<String>,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AccessRead, _, _>(
            get("/grants", "Grants, newest first")
                .query("person", "string", "Only those given to this person, not through groups")
                .query("group", "string", "Only those given to this group")
                .page::<AccessGrant>(),
            list,
        )
        .add::<AccessWrite, _, _>(
            post("/grants", "Give a role to somebody somewhere, or deny it; only who holds it there may")
                .body::<GrantInput>()
                .answer::<AccessGrant>()
                .asks(),
            give,
        )
        .add::<AccessWrite, _, _>(
            post("/grants/{id}/take", "Take a grant away, from the next request on").body::<ReasonInput>(),
            take,
        )
}

/// A scope for people.
pub(crate) fn scope_view(world: &World, actor: &Actor, scope: &Scope) -> GrantScope {
    GrantScope {
        tenant: scope.tenant.to_string(),
        tenant_title: world.title_for(actor, scope.tenant),
        labels: scope.selector.as_ref().map(ToString::to_string),
        host: scope.host.map(|id| id.to_string()),
        host_name: scope.host.and_then(|id| world.hosts.get(&id)).map(|host| host.name.clone()),
        owned: scope.owned,
        sections: scope.sections.iter().map(|section| section.as_str().to_owned()).collect(),
    }
}

struct Names {
    people: HashMap<UserId, (String, TenantId)>,
    groups: HashMap<GroupId, (String, TenantId)>,
}

async fn names(app: &App) -> Result<Names, ApiError> {
    let store = app.engine.store();
    let people = store.users().await?.into_iter().map(|user| (user.id, (user.name, user.tenant))).collect();
    let groups =
        store.groups().await?.into_iter().map(|group| (group.id, (group.name, group.tenant))).collect();
    Ok(Names { people, groups })
}

impl Names {
    fn of(&self, row: &GrantRow) -> Option<&(String, TenantId)> {
        row.person
            .and_then(|id| self.people.get(&id))
            .or_else(|| row.group.and_then(|id| self.groups.get(&id)))
    }
}

fn view(app: &App, actor: &Actor, names: &Names, row: GrantRow) -> AccessGrant {
    let world = app.engine.world();
    let name = names.of(&row).map(|(name, _)| name.clone()).unwrap_or_default();
    AccessGrant {
        id: row.id.to_string(),
        person: row.person.map(|id| id.to_string()),
        group: row.group.map(|id| id.to_string()),
        name,
        effect: row.effect,
        role: row.role,
        custom: row.custom.is_some(),
        scope: GrantScope {
            tenant: row.tenant.to_string(),
            tenant_title: world.title_for(actor, row.tenant),
            labels: Some(row.selector).filter(|labels| !labels.is_empty()),
            host: row.host.map(|id| id.to_string()),
            host_name: row.host.and_then(|id| world.hosts.get(&id)).map(|host| host.name.clone()),
            owned: row.owned,
            sections: row.sections,
        },
        reason: row.reason,
        created_at: time::write(row.created),
        created_by: row.created_by,
        expires_at: row.expires.map(time::write),
        expired: row.expires.is_some_and(|at| at <= app.engine.now()),
    }
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(whose): Query<Whose>,
) -> Answer<Page<AccessGrant>> {
    let person: Option<UserId> = match &whose.person {
        Some(raw) => Some(super::person_called(&app, &actor, raw).await?.id),
        None => None,
    };
    let group: Option<GroupId> = match &whose.group {
        Some(raw) => Some(raw.parse().map_err(|error| ApiError::BadRequest(format!("`group`: {error}")))?),
        None => None,
    };
    let names = names(&app).await?;
    let mut rows = app.engine.store().grants().await?;
    {
        let world = app.engine.world();
        let sees = world.view_of(&actor, Act::AccessRead);
        rows.retain(|row| {
            let theirs = person.is_none_or(|id| row.person == Some(id));
            let wanted = theirs && group.is_none_or(|id| row.group == Some(id));
            // Seen by those who see where it holds and whom it is for: a name is somebody's, too.
            wanted && sees.tenant(row.tenant) && names.of(row).is_some_and(|(_, home)| sees.tenant(*home))
        });
    }
    let items = rows.into_iter().map(|row| view(&app, &actor, &names, row)).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

fn scope(app: &App, actor: &Actor, input: &GrantInput) -> Result<Scope, ApiError> {
    let mut scope = Scope::tenant(tenant_of(app, actor, input.tenant.as_deref())?);
    if let Some(raw) = input.labels.as_deref().filter(|raw| !raw.trim().is_empty()) {
        let selector = Selector::parse(raw).map_err(|error| ApiError::field("/labels", error.to_string()))?;
        scope.selector = Some(selector);
    }
    if let Some(raw) = input.host.as_deref().filter(|raw| !raw.is_empty()) {
        let host: HostId = raw.parse().map_err(|error| ApiError::field("/host", format!("{error}")))?;
        let world = app.engine.world();
        let there = world.place_of_host(host).filter(|place| actor.rights.may(Act::HostRead, place));
        let place = there.ok_or_else(|| ApiError::field("/host", "there is no such host"))?;
        if !place.tenants.contains(&scope.tenant) {
            return Err(ApiError::field("/host", "the host is not of this tenant, nor of one below it"));
        }
        scope.host = Some(host);
    }
    scope.owned = input.owned;
    for (i, raw) in input.sections.iter().enumerate() {
        let section = Section::parse(raw).ok_or_else(|| {
            let known: Vec<&str> = Section::ALL.iter().map(|section| section.as_str()).collect();
            let raw = text::clean_line(raw, 40);
            ApiError::field(&format!("/sections/{i}"), format!("`{raw}` is none of {}", known.join(", ")))
        })?;
        scope.sections.push(section);
    }
    Ok(scope)
}

pub(crate) async fn give(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<GrantInput>,
) -> Result<Response, ApiError> {
    let effect =
        Effect::parse(&input.effect).ok_or_else(|| ApiError::field("/effect", "use allow or deny"))?;
    let scope = scope(&app, &actor, &input)?;
    let tenant = scope.tenant;
    let permit = write_at(&app, &actor, tenant, Some(tenant), "the tenant")?;
    let store = app.engine.store();
    let (whom, name) = match (&input.person, &input.group) {
        (Some(raw), None) => {
            let person = super::person_called(&app, &actor, raw).await?;
            (Whom::Person(person.id), person.name)
        }
        (None, Some(raw)) => {
            let id: GroupId = raw.parse().map_err(|error| ApiError::field("/group", format!("{error}")))?;
            let row = store.group(id).await?;
            let at = row.as_ref().map(|row| row.tenant);
            let (_, row) = super::read_at(&app, &actor, row, at, "the group")?.into_parts();
            (Whom::Group(id), row.map(|row| row.name).unwrap_or_default())
        }
        _ => return Err(ApiError::field("/person", "say a person or a group: one of them")),
    };
    let actions = match Role::parse(&input.role) {
        Some(role) => role.actions(),
        None => {
            let role = store.roles().await?.into_iter().find(|role| role.name == input.role);
            let role = role.ok_or_else(|| ApiError::field("/role", "there is no such role"))?;
            role.actions.iter().filter_map(|name| Act::parse(name)).collect::<Actions>()
        }
    };
    let expires = match input.expires_at.as_deref().filter(|raw| !raw.is_empty()) {
        Some(raw) => Some(time::read("/expires_at", raw)?),
        None => None,
    };
    // Asked before anybody else is: what cannot be done anyway needs no second person.
    app.engine.may_give(&actor, "grant.create", actions, &scope)?;
    if effect == Effect::Allow && makes_powerful(scope.of(actions)) {
        let wanted = Wanted {
            act: "grant.create",
            object: format!("access:{name}"),
            summary: format!("Give {name} the role {}, which may manage access or accounts", input.role),
            target: None,
            reason: &input.reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    let edit = GrantEdit { whom, effect, role: input.role, scope, reason: input.reason, expires };
    let row = app.engine.give(permit, edit).await?;
    let names = names(&app).await?;
    Ok(Json(view(&app, &actor, &names, row)).into_response())
}

async fn take(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<GrantKind>,
    Body(input): Body<ReasonInput>,
) -> Result<StatusCode, ApiError> {
    let id: GrantId = id;
    let reason = text::clean_line(&input.reason, 500);
    if reason.is_empty() {
        return Err(ApiError::field("/reason", "say why"));
    }
    let row = app.engine.store().grant(id).await?;
    let path = row.and_then(|row| app.engine.world().tenants.path(row.tenant));
    let place = path.as_ref().map(|path| wk_authz::Place::tenant(path.ids()));
    let permit = auth::permit_at::<AccessWrite, _>(&actor, id, place.as_ref(), "the grant")?;
    app.engine.take(permit, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
