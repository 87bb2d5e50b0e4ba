//! The claim of one server on a PostgreSQL database: an advisory lock on a connection of its own.
//!
//! PostgreSQL lets go of it when the connection ends, however the server ends. While the link is down the claim is open;
//! whoever comes first then has it, and the other one stops writing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::task::JoinHandle;
use wk_engine::ports::store::{Result, StoreError};

use crate::error::{conflict, translate};

/// The ASCII of `wkserver`.
const KEY: i64 = 0x776b_7365_7276_6572;

/// How often the link that holds the claim is looked at.
const LOOK: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Claim {
    lost: Arc<AtomicBool>,
    keeper: JoinHandle<()>,
}

impl Claim {
    /// Claims the database.
    ///
    /// # Errors
    /// Conflict when another server has it.
    pub(crate) async fn take(options: PgConnectOptions) -> Result<Self> {
        let mut link = options.connect().await.map_err(translate)?;
        if !try_lock(&mut link).await.map_err(translate)? {
            return Err(conflict(
                "another server already works with this database. Stop it first, or give this one its own",
            ));
        }
        let lost = Arc::new(AtomicBool::new(false));
        let keeper = tokio::spawn(keep(link, options, Arc::clone(&lost)));
        Ok(Self { lost, keeper })
    }

    /// Refuses to write when another server took over.
    pub(crate) fn holds(&self) -> Result<()> {
        if self.lost.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable {
                detail: "another server took over this database while the link was down; stop one of them"
                    .into(),
            });
        }
        Ok(())
    }
}

impl Claim {
    /// Lets go: the connection goes with the task, and the lock with the connection.
    pub(crate) fn release(&self) {
        self.keeper.abort();
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.release();
    }
}

async fn try_lock(link: &mut PgConnection) -> std::result::Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(KEY).fetch_one(link).await
}

async fn keep(mut link: PgConnection, options: PgConnectOptions, lost: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Ok(Ok(())) = tokio::time::timeout(LOOK, link.ping()).await {
            continue;
        }
        let Ok(Ok(mut fresh)) = tokio::time::timeout(LOOK, options.connect()).await else { continue };
        match try_lock(&mut fresh).await {
            Ok(true) => {
                lost.store(false, Ordering::Release);
                link = fresh;
            }
            Ok(false) => {
                lost.store(true, Ordering::Release);
                tracing::error!("another server works with the database now; this one no longer writes");
            }
            Err(_) => {}
        }
    }
}
