//! Client certificates at the console's door: which authorities vouch for people's browsers, and what they have revoked.
//!
//! These authorities are the operator's own, never the internal one: an agent's certificate opens no console. Nothing is
//! resumed where certificates are asked for, so that a certificate is looked at in each handshake.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use wk_domain::Timestamp;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::tls::{console_builder, console_provider};
use crate::{PkiError, ServerIdentity};

/// Largest file with authorities, in bytes.
pub const AUTHORITIES_MAX: usize = 256 << 10;
/// Largest file with revocation lists, in bytes.
pub const REVOKED_MAX: usize = 4 << 20;
/// Authorities, and revocation lists, at most.
const ITEMS_MAX: usize = 50;

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    #[error("the authorities: {0}")]
    Authorities(String),
    #[error("the revocation lists: {0}")]
    Revoked(String),
}

/// One authority, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAuthority {
    pub subject: String,
    pub not_after: Timestamp,
}

/// Who vouches for browsers.
#[derive(Clone)]
pub struct ClientAuthorities {
    verifier: Arc<dyn ClientCertVerifier>,
    required: bool,
    pub authorities: Vec<ClientAuthority>,
    /// How many lists of revoked certificates there are.
    pub lists: usize,
}

impl std::fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAuthorities")
            .field("required", &self.required)
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}

fn items<T>(
    parts: impl Iterator<Item = Result<T, rustls::pki_types::pem::Error>>,
    what: fn(String) -> ClientsError,
) -> Result<Vec<T>, ClientsError> {
    let mut list = Vec::new();
    for part in parts {
        list.push(part.map_err(|error| what(format!("this is not PEM: {error}")))?);
        if list.len() > ITEMS_MAX {
            return Err(what(format!("there are more than {ITEMS_MAX}")));
        }
    }
    Ok(list)
}

impl ClientAuthorities {
    /// Reads PEM files. `required`: without a certificate there is no connection; otherwise one may be presented.
    ///
    /// # Errors
    /// [`ClientsError`], with what is wrong with which file.
    pub fn read(
        authorities: &str,
        revoked: &str,
        required: bool,
        now: Timestamp,
    ) -> Result<Self, ClientsError> {
        let wrong = ClientsError::Authorities;
        if authorities.len() > AUTHORITIES_MAX || revoked.len() > REVOKED_MAX {
            return Err(wrong("the files are too large".to_owned()));
        }
        let (mut roots, mut shown) = (RootCertStore::empty(), Vec::new());
        for der in items(CertificateDer::pem_slice_iter(authorities.as_bytes()), wrong)? {
            let (_, parsed) = X509Certificate::from_der(&der)
                .map_err(|_| wrong("one of them is not a certificate".to_owned()))?;
            let subject = clean(&parsed.subject().to_string());
            if !parsed.is_ca() {
                return Err(wrong(format!("`{subject}` is not an authority's certificate")));
            }
            let not_after = Timestamp::from_ms(parsed.validity().not_after.timestamp().saturating_mul(1000));
            if not_after <= now {
                return Err(wrong(format!("`{subject}` has ended")));
            }
            roots.add(der.clone()).map_err(|error| wrong(format!("`{subject}`: {error}")))?;
            shown.push(ClientAuthority { subject, not_after });
        }
        if shown.is_empty() {
            return Err(wrong("there is none: give PEM certificates".to_owned()));
        }
        let crls =
            items(CertificateRevocationListDer::pem_slice_iter(revoked.as_bytes()), ClientsError::Revoked)?;
        if crls.is_empty() && !revoked.trim().is_empty() {
            return Err(ClientsError::Revoked("there is none: give PEM revocation lists".to_owned()));
        }
        let lists = crls.len();
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), console_provider())
            .with_crls(crls)
            .only_check_end_entity_revocation();
        if lists == 0 {
            builder = builder.allow_unknown_revocation_status();
        }
        if !required {
            builder = builder.allow_unauthenticated();
        }
        let verifier = builder.build().map_err(|error| ClientsError::Revoked(error.to_string()))?;
        Ok(Self { verifier, required, authorities: shown, lists })
    }

    /// Whether somebody with this chain, leaf first, would be let in.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn admits(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<(), String> {
        let mut chain = chain.iter().map(|der| CertificateDer::from(der.as_slice()));
        let leaf = chain.next().ok_or("this connection presents no client certificate")?;
        let between: Vec<_> = chain.collect();
        let seconds = u64::try_from(now.as_ms() / 1000).unwrap_or(0);
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        self.verifier.verify_client_cert(&leaf, &between, at).map(drop).map_err(|error| error.to_string())
    }
}

/// The console's side, which asks for client certificates.
///
/// # Errors
/// [`PkiError::Tls`].
pub fn server_config_console_for(
    identity: &Arc<ServerIdentity>,
    clients: &ClientAuthorities,
) -> Result<Arc<ServerConfig>, PkiError> {
    let mut config = console_builder()?
        .with_client_cert_verifier(Arc::clone(&clients.verifier))
        .with_cert_resolver(Arc::clone(identity) as _);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.max_early_data_size = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Whose certificate it is, for people and the audit log.
pub fn client_subject(der: &[u8]) -> String {
    let parsed = X509Certificate::from_der(der).map(|(_, parsed)| {
        let serial: String = parsed.raw_serial().iter().take(20).map(|byte| format!("{byte:02x}")).collect();
        format!("{}, serial {serial}", parsed.subject())
    });
    clean(&parsed.unwrap_or_else(|_| "a certificate that cannot be read".to_owned()))
}

fn clean(text: &str) -> String {
    wk_domain::text::clean_line(text, 300)
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod,
        KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    };

    use super::*;

    fn now() -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap())
    }

    struct Office {
        issuer: Issuer<'static, KeyPair>,
        pem: String,
    }

    fn office(name: &str) -> Office {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Office { issuer: Issuer::new(params, key), pem }
    }

    fn person(office: &Office, serial: u64) -> Vec<Vec<u8>> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "maria");
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        vec![params.signed_by(&key, &office.issuer).unwrap().der().to_vec()]
    }

    fn revoke(office: &Office, serial: u64) -> String {
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2024, 1, 1),
            next_update: rcgen::date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: rcgen::date_time_ymd(2024, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&office.issuer).unwrap().pem().unwrap()
    }

    #[test]
    fn who_is_vouched_for_and_not_revoked_is_let_in() {
        let (ours, theirs) = (office("Acme People"), office("Evil People"));
        let read = |revoked: &str| ClientAuthorities::read(&ours.pem, revoked, true, now()).unwrap();
        let (maria, thief) = (person(&ours, 7), person(&ours, 8));
        let open = read("");
        assert_eq!((open.authorities[0].subject.as_str(), open.lists), ("CN=Acme People", 0));
        assert_eq!(open.admits(&maria, now()), Ok(()));
        assert_eq!(open.admits(&thief, now()), Ok(()));
        let strict = read(&revoke(&ours, 8));
        assert_eq!(strict.admits(&maria, now()), Ok(()));
        for (chain, why) in
            [(thief, "revoked"), (person(&theirs, 7), "another authority's"), (Vec::new(), "none")]
        {
            assert!(strict.admits(&chain, now()).is_err(), "{why}");
        }
        assert!(
            client_subject(&maria[0]).starts_with("CN=maria, serial 07"),
            "{}",
            client_subject(&maria[0])
        );
        assert_eq!(client_subject(b"x"), "a certificate that cannot be read");
    }

    #[test]
    fn files_that_vouch_for_nobody_are_refused_with_why() {
        let ours = office("Acme People");
        let leaf = pem(&person(&ours, 7)[0]);
        for (authorities, revoked, why) in [
            ("", "", "there is none"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "", "not a certificate"),
            (leaf.as_str(), "", "not an authority's"),
            (ours.pem.as_str(), "hello", "there is none"),
        ] {
            let error = ClientAuthorities::read(authorities, revoked, true, now()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    fn pem(der: &[u8]) -> String {
        let mut out = zeroize::Zeroizing::new(String::new());
        crate::pem::write(&mut out, crate::pem::CERTIFICATE, der);
        out.to_string()
    }
}
