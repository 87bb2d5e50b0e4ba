//! Agents, their enrolment tokens, and what they executed.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Cli, ago, text};
use crate::args::AgentCommand;
use crate::client::encode;
use crate::out;

impl Cli {
    pub(super) async fn agent(&self, command: AgentCommand) -> Result<ExitCode> {
        match command {
            AgentCommand::List => {
                let items = self.client.whole("/agents").await?;
                let row = |a: &Value| {
                    let state = match (text(a, "/standing").as_str(), &a["connected"]) {
                        ("active", Value::Bool(true)) => "connected".to_owned(),
                        ("active", _) => format!("silent {}", ago(a, "/last_seen_at")),
                        (other, _) => other.to_owned(),
                    };
                    vec![
                        text(a, "/host/name"),
                        state,
                        text(a, "/grants"),
                        text(a, "/version"),
                        text(a, "/last_address"),
                        ago(a, "/cert_not_after"),
                        text(a, "/id"),
                    ]
                };
                self.show(
                    &items,
                    &["HOST", "STATE", "GRANTS", "VERSION", "ADDRESS", "CERTIFICATE ENDS", "ID"],
                    row,
                    "No agents yet: make a token with `watchkeep agent token`.",
                )
            }
            AgentCommand::Token { host_pattern, grants, ttl, tenant } => {
                let mut body = json!({"host_pattern": host_pattern, "grants": grants, "ttl_s": ttl});
                if let Some(tenant) = tenant {
                    body["tenant"] = json!(self.tenant_id(Some(&tenant)).await?);
                }
                let value = self.client.post("/enrolment-tokens", &body).await?;
                if self.json {
                    return self.done(&value, "");
                }
                out::error(&format!(
                    "Paste this line on the machine. It works once, until {}:",
                    text(&value, "/expires_at")
                ));
                out::line(&text(&value, "/line"));
                Ok(ExitCode::SUCCESS)
            }
            AgentCommand::Tokens => {
                let items = self.client.whole("/enrolment-tokens").await?;
                let row = |t: &Value| {
                    vec![
                        text(t, "/state"),
                        text(t, "/host_pattern"),
                        text(t, "/grants"),
                        text(t, "/created_by"),
                        text(t, "/expires_at"),
                        text(t, "/id"),
                    ]
                };
                self.show(&items, &["STATE", "HOSTS", "GRANTS", "BY", "EXPIRES", "ID"], row, "No tokens.")
            }
            AgentCommand::Withdraw { token } => {
                let value = self
                    .client
                    .call("DELETE", &format!("/enrolment-tokens/{}", encode(&token)), None)
                    .await?;
                self.done(&value, "withdrawn")
            }
            AgentCommand::Revoke { agent, reason } => {
                let id = self.agent_id(&agent).await?;
                let value =
                    self.client.post(&format!("/agents/{id}/revoke"), &json!({"reason": reason})).await?;
                self.done(&value, &format!("{agent} revoked"))
            }
            AgentCommand::Release { agent, reason } => {
                let id = self.agent_id(&agent).await?;
                let value =
                    self.client.post(&format!("/agents/{id}/release"), &json!({"reason": reason})).await?;
                self.done(&value, &format!("{agent} is trusted again"))
            }
            AgentCommand::ReadOnly { agent, off, reason } => {
                let id = self.agent_id(&agent).await?;
                let input = json!({"read_only": !off, "reason": reason});
                let value = self.client.post(&format!("/agents/{id}/read-only"), &input).await?;
                self.done(&value, &format!("{agent} is {} now", if off { "managed" } else { "read-only" }))
            }
            AgentCommand::Executions { agent } => {
                let id = self.agent_id(&agent).await?;
                let items = self.client.list(&format!("/agents/{id}/executions"), 200).await?;
                let row = |e: &Value| {
                    vec![
                        text(e, "/started_at"),
                        text(e, "/kind"),
                        text(e, "/what"),
                        text(e, "/outcome"),
                        text(e, "/grade"),
                        text(e, "/duration_ms"),
                        text(e, "/argv"),
                    ]
                };
                self.show(
                    &items,
                    &["STARTED", "KIND", "WHAT", "OUTCOME", "SANDBOX", "MS", "ARGV"],
                    row,
                    "Nothing was executed yet.",
                )
            }
        }
    }
}
