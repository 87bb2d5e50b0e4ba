//! Who is calling: a session cookie over TLS, or the peer of the local socket. Asked anew for every request.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use wk_authz::{Action, Actor, Denied, Permit, Place, Who, authorize_at};
use wk_domain::TenantId;
use wk_engine::record::{self, DraftExt as _};
use wk_identity::SessionToken;

use crate::bearer;
use crate::error::ApiError;
use crate::sign::times_of;
use crate::state::App;

/// Name of the session cookie. The prefix makes browsers insist on TLS, this host and the whole path.
pub(crate) const COOKIE: &str = "__Host-sid";

/// Where a connection came from; the listener puts it into every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Over TLS.
    Network(SocketAddr),
    /// Over the local socket, by a process with this user id: the server's own, or root.
    Local { uid: u32 },
}

impl Origin {
    pub(crate) fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Network(address) => Some(address.ip()),
            Self::Local { .. } => None,
        }
    }
}

/// The request's id, made by the listener.
#[derive(Debug, Clone)]
pub(crate) struct RequestTag(pub(crate) String);

/// The actor a guarded handler works for.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Actor);

/// The value of the session cookie, if the request carries exactly one.
pub(crate) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    one_cookie(headers, COOKIE)
}

/// The value of the cookie of this name, if the request carries exactly one.
pub(crate) fn one_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    let first = found.next()?;
    // Two cookies of one name are an attempt to smuggle one in.
    if found.next().is_some() { None } else { Some(first) }
}

/// The digest under which the store, and the counters, know a session by its cookie.
pub(crate) fn token_digest(cookie: &str) -> Option<[u8; 32]> {
    SessionToken::parse(cookie).ok().map(|token| token.sha256())
}

/// A write must come from our own page: browsers say so, and a program that is no browser sends none of these headers.
/// What the API says, too, is for our own page: another site's page has no business asking, and no cookie to ask with.
pub(crate) fn same_site(request: &Parts) -> bool {
    let reads = matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if reads && !request.uri.path().starts_with("/api/") {
        return true;
    }
    let headers = &request.headers;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // A browser that comes back from a provider comes from there, and says so.
    if crate::providers::comes_from_outside(request.uri.path()) {
        return true;
    }
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let host = request.uri.authority().map(|a| a.as_str()).or_else(|| text("host"));
    match (text("origin"), host) {
        _ if reads => true,
        (None, _) => true,
        (Some(origin), Some(host)) => origin.strip_prefix("https://").is_some_and(|rest| rest == host),
        (Some(_), None) => false,
    }
}

/// Where a request comes from that nobody is known for yet, for the audit log.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    address: Option<IpAddr>,
    user_agent: String,
    pub(crate) request: String,
}

impl Asked {
    /// The draft with it.
    pub(crate) fn put(&self, draft: wk_audit::Draft) -> wk_audit::Draft {
        let user_agent = Some(self.user_agent.as_str()).filter(|name| !name.is_empty());
        draft.source(self.address, user_agent).request(&self.request)
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            address: parts.extensions.get::<Origin>().and_then(|origin| origin.ip()),
            user_agent: user_agent(&parts.headers),
            request: parts.extensions.get::<RequestTag>().map(|tag| tag.0.clone()).unwrap_or_default(),
        })
    }
}

/// What the caller's program calls itself, for the audit log.
pub(crate) fn user_agent(headers: &HeaderMap) -> String {
    let name = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    wk_domain::text::clean_line(name, 200)
}

/// Asks anew who is calling. `touch`: the request counts as use of the session.
pub(crate) async fn actor_of(app: &App, request: &Parts, touch: bool) -> Result<Actor, ApiError> {
    Ok(caller_of(app, request, touch).await?.0)
}

/// Who is calling, and whether a second factor was given in the last minutes. On the local socket the kernel vouches
/// for the peer each time.
pub(crate) async fn caller_of(app: &App, request: &Parts, touch: bool) -> Result<(Actor, bool), ApiError> {
    let extensions = &request.extensions;
    let origin = *extensions.get::<Origin>().ok_or(ApiError::Internal)?;
    let tag = extensions.get::<RequestTag>().map(|tag| tag.0.clone()).unwrap_or_default();
    match origin {
        Origin::Local { .. } if bearer::is_given(&request.headers) => Err(ApiError::BadRequest(
            "the local socket asks for no token: whoever may use it may do everything".to_owned(),
        )),
        Origin::Local { uid } => {
            let user_agent = user_agent(&request.headers);
            // What is read-only is so for it, too.
            let rights = wk_authz::Rights::server_in(&app.engine.world().tenants);
            Ok((Actor { request: tag, user_agent, rights, ..Actor::local(uid) }, true))
        }
        Origin::Network(address) => {
            if !same_site(request) {
                return Err(ApiError::OtherSite);
            }
            let token = bearer::bearer(&request.headers).inspect_err(|error| {
                if matches!(error, ApiError::WrongToken) {
                    app.gate.brought_wrong(address.ip());
                }
            })?;
            if let Some(token) = token {
                // A program has no second factor to be fresh.
                return Ok((bearer::actor(app, request, &token, address.ip(), tag, touch).await?, false));
            }
            let cookie = session_cookie(&request.headers).ok_or(ApiError::SignIn)?;
            let (mut actor, session, _) =
                app.people.actor(&app.engine, cookie, address.ip(), tag, touch).await?;
            actor.user_agent = user_agent(&request.headers);
            if let Some(digest) = token_digest(cookie) {
                app.gate.introduce(digest);
            }
            let fresh = times_of(&session).is_elevated(app.engine.now());
            Ok((actor, fresh))
        }
    }
}

/// The answer for what is not there, and for what the caller may not know of.
pub(crate) fn absent(what: &str) -> ApiError {
    ApiError::NotFound(format!("{what} is not there (any more)"))
}

/// The permit to do `A` to a thing at `place`. Where there is none, and where the actor may not know of it, the answer is
/// the same: `what` is not there.
pub(crate) fn permit_at<A: Action, R>(
    actor: &Actor,
    resource: R,
    place: Option<&Place<'_>>,
    what: &'static str,
) -> Result<Permit<A, R>, ApiError> {
    let place = place.ok_or_else(|| ApiError::NotFound(format!("{what} is not there (any more)")))?;
    authorize_at(actor, resource, place).map_err(|denied| match denied.hidden {
        true => ApiError::Hidden { what, denied },
        false => ApiError::from(denied),
    })
}

/// Writes down that somebody asked for what is not theirs to do: at most once a minute for a session and an action, so
/// that a program in a loop does not fill the log; the rest is counted, and named in the next entry.
pub(crate) async fn note_denial(app: &App, actor: &Actor, denied: &Denied) {
    app.engine.counters().add("api.denied", 1);
    if denied.hidden {
        note_hidden(app, actor, denied);
    } else {
        note_refusal(app, actor, denied.action, &denied.to_string()).await;
    }
}

/// Whoever asked is told that there is no such thing. So his own tenant's log does not say otherwise, later entries do not
/// count it, and the answer does not take longer than for what is not there.
fn note_hidden(app: &App, actor: &Actor, denied: &Denied) {
    let counted = match &actor.who {
        Who::User { session, .. } => app.gate.denial(*session, "hidden"),
        Who::Token { id, .. } => app.gate.denial(crate::tokens::as_session(*id), "hidden"),
        Who::Local { .. } | Who::System => Some(0),
    };
    if counted.is_none() {
        return;
    }
    let audit = record::draft(actor, app.engine.now(), denied.action, "route", denied.action)
        .within(TenantId::ROOT)
        .denied(denied.to_string());
    let store = std::sync::Arc::clone(app.engine.store());
    tokio::spawn(async move {
        if let Err(error) = store.append_audit(vec![audit]).await {
            tracing::error!("a denial could not be written down: {error}");
        }
    });
}

/// Likewise, whatever the reason.
pub(crate) async fn note_refusal(app: &App, actor: &Actor, action: &'static str, why: &str) {
    let unwritten = match &actor.who {
        Who::User { session, .. } => match app.gate.denial(*session, action) {
            Some(unwritten) => unwritten,
            None => return,
        },
        Who::Token { id, .. } => match app.gate.denial(crate::tokens::as_session(*id), action) {
            Some(unwritten) => unwritten,
            None => return,
        },
        Who::Local { .. } | Who::System => 0,
    };
    let reason = match unwritten {
        0 => why.to_owned(),
        more => format!("{why}; {more} more of the kind since the last one written down"),
    };
    let audit = record::draft(actor, app.engine.now(), action, "route", action).denied(reason);
    if let Err(error) = app.engine.store().append_audit(vec![audit]).await {
        tracing::error!("a denial could not be written down: {error}");
    }
}
