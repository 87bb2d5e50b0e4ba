//! Ways to the server: IPv6 that leads nowhere, and a proxy.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::Signal;
use wk_testkit::fleet::{give_away, is_root};
use wk_testkit::{AgentHome, Fleet, until};

use crate::fleet;

/// Tells the agent another address of its server, as an administrator would.
fn point_to(home: &AgentHome, server: &str) {
    std::fs::write(home.data.join("servers"), format!("{server}\n")).unwrap();
    if is_root() {
        give_away(&home.data);
    }
}

#[test]
fn where_ipv6_leads_nowhere_ipv4_is_taken() {
    let fleet = fleet();
    let server = fleet.serve();
    let home = fleet.enrolled("web-1");
    // Both addresses of this name are tried, IPv6 first; the server listens on IPv4 only.
    point_to(&home, &format!("localhost:{}", fleet.hub().port()));
    let agent = home.start_below(&with_both_addresses(&fleet));
    let row = fleet.linked("web-1");
    assert_eq!(row["last_address"], "127.0.0.1");
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}

/// A wrapper under which `localhost` has both addresses, whatever the machine's own file says.
fn with_both_addresses(fleet: &Fleet) -> Vec<String> {
    let own = std::fs::read_to_string("/etc/hosts").unwrap();
    if own
        .lines()
        .any(|line| line.starts_with("::1") && line.split_whitespace().any(|name| name == "localhost"))
    {
        return Vec::new();
    }
    assert!(is_root(), "/etc/hosts has no line for IPv6: echo '::1 localhost' >> /etc/hosts");
    let hosts = fleet.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost\n::1 localhost\n").unwrap();
    let script = format!("mount --bind {} /etc/hosts && exec \"$@\"", hosts.display());
    ["unshare", "--mount", "/bin/sh", "-c", &script, "sh"].map(str::to_owned).to_vec()
}

/// A proxy that knows CONNECT and counts it.
fn proxy() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&count);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || tunnel(client, &seen));
        }
    });
    (port, count)
}

fn tunnel(mut client: TcpStream, seen: &AtomicU64) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let to = lines.first()?.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let server = TcpStream::connect(to).ok()?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    seen.fetch_add(1, Ordering::Relaxed);
    let (mut up, mut down) = (server.try_clone().ok()?, server);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut reader, &mut up);
        let _ = up.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut down, &mut client);
    client.shutdown(std::net::Shutdown::Both).ok()
}

#[test]
fn an_agent_behind_a_proxy_enrols_and_connects_through_it() {
    let fleet = fleet();
    let server = fleet.serve();
    let (port, count) = proxy();
    let home = fleet.home("web-1");
    home.configure("agent.toml", &format!("proxy = \"127.0.0.1:{port}\"\n"));
    home.enrol(&fleet.token("web-1")).ok();
    assert_eq!(count.load(Ordering::Relaxed), 1, "it enrolled past the proxy");
    let agent = home.start();
    fleet.linked("web-1");
    assert_eq!(count.load(Ordering::Relaxed), 2, "it connected past the proxy");
    until("it sends", || fleet.agent_of("web-1").filter(|agent| agent["committed_seq"].as_u64() > Some(1)));
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}
