//! E-mail: over TLS or not at all, readable, at least once, and with nobody's words in the headers but ours.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use wk_engine::ids::new_id;
use wk_engine::ports::Store as _;
use wk_notify::deliver::Policy;

use crate::support::Answer;
use crate::support::{Authority, Bench, KEY, MailServer, Receiver, about, now, policy, problem};

const PASSWORD: &[u8] = b"canary-mail-password-9c2f";
const LOGIN: [&str; 2] = ["--login", "ops:canary-mail-password-9c2f"];

fn config(port: u16, security: &str, pem: &str) -> Value {
    json!({
        "server": format!("mail.test:{port}"),
        "security": security,
        "from": "Watchkeep <watchkeep@example.org>",
        "to": ["ops@example.org"],
        "root_pem": pem,
    })
}

fn with_login(mut config: Value) -> Value {
    config["username"] = json!("ops");
    config
}

#[tokio::test]
async fn a_mail_arrives_over_tls_from_the_first_byte_and_after_starttls() {
    let authority = Authority::new();
    let bench = Bench::new().await;
    for (security, flags) in [("tls", vec![]), ("starttls", vec!["--starttls"])] {
        let server = MailServer::start(bench.dir.path(), &authority, &[&flags[..], &LOGIN].concat());
        let channel =
            bench.channel("email", with_login(config(server.port, security, &authority.pem)), PASSWORD).await;
        let check = new_id(now());
        let first =
            bench.put(about(&channel, check, "problem", "critical", "Disk /var", "97 % voll, größer")).await;
        let second = bench.put(about(&channel, check, "recovery", "ok", "Disk /var", "fine")).await;
        bench.delivered(&first).await;
        bench.delivered(&second).await;
        let mails = server.mails();
        assert_eq!(mails.len(), 2, "{security}");
        let mail = &mails[0];
        assert!(mail.tls && mail.user.as_deref() == Some("ops"), "{security}");
        assert_eq!(
            (mail.sender.as_str(), mail.to.as_slice()),
            ("watchkeep@example.org", &["ops@example.org".to_owned()][..])
        );
        assert_eq!(mail.header("Subject"), "[CRITICAL] web-1: Disk /var");
        assert_eq!(mail.header("Message-ID"), format!("<{}@example.org>", first.id));
        assert_eq!(mail.header("X-Watchkeep-Notification"), first.id.to_string());
        assert!(mail.raw.contains("97 % voll, gr=C3=B6=C3=9Fer"), "{}", mail.raw);
        assert_eq!(mails[1].header("Subject"), "[RECOVERED] web-1: Disk /var");
    }
}

#[tokio::test]
async fn a_busy_server_gets_it_again_with_the_same_message_id() {
    let authority = Authority::new();
    let bench = Bench::new().await;
    let server = MailServer::start(bench.dir.path(), &authority, &["--data", "451,drop,452"]);
    let channel = bench.channel("email", config(server.port, "tls", &authority.pem), b"").await;
    let row = bench.put(problem(&channel)).await;
    let failed = bench.until(&row, |row| row.attempts >= 1).await;
    if failed.attempts == 1 {
        assert_eq!(failed.last_error, "the mail server cannot take the mail now: 451 as told");
    }
    let done = bench.delivered(&row).await;
    assert_eq!(done.attempts, 4);
    let mails = server.mails();
    let codes: Vec<&str> = mails.iter().map(|mail| mail.code.as_str()).collect();
    assert_eq!(codes, ["451", "drop", "452", "250"]);
    assert!(mails.iter().all(|mail| mail.raw == mails[0].raw), "the same bytes, the Message-ID included");
}

#[tokio::test]
async fn a_server_that_is_down_gets_it_when_it_is_back() {
    let authority = Authority::new();
    let bench = Bench::new().await;
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let channel = bench.channel("email", config(port, "starttls", &authority.pem), b"").await;
    let row = bench.put(problem(&channel)).await;
    let failed = bench.until(&row, |row| row.attempts >= 2).await;
    assert!(
        failed.last_error.starts_with("cannot connect to mail.test (127.0.0.1:"),
        "{}",
        failed.last_error
    );
    let server =
        MailServer::start(bench.dir.path(), &authority, &["--starttls", "--port", &port.to_string()]);
    bench.delivered(&row).await;
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_neither_password_nor_mail() {
    let (trusted, other) = (Authority::new(), Authority::new());
    let bench = Bench::new().await;
    for (security, flags) in [("tls", vec![]), ("starttls", vec!["--starttls"])] {
        let server = MailServer::start(bench.dir.path(), &other, &[&flags[..], &LOGIN].concat());
        let channel =
            bench.channel("email", with_login(config(server.port, security, &trusted.pem)), PASSWORD).await;
        let row = bench.put(problem(&channel)).await;
        let failed = bench.until(&row, |row| row.attempts >= 1).await;
        let wanted = "the certificate of mail.test is not accepted: its authority is not trusted; if it is your own, put its \
                      root certificate into `root_pem`";
        assert_eq!(failed.last_error, wanted, "{security}");
        assert!(server.logins().is_empty() && server.mails().is_empty());
    }
}

#[tokio::test]
async fn one_refused_recipient_does_not_keep_it_from_the_others() {
    let authority = Authority::new();
    let bench = Bench::new().await;
    let server = MailServer::start(
        bench.dir.path(),
        &authority,
        &["--rcpt", "gone@example.org=550", "--rcpt", "late@example.org=450"],
    );
    let mut config = config(server.port, "tls", &authority.pem);
    config["to"] = json!(["gone@example.org", "ops@example.org", "late@example.org"]);
    let channel = bench.channel("email", config.clone(), b"").await;
    let row = bench.put(problem(&channel)).await;
    bench.delivered(&row).await;
    assert_eq!(server.mails()[0].to, ["ops@example.org"]);
    let events = bench.events().await;
    assert_eq!(events[0].severity, "warning");
    assert!(
        events[0]
            .summary
            .contains("; not told: gone@example.org: the mail server refuses the recipient: 550"),
        "{}",
        events[0].summary
    );

    // Nobody at all is a failure, and soon a final one.
    config["to"] = json!(["gone@example.org"]);
    let row = bench.put(problem(&bench.channel("email", config.clone(), b"").await)).await;
    let failed = bench.failed(&row).await;
    assert_eq!(failed.attempts, 5);
    assert!(failed.last_error.contains("550 no such mailbox gone@example.org"), "{}", failed.last_error);
    // One that may pass keeps the others waiting.
    config["to"] = json!(["gone@example.org", "late@example.org"]);
    let row = bench.put(problem(&bench.channel("email", config, b"").await)).await;
    let failed = bench.until(&row, |row| row.attempts > 5).await;
    assert_eq!(failed.state, "pending");
    assert_eq!(server.mails().len(), 1);
}

/// Commits mails in one go and waits until all have gone out; gives them back as they are then.
async fn burst(bench: &Bench, channel: &wk_engine::ports::rows::ChannelRow, mails: usize) -> Vec<i64> {
    let rows: Vec<_> = (0..mails).map(|_| problem(channel)).collect();
    let commit = wk_engine::ports::rows::IngestCommit { outbox: rows.clone(), ..Default::default() };
    bench.store.commit_ingest(commit).await.unwrap();
    bench.wake.notify_one();
    let mut attempts = Vec::new();
    for row in &rows {
        attempts.push(bench.delivered(row).await.attempts);
    }
    attempts
}

#[tokio::test]
async fn a_burst_goes_over_few_connections() {
    let authority = Authority::new();
    let bench = Bench::new().await;
    for (security, flags) in [("tls", vec![]), ("starttls", vec!["--starttls"])] {
        let server = MailServer::start(bench.dir.path(), &authority, &[&flags[..], &LOGIN].concat());
        let channel =
            bench.channel("email", with_login(config(server.port, security, &authority.pem)), PASSWORD).await;
        burst(&bench, &channel, 30).await;
        let (mails, connections) = (server.mails(), server.connections());
        assert_eq!(mails.len(), 30);
        assert!(mails.iter().all(|mail| mail.user.as_deref() == Some("ops")), "signed in");
        // One for each turn of a second at most; each its own would be 30.
        assert!(connections <= 10, "{security}: {connections} connections");
        let mut ids: Vec<&str> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 30, "none twice");
    }
}

#[tokio::test]
async fn a_server_that_closes_between_mails_gets_the_next_over_a_new_connection() {
    let authority = Authority::new();
    let bench = Bench::new().await;
    let server = MailServer::start(bench.dir.path(), &authority, &["--per-connection", "2"]);
    let channel = bench.channel("email", config(server.port, "tls", &authority.pem), b"").await;
    let attempts = burst(&bench, &channel, 10).await;
    assert!(attempts.iter().all(|attempts| *attempts == 1), "no failure: {attempts:?}");
    assert_eq!(server.mails().len(), 10);
    assert!(server.connections() >= 5);
}

#[tokio::test]
async fn a_certificate_for_another_name_gets_no_mail() {
    let authority = Authority::new();
    let policy = Policy { email_deadline: Duration::from_millis(800), ..policy() };
    let bench = Bench::with(policy, vec![]).await;
    let liar = Liar::with(Some(authority.acceptor("evil.test")), vec!["220 x\r\n"]).await;
    let channel =
        bench.channel("email", with_login(config(liar.port, "tls", &authority.pem)), PASSWORD).await;
    let failed = bench.until(&bench.put(problem(&channel)).await, |row| row.attempts >= 1).await;
    assert_eq!(failed.last_error, "the certificate of mail.test is not accepted: it is for another name");
    assert_eq!(*liar.heard.lock(), "");
}

#[tokio::test]
async fn a_hostile_server_behind_good_tls_holds_nothing_up() {
    let authority = Authority::new();
    let policy = Policy { email_deadline: Duration::from_millis(1_500), ..policy() };
    let bench = Bench::with(policy, vec![]).await;
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let flood = leak("250-x\r\n".repeat(20_000));
    let endless = leak("2".repeat(200_000));
    let garbage = leak("\u{1b}[2J\u{0}\u{7f}\u{fffd}250\r\n".to_owned());
    let yes = leak("250 x\r\n".repeat(9));
    for (says, wanted) in [
        (vec!["220 x\r\n", flood], "broke at the greeting"),
        (vec![endless], "broke at the greeting"),
        (vec![garbage], "broke at the greeting"),
        (vec!["220 x\r\n", yes], "before its turn"),
        (vec!["220 x\r\n", "250 x\r\n", "451 later\r\n"], "cannot take the sender now: 451"),
        (vec!["220 x\r\n", "250 x\r\n", "550 \u{1b}[31mno\u{202e}\r\n"], "refuses the sender: 550"),
        (vec!["220 x\r\n", "250 x\r\n", "250 x\r\n", "421 bye\r\n"], "the recipient now: 421"),
        (vec!["220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"], "no answer within"),
        (vec!["220 x\r\n"], "no answer within"),
        (vec![""], "no answer within"),
    ] {
        let liar = Liar::with(Some(authority.acceptor("mail.test")), says.clone()).await;
        let channel = bench.channel("email", config(liar.port, "tls", &authority.pem), b"").await;
        let row = bench.put(problem(&channel)).await;
        let failed = bench.until(&row, |row| row.attempts >= 1).await;
        let last = says.last().map(|text| &text[..text.len().min(20)]);
        assert!(failed.last_error.contains(wanted), "{last:?}: {}", failed.last_error);
        assert!(failed.last_error.len() <= 500, "{last:?}");
        let bad = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!failed.last_error.contains(bad), "{:?}", failed.last_error);
        wk_engine::ports::Store::delete_channel(&*bench.store, channel.id, crate::support::draft())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn monitored_text_cannot_write_headers_or_end_the_mail() {
    let authority = Authority::new();
    let bench = Bench::new().await;
    let server = MailServer::start(bench.dir.path(), &authority, &[]);
    let channel = bench.channel("email", config(server.port, "tls", &authority.pem), b"").await;
    let title = "Disk\r\nBcc: thief@evil.example\r\n\r\nHello \u{202e}\u{1b}[2J größer ".repeat(3);
    let output = "one\r\n.\r\nMAIL FROM:<x@evil.example>\r\nRCPT TO:<thief@evil.example>\r\nDATA\r\nSubject: no\r\n.\r\n..\r\nend";
    let mut row = about(&channel, new_id(now()), "problem", "critical\r\nX-Evil: 1", &title, output);
    row.payload_json = row.payload_json.replace("web-1", "web-1\\r\\nX-Evil: 2");
    let row = bench.put(row).await;
    bench.delivered(&row).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "one mail, not two");
    let mail = &mails[0];
    assert_eq!(mail.to, ["ops@example.org"]);
    let mut names: Vec<&str> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let wanted = [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
        "X-Watchkeep-Notification",
    ];
    let wanted: Vec<&str> =
        wanted.into_iter().filter(|name| *name != "MIME-Version" || names.contains(name)).collect();
    assert_eq!(names, wanted);
    assert!(mail.header("Subject").is_ascii(), "encoded by RFC 2047");
    assert!(mail.raw.contains("\r\nend"), "all of the output is there: {}", mail.raw);
}

/// A server of the test's own, which says its lines in turn and keeps what it hears.
struct Liar {
    port: u16,
    heard: Arc<Mutex<String>>,
}

impl Liar {
    /// Says the first text at once, and each further one after a line was heard.
    async fn start(says: Vec<&'static str>) -> Self {
        Self::with(None, says).await
    }

    /// Over TLS, where there is an acceptor.
    async fn with(acceptor: Option<tokio_rustls::TlsAcceptor>, says: Vec<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<String>> = Arc::default();
        let log = Arc::clone(&heard);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (says, log, acceptor) = (says.clone(), Arc::clone(&log), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => converse(stream, says, &log).await,
                        Some(acceptor) => converse(acceptor.accept(stream).await?, says, &log).await,
                    }
                });
            }
        });
        Self { port, heard }
    }
}

async fn converse<S>(stream: S, says: Vec<&'static str>, log: &Mutex<String>) -> io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    for text in says {
        stream.get_mut().write_all(text.as_bytes()).await?;
        stream.get_mut().flush().await?;
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            break;
        }
        log.lock().push_str(&String::from_utf8_lossy(&line));
    }
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await? > 0 {
        log.lock().push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(())
}

#[tokio::test]
async fn starttls_that_is_hidden_or_tampered_with_is_noticed_and_nothing_is_sent() {
    let authority = Authority::new();
    let policy = Policy { email_deadline: Duration::from_millis(800), ..policy() };
    let bench = Bench::with(policy, vec![]).await;
    let flood: &'static str = Box::leak("220-x\r\n".repeat(4_000).into_boxed_str());
    let endless: &'static str = Box::leak("2".repeat(100_000).into_boxed_str());
    for (says, wanted) in [
        (vec!["220 mail.test\r\n", "250-mail.test\r\n250 AUTH PLAIN\r\n"], "does not offer STARTTLS"),
        (vec!["220 mail.test\r\n", "250-mail.test\r\n250 XXXXXXXA\r\n"], "does not offer STARTTLS"),
        (vec!["220 mail.test\r\n", "250 STARTTLS\r\n", "454 not now\r\n"], "refuses STARTTLS"),
        (
            // Says yes, and in the same breath what it wants to be taken for the server's words inside TLS.
            vec![
                "220 mail.test\r\n",
                "250 STARTTLS\r\n",
                "220 go\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n250 taken\r\n",
            ],
            "slipped words in before TLS",
        ),
        (
            vec!["220 mail.test\r\n", "250 STARTTLS\r\n", "220 go\r\n", "no TLS at all\r\n"],
            "no TLS with mail.test",
        ),
        (vec!["SSH-2.0-canary_banner\r\n"], "does not speak SMTP"),
        (vec!["554 canary_banner\r\n"], "does not greet as a mail server does"),
        (vec![flood], "does not speak SMTP"),
        (vec![endless], "does not speak SMTP"),
        (vec![""], "no answer within"),
    ] {
        let liar = Liar::start(says.clone()).await;
        let channel =
            bench.channel("email", with_login(config(liar.port, "starttls", &authority.pem)), PASSWORD).await;
        let row = bench.put(problem(&channel)).await;
        let failed = bench.until(&row, |row| row.attempts >= 1).await;
        assert!(failed.last_error.contains(wanted), "{:?}: {}", says.last(), failed.last_error);
        assert!(!failed.last_error.contains("canary_banner"), "what the other side is stays unsaid");
        let heard = liar.heard.lock().clone();
        for word in ["AUTH", "MAIL FROM", "RCPT", "ops", "Disk", "canary"] {
            assert!(!heard.contains(word), "{heard}");
        }
        wk_engine::ports::Store::delete_channel(&*bench.store, channel.id, crate::support::draft())
            .await
            .unwrap();
    }
}

/// Everything that is logged, at every level, by every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_secret_reaches_an_error_the_timeline_or_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::level_filters::LevelFilter::TRACE)
        .with_writer(move || writer.clone());
    // On this thread and the runtime it drives.
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let authority = Authority::new();
        let bench = Bench::new().await;
        let wrong = MailServer::start(bench.dir.path(), &authority, &["--login", "ops:something else"]);
        let careless =
            MailServer::start(bench.dir.path(), &authority, &[&LOGIN[..], &["--data", "echo"]].concat());
        let hook = Receiver::start(vec![Answer::Status(500), Answer::Status(401)]).await;
        let mut rows = Vec::new();
        for server in [&wrong, &careless] {
            let config = with_login(config(server.port, "tls", &authority.pem));
            rows.push(bench.put(problem(&bench.channel("email", config, PASSWORD).await)).await);
        }
        let mut config = hook.config();
        config["url"] =
            json!(format!("https://hooks.test:{}/T0/canary-in-path?k=canary-in-query", hook.port));
        rows.push(bench.put(problem(&bench.channel("webhook", config, KEY).await)).await);
        let refused = bench.failed(&rows[0]).await;
        assert_eq!(refused.last_error, "mail.test does not accept username and password (535)");
        assert_eq!(refused.attempts, 5);
        let busy = bench.until(&rows[1], |row| row.attempts >= 1).await;
        assert!(
            busy.state == "delivered" || busy.last_error.contains("451 busy, [secret]"),
            "{}",
            busy.last_error
        );
        for row in &rows[1..] {
            bench.delivered(row).await;
        }
        let seen = format!("{:?} {:?} {refused:?} {busy:?}", bench.events().await, bench.heard.events.lock());
        assert!(!seen.contains("canary"), "{seen}");
    });
    let log = String::from_utf8_lossy(&log.0.lock()).into_owned();
    assert!(log.contains("does not accept username and password"), "the log was heard");
    for line in log.lines() {
        // The store's own statements hold the configuration, whose URL is not secret; delivery must say neither.
        let ours = !line.contains("sqlx");
        assert!(!(ours && line.contains("canary")), "{line}");
        assert!(!line.contains("canary-mail-password") && !line.contains("canary-signing"), "{line}");
    }
}
