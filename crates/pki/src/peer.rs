//! Who an agent is: read from its certificate and nothing else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use wk_domain::{AgentId, Timestamp};

use crate::ca::PkiError;
use crate::cert::{CertError, CertFacts, Serial};
use crate::tls::internal_provider;

/// What stands before the agent's id in its certificate's only name.
pub(crate) const AGENT_URN: &str = "urn:watchkeep:agent:";

/// An agent as its certificate names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAgent {
    /// Who it is.
    pub agent_id: AgentId,
    /// The certificate's serial.
    pub serial: Serial,
    /// When the certificate begins.
    pub not_before: Timestamp,
    /// When the certificate ends. A live link must end then, too.
    pub not_after: Timestamp,
    /// SHA-256 of the key's `SubjectPublicKeyInfo`.
    pub spki_sha256: [u8; 32],
}

/// Why a certificate names no agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Not a certificate of ours.
    #[error("the peer's certificate cannot be read")]
    Cert(#[source] CertError),
    /// Another profile: a server's or an authority's, or one with further names.
    #[error("the peer's certificate is not an agent's")]
    NotAnAgent,
}

impl PeerAgent {
    /// Reads the agent from a certificate that the handshake has already verified. The chain is not checked here.
    ///
    /// # Errors
    /// [`PeerError`] for any certificate but one with exactly one name `urn:watchkeep:agent:<id>`, for client use only.
    pub fn from_der(cert_der: &[u8]) -> Result<Self, PeerError> {
        let facts = CertFacts::read(cert_der).map_err(PeerError::Cert)?;
        let [uri] = facts.uris.as_slice() else { return Err(PeerError::NotAnAgent) };
        if facts.is_ca
            || !facts.client_auth_only
            || !facts.dns.is_empty()
            || !facts.ips.is_empty()
            || facts.other_names > 0
        {
            return Err(PeerError::NotAnAgent);
        }
        let agent_id =
            uri.strip_prefix(AGENT_URN).and_then(|id| id.parse().ok()).ok_or(PeerError::NotAnAgent)?;
        Ok(Self {
            agent_id,
            serial: facts.serial,
            not_before: facts.not_before,
            not_after: facts.not_after,
            spki_sha256: facts.spki_sha256(),
        })
    }
}

impl PeerAgent {
    /// Whether the certificate is over at `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        now >= self.not_after
    }
}

/// Who may not connect although the certificate is good. Asked inside the handshake, so it must answer from memory.
pub trait DenyList: fmt::Debug + Send + Sync {
    /// Whether this agent or this serial is revoked.
    fn denies(&self, peer: &PeerAgent) -> bool;
}

/// Denies nobody: for tools and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyDenied;

impl DenyList for NobodyDenied {
    fn denies(&self, _: &PeerAgent) -> bool {
        false
    }
}

/// Lets only agents of our own authority in, and of those only the ones that are not denied.
pub struct AgentVerifier {
    chain: Arc<dyn ClientCertVerifier>,
    deny: Arc<dyn DenyList>,
    grace: Duration,
}

impl fmt::Debug for AgentVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentVerifier").field("deny", &self.deny).finish_non_exhaustive()
    }
}

impl AgentVerifier {
    /// A verifier for chains up to one of `roots`.
    ///
    /// # Errors
    /// [`PkiError::Tls`] when a root is unusable.
    pub fn new(roots: &[CertificateDer<'static>], deny: Arc<dyn DenyList>) -> Result<Self, PkiError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store
                .add(root.clone())
                .map_err(|source| PkiError::Tls { what: "take a root into the trust store", source })?;
        }
        let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(store), internal_provider())
            // The hint would show the root's name to anybody who knocks, and agents have one identity only.
            .clear_root_hint_subjects()
            .build()
            .map_err(|error| PkiError::Tls {
                what: "build the verifier of agents",
                source: rustls::Error::General(error.to_string()),
            })?;
        Ok(Self { chain, deny, grace: Duration::ZERO })
    }

    /// Lets an agent in whose certificate ended less than `grace` ago, so that a machine that was off can renew it.
    ///
    /// Whoever uses this must ask [`PeerAgent::has_ended`] and then answer a renewal and nothing else.
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The instant to check a chain at whose leaf ended less than the grace ago: its last second.
    fn last_second(&self, end_entity: &[u8], now: UnixTime) -> Option<UnixTime> {
        let peer = PeerAgent::from_der(end_entity).ok()?;
        let ended = u64::try_from(peer.not_after.as_ms()).ok()? / 1000;
        let since = now.as_secs().checked_sub(ended)?;
        (since < self.grace.as_secs())
            .then(|| UnixTime::since_unix_epoch(Duration::from_secs(ended.saturating_sub(1))))
    }
}

impl ClientCertVerifier for AgentVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = match self.chain.verify_client_cert(end_entity, intermediates, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            )) if let Some(then) = self.last_second(end_entity, now) => {
                self.chain.verify_client_cert(end_entity, intermediates, then)?
            }
            other => other?,
        };
        let peer = PeerAgent::from_der(end_entity)
            .map_err(|_| rustls::Error::from(CertificateError::ApplicationVerificationFailure))?;
        if self.deny.denies(&peer) {
            return Err(CertificateError::Revoked.into());
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
