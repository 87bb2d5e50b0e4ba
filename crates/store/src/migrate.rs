//! The schema's steps, in order, each once. They only ever add: the program before and the program after a step can both
//! use the database, so an upgrade can be taken back.

use aws_lc_rs::digest;
use wk_domain::Timestamp;
use wk_engine::ports::store::StoreError;

use crate::db::{Db, Engine, Tx};
use crate::sql::sql;

type Result<T> = std::result::Result<T, StoreError>;

struct Step {
    name: &'static str,
    common: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Version `n` is the step at index `n - 1`. A step that was released is never edited: its digest is kept.
const STEPS: &[Step] = &[
    Step {
        name: "first",
        common: include_str!("migrations/0001_first.sql"),
        sqlite: include_str!("migrations/0001_first.sqlite.sql"),
        postgres: include_str!("migrations/0001_first.postgres.sql"),
    },
    Step { name: "people", common: include_str!("migrations/0002_people.sql"), sqlite: "", postgres: "" },
    Step { name: "keel", common: include_str!("migrations/0003_keel.sql"), sqlite: "", postgres: "" },
    Step { name: "fence", common: include_str!("migrations/0004_fence.sql"), sqlite: "", postgres: "" },
    Step {
        name: "read_only",
        common: include_str!("migrations/0005_read_only.sql"),
        sqlite: "",
        postgres: "",
    },
    Step { name: "access", common: include_str!("migrations/0006_access.sql"), sqlite: "", postgres: "" },
    Step {
        name: "tenants",
        common: include_str!("migrations/0007_tenants.sql"),
        sqlite: include_str!("migrations/0007_tenants.sqlite.sql"),
        postgres: include_str!("migrations/0007_tenants.postgres.sql"),
    },
    Step { name: "tokens", common: include_str!("migrations/0008_tokens.sql"), sqlite: "", postgres: "" },
    Step {
        name: "passwords",
        common: include_str!("migrations/0009_passwords.sql"),
        sqlite: "",
        postgres: "",
    },
    Step { name: "passkeys", common: include_str!("migrations/0010_passkeys.sql"), sqlite: "", postgres: "" },
    Step { name: "outside", common: include_str!("migrations/0011_outside.sql"), sqlite: "", postgres: "" },
];

/// The schema version that this program writes.
pub const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// Takes turns among servers that start at once on one PostgreSQL: the ASCII of `wkmigrat`.
const PG_MIGRATION_LOCK: i64 = 0x776b_6d69_6772_6174;

impl Step {
    /// The text for an engine.
    fn text(&self, engine: Engine) -> String {
        let nil = "00000000000000000000000000000000";
        let (text, clustered, root, own) = match engine {
            Engine::Sqlite => ("TEXT", "WITHOUT ROWID", format!("X'{nil}'"), self.sqlite),
            Engine::Postgres => ("TEXT COLLATE \"C\"", "", format!("'\\x{nil}'::bytea"), self.postgres),
        };
        let common = self.common.replace("{text}", text).replace("{clustered}", clustered);
        format!("{}\n{own}", common.replace("{root}", &root))
    }

    fn digest(&self, engine: Engine) -> String {
        digest::digest(&digest::SHA256, self.text(engine).as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Brings the database to [`SCHEMA_VERSION`]; returns how many steps it took.
///
/// # Errors
/// [`StoreError::TooNew`] when a newer program was here; [`StoreError::Corrupt`] when a step taken is not the one this
/// program knows by that number.
pub(crate) async fn migrate(db: &Db, now: Timestamp) -> Result<usize> {
    // A table that others refer to is made anew in a step or two: what refers to it must not go with the old one.
    db.keep_references(false).await?;
    let done = steps(db, now).await;
    db.keep_references(true).await?;
    done
}

async fn steps(db: &Db, now: Timestamp) -> Result<usize> {
    let engine = db.engine();
    let mut tx = db.begin().await?;
    if engine == Engine::Sqlite {
        // A connection that was replaced between would not know, and removing the old table would remove all that
        // refers to it.
        let kept = tx.row(sql("PRAGMA foreign_keys")).await?.map(|row| row.read().int()).transpose()?;
        if kept != Some(0) {
            return Err(StoreError::Unavailable {
                detail: "the connection was replaced; start again".into(),
            });
        }
    }
    if engine == Engine::Postgres {
        tx.run(sql("SELECT pg_advisory_xact_lock($1)").bind(PG_MIGRATION_LOCK)).await?;
    }
    let table = "CREATE TABLE IF NOT EXISTS schema_step (
        version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, taken BIGINT NOT NULL)";
    Db::script(&mut tx, table.to_owned()).await?;
    let taken = taken(&mut tx).await?;
    if let Some((version, _)) = taken.last().filter(|(version, _)| *version > SCHEMA_VERSION) {
        return Err(StoreError::TooNew { found: *version, known: SCHEMA_VERSION });
    }
    for (index, (version, digest)) in taken.iter().enumerate() {
        let known = STEPS.get(index).map(|step| step.digest(engine));
        if usize::try_from(*version) != Ok(index + 1) || known.as_ref() != Some(digest) {
            return Err(StoreError::Corrupt {
                detail: format!(
                    "schema step {version} is not the one this program knows; was the database edited by hand?"
                ),
            });
        }
    }
    let left = &STEPS[taken.len()..];
    for (version, step) in (1_i64..).zip(STEPS).skip(taken.len()) {
        Db::script(&mut tx, step.text(engine)).await?;
        let record = sql("INSERT INTO schema_step (version, name, sha256, taken) VALUES ($1, $2, $3, $4)");
        tx.run(record.bind(version).bind(step.name).bind(step.digest(engine)).bind(now)).await?;
    }
    if engine == Engine::Sqlite && !left.is_empty() {
        // Nothing may refer to what is not there, as with foreign keys on.
        if let Some(row) = tx.row(sql("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")).await? {
            let table = row.read().text()?;
            return Err(StoreError::Corrupt {
                detail: format!("rows of {table} refer to what is not there; the schema was left as it was"),
            });
        }
    }
    tx.commit().await?;
    Ok(left.len())
}

async fn taken(tx: &mut Tx) -> Result<Vec<(i64, String)>> {
    let rows = tx.rows(sql("SELECT version, sha256 FROM schema_step ORDER BY version")).await?;
    rows.iter()
        .map(|row| {
            let mut row = row.read();
            Ok((row.int()?, row.text()?))
        })
        .collect()
}
