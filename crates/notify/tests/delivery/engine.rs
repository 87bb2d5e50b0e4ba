//! The whole way: a real engine, its store, and delivery woken by what the engine says.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use wk_domain::{AgentId, Timestamp, TokenId};
use wk_engine::ports::TenantScope;
use wk_engine::ports::issuer::{AuthorityCert, IssueError, Issued, Issuer};
use wk_engine::ports::rows::EventFilter;
use wk_engine::ports::rows::{ChannelRow, Page};
use wk_engine::ports::{Store, SystemClock};
use wk_engine::{Engine, Ports};
use wk_seal::SecretBytes;
use wk_store::{Access, SqlStore, StoreUrl};

use crate::support::{KEY, PATIENCE, Receiver, draft, now, problem};

/// No agent enrols here.
#[derive(Debug)]
struct Nobody;

impl Issuer for Nobody {
    fn issue_agent(&self, _: &[u8], _: AgentId, _: Timestamp) -> Result<Issued, IssueError> {
        Err(IssueError::Authority("none".to_owned()))
    }
    fn chain_of(&self, _: &[u8]) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn roots_der(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn spki_sha256(&self, _: &[u8]) -> Result<String, IssueError> {
        Err(IssueError::Authority("none".to_owned()))
    }
    fn enrolment_line(&self, _: TokenId, _: &[u8; 16]) -> String {
        String::new()
    }
    fn inventory(&self) -> Vec<AuthorityCert> {
        Vec::new()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_engine_puts_into_the_outbox_is_delivered_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let url = StoreUrl::sqlite(dir.path().join("state.db"));
    let store: Arc<dyn Store> = Arc::new(SqlStore::open(&url, Access::Server, now()).await.unwrap());
    let receiver = Receiver::with(&crate::support::Authority::new(), "localhost", 0, vec![]).await;
    let mut config = receiver.config();
    config["url"] = format!("https://localhost:{}/in", receiver.port).into();
    let config = wk_notify::check_config("webhook", &config).unwrap();
    let row = ChannelRow {
        id: wk_engine::ids::new_id(now()),
        tenant: wk_domain::TenantId::ROOT,
        name: "Night shift".to_owned(),
        kind: "webhook".to_owned(),
        config_json: config.to_string(),
        secret_sealed: b"sealed".to_vec(),
        enabled: true,
        revision: 0,
    };
    let channel = store.put_channel(row, draft()).await.unwrap();
    let metrics = wk_tsdb::Store::open(&dir.path().join("metrics"), wk_tsdb::Options::default()).unwrap();
    let stop = CancellationToken::new();
    let ports = Ports {
        store: Arc::clone(&store),
        metrics: Arc::new(metrics),
        clock: Arc::new(SystemClock),
        issuer: Arc::new(Nobody),
    };
    let (engine, tasks) = Engine::start(ports, stop.clone()).await.unwrap();
    let (_, mut live) = engine.live().subscribe(None);
    let expected = channel.id.to_string();
    let unseal: Arc<wk_notify::Unseal> = Arc::new(move |id, sealed| {
        assert_eq!((id, sealed), (expected.as_str(), &b"sealed"[..]));
        Ok(SecretBytes::new(KEY.to_vec()))
    });
    // The one that cannot be read is left out, not taken for more.
    let listed = vec!["::1/128".to_owned(), "127.0.0.1/8".to_owned(), "127.0.0.0/8".to_owned()];
    let delivery = tokio::spawn(wk_notify::run(Arc::clone(&engine), unseal, listed, stop.clone()));

    let row = problem(&channel);
    store.put_outbox(row.clone(), None).await.unwrap();
    let told = async {
        loop {
            if let (_, wk_engine::live::Live::Event(event)) = live.recv().await.unwrap() {
                break event;
            }
        }
    };
    let event = tokio::time::timeout(PATIENCE, told).await.expect("nobody was told");
    assert_eq!(event.kind, "notification");
    assert_eq!(event.summary, "Told Night shift: CRITICAL web-1: Disk /var");
    let posted = receiver.posted();
    assert_eq!(posted[0].id(), row.id.to_string());
    assert!(posted[0].is_signed_with(KEY));
    let events = store
        .events(&TenantScope::whole(), EventFilter::default(), Page { limit: 10, after: None })
        .await
        .unwrap();
    assert_eq!(events, [(*event).clone()]);
    assert!(engine.counters().all().contains(&("notify.delivered".to_owned(), 1)));

    stop.cancel();
    tokio::time::timeout(PATIENCE, delivery).await.expect("it does not end").unwrap();
    tasks.ended().await;
}
