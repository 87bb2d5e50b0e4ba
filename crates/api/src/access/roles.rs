//! Roles: the built-in ones, those that somebody put together, and the actions they are made of.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_authz::{AccessRead, AccessWrite, Act, Actions, Kind, Role, TABLE, authorize};
use wk_domain::{RoleKind, text};
use wk_engine::access::RoleEdit;
use wk_engine::ports::access::RoleRow;

use super::makes_powerful;
use crate::auth::Caller;
use crate::body::{Body, PathId};
use crate::dto::Page;
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;

type Answer<T> = Result<Json<T>, ApiError>;

/// Something one may or may not do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AccessAction {
    name: String,
    /// The section of the console it belongs to.
    section: String,
    /// `read`, `handle` or `configure`.
    kind: String,
    /// Asks for a second factor given in the last ten minutes.
    fresh_factor: bool,
}

/// A role: a named set of actions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AccessRole {
    /// Absent for a built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: String,
    about: String,
    actions: Vec<String>,
    /// How many grants give it, or deny it.
    grants: u64,
    revision: i64,
}

/// What a custom role is to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessRoleInput {
    /// 2 to 40 of a-z, 0-9 and `-`, a letter first.
    name: String,
    #[serde(default)]
    about: String,
    /// Names of actions.
    actions: Vec<String>,
    /// The revision that was read; absent overwrites.
    #[serde(default)]
    revision: Option<i64>,
    /// Why: asked for when another person has to agree.
    #[serde(default)]
    reason: String,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AccessRead, _, _>(
            get("/actions", "Every action that a role can have").page::<AccessAction>(),
            actions,
        )
        .add::<AccessRead, _, _>(
            get("/roles", "Built-in roles, then custom ones by name").page::<AccessRole>(),
            list,
        )
        .add::<AccessWrite, _, _>(
            post("/roles", "Make a custom role").body::<AccessRoleInput>().answer::<AccessRole>(),
            make_role,
        )
        .add::<AccessWrite, _, _>(
            put("/roles/{id}", "Change a custom role, for everybody who holds it from the next request on")
                .body::<AccessRoleInput>()
                .answer::<AccessRole>()
                .asks(),
            change_role,
        )
        .add::<AccessWrite, _, _>(delete("/roles/{id}", "Remove a custom role that no grant gives"), remove)
}

async fn actions() -> Answer<Page<AccessAction>> {
    let items = TABLE.iter().filter(|entry| Actions::ALL.has(entry.act)).map(|entry| AccessAction {
        name: entry.name.to_owned(),
        section: entry.section.as_str().to_owned(),
        kind: match entry.kind {
            Kind::Read => "read",
            Kind::Handle => "handle",
            Kind::Configure | Kind::Own | Kind::Public => "configure",
        }
        .to_owned(),
        fresh_factor: entry.act.needs_fresh_factor(),
    });
    Ok(Json(Page { items: items.collect(), total: None, next: None }))
}

fn view(row: RoleRow, grants: u64) -> AccessRole {
    AccessRole {
        id: Some(row.id.to_string()),
        name: row.name,
        about: row.about,
        actions: row.actions,
        grants,
        revision: row.revision,
    }
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<AccessRole>> {
    let store = app.engine.store();
    let (rows, mut grants) = (store.roles().await?, store.grants().await?);
    {
        let world = app.engine.world();
        let seen = world.view_of(&actor, Act::AccessRead);
        grants.retain(|grant| seen.tenant(grant.tenant));
    }
    let mut items: Vec<AccessRole> = Role::ALL
        .into_iter()
        .map(|role| AccessRole {
            id: None,
            name: role.as_str().to_owned(),
            about: role.about().to_owned(),
            actions: role.actions().names().map(str::to_owned).collect(),
            grants: grants.iter().filter(|g| g.custom.is_none() && g.role == role.as_str()).count() as u64,
            revision: 0,
        })
        .collect();
    items.extend(rows.into_iter().map(|row| {
        let times = grants.iter().filter(|grant| grant.custom == Some(row.id)).count() as u64;
        view(row, times)
    }));
    Ok(Json(Page { items, total: None, next: None }))
}

fn edit(input: &AccessRoleInput) -> Result<RoleEdit, ApiError> {
    let actions: Result<Actions, ApiError> = input
        .actions
        .iter()
        .enumerate()
        .map(|(i, name)| {
            Act::parse(name).filter(|act| Actions::ALL.has(*act)).ok_or_else(|| {
                let name = text::clean_line(name, 60);
                ApiError::field(
                    &format!("/actions/{i}"),
                    format!("`{name}` is no action that a role can have"),
                )
            })
        })
        .collect();
    Ok(RoleEdit {
        name: input.name.clone(),
        about: input.about.clone(),
        actions: actions?,
        revision: input.revision,
    })
}

async fn make_role(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<AccessRoleInput>,
) -> Answer<AccessRole> {
    let permit = authorize::<AccessWrite, ()>(&actor, ())?;
    // A role that nobody holds gives nothing: a second person is asked when it is granted.
    let row = app.engine.make_role(permit, edit(&input)?).await?;
    Ok(Json(view(row, 0)))
}

pub(crate) async fn change_role(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<RoleKind>,
    Body(input): Body<AccessRoleInput>,
) -> Result<Response, ApiError> {
    let permit = authorize::<AccessWrite, _>(&actor, id)?;
    let edit = edit(&input)?;
    let store = app.engine.store();
    let grants = store.grants().await?.iter().filter(|grant| grant.custom == Some(id)).count() as u64;
    let had: Actions = match store.roles().await?.iter().find(|role| role.id == id) {
        Some(role) => role.actions.iter().filter_map(|name| Act::parse(name)).collect(),
        None => Actions::NONE,
    };
    if grants > 0 && makes_powerful(edit.actions.minus(had)) {
        let wanted = Wanted {
            act: "role.change",
            object: format!("role:{id}"),
            summary: format!("Let everybody with the role {} manage access or accounts", edit.name),
            target: Some(id.to_string()),
            reason: &input.reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    let row = app.engine.change_role(permit, edit).await?;
    Ok(Json(view(row, grants)).into_response())
}

async fn remove(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<RoleKind>,
) -> Result<StatusCode, ApiError> {
    app.engine.remove_role(authorize::<AccessWrite, _>(&actor, id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
