//! TLS towards directories: always verified, against the machine's authorities or, when one is given, against that alone.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wk_domain::text::clean_line;
use wk_seal::SecretString;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Longest certificates in PEM, in bytes.
const PEM_MAX: usize = 64 * 1024;
/// Names of a certificate that are shown.
const NAMES_MAX: usize = 8;

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = || "this is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned();
    if pem.len() > PEM_MAX {
        return Err(format!("longer than {PEM_MAX} bytes: put only your own authority's certificate here"));
    }
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| wrong())?;
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}

/// Who is trusted, and who we are.
#[derive(Debug)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
}

impl Tls {
    /// `ca_pem`: the only authorities that count, if given. `identity`: certificate and key that we show.
    pub(crate) fn new(ca_pem: Option<&str>, identity: Option<(&str, &SecretString)>) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match ca_pem {
            Some(pem) => {
                let mut roots = rustls::RootCertStore::empty();
                for root in certificates(pem)? {
                    roots.add(root).map_err(|_| "one of the certificates cannot be read".to_owned())?;
                }
                builder.with_root_certificates(roots)
            }
            None => {
                let verifier = Verifier::new(provider).map_err(|error| error.to_string())?;
                // The name of the call, not of the verifier: it is the platform's.
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((pem, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| {
                    "the private key is not in PEM form (-----BEGIN PRIVATE KEY-----)".to_owned()
                })?;
                builder
                    .with_client_auth_cert(certificates(pem)?, key)
                    .map_err(|_| "certificate and private key do not belong together".to_owned())?
            }
        };
        Ok(Self { config: Arc::new(config) })
    }

    /// Shakes hands with `name`, whose certificate must say so.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        name: ServerName<'static>,
    ) -> Result<TlsStream<TcpStream>, String> {
        let shown = name.to_str().into_owned();
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await.map_err(|error| match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            Some(rustls::Error::InvalidCertificate(why)) => {
                format!("the certificate of {shown} is not accepted: {}", certificate(why))
            }
            Some(other) => format!("no TLS with {shown}: {other}"),
            None => format!("no TLS with {shown}: {error}"),
        })
    }
}

/// What was agreed, and whom the certificate names.
pub(crate) fn seen(stream: &TlsStream<TcpStream>) -> String {
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().map_or_else(String::new, |v| format!("{v:?}"));
    let leaf = session.peer_certificates().and_then(|chain| chain.first());
    let Some((_, leaf)) = leaf.and_then(|leaf| X509Certificate::from_der(leaf.as_ref()).ok()) else {
        return version;
    };
    let names: Vec<String> = leaf
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|names| names.value.general_names.iter().filter_map(named).take(NAMES_MAX).collect())
        .unwrap_or_default();
    let ends = leaf.validity().not_after.to_rfc2822().unwrap_or_default();
    format!("{version}, certificate for {}, valid until {ends}", names.join(", "))
}

fn named(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(clean_line(name, 100)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| std::net::Ipv4Addr::from(b).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|b| std::net::Ipv6Addr::from(b).to_string()),
        },
        _ => None,
    }
}

/// For people, with what to do where that is known.
fn certificate(why: &rustls::CertificateError) -> String {
    use rustls::CertificateError as E;
    match why {
        E::UnknownIssuer => {
            "its authority is not trusted; if it is your own, put its root certificate into `ca_pem`"
                .to_owned()
        }
        E::NotValidForName => "it is for another name".to_owned(),
        E::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().take(NAMES_MAX).map(|name| clean_line(name, 100)).collect();
            format!("it is for other names ({}); write one of them as the server", names.join(", "))
        }
        E::BadSignature => "its signature does not hold".to_owned(),
        E::Expired | E::ExpiredContext { .. } => "it has expired".to_owned(),
        E::NotValidYet | E::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        other => other.to_string(),
    }
}

/// Whether certificates can be read, for the configuration.
pub(crate) fn check_ca(pem: Option<&str>) -> Result<(), crate::ConfigError> {
    match pem.map(certificates) {
        Some(Err(detail)) => Err(crate::ConfigError::at("/ca_pem", detail)),
        _ => Ok(()),
    }
}
