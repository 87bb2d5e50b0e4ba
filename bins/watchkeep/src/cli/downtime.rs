//! Planned spans without notifications.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Cli, text};
use crate::args::DowntimeCommand;
use crate::client::encode;

impl Cli {
    pub(super) async fn downtime(&self, command: DowntimeCommand) -> Result<ExitCode> {
        match command {
            DowntimeCommand::List => {
                let items = self.client.whole("/downtimes").await?;
                let row = |d: &Value| {
                    let what = text(d, "/check_title");
                    vec![
                        if d["active"] == true { "active".to_owned() } else { "planned".to_owned() },
                        text(d, "/host/name"),
                        if what.is_empty() { "all checks".to_owned() } else { what },
                        text(d, "/start_at"),
                        text(d, "/end_at"),
                        text(d, "/created_by"),
                        text(d, "/note"),
                        text(d, "/id"),
                    ]
                };
                self.show(
                    &items,
                    &["", "HOST", "CHECK", "FROM", "TO", "BY", "NOTE", "ID"],
                    row,
                    "No downtimes.",
                )
            }
            DowntimeCommand::Add { targets, span, from, note } => {
                let start: jiff::Timestamp = match &from {
                    Some(raw) => raw.parse().context("--from is not a time such as 2026-11-21T22:00:00Z")?,
                    None => jiff::Timestamp::now(),
                };
                let end = start.checked_add(jiff::SignedDuration::from_secs(i64::try_from(span)?))?;
                let mut list = Vec::new();
                for target in &targets {
                    let (host, check) = match target.split_once('/') {
                        Some((host, _)) if !target.starts_with("host_") => {
                            (host, Some(self.check_id(target).await?))
                        }
                        _ => (target.as_str(), None),
                    };
                    list.push(json!({"host": self.host_id(host).await?, "check": check}));
                }
                let body = json!({"targets": list, "start_at": start.to_string(), "end_at": end.to_string(), "note": note});
                self.bulk("/downtimes", &body, "planned").await
            }
            DowntimeCommand::Cancel { id } => {
                let value = self.client.call("DELETE", &format!("/downtimes/{}", encode(&id)), None).await?;
                self.done(&value, "cancelled")
            }
        }
    }
}
