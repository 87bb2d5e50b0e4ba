//! The command line, as people and programs meet it.

use rustix::process::Signal;
use serde_json::Value;

use crate::fleet;

#[test]
fn a_name_that_is_not_there_is_answered_with_the_one_that_was_meant() {
    let fleet = fleet();
    let server = fleet.serve();
    let _agent = fleet.enrolled("web-1");
    fleet
        .cli(&["check", "add", "web-1", "tcp:ssh", r#"{"kind":"tcp","address":"192.0.2.10","port":22}"#])
        .ok();
    let note = ["--note", "looking"];
    for (args, near, list) in [
        (vec!["host", "show", "wev-1"], Some("`web-1`"), "watchkeep host list"),
        (vec!["host", "show", "nothing-like-it"], None, "watchkeep host list"),
        (vec!["check", "show", "web-1/tcp:shs"], Some("`tcp:ssh`"), "watchkeep host show web-1"),
        ([&["ack", "wen-1/tcp:ssh"], &note[..]].concat(), Some("`web-1`"), "watchkeep host list"),
        (vec!["agent", "executions", "web-2"], Some("`web-1`"), "watchkeep agent list"),
        (vec!["user", "disable", "maria", "--reason", "left"], None, "watchkeep user list"),
    ] {
        let said = fleet.cli(&args);
        assert_eq!(said.code, Some(1), "{args:?}: {}", said.all());
        assert!(said.out.is_empty() && said.err.contains(list), "{args:?}: {}", said.all());
        match near {
            Some(near) => assert!(said.err.contains(&format!("Did you mean {near}?")), "{}", said.err),
            None => assert!(!said.err.contains("Did you mean"), "{}", said.err),
        }
    }
    for (args, near) in
        [(&["hosts"][..], "host"), (&["host", "lsit"], "list"), (&["problem", "--jsno"], "--json")]
    {
        let said = fleet.cli(args);
        assert_eq!(said.code, Some(2), "{args:?}: {}", said.all());
        assert!(said.err.contains(near), "{args:?}: {}", said.err);
    }
    let said = fleet.cli(&["problem", "state:critcal"]);
    assert!(said.code == Some(1) && said.err.contains("use ok, warning, critical"), "{}", said.all());
    assert_eq!(server.stop(Signal::TERM), Some(0));
}

#[test]
fn without_a_server_the_way_to_start_one_is_told() {
    let fleet = fleet();
    let data = fleet.data().display().to_string();
    for args in [&["status"][..], &["host", "list"], &["audit", "verify"], &["cert", "list"]] {
        let said = fleet.cli(args);
        assert_eq!(said.code, Some(1));
        assert!(
            said.out.is_empty() && said.err.contains(&format!("watchkeep up --data {data}")),
            "{}",
            said.err
        );
    }
    // A socket that a killed server left behind is no server.
    let server = fleet.serve();
    server.kill();
    let said = fleet.cli(&["status"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("Is it running?"), "{}", said.err);
}

#[test]
fn what_a_person_does_in_the_console_a_command_does_too() {
    let fleet = fleet();
    let server = fleet.serve();
    let _agent = fleet.enrolled("web-1");
    fleet
        .cli(&["check", "add", "web-1", "tcp:ssh", r#"{"kind":"tcp","address":"192.0.2.10","port":22}"#])
        .ok();
    fleet.cli(&["comment", "web-1/tcp:ssh", "--text", "the switch was changed"]).ok();
    let said = fleet.cli(&["event", "--host", "web-1"]).ok();
    assert!(said.out.contains("the switch was changed"), "{}", said.out);
    fleet.cli(&["downtime", "add", "web-1", "--for", "2h", "--note", "kernel"]).ok();
    let planned = fleet.json(&["downtime", "list"]);
    let id = planned[0]["id"].as_str().unwrap();
    fleet.cli(&["downtime", "cancel", id]).ok();
    assert_eq!(fleet.json(&["downtime", "list"]), Value::Array(Vec::new()));
    // Programs get JSON from every list, also from an empty one.
    for list in [
        &["problem"][..],
        &["host", "list"],
        &["host", "inventory", "web-1"],
        &["check", "list"],
        &["agent", "list"],
        &["agent", "tokens"],
        &["audit", "list"],
        &["cert", "list"],
        &["channel", "list"],
        &["channel", "log"],
        &["user", "list"],
        &["event"],
    ] {
        assert!(fleet.json(list).is_array(), "{list:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = fleet.cli(&["completion", shell]).ok().out;
        for word in ["host", "downtime", "inventory", "withdraw"] {
            assert!(script.contains(word), "{shell} does not complete `{word}`");
        }
    }
    assert_eq!(server.stop(Signal::TERM), Some(0));
}
