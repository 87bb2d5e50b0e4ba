//! Routes of rights: groups of people, roles, grants; and what anybody may do, and why.
//!
//! The shapes are beside their handlers. Rules live in the engine: nobody gives what he does not hold, and somebody who
//! may do everything is always left.

mod explain;
mod grants;
mod groups;
mod roles;

use wk_authz::{AccessRead, AccessWrite, Act, Actions, Actor, Permit, Place};
use wk_domain::{TenantId, UserId};

use crate::auth;
use crate::error::ApiError;
use crate::routes::Routes;
use crate::state::App;

pub(crate) use grants::give;
pub(crate) use groups::add_member;
pub(crate) use roles::change_role;

pub(crate) fn routes(routes: Routes) -> Routes {
    let routes = groups::routes(routes);
    let routes = roles::routes(routes);
    let routes = grants::routes(routes);
    explain::routes(routes)
}

/// The permit to change the access of a tenant, for something in it; the thing is not there for who may not see it.
fn write_at<R>(
    app: &App,
    actor: &Actor,
    resource: R,
    tenant: Option<TenantId>,
    what: &'static str,
) -> Result<Permit<AccessWrite, R>, ApiError> {
    let path = tenant.and_then(|tenant| app.engine.world().tenants.path(tenant));
    let place = path.as_ref().map(|path| Place::tenant(path.ids()));
    auth::permit_at(actor, resource, place.as_ref(), what)
}

/// The permit to read it.
fn read_at<R>(
    app: &App,
    actor: &Actor,
    resource: R,
    tenant: Option<TenantId>,
    what: &'static str,
) -> Result<Permit<AccessRead, R>, ApiError> {
    let path = tenant.and_then(|tenant| app.engine.world().tenants.path(tenant));
    let place = path.as_ref().map(|path| Place::tenant(path.ids()));
    auth::permit_at(actor, resource, place.as_ref(), what)
}

/// The tenant that somebody names, or the only one he may mean: the root.
fn tenant_of(app: &App, actor: &Actor, raw: Option<&str>) -> Result<TenantId, ApiError> {
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(TenantId::ROOT) };
    let id = raw.parse().map_err(|error| ApiError::field("/tenant", format!("{error}")))?;
    let world = app.engine.world();
    let sees = |act, place: &Place<'_>| actor.rights.may(act, place);
    let seen = world.place_of_tenant(id);
    // One that he may not know of is none.
    match seen.filter(|place| sees(Act::TenantRead, place) || sees(Act::AccessRead, place)) {
        Some(_) => Ok(id),
        None => Err(ApiError::field("/tenant", "there is no such tenant")),
    }
}

/// An account by its id or its name, if the actor may know of it.
async fn person_called(
    app: &App,
    actor: &Actor,
    raw: &str,
) -> Result<wk_engine::ports::rows::UserRow, ApiError> {
    let store = app.engine.store();
    let row = match raw.parse::<UserId>() {
        Ok(id) => store.user(id).await?,
        Err(_) => store.user_by_name(raw).await?,
    };
    let tenant = row.as_ref().map(|row| row.tenant);
    let (_, row) = read_at(app, actor, row, tenant, "the account")?.into_parts();
    row.ok_or_else(|| ApiError::NotFound("the account is not there (any more)".to_owned()))
}

/// Whether giving this makes somebody who could agree to acts, or change who may do what: another person has to want it.
fn makes_powerful(actions: Actions) -> bool {
    [Act::ApprovalDecide, Act::UserWrite, Act::AccessWrite].into_iter().any(|act| actions.has(act))
}
