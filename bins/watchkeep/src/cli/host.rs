//! Hosts: listed, shown, added, changed, removed; what is on them.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::problem::{CHECK_HEADINGS, check_row};
use super::{Cli, MOST, ago, text, word};
use crate::args::HostCommand;
use crate::client::encode;
use crate::out;

impl Cli {
    pub(super) async fn host(&self, command: HostCommand) -> Result<ExitCode> {
        match command {
            HostCommand::List { text: q } => {
                let items =
                    self.client.list(&format!("/hosts?q={}", encode(&q.unwrap_or_default())), MOST).await?;
                let row = |h: &Value| {
                    vec![
                        word(&text(h, "/status")),
                        text(h, "/name"),
                        if h["connected"] == true {
                            "connected".to_owned()
                        } else {
                            format!("silent {}", ago(h, "/last_seen_at"))
                        },
                        text(h, "/addresses"),
                        text(h, "/os"),
                    ]
                };
                self.show(
                    &items,
                    &["STATE", "HOST", "AGENT", "ADDRESSES", "OS"],
                    row,
                    "No hosts yet: enrol an agent with `watchkeep agent token`.",
                )
            }
            HostCommand::Show { host } => {
                let id = self.host_id(&host).await?;
                let value = self.client.get(&format!("/hosts/{id}")).await?;
                if self.json {
                    return self.done(&value, "");
                }
                let mut lines = vec![
                    ("Host", text(&value, "/name")),
                    ("State", word(&text(&value, "/status"))),
                    ("OS", text(&value, "/os")),
                    ("Addresses", text(&value, "/addresses")),
                    ("Id", id.clone()),
                ];
                let fields: Vec<(String, String)> = value["fields"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()))
                    .collect();
                lines.extend(fields.iter().map(|(k, v)| (k.as_str(), v.clone())));
                self.one(&value, &lines)?;
                out::line("");
                let checks = self.client.list(&format!("/checks?host={id}"), MOST).await?;
                self.show(&checks, CHECK_HEADINGS, check_row, "No checks yet.")
            }
            HostCommand::Label { host, labels } => self.label(&host, &labels).await,
            HostCommand::Move { host, tenant } => self.move_host(&host, &tenant).await,
            HostCommand::Add { name, addresses, tenant } => {
                let mut body = json!({"name": name, "addresses": addresses});
                if let Some(tenant) = tenant {
                    body["tenant"] = json!(self.tenant_id(Some(&tenant)).await?);
                }
                let value = self.client.post("/hosts", &body).await?;
                self.done(&value, &format!("{} added", text(&value, "/name")))
            }
            HostCommand::Set { host, fields } => {
                let id = self.host_id(&host).await?;
                let value = self.client.get(&format!("/hosts/{id}")).await?;
                let mut all = value["fields"].as_object().cloned().unwrap_or_default();
                for field in &fields {
                    let (name, new) =
                        field.split_once('=').with_context(|| format!("`{field}` is not name=value"))?;
                    if new.is_empty() {
                        all.remove(name);
                    } else {
                        all.insert(name.to_owned(), json!(new));
                    }
                }
                let body = json!({"name": value["name"], "addresses": value["addresses"], "fields": all, "revision": value["revision"]});
                let value = self.client.call("PUT", &format!("/hosts/{id}"), Some(&body)).await?;
                self.done(&value, &format!("{} changed", text(&value, "/name")))
            }
            HostCommand::Remove { host } => {
                let id = self.host_id(&host).await?;
                let value = self.client.call("DELETE", &format!("/hosts/{id}"), None).await?;
                self.done(&value, &format!("{host} removed"))
            }
            HostCommand::Inventory { host, section: None } => {
                let id = self.host_id(&host).await?;
                let page = self.client.get(&format!("/hosts/{id}/inventory")).await?;
                let items = page["items"].as_array().cloned().unwrap_or_default();
                self.show(
                    &items,
                    &["SECTION", "ITEMS"],
                    |s| vec![text(s, "/section"), text(s, "/items")],
                    "No inventory yet.",
                )
            }
            HostCommand::Inventory { host, section: Some(section) } => {
                let id = self.host_id(&host).await?;
                let items =
                    self.client.list(&format!("/hosts/{id}/inventory/{}", encode(&section)), MOST).await?;
                let row = |item: &Value| {
                    let fields = item["fields"]
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()));
                    vec![text(item, "/key"), fields.collect::<Vec<_>>().join(" ")]
                };
                self.show(&items, &["KEY", "FIELDS"], row, "Nothing in this section.")
            }
        }
    }
}
