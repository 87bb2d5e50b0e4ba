//! Connections and transactions of either engine behind one face: a [`Query`] goes in, [`Row`]s come out.
//!
//! SQLite has one connection that writes and a few that only read; PostgreSQL one pool for both. All writing goes
//! through [`Tx`]; dropping one without [`Tx::commit`] undoes it.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Postgres, Sqlite, Transaction};
use wk_engine::ports::TenantScope;
use wk_engine::ports::store::StoreError;
use wk_engine::ports::tenants::SecondWall;

use crate::claim::Claim;
use crate::error::translate;
use crate::sql::{Query, sql};
use crate::value::Row;

type Result<T> = std::result::Result<T, StoreError>;

/// Which engine keeps the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// How long a caller waits for a connection. Longer than any ordinary transaction, shorter than a browser's patience.
const ACQUIRE: Duration = Duration::from_secs(5);

/// How long one statement may take on PostgreSQL, network included: a server that vanished without a word must not
/// hold a caller for ever. The server's own limit is shorter, so that it speaks first.
const STATEMENT: Duration = Duration::from_secs(60);

/// Readers beside the writer; lists are short, so few suffice.
const SQLITE_READERS: u32 = 4;

/// Connections to PostgreSQL from one server.
const PG_CONNECTIONS: u32 = 12;

/// The database, and the name under which this server writes into the audit log.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    pools: Pools,
    node: Arc<str>,
    wall: Arc<OnceLock<SecondWall>>,
}

#[derive(Debug, Clone)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres { pool: PgPool, claim: Option<Arc<Claim>> },
}

/// A transaction that may write.
#[derive(Debug)]
pub(crate) struct Tx {
    link: Link,
    node: Arc<str>,
}

#[derive(Debug)]
enum Link {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    pub(crate) async fn sqlite(options: SqliteConnectOptions, node: &str) -> Result<Self> {
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            // FULL, not NORMAL: what was acknowledged must survive a power cut, not only a crash of the program.
            .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(ACQUIRE)
            .statement_cache_capacity(256)
            // Negative: KiB. 64 MiB hold the states of 50 000 checks.
            .pragma("cache_size", "-65536")
            .pragma("temp_store", "memory")
            // Cells of deleted secrets are overwritten rather than left in free pages.
            .pragma("secure_delete", "fast")
            // A value that a damaged file makes up is caught where it is read, not where it is used.
            .pragma("cell_size_check", "on")
            .pragma("trusted_schema", "off")
            .disable_statement_logging();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE)
            .after_release(|conn, _| {
                Box::pin(async move {
                    // A full disk makes SQLite roll back by itself; the driver's own count of transactions is then
                    // wrong for good. Such a connection is replaced.
                    conn.ping().await?;
                    Ok(!conn.is_in_transaction())
                })
            })
            // 8 192 pages of 4 KiB: fewer, larger checkpoints, at most 32 MiB of log to read at start.
            .connect_with(options.clone().pragma("wal_autocheckpoint", "8192"))
            .await
            .map_err(translate)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE)
            .connect_with(options.create_if_missing(false).pragma("query_only", "on").row_buffer_size(512))
            .await
            .map_err(translate)?;
        Ok(Self { pools: Pools::Sqlite { writer, readers }, node: node.into(), wall: Arc::default() })
    }

    /// With `exclusive`, a second server is refused.
    pub(crate) async fn postgres(options: PgConnectOptions, node: &str, exclusive: bool) -> Result<Self> {
        let options = options
            .application_name("watchkeep")
            .statement_cache_capacity(256)
            .options([
                ("statement_timeout", "45s"),
                ("lock_timeout", "20s"),
                ("idle_in_transaction_session_timeout", "60s"),
                // The program's own eyes; a connection that says nothing sees no tenant's rows.
                ("watchkeep.scope", "*"),
            ])
            .disable_statement_logging();
        let claim = if exclusive { Some(Arc::new(Claim::take(options.clone()).await?)) } else { None };
        let pool = PgPoolOptions::new()
            .max_connections(PG_CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_with(options)
            .await
            .map_err(translate)?;
        Ok(Self { pools: Pools::Postgres { pool, claim }, node: node.into(), wall: Arc::default() })
    }

    pub(crate) const fn engine(&self) -> Engine {
        match &self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres { .. } => Engine::Postgres,
        }
    }

    /// Starts a transaction that writes. On SQLite it is the only one from the start: a later upgrade could fail.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        let link = match &self.pools {
            Pools::Sqlite { writer, .. } => writer.begin_with("BEGIN IMMEDIATE").await.map(Link::Sqlite),
            Pools::Postgres { pool, claim } => {
                if let Some(claim) = claim {
                    claim.holds()?;
                }
                let mut tx = bounded(pool.begin()).await.map_err(translate)?;
                if let Some(claim) = claim
                    && let Some(token) = claim.token()
                {
                    // Locked until the end of this transaction: whoever takes over waits for what is under way.
                    let fence = "SELECT token FROM server_fence WHERE only_row = 1 AND token = $1 FOR SHARE";
                    let found = bounded(sqlx::query(fence).bind(token).fetch_optional(&mut *tx)).await;
                    if found.map_err(translate)?.is_none() {
                        return Err(claim.superseded());
                    }
                }
                Ok(Link::Postgres(tx))
            }
        }
        .map_err(translate)?;
        Ok(Tx { link, node: Arc::clone(&self.node) })
    }

    /// Makes this server the one that writes: every transaction of another that began before has ended by then, and
    /// none begins after. Without a claim nothing.
    pub(crate) async fn fence(&self) -> Result<()> {
        let Pools::Postgres { claim: Some(claim), .. } = &self.pools else { return Ok(()) };
        let mut tx = self.begin().await?;
        let raise = sql("UPDATE server_fence SET token = token + 1 WHERE only_row = 1 RETURNING token");
        let Some(row) = tx.row(raise).await? else {
            return Err(StoreError::Corrupt {
                detail: "the number of the server that writes is gone".into(),
            });
        };
        let token = row.read().int()?;
        tx.commit().await?;
        claim.entitle(token);
        Ok(())
    }

    pub(crate) async fn rows(&self, query: Query) -> Result<Vec<Row>> {
        match &self.pools {
            Pools::Sqlite { readers, .. } => {
                let (text, args) = sqlite_args(query)?;
                let rows = sqlx::query_with(text, args).fetch_all(readers).await.map_err(translate)?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Pools::Postgres { pool, .. } => {
                let (text, args) = pg_args(query)?;
                let rows = bounded(sqlx::query_with(text, args).fetch_all(pool)).await.map_err(translate)?;
                Ok(rows.into_iter().map(Row::Pg).collect())
            }
        }
    }

    pub(crate) async fn row(&self, query: Query) -> Result<Option<Row>> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Reads with the eyes of whoever may see `scope`. The statement has its condition; on PostgreSQL the connection has
    /// them as well while it lasts, so that one without would show nothing foreign either.
    pub(crate) async fn seen(&self, scope: &TenantScope, query: Query) -> Result<Vec<Row>> {
        let Pools::Postgres { pool, .. } = &self.pools else { return self.rows(query).await };
        let mut tx = bounded(pool.begin()).await.map_err(translate)?;
        let eyes = match scope.tenants() {
            None => "*".to_owned(),
            Some(tenants) => {
                let hex: Vec<String> = tenants.iter().map(|id| id.uuid().simple().to_string()).collect();
                hex.join(",")
            }
        };
        // Both end with the transaction.
        let put = match self.wall() {
            SecondWall::Role => {
                "SELECT set_config('watchkeep.scope', $1, true), set_config('role', 'watchkeep_seen', true)"
            }
            SecondWall::None | SecondWall::Open | SecondWall::Forced => {
                "SELECT set_config('watchkeep.scope', $1, true)"
            }
        };
        bounded(sqlx::query(put).bind(eyes).fetch_one(&mut *tx)).await.map_err(translate)?;
        let (text, args) = pg_args(query)?;
        let rows = bounded(sqlx::query_with(text, args).fetch_all(&mut *tx)).await.map_err(translate)?;
        bounded(tx.commit()).await.map_err(translate)?;
        Ok(rows.into_iter().map(Row::Pg).collect())
    }

    /// How the database itself keeps tenants apart; as [`Self::look_at_wall`] found it.
    pub(crate) fn wall(&self) -> SecondWall {
        self.wall.get().copied().unwrap_or(match self.engine() {
            Engine::Sqlite => SecondWall::None,
            Engine::Postgres => SecondWall::Open,
        })
    }

    /// Finds out what this account may do, once the schema is there.
    pub(crate) async fn look_at_wall(&self) -> Result<()> {
        if self.engine() == Engine::Sqlite {
            return Ok(());
        }
        let look = "SELECT CASE
              WHEN EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'watchkeep_seen' AND NOT rolsuper AND NOT rolbypassrls
                           AND pg_has_role(current_user, oid, 'MEMBER'))
                   AND has_table_privilege('watchkeep_seen', 'event', 'SELECT') THEN 2::bigint
              WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) THEN 0
              ELSE 1 END";
        let found = match self.row(sql(look)).await {
            Ok(row) => row.map(|row| row.read().int()).transpose()?,
            // There is no such role to ask about.
            Err(StoreError::Other { .. }) => {
                let plain =
                    "SELECT CASE WHEN rolsuper OR rolbypassrls THEN 0::bigint ELSE 1 END FROM pg_roles
                             WHERE rolname = current_user";
                self.row(sql(plain)).await?.map(|row| row.read().int()).transpose()?
            }
            Err(error) => return Err(error),
        };
        let wall = match found {
            Some(2) => SecondWall::Role,
            Some(1) => SecondWall::Forced,
            _ => SecondWall::Open,
        };
        if wall == SecondWall::Open {
            tracing::warn!(
                "the database's account is a superuser and there is no role watchkeep_seen: row-level security does not hold"
            );
        }
        let _ = self.wall.set(wall);
        Ok(())
    }

    /// Turns foreign keys off or on while tables are made anew (SQLite). Only outside a transaction.
    pub(crate) async fn keep_references(&self, keep: bool) -> Result<()> {
        let Pools::Sqlite { writer, .. } = &self.pools else { return Ok(()) };
        let text = if keep { "PRAGMA foreign_keys = ON" } else { "PRAGMA foreign_keys = OFF" };
        sqlx::query(text).execute(writer).await.map(drop).map_err(translate)
    }

    /// Runs statements without arguments, several in one text. The text is the program's own.
    pub(crate) async fn script(tx: &mut Tx, text: String) -> Result<()> {
        let script = sqlx::raw_sql(AssertSqlSafe(text));
        match &mut tx.link {
            Link::Sqlite(tx) => script.execute(&mut **tx).await.map(drop),
            Link::Postgres(tx) => script.execute(&mut **tx).await.map(drop),
        }
        .map_err(translate)
    }

    /// Waits for transactions to end, folds the write-ahead log into the file, and closes.
    pub(crate) async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                // The last connection that closes folds the log in.
                writer.close().await;
            }
            Pools::Postgres { pool, claim } => {
                pool.close().await;
                if let Some(claim) = claim {
                    claim.release();
                }
            }
        }
    }
}

impl Tx {
    /// The name of this server in the audit log.
    pub(crate) const fn node(&self) -> &Arc<str> {
        &self.node
    }

    pub(crate) const fn engine(&self) -> Engine {
        match &self.link {
            Link::Sqlite(_) => Engine::Sqlite,
            Link::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement; returns how many rows it changed.
    pub(crate) async fn run(&mut self, query: Query) -> Result<u64> {
        match &mut self.link {
            Link::Sqlite(tx) => {
                let (text, args) = sqlite_args(query)?;
                let done = sqlx::query_with(text, args).execute(&mut **tx).await.map_err(translate)?;
                Ok(done.rows_affected())
            }
            Link::Postgres(tx) => {
                let (text, args) = pg_args(query)?;
                let done =
                    bounded(sqlx::query_with(text, args).execute(&mut **tx)).await.map_err(translate)?;
                Ok(done.rows_affected())
            }
        }
    }

    pub(crate) async fn run_all(&mut self, queries: Vec<Query>) -> Result<u64> {
        let mut changed = 0;
        for query in queries {
            changed += self.run(query).await?;
        }
        Ok(changed)
    }

    pub(crate) async fn rows(&mut self, query: Query) -> Result<Vec<Row>> {
        match &mut self.link {
            Link::Sqlite(tx) => {
                let (text, args) = sqlite_args(query)?;
                let rows = sqlx::query_with(text, args).fetch_all(&mut **tx).await.map_err(translate)?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Link::Postgres(tx) => {
                let (text, args) = pg_args(query)?;
                let rows =
                    bounded(sqlx::query_with(text, args).fetch_all(&mut **tx)).await.map_err(translate)?;
                Ok(rows.into_iter().map(Row::Pg).collect())
            }
        }
    }

    pub(crate) async fn row(&mut self, query: Query) -> Result<Option<Row>> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Makes it durable. An error says that it is not, with one exception that no database can take away: when the
    /// link to PostgreSQL breaks in this very moment, it may have been kept.
    pub(crate) async fn commit(self) -> Result<()> {
        match self.link {
            Link::Sqlite(tx) => tx.commit().await,
            Link::Postgres(tx) => bounded(tx.commit()).await,
        }
        .map_err(translate)
    }
}

async fn bounded<T>(
    work: impl Future<Output = std::result::Result<T, sqlx::Error>>,
) -> std::result::Result<T, sqlx::Error> {
    tokio::time::timeout(STATEMENT, work).await.unwrap_or_else(|_| {
        Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "the database did not answer in time",
        )))
    })
}

fn sqlite_args(query: Query) -> Result<(sqlx::SqlStr, SqliteArguments)> {
    use sqlx::Arguments as _;
    let mut args = SqliteArguments::default();
    args.reserve(query.args.len(), 0);
    for value in query.args {
        value.add_sqlite(&mut args).map_err(translate)?;
    }
    Ok((query.text.into_sql(), args))
}

fn pg_args(query: Query) -> Result<(sqlx::SqlStr, PgArguments)> {
    use sqlx::Arguments as _;
    let mut args = PgArguments::default();
    args.reserve(query.args.len(), query.args.len() * 16);
    for value in query.args {
        value.add_pg(&mut args).map_err(translate)?;
    }
    Ok((query.text.into_sql(), args))
}
