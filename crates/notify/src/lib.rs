//! Delivers notifications from the outbox: e-mail over verified TLS, and signed webhooks.
//!
//! The engine writes a row into the outbox in the transaction that decided to tell somebody; this crate sends it at
//! least once and marks it. Duplicates carry the same id. Not here: who is told of what, which the engine decides, and
//! keys, which the caller opens.

pub mod channel;
pub mod deliver;
mod failure;
mod mail;
mod payload;
mod smtp;
mod webhook;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use wk_engine::Engine;
use wk_engine::live::Live;
use wk_engine::ports::Clock;
use wk_engine::ports::rows::EventRow;

use crate::deliver::{Delivery, Observer, Parts, Policy};
use crate::egress::{Egress, Network};

pub use crate::channel::check_config;
pub use wk_egress as egress;

/// Readers of hostile bytes, reachable for fuzzing.
#[doc(hidden)]
pub mod fuzzing {
    /// A conversation with a mail server that says these bytes.
    pub async fn converse(says: &[u8]) {
        crate::smtp::exercise(says).await;
    }
}

/// Opens a channel's sealed secret: channel id, sealed bytes.
pub type Unseal = dyn Fn(&str, &[u8]) -> Result<wk_seal::SecretBytes, String> + Send + Sync;

/// What delivery needs beside the engine.
pub struct Settings {
    pub unseal: Arc<Unseal>,
    /// Private networks that webhooks may reach, as `10.1.0.0/16`; see [`check_networks`]. What cannot be read all the
    /// same is left out, and logged.
    pub private_networks: Vec<String>,
    /// Where people find the console, such as `https://watch.example:8443`; for links in messages.
    pub console_url: Option<String>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("private_networks", &self.private_networks)
            .field("console_url", &self.console_url)
            .finish_non_exhaustive()
    }
}

/// Whether these can be private networks that webhooks may reach: asked at the start of the server, so that a mistake
/// is not found when a message does not arrive.
///
/// # Errors
/// A sentence that names the first that cannot be read.
pub fn check_networks(networks: &[String]) -> Result<(), String> {
    networks.iter().try_for_each(|raw| raw.parse::<Network>().map(drop))
}

/// Delivers until `stop`. What is under way then has five seconds to end; the rest stays in the outbox.
pub async fn run(
    engine: Arc<Engine>,
    unseal: Arc<Unseal>,
    private_networks: Vec<String>,
    stop: CancellationToken,
) {
    run_with(engine, Settings { unseal, private_networks, console_url: None }, stop).await;
}

/// As [`run`], with all settings.
pub async fn run_with(engine: Arc<Engine>, settings: Settings, stop: CancellationToken) {
    let mut networks = Vec::new();
    for raw in &settings.private_networks {
        match raw.parse::<Network>() {
            Ok(network) => networks.push(network),
            // Left out: the mistake exposes less, not more.
            Err(error) => tracing::error!("webhook_private_networks: {error}; webhooks do not reach it"),
        }
    }
    let delivery = Delivery::new(Parts {
        store: Arc::clone(engine.store()),
        clock: Arc::new(EngineClock(Arc::clone(&engine))),
        unseal: settings.unseal,
        egress: Egress::new(networks),
        observer: Arc::new(Told(Arc::clone(&engine))),
        policy: Policy::default(),
        console_url: settings.console_url,
    });
    let wake = Arc::new(Notify::new());
    let listen = listen(&engine, &wake);
    tokio::pin!(listen);
    tokio::select! {
        () = delivery.run(Arc::clone(&wake), stop) => {}
        () = &mut listen => {}
    }
}

/// Wakes delivery when a check's state changed: its outbox rows are committed by then. Never ends by itself.
async fn listen(engine: &Engine, wake: &Notify) {
    let (_, mut changes) = engine.live().subscribe(None);
    loop {
        match changes.recv().await {
            Ok((_, Live::Event(event))) if event.kind != "notification" => wake.notify_one(),
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => wake.notify_one(),
            // The engine is kept alive by this task, so this does not happen; polling goes on without it.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[derive(Debug)]
struct EngineClock(Arc<Engine>);

impl Clock for EngineClock {
    fn now(&self) -> wk_domain::Timestamp {
        self.0.now()
    }
}

#[derive(Debug)]
struct Told(Arc<Engine>);

impl Observer for Told {
    fn event(&self, event: EventRow) {
        self.0.live().publish([Live::Event(Arc::new(event))]);
    }

    fn count(&self, name: &'static str) {
        self.0.counters().add(name, 1);
    }
}
