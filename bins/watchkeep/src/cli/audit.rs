//! The audit log: read and recomputed.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::Value;

use super::{Cli, text};
use crate::args::AuditCommand;
use crate::client::encode;
use crate::out;

impl Cli {
    pub(super) async fn audit(&self, command: AuditCommand) -> Result<ExitCode> {
        match command {
            AuditCommand::List { actor, action, object, limit } => {
                let mut query = String::from("/audit?");
                for (name, value) in [("actor", actor), ("action", action), ("object", object)] {
                    if let Some(value) = value {
                        query.push_str(&format!("{name}={}&", encode(&value)));
                    }
                }
                let items = self.client.list(query.trim_end_matches(['?', '&']), limit as usize).await?;
                let row = |e: &Value| {
                    vec![
                        text(e, "/seq"),
                        text(e, "/at"),
                        text(e, "/actor"),
                        text(e, "/action"),
                        text(e, "/object"),
                        text(e, "/outcome"),
                        text(e, "/entry/reason"),
                    ]
                };
                self.show(
                    &items,
                    &["SEQ", "AT", "ACTOR", "ACTION", "OBJECT", "OUTCOME", "REASON"],
                    row,
                    "No entries.",
                )
            }
            AuditCommand::Show { seq } => {
                // The list goes backwards: what comes after the next one is this one.
                let path = format!("/audit?limit=1&after={}", seq.saturating_add(1));
                let page = self.client.get(&path).await?;
                let entry = &page["items"][0];
                if entry["seq"].as_u64() != Some(seq) {
                    bail!("there is no entry {seq}: `watchkeep audit list` shows the newest");
                }
                self.one(entry, &lines_of(entry))
            }
            AuditCommand::Verify => {
                let report = self.verify_with_progress().await?;
                if self.json {
                    out::line(&serde_json::to_string_pretty(&report)?);
                } else {
                    out::line(&format!(
                        "{} entries, root {}",
                        text(&report, "/entries"),
                        text(&report, "/root_hash")
                    ));
                    for finding in report["findings"].as_array().into_iter().flatten() {
                        out::line(&format!("  {}", finding.as_str().unwrap_or_default()));
                    }
                    out::line(if report["intact"] == true {
                        "The log is intact."
                    } else {
                        "THE LOG IS NOT INTACT."
                    });
                }
                Ok(if report["intact"] == true { ExitCode::SUCCESS } else { ExitCode::from(2) })
            }
        }
    }

    /// Asks for the check, and while it goes on says every few seconds how far it is: on standard error, so that the
    /// answer can be read by a program.
    async fn verify_with_progress(&self) -> Result<Value> {
        let verify = self.client.get("/audit/verify");
        tokio::pin!(verify);
        loop {
            tokio::select! {
                report = &mut verify => return report,
                () = tokio::time::sleep(PROGRESS_EVERY) => {}
            }
            let progress = self.client.get("/audit/verify/progress").await?;
            if progress["running"] == true {
                let (done, total) = (progress["done"].as_u64(), progress["total"].as_u64());
                let (done, total) = (done.unwrap_or(0), total.unwrap_or(0).max(1));
                let percent = done.min(total).saturating_mul(100) / total;
                out::error(&format!("{done} of {total} entries recomputed, {percent} %"));
            }
        }
    }
}

/// A log of which this many entries are checked at once answers before it: only long ones show progress.
const PROGRESS_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// Every field of an entry that says something.
fn lines_of(item: &Value) -> Vec<(&'static str, String)> {
    let object = text(item, "/entry/object/id");
    let object =
        if object.is_empty() { object } else { format!("{} {object}", text(item, "/entry/object/type")) };
    let mut lines = vec![
        ("number", text(item, "/seq")),
        ("at", text(item, "/at")),
        ("actor", text(item, "/actor")),
        ("on behalf of", text(item, "/entry/on_behalf_of")),
        ("session", text(item, "/entry/actor/session")),
        ("signed in by", text(item, "/entry/actor/auth_method")),
        ("assurance level", text(item, "/entry/actor/aal")),
        ("from", text(item, "/entry/source/ip")),
        ("user agent (SHA-256)", text(item, "/entry/source/ua_hash")),
        ("action", text(item, "/action")),
        ("object", object),
        ("revision", text(item, "/entry/object/rev")),
        ("outcome", text(item, "/outcome")),
        ("reason", text(item, "/entry/reason")),
        ("hash before", text(item, "/entry/before_hash")),
        ("hash after", text(item, "/entry/after_hash")),
    ];
    for change in item["entry"]["diff"].as_array().into_iter().flatten() {
        let (old, new) = (value(&change["old"]), value(&change["new"]));
        lines.push(("changed", format!("{}: {old} -> {new}", text(change, "/field"))));
    }
    if let Some(total) = item["entry"]["diff_cut"]["total"].as_u64() {
        let sha256 = text(item, "/entry/diff_cut/sha256");
        lines.push(("changed", format!("... {total} fields in all; the whole list has SHA-256 {sha256}")));
    }
    lines.extend([
        ("request", text(item, "/entry/request_id")),
        ("tenant", text(item, "/entry/tenant")),
        ("policy", text(item, "/entry/policy_version")),
        ("node", text(item, "/entry/node")),
        ("process clock (ns)", text(item, "/entry/ts_mono_ns")),
        ("since the one before (ns)", text(item, "/entry/prev_ts_gap_ns")),
        ("leaf hash", text(item, "/leaf_hash")),
    ]);
    lines
}

/// A value of a change, for people.
fn value(raw: &Value) -> String {
    if let Some(tag) = raw["commitment"].as_str() {
        return format!("secret ({}...)", tag.get(..12).unwrap_or(tag));
    }
    if raw["withheld"] == true {
        return "withheld".to_owned();
    }
    if let Some(cut) = raw["cut"].as_str() {
        return format!("{cut}... ({} bytes, SHA-256 {})", text(raw, "/bytes"), text(raw, "/sha256"));
    }
    match raw {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
