//! Certificates: the inventory, and the end of the authority.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Cli, text};
use crate::out;

impl Cli {
    pub(super) async fn certs(&self) -> Result<ExitCode> {
        let items = self.client.whole("/certificates").await?;
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
}

/// Destroys the authority's keys. Needs the data directory alone: a running server would still hold them.
pub(super) async fn destroy(data: &Path, confirm: &str) -> Result<ExitCode> {
    if confirm != "destroy" {
        bail!("this cannot be undone: every agent must enrol again. Type --confirm destroy");
    }
    let dir = if data.join("server/ca").exists() { data.join("server") } else { data.to_owned() };
    let now = wk_engine::ports::Clock::now(&wk_engine::ports::SystemClock);
    let _lock = wk_store::DataDirLock::take(&dir, now).context("stop the server first")?;
    let unwritten = crate::server::record_destruction(&dir).await;
    let gone = wk_pki::Ca::destroy_keys(&dir.join("ca"))?;
    if let Err(error) = unwritten {
        // Destroying keys may be urgent, and the database what is lost.
        out::error(&format!("the audit log could not be told of it: {error:#}"));
    }
    for file in &gone {
        out::line(&format!("destroyed {}", file.display()));
    }
    if gone.is_empty() {
        out::line("There was no key to destroy.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the authority's root certificate: what others check this server by. No key is in it.
pub(super) fn root(data: &Path) -> Result<ExitCode> {
    let places = [data.join("ca/root.pem"), data.join("server/ca/root.pem")];
    let path = places.iter().find(|place| place.exists());
    let path = path.with_context(|| format!("there is no authority in {}", data.display()))?;
    let file = wk_seal::read_private(path, 1 << 20)?;
    let pem = std::str::from_utf8(file.expose()).context("the authority's file cannot be read")?;
    // The private key stands in the same file.
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let block =
        pem.find(BEGIN).and_then(|from| pem.get(from..)).and_then(|rest| Some(rest.split_once(END)?.0));
    let block = block.with_context(|| format!("{} holds no certificate", path.display()))?;
    out::line(&format!("{block}{END}"));
    Ok(ExitCode::SUCCESS)
}
