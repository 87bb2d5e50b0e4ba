//! Request bodies and queries, read within bounds of size, time and memory, and with errors that say which field.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::gate::Room;
use crate::state::App;

/// Largest body there is, in bytes.
pub(crate) const BODY_MAX: usize = 1 << 20;

/// Largest body of somebody who is not signed in: a name, a password, a token.
pub(crate) const STRANGER_BODY_MAX: usize = 16 << 10;
/// A body comes at least this fast, in bytes a second, after [`BODY_GRACE`].
const BODY_RATE: u64 = 1024;
const BODY_GRACE: Duration = Duration::from_secs(5);

/// Reads a body of at most `limit` bytes, which must not drip.
///
/// # Errors
/// [`ApiError::TooLarge`], [`ApiError::Slow`], 503 when there is no room, or 400 when the sender broke off.
pub(crate) async fn read(body: axum::body::Body, limit: usize, mut room: Room) -> Result<Bytes, ApiError> {
    let began = Instant::now();
    let mut body = body;
    let mut bytes = bytes::BytesMut::new();
    loop {
        let due = BODY_GRACE + Duration::from_secs(bytes.len() as u64 / BODY_RATE);
        let left = due.saturating_sub(began.elapsed());
        let next =
            std::future::poll_fn(|cx| hyper::body::Body::poll_frame(std::pin::Pin::new(&mut body), cx));
        let Ok(frame) = tokio::time::timeout(left, next).await else { return Err(ApiError::Slow) };
        let Some(frame) = frame else { return Ok(bytes.freeze()) };
        let frame = frame.map_err(|_| ApiError::BadRequest("the body broke off".to_owned()))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > limit {
                return Err(ApiError::TooLarge { limit });
            }
            room.hold(bytes.len() + data.len())?;
            bytes.extend_from_slice(&data);
        }
    }
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let json =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(
                |value| value.split(';').next().unwrap_or_default().trim() == "application/json",
            );
        if !json {
            return Err(ApiError::BadRequest(
                "send JSON with the header Content-Type: application/json".to_owned(),
            ));
        }
        let stranger = request.extensions().get::<Caller>().is_none();
        let limit = if stranger { STRANGER_BODY_MAX } else { BODY_MAX };
        // Said to be too large: there is no point in waiting for it.
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if length.and_then(|raw| raw.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
            return Err(ApiError::TooLarge { limit });
        }
        let bytes = read(request.into_body(), limit, app.gate.room(stranger)).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            // The message names field, line and column, never the value of a secret: inputs are typed as text.
            ApiError::BadRequest(format!("the JSON body: {error}"))
        })
    }
}

/// Query parameters.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        axum::extract::Query::<T>::from_request_parts(parts, app)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| ApiError::BadRequest(format!("the query: {}", rejection.body_text())))
    }
}

/// A typed id in the path.
#[derive(Debug)]
pub(crate) struct PathId<K: wk_domain::id::Kind>(pub(crate) wk_domain::id::Id<K>);

impl<K: wk_domain::id::Kind> FromRequestParts<App> for PathId<K> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let raw =
            axum::extract::Path::<std::collections::HashMap<String, String>>::from_request_parts(parts, app)
                .await
                .map_err(|_| ApiError::BadRequest("the path is not right".to_owned()))?;
        let id = raw.get("id").map(String::as_str).unwrap_or_default();
        id.parse().map(Self).map_err(|error| ApiError::NotFound(format!("`{}`: {error}", clean(id))))
    }
}

fn clean(raw: &str) -> String {
    wk_domain::text::clean_line(raw, 80)
}
