//! The agent's configuration file, `agent.toml`. Plugins are allowed in a file of their own, `plugins.toml`, that the
//! sandbox reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::server::LogConfig;
use crate::strict::{self, ConfigError, Source};

/// Whether the server may give this agent anything to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remote {
    /// Built-in probes, and plugins that `plugins.toml` allows by digest.
    #[default]
    On,
    /// Nothing at all. No message of the server can change this.
    Off,
}

/// The whole file. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentConfig {
    /// Identity, spool and execution record. Only the agent's user may read it.
    pub data_dir: PathBuf,
    /// User to become when started by root.
    pub user: String,
    pub remote: Remote,
    /// Seconds between samples, 1 to 300.
    pub sample_interval_s: u64,
    /// Also measure each processor core.
    pub per_core: bool,
    /// HTTP proxy that is asked to CONNECT to the server, `host:port`.
    pub proxy: Option<String>,
    /// Most bytes the spool may take on disk, in MiB.
    pub spool_mib: u64,
    /// Observations older than this are dropped from the spool, in hours.
    pub spool_hours: u64,
    /// Probes under way at once.
    pub probes_max: usize,
    /// Plugins under way at once.
    pub plugins_max: usize,
    /// Description, group, department, responsible, location: whatever people want to know of this machine.
    pub fields: BTreeMap<String, String>,
    pub log: LogConfig,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/watchkeep-agent"),
            user: "watchkeep-agent".to_owned(),
            remote: Remote::On,
            sample_interval_s: 10,
            per_core: false,
            proxy: None,
            spool_mib: 64,
            spool_hours: 24,
            probes_max: 2000,
            plugins_max: 8,
            fields: BTreeMap::new(),
            log: LogConfig::default(),
        }
    }
}

impl AgentConfig {
    /// Reads the file. With `optional`, one that is not there is an empty one.
    ///
    /// # Errors
    /// [`ConfigError`] says file, line, column, what is wrong and what was probably meant.
    pub fn read(path: &Path, optional: bool) -> Result<Self, ConfigError> {
        strict::read(path, optional, Self::checked)
    }

    fn checked(self, source: Source<'_>) -> Result<Self, ConfigError> {
        let bound = |name: &str, value: u64, from: u64, to: u64| {
            if (from..=to).contains(&value) {
                return Ok(());
            }
            Err(source.wrong(name, format!("{name} is {value}; use {from} to {to}")))
        };
        bound("sample_interval_s", self.sample_interval_s, 1, 300)?;
        bound("spool_mib", self.spool_mib, 1, 65_536)?;
        bound("spool_hours", self.spool_hours, 1, 8760)?;
        bound("probes_max", self.probes_max as u64, 1, 10_000)?;
        bound("plugins_max", self.plugins_max as u64, 1, 256)?;
        if self.fields.len() > 64 {
            let what = format!("there are {} fields; use at most 64", self.fields.len());
            return Err(source.wrong("fields", what));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AgentConfig, String> {
        let path = Path::new("agent.toml");
        let source = Source { path, text };
        strict::parse::<AgentConfig>(path, text).and_then(|c| c.checked(source)).map_err(|e| e.to_string())
    }

    #[test]
    fn remote_off_is_one_word_and_a_typo_in_it_stops_the_start() {
        assert_eq!(read("remote = \"off\"").unwrap().remote, Remote::Off);
        assert!(read("remote = \"offf\"").unwrap_err().contains("expected `on` or `off`"));
        assert!(read("remot = \"off\"").unwrap_err().ends_with("Did you mean `remote`?"));
    }

    #[test]
    fn bounds_are_named() {
        let error = read("remote = \"off\"\nspool_mib = 0").unwrap_err();
        assert_eq!(error, "agent.toml:2:1: spool_mib is 0; use 1 to 65536");
    }
}
