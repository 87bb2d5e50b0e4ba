//! What needs a person: how everything stands, problems, and the timeline.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::Value;

use super::{Cli, MOST, ago, text, word};
use crate::client::encode;
use crate::out;

pub(super) const CHECK_HEADINGS: &[&str] = &["STATE", "HOST", "CHECK", "SINCE", "", "OUTPUT"];

impl Cli {
    pub(super) async fn status(&self) -> Result<ExitCode> {
        let overview = self.client.get("/overview").await?;
        if self.json {
            return self.done(&overview, "");
        }
        let n = |pointer: &str| text(&overview, pointer);
        out::line(&format!(
            "{} critical, {} warning, {} unknown ({} handled), {} ok, {} pending",
            n("/problems/critical"),
            n("/problems/warning"),
            n("/problems/unknown"),
            n("/problems/handled"),
            n("/problems/ok"),
            n("/problems/pending")
        ));
        out::line(&format!(
            "agents: {} connected, {} silent, {} quarantined",
            n("/agents/connected"),
            n("/agents/silent"),
            n("/agents/quarantined")
        ));
        let open = overview["open"].as_array().cloned().unwrap_or_default();
        if !open.is_empty() {
            out::line("");
            out::table(CHECK_HEADINGS, &open.iter().map(check_row).collect::<Vec<_>>());
        }
        let selfs = overview["self_checks"].as_array().cloned().unwrap_or_default();
        for check in selfs.iter().filter(|check| check["status"] != "ok") {
            out::line(&format!(
                "{}: {} {}",
                word(&text(check, "/status")),
                text(check, "/title"),
                text(check, "/detail")
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    pub(super) async fn checks(&self, path: &str, filter: &[String]) -> Result<ExitCode> {
        let items = self.client.list(&format!("{path}?filter={}", encode(&filter.join(" "))), MOST).await?;
        self.show(
            &items,
            CHECK_HEADINGS,
            check_row,
            if path == "/problems" { "No problems." } else { "No checks." },
        )
    }

    pub(super) async fn events(&self, host: Option<&str>, limit: u32) -> Result<ExitCode> {
        let query = match host {
            Some(host) => format!("/events?host={}", self.host_id(host).await?),
            None => "/events".to_owned(),
        };
        let items = self.client.list(&query, limit as usize).await?;
        let row =
            |e: &Value| vec![text(e, "/at"), text(e, "/host/name"), text(e, "/kind"), text(e, "/summary")];
        self.show(&items, &["AT", "HOST", "KIND", "WHAT"], row, "Nothing happened yet.")
    }
}

pub(super) fn check_row(check: &Value) -> Vec<String> {
    let mut flags = Vec::new();
    if check["state_type"] == "soft" {
        flags.push(format!("{}/{}", check["attempt"], check["max_attempts"]));
    }
    if check.get("acknowledgement").is_some_and(|ack| !ack.is_null()) {
        flags.push("ack".to_owned());
    }
    if check["in_downtime"] == true {
        flags.push("downtime".to_owned());
    }
    if check.get("no_data_since").is_some_and(|v| !v.is_null()) {
        flags.push("no data".to_owned());
    }
    vec![
        word(&text(check, "/status")),
        text(check, "/host/name"),
        text(check, "/key"),
        ago(check, "/since"),
        flags.join(" "),
        text(check, "/output"),
    ]
}
