//! The TLS configurations of both programs. None of them has a switch that weakens it.
//!
//! | port | configuration | versions | peer proves itself by |
//! |---|---|---|---|
//! | 8444 | [`server_config_hub`] | 1.3 | agent certificate |
//! | 8444 | [`server_config_enrol`] | 1.3 | enrolment token, later, inside |
//! | 8443 | [`server_config_console`] | 1.3, 1.2 | session or token, later, inside |
//!
//! Hub and enrolment share a port: look at the client's hello with [`hub_purpose`] first, and check after the
//! handshake that the protocol was in fact negotiated, since a client may offer none.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ClientHello, NoServerSessionStorage, ParsedCertificate};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme, WantsVerifier,
};
use wk_domain::Timestamp;

use crate::ca::{PkiError, ServerIdentity};
use crate::cert::CertFacts;
use crate::peer::{AgentVerifier, DenyList};
use crate::store::AgentIdentity;

/// The protocol of the agents' link, as TLS negotiates it.
pub const ALPN_LINK: &[u8] = b"watchkeep-link/1";
/// The protocol of the one enrolment exchange.
pub const ALPN_ENROL: &[u8] = b"watchkeep-enrol/1";

/// P-256 and Ed25519 are the only keys our authority signs, so nothing else needs to be understood.
static INTERNAL_ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[webpki::aws_lc_rs::ECDSA_P256_SHA256, webpki::aws_lc_rs::ED25519],
    mapping: &[
        (SignatureScheme::ECDSA_NISTP256_SHA256, &[webpki::aws_lc_rs::ECDSA_P256_SHA256]),
        (SignatureScheme::ED25519, &[webpki::aws_lc_rs::ED25519]),
    ],
};

/// What agents and hub speak: hybrid post-quantum key exchange first, TLS 1.3 suites, our two kinds of key.
pub(crate) fn internal_provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let make = || CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1],
        signature_verification_algorithms: INTERNAL_ALGORITHMS,
        ..default_provider()
    };
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(make())))
}

pub(crate) fn console_provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    // rustls' suites for 1.2 are all ECDHE with an AEAD; there is no other kind to leave out.
    let make = || CryptoProvider {
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..default_provider()
    };
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(make())))
}

fn tls(what: &'static str) -> impl FnOnce(rustls::Error) -> PkiError {
    move |source| PkiError::Tls { what, source }
}

/// What a client on the hub's port wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubPurpose {
    /// An enrolled agent's link.
    Link,
    /// Enrolment by token.
    Enrol,
}

/// Reads the purpose from the client's hello. `None`: neither, or both; close without an answer.
pub fn hub_purpose(hello: &ClientHello<'_>) -> Option<HubPurpose> {
    let mut link = false;
    let mut enrol = false;
    for protocol in hello.alpn()? {
        link |= protocol == ALPN_LINK;
        enrol |= protocol == ALPN_ENROL;
    }
    match (link, enrol) {
        (true, false) => Some(HubPurpose::Link),
        (false, true) => Some(HubPurpose::Enrol),
        _ => None,
    }
}

/// No tickets and no store: a resumed session would skip the chain and the deny list.
fn without_resumption(config: &mut ServerConfig) {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
}

/// The hub's side of the agents' link: TLS 1.3, mutual, no resumption.
///
/// # Errors
/// [`PkiError::Tls`].
pub fn server_config_hub(
    identity: &Arc<ServerIdentity>,
    roots: &[CertificateDer<'static>],
    deny: Arc<dyn DenyList>,
) -> Result<Arc<ServerConfig>, PkiError> {
    server_config_hub_with_grace(identity, roots, deny, Duration::ZERO)
}

/// As [`server_config_hub`], and lets agents in whose certificate ended less than `grace` ago: **they may renew and do
/// nothing else**, which the hub sees to by [`crate::PeerAgent::has_ended`].
///
/// # Errors
/// [`PkiError::Tls`].
pub fn server_config_hub_with_grace(
    identity: &Arc<ServerIdentity>,
    roots: &[CertificateDer<'static>],
    deny: Arc<dyn DenyList>,
    grace: Duration,
) -> Result<Arc<ServerConfig>, PkiError> {
    let verifier = AgentVerifier::new(roots, deny)?.with_grace(grace);
    let mut config = ServerConfig::builder_with_provider(internal_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(tls("choose TLS 1.3 for the hub"))?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::clone(identity) as _);
    config.alpn_protocols = vec![ALPN_LINK.to_vec()];
    without_resumption(&mut config);
    Ok(Arc::new(config))
}

/// The hub's side of enrolment: TLS 1.3, the chain sent with its root, so that the agent can compare the token's pin.
///
/// # Errors
/// [`PkiError::Tls`].
pub fn server_config_enrol(identity: &Arc<ServerIdentity>) -> Result<Arc<ServerConfig>, PkiError> {
    let mut config = ServerConfig::builder_with_provider(internal_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(tls("choose TLS 1.3 for enrolment"))?
        .with_no_client_auth()
        .with_cert_resolver(identity.with_root());
    config.alpn_protocols = vec![ALPN_ENROL.to_vec()];
    without_resumption(&mut config);
    Ok(Arc::new(config))
}

/// Versions and algorithms of the console.
pub(crate) fn console_builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, PkiError> {
    ServerConfig::builder_with_provider(console_provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(tls("choose TLS versions for the console"))
}

/// Console and API: TLS 1.3, and 1.2 for old clients; HTTP/2 and HTTP/1.1.
///
/// # Errors
/// [`PkiError::Tls`].
pub fn server_config_console(identity: &Arc<ServerIdentity>) -> Result<Arc<ServerConfig>, PkiError> {
    let mut config = console_builder()?.with_no_client_auth().with_cert_resolver(Arc::clone(identity) as _);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Early data could be replayed; sessions in memory (rustls' default) are no risk, as nobody is known by them.
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// The agent's side of the link.
///
/// # Errors
/// [`PkiError::Tls`].
pub fn client_config_link(identity: &AgentIdentity) -> Result<Arc<ClientConfig>, PkiError> {
    let mut roots = RootCertStore::empty();
    for root in identity.roots() {
        roots.add(root.clone()).map_err(tls("take a root into the trust store"))?;
    }
    let mut config = ClientConfig::builder_with_provider(internal_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(tls("choose TLS 1.3 for the link"))?
        .with_root_certificates(roots)
        .with_client_auth_cert(identity.chain().to_vec(), identity.key_der())
        .map_err(tls("use the agent's certificate and key"))?;
    config.alpn_protocols = vec![ALPN_LINK.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The agent's side of enrolment: trusts only a chain up to the root whose key has this SHA-256.
///
/// # Errors
/// [`PkiError::Tls`].
pub fn client_config_enrol(root_spki_sha256: [u8; 32]) -> Result<Arc<ClientConfig>, PkiError> {
    let mut config = ClientConfig::builder_with_provider(internal_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(tls("choose TLS 1.3 for enrolment"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PinVerifier { root_spki_sha256 }))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN_ENROL.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Verifies as any client does (chain, dates, use, name), with one difference: the root is not known beforehand but
/// by the digest of its key, and comes with the chain.
struct PinVerifier {
    root_spki_sha256: [u8; 32],
}

impl fmt::Debug for PinVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinVerifier")
    }
}

/// Ours sends two. More would only be work for us.
const CHAIN_MAX: usize = 4;

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if intermediates.len() > CHAIN_MAX {
            return Err(CertificateError::BadEncoding.into());
        }
        let root = intermediates
            .iter()
            .find(|cert| is_pinned_root(cert, &self.root_spki_sha256))
            .ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned())?;
        let cert = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &cert,
            &roots,
            intermediates,
            now,
            INTERNAL_ALGORITHMS.all,
        )?;
        verify_server_name(&cert, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &INTERNAL_ALGORITHMS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &INTERNAL_ALGORITHMS)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        INTERNAL_ALGORITHMS.supported_schemes()
    }
}

/// Whether a chain as a server showed it, leaf first, leads to one of `roots`. Whose server it is was asked before.
pub(crate) fn verifies_server(
    roots: &[CertificateDer<'static>],
    chain: &[CertificateDer<'_>],
    now: Timestamp,
) -> bool {
    let Some((leaf, rest)) = chain.split_first() else { return false };
    let mut store = RootCertStore::empty();
    if roots.iter().any(|root| store.add(root.clone()).is_err()) || rest.len() > CHAIN_MAX {
        return false;
    }
    let at = UnixTime::since_unix_epoch(now.since(Timestamp::from_ms(0)));
    ParsedCertificate::try_from(leaf).is_ok_and(|leaf| {
        verify_server_cert_signed_by_trust_anchor(&leaf, &store, rest, at, INTERNAL_ALGORITHMS.all).is_ok()
    })
}

/// Whether `cert` is an authority that signed itself with the pinned key.
pub(crate) fn is_pinned_root(cert: &[u8], pin: &[u8; 32]) -> bool {
    CertFacts::read(cert).is_ok_and(|facts| facts.is_ca && facts.self_signed && facts.spki_sha256() == *pin)
}
