//! Native probes per second on one thread, by kind, against servers on loopback.
//!
//! `cargo run --profile dist -p wk-probes --example tcp_rate [probes] [at once]`
//!
//! TCP targets are several, as they are in a network: ten addresses of loopback. Against a single one the kernel's search
//! for a free port among those in TIME_WAIT would be measured. Who listens there takes what came a few hundred times a
//! second and sleeps in between: the prober does not pay for waking a server that would be on another machine. The kernel's
//! work for both ends is in the figure all the same. The other servers are ordinary threads of this process.

#![allow(clippy::print_stdout)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use wk_domain::Status;
use wk_probes::{ProbeOutcome, Prober};
use wk_wire::v1::{DnsProbe, HttpProbe, PingProbe, TcpProbe, TlsProbe, assignment::What};

type Failure = Box<dyn std::error::Error>;

/// Probes of TCP a second that the product promises.
const BUDGET: f64 = 20_000.0;
const ADDRESSES: u8 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let total: usize = args.next().map_or(Ok(50_000), |n| n.parse())?;
    let at_once: usize = args.next().map_or(Ok(256), |n| n.parse())?;

    let rate = measure("TCP", tcp_targets()?, total, at_once).await?;
    println!(
        r#"{{"name": "native TCP probes on one thread", "value": {rate:.0}, "unit": "1/s", "budget": {BUDGET}, "ok": {}}}"#,
        rate >= BUDGET
    );
    let shots = total / 5;
    figure("HTTP", measure("HTTP", vec![http_target()?], shots, 64.min(at_once)).await?);
    figure("DNS", measure("DNS", vec![dns_target()?], shots, 64.min(at_once)).await?);
    figure("TLS", measure("TLS", vec![tls_target()?], total / 25, 64.min(at_once)).await?);
    let ping = What::Ping(PingProbe { address: "127.0.0.1".into(), count: 1 });
    let first = Prober::new().run(&ping, &[], Duration::from_secs(1)).await;
    match first.status {
        Status::Ok => figure("ICMP", measure("ICMP", vec![ping], shots, at_once).await?),
        _ => println!("ICMP is not measured: {}", first.text),
    }
    Ok(())
}

fn figure(kind: &str, rate: f64) {
    println!(
        r#"{{"name": "native {kind} probes on one thread", "value": {rate:.0}, "unit": "1/s", "budget": null, "ok": true}}"#
    );
}

/// Probes a second. One that fails ends the measurement: an error is quicker than a probe.
async fn measure(kind: &str, targets: Vec<What>, total: usize, at_once: usize) -> Result<f64, Failure> {
    let (prober, targets) = (Arc::new(Prober::new()), Arc::new(targets));
    let (cpu, started) = (cpu()?, Instant::now());
    let mut running = tokio::task::JoinSet::new();
    for lane in 0..at_once {
        let (prober, targets) = (Arc::clone(&prober), Arc::clone(&targets));
        running.spawn(async move {
            for n in (lane..total).step_by(at_once) {
                let outcome = prober.run(&targets[n % targets.len()], &[], Duration::from_secs(10)).await;
                if outcome.status != Status::Ok {
                    return Some(outcome);
                }
            }
            None::<ProbeOutcome>
        });
    }
    while let Some(ended) = running.join_next().await {
        if let Some(outcome) = ended? {
            return Err(format!("{kind}: {}", outcome.text).into());
        }
    }
    let took = started.elapsed().as_secs_f64();
    let spent = (self::cpu()? - cpu).as_secs_f64();
    let each = 1e6 / total as f64;
    println!("  {kind}: {:.1} µs each, {:.1} µs of CPU, server included", took * each, spent * each);
    Ok(total as f64 / took)
}

/// CPU time of all threads of this process.
fn cpu() -> Result<Duration, Failure> {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(usage.tv_sec.try_into()?, usage.tv_nsec.try_into()?))
}

fn tcp_targets() -> Result<Vec<What>, Failure> {
    let (mut targets, mut listeners) = (Vec::new(), Vec::new());
    for n in 1..=ADDRESSES {
        let listener = TcpListener::bind((std::net::Ipv4Addr::new(127, 0, 1, n), 0))?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        listeners.push(listener);
        targets.push(What::Tcp(TcpProbe {
            address: address.ip().to_string(),
            port: address.port().into(),
            ..TcpProbe::default()
        }));
    }
    std::thread::spawn(move || {
        loop {
            for listener in &listeners {
                while listener.accept().is_ok() {}
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    });
    Ok(targets)
}

fn http_target() -> Result<What, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 1024];
            let _read = stream.read(&mut request);
            let _sent = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\nall is well");
        }
    });
    Ok(What::Http(HttpProbe {
        url: format!("http://{address}/"),
        expect_body: r"all\s+is well".into(),
        ..HttpProbe::default()
    }))
}

fn dns_target() -> Result<What, Failure> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let server = socket.local_addr()?.to_string();
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((n, from)) = socket.recv_from(&mut packet) {
            let mut answer = packet[..n].to_vec();
            // A response with one answer: a pointer to the question's name, A, IN, 60 s, 192.0.2.1.
            answer[2..4].copy_from_slice(&[0x81, 0x80]);
            answer[6..8].copy_from_slice(&[0, 1]);
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
            let _sent = socket.send_to(&answer, from);
        }
    });
    Ok(What::Dns(DnsProbe {
        server,
        name: "web.example".into(),
        record_type: "A".into(),
        expect: vec!["192.0.2.1".into()],
    }))
}

fn tls_target() -> Result<What, Failure> {
    let key = KeyPair::generate()?;
    let cert = CertificateParams::new(vec!["web.example".to_owned()])?.self_signed(&key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address: SocketAddr = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok(mut tls) = rustls::ServerConnection::new(Arc::clone(&config)) else { return };
            while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
        }
    });
    Ok(What::Tls(TlsProbe {
        address: address.ip().to_string(),
        port: address.port().into(),
        server_name: "web.example".into(),
        extra_roots_pem: cert.pem(),
    }))
}
