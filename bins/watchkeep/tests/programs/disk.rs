//! A full disk.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use wk_testkit::fleet::is_root;
use wk_testkit::{Fleet, until};

use crate::{fleet, now_ms, points};

/// A small disk, unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"]).arg(at).status();
        assert!(done.unwrap().success(), "mount");
        Self(at.to_owned())
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut file = File::create(self.0.join("ballast")).unwrap();
        let block = vec![7_u8; 64 << 10];
        while file.write_all(&block).is_ok() {}
        while file.write_all(&block[..512]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Runs a server through a time in which it cannot write. `fill` and `free` are given its process.
fn through_a_full_disk(fleet: &Fleet, wrapper: &[String], fill: impl Fn(u32), free: impl Fn(u32)) {
    let server = fleet.start("server", wrapper, &[]).unwrap();
    let home = fleet.home("web-1");
    home.configure("agent.toml", "sample_interval_s = 1\n");
    home.enrol(&fleet.token("web-1")).ok();
    let began = now_ms();
    let agent = home.start();
    let row = fleet.linked("web-1");
    let host = row["host"]["id"].as_str().unwrap().to_owned();
    until("some seconds are stored", || {
        (points(fleet, &host, "load.1", began, now_ms()).len() > 4).then_some(())
    });

    fill(server.pid());
    let full = now_ms();
    let note = "x".repeat(900);
    let refused = until("a write is refused", || {
        // Rows may still fit into pages that are there.
        let said = fleet.cli(&["host", "add", &format!("h{}", now_ms()), "--address", "192.0.2.7"]);
        let _ = fleet.cli(&["agent", "token", "--host-pattern", &note[..200]]);
        (said.code != Some(0)).then_some(said)
    });
    let text = refused.all().to_lowercase();
    assert!(
        text.contains("full")
            || text.contains("space")
            || text.contains("write")
            || text.contains("too large"),
        "a person must know what to do: {text}"
    );
    assert!(!text.contains("sqlite") || text.contains("disk"), "{text}");
    // Reading goes on.
    assert_eq!(fleet.cli(&["agent", "list"]).ok().code, Some(0));
    assert!(!points(fleet, &host, "load.1", began, full).is_empty());
    let status = fleet.cli(&["status"]).ok().out;
    std::thread::sleep(Duration::from_secs(4));
    let acknowledged = home.acknowledged().0;

    free(server.pid());
    let freed = now_ms();
    until(&format!("it goes on by itself\n{status}"), || {
        (home.acknowledged().0 > acknowledged + 5).then_some(())
    });
    until("a write is taken", || {
        let name = format!("after-{}", now_ms());
        (fleet.cli(&["host", "add", &name, "--address", "192.0.2.8"]).code == Some(0)).then_some(())
    });
    // Whatever the agent was told is stored is there: every second of the time, the full disk included.
    let found = until("the samples of that time are there", || {
        let found = points(fleet, &host, "load.1", full, freed);
        (!found.is_empty()).then_some(found)
    });
    assert!(found.windows(2).all(|two| two[1].0 - two[0].0 < 5000), "{found:?}");
    assert_eq!((home.acknowledged().1, home.acknowledged().2), (0, 0));
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
    let server = fleet.serve();
    let kept = points(fleet, &host, "load.1", began, freed);
    assert!(kept.len() >= found.len() + 3, "{} of {}", kept.len(), found.len());
    assert_eq!(fleet.json(&["audit", "verify"])["intact"], true);
    assert!(fleet.agent_of("web-1").unwrap()["committed_seq"].as_u64().unwrap() >= home.acknowledged().0);
    assert_eq!(server.stop(Signal::TERM), Some(0));
    assert!(!fleet.logs().contains("panicked"), "{}", fleet.logs());
}

/// On a disk of its own where this user may mount one, else by a limit on the size of files.
#[test]
fn a_full_disk_stops_writing_and_nothing_else() {
    let fleet = fleet();
    if is_root() {
        let disk = Disk::mount(&fleet.data());
        through_a_full_disk(&fleet, &[], |_| disk.fill(), |_| disk.free());
        drop(disk);
    } else {
        by_a_limit(&fleet);
    }
}

/// What a user's quota of file sizes does: no file may grow.
#[test]
fn files_that_may_not_grow_stop_writing_and_nothing_else() {
    by_a_limit(&fleet());
}

fn by_a_limit(fleet: &Fleet) {
    let wrapper = ["env", "--ignore-signal=XFSZ"].map(str::to_owned);
    let limit = |pid: u32, bytes: &str| {
        let done =
            Command::new("prlimit").arg(format!("--pid={pid}")).arg(format!("--fsize={bytes}:")).status();
        assert!(done.unwrap().success(), "prlimit");
    };
    through_a_full_disk(fleet, &wrapper, |pid| limit(pid, "4096"), |pid| limit(pid, "unlimited"));
}

/// What a remount, a restored backup or a wrong owner does. As root by a read-only mount: modes stop nobody there.
#[test]
fn a_database_that_may_only_be_read_is_refused_at_the_start_and_harmed_by_nothing() {
    let fleet = fleet();
    let disk = is_root().then(|| Disk::mount(&fleet.data()));
    let server = fleet.serve();
    fleet.cli(&["host", "add", "kept", "--address", "192.0.2.7"]).ok();
    assert_eq!(server.stop(Signal::TERM), Some(0));
    let lock = |locked: bool| {
        if disk.is_some() {
            let how = if locked { "remount,ro" } else { "remount,rw" };
            let done = Command::new("mount").args(["-o", how]).arg(fleet.data()).status();
            assert!(done.unwrap().success(), "mount -o {how}");
        } else {
            let mode = if locked { 0o400 } else { 0o600 };
            let file = fleet.data().join("watchkeep.db");
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    lock(true);
    let said = fleet.start("server", &[], &[]).expect_err("it started on what it cannot write");
    assert_eq!(said.code, Some(1));
    let text = said.err.to_lowercase();
    assert!(text.contains("read-only") || text.contains("readonly") || text.contains("permission"), "{text}");
    assert!(said.err.contains(fleet.data().to_str().unwrap()), "it names the place: {}", said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    lock(false);
    let server = fleet.serve();
    assert!(fleet.cli(&["host", "list"]).ok().out.contains("kept"));
    assert_eq!(fleet.json(&["audit", "verify"])["intact"], true);
    assert_eq!(server.stop(Signal::TERM), Some(0));
    drop(disk);
}
