//! Real agents on real links.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use wk_domain::CheckId;
use wk_domain::spec::{Assignment, AssignmentSet, CheckSpec};
use wk_engine::desk::LinkOrder;
use wk_engine::ports::rows::Standing;
use wk_hub::HubConfig;
use wk_link::LinkConfig;

use crate::support::*;

#[tokio::test]
async fn what_an_agent_observes_is_committed_in_order_under_its_names() {
    let server = Server::start().await;
    let agent = server.agent();
    for id in 1..=100 {
        agent.outbox.append(numbered(id)).await.unwrap();
    }
    until("all are committed", || yes(server.desk.ids(agent.id).len() == 100)).await;
    assert_eq!(server.desk.ids(agent.id), (1..=100).collect::<Vec<_>>());
    {
        let known = server.desk.known.lock();
        for batch in &known[&agent.id].batches {
            let (series, _, value) = batch.samples[0];
            let mut names = batch.series.of(wk_domain::HostId::new(0, [0; 10])).map(|meta| meta.key.name);
            assert_eq!(names.nth(series as usize).as_deref(), Some("cpu.user"));
            assert_eq!(value, batch.notes[0].count as f64);
        }
    }
    until("the agent forgets them", || yes(true)).await;
    let started = Instant::now();
    while agent.outbox.stats().await.waiting > 0 {
        assert!(started.elapsed() < PATIENCE);
        sleep(Duration::from_millis(10)).await;
    }
    agent.stop().await;
    until("the desk knows it left", || yes(server.desk.known.lock().values().all(|k| k.link.is_none())))
        .await;
}

#[tokio::test]
async fn a_revocation_closes_a_live_link_within_a_second() {
    let server = Server::start().await;
    let mut agent = server.agent();
    agent.linked().await;
    let started = Instant::now();
    server.desk.denied.lock().insert(agent.id.to_string());
    server.desk.orders.send(LinkOrder::Close { agent: agent.id, reason: "revoked" }).unwrap();
    until("the link is closed", || yes(!server.desk.linked(agent.id))).await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let revoked =
        |state: &wk_link::LinkState| state.standing == wk_link::Standing::Revoked && !state.connected;
    timeout(PATIENCE, agent.state.wait_for(revoked)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_revocation_without_an_order_stops_the_next_batch() {
    let server = Server::start().await;
    let mut agent = server.agent();
    agent.linked().await;
    server.desk.denied.lock().insert(agent.id.to_string());
    agent.outbox.append(numbered(1)).await.unwrap();
    until("the link is closed", || yes(!server.desk.linked(agent.id))).await;
    assert!(server.desk.ids(agent.id).is_empty());
}

#[tokio::test]
async fn a_newer_link_takes_over() {
    let server = Server::start().await;
    let (_, identity) = server.identity();
    let mut first = Raw::connect(server.address, &identity).await.unwrap();
    first.hello(7).await;
    let mut second = Raw::connect(server.address, &identity).await.unwrap();
    second.hello(7).await;
    assert_eq!(first.goodbye().await.as_deref(), Some("superseded"));
    second.batch(1).await;
    assert_eq!(second.ack().await, 1);
}

#[tokio::test]
async fn a_quarantined_agent_is_linked_and_heard_in_nothing() {
    let server = Server::start().await;
    let (store, identity) = server.identity();
    server.desk.known.lock().entry(identity.agent_id()).or_default().standing = Some(Standing::Quarantined);
    let mut agent = server.agent_with(store, &identity, server.link_config());
    agent.linked().await;
    assert_eq!(agent.state.borrow().standing, wk_link::Standing::Quarantined);
    agent.outbox.append(numbered(1)).await.unwrap();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    raw.hello(7).await;
    raw.batch(1).await;
    assert_eq!(raw.goodbye().await.as_deref(), Some("quarantined"));
    assert!(server.desk.ids(agent.id).is_empty());
}

#[tokio::test]
async fn checks_and_orders_reach_their_agent_only() {
    let server = Server::start().await;
    let (mut one, mut two) = (server.agent(), server.agent());
    one.linked().await;
    two.linked().await;
    let check = CheckId::new(5, [5; 10]);
    let ssh = |n, address: String| Assignment {
        check: CheckId::new(n, [5; 10]),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(10),
        thresholds: vec![],
        spec: CheckSpec::Ssh { address, port: 22, expect: String::new() },
    };
    // Large enough to need several frames.
    let checks = (0..40).map(|n| ssh(n, "h".repeat(50_000))).collect();
    server.desk.assign(AssignmentSet { agent: one.id, revision: 9, checks });
    timeout(PATIENCE, one.assignments.wait_for(|set| set.checks.len() == 40)).await.unwrap().unwrap();
    assert_eq!(one.assignments.borrow().revision, 9);
    server.desk.assign(AssignmentSet { agent: one.id, revision: 10, checks: vec![] });
    timeout(PATIENCE, one.assignments.wait_for(|set| set.revision == 10)).await.unwrap().unwrap();
    server.desk.orders.send(LinkOrder::RunNow { agent: one.id, check }).unwrap();
    assert_eq!(timeout(PATIENCE, one.run_now.recv()).await.unwrap().unwrap(), check.to_string());
    assert!(two.run_now.try_recv().is_err());
    assert!(two.assignments.borrow().checks.is_empty());
}

#[tokio::test]
async fn a_restart_of_the_server_loses_and_doubles_nothing() {
    let mut server = Server::start().await;
    let agents: Vec<_> = (0..3).map(|_| server.agent()).collect();
    let feeders: Vec<_> = agents
        .iter()
        .map(|agent| {
            let outbox = agent.outbox.clone();
            tokio::spawn(async move {
                for id in 1..=200 {
                    outbox.append(numbered(id)).await.unwrap();
                    sleep(Duration::from_millis(3)).await;
                }
            })
        })
        .collect();
    for _ in 0..4 {
        sleep(Duration::from_millis(150)).await;
        server = server.restart(HubConfig::default()).await;
    }
    for feeder in feeders {
        feeder.await.unwrap();
    }
    for agent in &agents {
        until("all are committed", || yes(server.desk.ids(agent.id).len() >= 200)).await;
        assert_eq!(server.desk.ids(agent.id), (1..=200).collect::<Vec<_>>());
        assert!(agent.state.borrow().links >= 2);
    }
}

#[tokio::test]
async fn links_without_traffic_stay_open() {
    let server =
        Server::with(HubConfig { heartbeat: Duration::from_millis(100), ..HubConfig::default() }).await;
    let mut agent = server.agent();
    agent.linked().await;
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(agent.state.borrow().links, 1);
    assert!(agent.state.borrow().connected);
}

#[tokio::test]
async fn a_dead_path_is_noticed_by_both_ends() {
    let server =
        Server::with(HubConfig { heartbeat: Duration::from_millis(200), ..HubConfig::default() }).await;
    let relay = Relay::start(server.address).await;
    let (store, identity) = server.identity();
    let mut agent = server.agent_with(store, &identity, link_config(relay.address));
    agent.linked().await;
    relay.freeze.store(1, Ordering::Relaxed);
    timeout(PATIENCE, agent.state.wait_for(|state| !state.connected)).await.unwrap().unwrap();
    until("the server notices, too", || yes(!server.desk.linked(agent.id))).await;
    relay.freeze.store(0, Ordering::Relaxed);
    agent.linked().await;
}

/// Passes bytes on, or keeps them while frozen.
struct Relay {
    address: std::net::SocketAddr,
    freeze: Arc<AtomicUsize>,
}

impl Relay {
    async fn start(to: std::net::SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let freeze = Arc::new(AtomicUsize::new(0));
        let frozen = Arc::clone(&freeze);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(to).await.unwrap();
                let (mut near_read, mut near_write) = near.into_split();
                let (mut far_read, mut far_write) = far.into_split();
                let (one, two) = (Arc::clone(&frozen), Arc::clone(&frozen));
                tokio::spawn(async move { pass(&mut near_read, &mut far_write, &one).await });
                tokio::spawn(async move { pass(&mut far_read, &mut near_write, &two).await });
            }
        });
        Self { address, freeze }
    }
}

async fn pass(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    frozen: &AtomicUsize,
) {
    let mut buffer = [0; 4096];
    while let Ok(read) = from.read(&mut buffer).await {
        if frozen.load(Ordering::Relaxed) > 0 {
            // Not even the end comes through: the path is dead, not closed.
            std::future::pending::<()>().await;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}

/// A proxy that answers every CONNECT with `answer`, and passes on if that lets through.
async fn connect_proxy(answer: Vec<u8>) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (answer, counter) = (answer.clone(), Arc::clone(&counter));
            tokio::spawn(async move {
                let mut request = vec![];
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(near.read_u8().await.unwrap());
                }
                counter.fetch_add(1, Ordering::Relaxed);
                let request = String::from_utf8(request).unwrap();
                let target = request.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap().to_owned();
                if near.write_all(&answer).await.is_ok() && answer.starts_with(b"HTTP/1.1 200") {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_connect_proxy_is_passed() {
    let server = Server::start().await;
    let (address, asked) =
        connect_proxy(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n".to_vec()).await;
    let (store, identity) = server.identity();
    let config = LinkConfig { proxy: Some(proxy(address)), ..server.link_config() };
    let mut agent = server.agent_with(store, &identity, config);
    agent.linked().await;
    agent.outbox.append(numbered(1)).await.unwrap();
    until("the batch is committed", || yes(server.desk.ids(agent.id) == [1])).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_hostile_proxy_is_left() {
    let server = Server::start().await;
    let endless = [&b"HTTP/1.1 200 OK\r\n"[..], &b"X-Header: and another\r\n".repeat(100_000)].concat();
    for (answer, says) in [
        (endless, "does not end"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_vec(), "407"),
        (b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(), "does not speak HTTP/1"),
    ] {
        let (address, _) = connect_proxy(answer).await;
        let (store, identity) = server.identity();
        let config = LinkConfig { proxy: Some(proxy(address)), ..server.link_config() };
        let mut agent = server.agent_with(store, &identity, config);
        let told =
            timeout(PATIENCE, agent.state.wait_for(|state| state.last_error.contains(says))).await.is_ok();
        assert!(told, "{says}: {:?}", agent.state.borrow());
        assert!(!agent.state.borrow().connected);
    }
}

/// A proxy that wants to know who asks, and gives the connection to `far` whatever was asked for.
async fn strict_proxy(
    authorization: &'static str,
    far: Option<std::net::SocketAddr>,
) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![];
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(near.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                let wanted = format!("\r\nProxy-Authorization: {authorization}\r\n");
                if !request.contains(&wanted) {
                    let answer =
                        b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n";
                    let _ = near.write_all(answer).await;
                    return;
                }
                let _ = near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                match far {
                    Some(far) => {
                        let mut far = TcpStream::connect(far).await.unwrap();
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                    // It says that it let through, and listens.
                    None => drop(near.read_to_end(&mut vec![]).await),
                }
            });
        }
    });
    address
}

fn authorized(address: std::net::SocketAddr, value: &str) -> wk_link::Proxy {
    wk_link::Proxy { authorization: Some(value.to_owned().into()), ..proxy(address) }
}

#[tokio::test]
async fn a_proxy_that_asks_who_one_is_is_told_and_no_other() {
    let server = Server::start().await;
    let address = strict_proxy("Basic dXNlcjpwYXNz", Some(server.address)).await;
    for (given, says) in [
        (proxy(address), "407"),
        (authorized(address, "Basic d3Jvbmc6d3Jvbmc="), "407"),
        (authorized(address, "Basic dXNlcjpwYXNz\r\nX-Smuggled: 1"), "line break"),
    ] {
        assert!(!format!("{given:?}").contains("Basic"), "the password is shown");
        let (store, identity) = server.identity();
        let config = LinkConfig { proxy: Some(given), ..server.link_config() };
        let mut agent = server.agent_with(store, &identity, config);
        let refused = |state: &wk_link::LinkState| state.last_error.contains(says);
        timeout(PATIENCE, agent.state.wait_for(refused)).await.expect(says).unwrap();
        let state = agent.state.borrow();
        assert!(!state.connected && !state.last_error.contains("Basic d"), "{state:?}");
    }
    let (store, identity) = server.identity();
    let proxy = Some(authorized(address, "Basic dXNlcjpwYXNz"));
    let mut agent = server.agent_with(store, &identity, LinkConfig { proxy, ..server.link_config() });
    agent.linked().await;
    agent.outbox.append(numbered(1)).await.unwrap();
    until("the batch is committed", || yes(server.desk.ids(agent.id) == [1])).await;
}

#[tokio::test]
async fn a_proxy_that_leads_elsewhere_or_nowhere_gets_nothing() {
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timing = wk_link::Timing { connect: Duration::from_millis(700), ..server.link_config().timing };
    for (address, says) in [
        // Another server, with another authority: its certificate is not taken.
        (strict_proxy("Basic x", Some(elsewhere.address)).await, "no TLS with"),
        (strict_proxy("Basic x", None).await, "did not answer"),
        // It takes the connection and never answers.
        (silent.local_addr().unwrap(), "did not answer"),
    ] {
        let (store, identity) = server.identity();
        let proxy = Some(authorized(address, "Basic x"));
        let config = LinkConfig { proxy, timing, ..server.link_config() };
        let mut agent = server.agent_with(store, &identity, config);
        let told = |state: &wk_link::LinkState| state.last_error.contains(says);
        timeout(PATIENCE, agent.state.wait_for(told)).await.expect(says).unwrap();
        assert!(!agent.state.borrow().connected);
    }
    assert!(elsewhere.desk.known.lock().is_empty());
}

#[tokio::test]
async fn ipv4_is_used_where_ipv6_is_dead() {
    // The hub listens on 127.0.0.1 only; `localhost` names both.
    let server = Server::start().await;
    let (store, identity) = server.identity();
    let mut config = server.link_config();
    config.servers = vec![format!("localhost:{}", server.address.port()).parse().unwrap()];
    server.agent_with(store, &identity, config).linked().await;
}

#[tokio::test]
async fn a_certificate_is_renewed_in_time_with_a_new_key() {
    let server = Server::start().await;
    // Past 2/3 of its life and the jitter, and still good for a while.
    let (store, old) = server.identity_from(now() - Duration::from_secs(6 * 24 * 3600));
    let mut agent = server.agent_with(Arc::clone(&store), &old, server.link_config());
    agent.outbox.append(numbered(1)).await.unwrap();
    let renewed = |state: &wk_link::LinkState| state.connected && state.certificate_ends > old.not_after();
    timeout(PATIENCE, agent.state.wait_for(renewed)).await.expect("no renewal").unwrap();
    let new = store.load().unwrap().unwrap();
    assert_ne!(new.serial(), old.serial());
    assert_eq!(new.agent_id(), old.agent_id());
    let key = |identity: &wk_pki::AgentIdentity| wk_pki::spki_sha256(&identity.chain()[0]).unwrap();
    assert_ne!(key(&new), key(&old));
    agent.outbox.append(numbered(2)).await.unwrap();
    until("both batches are committed once", || yes(server.desk.ids(agent.id) == [1, 2])).await;
}

#[tokio::test]
async fn a_batch_the_server_never_takes_is_given_up_after_three_tries() {
    let server = Server::start().await;
    let mut agent = server.agent();
    agent.linked().await;
    // Of a kind the agent program never makes; its spool passes it on all the same.
    let bad = wk_spool::Payload {
        inventory: vec![wk_wire::InventoryDelta {
            items: vec![wk_wire::InventoryItem {
                key: "k".into(),
                fields: vec![wk_wire::Label::default(); 140_000],
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    agent.outbox.append(bad).await.unwrap();
    agent.outbox.append(numbered(1)).await.unwrap();
    until("the next batch gets through", || yes(server.desk.ids(agent.id) == [1])).await;
    assert_eq!(agent.outbox.stats().await.dropped, 1);
}

#[tokio::test]
async fn a_machine_that_was_off_may_renew_and_nothing_else() {
    let server = Server::start().await;
    let (store, old) = server.identity_from(now() - Duration::from_secs(8 * 24 * 3600));
    let mut raw = Raw::connect(server.address, &old).await.unwrap();
    assert_eq!(raw.hello(7).await.standing, "renew");
    raw.batch(1).await;
    assert_eq!(raw.goodbye().await.as_deref(), Some("expired"));
    assert!(server.desk.known.lock().is_empty());

    let mut agent = server.agent_with(store, &old, server.link_config());
    agent.outbox.append(numbered(1)).await.unwrap();
    until("the batch is committed", || yes(server.desk.ids(agent.id) == [1])).await;
    let active = |state: &wk_link::LinkState| state.connected && state.standing == wk_link::Standing::Active;
    timeout(PATIENCE, agent.state.wait_for(active)).await.unwrap().unwrap();
}
