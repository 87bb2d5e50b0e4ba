//! One round of ingest: everything that a batch of results changes, whole or not at all.

use wk_engine::ports::rows::IngestCommit;
use wk_engine::ports::store::Result;

use crate::db::Db;
use crate::{agents, audit_log, checks, events, hosts, inventory, notify, problems, states, upkeep};

pub(crate) async fn commit(db: &Db, commit: IngestCommit) -> Result<()> {
    // Every part by name: a part that is added to the commit and forgotten here fails the build.
    let IngestCommit {
        cursors,
        mut new_checks,
        states,
        clear_acks,
        events,
        outbox,
        inventory,
        executions,
        hosts,
        audit,
    } = commit;
    let mut tx = db.begin().await?;
    upkeep::count_changes(&mut tx, hosts.len() + new_checks.len()).await?;
    agents::move_cursors(&mut tx, cursors).await?;
    for host in &hosts {
        hosts::observed(&mut tx, host).await?;
    }
    if !new_checks.is_empty() {
        let known = hosts::known(&mut tx, new_checks.iter().map(|row| row.check.host)).await?;
        new_checks.retain(|row| known.contains(&row.check.host));
        checks::insert_new(&mut tx, &new_checks).await?;
    }
    let left_out = states::upsert(&mut tx, states).await?;
    if left_out > 0 {
        tracing::debug!(left_out, "states of checks that were removed meanwhile are left out");
    }
    problems::clear_acks(&mut tx, clear_acks).await?;
    events::insert(&mut tx, events).await?;
    notify::insert(&mut tx, outbox).await?;
    for change in inventory {
        inventory::apply(&mut tx, change).await?;
    }
    agents::insert_executions(&mut tx, executions).await?;
    audit_log::append(&mut tx, audit).await?;
    tx.commit().await
}
