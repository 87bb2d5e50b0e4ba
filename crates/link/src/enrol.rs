//! Enrolment: a token becomes an identity. The key is made here and never leaves this machine.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tokio::io::split;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use wk_pki::{AgentIdentity, AgentStore, EnrolToken, PkiError, ServerAddr, StoreError, client_config_enrol};
use wk_wire::frame::{FrameError, FrameReader, FrameWriter, Limits};
use wk_wire::{ENROL_FRAME_BYTES_MAX, EnrolReply, EnrolRequest, PROTOCOL_VERSION};

use crate::connect::{self, ConnectError, Proxy};
use crate::{Facts, describe, now};

/// Time for the server to decide: it writes to its store.
const ANSWER: Duration = Duration::from_secs(40);

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// One answer for every reason: the server's own log says which it was.
    #[error(
        "the server refused the token: it is used, expired, withdrawn, or not for this host name. Ask for a new one"
    )]
    Refused,
    #[error("no server of the token could be reached: {tried}")]
    Unreachable { tried: String },
    #[error("cannot set up TLS")]
    Tls(#[source] PkiError),
    #[error("this agent's identity could not be kept")]
    Store(#[source] StoreError),
    #[error("a helper thread ended")]
    Thread,
}

/// What went wrong with one server.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error(transparent)]
    Connect(ConnectError),
    #[error("the exchange broke off")]
    Frame(#[source] FrameError),
    #[error("the answer is not one")]
    Answer,
}

/// Enrols this machine: makes a key in `store`, presents `token` to its servers in turn, and keeps the certificate that
/// comes back. The server is who the token's digest says, or nothing is sent.
///
/// # Errors
/// [`EnrolError`]. An earlier identity stays as it was.
pub async fn enrol(
    token: &EnrolToken,
    store: Arc<AgentStore>,
    facts: &Facts,
    proxy: Option<&Proxy>,
    connect_limit: Duration,
) -> Result<AgentIdentity, EnrolError> {
    let pin = *token.root_spki_sha256();
    let csr_der = blocking(&store, AgentStore::request).await?;
    let request = EnrolRequest {
        protocol: PROTOCOL_VERSION,
        token_id: token.id().to_string(),
        secret: token.secret().expose().to_vec(),
        csr_der,
        hostname: facts.hostname.clone(),
        machine_digest: facts.machine_digest.clone(),
        os: facts.os.clone(),
        version: facts.version.clone(),
    };
    let mut tried = vec![];
    for server in token.servers() {
        match attempt(server, &request, pin, proxy, connect_limit).await {
            Ok(Ok(reply)) if reply.granted => {
                let commit = move |store: &AgentStore| {
                    store.commit(&reply.chain_der, &reply.roots_der, Some(&pin), now())
                };
                return blocking(&store, commit).await;
            }
            Ok(Ok(_)) => return Err(EnrolError::Refused),
            Ok(Err(error)) => tried.push(format!("{server} ({})", describe(&error))),
            Err(error) => return Err(error),
        }
    }
    Err(EnrolError::Unreachable { tried: tried.join(", ") })
}

async fn blocking<T: Send + 'static>(
    store: &Arc<AgentStore>,
    act: impl FnOnce(&AgentStore) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, EnrolError> {
    let store = Arc::clone(store);
    spawn_blocking(move || act(&store)).await.map_err(|_| EnrolError::Thread)?.map_err(EnrolError::Store)
}

async fn attempt(
    server: &ServerAddr,
    request: &EnrolRequest,
    pin: [u8; 32],
    proxy: Option<&Proxy>,
    limit: Duration,
) -> Result<Result<EnrolReply, AttemptError>, EnrolError> {
    let tls = client_config_enrol(pin).map_err(EnrolError::Tls)?;
    Ok(match connect::tls(server, proxy, tls, limit).await {
        Ok(stream) => exchange(stream, request).await,
        Err(error) => Err(AttemptError::Connect(error)),
    })
}

async fn exchange(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    request: &EnrolRequest,
) -> Result<EnrolReply, AttemptError> {
    let (read, write) = split(stream);
    let mut writer = FrameWriter::new(write, ENROL_FRAME_BYTES_MAX);
    writer.queue(request).map_err(|_| AttemptError::Answer)?;
    let until = Instant::now() + ANSWER;
    writer.drive(until).await.map_err(AttemptError::Frame)?;
    let mut reader = FrameReader::new(read, Limits::ENROL);
    let frame =
        timeout(ANSWER, reader.next(until)).await.map_err(|_| AttemptError::Frame(FrameError::Idle))?;
    let frame = frame.map_err(AttemptError::Frame)?.ok_or(AttemptError::Answer)?;
    EnrolReply::decode(frame).map_err(|_| AttemptError::Answer)
}
