//! Routes of what people do about problems, one or many at a time.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use wk_authz::{
    Actor, CheckRead, ProblemAcknowledge, ProblemComment, ProblemDowntime, ProblemRecheck, authorize,
};
use wk_domain::{CheckId, DowntimeId, DowntimeKind, HostId};
use wk_engine::people::DowntimePlan;

use crate::auth::Caller;
use crate::body::{Body, PathId};
use crate::dto::{
    AcknowledgeInput, BulkFailure, BulkResult, ChecksInput, CommentInput, Downtime, DowntimeInput, HostRef,
    Page,
};
use crate::error::ApiError;
use crate::monitor::optional_id;
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
            get("/downtimes", "Downtimes in effect and planned").page::<Downtime>(),
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

/// Collects what came of each part. A denial is the same for all and ends the whole.
#[derive(Debug, Default)]
struct Bulk(BulkResultParts);

#[derive(Debug, Default)]
struct BulkResultParts {
    done: u32,
    failed: Vec<BulkFailure>,
}

impl Bulk {
    fn note(
        &mut self,
        id: impl ToString,
        outcome: Result<(), wk_engine::EngineError>,
    ) -> Result<(), ApiError> {
        match outcome {
            Ok(()) => self.0.done += 1,
            Err(error) => match ApiError::from(error) {
                fatal @ (ApiError::Denied(_) | ApiError::Unavailable(_) | ApiError::Internal) => {
                    return Err(fatal);
                }
                ApiError::Fields(errors) => {
                    let reason = errors.first().map(|e| e.detail.clone()).unwrap_or_default();
                    self.0.failed.push(BulkFailure { id: id.to_string(), reason });
                }
                other => self.0.failed.push(BulkFailure { id: id.to_string(), reason: other.to_string() }),
            },
        }
        Ok(())
    }

    fn answer(self) -> Answer<BulkResult> {
        Ok(Json(BulkResult { done: self.0.done, failed: self.0.failed }))
    }
}

fn caller(Extension(Caller(actor)): Extension<Caller>) -> Actor {
    actor
}

async fn acknowledge(
    State(app): State<App>,
    who: Extension<Caller>,
    Body(input): Body<AcknowledgeInput>,
) -> Answer<BulkResult> {
    let actor = caller(who);
    let expires = crate::monitor::optional_time("/expires_at", input.expires_at.as_deref())?;
    if input.note.trim().is_empty() {
        return Err(ApiError::field("/note", "say what you are doing about it"));
    }
    let mut bulk = Bulk::default();
    for check in checks(&input.checks)? {
        let permit = authorize::<ProblemAcknowledge, _>(&actor, check)?;
        bulk.note(check, app.engine.acknowledge(permit, &input.note, input.sticky, expires).await)?;
    }
    bulk.answer()
}

async fn unacknowledge(
    State(app): State<App>,
    who: Extension<Caller>,
    Body(input): Body<ChecksInput>,
) -> Answer<BulkResult> {
    let actor = caller(who);
    let mut bulk = Bulk::default();
    for check in checks(&input.checks)? {
        let permit = authorize::<ProblemAcknowledge, _>(&actor, check)?;
        bulk.note(check, app.engine.unacknowledge(permit).await)?;
    }
    bulk.answer()
}

async fn recheck(
    State(app): State<App>,
    who: Extension<Caller>,
    Body(input): Body<ChecksInput>,
) -> Answer<BulkResult> {
    let actor = caller(who);
    let mut bulk = Bulk::default();
    for check in checks(&input.checks)? {
        let permit = authorize::<ProblemRecheck, _>(&actor, check)?;
        bulk.note(check, app.engine.recheck(permit).await)?;
    }
    bulk.answer()
}

async fn comment(
    State(app): State<App>,
    who: Extension<Caller>,
    Body(input): Body<CommentInput>,
) -> Answer<BulkResult> {
    let actor = caller(who);
    if input.text.trim().is_empty() {
        return Err(ApiError::field("/text", "the comment is empty"));
    }
    let mut bulk = Bulk::default();
    for check in checks(&input.checks)? {
        let permit = authorize::<ProblemComment, _>(&actor, check)?;
        bulk.note(check, app.engine.comment(permit, &input.text).await)?;
    }
    bulk.answer()
}

async fn downtimes(State(app): State<App>) -> Answer<Page<Downtime>> {
    let now = app.engine.now();
    let world = app.engine.world();
    let mut rows: Vec<_> = world.downtimes.values().filter(|row| now < row.end).collect();
    rows.sort_by_key(|row| (row.start, row.id));
    let items = rows
        .into_iter()
        .map(|row| Downtime {
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
        .collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn plan(
    State(app): State<App>,
    who: Extension<Caller>,
    Body(input): Body<DowntimeInput>,
) -> Answer<BulkResult> {
    let actor = caller(who);
    let start = time::read("/start_at", &input.start_at)?;
    let end = time::read("/end_at", &input.end_at)?;
    if input.note.trim().is_empty() {
        return Err(ApiError::field("/note", "say what the downtime is for"));
    }
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
    let mut bulk = Bulk::default();
    for plan in plans {
        let permit = authorize::<ProblemDowntime, _>(&actor, plan.host)?;
        let id = plan.check.map_or_else(|| plan.host.to_string(), |check| check.to_string());
        bulk.note(id, app.engine.plan_downtime(permit, plan).await.map(drop))?;
    }
    bulk.answer()
}

async fn cancel(
    State(app): State<App>,
    who: Extension<Caller>,
    PathId(id): PathId<DowntimeKind>,
) -> Result<StatusCode, ApiError> {
    let id: DowntimeId = id;
    app.engine.cancel_downtime(authorize::<ProblemDowntime, _>(&caller(who), id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
