//! Client certificates in front of the console: who presents none, another authority's or a revoked one gets no HTTP at all.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use wk_testkit::until;

use crate::fleet;
use crate::refusals::{Anybody, tls, to_the_end};

/// Who vouches for people.
struct Office {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn office(name: &str) -> Office {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let pem = params.self_signed(&key).unwrap().pem();
    Office { issuer: Issuer::new(params, key), pem }
}

impl Office {
    /// A browser with a certificate of this office's.
    fn browser(&self, serial: u64) -> Arc<ClientConfig> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "maria");
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        browser(Some((leaf, PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())))))
    }

    fn revoke(&self, serial: u64) -> String {
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: date_time_ymd(2024, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

fn browser(own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)));
    let mut config = match own {
        Some((leaf, key)) => builder.with_client_auth_cert(vec![leaf], key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

const ASK: &[u8] = b"GET /api/v1/meta HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// All that comes back; nothing when TLS ends it.
fn ask(to: SocketAddr, config: &Arc<ClientConfig>) -> String {
    let mut stream = tls(to, Arc::clone(config));
    let _ = stream.write_all(ASK);
    String::from_utf8_lossy(&to_the_end(&mut stream)).into_owned()
}

#[test]
fn without_a_valid_certificate_that_is_not_revoked_there_is_no_http() {
    let fleet = fleet();
    let server = fleet.serve();
    let (ours, theirs) = (office("Acme People"), office("Evil People"));
    let (ca, crl) = (fleet.path().join("people.pem"), fleet.path().join("revoked.pem"));
    fs::write(&ca, &ours.pem).unwrap();
    fs::write(&crl, ours.revoke(8)).unwrap();
    let (ca, crl) = (ca.to_str().unwrap(), crl.to_str().unwrap());
    let (nobody, maria, thief, foreign) =
        (browser(None), ours.browser(7), ours.browser(8), theirs.browser(7));
    let to = fleet.console();
    let inside = |config: &Arc<ClientConfig>| ask(to, config).starts_with("HTTP/1.1 200");
    let outside = |config: &Arc<ClientConfig>| ask(to, config).is_empty();

    assert!(inside(&nobody) && inside(&maria));
    fleet.cli(&["console-clients", "ask", "--ca", ca]).ok();
    until("the door asks, and lets everybody in who is not somebody else's", || {
        (inside(&nobody) && inside(&maria) && outside(&foreign)).then_some(())
    });
    // A connection from before, which asks again when the door is shut.
    let mut early = tls(to, Arc::clone(&nobody));
    early.write_all(b"GET /api/v1/meta HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 12];
    early.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let said = fleet.cli(&["console-clients", "require"]).ok();
    assert!(said.out.contains("require") && said.out.contains("Acme People"), "{}", said.all());
    let rest = String::from_utf8_lossy(&to_the_end(&mut early)).into_owned();
    assert!(!rest.contains("HTTP/1.1"), "it was closed: {rest}");
    assert!(outside(&nobody) && inside(&maria) && inside(&thief) && outside(&foreign));
    fleet.cli(&["console-clients", "require", "--crl", crl]).ok();
    assert!(outside(&nobody) && inside(&maria) && outside(&thief));
    let bad = fleet.path().join("bad.pem");
    fs::write(&bad, "hello").unwrap();
    let refused = fleet.cli(&["console-clients", "require", "--ca", bad.to_str().unwrap()]);
    assert!(refused.code != Some(0) && refused.all().contains("authorities"), "{}", refused.all());

    // It is so from the first moment after a start, too.
    server.kill();
    let server = fleet.serve();
    assert!(outside(&nobody) && inside(&maria) && outside(&thief));
    fleet.cli(&["console-clients", "off"]).ok();
    assert!(inside(&nobody) && inside(&foreign));
    let log: Vec<_> = fleet.list("/audit").into_iter().map(|entry| entry.to_string()).collect();
    assert!(log.iter().any(|entry| entry.contains("console-clients")), "{log:?}");
    assert!(log.iter().all(|entry| !entry.contains("BEGIN CERTIFICATE")));
    drop(server);
}
