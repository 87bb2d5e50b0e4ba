//! Who may knock at all: client certificates in front of the console.
//!
//! Off by default. Then asked for: a browser that has a certificate of the operator's authorities may present it, which makes
//! it a device from which one may administer. Then required: without a valid one that is not revoked there is no connection,
//! and TLS says so; not one byte of HTTP is read from a stranger, and the parser behind the handshake is out of their reach.
//! What the certificates are is for the program that wires everything: see [`ClientDoor`].

use std::fmt::Debug;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_audit::Image;
use wk_authz::{AccessRead, ConditionWrite, Who};
use wk_domain::Timestamp;
use wk_engine::record;

use crate::auth::Caller;
use crate::body::Body;
use crate::door::Certificate;
use crate::error::ApiError;
use crate::routes::{Routes, get, put};
use crate::state::App;
use crate::time;

/// The setting that holds the files, as JSON.
pub const CLIENTS_SETTING: &str = "console.clients";
/// A body is at most this large; lists of revoked certificates with more belong into several authorities.
const FILES_MAX: usize = 900 << 10;

type Answer<T> = Result<Json<T>, ApiError>;

/// Who may knock at the console's door.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientFiles {
    /// `off`, `ask` or `require`.
    pub mode: ClientMode,
    /// Certificates of the authorities, PEM.
    pub authorities: String,
    /// Lists of revoked certificates, PEM; empty when the authorities give none.
    pub revoked: String,
}

/// What the door does about client certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientMode {
    #[default]
    Off,
    /// Whoever has one may present it.
    Ask,
    /// Nobody comes in without one.
    Require,
}

/// An authority of client certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ClientIssuer {
    pub subject: String,
    pub not_after: String,
}

/// What the door does now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ClientsNow {
    pub mode: ClientMode,
    pub authorities: Vec<ClientIssuer>,
    /// How many lists of revoked certificates there are.
    pub revocation_lists: u64,
    /// Whose certificate this connection presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    pub way_back: String,
}

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFacts {
    pub authorities: Vec<(String, Timestamp)>,
    pub lists: u64,
    /// Whether whoever presents the chain that was asked about is let in, or why not.
    pub lets_in: Result<(), String>,
}

/// The part of the program that owns the listener's TLS.
pub trait ClientDoor: Debug + Send + Sync {
    /// Reads the files, and says whether they would let in whoever presents this chain, leaf first.
    ///
    /// # Errors
    /// A JSON pointer and a sentence.
    fn read(&self, files: &ClientFiles, chain: &[Vec<u8>]) -> Result<ClientFacts, (String, String)>;
    /// From now on: new connections meet it, and old ones are closed.
    ///
    /// # Errors
    /// A sentence.
    fn apply(&self, files: &ClientFiles) -> Result<(), String>;
    /// Whose certificate it is.
    fn subject(&self, der: &[u8]) -> String;
}

/// A server without such a door.
#[derive(Debug)]
pub(crate) struct NoDoor;

impl ClientDoor for NoDoor {
    fn read(&self, _: &ClientFiles, _: &[Vec<u8>]) -> Result<ClientFacts, (String, String)> {
        Err((String::new(), "this server has no door that knows client certificates".to_owned()))
    }
    fn apply(&self, files: &ClientFiles) -> Result<(), String> {
        // Nothing is asked for as it is.
        if files.mode == ClientMode::Off {
            return Ok(());
        }
        Err("this server has no door that knows client certificates".to_owned())
    }
    fn subject(&self, _: &[u8]) -> String {
        String::new()
    }
}

const WAY_BACK: &str = "on the server's machine, as root or the server's user: watchkeep console-clients off";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AccessRead, _, _>(
            get("/console-clients", "Whose client certificates the console's door knows")
                .answer::<ClientsNow>(),
            show,
        )
        .add::<ConditionWrite, _, _>(
            put("/console-clients", "Changes it; refused to whoever would not be let in afterwards")
                .body::<ClientFiles>()
                .answer::<ClientsNow>(),
            change,
        )
}

/// The files in force.
///
/// # Errors
/// When the store does not answer, or holds what cannot be read: then nobody knows whom to let in.
pub async fn client_files(engine: &wk_engine::Engine) -> Result<ClientFiles, ApiError> {
    let Some(text) = engine.store().setting(CLIENTS_SETTING).await? else {
        return Ok(ClientFiles::default());
    };
    serde_json::from_str(&text).map_err(|error| {
        tracing::error!("who may knock at the console cannot be read: {error}; {WAY_BACK}");
        ApiError::Internal
    })
}

fn image(files: &ClientFiles) -> Image {
    let mode = match files.mode {
        ClientMode::Off => "off",
        ClientMode::Ask => "ask",
        ClientMode::Require => "require",
    };
    Image::new()
        .field("mode", mode)
        .stored_secret("authorities", files.authorities.as_bytes())
        .stored_secret("revoked", files.revoked.as_bytes())
}

fn view(app: &App, files: &ClientFiles, chain: &[Vec<u8>]) -> ClientsNow {
    let facts = app.clients.read(files, chain).ok();
    let issuer = |(subject, not_after): (String, Timestamp)| ClientIssuer {
        subject,
        not_after: time::write(not_after),
    };
    ClientsNow {
        mode: files.mode,
        revocation_lists: facts.as_ref().map_or(0, |facts| facts.lists),
        authorities: facts
            .map(|facts| facts.authorities.into_iter().map(issuer).collect())
            .unwrap_or_default(),
        certificate: chain.first().map(|leaf| app.clients.subject(leaf)),
        way_back: WAY_BACK.to_owned(),
    }
}

fn chain_of(parts: &Parts) -> Arc<[Vec<u8>]> {
    parts
        .extensions
        .get::<Certificate>()
        .map_or_else(|| Arc::new([]) as Arc<[Vec<u8>]>, |found| Arc::clone(&found.chain))
}

async fn show(State(app): State<App>, parts: Parts) -> Answer<ClientsNow> {
    let files = client_files(&app.engine).await?;
    Ok(Json(view(&app, &files, &chain_of(&parts))))
}

async fn change(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    parts: Parts,
    Body(mut input): Body<ClientFiles>,
) -> Answer<ClientsNow> {
    // Nobody sees the files again: without new ones the old ones stay, and only the mode changes.
    let before = client_files(&app.engine).await.unwrap_or_default();
    if input.authorities.trim().is_empty() && input.mode != ClientMode::Off {
        input.authorities.clone_from(&before.authorities);
        if input.revoked.trim().is_empty() {
            input.revoked.clone_from(&before.revoked);
        }
    }
    if input.authorities.len() + input.revoked.len() > FILES_MAX {
        return Err(ApiError::field("/revoked", "the files are too large"));
    }
    let chain = chain_of(&parts);
    if input.mode != ClientMode::Off {
        let facts = app
            .clients
            .read(&input, &chain)
            .map_err(|(pointer, detail)| ApiError::field(&pointer, detail))?;
        let local = matches!(actor.who, Who::Local { .. });
        if let (ClientMode::Require, false, Err(why)) = (input.mode, local, &facts.lets_in) {
            return Err(ApiError::Conflict(format!(
                "this would lock you out, so nothing was changed: {why}. Save it as `ask` first, come back with your \
                 certificate, and then require it"
            )));
        }
    }
    let now = app.engine.now();
    let audit = record::draft(&actor, now, "condition.write", "server", "console-clients")
        .images(Some(&image(&before)), Some(&image(&input)));
    let text = serde_json::to_string(&input).map_err(|_| ApiError::Internal)?;
    app.engine.store().put_setting(CLIENTS_SETTING, &text, Some(audit)).await?;
    app.clients.apply(&input).map_err(|error| {
        tracing::error!("the console's door: {error}");
        ApiError::Internal
    })?;
    Ok(Json(view(&app, &input, &chain)))
}
