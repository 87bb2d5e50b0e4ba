//! The commands that talk to a running server: arguments in, one or two calls of the API, a table or JSON out.

mod access;
mod agent;
mod audit;
mod cert;
mod channel;
mod check;
mod conditions;
mod downtime;
mod host;
mod names;
mod password;
mod problem;
mod rights;
mod tenant;
mod user;

pub(crate) use rights::{AccessCommand, GrantCommand, GroupCommand, RoleCommand};
pub(crate) use tenant::{ReadOnlyCommand, TenantCommand};

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::args::{CertCommand, Command, PasswordCommand, PolicyCommand};
use crate::client::Client;
use crate::out;
use crate::remote::{Remote, RemoteFlags};

/// Items a table shows at most; `--json` gives as many.
const MOST: usize = 10_000;

struct Cli {
    client: Client,
    json: bool,
}

/// Runs one command.
pub(crate) async fn run(command: Command, data: &Path, remote: &RemoteFlags, json: bool) -> Result<ExitCode> {
    if remote.server.is_some()
        && matches!(
            command,
            Command::Cert(CertCommand::Destroy { .. } | CertCommand::Root) | Command::Password(_)
        )
    {
        bail!("this is done on the server's own machine, with its data directory");
    }
    if let Command::Cert(CertCommand::Root) = &command {
        return cert::root(data);
    }
    if let Command::Cert(CertCommand::Destroy { confirm }) = &command {
        return cert::destroy(data, confirm).await;
    }
    if let Command::Password(PasswordCommand::Blocklist(command)) = command {
        return password::blocklist(data, command);
    }
    let client = match Remote::of(remote)? {
        Some(remote) => Client::remote(remote),
        None => Client::new(data)?,
    };
    let cli = Cli { client, json };
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
        Command::Comment { checks, text } => {
            let body = json!({"checks": cli.check_ids(&checks).await?, "text": text});
            cli.bulk("/comments", &body, "commented on").await
        }
        Command::Host(command) => cli.host(command).await,
        Command::Check(command) => cli.check(command).await,
        Command::Downtime(command) => cli.downtime(command).await,
        Command::Agent(command) => cli.agent(command).await,
        Command::Audit(command) => cli.audit(command).await,
        Command::Cert(_) => cli.certs().await,
        Command::Channel(command) => cli.channel(command).await,
        Command::User(command) => cli.user(command).await,
        Command::Tenant(command) => cli.tenant(command).await,
        Command::ReadOnly(command) => cli.read_only(command).await,
        Command::Group(command) => cli.group(command).await,
        Command::Role(command) => cli.role(command).await,
        Command::Grant(command) => cli.grant(command).await,
        Command::Access(command) => cli.access(command).await,
        Command::AdminConditions(command) => cli.admin_conditions(command).await,
        Command::ConsoleClients(command) => cli.console_clients(command).await,
        Command::Policy(PolicyCommand::Password(command)) => cli.password_policy(command).await,
        Command::ApiToken(command) => cli.api_token(command).await,
        Command::ServiceAccount(command) => cli.service_account(command).await,
        Command::Approval(command) => cli.approval(command).await,
        Command::Review(command) => cli.review(command).await,
        Command::Event { host, limit } => cli.events(host.as_deref(), limit).await,
        Command::Up(_)
        | Command::Server(_)
        | Command::Openapi
        | Command::Completion { .. }
        | Command::Password(_) => {
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
        // Whatever was to be done was only asked for.
        if !self.json && value["payload_sha256"].is_string() && value["state"] == "open" {
            let (id, who) = (text(value, "/id"), text(value, "/could_decide"));
            out::error(&format!(
                "Nothing is done yet: another person must agree ({who}). The request is {id}."
            ));
            return Ok(ExitCode::SUCCESS);
        }
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
}
