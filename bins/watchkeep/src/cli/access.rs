//! Tokens of programs, service accounts, requests that two people must want, and reviews of who has access.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{Cli, ago, text};
use crate::args::{ApiTokenCommand, ApprovalCommand, ReviewCommand, ServiceAccountCommand};
use crate::out;

impl Cli {
    pub(super) async fn api_token(&self, command: ApiTokenCommand) -> Result<ExitCode> {
        match command {
            ApiTokenCommand::List => {
                let items = self.client.whole("/api-tokens").await?;
                let row = |t: &Value| {
                    vec![
                        text(t, "/name"),
                        text(t, "/owner/name"),
                        text(t, "/state"),
                        scopes(t),
                        text(t, "/networks"),
                        text(t, "/days_left"),
                        ago(t, "/last_used_at"),
                        text(t, "/id"),
                    ]
                };
                let headings = ["NAME", "OWNER", "STATE", "SCOPES", "FROM", "DAYS", "USED", "ID"];
                self.show(&items, &headings, row, "No tokens.")
            }
            ApiTokenCommand::Create { account, name, role, tenant, labels, sections, networks, days } => {
                let id = self.service_id(&account).await?;
                let scope = json!({"role": role, "tenant": tenant, "labels": labels, "sections": sections});
                let body = json!({"name": name, "scopes": [scope], "networks": networks, "days": days});
                let made = self.client.post(&format!("/service-accounts/{id}/tokens"), &body).await?;
                self.secret(&made)
            }
            ApiTokenCommand::Rotate { id, overlap_hours, days } => {
                let body = json!({"overlap_hours": overlap_hours, "days": days});
                let made = self.client.post(&format!("/api-tokens/{id}/rotate"), &body).await?;
                self.secret(&made)
            }
            ApiTokenCommand::Revoke { id } => {
                let value = self.client.call("DELETE", &format!("/api-tokens/{id}"), None).await?;
                self.done(&value, &format!("{id} is revoked"))
            }
        }
    }

    /// The words to the terminal, the secret alone to what reads on: `watchkeep api-token create … > token`.
    fn secret(&self, made: &Value) -> Result<ExitCode> {
        if !self.json {
            let until = text(made, "/token/expires_at");
            out::error(&format!(
                "The token {}, until {until}. It is shown this once:",
                text(made, "/token/id")
            ));
            if let Some(old) = made.pointer("/token/old_secret_until").and_then(Value::as_str) {
                out::error(&format!("The secret before it works until {old}."));
            }
        }
        self.done(made, &text(made, "/secret"))
    }

    async fn service_id(&self, name: &str) -> Result<String> {
        let items = self.client.whole("/service-accounts").await?;
        match items.iter().find(|account| account["name"] == name || account["id"] == name) {
            Some(account) => Ok(text(account, "/id")),
            None => {
                bail!("there is no service account `{name}`; `watchkeep service-account list` shows them")
            }
        }
    }

    pub(super) async fn service_account(&self, command: ServiceAccountCommand) -> Result<ExitCode> {
        match command {
            ServiceAccountCommand::List => {
                let items = self.client.whole("/service-accounts").await?;
                let state = |a: &Value| match (&a["disabled"], &a["owner_living"], &a["review_overdue"]) {
                    (Value::Bool(true), _, _) => "disabled".to_owned(),
                    (_, Value::Bool(false), _) => "nobody answers for it".to_owned(),
                    (_, _, Value::Bool(true)) => "to be looked at again".to_owned(),
                    _ => String::new(),
                };
                let row = |a: &Value| {
                    vec![
                        text(a, "/name"),
                        text(a, "/role"),
                        text(a, "/owner/name"),
                        text(a, "/live_tokens"),
                        text(a, "/purpose"),
                        state(a),
                    ]
                };
                let headings = ["NAME", "ROLE", "OWNER", "TOKENS", "PURPOSE", ""];
                self.show(&items, &headings, row, "No service accounts.")
            }
            ServiceAccountCommand::Add { name, role, owner, purpose, review_days, reason } => {
                let body = json!({
                    "name": name, "role": role, "owner": owner, "purpose": purpose, "review_days": review_days,
                    "reason": reason,
                });
                let value = self.client.post("/service-accounts", &body).await?;
                self.done(
                    &value,
                    &format!("{name}: {role}; make it a token with `watchkeep api-token create`"),
                )
            }
            ServiceAccountCommand::Set { name, owner, purpose, review_days } => {
                let id = self.service_id(&name).await?;
                let items = self.client.whole("/service-accounts").await?;
                let now =
                    items.iter().find(|account| account["id"] == id.as_str()).cloned().unwrap_or_default();
                let body = json!({
                    "owner": owner.unwrap_or_else(|| text(&now, "/owner/name")),
                    "purpose": purpose.unwrap_or_else(|| text(&now, "/purpose")),
                    "review_days": review_days,
                    "revision": now["revision"],
                });
                let value = self.client.put(&format!("/service-accounts/{id}"), &body).await?;
                self.done(&value, &format!("{name}: {} answers for it", text(&value, "/owner/name")))
            }
        }
    }

    pub(super) async fn approval(&self, command: ApprovalCommand) -> Result<ExitCode> {
        match command {
            ApprovalCommand::List { all } => {
                let path = if all { "/approvals" } else { "/approvals?open=true" };
                let items = self.client.list(path, super::MOST).await?;
                let row = |a: &Value| {
                    vec![
                        text(a, "/state"),
                        text(a, "/requested_by"),
                        text(a, "/summary"),
                        text(a, "/reason"),
                        ago(a, "/requested_at"),
                        text(a, "/could_decide"),
                        text(a, "/id"),
                    ]
                };
                let headings = ["STATE", "ASKED BY", "FOR", "BECAUSE", "AGO", "COULD AGREE", "ID"];
                self.show(&items, &headings, row, "Nothing waits for a second person.")
            }
            ApprovalCommand::Show { id } => {
                let a = self.client.get(&format!("/approvals/{id}")).await?;
                let lines = [
                    ("state", text(&a, "/state")),
                    ("for", text(&a, "/summary")),
                    ("asked by", text(&a, "/requested_by")),
                    ("because", text(&a, "/reason")),
                    ("asked", text(&a, "/requested_at")),
                    ("until", text(&a, "/expires_at")),
                    ("particulars", a["input"].to_string()),
                    ("digest", text(&a, "/payload_sha256")),
                    ("could agree", text(&a, "/could_decide")),
                    ("decided", text(&a, "/decided_at")),
                    ("by", text(&a, "/decided_by")),
                    ("note", text(&a, "/note")),
                ];
                self.one(&a, &lines)
            }
            ApprovalCommand::Policy { mode: None, .. } => {
                let policy = self.client.get("/four-eyes").await?;
                self.one(
                    &policy,
                    &[("mode", text(&policy, "/mode")), ("could agree", text(&policy, "/could_decide"))],
                )
            }
            ApprovalCommand::Policy { mode: Some(mode), reason } => {
                let mode = mode.replace('-', "_");
                let body = json!({"mode": mode, "reason": reason.unwrap_or_default()});
                let value = self.client.put("/four-eyes", &body).await?;
                self.done(&value, &format!("a second person is asked for: {mode}"))
            }
        }
    }

    pub(super) async fn review(&self, command: ReviewCommand) -> Result<ExitCode> {
        match command {
            ReviewCommand::Findings { days } => {
                let items = self.client.whole(&format!("/access-findings?days={days}")).await?;
                self.lines(&items)
            }
            ReviewCommand::List => {
                let items = self.client.whole("/reviews").await?;
                let row = |r: &Value| {
                    vec![
                        text(r, "/state"),
                        ago(r, "/created_at"),
                        format!("{} of {}", text(r, "/decided"), text(r, "/lines")),
                        text(r, "/findings"),
                        text(r, "/due_at"),
                        text(r, "/signed_by"),
                        text(r, "/next_due_at"),
                        text(r, "/id"),
                    ]
                };
                let headings = ["STATE", "AGO", "DECIDED", "ODD", "DUE", "SIGNED BY", "NEXT", "ID"];
                self.show(&items, &headings, row, "No review yet: `watchkeep review begin`.")
            }
            ReviewCommand::Begin { days, due_days } => {
                let made =
                    self.client.post("/reviews", &json!({"window_days": days, "due_days": due_days})).await?;
                self.done(
                    &made,
                    &format!("{}: {} lines", text(&made, "/review/id"), text(&made, "/review/lines")),
                )
            }
            ReviewCommand::Show { id } => {
                let whole = self.client.get(&format!("/reviews/{id}")).await?;
                if self.json {
                    return self.done(&whole, "");
                }
                self.lines(whole["lines"].as_array().map(Vec::as_slice).unwrap_or_default())
            }
            ReviewCommand::Decide { id, number, decision, role, note } => {
                let body = json!({"number": number, "decision": decision, "role": role, "note": note});
                let whole = self.client.post(&format!("/reviews/{id}/lines"), &body).await?;
                let (done, lines) = (text(&whole, "/review/decided"), text(&whole, "/review/lines"));
                self.done(&whole, &format!("line {number}: {decision}; {done} of {lines} decided"))
            }
            ReviewCommand::Sign { id, note, next_days } => {
                let body = json!({"note": note, "next_days": next_days});
                let whole = self.client.post(&format!("/reviews/{id}/sign"), &body).await?;
                self.done(&whole, &format!("signed; the next is due {}", text(&whole, "/review/next_due_at")))
            }
            ReviewCommand::Export { id } => {
                let whole = self.client.get(&format!("/reviews/{id}")).await?;
                if self.json {
                    return self.done(&whole, "");
                }
                out::line(
                    "number,kind,name,owner,role,last_used,findings,decision,new_role,note,decided_by,decided_at",
                );
                for line in whole["lines"].as_array().into_iter().flatten() {
                    let cells = [
                        text(line, "/number"),
                        text(line, "/kind"),
                        text(line, "/name"),
                        text(line, "/facts/owner"),
                        text(line, "/facts/role"),
                        text(line, "/facts/last_used_at"),
                        codes(line),
                        text(line, "/decision"),
                        text(line, "/role"),
                        text(line, "/note"),
                        text(line, "/decided_by"),
                        text(line, "/decided_at"),
                    ];
                    out::line(&cells.map(|cell| csv(&cell)).join(","));
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn lines(&self, items: &[Value]) -> Result<ExitCode> {
        let row = |l: &Value| {
            vec![
                text(l, "/number"),
                text(l, "/kind"),
                text(l, "/name"),
                text(l, "/facts/role"),
                ago(l, "/facts/last_used_at"),
                codes(l),
                text(l, "/decision"),
            ]
        };
        self.show(items, &["NO", "KIND", "NAME", "ROLE", "USED", "ODD", "DECIDED"], row, "Nobody has access.")
    }
}

fn scopes(token: &Value) -> String {
    let scope = |scope: &Value| {
        let place =
            [text(scope, "/tenant"), text(scope, "/labels"), text(scope, "/host"), text(scope, "/sections")];
        let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
        if place.is_empty() {
            text(scope, "/role")
        } else {
            format!("{} ({})", text(scope, "/role"), place.join(" "))
        }
    };
    token["scopes"].as_array().into_iter().flatten().map(scope).collect::<Vec<_>>().join(", ")
}

fn codes(line: &Value) -> String {
    let findings = line["findings"].as_array().into_iter().flatten();
    findings.map(|finding| text(finding, "/code")).collect::<Vec<_>>().join(" ")
}

/// RFC 4180, and nothing that a spreadsheet takes for a formula.
fn csv(cell: &str) -> String {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if risky { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_stays_one_cell() {
        assert_eq!(csv("=cmd|'/c calc'!A1"), "'=cmd|'/c calc'!A1");
        assert_eq!(csv("@sum(1,2)"), "\"'@sum(1,2)\"");
        assert_eq!(csv("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(csv("plain"), "plain");
    }
}
