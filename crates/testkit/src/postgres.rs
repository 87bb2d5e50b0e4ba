//! A real PostgreSQL for tests: Debian's programs in a temporary folder, a local socket, gone when dropped.
//!
//! PostgreSQL refuses to run as root; then it runs as `postgres`, or `nobody` when there is no such user.

use std::fmt;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Why there is no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum PgError {
    #[error(
        "PostgreSQL's programs are not in PATH or /usr/lib/postgresql/*/bin; install them: apt-get install -y postgresql"
    )]
    Missing,
    #[error("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")]
    NoUser,
    #[error("cannot {what}")]
    Io { what: &'static str, source: io::Error },
    #[error("{program} failed: {said}")]
    Failed { program: &'static str, said: String },
    #[error("PostgreSQL did not answer within {seconds} s; its log says: {said}")]
    Silent { seconds: u64, said: String },
    #[error("cannot make the server's certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// Long enough for a busy machine to start it.
const START: Duration = Duration::from_secs(60);

/// A running server. Its log, data and socket are in one temporary folder.
pub struct PgServer {
    dir: tempfile::TempDir,
    bin: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    tls: bool,
    child: Option<Child>,
    databases: AtomicU32,
}

impl PgServer {
    /// Starts a server on a local socket only; the socket trusts whoever may enter its folder.
    ///
    /// # Errors
    /// [`PgError::Missing`] with the line that installs it; else what went wrong.
    pub fn start() -> Result<Self, PgError> {
        Self::start_with(false)
    }

    /// Starts a server that also listens on 127.0.0.1 with TLS by a certificate of its own making, for the user
    /// `tester` with the password [`Self::PASSWORD`]. See [`Self::ca_file`].
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_tls() -> Result<Self, PgError> {
        Self::start_with(true)
    }

    /// The password of `tester` over TLS.
    pub const PASSWORD: &'static str = "correct horse battery staple";

    fn start_with(tls: bool) -> Result<Self, PgError> {
        let io = |what| move |source| PgError::Io { what, source };
        let bin = programs().ok_or(PgError::Missing)?;
        let root =
            fs::metadata("/proc/self").map(|meta| std::os::unix::fs::MetadataExt::uid(&meta)).unwrap_or(0)
                == 0;
        let user = if root { Some(unprivileged().ok_or(PgError::NoUser)?) } else { None };
        let dir = tempfile::Builder::new().prefix("wkpg").tempdir().map_err(io("make a temporary folder"))?;
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid)).map_err(io("give the folder away"))?;
        }
        let port = free_port().map_err(io("find a free port"))?;
        let mut server = Self { dir, bin, user, port, tls, child: None, databases: AtomicU32::new(0) };
        let data = server.dir.path().join("data");
        server.run("initdb", |initdb| {
            initdb.arg("-D").arg(&data).args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ]);
            // Small log segments: the default of 16 MB is most of an empty cluster.
            initdb.arg("--wal-segsize=1");
        })?;
        if tls {
            server.certify()?;
            let hba = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
            fs::write(data.join("pg_hba.conf"), hba).map_err(io("write pg_hba.conf"))?;
        }
        server.resume()?;
        if tls {
            server.psql(&format!("CREATE ROLE tester SUPERUSER LOGIN PASSWORD '{}'", Self::PASSWORD))?;
        }
        Ok(server)
    }

    /// Makes a fresh database and returns its URL: over TLS if the server has it, else over the socket.
    ///
    /// # Errors
    /// What `psql` said.
    pub fn database(&self) -> Result<String, PgError> {
        let name = format!("wk{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(self.url(&name))
    }

    fn url(&self, name: &str) -> String {
        let dir = self.dir.path().display();
        if self.tls {
            format!("postgres://tester@localhost:{}/{name}?sslrootcert={dir}/ca.pem", self.port)
        } else {
            format!("postgres:///{name}?host={dir}&port={}&user=postgres", self.port)
        }
    }

    /// The authority of the server's certificate, PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The port: of the socket's name, and with TLS also on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL as the superuser, over the socket, in the database `postgres`.
    ///
    /// # Errors
    /// What `psql` said.
    pub fn psql(&self, sql: &str) -> Result<String, PgError> {
        let port = self.port.to_string();
        self.run("psql", |psql| {
            psql.arg("-h").arg(self.dir.path()).args(["-p", &port, "-U", "postgres", "-d", "postgres"]);
            psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        })
    }

    /// Ends the server at once, as a crash would; the data stay for [`Self::resume`].
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub fn stop(&mut self) -> Result<(), PgError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let data = self.dir.path().join("data");
        // Immediate: the children end with it. Killing the first process alone would leave them.
        let asked = self.run("pg_ctl", |ctl| {
            ctl.arg("stop").arg("-D").arg(&data).args(["-m", "immediate", "-w", "-t", "20"]);
        });
        if asked.is_err() {
            let _ = child.kill();
        }
        child.wait().map_err(|source| PgError::Io { what: "wait for PostgreSQL", source })?;
        Ok(())
    }

    /// Starts it again on the same data, port and socket.
    ///
    /// # Errors
    /// [`PgError::Silent`] with its log when it does not answer.
    pub fn resume(&mut self) -> Result<(), PgError> {
        let io = |what| move |source| PgError::Io { what, source };
        let log = self.dir.path().join("log");
        let out = fs::File::options().create(true).append(true).open(&log).map_err(io("open the log"))?;
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.dir.path().join("data")).arg("-k").arg(self.dir.path());
        // No fsync: what these tests prove about PostgreSQL does not include power cuts.
        postgres.args([
            "-F",
            "-p",
            &self.port.to_string(),
            "-c",
            "shared_buffers=16MB",
            "-c",
            "max_connections=60",
        ]);
        if self.tls {
            let path = |name: &str| self.dir.path().join(name).display().to_string();
            postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"]);
            postgres.arg("-c").arg(format!("ssl_cert_file={}", path("server.pem")));
            postgres.arg("-c").arg(format!("ssl_key_file={}", path("server.key")));
        } else {
            postgres.args(["-c", "listen_addresses="]);
        }
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out);
        self.child = Some(postgres.spawn().map_err(io("start PostgreSQL"))?);
        let until = Instant::now() + START;
        loop {
            if self.psql("SELECT 1").is_ok() {
                return Ok(());
            }
            let ended = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
            if ended || Instant::now() > until {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(PgError::Silent { seconds: START.as_secs(), said });
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn certify(&self) -> Result<(), PgError> {
        let io = |what| move |source| PgError::Io { what, source };
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_cert = ca.self_signed(&ca_key)?;
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate()?;
        let cert = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;
        for (name, text, mode) in [
            ("ca.pem", ca_cert.pem(), 0o644),
            ("server.pem", cert.pem(), 0o644),
            ("server.key", key.serialize_pem(), 0o600),
        ] {
            let path = self.dir.path().join(name);
            fs::write(&path, text).map_err(io("write the certificate"))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(io("set a mode"))?;
            if let Some((uid, gid)) = self.user {
                std::os::unix::fs::chown(&path, Some(uid), Some(gid)).map_err(io("give a file away"))?;
            }
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        // A known environment: no PGHOST or PGPASSWORD of whoever runs the tests. The folder of the caller may be
        // closed to the other user.
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin").current_dir(self.dir.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn run(&self, program: &'static str, arguments: impl FnOnce(&mut Command)) -> Result<String, PgError> {
        let mut command = self.command(program);
        arguments(&mut command);
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|source| PgError::Io { what: "run one of PostgreSQL's programs", source })?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(PgError::Failed {
                program,
                said: format!("{} {}", text(&output.stdout), text(&output.stderr)),
            })
        }
    }
}

impl Drop for PgServer {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

impl fmt::Debug for PgServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgServer")
            .field("dir", &self.dir.path())
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// The folder of `initdb`: the newest of Debian's, or the one in PATH.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let debian = versions.into_iter().rev().map(|(_, dir)| dir);
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian.chain(std::env::split_paths(&path).collect::<Vec<_>>()).find(|dir| has_all(dir))
}

fn has_all(dir: &Path) -> bool {
    ["initdb", "postgres", "pg_ctl", "psql"].iter().all(|program| dir.join(program).is_file())
}

/// Ids of a user without rights.
fn unprivileged() -> Option<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
