//! Plugins of Debian, as the agent's own policy file allows them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use wk_testkit::{AgentHome, Fleet, until};

use crate::fleet;

const CHECK_LOAD: &str = "/usr/lib/nagios/plugins/check_load";

/// Allows the program as it is now.
fn policy(home: &AgentHome, program: &Path) {
    let bytes = std::fs::read(program).unwrap();
    let digest: String = wk_seal::sha256(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!(
        "[[plugin]]\nname = \"check-load\"\nprogram = \"{}\"\nsha256 = \"{digest}\"\n\
         args = [\"-w\", \"{{warn}}\", \"-c\", \"{{crit}}\"]\nread = [\"/proc\"]\n\n[plugin.params]\n\
         warn = {{ type = \"range\", default = \"9000,9000,9000\" }}\n\
         crit = {{ type = \"range\", default = \"9999,9999,9999\" }}\n",
        program.display()
    );
    home.configure("plugins.toml", &text);
    let file = home.config.join("plugins.toml");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
}

fn check(fleet: &Fleet) -> Option<Value> {
    let checks = fleet.list("/checks");
    let id = checks.iter().find(|check| check["key"] == "plugin:load")?["id"].as_str()?.to_owned();
    Some(fleet.ask(&format!("/checks/{id}")))
}

fn with_reason(fleet: &Fleet, reason: &str) -> Value {
    until(&format!("the check says {reason}"), || {
        check(fleet).filter(|check| check["reason"] == reason && check["status"] == "unknown")
    })
}

#[test]
fn a_pinned_plugin_runs_a_changed_one_does_not_and_nothing_does_when_remote_is_off() {
    assert!(Path::new(CHECK_LOAD).exists(), "apt-get install -y monitoring-plugins-basic");
    let fleet = fleet();
    let server = fleet.serve();
    let home = fleet.enrolled("web-1");
    // A copy that the test may change.
    let program = fleet.path().join("check_load");
    std::fs::copy(CHECK_LOAD, &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    policy(&home, &program);
    let said = home.run(&["check"]).ok();
    assert!(said.out.contains("check-load") && said.out.contains("as pinned"), "{}", said.out);
    let agent = home.start();
    let row = fleet.linked("web-1");
    assert_eq!(row["plugins"][0]["name"], "check-load");

    let spec = r#"{"kind":"plugin","name":"check-load"}"#;
    let made = ["check", "add", "web-1", "plugin:load", spec, "--interval", "5s", "--attempts", "1"];
    fleet.cli(&made).ok();
    let good =
        until("the plugin's result is there", || check(&fleet).filter(|check| check["status"] == "ok"));
    assert!(good["output"].as_str().unwrap().to_lowercase().contains("load average"), "{good}");
    let metrics = good["metrics"].as_array().unwrap();
    let load1 = metrics.iter().find(|metric| metric["label"] == "load1").unwrap();
    assert!(load1["value"].is_number() && load1["crit"] == "9999", "{load1}");

    let listed = fleet.cli(&["agent", "executions", "web-1"]).ok();
    assert!(listed.out.contains("check-load"), "{}", listed.out);
    let executions = fleet.json(&["agent", "executions", "web-1"]);
    let run = &executions[0];
    assert_eq!(run["check"], good["id"]);
    let grade = run["grade"].as_str().unwrap();
    assert!(["full", "strict", "compat"].contains(&grade) && listed.out.contains(grade), "{run}");
    let argv: Vec<&str> = run["argv"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(argv.ends_with(&["-w", "9000,9000,9000", "-c", "9999,9999,9999"]), "{argv:?}");
    assert_eq!(run["sha256"], row["plugins"][0]["sha256"]);
    let own = std::fs::read_to_string(home.data.join("executions.log")).unwrap();
    assert!(own.contains(run["id"].as_str().unwrap()), "the agent keeps its own record: {own}");

    // Another program under the same name is not run, and the operator is told.
    let mut bytes = std::fs::read(&program).unwrap();
    bytes.push(0);
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, bytes).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = with_reason(&fleet, "refused:digest");
    assert!(!refused["output"].as_str().unwrap().is_empty());
    assert!(home.run(&["check"]).ok().out.contains("DIFFERS"));
    let problems = fleet.cli(&["problem"]).ok();
    assert!(problems.out.contains("plugin:load"), "{}", problems.out);
    let last = until("the refusal is on record", || {
        let executions = fleet.json(&["agent", "executions", "web-1"]);
        executions.as_array()?.iter().find(|run| run["outcome"].to_string().contains("refused")).cloned()
    });
    assert!(last["outcome"].to_string().contains("digest"), "{last}");

    // The machine's own file ends it all.
    assert_eq!(agent.stop(), Some(0));
    home.configure("agent.toml", "remote = \"off\"\n");
    let agent = home.start();
    fleet.linked("web-1");
    with_reason(&fleet, "refused:remote-off");
    assert_eq!(fleet.agent_of("web-1").unwrap()["remote_off"], true);
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}

#[test]
fn what_a_hostile_plugin_writes_arrives_clean_or_not_at_all() {
    let fleet = fleet();
    let server = fleet.serve();
    let home = fleet.enrolled("web-1");
    let program = fleet.path().join("hostile");
    let script = |text: &str| {
        let _absent = std::fs::remove_file(&program);
        std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        policy(&home, &program);
    };
    // Colours, a cleared screen, a bell, NUL, half a character, text from right to left, markup, a forged prompt.
    script(
        "printf 'CRITICAL \\033[2J\\033[31mred\\a\\000 \\377\\376 \\342\\200\\256gpj <script>alert(1)</script> | a=1\\n'\n\
         printf 'more <img src=x onerror=alert(2)>\\r\\033]0;title\\007 | b=2\\n'\n\
         printf '\\033[5m noise \\377' >&2\nexit 2",
    );
    let agent = home.start();
    fleet.linked("web-1");
    let spec = r#"{"kind":"plugin","name":"check-load"}"#;
    fleet.cli(&["check", "add", "web-1", "plugin:load", spec, "--interval", "5s", "--attempts", "1"]).ok();
    let found =
        until("the plugin's result is there", || check(&fleet).filter(|check| check["status"] == "critical"));
    let output = found["output"].as_str().unwrap();
    assert!(output.contains("<script>alert(1)</script>"), "text stays text: {output}");
    let text = found.to_string();
    let dirty = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(dirty) && !text.contains("\\u001b") && !text.contains("\\u0000"), "{text}");
    let labels: Vec<&str> =
        found["metrics"].as_array().unwrap().iter().filter_map(|metric| metric["label"].as_str()).collect();
    assert_eq!(labels, ["a", "b"], "{text}");
    for command in [&["problem"][..], &["check", "list", "web-1"]] {
        let said = fleet.cli(command).ok();
        assert!(!said.out.contains(dirty), "{command:?}: {:?}", said.out);
    }
    assert_eq!(agent.stop(), Some(0));

    // Without end and without a line's end: it is ended, and the agent goes on.
    script("while :; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done");
    let agent = home.start();
    fleet.linked("web-1");
    let ended = with_reason(&fleet, "refused:output");
    assert!(ended["output"].as_str().unwrap().len() <= 4096);
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}
