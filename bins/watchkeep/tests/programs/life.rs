//! Starting, stopping, starting again; one at a time; who listens, who runs as whom.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use wk_testkit::fleet::is_root;
use wk_testkit::{Fleet, ServerProcess, proc, until, until_for};

use crate::{fleet, now_ms, points};

/// Ids of what a server knows, and where its audit log is.
fn ids(fleet: &Fleet, path: &str) -> BTreeSet<String> {
    fleet.list(path).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until every check has been judged, and there are the ones that every machine has.
fn judged(fleet: &Fleet) -> Vec<Value> {
    until("every check is judged", || {
        let checks = fleet.list("/checks");
        let keys: BTreeSet<&str> = checks.iter().filter_map(|check| check["key"].as_str()).collect();
        let there = ["agent", "load", "memory", "disk:/", "readonly:/"].iter().all(|key| keys.contains(key));
        (there && checks.iter().all(|check| check["status"] != "pending")).then_some(checks)
    })
}

#[test]
fn one_command_watches_this_machine_and_the_next_start_finds_everything_again() {
    let fleet = fleet();
    let began = now_ms();
    let server = fleet.up();
    let claim = server.out();
    let link = claim.lines().find_map(|line| line.trim().strip_prefix("https://")).unwrap_or_default();
    assert!(link.starts_with(&format!("{}/claim#", fleet.console())), "{claim}");
    let secret = link.split('#').nth(1).unwrap();
    assert!(secret.len() >= 40, "{claim}");

    let checks = judged(&fleet);
    let host = checks[0]["host"]["id"].as_str().unwrap().to_owned();
    let name = checks[0]["host"]["name"].as_str().unwrap().to_owned();
    let agent = fleet.linked(&name);
    let hosts = ids(&fleet, "/hosts");
    let before = until("samples are there", || {
        let found = points(&fleet, &host, "load.1", began, now_ms());
        (found.len() >= 2).then_some(found)
    });
    let listed = fleet.cli(&["agent", "list"]).ok();
    assert!(listed.out.contains(&name) && listed.out.contains("connected"), "{}", listed.out);
    assert!(fleet.cli(&["status"]).ok().out.contains("1 connected"));
    // The list is of the last minute.
    let top = until_for(Duration::from_secs(150), "the inventory has the top list", || {
        let items = fleet.get(&format!("/hosts/{host}/inventory/top"))?.1;
        items["items"].as_array().filter(|items| !items.is_empty()).cloned()
    });
    assert!(top.iter().all(|item| item["fields"]["pid"].is_string()), "{top:?}");
    let entries = fleet.json(&["audit", "verify"])["entries"].as_u64().unwrap();
    assert!(!fleet.logs().contains("left out"), "the server leaves out what its own agent sends");
    assert!(!server.log().contains(secret), "the claim token is in the log");

    assert_eq!(server.stop(Signal::INT), Some(0), "{}", fleet.logs());
    gone(&fleet);
    let refused = fleet.cli(&["status"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("no server runs with the data directory"), "{}", refused.err);

    let server = fleet.up();
    assert_eq!(fleet.linked(&name)["id"], agent["id"]);
    assert_eq!(ids(&fleet, "/hosts"), hosts);
    let known: BTreeSet<String> =
        checks.iter().map(|check| check["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids(&fleet, "/checks").is_superset(&known));
    let again = points(&fleet, &host, "load.1", began, before.last().unwrap().0 + 1000);
    assert_eq!(again[..before.len()], before[..], "samples differ after a restart");
    let report = fleet.json(&["audit", "verify"]);
    assert_eq!(report["intact"], true, "{report}");
    assert!(report["entries"].as_u64().unwrap() >= entries);
    let events = fleet.list("/events");
    let enrolled = events.iter().filter(|event| event["summary"].as_str().unwrap().contains("enrolled"));
    assert_eq!(enrolled.count(), 1, "the second start enrolled again");
    assert_eq!(server.stop(Signal::TERM), Some(0), "{}", fleet.logs());
    gone(&fleet);
    assert!(!fleet.logs().contains("panicked"), "{}", fleet.logs());
}

fn gone(fleet: &Fleet) {
    let left = proc::with_word(fleet.path().to_str().unwrap());
    assert!(left.is_empty(), "processes are left: {left:?}");
}

#[test]
fn the_local_agent_ends_with_a_server_that_was_killed() {
    let fleet = fleet();
    let server = fleet.up();
    let host = judged(&fleet)[0]["host"]["name"].as_str().unwrap().to_owned();
    server.kill();
    until("the agent ends", || proc::with_word(fleet.path().to_str().unwrap()).is_empty().then_some(()));
    let server = fleet.up();
    fleet.linked(&host);
    assert_eq!(server.stop(Signal::TERM), Some(0));
    gone(&fleet);
}

#[test]
fn the_local_agent_is_started_again_when_it_ends() {
    let fleet = fleet();
    let server = fleet.up();
    let host = judged(&fleet)[0]["host"]["name"].as_str().unwrap().to_owned();
    let agents = || {
        let mut pids = proc::with_word(fleet.path().to_str().unwrap());
        pids.retain(|pid| *pid != server.pid());
        pids
    };
    let [first] = agents()[..] else { panic!("{:?}", agents()) };
    let pid = rustix::process::Pid::from_raw(i32::try_from(first).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    until("another agent runs", || agents().iter().any(|pid| *pid != first).then_some(()));
    fleet.linked(&host);
    assert_eq!(server.stop(Signal::TERM), Some(0));
    gone(&fleet);
}

#[test]
fn a_second_server_and_a_second_agent_on_the_same_data_are_turned_away() {
    let fleet = fleet();
    let server = fleet.serve();
    let other = Fleet::new(env!("CARGO_BIN_EXE_watchkeep"));
    let said = other.start_in(&fleet.data(), "server", &[], &[]).expect_err("a second server started");
    assert_eq!(said.code, Some(1));
    let pid = format!("process {}", server.pid());
    assert!(said.err.contains(&pid) && said.err.contains(fleet.data().to_str().unwrap()), "{}", said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);

    let home = fleet.enrolled("web-1");
    let first = home.start();
    fleet.linked("web-1");
    let (code, log) = home.start().exit();
    assert_eq!(code, Some(1));
    assert!(log.contains("in use by another agent process"), "{log}");
    assert!(fleet.connected("web-1"), "the first was disturbed");
    assert_eq!(fleet.cli(&["status"]).code, Some(0));
    assert_eq!(first.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}

/// The rows of a table of ports.md below a heading: direction, address, protocol, purpose, authentication.
fn documented(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/ports.md");
    let text = std::fs::read_to_string(path).unwrap();
    let section = text.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| in ") || line.starts_with("| out "));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_server_listens_on_what_it_says_and_what_the_guide_names() {
    let fleet = fleet();
    let server = fleet.serve();
    let truth = listening(&server);
    let system = fleet.ask("/system");
    let ports = system["ports"].as_array().unwrap();
    let said: BTreeSet<String> = ports
        .iter()
        .filter(|port| port["direction"] == "in")
        .map(|port| {
            let address = port["address"].as_str().unwrap();
            if address.starts_with('/') { format!("unix {address}") } else { format!("tcp {address}") }
        })
        .collect();
    assert_eq!(truth, said);
    let socket = fleet.data().join("run/admin.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);

    // The guide has the same rows, and beside them only the database server, which SQLite has none of.
    let lower = |value: &Value| value.as_str().unwrap().to_lowercase();
    let mut rows: Vec<(String, String)> =
        ports.iter().map(|p| (lower(&p["direction"]), lower(&p["purpose"]))).collect();
    rows.push(("out".to_owned(), "state".to_owned()));
    let guide = documented("## Server");
    let mut guide: Vec<(String, String)> =
        guide.iter().map(|row| (row[0].clone(), row[3].to_lowercase())).collect();
    rows.sort();
    guide.sort();
    assert_eq!(rows, guide);
    assert!(documented("## Agent").iter().all(|row| row[0] == "out"), "an agent listens on nothing");
    let agent = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/ports.md"),
    );
    assert!(agent.unwrap().contains("The agent listens on nothing."));
}

fn listening(server: &ServerProcess) -> BTreeSet<String> {
    proc::listening(server.pid()).expect("the server's sockets")
}

#[test]
fn the_agent_is_nobody_in_particular_and_opens_no_port() {
    let fleet = fleet();
    let server = fleet.serve();
    let home = fleet.enrolled("web-1");
    let agent = home.start();
    fleet.linked("web-1");
    until("it has sent something", || {
        fleet.agent_of("web-1").filter(|agent| agent["committed_seq"].as_u64() > Some(0))
    });

    let field = |name: &str| proc::status(agent.pid(), name).unwrap();
    let ids: Vec<u32> = field("Uid").split_whitespace().map(|id| id.parse().unwrap()).collect();
    if is_root() {
        assert!(ids.iter().all(|id| *id != 0), "{ids:?}");
        assert_eq!(field("Groups"), "", "supplementary groups of root");
    }
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(u64::from_str_radix(&field(set), 16), Ok(0), "{set}");
    }
    assert_eq!(field("NoNewPrivs"), "1");
    match proc::listening(agent.pid()) {
        Some(open) => assert!(open.is_empty(), "{open:?}"),
        // An ordinary user cannot look into it: then no socket that nobody shows may be ours.
        None => {
            let own = proc::sockets(std::process::id()).unwrap();
            let hub = format!("tcp {}", fleet.hub());
            assert!(proc::listeners().iter().any(|(inode, at)| !own.contains(inode) && *at == hub));
        }
    }
    private(&home.data);
    private(&fleet.data());
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}

/// Everything below is 0700 or 0600.
fn private(dir: &Path) {
    let mode = |path: &Path| std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir), 0o700, "{}", dir.display());
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        // Something may have gone meanwhile.
        let Ok(meta) = std::fs::symlink_metadata(entry.path()) else { continue };
        if meta.is_dir() {
            private(&entry.path());
        } else {
            assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{}", entry.path().display());
        }
    }
}
