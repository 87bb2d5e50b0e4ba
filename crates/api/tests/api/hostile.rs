//! What hostile programs send to the console's port: heads that break the rules, bodies that never end, connections that
//! say nothing, names that are not ours.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wk_api::Doors;

use crate::site::*;

/// Sends bytes over TLS and HTTP/1.1, and reads what comes until the end.
async fn heard(site: &Site, bytes: &[u8]) -> String {
    let mut stream = site.dial(site.address, &["http/1.1"]).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut heard = Vec::new();
    let read = stream.read_to_end(&mut heard);
    let _ = tokio::time::timeout(Duration::from_secs(60), read).await.expect("it neither answers nor closes");
    String::from_utf8_lossy(&heard).into_owned()
}

fn nothing_told(what: &str, answer: &str) {
    let lower = answer.to_lowercase();
    for word in ["hyper", "axum", "rustls", "rust/", "panicked", "\nserver:", "src/", ".rs:"] {
        assert!(!lower.contains(word), "{what} tells {word:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_break_the_rules_are_refused_without_a_word_too_many() {
    let site = Site::new().await;
    let path = "/api/v1/meta";
    let get = |rest: &str| format!("GET {path} HTTP/1.1\r\n{rest}\r\n\r\n");
    let host = "Host: localhost\r\nConnection: close";
    let post = |rest: &str| {
        format!("POST /api/v1/session HTTP/1.1\r\n{host}\r\nContent-Type: application/json\r\n{rest}")
    };
    let good = heard(&site, get(host).as_bytes()).await;
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    nothing_told("an answer", &good);
    let many = (0..200).map(|n| format!("x{n}: y\r\n")).collect::<String>();
    for (what, bytes) in [
        ("nothing of HTTP", "GARBAGE\r\n\r\n".to_owned()),
        ("a version to come", format!("GET {path} HTTP/9.9\r\n{host}\r\n\r\n")),
        ("HTTP/0.9", format!("GET {path}\r\n\r\n")),
        ("no host", get("Connection: close")),
        ("two hosts", get(&format!("Host: localhost\r\n{host}"))),
        ("two hosts that differ", get(&format!("Host: evil.example\r\n{host}"))),
        ("a host with a path", get("Host: localhost/x\r\nConnection: close")),
        ("an empty host", get("Host:\r\nConnection: close")),
        ("another host in the address", format!("GET https://evil.example{path} HTTP/1.1\r\n{host}\r\n\r\n")),
        ("a header without a colon", get(&format!("{host}\r\nx y"))),
        ("a space before the colon", get(&format!("{host}\r\nx : y"))),
        ("a folded header", get(&format!("{host}\r\nx: y\r\n z"))),
        ("a zero byte", get(&format!("{host}\r\nx: a\0b"))),
        ("an escape in a name", get(&format!("{host}\r\nx\u{1b}: a"))),
        ("a bare return", get(&format!("{host}\r\nx: a\rb"))),
        ("200 headers", get(&format!("{host}\r\n{many}"))),
        ("a header of 100 KiB", get(&format!("{host}\r\nx: {}", "y".repeat(100 << 10)))),
        ("a path of 9 KiB", format!("GET /{} HTTP/1.1\r\n{host}\r\n\r\n", "a".repeat(9 << 10))),
        ("a query of 9 KiB", format!("GET {path}?{} HTTP/1.1\r\n{host}\r\n\r\n", "a=b&".repeat(2400))),
        ("a path of 100 KiB", format!("GET /{} HTTP/1.1\r\n{host}\r\n\r\n", "a".repeat(100 << 10))),
        ("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("a tunnel", format!("CONNECT evil.example:443 HTTP/1.1\r\n{host}\r\n\r\n")),
        ("a proxy's request", format!("GET http://169.254.169.254/ HTTP/1.1\r\n{host}\r\n\r\n")),
        ("a length that is none", post("Content-Length: abc\r\n\r\n{}")),
        ("a length below zero", post("Content-Length: -2\r\n\r\n{}")),
        ("a length with a sign", post("Content-Length: +2\r\n\r\n{}")),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ")),
        ("a length beyond 64 bits", post("Content-Length: 99999999999999999999\r\n\r\n{}")),
        (
            "chunks that are not last",
            post("Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        ),
        ("an unknown coding", post("Transfer-Encoding: xchunked\r\n\r\n{}")),
        ("a chunk beyond 64 bits", post("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}")),
        ("a chunk that is no number", post("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")),
        (
            "a chunk's endless extension",
            post(&format!(
                "Transfer-Encoding: chunked\r\n\r\n2;{}\r\n{{}}\r\n0\r\n\r\n",
                "x".repeat(70 << 10)
            )),
        ),
        (
            "chunks in HTTP/1.0",
            "POST /api/v1/session HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
        ),
    ] {
        let answer = heard(&site, bytes.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(answer.is_empty() || status.starts_with('4'), "{what}: {answer}");
        nothing_told(what, &answer);
    }
    assert_eq!(site.get(&site.as_nobody(), "/meta").await.status, 200);
    site.end().await;
}

/// Where a length and chunks are both given, chunks decide, as RFC 9112 has it: no byte of a body becomes a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_body_becomes_a_request() {
    let site = Site::new().await;
    let inner = "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for order in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: chunked",
    ] {
        let chunked = format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
        let bytes = format!(
            "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{order}\r\n\r\n{chunked}"
        );
        let answer = heard(&site, bytes.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{order}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 400"), "{order}: {answer}");
    }
    // A body that the route does not read is no request either.
    let bytes = format!(
        "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{inner}",
        inner.len()
    );
    let answer = heard(&site, bytes.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_not_ours_is_sent_away() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:8443", 200),
        ("[::1]:8443", 200),
        ("watch.acme.example:8443", 200),
        ("WATCH.acme.example.", 200),
        ("evil.example", 421),
        ("localhost.evil.example:8443", 421),
        ("watch.acme.example.evil.example", 421),
    ] {
        for method in ["get", "post"] {
            let (path, body) = if method == "get" {
                ("/api/v1/me", None)
            } else {
                ("/api/v1/rechecks", Some(json!({"checks": []})))
            };
            let mut request = site.request(&who, method, path, body.as_ref());
            request.headers_mut().insert("host", host.parse().unwrap());
            let answer = site.send(request).await;
            if status == 200 {
                assert!(answer.status != 421, "{method} {host}");
            } else {
                assert_eq!(answer.status, 421, "{method} {host}");
                assert_eq!(answer.json()["type"], "/problems/other-host");
                assert!(answer.json()["detail"].as_str().unwrap().contains("`names`"), "how to mend it");
                assert!(answer.headers.get("set-cookie").is_none());
            }
        }
        let request = http::Request::get(format!("https://{host}/")).body(Full::new(Bytes::new())).unwrap();
        let response = site.open_h2(request).await;
        assert_eq!(response.status().as_u16(), status, "HTTP/2, {host}");
    }
    site.end().await;
}

/// Another site's page may not even ask: not for what is read either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_page_reads_nothing() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    for (value, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)] {
        for method in ["get", "head"] {
            let mut request = site.request(&who, method, "/api/v1/me", None);
            request.headers_mut().insert("sec-fetch-site", value.parse().unwrap());
            let answer = site.send(request).await;
            assert_eq!(answer.status, status, "{method} {value}");
            assert!(answer.headers.get("access-control-allow-origin").is_none());
        }
        // A link from elsewhere leads to the page.
        let mut request = site.request(&who, "get", "/problems", None);
        request.headers_mut().insert("sec-fetch-site", value.parse().unwrap());
        assert_eq!(site.send(request).await.status, 200, "{value}");
    }
    let mut request = site.request(&who, "options", "/api/v1/hosts", None);
    request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    request.headers_mut().insert("access-control-request-method", "POST".parse().unwrap());
    let answer = site.send(request).await;
    assert!(
        answer.status >= 400
            && !answer.headers.keys().any(|name| name.as_str().starts_with("access-control"))
    );
    site.end().await;
}

/// Short deadlines, and the same rules.
const HASTY: Doors = Doors {
    handshake: Duration::from_millis(500),
    head: Duration::from_millis(500),
    idle: Duration::from_millis(800),
    ..Doors::DEFAULT
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_nothing_or_too_little_are_closed() {
    let site = Site::new().await;
    let address = site.door(HASTY).await;
    let patience = Duration::from_secs(30);
    // Before the handshake: nothing, or bytes that drip.
    for drip in [&b""[..], &[0x16, 3, 1, 2]] {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(drip).await.unwrap();
        let mut bytes = Vec::new();
        let _ = tokio::time::timeout(patience, tcp.read_to_end(&mut bytes)).await.expect("it is closed");
    }
    // After it: nothing, half a head, half a preface, a preface and no request.
    for (alpn, said) in [
        (&["http/1.1"][..], &b""[..]),
        (&[], b""),
        (&["http/1.1"], b"GET / HT"),
        (&["http/1.1"], b"GET / HTTP/1.1\r\nHost: localhost\r\nx: "),
        (&["http/1.1"], b"PRI * HTTP/2.0"),
        (&["h2"], b""),
        (&["h2"], b"PRI * HTTP/2.0"),
        (&["h2"], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        // A head that never ends.
        (&["h2"], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\0\0\0\0\x01\x82"),
    ] {
        let mut stream = site.dial(address, alpn).await.unwrap();
        stream.write_all(said).await.unwrap();
        stream.flush().await.unwrap();
        let mut bytes = Vec::new();
        let end = tokio::time::timeout(patience, stream.read_to_end(&mut bytes)).await;
        assert!(end.is_ok(), "{alpn:?} {said:?} is still open");
        assert!(!bytes.starts_with(b"HTTP/1.1 2"), "{alpn:?} {said:?}");
    }
    // After an answer: nothing more.
    let mut stream = site.dial(address, &["http/1.1"]).await.unwrap();
    stream.write_all(b"GET /api/v1/meta HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let _ =
        tokio::time::timeout(patience, stream.read_to_end(&mut bytes)).await.expect("idle, and still open");
    assert!(bytes.starts_with(b"HTTP/1.1 200"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_is_not_waited_for() {
    let site = Site::new().await;
    let mut stream = site.dial(site.address, &["http/1.1"]).await.unwrap();
    stream
        .write_all(
            b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n",
        )
        .await
        .unwrap();
    let mut heard = [0u8; 12];
    let (mut reader, mut writer) = tokio::io::split(stream);
    let dripping = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    // Ten bytes a second would take a quarter of an hour.
    tokio::time::timeout(Duration::from_secs(45), reader.read_exact(&mut heard))
        .await
        .expect("an answer")
        .unwrap();
    assert_eq!(&heard, b"HTTP/1.1 408");
    dripping.abort();
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_holds_so_many_connections_and_those_inside_go_on() {
    let site = Site::new().await;
    let address = site.door(Doors { per_source: 5, ..Doors::DEFAULT }).await;
    let mut inside = Vec::new();
    for _ in 0..5 {
        inside.push(site.dial(address, &["http/1.1"]).await.unwrap());
    }
    for _ in 0..20 {
        assert!(site.dial(address, &["http/1.1"]).await.is_err(), "one too many");
    }
    let mut stream = inside.pop().unwrap();
    stream
        .write_all(b"GET /api/v1/meta HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    assert!(bytes.starts_with(b"HTTP/1.1 200"));
    drop((stream, inside));
    for attempt in 0.. {
        if site.dial(address, &["http/1.1"]).await.is_ok() {
            break;
        }
        assert!(attempt < 200, "its places are never free again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Those who never end their handshake make place for those who do.
    let address = site.door(Doors { handshakes_max: 10, ..Doors::DEFAULT }).await;
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    for n in 0..5 {
        assert!(site.dial(address, &["http/1.1"]).await.is_ok(), "{n}");
    }
    drop(silent);
    // Handshakes that fail count, too.
    let address = site.door(Doors { failures: (0.1, 3.0), ..Doors::DEFAULT }).await;
    for _ in 0..3 {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        let _ = tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
        let mut bytes = Vec::new();
        let _ = tcp.read_to_end(&mut bytes).await;
    }
    assert!(site.dial(address, &["http/1.1"]).await.is_err(), "whoever fails all the time waits");
    site.end().await;
}

/// Says whether a certificate was asked for.
#[derive(Debug)]
struct Asked(std::sync::atomic::AtomicBool);

impl rustls::client::ResolvesClientCert for Asked {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[rustls::SignatureScheme],
    ) -> Option<std::sync::Arc<rustls::sign::CertifiedKey>> {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        None
    }
    fn has_certs(&self) -> bool {
        true
    }
}

/// An agent's certificate is nothing here: none is asked for, and the agents' protocols are not spoken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_certificate_opens_nothing_here() {
    let site = Site::new().await;
    for protocol in ["watchkeep-link/1", "watchkeep-enrol/1", "http/1.0", "h2c"] {
        assert!(site.dial(site.address, &[protocol]).await.is_err(), "{protocol}");
    }
    let asked = std::sync::Arc::new(Asked(false.into()));
    let mut config = site.tls(rustls::DEFAULT_VERSIONS, &["http/1.1"]);
    config.client_auth_cert_resolver = std::sync::Arc::clone(&asked) as _;
    let tcp = TcpStream::connect(site.address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let mut stream = connector.connect(name, tcp).await.unwrap();
    stream
        .write_all(b"GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    assert!(heard.starts_with(b"HTTP/1.1 401"));
    assert!(!asked.0.load(std::sync::atomic::Ordering::Relaxed), "a certificate was asked for");
    site.end().await;
}

/// Only the server's user and root: the kernel says who it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_socket_refuses_other_users() {
    let site = Site::new().await;
    let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(site.rig.dir.path()).unwrap());
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    open(site.rig.dir.path(), 0o711);
    // Root may do everything, so it asks as somebody else.
    let asks = if own == 0 { 65_534 } else { own };
    let ask = async |servers_user: u32| {
        // A mode that lets everybody in: the peer is what counts.
        let path = site.socket_of(servers_user);
        open(&path, 0o777);
        let mut command = tokio::process::Command::new(if own == 0 { "setpriv" } else { "curl" });
        if own == 0 {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "curl"]);
        }
        command.args(["-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket"]);
        let output = command.arg(&path).arg("http://localhost/api/v1/me").output().await;
        let output = output.expect("curl and setpriv are needed: apt-get install curl util-linux");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(ask(asks).await, "200", "the server's own user");
    assert_eq!(ask(asks + 1).await, "000", "another user is shown out");
    site.end().await;
}
