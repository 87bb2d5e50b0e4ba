//! Rules for passwords, and the list of breached ones.

use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use wk_identity::{BlocklistFormat, guess_format, import_blocklist};

use super::{Cli, text};
use crate::args::{BlocklistCommand, PasswordPolicyCommand};
use crate::out;

impl Cli {
    pub(super) async fn password_policy(&self, command: PasswordPolicyCommand) -> Result<ExitCode> {
        match command {
            PasswordPolicyCommand::Show { scope } => self.show_policy(scope.as_deref()).await,
            PasswordPolicyCommand::Set { scope, profile, knobs, preview } => {
                let mut turned = Map::new();
                for pair in &knobs {
                    let (key, to) = pair.split_once('=').with_context(|| {
                        format!("`{pair}`: write a knob as `history=4` or `one_count=on`")
                    })?;
                    turned.insert(key.to_owned(), number(to).with_context(|| format!("`{pair}`"))?.into());
                }
                let body = json!({"scope": scope, "profile": profile, "knobs": turned});
                if preview {
                    let value = self.client.post("/policies/password/preview", &body).await?;
                    let line = format!(
                        "{} accounts: {} must change at their next sign-in, {} more may have to",
                        value["accounts"], value["must_change"], value["may_change"]
                    );
                    return self.done(&value, &line);
                }
                let value = self.client.put("/policies/password", &body).await?;
                self.done(&value, &format!("{scope}: {profile}"))
            }
            PasswordPolicyCommand::Remove { scope } => {
                let body = json!({"scope": scope});
                let value = self.client.post("/policies/password/remove", &body).await?;
                self.done(&value, &format!("{scope}: removed"))
            }
        }
    }

    async fn show_policy(&self, scope: Option<&str>) -> Result<ExitCode> {
        let value = self.client.get("/policies/password").await?;
        if self.json {
            return self.done(&value, "");
        }
        let none = Vec::new();
        let policies = value["policies"].as_array().unwrap_or(&none);
        let wanted: Vec<&Value> =
            policies.iter().filter(|policy| scope.is_none_or(|scope| policy["scope"] == scope)).collect();
        if wanted.is_empty() {
            bail!("there is no policy for `{}`", scope.unwrap_or("default"));
        }
        for policy in wanted {
            let name = text(policy, "/profile");
            out::line(&format!("{}: {name}", text(policy, "/scope")));
            let profile = value["profiles"].as_array().unwrap_or(&none).iter().find(|p| p["name"] == *name);
            let knobs = profile.and_then(|profile| profile["knobs"].as_array()).unwrap_or(&none);
            let rows: Vec<Vec<String>> = knobs
                .iter()
                .map(|knob| {
                    let key = text(knob, "/key");
                    let now = &policy["values"][&key];
                    let shown = match (knob["switch"] == true, now) {
                        (_, Value::Null) => "none".to_owned(),
                        (true, now) => if *now == 1 { "on" } else { "off" }.to_owned(),
                        (false, now) => now.to_string(),
                    };
                    vec![key, shown, text(knob, "/allowed"), text(knob, "/clause"), text(knob, "/title")]
                })
                .collect();
            out::table(&["KNOB", "NOW", "ALLOWED", "BY", "WHAT"], &rows);
            out::line("");
        }
        match value["blocklist_entries"].as_u64() {
            Some(entries) => out::line(&format!(
                "Breached passwords: {entries}, list of {}",
                text(&value, "/blocklist_made_at")
            )),
            None => out::line(
                "Breached passwords: no list beside the built-in one. Load one: watchkeep password blocklist import FILE",
            ),
        }
        if let Some(trouble) = value["blocklist_trouble"].as_str() {
            out::error(&format!("The list that is there cannot be used: {trouble}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn number(raw: &str) -> Result<u64> {
    Ok(match raw {
        "on" | "yes" => 1,
        "off" | "no" | "none" => 0,
        digits => digits.parse().context("write a number, or on, off, none")?,
    })
}

/// Makes the list of breached passwords. Needs the data directory alone; a running server takes the new list within
/// seconds.
pub(super) fn blocklist(data: &Path, command: BlocklistCommand) -> Result<ExitCode> {
    let BlocklistCommand::Import { file, format } = command;
    let owner = data.metadata().with_context(|| {
        format!("cannot look at {}: give the server's data directory with --data", data.display())
    })?;
    let target = data.join(wk_api::BLOCKLIST_FILE);
    let folder = target.parent().context("the list has no folder")?;
    if !folder.exists() {
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .with_context(|| folder.display().to_string())?;
        give(folder, &owner)?;
    }
    let mut input: Box<dyn std::io::BufRead> = if file.as_os_str() == "-" {
        Box::new(BufReader::with_capacity(1 << 20, std::io::stdin().lock()))
    } else {
        let open = File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Box::new(BufReader::with_capacity(1 << 20, open))
    };
    let format = match format.as_deref() {
        Some("words") => BlocklistFormat::Words,
        Some("sha1") => BlocklistFormat::Sha1,
        _ => guess_format(&mut input).with_context(|| format!("cannot read {}", file.display()))?,
    };
    let progress = |lines: u64| out::error(&format!("{lines} lines read"));
    let imported = import_blocklist(input, format, &target, progress)
        .with_context(|| format!("{} was not imported, the list is as it was", file.display()))?;
    out::line(&format!(
        "{} different passwords from {} lines ({} passed over) in {}. A running server uses them within seconds.",
        imported.entries,
        imported.lines,
        imported.skipped,
        target.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// What root makes for the server is the server's.
fn give(path: &Path, owner: &std::fs::Metadata) -> Result<()> {
    if path.metadata()?.uid() != owner.uid() {
        std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
            .with_context(|| format!("cannot give {} to the server's user", path.display()))?;
    }
    Ok(())
}
