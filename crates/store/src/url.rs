//! Where the data is: a SQLite file, or a PostgreSQL server reached over TLS or a local socket. Never over plain TCP.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Where the data is.
#[derive(Clone)]
pub struct StoreUrl(pub(crate) Target);

#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    /// The options hold the password: they are never printed.
    Postgres {
        options: Box<PgConnectOptions>,
        shown: String,
    },
}

/// Why a text does not say where the data is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    #[error(
        "the store is `sqlite:<file>` or `postgres://user@host/database?sslrootcert=<file>`, but `{scheme}` was given"
    )]
    Scheme { scheme: String },
    #[error("`sqlite:` needs a file, such as `sqlite:/var/lib/watchkeep/watchkeep.db`")]
    NoFile,
    #[error(
        "the store's URL holds a password, which other users of the machine could read. \
         Write it to a file of mode 0600 and say `?password_file=<file>`, or set PGPASSWORD"
    )]
    PasswordInUrl,
    #[error(
        "`sslmode={mode}` would let somebody on the way read or change everything. Leave it out (`verify-full` always \
         holds) and name the server's authority with `sslrootcert=<file>`, or use a local socket: `?host=/run/postgresql`"
    )]
    Plaintext { mode: String },
    #[error(
        "the store's URL has a parameter `{name}` that means nothing here; known are host, port, user, dbname, \
             sslrootcert, sslcert, sslkey, sslmode and password_file"
    )]
    Parameter { name: String },
    #[error("cannot read the password file {path}: {detail}")]
    PasswordFile { path: String, detail: String },
    #[error("the password file {path} can be read by others; run `chmod 600 {path}`")]
    PasswordFileMode { path: String },
    #[error("the store's URL cannot be read: {detail}")]
    Syntax { detail: String },
}

impl StoreUrl {
    /// The SQLite file at `path`; its folder must exist.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Target::Sqlite(path.into()))
    }

    /// The embedded store of a data directory: `watchkeep.db` in it.
    pub fn in_data_dir(dir: &Path) -> Self {
        Self::sqlite(dir.join("watchkeep.db"))
    }

    /// Reads `sqlite:<file>` or `postgres://…`. The password of PostgreSQL comes from `password_file=`, `PGPASSWORD`
    /// or `~/.pgpass`.
    ///
    /// # Errors
    /// [`StoreUrlError`], which never repeats a password.
    pub fn parse(raw: &str) -> Result<Self, StoreUrlError> {
        let (scheme, rest) = raw.split_once(':').unwrap_or(("", raw));
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() { Err(StoreUrlError::NoFile) } else { Ok(Self::sqlite(path)) }
            }
            "postgres" | "postgresql" => postgres(rest),
            _ => Err(StoreUrlError::Scheme { scheme: scheme.chars().take(20).collect() }),
        }
    }

    /// The SQLite file, if it is one.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Target::Sqlite(path) => Some(path),
            Target::Postgres { .. } => None,
        }
    }
}

fn postgres(rest: &str) -> Result<StoreUrl, StoreUrlError> {
    let syntax = |detail: &str| StoreUrlError::Syntax { detail: detail.to_owned() };
    let rest = rest.strip_prefix("//").ok_or_else(|| syntax("after `postgres:` comes `//`"))?;
    let (place, params) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or("");
    if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        return Err(StoreUrlError::PasswordInUrl);
    }
    let mut kept = Vec::new();
    let mut password_file = None;
    for param in params.split('&').filter(|param| !param.is_empty()) {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        match name {
            "host" | "port" | "user" | "dbname" | "sslrootcert" | "sslcert" | "sslkey" => kept.push(param),
            "sslmode" if value == "verify-full" => {}
            "sslmode" => return Err(StoreUrlError::Plaintext { mode: value.chars().take(20).collect() }),
            "password" => return Err(StoreUrlError::PasswordInUrl),
            "password_file" => password_file = Some(value.to_owned()),
            other => return Err(StoreUrlError::Parameter { name: other.chars().take(40).collect() }),
        }
    }
    let shown = if kept.is_empty() {
        format!("postgres://{place}")
    } else {
        format!("postgres://{place}?{}", kept.join("&"))
    };
    let mut options = PgConnectOptions::from_str(&shown).map_err(|e| syntax(&e.to_string()))?;
    if let Some(path) = password_file {
        options = options.password(&password(&path)?);
    }
    let local = options.get_socket().is_some() || options.get_host().starts_with('/');
    // Set in any case: an environment variable must not weaken it.
    options = options.ssl_mode(if local { PgSslMode::Disable } else { PgSslMode::VerifyFull });
    Ok(StoreUrl(Target::Postgres { options: Box::new(options), shown }))
}

fn password(path: &str) -> Result<String, StoreUrlError> {
    use std::os::unix::fs::PermissionsExt as _;
    let unreadable =
        |e: std::io::Error| StoreUrlError::PasswordFile { path: path.to_owned(), detail: e.to_string() };
    let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(StoreUrlError::PasswordFileMode { path: path.to_owned() });
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

impl fmt::Display for StoreUrl {
    /// Without any password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Target::Postgres { shown, .. } => f.write_str(shown),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(raw: &str) -> Result<Self, StoreUrlError> {
        Self::parse(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for url in ["postgres://wk:geheim@db/wk", "postgres://wk@db/wk?password=geheim"] {
            let error = StoreUrl::parse(url).unwrap_err();
            assert_eq!(error, StoreUrlError::PasswordInUrl);
            assert!(!error.to_string().contains("geheim"));
        }
    }

    #[test]
    fn no_mode_but_full_verification_is_taken_over_tcp() {
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let error = StoreUrl::parse(&format!("postgres://wk@db/wk?sslmode={mode}")).unwrap_err();
            assert_eq!(error, StoreUrlError::Plaintext { mode: mode.into() });
        }
        let url = StoreUrl::parse("postgres://wk@db.example/wk?sslmode=verify-full").unwrap();
        let Target::Postgres { options, .. } = &url.0 else { panic!("not PostgreSQL") };
        assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
    }

    #[test]
    fn the_password_file_is_read_and_never_shown() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pw");
        std::fs::write(&file, "geheim\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let raw = format!("postgres://wk@db/wk?password_file={}", file.display());
        assert!(matches!(StoreUrl::parse(&raw), Err(StoreUrlError::PasswordFileMode { .. })));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let url = StoreUrl::parse(&raw).unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://wk@db/wk postgres://wk@db/wk");
    }

    #[test]
    fn other_words_are_refused_with_what_is_known() {
        assert!(matches!(StoreUrl::parse("mysql://x"), Err(StoreUrlError::Scheme { .. })));
        assert!(matches!(StoreUrl::parse(""), Err(StoreUrlError::Scheme { .. })));
        assert!(matches!(StoreUrl::parse("sqlite:"), Err(StoreUrlError::NoFile)));
        assert!(matches!(
            StoreUrl::parse("postgres://db/wk?sslrotcert=x"),
            Err(StoreUrlError::Parameter { .. })
        ));
    }
}
