//! The usual deployment: the agent gives up root, hardens itself, and plugins share its user. Landlock then has to hold what
//! permissions no longer do.

// Helpers of tests may panic like tests; the lint's own exception covers only test functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;

const HOSTILE: &str = env!("CARGO_BIN_EXE_wk-sandbox-hostile");

/// Runs an attempt below a hardened agent that is `nobody` (or whoever runs the tests).
fn below_an_agent(attempt: &[&str]) -> String {
    below_an_agent_in(tempfile::tempdir().unwrap(), attempt)
}

fn prepared() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let program = prepare(&dir);
    (dir, program)
}

fn prepare(dir: &tempfile::TempDir) -> std::path::PathBuf {
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let program = dir.path().join("hostile");
    std::fs::copy(HOSTILE, &program).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    program
}

fn below_an_agent_in(dir: tempfile::TempDir, attempt: &[&str]) -> String {
    let program = prepare(&dir);
    let output = std::process::Command::new(&program)
        .arg("agent")
        .arg(dir.path().join("work"))
        .arg(&program)
        .args(attempt)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_hardened_agent_has_nothing_to_lose() {
    let said = below_an_agent(&["exit", "0"]);
    for line in ["NoNewPrivs:\t1", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000"] {
        assert!(said.contains(line), "{line} not in {said}");
    }
    assert!(!said.contains("\nUid:\t0"), "{said}");
    assert!(said.contains("outcome exit:0 grade full"), "{said}");
}

#[test]
fn plugins_of_the_same_user_cannot_touch_the_agent() {
    for attempt in ["kill-parent", "parent-mem", "parent-environ", "ptrace", "vm-read", "unshare", "setuid"] {
        let said = below_an_agent(&[attempt]);
        assert!(!said.contains("ESCAPED"), "{attempt}: {said}");
        assert!(said.contains("blocked:") || said.contains("outcome signal:31"), "{attempt}: {said}");
    }
}

#[test]
fn plugins_of_the_same_user_cannot_open_its_files_to_others() {
    // The working folder belongs to the agent's user, as its key does.
    for attempt in ["chmod", "utime", "inotify"] {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work").display().to_string();
        let said = below_an_agent_in(dir, &[attempt, &work]);
        assert!(said.contains("blocked:") && !said.contains("ESCAPED"), "{attempt}: {said}");
    }
    let said = below_an_agent(&["affinity", "1"]);
    assert!(said.contains("blocked:"), "{said}");
}

/// Whether a process of this name lives.
fn lives(name: &str) -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    // One that ended and was not collected by its parent yet is no process any more.
    stats.any(|stat| stat.contains(&format!("({name})")) && !stat.contains(") Z "))
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}");
}

#[test]
fn an_agent_that_is_killed_takes_its_plugins_families_along() {
    let name = format!("wk-fam-{}", std::process::id());
    let (dir, program) = prepared();
    let mut agent = std::process::Command::new(&program)
        .arg("agent")
        .arg(dir.path().join("work"))
        .arg(&program)
        .args(["family", &name])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("the plugin's child did not start", || lives(&name));
    // SIGKILL: nobody can clean up any more.
    agent.kill().unwrap();
    agent.wait().unwrap();
    until("the plugin's child outlived the agent", || !lives(&name));
}

#[test]
fn a_fork_bomb_of_the_same_user_is_bounded() {
    let said = below_an_agent(&["fork-bomb"]);
    assert!(said.contains("blocked:"), "{said}");
    assert!(!said.contains("ESCAPED"), "{said}");
}
