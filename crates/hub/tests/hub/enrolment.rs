//! From a pasted token to an identity, and the many ways not to.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tokio::time::Instant;
use wk_hub::HubConfig;
use wk_link::{EnrolError, EnrolToken, enrol};
use wk_pki::AgentStore;
use wk_wire::frame::{FrameReader, FrameWriter, Limits};
use wk_wire::{EnrolReply, EnrolRequest};

use crate::support::*;

fn store(server: &Server, name: &str) -> Arc<AgentStore> {
    Arc::new(AgentStore::open(&path_of(&server.dir, name)).unwrap())
}

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_token_makes_an_agent_that_links_and_is_good_once() {
    let server = Server::start().await;
    let token = EnrolToken::parse(server.desk.token(&[server.address]).encode().expose()).unwrap();
    let first = store(&server, "first");
    let identity = enrol(&token, Arc::clone(&first), &facts(), None, LIMIT).await.unwrap();
    let mut agent = server.agent_with(first, &identity, server.link_config());
    agent.linked().await;
    agent.outbox.append(numbered(1)).await.unwrap();
    until("the batch is committed", || yes(server.desk.ids(agent.id) == [1])).await;

    let error = enrol(&token, store(&server, "second"), &facts(), None, LIMIT).await.unwrap_err();
    assert!(matches!(error, EnrolError::Refused), "{error}");
    assert!(error.to_string().contains("Ask for a new one"));
}

#[tokio::test]
async fn the_token_of_another_authority_sends_nothing() {
    let server = Server::start().await;
    let other = Server::start().await;
    // It names this server and the other's root: somebody in the middle.
    let token = other.desk.token(&[server.address]);
    let error = enrol(&token, store(&server, "a"), &facts(), None, LIMIT).await.unwrap_err();
    assert!(matches!(error, EnrolError::Unreachable { .. }), "{error}");
    until("the server notices", || yes(server.desk.refusals_of("handshake") == 1)).await;
    assert!(server.desk.tokens.lock().is_empty());
}

#[tokio::test]
async fn the_next_server_of_a_token_is_tried() {
    let server = Server::start().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let token = server.desk.token(&[gone, server.address]);
    enrol(&token, store(&server, "a"), &facts(), None, LIMIT).await.unwrap();
}

async fn ask(server: &Server, request: &[u8]) -> Option<EnrolReply> {
    let config = wk_pki::client_config_enrol(server.desk.ca.root_spki_sha256()).unwrap();
    let (read, write) = tokio::io::split(handshake(server.address, config).await.unwrap());
    let until = Instant::now() + PATIENCE;
    let mut writer = FrameWriter::new(write, 1 << 20);
    writer.queue_encoded(request).unwrap();
    let _ = writer.drive(until).await;
    let frame = FrameReader::new(read, Limits::ENROL).next(until).await.ok()??;
    EnrolReply::decode(frame).ok()
}

#[tokio::test]
async fn every_refusal_looks_the_same() {
    let server = Server::with(HubConfig { enrol_burst: 100.0, ..HubConfig::default() }).await;
    let token = server.desk.token(&[server.address]);
    let csr_der = store(&server, "a").request().unwrap();
    let good = EnrolRequest {
        protocol: 1,
        token_id: token.id().to_string(),
        secret: token.secret().expose().to_vec(),
        csr_der,
        ..Default::default()
    };
    let bad = [
        EnrolRequest { protocol: 9, ..good.clone() },
        EnrolRequest { secret: vec![0; 16], ..good.clone() },
        EnrolRequest { secret: vec![], ..good.clone() },
        EnrolRequest { token_id: "token_01h455vb4pex5vsknk084sn02q".into(), ..good.clone() },
        EnrolRequest { token_id: "x".repeat(10_000), ..good.clone() },
        EnrolRequest { csr_der: vec![0x30; 5000], ..good.clone() },
    ];
    let mut replies: Vec<_> = vec![];
    for request in bad {
        replies.push(ask(&server, &request.encode_to_vec()).await.unwrap());
    }
    replies.push(ask(&server, b"GET / HTTP/1.1\r\n\r\n").await.unwrap());
    replies.push(ask(&server, &vec![7; 40 << 10]).await.unwrap());
    for reply in replies {
        assert_eq!(EnrolReply { now_ms: 0, ..reply }, EnrolReply::default());
    }
    // A bad request has not used the token up.
    assert!(ask(&server, &good.encode_to_vec()).await.unwrap().granted);
    assert!(!ask(&server, &good.encode_to_vec()).await.unwrap().granted);
}

#[tokio::test]
async fn attempts_are_counted_by_source() {
    let server = Server::start().await;
    let token = server.desk.token(&[server.address]);
    let mut refused = 0;
    for n in 0..8 {
        let result = enrol(&token, store(&server, &format!("a{n}")), &facts(), None, LIMIT).await;
        refused += usize::from(matches!(result, Err(EnrolError::Unreachable { .. })));
    }
    assert!(refused >= 1, "a burst of five a source");
    assert_eq!(server.desk.refusals_of("enrol-rate"), refused);
    // Links do not suffer from it.
    server.agent().linked().await;
}
