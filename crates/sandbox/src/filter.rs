//! Which system calls a plugin may make.
//!
//! An allow-list: what is not named here fails with ENOSYS, so that a program falls back as on an older kernel. Calls
//! that have no place in a monitoring plugin and are the known ways out of a sandbox kill the process: the run is then
//! recorded as `signal:31`, which nobody mistakes for a failing check. Sockets follow the policy's [`NetPolicy`].
//!
//! It comes in two parts, because installing a filter costs by its length and the threads that start plugins can carry the
//! long part for all their plugins: the [`base`] lets pass what every plugin may do and what a thread needs to prepare one,
//! and the [`seal`], installed last thing before the plugin begins, takes the latter back. The kernel obeys the stricter.

use std::collections::BTreeMap;

use crate::bpf::{Action, Insn, Rule, Test, assemble, has_any, is, is_not, masked_is};
use crate::policy::NetPolicy;

const EPERM: Action = Action::Errno(libc::EPERM as u16);
const EACCES: Action = Action::Errno(libc::EACCES as u16);
const EINVAL: Action = Action::Errno(libc::EINVAL as u16);
const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);

const ALLOWED: &[libc::c_long] = &[
    // Files; Landlock decides which.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_lseek,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_sendfile,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_truncate,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_chdir,
    libc::SYS_fchdir,
    libc::SYS_umask,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_fadvise64,
    libc::SYS_copy_file_range,
    libc::SYS_close_range,
    libc::SYS_pipe2,
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_fgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_flistxattr,
    libc::SYS_splice,
    libc::SYS_tee,
    libc::SYS_sync_file_range,
    // Memory.
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_munmap,
    libc::SYS_brk,
    libc::SYS_mremap,
    libc::SYS_msync,
    libc::SYS_mincore,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    // Signals and time.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigsuspend,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getitimer,
    libc::SYS_setitimer,
    libc::SYS_timer_create,
    libc::SYS_timer_settime,
    libc::SYS_timer_gettime,
    libc::SYS_timer_getoverrun,
    libc::SYS_timer_delete,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    libc::SYS_signalfd4,
    libc::SYS_eventfd2,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    // Processes. Groups and sessions are fixed: see `refused`.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getpgid,
    libc::SYS_getsid,
    libc::SYS_set_tid_address,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_getcpu,
    libc::SYS_getpriority,
    libc::SYS_getrusage,
    libc::SYS_getrlimit,
    libc::SYS_setrlimit,
    libc::SYS_times,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_getrandom,
    // Identity: without capabilities and with no-new-privs these can only read or lower.
    libc::SYS_getuid,
    libc::SYS_getgid,
    libc::SYS_geteuid,
    libc::SYS_getegid,
    libc::SYS_getgroups,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capget,
    libc::SYS_capset,
    // Sockets that `socket` let pass.
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_shutdown,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    // More layers on top are welcome.
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_add_rule,
    libc::SYS_landlock_restrict_self,
];

/// What older programs for x86-64 still use.
#[cfg(target_arch = "x86_64")]
const ALLOWED_ARCH: &[libc::c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_pipe,
    libc::SYS_select,
    libc::SYS_dup2,
    libc::SYS_poll,
    libc::SYS_alarm,
    libc::SYS_pause,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_getdents,
    libc::SYS_creat,
    libc::SYS_rename,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_link,
    libc::SYS_unlink,
    libc::SYS_symlink,
    libc::SYS_readlink,
    libc::SYS_time,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_eventfd,
    libc::SYS_signalfd,
    libc::SYS_arch_prctl,
    libc::SYS_getpgrp,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_ARCH: &[libc::c_long] = &[];

/// What changes a file's mode, owner or times. Landlock does not look at it: only for runs with a user of their own, who
/// owns nothing but what the run made. A plugin that shares the agent's user could open the agent's key to everybody.
const ATTRIBUTES: &[libc::c_long] =
    &[libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_fchown, libc::SYS_fchownat, libc::SYS_utimensat];
#[cfg(target_arch = "x86_64")]
const ATTRIBUTES_ARCH: &[libc::c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const ATTRIBUTES_ARCH: &[libc::c_long] = &[];

/// What waits for connections. Landlock judges bind(), but a socket that listens without it gets a port from the kernel.
const LISTENING: &[libc::c_long] = &[libc::SYS_listen, libc::SYS_accept, libc::SYS_accept4];

/// What only the thread that prepares a run needs: the base lets it pass, the seal judges it as the plugin's.
const PREPARING: &[libc::c_long] = &[
    libc::SYS_setsid,
    libc::SYS_seccomp,
    libc::SYS_prlimit64,
    libc::SYS_prctl,
    libc::SYS_memfd_create,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
];

/// Ways out: debugging and reading others, kernel interfaces with a history, mounts and namespaces, keys, modules.
const KILLED: &[libc::c_long] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_open_by_handle_at,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_vhangup,
];
#[cfg(target_arch = "x86_64")]
const KILLED_ARCH: &[libc::c_long] = &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt];
#[cfg(not(target_arch = "x86_64"))]
const KILLED_ARCH: &[libc::c_long] = &[];

/// Refused with EPERM, because programs that ask have a plain way to go on.
const REFUSED: &[libc::c_long] = &[
    // The group is what the deadline ends: nothing may leave it.
    libc::SYS_setsid,
    libc::SYS_setpgid,
    // Executable memory without a file that Landlock could judge.
    libc::SYS_memfd_create,
    libc::SYS_name_to_handle_at,
    libc::SYS_setpriority,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_mlock,
    libc::SYS_mlockall,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_mknodat,
    libc::SYS_personality,
    libc::SYS_syslog,
];

const NAMESPACES: u32 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u32
    | 0x80; // CLONE_NEWTIME

/// Data in the opening packet: a connection that Landlock's connect rule would not see.
const MSG_FASTOPEN: u32 = libc::MSG_FASTOPEN as u32;

/// What decides on a filter. One thread starts all plugins of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    connect: bool,
    bind: bool,
    udp: bool,
    pub(crate) icmp: bool,
    unix: bool,
    own_user: bool,
}

impl Kind {
    pub(crate) fn of(net: &NetPolicy, own_user: bool) -> Self {
        Self {
            connect: !net.tcp_connect.is_empty(),
            bind: !net.tcp_bind.is_empty(),
            udp: net.udp,
            icmp: net.icmp,
            unix: net.unix,
            own_user,
        }
    }

    fn tcp(self) -> bool {
        self.connect || self.bind
    }
}

/// The filter of a thread that starts plugins of a kind, and of the plugins.
pub(crate) fn base(kind: Kind) -> Vec<Insn> {
    let mut rules = rules(kind);
    for nr in PREPARING {
        if let Ok(nr) = u32::try_from(*nr) {
            rules.insert(nr, Action::Allow.into());
        }
    }
    if let Ok(nr) = u32::try_from(libc::SYS_prctl) {
        rules.insert(nr, prctl(PRCTL_PREPARING));
    }
    assemble(&rules, ENOSYS)
}

/// What a plugin has on top.
pub(crate) fn seal(kind: Kind) -> Vec<Insn> {
    let mut rules = rules(kind);
    rules.retain(|nr, _| PREPARING.iter().any(|preparing| u32::try_from(*preparing) == Ok(*nr)));
    for nr in PREPARING {
        if let Ok(nr) = u32::try_from(*nr) {
            rules.entry(nr).or_insert_with(|| ENOSYS.into());
        }
    }
    // The base has the list; here are only the few that it lets pass beyond it.
    if let Ok(nr) = u32::try_from(libc::SYS_prctl) {
        let clauses = PRCTL_PREPARING.iter().map(|option| (vec![is(0, *option as u32)], EINVAL)).collect();
        rules.insert(nr, Rule { clauses, otherwise: Action::Allow });
    }
    assemble(&rules, Action::Allow)
}

fn rules(kind: Kind) -> BTreeMap<u32, Rule> {
    let mut rules = BTreeMap::new();
    let mut put = |nr: libc::c_long, rule: Rule| {
        if let Ok(nr) = u32::try_from(nr) {
            rules.insert(nr, rule);
        }
    };
    for nr in ALLOWED.iter().chain(ALLOWED_ARCH) {
        put(*nr, Action::Allow.into());
    }
    for nr in KILLED.iter().chain(KILLED_ARCH) {
        put(*nr, Action::Kill.into());
    }
    for nr in REFUSED {
        put(*nr, EPERM.into());
    }
    let when =
        |tests: Vec<Test>, then: Action, otherwise: Action| Rule { clauses: vec![(tests, then)], otherwise };
    put(libc::SYS_clone, when(vec![has_any(0, NAMESPACES)], Action::Kill, Action::Allow));
    // Its flags are in memory, out of a filter's sight; libraries fall back to clone.
    put(libc::SYS_clone3, ENOSYS.into());
    put(
        libc::SYS_ioctl,
        Rule {
            clauses: vec![
                (vec![is(1, libc::TIOCSTI as u32)], Action::Kill),
                (vec![is(1, libc::TIOCLINUX as u32)], Action::Kill),
            ],
            otherwise: Action::Allow,
        },
    );
    for nr in ATTRIBUTES.iter().chain(ATTRIBUTES_ARCH) {
        put(*nr, if kind.own_user { Action::Allow } else { EPERM }.into());
    }
    for nr in LISTENING {
        put(*nr, if kind.bind { Action::Allow } else { EACCES }.into());
    }
    // Its own only: others of the same user could be starved.
    put(libc::SYS_sched_setaffinity, when(vec![is_not(0, 0)], EPERM, Action::Allow));
    put(libc::SYS_prlimit64, when(vec![is_not(0, 0)], EPERM, Action::Allow));
    put(libc::SYS_prctl, prctl(&[]));
    put(libc::SYS_socket, socket(kind));
    put(libc::SYS_socketpair, when(vec![is(0, libc::AF_UNIX as u32)], Action::Allow, EACCES));
    put(libc::SYS_sendto, when(vec![has_any(3, MSG_FASTOPEN)], EPERM, Action::Allow));
    put(libc::SYS_sendmsg, when(vec![has_any(2, MSG_FASTOPEN)], EPERM, Action::Allow));
    put(libc::SYS_sendmmsg, when(vec![has_any(3, MSG_FASTOPEN)], EPERM, Action::Allow));
    put(
        libc::SYS_setsockopt,
        Rule {
            clauses: vec![
                (vec![is(1, libc::SOL_SOCKET as u32), is(2, libc::SO_ATTACH_BPF as u32)], EPERM),
                (vec![is(1, libc::SOL_TCP as u32), is(2, libc::TCP_ULP as u32)], EPERM),
                (vec![is(1, libc::SOL_TCP as u32), is(2, libc::TCP_REPAIR as u32)], EPERM),
            ],
            otherwise: Action::Allow,
        },
    );
    rules
}

/// What a start does by prctl in the child, beside what plugins may do themselves.
const PRCTL_PREPARING: &[libc::c_int] = &[libc::PR_SET_PDEATHSIG, libc::PR_CAP_AMBIENT];

fn prctl(more: &[libc::c_int]) -> Rule {
    const PR_SET_VMA: u32 = 0x5356_4d41;
    let allowed = [
        libc::PR_GET_DUMPABLE as u32,
        libc::PR_SET_DUMPABLE as u32,
        libc::PR_GET_KEEPCAPS as u32,
        libc::PR_SET_KEEPCAPS as u32,
        libc::PR_SET_NAME as u32,
        libc::PR_GET_NAME as u32,
        libc::PR_CAPBSET_READ as u32,
        libc::PR_SET_NO_NEW_PRIVS as u32,
        libc::PR_GET_NO_NEW_PRIVS as u32,
        libc::PR_GET_SECCOMP as u32,
        libc::PR_GET_TIMERSLACK as u32,
        libc::PR_SET_TIMERSLACK as u32,
        PR_SET_VMA,
    ];
    Rule {
        clauses: allowed
            .into_iter()
            .chain(more.iter().map(|option| *option as u32))
            .map(|option| (vec![is(0, option)], Action::Allow))
            .collect(),
        otherwise: EINVAL,
    }
}

fn socket(net: Kind) -> Rule {
    /// The kind of a socket without its flags.
    const KIND: u32 = 0xf;
    let kind = |kind: i32| masked_is(1, KIND, kind as u32);
    let mut clauses = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let family = is(0, family as u32);
        // The protocol is named, because multipath TCP and SCTP are stream sockets that Landlock does not see.
        if net.tcp() {
            for protocol in [0, libc::IPPROTO_TCP] {
                clauses.push((vec![family, kind(libc::SOCK_STREAM), is(2, protocol as u32)], Action::Allow));
            }
        }
        if net.udp {
            for protocol in [0, libc::IPPROTO_UDP] {
                clauses.push((vec![family, kind(libc::SOCK_DGRAM), is(2, protocol as u32)], Action::Allow));
            }
        }
        if net.icmp {
            for protocol in [libc::IPPROTO_ICMP, libc::IPPROTO_ICMPV6] {
                clauses.push((vec![family, kind(libc::SOCK_DGRAM), is(2, protocol as u32)], Action::Allow));
            }
        }
    }
    if net.tcp() || net.udp || net.icmp {
        // The C library asks the kernel for its addresses when it sorts what a name resolved to.
        clauses.push((vec![is(0, libc::AF_NETLINK as u32), is(2, 0)], Action::Allow));
    }
    if net.unix {
        clauses.push((vec![is(0, libc::AF_UNIX as u32)], Action::Allow));
    }
    Rule { clauses, otherwise: EACCES }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::ARCH;
    use crate::bpf::tests::run;
    use crate::policy::PortRef;

    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
    const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

    /// What the kernel decides: the stricter of the two filters.
    fn call(net: &NetPolicy, nr: libc::c_long, args: [u64; 6]) -> u32 {
        call_of(Kind::of(net, true), nr, args)
    }

    fn call_of(kind: Kind, nr: libc::c_long, args: [u64; 6]) -> u32 {
        let nr = u32::try_from(nr).unwrap();
        let of = |program: Vec<Insn>| run(&program, ARCH, nr, args).expect("the program ends in a verdict");
        let (base, seal) = (of(base(kind)), of(seal(kind)));
        // Kill is 0x8000_0000, which the kernel reads as the lowest; then come errors, and allowing is the highest.
        if (base as i32) <= (seal as i32) { base } else { seal }
    }

    fn errno(verdict: u32) -> bool {
        verdict & 0xffff_0000 == libc::SECCOMP_RET_ERRNO
    }

    fn socket_verdict(net: &NetPolicy, family: i32, kind: i32, protocol: i32) -> bool {
        call(net, libc::SYS_socket, [family as u64, kind as u64, protocol as u64, 0, 0, 0]) == ALLOW
    }

    #[test]
    fn the_program_fits_the_kernel() {
        let all = NetPolicy {
            tcp_connect: vec![PortRef::Fixed(1)],
            tcp_bind: vec![1],
            udp: true,
            icmp: true,
            unix: true,
        };
        let (base, seal) = (base(Kind::of(&all, true)), seal(Kind::of(&all, false)));
        assert!(base.len() < 4096, "{}", base.len());
        // This one is installed at every run.
        assert!(seal.len() < 80, "{}", seal.len());
    }

    #[test]
    fn no_call_is_in_two_lists() {
        let lists =
            [ALLOWED, ALLOWED_ARCH, ATTRIBUTES, ATTRIBUTES_ARCH, LISTENING, KILLED, KILLED_ARCH, REFUSED];
        let mut all: Vec<_> = lists.into_iter().flatten().collect();
        let before = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), before);
    }

    #[test]
    fn sockets_follow_the_policy() {
        let none = NetPolicy::default();
        let tcp = NetPolicy { tcp_connect: vec![PortRef::Fixed(443)], ..NetPolicy::default() };
        let stream = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        assert!(!socket_verdict(&none, libc::AF_INET, stream, 0));
        assert!(!socket_verdict(&none, libc::AF_UNIX, stream, 0));
        assert!(!socket_verdict(&none, libc::AF_NETLINK, libc::SOCK_RAW, 0));
        assert!(socket_verdict(&tcp, libc::AF_INET6, stream, libc::IPPROTO_TCP));
        assert!(!socket_verdict(&tcp, libc::AF_INET, stream, libc::IPPROTO_MPTCP));
        assert!(!socket_verdict(&tcp, libc::AF_INET, libc::SOCK_DGRAM, 0));
        assert!(!socket_verdict(&tcp, libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_TCP));
        assert!(!socket_verdict(&tcp, libc::AF_PACKET, libc::SOCK_RAW, 0));
        assert!(!socket_verdict(&tcp, libc::AF_VSOCK, stream, 0));
        assert!(!socket_verdict(&tcp, libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_AUDIT));
    }

    /// Whatever the kind, a plugin may do exactly what the rules say, and nothing of what its preparation may.
    #[test]
    fn both_parts_together_say_what_the_rules_say() {
        for bits in 0..64u8 {
            let on = |bit: u8| bits & (1 << bit) != 0;
            let kind =
                Kind { connect: on(0), bind: on(1), udp: on(2), icmp: on(3), unix: on(4), own_user: on(5) };
            let whole = assemble(&rules(kind), ENOSYS);
            for nr in 0..500u32 {
                for first in [0, 1, 4, 8, 24, 47, 0x1000_0011] {
                    let args = [first, 1, 6, 0, 0, 0];
                    let wanted = run(&whole, ARCH, nr, args).unwrap();
                    let got = call_of(kind, nr.into(), args);
                    assert_eq!(got, wanted, "call {nr} of {first} with {kind:?}");
                }
            }
        }
    }

    #[test]
    fn a_plugin_that_shares_the_agents_user_changes_no_modes() {
        let net = NetPolicy::default();
        for nr in ATTRIBUTES.iter().chain(ATTRIBUTES_ARCH) {
            assert_eq!(call_of(Kind::of(&net, true), *nr, [0; 6]), ALLOW);
            assert!(errno(call_of(Kind::of(&net, false), *nr, [0; 6])), "{nr}");
        }
    }

    #[test]
    fn listening_takes_a_declared_port() {
        let connect = NetPolicy {
            tcp_connect: vec![PortRef::Fixed(443)],
            udp: true,
            unix: true,
            ..NetPolicy::default()
        };
        assert!(errno(call(&connect, libc::SYS_listen, [3, 1, 0, 0, 0, 0])));
        let bind = NetPolicy { tcp_bind: vec![8000], ..NetPolicy::default() };
        assert_eq!(call(&bind, libc::SYS_listen, [3, 1, 0, 0, 0, 0]), ALLOW);
        let pair = |family: i32| [family as u64, 1, 0, 0, 0, 0];
        assert_eq!(call(&connect, libc::SYS_socketpair, pair(libc::AF_UNIX)), ALLOW);
        assert!(errno(call(&connect, libc::SYS_socketpair, pair(libc::AF_TIPC))));
    }

    #[test]
    fn namespaces_kill_and_plain_forks_pass() {
        let net = NetPolicy::default();
        let flags = |flags: i32| [flags as u32 as u64, 0, 0, 0, 0, 0];
        assert_eq!(call(&net, libc::SYS_clone, flags(libc::SIGCHLD)), ALLOW);
        assert_eq!(call(&net, libc::SYS_clone, flags(libc::SIGCHLD | libc::CLONE_NEWUSER)), KILL);
        assert_eq!(call(&net, libc::SYS_unshare, flags(libc::CLONE_NEWNS)), KILL);
        assert!(errno(call(&net, libc::SYS_sendto, [3, 0, 0, u64::from(MSG_FASTOPEN), 0, 0])));
    }
}
