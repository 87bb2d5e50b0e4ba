//! The thread that starts plugins.
//!
//! One thread, for as long as the runner lives: the kernel kills a plugin when the thread that started it dies, and a
//! thread of a pool comes and goes. It also keeps the verified programs and the rulesets, so nothing here needs a lock.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::bpf::Insn;
use crate::child::{self, Plan, Spawned, Stack, Step, Target};
use crate::filter;
use crate::grade::{Grade, Layer};
use crate::policy::{PluginPolicy, Resolved};
use crate::program::{Image, ProgramError, Programs, errno_name, high};
use crate::rules::{self, Features, Reach};

/// Rulesets kept; each is one descriptor. Beyond it the cache starts over.
const RULESETS_MAX: usize = 64;
/// How often killed processes that linger are looked at.
const LINGER_POLL: Duration = Duration::from_millis(20);

pub(crate) enum Request {
    Start(Box<Start>),
    /// A run was abandoned: end what it left.
    Bury(Spawned, Option<PathBuf>),
}

pub(crate) struct Start {
    pub(crate) policy: Arc<PluginPolicy>,
    pub(crate) resolved: Resolved,
    pub(crate) user: Option<(u32, u32)>,
    /// Processes of the same user that run anyway, to be added to the limit; 0 with a user of its own.
    pub(crate) processes_beside: u64,
    pub(crate) reply: oneshot::Sender<Result<Started, StartError>>,
}

/// A running plugin with the ends of its pipes.
pub(crate) struct Started {
    pub(crate) spawned: Spawned,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    pub(crate) grade: Grade,
    pub(crate) tmp: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(
        "the sandbox would be {grade}, and the policy asks for full: a newer kernel, or lowest_grade = \"compat\", mends it"
    )]
    Grade { grade: Grade },
    #[error("{0}")]
    Forbidden(String),
    #[error("could not build the file rules: {0}")]
    Rules(String),
    #[error("could not prepare the run: {0}")]
    Prepare(std::io::Error),
    #[error("layer {step} could not be applied: {error}")]
    Layer { step: &'static str, error: std::io::Error },
    #[error("the kernel would not start it: {0}")]
    Exec(std::io::Error),
}

pub(crate) struct Spawner {
    pub(crate) features: Features,
    pub(crate) code_dir: PathBuf,
    pub(crate) tmp_dir: PathBuf,
    pub(crate) protected: Vec<PathBuf>,
    pub(crate) null: OwnedFd,
}

struct Caches {
    programs: Programs,
    rulesets: HashMap<Reach, Option<OwnedFd>>,
    filters: HashMap<[bool; 4], Vec<Insn>>,
    stack: Stack,
    runs: u64,
    /// Killed, but not gone yet: a process that waits for a dead disk cannot be collected, and must not be waited for.
    lingering: Vec<(Spawned, Option<PathBuf>)>,
}

impl Spawner {
    pub(crate) fn serve(self, requests: &Receiver<Request>) {
        child::block_signals();
        let mut caches = Caches {
            programs: Programs::default(),
            rulesets: HashMap::new(),
            filters: HashMap::new(),
            stack: Stack::new(),
            runs: 0,
            lingering: Vec::new(),
        };
        loop {
            let request = match caches.lingering.is_empty() {
                true => requests.recv().ok(),
                false => match requests.recv_timeout(LINGER_POLL) {
                    Err(RecvTimeoutError::Timeout) => {
                        caches.lingering.retain(|(spawned, tmp)| !bury(spawned, tmp.as_deref()));
                        continue;
                    }
                    received => received.ok(),
                },
            };
            let Some(request) = request else { return };
            match request {
                Request::Start(start) => {
                    let Start { policy, resolved, user, processes_beside, reply } = *start;
                    let result = self.start(&mut caches, &policy, &resolved, user, processes_beside);
                    if let Err(Ok(started)) = reply.send(result) {
                        caches.lingering.push((started.spawned, started.tmp));
                    }
                }
                Request::Bury(spawned, tmp) => caches.lingering.push((spawned, tmp)),
            }
        }
    }

    fn start(
        &self,
        caches: &mut Caches,
        policy: &PluginPolicy,
        resolved: &Resolved,
        user: Option<(u32, u32)>,
        processes_beside: u64,
    ) -> Result<Started, StartError> {
        let grade = self.grade(policy, user.is_some());
        if !grade.satisfies(policy.lowest_grade) {
            return Err(StartError::Grade { grade });
        }
        for path in &policy.read_paths {
            if let Some(why) = rules::forbidden(path, &self.protected) {
                return Err(StartError::Forbidden(why));
            }
        }
        let program = caches.programs.get(policy, &self.code_dir)?;
        caches.runs += 1;
        let tmp = match policy.tmp {
            true => Some(TmpDir::make(&self.tmp_dir, caches.runs, user).map_err(StartError::Prepare)?),
            false => None,
        };
        let reach = Reach {
            read: policy.read_paths.clone(),
            code: match &program.image {
                Image::Folder { folder, .. } => Some(folder.clone()),
                Image::Sealed { .. } => None,
            },
            write: tmp.as_ref().map(|dir| dir.path.clone()),
            connect: resolved.connect_ports.clone(),
            bind: policy.net.tcp_bind.clone(),
            network: policy.net.inet(),
        };
        let fresh;
        let ruleset = if reach.write.is_some() {
            fresh = self.ruleset(&reach)?;
            &fresh
        } else {
            if !caches.rulesets.contains_key(&reach) {
                if caches.rulesets.len() >= RULESETS_MAX {
                    caches.rulesets.clear();
                }
                let made = self.ruleset(&reach)?;
                caches.rulesets.insert(reach.clone(), made);
            }
            &caches.rulesets[&reach]
        };
        let net = &policy.net;
        let filter = caches
            .filters
            .entry([net.tcp(), net.udp, net.icmp, net.unix])
            .or_insert_with(|| filter::program(net));

        let (stdout, stdout_child) = pipe(user)?;
        let (stderr, stderr_child) = pipe(user)?;
        let cwd_path = tmp.as_ref().map_or(Path::new("/"), |dir| &dir.path);
        let cwd = CString::new(cwd_path.as_os_str().as_bytes())
            .map_err(|_| StartError::Prepare(std::io::ErrorKind::InvalidInput.into()))?;
        let plan = Plan {
            target: match &program.image {
                Image::Sealed { file, script } => Target::Sealed { fd: file.as_fd(), script: *script },
                Image::Folder { path, .. } => Target::Path(path),
            },
            argv: &resolved.c_argv,
            envp: &environment(tmp.as_ref().map(|dir| dir.path.as_path())),
            cwd: &cwd,
            stdin: self.null.as_fd(),
            stdout: stdout_child.as_fd(),
            stderr: stderr_child.as_fd(),
            landlock: ruleset.as_ref().map(AsFd::as_fd),
            filter,
            user,
            bound_net_raw: net.icmp,
            limits: &limits(policy, processes_beside),
        };
        let spawned = child::spawn(&plan, &mut caches.stack).map_err(|(step, error)| match step {
            Step::Exec => StartError::Exec(error),
            step => StartError::Layer { step: step.as_str(), error },
        })?;
        Ok(Started { spawned, stdout, stderr, grade, tmp: tmp.map(TmpDir::keep) })
    }

    fn grade(&self, policy: &PluginPolicy, own_user: bool) -> Grade {
        let missing = [
            (!self.features.files()).then_some(Layer::Files),
            (policy.net.tcp() && !self.features.ports()).then_some(Layer::Ports),
            (!own_user && !self.features.scopes()).then_some(Layer::Signals),
        ];
        Grade::new(missing.into_iter().flatten(), own_user)
    }

    fn ruleset(&self, reach: &Reach) -> Result<Option<OwnedFd>, StartError> {
        let made = rules::ruleset(self.features, reach).map_err(StartError::Rules)?;
        made.map(high).transpose().map_err(StartError::Prepare)
    }
}

/// Ends a whole group and collects its leader if it is gone. The group cannot be another's: the leader is not collected
/// before.
fn bury(spawned: &Spawned, tmp: Option<&Path>) -> bool {
    kill_group(spawned.pid, rustix::process::Signal::KILL);
    let gone = child::reap(&spawned.pidfd, false).is_some();
    if gone {
        remove_tmp(tmp);
    }
    gone
}

pub(crate) fn kill_group(pid: i32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        // ESRCH only says that nothing is left.
        let _gone = rustix::process::kill_process_group(pid, signal);
    }
}

pub(crate) fn remove_tmp(tmp: Option<&Path>) {
    if let Some(tmp) = tmp
        && let Err(error) = std::fs::remove_dir_all(tmp)
    {
        tracing::warn!(path = %tmp.display(), %error, "could not remove a plugin's folder");
    }
}

/// A folder of the run's own, removed if the start fails.
struct TmpDir {
    path: PathBuf,
}

impl TmpDir {
    fn make(base: &Path, run: u64, user: Option<(u32, u32)>) -> std::io::Result<Self> {
        if !base.is_dir() {
            // Entered by the plugin's user, listed by nobody.
            std::fs::DirBuilder::new().recursive(true).mode(0o711).create(base)?;
        }
        let path = base.join(format!("{}-{run}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        let made = Self { path };
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(&made.path, Some(uid), Some(gid))?;
        }
        Ok(made)
    }

    fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.path)
    }
}

impl Drop for TmpDir {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            remove_tmp(Some(&self.path));
        }
    }
}

/// Read end for the agent, write end for the child, out of the way of 0 to 3.
fn pipe(user: Option<(u32, u32)>) -> Result<(OwnedFd, OwnedFd), StartError> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .map_err(|e| StartError::Prepare(e.into()))?;
    if let Some((uid, gid)) = user {
        // Lets a script open /dev/stdout and /dev/stderr again.
        let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
        rustix::fs::fchown(&write, Some(uid), Some(gid)).map_err(|e| StartError::Prepare(e.into()))?;
    }
    rustix::io::ioctl_fionbio(&read, true).map_err(|e| StartError::Prepare(e.into()))?;
    let write = if write.as_raw_fd() < 10 { high(write).map_err(StartError::Prepare)? } else { write };
    Ok((read, write))
}

/// The whole environment: nothing of the agent's reaches a plugin.
fn environment(tmp: Option<&Path>) -> Vec<CString> {
    let mut list =
        vec![c"PATH=/usr/sbin:/usr/bin:/sbin:/bin".to_owned(), c"LC_ALL=C".to_owned(), c"TZ=UTC".to_owned()];
    for name in ["HOME=", "TMPDIR="] {
        if let Some(tmp) = tmp {
            let value = [name.as_bytes(), tmp.as_os_str().as_bytes()].concat();
            list.extend(CString::new(value));
        }
    }
    list
}

fn limits(policy: &PluginPolicy, processes_beside: u64) -> Vec<(u32, u64, u64)> {
    let limits = &policy.limits;
    let fixed = |resource: libc::__rlimit_resource_t, value: u64| (resource, value, value);
    let mut list = vec![
        fixed(libc::RLIMIT_AS, limits.memory_bytes),
        fixed(libc::RLIMIT_FSIZE, limits.file_bytes),
        fixed(libc::RLIMIT_NOFILE, limits.open_files),
        fixed(libc::RLIMIT_NPROC, limits.processes.saturating_add(processes_beside)),
        fixed(libc::RLIMIT_CORE, 0),
        fixed(libc::RLIMIT_MEMLOCK, 0),
        fixed(libc::RLIMIT_MSGQUEUE, 0),
        // SIGXCPU first, SIGKILL a second later.
        (libc::RLIMIT_CPU, limits.cpu_s, limits.cpu_s.saturating_add(1)),
    ];
    // An ordinary user can lower a hard limit but not raise it.
    for (resource, soft, hard) in &mut list {
        if let Some(most) = hard_limit(*resource) {
            *hard = (*hard).min(most);
            *soft = (*soft).min(*hard);
        }
    }
    list
}

fn hard_limit(resource: libc::__rlimit_resource_t) -> Option<u64> {
    use rustix::process::Resource;
    let resource = match resource {
        libc::RLIMIT_AS => Resource::As,
        libc::RLIMIT_FSIZE => Resource::Fsize,
        libc::RLIMIT_NOFILE => Resource::Nofile,
        libc::RLIMIT_NPROC => Resource::Nproc,
        libc::RLIMIT_CPU => Resource::Cpu,
        _ => return None,
    };
    rustix::process::getrlimit(resource).maximum
}

pub(crate) fn open_null() -> std::io::Result<OwnedFd> {
    high(File::open("/dev/null")?.into())
}

impl StartError {
    /// The word behind `refused:` or `spawn:` in the record.
    pub(crate) fn word(&self) -> (bool, String) {
        match self {
            Self::Program(ProgramError::Digest { .. }) => (true, "digest".into()),
            Self::Program(ProgramError::Open { errno, .. }) => (false, errno.clone()),
            Self::Program(ProgramError::NotAFile { .. }) => (true, "not-a-file".into()),
            Self::Program(ProgramError::TooLarge { .. }) => (true, "too-large".into()),
            Self::Program(ProgramError::Seal { .. }) | Self::Prepare(_) => (true, "prepare".into()),
            Self::Grade { .. } => (true, "grade".into()),
            Self::Forbidden(_) => (true, "forbidden-path".into()),
            Self::Rules(_) | Self::Layer { .. } => (true, "sandbox".into()),
            Self::Exec(error) => (false, errno_name(error)),
        }
    }
}
