//! The threads that start plugins, one for each kind of filter.
//!
//! Each lives as long as the runner: the kernel kills a plugin when the thread that started it dies, and a thread of a pool
//! comes and goes. It carries the filter of its plugins, which inherit it, and so does not have it translated by the kernel
//! at every run; nothing it does itself may need more than that lets pass.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::bpf::Insn;
use crate::child::{self, Plan, Spawned, Stack, Step, Target};
use crate::filter::{self, Kind};
use crate::grade::{Grade, Layer};
use crate::guard::Guard;
use crate::policy::{PluginPolicy, Resolved};
use crate::program::{Image, ProgramError, Programs, errno_name, high};
use crate::rules::{self, Features, Reach, Rules, RulesError};
use crate::tmp::{TmpDir, sweep};

/// Rulesets kept; each is one descriptor. Beyond it the cache starts over.
const RULESETS_MAX: usize = 64;
/// How often killed processes that linger are looked at.
const LINGER_POLL: Duration = Duration::from_millis(20);
/// Files removed at one look: starts of other plugins wait for less than a blink.
const SWEEP_BUDGET: usize = 512;

pub(crate) enum Request {
    Start(Box<Start>),
    /// A run was abandoned, or left much behind: end it, and remove that.
    Bury(Remains),
}

/// What is left of a run.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) spawned: Option<Spawned>,
    pub(crate) tmp: Option<PathBuf>,
}

impl Remains {
    /// Ends a whole group, collects its leader, and removes its folder; true when all of it is gone. The group cannot be
    /// another's: the leader is not collected before.
    fn bury(&mut self) -> bool {
        if let Some(spawned) = &mut self.spawned {
            kill_group(spawned.pid, rustix::process::Signal::KILL);
            if child::reap(spawned, false).is_none() {
                return false;
            }
            self.spawned = None;
        }
        self.tmp = self.tmp.take().filter(|tmp| !sweep_tmp(tmp));
        self.tmp.is_none()
    }
}

/// Removes a run's folder, or the start of it; true when there is nothing more to do.
pub(crate) fn sweep_tmp(tmp: &Path) -> bool {
    sweep(tmp, SWEEP_BUDGET).unwrap_or_else(|error| {
        tracing::warn!(path = %tmp.display(), %error, "could not remove a plugin's folder");
        true
    })
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
    #[error("too many ended plugins wait for a disk or a network mount that does not answer")]
    Lingering,
    #[error("the kernel would not start it: {0}")]
    Exec(std::io::Error),
}

/// What the threads share.
#[derive(Debug)]
pub(crate) struct Spawner {
    pub(crate) features: Features,
    pub(crate) code_dir: PathBuf,
    pub(crate) tmp_dir: PathBuf,
    pub(crate) protected: Vec<PathBuf>,
    pub(crate) null: OwnedFd,
    pub(crate) programs: Mutex<Programs>,
    pub(crate) runs: AtomicU64,
    pub(crate) guard: Guard,
}

/// What a thread has of its own.
struct Caches {
    rulesets: HashMap<Reach, Rules>,
    seal: Vec<Insn>,
    stack: Stack,
    /// Killed, but not gone yet: a process that waits for a dead disk cannot be collected, and must not be waited for.
    lingering: Vec<Remains>,
}

impl Spawner {
    /// Starts plugins of one kind until nobody asks any more.
    pub(crate) fn serve(&self, kind: Kind, requests: &Receiver<Request>) {
        child::block_signals();
        let prepared = child::prepare_thread(&filter::base(kind), kind.icmp);
        let mut caches = Caches {
            rulesets: HashMap::new(),
            seal: filter::seal(kind),
            stack: Stack::new(),
            lingering: Vec::new(),
        };
        loop {
            let request = match caches.lingering.is_empty() {
                true => requests.recv().ok(),
                false => match requests.recv_timeout(LINGER_POLL) {
                    Err(RecvTimeoutError::Timeout) => {
                        caches.lingering.retain_mut(|remains| !remains.bury());
                        continue;
                    }
                    received => received.ok(),
                },
            };
            let Some(request) = request else { return };
            match request {
                Request::Start(start) => {
                    let Start { policy, resolved, user, processes_beside, reply } = *start;
                    let result = match &prepared {
                        Ok(()) => self.start(&mut caches, &policy, &resolved, user, processes_beside),
                        Err((step, error)) => Err(StartError::Layer {
                            step: step.as_str(),
                            error: error
                                .raw_os_error()
                                .map_or_else(|| error.kind().into(), std::io::Error::from_raw_os_error),
                        }),
                    };
                    if let Err(Ok(started)) = reply.send(result) {
                        let Started { spawned, tmp, .. } = started;
                        caches.lingering.push(Remains { spawned: Some(spawned), tmp });
                    }
                }
                Request::Bury(remains) => caches.lingering.push(remains),
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
        let slot = self.guard.slots().take().ok_or(StartError::Lingering)?;
        let program =
            self.programs.lock().unwrap_or_else(PoisonError::into_inner).get(policy, &self.code_dir)?;
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let tmp = match policy.tmp {
            true => Some(TmpDir::make(&self.tmp_dir, run, user).map_err(StartError::Prepare)?),
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
        let rules = if reach.write.is_some() {
            fresh = self.ruleset(&reach)?;
            &fresh
        } else {
            if !caches.rulesets.get(&reach).is_some_and(Rules::is_current) {
                // The old one is of no use, whether or not there will be a new one.
                caches.rulesets.remove(&reach);
                if caches.rulesets.len() >= RULESETS_MAX {
                    caches.rulesets.clear();
                }
                let made = self.ruleset(&reach)?;
                caches.rulesets.insert(reach.clone(), made);
            }
            &caches.rulesets[&reach]
        };

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
            landlock: rules.fd.as_ref().map(AsFd::as_fd),
            seal: &caches.seal,
            user,
            limits: &limits(policy, processes_beside),
        };
        let spawned = child::spawn(&plan, slot, &mut caches.stack).map_err(|(step, error)| match step {
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

    fn ruleset(&self, reach: &Reach) -> Result<Rules, StartError> {
        let mut made =
            rules::ruleset(self.features, reach, &self.protected).map_err(|error| match error {
                RulesError::Forbidden(why) => StartError::Forbidden(why),
                RulesError::Kernel(why) => StartError::Rules(why),
            })?;
        made.fd = made.fd.map(high).transpose().map_err(StartError::Prepare)?;
        Ok(made)
    }
}

pub(crate) fn kill_group(pid: i32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        // ESRCH only says that nothing is left.
        let _gone = rustix::process::kill_process_group(pid, signal);
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
            Self::Lingering => (true, "overload".into()),
            Self::Forbidden(_) => (true, "forbidden-path".into()),
            Self::Rules(_) | Self::Layer { .. } => (true, "sandbox".into()),
            Self::Exec(error) => (false, errno_name(error)),
        }
    }
}
