//! A plugin that tries to get out. Each attempt prints `ESCAPED ...` and exits 0 when it worked, `blocked: ...` and
//! exits 2 when the system refused, or is killed on the way. Built for the sandbox's tests only.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, clippy::print_stdout, clippy::unwrap_used)]

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::ptr;
use std::time::Duration;

use libc::{c_long, c_void};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let arg = |i: usize| args.get(i).cloned().unwrap_or_default();
    let what = arg(1);
    let path = arg(2);
    match what.as_str() {
        // Reading and writing.
        "read" => report(std::fs::read(&path).map(|bytes| format!("read {} bytes of {path}", bytes.len()))),
        "list" => {
            report(std::fs::read_dir(&path).map(|entries| format!("{} entries in {path}", entries.count())))
        }
        "write" => report(std::fs::write(&path, b"x").map(|()| format!("wrote {path}"))),
        "via-root-link" => report(
            std::fs::read(format!("/proc/self/root{path}")).map(|_| "read through /proc/self/root".into()),
        ),
        "via-dots" => report(std::fs::read(format!("/usr/../{path}")).map(|_| "read through ..".into())),
        "symlink-out" => {
            let link = format!("{}/link", std::env::var("TMPDIR").unwrap_or_default());
            let linked = std::os::unix::fs::symlink(&path, &link);
            report(linked.and_then(|()| std::fs::read(&link)).map(|_| "read through a link".into()));
        }
        "hardlink-out" => {
            let link = format!("{}/hard", std::env::var("TMPDIR").unwrap_or_default());
            report(std::fs::hard_link(&path, &link).map(|()| "linked".into()));
        }
        "parent-mem" => {
            let parent = unsafe { libc::getppid() };
            let mut first = [0; 8];
            let opened = std::fs::File::open(format!("/proc/{parent}/mem"));
            report(opened.and_then(|mut f| f.read(&mut first)).map(|_| "opened the agent's memory".into()));
        }
        "parent-environ" => {
            let parent = unsafe { libc::getppid() };
            report(
                std::fs::read(format!("/proc/{parent}/environ"))
                    .map(|_| "read the agent's environment".into()),
            );
        }
        "tmp-write" => {
            let file = format!("{}/ok", std::env::var("TMPDIR").unwrap_or_default());
            std::fs::write(&file, b"mine").unwrap();
            println!("OK - wrote and read {}", std::fs::read_to_string(&file).unwrap());
        }
        "tmp-exec" => {
            let file = format!("{}/true", std::env::var("TMPDIR").unwrap_or_default());
            std::fs::copy("/usr/bin/true", &file).unwrap();
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            report(std::process::Command::new(&file).status().map(|_| "ran a file of its own".into()));
        }
        "sparse" => {
            let file = std::fs::File::create(format!("{}/big", std::env::var("TMPDIR").unwrap_or_default()))
                .unwrap();
            report(file.set_len(1 << 30).map(|()| "made a file of 1 GiB".into()));
        }
        "chmod" => report(
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666))
                .map(|()| format!("opened {path} to everybody")),
        ),
        "utime" => {
            let file = CString::new(path.clone()).unwrap();
            report(call(libc::SYS_utimensat, [libc::AT_FDCWD.into(), file.as_ptr() as c_long, 0, 0, 0]));
        }
        "inotify" => {
            let fd = unsafe { libc::syscall(libc::SYS_inotify_init1, 0) };
            let file = CString::new(path.clone()).unwrap();
            let events = c_long::from(libc::IN_ALL_EVENTS as i32);
            report(call(libc::SYS_inotify_add_watch, [fd, file.as_ptr() as c_long, events, 0, 0]));
        }
        "resolve" => {
            use std::net::ToSocketAddrs;
            report((path.as_str(), 80).to_socket_addrs().map(|_| "asked for a name".into()));
        }
        "tmp-fill" => tmp_fill(),
        "tmp-deep" => tmp_deep(),
        "tmp-many" => {
            let tmp = std::env::var("TMPDIR").unwrap_or_default();
            for n in 0..5000 {
                let _ = std::fs::File::create(format!("{tmp}/{n}"));
            }
            println!("OK - made many");
        }
        // Other processes.
        "affinity" => {
            let mask: u64 = 1;
            let mask = (&raw const mask) as c_long;
            report(call(libc::SYS_sched_setaffinity, [path.parse().unwrap(), 8, mask, 0, 0]));
        }
        "ptrace" => {
            let parent = unsafe { libc::getppid() };
            report(call(libc::SYS_ptrace, [libc::PTRACE_ATTACH as c_long, parent.into(), 0, 0, 0]));
        }
        "vm-read" => {
            let parent = unsafe { libc::getppid() };
            report(call(libc::SYS_process_vm_readv, [parent.into(), 0, 0, 0, 0]));
        }
        "kill-parent" => {
            let parent = unsafe { libc::getppid() };
            report(call(libc::SYS_kill, [parent.into(), 0, 0, 0, 0]));
        }
        "kill-pid" => report(call(libc::SYS_kill, [path.parse().unwrap(), libc::SIGKILL.into(), 0, 0, 0])),
        // Kernel interfaces.
        "mount" => report(call(libc::SYS_mount, [0; 5])),
        "pivot-root" => report(call(libc::SYS_pivot_root, [0; 5])),
        "setns" => report(call(libc::SYS_setns, [0; 5])),
        "unshare" => report(call(libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0])),
        "clone-newuser" => {
            report(call(libc::SYS_clone, [(libc::CLONE_NEWUSER | libc::SIGCHLD).into(), 0, 0, 0, 0]))
        }
        "clone3" => report(call(libc::SYS_clone3, [0; 5])),
        "bpf" => report(call(libc::SYS_bpf, [0; 5])),
        "perf" => report(call(libc::SYS_perf_event_open, [0; 5])),
        "userfaultfd" => report(call(libc::SYS_userfaultfd, [0; 5])),
        "io-uring" => report(call(libc::SYS_io_uring_setup, [1, 0, 0, 0, 0])),
        "keyctl" => report(call(libc::SYS_keyctl, [0; 5])),
        "add-key" => report(call(libc::SYS_add_key, [0; 5])),
        "kexec" => report(call(libc::SYS_kexec_load, [0; 5])),
        "open-by-handle" => report(call(libc::SYS_open_by_handle_at, [0; 5])),
        "module" => report(call(libc::SYS_init_module, [0; 5])),
        "chroot" => report(call(libc::SYS_chroot, [c"/".as_ptr() as c_long, 0, 0, 0, 0])),
        "tiocsti" => {
            report(call(libc::SYS_ioctl, [0, libc::TIOCSTI as c_long, c"x".as_ptr() as c_long, 0, 0]))
        }
        "memfd" => memfd_exec(),
        "setuid" => report(call(libc::SYS_setuid, [0; 5])),
        "x32" => report(call(0x4000_0000 + libc::SYS_getpid, [0; 5])),
        "setsid" => report(call(libc::SYS_setsid, [0; 5])),
        // Sockets.
        "socket" => {
            let number = |i: usize| args.get(i).and_then(|n| n.parse().ok()).unwrap_or(0);
            report(call(libc::SYS_socket, [number(2), number(3), number(4), 0, 0]));
        }
        "connect" => report(
            TcpStream::connect_timeout(&path.parse().unwrap(), Duration::from_secs(2))
                .map(|_| format!("connected to {path}")),
        ),
        "fastopen" => fastopen(&path),
        "listen" => report(TcpListener::bind(&path).map(|_| format!("listens on {path}"))),
        // Without bind() the kernel picks a port.
        "listen-unbound" => {
            let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
            report(call(libc::SYS_listen, [fd.into(), 1, 0, 0, 0]));
        }
        "udp" => report(UdpSocket::bind("0.0.0.0:0").map(|_| "has a UDP socket".into())),
        "unix-path" => report(UnixStream::connect(&path).map(|_| format!("connected to {path}"))),
        "unix-abstract" => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(path.as_bytes()).unwrap();
            report(UnixStream::connect_addr(&address).map(|_| format!("connected to @{path}")));
        }
        // Exhaustion.
        "fork-bomb" => fork_bomb(),
        "memory-bomb" => {
            let mut held = Vec::new();
            loop {
                let block = unsafe { libc::malloc(16 << 20) };
                if block.is_null() {
                    println!("blocked: no memory after {} blocks of 16 MiB", held.len());
                    exit(2);
                }
                unsafe { ptr::write_bytes(block.cast::<u8>(), 1, 16 << 20) };
                held.push(block);
                if held.len() > 1000 {
                    println!("ESCAPED took 16 GiB");
                    exit(0);
                }
            }
        }
        "fd-bomb" => {
            let mut held = Vec::new();
            loop {
                match std::fs::File::open("/dev/null") {
                    Ok(file) => held.push(file),
                    Err(e) => {
                        println!("blocked: {e} after {}", held.len());
                        exit(2);
                    }
                }
                if held.len() > 5000 {
                    println!("ESCAPED holds 5000 files");
                    exit(0);
                }
            }
        }
        "spin" => loop {
            std::hint::spin_loop();
        },
        "sleep" => {
            println!("OK - still here");
            let _ = io::stdout().flush();
            std::thread::sleep(Duration::from_secs(600));
        }
        "ignore-term" => {
            unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
            let started = std::time::Instant::now();
            while started.elapsed() < Duration::from_secs(600) {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        "double-fork" => double_fork(),
        "flood" => {
            let block = vec![b'x'; 1 << 16];
            for _ in 0..(10u64 << 30) / (1 << 16) {
                if io::stdout().write_all(&block).is_err() {
                    exit(2);
                }
            }
            println!("ESCAPED wrote 10 GB");
        }
        "no-newline" => print!("WARNING - no end of line"),
        "close-stdout" => {
            println!("OK - said early");
            let _ = io::stdout().flush();
            unsafe { libc::close(1) };
            std::thread::sleep(Duration::from_millis(300));
            eprintln!("went on");
            exit(1);
        }
        "stderr-flood" => loop {
            if io::stderr().write_all(&[b'e'; 1 << 16]).is_err() {
                exit(2);
            }
        },
        "perf-bomb" => {
            let mut text = String::from("OK - many |");
            for n in 0..20_000 {
                text.push_str(&format!(" m{n}=1;2;3;4;5"));
            }
            text.push_str(&format!(" '{}'=1 a=1e999 b=-1e999 c=nan d=inf\n", "l".repeat(5000)));
            let _ = io::stdout().write_all(text.as_bytes());
        }
        // A child of this name that hears nothing and outlives everything.
        "family" => {
            if unsafe { libc::fork() } == 0 {
                for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
                    unsafe { libc::signal(signal, libc::SIG_IGN) };
                }
                let name = CString::new(path).unwrap();
                unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
            }
            std::thread::sleep(Duration::from_secs(600));
        }
        "long-line" => {
            let _ = io::stdout().write_all(&vec![b'y'; 200 << 10]);
        }
        "ugly" => {
            let _ = io::stdout()
                .write_all(b"OK \xff\xfe \x1b[31mred\x1b[0m \0nul <script>alert(1)</script> | a=1\n");
        }
        // Facts about itself.
        "env" => {
            for (key, value) in std::env::vars() {
                println!("{key}={value}");
            }
        }
        "fds" => {
            let mut open = Vec::new();
            for fd in 0..4096 {
                if unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0 {
                    open.push(fd.to_string());
                }
            }
            println!("{}", open.join(" "));
        }
        "status" => print!("{}", std::fs::read_to_string("/proc/self/status").unwrap_or_default()),
        "crash" => unsafe { libc::abort() },
        "exit" => exit(path.parse().unwrap_or(0)),
        "stderr" => {
            eprintln!("something went wrong over there");
            exit(3);
        }
        // Plays the agent: gives up root, hardens itself, and runs another attempt in the sandbox as an ordinary user.
        "agent" => agent(&path, &arg(3), &args[4..]),
        "args" => println!("{}", args[1..].join("|")),
        other => {
            println!("unknown attempt {other}");
            exit(3);
        }
    }
}

fn report(result: io::Result<String>) {
    match result {
        Ok(what) => {
            println!("ESCAPED {what}");
            exit(0);
        }
        Err(error) => {
            println!("blocked: {error}");
            exit(2);
        }
    }
}

fn call(nr: c_long, a: [c_long; 5]) -> io::Result<String> {
    match unsafe { libc::syscall(nr, a[0], a[1], a[2], a[3], a[4]) } {
        -1 => Err(io::Error::last_os_error()),
        value => Ok(format!("call {nr} answered {value}")),
    }
}

fn agent(work_dir: &str, program: &str, attempt: &[String]) {
    use wk_sandbox::{
        ArgTemplate, PluginPolicy, Runner, RunnerConfig, become_user, digest_file, harden_self,
    };
    become_user("nobody", &[]).unwrap();
    harden_self(&[]).unwrap();
    println!("{}", std::fs::read_to_string("/proc/self/status").unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let runner = Runner::new(RunnerConfig::new(work_dir)).unwrap();
        let mut policy = PluginPolicy::new("attempt", program, digest_file(program.as_ref()).unwrap());
        policy.argv = attempt.iter().map(|arg| ArgTemplate::Literal(arg.clone())).collect();
        policy.read_paths = vec!["/proc".into()];
        let run = runner.run(&std::sync::Arc::new(policy), &[], Duration::from_secs(20)).await;
        let grade = run.grade.map(|grade| grade.to_string()).unwrap_or_default();
        println!("outcome {} grade {grade} {}", run.outcome, run.detail);
        println!("{}", String::from_utf8_lossy(&run.stdout));
    });
}

/// Writes files of a MiB, each within its limit.
fn tmp_fill() {
    let tmp = std::env::var("TMPDIR").unwrap_or_default();
    let block = vec![b'x'; 1 << 20];
    for n in 0..4096 {
        if let Err(error) = std::fs::write(format!("{tmp}/{n}"), &block) {
            report(Err(error));
        }
        // As fast as an ordinary disk.
        std::thread::sleep(Duration::from_millis(3));
    }
    report(Ok("filled 4 GiB".into()));
}

/// Folders in folders, deeper than a path is long, that nobody may enter.
fn tmp_deep() {
    std::env::set_current_dir(std::env::var("TMPDIR").unwrap_or_default()).unwrap();
    for _ in 0..3000 {
        if std::fs::create_dir("d").and_then(|()| std::env::set_current_dir("d")).is_err() {
            break;
        }
    }
    let _ = std::fs::write("last", b"x");
    println!("OK - went down");
}

fn memfd_exec() {
    let fd = unsafe { libc::memfd_create(c"x".as_ptr(), 0) };
    if fd < 0 {
        report(Err(io::Error::last_os_error()));
    }
    let program = std::fs::read("/usr/bin/true").unwrap();
    unsafe { libc::write(fd, program.as_ptr().cast::<c_void>(), program.len()) };
    let argv = [c"x".as_ptr(), ptr::null()];
    unsafe { libc::fexecve(fd, argv.as_ptr(), [ptr::null()].as_ptr()) };
    report(Err(io::Error::last_os_error()));
}

/// Data in the opening packet goes around rules about connect().
fn fastopen(address: &str) {
    let address: std::net::SocketAddrV4 = address.parse().unwrap();
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
    if fd < 0 {
        report(Err(io::Error::last_os_error()));
    }
    let mut to = unsafe { std::mem::zeroed::<libc::sockaddr_in>() };
    to.sin_family = libc::AF_INET as u16;
    to.sin_port = address.port().to_be();
    to.sin_addr.s_addr = u32::from(*address.ip()).to_be();
    let sent = unsafe {
        libc::sendto(
            fd,
            c"x".as_ptr().cast(),
            1,
            libc::MSG_FASTOPEN,
            (&raw const to).cast(),
            size_of::<libc::sockaddr_in>() as u32,
        )
    };
    if sent >= 0 { report(Ok("sent by fast open".into())) } else { report(Err(io::Error::last_os_error())) }
}

fn fork_bomb() {
    let mut failed = None;
    for _ in 0..2000 {
        match unsafe { libc::fork() } {
            0 => {
                std::thread::sleep(Duration::from_secs(600));
                exit(0);
            }
            -1 => {
                failed = Some(io::Error::last_os_error());
                break;
            }
            _ => {}
        }
    }
    match failed {
        Some(error) => report(Err(error)),
        None => report(Ok("made 2000 processes".into())),
    }
}

/// Leaves a grandchild that wants a session of its own and outlives everything, and says its number.
fn double_fork() {
    unsafe {
        if libc::fork() == 0 {
            libc::setsid();
            libc::setpgid(0, 0);
            if libc::fork() == 0 {
                for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
                    libc::signal(signal, libc::SIG_IGN);
                }
                // The marker shows in /proc as the name of a process that got away.
                let name = CString::new("wk-escapee").unwrap();
                libc::prctl(libc::PR_SET_NAME, name.as_ptr());
                std::thread::sleep(Duration::from_secs(600));
            }
            libc::_exit(0);
        }
        let mut status = 0;
        libc::wait(&raw mut status);
    }
    println!("OK - left a grandchild");
}
