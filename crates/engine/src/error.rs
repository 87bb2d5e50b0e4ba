//! What a use case answers when it cannot.

use wk_authz::Denied;

use crate::ports::{MetricsError, StoreError};

/// Why a use case did nothing.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("{what} is not there")]
    NotFound { what: &'static str },
    /// Well-formed, but against a rule; says how to mend it.
    #[error("{0}")]
    Invalid(String),
    /// Somebody was faster, or a name is taken.
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what } => Self::NotFound { what },
            StoreError::Conflict { what } => Self::Conflict(what),
            other => Self::Store(other),
        }
    }
}
