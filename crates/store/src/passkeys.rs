//! Passkeys, factors that are used up by what they open, last factors on their way out, browsers that may administer.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{DeviceId, PasskeyId, SessionId, Timestamp, UserId};
use wk_engine::ports::passkeys::{
    Admission, DEVICES_MAX, DeviceRow, FactorRemovalRow, FactorUse, PASSKEYS_MAX, PasskeyRow, PasskeyStore,
    SessionRaise, SessionStart,
};
use wk_engine::ports::rows::EndSessions;
use wk_engine::ports::store::{Result, StoreError};

use crate::SqlStore;
use crate::db::Tx;
use crate::error::{conflict, in_words};
use crate::sql::sql;
use crate::value::Row;
use crate::{audit_log, invitations, people, sessions};

fn read(row: &Row) -> Result<PasskeyRow> {
    let mut r = row.read();
    Ok(PasskeyRow {
        id: r.id()?,
        user: r.id()?,
        credential: r.bytes()?,
        rp_id: r.text()?,
        public_key: r.bytes()?,
        sign_count: r.int()?,
        backup_eligible: r.flag()?,
        backed_up: r.flag()?,
        aaguid: r.bytes()?,
        transports: r.text()?.split_whitespace().map(str::to_owned).collect(),
        name: r.text()?,
        created: r.instant()?,
        last_used: r.opt_instant()?,
        tag: r.bytes()?,
    })
}

fn read_device(row: &Row) -> Result<DeviceRow> {
    let mut r = row.read();
    Ok(DeviceRow {
        id: r.id()?,
        user: r.id()?,
        token_sha256: r.bytes()?,
        name: r.text()?,
        user_agent: r.text()?,
        address: r.text()?,
        created: r.instant()?,
        last_used: r.instant()?,
        expires: r.instant()?,
    })
}

fn read_removal(row: &Row) -> Result<FactorRemovalRow> {
    let mut r = row.read();
    Ok(FactorRemovalRow {
        user: r.id()?,
        factor: r.text()?,
        asked: r.instant()?,
        asked_by: r.text()?,
        due: r.instant()?,
    })
}

async fn insert(tx: &mut Tx, row: PasskeyRow) -> Result<()> {
    // Takes the account first: two at once must not both be the twentieth.
    if tx.run(sql("UPDATE person SET name = name WHERE id = $1").bind(row.user)).await? == 0 {
        return Err(StoreError::NotFound { what: "the account" });
    }
    let there = tx.rows(sql("SELECT id FROM passkey WHERE person = $1").bind(row.user)).await?.len();
    if there >= PASSKEYS_MAX {
        return Err(conflict(format!("an account has {PASSKEYS_MAX} passkeys at most; remove one first")));
    }
    let q = sql("INSERT INTO passkey (id, person, credential, rp_id, public_key, sign_count, backup_eligible, backed_up,
                 aaguid, transports, name, created, last_used, tag)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
        .bind(row.id)
        .bind(row.user)
        .bind(row.credential)
        .bind(row.rp_id)
        .bind(row.public_key)
        .bind(row.sign_count)
        .bind(row.backup_eligible)
        .bind(row.backed_up)
        .bind(row.aaguid)
        .bind(row.transports.join(" "))
        .bind(row.name)
        .bind(row.created)
        .bind(row.last_used)
        .bind(row.tag);
    tx.run(q).await.map_err(|e| in_words(e, || "this passkey is registered already".to_owned()))?;
    Ok(())
}

/// All of a person's go, these come: their factors are chosen anew.
pub(crate) async fn replace(tx: &mut Tx, user: UserId, rows: Vec<PasskeyRow>) -> Result<()> {
    tx.run(sql("DELETE FROM passkey WHERE person = $1").bind(user)).await?;
    tx.run(sql("DELETE FROM factor_removal WHERE person = $1").bind(user)).await?;
    tx.run(sql("DELETE FROM admin_device WHERE person = $1").bind(user)).await?;
    for row in rows {
        insert(tx, row).await?;
    }
    Ok(())
}

/// Refuses what would take the last second factor at once: that is asked for, and waits a day.
pub(crate) async fn keeps_a_factor(tx: &mut Tx, user: UserId) -> Result<()> {
    if !tx.rows(sql("SELECT id FROM passkey WHERE person = $1").bind(user)).await?.is_empty() {
        return Ok(());
    }
    let row = tx.row(sql("SELECT totp_sealed FROM person WHERE id = $1").bind(user)).await?;
    if row.map(|row| row.read().bytes()).transpose()?.is_some_and(|sealed| !sealed.is_empty()) {
        return Ok(());
    }
    Err(conflict("it has become the account's last second factor meanwhile; look at it again"))
}

/// Uses it up; false when it was used already.
async fn burn(tx: &mut Tx, factor: FactorUse) -> Result<bool> {
    let burnt = match factor {
        FactorUse::Nothing => return Ok(true),
        FactorUse::TotpStep { user, step } => {
            let q = sql("UPDATE person SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2");
            tx.run(q.bind(user).bind(step)).await?
        }
        FactorUse::Recovery { user, code_sha256 } => {
            let q = sql("DELETE FROM recovery WHERE person = $1 AND code_sha256 = $2");
            tx.run(q.bind(user).bind(code_sha256)).await?
        }
        FactorUse::Passkey { id, was, sign_count, backed_up, at } => {
            let q = sql("UPDATE passkey SET sign_count = $3, backed_up = $4, last_used = $5
                         WHERE id = $1 AND sign_count = $2");
            tx.run(q.bind(id).bind(was).bind(sign_count).bind(backed_up).bind(at)).await?
        }
    };
    Ok(burnt == 1)
}

const NO_PASSKEY: StoreError = StoreError::NotFound { what: "the passkey" };

#[async_trait]
impl PasskeyStore for SqlStore {
    async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRow>> {
        let q = sql("SELECT id, person, credential, rp_id, public_key, sign_count, backup_eligible, backed_up, aaguid,
                     transports, name, created, last_used, tag FROM passkey WHERE person = $1 ORDER BY created, id");
        self.db.rows(q.bind(user)).await?.iter().map(read).collect()
    }

    async fn passkey_by_credential(&self, credential: &[u8]) -> Result<Option<PasskeyRow>> {
        let q = sql("SELECT id, person, credential, rp_id, public_key, sign_count, backup_eligible, backed_up, aaguid,
                     transports, name, created, last_used, tag FROM passkey WHERE credential = $1");
        self.db.row(q.bind(credential)).await?.as_ref().map(read).transpose()
    }

    async fn add_passkey(&self, row: PasskeyRow, end: Option<EndSessions>, audit: Vec<Draft>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let user = row.user;
        insert(&mut tx, row).await?;
        tx.run(sql("DELETE FROM factor_removal WHERE person = $1").bind(user)).await?;
        if let Some(end) = end {
            sessions::end_others(&mut tx, user, end.keep, end.at).await?;
        }
        audit_log::append(&mut tx, audit).await?;
        tx.commit().await
    }

    async fn rename_passkey(&self, user: UserId, id: PasskeyId, name: &str, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q =
            sql("UPDATE passkey SET name = $3 WHERE id = $1 AND person = $2").bind(id).bind(user).bind(name);
        if tx.run(q).await? == 0 {
            return Err(NO_PASSKEY);
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn delete_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        end: EndSessions,
        audit: Vec<Draft>,
    ) -> Result<()> {
        let mut tx = self.db.begin().await?;
        // The log's counter first: of two removals at once the second sees what the first has left.
        audit_log::append(&mut tx, audit).await?;
        let q = sql("DELETE FROM passkey WHERE id = $1 AND person = $2").bind(id).bind(user);
        if tx.run(q).await? == 0 {
            return Err(NO_PASSKEY);
        }
        keeps_a_factor(&mut tx, user).await?;
        sessions::end_others(&mut tx, user, end.keep, end.at).await?;
        tx.commit().await
    }

    async fn admit(&self, admission: Admission, audit: Draft) -> Result<()> {
        let Admission { user, recovery_sha256, invitation, passkey } = admission;
        let mut tx = self.db.begin().await?;
        if let Some(invitation) = invitation {
            invitations::burn(&mut tx, invitation, user.created).await?;
        }
        people::insert(&mut tx, user, recovery_sha256).await?;
        insert(&mut tx, passkey).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn start_session(&self, start: SessionStart, audit: Vec<Draft>) -> Result<bool> {
        let SessionStart { session, factor, reset_failures } = start;
        let user = session.user;
        let mut tx = self.db.begin().await?;
        if !burn(&mut tx, factor).await? {
            return Ok(false);
        }
        if reset_failures {
            tx.run(sql("UPDATE person SET failures = 0 WHERE id = $1").bind(user)).await?;
        }
        sessions::insert(&mut tx, session).await?;
        audit_log::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn raise_session(&self, raise: SessionRaise, audit: Draft) -> Result<bool> {
        let SessionRaise { session, token_sha256, at, factor, method } = raise;
        let mut tx = self.db.begin().await?;
        if !burn(&mut tx, factor).await? {
            return Ok(false);
        }
        let q = sql("UPDATE session SET token_sha256 = $2, elevated = $3 WHERE id = $1 AND ended IS NULL");
        if tx.run(q.bind(session).bind(token_sha256).bind(at)).await? == 0 {
            return Err(StoreError::NotFound { what: "the session" });
        }
        if let Some(method) = method {
            tx.run(sql("UPDATE session SET method = $2 WHERE id = $1").bind(session).bind(method)).await?;
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn lower_session(&self, id: SessionId, token_sha256: Vec<u8>, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql("UPDATE session SET token_sha256 = $2, elevated = NULL WHERE id = $1 AND ended IS NULL");
        if tx.run(q.bind(id).bind(token_sha256)).await? == 0 {
            return Err(StoreError::NotFound { what: "the session" });
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn factor_removal(&self, user: UserId) -> Result<Option<FactorRemovalRow>> {
        let q = sql("SELECT person, factor, asked, asked_by, due FROM factor_removal WHERE person = $1");
        self.db.row(q.bind(user)).await?.as_ref().map(read_removal).transpose()
    }

    async fn factor_removals(&self) -> Result<Vec<FactorRemovalRow>> {
        let q =
            sql("SELECT person, factor, asked, asked_by, due FROM factor_removal ORDER BY due LIMIT 1000");
        self.db.rows(q).await?.iter().map(read_removal).collect()
    }

    async fn ask_factor_removal(&self, row: FactorRemovalRow, audit: Vec<Draft>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql(
            "INSERT INTO factor_removal (person, factor, asked, asked_by, due) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(row.user)
        .bind(row.factor)
        .bind(row.asked)
        .bind(row.asked_by)
        .bind(row.due);
        tx.run(q).await.map_err(|e| in_words(e, || "this is asked for already; stop it first".to_owned()))?;
        audit_log::append(&mut tx, audit).await?;
        tx.commit().await
    }

    async fn stop_factor_removal(&self, user: UserId, audit: Vec<Draft>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if tx.run(sql("DELETE FROM factor_removal WHERE person = $1").bind(user)).await? == 0 {
            return Err(StoreError::NotFound { what: "the removal" });
        }
        audit_log::append(&mut tx, audit).await?;
        tx.commit().await
    }

    async fn take_factor(&self, user: UserId, now: Timestamp, audit: Vec<Draft>) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        let q = sql(
            "SELECT person, factor, asked, asked_by, due FROM factor_removal WHERE person = $1 AND due <= $2",
        );
        let Some(row) = tx.row(q.bind(user).bind(now)).await? else { return Ok(false) };
        let removal = read_removal(&row)?;
        if tx.run(sql("DELETE FROM factor_removal WHERE person = $1").bind(user)).await? == 0 {
            return Ok(false);
        }
        match removal.factor.parse::<PasskeyId>() {
            Ok(id) => {
                let q = sql("DELETE FROM passkey WHERE id = $1 AND person = $2").bind(id).bind(user);
                tx.run(q).await?;
            }
            Err(_) => {
                let q = sql("UPDATE person SET totp_sealed = $2, revision = revision + 1 WHERE id = $1");
                tx.run(q.bind(user).bind(Vec::<u8>::new())).await?;
            }
        }
        tx.run(sql("DELETE FROM recovery WHERE person = $1").bind(user)).await?;
        sessions::end_others(&mut tx, user, None, now).await?;
        audit_log::append(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn devices(&self, user: UserId) -> Result<Vec<DeviceRow>> {
        let q = sql("SELECT id, person, token_sha256, name, user_agent, address, created, last_used, expires FROM admin_device
                     WHERE person = $1 ORDER BY created, id");
        self.db.rows(q.bind(user)).await?.iter().map(read_device).collect()
    }

    async fn device_by_token(&self, token_sha256: &[u8]) -> Result<Option<DeviceRow>> {
        let q = sql("SELECT id, person, token_sha256, name, user_agent, address, created, last_used, expires FROM admin_device
                     WHERE token_sha256 = $1");
        self.db.row(q.bind(token_sha256)).await?.as_ref().map(read_device).transpose()
    }

    async fn put_device(&self, row: DeviceRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if tx.run(sql("UPDATE person SET name = name WHERE id = $1").bind(row.user)).await? == 0 {
            return Err(StoreError::NotFound { what: "the account" });
        }
        tx.run(
            sql("DELETE FROM admin_device WHERE person = $1 AND expires <= $2")
                .bind(row.user)
                .bind(row.created),
        )
        .await?;
        if tx.rows(sql("SELECT id FROM admin_device WHERE person = $1").bind(row.user)).await?.len()
            >= DEVICES_MAX
        {
            return Err(conflict(format!(
                "an account has {DEVICES_MAX} enrolled browsers at most; remove one first"
            )));
        }
        let q = sql("INSERT INTO admin_device (id, person, token_sha256, name, user_agent, address, created, last_used, expires)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
            .bind(row.id)
            .bind(row.user)
            .bind(row.token_sha256)
            .bind(row.name)
            .bind(row.user_agent)
            .bind(row.address)
            .bind(row.created)
            .bind(row.last_used)
            .bind(row.expires);
        tx.run(q).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn touch_device(&self, id: DeviceId, at: Timestamp) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.run(
            sql("UPDATE admin_device SET last_used = $2 WHERE id = $1 AND last_used < $2").bind(id).bind(at),
        )
        .await?;
        tx.commit().await
    }

    async fn delete_device(&self, user: UserId, id: DeviceId, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if tx.run(sql("DELETE FROM admin_device WHERE id = $1 AND person = $2").bind(id).bind(user)).await?
            == 0
        {
            return Err(StoreError::NotFound { what: "the device" });
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }
}
