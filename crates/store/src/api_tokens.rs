//! Tokens of programs, and accounts that no person signs in with.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{ApiTokenId, Timestamp, UserId};
use wk_engine::ports::api_tokens::{ApiTokenRow, ApiTokenStore, ServiceAccountRow};
use wk_engine::ports::rows::UserRow;
use wk_engine::ports::store::{Result, StoreError};

use crate::db::Tx;
use crate::error::conflict;
use crate::sql::{Compose, sql};
use crate::value::{Row, Value, json};
use crate::{SqlStore, audit_log, people};

const SELECT: &str = "SELECT id, owner, name, hint, secret_sha256, old_sha256, old_until, scope, networks, created, created_by,
     rotated, expires, last_used, last_address, revoked, revoked_by, revision FROM api_token";

fn read(row: &Row) -> Result<ApiTokenRow> {
    let mut r = row.read();
    Ok(ApiTokenRow {
        id: r.id()?,
        owner: r.id()?,
        name: r.text()?,
        hint: r.text()?,
        secret_sha256: r.bytes()?,
        old_sha256: r.opt_bytes()?.unwrap_or_default(),
        old_until: r.opt_instant()?,
        scope_json: r.text()?,
        networks: r.json()?,
        created: r.instant()?,
        created_by: r.text()?,
        rotated: r.opt_instant()?,
        expires: r.instant()?,
        last_used: r.opt_instant()?,
        last_address: r.text()?,
        revoked: r.opt_instant()?,
        revoked_by: r.text()?,
        revision: r.int()?,
    })
}

fn read_service(row: &Row) -> Result<ServiceAccountRow> {
    let mut r = row.read();
    Ok(ServiceAccountRow {
        person: r.id()?,
        owner: r.opt_id()?,
        purpose: r.text()?,
        review_due: r.instant()?,
        created: r.instant()?,
        created_by: r.text()?,
        revision: r.int()?,
    })
}

/// None rather than an empty one, which every rotated token would share.
fn old_secret(row: &ApiTokenRow) -> Value {
    Value::Bytes(Some(row.old_sha256.clone()).filter(|old| !old.is_empty()))
}

/// The account's tokens end with it: whoever enables it again makes new ones.
pub(crate) async fn revoke_of(tx: &mut Tx, owner: UserId, at: Timestamp, by: &str) -> Result<()> {
    let q = sql(
        "UPDATE api_token SET revoked = $2, revoked_by = $3, revision = revision + 1 WHERE owner = $1 AND revoked IS NULL",
    );
    tx.run(q.bind(owner).bind(at).bind(by)).await?;
    Ok(())
}

fn stale(there: bool) -> StoreError {
    if there {
        conflict("the token was changed or revoked by somebody else meanwhile; look at it again")
    } else {
        StoreError::NotFound { what: "the token" }
    }
}

#[async_trait]
impl ApiTokenStore for SqlStore {
    async fn api_tokens(&self, owner: Option<UserId>) -> Result<Vec<ApiTokenRow>> {
        let mut q = Compose::new(SELECT);
        if let Some(owner) = owner {
            q.and("owner = ", owner);
        }
        q.push(" ORDER BY id DESC");
        self.db.rows(q.done()).await?.iter().map(read).collect()
    }

    async fn api_token(&self, id: ApiTokenId) -> Result<Option<ApiTokenRow>> {
        let mut q = Compose::new(SELECT);
        q.and("id = ", id);
        self.db.row(q.done()).await?.as_ref().map(read).transpose()
    }

    async fn api_token_by_secret(&self, secret_sha256: &[u8]) -> Result<Option<(ApiTokenRow, UserRow)>> {
        // One after the other: each finds its own index.
        let mut found = None;
        for column in ["secret_sha256 = ", "old_sha256 = "] {
            let mut q = Compose::new(SELECT);
            q.and(column, secret_sha256);
            found = self.db.row(q.done()).await?;
            if found.is_some() {
                break;
            }
        }
        let Some(token) = found.as_ref().map(read).transpose()? else { return Ok(None) };
        Ok(people::one(&self.db, token.owner).await?.map(|owner| (token, owner)))
    }

    async fn put_api_token(&self, row: ApiTokenRow, audit: Draft) -> Result<ApiTokenRow> {
        let mut tx = self.db.begin().await?;
        let networks = json(&row.networks)?;
        if row.revision == 0 {
            let q = sql("INSERT INTO api_token (id, owner, name, hint, secret_sha256, old_sha256, old_until, scope, networks,
                         created, created_by, rotated, expires, last_used, last_address, revoked, revoked_by, revision)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1)");
            let q = q.bind(row.id).bind(row.owner).bind(row.name.as_str()).bind(row.hint.as_str());
            let q = q.bind(row.secret_sha256.as_slice()).bind(old_secret(&row)).bind(row.old_until);
            let q = q.bind(row.scope_json.as_str()).bind(networks).bind(row.created);
            let q = q.bind(row.created_by.as_str()).bind(row.rotated).bind(row.expires).bind(row.last_used);
            let q = q.bind(row.last_address.as_str()).bind(row.revoked).bind(row.revoked_by.as_str());
            tx.run(q).await?;
        } else {
            let q = sql("UPDATE api_token SET name = $3, hint = $4, secret_sha256 = $5, old_sha256 = $6, old_until = $7, scope = $8,
                         networks = $9, rotated = $10, expires = $11, revision = $2 + 1
                         WHERE id = $1 AND revision = $2 AND revoked IS NULL");
            let q = q.bind(row.id).bind(row.revision).bind(row.name.as_str()).bind(row.hint.as_str());
            let q = q.bind(row.secret_sha256.as_slice()).bind(old_secret(&row)).bind(row.old_until);
            let q = q.bind(row.scope_json.as_str()).bind(networks).bind(row.rotated).bind(row.expires);
            if tx.run(q).await? == 0 {
                let there = sql("SELECT id FROM api_token WHERE id = $1").bind(row.id);
                return Err(stale(tx.row(there).await?.is_some()));
            }
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await?;
        Ok(ApiTokenRow { revision: row.revision + 1, ..row })
    }

    async fn touch_api_token(&self, id: ApiTokenId, at: Timestamp, address: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql(
            "UPDATE api_token SET last_used = $2, last_address = $3 WHERE id = $1 AND (last_used IS NULL OR last_used < $2)",
        );
        tx.run(q.bind(id).bind(at).bind(address)).await?;
        tx.commit().await
    }

    async fn revoke_api_token(&self, id: ApiTokenId, at: Timestamp, by: &str, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q =
            sql("UPDATE api_token SET revoked = $2, revoked_by = $3, old_sha256 = NULL, old_until = NULL,
                     revision = revision + 1 WHERE id = $1 AND revoked IS NULL");
        if tx.run(q.bind(id).bind(at).bind(by)).await? == 0 {
            let there = tx.row(sql("SELECT id FROM api_token WHERE id = $1").bind(id)).await?.is_some();
            return Err(stale(there));
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn service_accounts(&self) -> Result<Vec<ServiceAccountRow>> {
        let q = sql(
            "SELECT person, owner, purpose, review_due, created, created_by, revision FROM service_account
                     ORDER BY created DESC, person",
        );
        self.db.rows(q).await?.iter().map(read_service).collect()
    }

    async fn service_account(&self, person: UserId) -> Result<Option<ServiceAccountRow>> {
        let q = sql(
            "SELECT person, owner, purpose, review_due, created, created_by, revision FROM service_account
                     WHERE person = $1",
        );
        self.db.row(q.bind(person)).await?.as_ref().map(read_service).transpose()
    }

    async fn create_service_account(
        &self,
        user: UserRow,
        row: ServiceAccountRow,
        audit: Draft,
    ) -> Result<()> {
        let mut tx = self.db.begin().await?;
        people::insert(&mut tx, user, Vec::new()).await?;
        let q = sql(
            "INSERT INTO service_account (person, owner, purpose, review_due, created, created_by, revision)
                     VALUES ($1, $2, $3, $4, $5, $6, 1)",
        );
        let q = q.bind(row.person).bind(row.owner).bind(row.purpose).bind(row.review_due);
        tx.run(q.bind(row.created).bind(row.created_by)).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn put_service_account(&self, row: ServiceAccountRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql("UPDATE service_account SET owner = $3, purpose = $4, review_due = $5, revision = $2 + 1
                     WHERE person = $1 AND revision = $2");
        let q = q.bind(row.person).bind(row.revision).bind(row.owner).bind(row.purpose).bind(row.review_due);
        if tx.run(q).await? == 0 {
            let there = sql("SELECT person FROM service_account WHERE person = $1").bind(row.person);
            return Err(if tx.row(there).await?.is_some() {
                conflict("the service account was changed by somebody else meanwhile; look at it again")
            } else {
                StoreError::NotFound { what: "the service account" }
            });
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }
}
