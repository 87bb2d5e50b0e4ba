//! What a hostile plugin tries, and that each attempt fails and is on record.
//!
//! On a kernel without Landlock ABI 6 these tests fail at the grade: that is the finding, not a flaw of the test.

// Helpers of tests may panic like tests; the lint's own exception covers only test functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use support::{Bench, assert_blocked, hostile, policy, stdout};
use wk_sandbox::{Features, LowestGrade, Outcome, PortRef};

#[tokio::test]
async fn files_outside_the_policy_are_out_of_reach() {
    let bench = Bench::new();
    let key = bench.key();
    for args in [
        ["read", "/etc/shadow"],
        ["read", &key],
        ["via-root-link", &key],
        ["via-dots", &key],
        ["list", "/root"],
        ["list", "/tmp"],
        ["list", "/proc"],
        ["read", "/proc/sys/kernel/hostname"],
        ["write", "/proc/sys/kernel/hostname"],
        ["read", "/proc/self/cwd/etc/shadow"],
        ["read", "/proc/thread-self/root/etc/shadow"],
        ["read", "/dev/fd/0/../../etc/shadow"],
        ["write", "/tmp/wk-escaped"],
        ["write", "/usr/wk-escaped"],
        ["write", "/dev/kmsg"],
        ["write", &key],
    ] {
        assert_blocked(&bench, &bench.attempt(&args).await);
    }
}

#[tokio::test]
async fn links_from_its_own_folder_lead_nowhere() {
    let bench = Bench::new();
    let key = bench.key();
    for args in [["symlink-out", &key], ["hardlink-out", &key], ["tmp-exec", ""], ["sparse", ""]] {
        let mut policy = hostile(&args);
        policy.tmp = true;
        assert_blocked(&bench, &bench.run(policy).await);
    }
}

#[tokio::test]
async fn its_own_folder_works_and_is_gone_afterwards() {
    let bench = Bench::new();
    let mut policy = hostile(&["tmp-write"]);
    policy.tmp = true;
    let execution = bench.run(policy).await;
    assert_eq!(stdout(&execution), "OK - wrote and read mine\n", "{}", execution.detail);
    assert_eq!(std::fs::read_dir(bench.dir.path().join("work/tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn the_agent_cannot_be_read_traced_or_signalled() {
    let bench = Bench::new();
    for attempt in ["parent-mem", "parent-environ", "ptrace", "vm-read", "kill-parent"] {
        let mut policy = hostile(&[attempt]);
        policy.read_paths = vec!["/proc".into()];
        assert_blocked(&bench, &bench.run(policy).await);
    }
}

#[tokio::test]
async fn modes_times_and_watches_of_others_files_stay_as_they_are() {
    let bench = Bench::new();
    let key = bench.key();
    for attempt in ["utime", "inotify"] {
        assert_blocked(&bench, &bench.attempt(&[attempt, &key]).await);
    }
    assert_blocked(&bench, &bench.attempt(&["inotify", "/tmp"]).await);
    assert_blocked(&bench, &bench.attempt(&["chmod", &key]).await);
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o644);
}

#[tokio::test]
async fn the_folder_of_another_run_is_out_of_reach() {
    let bench = Bench::new();
    let mut first = hostile(&["sleep"]);
    first.tmp = true;
    first.timeout = Duration::from_secs(3);
    let tmp = bench.dir.path().join("work/tmp");
    let other = async {
        let folder = loop {
            if let Some(folder) = std::fs::read_dir(&tmp).unwrap().flatten().next() {
                break folder.path();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let inside = folder.join("planted").display().to_string();
        let folder = folder.display().to_string();
        for args in [["list", &folder], ["write", &inside], ["list", tmp.to_str().unwrap()]] {
            let mut second = hostile(&args);
            second.tmp = true;
            assert_blocked(&bench, &bench.run(second).await);
        }
    };
    let (first, ()) = tokio::join!(bench.run(first), other);
    assert_eq!(first.outcome, Outcome::TimedOut);
}

#[tokio::test]
async fn a_folder_cannot_fill_the_disk() {
    let bench = Bench::new();
    let mut policy = hostile(&["tmp-fill"]);
    policy.tmp = true;
    policy.limits.file_bytes = 2 << 20;
    let execution = bench.run(policy).await;
    assert_blocked(&bench, &execution);
    assert_eq!(execution.outcome.to_string(), "refused:tmp", "{}", execution.detail);
    assert!(execution.detail.contains("its folder"), "{}", execution.detail);
}

#[tokio::test]
async fn whatever_is_left_in_a_folder_goes() {
    // As few descriptors as a service has by default; depth must not cost them.
    let few = rustix::process::Rlimit { current: Some(256), maximum: Some(256) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
    let bench = Bench::new();
    for attempt in ["tmp-deep", "tmp-many"] {
        let mut policy = hostile(&[attempt]);
        policy.tmp = true;
        let execution = bench.run(policy).await;
        assert!(execution.grade.is_some(), "{attempt}: {}", execution.detail);
        let tmp = bench.dir.path().join("work/tmp");
        let gone = async {
            while std::fs::read_dir(&tmp).unwrap().next().is_some() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), gone).await;
        assert!(waited.is_ok(), "{attempt} left something behind");
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_can_be_read_again() {
    let bench = Bench::new();
    let file = bench.dir.path().join("status");
    let beside = bench.dir.path().join("status.new");
    // As programs that write whole files do, and as `useradd` and `ldconfig` do with the system's own.
    for round in 0..3 {
        std::fs::write(&beside, format!("round {round}")).unwrap();
        std::fs::set_permissions(&beside, PermissionsExt::from_mode(0o644)).unwrap();
        std::fs::rename(&beside, &file).unwrap();
        let mut policy = hostile(&["read", file.to_str().unwrap()]);
        policy.read_paths = vec![file.clone()];
        let execution = bench.run(policy).await;
        assert!(stdout(&execution).contains("ESCAPED read 7 bytes"), "{round}: {}", stdout(&execution));
    }
}

#[tokio::test]
async fn a_link_that_moves_onto_the_agents_folder_opens_nothing() {
    let bench = Bench::new();
    let link = bench.dir.path().join("link");
    let harmless = bench.dir.path().join("harmless");
    std::fs::create_dir(&harmless).unwrap();
    let run = || {
        let mut policy = hostile(&["read", &bench.key()]);
        policy.read_paths = vec![link.clone()];
        bench.run(policy)
    };
    std::os::unix::fs::symlink(&harmless, &link).unwrap();
    assert_blocked(&bench, &run().await);
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(bench.dir.path().join("agent"), &link).unwrap();
    assert_eq!(run().await.outcome, Outcome::Refused("forbidden-path".into()));
}

#[tokio::test]
async fn other_processes_cannot_be_pinned() {
    let bench = Bench::new();
    let mut policy = hostile(&["affinity", &std::process::id().to_string()]);
    policy.argv.truncate(2);
    assert_blocked(&bench, &bench.run(policy).await);
}

#[tokio::test]
async fn other_processes_cannot_be_ended() {
    let bench = Bench::new();
    // Any process outside the run will do: this test's own.
    let me = std::process::id().to_string();
    assert_blocked(&bench, &bench.attempt(&["kill-pid", &me]).await);
}

#[tokio::test]
async fn kernel_interfaces_end_the_process() {
    let bench = Bench::new();
    for attempt in [
        "mount",
        "pivot-root",
        "setns",
        "unshare",
        "clone-newuser",
        "bpf",
        "perf",
        "userfaultfd",
        "io-uring",
        "keyctl",
        "add-key",
        "kexec",
        "open-by-handle",
        "module",
        "chroot",
        "tiocsti",
        "ptrace",
        "vm-read",
    ] {
        let execution = bench.attempt(&[attempt]).await;
        assert_blocked(&bench, &execution);
        assert_eq!(execution.outcome, Outcome::Signalled(31), "{attempt}");
        assert!(execution.detail.contains("system call"), "{}", execution.detail);
    }
    for attempt in ["memfd", "setuid", "clone3", "setsid"] {
        assert_blocked(&bench, &bench.attempt(&[attempt]).await);
    }
}

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn the_other_abi_is_no_way_around() {
    let bench = Bench::new();
    let execution = bench.attempt(&["x32"]).await;
    assert_blocked(&bench, &execution);
    assert_eq!(execution.outcome, Outcome::Signalled(31));
}

#[tokio::test]
async fn sockets_that_were_not_declared_do_not_exist() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let loopback = listener.local_addr().unwrap().to_string();
    let docker = bench.dir.path().join("docker.sock");
    let _docker = std::os::unix::net::UnixListener::bind(&docker).unwrap();
    std::fs::set_permissions(&docker, PermissionsExt::from_mode(0o666)).unwrap();
    let number = |n: i32| n.to_string();
    for args in [
        vec!["connect".to_owned(), loopback],
        vec!["connect".to_owned(), "169.254.169.254:80".to_owned()],
        vec!["udp".to_owned()],
        vec!["resolve".to_owned(), "canary.tunnel.example".to_owned()],
        vec!["listen".to_owned(), "127.0.0.1:0".to_owned()],
        vec!["unix-path".to_owned(), docker.display().to_string()],
        vec!["unix-abstract".to_owned(), "wk-nobody".to_owned()],
        vec!["socket".to_owned(), number(libc::AF_PACKET), number(libc::SOCK_RAW)],
        vec!["socket".to_owned(), number(libc::AF_NETLINK), number(libc::SOCK_RAW)],
        vec!["socket".to_owned(), number(libc::AF_VSOCK), number(libc::SOCK_STREAM)],
        vec!["socket".to_owned(), number(libc::AF_ALG), number(libc::SOCK_SEQPACKET)],
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_blocked(&bench, &bench.attempt(&args).await);
    }
}

#[tokio::test]
async fn a_declared_port_opens_that_port_and_no_other() {
    let bench = Bench::new();
    let allowed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = |args: &[&str]| {
        let mut policy = hostile(args);
        policy.net.tcp_connect = vec![PortRef::Fixed(allowed.local_addr().unwrap().port())];
        policy
    };
    let reached = bench.run(tcp(&["connect", &allowed.local_addr().unwrap().to_string()])).await;
    assert!(stdout(&reached).starts_with("ESCAPED connected"), "{}", stdout(&reached));

    let other = other.local_addr().unwrap().to_string();
    let mptcp = libc::IPPROTO_MPTCP.to_string();
    for args in [
        vec!["connect", &other],
        vec!["fastopen", &other],
        vec!["listen", "127.0.0.1:0"],
        vec!["listen-unbound"],
        vec!["udp"],
        vec!["socket", "2", "1", &mptcp],
        vec!["socket", "2", "3", "1"],
        vec!["unix-abstract", "wk-nobody"],
    ] {
        assert_blocked(&bench, &bench.run(tcp(&args)).await);
    }
}

#[tokio::test]
async fn abstract_sockets_stay_closed_where_unix_is_declared() {
    use std::os::linux::net::SocketAddrExt;
    let bench = Bench::new();
    let name = format!("wk-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    let mut policy = hostile(&["unix-abstract", &name]);
    policy.net.unix = true;
    let execution = bench.run(policy).await;
    assert_blocked(&bench, &execution);
    assert!(stdout(&execution).contains("not permitted"), "{}", stdout(&execution));
}

#[tokio::test]
async fn exhaustion_stays_within_the_limits() {
    let bench = Bench::new();
    for attempt in ["fork-bomb", "memory-bomb", "fd-bomb"] {
        assert_blocked(&bench, &bench.attempt(&[attempt]).await);
    }
    let mut spin = hostile(&["spin"]);
    spin.limits.cpu_s = 1;
    let execution = bench.run(spin).await;
    assert_blocked(&bench, &execution);
    assert_eq!(execution.outcome, Outcome::Signalled(libc::SIGXCPU));
    // The kernel samples what the limit counts; what it bills may be less on a busy machine.
    assert!(execution.cpu >= Duration::from_millis(500), "{:?}", execution.cpu);
}

#[tokio::test]
async fn the_deadline_ends_sleepers_and_those_who_will_not_hear() {
    let bench = Bench::new();
    for (attempt, at_least) in [("sleep", 300), ("ignore-term", 2300)] {
        let mut policy = hostile(&[attempt]);
        policy.timeout = Duration::from_millis(300);
        let started = std::time::Instant::now();
        let execution = bench.run(policy).await;
        assert_eq!(execution.outcome, Outcome::TimedOut, "{attempt}");
        assert!(started.elapsed() >= Duration::from_millis(at_least), "{attempt}");
        assert_blocked(&bench, &execution);
        let verdict = execution.verdict();
        assert!(verdict.result.output.starts_with("did not end within 0.3 s"), "{}", verdict.result.output);
    }
}

#[tokio::test]
async fn a_grandchild_does_not_outlive_the_run() {
    let bench = Bench::new();
    let execution = bench.attempt(&["double-fork"]).await;
    assert_eq!(execution.outcome, Outcome::Exited(0), "{}", execution.detail);
    assert_eq!(stdout(&execution), "OK - left a grandchild\n");
    // The kill has been sent; give the kernel a moment to carry it out.
    for _ in 0..200 {
        if !named_processes().contains("wk-escapee") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a grandchild got away");
}

#[tokio::test]
async fn an_abandoned_run_is_ended() {
    let bench = Bench::new();
    let name = format!("wk-aban-{}", std::process::id());
    let policy = Arc::new(hostile(&["family", &name]));
    let run = bench.runner.run(&policy, &[], Duration::from_secs(20));
    let lives = async {
        while !named_processes().contains(&name) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        execution = run => panic!("it ended: {}", execution.detail),
        () = lives => {}
    }
    for _ in 0..500 {
        if !named_processes().contains(&name) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("an abandoned run still has processes");
}

#[tokio::test]
async fn output_is_capped_and_a_flood_is_stopped() {
    let bench = Bench::new();
    let flood = bench.attempt(&["flood"]).await;
    assert_eq!(flood.outcome, Outcome::Flood);
    assert_eq!(flood.stdout.len(), 64 << 10);
    assert!(flood.truncated);
    assert_blocked(&bench, &flood);

    let long = bench.attempt(&["long-line"]).await;
    assert_eq!(long.outcome, Outcome::Exited(0));
    assert_eq!(long.stdout.len(), 64 << 10);
    let verdict = long.verdict();
    assert!(verdict.truncated && verdict.result.output.len() <= 4096);

    let ugly = bench.attempt(&["ugly"]).await.verdict();
    assert!(!ugly.result.output.chars().any(char::is_control), "{:?}", ugly.result.output);
    assert_eq!(ugly.result.metrics[0].value, Some(1.0));
}

#[tokio::test]
async fn odd_talkers_are_heard_to_the_end_and_no_further() {
    let bench = Bench::new();
    let bare = bench.attempt(&["no-newline"]).await.verdict().result;
    assert_eq!((bare.output.as_str(), bare.status), ("WARNING - no end of line", wk_domain::Status::Ok));

    // Its end is when it ends, not when it falls silent.
    let early = bench.attempt(&["close-stdout"]).await;
    assert_eq!(early.outcome, Outcome::Exited(1));
    assert_eq!(early.verdict().result.output, "OK - said early");
    assert_eq!(early.stderr_text(), "went on");

    let noisy = bench.attempt(&["stderr-flood"]).await;
    assert_eq!(noisy.outcome, Outcome::Flood);
    assert!(noisy.stderr.len() == 64 << 10 && noisy.truncated && noisy.stdout.is_empty());
    assert!(noisy.verdict().result.output.len() <= 4096);

    let bomb = bench.attempt(&["perf-bomb"]).await;
    assert_eq!(bomb.outcome, Outcome::Exited(0));
    let verdict = bomb.verdict();
    assert!(verdict.truncated && !verdict.notes.is_empty());
    assert!(verdict.result.metrics.len() <= wk_domain::perfdata::METRICS_MAX);
    assert!(verdict.notes.len() <= wk_domain::perfdata::NOTES_MAX);
}

#[tokio::test]
async fn nothing_of_the_agents_is_inherited() {
    let bench = Bench::new();
    let environment = stdout(&bench.attempt(&["env"]).await);
    let names: BTreeSet<&str> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(names, BTreeSet::from(["PATH", "LC_ALL", "TZ"]));

    let _held: Vec<_> = (0..20).map(|_| std::fs::File::open("/etc/passwd").unwrap()).collect();
    assert_eq!(stdout(&bench.attempt(&["fds"]).await), "0 1 2\n");

    let mut status = hostile(&["status"]);
    status.read_paths = vec!["/proc".into()];
    let status = stdout(&bench.run(status).await);
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"] {
        assert!(status.contains(line), "{line} not in {status}");
    }
    assert!(!status.contains("Uid:\t0"), "{status}");
    if rustix_is_root() {
        assert!(status.contains("CapBnd:\t0000000000000000"), "{status}");
        assert!(status.contains("Groups:\t \n"), "{status}");
    }
}

#[tokio::test]
async fn a_crash_leaves_no_core_and_is_named() {
    let bench = Bench::new();
    let execution = bench.attempt(&["crash"]).await;
    assert_eq!(execution.outcome, Outcome::Signalled(libc::SIGABRT));
    assert_eq!(execution.verdict().result.output, "(no output; ended by signal 6)");
}

#[tokio::test]
async fn a_setuid_program_gains_nothing() {
    let bench = Bench::new();
    let mut policy = policy(Path::new("/usr/bin/id"));
    policy.argv.clear();
    let said = stdout(&bench.run(policy).await);
    assert!(said.contains("uid=2000000000") || !rustix_is_root(), "{said}");
    // `su` is setuid root and would ask for nothing when run by root.
    let mut script = support::policy(Path::new("/usr/bin/su"));
    script.argv = ["-c", "id", "root"].into_iter().map(wk_sandbox::ArgTemplate::parse).collect();
    let execution = bench.run(script).await;
    assert!(!stdout(&execution).contains("uid=0"), "{}", stdout(&execution));
}

#[tokio::test]
async fn what_runs_is_what_was_hashed() {
    let bench = Bench::new();
    let file = bench.dir.path().join("plugin");
    let copy = |from: &str| {
        let _absent = std::fs::remove_file(&file);
        std::fs::copy(from, &file).unwrap();
    };
    copy("/usr/bin/true");
    let pinned = Arc::new(policy(&file));
    let run = || bench.runner.run(&pinned, &[], Duration::from_secs(10));
    assert_eq!(run().await.outcome, Outcome::Exited(0));

    // Another file in its place, the same inode overwritten, and gone: none of them runs.
    copy("/usr/bin/false");
    let swapped = run().await;
    assert_eq!(swapped.outcome, Outcome::Refused("digest".into()));
    assert!(swapped.detail.contains("the policy pins"), "{}", swapped.detail);
    assert!(swapped.grade.is_none());
    assert!(bench.logged(&swapped).contains("refused:digest"));

    copy("/usr/bin/true");
    assert_eq!(run().await.outcome, Outcome::Exited(0));
    std::fs::write(&file, std::fs::read("/usr/bin/false").unwrap()).unwrap();
    assert_eq!(run().await.outcome, Outcome::Refused("digest".into()));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(run().await.outcome, Outcome::NotStarted("ENOENT".into()));
}

#[tokio::test]
async fn swapping_while_it_runs_changes_nothing() {
    use std::sync::atomic::{AtomicBool, Ordering};
    /// Stops the swapping thread however the test ends.
    struct Stop(Arc<AtomicBool>);
    impl Drop for Stop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let bench = Bench::new();
    let file = bench.dir.path().join("plugin.sh");
    let script = |word: &str| format!("#!/bin/sh\necho {word}\n");
    std::fs::write(&file, script("honest")).unwrap();
    let pinned = Arc::new(policy(&file));
    let stop = Stop(Arc::new(AtomicBool::new(false)));
    let (stopped, beside, target) = (Arc::clone(&stop.0), bench.dir.path().join("beside"), file.clone());
    let swapper = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            for word in ["hostile", "honest"] {
                std::fs::write(&beside, script(word)).unwrap();
                std::fs::rename(&beside, &target).unwrap();
            }
        }
    });
    let mut honest = 0;
    for _ in 0..200 {
        let execution = bench.runner.run(&pinned, &[], Duration::from_secs(10)).await;
        match execution.outcome {
            Outcome::Exited(0) => {
                assert_eq!(stdout(&execution), "honest\n");
                honest += 1;
            }
            Outcome::Refused(ref word) => assert_eq!(word, "digest"),
            ref other => panic!("{other}: {}", execution.detail),
        }
    }
    drop(stop);
    swapper.join().unwrap();
    assert!(honest > 0, "no run met the honest file");
}

#[tokio::test]
async fn a_missing_layer_refuses_or_is_recorded() {
    let old = Bench::with(|config| config.features = Features { landlock_abi: 0 });
    let refused = old.attempt(&["exit", "0"]).await;
    assert_eq!(refused.outcome, Outcome::Refused("grade".into()));
    assert!(refused.detail.contains("no-landlock-files"), "{}", refused.detail);

    let mut compat = hostile(&["exit", "0"]);
    compat.lowest_grade = LowestGrade::Compat;
    let ran = old.run(compat.clone()).await;
    assert_eq!(ran.outcome, Outcome::Exited(0));
    assert!(ran.grade.unwrap().to_string().starts_with("no-landlock-files"));

    let older = Bench::with(|config| config.features = Features { landlock_abi: 3 });
    compat.net.tcp_connect = vec![PortRef::Fixed(80)];
    let ran = older.run(compat).await;
    assert!(ran.grade.unwrap().to_string().starts_with("no-landlock-ports"), "{:?}", ran.grade);
}

#[tokio::test]
async fn a_policy_cannot_open_the_agents_folder() {
    let bench = Bench::new();
    for path in [bench.key(), bench.dir.path().display().to_string(), "/etc".into(), "/".into()] {
        let mut policy = hostile(&["exit", "0"]);
        policy.read_paths = vec![path.clone().into()];
        let execution = bench.run(policy).await;
        assert_eq!(execution.outcome, Outcome::Refused("forbidden-path".into()), "{path}");
    }
}

#[tokio::test]
async fn more_than_may_wait_is_refused() {
    let bench = Bench::with(|config| {
        config.running_max = 1;
        config.waiting_max = 1;
    });
    let mut policy = hostile(&["sleep"]);
    policy.timeout = Duration::from_millis(400);
    let policy = Arc::new(policy);
    let run = || bench.runner.run(&policy, &[], Duration::from_secs(9));
    let (a, b, c) = tokio::join!(run(), run(), run());
    let refused = [&a, &b, &c].iter().filter(|e| e.outcome == Outcome::Refused("overload".into())).count();
    assert_eq!(refused, 1, "{} {} {}", a.outcome, b.outcome, c.outcome);
    assert!(bench.runner.stats().late_ms_max >= 300);
}

#[tokio::test]
async fn the_log_is_private_and_rotates() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.log");
    let bench = Bench::with(|config| config.log = Some(wk_sandbox::ExecutionLog::open(&path, 1000).unwrap()));
    for _ in 0..12 {
        bench.attempt(&["exit", "0"]).await;
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for n in 1..=2 {
        assert!(std::fs::metadata(format!("{}.{n}", path.display())).unwrap().len() <= 1000);
    }
}

fn rustix_is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn named_processes() -> BTreeSet<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        // One that ended and was not collected by its parent yet is no process any more.
        .filter(|entry| {
            std::fs::read_to_string(entry.path().join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
        })
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}
