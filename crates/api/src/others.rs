//! Sessions of others: an administrator sees from where somebody is signed in, and ends it.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::Deserialize;
use wk_authz::{UserRead, UserWrite};
use wk_domain::{SessionId, UserKind};
use wk_engine::ports::rows::SessionRow;
use wk_engine::record::{self, DraftExt as _};

use crate::auth::Caller;
use crate::body::{PathId, Query};
use crate::dto::{Page, Session};
use crate::error::ApiError;
use crate::routes::{Routes, delete, get};
use crate::sign::times_of;
use crate::state::App;
use crate::time;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<UserRead, _, _>(
            get("/users/{id}/sessions", "Where somebody is signed in").page::<Session>(),
            list,
        )
        .add::<UserWrite, _, _>(
            delete(
                "/users/{id}/sessions",
                "End somebody's sessions, or one of them; devices are strangers then",
            )
            .query("session", "string", "Only this one"),
            end,
        )
}

#[derive(Debug, Deserialize)]
struct Which {
    session: Option<String>,
}

async fn list(State(app): State<App>, PathId(id): PathId<UserKind>) -> Result<Json<Page<Session>>, ApiError> {
    let user = crate::removal::found(&app, id).await?;
    let (now, limits) = (app.engine.now(), app.people.session_limits(&user));
    let rows = app.engine.store().sessions(id).await?.into_iter();
    let items = rows.filter(|row| times_of(row).check(&limits, now).is_ok()).map(|row| Session {
        id: row.id.to_string(),
        current: false,
        created_at: time::write(row.created),
        last_used_at: time::write(row.last_used),
        address: row.address,
        user_agent: row.user_agent,
        method: row.method,
    });
    Ok(Json(Page { items: items.collect(), total: None, next: None }))
}

async fn end(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Query(which): Query<Which>,
) -> Result<StatusCode, ApiError> {
    let user = crate::users::account(&app, &actor, id).await?;
    let (store, now) = (app.engine.store(), app.engine.now());
    let Some(which) = which.session else {
        let audit = record::draft(&actor, now, "session.end", "user", &user.name)
            .within(user.tenant)
            .reason("by an administrator");
        store.end_sessions(id, None, now, audit).await?;
        app.people.forget_devices(&app.engine, id).await?;
        return Ok(StatusCode::NO_CONTENT);
    };
    let gone = || ApiError::NotFound("the session is not there (any more)".to_owned());
    let session: SessionId = which.parse().map_err(|_| gone())?;
    let row = store.sessions(id).await?.into_iter().find(|row| row.id == session).ok_or_else(gone)?;
    let after = SessionRow { ended: Some(now), ..row.clone() };
    let audit = record::draft(&actor, now, "session.end", "session", session)
        .within(user.tenant)
        .images_of(Some(&row), Some(&after))
        .reason("by an administrator");
    store.end_session(session, now, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}
