//! Which crate may use which: ARCHITECTURE.md's table as data, compared with `cargo metadata`.

use anyhow::{Context, Result, bail};

use crate::sh;

/// Each crate with the crates of ours that it may use. Development dependencies are free.
const ALLOWED: &[(&str, &[&str])] = &[
    // core: pure
    ("wk-domain", &[]),
    ("wk-audit", &[]),
    // policy
    ("wk-authz", &["wk-domain"]),
    // side
    ("wk-wire", &["wk-domain"]),
    ("wk-config", &["wk-domain"]),
    ("wk-seal", &[]),
    ("wk-pki", &["wk-domain", "wk-seal"]),
    ("wk-telemetry", &[]),
    // app
    ("wk-engine", &["wk-domain", "wk-audit", "wk-authz"]),
    // edge, server
    ("wk-store", &["wk-engine", "wk-domain", "wk-audit"]),
    ("wk-tsdb", &["wk-engine", "wk-domain"]),
    ("wk-egress", &["wk-domain"]),
    ("wk-identity", &["wk-domain", "wk-seal"]),
    ("wk-oidc", &["wk-domain", "wk-identity", "wk-egress", "wk-seal"]),
    ("wk-saml", &["wk-domain", "wk-identity", "wk-egress", "wk-seal"]),
    ("wk-directory", &["wk-domain", "wk-identity", "wk-egress", "wk-seal"]),
    ("wk-notify", &["wk-engine", "wk-domain", "wk-seal", "wk-egress"]),
    ("wk-hub", &["wk-engine", "wk-domain", "wk-wire", "wk-pki"]),
    ("wk-api", &["wk-engine", "wk-domain", "wk-audit", "wk-authz", "wk-identity", "wk-seal"]),
    // edge, agent
    ("wk-collect", &["wk-domain", "wk-wire"]),
    ("wk-sandbox", &["wk-domain", "wk-wire"]),
    ("wk-probes", &["wk-domain", "wk-wire"]),
    ("wk-spool", &["wk-wire"]),
    ("wk-link", &["wk-domain", "wk-wire", "wk-spool", "wk-pki", "wk-seal"]),
    // bins
    (
        "watchkeep",
        &[
            "wk-domain",
            "wk-audit",
            "wk-authz",
            "wk-engine",
            "wk-api",
            "wk-hub",
            "wk-notify",
            "wk-egress",
            "wk-identity",
            "wk-oidc",
            "wk-saml",
            "wk-directory",
            "wk-store",
            "wk-tsdb",
            "wk-wire",
            "wk-config",
            "wk-seal",
            "wk-pki",
            "wk-telemetry",
        ],
    ),
    (
        "watchkeep-agent",
        &[
            "wk-domain",
            "wk-wire",
            "wk-config",
            "wk-seal",
            "wk-pki",
            "wk-telemetry",
            "wk-collect",
            "wk-probes",
            "wk-sandbox",
            "wk-spool",
            "wk-link",
        ],
    ),
    // for tests and for us
    ("wk-testkit", &["wk-domain", "wk-engine", "wk-pki", "wk-seal", "wk-wire"]),
    ("xtask", &[]),
];

/// Crates from outside that only one of ours may use.
const DOORS: &[(&str, &[&str])] = &[
    ("sqlx", &["wk-store"]),
    ("landlock", &["wk-sandbox"]),
    ("seccompiler", &["wk-sandbox"]),
    ("libc", &["wk-sandbox"]),
    ("rcgen", &["wk-pki", "wk-testkit"]),
    ("argon2", &["wk-identity", "wk-seal"]),
    ("lettre", &["wk-notify"]),
    ("axum", &["wk-api"]),
    ("pco", &["wk-tsdb"]),
    ("md-5", &["wk-directory"]),
    ("hmac", &["wk-directory"]),
];

/// Fails on an arrow that the table does not have.
///
/// # Errors
/// Names each arrow and where to argue for it.
pub fn check() -> Result<()> {
    sh::say("==> crate arrows");
    let args = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let metadata: serde_json::Value = serde_json::from_str(&sh::output(&mut sh::command("cargo", &args))?)?;
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().context("cargo metadata has no packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ALLOWED.iter().find(|(crate_name, _)| *crate_name == name) else {
            wrong.push(format!("{name} is not in the table of crates"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["kind"].as_str() == Some("dev") {
                continue;
            }
            let target = dependency["name"].as_str().unwrap_or_default();
            if dependency["path"].is_string() && !allowed.contains(&target) {
                wrong.push(format!("{name} -> {target} is an arrow the table does not have"));
            }
            if let Some((_, doors)) = DOORS.iter().find(|(outside, _)| *outside == target)
                && !doors.contains(&name)
            {
                wrong.push(format!("{name} uses {target}, which only {} may", doors.join(" and ")));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!(
        "{}\nAn arrow is a design change: xtask/src/arrows.rs and ARCHITECTURE.md, in a commit that says why",
        wrong.join("\n")
    )
}
