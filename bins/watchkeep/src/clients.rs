//! The console's door: which client certificates it asks for, and the TLS that follows from it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::ServerConfig as TlsConfig;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wk_api::{ClientDoor, ClientFacts, ClientFiles, ClientMode, client_files};
use wk_engine::Engine;
use wk_engine::ports::{Clock as _, SystemClock};
use wk_pki::{ClientAuthorities, ClientsError, PkiError, ServerIdentity};

/// Another server of the same database may have changed it: looked at this often.
const LOOK: Duration = Duration::from_secs(10);

/// Owns the listener's TLS.
pub(crate) struct Door {
    identity: Arc<ServerIdentity>,
    tls: watch::Sender<Arc<TlsConfig>>,
    applied: Mutex<ClientFiles>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door(..)")
    }
}

fn said(error: ClientsError) -> (String, String) {
    let pointer = match &error {
        ClientsError::Authorities(_) => "/authorities",
        ClientsError::Revoked(_) => "/revoked",
    };
    (pointer.to_owned(), error.to_string())
}

fn authorities(files: &ClientFiles) -> Result<ClientAuthorities, ClientsError> {
    let required = files.mode == ClientMode::Require;
    ClientAuthorities::read(&files.authorities, &files.revoked, required, SystemClock.now())
}

impl Door {
    /// One that asks for nothing yet.
    pub(crate) fn new(identity: Arc<ServerIdentity>) -> Result<Self, PkiError> {
        let (tls, _) = watch::channel(wk_pki::server_config_console(&identity)?);
        Ok(Self { identity, tls, applied: Mutex::default() })
    }

    /// What listeners serve with.
    pub(crate) fn tls(&self) -> watch::Receiver<Arc<TlsConfig>> {
        self.tls.subscribe()
    }

    /// The server's own certificate is another.
    pub(crate) fn renewed(&self) {
        let files = self.applied.lock().clone();
        if let Err(error) = self.apply(&files) {
            tracing::error!("the console goes on with its old certificate: {error}");
        }
    }

    /// Follows what the store says, until `stop`.
    pub(crate) async fn follow(&self, engine: &Engine, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = stop.cancelled() => return,
            }
            let Ok(files) = client_files(engine).await else { continue };
            if files != *self.applied.lock()
                && let Err(error) = self.apply(&files)
            {
                tracing::error!("the console's door stays as it was: {error}");
            }
        }
    }
}

impl ClientDoor for Door {
    fn read(&self, files: &ClientFiles, chain: &[Vec<u8>]) -> Result<ClientFacts, (String, String)> {
        let read = authorities(files).map_err(said)?;
        Ok(ClientFacts {
            lets_in: read.admits(chain, SystemClock.now()),
            lists: u64::try_from(read.lists).unwrap_or(0),
            authorities: read.authorities.into_iter().map(|one| (one.subject, one.not_after)).collect(),
        })
    }

    fn apply(&self, files: &ClientFiles) -> Result<(), String> {
        let config = match files.mode {
            ClientMode::Off => wk_pki::server_config_console(&self.identity),
            ClientMode::Ask | ClientMode::Require => {
                let read = authorities(files).map_err(|error| error.to_string())?;
                wk_pki::server_config_console_for(&self.identity, &read)
            }
        };
        let config = config.map_err(|error| error.to_string())?;
        *self.applied.lock() = files.clone();
        self.tls.send_replace(config);
        Ok(())
    }

    fn subject(&self, der: &[u8]) -> String {
        wk_pki::client_subject(der)
    }
}
