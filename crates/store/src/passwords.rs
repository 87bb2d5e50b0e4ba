//! Rules for passwords, what is known of each beside its hash, former hashes, and browsers known from before.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{BrowserId, UserId};
use wk_engine::ports::passwords::{
    BROWSERS_MAX, BrowserRow, PasswordFactRow, PasswordSet, PasswordStore, PolicyRow, SetUnder,
};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::sql::{Compose, sql};
use crate::value::Row;
use crate::{SqlStore, audit_log};

fn small(v: i64) -> Result<u16> {
    u16::try_from(v).map_err(|_| StoreError::Corrupt { detail: format!("{v} as a small number") })
}

fn fact(row: &Row) -> Result<PasswordFactRow> {
    let mut r = row.read();
    Ok(PasswordFactRow {
        user: r.id()?,
        set_at: r.instant()?,
        must_change: r.opt_text()?,
        under: SetUnder {
            least_chars: small(r.int()?)?,
            classes: small(r.int()?)?,
            letters_and_digits: r.flag()?,
        },
    })
}

fn browser(row: &Row) -> Result<BrowserRow> {
    let mut r = row.read();
    Ok(BrowserRow {
        id: r.id()?,
        user: r.id()?,
        nonce_sha256: r.bytes()?,
        first_seen: r.instant()?,
        last_used: r.instant()?,
        address: r.text()?,
        user_agent: r.text()?,
    })
}

/// Notes that a password was set or taken away; `former` goes into the history.
pub(crate) async fn note(tx: &mut Tx, user: UserId, set: PasswordSet, former: &str) -> Result<()> {
    tx.run(sql("DELETE FROM password_fact WHERE person = $1").bind(user)).await?;
    insert_fact(tx, PasswordFactRow { user, set_at: set.at, must_change: None, under: set.under }).await?;
    if !former.is_empty() && set.keep > 0 {
        let q = sql("INSERT INTO password_history (person, retired, phc) VALUES ($1, $2, $3)");
        tx.run(q.bind(user).bind(set.at).bind(former)).await?;
    }
    let prune = if set.keep == 0 {
        sql("DELETE FROM password_history WHERE person = $1").bind(user)
    } else {
        sql("DELETE FROM password_history WHERE person = $1 AND retired < (SELECT MIN(newest.retired) FROM
             (SELECT retired FROM password_history WHERE person = $1 ORDER BY retired DESC LIMIT $2) newest)")
        .bind(user)
        .bind(u32::from(set.keep))
    };
    tx.run(prune).await?;
    Ok(())
}

async fn insert_fact(tx: &mut Tx, fact: PasswordFactRow) -> Result<()> {
    let q = sql(
        "INSERT INTO password_fact (person, set_at, must_change, least_chars, classes, letters_and_digits)
                 VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(fact.user)
    .bind(fact.set_at)
    .bind(fact.must_change)
    .bind(u32::from(fact.under.least_chars))
    .bind(u32::from(fact.under.classes))
    .bind(fact.under.letters_and_digits);
    tx.run(q).await?;
    Ok(())
}

async fn put_browser(db: &Db, row: BrowserRow) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.run(sql("DELETE FROM browser WHERE id = $1").bind(row.id)).await?;
    let q = sql("INSERT INTO browser (id, person, nonce_sha256, first_seen, last_used, address, user_agent)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(row.id)
    .bind(row.user)
    .bind(row.nonce_sha256)
    .bind(row.first_seen)
    .bind(row.last_used)
    .bind(row.address)
    .bind(row.user_agent);
    tx.run(q).await?;
    let prune = sql("DELETE FROM browser WHERE person = $1 AND id NOT IN
                     (SELECT id FROM browser WHERE person = $1 ORDER BY last_used DESC, id DESC LIMIT $2)");
    tx.run(prune.bind(row.user).bind(BROWSERS_MAX)).await?;
    tx.commit().await
}

#[async_trait]
impl PasswordStore for SqlStore {
    async fn password_policies(&self) -> Result<Vec<PolicyRow>> {
        let q = sql("SELECT scope, body, changed, changed_by FROM password_policy ORDER BY scope");
        let read = |row: &Row| {
            let mut r = row.read();
            Ok(PolicyRow { scope: r.text()?, body: r.text()?, changed: r.instant()?, changed_by: r.text()? })
        };
        self.db.rows(q).await?.iter().map(read).collect()
    }

    async fn put_password_policy(&self, row: PolicyRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.run(sql("DELETE FROM password_policy WHERE scope = $1").bind(row.scope.as_str())).await?;
        let q = sql("INSERT INTO password_policy (scope, body, changed, changed_by) VALUES ($1, $2, $3, $4)");
        tx.run(q.bind(row.scope).bind(row.body).bind(row.changed).bind(row.changed_by)).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn delete_password_policy(&self, scope: &str, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if tx.run(sql("DELETE FROM password_policy WHERE scope = $1").bind(scope)).await? == 0 {
            return Err(StoreError::NotFound { what: "the password policy" });
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn password_fact(&self, user: UserId) -> Result<Option<PasswordFactRow>> {
        let q = sql("SELECT person, set_at, must_change, least_chars, classes, letters_and_digits
                     FROM password_fact WHERE person = $1");
        self.db.row(q.bind(user)).await?.as_ref().map(fact).transpose()
    }

    async fn password_facts(&self) -> Result<Vec<PasswordFactRow>> {
        let q = sql("SELECT person, set_at, must_change, least_chars, classes, letters_and_digits
                     FROM password_fact");
        self.db.rows(q).await?.iter().map(fact).collect()
    }

    async fn set_must_change(&self, fact: PasswordFactRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql("UPDATE password_fact SET must_change = $2 WHERE person = $1");
        if tx.run(q.bind(fact.user).bind(fact.must_change.clone())).await? == 0 {
            insert_fact(&mut tx, fact).await?;
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn password_history(&self, user: UserId, most: u16) -> Result<Vec<String>> {
        let q = sql("SELECT phc FROM password_history WHERE person = $1 ORDER BY retired DESC LIMIT $2");
        let rows = self.db.rows(q.bind(user).bind(u32::from(most))).await?;
        rows.iter().map(|row| row.read().text()).collect()
    }

    async fn upgrade_password(&self, user: UserId, old: &str, new: &str, audit: Draft) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        let q = sql("UPDATE person SET password_phc = $3 WHERE id = $1 AND password_phc = $2");
        if tx.run(q.bind(user).bind(old).bind(new)).await? == 0 {
            return Ok(false);
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn browsers(&self, user: UserId) -> Result<Vec<BrowserRow>> {
        let q =
            sql("SELECT id, person, nonce_sha256, first_seen, last_used, address, user_agent FROM browser
                     WHERE person = $1 ORDER BY last_used DESC, id DESC");
        self.db.rows(q.bind(user)).await?.iter().map(browser).collect()
    }

    async fn browser_by_nonce(&self, nonce_sha256: &[u8]) -> Result<Option<BrowserRow>> {
        let q =
            sql("SELECT id, person, nonce_sha256, first_seen, last_used, address, user_agent FROM browser
                     WHERE nonce_sha256 = $1");
        self.db.row(q.bind(nonce_sha256)).await?.as_ref().map(browser).transpose()
    }

    async fn put_browser(&self, row: BrowserRow) -> Result<()> {
        put_browser(&self.db, row).await
    }

    async fn forget_browser(&self, user: UserId, id: BrowserId, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql("DELETE FROM browser WHERE id = $1 AND person = $2");
        if tx.run(q.bind(id).bind(user)).await? == 0 {
            return Err(StoreError::NotFound { what: "the browser" });
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn forget_browsers(&self, user: UserId, keep: Option<BrowserId>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let mut q = Compose::new("DELETE FROM browser");
        q.and("person = ", user);
        if let Some(keep) = keep {
            q.and("id <> ", keep);
        }
        tx.run(q.done()).await?;
        tx.commit().await
    }
}
