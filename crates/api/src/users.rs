//! Routes of accounts: who there is, inviting, roles, disabling, reopening, new factors.
//!
//! Nobody sets another's password: a one-time link lets the person choose one, with a second factor. Nobody acts on the
//! account they act with, and the last administrator stays one: the store refuses that in the same transaction.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use wk_authz::{Act, Action as _, Actor, Place, Role, Scope, TenantRead, UserRead, UserWrite, Who};
use wk_domain::{InvitationKind, TenantId, Timestamp, UserId, UserKind};
use wk_engine::ports::rows::{EndSessions, InvitationRow, UserChange, UserRow};
use wk_engine::record::{self, DraftExt as _};
use wk_identity::{ClaimToken, is_closed};

use crate::auth::{self, Caller};
use crate::body::{Body, PathId};
use crate::dto::{Invitation, OpenInvitation, Page, ReasonInput, RoleInput, User, UserInput};
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::monitor::optional_id;
use crate::routes::{Routes, delete, get, post};
use crate::sign::user_name;
use crate::state::App;
use crate::time;

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<UserRead, _, _>(get("/users", "Accounts by name").page::<User>(), list)
        .add::<UserWrite, _, _>(
            post("/users", "Invite a person: a link that works once, for a day; an older one for the name is void")
                .body::<UserInput>()
                .answer::<Invitation>()
                .asks(),
            invite,
        )
        .add::<UserRead, _, _>(
            get("/invitations", "Links that were neither used nor withdrawn").page::<OpenInvitation>(),
            invitations,
        )
        .add::<UserWrite, _, _>(delete("/invitations/{id}", "Withdraw a link: it works no more"), withdraw)
        .add::<UserWrite, _, _>(
            post("/users/{id}/disable", "Disable an account: its sessions end at once").body::<ReasonInput>(),
            disable,
        )
        .add::<UserWrite, _, _>(post("/users/{id}/enable", "Enable an account").body::<ReasonInput>().asks(), enable)
        .add::<UserWrite, _, _>(
            post("/users/{id}/reopen", "Let an account sign in again after too many failures")
                .body::<ReasonInput>()
                .asks(),
            reopen,
        )
        .add::<UserWrite, _, _>(
            post("/users/{id}/role", "Give an account another role; its sessions end")
                .body::<RoleInput>()
                .asks(),
            set_role,
        )
        .add::<UserWrite, _, _>(
            post(
                "/users/{id}/reset",
                "Reset password and factors: nothing opens the account but the link, which works once, for a day",
            )
            .body::<ReasonInput>()
            .answer::<Invitation>()
            .asks(),
            reset,
        )
}

async fn list(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<Page<User>> {
    let store = app.engine.store();
    let scope = app.engine.world().view_of(&actor, Act::UserRead).scope().clone();
    let facts = store.user_facts().await?;
    let mut rows = store.people(&scope).await?;
    {
        let world = app.engine.world();
        let seen = world.view_of(&actor, Act::UserRead);
        rows.retain(|row| seen.owned(row.tenant, row.id));
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let items = rows
        .into_iter()
        .map(|row| {
            let facts = facts.iter().find(|facts| facts.user == row.id);
            let recovery_left = facts.map_or(0, |facts| facts.recovery_left);
            let has = [
                ("password", !row.password_phc.is_empty()),
                ("passkey", facts.is_some_and(|facts| facts.passkeys > 0)),
                ("totp", !row.totp_sealed.is_empty()),
                ("recovery", recovery_left > 0),
            ];
            User {
                id: row.id.to_string(),
                tenant: row.tenant.to_string(),
                name: row.name,
                display_name: row.display_name,
                role: row.role,
                created_at: time::write(row.created),
                disabled: row.disabled.is_some(),
                failures: row.failures,
                closed: is_closed(row.failures),
                awaits_factors: row.password_phc.is_empty(),
                factors: has.iter().filter(|(_, there)| *there).map(|(name, _)| (*name).to_owned()).collect(),
                recovery_codes_left: recovery_left,
                last_sign_in_at: facts.and_then(|facts| facts.last_sign_in).map(time::write),
            }
        })
        .collect();
    Ok(Json(Page { items, total: None, next: None }))
}

fn role(raw: &str) -> Result<Role, ApiError> {
    Role::parse(raw).ok_or_else(|| {
        ApiError::field("/role", "use none, viewer, operator, author, approver, responder, auditor or admin")
    })
}

/// A link for somebody. Its secret is in the answer alone.
fn link(actor: &Actor, now: Timestamp, user: &UserRow) -> Result<(InvitationRow, Invitation), ApiError> {
    let token = ClaimToken::generate().map_err(|_| ApiError::Internal)?;
    let expires = now + ClaimToken::LIFE;
    let row = InvitationRow {
        id: wk_engine::ids::new_id(now),
        tenant: user.tenant,
        secret_sha256: token.sha256().to_vec(),
        person: Some(user.id),
        name: user.name.clone(),
        display_name: user.display_name.clone(),
        role: user.role.clone(),
        created: now,
        created_by: actor.label(),
        expires,
        used: None,
        withdrawn: None,
    };
    let path = token.link("").expose().clone();
    Ok((row, Invitation { path, expires_at: time::write(expires) }))
}

pub(crate) async fn invite(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<UserInput>,
) -> Result<Response, ApiError> {
    if !*app.people.claimed().borrow() {
        // Whoever joined first would end the claim, and might be no administrator.
        return Err(ApiError::Conflict(
            "claim the server first, by the link it printed; then invite".to_owned(),
        ));
    }
    let name = user_name(&input.name)?;
    let role = role(&input.role)?;
    if app.engine.store().user_by_name(&name).await?.is_some() {
        return Err(ApiError::Conflict(format!("there is an account {name} already")));
    }
    let tenant = optional_id("/tenant", input.tenant.as_deref())?.unwrap_or_else(|| record::home_of(&actor));
    {
        let world = app.engine.world();
        let place = world.place_of_tenant(tenant);
        let _ = auth::permit_at::<TenantRead, _>(&actor, (), place.as_ref(), "the tenant")?;
    }
    may_make(&app, &actor, role, tenant)?;
    if four_eyes::raises(role.as_str()) || four_eyes::is_program(&actor) {
        let wanted = Wanted {
            act: "user.invite",
            object: format!("user:{name}"),
            summary: format!("Invite {name} with the role {}", role.as_str()),
            target: None,
            reason: &input.reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    app.people.may_make_link(&app, &name, &actor)?;
    let now = app.engine.now();
    let nobody_yet = UserRow {
        id: wk_engine::ids::new_id(now),
        tenant,
        name: name.clone(),
        display_name: wk_domain::text::clean_line(&input.display_name, 100),
        role: role.as_str().to_owned(),
        password_phc: String::new(),
        totp_sealed: Vec::new(),
        totp_revision: 1,
        totp_last_step: 0,
        created: now,
        disabled: None,
        failures: 0,
        revision: 0,
    };
    let (row, shown) = link(&actor, now, &nobody_yet)?;
    let row = InvitationRow { person: None, ..row };
    let audit =
        record::draft(&actor, now, "user.invite", "user", &name).within(tenant).images_of(None, Some(&row));
    app.engine.store().put_invitation(row, audit).await?;
    Ok(Json(shown).into_response())
}

/// Links that were neither used nor withdrawn, of the accounts that somebody may see.
async fn open_links(app: &App, actor: &Actor) -> Result<Vec<InvitationRow>, ApiError> {
    let scope = app.engine.world().view_of(actor, Act::UserRead).scope().clone();
    let mut rows = app.engine.store().invitations(&scope).await?;
    let world = app.engine.world();
    let seen = world.view_of(actor, Act::UserRead);
    rows.retain(|row| seen.tenant(row.tenant));
    Ok(rows)
}

async fn invitations(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<OpenInvitation>> {
    let now = app.engine.now();
    let view = |row: InvitationRow| OpenInvitation {
        id: row.id.to_string(),
        kind: if row.person.is_some() { "reset" } else { "invitation" }.to_owned(),
        name: row.name,
        display_name: row.display_name,
        role: row.role,
        created_at: time::write(row.created),
        created_by: row.created_by,
        expires_at: time::write(row.expires),
        expired: now >= row.expires,
    };
    let items = open_links(&app, &actor).await?.into_iter().map(view).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn withdraw(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<InvitationKind>,
) -> Result<StatusCode, ApiError> {
    let store = app.engine.store();
    let row = open_links(&app, &actor).await?.into_iter().find(|row| row.id == id);
    let row = {
        let world = app.engine.world();
        let place = row.as_ref().and_then(|row| world.place_of_tenant(row.tenant));
        let permit = auth::permit_at::<UserWrite, _>(&actor, row.clone(), place.as_ref(), "the link")?;
        permit.into_parts().1.ok_or_else(|| auth::absent("the link"))?
    };
    let now = app.engine.now();
    let after = InvitationRow { withdrawn: Some(now), ..row.clone() };
    let audit = record::draft(&actor, now, "user.withdraw_link", "user", &row.name)
        .within(row.tenant)
        .images_of(Some(&row), Some(&after));
    store.withdraw_invitation(id, now, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the actor may do `A` to an account at all: where it is at home. For the door, in front of every route that names
/// one.
pub(crate) async fn within_reach<A: wk_authz::Action>(
    app: &App,
    actor: &Actor,
    id: UserId,
) -> Result<(), ApiError> {
    let row = app.engine.store().user(id).await?;
    let world = app.engine.world();
    let place = row.and_then(|row| world.place_of_person(id, row.tenant));
    auth::permit_at::<A, _>(actor, (), place.as_ref(), "the account").map(drop)
}

pub(crate) async fn account(app: &App, actor: &Actor, id: UserId) -> Result<UserRow, ApiError> {
    if matches!(&actor.who, Who::User { id: own, .. } if *own == id) {
        return Err(ApiError::Conflict("this is your own account: ask another administrator".to_owned()));
    }
    let row = app.engine.store().user(id).await?;
    let path = row.as_ref().and_then(|row| app.engine.world().tenants.path(row.tenant));
    let place = path.as_ref().map(|path| Place::tenant(path.ids()).owned_by(id));
    let permit = auth::permit_at::<UserWrite, _>(actor, row, place.as_ref(), "the account")?;
    let (_, row) = permit.into_parts();
    let row = row.ok_or_else(|| ApiError::NotFound("the account is not there (any more)".to_owned()))?;
    // Whoever could reset the factors of somebody who may more than himself would become him.
    app.engine.may_act_on(actor, UserWrite::NAME, &row).await?;
    Ok(row)
}

/// Whether the actor may make somebody with this role at home in this tenant, or make him it.
fn may_make(app: &App, actor: &Actor, role: Role, tenant: TenantId) -> Result<(), ApiError> {
    let path = app.engine.world().tenants.path(tenant);
    let place = path.as_ref().map(|path| Place::tenant(path.ids()));
    let _permit = auth::permit_at::<UserWrite, _>(actor, (), place.as_ref(), "the tenant")?;
    Ok(app.engine.may_give(actor, UserWrite::NAME, role.actions(), &Scope::tenant(tenant))?)
}

fn reason(raw: &str) -> Result<String, ApiError> {
    let reason = wk_domain::text::clean_line(raw, 500);
    if reason.is_empty() { Err(ApiError::field("/reason", "say why")) } else { Ok(reason) }
}

pub(crate) async fn disable(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ReasonInput>,
) -> Result<StatusCode, ApiError> {
    let reason = reason(&input.reason)?;
    let row = account(&app, &actor, id).await?;
    crate::providers::emergency::keep_one(&app, id).await?;
    let now = app.engine.now();
    let audit = record::draft(&actor, now, "user.disable", "user", &row.name)
        .within(row.tenant)
        .reason(&reason)
        .next_revision(Some(row.revision))
        .images_of(Some(&row), Some(&UserRow { disabled: Some(now), ..row.clone() }));
    let ended = record::draft(&actor, now, "session.end", "user", &row.name)
        .within(row.tenant)
        .reason("the account was disabled");
    let change = UserChange {
        end_sessions: Some(EndSessions { keep: None, at: now }),
        ..UserChange::of(UserRow { disabled: Some(now), ..row })
    };
    app.engine.store().change_user(change, vec![audit, ended]).await?;
    app.engine.tell_rights_changed();
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn enable(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ReasonInput>,
) -> Result<Response, ApiError> {
    let reason = reason(&input.reason)?;
    let row = account(&app, &actor, id).await?;
    if four_eyes::raises(&row.role) || four_eyes::is_program(&actor) {
        let wanted = Wanted {
            act: "user.enable",
            object: format!("user:{}", row.name),
            summary: format!("Enable {}, with the role {}", row.name, row.role),
            target: Some(id.to_string()),
            reason: &reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    let audit = record::draft(&actor, app.engine.now(), "user.enable", "user", &row.name)
        .within(row.tenant)
        .reason(&reason)
        .next_revision(Some(row.revision))
        .images_of(Some(&row), Some(&UserRow { disabled: None, ..row.clone() }));
    let change = UserChange::of(UserRow { disabled: None, ..row });
    app.engine.store().change_user(change, vec![audit]).await?;
    app.engine.tell_rights_changed();
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn reopen(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ReasonInput>,
) -> Result<Response, ApiError> {
    let reason = reason(&input.reason)?;
    let row = account(&app, &actor, id).await?;
    {
        let wanted = Wanted {
            act: "user.reopen",
            object: format!("user:{}", row.name),
            summary: format!("Let {} sign in again after too many failures", row.name),
            target: Some(id.to_string()),
            reason: &reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    let audit = record::draft(&actor, app.engine.now(), "user.reopen", "user", &row.name)
        .within(row.tenant)
        .reason(&reason)
        .images_of(Some(&row), Some(&UserRow { failures: 0, ..row.clone() }));
    app.engine.store().set_failures(id, 0, audit).await?;
    app.people.reopen(&row.name);
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn set_role(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<RoleInput>,
) -> Result<Response, ApiError> {
    let reason = reason(&input.reason)?;
    let role = role(&input.role)?;
    let row = account(&app, &actor, id).await?;
    if row.role == role.as_str() {
        return Err(ApiError::field("/role", format!("{} has this role already", row.name)));
    }
    may_make(&app, &actor, role, row.tenant)?;
    if four_eyes::raises(role.as_str()) || four_eyes::is_program(&actor) {
        let wanted = Wanted {
            act: "user.set_role",
            object: format!("user:{}", row.name),
            summary: format!("Give {} the role {} instead of {}", row.name, role.as_str(), row.role),
            target: Some(id.to_string()),
            reason: &reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    let audit = record::draft(&actor, app.engine.now(), "user.set_role", "user", &row.name)
        .within(row.tenant)
        .reason(&reason)
        .next_revision(Some(row.revision))
        .images_of(Some(&row), Some(&UserRow { role: role.as_str().to_owned(), ..row.clone() }));
    // Whoever may do something else now comes in again: nothing of before goes on.
    let now = app.engine.now();
    let ended = record::draft(&actor, now, "session.end", "user", &row.name)
        .within(row.tenant)
        .reason("another role was given");
    let change = UserChange {
        end_sessions: Some(EndSessions { keep: None, at: now }),
        ..UserChange::of(UserRow { role: role.as_str().to_owned(), ..row })
    };
    app.engine.store().change_user(change, vec![audit, ended]).await?;
    app.engine.tell_rights_changed();
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn reset(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ReasonInput>,
) -> Result<Response, ApiError> {
    let reason = reason(&input.reason)?;
    let row = account(&app, &actor, id).await?;
    if row.disabled.is_some() {
        return Err(ApiError::Conflict("the account is disabled: enable it first".to_owned()));
    }
    if app.engine.store().service_account(id).await?.is_some() {
        return Err(ApiError::Conflict(
            "nobody signs in with a service account: rotate its tokens".to_owned(),
        ));
    }
    {
        let wanted = Wanted {
            act: "user.reset_factors",
            object: format!("user:{}", row.name),
            summary: format!("Reset password and factors of {}", row.name),
            target: Some(id.to_string()),
            reason: &reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    app.people.may_make_link(&app, &row.name, &actor)?;
    let now = app.engine.now();
    let (invite, shown) = link(&actor, now, &row)?;
    let without =
        UserRow { password_phc: String::new(), totp_sealed: Vec::new(), failures: 0, ..row.clone() };
    let audit = record::draft(&actor, now, "user.reset_factors", "user", &row.name)
        .within(row.tenant)
        .reason(&reason)
        .next_revision(Some(row.revision))
        .images_of(Some(&row), Some(&without));
    let ended = record::draft(&actor, now, "session.end", "user", &row.name)
        .within(row.tenant)
        .reason("the account's factors were reset");
    let name = row.name.clone();
    let change = UserChange {
        passkeys: Some(Vec::new()),
        recovery_sha256: Some(Vec::new()),
        failures: Some(0),
        end_sessions: Some(EndSessions { keep: None, at: now }),
        password: Some(crate::policy::taken_away(&app, &row)),
        invite: Some(invite),
        ..UserChange::of(UserRow { password_phc: String::new(), totp_sealed: Vec::new(), ..row })
    };
    app.engine.store().change_user(change, vec![audit, ended]).await?;
    app.engine.tell_rights_changed();
    app.people.reopen(&name);
    Ok(Json(shown).into_response())
}
