//! The doors: TLS versions, protocols, other sites, the local socket.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::site::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_1_3_and_1_2_are_spoken_and_http_2_and_1_1() {
    let site = Site::new().await;
    for (version, name) in [(&TLS13, "1.3"), (&TLS12, "1.2")] {
        for alpn in ["h2", "http/1.1"] {
            let config = site.tls(&[version], &[alpn]);
            let tcp = TcpStream::connect(site.address).await.unwrap();
            let stream = TlsConnector::from(Arc::new(config))
                .connect(ServerName::try_from("localhost").unwrap(), tcp)
                .await
                .unwrap_or_else(|error| panic!("TLS {name}, {alpn}: {error}"));
            let session = stream.get_ref().1;
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(session.alpn_protocol(), Some(alpn.as_bytes()));
        }
    }
    let request = http::Request::get(format!("https://localhost:{}/api/v1/meta", site.address.port()));
    let response = site.open_h2(request.body(Full::new(Bytes::new())).unwrap()).await;
    let answer = site.finish(response).await;
    assert_eq!((answer.status, answer.version), (200, http::Version::HTTP_2));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let answer = site.get(&site.as_nobody(), "/meta").await;
    assert_eq!((answer.status, answer.version), (200, http::Version::HTTP_11));
    site.end().await;
}

/// A greeting as TLS 1.0 and 1.1 clients send it, without extensions.
fn old_hello(minor: u8) -> Vec<u8> {
    let ciphers: [u8; 8] = [0xc0, 0x13, 0xc0, 0x09, 0x00, 0x2f, 0x00, 0x35];
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend([0, 8]);
    hello.extend(ciphers);
    hello.extend([1, 0]);
    let mut record = vec![0x16, 3, 1, 0, u8::try_from(hello.len() + 4).unwrap(), 1, 0, 0];
    record.push(u8::try_from(hello.len()).unwrap());
    record.extend(hello);
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_tls_and_plain_http_get_nowhere() {
    let site = Site::new().await;
    for (what, bytes) in [
        ("TLS 1.0", old_hello(1)),
        ("TLS 1.1", old_hello(2)),
        ("plain HTTP", b"GET /api/v1/meta HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
    ] {
        let mut tcp = TcpStream::connect(site.address).await.unwrap();
        tcp.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(crate::rig::secs(30), tcp.read_to_end(&mut answer))
            .await
            .expect("it is closed");
        // An alert or nothing; never a handshake and never HTTP.
        assert!(answer.is_empty() || answer[0] == 0x15, "{what}: {answer:02x?}");
    }
    assert_eq!(site.get(&site.as_nobody(), "/meta").await.status, 200, "and it goes on");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_page_can_write_nothing() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let own = format!("https://localhost:{}", site.address.port());
    let foreign: [(&str, &str); 9] = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "CROSS-SITE"),
        ("sec-fetch-site", ""),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://localhost"),
        ("origin", &own.replace("https", "http")),
        ("origin", &format!("{own}.evil.example")),
    ];
    let before = site.rig.store.real.hosts().await.unwrap().len();
    for (n, (name, value)) in foreign.into_iter().enumerate() {
        for (method, path) in
            [("post", "/api/v1/hosts"), ("post", "/api/v1/session"), ("delete", "/api/v1/session")]
        {
            let body = json!({"name": format!("evil-{n}")});
            let mut request = site.request(&who, method, path, Some(&body));
            request.headers_mut().insert(name, value.parse().unwrap());
            let answer = site.send(request).await;
            assert_eq!(answer.status, 403, "{method} {path} with {name}: {value}");
            assert_eq!(answer.json()["type"], "/problems/other-site");
        }
    }
    assert_eq!(site.rig.store.real.hosts().await.unwrap().len(), before);
    for (name, value) in
        [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", own.as_str())]
    {
        let body = json!({"name": format!("own-{}", value.len())});
        let mut request = site.request(&who, "post", "/api/v1/hosts", Some(&body));
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(site.send(request).await.status, 200, "{name}: {value}");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_counts_only_when_its_cookie_comes_once() {
    let site = Site::new().await;
    let Persona::Session(token) = site.as_admin().await else { unreachable!() };
    let with = async |lines: &[String]| {
        let mut request = site.request(&site.as_nobody(), "get", "/api/v1/me", None);
        for line in lines {
            request.headers_mut().append("cookie", line.parse().unwrap());
        }
        site.send(request).await.status
    };
    let own = format!("__Host-sid={token}");
    assert_eq!(with(std::slice::from_ref(&own)).await, 200);
    assert_eq!(with(&[format!("theme=dark; {own}; lang=de")]).await, 200);
    assert_eq!(with(&[format!("{own}; __Host-sid=other")]).await, 401);
    assert_eq!(with(&[format!("__Host-sid=other; {own}")]).await, 401);
    assert_eq!(with(&[own.clone(), own.clone()]).await, 401);
    assert_eq!(with(&[format!("sid={token}")]).await, 401);
    assert_eq!(with(&[format!("__Host-SID={token}")]).await, 401);
    let mut request = site.request(&site.as_nobody(), "get", "/api/v1/me", None);
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    assert_eq!(site.send(request).await.status, 401, "only as a cookie");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_the_servers_own_rights_on_its_machine_is_an_administrator_by_name() {
    let site = Site::new().await;
    let me = site.get(&site.as_local(), "/me").await.json();
    assert_eq!(me["role"], "admin");
    assert!(me["name"].as_str().unwrap().starts_with("local:"));
    let (answer, audit) = site.audited(site.post(&site.as_local(), "/hosts", json!({"name": "db-1"}))).await;
    assert_eq!(answer.status, 200);
    assert!(audit[0].actor.starts_with("local:"), "{}", audit[0].actor);
    site.end().await;
}
