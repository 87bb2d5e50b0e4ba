//! Groups of people, roles, grants; what somebody may do, and who may do something.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Cli, rfc3339_in, text};
use crate::args::span;
use crate::client::encode;
use crate::out;

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// All of them
    List,
    /// Make one
    Add {
        name: String,
        /// What it is for
        #[arg(long, default_value = "")]
        about: String,
        /// Where it belongs, by name or id; the whole server when left out
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Call it something else
    Rename { group: String, name: String },
    /// Remove it with its memberships and grants
    Remove { group: String },
    /// Who is in it, and who says so
    Members { group: String },
    /// Put somebody into it
    Join {
        group: String,
        person: String,
        /// Why: asked for when another person has to agree
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Take somebody out of it
    Leave { group: String, person: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// Built-in and custom ones
    List,
    /// What a role may do
    Show { name: String },
    /// Every action that a role can have
    Actions,
    /// Put one together
    Add {
        name: String,
        #[arg(long, default_value = "")]
        about: String,
        /// An action; several may be given
        #[arg(long = "action", required = true)]
        actions: Vec<String>,
    },
    /// Change what a custom one may do: these actions and no others
    Change {
        name: String,
        #[arg(long = "action", required = true)]
        actions: Vec<String>,
        /// Why: asked for when another person has to agree
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Remove a custom one that no grant gives
    Remove { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// All of them, or somebody's
    List {
        #[arg(long)]
        person: Option<String>,
        #[arg(long)]
        group: Option<String>,
    },
    /// Give a role to somebody somewhere; with --deny, take it from him whatever else gives it
    Give {
        role: String,
        /// To this person
        #[arg(long = "to", required_unless_present = "group", conflicts_with = "group")]
        person: Option<String>,
        /// To this group
        #[arg(long = "to-group")]
        group: Option<String>,
        #[arg(long)]
        deny: bool,
        /// In this tenant and below it, by name or id; everywhere when left out
        #[arg(long)]
        tenant: Option<String>,
        /// Only hosts with these labels: `env=prod, team in (db, web), !legacy`
        #[arg(long)]
        labels: Option<String>,
        /// Only this host, by name or id
        #[arg(long)]
        host: Option<String>,
        /// Only what the person owns
        #[arg(long)]
        owned: bool,
        /// Only these sections: monitor, hosts, agents, notifications, evidence, system, access
        #[arg(long = "section")]
        sections: Vec<String>,
        /// For this long: 4h, 2d
        #[arg(long = "for", value_parser = span)]
        span: Option<u64>,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Take one away, from the next request on
    Take {
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// What somebody may do, where, and why
    Explain {
        /// A sign-in name, or an id of an account or token
        who: String,
        /// One action; all when left out
        action: Option<String>,
        /// A host by name, a check as `host/key`, or any id; the whole server when left out
        #[arg(long)]
        on: Option<String>,
    },
    /// Who may do this to that
    Who {
        action: String,
        /// A host by name, a check as `host/key`, or any id; the whole server when left out
        #[arg(long)]
        on: Option<String>,
    },
}

/// `everywhere`, or what of it.
fn scope(value: &Value) -> String {
    let mut parts = vec![text(value, "/scope/tenant_title")];
    for (pointer, what) in [("/scope/labels", "hosts with "), ("/scope/host_name", "host ")] {
        let said = text(value, pointer);
        if !said.is_empty() {
            parts.push(format!("{what}{said}"));
        }
    }
    if value.pointer("/scope/owned") == Some(&Value::Bool(true)) {
        parts.push("their own".to_owned());
    }
    let sections = text(value, "/scope/sections");
    if !sections.is_empty() {
        parts.push(format!("sections {sections}"));
    }
    parts.join(", ")
}

impl Cli {
    async fn group_id(&self, group: &str) -> Result<String> {
        self.named("/groups", group, "group_", "group").await
    }

    async fn named(&self, path: &str, name: &str, prefix: &str, what: &str) -> Result<String> {
        if name.starts_with(prefix) {
            return Ok(name.to_owned());
        }
        let all = self.client.whole(path).await?;
        let found: Vec<&Value> =
            all.iter().filter(|one| one["name"] == name || one["title"] == name).collect();
        match found.as_slice() {
            [one] if one["id"].is_string() => Ok(text(one, "/id")),
            [_] => Err(anyhow!("the {what} `{name}` is built in: it stays as it is")),
            [] => Err(anyhow!("there is no {what} `{name}`; see `watchkeep {what} list`")),
            _ => Err(anyhow!(
                "there are several called `{name}`: say which by its id; see `watchkeep {what} list --json`"
            )),
        }
    }

    async fn tenant_of(&self, tenant: Option<&str>) -> Result<Option<String>> {
        match tenant {
            Some(tenant) => self.named("/tenants", tenant, "tenant_", "tenant").await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn group(&self, command: GroupCommand) -> Result<ExitCode> {
        match command {
            GroupCommand::List => {
                let items = self.client.whole("/groups").await?;
                let columns = ["/name", "/tenant_title", "/members", "/grants", "/about"];
                let row = |g: &Value| columns.iter().map(|pointer| text(g, pointer)).collect();
                let empty = "There are no groups. Make one with `watchkeep group add`.";
                self.show(&items, &["NAME", "TENANT", "MEMBERS", "GRANTS", "FOR"], row, empty)
            }
            GroupCommand::Add { name, about, tenant } => {
                let tenant = self.tenant_of(tenant.as_deref()).await?;
                let body = json!({"name": name, "about": about, "tenant": tenant});
                let value = self.client.post("/groups", &body).await?;
                self.done(&value, &format!("{name} is there: {}", text(&value, "/id")))
            }
            GroupCommand::Rename { group, name } => {
                let path = format!("/groups/{}", self.group_id(&group).await?);
                let old = self.client.get(&path).await?;
                let body = json!({"name": name, "about": old["about"], "revision": old["revision"]});
                let value = self.client.call("PUT", &path, Some(&body)).await?;
                self.done(&value, &format!("{group} is called {name} now"))
            }
            GroupCommand::Remove { group } => {
                let path = format!("/groups/{}", self.group_id(&group).await?);
                let value = self.client.call("DELETE", &path, None).await?;
                self.done(&value, "removed")
            }
            GroupCommand::Members { group } => {
                let path = format!("/groups/{}/members", self.group_id(&group).await?);
                let items = self.client.whole(&path).await?;
                let row = |m: &Value| {
                    let off = if m["disabled"] == true { "disabled" } else { "" };
                    vec![text(m, "/name"), text(m, "/display_name"), text(m, "/origin"), off.to_owned()]
                };
                self.show(&items, &["NAME", "CALLED", "BY", ""], row, "Nobody is in it.")
            }
            GroupCommand::Join { group, person, reason } => {
                let path = format!("/groups/{}/members", self.group_id(&group).await?);
                let body = json!({"person": self.user_id(&person).await?, "reason": reason});
                let value = self.client.post(&path, &body).await?;
                self.done(&value, &format!("{person} is in {group} now"))
            }
            GroupCommand::Leave { group, person } => {
                let (group_id, person_id) = (self.group_id(&group).await?, self.user_id(&person).await?);
                let path = format!("/groups/{group_id}/members/{person_id}");
                let value = self.client.call("DELETE", &path, None).await?;
                self.done(&value, &format!("{person} is in {group} no more"))
            }
        }
    }

    pub(super) async fn role(&self, command: RoleCommand) -> Result<ExitCode> {
        match command {
            RoleCommand::List => {
                let items = self.client.whole("/roles").await?;
                let row = |r: &Value| {
                    let count = r["actions"].as_array().map_or(0, Vec::len);
                    let kind = if r["id"].is_string() { "custom" } else { "built in" };
                    vec![
                        text(r, "/name"),
                        kind.to_owned(),
                        count.to_string(),
                        text(r, "/grants"),
                        text(r, "/about"),
                    ]
                };
                self.show(&items, &["NAME", "", "ACTIONS", "GRANTS", "FOR"], row, "")
            }
            RoleCommand::Show { name } => {
                let roles = self.client.whole("/roles").await?;
                let role = roles.iter().find(|role| role["name"] == name.as_str());
                let role =
                    role.with_context(|| format!("there is no role `{name}`; see `watchkeep role list`"))?;
                if self.json {
                    out::line(&serde_json::to_string_pretty(role)?);
                } else {
                    out::line(&text(role, "/about"));
                    for action in role["actions"].as_array().into_iter().flatten() {
                        out::line(&format!("  {}", text(action, "")));
                    }
                }
                Ok(ExitCode::SUCCESS)
            }
            RoleCommand::Actions => {
                let items = self.client.whole("/actions").await?;
                let row = |a: &Value| {
                    let fresh = if a["fresh_factor"] == true { "asks for a fresh factor" } else { "" };
                    vec![text(a, "/name"), text(a, "/section"), text(a, "/kind"), fresh.to_owned()]
                };
                self.show(&items, &["ACTION", "SECTION", "KIND", ""], row, "")
            }
            RoleCommand::Add { name, about, actions } => {
                let body = json!({"name": name, "about": about, "actions": actions});
                let value = self.client.post("/roles", &body).await?;
                self.done(&value, &format!("{name} is there: give it with `watchkeep grant give {name}`"))
            }
            RoleCommand::Change { name, actions, reason } => {
                let roles = self.client.whole("/roles").await?;
                let id = self.named("/roles", &name, "role_", "role").await?;
                let old = roles.iter().find(|role| role["id"] == id.as_str()).context("the role is gone")?;
                let body = json!({
                    "name": old["name"], "about": old["about"], "actions": actions, "revision": old["revision"],
                    "reason": reason,
                });
                let value = self.client.call("PUT", &format!("/roles/{id}"), Some(&body)).await?;
                self.done(&value, &format!("{name}: changed"))
            }
            RoleCommand::Remove { name } => {
                let path = format!("/roles/{}", self.named("/roles", &name, "role_", "role").await?);
                let value = self.client.call("DELETE", &path, None).await?;
                self.done(&value, "removed")
            }
        }
    }

    pub(super) async fn grant(&self, command: GrantCommand) -> Result<ExitCode> {
        match command {
            GrantCommand::List { person, group } => {
                let mut path = "/grants".to_owned();
                if let Some(person) = person {
                    path = format!("/grants?person={}", encode(&person));
                } else if let Some(group) = group {
                    path = format!("/grants?group={}", self.group_id(&group).await?);
                }
                let items = self.client.whole(&path).await?;
                let row = |g: &Value| {
                    let whom = if g["group"].is_string() { "group " } else { "" };
                    let until = match (&g["expired"], text(g, "/expires_at")) {
                        (Value::Bool(true), at) => format!("ran out {at}"),
                        (_, at) => at,
                    };
                    vec![
                        text(g, "/effect"),
                        text(g, "/role"),
                        format!("{whom}{}", text(g, "/name")),
                        scope(g),
                        until,
                        text(g, "/reason"),
                        text(g, "/id"),
                    ]
                };
                let empty = "There are no grants: everybody has the role of the account.";
                self.show(&items, &["", "ROLE", "TO", "WHERE", "UNTIL", "WHY", "ID"], row, empty)
            }
            GrantCommand::Give {
                role,
                person,
                group,
                deny,
                tenant,
                labels,
                host,
                owned,
                sections,
                span,
                reason,
            } => {
                let group = match group {
                    Some(group) => Some(self.group_id(&group).await?),
                    None => None,
                };
                let host = match host {
                    Some(host) => Some(self.host_id(&host).await?),
                    None => None,
                };
                let body = json!({
                    "role": role,
                    "person": person,
                    "group": group,
                    "effect": if deny { "deny" } else { "allow" },
                    "tenant": self.tenant_of(tenant.as_deref()).await?,
                    "labels": labels,
                    "host": host,
                    "owned": owned,
                    "sections": sections,
                    "reason": reason,
                    "expires_at": span.map(rfc3339_in).transpose()?,
                });
                let value = self.client.post("/grants", &body).await?;
                let line = format!(
                    "{} {} {role}, {}",
                    text(&value, "/name"),
                    if deny { "is denied" } else { "has" },
                    scope(&value)
                );
                self.done(&value, &line)
            }
            GrantCommand::Take { id, reason } => {
                let path = format!("/grants/{}/take", encode(&id));
                let value = self.client.post(&path, &json!({"reason": reason})).await?;
                self.done(&value, "taken")
            }
        }
    }

    /// An id from what people write of things.
    async fn thing(&self, on: Option<&str>) -> Result<Option<String>> {
        let kinds = ["host_", "check_", "agent_", "channel_", "tenant_", "user_"];
        Ok(match on {
            None => None,
            Some(on) if kinds.iter().any(|kind| on.starts_with(kind)) => Some(on.to_owned()),
            Some(on) if on.contains('/') => Some(self.check_id(on).await?),
            Some(on) => Some(self.host_id(on).await?),
        })
    }

    pub(super) async fn access(&self, command: AccessCommand) -> Result<ExitCode> {
        match command {
            AccessCommand::Explain { who, action, on } => {
                let mut path = format!("/access/explain?who={}", encode(&who));
                if let Some(action) = &action {
                    path.push_str(&format!("&action={}", encode(action)));
                }
                if let Some(on) = self.thing(on.as_deref()).await? {
                    path.push_str(&format!("&on={on}"));
                }
                let value = self.client.get(&path).await?;
                if self.json {
                    out::line(&serde_json::to_string_pretty(&value)?);
                    return Ok(ExitCode::SUCCESS);
                }
                let sees = |what: &str| text(&value, &format!("/sees/{what}"));
                out::line(&format!(
                    "{} on {}; sees {} hosts, {} checks, {} agents, {} channels",
                    text(&value, "/who/name"),
                    text(&value, "/on/title"),
                    sees("hosts"),
                    sees("checks"),
                    sees("agents"),
                    sees("channels")
                ));
                let answers = value["answers"].as_array().cloned().unwrap_or_default();
                let row = |a: &Value| {
                    let may = if a["allowed"] == true { "yes" } else { "no" };
                    vec![may.to_owned(), text(a, "/action"), text(a, "/why")]
                };
                out::table(&["MAY", "ACTION", "WHY"], &answers.iter().map(row).collect::<Vec<_>>());
                let holds = value["holds"].as_array().cloned().unwrap_or_default();
                let row = |h: &Value| {
                    let via = match text(h, "/via").as_str() {
                        "home" => "the account".to_owned(),
                        "group" => format!("group {}", text(h, "/group")),
                        other => other.to_owned(),
                    };
                    vec![text(h, "/effect"), text(h, "/role"), via, scope(h)]
                };
                out::line("");
                out::table(&["HOLDS", "ROLE", "BY", "WHERE"], &holds.iter().map(row).collect::<Vec<_>>());
                Ok(ExitCode::SUCCESS)
            }
            AccessCommand::Who { action, on } => {
                let mut path = format!("/access/who?action={}", encode(&action));
                if let Some(on) = self.thing(on.as_deref()).await? {
                    path.push_str(&format!("&on={on}"));
                }
                let items = self.client.whole(&path).await?;
                let row = |w: &Value| vec![text(w, "/who/name"), text(w, "/who/kind"), text(w, "/why")];
                self.show(&items, &["WHO", "", "WHY"], row, "Nobody may, but over the local socket.")
            }
        }
    }
}
