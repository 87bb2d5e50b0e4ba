//! Taking the last second factor from an account: never at once.
//!
//! Whoever asks has just given the factor itself. The owner is told, by an event and on every page, and has a day in which
//! each of their sessions, and every administrator, can stop it. Then it happens at the next look, whoever looks: the
//! sessions end, and the account enrols a factor at its next sign-in before anything else.
//!
//! A second person's word makes it happen at once: the owner asks for it ([`at_once`]), and somebody else agrees to it under
//! the rule of [`crate::four_eyes`]. Nobody is alone here: without such a person it takes the day.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;
use wk_audit::Image;
use wk_authz::{Actor, SelfManage, SelfSecure, UserWrite};
use wk_domain::{PasskeyId, UserId, UserKind};
use wk_engine::ports::passkeys::FactorRemovalRow;
use wk_engine::ports::rows::{EventRow, UserChange, UserRow};
use wk_engine::record::{self, DraftExt as _};

use crate::account::{person, secure};
use crate::auth::Caller;
use crate::body::{Body, PathId};
use crate::dto::{Page, ReasonInput};
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::routes::{Routes, delete, get, post};
use crate::state::App;
use crate::time;

/// How long everybody has to stop it.
const DELAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The channels hear of one account this often at most.
const TOLD_EVERY: Duration = Duration::from_secs(60 * 60);

/// The last second factor of an account, on its way out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FactorRemoval {
    pub user: String,
    pub user_name: String,
    /// `totp` or `passkey`.
    pub factor: String,
    pub asked_at: String,
    pub asked_by: String,
    /// When it goes, unless somebody stops it.
    pub due_at: String,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<SelfSecure, _, _>(
            delete(
                "/me/totp",
                "Remove my authenticator: ends my other sessions. The last factor goes after a day",
            ),
            remove_totp,
        )
        .add::<SelfManage, _, _>(delete("/me/factor-removal", "Keep my last factor after all"), stop_mine)
        .add::<SelfSecure, _, _>(
            post(
                "/me/factor-removal/at-once",
                "Have my last factor removed without the day: when another person agrees",
            )
            .body::<ReasonInput>()
            .asks(),
            at_once,
        )
        .add::<UserWrite, _, _>(
            get("/factor-removals", "Accounts whose last factor is on its way out").page::<FactorRemoval>(),
            list,
        )
        .add::<UserWrite, _, _>(
            delete("/users/{id}/factor-removal", "Stop the removal of an account's last factor"),
            stop_anybodys,
        )
}

fn image(row: &FactorRemovalRow) -> Image {
    Image::new()
        .field("removal", kind(row))
        .field("asked_by", row.asked_by.as_str())
        .field("due_ms", row.due.as_ms())
}

fn kind(row: &FactorRemovalRow) -> &'static str {
    if row.factor.parse::<PasskeyId>().is_ok() { "passkey" } else { "totp" }
}

pub(crate) fn view(row: FactorRemovalRow, name: &str) -> FactorRemoval {
    FactorRemoval {
        user: row.user.to_string(),
        user_name: name.to_owned(),
        factor: kind(&row).to_owned(),
        asked_at: time::write(row.asked),
        asked_by: row.asked_by,
        due_at: time::write(row.due),
    }
}

pub(crate) async fn tell(app: &App, severity: &str, user: &UserRow, summary: String) -> Result<(), ApiError> {
    let now = app.engine.now();
    let event = EventRow {
        id: wk_engine::ids::new_id(now),
        at: now,
        host: None,
        check: None,
        agent: None,
        kind: "security".to_owned(),
        severity: severity.to_owned(),
        summary,
        detail_json: serde_json::json!({"user": user.id.to_string()}).to_string(),
    };
    Ok(app.engine.store().put_event(event, None).await?)
}

/// Tells everybody that a person signs in with something else from now on: a thief in their session, perhaps.
pub(crate) async fn tell_changed(app: &App, user: &UserRow, what: &str) -> Result<(), ApiError> {
    let summary =
        format!("{} {what}; if that was not them, end their sessions and reset their factors", user.name);
    tell(app, "warning", user, summary).await
}

/// Asks for the removal of `factor`, the last one.
pub(crate) async fn ask(app: &App, actor: &Actor, user: &UserRow, factor: &str) -> Result<(), ApiError> {
    let now = app.engine.now();
    let (asked_by, due) = (actor.label(), now + DELAY);
    let row = FactorRemovalRow { user: user.id, factor: factor.to_owned(), asked: now, asked_by, due };
    let audit = record::draft(actor, now, "user.ask_factor_removal", "user", &user.name)
        .within(user.tenant)
        .images(None, Some(&image(&row)))
        .reason("the last second factor: it goes after a day, unless somebody stops it");
    app.engine.store().ask_factor_removal(row, vec![audit]).await?;
    let until = time::write(due);
    let summary = format!(
        "{} loses the last second factor at {until}, as asked for; stop it if that was not them",
        user.name
    );
    tell(app, "warning", user, summary.clone()).await?;
    if news(app, user.id)
        && let Err(error) = crate::notice::send(
            app,
            "Last second factor",
            "warning",
            &format!("{summary}: under their name, or under Access."),
        )
        .await
    {
        tracing::error!("the removal of a last factor could not be told to the channels: {error}");
    }
    Ok(())
}

/// Whether the channels are to hear of this account: who asks and stops in a loop is told of once.
fn news(app: &App, user: UserId) -> bool {
    let now = app.engine.now();
    let mut told = app.removals_told.lock();
    told.retain(|_, at| now.since(*at) < TOLD_EVERY);
    if told.contains_key(&user) {
        return false;
    }
    told.insert(user, now);
    true
}

/// Takes the factor away if its day has come. Called wherever it matters whether the account still has one.
pub(crate) async fn settle(app: &App, user: UserRow) -> Result<UserRow, ApiError> {
    let now = app.engine.now();
    let Some(row) = app.engine.store().factor_removal(user.id).await?.filter(|row| row.due <= now) else {
        return Ok(user);
    };
    take(app, &Actor::system(), user, row, "nobody stopped it for a day").await
}

/// Takes the factor away at once: on a second person's word.
pub(crate) async fn at_once(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<ReasonInput>,
) -> Result<Response, ApiError> {
    let (user, _) = person(&app, &actor).await?;
    let row = app.engine.store().factor_removal(user.id).await?;
    let row = row.ok_or_else(|| {
        ApiError::Conflict("no factor of yours is on its way out: remove your last one first".to_owned())
    })?;
    if record::is_agreed() {
        let reason = wk_domain::text::clean_line(&input.reason, 500);
        take(&app, &actor, user, row, &reason).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let what = if kind(&row) == "passkey" { "passkey" } else { "authenticator" };
    let wanted = Wanted {
        act: "user.remove_factor",
        object: format!("user:{}", user.name),
        summary: format!("Take the last second factor ({what}) from {} at once", user.name),
        target: Some(user.id.to_string()),
        reason: &input.reason,
        input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
    };
    four_eyes::ask_somebody(&app, &actor, wanted).await
}

async fn take(
    app: &App,
    by: &Actor,
    user: UserRow,
    row: FactorRemovalRow,
    reason: &str,
) -> Result<UserRow, ApiError> {
    let (store, now, due) = (app.engine.store(), app.engine.now(), row.due);
    let audit = vec![
        record::draft(by, now, "user.remove_factor", "user", &user.name)
            .within(user.tenant)
            .images(Some(&image(&row)), None)
            .reason(reason),
        record::draft(by, now, "session.end", "user", &user.name)
            .within(user.tenant)
            .reason("the last second factor was removed"),
    ];
    if store.take_factor(user.id, due.max(now), audit).await? {
        tell(app, "warning", &user, format!("{} has no second factor now, and must enrol one", user.name))
            .await?;
    }
    store.user(user.id).await?.ok_or(ApiError::SignIn)
}

async fn remove_totp(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Result<StatusCode, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    if user.totp_sealed.is_empty() {
        return Err(ApiError::Conflict("you have no authenticator".to_owned()));
    }
    if app.engine.store().passkeys(user.id).await?.is_empty() {
        ask(&app, &actor, &user, "totp").await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let change = UserChange::of(UserRow { totp_sealed: Vec::new(), ..user });
    secure(&app, &actor, "user.remove_authenticator", session, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn stop(app: &App, actor: &Actor, user: &UserRow) -> Result<StatusCode, ApiError> {
    let now = app.engine.now();
    let before = app.engine.store().factor_removal(user.id).await?;
    let audit = record::draft(actor, now, "user.stop_factor_removal", "user", &user.name)
        .within(user.tenant)
        .images(before.as_ref().map(image).as_ref(), None);
    app.engine.store().stop_factor_removal(user.id, vec![audit]).await?;
    tell(
        app,
        "info",
        user,
        format!("{} keeps the last second factor: {} stopped its removal", user.name, actor.label()),
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another factor is enrolled: the one that was to go is not the last any more.
pub(crate) async fn forget(app: &App, actor: &Actor, user: &UserRow) -> Result<(), ApiError> {
    if app.engine.store().factor_removal(user.id).await?.is_some() {
        stop(app, actor, user).await?;
    }
    Ok(())
}

async fn stop_mine(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Result<StatusCode, ApiError> {
    let (user, _) = person(&app, &actor).await?;
    stop(&app, &actor, &user).await
}

async fn stop_anybodys(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
) -> Result<StatusCode, ApiError> {
    let user = found(&app, id).await?;
    stop(&app, &actor, &user).await
}

pub(crate) async fn found(app: &App, id: UserId) -> Result<UserRow, ApiError> {
    app.engine
        .store()
        .user(id)
        .await?
        .ok_or_else(|| ApiError::NotFound("the account is not there".to_owned()))
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Result<Json<Page<FactorRemoval>>, ApiError> {
    let scope = app.engine.world().view_of(&actor, wk_authz::Act::UserWrite).scope().clone();
    let mut users = app.engine.store().people(&scope).await?;
    {
        let world = app.engine.world();
        let seen = world.view_of(&actor, wk_authz::Act::UserWrite);
        users.retain(|user| seen.owned(user.tenant, user.id));
    }
    let rows = app.engine.store().factor_removals().await?;
    // Of the accounts that the reader may act on.
    let items = rows.into_iter().filter_map(|row| {
        let name = users.iter().find(|user| user.id == row.user)?.name.clone();
        Some(view(row, &name))
    });
    Ok(Json(Page { items: items.collect(), total: None, next: None }))
}
