//! Statements: fixed texts with `$n`, texts composed of fixed pieces, and inserts of many rows.
//!
//! The pieces are `&'static str` all the way, so no value can become SQL. This file and [`crate::db`] are the only
//! places that hand a composed text to the driver.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::AssertSqlSafe;
use sqlx::{SqlSafeStr, SqlStr};
use wk_engine::ports::TenantScope;

use crate::db::Engine;
use crate::value::Value;

/// A statement with its arguments.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) text: Text,
    pub(crate) args: Vec<Value>,
}

#[derive(Debug)]
pub(crate) enum Text {
    Fixed(&'static str),
    Composed(Arc<str>),
}

impl Text {
    pub(crate) fn into_sql(self) -> SqlStr {
        match self {
            Self::Fixed(text) => text.into_sql_str(),
            // Composed of `&'static str` pieces and placeholders alone: see `Compose` and `Bulk`.
            Self::Composed(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }
}

/// A statement of a fixed text.
pub(crate) fn sql(text: &'static str) -> Query {
    Query { text: Text::Fixed(text), args: Vec::new() }
}

impl Query {
    /// Binds the next `$n`.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.args.push(value.into());
        self
    }

    /// Binds what could fail to encode.
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.args.extend(values);
        self
    }
}

/// A statement composed of fixed pieces, for optional conditions and lists of arguments.
#[derive(Debug)]
pub(crate) struct Compose {
    text: String,
    args: Vec<Value>,
    conditions: usize,
}

impl Compose {
    pub(crate) fn new(start: &'static str) -> Self {
        Self { text: start.to_owned(), args: Vec::new(), conditions: 0 }
    }

    /// Appends a piece.
    pub(crate) fn push(&mut self, piece: &'static str) -> &mut Self {
        self.text.push_str(piece);
        self
    }

    /// Appends a placeholder for a value.
    pub(crate) fn arg(&mut self, value: impl Into<Value>) -> &mut Self {
        self.args.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.args.len().to_string());
        self
    }

    /// Appends `WHERE` or `AND`, the piece and a placeholder.
    pub(crate) fn and(&mut self, piece: &'static str, value: impl Into<Value>) -> &mut Self {
        self.condition(piece).arg(value)
    }

    /// Appends `WHERE` or `AND` and the piece.
    pub(crate) fn condition(&mut self, piece: &'static str) -> &mut Self {
        self.push(if self.conditions == 0 { " WHERE " } else { " AND " });
        self.conditions += 1;
        self.push(piece)
    }

    /// Appends the condition that a row is of one of these tenants; `column` is where its tenant stands.
    pub(crate) fn within(&mut self, column: &'static str, scope: &TenantScope) -> &mut Self {
        match scope.tenants() {
            None => self,
            Some(tenants) => self.condition(column).push(" IN ").list(tenants.iter().copied()),
        }
    }

    /// Appends a parenthesised list of placeholders; at least one value, or the list holds a null.
    pub(crate) fn list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        self.push("(");
        let before = self.args.len();
        for value in values {
            if self.args.len() > before {
                self.push(", ");
            }
            self.arg(value);
        }
        if self.args.len() == before {
            self.push("NULL");
        }
        self.push(")")
    }

    pub(crate) fn done(self) -> Query {
        Query { text: Text::Composed(self.text.into()), args: self.args }
    }
}

/// An insert of many rows: `INSERT INTO t (...) VALUES (...), (...) ON CONFLICT ...`.
#[derive(Debug)]
pub(crate) struct Bulk {
    /// Up to and without `VALUES`.
    pub(crate) head: &'static str,
    pub(crate) columns: usize,
    /// From `ON CONFLICT`; may be empty.
    pub(crate) tail: &'static str,
    /// Whether the last column is the tenant, and of what: its value is then the id of that, and the database looks the
    /// tenant up. So no caller can be wrong about it.
    pub(crate) tenant: Option<Of>,
}

/// What a row's tenant is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Host,
    Agent,
}

impl Of {
    /// Before the placeholder of the id. What is not there (any more), or is nothing's, is the root's.
    const fn before(self) -> &'static str {
        match self {
            Self::Host => "COALESCE((SELECT tenant FROM host WHERE id = ",
            Self::Agent => "COALESCE((SELECT tenant FROM agent WHERE id = ",
        }
    }

    /// After it.
    const AFTER: &'static str = "), (SELECT id FROM tenant WHERE parent IS NULL))";
}

/// Rows in one statement. Few sizes, so that each connection keeps few prepared texts; 128 rows of 20 columns stay far
/// below the limits of 32 766 (SQLite) and 65 535 (PostgreSQL) arguments.
const SIZES: [usize; 4] = [128, 32, 8, 1];

type Texts = Mutex<HashMap<(&'static str, usize, bool), Arc<str>>>;

/// The texts of bulk statements, made once.
static TEXTS: std::sync::LazyLock<Texts> = std::sync::LazyLock::new(Texts::default);

impl Bulk {
    /// Splits the rows into statements; each row must have `columns` values.
    pub(crate) fn queries(&self, engine: Engine, rows: Vec<Vec<Value>>) -> Vec<Query> {
        let mut queries = Vec::new();
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        while left > 0 {
            let size = SIZES.into_iter().find(|&size| size <= left).unwrap_or(1);
            left -= size;
            let mut args = Vec::with_capacity(size * self.columns);
            args.extend(rows.by_ref().take(size).flatten());
            queries.push(Query { text: Text::Composed(self.text(engine, size)), args });
        }
        queries
    }

    fn text(&self, engine: Engine, size: usize) -> Arc<str> {
        let key = (self.head, size, engine == Engine::Postgres);
        let mut texts = TEXTS.lock();
        Arc::clone(texts.entry(key).or_insert_with(|| self.compose(engine, size).into()))
    }

    fn compose(&self, engine: Engine, size: usize) -> String {
        let mut text = String::with_capacity(self.head.len() + self.tail.len() + size * self.columns * 7);
        text.push_str(self.head);
        text.push_str(" VALUES ");
        let mut n = 0;
        for row in 0..size {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.columns {
                if column > 0 {
                    text.push(',');
                }
                n += 1;
                let tenant = self.tenant.filter(|_| column + 1 == self.columns);
                text.push_str(tenant.map_or("", Of::before));
                match engine {
                    // `$n` is a name to SQLite, found by walking all names: the time of a statement would grow with
                    // the square of its arguments. `?` has no name.
                    Engine::Sqlite => text.push('?'),
                    Engine::Postgres => {
                        text.push('$');
                        text.push_str(&n.to_string());
                    }
                }
                text.push_str(tenant.map_or("", |_| Of::AFTER));
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(self.tail);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_insert_splits_into_few_sizes_and_loses_no_row() {
        let tail = "ON CONFLICT (a) DO NOTHING";
        let bulk = Bulk { head: "INSERT INTO t (a, b)", columns: 2, tail, tenant: None };
        let rows: Vec<Vec<Value>> = (0..170_i64).map(|i| vec![Value::from(i), Value::from("x")]).collect();
        let queries = bulk.queries(Engine::Sqlite, rows);
        assert_eq!(queries.iter().map(|q| q.args.len()).collect::<Vec<_>>(), [256, 64, 16, 2, 2]);
    }

    #[test]
    fn each_engine_gets_the_placeholders_it_is_quick_with() {
        let bulk = Bulk { head: "INSERT INTO t (a, b)", columns: 2, tail: "", tenant: None };
        assert_eq!(bulk.compose(Engine::Sqlite, 2), "INSERT INTO t (a, b) VALUES (?,?), (?,?) ");
        assert_eq!(bulk.compose(Engine::Postgres, 2), "INSERT INTO t (a, b) VALUES ($1,$2), ($3,$4) ");
    }

    #[test]
    fn a_tenant_is_looked_up_by_the_database() {
        let bulk = Bulk { head: "INSERT INTO t (a, tenant)", columns: 2, tail: "", tenant: Some(Of::Host) };
        let found =
            "COALESCE((SELECT tenant FROM host WHERE id = $2), (SELECT id FROM tenant WHERE parent IS NULL))";
        assert_eq!(
            bulk.compose(Engine::Postgres, 1),
            format!("INSERT INTO t (a, tenant) VALUES ($1,{found}) ")
        );
    }

    #[test]
    fn a_scope_is_a_condition_and_an_empty_one_lets_nothing_through() {
        let text = |scope: &TenantScope| {
            let mut q = Compose::new("SELECT a FROM t");
            q.and("b = ", 1_i64).within("tenant", scope);
            q.done().text.into_sql().as_str().to_owned()
        };
        assert_eq!(text(&TenantScope::whole()), "SELECT a FROM t WHERE b = $1");
        assert_eq!(text(&TenantScope::of([])), "SELECT a FROM t WHERE b = $1 AND tenant IN (NULL)");
        let one = TenantScope::of([wk_domain::TenantId::ROOT]);
        assert_eq!(text(&one), "SELECT a FROM t WHERE b = $1 AND tenant IN ($2)");
    }

    #[test]
    fn conditions_compose_in_order() {
        let mut q = Compose::new("SELECT a FROM t");
        q.and("b = ", 1_i64).and("c = ", "x").condition("d IN ").list([1_i64, 2]);
        let q = q.done();
        assert_eq!(q.text.into_sql().as_str(), "SELECT a FROM t WHERE b = $1 AND c = $2 AND d IN ($3, $4)");
        assert_eq!(q.args.len(), 4);
    }
}
