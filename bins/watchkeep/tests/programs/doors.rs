//! Who reaches the server before it is claimed, who may use its socket, and what its log holds of what strangers send.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustls::ClientConfig;
use serde_json::{Value, json};
use wk_identity::Totp;
use wk_testkit::fleet::is_root;
use wk_testkit::{Fleet, until};

use crate::refusals::{stranger, tls, to_the_end};
use crate::{fleet, now_ms};

fn config() -> Arc<ClientConfig> {
    stranger(&[&rustls::version::TLS13], &["http/1.1"])
}

/// A request over TLS: status, head and JSON. `None` when nobody answers.
pub(crate) fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Option<(u16, String, Value)> {
    TcpStream::connect_timeout(&to, Duration::from_secs(5)).ok()?;
    let mut stream = tls(to, config());
    let body = body.map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    let bytes = to_the_end(&mut stream);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null)))
}

/// An address of this machine beside loopback.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let found = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()).map(|address| address.ip());
    match found {
        Ok(ip) if !ip.is_loopback() && !ip.is_unspecified() => ip,
        _ => panic!(
            "this machine has no address beside loopback: \
             ip link add wk0 type dummy && ip address add 198.51.100.7/24 dev wk0 && ip link set wk0 up && \
             ip route add 192.0.2.0/24 dev wk0"
        ),
    }
}

/// A server that is told to listen everywhere, as it is by default.
struct Wide {
    child: Child,
    log: std::path::PathBuf,
    out: std::path::PathBuf,
}

impl Wide {
    fn start(fleet: &Fleet, port: u16, number: u32) -> Self {
        let (log, out) = (
            fleet.path().join(format!("wide-{number}.log")),
            fleet.path().join(format!("wide-{number}.out")),
        );
        let child = Command::new(env!("CARGO_BIN_EXE_watchkeep"))
            .arg("--data")
            .arg(fleet.data())
            .args(["server", "--console-listen", &format!("0.0.0.0:{port}")])
            .args(["--hub-listen", &fleet.hub().to_string()])
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut wide = Self { child, log, out };
        until("it is ready", || {
            assert!(wide.child.try_wait().unwrap().is_none(), "it ended: {}", wide.said());
            wide.said().contains(" ready console=").then_some(())
        });
        wide
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", self.said());
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn totp(secret: &str) -> Totp {
    let (mut bits, mut held, mut seed) = (0u32, 0u32, Vec::new());
    for letter in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        bits = (bits << 5) | u32::try_from(value).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            seed.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    Totp::from_seed(&seed).unwrap()
}

#[test]
fn until_it_is_claimed_only_this_machine_reaches_the_console() {
    let fleet = fleet();
    let own = own_address();
    let port = fleet.console().port();
    let (near, far) = (fleet.console(), SocketAddr::new(own, port));
    let server = Wide::start(&fleet, port, 1);
    assert!(
        TcpStream::connect_timeout(&far, Duration::from_secs(5)).is_err(),
        "{far} answers before the claim"
    );
    let (status, _, meta) = ask(near, "GET", "/meta", None).unwrap();
    assert_eq!((status, &meta["claimed"]), (200, &json!(false)));
    let said = fs::read_to_string(&server.out).unwrap();
    let token = said.split("/claim#").nth(1).unwrap().lines().next().unwrap().trim().to_owned();
    // A link that is not the one, of the right form.
    for guess in ["A".repeat(43), format!("{}A", &token[..42]), token.to_lowercase()] {
        let refused = ask(near, "POST", "/claim/check", Some(&json!({"token": guess}))).unwrap();
        assert!(guess == token || refused.0 == 410, "{}", refused.0);
    }
    // Started again, it prints another link, and the first one is void.
    server.stop();
    let server = Wide::start(&fleet, port, 2);
    let said = fs::read_to_string(&server.out).unwrap();
    let newer = said.split("/claim#").nth(1).unwrap().lines().next().unwrap().trim().to_owned();
    assert_ne!(token, newer);
    assert_eq!(ask(near, "POST", "/claim/check", Some(&json!({"token": token}))).unwrap().0, 410);
    let begin = json!({"token": newer, "name": "maria", "password": "vifoqu maridope lantel 47"});
    let (status, _, setup) = ask(near, "POST", "/claim/begin", Some(&begin)).unwrap();
    assert_eq!(status, 200, "{setup}");
    assert!(TcpStream::connect_timeout(&far, Duration::from_secs(5)).is_err(), "{far} answers half way");
    let totp = totp(setup["secret"].as_str().unwrap());
    let code = totp.code_at(now_ms() / 30_000).expose().clone();
    let finish = json!({"token": newer, "code": code});
    let (status, _, claimed) = ask(near, "POST", "/claim/finish", Some(&finish)).unwrap();
    assert_eq!(status, 200, "{claimed}");
    let meta = until("others reach it", || ask(far, "GET", "/meta", None));
    assert_eq!((meta.0, &meta.2["claimed"]), (200, &json!(true)));
    for (path, body) in [("/claim/check", json!({"token": newer})), ("/claim/finish", finish)] {
        assert_eq!(ask(far, "POST", path, Some(&body)).unwrap().0, 410, "{path} again");
    }
    assert!(!server.said().contains(&newer), "the link is in the log");
    server.stop();
    let server = Wide::start(&fleet, port, 3);
    assert_eq!(ask(far, "GET", "/meta", None).unwrap().0, 200, "from the start, now that it is claimed");
    assert!(!fs::read_to_string(&server.out).unwrap().contains("/claim#"), "no more links");
    server.stop();
}

#[test]
fn the_socket_is_the_servers_own_whatever_lay_in_its_place() {
    let fleet = fleet();
    let server = fleet.serve();
    assert_eq!(server.stop(Signal::TERM), Some(0));
    let (run, socket) = (fleet.data().join("run"), fleet.data().join("run/admin.sock"));
    assert!(!socket.exists(), "it is gone with the server");
    let precious = fleet.path().join("precious");
    fs::write(&precious, "mine").unwrap();
    // What lies there is replaced and never followed: a link, a stale socket, a file.
    let plant: [&dyn Fn(); 3] =
        [&|| symlink(&precious, &socket).unwrap(), &|| drop(UnixListener::bind(&socket).unwrap()), &|| {
            fs::write(&socket, "left over").unwrap()
        }];
    for (n, plant) in plant.into_iter().enumerate() {
        plant();
        let server = fleet.serve();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine", "{n}");
        let meta = fs::symlink_metadata(&socket).unwrap();
        assert!(!meta.is_symlink() && meta.permissions().mode() & 0o777 == 0o600, "{n}: {meta:?}");
        assert_eq!(fs::metadata(&run).unwrap().permissions().mode() & 0o777, 0o700, "{n}");
        assert_eq!(fleet.ask("/me")["role"], "admin", "{n}");
        if is_root() {
            // Somebody else on this machine does not even get to the socket.
            let said = Command::new("setpriv")
                .args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_watchkeep")])
                .arg("--data")
                .arg(fleet.data())
                .arg("status")
                .output()
                .expect("setpriv is needed: apt-get install util-linux");
            assert_eq!(said.status.code(), Some(1), "{said:?}");
        }
        assert_eq!(server.stop(Signal::TERM), Some(0));
    }
    // A folder that leads elsewhere, or that others may enter, is no place for it.
    fs::remove_dir_all(&run).unwrap();
    let elsewhere = fleet.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &run).unwrap();
    let said = fleet.start("server", &[], &[]).expect_err("it followed a link");
    assert!(said.err.contains("run") && said.err.contains("link"), "{}", said.err);
    assert!(fs::read_dir(&elsewhere).unwrap().next().is_none());
    fs::remove_file(&run).unwrap();
    fs::create_dir(&run).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
    let said = fleet.start("server", &[], &[]).expect_err("it took an open folder");
    assert!(said.err.contains(&format!("chmod 700 {}", run.display())), "{}", said.err);
}

/// Each request is one line, whatever bytes it came with; and no line holds what must not be told.
#[test]
fn each_request_is_one_line_of_the_log_whatever_its_bytes() {
    let fleet = fleet();
    let server = fleet.serve();
    let console = fleet.console();
    let secret = "hunter2hunter2hunter2hunter2hunter2hunter22";
    let mut asked = Vec::new();
    for (n, path) in [
        "/api/v1/me?token=hunter2hunter2hunter2hunter2hunter2hunter22",
        "/api/v1/claim/check#hunter2hunter2hunter2hunter2hunter2hunter22",
        "/%0a2026-11-21T00:00:00Z%20ERROR%20forged",
        "/%1b[2J%1b]0;title%07",
        "/\u{202e}txt.exe",
        "/\u{9b}31m\u{2028}x",
        "/a\"b'c<d>{e}",
        "/api/v1/hosts/%00",
        "//evil.example/..//../etc/passwd",
    ]
    .into_iter()
    .enumerate()
    {
        let mut stream = tls(console, config());
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncookie: __Host-sid={secret}\r\nauthorization: Bearer {secret}\r\nuser-agent: n{n} \u{9b}31m\r\nreferer: https://x/?{secret}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let answer = String::from_utf8_lossy(&to_the_end(&mut stream)).into_owned();
        assert!(!answer.starts_with("HTTP/1.1 5"), "{path:?}: {answer}");
        if let Some(tag) = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")) {
            asked.push((path, tag.to_owned()));
        }
    }
    assert!(asked.len() >= 5, "{asked:?}");
    let body = json!({"name": "maria", "password": secret});
    ask(console, "POST", "/session", Some(&body)).unwrap();
    // A method of the sender's own making.
    let mut stream = tls(console, config());
    let line = format!("{} / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "X".repeat(5000));
    stream.write_all(line.as_bytes()).unwrap();
    to_the_end(&mut stream);
    assert_eq!(server.stop(Signal::TERM), Some(0));
    let mut log = Vec::new();
    for entry in fs::read_dir(fleet.path()).unwrap().flatten() {
        if entry.path().extension().is_some_and(|kind| kind == "log") {
            File::open(entry.path()).unwrap().read_to_end(&mut log).unwrap();
        }
    }
    let log = String::from_utf8(log).expect("text");
    assert!(!log.contains(secret), "a secret is in the log:\n{log}");
    assert!(!log.contains("\n2026-11-21T00:00:00Z ERROR forged"), "a line was forged:\n{log}");
    for line in log.lines() {
        assert!(
            !line.contains(|c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c)),
            "{line:?}"
        );
        assert!(line.len() < 20_000);
        assert!(line.starts_with("20"), "a line that is no event: {line:?}");
    }
    for (path, tag) in asked {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&tag)).collect();
        assert_eq!(lines.len(), 1, "{path:?}: {lines:?}");
        for field in ["request", "id=", "source=127.0.0.1", "method=GET", "path=", "status=", "duration_us="]
        {
            assert!(lines[0].contains(field), "{path:?}: {field} in {}", lines[0]);
        }
    }
}

/// A server that is short of open files says so, and what to do.
#[test]
fn few_open_files_are_complained_about() {
    let fleet = fleet();
    let wrapper = ["prlimit", "--nofile=1024:1024", "--"].map(str::to_owned).to_vec();
    let server = fleet.start("server", &wrapper, &[]).expect("prlimit is needed: apt-get install util-linux");
    let log = server.log();
    assert!(log.contains("LimitNOFILE") && log.contains("1024"), "{log}");
    // Connections without end: the server's own work goes on.
    let began = Instant::now();
    let mut held = Vec::new();
    while held.len() < 1500 && began.elapsed() < Duration::from_secs(20) {
        match TcpStream::connect_timeout(&fleet.console(), Duration::from_millis(300)) {
            Ok(stream) => held.push(stream),
            // The kernel's queue is full: faster than the server shows them out.
            Err(_) => break,
        }
    }
    assert!(held.len() > 50, "{}", held.len());
    fleet.cli(&["host", "add", "db-1"]).ok();
    drop(held);
    assert_eq!(server.stop(Signal::TERM), Some(0));
    drop(TcpListener::bind(fleet.console()).unwrap());
}
