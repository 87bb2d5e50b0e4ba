//! Accounts and their second factors.

use wk_audit::Draft;
use wk_domain::{InvitationId, UserId};
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{UserChange, UserFacts, UserRow};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::error::{conflict, in_words};
use crate::sql::{Bulk, Compose, sql};
use crate::value::{Reader, Row, Value, unordinal};
use crate::{access, api_tokens, audit_log, invitations, passkeys as keys, passwords, sessions};

pub(crate) fn read_from(r: &mut Reader<'_>) -> Result<UserRow> {
    Ok(UserRow {
        id: r.id()?,
        name: r.text()?,
        display_name: r.text()?,
        role: r.text()?,
        password_phc: r.text()?,
        totp_sealed: r.bytes()?,
        totp_revision: r.int()?,
        totp_last_step: r.int()?,
        created: r.instant()?,
        disabled: r.opt_instant()?,
        failures: r.int()?,
        revision: r.int()?,
        tenant: r.id()?,
    })
}

fn read(row: &Row) -> Result<UserRow> {
    read_from(&mut row.read())
}

pub(crate) async fn all(db: &Db) -> Result<Vec<UserRow>> {
    let q = sql(
        "SELECT id, name, display_name, role, password_phc, totp_sealed, totp_revision, totp_last_step, created,
                 disabled, failures, revision, tenant FROM person ORDER BY name",
    );
    db.rows(q).await?.iter().map(read).collect()
}

/// The accounts that are at home in these tenants.
pub(crate) async fn seen(db: &Db, scope: &TenantScope) -> Result<Vec<UserRow>> {
    let mut q = Compose::new(
        "SELECT id, name, display_name, role, password_phc, totp_sealed, totp_revision, totp_last_step, created,
         disabled, failures, revision, tenant FROM person",
    );
    q.within("tenant", scope).push(" ORDER BY name");
    db.seen(scope, q.done()).await?.iter().map(read).collect()
}

pub(crate) async fn one(db: &Db, id: UserId) -> Result<Option<UserRow>> {
    let q = sql(
        "SELECT id, name, display_name, role, password_phc, totp_sealed, totp_revision, totp_last_step, created,
                 disabled, failures, revision, tenant FROM person WHERE id = $1",
    );
    db.row(q.bind(id)).await?.as_ref().map(read).transpose()
}

pub(crate) async fn by_name(db: &Db, name: &str) -> Result<Option<UserRow>> {
    let q = sql(
        "SELECT id, name, display_name, role, password_phc, totp_sealed, totp_revision, totp_last_step, created,
                 disabled, failures, revision, tenant FROM person WHERE name = $1",
    );
    db.row(q.bind(name)).await?.as_ref().map(read).transpose()
}

const INSERT_RECOVERY: Bulk =
    Bulk { head: "INSERT INTO recovery (person, code_sha256)", columns: 2, tail: "", tenant: None };

async fn insert_recovery(tx: &mut Tx, id: UserId, codes: Vec<Vec<u8>>) -> Result<()> {
    let values = codes.into_iter().map(|code| -> Vec<Value> { vec![id.into(), code.into()] }).collect();
    tx.run_all(INSERT_RECOVERY.queries(tx.engine(), values)).await?;
    Ok(())
}

pub(crate) async fn create(db: &Db, user: UserRow, recovery: Vec<Vec<u8>>, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    insert(&mut tx, user, recovery).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn join(
    db: &Db,
    invitation: InvitationId,
    user: UserRow,
    recovery: Vec<Vec<u8>>,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    invitations::burn(&mut tx, invitation, user.created).await?;
    insert(&mut tx, user, recovery).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn insert(tx: &mut Tx, user: UserRow, recovery: Vec<Vec<u8>>) -> Result<()> {
    let q = sql("INSERT INTO person (id, name, display_name, role, password_phc, totp_sealed, totp_revision,
                 totp_last_step, created, disabled, failures, revision, tenant)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
    .bind(user.id)
    .bind(user.name.as_str())
    .bind(user.display_name)
    .bind(user.role)
    .bind(user.password_phc)
    .bind(user.totp_sealed)
    .bind(user.totp_revision)
    .bind(user.totp_last_step)
    .bind(user.created)
    .bind(user.disabled)
    .bind(user.failures)
    .bind(user.revision)
    .bind(user.tenant);
    tx.run(q).await.map_err(|e| in_words(e, || format!("another account is called `{}`", user.name)))?;
    insert_recovery(tx, user.id, recovery).await
}

pub(crate) async fn update(db: &Db, user: UserRow, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    write(&mut tx, user).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

/// The account with all that belongs to it, and never without somebody who administers the server.
pub(crate) async fn change(db: &Db, change: UserChange, audit: Vec<Draft>) -> Result<()> {
    let UserChange { user, passkeys, recovery_sha256, failures, end_sessions, invite, burn, password } =
        change;
    let mut tx = db.begin().await?;
    // The log's counter is taken first: two changes at once wait for each other here, so that each sees the other's
    // administrators.
    audit_log::append(&mut tx, audit).await?;
    let id = user.id;
    let administered = access::is_administered(&mut tx).await?;
    // Whoever may not sign in any more, or must prove anew who he is, leaves no program behind that goes on as him.
    let tokens_end = user.disabled.or(invite.as_ref().map(|link| link.created));
    if let Some(set) = password {
        let former = sql("SELECT password_phc FROM person WHERE id = $1").bind(id);
        let former = tx.row(former).await?.map(|row| row.read().text()).transpose()?.unwrap_or_default();
        passwords::note(&mut tx, id, set, &former).await?;
    }
    // Whoever chooses all factors anew, or gets a link to do so, has none meanwhile; nobody else loses the last one at once.
    let mut loses = false;
    if user.totp_sealed.is_empty() && passkeys.is_none() && invite.is_none() {
        let had = tx.row(sql("SELECT totp_sealed FROM person WHERE id = $1").bind(id)).await?;
        loses = had.map(|row| row.read().bytes()).transpose()?.is_some_and(|sealed| !sealed.is_empty());
    }
    write(&mut tx, user).await?;
    if loses {
        keys::keeps_a_factor(&mut tx, id).await?;
    }
    if let Some(at) = tokens_end {
        api_tokens::revoke_of(&mut tx, id, at, "the account's end").await?;
    }
    if administered && !access::is_administered(&mut tx).await? {
        return Err(access::nobody_left());
    }
    if let Some(passkeys) = passkeys {
        keys::replace(&mut tx, id, passkeys).await?;
    }
    if let Some(codes) = recovery_sha256 {
        tx.run(sql("DELETE FROM recovery WHERE person = $1").bind(id)).await?;
        insert_recovery(&mut tx, id, codes).await?;
    }
    if let Some(failures) = failures {
        tx.run(sql("UPDATE person SET failures = $2 WHERE id = $1").bind(id).bind(failures)).await?;
    }
    if let Some(end) = end_sessions {
        sessions::end_others(&mut tx, id, end.keep, end.at).await?;
    }
    if let Some((invitation, at)) = burn {
        invitations::burn(&mut tx, invitation, at).await?;
    }
    if let Some(row) = invite {
        invitations::insert(&mut tx, row).await?;
    }
    tx.commit().await
}

async fn write(tx: &mut Tx, user: UserRow) -> Result<()> {
    // The last step only goes up, whatever an older copy of the row says: a used code stays used. Failures have their
    // own method, since sign-ins count them while an administrator edits.
    let q = sql("UPDATE person SET name = $2, display_name = $3, role = $4, password_phc = $5, totp_sealed = $6,
                 totp_last_step = CASE WHEN totp_last_step < $7 THEN $7 ELSE totp_last_step END, disabled = $8,
                 totp_revision = $10, tenant = $11, revision = $9 + 1 WHERE id = $1 AND revision = $9")
        .bind(user.id)
        .bind(user.name.as_str())
        .bind(user.display_name)
        .bind(user.role)
        .bind(user.password_phc)
        .bind(user.totp_sealed)
        .bind(user.totp_last_step)
        .bind(user.disabled)
        .bind(user.revision)
        .bind(user.totp_revision)
        .bind(user.tenant);
    let changed =
        tx.run(q).await.map_err(|e| in_words(e, || format!("another account is called `{}`", user.name)))?;
    if changed == 0 {
        let there = tx.row(sql("SELECT id FROM person WHERE id = $1").bind(user.id)).await?.is_some();
        return Err(if there {
            conflict("the account was changed by somebody else meanwhile; look at it again")
        } else {
            StoreError::NotFound { what: "the account" }
        });
    }
    Ok(())
}

pub(crate) async fn facts(db: &Db) -> Result<Vec<UserFacts>> {
    let q = sql("SELECT p.id, (SELECT COUNT(*) FROM recovery r WHERE r.person = p.id),
                 (SELECT COUNT(*) FROM passkey k WHERE k.person = p.id),
                 (SELECT MAX(s.created) FROM session s WHERE s.person = p.id) FROM person p");
    let read = |row: &Row| {
        let mut r = row.read();
        Ok(UserFacts {
            user: r.id()?,
            recovery_left: unordinal(r.int()?)?,
            passkeys: unordinal(r.int()?)?,
            last_sign_in: r.opt_instant()?,
        })
    };
    db.rows(q).await?.iter().map(read).collect()
}

pub(crate) async fn burn_totp_step(db: &Db, id: UserId, step: i64) -> Result<bool> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE person SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2");
    let burned = tx.run(q.bind(id).bind(step)).await? == 1;
    tx.commit().await?;
    Ok(burned)
}

pub(crate) async fn replace_recovery(db: &Db, id: UserId, codes: Vec<Vec<u8>>, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    // Locks the account: two replacements at once must not leave both sets.
    if tx.run(sql("UPDATE person SET name = name WHERE id = $1").bind(id)).await? == 0 {
        return Err(StoreError::NotFound { what: "the account" });
    }
    tx.run(sql("DELETE FROM recovery WHERE person = $1").bind(id)).await?;
    insert_recovery(&mut tx, id, codes).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn burn_recovery(db: &Db, id: UserId, code_sha256: &[u8]) -> Result<bool> {
    let mut tx = db.begin().await?;
    let q = sql("DELETE FROM recovery WHERE person = $1 AND code_sha256 = $2");
    let burned = tx.run(q.bind(id).bind(code_sha256)).await? == 1;
    tx.commit().await?;
    Ok(burned)
}

pub(crate) async fn set_failures(db: &Db, id: UserId, failures: i64, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE person SET failures = $2 WHERE id = $1");
    if tx.run(q.bind(id).bind(failures)).await? == 0 {
        return Err(StoreError::NotFound { what: "the account" });
    }
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}
