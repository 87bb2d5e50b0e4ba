//! Request bodies and queries, read within bounds and with errors that say which field.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::state::App;

/// Largest body there is, in bytes.
pub(crate) const BODY_MAX: usize = 1 << 20;

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
        // Said to be too large: there is no point in waiting for it.
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if length.and_then(|raw| raw.parse::<u64>().ok()).is_some_and(|length| length > BODY_MAX as u64) {
            return Err(ApiError::TooLarge { limit: BODY_MAX });
        }
        let bytes =
            Bytes::from_request(request, app).await.map_err(|_| ApiError::TooLarge { limit: BODY_MAX })?;
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
