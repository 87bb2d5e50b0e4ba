//! Errors as RFC 9457 problem details: what happened, what is safe, what to do; never SQL, a path or a stack.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wk_authz::Denied;
use wk_engine::EngineError;
use wk_engine::ports::StoreError;

use crate::dto::{FieldError, Problem};

/// When to try again what could not be done now, in seconds: the queue of password hashes is worked off by then.
const RETRY_UNAVAILABLE_S: u64 = 5;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("nobody is signed in")]
    SignIn,
    #[error(transparent)]
    Denied(Denied),
    /// It is there, and the caller may not know: to the letter what is said of a thing that is not there.
    #[error("{what} is not there (any more)")]
    Hidden { what: &'static str, denied: Denied },
    #[error("{0}")]
    BadRequest(String),
    #[error("some fields are not right")]
    Fields(Vec<FieldError>),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Gone(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Unauthorized(String),
    #[error("too many tries")]
    TooMany { retry_after_s: u64 },
    #[error("give a code of your authenticator, then try again; nothing was changed")]
    Elevate,
    /// Whatever is wrong with it: see [`crate::bearer`].
    #[error("this token opens nothing here: it is unknown, over, or not for this use")]
    WrongToken,
    /// A token's holder, whatever the token allows.
    #[error("{0}")]
    NotByToken(String),
    #[error("first add a second factor to your account; nothing else is open until then")]
    Enrol,
    #[error("choose another password first: {reason}")]
    MustChange { reason: String },
    #[error("many sign-ins fail at this moment: solve the puzzle, then try again")]
    Puzzle { puzzle: String, bits: u8 },
    #[error("{0}")]
    Condition(String),
    /// The server, or the tenant, is closed to changes of configuration for now.
    #[error("{0}")]
    ReadOnly(String),
    #[error("the request came from another site")]
    OtherSite,
    #[error(
        "this server is not called that: use one of its names, or add this one to `names` in watchkeep.toml"
    )]
    OtherHost,
    #[error("the address is longer than {limit} bytes")]
    LongAddress { limit: usize },
    #[error("the headers are longer than {limit} bytes")]
    LongHead { limit: usize },
    #[error("the body came too slowly")]
    Slow,
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("{0}")]
    Unavailable(String),
    #[error("this is a fault of the server; it has been written down")]
    Internal,
}

impl ApiError {
    /// One field is not right.
    pub(crate) fn field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Fields(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::SignIn | Self::Unauthorized(_) => {
                (StatusCode::UNAUTHORIZED, "/problems/sign-in", "Sign in")
            }
            Self::WrongToken => (StatusCode::UNAUTHORIZED, "/problems/token", "Not with this token"),
            Self::NotByToken(_) => (StatusCode::FORBIDDEN, "/problems/not-by-token", "Not for a program"),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "/problems/denied", "Not permitted"),
            Self::Elevate => (StatusCode::FORBIDDEN, "/problems/elevate", "Confirm that it is you"),
            Self::Enrol => (StatusCode::FORBIDDEN, "/problems/enrol", "Add a second factor"),
            Self::MustChange { .. } => {
                (StatusCode::FORBIDDEN, "/problems/must-change-password", "Choose another password")
            }
            Self::Puzzle { .. } => {
                (StatusCode::PRECONDITION_REQUIRED, "/problems/puzzle", "Solve a puzzle first")
            }
            Self::Condition(_) => (StatusCode::FORBIDDEN, "/problems/condition", "Not from here"),
            Self::OtherSite => (StatusCode::FORBIDDEN, "/problems/other-site", "Refused"),
            Self::OtherHost => (StatusCode::MISDIRECTED_REQUEST, "/problems/other-host", "Refused"),
            Self::LongAddress { .. } => (StatusCode::URI_TOO_LONG, "/problems/too-large", "Too large"),
            Self::LongHead { .. } => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "/problems/too-large", "Too large")
            }
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "/problems/slow", "Too slow"),
            Self::BadRequest(_) => {
                (StatusCode::BAD_REQUEST, "/problems/request", "The request cannot be read")
            }
            Self::Fields(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "/problems/fields", "Some fields are not right")
            }
            Self::NotFound(_) | Self::Hidden { .. } => {
                (StatusCode::NOT_FOUND, "/problems/not-found", "Not found")
            }
            Self::Gone(_) => (StatusCode::GONE, "/problems/gone", "No longer there"),
            Self::ReadOnly(_) => (StatusCode::LOCKED, "/problems/read-only", "Read-only now"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "/problems/conflict", "Cannot be done now"),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "/problems/too-many", "Too many tries"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "/problems/too-large", "Too large"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "/problems/unavailable", "Not now"),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "/problems/internal", "A fault of the server")
            }
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match (denied.hidden, denied.closed) {
            (true, _) => Self::Hidden { what: "this", denied },
            (false, true) => Self::ReadOnly(denied.reason),
            (false, false) => Self::Denied(denied),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Denied(denied) => denied.into(),
            EngineError::NotFound { what } => Self::NotFound(format!("{what} is not there (any more)")),
            EngineError::Invalid(what) => Self::field("", what),
            EngineError::Conflict(what) => Self::Conflict(what),
            EngineError::Store(error) => error.into(),
            EngineError::Metrics(error) => {
                tracing::error!("metrics: {error}");
                Self::Unavailable("the metrics store cannot answer now; the log says why".to_owned())
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what } => Self::NotFound(format!("{what} is not there (any more)")),
            StoreError::Conflict { what } => Self::Conflict(what),
            StoreError::Unavailable { .. } => {
                tracing::error!("{error}");
                Self::Unavailable(
                    "the database does not answer; nothing was changed. Try again in a moment".to_owned(),
                )
            }
            StoreError::CannotWrite { .. } => {
                tracing::error!("{error}");
                Self::Unavailable(
                    "the server's disk is full or read-only; nothing was changed. Free some space, then try again"
                        .to_owned(),
                )
            }
            StoreError::Corrupt { .. } | StoreError::TooNew { .. } | StoreError::Other { .. } => {
                tracing::error!("{error}");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, kind, title) = self.parts();
        let problem = Problem {
            kind: kind.to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.to_string(),
            instance: String::new(),
            errors: match &self {
                Self::Fields(errors) => errors.clone(),
                _ => Vec::new(),
            },
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            Self::Puzzle { ref puzzle, bits } => {
                // In a header, since a problem has the same members everywhere.
                if let Ok(value) = HeaderValue::from_str(&format!("bits={bits} puzzle={puzzle}")) {
                    headers.insert(header::HeaderName::from_static("x-puzzle"), value);
                }
            }
            Self::TooMany { retry_after_s } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
            }
            Self::Unavailable(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_UNAVAILABLE_S));
            }
            Self::WrongToken => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        if let Self::Denied(denied) | Self::Hidden { denied, .. } = self {
            response.extensions_mut().insert(denied);
        }
        response.extensions_mut().insert(problem);
        response
    }
}
