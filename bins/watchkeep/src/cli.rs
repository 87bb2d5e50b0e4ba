//! The commands that talk to a running server: arguments in, one or two calls of the API, a table or JSON out.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::args::{
    AgentCommand, AuditCommand, CertCommand, ChannelCommand, CheckCommand, Command, DowntimeCommand,
    HostCommand, UserCommand,
};
use crate::client::{Client, encode};
use crate::out;

/// Items a table shows at most; `--json` gives as many.
const MOST: usize = 10_000;

struct Cli {
    client: Client,
    json: bool,
}

/// Runs one command.
pub(crate) async fn run(command: Command, data: &Path, json: bool) -> Result<ExitCode> {
    if let Command::Cert(CertCommand::Destroy { confirm }) = &command {
        return destroy(data, confirm);
    }
    let cli = Cli { client: Client::new(data)?, json };
    match command {
        Command::Status => cli.status().await,
        Command::Problem { filter } => cli.checks("/problems", &filter).await,
        Command::Ack { checks, note, sticky, span } => {
            let expires = span.map(rfc3339_in).transpose()?;
            let body = json!({"checks": cli.check_ids(&checks).await?, "note": note, "sticky": sticky, "expires_at": expires});
            cli.bulk("/acknowledgements", &body, "acknowledged").await
        }
        Command::Unack { checks } => {
            let body = json!({"checks": cli.check_ids(&checks).await?});
            cli.bulk("/acknowledgements/remove", &body, "let go").await
        }
        Command::Host(command) => cli.host(command).await,
        Command::Check(command) => cli.check(command).await,
        Command::Downtime(command) => cli.downtime(command).await,
        Command::Agent(command) => cli.agent(command).await,
        Command::Audit(command) => cli.audit(command).await,
        Command::Cert(_) => cli.certs().await,
        Command::Channel(command) => cli.channel(command).await,
        Command::User(command) => cli.user(command).await,
        Command::Event { host, limit } => cli.events(host.as_deref(), limit).await,
        Command::Up(_) | Command::Server(_) | Command::Openapi | Command::Completion { .. } => {
            bail!("this command does not talk to a server")
        }
    }
}

fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list
            .iter()
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" "),
        Some(other) => other.to_string(),
    }
}

/// How long ago, as one reads it.
fn ago(value: &Value, pointer: &str) -> String {
    let Some(at) =
        value.pointer(pointer).and_then(Value::as_str).and_then(|raw| raw.parse::<jiff::Timestamp>().ok())
    else {
        return "-".to_owned();
    };
    let seconds = jiff::Timestamp::now().duration_since(at).as_secs();
    match u64::try_from(seconds) {
        Ok(past) => wk_domain::text::span(std::time::Duration::from_secs(past)),
        Err(_) => {
            format!("in {}", wk_domain::text::span(std::time::Duration::from_secs(seconds.unsigned_abs())))
        }
    }
}

fn rfc3339_in(seconds: u64) -> Result<String> {
    let span = jiff::SignedDuration::from_secs(i64::try_from(seconds)?);
    Ok(jiff::Timestamp::now().checked_add(span).context("that is too far in the future")?.to_string())
}

fn word(status: &str) -> String {
    status.to_uppercase()
}

impl Cli {
    /// JSON for programs, or rows for people.
    fn show(
        &self,
        items: &[Value],
        headings: &[&str],
        row: impl Fn(&Value) -> Vec<String>,
        empty: &str,
    ) -> Result<ExitCode> {
        if self.json {
            out::line(&serde_json::to_string_pretty(&items)?);
        } else if items.is_empty() {
            out::line(empty);
        } else {
            out::table(headings, &items.iter().map(row).collect::<Vec<_>>());
        }
        Ok(ExitCode::SUCCESS)
    }

    fn one(&self, value: &Value, lines: &[(&str, String)]) -> Result<ExitCode> {
        if self.json {
            out::line(&serde_json::to_string_pretty(value)?);
            return Ok(ExitCode::SUCCESS);
        }
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            out::line(&format!("{name:width$}  {}", wk_domain::text::clean_line(value, 4000)));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn done(&self, value: &Value, line: &str) -> Result<ExitCode> {
        out::line(&if self.json { serde_json::to_string_pretty(value)? } else { line.to_owned() });
        Ok(ExitCode::SUCCESS)
    }

    async fn bulk(&self, path: &str, body: &Value, verb: &str) -> Result<ExitCode> {
        let answer = self.client.post(path, body).await?;
        let failed = answer["failed"].as_array().cloned().unwrap_or_default();
        if self.json {
            out::line(&serde_json::to_string_pretty(&answer)?);
        } else {
            out::line(&format!("{} {verb}", answer["done"]));
            for failure in &failed {
                out::error(&format!("not {verb}: {}", text(failure, "/reason")));
            }
        }
        Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn status(&self) -> Result<ExitCode> {
        let overview = self.client.get("/overview").await?;
        if self.json {
            return self.done(&overview, "");
        }
        let n = |pointer: &str| text(&overview, pointer);
        out::line(&format!(
            "{} critical, {} warning, {} unknown ({} handled), {} ok, {} pending",
            n("/problems/critical"),
            n("/problems/warning"),
            n("/problems/unknown"),
            n("/problems/handled"),
            n("/problems/ok"),
            n("/problems/pending")
        ));
        out::line(&format!(
            "agents: {} connected, {} silent, {} quarantined",
            n("/agents/connected"),
            n("/agents/silent"),
            n("/agents/quarantined")
        ));
        let open = overview["open"].as_array().cloned().unwrap_or_default();
        if !open.is_empty() {
            out::line("");
            out::table(CHECK_HEADINGS, &open.iter().map(check_row).collect::<Vec<_>>());
        }
        let selfs = overview["self_checks"].as_array().cloned().unwrap_or_default();
        for check in selfs.iter().filter(|check| check["status"] != "ok") {
            out::line(&format!(
                "{}: {} {}",
                word(&text(check, "/status")),
                text(check, "/title"),
                text(check, "/detail")
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn checks(&self, path: &str, filter: &[String]) -> Result<ExitCode> {
        let items = self.client.list(&format!("{path}?filter={}", encode(&filter.join(" "))), MOST).await?;
        self.show(
            &items,
            CHECK_HEADINGS,
            check_row,
            if path == "/problems" { "No problems." } else { "No checks." },
        )
    }

    /// A host's id from an id or a name.
    async fn host_id(&self, host: &str) -> Result<String> {
        if host.starts_with("host_") {
            return Ok(host.to_owned());
        }
        let wanted = host.to_lowercase();
        let hosts = self.client.list(&format!("/hosts?q={}", encode(&wanted)), MOST).await?;
        let found = hosts.iter().find(|h| h["name"] == wanted.as_str());
        found
            .map(|h| text(h, "/id"))
            .with_context(|| format!("there is no host `{host}`; see `watchkeep host list`"))
    }

    /// Check ids from ids or `host/key`.
    async fn check_ids(&self, checks: &[String]) -> Result<Vec<String>> {
        let mut ids = Vec::with_capacity(checks.len());
        for check in checks {
            if check.starts_with("check_") {
                ids.push(check.clone());
                continue;
            }
            let (host, key) = check.split_once('/').with_context(|| {
                format!("`{check}` is neither an id nor `host/key` such as web-1/disk:/var")
            })?;
            let host = self.host_id(host).await?;
            let items = self.client.list(&format!("/checks?host={host}"), MOST).await?;
            let found = items.iter().find(|c| c["key"] == key);
            ids.push(
                found
                    .map(|c| text(c, "/id"))
                    .with_context(|| format!("the host has no check `{key}`; see `watchkeep host show`"))?,
            );
        }
        Ok(ids)
    }

    async fn check_id(&self, check: &str) -> Result<String> {
        let ids = self.check_ids(&[check.to_owned()]).await?;
        ids.into_iter().next().context("no such check")
    }

    async fn agent_id(&self, agent: &str) -> Result<String> {
        if agent.starts_with("agent_") {
            return Ok(agent.to_owned());
        }
        let agents = self.client.list("/agents", MOST).await?;
        let wanted = agent.to_lowercase();
        let mut own =
            agents.iter().filter(|a| a.pointer("/host/name").is_some_and(|n| *n == wanted.as_str()));
        let found = own.clone().find(|a| a["standing"] != "revoked").or_else(|| own.next());
        found
            .map(|a| text(a, "/id"))
            .with_context(|| format!("there is no agent on `{agent}`; see `watchkeep agent list`"))
    }

    async fn host(&self, command: HostCommand) -> Result<ExitCode> {
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
            HostCommand::Add { name, addresses } => {
                let value =
                    self.client.post("/hosts", &json!({"name": name, "addresses": addresses})).await?;
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

    async fn check(&self, command: CheckCommand) -> Result<ExitCode> {
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

    async fn downtime(&self, command: DowntimeCommand) -> Result<ExitCode> {
        match command {
            DowntimeCommand::List => {
                let items = self.client.list("/downtimes", MOST).await?;
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

    async fn agent(&self, command: AgentCommand) -> Result<ExitCode> {
        match command {
            AgentCommand::List => {
                let items = self.client.list("/agents", MOST).await?;
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
            AgentCommand::Token { host_pattern, grants, ttl } => {
                let value = self
                    .client
                    .post(
                        "/enrolment-tokens",
                        &json!({"host_pattern": host_pattern, "grants": grants, "ttl_s": ttl}),
                    )
                    .await?;
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
                let items = self.client.list("/enrolment-tokens", MOST).await?;
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

    async fn audit(&self, command: AuditCommand) -> Result<ExitCode> {
        match command {
            AuditCommand::List { actor, action, object, limit } => {
                let mut query = String::from("/audit?");
                for (name, value) in [("actor", actor), ("action", action), ("object", object)] {
                    if let Some(value) = value {
                        query.push_str(&format!("{name}={}&", encode(&value)));
                    }
                }
                let items = self.client.list(query.trim_end_matches(['?', '&']), limit as usize).await?;
                let row = |e: &Value| {
                    vec![
                        text(e, "/seq"),
                        text(e, "/at"),
                        text(e, "/actor"),
                        text(e, "/action"),
                        text(e, "/object"),
                        text(e, "/outcome"),
                        text(e, "/entry/reason"),
                    ]
                };
                self.show(
                    &items,
                    &["SEQ", "AT", "ACTOR", "ACTION", "OBJECT", "OUTCOME", "REASON"],
                    row,
                    "No entries.",
                )
            }
            AuditCommand::Verify => {
                let report = self.client.get("/audit/verify").await?;
                if self.json {
                    out::line(&serde_json::to_string_pretty(&report)?);
                } else {
                    out::line(&format!(
                        "{} entries, root {}",
                        text(&report, "/entries"),
                        text(&report, "/root_hash")
                    ));
                    for finding in report["findings"].as_array().into_iter().flatten() {
                        out::line(&format!("  {}", finding.as_str().unwrap_or_default()));
                    }
                    out::line(if report["intact"] == true {
                        "The log is intact."
                    } else {
                        "THE LOG IS NOT INTACT."
                    });
                }
                Ok(if report["intact"] == true { ExitCode::SUCCESS } else { ExitCode::from(2) })
            }
        }
    }

    async fn certs(&self) -> Result<ExitCode> {
        let page = self.client.get("/certificates").await?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let row = |c: &Value| {
            vec![
                text(c, "/days_left"),
                text(c, "/role"),
                text(c, "/subject"),
                text(c, "/algorithm"),
                text(c, "/not_after"),
                if c["revoked"] == true { "revoked".to_owned() } else { String::new() },
                text(c, "/serial"),
            ]
        };
        self.show(&items, &["DAYS", "ROLE", "SUBJECT", "KEY", "ENDS", "", "SERIAL"], row, "No certificates.")
    }

    async fn channel(&self, command: ChannelCommand) -> Result<ExitCode> {
        match command {
            ChannelCommand::List => {
                let items = self.client.list("/channels", MOST).await?;
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

    async fn user(&self, command: UserCommand) -> Result<ExitCode> {
        let (name, reason, verb) = match command {
            UserCommand::List => {
                let items = self.client.list("/users", MOST).await?;
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
            UserCommand::Invite { name, role } => {
                let value = self.client.post("/users", &json!({"name": name, "role": role})).await?;
                if self.json {
                    return self.done(&value, "");
                }
                let system = self.client.get("/system").await?;
                let console = text(&system, "/ports/0/address");
                out::error(&format!(
                    "Give this link to {name}. It works once, until {}:",
                    text(&value, "/expires_at")
                ));
                return self.done(&value, &format!("https://{console}{}", text(&value, "/path")));
            }
            UserCommand::Disable { name, reason } => (name, reason, "disable"),
            UserCommand::Enable { name, reason } => (name, reason, "enable"),
            UserCommand::Reopen { name, reason } => (name, reason, "reopen"),
        };
        let users = self.client.list("/users", MOST).await?;
        let wanted = name.to_lowercase();
        let id = users.iter().find(|user| user["name"] == wanted.as_str()).map(|user| text(user, "/id"));
        let id = id.with_context(|| format!("there is no account `{name}`; see `watchkeep user list`"))?;
        let value = self.client.post(&format!("/users/{id}/{verb}"), &json!({"reason": reason})).await?;
        self.done(&value, &format!("{name}: {verb}d").replace("reopend", "reopened"))
    }

    async fn events(&self, host: Option<&str>, limit: u32) -> Result<ExitCode> {
        let query = match host {
            Some(host) => format!("/events?host={}", self.host_id(host).await?),
            None => "/events".to_owned(),
        };
        let items = self.client.list(&query, limit as usize).await?;
        let row =
            |e: &Value| vec![text(e, "/at"), text(e, "/host/name"), text(e, "/kind"), text(e, "/summary")];
        self.show(&items, &["AT", "HOST", "KIND", "WHAT"], row, "Nothing happened yet.")
    }
}

const CHECK_HEADINGS: &[&str] = &["STATE", "HOST", "CHECK", "SINCE", "", "OUTPUT"];

fn check_row(check: &Value) -> Vec<String> {
    let mut flags = Vec::new();
    if check["state_type"] == "soft" {
        flags.push(format!("{}/{}", check["attempt"], check["max_attempts"]));
    }
    if check.get("acknowledgement").is_some_and(|ack| !ack.is_null()) {
        flags.push("ack".to_owned());
    }
    if check["in_downtime"] == true {
        flags.push("downtime".to_owned());
    }
    if check.get("no_data_since").is_some_and(|v| !v.is_null()) {
        flags.push("no data".to_owned());
    }
    vec![
        word(&text(check, "/status")),
        text(check, "/host/name"),
        text(check, "/key"),
        ago(check, "/since"),
        flags.join(" "),
        text(check, "/output"),
    ]
}

fn read_secret() -> Result<String> {
    let mut secret = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(std::io::stdin(), 4096), &mut secret)
        .context("reading the secret from standard input")?;
    Ok(secret.trim_end_matches(['\n', '\r']).to_owned())
}

/// Destroys the authority's keys. Needs the data directory alone: a running server would still hold them.
fn destroy(data: &Path, confirm: &str) -> Result<ExitCode> {
    if confirm != "destroy" {
        bail!("this cannot be undone: every agent must enrol again. Type --confirm destroy");
    }
    let dir = if data.join("server/ca").exists() { data.join("server") } else { data.to_owned() };
    let now = wk_engine::ports::Clock::now(&wk_engine::ports::SystemClock);
    let _lock = wk_store::DataDirLock::take(&dir, now).context("stop the server first")?;
    let gone = wk_pki::Ca::destroy_keys(&dir.join("ca"))?;
    for file in &gone {
        out::line(&format!("destroyed {}", file.display()));
    }
    if gone.is_empty() {
        out::line("There was no key to destroy.");
    }
    Ok(ExitCode::SUCCESS)
}
