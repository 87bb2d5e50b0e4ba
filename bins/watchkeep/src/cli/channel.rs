//! Ways to reach people, and what went out by them.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Cli, text};
use crate::args::ChannelCommand;
use crate::client::encode;

impl Cli {
    pub(super) async fn channel(&self, command: ChannelCommand) -> Result<ExitCode> {
        match command {
            ChannelCommand::List => {
                let items = self.client.whole("/channels").await?;
                let row = |c: &Value| {
                    vec![
                        text(c, "/name"),
                        text(c, "/kind"),
                        if c["enabled"] == true { "on".to_owned() } else { "off".to_owned() },
                        text(c, "/config"),
                        text(c, "/id"),
                    ]
                };
                self.show(
                    &items,
                    &["NAME", "KIND", "", "CONFIGURATION", "ID"],
                    row,
                    "Nobody would be told of a problem. Add a channel with `watchkeep channel add`.",
                )
            }
            ChannelCommand::Add { name, kind, config, secret } => {
                let config: Value = serde_json::from_str(&config).context("the configuration is not JSON")?;
                let secret = if secret { Some(read_secret()?) } else { None };
                let body = json!({"name": name, "kind": kind, "config": config, "secret": secret});
                let value = self.client.post("/channels", &body).await?;
                self.done(&value, &format!("{} added: {}", text(&value, "/name"), text(&value, "/id")))
            }
            ChannelCommand::Test { id } => {
                let value = self.client.post(&format!("/channels/{}/test", encode(&id)), &json!({})).await?;
                self.done(&value, "A test is on its way; see `watchkeep channel log`.")
            }
            ChannelCommand::Remove { id } => {
                let value = self.client.call("DELETE", &format!("/channels/{}", encode(&id)), None).await?;
                self.done(&value, "removed")
            }
            ChannelCommand::Log => {
                let items = self.client.list("/notifications", 200).await?;
                let row = |n: &Value| {
                    vec![
                        text(n, "/created_at"),
                        text(n, "/state"),
                        text(n, "/channel"),
                        text(n, "/kind"),
                        text(n, "/summary"),
                        text(n, "/attempts"),
                        text(n, "/last_error"),
                    ]
                };
                self.show(
                    &items,
                    &["AT", "STATE", "CHANNEL", "KIND", "WHAT", "TRIES", "LAST ERROR"],
                    row,
                    "Nothing was sent yet.",
                )
            }
        }
    }
}

fn read_secret() -> Result<String> {
    let mut secret = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(std::io::stdin(), 4096), &mut secret)
        .context("reading the secret from standard input")?;
    Ok(secret.trim_end_matches(['\n', '\r']).to_owned())
}
