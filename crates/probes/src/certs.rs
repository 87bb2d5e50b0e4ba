//! Certificates: which are trusted, how long they last, and what is wrong with them in plain words.
//!
//! The verdict is always rustls' own. The recorder around it only remembers the chain and the reason, so that a probe can
//! say how many days an untrusted certificate has left.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use wk_domain::ResultReason;
use wk_domain::text::clean_line;

use crate::outcome::Fault;

/// Further roots that one check may carry.
const EXTRA_ROOTS_MAX: usize = 64;
/// Verifiers that are kept; each holds the machine's roots once more.
const KEPT_MAX: usize = 9;

/// Roots are read again after this: an agent runs for years, and an authority may be withdrawn.
const FRESH: Duration = Duration::from_secs(3600);

type Trust = Arc<dyn ServerCertVerifier>;
/// When it was made.
type Kept = (Instant, Trust);

/// Verifiers, made when first needed.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    /// By further roots as PEM; the machine's alone under the empty text.
    kept: Mutex<Vec<(String, Kept)>>,
}

impl Roots {
    fn trust(&self, extra_pem: &str) -> Result<Trust, Fault> {
        let no_roots = |error: rustls::Error| {
            Fault::unknown(
                format!("this machine has no certificate roots ({error}); install ca-certificates"),
                ResultReason::NoData("roots".into()),
            )
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, (made, _))| made.elapsed() < FRESH);
        if let Some((_, (_, trust))) = kept.iter().find(|(pem, _)| pem == extra_pem) {
            return Ok(Arc::clone(trust));
        }
        let trust: Trust = match extra_pem {
            "" => Arc::new(Verifier::new(provider()).map_err(no_roots)?),
            pem => Arc::new(with_extra_roots(pem)?),
        };
        // The machine's own are used most, and go last.
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.iter().position(|(pem, _)| !pem.is_empty())
        {
            kept.remove(oldest);
        }
        kept.push((extra_pem.to_owned(), (Instant::now(), Arc::clone(&trust))));
        Ok(trust)
    }

    /// A configuration for one handshake, and what will be known of the chain after it.
    pub(crate) fn config(&self, extra_pem: &str) -> Result<(ClientConfig, Arc<Recorder>), Fault> {
        let recorder = Arc::new(Recorder { trust: self.trust(extra_pem)?, seen: Mutex::default() });
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::unknown(error.to_string(), ResultReason::NoData("tls".into())))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&recorder) as Trust)
            .with_no_client_auth();
        // A resumed session would show no certificate.
        config.resumption = Resumption::disabled();
        Ok((config, recorder))
    }
}

fn with_extra_roots(pem: &str) -> Result<Verifier, Fault> {
    let roots = CertificateDer::pem_slice_iter(pem.as_bytes())
        .take(EXTRA_ROOTS_MAX)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            Fault::arguments(format!("the further roots are not PEM certificates: {error:?}"))
        })?;
    if roots.is_empty() {
        return Err(Fault::arguments("the further roots hold no PEM certificate"));
    }
    Verifier::new_with_extra_roots(roots, provider())
        .map_err(|error| Fault::arguments(format!("a further root is not usable: {error}")))
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(aws_lc_rs::default_provider())))
}

/// Passes every question on to the real verifier and remembers the chain.
#[derive(Debug)]
pub(crate) struct Recorder {
    trust: Trust,
    seen: Mutex<Option<Chain>>,
}

/// The chain a server showed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chain {
    /// Days until the first certificate of it expires; negative when it has.
    pub(crate) days: f64,
    /// Whose it is, for people.
    pub(crate) subject: String,
    pub(crate) issuer: String,
}

impl Recorder {
    pub(crate) fn chain(&self) -> Option<Chain> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = describe(std::iter::once(end_entity).chain(intermediates));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        self.trust.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }
}

/// Certificates of a chain that are looked at; real ones have two to four.
const CHAIN_MAX: usize = 10;

fn describe<'a>(chain: impl Iterator<Item = &'a CertificateDer<'a>>) -> Option<Chain> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let mut found: Option<Chain> = None;
    for der in chain.take(CHAIN_MAX) {
        let Ok((_, cert)) = x509_parser::parse_x509_certificate(der) else { continue };
        let days = (cert.validity().not_after.timestamp() as f64 - now) / 86_400.0;
        match &mut found {
            None => {
                found = Some(Chain {
                    days,
                    subject: clean_line(cert.subject().to_string(), 200),
                    issuer: clean_line(cert.issuer().to_string(), 200),
                });
            }
            Some(chain) => chain.days = chain.days.min(days),
        }
    }
    found
}

/// What is wrong with a handshake, in words.
pub(crate) fn handshake_failed(
    error: &std::io::Error,
    peer: &str,
    name: &str,
    chain: Option<&Chain>,
) -> Fault {
    let Some(error) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) else {
        return crate::net::failed(error, peer);
    };
    let whose = chain.map(|c| format!(" ({}, issued by {})", c.subject, c.issuer)).unwrap_or_default();
    let name = clean_line(name, 253);
    use CertificateError as Bad;
    Fault::critical(match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => {
                let ago = chain.map(|c| format!(" {:.1} days ago", -c.days)).unwrap_or_default();
                format!("the certificate of {peer} expired{ago}{whose}")
            }
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                format!("the certificate of {peer} is not valid yet{whose}")
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                format!("the certificate of {peer} is not for the name {name}{whose}")
            }
            Bad::UnknownIssuer => format!("the certificate of {peer} is not from a trusted issuer{whose}"),
            Bad::Revoked => format!("the certificate of {peer} is revoked{whose}"),
            other => format!("the certificate of {peer} is not valid: {other}{whose}"),
        },
        rustls::Error::AlertReceived(alert) => format!("{peer} refused the TLS handshake: {alert:?}"),
        rustls::Error::InvalidMessage(_) => format!("{peer} does not speak TLS"),
        other => format!("TLS with {peer} failed: {other}"),
    })
}
