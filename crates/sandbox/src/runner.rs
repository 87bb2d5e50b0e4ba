//! Runs plugins: waits for a free place, starts, reads, ends at the deadline, records.
//!
//! [`Runner::run`] always answers with an [`Execution`]: a refusal is one too, and is logged like a run.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant as Tick;
use wk_domain::{ExecutionId, Timestamp};

use crate::child::{self, End, Spawned};
use crate::filter::Kind;
use crate::grade::Grade;
use crate::guard::Guard;
use crate::log::ExecutionLog;
use crate::policy::PluginPolicy;
use crate::program::Programs;
use crate::rules::Features;
use crate::spawner::{
    Remains, Request, Spawner, Start, StartError, Started, kill_group, open_null, sweep_tmp,
};
use crate::tmp::{ENTRIES_MAX, FILES_OF_LARGEST, is_overfull, sweep};

/// Bytes kept of each output; the plugin API's readers keep no more.
pub const OUTPUT_BYTES_MAX: usize = 64 << 10;
/// Bytes read and thrown away beyond that before the run is ended: a chatty plugin finishes, a flood does not.
const FLOOD_BYTES: u64 = 1 << 20;
/// From SIGTERM at the deadline to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long a killed process may take to go. One that waits for a dead disk takes longer, and is left to the spawner.
const BURIAL: Duration = Duration::from_secs(1);
/// How long output may take to arrive after all writers are gone.
const DRAIN: Duration = Duration::from_millis(500);
/// How often a run's own folder is measured: what it can write in between is bounded by the disk's speed.
const MEASURE: Duration = Duration::from_millis(100);

/// Whose identity plugins get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAs {
    /// The agent's own, when it is an ordinary user.
    SameUser,
    /// For an agent that is root: `first_uid` and the numbers after it, one for each run at a time, as user and group.
    /// No account may have them.
    OwnUsers { first_uid: u32 },
}

impl RunAs {
    /// Above every range that distributions, systemd and containers hand out (systemd's UIDS-GIDS.md).
    pub const DEFAULT_FIRST_UID: u32 = 2_000_000_000;

    /// What fits the calling process.
    pub fn detect() -> Self {
        if rustix::process::geteuid().is_root() {
            Self::OwnUsers { first_uid: Self::DEFAULT_FIRST_UID }
        } else {
            Self::SameUser
        }
    }
}

/// How plugins are run on this machine.
#[derive(Debug)]
pub struct RunnerConfig {
    /// Folder for private copies and temporary folders; plugins must be able to enter it. Made 0711 if missing.
    pub work_dir: PathBuf,
    /// What no policy may open: the agent's data and configuration.
    pub protected: Vec<PathBuf>,
    pub run_as: RunAs,
    /// Runs at once.
    pub running_max: usize,
    /// Runs that may wait for a place; one more is refused as `overload`.
    pub waiting_max: usize,
    pub log: Option<ExecutionLog>,
    pub features: Features,
}

impl RunnerConfig {
    /// 8 at once (a plugin is mostly waiting), 1024 waiting, the kernel's features.
    pub fn new(work_dir: impl Into<PathBuf>) -> Self {
        Self {
            work_dir: work_dir.into(),
            protected: Vec::new(),
            run_as: RunAs::detect(),
            running_max: 8,
            waiting_max: 1024,
            log: None,
            features: Features::detect(),
        }
    }
}

/// Why there is no runner.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error(
        "plugins must not run as root: give them users of their own (RunAs::OwnUsers), or start the agent as an ordinary user"
    )]
    Root,
    #[error("only root can give plugins users of their own; use RunAs::SameUser")]
    NotRoot,
    #[error("could not make the folder {path} for plugins")]
    Folder { path: PathBuf, source: io::Error },
    #[error("could not start the process that ends plugins when the agent is killed")]
    Guard { source: io::Error },
    #[error("could not open /dev/null")]
    Null { source: io::Error },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Exited(i32),
    Signalled(i32),
    /// Ended at the deadline.
    TimedOut,
    /// Ended because it wrote without end.
    Flood,
    /// Ended because it filled its folder.
    Overfull,
    /// Not run, and the word for why: `digest`, `grade`, `params`, `sandbox`, `icmp`, `overload`, ...
    Refused(String),
    /// The system would not start it: the errno's name.
    NotStarted(String),
}

impl std::fmt::Display for Outcome {
    /// As the wire protocol's execution record has it: `exit:0`, `signal:9`, `timeout`, `refused:digest`, ...
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit:{code}"),
            Self::Signalled(signal) => write!(f, "signal:{signal}"),
            Self::TimedOut => f.write_str("timeout"),
            Self::Flood => f.write_str("refused:output"),
            Self::Overfull => f.write_str("refused:tmp"),
            Self::Refused(word) => write!(f, "refused:{word}"),
            Self::NotStarted(errno) => write!(f, "spawn:{errno}"),
        }
    }
}

/// The record of one run, or of a refusal.
#[derive(Debug, Clone)]
pub struct Execution {
    pub id: ExecutionId,
    /// Name of the plugin in the policy file.
    pub plugin: String,
    pub argv: Vec<String>,
    /// The digest the policy pins, and that the program had if it ran.
    pub sha256: [u8; 32],
    /// `None` when nothing was started.
    pub grade: Option<Grade>,
    pub outcome: Outcome,
    /// For people: why it was refused or not started. Empty otherwise.
    pub detail: String,
    /// At most [`OUTPUT_BYTES_MAX`] bytes, as written.
    pub stdout: Vec<u8>,
    /// Not part of the plugin API; for troubleshooting, untrusted.
    pub stderr: Vec<u8>,
    /// More was written than is kept.
    pub truncated: bool,
    pub started: Timestamp,
    pub finished: Timestamp,
    /// CPU time of the plugin and of the children it waited for, sandbox included.
    pub cpu: Duration,
    /// How long it waited for a place.
    pub late: Duration,
}

/// Counters since the runner started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunnerStats {
    pub runs: u64,
    pub refused: u64,
    pub timeouts: u64,
    pub waiting: u64,
    /// Longest wait for a place, milliseconds.
    pub late_ms_max: u64,
}

#[derive(Debug, Default)]
struct Counters {
    runs: AtomicU64,
    refused: AtomicU64,
    timeouts: AtomicU64,
    waiting: AtomicU64,
    late_ms_max: AtomicU64,
}

/// Runs plugins for one agent. Dropping it ends what still runs.
#[derive(Debug)]
pub struct Runner {
    spawner: Arc<Spawner>,
    /// A thread for each kind of plugin that was run.
    threads: Mutex<HashMap<Kind, mpsc::Sender<Request>>>,
    places: Semaphore,
    free_users: Mutex<Vec<u32>>,
    run_as: RunAs,
    waiting_max: u64,
    log: Option<ExecutionLog>,
    counters: Counters,
    processes: Mutex<(Option<Instant>, u64)>,
}

impl Runner {
    /// Prepares folders and starts the guard: a process that ends plugins and their children should this one be killed.
    ///
    /// # Errors
    /// When plugins would run as root, or a folder or the guard cannot be made.
    pub fn new(config: RunnerConfig) -> Result<Self, RunnerError> {
        let root = rustix::process::geteuid().is_root();
        match config.run_as {
            RunAs::SameUser if root => return Err(RunnerError::Root),
            RunAs::OwnUsers { .. } if !root => return Err(RunnerError::NotRoot),
            _ => {}
        }
        let folder = |path: &Path| {
            // What an earlier run of the agent left is worthless: names there are never reused. A plugin may have made it.
            match sweep(path, usize::MAX) {
                Err(e) => Err(e),
                _ => std::fs::DirBuilder::new().recursive(true).mode(0o711).create(path),
            }
            .map_err(|source| RunnerError::Folder { path: path.to_owned(), source })
        };
        if !config.work_dir.is_dir() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o711)
                .create(&config.work_dir)
                .map_err(|source| RunnerError::Folder { path: config.work_dir.clone(), source })?;
        }
        let (code_dir, tmp_dir) = (config.work_dir.join("code"), config.work_dir.join("tmp"));
        folder(&code_dir)?;
        folder(&tmp_dir)?;
        let spawner = Arc::new(Spawner {
            features: config.features,
            code_dir,
            tmp_dir,
            protected: config.protected,
            null: open_null().map_err(|source| RunnerError::Null { source })?,
            programs: Mutex::new(Programs::default()),
            runs: AtomicU64::new(0),
            guard: Guard::start().map_err(|source| RunnerError::Guard { source })?,
        });
        let running_max = config.running_max.clamp(1, 1024);
        let free_users = match config.run_as {
            RunAs::SameUser => Vec::new(),
            RunAs::OwnUsers { first_uid } => (0..u32::try_from(running_max).unwrap_or(1))
                .rev()
                .map(|slot| first_uid.saturating_add(slot))
                .collect(),
        };
        Ok(Self {
            spawner,
            threads: Mutex::new(HashMap::new()),
            places: Semaphore::new(running_max),
            free_users: Mutex::new(free_users),
            run_as: config.run_as,
            waiting_max: config.waiting_max as u64,
            log: config.log,
            counters: Counters::default(),
            processes: Mutex::new((None, 0)),
        })
    }

    /// The thread that starts plugins of a kind.
    fn thread(&self, kind: Kind) -> io::Result<mpsc::Sender<Request>> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(requests) = threads.get(&kind) {
            return Ok(requests.clone());
        }
        let (requests, receiver) = mpsc::channel();
        let spawner = Arc::clone(&self.spawner);
        std::thread::Builder::new()
            .name("plugin-spawner".into())
            .stack_size(256 << 10)
            .spawn(move || spawner.serve(kind, &receiver))?;
        threads.insert(kind, requests.clone());
        Ok(requests)
    }

    /// Counters since the start.
    pub fn stats(&self) -> RunnerStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RunnerStats {
            runs: get(&self.counters.runs),
            refused: get(&self.counters.refused),
            timeouts: get(&self.counters.timeouts),
            waiting: get(&self.counters.waiting),
            late_ms_max: get(&self.counters.late_ms_max),
        }
    }

    /// Runs a plugin with these values for its parameters, for at most `timeout` or the policy's, whichever is shorter.
    ///
    /// Dropping the future ends the run and its whole process group; such a run is not logged.
    pub async fn run(
        &self,
        policy: &Arc<PluginPolicy>,
        params: &[(String, String)],
        timeout: Duration,
    ) -> Execution {
        let mut execution = Execution {
            id: new_id(),
            plugin: policy.name.clone(),
            argv: vec![policy.program.to_string_lossy().into_owned()],
            sha256: policy.sha256,
            grade: None,
            outcome: Outcome::Refused("params".into()),
            detail: String::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            truncated: false,
            started: now(),
            finished: now(),
            cpu: Duration::ZERO,
            late: Duration::ZERO,
        };
        if let Err(refusal) = self.run_into(&mut execution, policy, params, timeout).await {
            execution.outcome = refusal.outcome;
            execution.detail = refusal.detail;
        }
        execution.finished = now();
        let counter = match execution.outcome {
            Outcome::Refused(_) | Outcome::NotStarted(_) => &self.counters.refused,
            Outcome::TimedOut => &self.counters.timeouts,
            _ => &self.counters.runs,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(log) = &self.log
            && let Err(error) = log.append(&execution)
        {
            tracing::error!(%error, execution.id = %execution.id, "could not write the execution log");
        }
        execution
    }

    async fn run_into(
        &self,
        execution: &mut Execution,
        policy: &Arc<PluginPolicy>,
        params: &[(String, String)],
        timeout: Duration,
    ) -> Result<(), Refusal> {
        let resolved = policy.resolve(params).map_err(|error| Refusal::new("params", error.to_string()))?;
        execution.argv.clone_from(&resolved.argv);

        let waited = Instant::now();
        let _place = {
            let waiting = Waiting::enter(&self.counters.waiting);
            if waiting.before >= self.waiting_max {
                return Err(Refusal::new("overload", "too many runs wait already".into()));
            }
            self.places.acquire().await.map_err(|_| Refusal::new("stopping", String::new()))?
        };
        execution.late = waited.elapsed();
        let late_ms = u64::try_from(execution.late.as_millis()).unwrap_or(u64::MAX);
        self.counters.late_ms_max.fetch_max(late_ms, Ordering::Relaxed);
        execution.started = now();

        let user = self.lease_user();
        let (uid, gid) = match &user {
            Some(lease) => (Some((lease.uid, lease.uid)), lease.uid),
            None => (None, rustix::process::getegid().as_raw()),
        };
        if policy.net.icmp {
            icmp_allowed(gid).map_err(|why| Refusal::new("icmp", why))?;
        }
        let processes_beside = if uid.is_some() { 0 } else { self.processes_of_user() };
        let (reply, started) = oneshot::channel();
        let start = Start { policy: Arc::clone(policy), resolved, user: uid, processes_beside, reply };
        let gone = || Refusal::new("stopping", "the thread that starts plugins is gone".into());
        let requests = self
            .thread(Kind::of(&policy.net, uid.is_some()))
            .map_err(|error| Refusal::new("prepare", format!("could not start a thread: {error}")))?;
        requests.send(Request::Start(Box::new(start))).map_err(|_| gone())?;
        let started = started.await.map_err(|_| gone())?.map_err(Refusal::from)?;
        execution.grade = Some(started.grade);
        let tmp_bytes_max = policy.limits.file_bytes.saturating_mul(FILES_OF_LARGEST);
        attend(execution, started, requests, timeout.min(policy.timeout), tmp_bytes_max)
            .await
            .map_err(|error| Refusal::new("prepare", format!("could not watch the run: {error}")))
    }

    fn lease_user(&self) -> Option<UserLease<'_>> {
        match self.run_as {
            RunAs::SameUser => None,
            RunAs::OwnUsers { first_uid } => {
                // One user per place, so there is one; the fallback is only for the compiler.
                let uid = self.free_users.lock().unwrap_or_else(PoisonError::into_inner).pop();
                Some(UserLease { uid: uid.unwrap_or(first_uid), pool: &self.free_users })
            }
        }
    }

    /// Tasks that the agent's user runs anyway, to set the process limit above. Counted at most once a minute.
    fn processes_of_user(&self) -> u64 {
        const SLACK: u64 = 64;
        let mut cached = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.0.is_none_or(|at| at.elapsed() > Duration::from_secs(60)) {
            *cached = (Some(Instant::now()), count_tasks(rustix::process::geteuid().as_raw()));
        }
        cached.1 + SLACK
    }
}

/// Watches a started plugin to its end.
async fn attend(
    execution: &mut Execution,
    started: Started,
    requests: mpsc::Sender<Request>,
    timeout: Duration,
    tmp_bytes_max: u64,
) -> io::Result<()> {
    let Started { spawned, stdout, stderr, tmp, .. } = started;
    let live = Live { spawned: Some(spawned), tmp, requests };
    let mut out = Capture::new(stdout)?;
    let mut err = Capture::new(stderr)?;
    let mut phase = Phase::Running;
    let mut next = Tick::now() + timeout;
    let mut measured = Tick::now() + MEASURE;
    let ended = {
        let exit = child::watch(live.pidfd().ok_or(io::ErrorKind::NotFound)?)?;
        loop {
            let mut excess = None;
            tokio::select! {
                ready = exit.readable() => { ready?.retain_ready(); break true; }
                () = out.pump(), if out.open => {}
                () = err.pump(), if err.open => {}
                () = tokio::time::sleep_until(next) => {
                    (phase, next) = match phase {
                        Phase::Running => { live.signal(Signal::TERM); (Phase::Terminated, next + GRACE) }
                        Phase::Terminated => { live.signal(Signal::KILL); (Phase::Killed, next + BURIAL) }
                        Phase::Killed | Phase::Stopped(_) => break false,
                    };
                }
                () = tokio::time::sleep_until(measured), if live.tmp.is_some() => {
                    measured = Tick::now() + MEASURE;
                    excess = live.is_overfull(tmp_bytes_max).then_some(Excess::Tmp);
                }
            }
            if out.is_flood() || err.is_flood() {
                excess = Some(Excess::Output);
            }
            if let (Some(excess), false) = (excess, matches!(phase, Phase::Stopped(_))) {
                live.signal(Signal::KILL);
                phase = Phase::Stopped(excess);
                next = Tick::now() + BURIAL;
                // What it still says is of no interest, and reading it would only take time.
                (out.open, err.open) = (false, false);
            }
        }
    };
    // Whatever the leader left behind goes with it. Its zombie still holds the group's number.
    live.signal(Signal::KILL);
    if phase == Phase::Running && live.is_overfull(tmp_bytes_max) {
        phase = Phase::Stopped(Excess::Tmp);
    }
    if !matches!(phase, Phase::Stopped(_)) {
        let drain = async {
            while (out.open || err.open) && !out.is_flood() && !err.is_flood() {
                tokio::select! {
                    () = out.pump(), if out.open => {}
                    () = err.pump(), if err.open => {}
                }
            }
        };
        let _late = tokio::time::timeout(DRAIN, drain).await;
    }
    let end = if ended { live.collect() } else { None };
    execution.outcome = match (phase, end) {
        (Phase::Stopped(Excess::Output), _) => Outcome::Flood,
        (Phase::Stopped(Excess::Tmp), _) => Outcome::Overfull,
        (Phase::Terminated | Phase::Killed, _) | (Phase::Running, None) => Outcome::TimedOut,
        (Phase::Running, Some((End::Exited(code), _))) => Outcome::Exited(code),
        (Phase::Running, Some((End::Signalled(signal), _))) => Outcome::Signalled(signal),
    };
    execution.detail = match execution.outcome {
        Outcome::Flood => format!("wrote more than {FLOOD_BYTES} bytes and was ended"),
        Outcome::Overfull => {
            format!("put more into its folder than {tmp_bytes_max} bytes or {ENTRIES_MAX} files")
        }
        Outcome::TimedOut => format!("did not end within {:.1} s", timeout.as_secs_f64()),
        Outcome::Signalled(libc::SIGSYS) => {
            "made a system call that no plugin may make, and was ended".into()
        }
        _ => String::new(),
    };
    execution.cpu = end.map_or(Duration::ZERO, |(_, cpu)| cpu);
    execution.truncated = out.truncated() || err.truncated();
    execution.stdout = out.kept;
    execution.stderr = err.kept;
    Ok(())
}

/// Tasks of a user, by the owner of their folders in /proc.
fn count_tasks(uid: u32) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    entries
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit))
        .filter(|entry| entry.metadata().is_ok_and(|meta| meta.uid() == uid))
        .map(|entry| std::fs::read_dir(entry.path().join("task")).map_or(1, |tasks| tasks.count() as u64))
        .sum()
}

/// Says why unprivileged ICMP is closed to a group, and how to open it.
fn icmp_allowed(gid: u32) -> Result<(), String> {
    const SETTING: &str = "/proc/sys/net/ipv4/ping_group_range";
    let text = std::fs::read_to_string(SETTING).map_err(|e| format!("could not read {SETTING}: {e}"))?;
    let mut ends = text.split_whitespace().map(str::parse::<u32>);
    match (ends.next(), ends.next()) {
        (Some(Ok(low)), Some(Ok(high))) if (low..=high).contains(&gid) => Ok(()),
        _ => Err(format!(
            "ICMP without privileges is closed to group {gid} (net.ipv4.ping_group_range is {}); open it with: \
             sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"",
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        )),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Terminated,
    Killed,
    Stopped(Excess),
}

/// What a plugin did too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excess {
    Output,
    Tmp,
}

/// A refusal on its way into the record.
struct Refusal {
    outcome: Outcome,
    detail: String,
}

impl Refusal {
    fn new(word: &str, detail: String) -> Self {
        Self { outcome: Outcome::Refused(word.to_owned()), detail }
    }
}

impl From<StartError> for Refusal {
    fn from(error: StartError) -> Self {
        let outcome = match error.word() {
            (true, word) => Outcome::Refused(word),
            (false, errno) => Outcome::NotStarted(errno),
        };
        Self { outcome, detail: error.to_string() }
    }
}

struct Waiting<'a> {
    counter: &'a AtomicU64,
    before: u64,
}

impl<'a> Waiting<'a> {
    fn enter(counter: &'a AtomicU64) -> Self {
        Self { counter, before: counter.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::Relaxed);
    }
}

struct UserLease<'a> {
    uid: u32,
    pool: &'a Mutex<Vec<u32>>,
}

impl Drop for UserLease<'_> {
    fn drop(&mut self) {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(self.uid);
    }
}

/// A plugin that has not been collected. Dropped before that, it is ended by the spawner.
struct Live {
    spawned: Option<Spawned>,
    tmp: Option<PathBuf>,
    requests: mpsc::Sender<Request>,
}

impl Live {
    fn pidfd(&self) -> Option<&OwnedFd> {
        self.spawned.as_ref().map(|spawned| &spawned.pidfd)
    }

    fn signal(&self, signal: Signal) {
        if let Some(spawned) = &self.spawned {
            kill_group(spawned.pid, signal);
        }
    }

    fn is_overfull(&self, bytes_max: u64) -> bool {
        self.tmp.as_deref().is_some_and(|tmp| is_overfull(tmp, bytes_max))
    }

    /// Collects a leader that has ended.
    fn collect(mut self) -> Option<(End, Duration)> {
        let end = child::reap(self.spawned.as_mut()?, false)?;
        self.spawned = None;
        // What takes longer is left to the spawner.
        self.tmp = self.tmp.take().filter(|tmp| !sweep_tmp(tmp));
        Some(end)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let remains = Remains { spawned: self.spawned.take(), tmp: self.tmp.take() };
        if let Some(spawned) = &remains.spawned {
            kill_group(spawned.pid, Signal::KILL);
        }
        if remains.spawned.is_some() || remains.tmp.is_some() {
            // Without a spawner the program is ending, and the plugins with it.
            let _stopping = self.requests.send(Request::Bury(remains));
        }
    }
}

/// What was read of one output.
struct Capture {
    pipe: pipe::Receiver,
    chunk: Box<[u8]>,
    kept: Vec<u8>,
    seen: u64,
    open: bool,
}

impl Capture {
    fn new(fd: OwnedFd) -> io::Result<Self> {
        let pipe = pipe::Receiver::from_owned_fd(fd)?;
        Ok(Self { pipe, chunk: vec![0; 8 << 10].into_boxed_slice(), kept: Vec::new(), seen: 0, open: true })
    }

    /// Reads once. May be dropped at any time: a read either happened or did not.
    async fn pump(&mut self) {
        match self.pipe.read(&mut self.chunk).await {
            Ok(0) | Err(_) => self.open = false,
            Ok(n) => {
                self.seen += n as u64;
                let room = OUTPUT_BYTES_MAX - self.kept.len();
                self.kept.extend_from_slice(&self.chunk[..n.min(room)]);
            }
        }
    }

    fn is_flood(&self) -> bool {
        self.seen > FLOOD_BYTES + OUTPUT_BYTES_MAX as u64
    }

    fn truncated(&self) -> bool {
        self.seen > self.kept.len() as u64
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn new_id() -> ExecutionId {
    let mut random = [0; 10];
    // Without random bytes ids of one millisecond could meet; they name records and guard nothing.
    let _weak = aws_lc_rs::rand::fill(&mut random);
    ExecutionId::new(u64::try_from(now().as_ms()).unwrap_or(0), random)
}
