//! Routes of agents: tokens, standing, executions.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use wk_authz::{Act, Action, Actor, AgentEnrol, AgentRead, AgentRevoke, AgentWrite, Permit, TenantRead};
use wk_domain::{AgentId, AgentKind, Timestamp, TokenKind};
use wk_engine::agents::TokenRequest;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{Standing, TokenRow};
use wk_engine::record;

use crate::auth::{Caller, absent, permit_at};
use crate::body::{Body, PathId, Query};
use crate::dto::{Agent, Execution, Page, ReadOnlyInput, ReasonInput, Token, TokenCreated, TokenInput};
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::monitor::{Paged, cut, in_sight, optional_id, page, row_page};
use crate::routes::{Routes, delete, get, post};
use crate::state::App;
use crate::{time, view};

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AgentRead, _, _>(get("/agents", "Agents by host").paged().page::<Agent>(), list)
        .add::<AgentRead, _, _>(get("/agents/{id}", "An agent").answer::<Agent>(), one)
        .add::<AgentRead, _, _>(
            get("/agents/{id}/executions", "What it executed, newest first").paged().page::<Execution>(),
            executions,
        )
        .add::<AgentRevoke, _, _>(
            post("/agents/{id}/revoke", "Revoke: its links close within a second, for good")
                .body::<ReasonInput>()
                .answer::<Agent>(),
            revoke,
        )
        .add::<AgentRevoke, _, _>(
            post("/agents/{id}/release", "Trust a quarantined agent again")
                .body::<ReasonInput>()
                .answer::<Agent>()
                .asks(),
            release,
        )
        .add::<AgentWrite, _, _>(
            post("/agents/{id}/read-only", "End the server's management of an agent, or begin it again")
                .body::<ReadOnlyInput>()
                .answer::<Agent>(),
            read_only,
        )
        .add::<AgentEnrol, _, _>(
            get("/enrolment-tokens", "Tokens, newest first").paged().page::<Token>(),
            tokens,
        )
        .add::<AgentEnrol, _, _>(
            post("/enrolment-tokens", "Make a token: one machine, once, for a while")
                .body::<TokenInput>()
                .answer::<TokenCreated>(),
            create_token,
        )
        .add::<AgentEnrol, _, _>(delete("/enrolment-tokens/{id}", "Take an unused token back"), withdraw)
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<Paged>,
) -> Answer<Page<Agent>> {
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::AgentRead);
    let mut agents: Vec<_> = world.agents.values().filter(|entry| seen.host(entry.row.host)).collect();
    agents.sort_by_cached_key(|entry| {
        let name = world.hosts.get(&entry.row.host).map(|host| host.name.as_str());
        (name, entry.row.enrolled, entry.row.id)
    });
    page(&agents, query.limit, query.after.as_deref(), |entry| Some(view::agent(&world, entry)))
}

async fn one(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<AgentKind>,
) -> Answer<Agent> {
    let world = app.engine.world();
    let permit = permit_at::<AgentRead, _>(&actor, id, world.place_of_agent(id).as_ref(), "the agent")?;
    let entry = world.agents.get(permit.resource()).ok_or_else(|| absent("the agent"))?;
    Ok(Json(view::agent(&world, entry)))
}

/// The permit to do something to an agent: where its host is.
fn may<A: Action>(app: &App, actor: &Actor, id: AgentId) -> Result<Permit<A, AgentId>, ApiError> {
    let world = app.engine.world();
    permit_at::<A, _>(actor, id, world.place_of_agent(id).as_ref(), "the agent")
}

async fn executions(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<AgentKind>,
    Query(query): Query<Paged>,
) -> Answer<Page<Execution>> {
    let _ = may::<AgentRead>(&app, &actor, id)?;
    let scope = {
        let world = app.engine.world();
        let host = world.agents.get(&id).and_then(|entry| world.hosts.get(&entry.row.host));
        TenantScope::of(host.map(|host| host.tenant))
    };
    let (page, limit) = row_page(query.limit, query.after)?;
    let rows = app.engine.store().executions(&scope, Some(id), None, page).await?;
    let (rows, next) = cut(rows, limit, |row| row.id.to_string());
    let items = rows
        .into_iter()
        .map(|row| Execution {
            id: row.id.to_string(),
            check: row.check.map(|check| check.to_string()),
            kind: row.kind,
            what: row.what,
            argv: row.argv,
            sha256: row.sha256,
            grade: row.grade,
            outcome: row.outcome,
            started_at: time::write(row.started),
            duration_ms: row.finished.as_ms() - row.started.as_ms(),
        })
        .collect();
    Ok(Json(Page { items, total: None, next }))
}

async fn revoke(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<AgentKind>,
    Body(input): Body<ReasonInput>,
) -> Answer<Agent> {
    app.engine.revoke_agent(may::<AgentRevoke>(&app, &actor, id)?, &input.reason).await?;
    one(State(app), Extension(Caller(actor)), PathId(id)).await
}

pub(crate) async fn release(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<AgentKind>,
    Body(input): Body<ReasonInput>,
) -> Result<Response, ApiError> {
    // The permit first: who may not do it, may not ask for it either.
    let permit = may::<AgentRevoke>(&app, &actor, id)?;
    let quarantined = {
        let world = app.engine.world();
        let agent = world.agents.get(&id).map(|entry| &entry.row);
        agent.filter(|row| row.standing == Standing::Quarantined).map(|row| row.hostname.clone())
    };
    if let Some(name) = quarantined {
        let wanted = Wanted {
            act: "agent.release",
            object: id.to_string(),
            summary: format!("Trust the quarantined agent on {name} again"),
            target: Some(id.to_string()),
            reason: &input.reason,
            input: serde_json::to_value(&input).map_err(|_| ApiError::Internal)?,
        };
        if let Some(asked) = four_eyes::ask(&app, &actor, wanted).await? {
            return Ok(asked);
        }
    }
    app.engine.release_agent(permit, &input.reason).await?;
    Ok(one(State(app), Extension(Caller(actor)), PathId(id)).await?.into_response())
}

async fn read_only(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<AgentKind>,
    Body(input): Body<ReadOnlyInput>,
) -> Answer<Agent> {
    let permit = may::<AgentWrite>(&app, &actor, id)?;
    app.engine.set_agent_read_only(permit, input.read_only, &input.reason).await?;
    one(State(app), Extension(Caller(actor)), PathId(id)).await
}

async fn tokens(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<Paged>,
) -> Answer<Page<Token>> {
    let now = app.engine.now();
    let scope = app.engine.world().view_of(&actor, Act::AgentEnrol).scope().clone();
    let mut rows = app.engine.store().tokens(&scope).await?;
    {
        let world = app.engine.world();
        let seen = world.view_of(&actor, Act::AgentEnrol);
        rows.retain(|row| seen.tenant(row.tenant));
    }
    rows.sort_by_key(|row| std::cmp::Reverse((row.created, row.id)));
    page(&rows, query.limit, query.after.as_deref(), |row| Some(token(row, now)))
}

fn token(row: &TokenRow, now: Timestamp) -> Token {
    let state = if row.used.is_some() {
        "used"
    } else if row.withdrawn.is_some() {
        "withdrawn"
    } else if row.expires <= now {
        "expired"
    } else {
        "open"
    };
    Token {
        state: state.to_owned(),
        id: row.id.to_string(),
        host_pattern: row.host_pattern.clone(),
        tenant: row.tenant.to_string(),
        grants: row.grants.clone(),
        created_at: time::write(row.created),
        created_by: row.created_by.clone(),
        expires_at: time::write(row.expires),
        used_by: row.used_by.map(|agent| agent.to_string()),
    }
}

async fn create_token(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<TokenInput>,
) -> Answer<TokenCreated> {
    let tenant = optional_id("/tenant", input.tenant.as_deref())?.unwrap_or_else(|| record::home_of(&actor));
    let permit = {
        let world = app.engine.world();
        let place = world.place_of_tenant(tenant);
        let _ = permit_at::<TenantRead, _>(&actor, (), place.as_ref(), "the tenant")?;
        permit_at::<AgentEnrol, _>(&actor, (), place.as_ref(), "the tenant").map_err(in_sight)?
    };
    let request = TokenRequest {
        tenant,
        host_pattern: input.host_pattern,
        grants: input.grants,
        ttl: std::time::Duration::from_secs(input.ttl_s),
    };
    let token = app.engine.create_token(permit, request).await?;
    Ok(Json(TokenCreated {
        id: token.row.id.to_string(),
        line: token.line,
        expires_at: time::write(token.row.expires),
    }))
}

async fn withdraw(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<TokenKind>,
) -> Result<StatusCode, ApiError> {
    let row = app.engine.store().token(id).await?;
    let permit = {
        let world = app.engine.world();
        let place = row.and_then(|row| world.place_of_tenant(row.tenant));
        permit_at::<AgentEnrol, _>(&actor, id, place.as_ref(), "the token").map_err(|error| match error {
            // Who may not enrol there does not know the token.
            ApiError::Denied(denied) => {
                ApiError::Hidden { what: "the token", denied: wk_authz::Denied { hidden: true, ..denied } }
            }
            other => other,
        })?
    };
    app.engine.withdraw_token(permit).await?;
    Ok(StatusCode::NO_CONTENT)
}
