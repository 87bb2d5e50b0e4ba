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
use crate::remote::claim;

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
        self.browser_of(serial, &rustls::version::TLS13)
    }

    fn browser_of(
        &self,
        serial: u64,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Arc<ClientConfig> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "maria");
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        browser_with(Some((leaf, key)), version)
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
    browser_with(own, &rustls::version::TLS13)
}

fn browser_with(
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    version: &'static rustls::SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
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

/// What a browser keeps of a session opens nothing: each connection shows its certificate anew, and a revoked one, again.
#[test]
fn a_session_that_is_resumed_does_not_bring_a_revoked_certificate_back() {
    let fleet = fleet();
    let server = fleet.serve();
    let ours = office("Acme People");
    let (ca, crl) = (fleet.path().join("people.pem"), fleet.path().join("revoked.pem"));
    fs::write(&ca, &ours.pem).unwrap();
    fs::write(&crl, ours.revoke(8)).unwrap();
    let (ca, crl) = (ca.to_str().unwrap(), crl.to_str().unwrap());
    let to = fleet.console();
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let thieves = versions.map(|version| ours.browser_of(8, version));
    let knock = |config: &Arc<ClientConfig>| {
        let mut stream = tls(to, Arc::clone(config));
        let _ = stream.write_all(ASK);
        let said = String::from_utf8_lossy(&to_the_end(&mut stream)).into_owned();
        (said.starts_with("HTTP/1.1 200"), stream.conn.handshake_kind())
    };
    // A session from before anybody was asked for a certificate is none of those that follow.
    for thief in &thieves {
        assert!(knock(thief).0);
    }
    for mode in ["ask", "require"] {
        fleet.cli(&["console-clients", mode, "--ca", ca]).ok();
        for thief in thieves.iter().chain(&thieves) {
            assert_eq!(knock(thief), (true, Some(rustls::HandshakeKind::Full)), "{mode}");
        }
        fleet.cli(&["console-clients", mode, "--ca", ca, "--crl", crl]).ok();
        for thief in &thieves {
            let (inside, kind) = knock(thief);
            assert!(!inside && kind != Some(rustls::HandshakeKind::Resumed), "{mode}");
        }
    }
    drop(server);
}

/// Whoever acts, the entry says by which certificate the request came.
#[test]
fn an_entry_names_the_certificate_that_its_connection_presented() {
    let fleet = fleet();
    let server = fleet.serve();
    claim(&fleet, &server.out());
    let ours = office("Acme People");
    let ca = fleet.path().join("people.pem");
    fs::write(&ca, &ours.pem).unwrap();
    fleet.cli(&["console-clients", "ask", "--ca", ca.to_str().unwrap()]).ok();
    fleet
        .cli(&[
            "service-account",
            "add",
            "ci",
            "--role",
            "operator",
            "--owner",
            "maria",
            "--purpose",
            "builds",
        ])
        .ok();
    let made = fleet.cli(&["api-token", "create", "ci", "--name", "deploy", "--role", "operator"]).ok();
    let token = made.out.trim();
    let post = |config: &Arc<ClientConfig>, path: &str, more: &str, body: &str| {
        let mut stream = tls(fleet.console(), Arc::clone(config));
        let request = format!(
            "POST /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}content-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        String::from_utf8_lossy(&to_the_end(&mut stream)).into_owned()
    };
    let (maria, nobody) = (ours.browser(7), browser(None));
    let wrong = |name: &str| format!("{{\"name\":\"{name}\",\"password\":\"not the right one at all\"}}");
    let bearer = format!("authorization: Bearer {token}\r\n");
    for (config, name, path) in [(&maria, "with", "/users"), (&nobody, "without", "/groups")] {
        let said = post(config, "/session", "", &wrong(name));
        assert!(said.starts_with("HTTP/1.1 401"), "{said}");
        let said = post(config, path, &bearer, "{}");
        assert!(said.starts_with("HTTP/1.1 403"), "{said}");
    }
    let marks = |entry: &&serde_json::Value| entry.to_string().contains("client_certificate");
    let entries = until("all four are in the log", || {
        let log = fleet.list("/audit");
        let ours = |entry: &serde_json::Value| {
            entry["outcome"] == "denied"
                || (entry["action"] == "session.open" && entry["outcome"] != "success")
        };
        let log: Vec<_> = log.into_iter().filter(ours).collect();
        (log.len() >= 4).then_some(log)
    });
    let marked = entries.iter().filter(marks).count();
    assert_eq!(marked, 2, "{entries:#?}");
    for entry in entries.iter().filter(marks) {
        assert!(entry.to_string().contains("CN=maria, serial 07"), "{entry}");
    }
    drop(server);
}
