//! Who does not even get to speak.

use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wk_domain::AgentId;
use wk_hub::HubConfig;

use crate::support::*;

/// A client that trusts the server's root.
fn client(
    server: &Server,
    versions: &[&'static rustls::SupportedProtocolVersion],
    alpn: &[&str],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for root in server.desk.ca.roots() {
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config
}

/// Whether the server speaks with such a client: a byte of a frame, or its patience for one.
async fn speaks(server: &Server, config: ClientConfig) -> bool {
    let Ok(mut stream) = handshake(server.address, Arc::new(config)).await else { return false };
    // In TLS 1.3 the client is done before the server has judged: only the next read tells.
    let _ = stream.write_all(&[0, 0, 0, 2, 0x22, 0]).await;
    let mut byte = [0];
    matches!(tokio::time::timeout(PATIENCE, stream.read(&mut byte)).await, Ok(Ok(1)))
}

#[tokio::test]
async fn only_tls_1_3_with_a_known_word_and_a_certificate_is_heard() {
    let server = Server::start().await;
    let tls12: &[_] = &[&rustls::version::TLS12];
    let tls13: &[_] = &[&rustls::version::TLS13];
    for (versions, alpn) in [
        (tls12, &["watchkeep-link/1"][..]),
        (tls12, &["watchkeep-enrol/1"]),
        (tls13, &["watchkeep-link/1"]),
        (tls13, &["h2", "http/1.1"]),
        (tls13, &["watchkeep-link/2"]),
        (tls13, &["watchkeep-link/1", "watchkeep-enrol/1"]),
        (tls13, &[]),
    ] {
        assert!(!speaks(&server, client(&server, versions, alpn)).await, "{versions:?} {alpn:?}");
    }
    assert_eq!(server.desk.refusals.lock().len(), 7, "each is told to the desk");
    assert!(server.desk.known.lock().is_empty());
    server.agent().linked().await;
}

#[tokio::test]
async fn the_certificate_of_another_authority_is_refused() {
    let server = Server::start().await;
    let other = Server::start().await;
    let (_, stranger) = other.identity();
    // It trusts the right server, so that only the server can object.
    let mut config = ClientConfig::clone(&wk_pki::client_config_link(&stranger).unwrap());
    let trusting = client(&server, &[&rustls::version::TLS13], &[]);
    config.dangerous().set_certificate_verifier(
        rustls::client::WebPkiServerVerifier::builder_with_provider(
            Arc::new({
                let mut roots = RootCertStore::empty();
                server.desk.ca.roots().into_iter().for_each(|root| roots.add(root).unwrap());
                roots
            }),
            Arc::clone(trusting.crypto_provider()),
        )
        .build()
        .unwrap(),
    );
    assert!(!speaks(&server, config).await);
    assert_eq!(server.desk.refusals_of("handshake"), 1);
}

#[tokio::test]
async fn a_denied_serial_and_a_denied_agent_are_refused_at_the_handshake() {
    let server = Server::start().await;
    let (_, first) = server.identity();
    let (_, second) = server.identity();
    server.desk.denied.lock().insert(first.serial().to_string());
    server.desk.denied.lock().insert(second.agent_id().to_string());
    for identity in [first, second] {
        let mut raw = Raw::connect(server.address, &identity).await.unwrap();
        raw.say(wk_wire::agent_frame::Body::Hello(wk_wire::Hello { protocol: 1, ..Default::default() }))
            .await;
        assert!(raw.hear().await.is_none());
    }
    assert!(server.desk.known.lock().is_empty());
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_refused_and_one_that_ends_closes_the_link() {
    let server = Server::with(HubConfig { renew_grace: Duration::ZERO, ..HubConfig::default() }).await;
    let week = Duration::from_secs(7 * 24 * 3600);
    let (_, ended) = server.identity_from(now() - week - Duration::from_secs(1));
    let mut raw = Raw::connect(server.address, &ended).await.unwrap();
    assert!(raw.hear().await.is_none());
    let (_, ending) = server.identity_from(now() - week + Duration::from_secs(2));
    let mut raw = Raw::connect(server.address, &ending).await.unwrap();
    raw.hello(1).await;
    assert_eq!(raw.goodbye().await.as_deref(), Some("expired"));
}

#[tokio::test]
async fn silence_and_garbage_end_and_others_are_served() {
    let config = HubConfig {
        hello_deadline: Duration::from_millis(200),
        handshake_deadline: Duration::from_millis(600),
        ..HubConfig::default()
    };
    let server = Server::with(config).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut garbage = TcpStream::connect(server.address).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // The beginning of a hello, a byte at a time.
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    let drip = tokio::spawn(async move {
        for byte in [0x16, 3, 1, 2, 0, 1, 0, 1, 252].into_iter().chain(std::iter::repeat(3)) {
            if slow.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    server.agent().linked().await;
    for stream in [&mut silent, &mut garbage] {
        let mut rest = vec![];
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("still open");
        // A TLS alert at most.
        assert!(rest.len() < 16, "{rest:?}");
    }
    tokio::time::timeout(PATIENCE, drip).await.expect("still open").unwrap();
    assert_eq!(server.desk.refusals_of("handshake"), 3);
}

#[tokio::test]
async fn half_open_connections_are_bounded_and_a_source_cannot_take_all() {
    let config = HubConfig {
        half_open_max: 8,
        half_open_per_source: 8,
        failures_burst: 6.0,
        failures_per_second: 2.0,
        hello_deadline: Duration::from_secs(2),
        ..HubConfig::default()
    };
    let server = Server::with(config).await;
    let mut silent = vec![];
    for _ in 0..30 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    until("the rest is turned away", || yes(server.desk.refusals_of("handshake-rate") >= 24)).await;
    // The source has used up what it may fail; from elsewhere the door is open.
    let (_, identity) = server.identity();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let stream = socket.connect(server.address).await.unwrap();
    let config = wk_pki::client_config_link(&identity).unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await.unwrap();
    Raw::over(stream).hello(1).await;
    assert_eq!(identity.agent_id(), AgentId::clone(&identity.agent_id()));
}

#[tokio::test]
async fn links_are_bounded() {
    let server = Server::with(HubConfig { links_max: 2, ..HubConfig::default() }).await;
    let (mut first, mut second) = (server.agent(), server.agent());
    first.linked().await;
    second.linked().await;
    assert_eq!(server.hub.links(), 2);
    let (_, third) = server.identity();
    assert!(Raw::connect(server.address, &third).await.unwrap().goodbye().await.is_none());
    assert_eq!(server.desk.refusals_of("links"), 1);
}
