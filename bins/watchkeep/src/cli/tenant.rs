//! Tenants, and the switch that closes the server or a part of it to changes.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Cli, text};

#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// All that you see, as a tree
    List,
    /// Make one
    Add {
        name: String,
        /// The tenant it hangs on, by name, `Europe / Paris` or id; the first when left out
        #[arg(long)]
        below: Option<String>,
    },
    /// Call it something else
    Rename { tenant: String, name: String },
    /// Hang it on another with all below it; shows first what that changes
    Move {
        tenant: String,
        /// The tenant it is to hang on
        #[arg(long)]
        below: String,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
    /// Remove one that holds nothing
    Remove { tenant: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReadOnlyCommand {
    /// What is read-only now
    Status,
    /// Close to changes of configuration; monitoring and the handling of problems go on
    On {
        /// A tenant with all below it; the whole server when left out
        #[arg(long)]
        tenant: Option<String>,
        /// Why: whoever is refused a change reads it
        #[arg(long)]
        why: String,
    },
    /// Open again
    Off {
        /// The tenant that was closed; the whole server when left out
        #[arg(long)]
        tenant: Option<String>,
        /// Why; goes to the audit log
        #[arg(long)]
        why: String,
    },
}

impl Cli {
    pub(super) async fn tenant(&self, command: TenantCommand) -> Result<ExitCode> {
        match command {
            TenantCommand::List => self.tenants().await,
            TenantCommand::Add { name, below } => {
                let parent = self.tenant_id(below.as_deref()).await?;
                let made = self.client.post("/tenants", &json!({"name": name, "parent": parent})).await?;
                self.done(&made, &text(&made, "/id"))
            }
            TenantCommand::Rename { tenant, name } => {
                let id = self.tenant_id(Some(&tenant)).await?;
                let path = format!("/tenants/{id}");
                let made = self.client.put(&path, &json!({"name": name})).await?;
                self.done(&made, &format!("{tenant}: called {name}"))
            }
            TenantCommand::Move { tenant, below, yes } => {
                let id = self.tenant_id(Some(&tenant)).await?;
                let to = self.tenant_id(Some(&below)).await?;
                if !yes {
                    let would = self.client.get(&format!("/tenants/{id}/move?to={to}")).await?;
                    if self.json {
                        return self.done(&would, "");
                    }
                    return self.done(&would, &preview(&would));
                }
                let made = self.client.put(&format!("/tenants/{id}"), &json!({"parent": to})).await?;
                self.done(&made, &format!("{}: moved", text(&made, "/title")))
            }
            TenantCommand::Remove { tenant } => {
                let id = self.tenant_id(Some(&tenant)).await?;
                let value = self.client.call("DELETE", &format!("/tenants/{id}"), None).await?;
                self.done(&value, &format!("{tenant}: removed"))
            }
        }
    }

    pub(super) async fn read_only(&self, command: ReadOnlyCommand) -> Result<ExitCode> {
        let (tenant, read_only, why) = match command {
            ReadOnlyCommand::Status => {
                let summary = self.client.get("/summary").await?;
                let items = summary["read_only"].as_array().cloned().unwrap_or_default();
                let row = |closed: &Value| {
                    let name = text(closed, "/name");
                    vec![if name.is_empty() { "the server".to_owned() } else { name }, text(closed, "/why")]
                };
                return self.show(&items, &["READ-ONLY", "WHY"], row, "Nothing is read-only.");
            }
            ReadOnlyCommand::On { tenant, why } => (tenant, true, why),
            ReadOnlyCommand::Off { tenant, why } => (tenant, false, why),
        };
        let id = self.tenant_id(tenant.as_deref()).await?;
        let body = json!({"read_only": read_only, "why": why});
        let made = self.client.post(&format!("/tenants/{id}/read-only"), &body).await?;
        let what = tenant.as_deref().unwrap_or("the server");
        let word =
            if read_only { "read-only: nobody changes its configuration" } else { "open to changes again" };
        self.done(&made, &format!("{what} is {word}"))
    }

    async fn tenants(&self) -> Result<ExitCode> {
        let items = self.client.whole("/tenants").await?;
        let row = |tenant: &Value| {
            vec![
                text(tenant, "/title"),
                text(tenant, "/hosts"),
                text(tenant, "/people"),
                text(tenant, "/channels"),
                if tenant["closed"] == true {
                    format!("read-only: {}", text(tenant, "/why"))
                } else {
                    String::new()
                },
                text(tenant, "/id"),
            ]
        };
        self.show(&items, &["TENANT", "HOSTS", "PEOPLE", "CHANNELS", "", "ID"], row, "You see no tenant.")
    }

    /// Puts labels on a host, and takes off those without a value.
    pub(super) async fn label(&self, host: &str, labels: &[String]) -> Result<ExitCode> {
        let id = self.host_id(host).await?;
        let value = self.client.get(&format!("/hosts/{id}")).await?;
        let mut all = value["labels"].as_object().cloned().unwrap_or_default();
        for label in labels {
            let (key, new) = label.split_once('=').with_context(|| format!("`{label}` is not name=value"))?;
            if new.is_empty() {
                all.remove(key);
            } else {
                all.insert(key.to_owned(), json!(new));
            }
        }
        self.rewrite(&id, &value, json!({"labels": all})).await
    }

    /// Moves a host to another tenant, its history with it.
    pub(super) async fn move_host(&self, host: &str, tenant: &str) -> Result<ExitCode> {
        let id = self.host_id(host).await?;
        let to = self.tenant_id(Some(tenant)).await?;
        let value = self.client.get(&format!("/hosts/{id}")).await?;
        self.rewrite(&id, &value, json!({"tenant": to})).await
    }

    async fn rewrite(&self, id: &str, host: &Value, mut change: Value) -> Result<ExitCode> {
        for key in ["name", "addresses", "fields", "revision"] {
            change[key] = host[key].clone();
        }
        let value = self.client.put(&format!("/hosts/{id}"), &change).await?;
        self.done(&value, &format!("{} changed", text(&value, "/name")))
    }

    /// By id, by name where one bears it, or by the names on the way: `Europe / Paris`. Without a name, the first.
    pub(super) async fn tenant_id(&self, name: Option<&str>) -> Result<String> {
        let items = self.client.whole("/tenants").await?;
        let Some(name) = name else {
            return match items.first() {
                Some(first) => Ok(text(first, "/id")),
                None => bail!("you see no tenant"),
            };
        };
        let by = |pointer: &str| -> Vec<&Value> {
            items.iter().filter(|tenant| text(tenant, pointer).eq_ignore_ascii_case(name)).collect()
        };
        for pointer in ["/id", "/title", "/name"] {
            match by(pointer).as_slice() {
                [] => {}
                [one] => return Ok(text(one, "/id")),
                some => {
                    let titles: Vec<String> = some.iter().map(|tenant| text(tenant, "/title")).collect();
                    bail!("several tenants are called {name}: say which: {}", titles.join(", "));
                }
            }
        }
        bail!("there is no tenant {name} that you see; `watchkeep tenant list` shows them")
    }
}

/// What a move would change, in words.
fn preview(would: &Value) -> String {
    let names = |pointer: &str| -> String {
        let items = would.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let names: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
    };
    let mut lines = vec![
        format!(
            "Moves: {} tenants, {} hosts, {} channels",
            text(would, "/tenants"),
            text(would, "/hosts"),
            text(would, "/channels")
        ),
        format!("Will see it: whoever holds something at {}", names("/gains")),
        format!("Will see it no longer: whoever holds something at {}", names("/loses")),
    ];
    for (pointer, words) in [
        ("/channels_gained", "Channels that will hear of it"),
        ("/channels_lost", "Channels that will hear of it no longer"),
        ("/stranded", "In the way, since their agent would be elsewhere"),
    ] {
        if would.pointer(pointer).and_then(Value::as_array).is_some_and(|items| !items.is_empty()) {
            lines.push(format!("{words}: {}", names(pointer)));
        }
    }
    if would["closed_after"] == true {
        lines.push("Its configuration could not be changed there: that part is read-only".to_owned());
    }
    lines.push("Nothing was changed: say --yes to move it".to_owned());
    lines.join("\n")
}
