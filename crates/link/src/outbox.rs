//! The spool as the agent program and the link share it.
//!
//! Disks block; the agent has one thread that must not. So every touch of the spool goes through a helper thread, one at
//! a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use wk_spool::{Frame, Payload, Spool, SpoolError, Stats};

use crate::now;

/// Bytes taken from the spool at once.
const TURN_BYTES: usize = 128 << 10;

/// A spool that several tasks use.
#[derive(Debug, Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spool: Mutex<Spool>,
    appended: Notify,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Spool> {
        // The spool keeps its promises across a kill, and so across a panic.
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox {
    /// Shares `spool`.
    pub fn new(spool: Spool) -> Self {
        Self { inner: Arc::new(Inner { spool: Mutex::new(spool), appended: Notify::new() }) }
    }

    /// Keeps `payload` until the server has committed it, and wakes the link.
    ///
    /// # Errors
    /// [`SpoolError`]; the loss is counted and will be told to the server.
    pub async fn append(&self, payload: Payload) -> Result<(), SpoolError> {
        let result = self.with(move |spool| spool.append(payload, now().as_ms())).await;
        self.inner.appended.notify_one();
        result
    }

    /// The spool in figures.
    pub async fn stats(&self) -> Stats {
        let inner = Arc::clone(&self.inner);
        spawn_blocking(move || inner.lock().stats()).await.unwrap_or_default()
    }

    /// Waits until something was appended since the last wait.
    pub(crate) async fn appended(&self) {
        self.inner.appended.notified().await;
    }

    pub(crate) async fn with<T, F>(&self, act: F) -> Result<T, SpoolError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Spool) -> Result<T, SpoolError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        match spawn_blocking(move || act(&mut inner.lock())).await {
            Ok(result) => result,
            // The runtime is going down: as if the disk had not answered.
            Err(_) => Err(SpoolError::Stopped),
        }
    }

    pub(crate) async fn epoch(&self) -> Result<u64, SpoolError> {
        self.with(|spool| Ok(spool.epoch())).await
    }

    /// Acknowledges up to `acked`, then takes up to `batches` batches to send.
    pub(crate) fn turn(&self, acked: Option<u64>, batches: u32) -> JoinHandle<Result<Turn, SpoolError>> {
        let inner = Arc::clone(&self.inner);
        spawn_blocking(move || {
            let mut spool = inner.lock();
            if let Some(seq) = acked {
                spool.acknowledge(seq)?;
            }
            let mut turn = Turn::default();
            let mut bytes = 0;
            while turn.batches < batches && bytes < TURN_BYTES {
                match spool.next_frame()? {
                    Some(Frame::Dictionary(frame)) => {
                        bytes += frame.len();
                        turn.frames.push(frame);
                    }
                    Some(Frame::Batch { seq, bytes: frame }) => {
                        bytes += frame.len();
                        turn.batches += 1;
                        turn.last_seq = seq;
                        turn.frames.push(frame);
                    }
                    None => {
                        turn.empty = true;
                        break;
                    }
                }
            }
            Ok(turn)
        })
    }
}

/// What to send next.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) batches: u32,
    pub(crate) last_seq: u64,
    /// There is no more for now.
    pub(crate) empty: bool,
}
