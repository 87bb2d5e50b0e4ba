//! Routes of what people do about problems, one or many at a time.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use wk_authz::{
    Act, Action, Actor, CheckRead, Permit, ProblemAcknowledge, ProblemComment, ProblemDowntime,
    ProblemRecheck,
};
use wk_domain::{CheckId, DowntimeId, DowntimeKind, HostId};
use wk_engine::EngineError;
use wk_engine::people::DowntimePlan;

use crate::auth::{self, Caller, permit_at};
use crate::body::{Body, PathId, Query};
use crate::dto::{
    AcknowledgeInput, BulkFailure, BulkResult, ChecksInput, CommentInput, Downtime, DowntimeInput, HostRef,
    Page,
};
use crate::error::ApiError;
use crate::monitor::{Paged, optional_id, optional_time, page};
use crate::routes::{Routes, delete, get, post};
use crate::state::App;
use crate::time;

/// Things in one bulk act at most.
const BULK_MAX: usize = 1000;

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<ProblemAcknowledge, _, _>(
            post("/acknowledgements", "Take charge of problems")
                .body::<AcknowledgeInput>()
                .answer::<BulkResult>(),
            acknowledge,
        )
        .add::<ProblemAcknowledge, _, _>(
            post("/acknowledgements/remove", "Let go of problems")
                .body::<ChecksInput>()
                .answer::<BulkResult>(),
            unacknowledge,
        )
        .add::<ProblemRecheck, _, _>(
            post("/rechecks", "Run checks now").body::<ChecksInput>().answer::<BulkResult>(),
            recheck,
        )
        .add::<ProblemComment, _, _>(
            post("/comments", "Say something on timelines").body::<CommentInput>().answer::<BulkResult>(),
            comment,
        )
        .add::<CheckRead, _, _>(
            get("/downtimes", "Downtimes in effect and planned").paged().page::<Downtime>(),
            downtimes,
        )
        .add::<ProblemDowntime, _, _>(
            post("/downtimes", "Plan downtimes").body::<DowntimeInput>().answer::<BulkResult>(),
            plan,
        )
        .add::<ProblemDowntime, _, _>(delete("/downtimes/{id}", "Cancel a downtime"), cancel)
}

fn checks(raw: &[String]) -> Result<Vec<CheckId>, ApiError> {
    if raw.is_empty() || raw.len() > BULK_MAX {
        return Err(ApiError::field("/checks", format!("name 1 to {BULK_MAX} checks")));
    }
    raw.iter()
        .enumerate()
        .map(|(i, id)| {
            id.parse().map_err(|error| ApiError::field(&format!("/checks/{i}"), format!("{error}")))
        })
        .collect()
}

/// One act on many things: does each and collects what came of it. What ends one ends no other; when the store is away
/// there is no point in going on. When all were denied, that is the answer.
async fn each<T, Outcome>(
    app: &App,
    actor: &Actor,
    things: Vec<T>,
    mut act: impl FnMut(&T) -> Outcome,
    name: impl Fn(&T) -> String,
) -> Answer<BulkResult>
where
    Outcome: Future<Output = Result<Option<String>, ApiError>>,
{
    let mut result = BulkResult { done: 0, failed: Vec::new(), made: Vec::new() };
    let (count, mut denials) = (things.len(), Vec::new());
    for thing in things {
        let reason = match act(&thing).await {
            Ok(made) => {
                result.done += 1;
                result.made.extend(made);
                continue;
            }
            Err(fatal @ (ApiError::Unavailable(_) | ApiError::Internal)) => return Err(fatal),
            Err(ApiError::Denied(denied)) => {
                let reason = denied.to_string();
                denials.push(denied);
                reason
            }
            Err(hidden @ ApiError::Hidden { .. }) => {
                let reason = hidden.to_string();
                if let ApiError::Hidden { denied, .. } = hidden {
                    auth::note_denial(app, actor, &denied).await;
                }
                reason
            }
            Err(ApiError::Fields(errors)) => {
                errors.into_iter().next().map(|error| error.detail).unwrap_or_default()
            }
            Err(other) => other.to_string(),
        };
        result.failed.push(BulkFailure { id: name(&thing), reason });
    }
    if denials.len() == count
        && let Some(denied) = denials.pop()
    {
        return Err(ApiError::Denied(denied));
    }
    for denied in denials {
        auth::note_denial(app, actor, &denied).await;
    }
    Ok(Json(result))
}

/// The same for acts on checks, each with its own permit.
async fn each_check<A: Action, Outcome>(
    app: &App,
    actor: &Actor,
    raw: &[String],
    mut act: impl FnMut(Permit<A, CheckId>) -> Outcome,
) -> Answer<BulkResult>
where
    Outcome: Future<Output = Result<(), EngineError>>,
{
    let act = |check: &CheckId| {
        let permit = {
            let world = app.engine.world();
            permit_at::<A, _>(actor, *check, world.place_of_check(*check).as_ref(), "the check")
        };
        let acted = permit.map(&mut act);
        async move { acted?.await.map(|()| None).map_err(ApiError::from) }
    };
    each(app, actor, checks(raw)?, act, CheckId::to_string).await
}

async fn acknowledge(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<AcknowledgeInput>,
) -> Answer<BulkResult> {
    let expires = optional_time("/expires_at", input.expires_at.as_deref())?;
    said("/note", &input.note, "say what you are doing about it")?;
    each_check::<ProblemAcknowledge, _>(&app, &actor, &input.checks, |permit| {
        app.engine.acknowledge(permit, &input.note, input.sticky, expires)
    })
    .await
}

async fn unacknowledge(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<ChecksInput>,
) -> Answer<BulkResult> {
    each_check::<ProblemAcknowledge, _>(&app, &actor, &input.checks, |permit| {
        app.engine.unacknowledge(permit)
    })
    .await
}

async fn recheck(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<ChecksInput>,
) -> Answer<BulkResult> {
    each_check::<ProblemRecheck, _>(&app, &actor, &input.checks, |permit| app.engine.recheck(permit)).await
}

async fn comment(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<CommentInput>,
) -> Answer<BulkResult> {
    said("/text", &input.text, "the comment is empty")?;
    each_check::<ProblemComment, _>(&app, &actor, &input.checks, |permit| {
        app.engine.comment(permit, &input.text)
    })
    .await
}

fn said(pointer: &str, text: &str, otherwise: &str) -> Result<(), ApiError> {
    if text.trim().is_empty() { Err(ApiError::field(pointer, otherwise)) } else { Ok(()) }
}

async fn downtimes(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<Paged>,
) -> Answer<Page<Downtime>> {
    let now = app.engine.now();
    let world = app.engine.world();
    let seen = world.view_of(&actor, Act::CheckRead);
    let mut rows: Vec<_> =
        world.downtimes.values().filter(|row| now < row.end && seen.host(row.host)).collect();
    rows.sort_by_key(|row| (row.start, row.id));
    page(&rows, query.limit, query.after.as_deref(), |row| {
        Some(Downtime {
            id: row.id.to_string(),
            host: HostRef {
                id: row.host.to_string(),
                name: world.hosts.get(&row.host).map(|host| host.name.clone()).unwrap_or_default(),
            },
            check: row.check.map(|check| check.to_string()),
            check_title: row.check.and_then(|id| world.checks.get(&id)).map(|e| e.row.check.title.clone()),
            start_at: time::write(row.start),
            end_at: time::write(row.end),
            note: row.note.clone(),
            created_by: row.created_by.clone(),
            active: row.start <= now,
        })
    })
}

async fn plan(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<DowntimeInput>,
) -> Answer<BulkResult> {
    let start = time::read("/start_at", &input.start_at)?;
    let end = time::read("/end_at", &input.end_at)?;
    said("/note", &input.note, "say what the downtime is for")?;
    if input.targets.is_empty() || input.targets.len() > BULK_MAX {
        return Err(ApiError::field("/targets", format!("name 1 to {BULK_MAX} targets")));
    }
    let mut plans = Vec::with_capacity(input.targets.len());
    for (i, target) in input.targets.iter().enumerate() {
        let pointer = format!("/targets/{i}/host");
        let host: HostId =
            target.host.parse().map_err(|error| ApiError::field(&pointer, format!("{error}")))?;
        let check = optional_id(&format!("/targets/{i}/check"), target.check.as_deref())?;
        plans.push(DowntimePlan { host, check, start, end, note: input.note.clone() });
    }
    let act = |plan: &DowntimePlan| {
        let permit = {
            let world = app.engine.world();
            permit_at::<ProblemDowntime, _>(
                &actor,
                plan.host,
                world.place_of_host(plan.host).as_ref(),
                "the host",
            )
        };
        let planned = permit.map(|permit| app.engine.plan_downtime(permit, plan.clone()));
        async move { Ok(Some(planned?.await?.id.to_string())) }
    };
    let name =
        |plan: &DowntimePlan| plan.check.map_or_else(|| plan.host.to_string(), |check| check.to_string());
    each(&app, &actor, plans, act, name).await
}

async fn cancel(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<DowntimeKind>,
) -> Result<StatusCode, ApiError> {
    let id: DowntimeId = id;
    let permit = {
        let world = app.engine.world();
        permit_at::<ProblemDowntime, _>(&actor, id, world.place_of_downtime(id).as_ref(), "the downtime")?
    };
    app.engine.cancel_downtime(permit).await?;
    Ok(StatusCode::NO_CONTENT)
}
