//! What a server does not accept: its own configuration with a mistake in it, and whatever strangers send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use wk_testkit::{Fleet, until};

use crate::fleet;

#[test]
fn a_typo_in_a_key_names_the_place_and_the_key_that_was_meant() {
    let fleet = fleet();
    let data = fleet.data();
    std::fs::create_dir(&data).unwrap();
    wk_testkit::fleet::private_own(&data);
    let file = data.join("watchkeep.toml");
    for (text, place, word) in [
        ("# mine\nconsole_lisen = \"127.0.0.1:1\"\n", ":2:1: ", "Did you mean `console_listen`?"),
        ("[log]\nlevle = \"info\"\n", ":2:1: ", "Did you mean `level`?"),
        ("console_listen = \"nowhere\"\n", ":1:18: ", "socket address"),
        ("console_listen = \n", ":1:", ""),
        ("console_listen = 8443\n", ":1:18: ", "socket address"),
        ("names = \"watch.example\"\n", ":1:9: ", "sequence"),
        ("[log]\nformat = \"yaml\"\n", ":2:10: ", "`text`"),
        ("console_listen = \"127.0.0.1:1\"\nconsole_listen = \"127.0.0.1:2\"\n", ":2:1: ", "duplicate key"),
        ("database = \"mysql://x/y\"\n", "", "`database` in watchkeep.toml"),
        (
            "webhook_private_networks = [\"10.1.2.3/16\"]\n",
            "",
            "`webhook_private_networks` in watchkeep.toml",
        ),
        ("webhook_private_networks = [\"intranet\"]\n", "", "is not a network such as 10.1.0.0/16"),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = fleet.start("server", &[], &[]).expect_err("it started with a damaged file");
        assert_eq!(said.code, Some(1), "{}", said.err);
        let what = said.err.trim();
        let place = if place.is_empty() { String::new() } else { format!("{}{place}", file.display()) };
        assert!(what.contains(&place), "{what}");
        assert!(what.contains(word), "{what}");
        assert!(!data.join("watchkeep.db").exists() && !data.join("ca").exists(), "it began to work");
    }
}

#[test]
fn a_data_directory_that_others_may_read_is_refused_with_the_command_that_mends_it() {
    let fleet = fleet();
    let data = fleet.data();
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = fleet.start("server", &[], &[]).expect_err("it started in an open directory");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains(&format!("chmod 700 {}", data.display())), "{}", said.err);
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    let server = fleet.serve();
    assert_eq!(server.stop(Signal::TERM), Some(0));
}

#[test]
fn a_port_that_is_taken_is_named_with_the_key_that_changes_it() {
    let fleet = fleet();
    let _taken = std::net::TcpListener::bind(fleet.hub()).unwrap();
    let said = fleet.start("server", &[], &[]).expect_err("it started without its port");
    assert!(said.err.contains(&fleet.hub().to_string()) && said.err.contains("hub_listen"), "{}", said.err);
}

/// A file that holds a secret and that others may read, and files that are none.
#[test]
fn a_secret_that_others_may_read_is_refused_with_the_command_that_mends_it() {
    let fleet = fleet();
    let data = fleet.data();
    std::fs::create_dir(&data).unwrap();
    wk_testkit::fleet::private_own(&data);
    let file = data.join("watchkeep.toml");
    let secret = fleet.path().join("passphrase");
    std::fs::write(&file, format!("passphrase_file = \"{}\"\n", secret.display())).unwrap();
    let refused = |what: &str, words: &[&str]| {
        let said = fleet.start("server", &[], &[]).expect_err(what);
        assert_eq!(said.code, Some(1), "{what}: {}", said.err);
        for word in words {
            assert!(said.err.contains(word), "{what}: {word} in {}", said.err);
        }
        assert!(!said.err.contains("correct horse"), "{what}: the secret is told: {}", said.err);
        assert!(!said.err.contains("panicked"), "{what}: {}", said.err);
        assert!(!data.join("watchkeep.db").exists() && !data.join("ca").exists(), "{what}: it began to work");
    };
    let path = secret.display().to_string();
    refused("a secret that is not there", &["passphrase", &path]);
    std::fs::write(&secret, "correct horse battery staple\n").unwrap();
    for mode in [0o644, 0o640, 0o666] {
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        refused("a secret that others may read", &[&format!("chmod 600 {path}")]);
    }
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&secret, "short\n").unwrap();
    refused("a short passphrase", &["12 characters", &path]);
    std::fs::write(&secret, [0xff, 0xfe, 0x00]).unwrap();
    refused("no text", &["UTF-8"]);
    std::fs::remove_file(&secret).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &secret).unwrap();
    refused("a link to another file", &["link"]);
    // The configuration itself: a folder in its place, bytes that are no text, and one named that is not there.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    refused("a folder", &["watchkeep.toml"]);
    std::fs::remove_dir(&file).unwrap();
    std::fs::write(&file, b"names = [\"\xff\"]\n").unwrap();
    refused("no text", &["watchkeep.toml", "UTF-8"]);
    std::fs::remove_file(&file).unwrap();
    let other = fleet.path().join("other.toml");
    let said =
        fleet.start("server", &[], &["--config", other.to_str().unwrap()]).expect_err("without its file");
    assert!(said.err.contains(other.to_str().unwrap()), "{}", said.err);
}

/// Believes every server: a stranger does not care.
#[derive(Debug)]
pub(crate) struct Anybody(pub(crate) Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

pub(crate) fn stranger(
    versions: &[&'static rustls::SupportedProtocolVersion],
    alpn: &[&str],
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

pub(crate) fn dial(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

pub(crate) fn tls(to: SocketAddr, config: Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(config, name).unwrap(), dial(to))
}

/// Reads until the other side closes; what came, at most a little.
pub(crate) fn to_the_end(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.take(1 << 16).read_to_end(&mut bytes);
    bytes
}

fn send(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = dial(to);
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    to_the_end(&mut stream)
}

/// Bytes that look like nothing, the same each time.
fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    let next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The server still answers, and its agent's one link has not been touched.
fn unharmed(fleet: &Fleet, after: &str) {
    let began = Instant::now();
    let said = fleet.cli(&["status"]);
    assert_eq!(said.code, Some(0), "status after {after}: {}", said.all());
    assert!(began.elapsed() < Duration::from_secs(20), "status took {:?} after {after}", began.elapsed());
    assert!(fleet.connected("web-1"), "the agent lost its link: {after}");
}

#[test]
fn strangers_and_hostile_bytes_on_both_ports_change_nothing() {
    let fleet = fleet();
    let server = fleet.serve();
    let claim =
        server.out().lines().find_map(|line| line.split("/claim#").nth(1).map(str::to_owned)).unwrap();
    let home = fleet.enrolled("web-1");
    let agent = home.start();
    fleet.linked("web-1");
    let (hub, console) = (fleet.hub(), fleet.console());

    for to in [hub, console] {
        for seed in 1..4 {
            send(to, &noise(64 << 10, seed));
        }
        send(to, b"");
        send(to, &[0x16, 3, 1, 0xFF, 0xFF]);
        let answer = send(to, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(!answer.starts_with(b"HTTP"), "plain HTTP was answered");
        assert!(!String::from_utf8_lossy(&answer).to_lowercase().contains("watchkeep"));
        send(to, b"SSH-2.0-OpenSSH_9.2\r\n");
    }
    unharmed(&fleet, "garbage");

    // TLS that the hub does not speak, or from somebody without a certificate.
    let link = ["watchkeep-link/1"];
    for (config, why) in [
        (stranger(&[&rustls::version::TLS12], &link), "TLS 1.2"),
        (stranger(&[&rustls::version::TLS13], &link), "no certificate"),
        (stranger(&[&rustls::version::TLS13], &["h2"]), "another protocol"),
        (stranger(&[&rustls::version::TLS13], &[]), "no protocol"),
        (stranger(&[&rustls::version::TLS13], &["watchkeep-link/1", "watchkeep-enrol/1"]), "both protocols"),
    ] {
        let mut stream = tls(hub, config);
        let _ = stream.write_all(&[0, 0, 0, 4, 1, 2, 3, 4]);
        let heard = to_the_end(&mut stream);
        assert!(heard.is_empty(), "{why} was answered: {heard:?}");
    }
    unharmed(&fleet, "foreign TLS");

    // A length of a gigabyte, as an enrolment and on the console.
    let mut stream = tls(hub, stranger(&[&rustls::version::TLS13], &["watchkeep-enrol/1"]));
    let _ = stream.write_all(&(1_u32 << 30).to_be_bytes());
    let _ = stream.write_all(&noise(100_000, 9));
    to_the_end(&mut stream);
    let mut stream = tls(console, stranger(&[&rustls::version::TLS13], &["http/1.1"]));
    let _ = stream.write_all(
        b"POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1073741824\r\n\r\n{",
    );
    let answer = String::from_utf8_lossy(&to_the_end(&mut stream)).into_owned();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    let mut stream = tls(console, stranger(&[&rustls::version::TLS13], &["http/1.1"]));
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nx: ");
    let _ = stream.write_all(&[b'a'; 1 << 20]);
    to_the_end(&mut stream);
    // TLS 1.2 is for the console alone.
    let mut stream = tls(console, stranger(&[&rustls::version::TLS12], &["http/1.1"]));
    stream.write_all(b"GET /api/v1/meta HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let answer = String::from_utf8_lossy(&to_the_end(&mut stream)).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    unharmed(&fleet, "large lengths");

    // Bytes that drip, and connections that say nothing.
    let mut drip: Vec<TcpStream> = [hub, console].map(dial).into();
    for byte in [0x16, 3, 1, 2] {
        for stream in &mut drip {
            let _ = stream.write_all(&[byte]);
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    let mut flood = Vec::new();
    for to in [hub, console] {
        for _ in 0..600 {
            // Some wait in the kernel's queue: what matters is what happens to the others.
            match TcpStream::connect_timeout(&to, Duration::from_millis(300)) {
                Ok(stream) => flood.push(stream),
                Err(_) => break,
            }
        }
        unharmed(&fleet, "a flood of connections");
    }
    assert!(flood.len() >= 300, "only {} connections stood", flood.len());
    drop((drip, flood));
    unharmed(&fleet, "the flood has gone");
    until("people reach the console again", || {
        let mut stream = tls(console, stranger(&[&rustls::version::TLS13], &["http/1.1"]));
        let sent =
            stream.write_all(b"GET /api/v1/meta HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        (sent.is_ok() && to_the_end(&mut stream).starts_with(b"HTTP/1.1 200")).then_some(())
    });

    let log = server.log();
    assert_eq!(log.matches("agent connected").count(), 1, "the agent had to come back:\n{log}");
    assert!(!log.contains("panicked") && !log.contains(&claim), "{log}");
    assert!(log.lines().count() < 400, "strangers fill the log: {} lines", log.lines().count());
    let refusals = fleet.list("/audit?action=hub.refuse");
    assert!((1..20).contains(&refusals.len()), "{} entries", refusals.len());
    assert_eq!(fleet.json(&["audit", "verify"])["intact"], true);
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}
