//! Opening: the file's mode and owner mark, the check for damage, the schema, and the claim of a PostgreSQL database.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use wk_domain::Timestamp;
use wk_engine::ports::store::{Result, StoreError};

use crate::SqlStore;
use crate::db::{Db, Engine};
use crate::migrate::migrate;
use crate::sql::sql;
use crate::url::{StoreUrl, Target};

/// What for a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The one server that judges and writes. On PostgreSQL a second one is refused; on SQLite
    /// [`crate::DataDirLock`] does that.
    Server,
    /// A tool beside it: a check, an export, a test.
    Tool,
}

/// Marks the file as ours, so that another program's database is not taken for one: the ASCII of `WKP1`.
const APPLICATION_ID: i64 = 0x574b_5031;

/// Up to this size the whole file is looked through at every start; above, only after an unclean end. It takes about a
/// second for each 500 MB.
const ALWAYS_CHECKED_BYTES: u64 = 256 * 1024 * 1024;

impl SqlStore {
    /// Opens the store, makes it when it is not there, and brings its schema up to date. `now` dates the steps.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::CannotWrite`] and [`StoreError::Corrupt`] as they are;
    /// [`StoreError::TooNew`] when a newer program was here; [`StoreError::Conflict`] when another server has it.
    pub async fn open(url: &StoreUrl, access: Access, now: Timestamp) -> Result<Self> {
        let node = node();
        let db = match &url.0 {
            Target::Sqlite(path) => sqlite(path, &node).await?,
            Target::Postgres { options, .. } => {
                Db::postgres((**options).clone(), &node, access == Access::Server).await?
            }
        };
        let steps = migrate(&db, now).await?;
        if steps > 0 {
            tracing::info!(steps, "the database's schema is up to date");
        }
        db.look_at_wall().await?;
        db.fence().await?;
        Ok(Self { db })
    }

    /// Which engine keeps the data.
    pub fn engine(&self) -> Engine {
        self.db.engine()
    }

    /// Looks through the whole database for damage (SQLite; PostgreSQL has `pg_amcheck` for that).
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first thing found.
    pub async fn check(&self) -> Result<()> {
        match self.db.engine() {
            Engine::Sqlite => quick_check(&self.db).await,
            Engine::Postgres => Ok(()),
        }
    }
}

/// This machine's name, as the audit log gives it.
fn node() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "server".to_owned() } else { name.to_owned() }
}

async fn sqlite(path: &Path, node: &str) -> Result<Db> {
    let fresh = prepare(path)?;
    let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let unclean = std::fs::metadata(&log).is_ok_and(|meta| meta.len() > 0);
    let db = Db::sqlite(SqliteConnectOptions::new().filename(path).create_if_missing(false), node).await?;
    if fresh {
        let mut tx = db.begin().await?;
        Db::script(&mut tx, format!("PRAGMA application_id = {APPLICATION_ID}")).await?;
        tx.commit().await?;
        return Ok(db);
    }
    let id = db.row(sql("PRAGMA application_id")).await?.map(|row| row.read().int()).transpose()?;
    if id != Some(APPLICATION_ID) {
        return Err(StoreError::Corrupt {
            detail: format!(
                "{} is a database of another program, or damaged in its first page",
                path.display()
            ),
        });
    }
    schema_is_readable(&db).await?;
    if unclean || size <= ALWAYS_CHECKED_BYTES {
        quick_check(&db).await?;
    }
    Ok(db)
}

/// The schema's own text is ASCII. The driver's thread panics on a column type that is not UTF-8, so a flipped bit there
/// must be found first.
async fn schema_is_readable(db: &Db) -> Result<()> {
    for row in db
        .rows(sql("SELECT CAST(type || ' ' || name || ' ' || COALESCE(sql, '') AS BLOB) FROM sqlite_schema"))
        .await?
    {
        if !row.read().bytes()?.is_ascii() {
            return Err(StoreError::Corrupt {
                detail: "the schema in the file's first pages is damaged".into(),
            });
        }
    }
    Ok(())
}

async fn quick_check(db: &Db) -> Result<()> {
    let said = db.row(sql("PRAGMA quick_check(1)")).await?.map(|row| row.read().text()).transpose()?;
    match said.as_deref() {
        Some("ok") => Ok(()),
        said => Err(StoreError::Corrupt {
            detail: format!(
                "the file is damaged ({}). Restore a backup, or save what `sqlite3 .recover` finds",
                said.unwrap_or("no answer")
            ),
        }),
    }
}

/// Makes the file with mode 0600, or looks whether what is there can be ours. True: it is new and empty.
fn prepare(path: &Path) -> Result<bool> {
    let failed = |e: std::io::Error| {
        let detail = format!("{}: {e}", path.display());
        match e.kind() {
            ErrorKind::StorageFull | ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                StoreError::CannotWrite { detail }
            }
            ErrorKind::NotFound => {
                StoreError::Unavailable { detail: format!("{detail}. Does its folder exist?") }
            }
            _ => StoreError::Unavailable { detail },
        }
    };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => return Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
        Err(e) => return Err(failed(e)),
    }
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(StoreError::Corrupt { detail: format!("{} is not a file", path.display()) });
    }
    if meta.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others could read the database; its mode is 0600 now");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    if meta.len() == 0 {
        // Made by a start that was interrupted before the first page.
        return Ok(true);
    }
    let mut head = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(16).read_to_end(&mut head)).map_err(failed)?;
    if head != b"SQLite format 3\0" {
        return Err(StoreError::Corrupt {
            detail: format!("{} is not a SQLite database, or its first page is damaged", path.display()),
        });
    }
    Ok(false)
}
