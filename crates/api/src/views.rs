//! Routes of saved views: a list's filter under a name, a person's own, or shown to everybody.
//!
//! Another's view that is not shared answers as if it were not there. A shared one is changed by its owner, and removed
//! by its owner or an administrator.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use wk_authz::{Act, Actor, Place, ViewKeep, ViewRead, ViewShare, Who, authorize_at};
use wk_domain::{UserId, ViewKind};
use wk_engine::filter::Filter;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::ViewRow;
use wk_engine::record::{self, DraftExt as _};

use crate::auth::Caller;
use crate::body::{Body, PathId};
use crate::dto::{Page, SavedView, SavedViewInput};
use crate::error::ApiError;
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;
use crate::time;

/// Views of one person: more than anybody finds again.
const VIEWS_MAX: usize = 100;
const NAME_MAX: usize = 60;
/// As long as an address may be.
const FILTER_MAX: usize = 2_000;

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<ViewRead, _, _>(
            get("/views", "My saved views, and those that are shared").page::<SavedView>(),
            list,
        )
        .add::<ViewKeep, _, _>(
            post("/views", "Save a view; to share it needs `view.share`")
                .body::<SavedViewInput>()
                .answer::<SavedView>(),
            keep,
        )
        .add::<ViewKeep, _, _>(
            put("/views/{id}", "Change a view of mine").body::<SavedViewInput>().answer::<SavedView>(),
            change,
        )
        .add::<ViewKeep, _, _>(
            delete("/views/{id}", "Remove a view of mine; an administrator removes shared ones, too"),
            remove,
        )
}

fn owner(actor: &Actor) -> Option<UserId> {
    match &actor.who {
        Who::User { id, .. } => Some(*id),
        Who::Token { .. } | Who::Local { .. } | Who::System => None,
    }
}

fn own(actor: &Actor) -> Result<UserId, ApiError> {
    owner(actor).ok_or_else(|| {
        ApiError::Conflict("a view belongs to a person: sign in with an account to save one".to_owned())
    })
}

/// Whose views somebody may be shown: those of tenants he sees, and of his own with all above it, which share downwards.
fn scope(app: &App, actor: &Actor) -> TenantScope {
    let world = app.engine.world();
    let seen = world.view_of(actor, Act::ViewRead);
    match seen.entire().tenants() {
        None => TenantScope::whole(),
        Some(tenants) => {
            let home = world.tenants.path(record::home_of(actor));
            TenantScope::of(tenants.iter().chain(home.iter().flat_map(|path| path.ids())).copied())
        }
    }
}

async fn shown(app: &App, rows: Vec<ViewRow>, me: Option<UserId>) -> Result<Vec<SavedView>, ApiError> {
    let users = app.engine.store().users().await?;
    let name_of =
        |id| users.iter().find(|user| user.id == id).map(|user| user.name.clone()).unwrap_or_default();
    let view = |row: ViewRow| SavedView {
        id: row.id.to_string(),
        owner: name_of(row.owner),
        mine: me == Some(row.owner),
        list: row.list,
        name: row.name,
        filter: row.filter,
        scope: row.scope,
        sort: row.sort,
        shared: row.shared,
        created_at: time::write(row.created),
        revision: row.revision,
    };
    Ok(rows.into_iter().map(view).collect())
}

async fn one(app: &App, row: ViewRow, me: UserId) -> Answer<SavedView> {
    shown(app, vec![row], Some(me)).await?.pop().map(Json).ok_or(ApiError::Internal)
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<Page<SavedView>> {
    let me = owner(&actor);
    // Nobody's id: the local socket sees what is shared.
    let asked = me.unwrap_or_else(|| wk_engine::ids::new_id(app.engine.now()));
    let rows = app.engine.store().views(&scope(&app, &actor), asked).await?;
    Ok(Json(Page { items: shown(&app, rows, me).await?, total: None, next: None }))
}

/// What is written, read into a row; a field error says what is not right.
fn read(input: SavedViewInput, row: ViewRow) -> Result<ViewRow, ApiError> {
    let name = wk_domain::text::clean_line(&input.name, NAME_MAX);
    if name.is_empty() {
        return Err(ApiError::field("/name", "give it a name"));
    }
    if !matches!(input.list.as_str(), "problems" | "hosts") {
        return Err(ApiError::field("/list", "use problems or hosts"));
    }
    let filter = input.filter.trim().to_owned();
    if filter.len() > FILTER_MAX {
        return Err(ApiError::field("/filter", format!("at most {FILTER_MAX} bytes")));
    }
    if input.list == "problems" {
        Filter::parse(&filter).map_err(|error| ApiError::field("/filter", error.to_string()))?;
    }
    if !matches!(input.scope.as_str(), "" | "all") {
        return Err(ApiError::field("/scope", "use all, or leave it empty"));
    }
    let column = input.sort.strip_prefix('-').unwrap_or(&input.sort);
    if column.len() > 40 || !column.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.') {
        return Err(ApiError::field("/sort", "a column's name, with - before it for the other way round"));
    }
    Ok(ViewRow {
        list: input.list,
        name,
        filter,
        scope: input.scope,
        sort: input.sort,
        shared: input.shared,
        ..row
    })
}

/// Showing something to everybody is more than keeping it.
fn may_share(app: &App, actor: &Actor) -> Result<(), ApiError> {
    let world = app.engine.world();
    let home = world.place_of_tenant(record::home_of(actor));
    let _permit = authorize_at::<ViewShare, ()>(actor, (), &home.unwrap_or(Place::ROOT))?;
    Ok(())
}

async fn keep(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<SavedViewInput>,
) -> Answer<SavedView> {
    let me = own(&actor)?;
    let now = app.engine.now();
    let empty = ViewRow {
        id: wk_engine::ids::new_id(now),
        tenant: record::home_of(&actor),
        owner: me,
        list: String::new(),
        name: String::new(),
        filter: String::new(),
        scope: String::new(),
        sort: String::new(),
        shared: false,
        created: now,
        revision: 0,
    };
    let row = read(input, empty)?;
    if row.shared {
        may_share(&app, &actor)?;
    }
    let store = app.engine.store();
    if store.views(&scope(&app, &actor), me).await?.iter().filter(|view| view.owner == me).count()
        >= VIEWS_MAX
    {
        return Err(ApiError::Conflict(format!("you have {VIEWS_MAX} views; remove one first")));
    }
    let audit = record::draft(&actor, now, "view.keep", "view", row.id)
        .within(row.tenant)
        .next_revision(None)
        .images_of(None, Some(&row));
    let row = store.put_view(row, audit).await?;
    one(&app, row, me).await
}

/// The view, if it is the actor's to see.
async fn seen(app: &App, actor: &Actor, id: wk_domain::ViewId) -> Result<ViewRow, ApiError> {
    let row = app.engine.store().view(id).await?;
    let scope = scope(app, actor);
    row.filter(|row| (row.shared && scope.covers(row.tenant)) || owner(actor) == Some(row.owner))
        .ok_or_else(|| ApiError::NotFound("the view is not there (any more)".to_owned()))
}

async fn change(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ViewKind>,
    Body(input): Body<SavedViewInput>,
) -> Answer<SavedView> {
    let me = own(&actor)?;
    let old = seen(&app, &actor, id).await?;
    if old.owner != me {
        return Err(ApiError::Conflict(
            "this view belongs to somebody else: save it under a name of yours".to_owned(),
        ));
    }
    if input.list != old.list {
        return Err(ApiError::field("/list", "a view stays in its list"));
    }
    let revision = input.revision.unwrap_or(old.revision);
    let row = ViewRow { revision, ..read(input, old.clone())? };
    // Asked each time: who may no longer share must not change what everybody sees.
    if row.shared {
        may_share(&app, &actor)?;
    }
    let audit = record::draft(&actor, app.engine.now(), "view.keep", "view", id)
        .within(row.tenant)
        .next_revision(Some(old.revision))
        .images_of(Some(&old), Some(&row));
    let row = app.engine.store().put_view(row, audit).await?;
    one(&app, row, me).await
}

async fn remove(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ViewKind>,
) -> Result<StatusCode, ApiError> {
    let row = seen(&app, &actor, id).await?;
    let administers = {
        let world = app.engine.world();
        world.place_of_tenant(row.tenant).is_some_and(|place| actor.rights.may(Act::UserWrite, &place))
    };
    if owner(&actor) != Some(row.owner) && !administers {
        return Err(ApiError::Conflict("this view belongs to somebody else".to_owned()));
    }
    let audit = record::draft(&actor, app.engine.now(), "view.remove", "view", id)
        .within(row.tenant)
        .images_of(Some(&row), None);
    app.engine.store().delete_view(id, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}
