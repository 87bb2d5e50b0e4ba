//! TLS towards others: always verified, against the machine's authorities and those that are added for one of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::RemoteHost;

/// Reading the machine's authorities takes some ten milliseconds; so late, at most, a change of them is noticed.
const FRESH: Duration = Duration::from_secs(600);
/// Those with authorities of their own are few; beyond this all are forgotten and read again.
const KEPT_MAX: usize = 64;

/// Certificates in PEM, checked.
///
/// # Errors
/// A sentence.
pub fn roots(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = || "this is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned();
    let roots: Vec<_> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let mut store = rustls::RootCertStore::empty();
    for root in &roots {
        store.add(root.clone()).map_err(|_| "one of the certificates cannot be read".to_owned())?;
    }
    if roots.is_empty() { Err(wrong()) } else { Ok(roots) }
}

/// The added authorities as PEM, and whether HTTP is spoken.
type Key = (String, bool);
/// When it was made.
type Kept = (Instant, Arc<ClientConfig>);

/// Why there is no TLS, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct TlsError {
    /// It cannot work as it is configured; trying again does not help.
    pub is_rule: bool,
    pub text: String,
}

/// Makes TLS connections, and remembers the authorities it has read.
#[derive(Debug, Default)]
pub struct Tls {
    kept: Mutex<HashMap<Key, Kept>>,
}

impl Tls {
    fn config(&self, root_pem: &str, http: bool) -> Result<Arc<ClientConfig>, TlsError> {
        let key = (root_pem.to_owned(), http);
        if let Some((made, config)) = self.kept.lock().get(&key)
            && made.elapsed() < FRESH
        {
            return Ok(Arc::clone(config));
        }
        let cannot =
            |detail: String| TlsError { is_rule: true, text: format!("TLS cannot be set up: {detail}") };
        let extra = if root_pem.is_empty() { Vec::new() } else { roots(root_pem).map_err(cannot)? };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .map_err(|e| cannot(e.to_string()))?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| cannot(error.to_string()))?
            .dangerous() // The name of the call, not of the verifier: it is the platform's.
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        if http {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        let config = Arc::new(config);
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, (Instant::now(), Arc::clone(&config)));
        Ok(config)
    }

    /// Shakes hands with `host`, whose certificate must say so. `root_pem`: authorities beside the machine's; `http`:
    /// HTTP/1.1 is going to be spoken.
    ///
    /// # Errors
    /// [`TlsError`].
    pub async fn connect(
        &self,
        stream: TcpStream,
        host: &RemoteHost,
        root_pem: Option<&str>,
        http: bool,
    ) -> Result<TlsStream<TcpStream>, TlsError> {
        let config = self.config(root_pem.unwrap_or_default(), http)?;
        let name = match host {
            RemoteHost::Name(name) => ServerName::try_from(name.clone()).map_err(|_| TlsError {
                is_rule: true,
                text: format!("{host} is no name that a certificate could have"),
            })?,
            RemoteHost::Address(address) => ServerName::IpAddress((*address).into()),
        };
        TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
            let rejected = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            let text = match rejected {
                Some(rustls::Error::InvalidCertificate(why)) => {
                    format!("the certificate of {host} is not accepted: {}", certificate(why))
                }
                Some(other) => format!("no TLS with {host}: {other}"),
                None => format!("no TLS with {host}: {error}"),
            };
            TlsError { is_rule: false, text }
        })
    }
}

/// For people, with what to do where that is known.
fn certificate(why: &rustls::CertificateError) -> String {
    use rustls::CertificateError as E;
    match why {
        E::UnknownIssuer => {
            "its authority is not trusted; if it is your own, put its root certificate into `root_pem`"
                .to_owned()
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => "it is for another name".to_owned(),
        E::BadSignature => "its signature does not hold".to_owned(),
        E::Expired | E::ExpiredContext { .. } => "it has expired".to_owned(),
        E::NotValidYet | E::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        other => other.to_string(),
    }
}
