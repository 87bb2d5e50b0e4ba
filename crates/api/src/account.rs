//! One's own password and factors, and the fresh factor that dangerous acts ask for.
//!
//! Whoever changes what they sign in with ends all their other sessions: a thief's too. A wrong code or password counts
//! as a failed sign-in, and a few of them end the session that tries.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use wk_audit::Commitment;
use wk_authz::{Actor, SelfManage, SelfSecure, Who};
use wk_domain::{SessionId, Timestamp, UserId};
use wk_engine::ports::rows::{EndSessions, SessionRow, UserChange, UserRow};
use wk_engine::record::{self, DraftExt as _};
use wk_identity::{Password, RecoveryCode, SessionToken, Totp};

use crate::auth::{Caller, Origin};
use crate::body::Body;
use crate::dto::{CodeInput, Factors, PasswordChange, RecoveryCodes, TotpSetup};
use crate::error::ApiError;
use crate::routes::{Routes, get, post};
use crate::sign::{Desk, accepted, busy, check_code, cookie_of, session_end, times_of};
use crate::state::App;
use crate::time;

/// How long a new authenticator waits for its first code.
const HALF_DONE: Duration = Duration::from_secs(30 * 60);
/// New authenticators that wait at once; the oldest goes.
const HALF_DONE_MAX: usize = 1_000;
/// Wrong codes and passwords of one session, after which it ends.
const TRIES_MAX: u8 = 5;
/// Sessions whose tries are remembered.
const TRIES_KEPT: usize = 10_000;

type Answer<T> = Result<Json<T>, ApiError>;

/// What is known of half-done changes; gone with the program.
#[derive(Debug, Default)]
pub(crate) struct Half {
    totp: Mutex<HashMap<UserId, (Totp, Timestamp)>>,
    tries: Mutex<HashMap<SessionId, u8>>,
}

impl Half {
    fn wrong(&self, session: SessionId) -> u8 {
        let mut tries = self.tries.lock();
        if tries.len() >= TRIES_KEPT && !tries.contains_key(&session) {
            tries.clear();
        }
        let count = tries.entry(session).or_default();
        *count = count.saturating_add(1);
        *count
    }

    fn right(&self, session: SessionId) {
        self.tries.lock().remove(&session);
    }

    fn begin(&self, user: UserId, totp: Totp, now: Timestamp) {
        let mut half = self.totp.lock();
        half.retain(|_, (_, began)| now.since(*began) < HALF_DONE);
        if half.len() >= HALF_DONE_MAX {
            let oldest = half.iter().min_by_key(|(_, (_, began))| *began).map(|(key, _)| *key);
            oldest.map(|key| half.remove(&key));
        }
        half.insert(user, (totp, now));
    }
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<SelfManage, _, _>(get("/me/factors", "What I sign in with").answer::<Factors>(), factors)
        .add::<SelfManage, _, _>(
            post(
                "/me/elevate",
                "A fresh code, for acts that ask for one: the session goes on under another token",
            )
            .body::<CodeInput>()
            .answer::<Factors>(),
            elevate,
        )
        .add::<SelfSecure, _, _>(
            post("/me/password", "Change my password: ends my other sessions").body::<PasswordChange>(),
            password,
        )
        .add::<SelfSecure, _, _>(
            post("/me/totp/begin", "A new authenticator; the old one works until the new one is confirmed")
                .answer::<TotpSetup>(),
            totp_begin,
        )
        .add::<SelfSecure, _, _>(
            post("/me/totp/finish", "The new authenticator's first code: ends my other sessions")
                .body::<CodeInput>(),
            totp_finish,
        )
        .add::<SelfSecure, _, _>(
            post("/me/recovery-codes", "New recovery codes; the old ones are void. Ends my other sessions")
                .answer::<RecoveryCodes>(),
            recovery_codes,
        )
}

async fn person(app: &App, actor: &Actor) -> Result<(UserRow, SessionId), ApiError> {
    let Who::User { id, session, .. } = &actor.who else {
        return Err(ApiError::Conflict(
            "the local socket has no password and no factors: sign in with an account".to_owned(),
        ));
    };
    let user = app.engine.store().user(*id).await?.ok_or(ApiError::SignIn)?;
    Ok((user, *session))
}

/// Writes a wrong try down, and ends a session that goes on trying.
async fn wrong(
    app: &App,
    actor: &Actor,
    user: &UserRow,
    session: SessionId,
    action: &'static str,
    refusal: ApiError,
) -> ApiError {
    let written = async {
        app.engine.counters().add("sign_in.failed", 1);
        let (store, now) = (app.engine.store(), app.engine.now());
        let audit = record::draft(actor, now, action, "user", &user.name).denied("wrong password or code");
        {
            let _counting = app.people.counting.lock().await;
            let before = store.user(user.id).await?.unwrap_or_else(|| user.clone());
            let failures = before.failures.saturating_add(1);
            let audit = audit.images_of(Some(&before), Some(&UserRow { failures, ..before.clone() }));
            store.set_failures(user.id, failures, audit).await?;
        }
        if app.people.account.wrong(session) < TRIES_MAX {
            return Ok(refusal);
        }
        let audit = session_end(app, actor, session, now).await?.reason("too many wrong passwords or codes");
        store.end_session(session, now, audit).await?;
        Ok(ApiError::SignIn)
    };
    written.await.unwrap_or_else(|error: ApiError| error)
}

async fn factors(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<Factors> {
    let Who::User { .. } = &actor.who else {
        return Ok(Json(Factors { totp: false, recovery_codes_left: 0, fresh_until: None }));
    };
    let (user, session) = person(&app, &actor).await?;
    shown(&app, &user, session).await
}

async fn shown(app: &App, user: &UserRow, session: SessionId) -> Answer<Factors> {
    let store = app.engine.store();
    let facts = store.user_facts().await?.into_iter().find(|facts| facts.user == user.id);
    let session = store.sessions(user.id).await?.into_iter().find(|row| row.id == session);
    let now = app.engine.now();
    let fresh = session.and_then(|row| times_of(&row).elevated_until()).filter(|until| *until > now);
    Ok(Json(Factors {
        totp: !user.totp_sealed.is_empty(),
        recovery_codes_left: facts.map_or(0, |facts| facts.recovery_left),
        fresh_until: fresh.map(time::write),
    }))
}

async fn elevate(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<CodeInput>,
) -> Result<Response, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let now = app.engine.now();
    if check_code(&app, &user, &input.code, now).await?.is_none() {
        let refusal = ApiError::field("/code", "this code is not right, or was used already");
        return Err(wrong(&app, &actor, &user, session, "session.elevate", refusal).await);
    }
    app.people.account.right(session);
    let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
    let before = app.engine.store().sessions(user.id).await?.into_iter().find(|row| row.id == session);
    let after = before.clone().map(|row| SessionRow {
        token_sha256: token.sha256().to_vec(),
        elevated: Some(now),
        ..row
    });
    let audit = record::draft(&actor, now, "session.elevate", "session", session)
        .images_of(before.as_ref(), after.as_ref());
    app.engine.store().elevate_session(session, token.sha256().to_vec(), now, audit).await?;
    let answer = shown(&app, &user, session).await?;
    Ok(([(header::SET_COOKIE, cookie_of(&token)?)], answer).into_response())
}

/// Changes what the person signs in with, and ends their other sessions, in one go.
async fn secure(
    app: &App,
    actor: &Actor,
    action: &'static str,
    session: SessionId,
    change: UserChange,
) -> Result<(), ApiError> {
    let now = app.engine.now();
    let name = change.user.name.clone();
    let before = app.engine.store().user(change.user.id).await?.ok_or(ApiError::SignIn)?;
    let codes = change.recovery_sha256.as_ref().map(|codes| Commitment::to_stored(&codes.concat()));
    let audit = vec![
        record::draft(actor, now, action, "user", &name)
            .next_revision(Some(before.revision))
            .images_of(Some(&before), Some(&change.user))
            .secret_change("recovery_codes", None, codes),
        record::draft(actor, now, "session.end", "user", &name).reason("all sessions but the one at hand"),
    ];
    let change = UserChange { end_sessions: Some(EndSessions { keep: Some(session), at: now }), ..change };
    Ok(app.engine.store().change_user(change, audit).await?)
}

async fn password(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let desk = &app.people;
    let source = origin.ip().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let refusal = || ApiError::field("/current", "this is not your password");
    let (Ok(current), Ok(old)) = (Password::parse(&input.current), Password::parse(&input.current)) else {
        return Err(wrong(&app, &actor, &user, session, "user.change_password", refusal()).await);
    };
    let known = Some(user.password_phc.as_str()).filter(|phc| !phc.is_empty());
    if !desk.hasher.verify(source, current, known).await.map_err(busy)?.ok {
        return Err(wrong(&app, &actor, &user, session, "user.change_password", refusal()).await);
    }
    desk.account.right(session);
    let (password, verdict) = desk.judge(&input.password, &[&user.name, &user.display_name], Some(&old))?;
    accepted(verdict)?;
    let password_phc = desk.hasher.hash(source, password).await.map_err(busy)?;
    let change = UserChange::of(UserRow { password_phc, ..user });
    secure(&app, &actor, "user.change_password", session, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn totp_begin(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<TotpSetup> {
    let (user, _) = person(&app, &actor).await?;
    let now = app.engine.now();
    let totp = Totp::generate().map_err(|_| ApiError::Internal)?;
    let setup = TotpSetup {
        secret: totp.seed_text().expose().clone(),
        uri: totp.uri("Watchkeep", &user.name).expose().clone(),
    };
    let audit = record::draft(&actor, now, "user.begin_authenticator", "user", &user.name);
    app.engine.store().append_audit(vec![audit]).await?;
    app.people.account.begin(user.id, totp, now);
    Ok(Json(setup))
}

async fn totp_finish(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<CodeInput>,
) -> Result<StatusCode, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let desk = &app.people;
    let now = app.engine.now();
    let (totp_last_step, totp_sealed) = {
        let half = desk.account.totp.lock();
        let (totp, _) =
            half.get(&user.id).filter(|(_, began)| now.since(*began) < HALF_DONE).ok_or_else(|| {
                ApiError::Gone("begin again: a new authenticator is not kept that long".to_owned())
            })?;
        let step = totp.check(&input.code, now, 0).ok_or_else(|| {
            ApiError::field(
                "/code",
                "this is not the new authenticator's code of now; look whether the clock of your device is right",
            )
        })?;
        let address = user.id.to_string();
        let sealed =
            desk.keys.seal(&Desk::totp_at(&address), totp.seed().expose()).map_err(|_| ApiError::Internal)?;
        (step, sealed)
    };
    let id = user.id;
    let change = UserChange::of(UserRow { totp_sealed, totp_last_step, ..user });
    secure(&app, &actor, "user.change_authenticator", session, change).await?;
    desk.account.totp.lock().remove(&id);
    Ok(StatusCode::NO_CONTENT)
}

async fn recovery_codes(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<RecoveryCodes> {
    let (user, session) = person(&app, &actor).await?;
    let codes = RecoveryCode::generate_set().map_err(|_| ApiError::Internal)?;
    let hashes = codes.iter().map(|code| code.sha256_for(user.id).to_vec()).collect();
    let change = UserChange { recovery_sha256: Some(hashes), ..UserChange::of(user) };
    secure(&app, &actor, "user.new_recovery_codes", session, change).await?;
    Ok(Json(RecoveryCodes {
        recovery_codes: codes.iter().map(|code| code.text().expose().clone()).collect(),
    }))
}
