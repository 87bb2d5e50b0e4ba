//! Real parts: an SQLite store in a temporary folder, an HTTPS receiver, a mail server of somebody else's making.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine as _;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use wk_audit::{Actor, ActorKind, Draft};
use wk_domain::{ChannelId, CheckId, HostId, Timestamp};
use wk_engine::ids::new_id;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{ChannelRow, EventFilter, EventRow, OutboxRow, Page};
use wk_engine::ports::{Clock, Store, SystemClock};
use wk_notify::deliver::{Delivery, Observer, Parts, Policy};
use wk_notify::egress::{Egress, Resolve};
use wk_seal::SecretBytes;
use wk_store::{Access, SqlStore, StoreUrl};

/// Beyond this a test has failed; on a good day nothing takes a second.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const KEY: &[u8] = b"canary-signing-key-5d1e";

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn draft() -> Draft {
    Draft::new(now().as_ms() * 1_000_000, Actor::new(ActorKind::User, "user_x"), "channel.create")
}

/// Short waits, so that many attempts fit into a test.
pub(crate) fn policy() -> Policy {
    Policy {
        poll: Duration::from_millis(20),
        backoff_first: Duration::from_millis(30),
        backoff_max: Duration::from_millis(120),
        pause_max: Duration::from_millis(30),
        ..Policy::default()
    }
}

/// An authority and what it signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        let name = format!("Authority {}", new_id::<wk_domain::id::HostKind>(now()));
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key, PEM.
    pub(crate) fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    pub(crate) fn acceptor(&self, name: &str) -> TlsAcceptor {
        let (cert, key) = self.sign(name);
        let chain: Vec<CertificateDer<'static>> = vec![cert.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Every name under `.test` is this machine.
#[derive(Debug)]
struct Names;

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        match name.ends_with(".test") {
            true => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
            false => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) events: Mutex<Vec<EventRow>>,
    pub(crate) counts: Mutex<HashMap<&'static str, u64>>,
}

impl Observer for Heard {
    fn event(&self, event: EventRow) {
        self.events.lock().push(event);
    }

    fn count(&self, name: &'static str) {
        *self.counts.lock().entry(name).or_default() += 1;
    }
}

/// A store with delivery running on it.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: Arc<SqlStore>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) wake: Arc<Notify>,
    listed: Vec<&'static str>,
    policy: Policy,
    running: Option<(JoinHandle<()>, CancellationToken)>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(policy(), vec!["127.0.0.0/8"]).await
    }

    pub(crate) async fn with(policy: Policy, listed: Vec<&'static str>) -> Self {
        let mut bench = Self::idle(policy, listed).await;
        bench.start();
        bench
    }

    /// Not delivering yet.
    pub(crate) async fn idle(policy: Policy, listed: Vec<&'static str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).await;
        Self { dir, store, heard: Arc::default(), wake: Arc::default(), listed, policy, running: None }
    }

    pub(crate) fn start(&mut self) {
        let delivery = Delivery::new(Parts {
            store: self.store.clone(),
            clock: Arc::new(SystemClock),
            // Sealing is another crate's; here the sealed form is the secret itself.
            unseal: Arc::new(|_, sealed| Ok(SecretBytes::new(sealed.to_vec()))),
            egress: Egress::with_resolver(
                self.listed.iter().map(|n| n.parse().unwrap()).collect(),
                Arc::new(Names),
            ),
            observer: self.heard.clone(),
            policy: self.policy.clone(),
            console_url: Some("https://watch.test:8443".to_owned()),
        });
        let stop = CancellationToken::new();
        let (wake, token) = (Arc::clone(&self.wake), stop.clone());
        let task = tokio::spawn(async move { delivery.run(wake, token).await });
        self.running = Some((task, stop));
    }

    /// As `kill -9` does: nothing is finished, nothing is said.
    pub(crate) async fn kill(&mut self) {
        let (task, _) = self.running.take().unwrap();
        task.abort();
        let _ = task.await;
        self.store = open(self.dir.path()).await;
    }

    pub(crate) async fn stop(&mut self) {
        let (task, stop) = self.running.take().unwrap();
        stop.cancel();
        tokio::time::timeout(PATIENCE, task).await.expect("it does not end").unwrap();
    }

    pub(crate) async fn channel(&self, kind: &str, config: Value, secret: &[u8]) -> ChannelRow {
        let config =
            wk_notify::check_config(kind, &config).unwrap_or_else(|(at, what)| panic!("{at}: {what}"));
        let id: ChannelId = new_id(now());
        let row = ChannelRow {
            id,
            tenant: wk_domain::TenantId::ROOT,
            name: format!("Night shift {id}"),
            kind: kind.to_owned(),
            config_json: config.to_string(),
            secret_sealed: secret.to_vec(),
            enabled: true,
            revision: 0,
        };
        self.store.put_channel(row, draft()).await.unwrap()
    }

    /// A webhook to the receiver.
    pub(crate) async fn hook(&self, receiver: &Receiver) -> ChannelRow {
        self.channel("webhook", receiver.config(), KEY).await
    }

    pub(crate) async fn put(&self, row: OutboxRow) -> OutboxRow {
        self.store.put_outbox(row.clone(), None).await.unwrap();
        self.wake.notify_one();
        row
    }

    pub(crate) async fn row(&self, id: &OutboxRow) -> OutboxRow {
        let rows =
            self.store.outbox_recent(&TenantScope::whole(), Page { limit: 500, after: None }).await.unwrap();
        rows.into_iter().find(|row| row.id == id.id).expect("the row is there")
    }

    /// Waits for a state of the row.
    pub(crate) async fn until(&self, id: &OutboxRow, what: impl Fn(&OutboxRow) -> bool) -> OutboxRow {
        let started = std::time::Instant::now();
        loop {
            let row = self.row(id).await;
            if what(&row) {
                return row;
            }
            assert!(started.elapsed() < PATIENCE, "still {row:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn delivered(&self, id: &OutboxRow) -> OutboxRow {
        self.until(id, |row| row.state == "delivered").await
    }

    pub(crate) async fn failed(&self, id: &OutboxRow) -> OutboxRow {
        self.until(id, |row| row.state == "failed").await
    }

    pub(crate) async fn events(&self) -> Vec<EventRow> {
        self.store
            .events(&TenantScope::whole(), EventFilter::default(), Page { limit: 500, after: None })
            .await
            .unwrap()
    }
}

async fn open(dir: &Path) -> Arc<SqlStore> {
    let url = StoreUrl::sqlite(dir.join("state.db"));
    Arc::new(SqlStore::open(&url, Access::Server, now()).await.unwrap())
}

/// A problem of a check of its own, as the engine writes it.
pub(crate) fn problem(channel: &ChannelRow) -> OutboxRow {
    about(channel, new_id(now()), "problem", "critical", "Disk /var", "/var is 97 % full")
}

pub(crate) fn about(
    channel: &ChannelRow,
    check: CheckId,
    kind: &str,
    status: &str,
    title: &str,
    output: &str,
) -> OutboxRow {
    // Apart, as the engine writes them: their order is the order of their times.
    static LAST: AtomicI64 = AtomicI64::new(0);
    let next = |last| Some(now().as_ms().max(last + 1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap();
    let at = Timestamp::from_ms(now().as_ms().max(last + 1));
    let id = new_id(at);
    let host: HostId = new_id(at);
    let payload = json!({
        "id": format!("{id}"),
        "kind": kind,
        "at_ms": at.as_ms(),
        "host": {"id": host.to_string(), "name": "web-1"},
        "check": {"id": check.to_string(), "title": title},
        "status": status,
        "was": "ok",
        "since_ms": at.as_ms() - 60_000,
        "output": output,
        "number": 1,
        "flapping": false,
    });
    OutboxRow {
        id,
        channel: channel.id,
        check,
        host,
        kind: kind.to_owned(),
        created: at,
        payload_json: payload.to_string(),
        state: "pending".to_owned(),
        attempts: 0,
        next_attempt: now(),
        last_error: String::new(),
        delivered: None,
    }
}

/// How the receiver answers.
#[derive(Clone)]
pub(crate) enum Answer {
    Status(u16),
    With(u16, &'static str, String),
    /// Never.
    Silence,
    /// When told to.
    Gate(Arc<Notify>),
    /// 200 and a body without end.
    Endless,
    /// Closes the connection instead.
    Drop,
}

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Posted {
    pub(crate) fn id(&self) -> &str {
        self.headers["x-watchkeep-notification"].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// As a receiver does it: the signature is over time and body, and the time is now.
    pub(crate) fn is_signed_with(&self, key: &[u8]) -> bool {
        let header = self.headers["x-watchkeep-signature"].to_str().unwrap();
        let (t, v1) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let age = now().as_ms() / 1000 - t.parse::<i64>().unwrap();
        let mac: Vec<u8> =
            (0..v1.len() / 2).map(|i| u8::from_str_radix(&v1[2 * i..2 * i + 2], 16).unwrap()).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        age.abs() <= 60 && hmac::verify(&key, format!("{t}.{}", self.body).as_bytes(), &mac).is_ok()
    }
}

/// A real HTTPS receiver.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    pub(crate) pem: String,
    pub(crate) posted: Arc<Mutex<Vec<Posted>>>,
    /// Connections, TLS or not.
    pub(crate) dialled: Arc<Mutex<usize>>,
    pub(crate) arrived: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let authority = Authority::new();
        Self::with(&authority, "hooks.test", 0, answers).await
    }

    /// Answers in turn; then 204.
    pub(crate) async fn with(authority: &Authority, name: &str, port: u16, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = authority.acceptor(name);
        let posted: Arc<Mutex<Vec<Posted>>> = Arc::default();
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<std::collections::VecDeque<_>>()));
        let (dialled, arrived): (Arc<Mutex<usize>>, Arc<Notify>) = Default::default();
        let (log, count, bell) = (Arc::clone(&posted), Arc::clone(&dialled), Arc::clone(&arrived));
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                *count.lock() += 1;
                let (acceptor, log, answers, bell) =
                    (acceptor.clone(), Arc::clone(&log), Arc::clone(&answers), Arc::clone(&bell));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request: Request<Incoming>| {
                        let (log, answers, bell) =
                            (Arc::clone(&log), Arc::clone(&answers), Arc::clone(&bell));
                        async move { answer(request, &log, &answers, &bell).await }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { port, pem: authority.pem.clone(), posted, dialled, arrived, task }
    }

    pub(crate) fn config(&self) -> Value {
        json!({"url": format!("https://hooks.test:{}/in?x=1", self.port), "root_pem": self.pem})
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.lock().clone()
    }
}

type Body = BoxBody<Bytes, Infallible>;

async fn answer(
    request: Request<Incoming>,
    log: &Mutex<Vec<Posted>>,
    answers: &Mutex<std::collections::VecDeque<Answer>>,
    bell: &Notify,
) -> Result<Response<Body>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    log.lock().push(Posted {
        path: head.uri.to_string(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    bell.notify_one();
    let empty = |status: u16| {
        let mut response = Response::new(http_body_util::Empty::new().boxed());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    };
    let next = answers.lock().pop_front();
    match next {
        None => Ok(empty(204)),
        Some(Answer::Status(status)) => Ok(empty(status)),
        Some(Answer::With(status, name, value)) => {
            let mut response = empty(status);
            response.headers_mut().insert(name, value.parse().unwrap());
            Ok(response)
        }
        Some(Answer::Silence) => std::future::pending().await,
        Some(Answer::Gate(gate)) => {
            gate.notified().await;
            Ok(empty(200))
        }
        Some(Answer::Endless) => Ok(Response::new(Endless.boxed())),
        Some(Answer::Drop) => Err(std::io::ErrorKind::ConnectionReset.into()),
    }
}

struct Endless;

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16 * 1024])))))
    }
}

/// A mail server by aiosmtpd.
pub(crate) struct MailServer {
    child: Child,
    pub(crate) port: u16,
    pub(crate) said: Arc<Mutex<Vec<Value>>>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl MailServer {
    /// Starts one with a certificate for `mail.test`.
    pub(crate) fn start(dir: &Path, authority: &Authority, args: &[&str]) -> Self {
        let (cert, key) = authority.sign("mail.test");
        let write = |name: &str, text: String| {
            let path = dir.join(format!("{name}-{}", new_id::<wk_domain::id::HostKind>(now())));
            std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
            path
        };
        let (cert, key) = (write("cert", cert.pem()), write("key", key.serialize_pem()));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/delivery/smtpd.py");
        let mut child = Command::new("/usr/bin/python3")
            .arg("-B")
            .arg(script)
            .arg("--cert")
            .arg(cert)
            .arg("--key")
            .arg(key)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("install Python and aiosmtpd: apt-get install -y python3-aiosmtpd");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().and_then(Result::ok);
        let first =
            first.expect("the mail server did not start; install it: apt-get install -y python3-aiosmtpd");
        let port = serde_json::from_str::<Value>(&first).unwrap()["port"].as_u64().unwrap();
        let said: Arc<Mutex<Vec<Value>>> = Arc::default();
        let log = Arc::clone(&said);
        // Ends with the child's output.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                log.lock().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, port: port.try_into().unwrap(), said }
    }

    fn events(&self, what: &str) -> Vec<Value> {
        self.said.lock().iter().filter(|event| event["event"] == what).cloned().collect()
    }

    pub(crate) fn logins(&self) -> Vec<Value> {
        self.events("login")
    }

    pub(crate) fn connections(&self) -> usize {
        self.events("connection").len()
    }

    /// Mails whose text reached the server, taken or not.
    pub(crate) fn mails(&self) -> Vec<Letter> {
        self.events("mail").into_iter().map(Letter::read).collect()
    }
}

/// A mail as the server got it.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) code: String,
    pub(crate) sender: String,
    pub(crate) to: Vec<String>,
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) raw: String,
}

impl Letter {
    fn read(event: Value) -> Self {
        let raw =
            base64::engine::general_purpose::STANDARD.decode(event["content"].as_str().unwrap()).unwrap();
        let raw = String::from_utf8(raw).unwrap();
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in raw.split_once("\r\n\r\n").unwrap().0.split("\r\n") {
            match line.strip_prefix([' ', '\t']) {
                Some(more) => headers.last_mut().unwrap().1.push_str(&format!(" {more}")),
                None => {
                    let (name, value) = line.split_once(':').unwrap();
                    headers.push((name.to_owned(), value.trim().to_owned()));
                }
            }
        }
        Self {
            code: event["code"].as_str().unwrap().to_owned(),
            sender: event["sender"].as_str().unwrap().to_owned(),
            to: serde_json::from_value(event["to"].clone()).unwrap(),
            tls: event["tls"].as_bool().unwrap(),
            user: event["user"].as_str().map(ToOwned::to_owned),
            headers,
            raw,
        }
    }

    /// The one header of this name.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found: Vec<_> = self.headers.iter().filter(|(n, _)| n == name).collect();
        assert_eq!(found.len(), 1, "{name} in {:?}", self.headers);
        &found[0].1
    }
}
