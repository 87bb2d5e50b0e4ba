//! My outside identities: linked and taken off from inside my account, and a fresh factor given over there.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wk_authz::{Actor, SelfManage, SelfSecure, Who};
use wk_domain::{ProviderId, ProviderKindTag, SessionId, UserId};
use wk_engine::ports::StoreError;
use wk_engine::ports::outside::ProviderRow;
use wk_engine::ports::passkeys::{FactorUse, SessionRaise};
use wk_engine::ports::rows::{SessionRow, UserRow};
use wk_engine::record::{self, DraftExt as _};
use wk_identity::SessionToken;
use wk_identity::outside::{Outside, Refusal, Why};

use super::dto::{OutsideBegin, OutsideDeparture, OutsideIdentity};
use super::enter::{Stop, Visit, link_row, method, once};
use super::walk::{depart, open};
use super::{At, Purpose, local_page};
use crate::account::person;
use crate::auth::{Asked, Caller, Origin};
use crate::body::{Body, PathId};
use crate::dto::Page;
use crate::error::ApiError;
use crate::routes::{Routes, delete, get, post};
use crate::sign::{cookie_of, must_enrol, times_of};
use crate::state::App;
use crate::time;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add::<SelfManage, _, _>(
            get("/me/outside", "Who I am elsewhere, as far as I can sign in by it").page::<OutsideIdentity>(),
            list,
        )
        .add::<SelfSecure, _, _>(
            post("/me/outside/link", "Link who I am elsewhere: where to send the browser")
                .body::<OutsideBegin>()
                .answer::<OutsideDeparture>(),
            begin_link,
        )
        .add::<SelfSecure, _, _>(
            delete("/me/outside/{id}", "Take a provider off my account: sessions that came over it end"),
            unlink,
        )
        .add::<SelfManage, _, _>(
            post("/me/outside/elevate", "A fresh factor given at the provider: where to send the browser")
                .body::<OutsideBegin>()
                .answer::<OutsideDeparture>(),
            begin_elevate,
        )
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Result<Json<Page<OutsideIdentity>>, ApiError> {
    let Who::User { id, .. } = &actor.who else {
        return Ok(Json(Page { items: Vec::new(), total: None, next: None }));
    };
    let providers = app.engine.store().providers().await?;
    let items = app
        .engine
        .store()
        .links_of(*id)
        .await?
        .into_iter()
        .filter_map(|link| {
            let provider = providers.iter().find(|row| row.id == link.provider)?;
            let browser = app.outside.kind(&provider.kind).is_some_and(|kind| !kind.kind().asks_password());
            Some(OutsideIdentity {
                confirms: browser && provider.enabled && provider.trusts_factor,
                provider: provider.id.to_string(),
                provider_name: provider.name.clone(),
                kind: provider.kind.clone(),
                name: link.name,
                linked_at: time::write(link.linked),
                last_used_at: time::write(link.last_used),
                made_account: link.made_account,
            })
        })
        .collect();
    Ok(Json(Page { items, total: None, next: None }))
}

fn told(stop: Stop) -> ApiError {
    match stop {
        Stop::Error(error) => error,
        Stop::Refused(refusal) if refusal.why == Why::Unreachable => {
            ApiError::Unavailable("the provider does not answer now".to_owned())
        }
        Stop::Refused(_) => ApiError::Conflict("this provider cannot be used for that".to_owned()),
    }
}

async fn begins(
    app: &App,
    origin: Origin,
    at: &At,
    id: &str,
    purpose: Purpose,
) -> Result<Response, ApiError> {
    let not_there = || ApiError::NotFound("this way to sign in is not there".to_owned());
    let id: ProviderId = id.parse().map_err(|_| not_there())?;
    let row = open(app, id).await.map_err(told)?;
    let from = origin.ip().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
    let (url, bind) = depart(app, &row, at, purpose, from).await.map_err(told)?;
    Ok(([(header::SET_COOKIE, bind)], Json(OutsideDeparture { url })).into_response())
}

async fn begin_link(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Extension(Caller(actor)): Extension<Caller>,
    at: At,
    Body(input): Body<OutsideBegin>,
) -> Result<Response, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    begins(&app, origin, &at, &input.provider, Purpose::Link { user: user.id, session }).await
}

async fn begin_elevate(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Extension(Caller(actor)): Extension<Caller>,
    at: At,
    Body(input): Body<OutsideBegin>,
) -> Result<Response, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let to = local_page(input.to.as_deref());
    begins(&app, origin, &at, &input.provider, Purpose::Elevate { user: user.id, session, to }).await
}

/// The account and the session that the browser left from, if both still stand.
async fn left_from(app: &App, user: UserId, session: SessionId) -> Result<(UserRow, SessionRow), Stop> {
    let over = || Refusal::new(Why::Expired, "the session that this began in is over");
    let store = app.engine.store();
    let user = store.user(user).await?.filter(|user| user.disabled.is_none()).ok_or_else(over)?;
    let session = store.sessions(user.id).await?.into_iter().find(|row| row.id == session);
    app.people.policies(&app.engine).await?;
    let limits = app.people.session_limits(&user);
    let session = session.filter(|row| times_of(row).check(&limits, app.engine.now()).is_ok());
    Ok((user, session.ok_or_else(over)?))
}

fn acting(user: &UserRow, session: &SessionRow, visit: &Visit<'_>) -> Actor {
    let who = Who::User {
        id: user.id,
        name: user.name.clone(),
        session: session.id,
        method: session.method.clone(),
    };
    let role = wk_authz::Role::parse(&user.role).unwrap_or(wk_authz::Role::None);
    let actor = Actor::new(who, role, wk_authz::Rights::nothing());
    Actor { address: Some(visit.source), request: visit.asked.request.clone(), ..actor }
}

/// Links what the provider says to the account that the browser left from.
pub(super) async fn link(
    app: &App,
    row: &ProviderRow,
    outside: Outside,
    user: UserId,
    session: SessionId,
    visit: &Visit<'_>,
) -> Result<(String, Vec<HeaderValue>), Stop> {
    let outside = outside.bounded()?;
    once(app, row, &outside.once).await?;
    let (user, session) = left_from(app, user, session).await?;
    // The factor that this began with is still a fresh one.
    if !times_of(&session).is_elevated(app.engine.now()) {
        return Err(Refusal::new(Why::Expired, "the fresh factor that this began with is over").into());
    }
    let now = app.engine.now();
    let link = link_row(row, &outside, user.id, now, false);
    let actor = acting(&user, &session, visit);
    let audit = record::draft(&actor, now, "user.link", "user", &user.name)
        .reason(wk_domain::text::clean_line(format!("{} {}", method(row), outside.name), 300));
    match app.engine.store().put_link(link, audit).await {
        Ok(()) => Ok(("/me?linked=yes".to_owned(), Vec::new())),
        Err(StoreError::Conflict { what }) => Err(Refusal::new(Why::NameTaken, what).into()),
        Err(error) => Err(error.into()),
    }
}

/// The provider vouches, just now, with a second factor, for whom the session is.
pub(super) async fn elevate(
    app: &App,
    row: &ProviderRow,
    outside: Outside,
    (user, session): (UserId, SessionId),
    to: &str,
    visit: &Visit<'_>,
) -> Result<(String, Vec<HeaderValue>), Stop> {
    let outside = outside.bounded()?;
    once(app, row, &outside.once).await?;
    let (user, session) = left_from(app, user, session).await?;
    let linked = app.engine.store().link_of(row.id, &outside.subject).await?;
    if linked.is_none_or(|link| link.person != user.id) {
        return Err(Refusal::new(
            Why::Refused,
            "the provider vouches for somebody else than the session's owner",
        )
        .into());
    }
    if !row.trusts_factor || !outside.second_factor {
        return Err(
            Refusal::new(Why::Refused, "the provider asserts no second factor that counts here").into()
        );
    }
    let now = app.engine.now();
    let proved = outside.proved_at.and_then(|at| now.checked_since(at));
    if proved.is_none_or(|age| age > std::time::Duration::from_secs(120)) || must_enrol(&session.method) {
        return Err(Refusal::new(Why::Refused, "the person did not prove it just now").into());
    }
    let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
    let after = SessionRow { token_sha256: token.sha256().to_vec(), elevated: Some(now), ..session.clone() };
    let actor = acting(&user, &session, visit);
    let audit = record::draft(&actor, now, "session.elevate", "session", session.id)
        .reason(method(row))
        .images_of(Some(&session), Some(&after));
    let raise = SessionRaise {
        session: session.id,
        token_sha256: token.sha256().to_vec(),
        at: now,
        factor: FactorUse::Nothing,
        method: None,
    };
    if !app.engine.store().raise_session(raise, audit).await? {
        return Err(Refusal::new(Why::Expired, "the session that this began in is over").into());
    }
    Ok((to.to_owned(), vec![cookie_of(&token)?]))
}

async fn unlink(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ProviderKindTag>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let _ = (asked, headers);
    let (user, _) = person(&app, &actor).await?;
    let store = app.engine.store();
    let links: Vec<_> =
        store.links_of(user.id).await?.into_iter().filter(|link| link.provider == id).collect();
    if links.is_empty() {
        return Err(ApiError::NotFound("you are not linked to it".to_owned()));
    }
    if links.iter().any(|link| link.made_account) {
        return Err(ApiError::Conflict(
            "your account was made for this identity, and belongs to it: an administrator can disable the account".to_owned(),
        ));
    }
    let now = app.engine.now();
    for link in links {
        let audit = record::draft(&actor, now, "user.unlink", "user", &user.name).reason(link.name.clone());
        store.remove_link(id, &link.subject, now, audit).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
