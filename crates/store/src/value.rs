//! Values on their way into a statement, and rows on their way out: the few types that both engines share.
//!
//! 64-bit integers, texts, bytes; ids are their 16 bytes, instants are milliseconds, booleans are 0 and 1, lists are
//! JSON texts. Nothing else crosses, so that one statement text serves both engines.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use wk_domain::id::Kind;
use wk_domain::{Id, Timestamp};
use wk_engine::ports::store::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// One bound argument. The variant is the SQL type, also for a null: PostgreSQL must know it.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    pub(crate) fn add_sqlite(self, args: &mut SqliteArguments) -> std::result::Result<(), sqlx::Error> {
        use sqlx::Arguments as _;
        match self {
            Self::Int(v) => args.add(v),
            Self::Text(v) => args.add(v),
            Self::Bytes(v) => args.add(v),
        }
        .map_err(sqlx::Error::Encode)
    }

    pub(crate) fn add_pg(self, args: &mut PgArguments) -> std::result::Result<(), sqlx::Error> {
        use sqlx::Arguments as _;
        match self {
            Self::Int(v) => args.add(v),
            Self::Text(v) => args.add(v),
            Self::Bytes(v) => args.add(v),
        }
        .map_err(sqlx::Error::Encode)
    }
}

/// Text as it may be stored: PostgreSQL has no U+0000 in texts, so both engines keep U+FFFD in its place.
pub(crate) fn clean(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(Some(v))
    }
}
impl From<Option<i64>> for Value {
    fn from(v: Option<i64>) -> Self {
        Self::Int(v)
    }
}
impl From<u32> for Value {
    fn from(v: u32) -> Self {
        Self::Int(Some(i64::from(v)))
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Int(Some(i64::from(v)))
    }
}
impl From<Timestamp> for Value {
    fn from(v: Timestamp) -> Self {
        Self::Int(Some(v.as_ms()))
    }
}
impl From<Option<Timestamp>> for Value {
    fn from(v: Option<Timestamp>) -> Self {
        Self::Int(v.map(Timestamp::as_ms))
    }
}
impl From<Duration> for Value {
    /// Milliseconds.
    fn from(v: Duration) -> Self {
        Self::Int(Some(i64::try_from(v.as_millis()).unwrap_or(i64::MAX)))
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text(Some(clean(v)))
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::from(v.to_owned())
    }
}
impl From<Option<String>> for Value {
    fn from(v: Option<String>) -> Self {
        Self::Text(v.map(clean))
    }
}
impl From<Vec<u8>> for Value {
    fn from(v: Vec<u8>) -> Self {
        Self::Bytes(Some(v))
    }
}
impl From<&[u8]> for Value {
    fn from(v: &[u8]) -> Self {
        Self::Bytes(Some(v.to_vec()))
    }
}
impl<K: Kind> From<Id<K>> for Value {
    fn from(v: Id<K>) -> Self {
        Self::Bytes(Some(v.uuid().as_bytes().to_vec()))
    }
}
impl<K: Kind> From<Option<Id<K>>> for Value {
    fn from(v: Option<Id<K>>) -> Self {
        Self::Bytes(v.map(|id| id.uuid().as_bytes().to_vec()))
    }
}

/// A list as a JSON text.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<Value> {
    serde_json::to_string(value)
        .map(Value::from)
        .map_err(|e| StoreError::Other { what: "encode a list", detail: e.to_string() })
}

/// A row of either engine.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Pg(PgRow),
}

impl Row {
    /// Reads the columns from left to right.
    pub(crate) fn read(&self) -> Reader<'_> {
        Reader { row: self, next: 0 }
    }
}

/// Takes a row's columns from left to right, as the statement lists them.
#[derive(Debug)]
pub(crate) struct Reader<'r> {
    row: &'r Row,
    next: usize,
}

macro_rules! take {
    ($self:ident, $ty:ty) => {{
        let column = $self.next;
        $self.next += 1;
        match $self.row {
            Row::Sqlite(row) => row.try_get::<$ty, _>(column),
            Row::Pg(row) => row.try_get::<$ty, _>(column),
        }
        .map_err(|e| StoreError::Corrupt { detail: e.to_string() })
    }};
}

impl Reader<'_> {
    /// Passes over columns.
    pub(crate) fn skip(&mut self, columns: usize) -> &mut Self {
        self.next += columns;
        self
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        take!(self, i64)
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>> {
        take!(self, Option<i64>)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        take!(self, String)
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>> {
        take!(self, Option<String>)
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        take!(self, Vec<u8>)
    }

    pub(crate) fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>> {
        take!(self, Option<Vec<u8>>)
    }

    pub(crate) fn flag(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn instant(&mut self) -> Result<Timestamp> {
        self.int().map(Timestamp::from_ms)
    }

    pub(crate) fn opt_instant(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.opt_int()?.map(Timestamp::from_ms))
    }

    /// Milliseconds.
    pub(crate) fn span(&mut self) -> Result<Duration> {
        let ms = self.int()?;
        u64::try_from(ms)
            .map(Duration::from_millis)
            .map_err(|_| StoreError::Corrupt { detail: format!("a span of {ms} ms") })
    }

    pub(crate) fn id<K: Kind>(&mut self) -> Result<Id<K>> {
        id_of(&self.bytes()?)
    }

    pub(crate) fn opt_id<K: Kind>(&mut self) -> Result<Option<Id<K>>> {
        self.opt_bytes()?.as_deref().map(id_of).transpose()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        let text = self.text()?;
        serde_json::from_str(&text)
            .map_err(|e| StoreError::Corrupt { detail: format!("a list is not JSON: {e}") })
    }

    /// A word that `parse` knows.
    pub(crate) fn word<T>(&mut self, what: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| StoreError::Corrupt { detail: format!("`{text}` as {what}") })
    }
}

fn id_of<K: Kind>(bytes: &[u8]) -> Result<Id<K>> {
    let raw: [u8; 16] = bytes.try_into().map_err(|_| StoreError::Corrupt {
        detail: format!("an id of kind {} has {} bytes instead of 16", K::PREFIX, bytes.len()),
    })?;
    Ok(Id::from_uuid(uuid::Uuid::from_bytes(raw)))
}

/// An unsigned 64-bit number that is only compared for equality, such as an epoch, as the bits of a signed one.
pub(crate) const fn bits(v: u64) -> i64 {
    v.cast_signed()
}

/// The inverse of [`bits`].
pub(crate) const fn unbits(v: i64) -> u64 {
    v.cast_unsigned()
}

/// A sequence number: it must keep its order, so what does not fit is refused rather than bent.
pub(crate) fn ordinal(v: u64) -> Result<i64> {
    i64::try_from(v)
        .map_err(|_| StoreError::Conflict { what: format!("sequence number {v} is out of range") })
}

/// The inverse of [`ordinal`].
pub(crate) fn unordinal(v: i64) -> Result<u64> {
    u64::try_from(v).map_err(|_| StoreError::Corrupt { detail: format!("{v} as a sequence number") })
}
