//! One's own password and factors, and the fresh factor that dangerous acts ask for.
//!
//! Whoever changes what they sign in with ends all their other sessions: a thief's too. A wrong code or password counts
//! as a failed sign-in, and a few of them end the session that tries.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use wk_audit::Commitment;
use wk_authz::{Actor, SelfManage, SelfSecure, Who};
use wk_domain::{SessionId, Timestamp, UserId};
use wk_engine::ports::passkeys::{FactorUse, SessionRaise};
use wk_engine::ports::rows::{EndSessions, SessionRow, UserChange, UserRow};
use wk_engine::record::{self, DraftExt as _};
use wk_identity::{Lane, Password, RecoveryCode, SessionToken, Totp};

use crate::auth::Caller;
use crate::body::Body;
use crate::dto::{CodeInput, ElevateInput, Factors, PasswordChange, RecoveryCodes, TotpSetup};
use crate::error::ApiError;
use crate::passkeys::{For, Here};
use crate::policy;
use crate::removal;
use crate::routes::{Routes, delete, get, post};
use crate::sign::{Desk, ENROL, busy, cookie_of, find_code, must_enrol, session_end, times_of};
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
                "A fresh passkey or code, for acts that ask for one: the session goes on under another token",
            )
            .body::<ElevateInput>()
            .answer::<Factors>(),
            elevate,
        )
        .add::<SelfManage, _, _>(
            delete("/me/elevate", "From now on dangerous acts ask for a fresh factor again")
                .answer::<Factors>(),
            lower,
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
                .body::<CodeInput>()
                .answer::<Factors>(),
            totp_finish,
        )
        .add::<SelfSecure, _, _>(
            post("/me/recovery-codes", "New recovery codes; the old ones are void. Ends my other sessions")
                .answer::<RecoveryCodes>(),
            recovery_codes,
        )
}

pub(crate) async fn person(app: &App, actor: &Actor) -> Result<(UserRow, SessionId), ApiError> {
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
        return Ok(Json(Factors::default()));
    };
    let (user, session) = person(&app, &actor).await?;
    let user = removal::settle(&app, user).await?;
    shown(&app, &user, session).await
}

async fn shown(app: &App, user: &UserRow, session: SessionId) -> Answer<Factors> {
    let store = app.engine.store();
    let facts = store.user_facts().await?.into_iter().find(|facts| facts.user == user.id);
    let session = store.sessions(user.id).await?.into_iter().find(|row| row.id == session);
    let now = app.engine.now();
    let must_enrol = session.as_ref().is_some_and(|row| must_enrol(&row.method));
    let fresh = session.and_then(|row| times_of(&row).elevated_until()).filter(|until| *until > now);
    let removal = store.factor_removal(user.id).await?;
    Ok(Json(Factors {
        totp: !user.totp_sealed.is_empty(),
        passkeys: facts.as_ref().map_or(0, |facts| facts.passkeys),
        removal: removal.map(|row| removal::view(row, &user.name)),
        must_enrol,
        recovery_codes_left: facts.as_ref().map_or(0, |facts| facts.recovery_left),
        fresh_until: fresh.map(time::write),
    }))
}

async fn elevate(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    here: Here,
    headers: HeaderMap,
    Body(input): Body<ElevateInput>,
) -> Result<Response, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let user = removal::settle(&app, user).await?;
    let now = app.engine.now();
    let mut counted = None;
    let (factor, refusal) = match (&input.passkey, &input.code) {
        (Some(passkey), None) => {
            let what_for = For::Elevate(session);
            match app.people.check_passkey(&app, what_for, here.party()?, Some(user.id), passkey).await? {
                Ok((_, factor)) => (Some(factor), None),
                Err(error) => (None, Some(ApiError::field("/passkey", error.to_string()))),
            }
        }
        (None, Some(code)) => {
            // A session has its five tries, and all of an account's sessions those of signing in together.
            counted = Some(app.people.admit_code(&app, &user, &headers, now).await?);
            (find_code(&app, &user, code, now)?.map(|(_, factor)| factor), None)
        }
        _ => return Err(ApiError::field("/code", "give a code, or use a passkey")),
    };
    let refusal =
        refusal.unwrap_or_else(|| ApiError::field("/code", "this code is not right, or was used already"));
    let Some(factor) = factor else {
        return Err(wrong(&app, &actor, &user, session, "session.elevate", refusal).await);
    };
    // Used up by what it opens, or not at all: of two with one code, one is refused.
    let Some(cookie) = raise(&app, &actor, &user, session, factor, None).await? else {
        return Err(wrong(&app, &actor, &user, session, "session.elevate", refusal).await);
    };
    app.people.account.right(session);
    if let Some(device) = counted {
        app.people.code_was_right(user.id, device);
    }
    let answer = shown(&app, &user, session).await?;
    Ok(([(header::SET_COOKIE, cookie)], answer).into_response())
}

/// The session goes on with a fresh factor, under another token; none when the factor was used already.
pub(crate) async fn raise(
    app: &App,
    actor: &Actor,
    user: &UserRow,
    session: SessionId,
    factor: FactorUse,
    method: Option<String>,
) -> Result<Option<HeaderValue>, ApiError> {
    let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
    let now = app.engine.now();
    let before = app.engine.store().sessions(user.id).await?.into_iter().find(|row| row.id == session);
    let after = before.clone().map(|row| SessionRow {
        token_sha256: token.sha256().to_vec(),
        elevated: Some(now),
        method: method.clone().unwrap_or(row.method),
        ..row
    });
    let audit = record::draft(actor, now, "session.elevate", "session", session)
        .images_of(before.as_ref(), after.as_ref());
    let raise = SessionRaise { session, token_sha256: token.sha256().to_vec(), at: now, factor, method };
    let raised = app.engine.store().raise_session(raise, audit).await?;
    raised.then(|| cookie_of(&token)).transpose()
}

/// Ends the ten minutes early.
async fn lower(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Result<Response, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
    let now = app.engine.now();
    let before = app.engine.store().sessions(user.id).await?.into_iter().find(|row| row.id == session);
    let after =
        before.clone().map(|row| SessionRow { token_sha256: token.sha256().to_vec(), elevated: None, ..row });
    let audit = record::draft(&actor, now, "session.lower", "session", session)
        .images_of(before.as_ref(), after.as_ref());
    app.engine.store().lower_session(session, token.sha256().to_vec(), audit).await?;
    let answer = shown(&app, &user, session).await?;
    Ok(([(header::SET_COOKIE, cookie_of(&token)?)], answer).into_response())
}

/// A factor was enrolled. A session that was there for nothing else is an ordinary one from now on, under another token.
pub(crate) async fn enrolled(
    app: &App,
    actor: &Actor,
    user: &UserRow,
    session: SessionId,
    factor: &'static str,
) -> Result<Response, ApiError> {
    let Who::User { method, .. } = &actor.who else { return Err(ApiError::Internal) };
    let user = app.engine.store().user(user.id).await?.ok_or(ApiError::SignIn)?;
    let Some(first) = method.strip_suffix(ENROL) else {
        return Ok(shown(app, &user, session).await?.into_response());
    };
    let method = format!("{first}+{factor}");
    let cookie = raise(app, actor, &user, session, FactorUse::Nothing, Some(method)).await?;
    let cookie = cookie.ok_or(ApiError::Internal)?;
    let answer = shown(app, &user, session).await?;
    Ok(([(header::SET_COOKIE, cookie)], answer).into_response())
}

/// Changes what the person signs in with, and ends their other sessions, in one go.
pub(crate) async fn secure(
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
    app.engine.store().change_user(change, audit).await?;
    let what = match action {
        "user.change_password" => "has another password now",
        "user.change_authenticator" => "has another authenticator now",
        "user.remove_authenticator" => "has no authenticator any more",
        "user.new_recovery_codes" => "has other recovery codes now",
        _ => "signs in with something else now",
    };
    removal::tell_changed(app, &before, what).await
}

async fn password(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let desk = &app.people;
    let refusal = || ApiError::field("/current", "this is not your password");
    let (Ok(current), Ok(old)) = (Password::parse(&input.current), Password::parse(&input.current)) else {
        return Err(wrong(&app, &actor, &user, session, "user.change_password", refusal()).await);
    };
    let known = Some(user.password_phc.as_str()).filter(|phc| !phc.is_empty());
    if !desk.hasher.verify(Lane::Known, current, known).await.map_err(busy)?.ok {
        return Err(wrong(&app, &actor, &user, session, "user.change_password", refusal()).await);
    }
    desk.account.right(session);
    policy::old_enough(&app, &user).await?;
    let choice = policy::Choice {
        user: Some(&user),
        role: &user.role,
        second_factor: policy::has_factor(&app, &user).await?,
        context: vec![user.name.clone(), user.display_name.clone()],
        old: Some(old),
        lane: Lane::Known,
    };
    let (password_phc, set) = policy::choose_password(&app, input.password, choice).await?;
    let id = user.id;
    let change = UserChange { password: Some(set), ..UserChange::of(UserRow { password_phc, ..user }) };
    secure(&app, &actor, "user.change_password", session, change).await?;
    policy::was_chosen(&app, id);
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
) -> Result<Response, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let desk = &app.people;
    let now = app.engine.now();
    let totp_revision = user.revision.saturating_add(1);
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
        let sealed = desk
            .keys
            .seal(&Desk::totp_at(&address, totp_revision), totp.seed().expose())
            .map_err(|_| ApiError::Internal)?;
        (step, sealed)
    };
    let id = user.id;
    let kept = user.clone();
    removal::forget(&app, &actor, &user).await?;
    let change = UserChange::of(UserRow { totp_sealed, totp_revision, totp_last_step, ..user });
    secure(&app, &actor, "user.change_authenticator", session, change).await?;
    desk.account.totp.lock().remove(&id);
    enrolled(&app, &actor, &kept, session, "totp").await
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
