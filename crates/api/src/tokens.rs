//! Routes of tokens and service accounts.
//!
//! A secret is in the answer that makes it and nowhere else. A token never makes tokens: each of these routes that gives a
//! secret asks for a fresh second factor, which no program has.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_authz::{
    Act, Actor, Place, Role, Scope, SelfManage, SelfToken, ServiceWrite, TokenRead, TokenRevoke, Who,
    authorize,
};
use wk_domain::{
    ApiTokenId, ApiTokenKind, Cidr, SessionId, TenantId, TenantPath, Timestamp, UserId, UserKind,
};
use wk_engine::ports::api_tokens::{ApiTokenRow, ServiceAccountRow};
use wk_engine::ports::rows::UserRow;
use wk_engine::record::{self, DraftExt as _};
use wk_identity::{ApiToken as Secret, ApiTokenForm};

use crate::auth::{Caller, permit_at};
use crate::body::{Body, PathId};
use crate::dto::Page;
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::routes::{Routes, delete, get, post, put};
use crate::scopes::{self, TokenScope};
use crate::state::App;
use crate::time;

const DAY: Duration = Duration::from_secs(86_400);
/// Longest life of a token.
const LIFE_MAX_DAYS: u32 = 365;
/// Longest time in which a rotated token's old secret still works.
const OVERLAP_MAX_HOURS: u32 = 7 * 24;
/// Address ranges of one token.
const NETWORKS_MAX: usize = 64;
/// Live tokens of one owner.
const TOKENS_MAX: usize = 100;
const NAME_MAX: usize = 100;

type Answer<T> = Result<Json<T>, ApiError>;

/// An account, named.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AccountRef {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `person` or `service`.
    pub(crate) kind: String,
}

/// A token of the API. Its secret is shown once, when it is made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ApiToken {
    pub(crate) id: String,
    pub(crate) name: String,
    /// How it begins.
    pub(crate) hint: String,
    pub(crate) owner: AccountRef,
    /// `live`, `expired`, `revoked`, or `owner-disabled`.
    pub(crate) state: String,
    /// It may what one of these says, where its owner may too.
    pub(crate) scopes: Vec<TokenScope>,
    /// Address ranges it may be used from; none: from anywhere.
    pub(crate) networks: Vec<String>,
    pub(crate) created_at: String,
    pub(crate) created_by: String,
    pub(crate) expires_at: String,
    pub(crate) days_left: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rotated_at: Option<String>,
    /// Until when the secret before the last rotation works too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) old_secret_until: Option<String>,
    /// To the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_used_at: Option<String>,
    pub(crate) last_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revoked_at: Option<String>,
    pub(crate) revoked_by: String,
}

/// A token that was just made, with its secret: the only time it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ApiTokenMade {
    pub(crate) token: ApiToken,
    /// Goes behind `Authorization: Bearer`.
    pub(crate) secret: String,
}

/// A token to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiTokenInput {
    /// What it is for.
    pub(crate) name: String,
    pub(crate) scopes: Vec<TokenScope>,
    /// `192.0.2.0/24`, `2001:db8::7`; none: from anywhere.
    #[serde(default)]
    pub(crate) networks: Vec<String>,
    /// 1 to 365; 90 when absent.
    #[serde(default = "ninety")]
    pub(crate) days: u32,
}

const fn ninety() -> u32 {
    90
}

/// A new secret for a token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateInput {
    /// How long the old secret works too: 0 to 168 hours; 24 when absent.
    #[serde(default = "a_day")]
    pub(crate) overlap_hours: u32,
    /// Life of the new one: 1 to 365 days; 90 when absent.
    #[serde(default = "ninety")]
    pub(crate) days: u32,
}

const fn a_day() -> u32 {
    24
}

/// An account that no person signs in with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ServiceAccount {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) role: String,
    pub(crate) disabled: bool,
    /// The person who answers for it; absent when nobody does any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<AccountRef>,
    /// That person has an account that is not disabled.
    pub(crate) owner_living: bool,
    pub(crate) purpose: String,
    pub(crate) review_due_at: String,
    pub(crate) review_overdue: bool,
    pub(crate) created_at: String,
    pub(crate) created_by: String,
    pub(crate) live_tokens: u64,
    pub(crate) revision: i64,
}

/// A service account to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceAccountInput {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) display_name: String,
    /// What it may do at most; its tokens may less.
    pub(crate) role: String,
    /// Name of the person who answers for it.
    pub(crate) owner: String,
    pub(crate) purpose: String,
    /// When somebody must look at it again: in 1 to 365 days; 180 when absent.
    #[serde(default = "half_a_year")]
    pub(crate) review_days: u32,
    /// Why; asked for where a second person must agree.
    #[serde(default)]
    pub(crate) reason: String,
}

const fn half_a_year() -> u32 {
    180
}

/// A service account to change.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceAccountEdit {
    /// Name of the person who answers for it.
    pub(crate) owner: String,
    pub(crate) purpose: String,
    #[serde(default = "half_a_year")]
    pub(crate) review_days: u32,
    pub(crate) revision: i64,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<SelfManage, _, _>(get("/me/tokens", "My tokens, newest first").page::<ApiToken>(), my_tokens)
        .add::<SelfToken, _, _>(
            post("/me/tokens", "Make a token of my own; its secret is shown once")
                .body::<ApiTokenInput>()
                .answer::<ApiTokenMade>(),
            make_mine,
        )
        .add::<SelfToken, _, _>(
            post(
                "/me/tokens/{id}/rotate",
                "A new secret for a token of mine; the old one works on for a while",
            )
            .body::<RotateInput>()
            .answer::<ApiTokenMade>(),
            rotate_mine,
        )
        .add::<SelfManage, _, _>(delete("/me/tokens/{id}", "Revoke a token of mine, at once"), revoke_mine)
        .add::<TokenRead, _, _>(
            get("/api-tokens", "Everybody's tokens, newest first").page::<ApiToken>(),
            tokens,
        )
        .add::<TokenRevoke, _, _>(delete("/api-tokens/{id}", "Revoke a token, at once"), revoke)
        .add::<ServiceWrite, _, _>(
            post("/api-tokens/{id}/rotate", "A new secret for a service account's token")
                .body::<RotateInput>()
                .answer::<ApiTokenMade>(),
            rotate,
        )
        .add::<TokenRead, _, _>(
            get("/service-accounts", "Accounts that no person signs in with").page::<ServiceAccount>(),
            services,
        )
        .add::<ServiceWrite, _, _>(
            post("/service-accounts", "Make a service account")
                .body::<ServiceAccountInput>()
                .answer::<ServiceAccount>()
                .asks(),
            make_service,
        )
        .add::<ServiceWrite, _, _>(
            put("/service-accounts/{id}", "Say who answers for it, what for, and when to look again")
                .body::<ServiceAccountEdit>()
                .answer::<ServiceAccount>(),
            change_service,
        )
        .add::<ServiceWrite, _, _>(
            post(
                "/service-accounts/{id}/tokens",
                "Make a token of a service account; its secret is shown once",
            )
            .body::<ApiTokenInput>()
            .answer::<ApiTokenMade>(),
            make_for_service,
        )
}

/// The counters know sessions by 16 bytes, and so they do tokens. A UUIDv7 is nobody else's too.
pub(crate) fn as_session(id: ApiTokenId) -> SessionId {
    SessionId::from_uuid(id.uuid())
}

/// Where an account is: nothing for one whose tenant is not there.
pub(crate) fn home_of(app: &App, user: &UserRow) -> Option<TenantPath> {
    app.engine.world().tenants.path(user.tenant)
}

/// Accounts by id, with which of them are service accounts.
struct Accounts {
    users: HashMap<UserId, UserRow>,
    services: HashMap<UserId, ServiceAccountRow>,
}

impl Accounts {
    async fn read(app: &App) -> Result<Self, ApiError> {
        let store = app.engine.store();
        let users = store.users().await?.into_iter().map(|row| (row.id, row)).collect();
        let services = store.service_accounts().await?.into_iter().map(|row| (row.person, row)).collect();
        Ok(Self { users, services })
    }

    fn named(&self, id: UserId) -> AccountRef {
        AccountRef {
            id: id.to_string(),
            name: self.users.get(&id).map(|user| user.name.clone()).unwrap_or_default(),
            kind: if self.services.contains_key(&id) { "service" } else { "person" }.to_owned(),
        }
    }
}

/// How a token stands.
pub(crate) fn state_of(row: &ApiTokenRow, owner: Option<&UserRow>, now: Timestamp) -> &'static str {
    if row.revoked.is_some() {
        "revoked"
    } else if now >= row.expires {
        "expired"
    } else if owner.is_none_or(|owner| owner.disabled.is_some()) {
        "owner-disabled"
    } else {
        "live"
    }
}

fn view(row: &ApiTokenRow, accounts: &Accounts, now: Timestamp) -> ApiToken {
    let old = row.old_until.filter(|until| *until > now && row.revoked.is_none());
    ApiToken {
        id: row.id.to_string(),
        name: row.name.clone(),
        hint: row.hint.clone(),
        owner: accounts.named(row.owner),
        state: state_of(row, accounts.users.get(&row.owner), now).to_owned(),
        scopes: serde_json::from_str(&row.scope_json).unwrap_or_default(),
        networks: row.networks.clone(),
        created_at: time::write(row.created),
        created_by: row.created_by.clone(),
        expires_at: time::write(row.expires),
        days_left: (row.expires.as_ms() - now.as_ms()).div_euclid(86_400_000),
        rotated_at: row.rotated.map(time::write),
        old_secret_until: old.map(time::write),
        last_used_at: row.last_used.map(time::write),
        last_address: row.last_address.clone(),
        revoked_at: row.revoked.map(time::write),
        revoked_by: row.revoked_by.clone(),
    }
}

fn person_of(actor: &Actor) -> Result<UserId, ApiError> {
    match &actor.who {
        Who::User { id, .. } => Ok(*id),
        Who::Token { .. } | Who::Local { .. } | Who::System => Err(ApiError::Conflict(
            "only a person who is signed in has tokens of his own: make a service account for a program"
                .to_owned(),
        )),
    }
}

fn life(days: u32) -> Result<Duration, ApiError> {
    if (1..=LIFE_MAX_DAYS).contains(&days) {
        return Ok(DAY * days);
    }
    Err(ApiError::field("/days", format!("a token lives 1 to {LIFE_MAX_DAYS} days")))
}

fn networks(raw: &[String]) -> Result<Vec<String>, ApiError> {
    if raw.len() > NETWORKS_MAX {
        return Err(ApiError::field(
            "/networks",
            format!("a token has at most {NETWORKS_MAX} address ranges"),
        ));
    }
    let mut ranges = Vec::with_capacity(raw.len());
    for (i, text) in raw.iter().enumerate() {
        let range: Cidr = text.trim().parse().map_err(|error: wk_domain::CidrError| {
            ApiError::field(&format!("/networks/{i}"), error.to_string())
        })?;
        ranges.push(range);
    }
    ranges.sort_unstable();
    ranges.dedup();
    Ok(ranges.iter().map(ToString::to_string).collect())
}

async fn make(
    app: &App,
    actor: &Actor,
    owner: &UserRow,
    form: ApiTokenForm,
    input: ApiTokenInput,
) -> Answer<ApiTokenMade> {
    let name = wk_domain::text::clean_line(&input.name, NAME_MAX);
    if name.is_empty() {
        return Err(ApiError::field("/name", "say what it is for"));
    }
    let life = life(input.days)?;
    scopes::checked(app, actor, &input.scopes)?;
    let networks = networks(&input.networks)?;
    let store = app.engine.store();
    let now = app.engine.now();
    let live = store.api_tokens(Some(owner.id)).await?;
    let live = live.iter().filter(|row| state_of(row, Some(owner), now) == "live").count();
    if live >= TOKENS_MAX {
        return Err(ApiError::Conflict(format!(
            "{} has {live} tokens: revoke those that are not used",
            owner.name
        )));
    }
    let secret = Secret::generate(form).map_err(|_| ApiError::Internal)?;
    let row = ApiTokenRow {
        id: wk_engine::ids::new_id(now),
        owner: owner.id,
        name,
        hint: secret.hint(),
        secret_sha256: secret.sha256().to_vec(),
        old_sha256: Vec::new(),
        old_until: None,
        scope_json: serde_json::to_string(&input.scopes).map_err(|_| ApiError::Internal)?,
        networks,
        created: now,
        created_by: actor.label(),
        rotated: None,
        expires: now + life,
        last_used: None,
        last_address: String::new(),
        revoked: None,
        revoked_by: String::new(),
        revision: 0,
    };
    let audit = record::draft(actor, now, "token.create", "apitoken", row.id)
        .within(owner.tenant)
        .next_revision(None)
        .images_of(None, Some(&row));
    let row = store.put_api_token(row, audit).await?;
    made(app, &row, &secret).await
}

async fn made(app: &App, row: &ApiTokenRow, secret: &Secret) -> Answer<ApiTokenMade> {
    let accounts = Accounts::read(app).await?;
    let token = view(row, &accounts, app.engine.now());
    Ok(Json(ApiTokenMade { token, secret: secret.text().expose().clone() }))
}

async fn renew(
    app: &App,
    actor: &Actor,
    home: TenantId,
    before: ApiTokenRow,
    form: ApiTokenForm,
    input: RotateInput,
) -> Answer<ApiTokenMade> {
    let life = life(input.days)?;
    if input.overlap_hours > OVERLAP_MAX_HOURS {
        return Err(ApiError::field(
            "/overlap_hours",
            format!("both secrets work for {OVERLAP_MAX_HOURS} hours at most"),
        ));
    }
    let now = app.engine.now();
    if before.revoked.is_some() || now >= before.expires {
        return Err(ApiError::Conflict("the token has ended: make a new one".to_owned()));
    }
    let secret = Secret::generate(form).map_err(|_| ApiError::Internal)?;
    // Never longer than it would have lived without.
    let overlap = now + Duration::from_secs(u64::from(input.overlap_hours) * 3600);
    let kept = input.overlap_hours > 0;
    let after = ApiTokenRow {
        hint: secret.hint(),
        secret_sha256: secret.sha256().to_vec(),
        old_sha256: if kept { before.secret_sha256.clone() } else { Vec::new() },
        old_until: kept.then_some(overlap.min(before.expires)),
        rotated: Some(now),
        expires: now + life,
        ..before.clone()
    };
    let audit = record::draft(actor, now, "token.rotate", "apitoken", before.id)
        .within(home)
        .next_revision(Some(before.revision))
        .images_of(Some(&before), Some(&after));
    let row = app.engine.store().put_api_token(after, audit).await?;
    made(app, &row, &secret).await
}

async fn end(app: &App, actor: &Actor, home: TenantId, before: ApiTokenRow) -> Result<StatusCode, ApiError> {
    let now = app.engine.now();
    let by = actor.label();
    let after = ApiTokenRow { revoked: Some(now), revoked_by: by.clone(), ..before.clone() };
    let audit = record::draft(actor, now, "token.revoke", "apitoken", before.id)
        .within(home)
        .next_revision(Some(before.revision))
        .images_of(Some(&before), Some(&after));
    app.engine.store().revoke_api_token(before.id, now, &by, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn no_token() -> ApiError {
    ApiError::NotFound("the token is not there (any more)".to_owned())
}

/// One's own: another's answers as if it were not there.
async fn own(app: &App, actor: &Actor, id: ApiTokenId) -> Result<ApiTokenRow, ApiError> {
    let person = person_of(actor).map_err(|_| no_token())?;
    app.engine.store().api_token(id).await?.filter(|row| row.owner == person).ok_or_else(no_token)
}

async fn my_tokens(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<ApiToken>> {
    let Ok(person) = person_of(&actor) else {
        return Ok(Json(Page { items: Vec::new(), total: None, next: None }));
    };
    let accounts = Accounts::read(&app).await?;
    let now = app.engine.now();
    let rows = app.engine.store().api_tokens(Some(person)).await?;
    let items = rows.iter().map(|row| view(row, &accounts, now)).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn make_mine(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<ApiTokenInput>,
) -> Answer<ApiTokenMade> {
    let person = person_of(&actor)?;
    let owner = app.engine.store().user(person).await?.ok_or(ApiError::SignIn)?;
    make(&app, &actor, &owner, ApiTokenForm::Personal, input).await
}

async fn rotate_mine(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ApiTokenKind>,
    Body(input): Body<RotateInput>,
) -> Answer<ApiTokenMade> {
    let row = own(&app, &actor, id).await?;
    renew(&app, &actor, record::home_of(&actor), row, ApiTokenForm::Personal, input).await
}

async fn revoke_mine(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ApiTokenKind>,
) -> Result<StatusCode, ApiError> {
    let row = own(&app, &actor, id).await?;
    end(&app, &actor, record::home_of(&actor), row).await
}

async fn tokens(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<ApiToken>> {
    let accounts = Accounts::read(&app).await?;
    let sight = actor.rights.sight(Act::TokenRead);
    let now = app.engine.now();
    let rows = app.engine.store().api_tokens(None).await?;
    let seen = |row: &&ApiTokenRow| {
        let home = accounts.users.get(&row.owner).and_then(|owner| home_of(&app, owner));
        home.is_some_and(|path| sight.sees(&Place::tenant(path.ids()).owned_by(row.owner)))
    };
    let items = rows.iter().filter(seen).map(|row| view(row, &accounts, now)).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

/// The token with its owner, where the actor may do `A` to it.
async fn theirs<A: wk_authz::Action>(
    app: &App,
    actor: &Actor,
    id: ApiTokenId,
) -> Result<(ApiTokenRow, UserRow), ApiError> {
    let store = app.engine.store();
    let row = store.api_token(id).await?.ok_or_else(no_token)?;
    let owner = store.user(row.owner).await?.ok_or_else(no_token)?;
    let home = home_of(app, &owner);
    let place = home.as_ref().map(|path| Place::tenant(path.ids()).owned_by(owner.id));
    let _permit = permit_at::<A, _>(actor, id, place.as_ref(), "the token")?;
    Ok((row, owner))
}

pub(crate) async fn revoke(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ApiTokenKind>,
) -> Result<StatusCode, ApiError> {
    let (row, owner) = theirs::<TokenRevoke>(&app, &actor, id).await?;
    end(&app, &actor, owner.tenant, row).await
}

async fn rotate(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ApiTokenKind>,
    Body(input): Body<RotateInput>,
) -> Answer<ApiTokenMade> {
    let (row, owner) = theirs::<ServiceWrite>(&app, &actor, id).await?;
    if app.engine.store().service_account(owner.id).await?.is_none() {
        return Err(ApiError::Conflict(
            "this is a person's token: only its owner gets a new secret".to_owned(),
        ));
    }
    let scopes: Vec<TokenScope> = serde_json::from_str(&row.scope_json).unwrap_or_default();
    covers(&app, &actor, &owner, &scopes).await?;
    renew(&app, &actor, owner.tenant, row, ApiTokenForm::Service, input).await
}

/// Whoever gets a program's secret could act as it: what it may must be his own, too.
async fn covers(app: &App, actor: &Actor, owner: &UserRow, scopes: &[TokenScope]) -> Result<(), ApiError> {
    let held = app.engine.rights_of(owner).await?;
    let asked = scopes::actions(scopes);
    let world = app.engine.world();
    // The role of the account, and whatever it was granted.
    for grant in held.grants().iter().filter(|grant| grant.effect == wk_authz::Effect::Allow) {
        let covered = actor.rights.covers(asked.and(grant.acts()), &grant.scope, &world.tenants);
        covered.map_err(|lacking| {
            let why = format!(
                "you have not {} yourself, so you cannot hold the secret of a program that has",
                lacking.name()
            );
            ApiError::field("/scopes", why)
        })?;
    }
    Ok(())
}

fn service_view(
    row: &ServiceAccountRow,
    accounts: &Accounts,
    tokens: &[ApiTokenRow],
    now: Timestamp,
) -> ServiceAccount {
    let user = accounts.users.get(&row.person);
    let owner = row.owner.and_then(|owner| accounts.users.get(&owner));
    let live = tokens
        .iter()
        .filter(|token| token.owner == row.person && state_of(token, user, now) == "live")
        .count();
    ServiceAccount {
        id: row.person.to_string(),
        name: user.map(|user| user.name.clone()).unwrap_or_default(),
        display_name: user.map(|user| user.display_name.clone()).unwrap_or_default(),
        role: user.map(|user| user.role.clone()).unwrap_or_default(),
        disabled: user.is_none_or(|user| user.disabled.is_some()),
        owner: owner.map(|owner| accounts.named(owner.id)),
        owner_living: owner.is_some_and(|owner| owner.disabled.is_none()),
        purpose: row.purpose.clone(),
        review_due_at: time::write(row.review_due),
        review_overdue: now >= row.review_due,
        created_at: time::write(row.created),
        created_by: row.created_by.clone(),
        live_tokens: u64::try_from(live).unwrap_or(u64::MAX),
        revision: row.revision,
    }
}

async fn services(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<ServiceAccount>> {
    let accounts = Accounts::read(&app).await?;
    let sight = actor.rights.sight(Act::TokenRead);
    let now = app.engine.now();
    let tokens = app.engine.store().api_tokens(None).await?;
    let seen = |row: &&ServiceAccountRow| {
        let home = accounts.users.get(&row.person).and_then(|user| home_of(&app, user));
        home.is_some_and(|path| sight.sees(&Place::tenant(path.ids()).owned_by(row.person)))
    };
    let mut items: Vec<_> = accounts
        .services
        .values()
        .filter(seen)
        .map(|row| service_view(row, &accounts, &tokens, now))
        .collect();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(Page { items, total: None, next: None }))
}

/// The person who is to answer for a service account.
async fn answers(app: &App, actor: &Actor, raw: &str) -> Result<UserRow, ApiError> {
    let store = app.engine.store();
    let name = raw.trim().to_lowercase();
    let person = store.user_by_name(&name).await?.filter(|user| user.disabled.is_none());
    // Somebody whom one may not know is nobody.
    let knows = |user: &UserRow| {
        let world = app.engine.world();
        let place = world.place_of_person(user.id, user.tenant);
        place.is_some_and(|place| actor.rights.may(Act::TokenRead, &place))
    };
    let person = person.filter(knows);
    let person =
        person.ok_or_else(|| ApiError::field("/owner", "name a person with an account that is open"))?;
    if store.service_account(person.id).await?.is_some() {
        return Err(ApiError::field("/owner", "a person answers for it, and not another service account"));
    }
    Ok(person)
}

fn said(purpose: &str, review_days: u32) -> Result<(String, Duration), ApiError> {
    let purpose = wk_domain::text::clean_line(purpose, 500);
    if purpose.is_empty() {
        return Err(ApiError::field("/purpose", "say what it is for"));
    }
    if !(1..=365).contains(&review_days) {
        return Err(ApiError::field("/review_days", "somebody looks at it again in 1 to 365 days"));
    }
    Ok((purpose, DAY * review_days))
}

/// Makes a service account; a second person agrees where the role is one that could agree to acts, or administer.
pub(crate) async fn make_service(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<ServiceAccountInput>,
) -> Result<Response, ApiError> {
    let _permit = authorize::<ServiceWrite, _>(&actor, ())?;
    let name = crate::sign::user_name(&input.name)?;
    let role = Role::parse(&input.role).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        ApiError::field("/role", format!("use one of {}", known.join(", ")))
    })?;
    let (purpose, review) = said(&input.purpose, input.review_days)?;
    let owner = answers(&app, &actor, &input.owner).await?;
    // What one has not, one cannot give.
    let covered = actor.rights.covers(role.actions(), &Scope::everything(), &app.engine.world().tenants);
    if let Err(lacking) = covered {
        let why = format!("you have not {} yourself, so you cannot give it", lacking.name());
        return Err(ApiError::field("/role", why));
    }
    let store = app.engine.store();
    if store.user_by_name(&name).await?.is_some() {
        return Err(ApiError::Conflict(format!("there is an account {name} already")));
    }
    if four_eyes::raises(role.as_str()) || four_eyes::is_program(&actor) {
        let wanted = Wanted {
            act: "service.create",
            object: format!("user:{name}"),
            summary: format!("Make the service account {name} with the role {}", role.as_str()),
            target: None,
            reason: &input.reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    let now = app.engine.now();
    let user = UserRow {
        id: wk_engine::ids::new_id(now),
        tenant: TenantId::ROOT,
        name,
        display_name: wk_domain::text::clean_line(&input.display_name, 100),
        role: role.as_str().to_owned(),
        password_phc: String::new(),
        totp_sealed: Vec::new(),
        totp_revision: 1,
        totp_last_step: 0,
        created: now,
        disabled: None,
        failures: 0,
        revision: 1,
    };
    let row = ServiceAccountRow {
        person: user.id,
        owner: Some(owner.id),
        purpose,
        review_due: now + review,
        created: now,
        created_by: actor.label(),
        revision: 0,
    };
    let audit = record::draft(&actor, now, "service.create", "user", &user.name)
        .next_revision(None)
        .images_of(None, Some(&row))
        .text("role", None, Some(&user.role));
    let person = user.id;
    store.create_service_account(user, row, audit).await?;
    Ok(one(&app, person).await?.into_response())
}

async fn one(app: &App, person: UserId) -> Answer<ServiceAccount> {
    let accounts = Accounts::read(app).await?;
    let tokens = app.engine.store().api_tokens(Some(person)).await?;
    let row = accounts.services.get(&person).ok_or_else(no_service)?;
    Ok(Json(service_view(row, &accounts, &tokens, app.engine.now())))
}

fn no_service() -> ApiError {
    ApiError::NotFound("the service account is not there (any more)".to_owned())
}

/// The service account, where the actor may write it.
async fn service(app: &App, actor: &Actor, id: UserId) -> Result<(ServiceAccountRow, UserRow), ApiError> {
    let store = app.engine.store();
    let row = store.service_account(id).await?.ok_or_else(no_service)?;
    let user = store.user(id).await?.ok_or_else(no_service)?;
    let home = home_of(app, &user);
    let place = home.as_ref().map(|path| Place::tenant(path.ids()).owned_by(id));
    let _permit = permit_at::<ServiceWrite, _>(actor, id, place.as_ref(), "the service account")?;
    Ok((row, user))
}

async fn change_service(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ServiceAccountEdit>,
) -> Answer<ServiceAccount> {
    let (before, user) = service(&app, &actor, id).await?;
    let (purpose, review) = said(&input.purpose, input.review_days)?;
    let owner = answers(&app, &actor, &input.owner).await?;
    let now = app.engine.now();
    let after = ServiceAccountRow {
        owner: Some(owner.id),
        purpose,
        review_due: now + review,
        revision: input.revision,
        ..before.clone()
    };
    let audit = record::draft(&actor, now, "service.change", "user", &user.name)
        .within(user.tenant)
        .next_revision(Some(input.revision))
        .images_of(Some(&before), Some(&after));
    app.engine.store().put_service_account(after, audit).await?;
    one(&app, id).await
}

async fn make_for_service(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ApiTokenInput>,
) -> Answer<ApiTokenMade> {
    let (_, user) = service(&app, &actor, id).await?;
    if user.disabled.is_some() {
        return Err(ApiError::Conflict("the service account is disabled: enable it first".to_owned()));
    }
    scopes::checked(&app, &actor, &input.scopes)?;
    covers(&app, &actor, &user, &input.scopes).await?;
    make(&app, &actor, &user, ApiTokenForm::Service, input).await
}
