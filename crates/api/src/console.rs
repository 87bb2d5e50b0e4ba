//! The console's files: built by Vite, embedded at compile time, served with a strict content policy.
//!
//! Every path that is no file gets `index.html`, since the console routes by itself. That page alone carries a nonce,
//! new for each response, for the style elements its component library makes. What a browser refuses under the policy
//! it reports to a route of ours, which counts and logs it.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use serde_json::Value;
use wk_authz::Public;

use crate::body::{self, STRANGER_BODY_MAX};
use crate::error::ApiError;
use crate::routes::{Routes, post};
use crate::state::App;

#[derive(RustEmbed)]
#[folder = "../../console/dist"]
#[allow_missing = true]
struct Files;

const NONCE_MARK: &str = "__CSP_NONCE__";

/// Where browsers send what they refused: the group that the policy's `report-to` names.
const REPORT_TO: &str = "csp=\"/api/v1/csp-reports\"";

/// What the browser may load and do. `style-src` gets the page's nonce. Only a policy called `app` may turn text into
/// markup, and the console makes none.
fn policy(nonce: &str) -> String {
    let style = if nonce.is_empty() { "'self'".to_owned() } else { format!("'self' 'nonce-{nonce}'") };
    format!(
        "default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types app; report-to csp"
    )
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.add::<Public, _, _>(
        post("/csp-reports", "What a browser refused to load or run on the console: counted and logged"),
        report,
    )
}

/// Counts what a browser reports, and logs some of it: anybody may send such things.
async fn report(State(app): State<App>, request: Request) -> Result<StatusCode, ApiError> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|media| media.split(';').next()).unwrap_or_default().trim().to_owned();
    if !["application/reports+json", "application/csp-report"].contains(&media.as_str()) {
        return Err(ApiError::BadRequest("send a report as browsers do".to_owned()));
    }
    let bytes = body::read(request.into_body(), STRANGER_BODY_MAX, app.gate.room(true)).await?;
    let (count, first) =
        reports(&bytes).ok_or_else(|| ApiError::BadRequest("the report cannot be read".to_owned()))?;
    app.engine.counters().add("csp.reports", count);
    if app.gate.report() {
        tracing::warn!(count, "a browser refused something on the console: {first}");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// How many reports there are, and what the first one says, without queries and fragments.
pub(crate) fn reports(bytes: &[u8]) -> Option<(u64, String)> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let (count, first) = match &value {
        Value::Array(list) => (list.len() as u64, list.first()?.get("body")?),
        Value::Object(map) => (1, map.get("csp-report")?),
        _ => return None,
    };
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| first.get(name)).and_then(Value::as_str).unwrap_or("-");
        let bare = found.split(['?', '#']).next().unwrap_or_default();
        wk_domain::text::clean_line(bare, 200)
    };
    let directive = text(["effectiveDirective", "effective-directive"]);
    let blocked = text(["blockedURL", "blocked-uri"]);
    let page = text(["documentURL", "document-uri"]);
    Some((count, format!("{directive} {blocked} on {page}")))
}

/// Serves one file of the console.
pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") || path == "/api" {
        return ApiError::NotFound("there is no such route".to_owned()).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let name = path.trim_start_matches('/');
    if let Some(file) = Files::get(name).filter(|_| name != "index.html" && !name.is_empty()) {
        let hashed = name.starts_with("assets/");
        // Only what has its digest in its name may be kept.
        let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-store" };
        let mime = file.metadata.mimetype().to_owned();
        let mut response = match file.data {
            Cow::Borrowed(bytes) => Body::from(Bytes::from_static(bytes)),
            Cow::Owned(bytes) => Body::from(bytes),
        }
        .into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_str(&mime).unwrap_or(HeaderValue::from_static("application/octet-stream")),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        insert_policy(&mut response, "");
        return response;
    }
    if name.starts_with("assets/") {
        return ApiError::NotFound("there is no such file; the console was updated: reload it".to_owned())
            .into_response();
    }
    let Some(page) = Files::get("index.html") else {
        let text = "The console was not built into this program. Build it with: cargo xtask run";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let nonce = nonce();
    let html = String::from_utf8_lossy(&page.data).replace(NONCE_MARK, &nonce);
    let mut response = Body::from(html).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    insert_policy(&mut response, &nonce);
    response
}

fn insert_policy(response: &mut Response, nonce: &str) {
    if let Ok(value) = HeaderValue::from_str(&policy(nonce)) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
        headers.insert(HeaderName::from_static("reporting-endpoints"), HeaderValue::from_static(REPORT_TO));
    }
}

fn nonce() -> String {
    wk_engine::ids::random_hex()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_policy_is_the_one_of_the_specification_with_the_pages_nonce() {
        assert_eq!(
            policy("abc"),
            "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-abc'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types app; report-to csp"
        );
    }

    #[test]
    fn reports_of_both_kinds_are_read_and_nothing_secret_is_kept() {
        let new = br#"[{"type":"csp-violation","url":"x","body":{"effectiveDirective":"script-src","blockedURL":
            "https://evil.example/a.js?token=hunter2","documentURL":"https://watch.example/claim#hunter2"}},{}]"#;
        let (count, first) = reports(new).unwrap();
        assert_eq!(
            (count, first.as_str()),
            (2, "script-src https://evil.example/a.js on https://watch.example/claim")
        );
        let old = br#"{"csp-report":{"effective-directive":"img-src\u001b[2J\n","blocked-uri":"data"}}"#;
        let (count, first) = reports(old).unwrap();
        assert_eq!(count, 1);
        assert!(first.starts_with("img-src") && !first.contains(['\u{1b}', '\n']), "{first:?}");
        for bad in [&b""[..], b"[]", b"{}", b"7", b"[7]", b"[[", &b"[".repeat(16_000)] {
            assert!(reports(bad).is_none());
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,40}") {
            let _ = reports(&bytes);
            let report = serde_json::json!({"csp-report": {"blocked-uri": text}}).to_string();
            let (_, line) = reports(report.as_bytes()).unwrap();
            prop_assert!(wk_domain::text::is_clean_line(&line));
        }
    }
}
