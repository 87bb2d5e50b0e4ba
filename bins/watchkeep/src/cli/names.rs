//! From what people write to ids: `web-1`, `web-1/disk:/var`. Ids pass as they are; a name that is not there is answered
//! with the nearest one that is.

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use super::{Cli, MOST, text};
use crate::client::encode;

impl Cli {
    /// A host's id from an id or a name.
    pub(super) async fn host_id(&self, host: &str) -> Result<String> {
        if host.starts_with("host_") {
            return Ok(host.to_owned());
        }
        let wanted = host.to_lowercase();
        let hosts = self.client.list(&format!("/hosts?q={}", encode(&wanted)), MOST).await?;
        if let Some(found) = hosts.iter().find(|h| h["name"] == wanted.as_str()) {
            return Ok(text(found, "/id"));
        }
        let all = self.client.list("/hosts", MOST).await?;
        Err(missing(&format!("there is no host `{host}`"), &wanted, &all, "/name", "watchkeep host list"))
    }

    /// Check ids from ids or `host/key`.
    pub(super) async fn check_ids(&self, checks: &[String]) -> Result<Vec<String>> {
        let mut ids = Vec::with_capacity(checks.len());
        for check in checks {
            if check.starts_with("check_") {
                ids.push(check.clone());
                continue;
            }
            let (name, key) = check.split_once('/').with_context(|| {
                format!("`{check}` is neither an id nor `host/key` such as web-1/disk:/var")
            })?;
            let host = self.host_id(name).await?;
            let items = self.client.list(&format!("/checks?host={host}"), MOST).await?;
            let found = items.iter().find(|c| c["key"] == key).ok_or_else(|| {
                let what = format!("`{name}` has no check `{key}`");
                missing(&what, key, &items, "/key", &format!("watchkeep host show {name}"))
            })?;
            ids.push(text(found, "/id"));
        }
        Ok(ids)
    }

    pub(super) async fn check_id(&self, check: &str) -> Result<String> {
        let ids = self.check_ids(&[check.to_owned()]).await?;
        ids.into_iter().next().context("no such check")
    }

    pub(super) async fn agent_id(&self, agent: &str) -> Result<String> {
        if agent.starts_with("agent_") {
            return Ok(agent.to_owned());
        }
        let agents = self.client.whole("/agents").await?;
        let wanted = agent.to_lowercase();
        let mut own = agents.iter().filter(|a| text(a, "/host/name") == wanted);
        let found = own.clone().find(|a| a["standing"] != "revoked").or_else(|| own.next());
        found.map(|a| text(a, "/id")).ok_or_else(|| {
            let what = format!("there is no agent on `{agent}`");
            missing(&what, &wanted, &agents, "/host/name", "watchkeep agent list")
        })
    }

    /// A person's id from a sign-in name.
    pub(super) async fn user_id(&self, name: &str) -> Result<String> {
        let users = self.client.whole("/users").await?;
        let wanted = name.to_lowercase();
        users.iter().find(|user| user["name"] == wanted.as_str()).map(|user| text(user, "/id")).ok_or_else(
            || {
                let what = format!("there is no account `{name}`");
                missing(&what, &wanted, &users, "/name", "watchkeep user list")
            },
        )
    }
}

/// What is not there, the nearest that is, and where all are listed.
fn missing(what: &str, wanted: &str, known: &[Value], pointer: &str, list: &str) -> anyhow::Error {
    let names = known.iter().filter_map(|each| each.pointer(pointer).and_then(Value::as_str));
    match wk_config::nearest(wanted, names) {
        Some(near) => {
            anyhow!("{what}. Did you mean `{}`? See `{list}`", wk_domain::text::clean_line(near, 253))
        }
        None => anyhow!("{what}; see `{list}`"),
    }
}
