//! The claim of one server on a PostgreSQL database: an advisory lock on a connection of its own.
//!
//! PostgreSQL lets go of it when the connection ends, however the server ends. While the link is down the claim is open;
//! whoever comes first then has it, and counts up the fence: a number that every transaction of a server compares with
//! its own. So the other one writes nothing from that instant, also before it hears that its link is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::task::JoinHandle;
use wk_engine::ports::store::{Result, StoreError};

use crate::error::{conflict, translate};

/// The ASCII of `wkserver`.
const KEY: i64 = 0x776b_7365_7276_6572;

const TAKEN: &str = "another server took over this database while the link was down; stop one of them, and start this one again";

/// How often the link that holds the claim is looked at.
const LOOK: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Claim {
    lost: Arc<AtomicBool>,
    /// This server's number; 0 until it has one, which is while the schema is made.
    token: Arc<AtomicI64>,
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
        let token = Arc::new(AtomicI64::new(0));
        let keeper = tokio::spawn(keep(link, options, Arc::clone(&lost), Arc::clone(&token)));
        Ok(Self { lost, token, keeper })
    }

    /// This server has the number from now on, and nobody else writes. To be set once, before anything is read that
    /// later writes rest on.
    pub(crate) fn entitle(&self, token: i64) {
        self.token.store(token, Ordering::Release);
    }

    /// The number that a transaction must find in the database, and lock for its time.
    pub(crate) fn token(&self) -> Option<i64> {
        Some(self.token.load(Ordering::Acquire)).filter(|token| *token != 0)
    }

    /// A transaction found another number.
    pub(crate) fn superseded(&self) -> StoreError {
        if !self.lost.swap(true, Ordering::AcqRel) {
            tracing::error!("another server works with the database now; this one no longer writes");
        }
        StoreError::Unavailable { detail: TAKEN.into() }
    }

    /// Refuses to write when another server took over, or when nobody watches any more whether one did.
    pub(crate) fn holds(&self) -> Result<()> {
        if self.keeper.is_finished() {
            return Err(StoreError::Unavailable {
                detail: "what watches over this server's claim on the database ended by a fault; start the server again"
                    .into(),
            });
        }
        if self.lost.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable { detail: TAKEN.into() });
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

/// Whether nobody else had the database since this server got its number.
async fn still_ours(link: &mut PgConnection, token: i64) -> std::result::Result<bool, sqlx::Error> {
    let present: i64 =
        sqlx::query_scalar("SELECT token FROM server_fence WHERE only_row = 1").fetch_one(link).await?;
    Ok(present == token)
}

async fn keep(
    mut link: PgConnection,
    options: PgConnectOptions,
    lost: Arc<AtomicBool>,
    token: Arc<AtomicI64>,
) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Ok(Ok(())) = tokio::time::timeout(LOOK, link.ping()).await {
            continue;
        }
        let Ok(Ok(mut fresh)) = tokio::time::timeout(LOOK, options.connect()).await else { continue };
        match try_lock(&mut fresh).await {
            Ok(true) => match still_ours(&mut fresh, token.load(Ordering::Acquire)).await {
                Ok(true) => {
                    lost.store(false, Ordering::Release);
                    link = fresh;
                }
                // What this server knows is older than what the other one wrote: only a start reads it anew. The lock
                // goes with the link, for whoever starts next.
                Ok(false) => {
                    lost.store(true, Ordering::Release);
                    tracing::error!(
                        "another server worked with the database meanwhile; start this one again"
                    );
                    drop(fresh);
                    std::future::pending::<()>().await;
                }
                Err(_) => {}
            },
            Ok(false) => {
                lost.store(true, Ordering::Release);
                tracing::error!("another server works with the database now; this one no longer writes");
            }
            Err(_) => {}
        }
    }
}
