//! Agents, their certificates, and what they ran.

use wk_audit::Draft;
use wk_domain::{AgentId, CheckId, ExecutionKind, Timestamp};
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{
    AgentCertRow, AgentRow, Cursor, EventRow, ExecutionRow, Page, RenewOutcome, Standing,
};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::error::conflict;
use crate::sql::{Bulk, Compose, Of, sql};
use crate::value::{Row, Value, bits, json, ordinal, unbits, unordinal};
use crate::{audit_log, events, limit, parse_id};

fn read(row: &Row) -> Result<AgentRow> {
    let mut r = row.read();
    Ok(AgentRow {
        id: r.id()?,
        host: r.id()?,
        hostname: r.text()?,
        standing: r.word("a standing", Standing::parse)?,
        grants: r.json()?,
        version: r.text()?,
        os: r.text()?,
        enrolled: r.instant()?,
        enrolled_by_token: r.id()?,
        last_seen: r.opt_instant()?,
        last_address: r.text()?,
        cert_serial: r.text()?,
        cert_not_after: r.instant()?,
        machine_digest: r.bytes()?,
        remote_off: r.flag()?,
        read_only: r.flag()?,
        plugins: r.json()?,
        epoch: unbits(r.int()?),
        committed_seq: unordinal(r.int()?)?,
    })
}

pub(crate) async fn all(db: &Db) -> Result<Vec<AgentRow>> {
    let q = sql("SELECT id, host, hostname, standing, grants, version, os, enrolled, enrolled_by_token, last_seen,
                 last_address, cert_serial, cert_not_after, machine_digest, remote_off, read_only, plugins, epoch,
                 committed_seq FROM agent ORDER BY hostname, id");
    db.rows(q).await?.iter().map(read).collect()
}

pub(crate) async fn one(db: &Db, id: AgentId) -> Result<Option<AgentRow>> {
    let q = sql("SELECT id, host, hostname, standing, grants, version, os, enrolled, enrolled_by_token, last_seen,
                 last_address, cert_serial, cert_not_after, machine_digest, remote_off, read_only, plugins, epoch,
                 committed_seq FROM agent WHERE id = $1");
    db.row(q.bind(id)).await?.as_ref().map(read).transpose()
}

pub(crate) async fn insert(tx: &mut Tx, agent: &AgentRow) -> Result<()> {
    let q = sql("INSERT INTO agent (id, host, hostname, standing, grants, version, os, enrolled, enrolled_by_token,
                 last_seen, last_address, cert_serial, cert_not_after, machine_digest, remote_off, read_only, plugins,
                 epoch, committed_seq, tenant)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                 COALESCE((SELECT tenant FROM host WHERE id = $2), (SELECT id FROM tenant WHERE parent IS NULL)))")
        .bind(agent.id)
        .bind(agent.host)
        .bind(agent.hostname.as_str())
        .bind(agent.standing.as_str())
        .bind(json(&agent.grants)?)
        .bind(agent.version.as_str())
        .bind(agent.os.as_str())
        .bind(agent.enrolled)
        .bind(agent.enrolled_by_token)
        .bind(agent.last_seen)
        .bind(agent.last_address.as_str())
        .bind(agent.cert_serial.as_str())
        .bind(agent.cert_not_after)
        .bind(agent.machine_digest.as_slice())
        .bind(agent.remote_off)
        .bind(agent.read_only)
        .bind(json(&agent.plugins)?)
        .bind(bits(agent.epoch))
        .bind(ordinal(agent.committed_seq)?);
    tx.run(q).await?;
    Ok(())
}

/// What a link tells. Standing, grants, certificate, cursor and whether the server manages it are not
/// the agent's to say.
pub(crate) async fn seen(db: &Db, agent: AgentRow, audit: Option<Draft>) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE agent SET last_seen = $2, last_address = $3, version = $4, os = $5, remote_off = $6, plugins = $7
                 WHERE id = $1")
        .bind(agent.id)
        .bind(agent.last_seen)
        .bind(agent.last_address)
        .bind(agent.version)
        .bind(agent.os)
        .bind(agent.remote_off)
        .bind(json(&agent.plugins)?);
    if tx.run(q).await? == 0 {
        return Err(StoreError::NotFound { what: "the agent" });
    }
    audit_log::append(&mut tx, audit.into_iter().collect()).await?;
    tx.commit().await
}

/// The standing of an agent, its row locked until the transaction ends.
async fn lock(tx: &mut Tx, id: AgentId) -> Result<Standing> {
    let q = sql("UPDATE agent SET standing = standing WHERE id = $1 RETURNING standing").bind(id);
    let row = tx.row(q).await?.ok_or(StoreError::NotFound { what: "the agent" })?;
    row.read().word("a standing", Standing::parse)
}

async fn stand(tx: &mut Tx, id: AgentId, standing: Standing) -> Result<()> {
    tx.run(sql("UPDATE agent SET standing = $2 WHERE id = $1").bind(id).bind(standing.as_str())).await?;
    Ok(())
}

pub(crate) async fn set_standing(
    db: &Db,
    id: AgentId,
    standing: Standing,
    event: EventRow,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    let was = lock(&mut tx, id).await?;
    if was == Standing::Revoked && standing != Standing::Revoked {
        return Err(conflict("a revoked agent stays revoked; enrol the machine again with a new token"));
    }
    stand(&mut tx, id, standing).await?;
    if standing == Standing::Revoked {
        let q = sql("UPDATE agent_cert SET revoked = $2 WHERE agent = $1 AND revoked IS NULL");
        tx.run(q.bind(id).bind(event.at)).await?;
        // The machine may be enrolled again.
        tx.run(sql("UPDATE host SET agent = NULL WHERE agent = $1").bind(id)).await?;
    }
    events::insert(&mut tx, vec![event]).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

/// Ends or begins the server's management of an agent.
pub(crate) async fn set_read_only(
    db: &Db,
    id: AgentId,
    read_only: bool,
    event: EventRow,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE agent SET read_only = $2 WHERE id = $1").bind(id).bind(read_only);
    if tx.run(q).await? == 0 {
        return Err(StoreError::NotFound { what: "the agent" });
    }
    events::insert(&mut tx, vec![event]).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

// Certificates -------------------------------------------------------------------------------------------------------

fn read_cert(row: &Row) -> Result<(AgentCertRow, Timestamp)> {
    let mut r = row.read();
    let cert = AgentCertRow {
        serial: r.text()?,
        agent: r.id()?,
        parent_serial: r.opt_text()?,
        spki_sha256: r.text()?,
        not_before: r.instant()?,
        not_after: r.instant()?,
        cert_der: r.bytes()?,
        revoked: r.opt_instant()?,
    };
    Ok((cert, r.instant()?))
}

pub(crate) async fn certs(db: &Db, id: AgentId) -> Result<Vec<AgentCertRow>> {
    let q = sql(
        "SELECT serial, agent, parent_serial, spki_sha256, not_before, not_after, cert_der, revoked, recorded
                 FROM agent_cert WHERE agent = $1 ORDER BY recorded DESC, serial",
    );
    db.rows(q.bind(id)).await?.iter().map(|row| read_cert(row).map(|(cert, _)| cert)).collect()
}

pub(crate) async fn insert_cert(tx: &mut Tx, cert: &AgentCertRow, now: Timestamp) -> Result<()> {
    let q = sql(
        "INSERT INTO agent_cert (serial, agent, parent_serial, spki_sha256, not_before, not_after, cert_der,
                 revoked, recorded) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(cert.serial.as_str())
    .bind(cert.agent)
    .bind(cert.parent_serial.clone())
    .bind(cert.spki_sha256.as_str())
    .bind(cert.not_before)
    .bind(cert.not_after)
    .bind(cert.cert_der.as_slice())
    .bind(cert.revoked)
    .bind(now);
    tx.run(q).await?;
    Ok(())
}

pub(crate) async fn renew(
    db: &Db,
    cert: AgentCertRow,
    now: Timestamp,
    audit: Draft,
    clone_event: EventRow,
    clone_audit: Draft,
) -> Result<RenewOutcome> {
    let Some(parent) = cert.parent_serial.clone() else {
        return Err(conflict("a renewal names the certificate that was presented"));
    };
    let mut tx = db.begin().await?;
    if lock(&mut tx, cert.agent).await? != Standing::Active {
        return Ok(RenewOutcome::Refused);
    }
    let q = sql("SELECT revoked FROM agent_cert WHERE serial = $1 AND agent = $2");
    let presented = tx.row(q.bind(parent.as_str()).bind(cert.agent)).await?;
    let presented = presented.ok_or(StoreError::NotFound { what: "the certificate that was presented" })?;
    if presented.read().opt_int()?.is_some() {
        return Ok(RenewOutcome::Refused);
    }
    let q = sql(
        "SELECT serial, agent, parent_serial, spki_sha256, not_before, not_after, cert_der, revoked, recorded
                 FROM agent_cert WHERE parent_serial = $1",
    );
    match tx.row(q.bind(parent)).await?.as_ref().map(read_cert).transpose()? {
        None => {
            insert_cert(&mut tx, &cert, now).await?;
            let q = sql("UPDATE agent SET cert_serial = $2, cert_not_after = $3 WHERE id = $1");
            tx.run(q.bind(cert.agent).bind(cert.serial).bind(cert.not_after)).await?;
            audit_log::append(&mut tx, vec![audit]).await?;
            tx.commit().await?;
            Ok(RenewOutcome::Recorded)
        }
        // The same key from the same parent: a crash or a broken link between issue and receipt, however long it took to
        // come back. Not once the child has been renewed itself: its holder had it, so this is somebody else.
        Some((child, _)) if child.spki_sha256 == cert.spki_sha256 && unused(&mut tx, &child, now).await? => {
            Ok(RenewOutcome::Repeated(Box::new(child)))
        }
        Some(_) => {
            stand(&mut tx, cert.agent, Standing::Quarantined).await?;
            events::insert(&mut tx, vec![clone_event]).await?;
            audit_log::append(&mut tx, vec![clone_audit]).await?;
            tx.commit().await?;
            Ok(RenewOutcome::Cloned)
        }
    }
}

/// Whether a certificate is good and nothing was renewed from it.
async fn unused(tx: &mut Tx, cert: &AgentCertRow, now: Timestamp) -> Result<bool> {
    let q = sql("SELECT serial FROM agent_cert WHERE parent_serial = $1").bind(cert.serial.as_str());
    Ok(cert.revoked.is_none() && now < cert.not_after && tx.row(q).await?.is_none())
}

pub(crate) async fn deny_list(db: &Db, now: Timestamp) -> Result<(Vec<String>, Vec<AgentId>)> {
    let q = sql("SELECT serial FROM agent_cert WHERE revoked IS NOT NULL AND not_after > $1 ORDER BY serial");
    let serials = db.rows(q.bind(now)).await?.iter().map(|row| row.read().text()).collect::<Result<_>>()?;
    let q = sql("SELECT id FROM agent WHERE standing <> $1 ORDER BY id").bind(Standing::Active.as_str());
    let agents = db.rows(q).await?.iter().map(|row| row.read().id()).collect::<Result<_>>()?;
    Ok((serials, agents))
}

// The spool's cursor -------------------------------------------------------------------------------------------------

/// Moves cursors forward. One that would go back in its epoch stays, without an error: the batch was committed before.
pub(crate) async fn move_cursors(tx: &mut Tx, mut cursors: Vec<Cursor>) -> Result<()> {
    cursors.sort_by_key(|cursor| cursor.agent);
    for cursor in cursors {
        let q = sql("UPDATE agent SET epoch = $2, committed_seq = $3, committed_at = $4
                     WHERE id = $1 AND (epoch <> $2 OR committed_seq < $3)");
        let q = q.bind(cursor.agent).bind(bits(cursor.epoch)).bind(ordinal(cursor.seq)?).bind(cursor.at);
        tx.run(q).await?;
    }
    Ok(())
}

// Executions ---------------------------------------------------------------------------------------------------------

/// An agent may send a record again; the first stands.
const INSERT_EXECUTION: Bulk = Bulk {
    head: "INSERT INTO execution (id, agent, check_id, kind, what, argv, sha256, grade, outcome, started, finished, tenant)",
    columns: 12,
    tail: "ON CONFLICT (id) DO NOTHING",
    tenant: Some(Of::Agent),
};

pub(crate) async fn insert_executions(tx: &mut Tx, rows: Vec<ExecutionRow>) -> Result<()> {
    let values = rows
        .into_iter()
        .map(|row| -> Result<Vec<Value>> {
            Ok(vec![
                row.id.into(),
                row.agent.into(),
                row.check.into(),
                row.kind.into(),
                row.what.into(),
                json(&row.argv)?,
                row.sha256.into(),
                row.grade.into(),
                row.outcome.into(),
                row.started.into(),
                row.finished.into(),
                row.agent.into(),
            ])
        })
        .collect::<Result<Vec<_>>>()?;
    tx.run_all(INSERT_EXECUTION.queries(tx.engine(), values)).await?;
    Ok(())
}

fn read_execution(row: &Row) -> Result<ExecutionRow> {
    let mut r = row.read();
    Ok(ExecutionRow {
        id: r.id()?,
        agent: r.id()?,
        check: r.opt_id()?,
        kind: r.text()?,
        what: r.text()?,
        argv: r.json()?,
        sha256: r.text()?,
        grade: r.text()?,
        outcome: r.text()?,
        started: r.instant()?,
        finished: r.instant()?,
    })
}

pub(crate) async fn executions(
    db: &Db,
    scope: &TenantScope,
    agent: Option<AgentId>,
    check: Option<CheckId>,
    page: Page,
) -> Result<Vec<ExecutionRow>> {
    let mut q = Compose::new(
        "SELECT id, agent, check_id, kind, what, argv, sha256, grade, outcome, started, finished FROM execution",
    );
    q.within("tenant", scope);
    if let Some(after) = &page.after {
        q.and("id < ", parse_id::<ExecutionKind>(after)?);
    }
    if let Some(agent) = agent {
        q.and("agent = ", agent);
    }
    if let Some(check) = check {
        q.and("check_id = ", check);
    }
    q.push(" ORDER BY id DESC LIMIT ").arg(limit(&page));
    db.seen(scope, q.done()).await?.iter().map(read_execution).collect()
}
