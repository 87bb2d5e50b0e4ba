//! The issuer port: certificates for agents. The internal CA fills it; the engine never sees a key.

use std::fmt::Debug;

use wk_domain::{AgentId, Timestamp};

/// A certificate that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Leaf first, DER.
    pub chain_der: Vec<Vec<u8>>,
    /// Lower-case hex.
    pub serial: String,
    /// SHA-256 of the public key, lower-case hex.
    pub spki_sha256: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// Why no certificate was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The request is malformed, its signature wrong, or its key of a kind that is not accepted.
    #[error("the certificate request is not acceptable: {0}")]
    Request(String),
    #[error("the authority cannot sign: {0}")]
    Authority(String),
}

/// One certificate of the authority itself, for the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityCert {
    /// `root`, `intermediate` or `server`.
    pub role: String,
    pub subject: String,
    pub serial: String,
    pub algorithm: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Lower-case hex.
    pub fingerprint_sha256: String,
}

/// Makes certificates for agents.
pub trait Issuer: Send + Sync + Debug {
    /// A certificate for the key of a request; nothing else in the request counts.
    ///
    /// # Errors
    /// [`IssueError`].
    fn issue_agent(&self, csr_der: &[u8], agent: AgentId, now: Timestamp) -> Result<Issued, IssueError>;
    /// Leaf and intermediates for a certificate issued before.
    fn chain_of(&self, cert_der: &[u8]) -> Vec<Vec<u8>>;
    /// Roots to trust, DER.
    fn roots_der(&self) -> Vec<Vec<u8>>;
    /// SHA-256 of the public key of a certificate request, lower-case hex, or why it is not one.
    ///
    /// # Errors
    /// [`IssueError::Request`].
    fn spki_sha256(&self, csr_der: &[u8]) -> Result<String, IssueError>;
    /// The line that enrols a machine with this token, pinned to this authority.
    fn enrolment_line(&self, token: wk_domain::TokenId, secret: &[u8; 16]) -> String;
    /// The authority's own certificates.
    fn inventory(&self) -> Vec<AuthorityCert>;
}
