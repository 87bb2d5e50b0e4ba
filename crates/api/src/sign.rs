//! Claiming a new server, signing in and out, and one's own sessions.
//!
//! The answer to a wrong name, a wrong password, a disabled account and a closed one is the same, after the same work.
//! What is known before both factors are right lives in memory only, bounded, and is gone after minutes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use parking_lot::Mutex;
use tokio::sync::watch;
use wk_audit::Image;
use wk_authz::{Act, Actor, Public, Rights, Role, SelfManage, Who};
use wk_domain::{InvitationId, SessionId, SessionKind, TenantId, Timestamp, UserId};
use wk_engine::Engine;
use wk_engine::ports::outside::OutsideSession;
use wk_engine::ports::passkeys::{Admission, FactorUse, SessionStart};
use wk_engine::ports::rows::{EndSessions, SessionRow, UserChange, UserRow};
use wk_engine::record::{self, DraftExt as _};
use wk_identity::passkey::PasskeyChallenges;
use wk_identity::{
    ClaimToken, FactorThrottle, Lane, LoginThrottle, Password, PasswordHasher, PasswordPolicy, RecoveryCode,
    SessionTimes, SessionToken, ThrottleLimits, Totp,
};
use wk_seal::{DataKeys, FieldAddress, Secret};

use crate::auth::{Asked, COOKIE, Caller, Origin};
use crate::body::{Body, PathId};
use crate::dto::{
    ClaimBegin, ClaimCheck, ClaimFinish, ClaimFor, Claimed, EmergencyUse, FactorSetup, FieldError, Me, Meta,
    Page, PasswordCheck, PasswordVerdict, Session, SignIn, SignInChallenge, SignInEnrol, SignInFactor,
};
use crate::error::ApiError;
use crate::passkeys::{For, Here};
use crate::routes::{Routes, delete, get, post};
use crate::state::App;
use crate::time;

/// Settings that hold the open claim: digest of the token, and when it ends.
const CLAIM_DIGEST: &str = "claim.token_sha256";
const CLAIM_EXPIRES: &str = "claim.expires_ms";
/// How long a half-done sign-in or claim is remembered.
const HALF_DONE: Duration = Duration::from_secs(5 * 60);
/// Half-done sign-ins at once; the oldest goes.
const CHALLENGES_MAX: usize = 10_000;
/// Half-done claims and invitations at once.
const HALF_CLAIMED_MAX: usize = 100;
/// Words about a person that a password is compared with.
const CONTEXT_MAX: usize = 48;
/// Codes one may try for one right password.
const CODES_MAX: u8 = 5;

struct Challenge {
    user: UserId,
    /// Of the password that was right; none for whoever came over a provider.
    attempt: Option<wk_identity::Attempt>,
    via: Option<Via>,
    /// The known device it came from, for its own count of codes.
    device: Option<[u8; 16]>,
    /// Why the password must be changed before anything else.
    must_change: Option<String>,
    began: Timestamp,
    tries: u8,
}

/// Over whom somebody came, who still has to give a factor of ours.
#[derive(Debug, Clone)]
pub(crate) struct Via {
    /// `oidc:Keycloak`.
    pub(crate) method: String,
    pub(crate) outside: OutsideSession,
}

/// Whom a link lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Invited {
    /// Absent for the claim of a new server.
    invitation: Option<InvitationId>,
    /// Whose password and factors are chosen anew; nobody's for a new account.
    person: Option<UserId>,
    /// Where the account is at home.
    tenant: TenantId,
    /// Empty: whatever name the person chooses.
    name: String,
    display_name: String,
    role: String,
    expires: Timestamp,
}

struct HalfClaimed {
    /// Whose it will be: a passkey names its owner.
    user: UserId,
    name: String,
    display_name: String,
    phc: String,
    set: wk_engine::ports::passwords::PasswordSet,
    totp: Totp,
    began: Timestamp,
}

/// Where people are let in.
pub struct Desk {
    pub(crate) hasher: PasswordHasher,
    pub(crate) keys: Arc<DataKeys>,
    pub(crate) account: crate::account::Half,
    /// What is kept about passwords beside the throttle.
    pub(crate) words: crate::policy::Keeper,
    throttle: Mutex<LoginThrottle>,
    factors: Mutex<FactorThrottle>,
    pub(crate) passkeys: PasskeyChallenges,
    challenges: Mutex<HashMap<[u8; 32], Challenge>>,
    half_claimed: Mutex<HashMap<[u8; 32], HalfClaimed>>,
    claiming: tokio::sync::Mutex<()>,
    /// Failures are counted one after the other: tries side by side must not count as one.
    pub(crate) counting: tokio::sync::Mutex<()>,
    claimed: watch::Sender<bool>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("claimed", &*self.claimed.borrow()).finish_non_exhaustive()
    }
}

fn digest_hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Desk {
    /// A desk; `claimed` says whether anybody has an account already.
    pub fn new(hasher: PasswordHasher, keys: Arc<DataKeys>, claimed: bool) -> Self {
        Self {
            hasher,
            keys,
            account: crate::account::Half::default(),
            words: crate::policy::Keeper::default(),
            throttle: Mutex::new(LoginThrottle::new(ThrottleLimits::DEFAULT)),
            factors: Mutex::new(FactorThrottle::new(ThrottleLimits::DEFAULT.rows_max)),
            passkeys: PasskeyChallenges::default(),
            challenges: Mutex::default(),
            half_claimed: Mutex::default(),
            claiming: tokio::sync::Mutex::default(),
            counting: tokio::sync::Mutex::default(),
            claimed: watch::channel(claimed).0,
        }
    }

    /// Turns true when the server is claimed: only then it listens beyond loopback.
    pub fn claimed(&self) -> watch::Receiver<bool> {
        self.claimed.subscribe()
    }

    /// Opens a claim: the link for the first administrator. An older one stops working.
    ///
    /// # Errors
    /// When the store cannot keep it, or there is no randomness.
    pub async fn open_claim(&self, engine: &Engine, origin: &str) -> Result<wk_seal::SecretString, ApiError> {
        let token = ClaimToken::generate().map_err(|_| ApiError::Internal)?;
        let now = engine.now();
        let expires = now + ClaimToken::LIFE;
        let image = Image::new()
            .field("role", Role::Admin.as_str())
            .field("expires_ms", expires.as_ms())
            .stored_secret("secret", &token.sha256());
        let audit = record::draft(&Actor::system(), now, "server.open_claim", "server", "claim")
            .images(None, Some(&image));
        let store = engine.store();
        store.put_setting(CLAIM_EXPIRES, &expires.as_ms().to_string(), None).await?;
        store.put_setting(CLAIM_DIGEST, &digest_hex(&token.sha256()), Some(audit)).await?;
        Ok(token.link(origin))
    }

    async fn check_claim(&self, engine: &Engine, raw: &str) -> Result<([u8; 32], Invited), ApiError> {
        let gone = || {
            ApiError::Gone(
                "this link does not work (any more): ask for a new invitation, or start a server that nobody has \
                 claimed again"
                    .to_owned(),
            )
        };
        let digest = ClaimToken::parse(raw.trim()).map_err(|_| gone())?.sha256();
        let store = engine.store();
        if let Some(row) = store.invitation_by_secret(&digest).await? {
            if row.used.is_some() || row.withdrawn.is_some() || engine.now() >= row.expires {
                return Err(gone());
            }
            let invited = Invited {
                invitation: Some(row.id),
                person: row.person,
                tenant: row.tenant,
                name: row.name,
                display_name: row.display_name,
                role: row.role,
                expires: row.expires,
            };
            return Ok((digest, invited));
        }
        if *self.claimed.borrow() {
            return Err(gone());
        }
        let kept = store.setting(CLAIM_DIGEST).await?.unwrap_or_default();
        let expires_ms = store.setting(CLAIM_EXPIRES).await?.and_then(|ms| ms.parse().ok()).unwrap_or(0);
        let same = Secret::new(kept.into_bytes()) == Secret::new(digest_hex(&digest).into_bytes());
        if !same || engine.now() >= Timestamp::from_ms(expires_ms) {
            return Err(gone());
        }
        let invited = Invited {
            invitation: None,
            person: None,
            tenant: TenantId::ROOT,
            name: String::new(),
            display_name: String::new(),
            role: Role::Admin.as_str().to_owned(),
            expires: Timestamp::from_ms(expires_ms),
        };
        Ok((digest, invited))
    }

    pub(crate) fn set_lockout(&self, lockout: wk_identity::Lockout) {
        self.throttle.lock().set_lockout(lockout);
    }

    /// The role of whoever a link lets in.
    pub(crate) async fn role_behind(&self, engine: &Engine, token: &str) -> Result<String, ApiError> {
        Ok(self.check_claim(engine, token).await?.1.role)
    }

    /// Lets unknown devices try again for an account that was closed after too many failures.
    pub(crate) fn reopen(&self, name: &str) {
        self.throttle.lock().reopen(name);
    }

    /// `old`: the password it replaces, where the person has just given it.
    pub(crate) fn judge(
        &self,
        password: &str,
        context: &[&str],
        old: Option<&Password>,
        policy: &PasswordPolicy,
    ) -> Result<(Password, PasswordVerdict), ApiError> {
        let parsed =
            Password::parse(password).map_err(|error| ApiError::field("/password", error.to_string()))?;
        let verdict = crate::policy::judge(self, &parsed, context, old, policy);
        Ok((parsed, crate::policy::shown(verdict, policy)))
    }

    /// Where a seed stands: with the account's revision that it came with, so that an older one put back in its place
    /// does not open.
    pub(crate) fn totp_at(user: &str, revision: i64) -> FieldAddress<'_> {
        let revision = u64::try_from(revision).unwrap_or(0);
        FieldAddress { table: "users", column: "totp", row: user.as_bytes(), revision }
    }

    /// Who holds the session. `touch`: the request counts as use.
    pub(crate) async fn actor(
        &self,
        engine: &Engine,
        cookie: &str,
        address: IpAddr,
        request: String,
        touch: bool,
    ) -> Result<(Actor, SessionRow, UserRow), ApiError> {
        let token = SessionToken::parse(cookie).map_err(|_| ApiError::SignIn)?;
        let (session, user) =
            engine.store().session_by_token(&token.sha256()).await?.ok_or(ApiError::SignIn)?;
        let now = engine.now();
        let role = Role::parse(&user.role).ok_or(ApiError::SignIn)?;
        let times = times_of(&session);
        self.policies(engine).await?;
        if user.disabled.is_some() || times.check(&self.session_limits(&user), now).is_err() {
            return Err(ApiError::SignIn);
        }
        if touch && times.wants_touch(now) {
            engine.store().touch_session(session.id, now).await?;
        }
        let who = Who::User {
            id: user.id,
            name: user.name.clone(),
            session: session.id,
            method: session.method.clone(),
        };
        let user_agent = String::new();
        let rights = engine.rights_of(&user).await?;
        Ok((Actor { who, role, rights, address: Some(address), request, user_agent }, session, user))
    }

    /// Opens a session for which no factor is used up.
    pub(crate) async fn open_session(
        &self,
        app: &App,
        user: &UserRow,
        method: &str,
        address: IpAddr,
        headers: &HeaderMap,
        asked: &Asked,
    ) -> Result<(HeaderValue, SessionRow), ApiError> {
        let factor = FactorUse::Nothing;
        let opening = Opening { method, address, headers, asked, factor, reset_failures: false };
        self.open_session_with(app, user, opening).await?.ok_or(ApiError::Internal)
    }

    /// Uses the factor up and opens the session, in one transaction; none when the factor was used already.
    pub(crate) async fn open_session_with(
        &self,
        app: &App,
        user: &UserRow,
        opening: Opening<'_>,
    ) -> Result<Option<(HeaderValue, SessionRow)>, ApiError> {
        self.open_session_via(app, user, opening, None, true).await
    }

    /// The same, over a provider if `outside` says which: the session ends with what it came over. `fresh`: whoever signs
    /// in has just given a second factor.
    pub(crate) async fn open_session_via(
        &self,
        app: &App,
        user: &UserRow,
        opening: Opening<'_>,
        outside: Option<&OutsideSession>,
        fresh: bool,
    ) -> Result<Option<(HeaderValue, SessionRow)>, ApiError> {
        if outside.is_none() {
            crate::providers::emergency::may_come_locally(app, user).await?;
        }
        let Opening { method, address, headers, asked, factor, reset_failures } = opening;
        let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
        let now = app.engine.now();
        let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let session = SessionRow {
            id: wk_engine::ids::new_id(now),
            token_sha256: token.sha256().to_vec(),
            user: user.id,
            created: now,
            last_used: now,
            address: address.to_string(),
            user_agent: wk_domain::text::clean_line(agent, 200),
            method: method.to_owned(),
            ended: None,
            elevated: fresh.then_some(now),
        };
        let actor = Actor {
            who: Who::User {
                id: user.id,
                name: user.name.clone(),
                session: session.id,
                method: method.to_owned(),
            },
            role: Role::parse(&user.role).ok_or(ApiError::Internal)?,
            // Who opens a session acts on it alone.
            rights: Rights::nothing(),
            address: Some(address),
            request: asked.request.clone(),
            user_agent: session.user_agent.clone(),
        };
        let audit =
            record::draft(&actor, now, "session.open", "session", session.id).images_of(None, Some(&session));
        let mut audit = vec![audit];
        if reset_failures && user.failures > 0 {
            let reset = record::draft(&actor, now, "user.reset_failures", "user", &user.name);
            audit.push(reset.images_of(Some(user), Some(&UserRow { failures: 0, ..user.clone() })));
        }
        let start = SessionStart { session: session.clone(), factor, reset_failures };
        if let Some(outside) = outside {
            app.engine.store().announce_outside_session(session.id, outside.clone()).await?;
        }
        let opened = app.engine.store().start_session(start, audit).await?;
        if opened {
            crate::providers::emergency::noticed(app, user, &session).await;
        }
        opened.then(|| Ok((cookie_of(&token)?, session))).transpose()
    }

    /// Remembers whoever came over a provider, until they have given a factor of ours.
    pub(crate) fn await_factor(
        &self,
        user: UserId,
        via: Via,
        now: Timestamp,
    ) -> Result<SessionToken, ApiError> {
        let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
        let challenge = Challenge {
            user,
            attempt: None,
            via: Some(via),
            device: None,
            must_change: None,
            began: now,
            tries: 0,
        };
        self.challenge(token.sha256(), challenge, now);
        Ok(token)
    }

    /// Whether a code may be tried in a session; it is counted with those of signing in, for the account and the browser
    /// that is returned.
    pub(crate) async fn admit_code(
        &self,
        app: &App,
        user: &UserRow,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<[u8; 16]>, ApiError> {
        let device = self.known_device(&app.engine, headers, &user.name).await?;
        self.factors.lock().admit(user.id, device, now).map_err(|denied| throttled(app, denied))?;
        Ok(device)
    }

    /// The code that was admitted was right: the counts start anew.
    pub(crate) fn code_was_right(&self, user: UserId, device: Option<[u8; 16]>) {
        self.factors.lock().succeeded(user, device);
    }

    fn challenge(&self, key: [u8; 32], challenge: Challenge, now: Timestamp) {
        let mut challenges = self.challenges.lock();
        challenges.retain(|_, challenge| now.since(challenge.began) < HALF_DONE);
        if challenges.len() >= CHALLENGES_MAX {
            let oldest = challenges.iter().min_by_key(|(_, challenge)| challenge.began).map(|(key, _)| *key);
            oldest.map(|key| challenges.remove(&key));
        }
        challenges.insert(key, challenge);
    }

    /// Whether name and password may be tried at a provider that asks for them here: counted as ours are, for each
    /// provider apart.
    pub(crate) async fn admit_outside(
        &self,
        app: &App,
        provider: wk_domain::ProviderId,
        input: &crate::providers::dto::OutsideSignIn,
        headers: &HeaderMap,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<wk_identity::Attempt, ApiError> {
        self.policies(&app.engine).await?;
        let name = input.name.trim().to_lowercase();
        let device = self.known_device(&app.engine, headers, &name).await?;
        if device.is_none() {
            crate::flood::puzzle(app, input.puzzle.as_deref(), input.solution, source, now).await?;
        }
        let admitted = self.throttle.lock().admit(&format!("{provider}/{name}"), device, source, now);
        match admitted {
            Ok(attempt) => Ok(attempt),
            Err(denied) => {
                crate::flood::count(app, true, now).await;
                Err(throttled(app, denied))
            }
        }
    }

    /// The provider said no, or nothing. Only the former counts.
    pub(crate) async fn outside_failed(
        &self,
        app: &App,
        attempt: &wk_identity::Attempt,
        wrong: bool,
        now: Timestamp,
    ) {
        if wrong {
            app.engine.counters().add("sign_in.failed", 1);
            crate::flood::count(app, true, now).await;
        } else {
            self.throttle.lock().withdrawn(attempt);
        }
    }

    pub(crate) fn outside_succeeded(&self, attempt: &wk_identity::Attempt) {
        self.throttle.lock().succeeded(attempt);
    }

    /// What the second step of a sign-in may be given: in the order in which it is best, and only what there is.
    pub(crate) async fn offer(
        &self,
        app: &App,
        here: &Here,
        user: &UserRow,
        ticket: &SessionToken,
    ) -> Result<SignInChallenge, ApiError> {
        let store = app.engine.store();
        let rows = store.passkeys(user.id).await?;
        let passkey = match here.party() {
            Ok(party) => {
                let what_for = For::SecondStep(&ticket.sha256());
                Some(self.ask_passkey(what_for, party, &rows, app.engine.now())?)
                    .filter(|ask| !ask.allow.is_empty())
            }
            Err(_) => None,
        };
        let (totp, any) = (!user.totp_sealed.is_empty(), !rows.is_empty());
        let offered = [
            ("passkey", passkey.is_some()),
            ("totp", totp),
            ("recovery", totp || any),
            ("enrol", !totp && !any),
        ];
        Ok(SignInChallenge {
            challenge: ticket.text().expose().clone(),
            factors: offered.iter().filter(|(_, there)| *there).map(|(name, _)| (*name).to_owned()).collect(),
            passkey,
        })
    }
}

/// How a session opens.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) method: &'a str,
    pub(crate) address: IpAddr,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) asked: &'a Asked,
    pub(crate) factor: FactorUse,
    /// The durable count of failures begins anew.
    pub(crate) reset_failures: bool,
}

/// How the method of a session ends that is there to enrol a factor, and for nothing else.
pub(crate) const ENROL: &str = "-enrol";

/// Whether a session opened like this must first enrol a factor.
pub(crate) fn must_enrol(method: &str) -> bool {
    method.ends_with(ENROL)
}

/// The cookie that carries a session.
pub(crate) fn cookie_of(token: &SessionToken) -> Result<HeaderValue, ApiError> {
    let cookie = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict", token.text().expose());
    let mut value = HeaderValue::from_str(&cookie).map_err(|_| ApiError::Internal)?;
    value.set_sensitive(true);
    Ok(value)
}

pub(crate) fn times_of(session: &SessionRow) -> SessionTimes {
    SessionTimes {
        created: session.created,
        last_used: session.last_used,
        ended: session.ended,
        elevated: session.elevated,
    }
}

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<Public, _, _>(get("/meta", "What may be known before signing in").answer::<Meta>(), meta)
        .add::<Public, _, _>(
            post("/claim/check", "Whom a one-time link lets in, if it works")
                .body::<ClaimCheck>()
                .answer::<ClaimFor>(),
            claim_check,
        )
        .add::<Public, _, _>(
            post("/claim/begin", "Name and password of the first administrator")
                .body::<ClaimBegin>()
                .answer::<FactorSetup>(),
            claim_begin,
        )
        .add::<Public, _, _>(
            post("/claim/finish", "The first code: makes the account and signs in")
                .body::<ClaimFinish>()
                .answer::<Claimed>(),
            claim_finish,
        )
        .add::<Public, _, _>(
            post("/password/check", "How strong a password would be")
                .body::<PasswordCheck>()
                .answer::<PasswordVerdict>(),
            password_check,
        )
        .add::<Public, _, _>(
            post("/session", "First step of signing in").body::<SignIn>().answer::<SignInChallenge>(),
            sign_in,
        )
        .add::<Public, _, _>(
            post("/session/factor", "Second step of signing in").body::<SignInFactor>().answer::<Me>(),
            factor,
        )
        .add::<Public, _, _>(
            post(
                "/session/enrol",
                "For an account without a second factor: a session that may enrol one, and nothing else",
            )
            .body::<SignInEnrol>()
            .answer::<Me>(),
            enrol,
        )
        .add::<SelfManage, _, _>(delete("/session", "Sign out"), sign_out)
        .add::<SelfManage, _, _>(get("/me", "Who is signed in").answer::<Me>(), me)
        .add::<SelfManage, _, _>(get("/me/sessions", "My sessions").page::<Session>(), my_sessions)
        .add::<SelfManage, _, _>(delete("/me/sessions", "End all of my other sessions"), end_other_sessions)
        .add::<SelfManage, _, _>(delete("/me/sessions/{id}", "End one of my sessions"), end_session)
}

async fn meta(State(app): State<App>) -> Json<Meta> {
    Json(Meta { product: "Watchkeep".to_owned(), claimed: *app.people.claimed.borrow() })
}

async fn claim_check(State(app): State<App>, Body(input): Body<ClaimCheck>) -> Answer<ClaimFor> {
    let (_, invited) = app.people.check_claim(&app.engine, &input.token).await?;
    let kind = match (invited.invitation, invited.person) {
        (None, _) => "server",
        (Some(_), None) => "invitation",
        (Some(_), Some(_)) => "reset",
    };
    Ok(Json(ClaimFor {
        kind: kind.to_owned(),
        name: invited.name,
        display_name: invited.display_name,
        role: invited.role,
        expires_at: time::write(invited.expires),
    }))
}

pub(crate) fn user_name(raw: &str) -> Result<String, ApiError> {
    let name = raw.trim().to_lowercase();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_@".contains(c);
    if (2..=64).contains(&name.len()) && name.chars().all(fits) {
        if name.starts_with("user_") {
            // The log and the API write accounts by name or by id, and ids begin so.
            return Err(ApiError::field("/name", "a name cannot begin with user_, as ids of accounts do"));
        }
        return Ok(name);
    }
    Err(ApiError::field("/name", "use 2 to 64 letters, digits or . - _ @"))
}

async fn claim_begin(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    here: Here,
    Body(input): Body<ClaimBegin>,
) -> Answer<FactorSetup> {
    let desk = &app.people;
    let (token_sha256, invited) = desk.check_claim(&app.engine, &input.token).await?;
    let name = user_name(&input.name)?;
    if !invited.name.is_empty() && invited.name != name {
        return Err(ApiError::field("/name", format!("this link is for {}", invited.name)));
    }
    let mut display_name = wk_domain::text::clean_line(&input.display_name, 100);
    if display_name.is_empty() {
        display_name = invited.display_name;
    }
    let context = vec![name.clone(), display_name.clone()];
    let source = origin.ip().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let user = match invited.person {
        Some(person) => app.engine.store().user(person).await?,
        None => None,
    };
    let choice = crate::policy::Choice {
        user: user.as_ref(),
        role: &invited.role,
        second_factor: true,
        context,
        old: None,
        lane: source.into(),
    };
    let (phc, set) = crate::policy::choose_password(&app, input.password, choice).await?;
    let totp = Totp::generate().map_err(|_| ApiError::Internal)?;
    let began = app.engine.now();
    let user = invited.person.unwrap_or_else(|| wk_engine::ids::new_id(began));
    let (passkey, no_passkey) = match here.party() {
        Ok(party) => {
            let who = (user, name.as_str(), display_name.as_str());
            (Some(desk.ask_new_passkey(&app, For::Join(&token_sha256), party, who, &[]).await?), None)
        }
        Err(why) => (None, Some(why.to_string())),
    };
    let setup = FactorSetup {
        secret: totp.seed_text().expose().clone(),
        uri: totp.uri("Watchkeep", &name).expose().clone(),
        passkey,
        no_passkey,
    };
    let mut half = desk.half_claimed.lock();
    half.retain(|_, half| began.since(half.began) < HALF_DONE * 6);
    if half.len() >= HALF_CLAIMED_MAX && !half.contains_key(&token_sha256) {
        return Err(ApiError::Unavailable("too many people join at once; try again in a moment".to_owned()));
    }
    half.insert(token_sha256, HalfClaimed { user, name, display_name, phc, set, totp, began });
    Ok(Json(setup))
}

async fn claim_finish(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    here: Here,
    asked: Asked,
    headers: HeaderMap,
    Body(input): Body<ClaimFinish>,
) -> Result<Response, ApiError> {
    let desk = &app.people;
    let _one_at_a_time = desk.claiming.lock().await;
    let (token_sha256, invited) = desk.check_claim(&app.engine, &input.token).await?;
    let now = app.engine.now();
    let (id, name, display_name, phc, set, totp) = {
        let half = desk.half_claimed.lock();
        let half = half.get(&token_sha256).filter(|half| now.since(half.began) < HALF_DONE * 6).ok_or_else(
            || ApiError::Gone("begin again: name and password are not kept that long".to_owned()),
        )?;
        (
            half.user,
            half.name.clone(),
            half.display_name.clone(),
            half.phc.clone(),
            half.set,
            half.totp.clone(),
        )
    };
    // One factor is enough to begin with; the other can follow on the personal page.
    let revision = match invited.person {
        Some(person) => {
            app.engine.store().user(person).await?.map_or(0, |user| user.revision).saturating_add(1)
        }
        None => 1,
    };
    let (totp_sealed, totp_last_step, passkey) = match (&input.code, &input.passkey) {
        (Some(code), None) => {
            let step = totp.check(code, now, 0).ok_or_else(|| {
                ApiError::field(
                    "/code",
                    "this is not the code of now; look whether the clock of your device is right",
                )
            })?;
            let address = id.to_string();
            let sealed = desk.keys.seal(&Desk::totp_at(&address, revision), totp.seed().expose());
            (sealed.map_err(|_| ApiError::Internal)?, step, None)
        }
        (None, Some(added)) => {
            let what_for = For::Join(&token_sha256);
            let row =
                desk.new_passkey(&app, what_for, here.party()?, id, &added.name, &added.passkey).await?;
            (Vec::new(), 0, Some(row))
        }
        _ => return Err(ApiError::field("/code", "give a code of the authenticator, or make a passkey")),
    };
    let method = if passkey.is_some() { "password+passkey" } else { "password+totp" };
    let user = UserRow {
        id,
        tenant: invited.tenant,
        name,
        display_name,
        role: invited.role.clone(),
        password_phc: phc,
        totp_sealed,
        totp_revision: revision,
        totp_last_step,
        created: now,
        disabled: None,
        failures: 0,
        revision: 1,
    };
    let codes = RecoveryCode::generate_set().map_err(|_| ApiError::Internal)?;
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.sha256_for(user.id).to_vec()).collect();
    let store = app.engine.store();
    let said = |action| {
        asked.put(record::by_nobody(origin.ip(), now, action, "user", user.id)).within(invited.tenant)
    };
    let joins = |action| said(action).next_revision(None).images_of(None, Some(&user));
    let user = match (invited.invitation, invited.person) {
        (invitation, None) => {
            let audit = joins(if invitation.is_none() { "server.claim" } else { "user.join" });
            match (passkey, invitation) {
                (Some(passkey), invitation) => {
                    let (user, recovery_sha256) = (user.clone(), hashes);
                    store.admit(Admission { user, recovery_sha256, invitation, passkey }, audit).await?;
                }
                (None, Some(invitation)) => store.join(invitation, user.clone(), hashes, audit).await?,
                (None, None) => store.create_user(user.clone(), hashes, audit).await?,
            }
            if invitation.is_none() {
                store.put_setting(CLAIM_DIGEST, "", None).await?;
            }
            user
        }
        (None, Some(_)) => return Err(ApiError::Internal),
        (Some(invitation), Some(person)) => {
            let known = store.user(person).await?.filter(|user| user.disabled.is_none());
            let known = known.ok_or_else(|| ApiError::Gone("the account is no longer open".to_owned()))?;
            let before = known.clone();
            let user = UserRow {
                password_phc: user.password_phc.clone(),
                totp_sealed: user.totp_sealed.clone(),
                totp_revision: user.totp_revision,
                totp_last_step: user.totp_last_step,
                ..known
            };
            let chosen = said("user.choose_factors")
                .next_revision(Some(before.revision))
                .images_of(Some(&before), Some(&UserRow { failures: 0, ..user.clone() }));
            let change = UserChange {
                passkeys: Some(passkey.into_iter().collect()),
                recovery_sha256: Some(hashes),
                failures: Some(0),
                end_sessions: Some(EndSessions { keep: None, at: now }),
                burn: Some((invitation, now)),
                password: Some(set),
                ..UserChange::of(user.clone())
            };
            store.change_user(change, vec![chosen]).await?;
            desk.reopen(&user.name);
            desk.forget_devices(&app.engine, user.id).await?;
            crate::policy::was_chosen(&app, user.id);
            user
        }
    };
    desk.half_claimed.lock().remove(&token_sha256);
    // Not `send`, which changes nothing while nobody listens: a server on loopback has no listener to move.
    desk.claimed.send_replace(true);
    let source = origin.ip().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let (cookie, session) = desk.open_session(&app, &user, method, source, &headers, &asked).await?;
    let rights = app.engine.rights_of(&user).await?;
    let answer = Claimed {
        recovery_codes: codes.iter().map(|code| code.text().expose().clone()).collect(),
        me: me_view(&app.people, &user, &session, &rights),
    };
    let cookies = AppendHeaders([
        (header::SET_COOKIE, cookie),
        (header::SET_COOKIE, desk.device_cookie(&app.engine, &headers, &user, source, now).await?),
    ]);
    Ok((cookies, Json(answer)).into_response())
}

/// A field error for each reason why a password is refused.
pub(crate) fn accepted(verdict: PasswordVerdict) -> Result<(), ApiError> {
    if verdict.accepted {
        return Ok(());
    }
    let errors =
        verdict.reasons.into_iter().map(|detail| FieldError { pointer: "/password".to_owned(), detail });
    Err(ApiError::Fields(errors.collect()))
}

pub(crate) fn busy(error: wk_identity::QueueError) -> ApiError {
    tracing::warn!("sign-in: {error}");
    ApiError::Unavailable("too many people sign in at once; try again in a moment".to_owned())
}

/// Judges a password off the threads that serve requests, and few at once: estimating how one would be guessed is work.
pub(crate) async fn judged(
    app: &App,
    password: String,
    context: Vec<String>,
    old: Option<Password>,
    policy: PasswordPolicy,
) -> Result<(Password, PasswordVerdict), ApiError> {
    let turn = app.gate.judging().await?;
    let desk = Arc::clone(&app.people);
    let job = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let words: Vec<String> =
            context.iter().take(CONTEXT_MAX).map(|word| word.chars().take(100).collect()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        desk.judge(&password, &words, old.as_ref(), &policy)
    });
    job.await.map_err(|_| ApiError::Internal)?
}

async fn password_check(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Body(input): Body<PasswordCheck>,
) -> Answer<PasswordVerdict> {
    let token = input.token.as_deref();
    let (policy, around) = crate::policy::policy_while_typing(&app, &headers, origin, token).await?;
    let context = input.context.into_iter().take(10).chain(around).collect();
    let old = input.current.as_deref().and_then(|current| Password::parse(current).ok());
    let (_, verdict) = judged(&app, input.password, context, old, policy).await?;
    Ok(Json(verdict))
}

async fn sign_in(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    here: Here,
    asked: Asked,
    headers: HeaderMap,
    Body(input): Body<SignIn>,
) -> Answer<SignInChallenge> {
    let desk = &app.people;
    let source = origin.ip().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let name = input.name.trim().to_lowercase();
    let now = app.engine.now();
    desk.policies(&app.engine).await?;
    let device = desk.known_device(&app.engine, &headers, &name).await?;
    if device.is_none() {
        crate::flood::puzzle(&app, input.puzzle.as_deref(), input.solution, source, now).await?;
    }
    let admitted = desk.throttle.lock().admit(&name, device, source, now);
    let attempt = match admitted {
        Ok(attempt) => attempt,
        Err(denied) => {
            crate::flood::count(&app, true, now).await;
            return Err(throttled(&app, denied));
        }
    };
    let known_device = attempt.on_known_device();
    let lane = if known_device { Lane::Known } else { Lane::Stranger(source) };
    let wrong = || ApiError::Unauthorized("name or password is wrong".to_owned());
    let Ok(password) = Password::parse(&input.password) else {
        // What can be nobody's password needs no work, whoever is meant.
        refuse(&app, None, &name, source, "password", known_device, &asked).await?;
        return Err(wrong());
    };
    let user = app.engine.store().user_by_name(&name).await?;
    // Without a password: its factors were reset, and the link is still unused.
    let usable = user.as_ref().filter(|u| {
        let open = known_device || !wk_identity::is_closed(u.failures);
        u.disabled.is_none() && open && !u.password_phc.is_empty()
    });
    let verified = desk.hasher.verify(lane, password.clone(), usable.map(|u| u.password_phc.as_str())).await;
    let verified = verified.map_err(|error| {
        desk.throttle.lock().withdrawn(&attempt);
        busy(error)
    })?;
    crate::flood::count(&app, !verified.ok, now).await;
    let Some(known) = usable.filter(|_| verified.ok) else {
        refuse(&app, user.as_ref(), &name, source, "password", known_device, &asked).await?;
        if let Some(nonce) = device.filter(|_| desk.throttle.lock().is_worn_out(&attempt)) {
            desk.wear_out(&app, nonce, &name).await?;
        }
        return Err(wrong());
    };
    let mut known = known.clone();
    if verified.upgrade {
        upgrade(&app, &mut known, password.clone(), lane, &asked).await;
    }
    let must_change = crate::policy::outgrown(&app, &known, password).await?;
    let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
    let known = crate::removal::settle(&app, known.clone()).await?;
    let offer = desk.offer(&app, &here, &known, &token).await?;
    let attempt = Some(attempt);
    let challenge =
        Challenge { user: known.id, attempt, via: None, device, must_change, began: now, tries: 0 };
    desk.challenge(token.sha256(), challenge, now);
    Ok(Json(offer))
}

/// Hashes a password that was right anew, at today's cost and under today's pepper. That it could not be done is no reason
/// to keep anybody out.
async fn upgrade(app: &App, user: &mut UserRow, password: Password, lane: Lane, asked: &Asked) {
    let upgraded = async {
        let phc = app.people.hasher.hash(lane, password).await.map_err(busy)?;
        let audit = record::by_nobody(None, app.engine.now(), "user.upgrade_hash", "user", &user.name);
        let after = UserRow { password_phc: phc.clone(), ..user.clone() };
        let audit = asked.put(audit).images_of(Some(&*user), Some(&after));
        let store = app.engine.store();
        Ok::<_, ApiError>(
            store.upgrade_password(user.id, &user.password_phc, &phc, audit).await?.then_some(phc),
        )
    };
    match upgraded.await {
        Ok(Some(phc)) => user.password_phc = phc,
        Ok(None) => {}
        Err(error) => tracing::warn!(user.id = %user.id, "the password's hash was not made anew: {error}"),
    }
}

fn throttled(app: &App, denied: wk_identity::Denied) -> ApiError {
    app.engine.counters().add("sign_in.throttled", 1);
    ApiError::TooMany { retry_after_s: denied.retry_after.as_secs() }
}

/// Writes a failed try down: durable count for a known account, audit entry for both. Tries from a known device have
/// their own count of ten, and do not close the account to its owner's other devices.
async fn refuse(
    app: &App,
    user: Option<&UserRow>,
    name: &str,
    source: IpAddr,
    what: &'static str,
    known_device: bool,
    asked: &Asked,
) -> Result<(), ApiError> {
    app.engine.counters().add("sign_in.failed", 1);
    let subject = user.map_or_else(|| wk_domain::text::clean_line(name, 64), |user| user.name.clone());
    let audit = record::by_nobody(Some(source), app.engine.now(), "session.open", "user", subject)
        .denied(format!("wrong {what}"));
    let audit = asked.put(audit);
    let store = app.engine.store();
    let _counting = app.people.counting.lock().await;
    // The same work whether there is such an account or not: one look, one transaction.
    let id = user.map_or_else(|| wk_engine::ids::new_id(app.engine.now()), |user| user.id);
    let before = store.user(id).await?;
    let Some(user) = user.filter(|_| !known_device) else {
        return Ok(store.append_audit(vec![audit]).await?);
    };
    let before = before.unwrap_or_else(|| user.clone());
    let failures = before.failures.saturating_add(1);
    let audit = audit.images_of(Some(&before), Some(&UserRow { failures, ..before.clone() }));
    Ok(store.set_failures(user.id, failures, audit).await?)
}

async fn factor(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    here: Here,
    asked: Asked,
    headers: HeaderMap,
    Body(input): Body<SignInFactor>,
) -> Result<Response, ApiError> {
    let desk = &app.people;
    let source = origin.ip().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let now = app.engine.now();
    let over =
        || ApiError::Unauthorized("this sign-in took too long or too many tries: begin again".to_owned());
    let key = SessionToken::parse(&input.challenge).map_err(|_| over())?.sha256();
    let (id, attempt, device, must_change, via) = {
        let mut challenges = desk.challenges.lock();
        let challenge =
            challenges.get_mut(&key).filter(|c| now.since(c.began) < HALF_DONE).ok_or_else(over)?;
        challenge.tries += 1;
        if challenge.tries > CODES_MAX {
            challenges.remove(&key);
            return Err(over());
        }
        let must_change = challenge.must_change.clone();
        (challenge.user, challenge.attempt, challenge.device, must_change, challenge.via.clone())
    };
    // Strangers' failures do not keep out whoever a provider vouches for.
    let known_device = attempt.is_none_or(|attempt| attempt.on_known_device());
    let device = device.filter(|_| known_device);
    let user = app.engine.store().user(id).await?;
    let user = user
        .filter(|user| user.disabled.is_none() && (known_device || !wk_identity::is_closed(user.failures)))
        .ok_or_else(over)?;
    let mut why = "this code is not right, or was used already".to_owned();
    let found = match (&input.passkey, &input.code) {
        (Some(passkey), None) => {
            let what_for = For::SecondStep(&key);
            match desk.check_passkey(&app, what_for, here.party()?, Some(user.id), passkey).await? {
                Ok((_, factor)) => Some(("password+passkey", factor)),
                Err(error) => {
                    why = error.to_string();
                    None
                }
            }
        }
        (None, Some(code)) => {
            // Codes can be guessed, keys cannot.
            desk.factors.lock().admit(user.id, device, now).map_err(|denied| throttled(&app, denied))?;
            find_code(&app, &user, code, now)?
        }
        _ => return Err(ApiError::field("/code", "give a code, or use a passkey")),
    };
    let opened = match found {
        Some((method, factor)) => {
            let (address, headers, asked) = (source, &headers, &asked);
            let first = via.as_ref().map_or("password", |via| via.method.as_str());
            let method = format!("{first}{}", method.strip_prefix("password").unwrap_or(method));
            let method = method.as_str();
            let opening = Opening { method, address, headers, asked, factor, reset_failures: true };
            desk.open_session_via(&app, &user, opening, via.as_ref().map(|via| &via.outside), true).await?
        }
        None => None,
    };
    let Some((cookie, session)) = opened else {
        refuse(&app, Some(&user), &user.name, source, "second factor", known_device, &asked).await?;
        return Err(ApiError::Unauthorized(why));
    };
    desk.challenges.lock().remove(&key);
    if let Some(attempt) = &attempt {
        desk.throttle.lock().succeeded(attempt);
    }
    desk.factors.lock().succeeded(user.id, device);
    if known_device {
        // The owner is here: strangers' failures no longer keep the owner's other devices out.
        desk.reopen(&user.name);
    }
    if let Some(reason) = must_change.filter(|_| desk.must_change(user.id).is_none()) {
        let audit = record::by_nobody(Some(source), now, "user.require_change", "user", &user.name);
        crate::policy::ask_for_change(&app, &user, &reason, asked.put(audit).reason(&reason)).await?;
    }
    let cookies = AppendHeaders([
        (header::SET_COOKIE, cookie),
        (header::SET_COOKIE, desk.device_cookie(&app.engine, &headers, &user, source, now).await?),
    ]);
    let rights = app.engine.rights_of(&user).await?;
    Ok((cookies, Json(me_view(&app.people, &user, &session, &rights))).into_response())
}

/// Lets somebody in who has shown a password and has no second factor: to enrol one, and for nothing else.
async fn enrol(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    asked: Asked,
    headers: HeaderMap,
    Body(input): Body<SignInEnrol>,
) -> Result<Response, ApiError> {
    let desk = &app.people;
    let source = origin.ip().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let now = app.engine.now();
    let over = || ApiError::Unauthorized("this sign-in took too long: begin again".to_owned());
    let key = SessionToken::parse(&input.challenge).map_err(|_| over())?.sha256();
    let challenge = desk.challenges.lock().remove(&key);
    let challenge = challenge.filter(|c| now.since(c.began) < HALF_DONE).ok_or_else(over)?;
    let user = app.engine.store().user(challenge.user).await?.filter(|user| user.disabled.is_none());
    let user = user.ok_or_else(over)?;
    if !user.totp_sealed.is_empty() || !app.engine.store().passkeys(user.id).await?.is_empty() {
        return Err(ApiError::Unauthorized("the account has a second factor: begin again".to_owned()));
    }
    if let Some(attempt) = &challenge.attempt {
        desk.throttle.lock().succeeded(attempt);
    }
    let via = challenge.via.as_ref();
    let method = format!("{}{ENROL}", via.map_or("password", |via| via.method.as_str()));
    let (method, address, headers, asked) = (method.as_str(), source, &headers, &asked);
    let opening =
        Opening { method, address, headers, asked, factor: FactorUse::Nothing, reset_failures: false };
    let opened = desk.open_session_via(&app, &user, opening, via.map(|via| &via.outside), true).await?;
    let (cookie, session) = opened.ok_or(ApiError::Internal)?;
    if let Some(reason) = challenge.must_change.filter(|_| desk.must_change(user.id).is_none()) {
        let audit = record::by_nobody(Some(source), now, "user.require_change", "user", &user.name);
        crate::policy::ask_for_change(&app, &user, &reason, asked.put(audit).reason(&reason)).await?;
    }
    let rights = app.engine.rights_of(&user).await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(me_view(&app.people, &user, &session, &rights))).into_response())
}

/// Which second factor the code is, if any, and what uses it up with what it opens.
pub(crate) fn find_code(
    app: &App,
    user: &UserRow,
    code: &str,
    now: Timestamp,
) -> Result<Option<(&'static str, FactorUse)>, ApiError> {
    let digits = code.chars().filter(|c| !c.is_whitespace()).count();
    if digits == 6 && !user.totp_sealed.is_empty() {
        let id = user.id.to_string();
        let at = Desk::totp_at(&id, user.totp_revision);
        let seed = app.people.keys.open_field(&at, &user.totp_sealed).map_err(|error| {
            tracing::error!(user.id = %user.id, "the second factor cannot be opened: {error}");
            ApiError::Internal
        })?;
        let totp = Totp::from_seed(seed.expose()).map_err(|_| ApiError::Internal)?;
        let step = totp.check(code, now, user.totp_last_step);
        return Ok(step.map(|step| ("password+totp", FactorUse::TotpStep { user: user.id, step })));
    }
    let Ok(recovery) = RecoveryCode::parse(code) else { return Ok(None) };
    let code_sha256 = recovery.sha256_for(user.id).to_vec();
    Ok(Some(("password+recovery", FactorUse::Recovery { user: user.id, code_sha256 })))
}

pub(crate) fn me_view(desk: &Desk, user: &UserRow, session: &SessionRow, rights: &Rights) -> Me {
    Me {
        id: user.id.to_string(),
        name: user.name.clone(),
        display_name: user.display_name.clone(),
        role: user.role.clone(),
        permissions: permissions(rights),
        session_expires_at: time::write(times_of(session).ends_at(&desk.session_limits(user))),
        must_enrol: must_enrol(&session.method),
        must_change_password: desk.must_change(user.id),
        sign_in_attack_until: None,
        emergency_used: None,
    }
}

/// What is permitted somewhere: menus are made of it.
fn permissions(rights: &Rights) -> Vec<String> {
    rights.somewhere().names().map(str::to_owned).collect()
}

async fn me(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<Me> {
    let now = app.engine.now();
    match &actor.who {
        Who::User { id, session, .. } => {
            let user = app.engine.store().user(*id).await?.ok_or(ApiError::SignIn)?;
            let sessions = app.engine.store().sessions(*id).await?;
            let session = sessions.into_iter().find(|s| s.id == *session).ok_or(ApiError::SignIn)?;
            let me = me_view(&app.people, &user, &session, &actor.rights);
            if !actor.rights.may_somewhere(Act::SystemRead) {
                return Ok(Json(me));
            }
            let emergency = crate::providers::emergency::recent(&app).await;
            Ok(Json(Me {
                sign_in_attack_until: crate::flood::attack_until(&app).map(time::write),
                emergency_used: emergency.map(|(at, name)| EmergencyUse { name, at: time::write(at) }),
                ..me
            }))
        }
        Who::Token { .. } | Who::Local { .. } | Who::System => Ok(Json(Me {
            id: actor.label(),
            name: actor.label(),
            display_name: match &actor.who {
                Who::Token { .. } => "a token".to_owned(),
                _ => "on this machine".to_owned(),
            },
            role: actor.role.as_str().to_owned(),
            permissions: permissions(&actor.rights),
            session_expires_at: time::write(now),
            must_enrol: false,
            must_change_password: None,
            sign_in_attack_until: None,
            emergency_used: None,
        })),
    }
}

/// The entry of the end of one of the actor's sessions, with the session before and after.
pub(crate) async fn session_end(
    app: &App,
    actor: &Actor,
    id: SessionId,
    now: Timestamp,
) -> Result<wk_audit::Draft, ApiError> {
    let before = match &actor.who {
        Who::User { id: user, .. } => {
            app.engine.store().sessions(*user).await?.into_iter().find(|session| session.id == id)
        }
        Who::Token { .. } | Who::Local { .. } | Who::System => None,
    };
    let after = before.clone().map(|session| SessionRow { ended: Some(now), ..session });
    let audit = record::draft(actor, now, "session.end", "session", id);
    Ok(audit.images_of(before.as_ref(), after.as_ref()))
}

async fn sign_out(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Result<Response, ApiError> {
    if let Who::User { session, .. } = &actor.who {
        let now = app.engine.now();
        let audit = session_end(&app, &actor, *session, now).await?;
        app.engine.store().end_session(*session, now, audit).await?;
    }
    let forget = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    let headers = [
        (header::SET_COOKIE, HeaderValue::from_str(&forget).map_err(|_| ApiError::Internal)?),
        (
            header::HeaderName::from_static("clear-site-data"),
            // Not "cookies": that would take the cookie by which this browser is known, and those of whatever else
            // this machine serves on other ports. The session's own is taken by the line above.
            HeaderValue::from_static("\"cache\", \"storage\""),
        ),
    ];
    Ok((headers, StatusCode::NO_CONTENT).into_response())
}

async fn my_sessions(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<Session>> {
    let Who::User { id, session: current, .. } = &actor.who else {
        return Ok(Json(Page { items: Vec::new(), total: None, next: None }));
    };
    let now = app.engine.now();
    let user = app.engine.store().user(*id).await?.ok_or(ApiError::SignIn)?;
    let limits = app.people.session_limits(&user);
    let items = app
        .engine
        .store()
        .sessions(*id)
        .await?
        .into_iter()
        .filter(|session| times_of(session).check(&limits, now).is_ok())
        .map(|session| Session {
            id: session.id.to_string(),
            current: session.id == *current,
            created_at: time::write(session.created),
            last_used_at: time::write(session.last_used),
            address: session.address,
            user_agent: session.user_agent,
            method: session.method,
        })
        .collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn end_session(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<SessionKind>,
) -> Result<StatusCode, ApiError> {
    let not_there = || ApiError::NotFound("the session is not there".to_owned());
    let Who::User { id: user, .. } = &actor.who else { return Err(not_there()) };
    // Only one's own: another's answers as if it were not there.
    let own = app.engine.store().sessions(*user).await?.into_iter().any(|session| session.id == id);
    if !own {
        return Err(not_there());
    }
    let now = app.engine.now();
    let audit = session_end(&app, &actor, id, now).await?;
    app.engine.store().end_session(id, now, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends them, and makes all browsers strangers but the one at hand.
async fn end_other_sessions(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Who::User { id, name, session, .. } = &actor.who else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let address = actor.address.unwrap_or(Ipv4Addr::LOCALHOST.into());
    let now = app.engine.now();
    let audit =
        record::draft(&actor, now, "session.end", "user", name).reason("all sessions but the one at hand");
    app.engine.store().end_sessions(*id, Some(*session), now, audit).await?;
    app.people.forget_devices(&app.engine, *id).await?;
    let user = app.engine.store().user(*id).await?.ok_or(ApiError::SignIn)?;
    let cookie = app.people.device_cookie(&app.engine, &headers, &user, address, now).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
