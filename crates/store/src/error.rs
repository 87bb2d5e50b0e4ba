//! What the drivers' errors mean to the store's callers.

use wk_engine::ports::store::StoreError;

/// Translates by code, never by words: the engines' messages change with version and language.
pub(crate) fn translate(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(db) => {
            let code = db.code().unwrap_or_default().into_owned();
            let detail = db.message().to_owned();
            if db.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                postgres(&code, detail)
            } else {
                sqlite(code.parse().unwrap_or(1), detail)
            }
        }
        sqlx::Error::PoolTimedOut => {
            StoreError::Unavailable { detail: "no connection became free in time".into() }
        }
        sqlx::Error::PoolClosed => StoreError::Unavailable { detail: "the store is closed".into() },
        sqlx::Error::WorkerCrashed => {
            StoreError::Unavailable { detail: "the database's thread ended".into() }
        }
        e @ (sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::BeginFailed) => StoreError::Unavailable { detail: e.to_string() },
        e @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
            StoreError::Corrupt { detail: e.to_string() }
        }
        e => StoreError::Other { what: "use the database", detail: e.to_string() },
    }
}

/// By extended result code: sqlite.org/rescode.html.
fn sqlite(code: i32, detail: String) -> StoreError {
    match code {
        // UNIQUE, PRIMARYKEY, ROWID
        2067 | 1555 | 2579 => StoreError::Conflict { what: taken(&detail) },
        // FOREIGNKEY
        787 => StoreError::Conflict { what: "something it refers to is not there".into() },
        // IOERR of WRITE, FSYNC, DIR_FSYNC, TRUNCATE, SHMOPEN, SHMSIZE
        778 | 1034 | 1290 | 1546 | 4618 | 4874 => StoreError::CannotWrite {
            detail: format!("{detail}. Is the disk full, or the file limited in size?"),
        },
        // IOERR of READ and SHORT_READ, DATA, CORRUPTFS
        266 | 522 | 8202 | 8458 => StoreError::Corrupt { detail },
        _ => match code & 0xff {
            // FULL, READONLY
            13 => StoreError::CannotWrite { detail: format!("{detail}. Free some space on the disk") },
            8 => StoreError::CannotWrite {
                detail: format!("{detail}. Check the owner and mode of the data directory"),
            },
            // BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, PROTOCOL, CANTOPEN, PERM, AUTH
            5 | 6 | 7 | 9 | 10 | 15 | 14 | 3 | 23 => StoreError::Unavailable { detail },
            // CORRUPT, NOTADB, FORMAT
            11 | 26 | 24 => StoreError::Corrupt { detail },
            // CONSTRAINT
            19 => StoreError::Conflict { what: format!("the database refuses: {detail}") },
            // TOOBIG
            18 => StoreError::Conflict { what: "a value is too large".into() },
            _ => StoreError::Other { what: "use the database", detail },
        },
    }
}

/// By SQLSTATE: postgresql.org/docs/current/errcodes-appendix.html.
fn postgres(code: &str, detail: String) -> StoreError {
    match code {
        "23505" => StoreError::Conflict { what: taken(&detail) },
        "23503" => StoreError::Conflict { what: "something it refers to is not there".into() },
        // Disk full, read-only transaction
        "53100" | "25006" => StoreError::CannotWrite { detail },
        // Deadlock, serialisation failure, lock not available, cancelled by timeout: nothing was changed
        "40P01" | "40001" | "55P03" | "57014" => StoreError::Unavailable { detail },
        _ => match code.get(..2) {
            Some("08" | "53" | "57" | "58" | "28" | "3D") => StoreError::Unavailable { detail },
            Some("XX") => StoreError::Corrupt { detail },
            Some("23" | "54" | "P0") => {
                StoreError::Conflict { what: format!("the database refuses: {detail}") }
            }
            _ => {
                StoreError::Other { what: "use the database", detail: format!("{detail} (SQLSTATE {code})") }
            }
        },
    }
}

/// SQLite names table and columns, PostgreSQL the constraint; callers who know better words give them themselves.
fn taken(detail: &str) -> String {
    format!("it is there already ({detail})")
}

/// Puts plain words to a conflict that only one rule can cause.
pub(crate) fn in_words(error: StoreError, words: impl FnOnce() -> String) -> StoreError {
    match error {
        StoreError::Conflict { .. } => StoreError::Conflict { what: words() },
        other => other,
    }
}

pub(crate) fn conflict(what: impl Into<String>) -> StoreError {
    StoreError::Conflict { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_what_the_caller_can_act_on() {
        assert!(matches!(sqlite(13, String::new()), StoreError::CannotWrite { .. }));
        assert!(matches!(sqlite(1032, String::new()), StoreError::CannotWrite { .. }), "READONLY_DBMOVED");
        assert!(matches!(sqlite(2067, String::new()), StoreError::Conflict { .. }));
        assert!(matches!(sqlite(1811, String::new()), StoreError::Conflict { .. }), "refused by a trigger");
        assert!(matches!(sqlite(5, String::new()), StoreError::Unavailable { .. }));
        assert!(matches!(sqlite(267, String::new()), StoreError::Corrupt { .. }));
        assert!(matches!(postgres("57P01", String::new()), StoreError::Unavailable { .. }));
        assert!(matches!(postgres("53100", String::new()), StoreError::CannotWrite { .. }));
        assert!(matches!(postgres("23505", String::new()), StoreError::Conflict { .. }));
        assert!(matches!(postgres("40P01", String::new()), StoreError::Unavailable { .. }));
        assert!(matches!(postgres("42601", String::new()), StoreError::Other { .. }));
    }
}
