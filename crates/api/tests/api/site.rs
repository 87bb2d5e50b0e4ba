//! A server on a free port, and the people who use it.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use wk_api::{App, Desk, Doors, Limits, PortsOf, RouteInfo};
use wk_authz::{Actor, Role};
use wk_domain::UserId;
use wk_engine::ports::Store;
use wk_engine::ports::rows::{AuditRow, SessionRow, UserRow};
use wk_engine::record;
use wk_identity::outside::ProviderKind;
use wk_identity::{HashCost, HasherLimits, PasswordHasher, Peppers, SessionToken};
use wk_pki::{Ca, KeyProtection, ServerNames};
use wk_seal::{DataKeys, KekRing, MacKey};

use crate::rig::Rig;

/// Nothing here takes that long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Site {
    pub(crate) rig: Rig,
    pub(crate) desk: Arc<Desk>,
    /// A password may be hashed under it still, and is hashed anew then.
    pub(crate) old_pepper: MacKey,
    pub(crate) table: Vec<RouteInfo>,
    pub(crate) document: Value,
    pub(crate) address: SocketAddr,
    socket: std::path::PathBuf,
    roots: RootCertStore,
    roots_der: Vec<Vec<u8>>,
    router: wk_api::Router,
    tls: watch::Receiver<Arc<rustls::ServerConfig>>,
    stop: CancellationToken,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) version: Version,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {:?}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The line that sets this cookie.
    pub(crate) fn cookie_line(&self, name: &str) -> String {
        let mut lines = self.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        lines.rfind(|line| line.starts_with(&format!("{name}="))).expect(name).to_owned()
    }

    /// The value of this cookie that was set.
    pub(crate) fn cookie(&self, name: &str) -> String {
        let line = self.cookie_line(name);
        line.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
    }

    /// The session cookie that was set.
    pub(crate) fn session(&self) -> String {
        let cookie = self.header("set-cookie");
        cookie.split(';').next().unwrap().strip_prefix("__Host-sid=").expect(cookie).to_owned()
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Persona {
    Nobody,
    /// With a session.
    Session(String),
    /// With a token.
    Bearer(String),
    /// Over the local socket.
    Local,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(Rig::new().await, true).await
    }

    pub(crate) async fn unclaimed() -> Self {
        Self::unclaimed_at(HashCost::FLOOR).await
    }

    /// Unclaimed, with another cost of hashing than the least.
    pub(crate) async fn unclaimed_at(cost: HashCost) -> Self {
        Self::with_all(Rig::new().await, false, Limits::DEFAULT, cost, Self::kinds()).await
    }

    pub(crate) async fn with(rig: Rig, claimed: bool) -> Self {
        Self::with_limits(rig, claimed, Limits::DEFAULT).await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        Self::with_limits(Rig::new().await, true, limits).await
    }

    async fn with_limits(rig: Rig, claimed: bool, limits: Limits) -> Self {
        Self::with_all(rig, claimed, limits, HashCost::FLOOR, Self::kinds()).await
    }

    fn kinds() -> Vec<Arc<dyn ProviderKind>> {
        vec![Arc::new(wk_saml::Saml)]
    }

    /// With these kinds of providers.
    pub(crate) async fn outside(rig: Rig, claimed: bool, kinds: Vec<Arc<dyn ProviderKind>>) -> Self {
        Self::with_all(rig, claimed, Limits::DEFAULT, HashCost::FLOOR, kinds).await
    }

    /// Our authority, PEM.
    pub(crate) fn roots_pem(&self) -> String {
        use base64::Engine as _;
        let pem = |der: &Vec<u8>| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            let lines: Vec<&str> =
                text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
        };
        self.roots_der.iter().map(pem).collect()
    }

    async fn with_all(
        rig: Rig,
        claimed: bool,
        limits: Limits,
        cost: HashCost,
        kinds: Vec<Arc<dyn ProviderKind>>,
    ) -> Self {
        let ring = KekRing::in_memory().unwrap();
        let (mut keys, _) = DataKeys::create(&ring).unwrap();
        let old_pepper = keys.mac_key("pepper", None).unwrap();
        keys.add(&ring).unwrap();
        let keys = Arc::new(keys);
        let peppers = Peppers::new(keys.mac_key("pepper", None).unwrap(), vec![old_pepper.clone()]);
        let hasher = PasswordHasher::new(peppers, cost, HasherLimits::for_cores(2)).unwrap();
        let desk = Desk::new(hasher, Arc::clone(&keys), claimed).with_blocklist(rig.dir.path());
        let desk = Arc::new(desk);
        let ports_of = PortsOf {
            seal: Box::new(|_, _, secret| Ok(secret.iter().map(|byte| byte ^ 0x5a).collect())),
            check_channel: Box::new(|kind, config| match (kind, config.get("url")) {
                ("webhook", Some(_)) => Ok(config.clone()),
                ("webhook", None) => Err(("/url".to_owned(), "say where to".to_owned())),
                _ => Err((String::new(), "no such kind".to_owned())),
            }),
            fingerprint: Box::new(|_| "00".repeat(32)),
            ports: Box::new(Vec::new),
            self_checks: Box::new(Vec::new),
        };
        let app = App::new(Arc::clone(&rig.engine), Arc::clone(&desk), ports_of)
            .recheck_streams_every(Duration::from_millis(200))
            .called(["watch.acme.example".to_owned()])
            .outside(kinds)
            .limited(limits);
        let (router, table, document) = wk_api::build(app);

        let names = ServerNames::parse(["localhost", "127.0.0.1"]).unwrap();
        let ca = Ca::open_or_create(&rig.dir.path().join("ca"), &KeyProtection::FileMode, &names, rig.now())
            .unwrap();
        let mut roots = RootCertStore::empty();
        let mut roots_der = Vec::new();
        for root in ca.roots() {
            roots_der.push(root.as_ref().to_vec());
            roots.add(root).unwrap();
        }
        let (_, tls) = watch::channel(wk_pki::server_config_console(&ca.server_identity()).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = rig.dir.path().join("admin.sock");
        let local = UnixListener::bind(&socket).unwrap();
        let own = std::fs::metadata(rig.dir.path()).unwrap().uid();
        let stop = CancellationToken::new();
        tokio::spawn(wk_api::serve_tls(listener, tls.clone(), router.clone(), stop.clone()));
        tokio::spawn(wk_api::serve_local(local, own, router.clone(), stop.clone()));
        Self { rig, desk, old_pepper, table, document, address, socket, roots, roots_der, router, tls, stop }
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.rig.end().await;
    }

    /// Another listener with the same routes.
    pub(crate) async fn door(&self, doors: Doors) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tls, router, stop) = (self.tls.clone(), self.router.clone(), self.stop.clone());
        tokio::spawn(wk_api::serve_tls_with(doors, listener, tls, router, stop));
        address
    }

    /// A local socket of a server that belongs to `uid`.
    pub(crate) fn socket_of(&self, uid: u32) -> std::path::PathBuf {
        let path = self.rig.dir.path().join(format!("admin-{uid}.sock"));
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(wk_api::serve_local(listener, uid, self.router.clone(), self.stop.clone()));
        path
    }

    /// A TLS connection with these protocols.
    pub(crate) async fn dial(
        &self,
        address: SocketAddr,
        alpn: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let config = self.tls(rustls::DEFAULT_VERSIONS, alpn);
        let tcp = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), tcp).await
    }

    /// Somebody with a role, without a password.
    pub(crate) async fn person(&self, name: &str, role: Role) -> UserId {
        let id: UserId = wk_engine::ids::new_id(self.rig.now());
        let user = UserRow {
            id,
            tenant: wk_domain::TenantId::ROOT,
            name: name.to_owned(),
            display_name: name.to_owned(),
            role: role.as_str().to_owned(),
            password_phc: String::new(),
            totp_sealed: Vec::new(),
            totp_revision: 1,
            totp_last_step: 0,
            created: self.rig.now(),
            disabled: None,
            failures: 0,
            revision: 1,
        };
        let audit = record::draft(&Actor::system(), self.rig.now(), "user.create", "user", id);
        self.rig.store.create_user(user, Vec::new(), audit).await.unwrap();
        id
    }

    /// A new session of a person.
    pub(crate) async fn session_of(&self, user: UserId) -> Persona {
        let token = SessionToken::generate().unwrap();
        let now = self.rig.now();
        let session = SessionRow {
            id: wk_engine::ids::new_id(now),
            token_sha256: token.sha256().to_vec(),
            user,
            created: now,
            last_used: now,
            address: "127.0.0.1".to_owned(),
            user_agent: "test".to_owned(),
            method: "password+totp".to_owned(),
            ended: None,
            elevated: Some(now),
        };
        let audit = record::draft(&Actor::system(), now, "session.open", "session", session.id);
        self.rig.store.put_session(session, audit).await.unwrap();
        Persona::Session(token.text().expose().clone())
    }

    pub(crate) async fn as_role(&self, role: Role) -> Persona {
        let name = role.as_str();
        let user = match self.rig.store.user_by_name(name).await.unwrap() {
            Some(user) => user.id,
            None => self.person(name, role).await,
        };
        self.session_of(user).await
    }

    pub(crate) async fn as_viewer(&self) -> Persona {
        self.as_role(Role::Viewer).await
    }

    pub(crate) async fn as_operator(&self) -> Persona {
        self.as_role(Role::Operator).await
    }

    pub(crate) async fn as_admin(&self) -> Persona {
        self.as_role(Role::Admin).await
    }

    pub(crate) fn as_nobody(&self) -> Persona {
        Persona::Nobody
    }

    pub(crate) fn as_local(&self) -> Persona {
        Persona::Local
    }

    pub(crate) fn tls(&self, versions: &[&'static SupportedProtocolVersion], alpn: &[&str]) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// Sends a request as it is.
    pub(crate) async fn open(&self, request: Request<Full<Bytes>>, local: bool) -> http::Response<Incoming> {
        let sent = async {
            if local {
                let stream = UnixStream::connect(&self.socket).await.unwrap();
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                return sender.send_request(request).await.unwrap();
            }
            let config = Arc::new(self.tls(rustls::DEFAULT_VERSIONS, &["http/1.1"]));
            // The server answers and closes before a body that it does not want has come. Browsers and curl read that
            // answer; this client gives up when it cannot write on, now and then.
            for _ in 0..20 {
                let tcp = TcpStream::connect(self.address).await.unwrap();
                let name = ServerName::try_from("localhost").unwrap();
                let stream = TlsConnector::from(Arc::clone(&config)).connect(name, tcp).await.unwrap();
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                match sender.send_request(request.clone()).await {
                    Ok(answer) => return answer,
                    Err(error) if format!("{error:?}").contains("BodyWrite") => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            panic!("no answer in twenty tries")
        };
        tokio::time::timeout(PATIENCE, sent).await.expect("an answer in time")
    }

    /// Over HTTP/2.
    pub(crate) async fn open_h2(&self, request: Request<Full<Bytes>>) -> http::Response<Incoming> {
        let config = self.tls(rustls::DEFAULT_VERSIONS, &["h2"]);
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }

    pub(crate) fn request(
        &self,
        who: &Persona,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap())
            .uri(path)
            .header("host", format!("localhost:{}", self.address.port()));
        if let Persona::Session(token) = who {
            request = request.header("cookie", format!("__Host-sid={token}"));
        }
        if let Persona::Bearer(token) = who {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map(|body| Bytes::from(serde_json::to_vec(body).unwrap())).unwrap_or_default();
        request.body(Full::new(bytes)).unwrap()
    }

    pub(crate) async fn finish(&self, response: http::Response<Incoming>) -> Answer {
        let (parts, body) = response.into_parts();
        let body = tokio::time::timeout(PATIENCE, body.collect()).await.expect("a whole answer in time");
        let body = body.unwrap().to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, version: parts.version, body }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.open(request, false).await;
        self.finish(response).await
    }

    pub(crate) async fn ask(&self, who: &Persona, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(who, method, path, body);
        let response = self.open(request, matches!(who, Persona::Local)).await;
        self.finish(response).await
    }

    pub(crate) async fn get(&self, who: &Persona, path: &str) -> Answer {
        self.ask(who, "get", &format!("/api/v1{path}"), None).await
    }

    pub(crate) async fn post(&self, who: &Persona, path: &str, body: Value) -> Answer {
        self.ask(who, "post", &format!("/api/v1{path}"), Some(&body)).await
    }

    pub(crate) async fn put(&self, who: &Persona, path: &str, body: Value) -> Answer {
        self.ask(who, "put", &format!("/api/v1{path}"), Some(&body)).await
    }

    pub(crate) async fn delete(&self, who: &Persona, path: &str) -> Answer {
        self.ask(who, "delete", &format!("/api/v1{path}"), None).await
    }

    /// What the audit log gained while `act` ran.
    pub(crate) async fn audited<T>(&self, act: impl Future<Output = T>) -> (T, Vec<AuditRow>) {
        let before = self.rig.audit().await.len();
        let outcome = act.await;
        (outcome, self.rig.audit().await.split_off(before))
    }

    /// A webhook as people write it.
    pub(crate) fn channel(name: &str) -> Value {
        json!({"name": name, "kind": "webhook", "config": {"url": "https://example.invalid/"}, "secret": "hunter2"})
    }
}

/// Seconds since 1970 as text, by Hinnant's civil-from-days.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}
