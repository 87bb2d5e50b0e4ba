//! Routes of requests that another person must agree to: what waits, agreeing, declining, withdrawing, and the policy.
//!
//! Agreeing carries the act out, as the requester, through the very handler the requester called. The store uses the
//! request up in the transaction of that act, together with the decision's entry: of two who agree at once one is told
//! that it is decided, and an act that fails leaves the request open.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_audit::Agreement;
use wk_authz::{
    Act, Actor, ApprovalDecide, ApprovalPolicy, ApprovalRead, Place, Role, SelfManage, Who, authorize,
};
use wk_domain::{ApprovalId, ApprovalKind, SessionId, TenantId, UserId};
use wk_engine::ports::approvals::{ApprovalRow, Settled};
use wk_engine::record::{self, DraftExt as _};

use crate::auth::Caller;
use crate::body::{Body, PathId, Query};
use crate::dto::{Page, ReasonInput, RoleInput, UserInput};
use crate::error::ApiError;
use crate::four_eyes::{self, FourEyes, Payload, SETTING, Wanted};
use crate::monitor::{cut, row_page};
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;
use crate::{access, admin, agents, removal, time, tokens, users};

type Answer<T> = Result<Json<T>, ApiError>;

/// A request that another person must agree to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Approval {
    pub(crate) id: String,
    /// `open`, `done`, `declined`, `withdrawn`, `void` or `expired`.
    pub(crate) state: String,
    /// `user.set_role`, `channel.change`, ...
    pub(crate) act: String,
    pub(crate) object: String,
    /// What will be done, in a sentence.
    pub(crate) summary: String,
    /// The act's particulars, as they will be done.
    #[schema(value_type = Object)]
    pub(crate) input: serde_json::Value,
    /// SHA-256 of the act whole; agreeing names it, so that one agrees to what one has seen.
    pub(crate) payload_sha256: String,
    pub(crate) requested_by: String,
    /// A program asked, with a token of the requester's.
    pub(crate) by_token: bool,
    pub(crate) reason: String,
    pub(crate) requested_at: String,
    pub(crate) expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decided_at: Option<String>,
    pub(crate) decided_by: String,
    pub(crate) note: String,
    /// The caller asked for it.
    pub(crate) mine: bool,
    /// The caller can agree to it.
    pub(crate) may_decide: bool,
    /// Why the caller cannot; empty when he can.
    pub(crate) why_not: String,
    /// Who could agree to it.
    pub(crate) could_decide: Vec<String>,
}

/// Agrees to a request.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgreeInput {
    /// Of the request that was looked at.
    pub(crate) payload_sha256: String,
    #[serde(default)]
    pub(crate) note: String,
}

/// What came of agreeing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Agreed {
    pub(crate) approval: Approval,
    /// What the act answered, such as a one-time link: hand it on yourself, it is shown once.
    #[schema(value_type = Object)]
    pub(crate) result: serde_json::Value,
}

/// When a second person is asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FourEyesPolicy {
    pub(crate) mode: FourEyes,
    /// Who could agree to what the caller asks for.
    pub(crate) could_decide: Vec<String>,
    /// The caller would act alone now.
    pub(crate) alone: bool,
}

/// Another policy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FourEyesInput {
    pub(crate) mode: FourEyes,
    pub(crate) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    open: Option<bool>,
    limit: Option<u32>,
    after: Option<String>,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<ApprovalRead, _, _>(
            get("/approvals", "Requests that another person must agree to, newest first")
                .query("open", "boolean", "Only those that wait for a decision")
                .paged()
                .page::<Approval>(),
            list,
        )
        .add::<ApprovalRead, _, _>(get("/approvals/{id}", "One request").answer::<Approval>(), one)
        .add::<ApprovalDecide, _, _>(
            post("/approvals/{id}/agree", "Agree: the act is done at once")
                .body::<AgreeInput>()
                .answer::<Agreed>(),
            agree,
        )
        .add::<ApprovalDecide, _, _>(
            post("/approvals/{id}/decline", "Decline: nothing is done")
                .body::<ReasonInput>()
                .answer::<Approval>(),
            decline,
        )
        .add::<SelfManage, _, _>(
            get("/me/approvals", "What I asked for, newest first").page::<Approval>(),
            mine,
        )
        .add::<SelfManage, _, _>(delete("/me/approvals/{id}", "Withdraw a request of mine"), withdraw)
        .add::<ApprovalRead, _, _>(
            get("/four-eyes", "When a second person is asked for").answer::<FourEyesPolicy>(),
            policy,
        )
        .add::<ApprovalPolicy, _, _>(
            put("/four-eyes", "When a second person is asked for; less often is itself such an act")
                .body::<FourEyesInput>()
                .answer::<FourEyesPolicy>()
                .asks(),
            set_policy,
        )
}

fn person_of(actor: &Actor) -> Option<UserId> {
    match &actor.who {
        Who::User { id, .. } => Some(*id),
        Who::Token { .. } | Who::Local { .. } | Who::System => None,
    }
}

/// Why the actor cannot agree to it; nothing when he can. Who may agree at all is asked before.
async fn why_not(
    app: &App,
    row: &ApprovalRow,
    actor: &Actor,
) -> Result<(Option<&'static str>, Vec<String>), ApiError> {
    let requester = row.requester.ok_or(ApiError::Internal)?;
    let panel = four_eyes::panel(app, requester).await?;
    // Somebody of a tenant asks, and is not told who administers the server.
    let told = record::home_of(actor) == TenantId::ROOT || actor.rights.may(Act::ApprovalRead, &Place::ROOT);
    let names = panel.eligible.values().filter(|_| told).cloned().collect();
    let why = match person_of(actor) {
        None => Some("agreeing is for a person who is signed in"),
        Some(person) if person == requester => Some("you asked for it yourself"),
        Some(person) if panel.eligible.contains_key(&person) => None,
        Some(person) if panel.touched.contains(&person) => Some(
            "who asks made your account or changed it within the last seven days: somebody else must agree",
        ),
        Some(_) => Some("you may not agree to requests"),
    };
    Ok((why, names))
}

/// As people see it; `actor`: for whom.
pub(crate) async fn view(app: &App, row: &ApprovalRow, actor: &Actor) -> Result<Approval, ApiError> {
    let now = app.engine.now();
    let state = four_eyes::state_of(row, now).to_owned();
    let (why, could_decide) =
        if state == "open" { why_not(app, row, actor).await? } else { (Some("it is decided"), Vec::new()) };
    Ok(Approval {
        id: row.id.to_string(),
        state,
        act: row.act.clone(),
        object: row.object.clone(),
        summary: row.summary.clone(),
        input: four_eyes::readable(row),
        payload_sha256: row.payload_sha256.clone(),
        requested_by: row.requester_name.clone(),
        by_token: row.via.starts_with("apitoken_"),
        reason: row.reason.clone(),
        requested_at: time::write(row.requested),
        expires_at: time::write(row.expires),
        decided_at: row.decided.map(time::write),
        decided_by: row.decided_by.clone(),
        note: row.note.clone(),
        mine: person_of(actor).is_some() && person_of(actor) == row.requester,
        may_decide: why.is_none(),
        why_not: why.unwrap_or_default().to_owned(),
        could_decide,
    })
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<Listed>,
) -> Answer<Page<Approval>> {
    let _permit = authorize::<ApprovalRead, ()>(&actor, ())?;
    let (page, limit) = row_page(query.limit, query.after)?;
    let open_at = query.open.unwrap_or(false).then(|| app.engine.now());
    let rows = app.engine.store().approvals(open_at, page).await?;
    let (rows, next) = cut(rows, limit, |row| row.id.to_string());
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(view(&app, row, &actor).await?);
    }
    Ok(Json(Page { items, total: None, next }))
}

async fn row(app: &App, id: ApprovalId) -> Result<ApprovalRow, ApiError> {
    let row = app.engine.store().approval(id).await?;
    row.ok_or_else(|| ApiError::NotFound("the request is not there (any more)".to_owned()))
}

async fn one(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ApprovalKind>,
) -> Answer<Approval> {
    let _permit = authorize::<ApprovalRead, ()>(&actor, ())?;
    let row = row(&app, id).await?;
    Ok(Json(view(&app, &row, &actor).await?))
}

async fn mine(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<Page<Approval>> {
    let Some(person) = person_of(&actor) else {
        return Ok(Json(Page { items: Vec::new(), total: None, next: None }));
    };
    let page = wk_engine::ports::rows::Page { limit: 500, after: None };
    let mut items = Vec::new();
    for row in app.engine.store().approvals(None, page).await? {
        if row.requester == Some(person) {
            items.push(view(&app, &row, &actor).await?);
        }
    }
    Ok(Json(Page { items, total: None, next: None }))
}

/// The request, if it can still be decided.
async fn undecided(app: &App, id: ApprovalId) -> Result<ApprovalRow, ApiError> {
    let row = row(app, id).await?;
    match four_eyes::state_of(&row, app.engine.now()) {
        "open" => Ok(row),
        "expired" => Err(ApiError::Conflict("the request is over: nobody decided in time".to_owned())),
        state => Err(ApiError::Conflict(format!("the request was decided already: {state}"))),
    }
}

async fn settle(
    app: &App,
    actor: &Actor,
    row: &ApprovalRow,
    action: &'static str,
    state: &'static str,
    note: &str,
) -> Result<ApprovalRow, ApiError> {
    let now = app.engine.now();
    let after = ApprovalRow {
        state: state.to_owned(),
        decided: Some(now),
        decider: person_of(actor),
        decided_by: actor.label(),
        note: note.to_owned(),
        ..row.clone()
    };
    let audit =
        record::draft(actor, now, action, "approval", row.id).images_of(Some(row), Some(&after)).reason(note);
    let settled = Settled {
        id: row.id,
        state,
        at: now,
        decider: after.decider,
        by: after.decided_by.clone(),
        note: after.note.clone(),
    };
    app.engine.store().settle_approval(settled, audit).await?;
    Ok(after)
}

/// What it was made on is different now: it can never be agreed to.
async fn void(app: &App, actor: &Actor, row: &ApprovalRow, why: &str) -> ApiError {
    match settle(app, actor, row, "approval.void", "void", why).await {
        Ok(_) => ApiError::Conflict(format!("nothing was done, and the request is void: {why}")),
        Err(error) => error,
    }
}

async fn decline(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ApprovalKind>,
    Body(input): Body<ReasonInput>,
) -> Answer<Approval> {
    let _permit = authorize::<ApprovalDecide, ()>(&actor, ())?;
    let note = said(&input.reason)?;
    let row = undecided(&app, id).await?;
    let after = settle(&app, &actor, &row, "approval.decline", "declined", &note).await?;
    Ok(Json(view(&app, &after, &actor).await?))
}

fn said(raw: &str) -> Result<String, ApiError> {
    let note = wk_domain::text::clean_line(raw, 500);
    if note.is_empty() { Err(ApiError::field("/reason", "say why")) } else { Ok(note) }
}

async fn withdraw(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ApprovalKind>,
) -> Result<StatusCode, ApiError> {
    let row = row(&app, id).await?;
    if person_of(&actor).is_none() || row.requester != person_of(&actor) {
        return Err(ApiError::NotFound("the request is not there (any more)".to_owned()));
    }
    let row = undecided(&app, row.id).await?;
    settle(&app, &actor, &row, "approval.withdraw", "withdrawn", "").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The requester as he stands now, acting through the request at hand.
async fn requester(
    app: &App,
    row: &ApprovalRow,
    decider: &Actor,
) -> Result<Result<Actor, &'static str>, ApiError> {
    let id = row.requester.ok_or(ApiError::Internal)?;
    let Some(user) = app.engine.store().user(id).await? else {
        return Ok(Err("who asked has no account any more"));
    };
    if user.disabled.is_some() {
        return Ok(Err("who asked is disabled"));
    }
    let rights = app.engine.rights_of(&user).await?;
    let who = Who::User {
        id,
        name: user.name.clone(),
        session: row.via.parse().unwrap_or(SessionId::from_uuid(row.id.uuid())),
        method: "approved".to_owned(),
    };
    let role = Role::parse(&user.role).unwrap_or(Role::None);
    let actor = Actor {
        address: decider.address,
        request: decider.request.clone(),
        user_agent: decider.user_agent.clone(),
        ..Actor::new(who, role, rights)
    };
    Ok(Ok(actor))
}

/// The action that whoever asked must still be permitted.
fn needs(act: &str) -> Option<Act> {
    Some(match act {
        "user.invite" | "user.set_role" | "user.enable" | "user.reset_factors" | "user.reopen" => {
            Act::UserWrite
        }
        "agent.release" => Act::AgentRevoke,
        "channel.create" | "channel.change" | "channel.delete" => Act::ChannelWrite,
        "approval.policy" => Act::ApprovalPolicy,
        "service.create" => Act::ServiceWrite,
        "grant.create" | "group.add_member" | "role.change" => Act::AccessWrite,
        "provider.create" | "provider.change" => Act::ProviderWrite,
        "user.remove_factor" => Act::SelfSecure,
        _ => return None,
    })
}

async fn agree(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ApprovalKind>,
    Body(input): Body<AgreeInput>,
) -> Answer<Agreed> {
    let _permit = authorize::<ApprovalDecide, ()>(&actor, ())?;
    let note = wk_domain::text::clean_line(&input.note, 500);
    let row = undecided(&app, id).await?;
    if let (Some(why), _) = why_not(&app, &row, &actor).await? {
        let audit = record::draft(&actor, app.engine.now(), "approval.agree", "approval", id).denied(why);
        app.engine.store().append_audit(vec![audit]).await?;
        return Err(ApiError::Conflict(why.to_owned()));
    }
    if input.payload_sha256 != row.payload_sha256 {
        return Err(ApiError::Conflict(
            "this is not the request that was shown to you: look at it again".to_owned(),
        ));
    }
    let payload = Payload::read(&row)?;
    let state = four_eyes::object_state(&app, &payload.act, payload.target.as_deref()).await?;
    if state != row.object_state {
        let why = format!("what it is about has changed since ({} is {state} now)", row.object_state);
        return Err(void(&app, &actor, &row, &why).await);
    }
    let who = match requester(&app, &row, &actor).await? {
        Ok(who) => who,
        Err(why) => return Err(void(&app, &actor, &row, why).await),
    };
    let needs = needs(&payload.act).ok_or(ApiError::Internal)?;
    if !who.rights.may_somewhere(needs) {
        return Err(void(&app, &actor, &row, "who asked may not do it any more").await);
    }
    let now = app.engine.now();
    let by_id = person_of(&actor).ok_or(ApiError::Internal)?;
    let after = ApprovalRow {
        state: "done".to_owned(),
        decided: Some(now),
        decider: Some(by_id),
        decided_by: actor.label(),
        note: note.clone(),
        ..row.clone()
    };
    let mut decision =
        record::draft(&actor, now, "approval.agree", "approval", id).images_of(Some(&row), Some(&after));
    if !note.is_empty() {
        decision = decision.reason(&note);
    }
    let agreement =
        Agreement { approval: id.to_string(), by: actor.label(), by_id: by_id.to_string(), note, decision };
    if !record::agreed(Some(agreement)) {
        return Err(ApiError::Internal);
    }
    let done = carry_out(&app, who, payload).await;
    record::agreed(None);
    let answer = done?;
    let row = self::row(&app, id).await?;
    if row.state != "done" {
        // An act that wrote nothing that stands on the agreement would be an act without it.
        tracing::error!(approval.id = %id, "an approved act did not use its approval up");
        return Err(ApiError::Internal);
    }
    app.engine.counters().add("approval.done", 1);
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap_or_default();
    let result = serde_json::from_slice(&body).unwrap_or(serde_json::Value::Null);
    Ok(Json(Agreed { approval: view(&app, &row, &actor).await?, result }))
}

fn id_of<K: wk_domain::id::Kind>(target: Option<&str>) -> Result<PathId<K>, ApiError> {
    target.and_then(|raw| raw.parse().ok()).map(PathId).ok_or(ApiError::Internal)
}

fn body_of<T: serde::de::DeserializeOwned>(input: serde_json::Value) -> Result<Body<T>, ApiError> {
    serde_json::from_value(input).map(Body).map_err(|error| {
        tracing::error!("a request's particulars cannot be read: {error}");
        ApiError::Internal
    })
}

/// Does the act, through the handler that was called when it was asked for.
async fn carry_out(app: &App, who: Actor, payload: Payload) -> Result<Response, ApiError> {
    let (app, caller, target) = (State(app.clone()), Extension(Caller(who)), payload.target.as_deref());
    match payload.act.as_str() {
        "user.invite" => users::invite(app, caller, body_of::<UserInput>(payload.input)?).await,
        "user.set_role" => {
            users::set_role(app, caller, id_of(target)?, body_of::<RoleInput>(payload.input)?).await
        }
        "user.enable" => users::enable(app, caller, id_of(target)?, body_of(payload.input)?).await,
        "user.reset_factors" => users::reset(app, caller, id_of(target)?, body_of(payload.input)?).await,
        "user.remove_factor" => removal::at_once(app, caller, body_of(payload.input)?).await,
        "user.reopen" => users::reopen(app, caller, id_of(target)?, body_of(payload.input)?).await,
        "agent.release" => agents::release(app, caller, id_of(target)?, body_of(payload.input)?).await,
        "channel.create" | "channel.change" => admin::carry_out_channel(app, caller, payload.input).await,
        "channel.delete" => admin::delete_channel(app, caller, id_of(target)?).await,
        "approval.policy" => set_policy(app, caller, body_of(payload.input)?).await,
        "provider.create" | "provider.change" => {
            crate::providers::carry_out(app, caller, payload.input).await
        }
        "service.create" => tokens::make_service(app, caller, body_of(payload.input)?).await,
        "grant.create" => access::give(app, caller, body_of(payload.input)?).await,
        "group.add_member" => access::add_member(app, caller, id_of(target)?, body_of(payload.input)?).await,
        "role.change" => access::change_role(app, caller, id_of(target)?, body_of(payload.input)?).await,
        _ => Err(ApiError::Internal),
    }
}

async fn policy(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<FourEyesPolicy> {
    let mode = four_eyes::mode(&app).await?;
    let panel = match actor.account() {
        Some(account) => four_eyes::panel(&app, account).await?,
        None => four_eyes::Panel::default(),
    };
    let alone = match mode {
        FourEyes::Off => true,
        FourEyes::WhenTwo => !panel.bound(),
        FourEyes::Always => false,
    };
    let could_decide = panel.eligible.into_values().collect();
    Ok(Json(FourEyesPolicy { mode, could_decide, alone }))
}

async fn set_policy(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<FourEyesInput>,
) -> Result<Response, ApiError> {
    let _permit = authorize::<ApprovalPolicy, ()>(&actor, ())?;
    let reason = said(&input.reason)?;
    let before = four_eyes::mode(&app).await?;
    if before == input.mode {
        return Err(ApiError::field("/mode", "it is so already"));
    }
    if input.mode == FourEyes::Always
        && let Some(account) = actor.account()
        && four_eyes::panel(&app, account).await?.eligible.is_empty()
    {
        let why = "nobody could agree to anything you ask for: you would lock yourself out. Make somebody else an \
                   administrator or approver first";
        return Err(ApiError::field("/mode", why));
    }
    if input.mode < before || four_eyes::is_program(&actor) {
        let wanted = Wanted {
            act: "approval.policy",
            object: "setting:four_eyes".to_owned(),
            summary: format!(
                "Ask for a second person: {} instead of {}",
                input.mode.as_str(),
                before.as_str()
            ),
            target: None,
            reason: &reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    let audit = record::draft(&actor, app.engine.now(), "approval.policy", "setting", "four_eyes")
        .text("mode", Some(before.as_str()), Some(input.mode.as_str()))
        .reason(reason);
    app.engine.store().put_setting(SETTING, input.mode.as_str(), Some(audit)).await?;
    Ok(policy(State(app), Extension(Caller(actor))).await?.into_response())
}
