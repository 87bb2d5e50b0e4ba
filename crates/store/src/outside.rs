//! Identity providers, who is whom there, the sessions that hang on them, and the accounts kept for emergencies.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{ProviderId, SessionId, Timestamp, UserId};
use wk_engine::ports::outside::{LinkRow, OutsideEnd, OutsideSession, OutsideStore, ProviderRow};
use wk_engine::ports::rows::{SessionRow, UserRow};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::error::{conflict, in_words};
use crate::hosts::moved_on;
use crate::sql::{Compose, Query, sql};
use crate::value::{Row, unordinal};
use crate::{SqlStore, audit_log, people};

fn read_provider(row: &Row) -> Result<ProviderRow> {
    let mut r = row.read();
    Ok(ProviderRow {
        id: r.id()?,
        kind: r.text()?,
        name: r.text()?,
        enabled: r.flag()?,
        config_json: r.text()?,
        secret_sealed: r.bytes()?,
        mapping_json: r.text()?,
        create_accounts: r.flag()?,
        trusts_factor: r.flag()?,
        created: r.instant()?,
        revision: r.int()?,
    })
}

fn read_link(row: &Row) -> Result<LinkRow> {
    let mut r = row.read();
    Ok(LinkRow {
        provider: r.id()?,
        subject: r.text()?,
        person: r.id()?,
        name: r.text()?,
        linked: r.instant()?,
        made_account: r.flag()?,
        last_used: r.instant()?,
    })
}

fn provider_args(text: &'static str, row: &ProviderRow, revision: i64) -> Query {
    sql(text)
        .bind(row.id)
        .bind(row.kind.as_str())
        .bind(row.name.as_str())
        .bind(row.enabled)
        .bind(row.config_json.as_str())
        .bind(row.secret_sealed.as_slice())
        .bind(row.mapping_json.as_str())
        .bind(row.create_accounts)
        .bind(row.trusts_factor)
        .bind(row.created)
        .bind(revision)
}

async fn insert_link(tx: &mut Tx, row: LinkRow) -> Result<()> {
    // Locks the account, so that nobody keeps it for emergencies meanwhile.
    tx.run(sql("UPDATE person SET name = name WHERE id = $1").bind(row.person)).await?;
    let kept = sql("SELECT person FROM break_glass WHERE person = $1").bind(row.person);
    if tx.row(kept).await?.is_some() {
        return Err(conflict(
            "the account is kept for emergencies: it must not hang on a provider, which may be down on that day",
        ));
    }
    let q =
        sql("INSERT INTO person_outside (provider, subject, person, name, linked, made_account, last_used)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(row.provider)
        .bind(row.subject)
        .bind(row.person)
        .bind(row.name)
        .bind(row.linked)
        .bind(row.made_account)
        .bind(row.last_used);
    let taken = || "this outside identity belongs to an account here already".to_owned();
    tx.run(q).await.map_err(|e| in_words(e, taken))?;
    Ok(())
}

/// Ends the sessions that came in over a provider.
async fn end_of_provider(tx: &mut Tx, id: ProviderId, at: Timestamp) -> Result<()> {
    let q = sql("UPDATE session SET ended = $2 WHERE ended IS NULL
                 AND id IN (SELECT session FROM session_outside WHERE provider = $1)");
    tx.run(q.bind(id).bind(at)).await?;
    Ok(())
}

/// Whether a session that was announced may begin. Also locks the link: whoever takes it away, or the provider, waits, and
/// then finds the session to end.
pub(crate) async fn let_in(tx: &mut Tx, session: &SessionRow) -> Result<()> {
    let q = sql("SELECT provider, subject FROM session_outside WHERE session = $1");
    let Some(row) = tx.row(q.bind(session.id)).await? else { return Ok(()) };
    let mut r = row.read();
    let (provider, subject): (ProviderId, String) = (r.id()?, r.text()?);
    let used =
        sql("UPDATE person_outside SET last_used = $4 WHERE provider = $1 AND subject = $2 AND person = $3
                    AND provider IN (SELECT id FROM provider WHERE enabled = 1)")
        .bind(provider)
        .bind(subject)
        .bind(session.user)
        .bind(session.created);
    if tx.run(used).await? == 0 {
        return Err(conflict("this way to sign in was taken away meanwhile; begin again"));
    }
    Ok(())
}

async fn link(db: &Db, provider: ProviderId, subject: &str) -> Result<Option<LinkRow>> {
    let q = sql("SELECT provider, subject, person, name, linked, made_account, last_used FROM person_outside
                 WHERE provider = $1 AND subject = $2");
    db.row(q.bind(provider).bind(subject)).await?.as_ref().map(read_link).transpose()
}

#[async_trait]
impl OutsideStore for SqlStore {
    async fn providers(&self) -> Result<Vec<ProviderRow>> {
        let q = sql(
            "SELECT id, kind, name, enabled, config, secret_sealed, mapping, create_accounts, trusts_factor,
                     created, revision FROM provider ORDER BY name, id",
        );
        self.db.rows(q).await?.iter().map(read_provider).collect()
    }

    async fn provider(&self, id: ProviderId) -> Result<Option<ProviderRow>> {
        let q = sql(
            "SELECT id, kind, name, enabled, config, secret_sealed, mapping, create_accounts, trusts_factor,
                     created, revision FROM provider WHERE id = $1",
        );
        self.db.row(q.bind(id)).await?.as_ref().map(read_provider).transpose()
    }

    async fn put_provider(
        &self,
        row: ProviderRow,
        end_sessions: Option<Timestamp>,
        audit: Vec<Draft>,
    ) -> Result<ProviderRow> {
        let taken = |e| in_words(e, || format!("another sign-in method is called `{}`", row.name));
        let mut tx = self.db.begin().await?;
        // The kind stays what it was: links are of that kind.
        let update =
            "UPDATE provider SET name = $3, enabled = $4, config = $5, secret_sealed = $6, mapping = $7,
                      create_accounts = $8, trusts_factor = $9, created = $10, revision = $11 + 1
                      WHERE id = $1 AND kind = $2 AND revision = $11";
        let revision = if tx.run(provider_args(update, &row, row.revision)).await.map_err(taken)? == 1 {
            row.revision + 1
        } else {
            let by_id = sql("SELECT revision FROM provider WHERE id = $1").bind(row.id);
            moved_on(&mut tx, by_id, row.revision, "the sign-in method").await?;
            let insert = "INSERT INTO provider (id, kind, name, enabled, config, secret_sealed, mapping,
                          create_accounts, trusts_factor, created, revision)
                          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
            tx.run(provider_args(insert, &row, 1)).await.map_err(taken)?;
            1
        };
        if let Some(at) = end_sessions {
            end_of_provider(&mut tx, row.id, at).await?;
        }
        audit_log::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(ProviderRow { revision, ..row })
    }

    async fn delete_provider(&self, id: ProviderId, at: Timestamp, audit: Vec<Draft>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        end_of_provider(&mut tx, id, at).await?;
        if tx.run(sql("DELETE FROM provider WHERE id = $1").bind(id)).await? == 0 {
            return Err(StoreError::NotFound { what: "the sign-in method" });
        }
        tx.run(sql("DELETE FROM outside_once WHERE provider = $1").bind(id)).await?;
        audit_log::append(&mut tx, audit).await?;
        tx.commit().await
    }

    async fn link_of(&self, provider: ProviderId, subject: &str) -> Result<Option<LinkRow>> {
        link(&self.db, provider, subject).await
    }

    async fn links_of(&self, person: UserId) -> Result<Vec<LinkRow>> {
        let q =
            sql("SELECT provider, subject, person, name, linked, made_account, last_used FROM person_outside
                     WHERE person = $1 ORDER BY linked, provider, subject LIMIT 500");
        self.db.rows(q.bind(person)).await?.iter().map(read_link).collect()
    }

    async fn linked_to(&self, provider: ProviderId) -> Result<Vec<UserId>> {
        let q = sql("SELECT DISTINCT person FROM person_outside WHERE provider = $1 ORDER BY person");
        self.db.rows(q.bind(provider)).await?.iter().map(|row| row.read().id()).collect()
    }

    async fn link_counts(&self) -> Result<Vec<(ProviderId, u64)>> {
        let q = sql("SELECT provider, COUNT(*) FROM person_outside GROUP BY provider");
        let read = |row: &Row| {
            let mut r = row.read();
            Ok((r.id()?, unordinal(r.int()?)?))
        };
        self.db.rows(q).await?.iter().map(read).collect()
    }

    async fn put_link(&self, row: LinkRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        insert_link(&mut tx, row).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn create_linked(&self, user: UserRow, row: LinkRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        people::insert(&mut tx, user, Vec::new()).await?;
        insert_link(&mut tx, row).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn remove_link(
        &self,
        provider: ProviderId,
        subject: &str,
        at: Timestamp,
        audit: Draft,
    ) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let gone = sql("DELETE FROM person_outside WHERE provider = $1 AND subject = $2");
        if tx.run(gone.bind(provider).bind(subject)).await? == 0 {
            return Err(StoreError::NotFound { what: "the outside identity" });
        }
        let q = sql("UPDATE session SET ended = $3 WHERE ended IS NULL
                     AND id IN (SELECT session FROM session_outside WHERE provider = $1 AND subject = $2)");
        tx.run(q.bind(provider).bind(subject).bind(at)).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn announce_outside_session(&self, session: SessionId, outside: OutsideSession) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql("INSERT INTO session_outside (session, provider, subject, outside_session)
                     VALUES ($1, $2, $3, $4)");
        let q = q.bind(session).bind(outside.provider).bind(outside.subject).bind(outside.outside_session);
        tx.run(q).await?;
        tx.commit().await
    }

    async fn outside_of(&self, session: SessionId) -> Result<Option<OutsideSession>> {
        let q = sql("SELECT provider, subject, outside_session FROM session_outside WHERE session = $1");
        let Some(row) = self.db.row(q.bind(session)).await? else { return Ok(None) };
        let mut r = row.read();
        Ok(Some(OutsideSession { provider: r.id()?, subject: r.text()?, outside_session: r.text()? }))
    }

    async fn outside_sessions(&self, which: OutsideEnd) -> Result<Vec<(SessionId, UserId)>> {
        if which.subject.is_none() && which.outside_session.is_none() {
            return Ok(Vec::new());
        }
        let mut q =
            Compose::new("SELECT s.id, s.person FROM session s JOIN session_outside o ON o.session = s.id");
        q.and("o.provider = ", which.provider).condition("s.ended IS NULL");
        if let Some(subject) = which.subject {
            q.and("o.subject = ", subject);
        }
        if let Some(session) = which.outside_session {
            q.and("o.outside_session = ", session);
        }
        q.push(" ORDER BY s.id LIMIT 500");
        let read = |row: &Row| {
            let mut r = row.read();
            Ok((r.id()?, r.id()?))
        };
        self.db.rows(q.done()).await?.iter().map(read).collect()
    }

    async fn claim_once(
        &self,
        provider: ProviderId,
        keys: Vec<(String, Timestamp)>,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        tx.run(sql("DELETE FROM outside_once WHERE until_ms < $1").bind(now)).await?;
        for (key, until) in keys {
            let q = sql("INSERT INTO outside_once (provider, once_key, until_ms) VALUES ($1, $2, $3)
                         ON CONFLICT DO NOTHING");
            if tx.run(q.bind(provider).bind(key).bind(until)).await? == 0 {
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn break_glass(&self) -> Result<Vec<(UserId, Timestamp)>> {
        let q = sql("SELECT person, since FROM break_glass ORDER BY since, person");
        let read = |row: &Row| {
            let mut r = row.read();
            Ok((r.id()?, r.instant()?))
        };
        self.db.rows(q).await?.iter().map(read).collect()
    }

    async fn set_break_glass(&self, user: UserId, since: Option<Timestamp>, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        // Locks the account, so that nobody links it meanwhile.
        if tx.run(sql("UPDATE person SET name = name WHERE id = $1").bind(user)).await? == 0 {
            return Err(StoreError::NotFound { what: "the account" });
        }
        tx.run(sql("DELETE FROM break_glass WHERE person = $1").bind(user)).await?;
        if let Some(since) = since {
            let linked = sql("SELECT person FROM person_outside WHERE person = $1 LIMIT 1").bind(user);
            if tx.row(linked).await?.is_some() {
                return Err(conflict(
                    "the account hangs on an identity provider, which may be down on that day: choose a local one",
                ));
            }
            let q = sql("INSERT INTO break_glass (person, since) VALUES ($1, $2)");
            tx.run(q.bind(user).bind(since)).await?;
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }
}
