//! Probes against real servers on this machine, the well-behaved and the hostile.

// Helpers of tests may panic like tests; the lint's own exception covers only test functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;
use wk_domain::{ResultReason, Status};
use wk_probes::{ProbeOutcome, Prober, parse_thresholds};
use wk_wire::v1::assignment::What;
use wk_wire::v1::{DnsProbe, HttpProbe, Label, PingProbe, SshProbe, TcpProbe, Threshold, TlsProbe};

async fn probe(what: What) -> ProbeOutcome {
    Prober::new().run(&what, &[], Duration::from_secs(5)).await
}

async fn probe_within(what: What, timeout_ms: u64) -> ProbeOutcome {
    Prober::new().run(&what, &[], Duration::from_millis(timeout_ms)).await
}

/// Serves every connection with `serve`.
async fn server<F, R>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn says(words: &'static [u8]) -> SocketAddr {
    server(move |mut stream| async move {
        let _sent = stream.write_all(words).await;
        let mut rest = Vec::new();
        let _closed = stream.read_to_end(&mut rest).await;
    })
    .await
}

/// Reads a request, answers it, closes.
async fn answers(words: &'static [u8]) -> SocketAddr {
    server(move |mut stream| async move {
        read_request(&mut stream).await;
        let _sent = stream.write_all(words).await;
    })
    .await
}

async fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => seen.push(byte),
            Err(_) => return,
        }
    }
}

/// Sends the same block for ever.
async fn endless(block: &'static [u8]) -> SocketAddr {
    server(move |mut stream| async move { while stream.write_all(block).await.is_ok() {} }).await
}

/// Sends a byte now and then.
async fn drip() -> SocketAddr {
    server(|mut stream| async move {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

fn refused_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn tcp(address: SocketAddr) -> TcpProbe {
    TcpProbe { address: address.ip().to_string(), port: address.port().into(), ..TcpProbe::default() }
}

#[track_caller]
fn assert_says(outcome: &ProbeOutcome, status: Status, words: &str) {
    assert_eq!(outcome.status, status, "{outcome:?}");
    assert!(outcome.text.contains(words), "{outcome:?}");
    assert!(!outcome.text.chars().any(char::is_control), "{outcome:?}");
}

#[tokio::test]
async fn tcp_connects_and_measures() {
    let address = says(b"220 mail.example ESMTP\r\n").await;
    let outcome = probe(What::Tcp(tcp(address))).await;
    assert_says(&outcome, Status::Ok, "connected to 127.0.0.1:");
    assert_eq!(outcome.metrics[0].label, "time");

    let expected = TcpProbe { expect: b"ESMTP".to_vec(), ..tcp(address) };
    assert_says(&probe(What::Tcp(expected)).await, Status::Ok, "with the expected reply");
    let thresholds =
        parse_thresholds(&[Threshold { metric: "time".into(), warn: "0:".into(), crit: "@0:5".into() }])
            .unwrap();
    let judged = Prober::new().run(&What::Tcp(tcp(address)), &thresholds, Duration::from_secs(5)).await;
    assert_says(&judged, Status::Critical, "time is critical");
}

#[tokio::test]
async fn tcp_tells_refusal_silence_and_nonsense_apart() {
    let closed = refused_address();
    let outcome = probe(What::Tcp(tcp(closed))).await;
    assert_says(&outcome, Status::Critical, &format!("connection refused by {closed}"));
    assert_eq!(outcome.reason, None);

    let expecting = |address| What::Tcp(TcpProbe { expect: b"hello".to_vec(), ..tcp(address) });
    assert_says(&probe(expecting(endless(b"\x1b[31mnoise").await)).await, Status::Critical, "did not say");
    assert_says(&probe_within(expecting(drip().await), 300).await, Status::Critical, "nothing within 0.3 s");
    let outcome =
        probe(What::Tcp(TcpProbe { address: "no such host".into(), port: 1, ..TcpProbe::default() })).await;
    assert_says(&outcome, Status::Unknown, "is not a host name");
    assert_eq!(outcome.reason, Some(ResultReason::Refused("arguments".into())));
    let outcome =
        probe(What::Tcp(TcpProbe { address: "127.0.0.1".into(), port: 70_000, ..TcpProbe::default() })).await;
    assert_says(&outcome, Status::Unknown, "70000 is not a port");
}

#[tokio::test]
async fn a_name_is_tried_in_both_families() {
    // Listens on IPv4 only; `localhost` may well be ::1 first.
    let address = says(b"hi").await;
    let probe_spec =
        TcpProbe { address: "localhost".into(), port: address.port().into(), ..TcpProbe::default() };
    assert_says(&probe(What::Tcp(probe_spec)).await, Status::Ok, "connected to localhost:");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unknown() {
    let probe_spec = TcpProbe { address: "nobody.invalid".into(), port: 1, ..TcpProbe::default() };
    let outcome = probe(What::Tcp(probe_spec)).await;
    assert_says(&outcome, Status::Unknown, "does not resolve");
    assert_eq!(outcome.reason, Some(ResultReason::NoData("resolve".into())));
}

fn http(address: SocketAddr) -> HttpProbe {
    HttpProbe { url: format!("http://{address}/status?x=1"), ..HttpProbe::default() }
}

const PAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nConnection: close\r\n\r\nall is well";

#[tokio::test]
async fn http_judges_status_headers_and_body() {
    let page = answers(PAGE).await;
    let outcome = probe(What::Http(http(page))).await;
    assert_says(&outcome, Status::Ok, "HTTP 200 from");
    let size = outcome.metrics.iter().find(|m| m.label == "size").unwrap();
    assert_eq!(size.value, Some(11.0));

    let label = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
    let good = HttpProbe {
        expect_headers: vec![label("content-type", "^text/")],
        expect_body: "well$".into(),
        refuse_body: "error".into(),
        ..http(page)
    };
    assert_says(&probe(What::Http(good)).await, Status::Ok, "HTTP 200");
    let bad = HttpProbe {
        expect_status: vec![204],
        expect_headers: vec![label("x-missing", ""), label("content-type", "json")],
        expect_body: "broken".into(),
        refuse_body: "well".into(),
        ..http(page)
    };
    let outcome = probe(What::Http(bad)).await;
    for words in [
        "status 200 is not",
        "x-missing is missing",
        "content-type does not match json",
        "does not match broken",
        "matches well",
    ] {
        assert_says(&outcome, Status::Critical, words);
    }
    let moved =
        answers(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n").await;
    assert_says(&probe(What::Http(http(moved))).await, Status::Ok, "HTTP 302");
    let broken = answers(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
    assert_says(&probe(What::Http(http(broken))).await, Status::Critical, "status 503");
}

#[tokio::test]
async fn http_bounds_what_a_hostile_server_sends() {
    assert_says(&probe(What::Http(http(endless(b"garbage ").await))).await, Status::Critical, "HTTP with");
    assert_says(&probe(What::Http(http(says(b"SSH-2.0-x\r\n").await))).await, Status::Critical, "HTTP with");
    assert_says(&probe_within(What::Http(http(drip().await)), 300).await, Status::Critical, "");
    let headers = server(|mut stream| async move {
        read_request(&mut stream).await;
        let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n").await.is_ok() {}
    })
    .await;
    assert_says(&probe(What::Http(http(headers))).await, Status::Critical, "HTTP with");
    let body = server(|mut stream| async move {
        read_request(&mut stream).await;
        let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    let outcome = probe(What::Http(http(body))).await;
    assert_says(&outcome, Status::Ok, "in its first MiB");
    for url in ["ftp://x/", "http://user:pw@127.0.0.1/", "http:///", "not a url"] {
        let outcome = probe(What::Http(HttpProbe { url: url.into(), ..HttpProbe::default() })).await;
        assert_eq!(outcome.status, Status::Unknown, "{url}: {outcome:?}");
    }
}

/// A root and a certificate for `names` below it, valid until the given year.
struct Pki {
    root_pem: String,
    address: SocketAddr,
}

async fn tls_server(names: &[&str], until: i32) -> Pki {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().unwrap();
    let mut params =
        CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let cert = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let address = server(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut tls) = acceptor.accept(stream).await else { return };
            let mut request = [0; 1024];
            let _read = tls.read(&mut request).await;
            let _sent = tls.write_all(PAGE).await;
            let _closed = tls.shutdown().await;
        }
    })
    .await;
    Pki { root_pem, address }
}

fn tls(pki: &Pki) -> TlsProbe {
    TlsProbe {
        address: "127.0.0.1".into(),
        port: pki.address.port().into(),
        server_name: "web.example".into(),
        extra_roots_pem: pki.root_pem.clone(),
    }
}

#[tokio::test]
async fn tls_reports_days_and_faults_in_words() {
    let good = tls_server(&["web.example"], 2090).await;
    let outcome = probe(What::Tls(tls(&good))).await;
    assert_says(&outcome, Status::Ok, "TLS 1.3");
    assert!(outcome.metrics[0].value.unwrap() > 10_000.0);
    let thresholds = parse_thresholds(&[Threshold {
        metric: "cert_days".into(),
        warn: "99999:".into(),
        crit: "7:".into(),
    }])
    .unwrap();
    let soon = Prober::new().run(&What::Tls(tls(&good)), &thresholds, Duration::from_secs(5)).await;
    assert_says(&soon, Status::Warning, "cert_days is warning");

    let expired = tls_server(&["web.example"], 2021).await;
    let outcome = probe(What::Tls(tls(&expired))).await;
    assert_says(&outcome, Status::Critical, "expired");
    assert!(outcome.metrics[0].value.unwrap() < -365.0, "{outcome:?}");

    let other = tls_server(&["other.example"], 2090).await;
    assert_says(&probe(What::Tls(tls(&other))).await, Status::Critical, "is not for the name web.example");
    let stranger = TlsProbe { extra_roots_pem: String::new(), ..tls(&good) };
    assert_says(&probe(What::Tls(stranger)).await, Status::Critical, "not from a trusted issuer");

    let plain = says(b"220 hello, I do not speak TLS here\r\n").await;
    let not_tls = TlsProbe { port: plain.port().into(), ..tls(&good) };
    assert_says(&probe(What::Tls(not_tls)).await, Status::Critical, "does not speak TLS");
    let silent = server(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let silent = TlsProbe { port: silent.port().into(), ..tls(&good) };
    assert_says(&probe_within(What::Tls(silent), 300).await, Status::Critical, "TLS handshake with");
    let no_pem = TlsProbe { extra_roots_pem: "nonsense".into(), ..tls(&good) };
    assert_says(&probe(What::Tls(no_pem)).await, Status::Unknown, "no PEM certificate");
}

#[tokio::test]
async fn https_is_always_verified() {
    let pki = tls_server(&["127.0.0.1"], 2090).await;
    let page = HttpProbe {
        url: format!("https://{}/", pki.address),
        expect_body: "all is well".into(),
        extra_roots_pem: pki.root_pem.clone(),
        ..HttpProbe::default()
    };
    let outcome = probe(What::Http(page.clone())).await;
    assert_says(&outcome, Status::Ok, "HTTP 200");
    assert!(outcome.metrics.iter().any(|m| m.label == "cert_days"));
    let untrusted = HttpProbe { extra_roots_pem: String::new(), ..page };
    assert_says(&probe(What::Http(untrusted)).await, Status::Critical, "not from a trusted issuer");
}

#[tokio::test]
async fn ssh_reads_the_identification_and_no_more() {
    let ssh = |address: SocketAddr, expect: &str| {
        What::Ssh(SshProbe {
            address: address.ip().to_string(),
            port: address.port().into(),
            expect: expect.into(),
        })
    };
    let good = says(b"welcome\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n").await;
    assert_says(&probe(ssh(good, "OpenSSH_9")).await, Status::Ok, "SSH-2.0-OpenSSH_9.2p1 Debian");
    assert_says(&probe(ssh(good, "Dropbear")).await, Status::Critical, "does not match Dropbear");
    assert_says(&probe(ssh(good, "(")).await, Status::Unknown, "does not read");
    assert_says(&probe(ssh(says(b"SSH-1.5-old\n").await, "")).await, Status::Critical, "old protocol");
    assert_says(
        &probe(ssh(endless(b"spam\r\n").await, "")).await,
        Status::Critical,
        "without an SSH identification",
    );
    assert_says(
        &probe(ssh(endless(b"no newline").await, "")).await,
        Status::Critical,
        "without an SSH identification",
    );
    assert_says(&probe_within(ssh(drip().await, ""), 300).await, Status::Critical, "nothing within");
}

/// A name server that answers each datagram with what `answer` makes of it, and the same over TCP.
async fn name_server<F>(answer: F) -> SocketAddr
where
    F: Fn(&[u8], bool) -> Vec<Vec<u8>> + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let by_tcp = Arc::clone(&answer);
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((n, from)) = udp.recv_from(&mut buffer).await {
            for packet in answer(&buffer[..n], false) {
                let _sent = udp.send_to(&packet, from).await;
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let Ok(length) = stream.read_u16().await else { continue };
            let mut query = vec![0; usize::from(length)];
            let _read = stream.read_exact(&mut query).await;
            for packet in by_tcp(&query, true) {
                let _sent = stream.write_u16(u16::try_from(packet.len()).unwrap()).await;
                let _sent = stream.write_all(&packet).await;
            }
        }
    });
    address
}

/// The response to `query` with these flags and A records.
fn response(query: &[u8], flags: [u8; 2], addresses: &[[u8; 4]]) -> Vec<u8> {
    let mut packet = query.to_vec();
    packet[2..4].copy_from_slice(&flags);
    packet[6..8].copy_from_slice(&u16::try_from(addresses.len()).unwrap().to_be_bytes());
    for address in addresses {
        // A pointer to the question's name, A, IN, 60 s, 4 bytes.
        packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        packet.extend(address);
    }
    packet
}

const OK: [u8; 2] = [0x81, 0x80];

fn dns(server: SocketAddr, expect: &[&str]) -> What {
    What::Dns(DnsProbe {
        server: server.to_string(),
        name: "web.example".into(),
        record_type: "A".into(),
        expect: expect.iter().map(|e| (*e).to_owned()).collect(),
    })
}

#[tokio::test]
async fn dns_compares_answers() {
    let server = name_server(|query, _| vec![response(query, OK, &[[192, 0, 2, 1], [192, 0, 2, 2]])]).await;
    assert_says(&probe(dns(server, &["192.0.2.1"])).await, Status::Ok, "192.0.2.1, 192.0.2.2");
    assert_says(&probe(dns(server, &["192.0.2.9"])).await, Status::Critical, "lacks 192.0.2.9");
    let missing = name_server(|query, _| vec![response(query, [0x81, 0x83], &[])]).await;
    assert_says(&probe(dns(missing, &[])).await, Status::Critical, "does not exist");
    let empty = name_server(|query, _| vec![response(query, OK, &[])]).await;
    assert_says(&probe(dns(empty, &[])).await, Status::Critical, "has no A record");
    let kind = DnsProbe { record_type: "AXFR".into(), name: "x".into(), ..DnsProbe::default() };
    assert_says(&probe(What::Dns(kind)).await, Status::Unknown, "record type");
}

#[tokio::test]
async fn dns_asks_again_over_tcp_when_cut() {
    let server = name_server(|query, tcp| match tcp {
        false => vec![response(query, [0x83, 0x80], &[])],
        true => vec![response(query, OK, &[[192, 0, 2, 7]])],
    })
    .await;
    assert_says(&probe(dns(server, &["192.0.2.7"])).await, Status::Ok, "over TCP");
}

#[tokio::test]
async fn dns_passes_over_forged_and_broken_answers() {
    let forged = name_server(|query, _| {
        let mut wrong_id = response(query, OK, &[[6, 6, 6, 6]]);
        wrong_id[0] ^= 0xff;
        let mut wrong_name = response(query, OK, &[[6, 6, 6, 6]]);
        wrong_name[13] ^= 1;
        let looped = [&query[..2], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]].concat();
        vec![wrong_id, wrong_name, looped, vec![0xff; 40], vec![], response(query, OK, &[[192, 0, 2, 1]])]
    })
    .await;
    assert_says(&probe(dns(forged, &["192.0.2.1"])).await, Status::Ok, "192.0.2.1");
    let noisy = name_server(|_, _| vec![vec![0xff; 12]; 40]).await;
    assert_says(&probe(dns(noisy, &[])).await, Status::Critical, "do not answer");
    let silent = name_server(|_, _| vec![]).await;
    assert_says(&probe_within(dns(silent, &[]), 300).await, Status::Critical, "nothing within");
    assert_says(&probe(dns(refused_address(), &[])).await, Status::Critical, "connection refused by");
}

#[tokio::test]
async fn ping_works_or_says_what_to_do() {
    let outcome = probe(What::Ping(PingProbe { address: "127.0.0.1".into(), count: 2 })).await;
    match outcome.status {
        Status::Ok => assert_says(&outcome, Status::Ok, "2 of 2 answered"),
        _ => {
            assert_says(&outcome, Status::Unknown, "sysctl -w net.ipv4.ping_group_range");
            assert_eq!(outcome.reason, Some(ResultReason::Refused("icmp".into())));
        }
    }
}

/// Where the machine's setting forbids it, root looks at the working case in a network of its own.
#[tokio::test]
async fn ping_measures_where_it_may() {
    if !rustix::process::geteuid().is_root() {
        let outcome = probe(What::Ping(PingProbe { address: "127.0.0.1".into(), count: 1 })).await;
        assert_ne!(outcome.status, Status::Critical, "{outcome:?}");
        return;
    }
    let script = "ip link set lo up && echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range && \
                  exec \"$0\" --exact ping_inside --ignored";
    let status = std::process::Command::new("unshare")
        .args(["--net", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .status()
        .expect("unshare runs; install it with: apt-get install -y util-linux iproute2");
    assert!(status.success(), "if `ip` is missing: apt-get install -y iproute2");
}

#[tokio::test]
#[ignore = "started by ping_measures_where_it_may"]
async fn ping_inside() {
    for address in ["127.0.0.1", "::1"] {
        let outcome = probe(What::Ping(PingProbe { address: address.into(), count: 3 })).await;
        assert_says(&outcome, Status::Ok, "3 of 3 answered");
        let values: Vec<_> = outcome.metrics.iter().map(|m| (m.label.as_str(), m.value)).collect();
        assert_eq!(values[1], ("loss", Some(0.0)));
        assert!(values[0].1.unwrap() > 0.0);
    }
    let away = probe_within(What::Ping(PingProbe { address: "192.0.2.1".into(), count: 1 }), 500).await;
    assert_ne!(away.status, Status::Ok, "{away:?}");
}

#[tokio::test]
async fn thousands_run_at_once_on_one_thread() {
    let address = says(b"hi").await;
    let prober = Arc::new(Prober::new());
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..400 {
        let prober = Arc::clone(&prober);
        running.spawn(async move {
            prober.run(&What::Tcp(tcp(address)), &[], Duration::from_secs(20)).await.status
        });
    }
    while let Some(status) = running.join_next().await {
        assert_eq!(status.unwrap(), Status::Ok);
    }
}
