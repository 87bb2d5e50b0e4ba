//! What an agent with a good certificate and bad manners gets: its own link closed, and nothing else.

use std::time::Duration;

use proptest::prelude::*;
use prost::Message;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use wk_domain::AgentId;
use wk_hub::HubConfig;
use wk_wire::agent_frame::Body;
use wk_wire::{self as wire, AgentFrame, Batch, Dictionary, Hello, SampleBlock, SeriesDef};

use crate::support::*;

fn frame(body: Body) -> Vec<u8> {
    AgentFrame { body: Some(body) }.encode_to_vec()
}

fn hello() -> Vec<u8> {
    frame(Body::Hello(Hello { protocol: 1, epoch: 7, ..Default::default() }))
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

#[tokio::test]
async fn broken_rules_end_the_link_with_one_word_and_others_go_on() {
    let server = Server::start().await;
    let mut honest = server.agent();
    honest.linked().await;
    let batch = |seq| Batch { seq, ..Default::default() };
    let values = |dictionary, refs, values| Batch {
        seq: 1,
        dictionary,
        samples: vec![SampleBlock { at_ms: now().as_ms(), refs, values }],
        ..Default::default()
    };
    let dictionary = |id, first, count: usize| {
        frame(Body::Dictionary(Dictionary { id, first, series: vec![SeriesDef::default(); count] }))
    };
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("another protocol", vec![frame(Body::Hello(Hello { protocol: 2, ..Default::default() }))]),
        ("no hello", vec![frame(Body::Batch(batch(1)))]),
        ("a second hello", vec![hello(), hello()]),
        ("not protobuf", vec![hello(), vec![0x1a, 0xff, 0xff]]),
        ("an unknown kind", vec![hello(), vec![0x7a, 0]]),
        ("two bodies", vec![hello(), [frame(Body::Batch(batch(1))), frame(Body::Batch(batch(2)))].concat()]),
        ("a gap in the numbers", vec![hello(), frame(Body::Batch(batch(2)))]),
        ("a number after the last", vec![hello(), frame(Body::Batch(batch(u64::MAX)))]),
        ("a dictionary never sent", vec![hello(), frame(Body::Batch(values(5, vec![0], vec![1.0])))]),
        (
            "another dictionary than the last",
            vec![
                hello(),
                dictionary(5, 0, 1),
                dictionary(6, 0, 1),
                frame(Body::Batch(values(5, vec![0], vec![1.0]))),
            ],
        ),
        (
            "references without values",
            vec![hello(), dictionary(5, 0, 1), frame(Body::Batch(values(5, vec![0], vec![])))],
        ),
        ("a dictionary that goes back", vec![hello(), dictionary(5, 0, 3), dictionary(5, 1, 3)]),
        ("too many series", vec![hello(), dictionary(5, 9_999, 2)]),
        (
            "a memory bomb",
            vec![hello(), {
                let inner = [0x22_u8, 0].repeat(400_000);
                let mut bytes = vec![0x1a];
                prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
                [bytes, inner].concat()
            }],
        ),
        (
            "an endless certificate request",
            vec![hello(), frame(Body::Renew(wire::RenewRequest { csr_der: vec![0; 9000] }))],
        ),
    ];
    let count = cases.len();
    for (what, frames) in cases {
        let (_, identity) = server.identity();
        let mut raw = Raw::connect(server.address, &identity).await.unwrap();
        for bytes in frames {
            raw.writer.queue_encoded(&bytes).unwrap();
        }
        let _ = raw.writer.drive(Instant::now() + PATIENCE).await;
        assert_eq!(raw.goodbye().await.as_deref(), Some("protocol"), "{what}");
        until("the link is gone", || yes(!server.desk.linked(identity.agent_id()))).await;
        let known = server.desk.known.lock();
        assert!(known.get(&identity.agent_id()).is_none_or(|known| known.committed == 0), "{what}");
    }
    assert_eq!(server.desk.refusals_of("protocol"), count);
    honest.outbox.append(numbered(1)).await.unwrap();
    until("the honest one is served", || yes(server.desk.ids(honest.id) == [1])).await;
    assert_eq!(honest.state.borrow().links, 1);
}

#[tokio::test]
async fn wrong_lengths_and_cut_streams_end_the_link() {
    let server = Server::start().await;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("four gibibytes", vec![0xff, 0xff, 0xff, 0xff, 1]),
        ("one byte too many", ((1_u32 << 20) + 1).to_be_bytes().to_vec()),
        ("nothing", vec![0; 4]),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("a cut frame", [&100_u32.to_be_bytes()[..], &[0x1a, 5]].concat()),
    ];
    for (what, bytes) in cases {
        let (_, identity) = server.identity();
        let config = wk_pki::client_config_link(&identity).unwrap();
        let mut stream = handshake(server.address, config).await.unwrap();
        stream.write_all(&[prefixed(&hello()), bytes].concat()).await.unwrap();
        stream.flush().await.unwrap();
        if what == "a cut frame" {
            stream.shutdown().await.unwrap();
        }
        assert_eq!(Raw::over(stream).goodbye().await.as_deref(), Some("protocol"), "{what}");
    }
    assert_eq!(server.desk.refusals_of("frame"), 5);
}

#[tokio::test]
async fn a_byte_a_second_is_cut_off() {
    let server = Server::start().await;
    let (_, identity) = server.identity();
    let config = wk_pki::client_config_link(&identity).unwrap();
    let mut stream = handshake(server.address, config).await.unwrap();
    stream.write_all(&[&prefixed(&hello())[..], &[0, 0, 3, 0]].concat()).await.unwrap();
    let drip = async {
        loop {
            if stream.write_all(&[0]).await.is_err() || stream.flush().await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, drip).await.expect("still open");
    until("it is told", || yes(server.desk.refusals_of("frame") == 1)).await;
}

#[tokio::test]
async fn a_stranger_to_hellos_is_closed_in_time() {
    let server =
        Server::with(HubConfig { handshake_deadline: Duration::from_millis(300), ..HubConfig::default() })
            .await;
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    assert!(raw.goodbye().await.is_none_or(|word| word == "protocol"));
}

#[tokio::test]
async fn a_replayed_batch_is_acknowledged_again_and_counted_once() {
    let server = Server::start().await;
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    raw.hello(7).await;
    for seq in [1, 2, 1, 2, 3] {
        raw.batch(seq).await;
        assert_eq!(raw.ack().await, seq);
    }
    let mut again = Raw::connect(server.address, &identity).await.unwrap();
    assert_eq!(again.hello(7).await.committed_seq, 3);
    again.batch(3).await;
    assert_eq!(again.ack().await, 3);
    assert_eq!(server.desk.ids(identity.agent_id()), [1, 2, 3]);
}

#[tokio::test]
async fn no_more_than_a_window_is_taken_in() {
    let config = HubConfig { window: 4, heartbeat: Duration::from_millis(200), ..HubConfig::default() };
    let server = Server::with(config).await;
    let permits = server
        .desk
        .gate
        .acquire_many(u32::try_from(tokio::sync::Semaphore::MAX_PERMITS.min(1 << 30)).unwrap());
    let permits = permits.await.unwrap();
    // What is left of the permits.
    let rest = server.desk.gate.forget_permits(usize::MAX);
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    assert_eq!(raw.hello(7).await.window, 4);
    // An agent that does not care for windows, with batches of 200 KiB.
    let note = wire::AgentNote { text: "x".repeat(200 << 10), ..Default::default() };
    let write = async {
        for seq in 1..=200 {
            let batch = Batch { seq, notes: vec![note.clone()], ..Default::default() };
            raw.writer.queue(&AgentFrame { body: Some(Body::Batch(batch)) }).unwrap();
            raw.writer.drive(Instant::now() + Duration::from_secs(60)).await.unwrap();
        }
    };
    // The server stops reading long before 40 MiB: this cannot finish.
    assert!(tokio::time::timeout(Duration::from_secs(1), write).await.is_err());
    assert_eq!(server.desk.ingest_calls.load(std::sync::atomic::Ordering::Relaxed), 1, "one at a time");
    // It is closed neither for its silence nor for its haste, and goes on when there is room.
    server.desk.gate.add_permits(rest.min(1000));
    drop(permits);
    // The acknowledgements of nothing kept the link alive meanwhile.
    while raw.ack().await < 2 {}
}

#[tokio::test]
async fn too_many_bytes_are_slowed_down_and_not_dropped() {
    let config = HubConfig {
        bytes_burst: 300_000.0,
        bytes_per_second: 100_000.0,
        heartbeat: Duration::from_millis(300),
        ..HubConfig::default()
    };
    let server = Server::with(config).await;
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    raw.hello(7).await;
    let started = Instant::now();
    let note = wire::AgentNote { text: "x".repeat(50_000), ..Default::default() };
    for seq in 1..=10 {
        raw.say(Body::Batch(Batch { seq, notes: vec![note.clone()], ..Default::default() })).await;
    }
    let mut acked = 0;
    while acked < 10 {
        acked = raw.ack().await;
    }
    // 500 000 bytes against 300 000 at once and 100 000 a second. Only a lower bound: machines differ.
    assert!(started.elapsed() > Duration::from_millis(1400), "{:?}", started.elapsed());
    // A new link does not bring a new budget.
    let mut again = Raw::connect(server.address, &identity).await.unwrap();
    again.hello(7).await;
    let started = Instant::now();
    for seq in 11..=13 {
        again.say(Body::Batch(Batch { seq, notes: vec![note.clone()], ..Default::default() })).await;
    }
    while again.ack().await < 13 {}
    assert!(started.elapsed() > Duration::from_millis(700), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_store_in_trouble_keeps_links_and_batches() {
    let server = Server::start().await;
    server.desk.failing.store(2, std::sync::atomic::Ordering::Relaxed);
    let mut agent = server.agent();
    for id in 1..=5 {
        agent.outbox.append(numbered(id)).await.unwrap();
    }
    until("all are committed", || yes(server.desk.ids(agent.id) == [1, 2, 3, 4, 5])).await;
    agent.linked().await;
    assert_eq!(agent.state.borrow().links, 1);
}

#[tokio::test]
async fn an_agent_that_does_not_read_is_cut_off() {
    let config = HubConfig {
        write_deadline: Duration::from_millis(500),
        heartbeat: Duration::from_secs(60),
        ..HubConfig::default()
    };
    let server = Server::with(config).await;
    let (_, identity) = server.identity();
    let mut raw = Raw::connect(server.address, &identity).await.unwrap();
    raw.hello(7).await;
    let big = |revision| wk_domain::spec::AssignmentSet {
        agent: identity.agent_id(),
        revision,
        checks: (0..40)
            .map(|n| wk_domain::spec::Assignment {
                check: wk_domain::CheckId::new(n, [0; 10]),
                interval: Duration::from_secs(60),
                timeout: Duration::from_secs(10),
                thresholds: vec![],
                spec: wk_domain::spec::CheckSpec::Ssh {
                    address: "x".repeat(400_000),
                    port: 22,
                    expect: String::new(),
                },
            })
            .collect(),
    };
    server.desk.assign(big(2));
    until("the link is closed", || yes(!server.desk.linked(identity.agent_id()))).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever bytes agent A sends after its handshake, nothing but A is ever named to the desk, and B is served.
    #[test]
    fn no_byte_makes_one_agent_another(
        frames in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                // Near misses: frames that name another agent or host where they can.
                Just(frame(Body::Hello(Hello {
                    protocol: 1,
                    epoch: 7,
                    hostname: AgentId::new(2, [7; 10]).to_string(),
                    machine_digest: vec![2; 32],
                    ..Default::default()
                }))),
                (1..4_u64).prop_map(|seq| frame(Body::Batch(Batch {
                    seq,
                    results: vec![wire::CheckResult {
                        check_id: wk_domain::CheckId::new(2, [7; 10]).to_string(),
                        ..Default::default()
                    }],
                    executions: vec![wire::Execution {
                        id: wk_domain::ExecutionId::new(2, [7; 10]).to_string(),
                        kind: "probe".into(),
                        ..Default::default()
                    }],
                    ..Default::default()
                }))),
                Just(frame(Body::Dictionary(Dictionary {
                    id: 0,
                    first: 0,
                    series: vec![SeriesDef {
                        name: "host".into(),
                        labels: vec![wire::Label {
                            name: "host".into(),
                            value: wk_domain::HostId::new(2, [7; 10]).to_string(),
                        }],
                        ..Default::default()
                    }],
                }))),
            ],
            1..8,
        ),
        greet in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start().await;
            let mut b = server.agent();
            b.linked().await;
            let (_, a) = server.identity();
            let mut raw = Raw::connect(server.address, &a).await.unwrap();
            if greet {
                raw.hello(7).await;
            }
            for bytes in &frames {
                raw.writer.queue_encoded(bytes).unwrap();
            }
            let _ = raw.writer.drive(Instant::now() + PATIENCE).await;
            let _ = raw.writer.shutdown(Instant::now() + PATIENCE).await;
            raw.goodbye().await;
            b.outbox.append(numbered(1)).await.unwrap();
            until("b is served", || yes(server.desk.ids(b.id) == [1])).await;
            let known = server.desk.known.lock();
            for (agent, known) in known.iter() {
                assert!([a.agent_id(), b.id].contains(agent), "a third agent appeared");
                for batch in &known.batches {
                    assert!(batch.executions.iter().all(|execution| execution.agent == *agent));
                    // A name says nothing of a host: whose series they are is the certificate's to say.
                    let own = wk_domain::HostId::new(9, [9; 10]);
                    assert!(batch.series.of(own).all(|meta| meta.key.host == own));
                }
            }
            assert_eq!(known[&b.id].batches.len(), 1);
        });
    }
}
