//! What administration asks for, and who may knock at the console: also the way back in for whoever is locked out.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{Cli, text};
use crate::args::{ClientsCommand, ConditionsCommand};

/// Largest file that is read, in bytes.
const FILE_MAX: u64 = 900 << 10;

fn pem(path: &Path) -> Result<String> {
    let shown = path.display();
    let length = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    if length > FILE_MAX {
        bail!("{shown} is larger than {FILE_MAX} bytes");
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))
}

fn words(value: &Value, pointer: &str) -> String {
    let list = value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

impl Cli {
    pub(super) async fn admin_conditions(&self, command: ConditionsCommand) -> Result<ExitCode> {
        let now = self.client.get("/admin-conditions").await?;
        let body = match command {
            ConditionsCommand::Show => return self.conditions_are(&now),
            ConditionsCommand::Reset => json!({}),
            ConditionsCommand::Set { factor, networks, anywhere, device } => {
                let mut wanted = now["conditions"].clone();
                if let Some(factor) = factor {
                    wanted["factor"] = json!(factor);
                }
                if !networks.is_empty() || anywhere {
                    wanted["networks"] = json!(networks);
                }
                if let Some(device) = device {
                    wanted["device"] = json!(device == "on");
                }
                wanted
            }
        };
        let value = self.client.put("/admin-conditions", &body).await?;
        self.conditions_are(&value)
    }

    fn conditions_are(&self, value: &Value) -> Result<ExitCode> {
        let networks = Some(words(value, "/conditions/networks")).filter(|list| !list.is_empty());
        let actions = Some(words(value, "/conditions/actions")).filter(|list| !list.is_empty());
        let device = value.pointer("/conditions/device") == Some(&json!(true));
        let lines = [
            format!("factor    {}", text(value, "/conditions/factor")),
            format!("networks  {}", networks.unwrap_or_else(|| "anywhere".to_owned())),
            format!("device    {}", if device { "enrolled ones alone" } else { "any" }),
            format!("for       {}", actions.unwrap_or_else(|| words(value, "/default_actions"))),
        ];
        self.done(value, &lines.join("\n"))
    }

    pub(super) async fn console_clients(&self, command: ClientsCommand) -> Result<ExitCode> {
        let (mode, ca, crl) = match command {
            ClientsCommand::Show => {
                let value = self.client.get("/console-clients").await?;
                return self.clients_are(&value);
            }
            ClientsCommand::Off => ("off", None, None),
            ClientsCommand::Ask { ca, crl } => ("ask", ca, crl),
            ClientsCommand::Require { ca, crl } => ("require", ca, crl),
        };
        let mut body = json!({"mode": mode});
        if let Some(ca) = ca {
            body["authorities"] = json!(pem(&ca)?);
        }
        if let Some(crl) = crl {
            body["revoked"] = json!(pem(&crl)?);
        }
        let value = self.client.put("/console-clients", &body).await?;
        self.clients_are(&value)
    }

    fn clients_are(&self, value: &Value) -> Result<ExitCode> {
        let mut lines = vec![format!("client certificates  {}", text(value, "/mode"))];
        for one in value["authorities"].as_array().into_iter().flatten() {
            lines.push(format!(
                "authority            {}, until {}",
                text(one, "/subject"),
                text(one, "/not_after")
            ));
        }
        lines.push(format!("revocation lists     {}", text(value, "/revocation_lists")));
        self.done(value, &lines.join("\n"))
    }
}
