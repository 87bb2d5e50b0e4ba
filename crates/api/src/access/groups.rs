//! Groups of people, and who is in them.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_authz::{AccessRead, AccessWrite, Act, Actor};
use wk_domain::{GroupId, GroupKind, UserId};
use wk_engine::access::{GroupEdit, compiled};
use wk_engine::ports::access::{GroupRow, HeldRow};

use super::{makes_powerful, read_at, tenant_of, write_at};
use crate::auth::Caller;
use crate::body::{Body, PathId};
use crate::dto::Page;
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;
use crate::time;

type Answer<T> = Result<Json<T>, ApiError>;

/// A group of people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PeopleGroup {
    id: String,
    /// Where it belongs.
    tenant: String,
    tenant_title: String,
    name: String,
    about: String,
    members: u64,
    /// How many grants it holds.
    grants: u64,
    created_at: String,
    revision: i64,
}

/// What a group is to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupInput {
    name: String,
    #[serde(default)]
    about: String,
    /// Where it belongs; the whole server when absent. It stays there.
    #[serde(default)]
    tenant: Option<String>,
    /// The revision that was read; absent overwrites.
    #[serde(default)]
    revision: Option<i64>,
}

/// Somebody in a group.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct GroupMember {
    person: String,
    name: String,
    display_name: String,
    disabled: bool,
    /// `local`, or the id of the provider that says so.
    origin: String,
    since: String,
}

/// Whom to put into a group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberInput {
    /// The account's id.
    person: String,
    /// Why: asked for when another person has to agree.
    #[serde(default)]
    reason: String,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AccessRead, _, _>(get("/groups", "Groups of people, by name").page::<PeopleGroup>(), list)
        .add::<AccessWrite, _, _>(
            post("/groups", "Make a group of people").body::<GroupInput>().answer::<PeopleGroup>(),
            make,
        )
        .add::<AccessRead, _, _>(get("/groups/{id}", "One group of people").answer::<PeopleGroup>(), one)
        .add::<AccessWrite, _, _>(
            put("/groups/{id}", "Rename a group").body::<GroupInput>().answer::<PeopleGroup>(),
            change,
        )
        .add::<AccessWrite, _, _>(
            delete("/groups/{id}", "Remove a group with its memberships and grants"),
            remove,
        )
        .add::<AccessRead, _, _>(
            get("/groups/{id}/members", "Who is in a group, and who says so").page::<GroupMember>(),
            members,
        )
        .add::<AccessWrite, _, _>(
            post("/groups/{id}/members", "Put somebody into a group; only who holds all it holds may")
                .body::<MemberInput>()
                .asks(),
            add_member,
        )
        .add::<AccessWrite, _, _>(
            delete("/groups/{id}/members/{person}", "Take somebody out of a group"),
            remove_member,
        )
}

async fn views(app: &App, actor: &Actor, rows: Vec<GroupRow>) -> Result<Vec<PeopleGroup>, ApiError> {
    let store = app.engine.store();
    let mut members: HashMap<GroupId, std::collections::HashSet<UserId>> = HashMap::new();
    let homes: HashMap<UserId, _> =
        store.users().await?.into_iter().map(|user| (user.id, user.tenant)).collect();
    let (memberships, all) = (store.memberships().await?, store.grants().await?);
    let world = app.engine.world();
    // Of somebody, or something, elsewhere not even that there is one more is said.
    let seen = world.view_of(actor, Act::AccessRead);
    let known = |person: &UserId| homes.get(person).is_some_and(|home| seen.tenant(*home));
    for member in memberships.into_iter().filter(|member| known(&member.person)) {
        members.entry(member.group).or_default().insert(member.person);
    }
    let mut grants: HashMap<GroupId, u64> = HashMap::new();
    for group in all.iter().filter(|grant| seen.tenant(grant.tenant)).filter_map(|grant| grant.group) {
        *grants.entry(group).or_default() += 1;
    }
    let view = |row: GroupRow| PeopleGroup {
        id: row.id.to_string(),
        tenant: row.tenant.to_string(),
        tenant_title: world.title_for(actor, row.tenant),
        name: row.name,
        about: row.about,
        members: members.get(&row.id).map_or(0, |members| members.len() as u64),
        grants: grants.get(&row.id).copied().unwrap_or(0),
        created_at: time::write(row.created),
        revision: row.revision,
    };
    Ok(rows.into_iter().map(view).collect())
}

async fn shown(app: &App, actor: &Actor, row: GroupRow) -> Answer<PeopleGroup> {
    views(app, actor, vec![row]).await?.pop().map(Json).ok_or(ApiError::Internal)
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<PeopleGroup>> {
    let mut rows = app.engine.store().groups().await?;
    {
        let world = app.engine.world();
        let view = world.view_of(&actor, Act::AccessRead);
        rows.retain(|row| view.tenant(row.tenant));
    }
    Ok(Json(Page { items: views(&app, &actor, rows).await?, total: None, next: None }))
}

async fn row_of(app: &App, id: GroupId) -> Result<Option<GroupRow>, ApiError> {
    Ok(app.engine.store().group(id).await?)
}

async fn one(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<GroupKind>,
) -> Answer<PeopleGroup> {
    let row = row_of(&app, id).await?;
    let tenant = row.as_ref().map(|row| row.tenant);
    let (_, row) = read_at(&app, &actor, row, tenant, "the group")?.into_parts();
    shown(&app, &actor, row.ok_or(ApiError::Internal)?).await
}

async fn make(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<GroupInput>,
) -> Answer<PeopleGroup> {
    let tenant = tenant_of(&app, &actor, input.tenant.as_deref())?;
    let permit = write_at(&app, &actor, tenant, Some(tenant), "the tenant")?;
    let edit = GroupEdit { name: input.name, about: input.about, revision: None };
    let row = app.engine.make_group(permit, edit).await?;
    shown(&app, &actor, row).await
}

/// The permit for a group that is there.
async fn permit(
    app: &App,
    actor: &Actor,
    id: GroupId,
) -> Result<wk_authz::Permit<AccessWrite, GroupId>, ApiError> {
    let row = row_of(app, id).await?;
    write_at(app, actor, id, row.map(|row| row.tenant), "the group")
}

async fn change(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<GroupKind>,
    Body(input): Body<GroupInput>,
) -> Answer<PeopleGroup> {
    let permit = permit(&app, &actor, id).await?;
    let edit = GroupEdit { name: input.name, about: input.about, revision: input.revision };
    let row = app.engine.change_group(permit, edit).await?;
    shown(&app, &actor, row).await
}

async fn remove(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<GroupKind>,
) -> Result<StatusCode, ApiError> {
    let permit = permit(&app, &actor, id).await?;
    app.engine.remove_group(permit).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn members(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<GroupKind>,
) -> Answer<Page<GroupMember>> {
    let row = row_of(&app, id).await?;
    let _permit = read_at(&app, &actor, (), row.map(|row| row.tenant), "the group")?;
    let store = app.engine.store();
    let people: HashMap<UserId, _> = store.users().await?.into_iter().map(|user| (user.id, user)).collect();
    let members = store.memberships().await?;
    let world = app.engine.world();
    let view = world.view_of(&actor, Act::AccessRead);
    let items = members.into_iter().filter(|member| member.group == id).filter_map(|member| {
        // Somebody of another tenant may be in it, whom the reader may not know.
        let user = people.get(&member.person).filter(|user| view.tenant(user.tenant))?;
        Some(GroupMember {
            person: user.id.to_string(),
            name: user.name.clone(),
            display_name: user.display_name.clone(),
            disabled: user.disabled.is_some(),
            origin: member.origin,
            since: time::write(member.since),
        })
    });
    Ok(Json(Page { items: items.collect(), total: None, next: None }))
}

pub(crate) async fn add_member(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<GroupKind>,
    Body(input): Body<MemberInput>,
) -> Result<Response, ApiError> {
    let permit = permit(&app, &actor, id).await?;
    let person = super::person_called(&app, &actor, &input.person).await?;
    let store = app.engine.store();
    let (roles, now) = (store.roles().await?, app.engine.now());
    let grants = store.grants().await?.into_iter().filter(|grant| grant.group == Some(id));
    let gives = grants
        .filter(|grant| grant.effect == "allow")
        .filter_map(|grant| {
            let custom = roles.iter().find(|role| grant.custom == Some(role.id));
            compiled(&HeldRow { actions: custom.map(|role| role.actions.clone()), through: None, grant }, now)
        })
        .fold(wk_authz::Actions::NONE, |all, grant| all.or(grant.acts()));
    if makes_powerful(gives) {
        let wanted = Wanted {
            act: "group.add_member",
            object: format!("group:{id}"),
            summary: format!("Put {} into a group that may manage access or accounts", person.name),
            target: Some(id.to_string()),
            reason: &input.reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    app.engine.add_member(permit, &person).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn remove_member(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Path((id, person)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let id: GroupId = id.parse().map_err(|error| ApiError::NotFound(format!("the group: {error}")))?;
    let permit = permit(&app, &actor, id).await?;
    let person = person.parse().map_err(|error| ApiError::NotFound(format!("the account: {error}")))?;
    app.engine.remove_member(permit, person).await?;
    Ok(StatusCode::NO_CONTENT)
}
