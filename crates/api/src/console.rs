//! The console's files: built by Vite, embedded at compile time, served with a strict content policy.
//!
//! Every path that is no file gets `index.html`, since the console routes by itself. That page alone carries a nonce,
//! new for each response, for the style elements its component library makes.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::error::ApiError;

#[derive(RustEmbed)]
#[folder = "../../console/dist"]
#[allow_missing = true]
struct Files;

const NONCE_MARK: &str = "__CSP_NONCE__";

/// What the browser may load and do. `style-src` gets the page's nonce.
fn policy(nonce: &str) -> String {
    let style = if nonce.is_empty() { "'self'".to_owned() } else { format!("'self' 'nonce-{nonce}'") };
    format!(
        "default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default"
    )
}

/// Serves one file of the console.
pub(crate) async fn serve(request: Request<Body>) -> Response {
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
        let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        let mime = file.metadata.mimetype().to_owned();
        let mut response = Body::from(file.data.into_owned()).into_response();
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
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
    }
}

fn nonce() -> String {
    wk_engine::ids::random_hex()
}
