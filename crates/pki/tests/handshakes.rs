//! Real TLS handshakes over loopback sockets: who gets in, who does not, and with which cryptography.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's helpers may fail loudly, as tests do.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, NamedGroup, ProtocolVersion, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor, TlsConnector};
use wk_domain::{AgentId, Timestamp};
use wk_pki::*;

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap())
}

fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}

fn agent_id(n: u8) -> AgentId {
    AgentId::new(1_763_000_000_000, [n; 10])
}

fn ca_at(dir: &Path, at: Timestamp) -> Ca {
    let names = ServerNames::parse(["watch.example.org"]).unwrap();
    Ca::open_or_create(&dir.join("ca"), &KeyProtection::FileMode, &names, at).unwrap()
}

fn enrol(ca: &Ca, dir: &Path, id: AgentId, at: Timestamp) -> AgentIdentity {
    let store = AgentStore::open(&dir.join(format!("agent-{id}"))).unwrap();
    let issued = ca.issue_agent(&store.request().unwrap(), id, at).unwrap();
    let roots: Vec<Vec<u8>> = ca.roots().iter().map(|root| root.to_vec()).collect();
    store.commit(&issued.chain_der, &roots, Some(&ca.root_spki_sha256()), at).unwrap()
}

#[derive(Debug)]
struct Seen {
    version: Option<ProtocolVersion>,
    group: Option<NamedGroup>,
    alpn: Option<Vec<u8>>,
    peer: Option<PeerAgent>,
    certs: usize,
}

fn seen(connection: &rustls::CommonState, group: Option<NamedGroup>) -> Seen {
    let certs = connection.peer_certificates().unwrap_or_default();
    Seen {
        version: connection.protocol_version(),
        group,
        alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
        peer: certs.first().and_then(|cert| PeerAgent::from_der(cert).ok()),
        certs: certs.len(),
    }
}

/// Connects, and sends one byte each way: with TLS 1.3 a client learns only then that it was refused.
async fn meet(
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    name: &str,
) -> (Result<Seen, String>, Result<Seen, String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async move {
        let (socket, _) = listener.accept().await?;
        let mut tls = TlsAcceptor::from(server).accept(socket).await?;
        let byte = tls.read_u8().await?;
        tls.write_u8(byte).await?;
        tls.shutdown().await?;
        let (_, connection) = tls.get_ref();
        let group = connection.negotiated_key_exchange_group().map(|group| group.name());
        Ok::<_, std::io::Error>(seen(connection, group))
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = async move {
        let socket = TcpStream::connect(address).await?;
        let mut tls = TlsConnector::from(client).connect(name, socket).await?;
        tls.write_u8(42).await?;
        let byte = tls.read_u8().await?;
        assert_eq!(byte, 42);
        let (_, connection) = tls.get_ref();
        let group = connection.negotiated_key_exchange_group().map(|group| group.name());
        Ok::<_, std::io::Error>(seen(connection, group))
    };
    let both = async { tokio::join!(server, client) };
    let (server, client) =
        tokio::time::timeout(Duration::from_secs(30), both).await.expect("a handshake ends");
    (server.map_err(|error| error.to_string()), client.map_err(|error| error.to_string()))
}

#[derive(Debug, Default)]
struct Deny(std::sync::Mutex<Vec<Serial>>);

impl DenyList for Deny {
    fn denies(&self, peer: &PeerAgent) -> bool {
        self.0.lock().unwrap().contains(&peer.serial)
    }
}

fn hub(ca: &Ca) -> Arc<ServerConfig> {
    server_config_hub(&ca.server_identity(), &ca.roots(), Arc::new(NobodyDenied)).unwrap()
}

/// A client as a stranger would build it: everything rustls can do, with whatever certificate is given.
fn stranger(
    ca: &Ca,
    versions: &[&'static rustls::SupportedProtocolVersion],
    alpn: &[&[u8]],
    identity: Option<&AgentIdentity>,
) -> Arc<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for root in ca.roots() {
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let link = client_config_link(identity).unwrap();
            builder.with_client_cert_resolver(Arc::clone(&link.client_auth_cert_resolver))
        }
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

#[tokio::test]
async fn an_enrolled_agent_gets_in_by_tls_1_3_with_post_quantum_key_exchange() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now());
    let identity = enrol(&ca, tmp.path(), agent_id(1), now());
    for name in ["watch.example.org", "localhost", "127.0.0.1", "::1"] {
        let (server, client) = meet(hub(&ca), client_config_link(&identity).unwrap(), name).await;
        let (server, client) = (server.unwrap(), client.unwrap());
        for side in [&server, &client] {
            assert_eq!(side.version, Some(ProtocolVersion::TLSv1_3));
            assert_eq!(side.group, Some(NamedGroup::X25519MLKEM768));
            assert_eq!(side.alpn.as_deref(), Some(ALPN_LINK));
        }
        let peer = server.peer.unwrap();
        assert_eq!((peer.agent_id, peer.serial), (agent_id(1), identity.serial()));
    }
}

#[tokio::test]
async fn the_agent_refuses_a_server_with_another_name() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now());
    let identity = enrol(&ca, tmp.path(), agent_id(1), now());
    let (_, client) = meet(hub(&ca), client_config_link(&identity).unwrap(), "other.example.org").await;
    assert!(client.unwrap_err().contains("not valid for name"), "names the reason");
}

#[tokio::test]
async fn the_hub_refuses_tls_1_2_no_certificate_and_another_protocol() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now());
    let identity = enrol(&ca, tmp.path(), agent_id(1), now());
    let tls13 = [&rustls::version::TLS13];
    let (server, client) =
        meet(hub(&ca), stranger(&ca, &[&rustls::version::TLS12], &[ALPN_LINK], Some(&identity)), "localhost")
            .await;
    assert!(server.is_err() && client.unwrap_err().to_lowercase().contains("protocolversion"));
    let (server, client) = meet(hub(&ca), stranger(&ca, &tls13, &[ALPN_LINK], None), "localhost").await;
    assert!(server.unwrap_err().contains("no certificates") && client.is_err());
    let (server, client) =
        meet(hub(&ca), stranger(&ca, &tls13, &[b"h2"], Some(&identity)), "localhost").await;
    assert!(server.is_err() && client.is_err());
    // The very same stranger with the right things gets in: it was each single fault that shut the door.
    let (server, client) =
        meet(hub(&ca), stranger(&ca, &tls13, &[ALPN_LINK], Some(&identity)), "localhost").await;
    assert!(server.is_ok() && client.is_ok());
}

#[tokio::test]
async fn the_hub_refuses_another_authority() {
    let ours = tempfile::tempdir().unwrap();
    let theirs = tempfile::tempdir().unwrap();
    let ca = ca_at(ours.path(), now());
    let other = ca_at(theirs.path(), now());
    let identity = enrol(&other, theirs.path(), agent_id(1), now());
    let client = stranger(&ca, &[&rustls::version::TLS13], &[ALPN_LINK], Some(&identity));
    let (server, client) = meet(hub(&ca), client, "localhost").await;
    assert!(server.unwrap_err().contains("UnknownIssuer") && client.is_err());
    // And the agent refuses a hub of another authority.
    let (_, client) = meet(hub(&ca), client_config_link(&identity).unwrap(), "localhost").await;
    assert!(client.unwrap_err().contains("UnknownIssuer"));
}

#[tokio::test]
async fn the_hub_refuses_an_ended_certificate_and_one_not_begun() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now() - days(20));
    for (n, at) in [(1, now() - days(8)), (2, now() + days(1))] {
        let identity = enrol(&ca, tmp.path(), agent_id(n), at);
        let (server, client) = meet(hub(&ca), client_config_link(&identity).unwrap(), "localhost").await;
        let reason = server.unwrap_err();
        assert!(reason.to_lowercase().contains("expired") || reason.contains("not valid yet"), "{reason}");
        assert!(client.is_err());
    }
}

#[tokio::test]
async fn a_machine_that_was_off_gets_in_within_the_grace_and_is_seen_to_have_ended() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now() - days(20));
    ca.rotate_due(now()).unwrap();
    let deny = Arc::new(Deny::default());
    let week =
        server_config_hub_with_grace(&ca.server_identity(), &ca.roots(), Arc::clone(&deny) as _, days(7))
            .unwrap();
    let late = enrol(&ca, tmp.path(), agent_id(1), now() - days(10));
    let (server, client) = meet(Arc::clone(&week), client_config_link(&late).unwrap(), "localhost").await;
    let peer = server.unwrap().peer.unwrap();
    assert!(peer.has_ended(now()) && client.is_ok());

    let too_late = enrol(&ca, tmp.path(), agent_id(2), now() - days(14));
    let not_begun = enrol(&ca, tmp.path(), agent_id(3), now() + days(1));
    for identity in [&too_late, &not_begun] {
        let (server, client) =
            meet(Arc::clone(&week), client_config_link(identity).unwrap(), "localhost").await;
        assert!(server.is_err() && client.is_err());
    }
    // Revoked and ended: revoked.
    deny.0.lock().unwrap().push(late.serial());
    let (server, _) = meet(week, client_config_link(&late).unwrap(), "localhost").await;
    assert!(server.unwrap_err().contains("Revoked"));
}

#[tokio::test]
async fn a_denied_serial_is_refused_from_the_next_handshake_on() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now());
    let identity = enrol(&ca, tmp.path(), agent_id(1), now());
    let neighbour = enrol(&ca, tmp.path(), agent_id(2), now());
    let deny = Arc::new(Deny::default());
    let hub = server_config_hub(&ca.server_identity(), &ca.roots(), Arc::clone(&deny) as _).unwrap();
    let client = client_config_link(&identity).unwrap();
    assert!(meet(Arc::clone(&hub), Arc::clone(&client), "localhost").await.1.is_ok());
    deny.0.lock().unwrap().push(identity.serial());
    // The same client configuration: had it kept a session to resume, it would get in now.
    let (server, refused) = meet(Arc::clone(&hub), client, "localhost").await;
    assert!(server.unwrap_err().contains("Revoked") && refused.is_err());
    assert!(meet(hub, client_config_link(&neighbour).unwrap(), "localhost").await.1.is_ok());
}

#[tokio::test]
async fn the_server_certificate_is_no_agent_and_an_agent_is_no_server() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now());
    let (_, client) = meet(
        server_config_console(&ca.server_identity()).unwrap(),
        stranger(&ca, &[&rustls::version::TLS13], &[b"h2"], None),
        "localhost",
    )
    .await;
    let seen = client.unwrap();
    assert_eq!((seen.certs, seen.peer), (2, None));
}

#[tokio::test]
async fn enrolment_trusts_the_pinned_root_and_no_other() {
    let tmp = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now());
    let stranger_ca = ca_at(other.path(), now());
    let enrol_config = server_config_enrol(&ca.server_identity()).unwrap();
    let pinned = || client_config_enrol(ca.root_spki_sha256()).unwrap();

    let (server, client) = meet(Arc::clone(&enrol_config), pinned(), "localhost").await;
    let client = client.unwrap();
    assert_eq!(server.unwrap().alpn.as_deref(), Some(ALPN_ENROL));
    assert_eq!((client.group, client.certs), (Some(NamedGroup::X25519MLKEM768), 3));

    let wrong = client_config_enrol(stranger_ca.root_spki_sha256()).unwrap();
    let (_, refused) = meet(Arc::clone(&enrol_config), wrong, "localhost").await;
    assert!(refused.unwrap_err().contains("UnknownIssuer"));
    let (_, refused) = meet(enrol_config, pinned(), "other.example.org").await;
    assert!(refused.unwrap_err().contains("not valid for name"));
    // A server that shows the right root beside a chain of its own does not pass: the chain must end in that root.
    let impostor = impostor_with_root_of(&ca, &stranger_ca);
    let (_, refused) = meet(impostor, pinned(), "localhost").await;
    assert!(refused.unwrap_err().contains("UnknownIssuer"));
}

/// A server with the key and chain of `own` that appends the root of `victim`.
fn impostor_with_root_of(victim: &Ca, own: &Ca) -> Arc<ServerConfig> {
    #[derive(Debug)]
    struct Fixed(Arc<rustls::sign::CertifiedKey>);
    impl rustls::server::ResolvesServerCert for Fixed {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }
    let issued_key = rcgen::KeyPair::generate().unwrap();
    let issued = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&issued_key)
        .unwrap();
    let mut chain = vec![issued.der().clone()];
    chain.extend(own.roots());
    chain.extend(victim.roots());
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(issued_key.into()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Fixed(Arc::new(rustls::sign::CertifiedKey::new(chain, key)))));
    config.alpn_protocols = vec![ALPN_ENROL.to_vec()];
    Arc::new(config)
}

#[tokio::test]
async fn the_console_speaks_1_3_and_1_2_with_forward_secrecy_only() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now());
    let config = server_config_console(&ca.server_identity()).unwrap();
    for (version, number) in [
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
    ] {
        let client = stranger(&ca, &[version], &[b"h2", b"http/1.1"], None);
        let (server, client) = meet(Arc::clone(&config), client, "watch.example.org").await;
        assert_eq!(client.unwrap().version, Some(number));
        assert_eq!(server.unwrap().alpn.as_deref(), Some(&b"h2"[..]));
    }
    for suite in &config.crypto_provider().cipher_suites {
        let name = format!("{:?}", suite.suite());
        let aead = name.contains("GCM") || name.contains("CHACHA20_POLY1305");
        assert!(aead && (name.starts_with("TLS13") || name.starts_with("TLS_ECDHE")), "{name}");
    }
}

#[tokio::test]
async fn the_hello_tells_link_from_enrolment() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = ca_at(tmp.path(), now());
    let tls13 = [&rustls::version::TLS13];
    let cases: [(&[&[u8]], Option<HubPurpose>); 5] = [
        (&[ALPN_LINK], Some(HubPurpose::Link)),
        (&[ALPN_ENROL], Some(HubPurpose::Enrol)),
        (&[ALPN_LINK, ALPN_ENROL], None),
        (&[b"h2"], None),
        (&[], None),
    ];
    for (alpn, purpose) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TlsConnector::from(stranger(&ca, &tls13, alpn, None));
        let client = tokio::spawn(async move {
            let socket = TcpStream::connect(address).await.unwrap();
            let _ = client.connect(ServerName::try_from("localhost").unwrap(), socket).await;
        });
        let (socket, _) = listener.accept().await.unwrap();
        let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket).await.unwrap();
        assert_eq!(hub_purpose(&start.client_hello()), purpose);
        drop(start);
        client.await.unwrap();
    }
}

#[tokio::test]
async fn rotation_reaches_running_configurations_and_keeps_old_chains() {
    let tmp = tempfile::tempdir().unwrap();
    // Sixty days ago: intermediate and server certificate are both due now.
    let ca = ca_at(tmp.path(), now() - days(61));
    let before = enrol(&ca, tmp.path(), agent_id(1), now());
    let hub = hub(&ca);
    assert!(
        meet(Arc::clone(&hub), client_config_link(&before).unwrap(), "localhost").await.1.is_err(),
        "server certificate over"
    );
    assert_eq!(ca.rotate_due(now()).unwrap(), [CertRole::Intermediate, CertRole::Server]);
    assert_eq!(ca.rotate_due(now()).unwrap(), []);
    let after = enrol(&ca, tmp.path(), agent_id(2), now());
    assert_ne!(before.chain()[1], after.chain()[1]);
    for identity in [&before, &after] {
        // The same configuration as before the rotation, with a certificate of either intermediate.
        let (server, client) =
            meet(Arc::clone(&hub), client_config_link(identity).unwrap(), "localhost").await;
        assert_eq!(server.unwrap().peer.unwrap().agent_id, identity.agent_id());
        client.unwrap();
    }
}
