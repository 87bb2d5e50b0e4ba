//! The usual deployment: the agent gives up root, hardens itself, and plugins share its user. Landlock then has to hold what
//! permissions no longer do.

// Helpers of tests may panic like tests; the lint's own exception covers only test functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;

const HOSTILE: &str = env!("CARGO_BIN_EXE_wk-sandbox-hostile");

/// Runs an attempt below a hardened agent that is `nobody` (or whoever runs the tests).
fn below_an_agent(attempt: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let program = dir.path().join("hostile");
    std::fs::copy(HOSTILE, &program).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
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
fn a_fork_bomb_of_the_same_user_is_bounded() {
    let said = below_an_agent(&["fork-bomb"]);
    assert!(said.contains("blocked:"), "{said}");
    assert!(!said.contains("ESCAPED"), "{said}");
}
