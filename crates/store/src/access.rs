//! Rights as they are kept: groups of people, custom roles, grants, and the revision that counts their changes.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{GrantId, GroupId, RoleId, TenantId, Timestamp, UserId};
use wk_engine::ports::access::{AccessStore, GrantRow, GroupRow, HeldRow, LOCAL, MembershipRow, RoleRow};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::Tx;
use crate::error::{conflict, in_words};
use crate::sql::sql;
use crate::value::{Reader, Row, json, unordinal};
use crate::{SqlStore, audit_log};

/// Counts a change of what rights are made of. In the transaction that makes it.
pub(crate) async fn bump(tx: &mut Tx) -> Result<()> {
    tx.run(sql("UPDATE rights_revision SET revision = revision + 1 WHERE only_row = 1")).await.map(drop)
}

/// Whether somebody is left who may do everything everywhere: a person, not disabled, with the role `admin` at the root by
/// the account or by a grant that does not run out, to whom nothing is denied. A group counts by memberships that were
/// decided here: what a provider says may change without us.
pub(crate) async fn is_administered(tx: &mut Tx) -> Result<bool> {
    let q = sql("SELECT p.id FROM person p WHERE p.disabled IS NULL
        AND NOT EXISTS (SELECT 1 FROM service_account s WHERE s.person = p.id)
        AND ((p.role = 'admin' AND p.tenant = $1) OR EXISTS (SELECT 1 FROM access_grant g
            WHERE g.effect = 'allow' AND g.role = 'admin' AND g.custom IS NULL AND g.tenant = $1 AND g.selector = ''
            AND g.host IS NULL AND g.owned = 0 AND g.sections = '' AND g.expires IS NULL
            AND (g.person = p.id OR EXISTS (SELECT 1 FROM people_membership m
                WHERE m.people_group = g.people_group AND m.person = p.id AND m.origin = $2))))
        AND NOT EXISTS (SELECT 1 FROM access_grant d WHERE d.effect = 'deny'
            AND (d.person = p.id OR EXISTS (SELECT 1 FROM people_membership m
                WHERE m.people_group = d.people_group AND m.person = p.id)))
        LIMIT 1");
    Ok(tx.row(q.bind(TenantId::ROOT).bind(LOCAL)).await?.is_some())
}

/// Said when a change would leave nobody who may do everything.
pub(crate) fn nobody_left() -> StoreError {
    conflict(
        "this is the last administrator; make somebody else one first, over everything and with nothing denied, or nobody \
         could manage the server",
    )
}

/// A transaction that changes rights: its record goes in first, so that two at once wait for each other here and each
/// sees what the other left; then the change; and it stands only if somebody is left who may do everything.
struct Change {
    tx: Tx,
    administered: bool,
}

impl SqlStore {
    async fn change_rights(&self, audit: Vec<Draft>) -> Result<Change> {
        let mut tx = self.db.begin().await?;
        audit_log::append(&mut tx, audit).await?;
        bump(&mut tx).await?;
        let administered = is_administered(&mut tx).await?;
        Ok(Change { tx, administered })
    }
}

impl Change {
    async fn commit(mut self) -> Result<()> {
        if self.administered && !is_administered(&mut self.tx).await? {
            return Err(nobody_left());
        }
        self.tx.commit().await
    }
}

fn read_group(row: &Row) -> Result<GroupRow> {
    let mut r = row.read();
    Ok(GroupRow {
        id: r.id()?,
        tenant: r.id()?,
        name: r.text()?,
        about: r.text()?,
        created: r.instant()?,
        revision: r.int()?,
    })
}

fn read_membership(row: &Row) -> Result<MembershipRow> {
    let mut r = row.read();
    Ok(MembershipRow { group: r.id()?, person: r.id()?, origin: r.text()?, since: r.instant()? })
}

fn read_role(row: &Row) -> Result<RoleRow> {
    let mut r = row.read();
    Ok(RoleRow {
        id: r.id()?,
        name: r.text()?,
        about: r.text()?,
        actions: r.json()?,
        created: r.instant()?,
        revision: r.int()?,
    })
}

/// The columns of a grant, the name of its custom role last.
fn read_grant_from(r: &mut Reader<'_>) -> Result<GrantRow> {
    let mut grant = GrantRow {
        id: r.id()?,
        person: r.opt_id()?,
        group: r.opt_id()?,
        effect: r.text()?,
        role: r.text()?,
        custom: r.opt_id()?,
        tenant: r.id()?,
        selector: r.text()?,
        host: r.opt_id()?,
        owned: r.flag()?,
        sections: r.text()?.split_whitespace().map(str::to_owned).collect(),
        reason: r.text()?,
        created: r.instant()?,
        created_by: r.text()?,
        expires: r.opt_instant()?,
    };
    if let Some(name) = r.opt_text()? {
        grant.role = name;
    }
    Ok(grant)
}

fn read_grant(row: &Row) -> Result<GrantRow> {
    read_grant_from(&mut row.read())
}

fn read_held(row: &Row) -> Result<HeldRow> {
    let mut r = row.read();
    let grant = read_grant_from(&mut r)?;
    let actions = match r.opt_text()? {
        None => None,
        Some(text) => Some(serde_json::from_str(&text).map_err(|e| StoreError::Corrupt {
            detail: format!("a role's actions are not a JSON list: {e}"),
        })?),
    };
    let through = grant.group.zip(r.opt_text()?);
    Ok(HeldRow { grant, through, actions })
}

async fn there(tx: &mut Tx, what: &'static str, query: crate::sql::Query) -> Result<()> {
    match tx.row(query).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::NotFound { what }),
    }
}

/// After an update that changed no row.
async fn moved_on(tx: &mut Tx, what: &'static str, query: crate::sql::Query) -> StoreError {
    match there(tx, what, query).await {
        Ok(()) => conflict(format!("{what} was changed by somebody else meanwhile; look at it again")),
        Err(error) => error,
    }
}

#[async_trait]
impl AccessStore for SqlStore {
    async fn rights_revision(&self) -> Result<u64> {
        let q = sql("SELECT revision FROM rights_revision WHERE only_row = 1");
        match self.db.row(q).await? {
            Some(row) => unordinal(row.read().int()?),
            None => Err(StoreError::Corrupt { detail: "the rights' revision is gone".into() }),
        }
    }

    async fn holdings(&self, person: UserId) -> Result<Vec<HeldRow>> {
        let q = sql("SELECT g.id, g.person, g.people_group, g.effect, g.role, g.custom, g.tenant, g.selector, g.host,
            g.owned, g.sections, g.reason, g.created, g.created_by, g.expires, r.name, r.actions, q.name
            FROM access_grant g LEFT JOIN access_role r ON r.id = g.custom
            LEFT JOIN people_group q ON q.id = g.people_group
            WHERE g.person = $1 OR g.people_group IN (SELECT people_group FROM people_membership WHERE person = $1)
            ORDER BY g.id");
        self.db.rows(q.bind(person)).await?.iter().map(read_held).collect()
    }

    async fn groups(&self) -> Result<Vec<GroupRow>> {
        let q = sql("SELECT id, tenant, name, about, created, revision FROM people_group ORDER BY name, id");
        self.db.rows(q).await?.iter().map(read_group).collect()
    }

    async fn group(&self, id: GroupId) -> Result<Option<GroupRow>> {
        let q = sql("SELECT id, tenant, name, about, created, revision FROM people_group WHERE id = $1");
        self.db.row(q.bind(id)).await?.as_ref().map(read_group).transpose()
    }

    async fn put_group(&self, mut group: GroupRow, audit: Draft) -> Result<GroupRow> {
        let mut change = self.change_rights(vec![audit]).await?;
        let taken = |name: &str| format!("there is a group called `{name}` there already");
        if group.revision == 0 {
            let q = sql("INSERT INTO people_group (id, tenant, name, about, created, revision)
                         VALUES ($1, $2, $3, $4, $5, 1)");
            let q = q.bind(group.id).bind(group.tenant).bind(group.name.as_str()).bind(group.about.as_str());
            change.tx.run(q.bind(group.created)).await.map_err(|e| in_words(e, || taken(&group.name)))?;
        } else {
            let q = sql("UPDATE people_group SET name = $2, about = $3, revision = revision + 1
                         WHERE id = $1 AND revision = $4");
            let q = q.bind(group.id).bind(group.name.as_str()).bind(group.about.as_str());
            let changed = change.tx.run(q.bind(group.revision)).await;
            if changed.map_err(|e| in_words(e, || taken(&group.name)))? == 0 {
                let look = sql("SELECT id FROM people_group WHERE id = $1").bind(group.id);
                return Err(moved_on(&mut change.tx, "the group", look).await);
            }
        }
        change.commit().await?;
        group.revision += 1;
        Ok(group)
    }

    async fn delete_group(&self, id: GroupId, audit: Vec<Draft>) -> Result<()> {
        let mut change = self.change_rights(audit).await?;
        if change.tx.run(sql("DELETE FROM people_group WHERE id = $1").bind(id)).await? == 0 {
            return Err(StoreError::NotFound { what: "the group" });
        }
        change.commit().await
    }

    async fn memberships(&self) -> Result<Vec<MembershipRow>> {
        let q = sql(
            "SELECT people_group, person, origin, since FROM people_membership ORDER BY since, person, origin",
        );
        self.db.rows(q).await?.iter().map(read_membership).collect()
    }

    async fn put_membership(&self, row: MembershipRow, audit: Draft) -> Result<()> {
        let mut change = self.change_rights(vec![audit]).await?;
        there(&mut change.tx, "the group", sql("SELECT id FROM people_group WHERE id = $1").bind(row.group))
            .await?;
        there(&mut change.tx, "the account", sql("SELECT id FROM person WHERE id = $1").bind(row.person))
            .await?;
        let q = sql(
            "INSERT INTO people_membership (people_group, person, origin, since) VALUES ($1, $2, $3, $4)",
        );
        let q = q.bind(row.group).bind(row.person).bind(row.origin).bind(row.since);
        change
            .tx
            .run(q)
            .await
            .map_err(|e| in_words(e, || "the person is in the group already".to_owned()))?;
        change.commit().await
    }

    async fn remove_membership(
        &self,
        group: GroupId,
        person: UserId,
        origin: &str,
        audit: Draft,
    ) -> Result<()> {
        let mut change = self.change_rights(vec![audit]).await?;
        let q = sql("DELETE FROM people_membership WHERE people_group = $1 AND person = $2 AND origin = $3");
        if change.tx.run(q.bind(group).bind(person).bind(origin)).await? == 0 {
            return Err(StoreError::NotFound { what: "the membership" });
        }
        change.commit().await
    }

    async fn set_memberships(
        &self,
        person: UserId,
        origin: &str,
        groups: Vec<GroupId>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<bool> {
        // Most sign-ins change nothing: looked at first, without a transaction.
        let q = sql(
            "SELECT people_group, person, origin, since FROM people_membership WHERE person = $1 AND origin = $2",
        );
        let has: Vec<GroupId> = self
            .db
            .rows(q.bind(person).bind(origin))
            .await?
            .iter()
            .map(|row| read_membership(row).map(|row| row.group))
            .collect::<Result<_>>()?;
        let known: Vec<GroupId> = self.groups().await?.into_iter().map(|group| group.id).collect();
        let mut wanted: Vec<GroupId> = groups.into_iter().filter(|group| known.contains(group)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if has.len() == wanted.len() && has.iter().all(|group| wanted.contains(group)) {
            return Ok(false);
        }
        let mut change = self.change_rights(vec![audit]).await?;
        let clear = sql("DELETE FROM people_membership WHERE person = $1 AND origin = $2");
        change.tx.run(clear.bind(person).bind(origin)).await?;
        for group in wanted {
            // The group may have gone since: then nothing is put in.
            let q = sql("INSERT INTO people_membership (people_group, person, origin, since)
                         SELECT id, $2, $3, $4 FROM people_group WHERE id = $1");
            change.tx.run(q.bind(group).bind(person).bind(origin).bind(at)).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    async fn roles(&self) -> Result<Vec<RoleRow>> {
        let q = sql("SELECT id, name, about, actions, created, revision FROM access_role ORDER BY name");
        self.db.rows(q).await?.iter().map(read_role).collect()
    }

    async fn put_role(&self, mut role: RoleRow, audit: Draft) -> Result<RoleRow> {
        let mut change = self.change_rights(vec![audit]).await?;
        let taken = |name: &str| format!("there is a role called `{name}` already");
        if role.revision == 0 {
            let q = sql("INSERT INTO access_role (id, name, about, actions, created, revision)
                         VALUES ($1, $2, $3, $4, $5, 1)");
            let q = q.bind(role.id).bind(role.name.as_str()).bind(role.about.as_str());
            let q = q.bind_all([json(&role.actions)?]).bind(role.created);
            change.tx.run(q).await.map_err(|e| in_words(e, || taken(&role.name)))?;
        } else {
            let q = sql("UPDATE access_role SET name = $2, about = $3, actions = $4, revision = revision + 1
                         WHERE id = $1 AND revision = $5");
            let q = q.bind(role.id).bind(role.name.as_str()).bind(role.about.as_str());
            let q = q.bind_all([json(&role.actions)?]).bind(role.revision);
            if change.tx.run(q).await.map_err(|e| in_words(e, || taken(&role.name)))? == 0 {
                let look = sql("SELECT id FROM access_role WHERE id = $1").bind(role.id);
                return Err(moved_on(&mut change.tx, "the role", look).await);
            }
        }
        change.commit().await?;
        role.revision += 1;
        Ok(role)
    }

    async fn delete_role(&self, id: RoleId, audit: Draft) -> Result<()> {
        let mut change = self.change_rights(vec![audit]).await?;
        let used = sql("SELECT id FROM access_grant WHERE custom = $1 LIMIT 1").bind(id);
        if change.tx.row(used).await?.is_some() {
            return Err(conflict("grants give this role: take them first"));
        }
        if change.tx.run(sql("DELETE FROM access_role WHERE id = $1").bind(id)).await? == 0 {
            return Err(StoreError::NotFound { what: "the role" });
        }
        change.commit().await
    }

    async fn grants(&self) -> Result<Vec<GrantRow>> {
        let q = sql(
            "SELECT g.id, g.person, g.people_group, g.effect, g.role, g.custom, g.tenant, g.selector, g.host,
            g.owned, g.sections, g.reason, g.created, g.created_by, g.expires, r.name
            FROM access_grant g LEFT JOIN access_role r ON r.id = g.custom ORDER BY g.id DESC",
        );
        self.db.rows(q).await?.iter().map(read_grant).collect()
    }

    async fn grant(&self, id: GrantId) -> Result<Option<GrantRow>> {
        let q = sql(
            "SELECT g.id, g.person, g.people_group, g.effect, g.role, g.custom, g.tenant, g.selector, g.host,
            g.owned, g.sections, g.reason, g.created, g.created_by, g.expires, r.name
            FROM access_grant g LEFT JOIN access_role r ON r.id = g.custom WHERE g.id = $1",
        );
        self.db.row(q.bind(id)).await?.as_ref().map(read_grant).transpose()
    }

    async fn put_grant(&self, grant: GrantRow, audit: Draft) -> Result<()> {
        let mut change = self.change_rights(vec![audit]).await?;
        if let Some(id) = grant.person {
            there(&mut change.tx, "the account", sql("SELECT id FROM person WHERE id = $1").bind(id)).await?;
        }
        if let Some(id) = grant.group {
            there(&mut change.tx, "the group", sql("SELECT id FROM people_group WHERE id = $1").bind(id))
                .await?;
        }
        if let Some(id) = grant.custom {
            there(&mut change.tx, "the role", sql("SELECT id FROM access_role WHERE id = $1").bind(id))
                .await?;
        }
        let q = sql("INSERT INTO access_grant (id, person, people_group, effect, role, custom, tenant, selector, host,
            owned, sections, reason, created, created_by, expires)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)");
        let role = if grant.custom.is_some() { String::new() } else { grant.role };
        let q = q.bind(grant.id).bind(grant.person).bind(grant.group).bind(grant.effect).bind(role);
        let q = q.bind(grant.custom).bind(grant.tenant).bind(grant.selector).bind(grant.host);
        let q = q.bind(grant.owned).bind(grant.sections.join(" ")).bind(grant.reason).bind(grant.created);
        change.tx.run(q.bind(grant.created_by).bind(grant.expires)).await?;
        change.commit().await
    }

    async fn delete_grant(&self, id: GrantId, audit: Draft) -> Result<()> {
        let mut change = self.change_rights(vec![audit]).await?;
        if change.tx.run(sql("DELETE FROM access_grant WHERE id = $1").bind(id)).await? == 0 {
            return Err(StoreError::NotFound { what: "the grant" });
        }
        change.commit().await
    }
}
