//! What every request passes, whichever listener it came through: an id, bounds, a deadline, the headers, one line of log.
//!
//! What is refused here is refused before a task is started or the store is asked, in this order: a request that cannot
//! be meant for this server (its host), one from another site, one too many.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use crate::auth::{Origin, RequestTag, same_site, session_cookie};
use crate::body::BODY_MAX;
use crate::dto::Problem;
use crate::error::ApiError;
use crate::gate::{Held, Place};
use crate::routes::{RouteInfo, Routes};
use crate::state::App;
use crate::{account, act, admin, agents, console, device, live, monitor, policy, sign, users, views};

/// A request has this long to send its body and get its answer; a stream has begun its answer by then.
const REQUEST_DEADLINE: Duration = Duration::from_secs(60);
/// Longest path with query, in bytes. The longest the console makes is a filter of 1 000 characters, escaped.
const URI_MAX: usize = 8 << 10;
/// Largest headers, names and values together.
const HEAD_MAX: usize = 32 << 10;

/// All routes with their table and the OpenAPI document.
pub fn build(app: App) -> (Router, Vec<RouteInfo>, serde_json::Value) {
    let routes = Routes::new(app.clone());
    let routes = sign::routes(routes);
    let routes = monitor::routes(routes);
    let routes = act::routes(routes);
    let routes = agents::routes(routes);
    let routes = admin::routes(routes);
    let routes = users::routes(routes);
    let routes = account::routes(routes);
    let routes = policy::routes(routes);
    let routes = device::routes(routes);
    let routes = crate::passkeys::routes(routes);
    let routes = crate::removal::routes(routes);
    let routes = crate::others::routes(routes);
    let routes = crate::conditions::routes(routes);
    let routes = crate::clients::routes(routes);
    let routes = crate::access::routes(routes);
    let routes = crate::tenants::routes(routes);
    let routes = crate::tokens::routes(routes);
    let routes = crate::approvals::routes(routes);
    let routes = crate::reviews::routes(routes);
    let routes = crate::providers::routes(routes);
    let routes = views::routes(routes);
    let routes = live::routes(routes);
    let routes = console::routes(routes);
    let (router, table, document) = routes.finish();
    let router = router
        .fallback(console::serve)
        .method_not_allowed_fallback(|| async {
            ApiError::NotFound("there is no such operation on this route".to_owned()).into_response()
        })
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(app.clone(), around))
        .with_state(app);
    (router, table, document)
}

/// Where a request says it goes: one place, said once or twice alike.
///
/// # Errors
/// A sentence for the sender.
pub(crate) fn host_of(parts: &Parts) -> Result<Authority, &'static str> {
    let mut said = parts.headers.get_all(header::HOST).iter();
    let header = said.next().map(|raw| raw.to_str().ok().and_then(|raw| raw.parse::<Authority>().ok()));
    if said.next().is_some() {
        return Err("it has more than one Host header");
    }
    match (parts.uri.authority(), header) {
        (None, Some(Some(host))) => Ok(host),
        (Some(host), None) => Ok(host.clone()),
        (Some(host), Some(Some(same))) if *host == same => Ok(same),
        (None, None) => Err("it has no Host header"),
        _ => Err("its Host header is not right"),
    }
}

/// Whether a request to `host` is meant for us. A browser that was led here by a name of somebody else's, whose address
/// was then changed to ours, would treat us as that name's site. Addresses cannot be changed like that.
fn is_ours(host: &Authority, names: &[String]) -> bool {
    let name = host.host();
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// The digest of the session cookie's text, or of the program's token.
fn session_key(headers: &HeaderMap) -> Option<[u8; 32]> {
    if crate::bearer::is_given(headers) {
        return crate::bearer::digest(headers);
    }
    session_cookie(headers).and_then(crate::auth::token_digest)
}

/// As whose a request is counted: its session's, or, where people sign in, the known browser's. Whoever guesses behind the
/// same router uses up what strangers have there, and nobody else's.
fn counted_as(app: &App, parts: &Parts) -> Option<[u8; 32]> {
    let path = parts.uri.path().strip_prefix(crate::routes::BASE).unwrap_or_default();
    let signs_in = [
        "/session",
        "/session/factor",
        "/session/enrol",
        "/session/passkey",
        "/session/passkey/begin",
        "/password/check",
    ]
    .contains(&path);
    let browser = signs_in.then(|| app.people.signed_browser(&app.engine, &parts.headers)).flatten();
    if let Some(browser) = browser {
        app.gate.introduce(browser);
    }
    browser.or_else(|| session_key(&parts.headers))
}

/// A place for a request from the network, or why it gets none.
fn admit(app: &App, parts: &Parts, from: std::net::SocketAddr) -> Result<Place, ApiError> {
    let place = app.gate.admit(counted_as(app, parts), from.ip(), parts.uri.path());
    let place = place.inspect_err(|_| app.engine.counters().add("api.shed", 1))?;
    if parts.uri.path_and_query().is_some_and(|path| path.as_str().len() > URI_MAX) {
        return Err(ApiError::LongAddress { limit: URI_MAX });
    }
    let head: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if head > HEAD_MAX {
        return Err(ApiError::LongHead { limit: HEAD_MAX });
    }
    let host = host_of(parts).map_err(|why| ApiError::BadRequest(format!("the request: {why}")))?;
    if !is_ours(&host, &app.names) {
        return Err(ApiError::OtherHost);
    }
    if !same_site(parts) {
        return Err(ApiError::OtherSite);
    }
    Ok(place)
}

/// What every request passes: bounds, an id, a deadline, a catch for panics, the headers, one line of log.
async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let tag = format!("req_{}", wk_engine::ids::random_hex());
    request.extensions_mut().insert(RequestTag(tag.clone()));
    let origin = request.extensions().get::<Origin>().copied();
    let (parts, body) = request.into_parts();
    let method = wk_domain::text::clean_line(parts.method.as_str(), 20);
    let path = wk_domain::text::clean_line(parts.uri.path(), 300);
    let is_api = parts.uri.path().starts_with("/api/");
    let old = parts.version < Version::HTTP_11;
    let admitted = match origin {
        Some(Origin::Network(from)) => admit(&app, &parts, from).map(Some),
        Some(Origin::Local { .. }) => Ok(None),
        None => Err(ApiError::Internal),
    };
    let mut response = match admitted {
        Err(error) => error.into_response(),
        Ok(place) => {
            let request = Request::from_parts(parts, body);
            // In a task of its own, so that a panic in a handler ends one request and nothing else, and that what was
            // begun is finished when the sender goes away. The place goes with it.
            let work = tokio::spawn(async move { (next.run(request).await, place) });
            match tokio::time::timeout(REQUEST_DEADLINE, work).await {
                Ok(Ok((response, place))) => response.map(|body| Held::over(body, place)),
                Ok(Err(error)) => {
                    tracing::error!(request.id = %tag, "a handler ended early: {error}");
                    ApiError::Internal.into_response()
                }
                Err(_) => {
                    ApiError::Unavailable("the answer took too long; try again".to_owned()).into_response()
                }
            }
        }
    };
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        // The problem names its request, so that a person can quote it and an operator can find it.
        problem.instance.clone_from(&tag);
        *response.body_mut() = Body::from(serde_json::to_vec(&problem).unwrap_or_default());
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    decorate(&mut response, is_api, &tag);
    if old {
        // Such a client knows no other way to find the end.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let address = match origin {
        Some(Origin::Network(address)) => address.ip().to_string(),
        Some(Origin::Local { uid }) => format!("local:{uid}"),
        None => "-".to_owned(),
    };
    tracing::info!(
        target: "watchkeep::access",
        id = %tag,
        source = %address,
        %method,
        %path,
        status = response.status().as_u16(),
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// What pages of ours may use of the browser. A name a browser does not know is ignored, so the list is long.
const PERMISSIONS: &str = "accelerometer=(), ambient-light-sensor=(), attribution-reporting=(), autoplay=(), bluetooth=(), \
     browsing-topics=(), camera=(), clipboard-read=(), clipboard-write=(self), compute-pressure=(), \
     cross-origin-isolated=(), display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), \
     gyroscope=(), hid=(), identity-credentials-get=(), idle-detection=(), keyboard-map=(), local-fonts=(), \
     magnetometer=(), microphone=(), midi=(), otp-credentials=(), payment=(), picture-in-picture=(), \
     publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(), serial=(), \
     storage-access=(), sync-xhr=(), usb=(), web-share=(), window-management=(), xr-spatial-tracking=()";

/// The headers of every response. No header says what serves them.
fn decorate(response: &mut Response, is_api: bool, tag: &str) {
    const FIXED: [(&str, &str); 7] = [
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        (
            // Everything off but keys, and the button that copies a line. `PERMISSIONS` says what else there is.
            "permissions-policy",
            PERMISSIONS,
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if is_api || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if is_api || !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        // An answer of the API is never a page: nothing in it may load or run.
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox",
            ),
        );
    }
    if let Ok(value) = HeaderValue::from_str(tag) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    headers.remove(header::SERVER);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(authority: Option<&str>, headers: &[&str]) -> Result<Authority, &'static str> {
        let uri = authority.map_or("/x".to_owned(), |authority| format!("https://{authority}/x"));
        let mut request = axum::http::Request::get(uri);
        for value in headers {
            request = request.header("host", *value);
        }
        host_of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_request_goes_to_one_place() {
        for (authority, headers) in [(None, &["a:1"][..]), (Some("a:1"), &[]), (Some("a:1"), &["a:1"])] {
            assert_eq!(host(authority, headers).unwrap(), "a:1");
        }
        for (authority, headers) in [
            (None, &[][..]),
            (None, &["a", "a"]),
            (None, &["a", "b"]),
            (Some("a"), &["b"]),
            (None, &["a b"]),
            (None, &[""]),
            (None, &["a/b"]),
        ] {
            assert!(host(authority, headers).is_err(), "{authority:?} {headers:?}");
        }
    }

    #[test]
    fn names_of_others_are_not_ours() {
        let names = ["watch.acme.example".to_owned()];
        let ours = |host: &str| is_ours(&host.parse().unwrap(), &names);
        for good in [
            "localhost",
            "LOCALHOST:8443",
            "127.0.0.1:8443",
            "192.0.2.7",
            "[::1]:8443",
            "[2001:db8::7]",
            "watch.acme.example",
            "Watch.Acme.Example.:8443",
        ] {
            assert!(ours(good), "{good}");
        }
        for bad in [
            "evil.example",
            "watch.acme.example.evil.example",
            "xwatch.acme.example",
            "localhost.evil.example",
            "127.0.0.1.nip.example",
            "2130706433x",
        ] {
            assert!(!ours(bad), "{bad}");
        }
    }
}
