//! The server's configuration file, `watchkeep.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::strict::{self, ConfigError, Source};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The `[log]` table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a list such as `info,wk_hub=debug`.
    pub level: String,
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// The whole file. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Console and API. Until the server is claimed only its loopback counterpart is listened on.
    pub console_listen: SocketAddr,
    /// Agents.
    pub hub_listen: SocketAddr,
    /// Names and addresses of this server, for its certificate and for the line that enrols an agent. The machine's own
    /// are added.
    pub names: Vec<String>,
    /// Addresses that are led to the console from elsewhere, such as `https://watch.acme.example`: a port that is forwarded,
    /// a balancer. Passkeys work under them; where the console listens they work anyway.
    pub origins: Vec<String>,
    /// `sqlite` (in the data directory), or `postgres://user@host/database`. TLS is always verified.
    pub database: String,
    /// File that holds the database's password, readable by the server's user alone.
    pub database_password_file: Option<PathBuf>,
    /// Further root certificate for the database's TLS, PEM.
    pub database_root_file: Option<PathBuf>,
    /// File that holds the passphrase under which keys are sealed. Without it, and without a systemd credential
    /// `watchkeep-kek`, the key-encryption key is a file in the data directory.
    pub passphrase_file: Option<PathBuf>,
    /// Private networks that webhooks may reach, such as `10.1.0.0/16`. Public addresses always may.
    pub webhook_private_networks: Vec<String>,
    pub log: LogConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            console_listen: SocketAddr::from(([0, 0, 0, 0], 8443)),
            hub_listen: SocketAddr::from(([0, 0, 0, 0], 8444)),
            names: Vec::new(),
            origins: Vec::new(),
            database: "sqlite".to_owned(),
            database_password_file: None,
            database_root_file: None,
            passphrase_file: None,
            webhook_private_networks: Vec::new(),
            log: LogConfig::default(),
        }
    }
}

impl ServerConfig {
    /// Reads the file. With `optional`, one that is not there is an empty one.
    ///
    /// # Errors
    /// [`ConfigError`] says file, line, column, what is wrong and what was probably meant.
    pub fn read(path: &Path, optional: bool) -> Result<Self, ConfigError> {
        strict::read(path, optional, Self::checked)
    }

    fn checked(self, source: Source<'_>) -> Result<Self, ConfigError> {
        if self.console_listen.port() == self.hub_listen.port() && self.console_listen.port() != 0 {
            return Err(source.wrong(
                "hub_listen",
                "console_listen and hub_listen have the same port; agents and people use different ones",
            ));
        }
        if holds_password(&self.database) {
            return Err(source.wrong(
                "database",
                "the password does not belong into `database`: put it into a file and name it in `database_password_file`",
            ));
        }
        Ok(self)
    }
}

/// `postgres://user:password@host`, or `?password=` behind it. A port has a colon, too.
fn holds_password(database: &str) -> bool {
    let Some((_, rest)) = database.split_once("://") else { return false };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
        || parameters.split('&').any(|parameter| parameter.starts_with("password="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ServerConfig, String> {
        let path = Path::new("watchkeep.toml");
        let source = Source { path, text };
        strict::parse::<ServerConfig>(path, text).and_then(|c| c.checked(source)).map_err(|e| e.to_string())
    }

    #[test]
    fn an_empty_file_is_a_good_one() {
        assert_eq!(read("").unwrap(), ServerConfig::default());
    }

    #[test]
    fn a_typo_stops_the_start_and_is_mended() {
        let error = read("names = []\nconsole_lisen = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.starts_with("watchkeep.toml:2:1: unknown field `console_lisen`"), "{error}");
        assert!(error.ends_with("Did you mean `console_listen`?"), "{error}");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        assert!(read("console_listen = \"everywhere\"").unwrap_err().contains("watchkeep.toml:1:"));
        assert!(read("hub_listen = \"0.0.0.0:8443\"").unwrap_err().contains("same port"));
        assert!(
            read("database = \"postgres://me:secret@db/wk\"").unwrap_err().contains("database_password_file")
        );
        assert!(!read("database = \"postgres://me:secret@db/wk\"").unwrap_err().contains("secret@"));
        assert!(read("tls = false").unwrap_err().contains("unknown field `tls`"));
    }

    #[test]
    fn a_value_that_cannot_be_is_found_by_line_and_key() {
        let error = read("# ports\nhub_listen = \"0.0.0.0:8443\"\n").unwrap_err();
        assert!(error.starts_with("watchkeep.toml:2:1: "), "{error}");
        let error = read("names = []\n\n  database = \"postgres://me:secret@db/wk\"").unwrap_err();
        assert!(error.starts_with("watchkeep.toml:3:3: ") && error.contains("`database`"), "{error}");
    }

    #[test]
    fn a_database_on_another_port_holds_no_password() {
        for good in [
            "postgres://db.example:5433/wk",
            "postgres://watchkeep@db.example:5433/wk",
            "postgres://[2001:db8::1]:5433/wk",
            "postgres:///wk?host=/run/postgresql",
        ] {
            assert!(read(&format!("database = \"{good}\"")).is_ok(), "{good}");
        }
        for bad in ["postgres://me:s@db/wk", "postgresql://me:s@db:5433/wk", "postgres://me@db/wk?password=s"]
        {
            assert!(read(&format!("database = \"{bad}\"")).unwrap_err().contains("password_file"), "{bad}");
        }
    }
}
