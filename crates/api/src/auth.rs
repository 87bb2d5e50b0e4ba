//! Who is calling: a session cookie over TLS, or the peer of the local socket. Asked anew for every request.

use std::net::{IpAddr, SocketAddr};

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use wk_authz::{Actor, Denied, Role, Who};
use wk_engine::record;

use crate::error::ApiError;
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
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value);
    let first = found.next()?;
    // Two cookies of one name are an attempt to smuggle one in.
    if found.next().is_some() { None } else { Some(first) }
}

/// A write must come from our own page: browsers say so, and a program that is no browser sends none of these headers.
pub(crate) fn same_site(request: &Parts) -> bool {
    if matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let headers = &request.headers;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let host = request.uri.authority().map(|a| a.as_str()).or_else(|| text("host"));
    match (text("origin"), host) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.strip_prefix("https://").is_some_and(|rest| rest == host),
        (Some(_), None) => false,
    }
}

/// Asks anew who is calling. `touch`: the request counts as use of the session.
pub(crate) async fn actor_of(app: &App, request: &Parts, touch: bool) -> Result<Actor, ApiError> {
    let extensions = &request.extensions;
    let origin = *extensions.get::<Origin>().ok_or(ApiError::Internal)?;
    let tag = extensions.get::<RequestTag>().map(|tag| tag.0.clone()).unwrap_or_default();
    match origin {
        Origin::Local { uid } => {
            Ok(Actor { who: Who::Local { uid }, role: Role::Admin, address: None, request: tag })
        }
        Origin::Network(address) => {
            if !same_site(request) {
                return Err(ApiError::OtherSite);
            }
            let cookie = session_cookie(&request.headers).ok_or(ApiError::SignIn)?;
            Ok(app.people.actor(&app.engine, cookie, address.ip(), tag, touch).await?.0)
        }
    }
}

/// Writes down that somebody asked for what is not theirs to do.
pub(crate) async fn note_denial(app: &App, actor: &Actor, denied: &Denied) {
    app.engine.counters().add("api.denied", 1);
    let audit = record::draft(actor, app.engine.now(), denied.action, "route", denied.action).denied(denied);
    if let Err(error) = app.engine.store().append_audit(vec![audit]).await {
        tracing::error!("a denial could not be written down: {error}");
    }
}
