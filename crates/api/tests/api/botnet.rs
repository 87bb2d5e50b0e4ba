//! Attacks on sign-in with real parts: ten thousand addresses at once, and a program that knows nothing else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;
use wk_engine::ports::Store;

use crate::passwords::from_browser;
use crate::signing::{PASSWORD, claimed, first_step};
use crate::site::*;

/// The n-th of many loopback addresses, 250 in each /24, and no /24 that the tests' own client is in.
pub(crate) fn address(n: u32) -> IpAddr {
    let (net, host) = (n / 250, n % 250);
    let part = |n: u32| u8::try_from(n % 250).unwrap();
    IpAddr::V4(Ipv4Addr::new(127, 1 + part(net / 250), 1 + part(net), 1 + part(host)))
}

/// Sends a request from an address of one's own.
pub(crate) async fn send_from(site: &Site, from: IpAddr, request: Request<Full<Bytes>>) -> Option<Answer> {
    let config = Arc::new(site.tls(rustls::DEFAULT_VERSIONS, &["http/1.1"]));
    send_with(site, config, from, request).await
}

/// A connection from an address of one's own.
pub(crate) async fn dial_from(site: &Site, from: IpAddr) -> Option<SendRequest<Full<Bytes>>> {
    dial_with(site, Arc::new(site.tls(rustls::DEFAULT_VERSIONS, &["http/1.1"])), from).await
}

async fn dial_with(
    site: &Site,
    config: Arc<rustls::ClientConfig>,
    from: IpAddr,
) -> Option<SendRequest<Full<Bytes>>> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind(SocketAddr::new(from, 0)).expect("a loopback address of one's own");
    let tcp = socket.connect(site.address).await.ok()?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(config).connect(name, tcp).await.ok()?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

async fn send_with(
    site: &Site,
    config: Arc<rustls::ClientConfig>,
    from: IpAddr,
    request: Request<Full<Bytes>>,
) -> Option<Answer> {
    let mut sender = dial_with(site, config, from).await?;
    let response = sender.send_request(request).await.ok()?;
    Some(site.finish(response).await)
}

/// Ten thousand addresses guess at one account as fast as they can. None gets in, and its owner does each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_addresses_neither_guess_nor_keep_the_owner_out() {
    const SOURCES: u32 = 10_000;
    let (site, maria) = claimed().await;
    let site = Arc::new(site);
    let (next, done) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let config = Arc::new(site.tls(rustls::DEFAULT_VERSIONS, &["http/1.1"]));
    let bots: Vec<_> = (0..64)
        .map(|_| {
            let (site, next, done) = (Arc::clone(&site), Arc::clone(&next), Arc::clone(&done));
            let config = Arc::clone(&config);
            tokio::spawn(async move {
                let mut statuses = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= SOURCES && done.load(Ordering::Relaxed) {
                        return statuses;
                    }
                    let body = json!({"name": "maria", "password": format!("guess number {n}")});
                    let request = site.request(&site.as_nobody(), "post", "/api/v1/session", Some(&body));
                    let answer = send_with(&site, Arc::clone(&config), address(n % SOURCES), request).await;
                    statuses.extend(answer.map(|answer| answer.status));
                }
            })
        })
        .collect();
    let mut device = maria.device.clone();
    let (mut slowest, mut entered) = (Duration::ZERO, 0);
    while entered < 30 || next.load(Ordering::Relaxed) < SOURCES {
        site.rig.clock.advance(Duration::from_secs(30));
        let began = Instant::now();
        let step =
            from_browser(&site, &device, "/session", json!({"name": "maria", "password": PASSWORD})).await;
        assert_eq!(step.status, 200, "sign-in {entered}: {:?}", step.body);
        let body = json!({"challenge": step.json()["challenge"], "code": maria.code(&site)});
        let answer = from_browser(&site, &device, "/session/factor", body).await;
        assert_eq!(answer.status, 200, "sign-in {entered}: {:?}", answer.body);
        slowest = slowest.max(began.elapsed());
        device = answer.cookie("__Host-dev");
        entered += 1;
    }
    done.store(true, Ordering::Relaxed);
    let mut statuses = Vec::new();
    for bot in bots {
        statuses.extend(bot.await.unwrap());
    }
    assert!(statuses.len() >= SOURCES as usize / 2, "most were answered: {}", statuses.len());
    assert!(
        statuses.iter().all(|status| [401, 428, 429, 503].contains(status)),
        "nobody got in, and nothing broke: {:?}",
        statuses.iter().find(|status| ![401, 428, 429, 503].contains(*status))
    );
    eprintln!("{entered} sign-ins of the owner among {} tries, the slowest in {slowest:?}", statuses.len());
    Arc::into_inner(site).expect("all are done").end().await;
}

/// Hydra with a dictionary that holds the right password at its end: it never gets that far, and the owner gets in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dictionary_run_neither_guesses_nor_locks_the_owner_out() {
    assert!(
        std::path::Path::new("/usr/bin/hydra").exists(),
        "this test runs hydra against the server. Install it: apt-get install -y --no-install-recommends hydra"
    );
    let (site, maria) = claimed().await;
    let words = site.rig.dir.path().join("words.txt");
    let list: String = (0..400).map(|n| format!("dragon{n}\n")).chain([format!("{PASSWORD}\n")]).collect();
    std::fs::write(&words, list).unwrap();
    // The condition is the last part; a colon within a part is escaped.
    let form = "/api/v1/session:{\"name\"\\:\"^USER^\",\"password\"\\:\"^PASS^\"}:\
                H=Content-Type\\: application/json:C=/api/v1/meta:S=challenge";
    let port = site.address.port().to_string();
    let child = Command::new("/usr/bin/hydra")
        .args(["-I", "-l", "maria", "-P"])
        .arg(&words)
        .args(["-t", "8", "-f", "-s", &port, "127.0.0.1", "https-post-form", form])
        .current_dir(site.rig.dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let run = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let mut device = maria.device.clone();
    let mut entered = 0;
    while entered < 4 || (!run.is_finished() && entered < 10) {
        // People sign in now and then, not as fast as programs do.
        tokio::time::sleep(Duration::from_millis(700)).await;
        site.rig.clock.advance(Duration::from_secs(30));
        let step =
            from_browser(&site, &device, "/session", json!({"name": "maria", "password": PASSWORD})).await;
        assert_eq!(step.status, 200, "while hydra runs: {:?}", step.body);
        let body = json!({"challenge": step.json()["challenge"], "code": maria.code(&site)});
        let answer = from_browser(&site, &device, "/session/factor", body).await;
        assert_eq!(answer.status, 200, "while hydra runs: {:?}", answer.body);
        device = answer.cookie("__Host-dev");
        entered += 1;
    }
    let out = run.await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(said.contains("Hydra"), "it ran: {said}");
    assert!(!said.contains("password: ") && !said.contains(PASSWORD), "it found nothing: {said}");
    let denied = site.rig.audit().await;
    let denied = denied.iter().filter(|row| row.action == "session.open" && row.outcome == "denied").count();
    assert!(denied >= 1, "it did reach the sign-in: {said}");
    // And an hour later also from a new browser: nothing stays closed but by the durable hundred.
    site.rig.clock.advance(Duration::from_secs(3600));
    let failures = site.rig.store.user_by_name("maria").await.unwrap().unwrap().failures;
    assert!(failures < 100, "{failures}");
    assert_eq!(first_step(&site, "maria", PASSWORD).await.status, 200);
    site.end().await;
}
