//! Debian's monitoring plugins, unchanged, in the sandbox, judged by the plugin API.

// Helpers of tests may panic like tests; the lint's own exception covers only test functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use support::{Bench, policy};
use wk_domain::Status;
use wk_sandbox::{ArgTemplate, Companion, Execution, Outcome, PluginPolicy, PortRef, digest_file};

fn plugin(name: &str, args: &[&str]) -> PluginPolicy {
    let path = PathBuf::from("/usr/lib/nagios/plugins").join(name);
    assert!(
        path.exists(),
        "{} is missing; install it with: apt-get install -y monitoring-plugins-basic",
        path.display()
    );
    let mut policy = policy(&path);
    policy.argv = args.iter().map(|arg| ArgTemplate::Literal((*arg).to_owned())).collect();
    policy.read_paths = vec!["/proc".into()];
    policy
}

async fn run(policy: PluginPolicy) -> Execution {
    let bench = Bench::new();
    let execution = bench.runner.run(&Arc::new(policy), &[], Duration::from_secs(20)).await;
    assert_eq!(
        execution.grade.map(|grade| grade.to_string()).as_deref(),
        Some("full"),
        "{}",
        execution.detail
    );
    execution
}

/// Ran to a verdict of its own, with at least one metric of this name.
fn assert_measured(execution: &Execution, metric: &str) -> f64 {
    let verdict = execution.verdict();
    let shown = format!("{} {:?} {}", execution.outcome, verdict.result, execution.stderr_text());
    assert!(matches!(execution.outcome, Outcome::Exited(0..=2)), "{shown}");
    assert_eq!(verdict.notes, Vec::<String>::new(), "{shown}");
    let found =
        verdict.result.metrics.iter().find(|m| m.label == metric).unwrap_or_else(|| panic!("{shown}"));
    found.value.expect("a value")
}

#[tokio::test]
async fn check_load_runs() {
    let load = run(plugin("check_load", &["-w", "100,100,100", "-c", "200,200,200"])).await;
    assert!(assert_measured(&load, "load1") >= 0.0);
    assert_eq!(load.verdict().result.status, Status::Ok);
}

#[tokio::test]
async fn check_disk_runs() {
    let disk = run(plugin("check_disk", &["-w", "1%", "-c", "0%", "-p", "/"])).await;
    assert!(assert_measured(&disk, "/") > 0.0);
    assert_eq!(disk.verdict().result.status, Status::Ok, "{}", disk.verdict().result.output);
    // The plugin's own thresholds decide, and come along.
    let full = run(plugin("check_disk", &["-w", "100%", "-c", "100%", "-p", "/"])).await;
    assert_eq!(full.outcome, Outcome::Exited(2), "{}", full.verdict().result.output);
    assert_eq!(full.verdict().result.status, Status::Critical);
    let metric = full.verdict().result.metrics.remove(0);
    assert!(metric.crit.is_some() && metric.max.is_some(), "{metric:?}");
}

#[tokio::test]
async fn check_procs_counts_the_machines_processes() {
    let procs = run(plugin("check_procs", &["-w", "1:100000", "-c", "1:200000"])).await;
    assert!(assert_measured(&procs, "procs") > 3.0, "{}", procs.verdict().result.output);
    // Process 1 is the machine's, not one of a namespace.
    let init = std::fs::read_to_string("/proc/1/comm").unwrap();
    let named = run(plugin("check_procs", &["-C", init.trim(), "-c", "1:"])).await;
    assert_eq!(named.verdict().result.status, Status::Ok, "{}", named.verdict().result.output);
}

#[tokio::test]
async fn check_swap_runs() {
    let swap = run(plugin("check_swap", &["-w", "1%", "-c", "0%"])).await;
    let verdict = swap.verdict().result;
    assert!(verdict.output.starts_with("SWAP"), "{verdict:?} {}", swap.stderr_text());
    let total = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total = total.lines().find(|line| line.starts_with("SwapTotal:")).unwrap();
    let without = total.split_whitespace().nth(1) == Some("0");
    // A machine without swap is CRITICAL by this plugin.
    let wanted = if without { Status::Critical } else { Status::Ok };
    assert_eq!(verdict.status, wanted, "{verdict:?}");
    assert_eq!(verdict.metrics[0].label, "swap");
}

#[tokio::test]
async fn check_users_runs() {
    let mut policy = plugin("check_users", &["-w", "1000", "-c", "2000"]);
    policy.read_paths.push("/run/utmp".into());
    let users = run(policy).await;
    assert!(assert_measured(&users, "users") >= 0.0);
    assert_eq!(users.verdict().result.status, Status::Ok, "{}", users.verdict().result.output);
}

#[tokio::test]
async fn check_tcp_and_http_reach_the_declared_port() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 2048];
            let _read = stream.read(&mut request);
            let _written =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        }
    });
    let text = port.to_string();
    let mut tcp = plugin("check_tcp", &["-H", "127.0.0.1", "-p", &text]);
    tcp.net.tcp_connect = vec![PortRef::Fixed(port)];
    tcp.net.udp = true;
    let tcp = run(tcp).await;
    assert!(assert_measured(&tcp, "time") >= 0.0);
    assert_eq!(tcp.verdict().result.status, Status::Ok);

    let mut http = plugin("check_http", &["-H", "127.0.0.1", "-p", &text, "-s", "hello"]);
    http.net.tcp_connect = vec![PortRef::Fixed(port)];
    http.net.udp = true;
    let http = run(http).await;
    assert!(assert_measured(&http, "size") > 0.0);
    assert_eq!(http.verdict().result.status, Status::Ok, "{}", http.verdict().result.output);
}

/// A time server that answers with the machine's own time.
fn time_server() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut packet = [0u8; 512];
        while let Ok((n, from)) = socket.recv_from(&mut packet) {
            if n < 48 {
                continue;
            }
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let seconds = (now.as_secs() + 2_208_988_800) as u32;
            let fraction = ((u64::from(now.subsec_nanos()) << 32) / 1_000_000_000) as u32;
            let stamp = [seconds.to_be_bytes(), fraction.to_be_bytes()].concat();
            let mut reply = [0u8; 48];
            // Version 4, server; stratum 1; poll 6; precision 2^-20; no root delay; "LOCL".
            reply[..4].copy_from_slice(&[0x24, 1, 6, 0xec]);
            reply[12..16].copy_from_slice(b"LOCL");
            reply[16..24].copy_from_slice(&stamp);
            reply[24..32].copy_from_slice(&packet[40..48]);
            reply[32..40].copy_from_slice(&stamp);
            reply[40..48].copy_from_slice(&stamp);
            let _sent = socket.send_to(&reply, from);
        }
    });
    port
}

#[tokio::test]
async fn check_ntp_time_runs() {
    let port = time_server().to_string();
    let mut policy = plugin("check_ntp_time", &["-H", "127.0.0.1", "-p", &port, "-w", "5", "-c", "10"]);
    policy.net.udp = true;
    policy.timeout = Duration::from_secs(20);
    let ntp = run(policy).await;
    assert!(assert_measured(&ntp, "offset").abs() < 1.0);
    assert_eq!(ntp.verdict().result.status, Status::Ok, "{}", ntp.verdict().result.output);
}

#[tokio::test]
async fn check_ping_works_or_says_what_to_do() {
    let mut policy = plugin("check_ping", &["-H", "127.0.0.1", "-w", "100,20%", "-c", "500,60%", "-p", "1"]);
    policy.net.icmp = true;
    policy.net.udp = true;
    let bench = Bench::new();
    let ping = bench.runner.run(&Arc::new(policy), &[], Duration::from_secs(20)).await;
    match &ping.outcome {
        Outcome::Refused(word) => {
            assert_eq!(word, "icmp");
            assert!(ping.detail.contains("sysctl -w net.ipv4.ping_group_range"), "{}", ping.detail);
        }
        _ => assert_eq!(assert_measured(&ping, "pl"), 0.0, "{}", ping.stderr_text()),
    }
}

/// Where the machine's setting forbids it, root looks at the working case in a network of its own.
#[tokio::test]
async fn check_ping_measures_where_it_may() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let script = "ip link set lo up && echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range && \
                  exec \"$0\" --exact check_ping_inside --ignored --nocapture";
    let output = std::process::Command::new("unshare")
        .args(["--net", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .output()
        .expect("unshare runs; install it with: apt-get install -y util-linux iproute2");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
#[ignore = "started by check_ping_measures_where_it_may"]
async fn check_ping_inside() {
    let mut policy = plugin("check_ping", &["-H", "127.0.0.1", "-w", "100,20%", "-c", "500,60%", "-p", "2"]);
    policy.net.icmp = true;
    policy.net.udp = true;
    let ping = run(policy).await;
    assert_eq!(assert_measured(&ping, "pl"), 0.0, "{}", ping.stderr_text());
    assert!(assert_measured(&ping, "rta") >= 0.0);
    assert_eq!(ping.verdict().result.status, Status::Ok, "{}", ping.verdict().result.output);
}

#[tokio::test]
async fn a_perl_plugin_runs_with_its_module_pinned() {
    let mut policy = plugin("check_file_age", &["-f", "/etc/passwd", "-w", "999999999", "-c", "999999999"]);
    let module = Path::new("/usr/lib/nagios/plugins/utils.pm");
    policy.companions = vec![Companion { path: module.into(), sha256: digest_file(module).unwrap() }];
    let age = run(policy).await;
    assert_measured(&age, "age");
    assert_eq!(age.verdict().result.status, Status::Ok);
}

#[tokio::test]
async fn odd_exits_are_unknown_with_a_reason() {
    let bench = Bench::new();
    for (args, text) in
        [(["exit", "42"], "exit:42"), (["exit", "127"], "exit:127"), (["stderr", ""], "exit:3")]
    {
        let execution = bench.attempt(&args).await;
        assert_eq!(execution.outcome.to_string(), text);
        assert_eq!(execution.verdict().result.status, Status::Unknown);
    }
    let said = bench.attempt(&["stderr"]).await.verdict().result.output;
    assert_eq!(said, "something went wrong over there");
}
