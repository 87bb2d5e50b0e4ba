//! Routes of accounts: who there is, inviting, disabling, reopening.
//!
//! Nobody sets another's password: an invitation is a one-time link behind which the person chooses one, with a second
//! factor. Nobody disables the account they act with.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use wk_authz::{Actor, Role, UserRead, UserWrite, Who};
use wk_domain::{UserId, UserKind};
use wk_engine::ports::rows::UserRow;
use wk_engine::record;
use wk_identity::{ClaimToken, is_closed};

use crate::auth::Caller;
use crate::body::{Body, PathId};
use crate::dto::{Invitation, Page, ReasonInput, User, UserInput};
use crate::error::ApiError;
use crate::routes::{Routes, get, post};
use crate::sign::{Invited, invitation_key, user_name};
use crate::state::App;
use crate::time;

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<UserRead, _, _>(get("/users", "Accounts by name").page::<User>(), list)
        .add::<UserWrite, _, _>(
            post("/users", "Invite a person: a link that works once, for a day")
                .body::<UserInput>()
                .answer::<Invitation>(),
            invite,
        )
        .add::<UserWrite, _, _>(
            post("/users/{id}/disable", "Disable an account: its sessions end at once").body::<ReasonInput>(),
            disable,
        )
        .add::<UserWrite, _, _>(post("/users/{id}/enable", "Enable an account").body::<ReasonInput>(), enable)
        .add::<UserWrite, _, _>(
            post("/users/{id}/reopen", "Let an account sign in again after too many failures")
                .body::<ReasonInput>(),
            reopen,
        )
}

async fn list(State(app): State<App>) -> Answer<Page<User>> {
    let mut rows = app.engine.store().users().await?;
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let items = rows
        .into_iter()
        .map(|row| User {
            id: row.id.to_string(),
            name: row.name,
            display_name: row.display_name,
            role: row.role,
            created_at: time::write(row.created),
            disabled: row.disabled.is_some(),
            failures: row.failures,
            closed: is_closed(row.failures),
        })
        .collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn invite(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<UserInput>,
) -> Answer<Invitation> {
    if !*app.people.claimed().borrow() {
        // Whoever joined first would end the claim, and might be no administrator.
        return Err(ApiError::Conflict(
            "claim the server first, by the link it printed; then invite".to_owned(),
        ));
    }
    let name = user_name(&input.name)?;
    let role =
        Role::parse(&input.role).ok_or_else(|| ApiError::field("/role", "use viewer, operator or admin"))?;
    if app.engine.store().user_by_name(&name).await?.is_some() {
        return Err(ApiError::Conflict(format!("there is an account {name} already")));
    }
    let token = ClaimToken::generate().map_err(|_| ApiError::Internal)?;
    let now = app.engine.now();
    let expires = now + ClaimToken::LIFE;
    let invited = Invited {
        display_name: wk_domain::text::clean_line(&input.display_name, 100),
        role: role.as_str().to_owned(),
        expires_ms: expires.as_ms(),
        name: name.clone(),
    };
    let json = serde_json::to_string(&invited).map_err(|_| ApiError::Internal)?;
    let audit =
        record::draft(&actor, now, "user.invite", "user", &name).change("role", None::<&str>, role.as_str());
    app.engine.store().put_setting(&invitation_key(&token.sha256()), &json, Some(audit)).await?;
    let path = token.link("").expose().clone();
    Ok(Json(Invitation { path, expires_at: time::write(expires) }))
}

async fn account(app: &App, actor: &Actor, id: UserId) -> Result<UserRow, ApiError> {
    if matches!(&actor.who, Who::User { id: own, .. } if *own == id) {
        return Err(ApiError::Conflict("this is your own account: ask another administrator".to_owned()));
    }
    app.engine
        .store()
        .user(id)
        .await?
        .ok_or_else(|| ApiError::NotFound("the account is not there".to_owned()))
}

fn reason(input: &ReasonInput) -> Result<String, ApiError> {
    let reason = wk_domain::text::clean_line(&input.reason, 500);
    if reason.is_empty() { Err(ApiError::field("/reason", "say why")) } else { Ok(reason) }
}

async fn disable(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ReasonInput>,
) -> Result<StatusCode, ApiError> {
    let reason = reason(&input)?;
    let row = account(&app, &actor, id).await?;
    let now = app.engine.now();
    let audit = record::draft(&actor, now, "user.disable", "user", &row.name).reason(&reason).change(
        "disabled",
        row.disabled.is_some(),
        true,
    );
    app.engine.store().update_user(UserRow { disabled: Some(now), ..row.clone() }, audit).await?;
    let ended =
        record::draft(&actor, now, "session.end", "user", &row.name).reason("the account was disabled");
    app.engine.store().end_sessions(id, None, now, ended).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn enable(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ReasonInput>,
) -> Result<StatusCode, ApiError> {
    let reason = reason(&input)?;
    let row = account(&app, &actor, id).await?;
    let audit = record::draft(&actor, app.engine.now(), "user.enable", "user", &row.name)
        .reason(&reason)
        .change("disabled", row.disabled.is_some(), false);
    app.engine.store().update_user(UserRow { disabled: None, ..row }, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reopen(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ReasonInput>,
) -> Result<StatusCode, ApiError> {
    let reason = reason(&input)?;
    let row = account(&app, &actor, id).await?;
    let audit = record::draft(&actor, app.engine.now(), "user.reopen", "user", &row.name)
        .reason(&reason)
        .change("failures", row.failures, 0i64);
    app.engine.store().set_failures(id, 0, audit).await?;
    app.people.reopen(&row.name);
    Ok(StatusCode::NO_CONTENT)
}
