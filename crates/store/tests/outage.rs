//! What happens when the ground gives way: no database, no disk, a damaged file, a second server, a wrong certificate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may"
)]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::*;
use sqlx::Connection as _;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::*;
use wk_engine::ports::store::{Store, StoreError};
use wk_store::{Access, SqlStore, StoreUrl};
use wk_testkit::PgServer;

async fn open(url: &StoreUrl) -> Result<SqlStore, StoreError> {
    SqlStore::open(url, Access::Server, T0).await
}

fn server() -> PgServer {
    PgServer::start().unwrap_or_else(|e| panic!("{e}"))
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let fixture = Fixture::sqlite().await;
    fixture.store.put_setting("a", "b", None).await.unwrap();
    for name in ["watchkeep.db", "watchkeep.db-wal", "watchkeep.db-shm"] {
        let mode = std::fs::metadata(fixture.dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    fixture.store.close().await;
    let path = fixture.dir.path().join("watchkeep.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    open(&fixture.url).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

const TAMPERING: [&str; 5] = [
    "UPDATE audit_entry SET outcome = 'success'",
    "DELETE FROM audit_entry",
    "UPDATE audit_head SET next_seq = 0",
    "DELETE FROM audit_head",
    "DELETE FROM audit_entry WHERE seq = 0",
];

#[tokio::test]
async fn sqlite_itself_refuses_to_change_the_audit_log() {
    let fixture = Fixture::sqlite().await;
    fixture.store.append_audit(vec![draft("a")]).await.unwrap();
    let mut link = sqlx::SqliteConnection::connect(&fixture.raw_url).await.unwrap();
    for sql in TAMPERING {
        let refused = sqlx::raw_sql(sql).execute(&mut link).await.unwrap_err().to_string();
        assert!(refused.contains("audit"), "{sql}: {refused}");
    }
    assert_eq!(fixture.store.audit_from(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn postgres_itself_refuses_to_change_the_audit_log() {
    let server = server();
    let raw = server.database().unwrap();
    let store = open(&StoreUrl::parse(&raw).unwrap()).await.unwrap();
    store.append_audit(vec![draft("a")]).await.unwrap();
    let mut link = sqlx::PgConnection::connect(&raw).await.unwrap();
    for sql in TAMPERING.into_iter().chain(["TRUNCATE audit_entry", "TRUNCATE audit_head"]) {
        let refused = sqlx::raw_sql(sql).execute(&mut link).await.unwrap_err().to_string();
        assert!(refused.contains("audit"), "{sql}: {refused}");
    }
    assert_eq!(store.audit_from(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_newer_or_edited_schema_is_refused() {
    for (sql, newer) in [
        ("INSERT INTO schema_step (version, name, sha256, taken) VALUES (99, 'later', 'x', 0)", true),
        ("UPDATE schema_step SET sha256 = 'x' WHERE version = 1", false),
    ] {
        let fixture = Fixture::sqlite().await;
        fixture.store.close().await;
        let mut link = sqlx::SqliteConnection::connect(&fixture.raw_url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut link).await.unwrap();
        link.close().await.unwrap();
        match open(&fixture.url).await.unwrap_err() {
            StoreError::TooNew { found: 99, known } => assert!(newer && known == wk_store::SCHEMA_VERSION),
            StoreError::Corrupt { detail } => assert!(!newer && detail.contains("step 1"), "{detail}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    let url = StoreUrl::sqlite(&path);
    let corrupt = |error| matches!(error, StoreError::Corrupt { .. });

    std::fs::write(&path, "just some text, longer than sixteen bytes").unwrap();
    assert!(corrupt(open(&url).await.unwrap_err()));
    assert_eq!(std::fs::read_to_string(&path).unwrap().len(), 41);

    std::fs::remove_file(&path).unwrap();
    let raw = format!("sqlite:{}?mode=rwc", path.display());
    let mut link = sqlx::SqliteConnection::connect(&raw).await.unwrap();
    sqlx::raw_sql("CREATE TABLE theirs (a)").execute(&mut link).await.unwrap();
    link.close().await.unwrap();
    let error = open(&url).await.unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");

    assert!(corrupt(open(&StoreUrl::sqlite(dir.path())).await.unwrap_err()));
    let error = open(&StoreUrl::sqlite(dir.path().join("no/such.db"))).await.unwrap_err();
    assert!(error.to_string().contains("folder"), "{error}");
}

/// Pseudo-random, seeded: a failure replays.
fn xorshift(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

async fn read_everything(store: &SqlStore) -> Result<(), StoreError> {
    store.hosts().await?;
    store.checks().await?;
    store.check_states().await?;
    store.agents().await?;
    store.users().await?;
    store.events(&TenantScope::whole(), EventFilter::default(), page(500, None)).await?;
    store.audit_from(0, 1000).await?;
    store.health().await?;
    store.put_setting("after", "damage", Some(draft("setting.change"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_an_error_and_never_a_panic() {
    static PANICS: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.lock().unwrap().push(info.to_string());
        default(info);
    }));
    let fixture = Fixture::sqlite().await;
    let db = fixture.port();
    for i in 0..20 {
        let host = db.put_host(host(&format!("h{i}")), draft("host.add")).await.unwrap();
        let check = db.put_check(check(host.id, "ping"), draft("check.add")).await.unwrap();
        let states = vec![state(check.check.id, host.id)];
        let events = vec![event(Some(host.id), None, "state")];
        db.commit_ingest(IngestCommit { states, events, ..Default::default() }).await.unwrap();
    }
    fixture.store.close().await;
    let good = std::fs::read(fixture.dir.path().join("watchkeep.db")).unwrap();

    let (mut refused, mut seed) = (0, 0x9e37_79b9_7f4a_7c15_u64);
    for round in 0..150 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watchkeep.db");
        let mut bad = good.clone();
        // A third each: the header, page heads, anywhere. Sometimes the end is missing.
        for _ in 0..=xorshift(&mut seed) % 8 {
            let at = match round % 3 {
                0 => xorshift(&mut seed) % 100,
                1 => (xorshift(&mut seed) % (good.len() as u64 / 4096)) * 4096 + xorshift(&mut seed) % 16,
                _ => xorshift(&mut seed) % good.len() as u64,
            };
            bad[usize::try_from(at).unwrap()] ^= (xorshift(&mut seed) % 255 + 1) as u8;
        }
        if round % 10 == 9 {
            bad.truncate(usize::try_from(xorshift(&mut seed)).unwrap_or(0) % good.len());
        }
        std::fs::write(&path, &bad).unwrap();
        let opened = SqlStore::open(&StoreUrl::sqlite(&path), Access::Tool, T0).await;
        let said = match opened {
            Ok(store) => {
                let said = read_everything(&store).await;
                store.close().await;
                said
            }
            Err(error) => Err(error),
        };
        if let Err(error) = said {
            assert!(!matches!(error, StoreError::NotFound { .. }), "round {round}: {error:?}");
            refused += 1;
        }
    }
    let panics = PANICS.lock().unwrap().clone();
    assert_eq!(panics, [""; 0]);
    assert!(refused > 50, "only {refused} of 150 were noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_unavailable_and_comes_back() {
    let mut server = server();
    let url = StoreUrl::parse(&server.database().unwrap()).unwrap();
    let store = open(&url).await.unwrap();
    store.put_setting("before", "1", Some(draft("a"))).await.unwrap();
    server.stop().unwrap();
    for _ in 0..2 {
        let error = store.put_setting("during", "2", Some(draft("a"))).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        let error = store.hosts().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
    server.resume().unwrap();
    store.put_setting("after", "3", Some(draft("a"))).await.unwrap();
    assert_eq!(store.setting("before").await.unwrap().as_deref(), Some("1"));
    assert_eq!(store.setting("during").await.unwrap(), None);
    assert_eq!(store.audit_from(0, 10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_serves_one_server_at_a_time() {
    let server = server();
    let url = StoreUrl::parse(&server.database().unwrap()).unwrap();
    let first = open(&url).await.unwrap();
    let error = open(&url).await.unwrap_err();
    assert!(matches!(&error, StoreError::Conflict { what } if what.contains("another server")), "{error:?}");
    SqlStore::open(&url, Access::Tool, T0).await.unwrap().close().await;
    first.close().await;
    // PostgreSQL lets go when it sees the connection end.
    let until = Instant::now() + Duration::from_secs(20);
    while let Err(error) = open(&url).await {
        assert!(Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Two servers that both believe the database is theirs: the first one's link broke, and it has not noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_superseded_writes_nothing_from_that_instant() {
    let server = server();
    let raw = server.database().unwrap();
    let url = StoreUrl::parse(&raw).unwrap();
    let first = open(&url).await.unwrap();
    first.put_setting("mine", "1", Some(draft("a"))).await.unwrap();
    let mut admin = sqlx::PgConnection::connect(&raw).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_locks
               WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sqlx::query(cut).execute(&mut admin).await.unwrap();
    let until = Instant::now() + Duration::from_secs(4);
    let second = loop {
        match open(&url).await {
            Ok(store) => break store,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
    };
    // Before its keeper looks again: only the fence can tell.
    let error = first.put_setting("mine", "2", Some(draft("a"))).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable { detail } if detail.contains("another server")),
        "{error:?}"
    );
    let error = first.append_audit(vec![draft("b")]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    second.put_setting("mine", "3", Some(draft("c"))).await.unwrap();
    assert_eq!(second.setting("mine").await.unwrap().as_deref(), Some("3"));
    assert_eq!(second.audit_from(0, 10).await.unwrap().len(), 2);
    second.close().await;
    // The first one does not come back by itself, although nobody has the database now: it knows an older world.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(first.put_setting("mine", "4", Some(draft("a"))).await.is_err());
    open(&url).await.unwrap().put_setting("mine", "5", None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_the_servers_certificate_must_be_the_right_one() {
    let server = PgServer::start_tls().unwrap_or_else(|e| panic!("{e}"));
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("password");
    std::fs::write(&password, PgServer::PASSWORD).unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let raw = format!("{}&password_file={}", server.database().unwrap(), password.display());
    let store = open(&StoreUrl::parse(&raw).unwrap()).await.unwrap();
    assert!(store.health().await.unwrap().engine.starts_with("PostgreSQL"));
    store.close().await;

    let other = PgServer::start_tls().unwrap_or_else(|e| panic!("{e}"));
    let stranger =
        raw.replace(&server.ca_file().display().to_string(), &other.ca_file().display().to_string());
    let other_name = raw.replace("localhost", "127.0.0.1");
    let none = raw.split("sslrootcert").next().unwrap().to_owned()
        + "password_file="
        + &password.display().to_string();
    for bad in [stranger, other_name, none] {
        let error = open(&StoreUrl::parse(&bad).unwrap()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{bad}: {error:?}");
        assert!(!error.to_string().contains("horse"), "{error}");
    }
}

// A full disk: a small file system of its own, in a mount namespace that goes with the child. --------------------------

const FULL: &str = "WK_STORE_TEST_FULL_DIR";

#[test]
fn a_full_disk_is_told_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new("unshare");
    // An ordinary user needs a user namespace to mount in.
    if std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m)).unwrap_or(1) != 0 {
        child.args(["--user", "--map-root-user"]);
    }
    let output = child
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full_disk_child", "--ignored", "--nocapture"])
        .env(FULL, dir.path())
        .output()
        .expect("`unshare` is missing: apt-get install -y util-linux");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a_full_disk_is_told_and_harms_nothing"]
async fn full_disk_child() {
    let Ok(dir) = std::env::var(FULL) else { return };
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs", &dir]).status().unwrap();
    assert!(mounted.success(), "cannot mount a small file system for the test");
    let dir = Path::new(&dir);
    let ballast = dir.join("ballast");
    std::fs::write(&ballast, vec![0; 3 << 20]).unwrap();
    let url = StoreUrl::in_data_dir(dir);
    let store = open(&url).await.unwrap();
    let big = "x".repeat(64 * 1024);
    let mut kept = 0;
    let error = loop {
        match store.put_setting(&format!("k{kept}"), &big, Some(draft("setting.change"))).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1000, "the disk never filled");
    };
    assert!(matches!(error, StoreError::CannotWrite { .. }), "{error:?}");
    assert!(kept > 5, "only {kept}");
    // Still full, still told, still readable.
    for _ in 0..3 {
        let error = store.put_setting("more", &big, Some(draft("setting.change"))).await.unwrap_err();
        assert!(matches!(error, StoreError::CannotWrite { .. }), "{error:?}");
        assert_eq!(store.setting("k0").await.unwrap().as_deref(), Some(big.as_str()));
    }
    store.check().await.unwrap();
    std::fs::remove_file(&ballast).unwrap();
    store.put_setting("more", "after", Some(draft("setting.change"))).await.unwrap();
    store.close().await;
    let store = open(&url).await.unwrap();
    for i in 0..kept {
        assert!(store.setting(&format!("k{i}")).await.unwrap().is_some(), "k{i} was acknowledged");
    }
    assert_eq!(store.setting(&format!("k{kept}")).await.unwrap(), None);
    assert_eq!(store.audit_from(0, 10_000).await.unwrap().len(), kept + 1);
    store.close().await;
}
