//! Accounts for the day the providers are down, and whether local accounts are for that day alone.
//!
//! Such an account hangs on no provider, so none can map or close it. Its use is an alarm: an event, a notification through
//! every channel of the whole server, and a line among the server's own checks for a day.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde_json::json;
use wk_authz::{ProviderRead, ProviderWrite, Role, UserWrite};
use wk_domain::{Timestamp, UserId, UserKind};
use wk_engine::live::Live;
use wk_engine::ports::rows::{EventRow, SessionRow, UserRow};
use wk_engine::record::{self, DraftExt as _};

use super::dto::{EmergencyAccount, EmergencyInput, LocalSignIn};
use crate::auth::Caller;
use crate::body::{Body, PathId};
use crate::dto::Page;
use crate::error::ApiError;
use crate::routes::{Routes, get, post, put};
use crate::state::App;
use crate::time;

const LOCAL: &str = "sign_in.local";
const USED: &str = "sign_in.emergency_used";
/// How long the use of one is shown among the server's own checks.
const SHOWN: std::time::Duration = std::time::Duration::from_secs(86_400);

/// Who may sign in with a local account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Local {
    Everybody,
    Emergency,
}

impl Local {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Emergency => "emergency",
        }
    }
}

pub(crate) async fn local(app: &App) -> Result<Local, ApiError> {
    let kept = app.engine.store().setting(LOCAL).await?;
    Ok(if kept.as_deref() == Some(Local::Emergency.as_str()) { Local::Emergency } else { Local::Everybody })
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add::<ProviderRead, _, _>(
            get("/sign-in/emergency", "Accounts kept for the day the providers are down")
                .page::<EmergencyAccount>(),
            list,
        )
        .add::<ProviderWrite, _, _>(
            put("/sign-in/local", "Who may sign in with a local account").body::<LocalSignIn>(),
            set_local,
        )
        .add::<UserWrite, _, _>(
            post("/users/{id}/emergency", "Keep an account for emergencies, or no longer")
                .body::<EmergencyInput>(),
            set_emergency,
        )
}

/// Whether an account could be used on that day, and what is missing.
async fn ready(app: &App, user: &UserRow) -> Result<Result<(), &'static str>, ApiError> {
    let passkeys = app.engine.store().passkeys(user.id).await?.len();
    let has_password = !user.password_phc.is_empty() && !user.totp_sealed.is_empty();
    Ok(if user.disabled.is_some() {
        Err("it is disabled")
    } else if Role::parse(&user.role) != Some(Role::Admin) {
        Err("it is no administrator's")
    } else if passkeys == 0 && !has_password {
        Err("it has neither a passkey nor a password with an authenticator")
    } else {
        Ok(())
    })
}

async fn accounts(app: &App) -> Result<Vec<(UserRow, Timestamp, Result<(), &'static str>)>, ApiError> {
    let mut found = Vec::new();
    for (id, since) in app.engine.store().break_glass().await? {
        let Some(user) = app.engine.store().user(id).await? else { continue };
        let ready = ready(app, &user).await?;
        found.push((user, since, ready));
    }
    Ok(found)
}

async fn list(State(app): State<App>) -> Result<Json<Page<EmergencyAccount>>, ApiError> {
    let items = accounts(&app)
        .await?
        .into_iter()
        .map(|(user, since, ready)| EmergencyAccount {
            id: user.id.to_string(),
            name: user.name,
            since: time::write(since),
            ready: ready.is_ok(),
            detail: ready.err().unwrap_or_default().to_owned(),
        })
        .collect();
    Ok(Json(Page { items, total: None, next: None }))
}

fn reason(raw: &str) -> Result<String, ApiError> {
    let reason = wk_domain::text::clean_line(raw, 500);
    if reason.is_empty() { Err(ApiError::field("/reason", "say why")) } else { Ok(reason) }
}

async fn set_local(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<LocalSignIn>,
) -> Result<StatusCode, ApiError> {
    let reason = reason(&input.reason)?;
    let wanted = [Local::Everybody, Local::Emergency].into_iter().find(|local| local.as_str() == input.local);
    let wanted = wanted.ok_or_else(|| ApiError::field("/local", "use everybody or emergency"))?;
    let before = local(&app).await?;
    if wanted == Local::Emergency {
        if !accounts(&app).await?.iter().any(|(_, _, ready)| ready.is_ok()) {
            return Err(ApiError::Conflict(
                "nobody could come in when the providers are down: keep an administrator's account with a passkey for \
                 emergencies first"
                    .to_owned(),
            ));
        }
        if !app.engine.store().providers().await?.iter().any(|row| row.enabled) {
            return Err(ApiError::Conflict(
                "there is no other way to sign in: add a provider, and try it, first".to_owned(),
            ));
        }
    }
    let audit = record::draft(&actor, app.engine.now(), "sign_in.set_local", "server", "sign-in")
        .reason(reason)
        .text("local", Some(before.as_str()), Some(wanted.as_str()));
    app.engine.store().put_setting(LOCAL, wanted.as_str(), Some(audit)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_emergency(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<EmergencyInput>,
) -> Result<StatusCode, ApiError> {
    let reason = reason(&input.reason)?;
    let store = app.engine.store();
    let user =
        store.user(id).await?.ok_or_else(|| ApiError::NotFound("the account is not there".to_owned()))?;
    let now = app.engine.now();
    let was = store.break_glass().await?.iter().any(|(known, _)| *known == id);
    if was == input.emergency {
        return Ok(StatusCode::NO_CONTENT);
    }
    if input.emergency {
        if let Err(missing) = ready(&app, &user).await? {
            return Err(ApiError::Conflict(format!(
                "the account could not be used in an emergency: {missing}"
            )));
        }
    } else {
        keep_one(&app, id).await?;
    }
    let word = |on: bool| Some(if on { "yes" } else { "no" });
    let audit = record::draft(&actor, now, "user.set_emergency", "user", &user.name)
        .within(user.tenant)
        .reason(reason)
        .text("emergency", word(was), word(input.emergency));
    store.set_break_glass(id, input.emergency.then_some(now), audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses to take away the last account by which somebody could come in while local sign-in is for emergencies alone.
///
/// # Errors
/// 409.
pub(crate) async fn keep_one(app: &App, id: UserId) -> Result<(), ApiError> {
    if local(app).await? == Local::Everybody {
        return Ok(());
    }
    let accounts = accounts(app).await?;
    let is_one = accounts.iter().any(|(user, _, ready)| user.id == id && ready.is_ok());
    if is_one && !accounts.iter().any(|(user, _, ready)| user.id != id && ready.is_ok()) {
        return Err(ApiError::Conflict(
            "this is the last account for emergencies, and local sign-in is for those alone: keep another one first"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Whether somebody with right factors of ours may come in by them.
///
/// # Errors
/// 409 that says how else.
pub(crate) async fn may_come_locally(app: &App, user: &UserRow) -> Result<(), ApiError> {
    // An account that was made for somebody whom a provider knows is as open as the provider says: its passkeys are a
    // second step, not a way past it. One that was given a password here stands on its own.
    if user.password_phc.is_empty()
        && app.engine.store().links_of(user.id).await?.iter().any(|link| link.made_account)
    {
        return Err(ApiError::Conflict(
            "your account belongs to your organisation's provider: sign in over that".to_owned(),
        ));
    }
    if local(app).await? == Local::Everybody {
        return Ok(());
    }
    if app.engine.store().break_glass().await?.iter().any(|(known, _)| *known == user.id) {
        return Ok(());
    }
    Err(ApiError::Conflict(
        "local accounts are for emergencies alone on this server: sign in over your organisation's provider"
            .to_owned(),
    ))
}

/// Raises the alarm when an account for emergencies came in. Its owner is not kept waiting, nor out, when that fails.
pub(crate) async fn noticed(app: &App, user: &UserRow, session: &SessionRow) {
    match app.engine.store().break_glass().await {
        Ok(kept) if kept.iter().any(|(known, _)| *known == user.id) => {}
        Ok(_) => return,
        Err(error) => {
            return tracing::error!("whether an account is for emergencies cannot be seen: {error}");
        }
    }
    app.engine.counters().add("sign_in.emergency", 1);
    tracing::warn!(user.name = %user.name, source.address = %session.address, "an account for emergencies signed in");
    if let Err(error) = alarm(app, user, session).await {
        tracing::error!("the use of an account for emergencies could not be told: {error}");
    }
}

async fn alarm(app: &App, user: &UserRow, session: &SessionRow) -> Result<(), ApiError> {
    let store = app.engine.store();
    let now = app.engine.now();
    let summary = format!("The emergency account {} signed in from {}", user.name, session.address);
    let event = EventRow {
        id: wk_engine::ids::new_id(now),
        at: now,
        host: None,
        check: None,
        agent: None,
        kind: "security".to_owned(),
        severity: "critical".to_owned(),
        summary: summary.clone(),
        detail_json: json!({"user": user.id.to_string(), "session": session.id.to_string()}).to_string(),
    };
    store.put_event(event.clone(), None).await?;
    app.engine.live().publish([Live::Event(std::sync::Arc::new(event))]);
    store.put_setting(USED, &format!("{} {}", now.as_ms(), user.name), None).await?;
    let output = format!(
        "{summary}, with {}. If nobody had to, end its sessions under Access, and look at the audit log.",
        session.method
    );
    crate::notice::send(app, "Emergency account", "critical", &output).await
}

/// For the server's own checks: whose emergency account was used within the last day.
pub(crate) async fn recent(app: &App) -> Option<(Timestamp, String)> {
    let kept = app.engine.store().setting(USED).await.ok()??;
    let (at, name) = kept.split_once(' ')?;
    let at = Timestamp::from_ms(at.parse().ok()?);
    (app.engine.now().since(at) < SHOWN).then(|| (at, name.to_owned()))
}
