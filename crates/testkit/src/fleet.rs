//! A server and its agents as the real programs, in one temporary folder, on ports of their own, gone when dropped.
//!
//! Agents run with host names of their own, each in a UTS namespace, so that one machine can stand for many. Started by
//! root, an agent's folder belongs to a user without an account, as it would on a machine.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "only tests use this: what goes wrong here fails the test, with what the programs said"
)]

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Long enough for anything that should happen at once, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// User of agents that root starts: one without an account, and not the one `watchkeep up` uses.
const AGENT_UID: u32 = 61_338;
/// Ports are taken from here: below those that the kernel gives to connections, so that a server that is down does not
/// lose its port to one.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Waits until `holds` gives something, or fails the test.
pub fn until<T>(what: &str, holds: impl FnMut() -> Option<T>) -> T {
    until_for(PATIENCE, what, holds)
}

/// The same, for something that takes its time.
pub fn until_for<T>(patience: Duration, what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = holds() {
            return value;
        }
        assert!(began.elapsed() < patience, "waited {} s until {what}", patience.as_secs());
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Standard output and error together.
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// The same, when it went well; fails the test else.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "it failed:\n{}", self.all());
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The folder, the programs, the ports.
#[derive(Debug)]
pub struct Fleet {
    dir: tempfile::TempDir,
    server: PathBuf,
    agent: PathBuf,
    console: u16,
    hub: u16,
    starts: AtomicU32,
}

impl Fleet {
    /// A fleet of the programs beside `server`, the path that cargo gives a test.
    pub fn new(server: impl AsRef<Path>) -> Self {
        let server = server.as_ref().to_owned();
        let agent = server.with_file_name("watchkeep-agent");
        assert!(
            agent.exists(),
            "{} is not there: cargo build -p watchkeep-agent   (`cargo xtask test` does it first)",
            agent.display()
        );
        let dir = tempfile::Builder::new().prefix("wkfleet").tempdir().expect("a temporary folder");
        // The agents' user passes through.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).expect("a mode");
        Self { dir, server, agent, console: free_port(), hub: free_port(), starts: AtomicU32::new(0) }
    }

    /// The folder of everything.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// `--data` of the server.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn hub(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.hub))
    }

    pub fn console(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.console))
    }

    /// `watchkeep up`: the server with an agent of its own.
    pub fn up(&self) -> ServerProcess {
        self.start("up", &[], &[]).expect("watchkeep up")
    }

    /// `watchkeep server`.
    pub fn serve(&self) -> ServerProcess {
        self.start("server", &[], &[]).expect("watchkeep server")
    }

    /// Starts the server below `wrapper` (a program and its arguments) and waits until it is ready.
    ///
    /// # Errors
    /// What it said, when it ended first.
    pub fn start(&self, command: &str, wrapper: &[String], more: &[&str]) -> Result<ServerProcess, Said> {
        self.start_in(&self.data(), command, wrapper, more)
    }

    /// The same, with another data directory.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in(
        &self,
        data: &Path,
        command: &str,
        wrapper: &[String],
        more: &[&str],
    ) -> Result<ServerProcess, Said> {
        let number = self.starts.fetch_add(1, Ordering::Relaxed);
        let (out, log) = (self.file(number, "out"), self.file(number, "log"));
        let mut line = wrapped(wrapper, &self.server);
        line.arg("--data").arg(data).arg(command);
        line.arg("--console-listen").arg(self.console().to_string());
        line.arg("--hub-listen").arg(self.hub().to_string()).args(more);
        let mut child = line
            .stdin(Stdio::null())
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(&log).expect("a file"))
            .spawn()
            .expect("the server's program");
        let began = Instant::now();
        loop {
            if fs::read_to_string(&log).unwrap_or_default().contains(" ready console=") {
                return Ok(ServerProcess { child, out, log });
            }
            if let Ok(Some(status)) = child.try_wait() {
                let read = |path| fs::read_to_string(path).unwrap_or_default();
                return Err(Said { code: status.code(), out: read(&out), err: read(&log) });
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("the server does not get ready: {}", fs::read_to_string(&log).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn file(&self, number: u32, kind: &str) -> PathBuf {
        self.dir.path().join(format!("run-{number}.{kind}"))
    }

    /// Everything every program of the fleet has said.
    pub fn logs(&self) -> String {
        let files = fs::read_dir(self.dir.path()).into_iter().flatten().flatten().map(|entry| entry.path());
        files
            .filter(|path| path.extension().is_some_and(|kind| kind == "out" || kind == "log"))
            .map(|path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned())
            .collect()
    }

    /// Runs a command of the command line.
    pub fn cli(&self, args: &[&str]) -> Said {
        self.cli_with(args, b"")
    }

    /// Runs a command of the command line with something on its standard input.
    pub fn cli_with(&self, args: &[&str], input: &[u8]) -> Said {
        let mut command = Command::new(&self.server);
        command.arg("--data").arg(self.data()).args(args);
        said(command, input)
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let said = self.cli(&[args, &["--json"]].concat()).ok();
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
    }

    /// `GET /api/v1<path>` over the local socket: status and JSON. `None` when nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, Value)> {
        let places = [self.data().join("server/run/admin.sock"), self.data().join("run/admin.sock")];
        let mut stream = places.iter().find_map(|place| UnixStream::connect(place).ok())?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET /api/v1{path} HTTP/1.1\r\nhost: local\r\nconnection: close\r\n\r\n").ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, serde_json::from_str(&unchunked(head, body)).unwrap_or(Value::Null)))
    }

    /// What [`Self::get`] gives, when all is well.
    pub fn ask(&self, path: &str) -> Value {
        match self.get(path) {
            Some((200, value)) => value,
            other => panic!("GET {path}: {other:?}\n{}", self.logs()),
        }
    }

    /// All items of a list, page by page.
    pub fn list(&self, path: &str) -> Vec<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.ask(&format!("{path}{mark}limit=500{after}"));
            items.extend(page["items"].as_array().expect("a list").iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }

    /// The agent on the host `name`, if there is one.
    pub fn agent_of(&self, name: &str) -> Option<Value> {
        let (_, page) = self.get("/agents")?;
        let of = |agent: &&Value| agent["host"]["name"] == name;
        let agents = page["items"].as_array()?;
        agents.iter().filter(of).find(|a| a["standing"] != "revoked").or(agents.iter().find(of)).cloned()
    }

    /// Whether that agent has a link.
    pub fn connected(&self, name: &str) -> bool {
        self.agent_of(name).is_some_and(|agent| agent["connected"] == true)
    }

    /// Waits until it has one.
    pub fn linked(&self, name: &str) -> Value {
        until(&format!("the agent of {name} is connected"), || {
            self.agent_of(name).filter(|agent| agent["connected"] == true)
        })
    }

    /// The line of a new enrolment token, without the program's name: `wk1....`.
    pub fn token(&self, pattern: &str) -> String {
        let value = self.json(&["agent", "token", "--host-pattern", pattern, "--grants", "probe"]);
        let line = value["line"].as_str().expect("a line");
        line.rsplit(' ').next().expect("a token").to_owned()
    }

    /// A place for an agent that thinks it is on a machine of this name.
    pub fn home(&self, name: &str) -> AgentHome {
        let dir = self.dir.path().join("agents").join(name);
        let (data, config) = (dir.join("data"), dir.join("config"));
        for dir in [&data, &config] {
            fs::create_dir_all(dir).expect("a folder");
        }
        private(&data);
        AgentHome {
            program: self.agent.clone(),
            name: name.to_owned(),
            logs: self.dir.path().to_owned(),
            data,
            config,
        }
    }

    /// An agent that is enrolled, not running.
    pub fn enrolled(&self, name: &str) -> AgentHome {
        let home = self.home(name);
        home.enrol(&self.token(name)).ok();
        home
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = write!(std::io::stderr(), "--- what the programs said:\n{}", self.logs());
        }
    }
}

/// Mode 0700, and the agents' user as owner when root does it.
pub fn private(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).expect("a mode");
    if is_root() {
        give_away(dir);
    }
}

/// Mode 0700, for a folder of the user that runs the test.
pub fn private_own(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).expect("a mode");
}

/// Gives what is below `path` to the agents' user.
pub fn give_away(path: &Path) {
    chown(path, Some(AGENT_UID), Some(AGENT_UID)).expect("an owner");
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_dir {
            give_away(&entry.path());
        } else {
            chown(entry.path(), Some(AGENT_UID), Some(AGENT_UID)).expect("an owner");
        }
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A running server.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    out: PathBuf,
    log: PathBuf,
}

impl ServerProcess {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said to people.
    pub fn out(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL, and wait.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop, and waits for its exit code.
    pub fn stop(mut self, signal: Signal) -> Option<i32> {
        send(&self.child, signal);
        wait(&mut self.child).code()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Asked first: it stops its agent too.
        if let Ok(None) = self.child.try_wait() {
            send(&self.child, Signal::TERM);
            end(&mut self.child);
        }
    }
}

/// Where an agent lives.
#[derive(Debug, Clone)]
pub struct AgentHome {
    program: PathBuf,
    name: String,
    logs: PathBuf,
    pub data: PathBuf,
    pub config: PathBuf,
}

impl AgentHome {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Another agent on a machine of the same name, with a copy of this one's data: as a thief would have.
    pub fn copy(&self, to: &str) -> Self {
        let dir = self.logs.join("agents").join(to);
        let copy = Self { data: dir.join("data"), config: dir.join("config"), ..self.clone() };
        fs::create_dir_all(&copy.config).expect("a folder");
        copy_dir(&self.data, &copy.data);
        if is_root() {
            give_away(&copy.data);
        }
        copy
    }

    /// Writes a file of its configuration.
    pub fn configure(&self, file: &str, text: &str) {
        fs::write(self.config.join(file), text).expect("a file");
    }

    /// The agent's program with its folders, below `wrapper`.
    fn command(&self, wrapper: &[String], args: &[&str]) -> Command {
        let mut line: Vec<String> = vec!["unshare".into(), "--uts".into()];
        let mut inner: Vec<String> = Vec::new();
        if !is_root() {
            line = ["unshare", "--user", "--map-root-user", "--uts"].map(Into::into).to_vec();
            let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
            inner = vec![
                "unshare".into(),
                "--user".into(),
                format!("--map-user={user}"),
                format!("--map-group={group}"),
            ];
        }
        let script = "hostname \"$0\" && exec \"$@\"";
        line.extend(["/bin/sh".into(), "-c".into(), script.into(), self.name.clone()]);
        line.extend(inner);
        line.extend(wrapper.iter().cloned());
        let mut command = wrapped(&line, &self.program);
        command.arg("--data").arg(&self.data).arg("--config").arg(&self.config).args(args);
        command
    }

    /// Runs one command of the agent's program to its end.
    pub fn run(&self, args: &[&str]) -> Said {
        said(self.command(&[], args), b"")
    }

    /// Enrols with a token, through standard input.
    pub fn enrol(&self, token: &str) -> Said {
        said(self.command(&[], &["enrol", "-"]), token.as_bytes())
    }

    pub fn start(&self) -> AgentProcess {
        self.start_below(&[])
    }

    /// Starts it below `wrapper`.
    pub fn start_below(&self, wrapper: &[String]) -> AgentProcess {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let number = STARTS.fetch_add(1, Ordering::Relaxed);
        let log = self.logs.join(format!("agent-{}-{number}.log", self.name));
        let child = self
            .command(wrapper, &["run"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a file"))
            .spawn()
            .expect("the agent's program");
        AgentProcess { child, log }
    }

    /// How far the server has committed, as the agent knows it: see the cursor file of the spool.
    /// `(acknowledged, dropped, damaged)`.
    pub fn acknowledged(&self) -> (u64, u64, u64) {
        let raw = fs::read(self.data.join("spool/cursor")).unwrap_or_default();
        let slot = |at: usize| -> Option<Vec<u64>> {
            let slot = raw.get(at..at + 80)?;
            let fields = slot[8..].chunks_exact(8);
            (slot[..4] == *b"WKc1")
                .then(|| fields.map(|raw| u64::from_le_bytes(raw.try_into().expect("eight bytes"))).collect())
        };
        let newest = [slot(0), slot(4096)].into_iter().flatten().max_by_key(|fields| fields[0]);
        newest.map_or((0, 0, 0), |fields| (fields[4], fields[5], fields[7]))
    }
}

/// A running agent.
#[derive(Debug)]
pub struct AgentProcess {
    child: Child,
    log: PathBuf,
}

impl AgentProcess {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its exit, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// SIGKILL, and wait.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and its exit code.
    pub fn stop(mut self) -> Option<i32> {
        send(&self.child, Signal::TERM);
        wait(&mut self.child).code()
    }

    /// Waits for it to end by itself.
    pub fn exit(mut self) -> (Option<i32>, String) {
        let code = wait(&mut self.child).code();
        (code, self.log())
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn wrapped(wrapper: &[String], program: &Path) -> Command {
    let mut words = wrapper.iter().map(OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).env_remove("WATCHKEEP_DATA").env("RUST_BACKTRACE", "1");
    command
}

fn said(mut command: Command, input: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a program to run");
    // It may end without reading.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("its output").into()
}

fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    let _ = kill_process(pid, signal);
}

fn wait(child: &mut Child) -> ExitStatus {
    until("a program ends", || child.try_wait().expect("a child"))
}

/// Waits a while; then it is made to end.
fn end(child: &mut Child) {
    let began = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if began.elapsed() > Duration::from_secs(20) {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    fs::set_permissions(to, fs::metadata(from).expect("a folder").permissions()).expect("a mode");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            copy_dir(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

fn unchunked(head: &str, body: &str) -> String {
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let (mut out, mut rest) = (String::new(), body);
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || after.len() < size {
            break;
        }
        out.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    out
}

/// A port that nobody listens on, and that no other test of this process was given.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut given = GIVEN.lock().expect("a lock");
    let given = given.get_or_insert_with(HashSet::new);
    let span = u32::from(PORTS.end - PORTS.start);
    // Tests run as processes of their own, side by side: each begins its search somewhere else.
    let seed = std::process::id().wrapping_mul(2_654_435_761) ^ time_bits();
    (0..span)
        .map(|n| PORTS.start + u16::try_from(seed.wrapping_add(n) % span).expect("a port"))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok() && given.insert(*port))
        .expect("a free port")
}

fn time_bits() -> u32 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.subsec_nanos()
}
