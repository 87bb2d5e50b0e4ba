//! The one writer's turn, and the doubt that it may leave behind.
//!
//! Between the store's commit and the change of the world there is a moment in which the two differ. A turn that ends in
//! it (the program's fault, a request that was dropped, a database that went away in the middle of its answer) leaves
//! doubt, and whoever has the next turn reads the world again from the store before doing anything. So what counts is
//! always what is kept, and nothing is done a second time because its first was not heard of.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::MutexGuard;

use crate::Engine;
use crate::desk::LinkOrder;
use crate::live::Live;
use crate::ports::StoreError;
use crate::world::World;

/// How long one change of the store may take. Longer than the store's own limits for a statement, so that it speaks
/// first; a store that never answers must not keep everybody waiting for ever.
const COMMIT_MAX: Duration = Duration::from_secs(90);

/// A turn of the writer. Nobody else changes the world or commits a round while it is held.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    engine: &'a Engine,
    _turn: MutexGuard<'a, ()>,
    /// The store may hold what the world does not.
    open: bool,
}

impl Engine {
    /// Waits for a turn, and for a world that is what the store holds.
    ///
    /// # Errors
    /// [`StoreError`] when the world had to be read again and could not be.
    pub(crate) async fn writer(&self) -> Result<Writer<'_>, StoreError> {
        let turn = self.writer.lock().await;
        if self.doubt.load(Ordering::Acquire) {
            self.reload().await?;
        }
        Ok(Writer { engine: self, _turn: turn, open: false })
    }

    /// Reads the world again from the store. Links and the newest values stay: they are not kept there. The caller has
    /// the turn.
    async fn reload(&self) -> Result<(), StoreError> {
        let read = tokio::time::timeout(COMMIT_MAX, crate::load(&self.ports, self.now()));
        let mut fresh = read.await.unwrap_or_else(|_| Err(late()))?;
        let mut unwelcome = Vec::new();
        {
            let mut world = self.world.write();
            for (id, entry) in &mut fresh.agents {
                let Some(old) = world.agents.get_mut(id) else { continue };
                entry.link = old.link.take();
                entry.silent_since = old.silent_since;
                if entry.link.is_some() && !entry.connected() {
                    unwelcome.push(LinkOrder::Close { agent: *id, reason: entry.row.standing.as_str() });
                }
            }
            fresh.latest = std::mem::take(&mut world.latest);
            let hosts = &fresh.hosts;
            fresh.latest.retain(|host, _| hosts.contains_key(host));
            fresh.baselines = std::mem::take(&mut world.baselines);
            *world = fresh;
        }
        self.doubt.store(false, Ordering::Release);
        self.counters.add("world.reloaded", 1);
        tracing::warn!("what is in memory was read again from the store");
        for order in unwelcome {
            let _ = self.orders.send(order);
        }
        self.push_assignments();
        self.tell([Live::Configuration]);
        Ok(())
    }
}

fn late() -> StoreError {
    StoreError::Unavailable { detail: format!("no answer within {} s", COMMIT_MAX.as_secs()) }
}

impl Writer<'_> {
    /// Makes one change in the store. After success the world must follow by [`Self::put`].
    ///
    /// # Errors
    /// What the store says; [`StoreError::Unavailable`] when it says nothing for long. Then the change may have been
    /// made all the same, and the next turn finds out.
    pub(crate) async fn commit<T>(
        &mut self,
        change: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.open = true;
        let result = tokio::time::timeout(COMMIT_MAX, change).await.unwrap_or_else(|_| Err(late()));
        match &result {
            Ok(_) | Err(StoreError::Unavailable { .. }) => {}
            // Each of these undid the transaction.
            Err(
                StoreError::CannotWrite { .. }
                | StoreError::NotFound { .. }
                | StoreError::Conflict { .. }
                | StoreError::Corrupt { .. }
                | StoreError::TooNew { .. }
                | StoreError::Other { .. },
            ) => self.open = false,
        }
        result
    }

    /// Puts into the world what was committed.
    pub(crate) fn put<R>(&mut self, change: impl FnOnce(&mut World) -> R) -> R {
        let done = change(&mut self.engine.world.write());
        self.open = false;
        done
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if self.open {
            self.engine.doubt.store(true, Ordering::Release);
        }
    }
}
