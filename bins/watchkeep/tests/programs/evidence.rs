//! What a server writes down about itself, over its whole life: starts, stops, being killed, and the end of its keys.

use rustix::process::Signal;
use serde_json::Value;
use wk_testkit::Fleet;

use crate::fleet;

fn actions(fleet: &Fleet) -> Vec<(String, Value)> {
    let mut entries = fleet.list("/audit");
    entries.reverse();
    let read = |item: &Value| (item["action"].as_str().unwrap().to_owned(), item["entry"].clone());
    entries.iter().map(read).collect()
}

#[test]
fn starts_stops_a_kill_and_the_destruction_of_keys_stand_in_the_log() {
    let fleet = fleet();
    let server = fleet.serve();
    assert_eq!(server.stop(Signal::TERM), Some(0));
    fleet.serve().kill();
    let server = fleet.serve();
    let found = actions(&fleet);
    let runs: Vec<(&str, bool)> = found
        .iter()
        .filter(|(action, _)| action.starts_with("server.st"))
        .map(|(action, entry)| (action.as_str(), entry["reason"].is_string()))
        .collect();
    let expected =
        [("server.start", false), ("server.stop", false), ("server.start", false), ("server.start", true)];
    assert_eq!(runs, expected);
    let start = &found.iter().find(|(action, _)| action == "server.start").unwrap().1;
    let fields: Vec<&str> =
        start["diff"].as_array().unwrap().iter().filter_map(|change| change["field"].as_str()).collect();
    for field in ["version", "key_protection", "certificate.root", "hub_listen"] {
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }

    // Each entry whole, for people.
    let shown = fleet.cli(&["audit", "show", "0"]).ok().out;
    for line in ["number", "hash after", "policy", "tenant", "leaf hash"] {
        assert!(shown.lines().any(|shown| shown.starts_with(line)), "{line}: {shown}");
    }
    let missing = fleet.cli(&["audit", "show", "99999"]);
    assert!(missing.err.contains("there is no entry 99999"), "{}", missing.err);
    assert!(fleet.cli(&["audit", "verify"]).ok().out.contains("The log is intact."));

    assert_eq!(server.stop(Signal::TERM), Some(0));
    let destroyed = fleet.cli(&["cert", "destroy", "--confirm", "destroy"]).ok();
    assert!(destroyed.err.is_empty(), "{}", destroyed.err);
    let server = fleet.serve();
    let found = actions(&fleet);
    assert!(found.iter().any(|(action, entry)| {
        action == "certificate.destroy" && entry["actor"]["type"] == "local" && entry["outcome"] == "success"
    }));
    assert_eq!(fleet.json(&["audit", "verify"])["intact"], true);
    assert_eq!(server.stop(Signal::TERM), Some(0));
}
