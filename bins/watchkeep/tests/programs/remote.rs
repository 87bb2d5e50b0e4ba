//! The command line against a server elsewhere: over TLS that is checked, with a token of a service account.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustix::process::Signal;
use serde_json::{Value, json};
use wk_testkit::{Fleet, Said};

use crate::doors::{ask, totp};
use crate::{fleet, now_ms};

/// Somebody claims the server.
pub(crate) fn claim(fleet: &Fleet, printed: &str) {
    let token = printed.split("/claim#").nth(1).unwrap().lines().next().unwrap().trim().to_owned();
    let begin = json!({"token": token, "name": "maria", "password": "vifoqu maridope lantel 47"});
    let (status, _, setup) = ask(fleet.console(), "POST", "/claim/begin", Some(&begin)).unwrap();
    assert_eq!(status, 200, "{setup}");
    let code = totp(setup["secret"].as_str().unwrap()).code_at(now_ms() / 30_000).expose().clone();
    let finish = json!({"token": token, "code": code});
    let (status, _, claimed) = ask(fleet.console(), "POST", "/claim/finish", Some(&finish)).unwrap();
    assert_eq!(status, 200, "{claimed}");
}

/// A command as on another machine: without the data directory.
fn away(args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeep"));
    command.args(args).env_remove("WATCHKEEP_DATA").output().unwrap().into()
}

fn secret_file(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_server_elsewhere_is_used_by_a_token_and_trusted_by_its_authority_alone() {
    let fleet = fleet();
    let server = fleet.serve();
    claim(&fleet, &server.out());
    fleet.cli(&["host", "add", "web-1", "--address", "192.0.2.10"]).ok();
    fleet
        .cli(&[
            "service-account",
            "add",
            "ci",
            "--role",
            "operator",
            "--owner",
            "maria",
            "--purpose",
            "builds",
        ])
        .ok();
    let made = fleet.cli(&["api-token", "create", "ci", "--name", "deploy", "--role", "operator"]).ok();
    // The secret alone on the standard output, so that it can be sent on into a file.
    let secret = made.out.trim().to_owned();
    assert!(secret.starts_with("wk_svc_") && !secret.contains(char::is_whitespace), "{}", made.out);
    assert!(!made.err.contains(&secret));
    let (token, root) = (fleet.path().join("token"), fleet.path().join("root.pem"));
    secret_file(&token, &made.out, 0o600);
    let pem = fleet.cli(&["cert", "root"]).ok().out;
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----") && !pem.contains("PRIVATE"), "{pem}");
    fs::write(&root, &pem).unwrap();
    let url = format!("https://127.0.0.1:{}", fleet.console().port());
    let (token, root) = (token.to_str().unwrap(), root.to_str().unwrap());
    let to = ["--server", url.as_str(), "--ca-file", root];
    let remote = |args: &[&str]| away(&[args, &to, &["--token-file", token]].concat());

    let hosts = remote(&["host", "list", "--json"]).ok();
    let hosts: Value = serde_json::from_str(&hosts.out).unwrap();
    assert_eq!(hosts[0]["name"], "web-1");
    // Operators read what there is and write no configuration; a token is nobody who administers.
    for args in [&["host", "add", "web-2"][..], &["user", "list"], &["api-token", "list"]] {
        let refused = remote(args);
        assert_eq!(refused.code, Some(1), "{args:?}: {}", refused.all());
        assert!(refused.out.is_empty() && !refused.err.contains(&secret), "{args:?}: {}", refused.all());
    }
    // What needs the server's own machine says so.
    for args in [&["cert", "root"][..], &["cert", "destroy", "--confirm", "destroy"]] {
        let refused = remote(args);
        assert!(
            refused.code == Some(1) && refused.err.contains("own machine"),
            "{args:?}: {}",
            refused.all()
        );
    }

    // A file that others can read, or that is a link, holds no secret any more.
    let (open, link) = (fleet.path().join("open"), fleet.path().join("link"));
    for mode in [0o644, 0o640, 0o602] {
        secret_file(&open, &made.out, mode);
        let refused = away(&[&["host", "list"], &to[..], &["--token-file", open.to_str().unwrap()]].concat());
        assert_eq!(refused.code, Some(1), "{mode:o}: {}", refused.all());
        assert!(!refused.all().contains(&secret) && refused.err.contains("open"), "{}", refused.all());
    }
    symlink(token, &link).unwrap();
    let refused = away(&[&["host", "list"], &to[..], &["--token-file", link.to_str().unwrap()]].concat());
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    let none = away(&[&["host", "list"], &to[..]].concat());
    assert!(none.code == Some(1) && none.err.contains("--token-file"), "{}", none.all());

    // Another authority, or those of this machine: not a byte of the token goes out.
    let other = fleet.path().join("other.pem");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    fs::write(&other, params.self_signed(&key).unwrap().pem()).unwrap();
    let wrong = ["--server", url.as_str(), "--token-file", token];
    for ca in [&["--ca-file", other.to_str().unwrap()][..], &[]] {
        let refused = away(&[&["host", "list"], &wrong[..], ca].concat());
        assert_eq!(refused.code, Some(1), "{}", refused.all());
        assert!(refused.out.is_empty() && refused.err.contains("no trusted connection"), "{}", refused.err);
    }
    // No way around TLS, and no two servers at once.
    let plain = away(&["host", "list", "--server", "http://127.0.0.1:1", "--token-file", token]);
    assert!(plain.code == Some(1) && plain.err.contains("https"), "{}", plain.all());
    let data = fleet.data().display().to_string();
    assert_eq!(away(&[&["host", "list", "--data", &data], &to[..]].concat()).code, Some(2));

    // Revoked: from the next command on, and the answer says no more than that.
    let id = fleet.json(&["api-token", "list"])[0]["id"].as_str().unwrap().to_owned();
    fleet.cli(&["api-token", "revoke", &id]).ok();
    let refused = remote(&["host", "list"]);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(refused.out.is_empty() && !refused.err.contains("revoked"), "{}", refused.err);
    let log: Vec<_> = fleet.list("/audit").into_iter().map(|entry| entry.to_string()).collect();
    assert!(log.iter().any(|entry| entry.contains("the token is revoked")), "{log:?}");
    assert!(!fleet.logs().contains(&secret) && log.iter().all(|entry| !entry.contains(&secret)));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}
