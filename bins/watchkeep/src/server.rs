//! The server: adapters put together, listeners opened, everything stopped in order.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::ServerConfig as TlsConfig;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wk_api::dto::{CheckStatus, Port, SelfCheck};
use wk_api::{App, Desk, PortsOf};
use wk_audit::Image;
use wk_config::{LogFormat, ServerConfig};
use wk_engine::ports::issuer::Issuer;
use wk_engine::ports::{Clock, Metrics, Store, SystemClock};
use wk_engine::{Engine, Ports};
use wk_hub::{Hub, HubConfig};
use wk_identity::{HashCost, HasherLimits, PasswordHasher, Peppers};
use wk_pki::{Ca, CertRole, ServerAddr, ServerNames};
use wk_seal::{DataKeys, FieldAddress, KekRing};
use wk_store::{Access, DataDirLock, SqlStore, StoreUrl};

use crate::args::ServerFlags;
use crate::clients::Door;
use crate::local_agent::{self, LocalAgent};
use crate::wiring::Authority;
use crate::{keys, out};

/// Certificates are looked at this often; they are made anew long before they end.
const ROTATE: Duration = Duration::from_secs(3600);
/// The local socket, in the data directory.
pub(crate) const SOCKET: &str = "run/admin.sock";

/// Runs until a signal.
pub(crate) async fn run(flags: ServerFlags, data: &Path, with_agent: bool) -> Result<()> {
    let data = std::path::absolute(data).context("the data directory")?;
    let dir = if with_agent { data.join("server") } else { data.clone() };
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    wk_seal::private_dir(&dir).context("the data directory")?;
    let mut config = match &flags.config {
        Some(path) => ServerConfig::read(path, false)?,
        None => ServerConfig::read(&dir.join("watchkeep.toml"), true)?,
    };
    if let Some(listen) = flags.console_listen {
        config.console_listen = listen;
    }
    if let Some(listen) = flags.hub_listen {
        config.hub_listen = listen;
    }
    wk_notify::check_networks(&config.webhook_private_networks)
        .map_err(|error| anyhow::anyhow!("`webhook_private_networks` in watchkeep.toml: {error}"))?;
    let format = match config.log.format {
        LogFormat::Text => wk_telemetry::Format::Text,
        LogFormat::Json => wk_telemetry::Format::Json,
    };
    wk_telemetry::init(&config.log.level, format)?;
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

    allow_open_files();
    let now = SystemClock.now();
    let _lock = DataDirLock::take(&dir, now)?;
    let ring = keys::ring(&dir.join("keys"), &config)?;
    let store: Arc<dyn Store> = Arc::new(open_store(&dir, &config).await?);
    let data_keys = Arc::new(keys::data_keys(&ring.ring, store.as_ref()).await?);
    let names = server_names(&config)?;
    let ca = Arc::new(
        Ca::open_or_create(&dir.join("ca"), &ring.protection, &names, now)
            .context("the certificate authority")?,
    );
    for name in ca.names_left_out() {
        tracing::warn!(
            "`{name}` is outside what this server's root may sign for: clients that use it will refuse"
        );
    }
    let metrics_dir = dir.join("metrics");
    let metrics: Arc<dyn Metrics> = Arc::new(
        tokio::task::spawn_blocking(move || wk_tsdb::Store::open(&metrics_dir, wk_tsdb::Options::default()))
            .await?
            .context("the metrics store")?,
    );

    let hub_listener = listen(config.hub_listen, "hub_listen").await?;
    let hub_address = hub_listener.local_addr()?;
    let claimed_before = !store.users().await?.is_empty();
    let first_console = wk_api::listen_address(config.console_listen, claimed_before);
    let console_listener = listen(first_console, "console_listen").await?;
    let console_address = console_listener.local_addr()?;

    let authority = Arc::new(Authority {
        ca: Arc::clone(&ca),
        servers: agent_servers(&names, hub_address)?,
        agent_program: "watchkeep-agent".to_owned(),
    });
    let stop = CancellationToken::new();
    let ports = Ports {
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        clock: Arc::new(SystemClock),
        issuer: Arc::clone(&authority) as Arc<dyn Issuer>,
    };
    let (engine, tasks) = Engine::start(ports, stop.clone()).await?;
    count_faults(&engine);
    engine
        .record_start(&start_facts(&config, &ca, ring.protected_by, &data_keys))
        .await
        .context("the start could not be written into the audit log")?;
    let desk = Desk::new(hasher(&data_keys)?, Arc::clone(&data_keys), claimed_before);
    let people = Arc::new(desk.with_blocklist(&dir));
    let listening = Listening {
        console: console_address,
        hub: hub_address,
        socket: dir.join(SOCKET).display().to_string(),
    };
    let protected_by = ring.protected_by;
    let identity = ca.server_identity();
    let door = Arc::new(Door::new(Arc::clone(&identity))?);
    // Before anybody can knock: a door that is required is never open for a moment.
    // One that cannot be read leaves the console shut; the local socket is open.
    let opened = match wk_api::client_files(&engine).await {
        Ok(files) => wk_api::ClientDoor::apply(door.as_ref(), &files),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = &opened {
        tracing::error!(
            "the console stays shut, since its client certificates cannot be read: {error}. To open it: watchkeep \
             console-clients off, and start again"
        );
    }
    let app = App::new(
        Arc::clone(&engine),
        Arc::clone(&people),
        ports_of(Arc::clone(&data_keys), &config, listening, protected_by),
    )
    .called(names.dns().iter().cloned())
    .led_here(config.origins.iter().cloned())
    .outside(outside_kinds())
    .behind(Arc::clone(&door) as _);
    let (router, _, _) = wk_api::build(app);

    let tracker = TaskTracker::new();
    let tls_watch = door.tls();
    let hub = Hub::new(HubConfig::default(), Arc::clone(&identity), Arc::clone(&engine) as _)?;
    // Each of these has a keeper, which starts it again on the same listener when it ends by itself.
    let keeper = Keeper { engine: Arc::clone(&engine), tracker: tracker.clone(), stop: stop.clone() };
    {
        let (hub, socket) = (Arc::clone(&hub), hub_listener.into_std().context("the hub's socket")?);
        keeper.keep("hub", move |stop| {
            let (hub, listener) = (Arc::clone(&hub), again(&socket));
            async move {
                if let Some(listener) = listener {
                    hub.serve(listener, stop).await;
                }
            }
        });
    }
    if opened.is_ok() {
        keep_console(&keeper, "console", console_listener, &tls_watch, &router)?;
    }
    {
        let socket = local_socket(&dir)?.into_std().context("the local socket")?;
        let (router, uid) = (router.clone(), rustix::process::getuid().as_raw());
        keeper.keep("local socket", move |stop| {
            let (listener, router) = (socket.try_clone().and_then(UnixListener::from_std), router.clone());
            async move {
                match listener {
                    Ok(listener) => wk_api::serve_local(listener, uid, router, stop).await,
                    Err(error) => tracing::error!("the local socket cannot be listened on: {error}"),
                }
            }
        });
    }
    if opened.is_ok() {
        let (people, configured) = (Arc::clone(&people), config.console_listen);
        let (inner, tls, router) = (keeper.clone(), tls_watch.clone(), router.clone());
        keeper.keep("wide console", move |stop| {
            let (keeper, claimed, tls, router) =
                (inner.clone(), people.claimed(), tls.clone(), router.clone());
            widen(keeper, claimed, configured, console_address, tls, router, stop)
        });
    }
    {
        let (door, engine) = (Arc::clone(&door), Arc::clone(&engine));
        keeper.keep("door", move |stop| {
            let (door, engine) = (Arc::clone(&door), Arc::clone(&engine));
            async move { door.follow(&engine, stop).await }
        });
    }
    {
        let (ca, door, hub) = (Arc::clone(&ca), Arc::clone(&door), Arc::clone(&hub));
        let engine = Arc::clone(&engine);
        keeper.keep("certificates", move |stop| {
            rotate(Arc::clone(&ca), Arc::clone(&door), Arc::clone(&hub), Arc::clone(&engine), stop)
        });
    }
    {
        let unseal_keys = Arc::clone(&data_keys);
        let unseal: Arc<wk_notify::Unseal> = Arc::new(move |row: &str, sealed: &[u8]| {
            unseal_keys.open_field(&secret_at("channel", row), sealed).map_err(|error| error.to_string())
        });
        let console_url = console_url(&config, &names, console_address);
        let (engine, private_networks) = (Arc::clone(&engine), config.webhook_private_networks.clone());
        keeper.keep("notifications", move |stop| {
            let settings = wk_notify::Settings {
                unseal: Arc::clone(&unseal),
                private_networks: private_networks.clone(),
                console_url: Some(console_url.clone()),
            };
            wk_notify::run_with(Arc::clone(&engine), settings, stop)
        });
    }

    announce(&engine, &people, console_address, hub_address, claimed_before).await?;
    let agent = if with_agent { Some(start_agent(&engine, &data, hub_address).await?) } else { None };
    tracing::info!(console = %console_address, hub = %hub_address, "ready");

    wait_for_signal().await?;
    out::line("Stopping.");
    if let Some(agent) = agent {
        agent.stop().await;
    }
    stop.cancel();
    tracker.close();
    let _ = tokio::time::timeout(Duration::from_secs(15), tracker.wait()).await;
    tasks.ended().await;
    engine.record_shed().await;
    if let Err(error) = engine.record_stop().await {
        tracing::error!("the stop could not be written into the audit log: {error}");
    }
    tokio::task::spawn_blocking(move || metrics.close()).await?.context("closing the metrics store")?;
    store.close().await;
    let _ = std::fs::remove_file(dir.join(SOCKET));
    out::line("Stopped. Everything is kept; start again with the same data directory.");
    Ok(())
}

/// Open files that the server wants: each agent and each browser is one, and the database must never find none left.
const OPEN_FILES: u64 = 65_536;
/// Fewer than this, and a flood of connections to the console alone could take them all.
const OPEN_FILES_MIN: u64 = 8_192;

/// Raises this process' limit of open files as far as it may.
fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(OPEN_FILES);
    let wanted = limit.current.unwrap_or(OPEN_FILES).max(most.min(OPEN_FILES));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    if raised.is_err() || wanted < OPEN_FILES_MIN {
        tracing::warn!(
            "only {wanted} files may be open: many connections at once could keep the database from working. Raise it, \
             with `LimitNOFILE={OPEN_FILES}` in the systemd unit or `ulimit -n`"
        );
    }
}

async fn open_store(dir: &Path, config: &ServerConfig) -> Result<SqlStore> {
    let url = if config.database == "sqlite" {
        StoreUrl::in_data_dir(dir)
    } else {
        let mut raw = config.database.clone();
        let mut add = |name: &str, path: &Option<std::path::PathBuf>| {
            if let Some(path) = path {
                raw.push(if raw.contains('?') { '&' } else { '?' });
                raw.push_str(&format!("{name}={}", path.display()));
            }
        };
        add("password_file", &config.database_password_file);
        add("sslrootcert", &config.database_root_file);
        StoreUrl::parse(&raw).context("`database` in watchkeep.toml")?
    };
    SqlStore::open(&url, Access::Server, SystemClock.now()).await.context("the database")
}

/// Writes down that the authority's keys are about to be destroyed, for good. The server does not run: the lock on its
/// data directory is the caller's.
pub(crate) async fn record_destruction(dir: &Path) -> Result<()> {
    let config = ServerConfig::read(&dir.join("watchkeep.toml"), true)?;
    let store = open_store(dir, &config).await?;
    let who = wk_authz::Who::Local { uid: rustix::process::getuid().as_raw() };
    let actor = wk_authz::Actor { who, ..wk_authz::Actor::system() };
    let audit = wk_engine::record::draft(
        &actor,
        SystemClock.now(),
        "certificate.destroy",
        "certificate",
        "authority",
    )
    .reason("asked for on the command line");
    store.append_audit(vec![audit]).await?;
    store.close().await;
    Ok(())
}

/// What the audit log keeps of a start: what runs, with which settings and keys.
fn start_facts(config: &ServerConfig, ca: &Ca, protected_by: &str, keys: &DataKeys) -> Image {
    let database = if config.database == "sqlite" { "sqlite" } else { "postgresql" };
    let mut facts = Image::new()
        .field("version", env!("CARGO_PKG_VERSION"))
        .field("process", std::process::id())
        .field("database", database)
        .field("console_listen", config.console_listen.to_string())
        .field("hub_listen", config.hub_listen.to_string())
        .field("key_protection", protected_by)
        .field("data_key", keys.current_id());
    for cert in ca.inventory(SystemClock.now()) {
        facts = facts.field(&format!("certificate.{}", cert.role.name()), cert.fingerprint_sha256);
    }
    facts
}

async fn listen(address: SocketAddr, key: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another with `{key}` in watchkeep.toml, or stop what listens there")
    })
}

fn hasher(keys: &DataKeys) -> Result<PasswordHasher> {
    const PURPOSE: &str = "password pepper";
    let current = keys.mac_key(PURPOSE, None)?;
    let older = (1..keys.current_id()).filter_map(|id| keys.mac_key(PURPOSE, Some(id)).ok()).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(PasswordHasher::new(Peppers::new(current, older), HashCost::DEFAULT, HasherLimits::for_cores(cores))?)
}

/// The configured names, and the machine's own.
fn server_names(config: &ServerConfig) -> Result<ServerNames> {
    let mut names = config.names.clone();
    let hostname = local_agent::hostname();
    if ServerNames::parse([&hostname]).is_ok() {
        names.push(hostname);
    }
    names.extend(own_addresses().iter().map(ToString::to_string));
    ServerNames::parse(&names).context("`names` in watchkeep.toml")
}

/// Where people find the console, for links in messages: a configured name first, then the machine's own.
/// The kinds of providers that vouch for people. Each dials what its provider's configuration names, and nothing else.
fn outside_kinds() -> Vec<Arc<dyn wk_identity::outside::ProviderKind>> {
    let egress = wk_egress::Egress::new(Vec::new());
    vec![
        Arc::new(wk_oidc::Oidc::new(egress.clone())),
        Arc::new(wk_saml::Saml),
        Arc::new(wk_directory::LdapKind::new(egress.clone())),
        Arc::new(wk_directory::RadiusKind::new(egress)),
    ]
}

fn console_url(config: &ServerConfig, names: &ServerNames, console: SocketAddr) -> String {
    let machine = || names.dns().iter().find(|name| *name != "localhost").cloned();
    let host = match config.names.first().cloned().or_else(machine) {
        Some(name) if !config.console_listen.ip().is_loopback() => name,
        _ => "127.0.0.1".to_owned(),
    };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    format!("https://{host}:{}", console.port())
}

/// The address this machine would use to reach others, without sending anything.
fn own_addresses() -> Vec<IpAddr> {
    let towards = |bind: &str, to: &str| {
        let socket = std::net::UdpSocket::bind(bind).ok()?;
        socket.connect(to).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    // Documentation addresses: connecting a datagram socket only chooses a route.
    [towards("0.0.0.0:0", "192.0.2.1:9"), towards("[::]:0", "[2001:db8::1]:9")]
        .into_iter()
        .flatten()
        .filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
        .collect()
}

/// Where agents are told to connect: the configured and found names, or loopback when the hub is only there.
fn agent_servers(names: &ServerNames, hub: SocketAddr) -> Result<Vec<ServerAddr>> {
    let mut hosts: Vec<String> = Vec::new();
    if hub.ip().is_loopback() {
        hosts.push(hub.ip().to_string());
    } else {
        hosts.extend(names.ips().iter().filter(|ip| !ip.is_loopback()).map(ToString::to_string));
        hosts.extend(names.dns().iter().filter(|name| *name != "localhost").cloned());
        if hosts.is_empty() {
            hosts.push("127.0.0.1".to_owned());
        }
    }
    hosts.truncate(4);
    hosts
        .into_iter()
        .map(|host| {
            let text = if host.contains(':') {
                format!("[{host}]:{}", hub.port())
            } else {
                format!("{host}:{}", hub.port())
            };
            text.parse::<ServerAddr>().map_err(Into::into)
        })
        .collect()
}

fn local_socket(dir: &Path) -> Result<UnixListener> {
    let run = dir.join("run");
    wk_seal::private_dir(&run)?;
    let path = dir.join(SOCKET);
    // Ours by the lock on the data directory: whatever lies there is left over.
    let _ = std::fs::remove_file(&path);
    let listener =
        UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Whatever ends by a fault of this program, in whichever task or thread, leaves a line in the log and a count that
/// System shows: also what nobody waits for.
fn count_faults(engine: &Arc<Engine>) {
    let engine = Arc::downgrade(engine);
    std::panic::set_hook(Box::new(move |fault| {
        let said = fault.payload_as_str().unwrap_or("it left no message");
        let place = fault.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked: {}", wk_domain::text::clean_line(said, 500));
        if let Some(engine) = engine.upgrade() {
            engine.counters().add(wk_engine::keep::FAULTS, 1);
        }
    }));
}

/// Keeps the server's long-lived tasks: see [`Engine::keep`].
#[derive(Clone)]
struct Keeper {
    engine: Arc<Engine>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Keeper {
    /// Starts a task, and again whenever it ends before the server does.
    fn keep<Make, Task>(&self, name: impl Into<String>, make: Make)
    where
        Make: Fn(CancellationToken) -> Task + Send + 'static,
        Task: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        let run = move || make(stop.clone());
        self.tracker.spawn(Arc::clone(&self.engine).keep(name.into(), self.stop.clone(), run));
    }
}

/// A handle of its own on a socket that outlives the task which listens there.
fn again(socket: &std::net::TcpListener) -> Option<TcpListener> {
    match socket.try_clone().and_then(TcpListener::from_std) {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::error!("a socket cannot be listened on: {error}");
            None
        }
    }
}

fn keep_console(
    keeper: &Keeper,
    name: &str,
    listener: TcpListener,
    tls: &watch::Receiver<Arc<TlsConfig>>,
    router: &wk_api::Router,
) -> std::io::Result<()> {
    let (socket, tls, router) = (listener.into_std()?, tls.clone(), router.clone());
    keeper.keep(name, move |stop| {
        let (listener, tls, router) = (again(&socket), tls.clone(), router.clone());
        async move {
            if let Some(listener) = listener {
                wk_api::serve_tls(listener, tls, router, stop).await;
            }
        }
    });
    Ok(())
}

/// Listens beyond loopback once the server is claimed. Ends with `stop`.
async fn widen(
    keeper: Keeper,
    mut claimed: watch::Receiver<bool>,
    configured: SocketAddr,
    present: SocketAddr,
    tls: watch::Receiver<Arc<TlsConfig>>,
    router: wk_api::Router,
    stop: CancellationToken,
) {
    if configured.ip() == present.ip() || *claimed.borrow() {
        return stop.cancelled().await;
    }
    tokio::select! {
        changed = claimed.wait_for(|claimed| *claimed) => if changed.is_err() { return },
        () = stop.cancelled() => return,
    }
    // The loopback listener goes on; on a wildcard the kernel would refuse the same port, so each address gets its own.
    let addresses = if configured.ip().is_unspecified() {
        own_addresses().into_iter().filter(|ip| ip.is_ipv4() == configured.is_ipv4()).collect()
    } else {
        vec![configured.ip()]
    };
    for ip in addresses {
        let address = SocketAddr::new(ip, present.port());
        let listening = match TcpListener::bind(address).await {
            Ok(listener) => keep_console(&keeper, &format!("console {address}"), listener, &tls, &router),
            Err(error) => Err(error),
        };
        match listening {
            Ok(()) => tracing::info!("claimed: listening on {address}"),
            Err(error) => tracing::warn!("claimed, but cannot listen on {address}: {error}"),
        }
    }
    stop.cancelled().await;
}

/// Makes certificates anew before they end, and lets the listeners show them.
async fn rotate(ca: Arc<Ca>, door: Arc<Door>, hub: Arc<Hub>, engine: Arc<Engine>, stop: CancellationToken) {
    let image = |role: CertRole| {
        let cert = ca.inventory(SystemClock.now()).into_iter().find(|cert| cert.role == role)?;
        let names = cert.names.join(" ");
        Some(
            Image::new()
                .field("subject", cert.subject)
                .field("serial", cert.serial.to_string())
                .field("names", names)
                .field("not_after_ms", cert.not_after.as_ms())
                .field("fingerprint_sha256", cert.fingerprint_sha256),
        )
    };
    let mut hours = tokio::time::interval(ROTATE);
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = stop.cancelled() => return,
        }
        let due = Arc::clone(&ca);
        let before =
            [CertRole::Root, CertRole::Intermediate, CertRole::Server].map(|role| (role, image(role)));
        match tokio::task::spawn_blocking(move || due.rotate_due(SystemClock.now())).await {
            Ok(Ok(rotated)) if rotated.is_empty() => {}
            Ok(Ok(rotated)) => {
                for (role, before) in before.into_iter().filter(|(role, _)| rotated.contains(role)) {
                    let written =
                        engine.record_certificate(role.name(), before.as_ref(), image(role).as_ref()).await;
                    if let Err(error) = written {
                        tracing::error!("a new certificate could not be written into the audit log: {error}");
                    }
                }
                door.renewed();
                if let Err(error) = hub.reload_roots() {
                    tracing::error!("the hub goes on with its old certificate: {error}");
                }
            }
            Ok(Err(error)) => tracing::error!("a certificate that is due could not be made: {error}"),
            Err(error) => tracing::error!("certificate rotation ended early: {error}"),
        }
    }
}

struct Listening {
    console: SocketAddr,
    hub: SocketAddr,
    socket: String,
}

fn secret_at<'a>(table: &'a str, row: &'a str) -> FieldAddress<'a> {
    FieldAddress { table, column: "secret", row: row.as_bytes(), revision: 1 }
}

fn ports_of(
    keys: Arc<DataKeys>,
    config: &ServerConfig,
    listening: Listening,
    protected_by: &'static str,
) -> PortsOf {
    let database = config.database.clone();
    PortsOf {
        seal: Box::new(move |table, row, secret| {
            keys.seal(&secret_at(table, row), secret).map_err(|error| error.to_string())
        }),
        check_channel: Box::new(wk_notify::check_config),
        fingerprint: Box::new(|der| wk_seal::sha256(der).iter().map(|byte| format!("{byte:02x}")).collect()),
        ports: Box::new(move || {
            let port =
                |direction: &str, address: String, protocol: &str, purpose: &str, authentication: &str| {
                    Port {
                        direction: direction.to_owned(),
                        address,
                        protocol: protocol.to_owned(),
                        purpose: purpose.to_owned(),
                        authentication: authentication.to_owned(),
                    }
                };
            let mut ports = vec![
                port(
                    "in",
                    listening.console.to_string(),
                    "HTTPS: TLS 1.3, 1.2 for old clients; HTTP/2",
                    "Console and API",
                    "Session with password and second factor",
                ),
                port(
                    "in",
                    listening.hub.to_string(),
                    "TLS 1.3 only, X25519MLKEM768 first; watchkeep-link/1, watchkeep-enrol/1",
                    "Agents",
                    "Client certificate; enrolment: single-use token",
                ),
                port(
                    "in",
                    listening.socket.clone(),
                    "Unix socket, mode 0600",
                    "Command line on this machine",
                    "Peer credentials: the server's user or root",
                ),
                port(
                    "out",
                    "mail servers of channels".to_owned(),
                    "SMTP with TLS",
                    "Notifications by e-mail",
                    "As the channel is configured",
                ),
                port(
                    "out",
                    "webhook addresses of channels".to_owned(),
                    "HTTPS",
                    "Notifications by webhook",
                    "Signature with the channel's key",
                ),
                port(
                    "out",
                    "hosts of OpenID providers".to_owned(),
                    "HTTPS",
                    "Sign-in by OpenID Connect",
                    "Client secret",
                ),
                port(
                    "out",
                    "directories of sign-in methods".to_owned(),
                    "LDAPS, or LDAP with StartTLS",
                    "Sign-in by LDAP",
                    "Service account, and the person's own password",
                ),
                port(
                    "out",
                    "RADIUS servers of sign-in methods".to_owned(),
                    "RADIUS in TLS, or with Message-Authenticator on protected networks",
                    "Sign-in by RADIUS",
                    "Client certificate; shared secret",
                ),
            ];
            if database != "sqlite" {
                ports.push(port(
                    "out",
                    "the database server".to_owned(),
                    "PostgreSQL with TLS, or a local socket",
                    "State",
                    "As configured",
                ));
            }
            ports
        }),
        self_checks: Box::new(move || {
            vec![SelfCheck {
                key: "keys".to_owned(),
                title: "Key protection".to_owned(),
                status: CheckStatus::Ok,
                detail: format!("the key ring is protected by {protected_by}"),
            }]
        }),
    }
}

/// Tells the person who started it what to do next.
async fn announce(
    engine: &Engine,
    people: &Desk,
    console: SocketAddr,
    hub: SocketAddr,
    claimed: bool,
) -> Result<()> {
    let origin = if console.ip().is_unspecified() {
        format!("https://127.0.0.1:{}", console.port())
    } else {
        format!("https://{console}")
    };
    out::line("");
    out::line(&format!("  Watchkeep runs. Console: {origin}   Agents: {hub}"));
    if claimed {
        out::line("  Sign in with your account.");
    } else {
        let link = people.open_claim(engine, &origin).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        out::line("");
        out::line(
            "  Nobody has an account yet. Open this link once, within 24 hours, to become the administrator:",
        );
        out::line(&format!("    {}", link.expose()));
        out::line("  Until then the console answers on this machine only.");
    }
    Ok(())
}

/// Enrols (at first) and starts the agent of this machine, and prints the line that enrols another.
async fn start_agent(engine: &Engine, data: &Path, hub: SocketAddr) -> Result<local_agent::Running> {
    use wk_authz::{Actor, AgentEnrol, authorize};
    use wk_engine::agents::TokenRequest;
    let token = |pattern: String, grants: Vec<String>| {
        let request = TokenRequest {
            tenant: wk_domain::TenantId::ROOT,
            host_pattern: pattern,
            grants,
            ttl: Duration::from_secs(3600),
        };
        let permit = authorize::<AgentEnrol, ()>(&Actor::system(), ());
        async move { anyhow::Ok(engine.create_token(permit?, request).await?) }
    };
    let agent = LocalAgent::prepare(data)?;
    if !agent.enrolled() {
        let own = token(local_agent::hostname(), vec!["probe".to_owned()]).await?;
        let line = own.line.rsplit(' ').next().unwrap_or_default().to_owned();
        agent.enrol(&line).await?;
    }
    if !hub.ip().is_loopback() {
        let other = token("*".to_owned(), Vec::new()).await?;
        out::line("");
        out::line(
            "  Another machine? Install watchkeep-agent there and paste this line, once, within the hour:",
        );
        out::line(&format!("    {}", other.line));
    }
    out::line("");
    agent.start()
}

async fn wait_for_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// The OpenAPI document: the routes as they are built, over parts that nobody calls.
pub(crate) async fn openapi() -> Result<String> {
    let dir = scratch()?;
    let result = document(&dir).await;
    let _ = std::fs::remove_dir_all(&dir);
    result
}

async fn document(dir: &Path) -> Result<String> {
    let now = SystemClock.now();
    let store: Arc<dyn Store> = Arc::new(
        SqlStore::open(&StoreUrl::in_data_dir(dir), Access::Tool, now).await.context("a scratch database")?,
    );
    let metrics: Arc<dyn Metrics> =
        Arc::new(wk_tsdb::Store::open(&dir.join("metrics"), wk_tsdb::Options::default())?);
    let ring = KekRing::in_memory()?;
    let (keys, _) = DataKeys::create(&ring)?;
    let keys = Arc::new(keys);
    let names = ServerNames::parse(std::iter::empty::<&str>())?;
    let ca = Arc::new(Ca::open_or_create(&dir.join("ca"), &wk_pki::KeyProtection::FileMode, &names, now)?);
    let authority = Authority { ca, servers: Vec::new(), agent_program: String::new() };
    let stop = CancellationToken::new();
    let ports = Ports { store, metrics, clock: Arc::new(SystemClock), issuer: Arc::new(authority) };
    let (engine, tasks) = Engine::start(ports, stop.clone()).await?;
    let peppers = Peppers::new(keys.mac_key("password pepper", None)?, Vec::new());
    let hasher = PasswordHasher::new(peppers, HashCost::FLOOR, HasherLimits::for_cores(1))?;
    let people = Arc::new(Desk::new(hasher, Arc::clone(&keys), true));
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let listening = Listening { console: nowhere, hub: nowhere, socket: String::new() };
    let app = App::new(engine, people, ports_of(keys, &ServerConfig::default(), listening, ""));
    let (_, _, document) = wk_api::build(app);
    stop.cancel();
    tasks.ended().await;
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}

fn scratch() -> Result<std::path::PathBuf> {
    let dir = std::env::temp_dir().join(format!("watchkeep-openapi-{}", wk_engine::ids::random_hex()));
    std::fs::create_dir(&dir)?;
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700))?;
    Ok(dir)
}
