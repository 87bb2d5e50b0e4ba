//! The holder of one good certificate, or of one address, who wants the server for himself.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use wk_hub::HubConfig;
use wk_wire::agent_frame::Body;
use wk_wire::server_frame::Body as FromServer;
use wk_wire::{self as wire, Batch, Dictionary, Heartbeat, SeriesDef};

use crate::support::*;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

#[tokio::test]
async fn a_link_that_never_falls_silent_ends_with_its_certificate() {
    let server = Server::with(HubConfig { renew_grace: Duration::ZERO, ..HubConfig::default() }).await;
    let (_, ending) = server.identity_from(now() - WEEK + Duration::from_secs(3));
    let mut raw = Raw::connect(server.address, &ending).await.unwrap();
    raw.hello(7).await;
    let frames = Heartbeat { now_ms: 1, ..Heartbeat::default() };
    let Raw { mut reader, mut writer } = raw;
    // As many as the server takes, for as long as it takes them: it always has something to read.
    let flood = tokio::spawn(async move {
        let mut sent = 0_u64;
        loop {
            for _ in 0..4000 {
                writer.queue(&wire::AgentFrame { body: Some(Body::Heartbeat(frames.clone())) }).unwrap();
            }
            if writer.drive(Instant::now() + PATIENCE).await.is_err() {
                return sent;
            }
            sent += 4000;
        }
    });
    let last = async {
        let mut last = None;
        while let Ok(Some(frame)) = reader.next(Instant::now() + PATIENCE).await {
            last = prost::Message::decode(frame).ok().and_then(|frame: wire::ServerFrame| frame.body);
        }
        last
    };
    let last = timeout(PATIENCE, last).await.expect("the link outlives its certificate");
    assert!(now() < ending.not_after() + Duration::from_secs(10));
    if let Some(FromServer::Goodbye(goodbye)) = last {
        assert_eq!(goodbye.reason, "expired");
    }
    until("the desk knows", || yes(!server.desk.linked(ending.agent_id()))).await;
    assert!(flood.await.unwrap() > 4000, "it flooded nothing");
}

#[tokio::test]
async fn one_key_cannot_take_the_places_of_all() {
    let config = HubConfig { links_max: 6, agent_links_max: 3, ..HubConfig::default() };
    let server = Server::with(config).await;
    let (_, thief) = server.identity();
    // None of these says hello: nothing supersedes them.
    let mut held = vec![];
    for _ in 0..12 {
        held.push(Raw::connect(server.address, &thief).await.unwrap());
    }
    until("the oldest are closed", || yes(server.hub.links() <= 3)).await;
    let (mut one, mut two) = (server.agent(), server.agent());
    one.linked().await;
    two.linked().await;
    assert_eq!(held[0].goodbye().await.as_deref(), Some("superseded"));
    assert_eq!(server.desk.refusals_of("links"), 0);
    held.last_mut().unwrap().hello(7).await;
}

#[tokio::test]
async fn one_key_cannot_shake_hands_for_ever() {
    let config = HubConfig {
        agent_links_burst: 5.0,
        agent_links_per_second: 0.01,
        failures_burst: 12.0,
        failures_per_second: 0.01,
        ..HubConfig::default()
    };
    let server = Server::with(config).await;
    let (_, thief) = server.identity();
    let mut served = 0;
    for _ in 0..9 {
        let mut raw = Raw::connect(server.address, &thief).await.unwrap();
        raw.say(Body::Hello(wire::Hello { protocol: 1, epoch: 7, ..Default::default() })).await;
        served += u32::from(raw.hear().await.is_some());
    }
    assert_eq!(served, 5);
    assert_eq!(server.desk.refusals_of("link-rate"), 4);
    // Another agent of the same address is served; and the thief's handshakes count as his address's failures.
    server.agent().linked().await;
    for _ in 0..10 {
        let _ = Raw::connect(server.address, &thief).await;
    }
    assert!(server.desk.refusals_of("handshake-rate") >= 1);
}

#[tokio::test]
async fn one_source_that_stalls_leaves_room_for_others() {
    // It may fail as often as it likes; each of its connections would hold its place for a minute.
    let config = HubConfig {
        half_open_max: 8,
        half_open_per_source: 5,
        failures_burst: 1000.0,
        hello_deadline: Duration::from_secs(240),
        handshake_deadline: Duration::from_secs(240),
        ..HubConfig::default()
    };
    let server = Server::with(config).await;
    let mut silent = vec![];
    for _ in 0..30 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    until("the rest is turned away", || yes(server.desk.refusals_of("handshake-places") == 25)).await;
    let (_, identity) = server.identity();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let link = async {
        let stream = socket.connect(server.address).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let config = wk_pki::client_config_link(&identity).unwrap();
        let stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await.unwrap();
        Raw::over(stream).hello(1).await
    };
    timeout(PATIENCE, link).await.expect("another source waits for the stalled ones");
}

#[tokio::test]
async fn frames_of_nothing_do_not_fill_the_memory() {
    let server = Server::start().await;
    let all = server.desk.gate.acquire_many(1 << 28).await.unwrap();
    server.desk.gate.forget_permits(usize::MAX);
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    raw.hello(7).await;
    // While the desk has one batch, millions of empty dictionaries: two bytes each, a hundred times that in memory.
    raw.batch(1).await;
    let empty = [0_u8, 0, 0, 2, 0x12, 0].repeat(100_000);
    let Raw { writer, .. } = raw;
    let mut bytes = 0;
    let (mut near, mut stalled) = (writer, false);
    for _ in 0..30 {
        // Raw frames as one block: the writer's own prefix would be a frame more.
        let block: Vec<u8> = empty.clone();
        for frame in block.chunks(6) {
            near.queue_encoded(&frame[4..]).unwrap();
        }
        if timeout(Duration::from_secs(4), near.drive(Instant::now() + PATIENCE)).await.is_err() {
            stalled = true;
            break;
        }
        bytes += empty.len();
    }
    // What the kernel holds for a connection comes on top of what the server takes.
    assert!(stalled && bytes < 12_000_000, "the server took {bytes} bytes of nothing");
    drop(all);
}

#[tokio::test]
async fn a_flood_of_notes_is_slowed_down_and_not_dropped() {
    let config = HubConfig { bytes_burst: 500_000.0, bytes_per_second: 200_000.0, ..HubConfig::default() };
    let server = Server::with(config).await;
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    raw.hello(7).await;
    let started = Instant::now();
    for seq in 1..=3 {
        // Three kilobytes on the wire, and two hundred lines of a timeline.
        let notes = vec![wire::AgentNote { kind: "id".into(), count: seq, ..Default::default() }; 200];
        raw.say(Body::Batch(Batch { seq, notes, ..Default::default() })).await;
        assert_eq!(raw.ack().await, seq);
    }
    // 1.2 million against half a million at once and 200 000 a second. Only a lower bound: machines differ.
    assert!(started.elapsed() > Duration::from_millis(1200), "{:?}", started.elapsed());
    assert_eq!(server.desk.ids(identity.agent_id()).len(), 600);
}

#[tokio::test]
async fn the_largest_frame_is_taken_and_values_of_a_newer_agent_are_no_harm() {
    let server = Server::start().await;
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    raw.hello(7).await;
    let sized = |length: usize| {
        let note =
            wire::AgentNote { kind: "id".into(), count: 1, text: "x".repeat(length), ..Default::default() };
        Body::Batch(Batch { seq: 1, notes: vec![note], ..Default::default() })
    };
    let overhead = prost::Message::encoded_len(&wire::AgentFrame { body: Some(sized(1 << 19)) }) - (1 << 19);
    let largest = wire::AgentFrame { body: Some(sized(wire::FRAME_BYTES_MAX - overhead)) };
    assert_eq!(prost::Message::encoded_len(&largest), wire::FRAME_BYTES_MAX);
    raw.say(largest.body.unwrap()).await;
    assert_eq!(raw.ack().await, 1);

    let series = vec![SeriesDef { name: "a.b".into(), kind: 77, ..Default::default() }];
    raw.say(Body::Dictionary(Dictionary { id: 3, first: 0, series })).await;
    let check_id = wk_domain::CheckId::new(2, [7; 10]).to_string();
    let result = wire::CheckResult {
        check_id,
        status: u32::MAX,
        reason: "quantum:entangled".into(),
        finished_ms: now().as_ms(),
        ..Default::default()
    };
    let section = wire::InventoryDelta { section: "hopes".into(), full: true, ..Default::default() };
    let execution = wire::Execution { kind: "seance".into(), ..Default::default() };
    let note = wire::AgentNote { kind: "\u{1b}[31m".into(), count: 2, ..Default::default() };
    raw.say(Body::Batch(Batch {
        seq: 2,
        dictionary: 3,
        samples: vec![wire::SampleBlock { at_ms: now().as_ms(), refs: vec![0, 9], values: vec![1.5, 2.5] }],
        results: vec![result],
        inventory: vec![section],
        executions: vec![execution],
        notes: vec![note],
    }))
    .await;
    assert_eq!(raw.ack().await, 2);
    let known = server.desk.known.lock();
    let batch = &known[&identity.agent_id()].batches[1];
    assert_eq!((batch.samples.len(), batch.inventory.len(), batch.executions.len()), (1, 0, 0));
    assert_eq!(batch.results[0].1.status, wk_domain::Status::Unknown);
    assert_eq!(batch.notes[0].kind, "other");
    assert_eq!(server.desk.refusals_of("left-out"), 1);
}

#[tokio::test]
async fn clocks_are_measured_on_the_open_link_and_lies_measure_nothing() {
    let server =
        Server::with(HubConfig { heartbeat: Duration::from_millis(200), ..HubConfig::default() }).await;
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    let welcome = raw.hello(7).await;
    let hour = 3_600_000;
    for (server_ms, held_ms) in
        [(0, 0), (i64::MIN, 0), (i64::MAX, u32::MAX), (now().as_ms() + hour, 0), (now().as_ms() - hour, 0)]
    {
        raw.say(Body::Heartbeat(Heartbeat { now_ms: i64::MAX, server_ms, held_ms })).await;
    }
    let answer = loop {
        match raw.hear().await {
            Some(FromServer::Ack(ack)) => break ack,
            Some(_) => {}
            None => panic!("it closed"),
        }
    };
    assert!(server.desk.clocks.lock().is_empty(), "{:?}", server.desk.clocks.lock());
    assert!(answer.now_ms >= welcome.now_ms);
    raw.say(Body::Heartbeat(Heartbeat {
        now_ms: now().as_ms() + hour,
        server_ms: answer.now_ms,
        held_ms: 0,
    }))
    .await;
    let (agent, ahead) = until("it is measured", || server.desk.clocks.lock().last().copied()).await;
    assert_eq!(agent, identity.agent_id());
    assert!((ahead - hour).abs() < 6_000, "{ahead}");

    // An agent of ours does so by itself, however busy it is: heartbeats alone would never come.
    let mut agent = server.agent();
    agent.linked().await;
    let measured = async {
        for id in 1.. {
            agent.outbox.append(numbered(id)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            let seen = server.desk.clocks.lock().iter().filter(|(who, _)| *who == agent.id).count();
            if seen >= 2 {
                break;
            }
        }
    };
    timeout(PATIENCE, measured).await.expect("a busy link measures nothing");
    let clocks = server.desk.clocks.lock();
    assert!(
        clocks.iter().filter(|(who, _)| *who == agent.id).all(|(_, ahead)| ahead.abs() < 5_500),
        "{clocks:?}"
    );
}

#[tokio::test]
async fn new_roots_reach_open_links_and_no_root_goes_that_is_still_needed() {
    let server = Server::start().await;
    let other = open_ca(&server.dir.path().join("other-ca"));
    let (own, new) = (server.desk.ca.roots()[0].to_vec(), other.roots()[0].to_vec());
    let (store, identity) = server.identity();
    let mut agent = server.agent_with(std::sync::Arc::clone(&store), &identity, server.link_config());
    agent.linked().await;
    until("it is known what it trusts", || yes(server.hub.agents_with_other_roots() == 0)).await;
    let held = || {
        let roots = store.load().unwrap().unwrap().roots().to_vec();
        roots.iter().map(|root| root.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(held(), std::slice::from_ref(&own));

    // The first phase of a rotation: both.
    *server.desk.roots.lock() = Some(vec![own.clone(), new.clone()]);
    server.hub.reload_roots().unwrap();
    assert_eq!(server.hub.agents_with_other_roots(), 1, "not before it says so");
    until("it has them and says so", || yes(server.hub.agents_with_other_roots() == 0)).await;
    assert_eq!(held(), [own.clone(), new.clone()]);

    // Too early: this server shows a certificate of the old root. The agent keeps it, and says what it holds.
    *server.desk.roots.lock() = Some(vec![new.clone()]);
    server.hub.reload_roots().unwrap();
    until("the server asks", || yes(server.hub.agents_with_other_roots() == 1)).await;
    agent.outbox.append(numbered(1)).await.unwrap();
    until("the link goes on", || yes(server.desk.ids(agent.id) == [1])).await;
    assert_eq!(held().len(), 2, "it sawed off the branch it sits on");
    assert!(held().contains(&own));

    // Not roots at all, none, or a hundred: the link goes on with those it has.
    for nonsense in [vec![vec![0x30; 90]], vec![], vec![own.clone(); 100], vec![identity.chain()[0].to_vec()]]
    {
        let (_, fresh) = server.identity();
        *server.desk.roots.lock() = Some(nonsense);
        let mut raw = Raw::connect(server.address, &fresh).await;
        if let Ok(raw) = &mut raw {
            raw.say(Body::Hello(wire::Hello {
                protocol: 1,
                roots_sha256: vec![1; 32],
                ..Default::default()
            }))
            .await;
            while !matches!(raw.hear().await, Some(FromServer::Trust(_)) | None) {}
        }
        let _ = server.hub.reload_roots();
        agent.outbox.append(numbered(2)).await.unwrap();
    }
    until("the link goes on", || yes(server.desk.ids(agent.id).len() == 5)).await;
    assert!(held().contains(&own));
    assert_eq!(agent.state.borrow().links, 1, "no link was lost over it");

    // What it holds is what it connects with next.
    *server.desk.roots.lock() = None;
    let server = server.restart(HubConfig::default()).await;
    agent.outbox.append(numbered(9)).await.unwrap();
    until("it is back", || yes(server.desk.ids(agent.id).last() == Some(&9))).await;
    until("and as the server wants it", || yes(server.hub.agents_with_other_roots() == 0)).await;
    assert_eq!(held(), [own]);
}

#[tokio::test]
async fn an_older_agent_is_not_sent_what_it_does_not_know() {
    let server = Server::start().await;
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    // Its hello carries no digest of roots.
    raw.hello(7).await;
    let mut roots = server.desk.ca.roots().iter().map(|root| root.to_vec()).collect::<Vec<_>>();
    roots.push(open_ca(&server.dir.path().join("other-ca")).roots()[0].to_vec());
    *server.desk.roots.lock() = Some(roots);
    server.hub.reload_roots().unwrap();
    for seq in 1..=4 {
        raw.batch(seq).await;
        // Anything but checks and acknowledgements fails it.
        assert_eq!(raw.ack().await, seq);
    }
    assert_eq!(server.hub.agents_with_other_roots(), 1);
}

#[tokio::test]
async fn what_a_spool_dropped_is_told_to_the_desk() {
    let server = Server::start().await;
    let (store, identity) = server.identity();
    let dir = server.dir.path().join(format!("spool-{}", identity.serial()));
    let limits =
        wk_spool::Limits { bytes_max: 64 << 10, segment_bytes: 8 << 10, sync: false, ..Default::default() };
    let mut spool = wk_spool::Spool::open(&dir, limits).unwrap();
    for id in 1..=200 {
        let mut payload = numbered(id);
        payload.notes[0].text = "x".repeat(900);
        spool.append(payload, now().as_ms()).unwrap();
    }
    drop(spool);
    let agent = server.agent_with(store, &identity, server.link_config());
    until("what is left is committed", || yes(server.desk.ids(agent.id).last() == Some(&200))).await;
    agent.outbox.append(numbered(201)).await.unwrap();
    until("and what is new", || yes(server.desk.ids(agent.id).last() == Some(&201))).await;
    let ids = server.desk.ids(agent.id);
    let known = server.desk.known.lock();
    let notes = known[&agent.id].batches.iter().flat_map(|batch| &batch.notes);
    let told: u64 = notes.filter(|note| note.kind == "spool-dropped").map(|note| note.count).sum();
    assert!(told > 50, "{told}");
    assert_eq!(ids.len() as u64 + told, 201, "each batch is there, or counted as lost");
}

/// A stream that answers with less than a whole handshake, and holds on.
#[tokio::test]
async fn a_stall_after_the_first_message_is_ended() {
    let config = HubConfig {
        hello_deadline: Duration::from_secs(60),
        handshake_deadline: Duration::from_millis(700),
        ..HubConfig::default()
    };
    let server = Server::with(config).await;
    let (_, identity) = server.identity();
    let tls = wk_pki::client_config_link(&identity).unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(tls, name).unwrap();
    let mut hello = vec![];
    client.write_tls(&mut hello).unwrap();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    // The server's flight comes; the certificate it waits for does not.
    until("it is told", || yes(server.desk.refusals_of("handshake") == 1)).await;
    let mut rest = vec![];
    let closed = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest);
    let _ = timeout(PATIENCE, closed).await.expect("still open");
    assert!(server.desk.known.lock().is_empty());
}
