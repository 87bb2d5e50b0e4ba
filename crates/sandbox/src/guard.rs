//! The guard: a process that ends what plugins left running when the agent is killed.
//!
//! The kernel kills a plugin whose agent dies (`PR_SET_PDEATHSIG`), but not the plugin's children, and after SIGKILL there
//! is no agent left to do it. So each runner has a guard beside it that waits for the agent's end and then kills every
//! process group on a list. The list and the guard's code and stack are in memory that it shares with the agent: it costs
//! the machine two pages and no start of a program. It holds no descriptor but the one it waits on, reads nothing, and makes
//! system calls only, without the C library, whose thread-local state belongs to the agent's threads.
//!
//! A cgroup would do the same where one is delegated, and does where systemd runs the agent (`KillMode=control-group`); a
//! subreaper would have to be the parent of every plugin, so starting one would cost another process each.
//!
//! Left out: the out-of-memory killer takes a process and all that share its memory, the guard too.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use libc::{c_int, c_long};

use crate::child::Stack;
use crate::program::high;

/// Runs that may be on the list: 1024 at once, and as many that were killed and do not go.
const SLOTS: u16 = 2048;

/// Process groups of plugins that run, or may still run.
#[derive(Debug)]
pub(crate) struct Slots {
    /// A group, or 0.
    groups: Box<[AtomicI32]>,
    free: Mutex<Vec<u16>>,
}

impl Slots {
    /// A free place. `None`: so many killed processes wait for dead disks that the machine wants looking at.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Slot> {
        let index = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Slot { slots: Arc::clone(self), index })
    }
}

/// A place on the list; freed when dropped, which must be before its leader is collected and the number can be another's.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    index: u16,
}

impl Slot {
    pub(crate) fn group(&self) -> &AtomicI32 {
        &self.slots.groups[usize::from(self.index)]
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.group().store(0, Ordering::SeqCst);
        self.slots.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.index);
    }
}

/// What the guard reads; at a fixed place for as long as it lives.
#[derive(Debug)]
struct Orders {
    agent: c_int,
    groups: *const AtomicI32,
    len: usize,
}

/// A running guard; ended when dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    process: OwnedFd,
    slots: Arc<Slots>,
    _orders: Box<Orders>,
    _stack: Stack,
}

// SAFETY: the pointer in `Orders` is into `slots`, which lives as long, and only the guard follows it.
unsafe impl Send for Guard {}
// SAFETY: as above; nothing of it can be changed through a shared reference.
unsafe impl Sync for Guard {}

impl Guard {
    /// Starts it.
    pub(crate) fn start() -> io::Result<Self> {
        let slots = Arc::new(Slots {
            groups: (0..SLOTS).map(|_| AtomicI32::new(0)).collect(),
            free: Mutex::new((0..SLOTS).rev().collect()),
        });
        let agent = high(rustix::process::pidfd_open(
            rustix::process::getpid(),
            rustix::process::PidfdFlags::empty(),
        )?)?;
        let orders = Box::new(Orders {
            agent: agent.as_raw_fd(),
            groups: slots.groups.as_ptr(),
            len: slots.groups.len(),
        });
        let mut stack = Stack::new();
        let mut process: c_int = -1;
        let blocked = Blocked::all();
        // SAFETY: the stack and `orders` are moved into the `Guard` without changing their places in memory, and are freed
        // only after the guard is gone. `guard_main` only makes system calls, by instructions of its own, and only reads
        // what it shares. No signal handler of the agent can run in it: all signals are blocked in this thread while it is
        // cloned. `process` is where CLONE_PIDFD stores. No signal is sent at its end, so nobody waits for it by mistake.
        let pid = unsafe {
            libc::clone(
                guard_main,
                stack.top(),
                libc::CLONE_VM | libc::CLONE_PIDFD,
                ptr::from_ref::<Orders>(&orders).cast_mut().cast::<c_void>(),
                &raw mut process,
            )
        };
        let failed = io::Error::last_os_error();
        drop(blocked);
        if pid < 0 {
            return Err(failed);
        }
        // SAFETY: the kernel just made this descriptor for us and nobody else knows it.
        let process = unsafe { OwnedFd::from_raw_fd(process) };
        Ok(Self { process, slots, _orders: orders, _stack: stack })
    }

    pub(crate) fn slots(&self) -> &Arc<Slots> {
        &self.slots
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody looks after these any more; their leaders are not collected, so the numbers are theirs.
        for group in self.slots.groups.iter().map(|group| group.load(Ordering::SeqCst)) {
            if group > 1 {
                crate::spawner::kill_group(group, rustix::process::Signal::KILL);
            }
        }
        let fd = self.process.as_raw_fd();
        // SAFETY: integers and null pointers; the descriptor is our own. The guard is gone when the second call returns, and
        // its stack may be freed. `__WALL`: it sends no SIGCHLD.
        unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, fd, libc::SIGKILL, ptr::null::<c_void>(), 0);
            while libc::syscall(
                libc::SYS_waitid,
                libc::P_PIDFD,
                fd,
                ptr::null::<c_void>(),
                libc::WEXITED | libc::__WALL,
                ptr::null::<c_void>(),
            ) < 0
                && *libc::__errno_location() == libc::EINTR
            {}
        }
    }
}

/// Blocks every signal in this thread until dropped.
struct Blocked(libc::sigset_t);

impl Blocked {
    fn all() -> Self {
        // SAFETY: both sets are plain data, the first filled by sigfillset before use; all pointers are valid.
        unsafe {
            let (mut all, mut before) =
                (std::mem::zeroed::<libc::sigset_t>(), std::mem::zeroed::<libc::sigset_t>());
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set is the one that the kernel gave.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

/// The guard. Shares the agent's memory, and runs beside its threads.
extern "C" fn guard_main(arg: *mut c_void) -> c_int {
    // SAFETY: `Guard::start` passes `Orders`, alive and unchanged for as long as the guard lives; when the agent is gone, the
    // memory stays for us.
    let orders = unsafe { &*arg.cast::<Orders>() };
    let agent = orders.agent as usize;
    // SAFETY: system calls on integers and on this function's own locals. `groups` holds `len` atomics.
    unsafe {
        // Nothing of the agent's stays open after it: no lock, no socket, no pipe that somebody reads to its end.
        raw(libc::SYS_close_range, [0, agent - 1, 0, 0, 0]);
        raw(libc::SYS_close_range, [agent + 1, u32::MAX as usize, 0, 0, 0]);
        // What ends the agent's group by a signal does not end the guard.
        raw(libc::SYS_setsid, [0; 5]);
        raw(libc::SYS_prctl, [libc::PR_SET_NAME as usize, c"plugin-guard".as_ptr() as usize, 0, 0, 0]);
        raw(libc::SYS_prctl, [libc::PR_SET_NO_NEW_PRIVS as usize, 1, 0, 0, 0]);
        loop {
            let mut watched = libc::pollfd { fd: orders.agent, events: libc::POLLIN, revents: 0 };
            match raw(libc::SYS_ppoll, [(&raw mut watched) as usize, 1, 0, 0, 0]) {
                1 => break,
                0 => {}
                error if error == -(libc::EINTR as isize) => {}
                // It cannot watch, and must not kill what may have an agent.
                _ => raw_exit(),
            }
        }
        for i in 0..orders.len {
            let group = (*orders.groups.add(i)).load(Ordering::SeqCst);
            if group > 1 {
                raw(libc::SYS_kill, [group.wrapping_neg() as usize, libc::SIGKILL as usize, 0, 0, 0]);
            }
        }
        raw_exit()
    }
}

unsafe fn raw_exit() -> ! {
    loop {
        // SAFETY: does not return.
        unsafe { raw(libc::SYS_exit_group, [0; 5]) };
    }
}

/// A system call that leaves the C library's `errno` alone: it gives back the kernel's own answer.
///
/// # Safety
/// As for the call that is made.
#[cfg(target_arch = "x86_64")]
#[inline]
unsafe fn raw(nr: c_long, args: [usize; 5]) -> isize {
    let answer: isize;
    // SAFETY: the kernel's calling convention: it changes rax, rcx and r11 and no other register.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") nr as isize => answer,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// As above.
///
/// # Safety
/// As for the call that is made.
#[cfg(target_arch = "aarch64")]
#[inline]
unsafe fn raw(nr: c_long, args: [usize; 5]) -> isize {
    let answer: isize;
    // SAFETY: the kernel's calling convention: it changes x0 and no other register.
    unsafe {
        std::arch::asm!(
            "svc 0",
            in("x8") nr,
            inlateout("x0") args[0] as isize => answer,
            in("x1") args[1],
            in("x2") args[2],
            in("x3") args[3],
            in("x4") args[4],
            options(nostack),
        );
    }
    answer
}
