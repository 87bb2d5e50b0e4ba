//! Checks: listed, shown, added, removed, run now.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Cli, ago, text, word};
use crate::args::CheckCommand;

impl Cli {
    pub(super) async fn check(&self, command: CheckCommand) -> Result<ExitCode> {
        match command {
            CheckCommand::List { filter } => self.checks("/checks", &filter).await,
            CheckCommand::Show { check } => {
                let id = self.check_id(&check).await?;
                let value = self.client.get(&format!("/checks/{id}")).await?;
                let lines = [
                    ("Check", format!("{} on {}", text(&value, "/title"), text(&value, "/host/name"))),
                    (
                        "State",
                        format!(
                            "{} ({}), attempt {}/{}",
                            word(&text(&value, "/status")),
                            text(&value, "/state_type"),
                            text(&value, "/attempt"),
                            text(&value, "/max_attempts")
                        ),
                    ),
                    ("Since", ago(&value, "/since")),
                    ("Checked", ago(&value, "/last_checked_at")),
                    ("Reason", text(&value, "/reason")),
                    ("Output", text(&value, "/output")),
                    ("Acknowledged", text(&value, "/acknowledgement/note")),
                    ("Interval", format!("{} s", text(&value, "/interval_s"))),
                    ("Id", id.clone()),
                ];
                self.one(&value, &lines)
            }
            CheckCommand::Add { host, key, spec, title, runner, interval, attempts } => {
                let spec: Value = serde_json::from_str(&spec).context("the spec is not JSON")?;
                let runner = match runner {
                    Some(runner) => Some(self.agent_id(&runner).await?),
                    None => None,
                };
                let body = json!({
                    "host": self.host_id(&host).await?, "key": key, "title": title.unwrap_or_default(), "runner": runner,
                    "spec": spec, "interval_s": interval, "max_attempts": attempts,
                });
                let value = self.client.post("/checks", &body).await?;
                self.done(&value, &format!("{} added: {}", text(&value, "/title"), text(&value, "/id")))
            }
            CheckCommand::Remove { check } => {
                let id = self.check_id(&check).await?;
                let value = self.client.call("DELETE", &format!("/checks/{id}"), None).await?;
                self.done(&value, &format!("{check} removed"))
            }
            CheckCommand::Run { checks } => {
                let body = json!({"checks": self.check_ids(&checks).await?});
                self.bulk("/rechecks", &body, "asked to run").await
            }
        }
    }
}
