//! Accounts of people.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Cli, text};
use crate::args::UserCommand;
use crate::out;

impl Cli {
    pub(super) async fn user(&self, command: UserCommand) -> Result<ExitCode> {
        let (name, reason, verb) = match command {
            UserCommand::List => {
                let items = self.client.whole("/users").await?;
                let state = |u: &Value| match (&u["disabled"], &u["closed"]) {
                    (Value::Bool(true), _) => "disabled".to_owned(),
                    (_, Value::Bool(true)) => "closed after too many failures".to_owned(),
                    _ => String::new(),
                };
                let row = |u: &Value| {
                    vec![
                        text(u, "/name"),
                        text(u, "/role"),
                        text(u, "/display_name"),
                        text(u, "/failures"),
                        state(u),
                    ]
                };
                let empty = "Nobody has an account yet: open the claim link that the server printed.";
                return self.show(&items, &["NAME", "ROLE", "CALLED", "FAILURES", ""], row, empty);
            }
            UserCommand::Invite { name, role, tenant } => {
                let mut body = json!({"name": name, "role": role});
                if let Some(tenant) = tenant {
                    body["tenant"] = json!(self.tenant_id(Some(&tenant)).await?);
                }
                let value = self.client.post("/users", &body).await?;
                return self.link(&name, &value).await;
            }
            UserCommand::Role { name, role, reason } => {
                let id = self.user_id(&name).await?;
                let body = json!({"role": role, "reason": reason});
                let value = self.client.post(&format!("/users/{id}/role"), &body).await?;
                return self.done(&value, &format!("{name}: {role}"));
            }
            UserCommand::Reset { name, reason } => {
                let id = self.user_id(&name).await?;
                let body = json!({"reason": reason});
                let value = self.client.post(&format!("/users/{id}/reset"), &body).await?;
                return self.link(&name, &value).await;
            }
            UserCommand::Disable { name, reason } => (name, reason, "disable"),
            UserCommand::Enable { name, reason } => (name, reason, "enable"),
            UserCommand::RequireChange { name, reason } => {
                let id = self.user_id(&name).await?;
                let body = json!({"reason": reason});
                let value = self.client.post(&format!("/users/{id}/require-change"), &body).await?;
                return self
                    .done(&value, &format!("{name} must choose another password; all sessions ended"));
            }
            UserCommand::Reopen { name, reason } => (name, reason, "reopen"),
        };
        let id = self.user_id(&name).await?;
        let value = self.client.post(&format!("/users/{id}/{verb}"), &json!({"reason": reason})).await?;
        self.done(&value, &format!("{name}: {verb}d").replace("reopend", "reopened"))
    }

    /// Prints a one-time link: the words to the terminal, the link alone to what reads on.
    async fn link(&self, name: &str, made: &Value) -> Result<ExitCode> {
        if self.json || made["payload_sha256"].is_string() {
            return self.done(made, "");
        }
        let system = self.client.get("/system").await?;
        let console = text(&system, "/ports/0/address");
        out::error(&format!("Give this link to {name}. It works once, until {}:", text(made, "/expires_at")));
        self.done(made, &format!("https://{console}{}", text(made, "/path")))
    }
}
