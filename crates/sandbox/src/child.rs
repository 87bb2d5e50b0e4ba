//! The child between clone and exec, and the few raw calls that no safe crate offers.
//!
//! The clone shares memory with the agent and suspends the calling thread until exec, as `posix_spawn` does: the cost
//! does not grow with the agent, and a failure is reported through shared memory. In return the child may do nothing but
//! system calls on values prepared beforehand. All of it is in [`child_main`].

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use libc::{c_char, c_int, c_long, c_ulong};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::bpf::Insn;
use crate::guard::Slot;

/// Where a start stopped; for the record and for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    None = 0,
    Session,
    Descriptors,
    Folder,
    Limits,
    Capabilities,
    User,
    Parent,
    NoNewPrivileges,
    Landlock,
    Signals,
    Seccomp,
    Exec,
}

impl Step {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "clone",
            Self::Session => "session",
            Self::Descriptors => "descriptors",
            Self::Folder => "folder",
            Self::Limits => "limits",
            Self::Capabilities => "capabilities",
            Self::User => "user",
            Self::Parent => "parent",
            Self::NoNewPrivileges => "no-new-privs",
            Self::Landlock => "landlock",
            Self::Signals => "signals",
            Self::Seccomp => "seccomp",
            Self::Exec => "exec",
        }
    }
}

/// What is run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A sealed memory file. A script's stays open as descriptor 3 for its interpreter.
    Sealed {
        fd: BorrowedFd<'a>,
        script: bool,
    },
    Path(&'a std::ffi::CStr),
}

/// Everything the child needs, ready to use.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) target: Target<'a>,
    pub(crate) argv: &'a [std::ffi::CString],
    pub(crate) envp: &'a [std::ffi::CString],
    pub(crate) cwd: &'a std::ffi::CStr,
    pub(crate) stdin: BorrowedFd<'a>,
    pub(crate) stdout: BorrowedFd<'a>,
    pub(crate) stderr: BorrowedFd<'a>,
    pub(crate) landlock: Option<BorrowedFd<'a>>,
    /// Takes back what [`prepare_thread`]'s filter still lets pass.
    pub(crate) seal: &'a [Insn],
    /// User and group to become; `None` keeps an ordinary user's.
    pub(crate) user: Option<(u32, u32)>,
    /// Resource and limit, both soft and hard.
    pub(crate) limits: &'a [(u32, u64, u64)],
}

/// A started plugin. Its process stays a zombie, and its group its own, until [`reap`].
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) pidfd: OwnedFd,
    pub(crate) pid: i32,
    /// Its place on the guard's list; given back before the leader is collected.
    pub(crate) slot: Option<Slot>,
}

/// Plan in raw form; lives on the spawner's stack while the child runs.
struct Raw {
    exec_fd: RawFd,
    exec_path: *const c_char,
    script: bool,
    argv: *const *const c_char,
    envp: *const *const c_char,
    cwd: *const c_char,
    fds: [RawFd; 3],
    landlock: RawFd,
    seal: libc::sock_fprog,
    user: Option<(u32, u32)>,
    /// Where the guard looks for this run's group.
    group: *const AtomicI32,
    limits: *const (u32, u64, u64),
    limits_len: usize,
    parent: c_int,
    /// Written by the child, read after it is gone.
    failed: Step,
    errno: c_int,
}

/// Stack of the child until exec. Debug builds of [`child_main`] use a few KiB.
#[derive(Debug)]
pub(crate) struct Stack(Vec<u128>);

impl Stack {
    pub(crate) fn new() -> Self {
        Self(vec![0; (128 << 10) / size_of::<u128>()])
    }

    pub(crate) fn top(&mut self) -> *mut c_void {
        // SAFETY: one past the end of the vector is a valid address, aligned to 16 as u128 is; stacks grow down into it.
        unsafe { self.0.as_mut_ptr().add(self.0.len()) }.cast::<c_void>()
    }
}

/// Blocks every signal in the calling thread, so that none of the agent's handlers can run in a child that shares its
/// memory. To be called once by the thread that spawns.
pub(crate) fn block_signals() {
    // SAFETY: the set is initialised by sigfillset before use, and both pointers are valid for the calls.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigfillset(&raw mut set);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, ptr::null_mut());
    }
}

/// Gives the calling thread, for good, what all its plugins inherit: no new privileges, no capability that a program could
/// gain, and the filter. The kernel translates a filter each time one is installed, which costs more than the rest of a
/// start; here that is once for each thread, and not at every run.
///
/// `bound_net_raw` keeps CAP_NET_RAW in the bounding set: the kernel refuses to start `ping`, whose file asks for it,
/// without. No new privileges still keeps it from being gained.
pub(crate) fn prepare_thread(filter: &[Insn], bound_net_raw: bool) -> Result<(), (Step, io::Error)> {
    const CAP_LAST_POSSIBLE: c_ulong = 63;
    const CAP_NET_RAW: c_ulong = 13;
    // NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE, each locked. KEEP_CAPS stays open: `ping` insists on setting it, and
    // there are no capabilities to keep.
    const SECUREBITS: c_ulong = 0b1100_1111;
    let failed = |step| (step, io::Error::last_os_error());
    // SAFETY: system calls on integers, and on a filter that the kernel copies during the call.
    unsafe {
        if may_drop_bounding() {
            for cap in (0..=CAP_LAST_POSSIBLE).filter(|cap| !(*cap == CAP_NET_RAW && bound_net_raw)) {
                // Numbers past the last capability fail with EINVAL, which ends the list.
                if libc::prctl(libc::PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 {
                    break;
                }
            }
            if libc::prctl(libc::PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) < 0 {
                return Err(failed(Step::Capabilities));
            }
        }
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 {
            return Err(failed(Step::NoNewPrivileges));
        }
        let program = program_of(filter);
        if libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, &raw const program) < 0 {
            return Err(failed(Step::Seccomp));
        }
    }
    Ok(())
}

const SET_MODE_FILTER: c_int = 1;

fn program_of(filter: &[Insn]) -> libc::sock_fprog {
    libc::sock_fprog {
        // The kernel takes at most 4096; a test says that ours are shorter.
        len: u16::try_from(filter.len()).unwrap_or(u16::MAX),
        // Insn is repr(C) with the fields of sock_filter; the kernel only reads it.
        filter: filter.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    }
}

/// Starts the plugin. The calling thread must live as long as the plugin may (its death kills it), have all signals
/// blocked by [`block_signals`], and be prepared by [`prepare_thread`].
pub(crate) fn spawn(plan: &Plan<'_>, slot: Slot, stack: &mut Stack) -> Result<Spawned, (Step, io::Error)> {
    let pointers = |list: &[std::ffi::CString]| -> Vec<*const c_char> {
        list.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
    };
    let (argv, envp) = (pointers(plan.argv), pointers(plan.envp));
    let (exec_fd, exec_path, script) = match plan.target {
        Target::Sealed { fd, script } => (fd.as_raw_fd(), c"".as_ptr(), script),
        Target::Path(path) => (-1, path.as_ptr(), false),
    };
    let mut raw = Raw {
        exec_fd,
        exec_path,
        script,
        argv: argv.as_ptr(),
        envp: envp.as_ptr(),
        cwd: plan.cwd.as_ptr(),
        fds: [plan.stdin.as_raw_fd(), plan.stdout.as_raw_fd(), plan.stderr.as_raw_fd()],
        landlock: plan.landlock.map_or(-1, |fd| fd.as_raw_fd()),
        seal: program_of(plan.seal),
        user: plan.user,
        group: ptr::from_ref(slot.group()),
        limits: plan.limits.as_ptr(),
        limits_len: plan.limits.len(),
        // SAFETY: getpid takes nothing and cannot fail.
        parent: unsafe { libc::getpid() },
        failed: Step::None,
        errno: 0,
    };
    let mut pidfd: c_int = -1;
    let top = stack.top();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    // SAFETY: CLONE_VFORK suspends this thread until the child has executed or exited, so `raw`, everything it points to,
    // and the stack outlive the child's use of them, and nothing else writes to them meanwhile. `child_main` only makes
    // system calls, so the memory it shares stays consistent. `pidfd` is where CLONE_PIDFD stores.
    let pid = unsafe { libc::clone(child_main, top, flags, (&raw mut raw).cast::<c_void>(), &raw mut pidfd) };
    if pid < 0 {
        return Err((Step::None, io::Error::last_os_error()));
    }
    // SAFETY: the kernel just made this descriptor for us and nobody else knows it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let mut spawned = Spawned { pidfd, pid, slot: Some(slot) };
    // SAFETY: `raw` is a live local; volatile because the child wrote it behind the compiler's back.
    let (failed, errno) =
        unsafe { (ptr::read_volatile(&raw const raw.failed), ptr::read_volatile(&raw const raw.errno)) };
    if failed != Step::None {
        let _gone = reap(&mut spawned, true);
        return Err((failed, io::Error::from_raw_os_error(errno)));
    }
    Ok(spawned)
}

/// Whether the bounding set can be emptied, which takes CAP_SETPCAP. Without it there is nothing to gain from it either.
fn may_drop_bounding() -> bool {
    const CAP_SETPCAP: u32 = 8;
    rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.bits() & (1 << CAP_SETPCAP) != 0)
}

macro_rules! step {
    ($raw:ident, $step:expr, $call:expr) => {
        if $call < 0 {
            $raw.failed = $step;
            // The errno of the agent's thread, which shares its memory and is suspended.
            $raw.errno = *libc::__errno_location();
            libc::_exit(127)
        }
    };
}

/// Runs in the child, on its own stack, in memory shared with the suspended agent.
extern "C" fn child_main(arg: *mut c_void) -> c_int {
    const LANDLOCK_RESTRICT: c_long = libc::SYS_landlock_restrict_self;
    // SAFETY: the pointer is the `Raw` of `spawn`, alive and untouched by others until this child executes or exits.
    let raw = unsafe { &mut *arg.cast::<Raw>() };
    // SAFETY: only system calls, on integers and on pointers that `spawn` prepared and keeps alive. Raw
    // forms of the identity calls are used, since the C library's would try to change the agent's other threads too.
    // Nothing allocates, locks or unwinds.
    unsafe {
        step!(raw, Step::Session, libc::syscall(libc::SYS_setsid));
        // Before the first instruction of the plugin: from here on the guard knows the group.
        (*raw.group).store(libc::syscall(libc::SYS_getpid) as i32, Ordering::SeqCst);
        // All sources are at 10 or above, so no copy lands on another's source.
        step!(raw, Step::Descriptors, libc::syscall(libc::SYS_dup3, raw.fds[0], 0, 0));
        step!(raw, Step::Descriptors, libc::syscall(libc::SYS_dup3, raw.fds[1], 1, 0));
        step!(raw, Step::Descriptors, libc::syscall(libc::SYS_dup3, raw.fds[2], 2, 0));
        let mut first_closed: c_int = 3;
        if raw.script {
            step!(raw, Step::Descriptors, libc::syscall(libc::SYS_dup3, raw.exec_fd, 3, 0));
            raw.exec_fd = 3;
            first_closed = 4;
        }
        // Everything else closes at exec, whether or not the agent remembered to say so.
        const CLOSE_RANGE_CLOEXEC: c_int = 4;
        step!(
            raw,
            Step::Descriptors,
            libc::syscall(libc::SYS_close_range, first_closed, c_int::MAX, CLOSE_RANGE_CLOEXEC)
        );
        for i in 0..raw.limits_len {
            let (resource, soft, hard) = *raw.limits.add(i);
            let limit = libc::rlimit64 { rlim_cur: soft, rlim_max: hard };
            step!(
                raw,
                Step::Limits,
                libc::syscall(libc::SYS_prlimit64, 0, resource, &raw const limit, ptr::null_mut::<c_void>())
            );
        }
        if let Some((uid, gid)) = raw.user {
            step!(raw, Step::User, libc::syscall(libc::SYS_setgroups, 0, ptr::null::<c_void>()));
            step!(raw, Step::User, libc::syscall(libc::SYS_setresgid, gid, gid, gid));
            step!(raw, Step::User, libc::syscall(libc::SYS_setresuid, uid, uid, uid));
        }
        // With the thread's secure bits no change of user clears capabilities, so this does.
        let header = CapHeader { version: 0x2008_0522, pid: 0 };
        let none = [CapData::default(); 2];
        step!(raw, Step::Capabilities, libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()));
        // Fails only on kernels that know no ambient set, which then is empty.
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        if libc::syscall(libc::SYS_geteuid) == 0 {
            raw.failed = Step::User;
            raw.errno = libc::EPERM;
            libc::_exit(127);
        }
        libc::syscall(libc::SYS_umask, 0o077);
        step!(raw, Step::Folder, libc::syscall(libc::SYS_chdir, raw.cwd));
        // After the change of user, which would clear it.
        step!(raw, Step::Parent, libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong, 0, 0, 0));
        if libc::syscall(libc::SYS_getppid) != c_long::from(raw.parent) {
            raw.failed = Step::Parent;
            raw.errno = libc::ESRCH;
            libc::_exit(127);
        }
        step!(raw, Step::NoNewPrivileges, libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        if raw.landlock >= 0 {
            step!(raw, Step::Landlock, libc::syscall(LANDLOCK_RESTRICT, raw.landlock, 0));
        }
        // Ignored signals would stay ignored through exec; SIGPIPE is one in every Rust program.
        let mut default = std::mem::zeroed::<libc::sigaction>();
        default.sa_sigaction = libc::SIG_DFL;
        for signal in 1..=64 {
            // KILL, STOP and the C library's own two cannot be set, and need not be.
            libc::sigaction(signal, &raw const default, ptr::null_mut());
        }
        let mut nothing = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut nothing);
        step!(
            raw,
            Step::Signals,
            -libc::pthread_sigmask(libc::SIG_SETMASK, &raw const nothing, ptr::null_mut())
        );
        step!(raw, Step::Seccomp, libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, &raw const raw.seal));
        if raw.exec_fd >= 0 {
            step!(
                raw,
                Step::Exec,
                libc::syscall(
                    libc::SYS_execveat,
                    raw.exec_fd,
                    raw.exec_path,
                    raw.argv,
                    raw.envp,
                    libc::AT_EMPTY_PATH
                )
            );
        } else {
            step!(raw, Step::Exec, libc::execve(raw.exec_path, raw.argv, raw.envp));
        }
        libc::_exit(127)
    }
}

#[repr(C)]
struct CapHeader {
    version: u32,
    pid: c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Exited(i32),
    Signalled(i32),
}

/// Collects an ended process: how it ended and the CPU time of it and of the children it waited for. `None` while it
/// still runs (only without `block`) or when it was collected before. The whole group must have been killed.
pub(crate) fn reap(spawned: &mut Spawned, block: bool) -> Option<(End, Duration)> {
    // Looks first and collects then: between the two the number is still its own, and the guard forgets it.
    ended(&spawned.pidfd, block, libc::WNOWAIT)?;
    spawned.slot = None;
    ended(&spawned.pidfd, true, 0)
}

fn ended(pidfd: &OwnedFd, block: bool, more: c_int) -> Option<(End, Duration)> {
    let options = libc::WEXITED | more | if block { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: both structures are plain data that the kernel fills; zero is a valid state of each.
        let (mut info, mut usage) =
            unsafe { (std::mem::zeroed::<libc::siginfo_t>(), std::mem::zeroed::<libc::rusage>()) };
        // SAFETY: both pointers are valid for writes for the duration of the call.
        let result = unsafe {
            libc::syscall(
                libc::SYS_waitid,
                libc::P_PIDFD,
                pidfd.as_raw_fd(),
                &raw mut info,
                options,
                &raw mut usage,
            )
        };
        if result < 0 {
            if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return None;
        }
        // SAFETY: waitid fills these fields, or leaves them zero when nothing has ended.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        if pid == 0 {
            return None;
        }
        let time = |t: libc::timeval| {
            Duration::new(u64::try_from(t.tv_sec).unwrap_or(0), u32::try_from(t.tv_usec).unwrap_or(0) * 1000)
        };
        let end = if info.si_code == libc::CLD_EXITED { End::Exited(status) } else { End::Signalled(status) };
        return Some((end, time(usage.ru_utime) + time(usage.ru_stime)));
    }
}

/// Becomes readable when the process has ended.
pub(crate) fn watch(pidfd: &OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    let own = pidfd.try_clone()?;
    // SAFETY: `OwnedFd` answers with the same open descriptor for as long as it lives, and it moves into the AsyncFd.
    let watched = unsafe { AsyncFd::register_with_interest(own, Interest::READABLE) };
    Ok(watched?)
}

/// The kernel's Landlock ABI, 0 without Landlock.
pub(crate) fn landlock_abi() -> u8 {
    const VERSION: c_int = 1;
    // SAFETY: with this flag the call takes no pointer and only answers a number.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<c_void>(), 0, VERSION) };
    u8::try_from(abi).unwrap_or(0)
}
