//! Passkeys: registering, naming and removing one's own, signing in with one, and giving one as the fresh factor.
//!
//! A passkey belongs to the host name under which the console is open: that name, and the page's exact origin, are checked
//! against what this request was sent to, and the door lets only our own names through. What signs is bound to the session,
//! the sign-in or the link it was asked in. The checks themselves are [`wk_identity::passkey`].

use std::net::{IpAddr, Ipv4Addr};

use axum::Json;
use axum::extract::{Extension, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_audit::Image;
use wk_authz::{Actor, Public, SelfManage, SelfSecure};
use wk_domain::{PasskeyId, PasskeyKind, Timestamp, UserId};
use wk_engine::ports::passkeys::{FactorUse, PasskeyRow};
use wk_engine::ports::rows::{EndSessions, EventRow, UserRow};
use wk_engine::record;
use wk_identity::passkey::{
    self, ALGORITHMS, CREDENTIAL_ID_MAX, KnownPasskey, PasskeyChallenge, PasskeyError, RelyingParty,
};

use crate::account::{self, person};
use crate::auth::{Asked, Caller, Origin};
use crate::body::{Body, PathId};
use crate::dto::{Factors, Me, Page};
use crate::error::ApiError;
use crate::routes::{Routes, delete, get, post, put};
use crate::sign::{Desk, Opening, me_view};
use crate::state::App;
use crate::time;

/// How long a browser waits for a touch, in milliseconds. Less than the challenge lives.
const TOUCH_MS: u32 = 4 * 60 * 1000;
/// Longest name a person gives a passkey, in characters.
const NAME_MAX: usize = 60;
/// What browsers say of how a key is reached.
const TRANSPORTS: [&str; 7] = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal", "cable"];
/// Longest base64 text of a credential id.
const ID_TEXT_MAX: usize = CREDENTIAL_ID_MAX.div_ceil(3) * 4;

type Answer<T> = Result<Json<T>, ApiError>;

/// What a browser needs to make a passkey. All bytes are base64url without padding.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PasskeyCreate {
    pub challenge: String,
    /// The host name it will belong to.
    pub rp_id: String,
    pub user_handle: String,
    pub user_name: String,
    pub user_display_name: String,
    /// COSE algorithms, best first.
    pub algorithms: Vec<i64>,
    /// Passkeys that are registered already.
    pub exclude: Vec<PasskeyRef>,
    /// Whether the model must be told: `none` or `direct`.
    pub attestation: String,
    pub timeout_ms: u32,
}

/// What a browser needs to use a passkey.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PasskeyAsk {
    pub challenge: String,
    pub rp_id: String,
    /// Empty: whichever the person has for this host.
    pub allow: Vec<PasskeyRef>,
    pub timeout_ms: u32,
}

/// One of a person's passkeys, as browsers know it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PasskeyRef {
    pub id: String,
    pub transports: Vec<String>,
}

/// A passkey that a browser has made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyCreated {
    pub client_data: String,
    pub attestation: String,
    /// How the browser says it is reached.
    #[serde(default)]
    pub transports: Vec<String>,
}

/// A passkey that was used.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyUsed {
    pub id: String,
    pub client_data: String,
    pub authenticator_data: String,
    pub signature: String,
    #[serde(default)]
    pub user_handle: Option<String>,
}

/// A passkey under a name.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAdd {
    /// What the person calls it.
    pub name: String,
    pub passkey: PasskeyCreated,
}

/// Another name.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NameInput {
    pub name: String,
}

/// Signs in with a passkey alone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeySignIn {
    pub passkey: PasskeyUsed,
}

/// One of my passkeys.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Passkey {
    pub id: String,
    pub name: String,
    /// The host name it works under.
    pub rp_id: String,
    /// Whether that is the name this console is open under.
    pub works_here: bool,
    /// It may be copied to other devices of its owner by its maker's service.
    pub synced: bool,
    pub created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<Public, _, _>(
            post("/session/passkey/begin", "Begins to sign in with a passkey, without a name or password")
                .answer::<PasskeyAsk>(),
            first_begin,
        )
        .add::<Public, _, _>(
            post("/session/passkey", "Signs in with a passkey alone").body::<PasskeySignIn>().answer::<Me>(),
            first,
        )
        .add::<SelfManage, _, _>(get("/me/passkeys", "My passkeys, oldest first").page::<Passkey>(), list)
        .add::<SelfManage, _, _>(
            post("/me/elevate/begin", "Begins to give a passkey as the fresh factor").answer::<PasskeyAsk>(),
            elevate_begin,
        )
        .add::<SelfSecure, _, _>(
            post("/me/passkeys/begin", "Begins to register a passkey").answer::<PasskeyCreate>(),
            add_begin,
        )
        .add::<SelfSecure, _, _>(
            post("/me/passkeys", "Registers a passkey: ends my other sessions")
                .body::<PasskeyAdd>()
                .answer::<Factors>(),
            add,
        )
        .add::<SelfManage, _, _>(put("/me/passkeys/{id}", "Names a passkey").body::<NameInput>(), rename)
        .add::<SelfSecure, _, _>(
            delete(
                "/me/passkeys/{id}",
                "Removes a passkey: ends my other sessions. The last factor goes after a day",
            ),
            remove,
        )
}

/// The name and page this request was sent to, as far as passkeys are concerned.
#[derive(Debug, Clone)]
pub(crate) struct Here(Option<Result<RelyingParty, passkey::RelyingPartyError>>);

impl Here {
    pub(crate) fn party(&self) -> Result<&RelyingParty, ApiError> {
        match &self.0 {
            Some(Ok(party)) => Ok(party),
            Some(Err(error)) => Err(ApiError::Conflict(error.to_string())),
            None => Err(ApiError::Conflict("passkeys are for browsers".to_owned())),
        }
    }
}

/// The port of the listener that took the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtPort(pub(crate) u16);

impl FromRequestParts<App> for Here {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if !matches!(parts.extensions.get::<Origin>(), Some(Origin::Network(_))) {
            return Ok(Self(None));
        }
        let host = crate::server::host_of(parts)
            .map_err(|why| ApiError::BadRequest(format!("the request: {why}")))?;
        let port = host.port_u16().unwrap_or(443);
        let at = parts.extensions.get::<AtPort>().map(|at| at.0);
        // Another program of this machine has the same name at another port, and its pages may ask our passkeys to sign.
        // So the port must be ours: the listener's own, or one that the configuration says is led here.
        let origin = format!("https://{host}").to_ascii_lowercase();
        let led_here =
            app.origins.iter().any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(&origin));
        if at != Some(port) && !led_here {
            return Ok(Self(None).refused());
        }
        Ok(Self(Some(RelyingParty::of(host.host(), port))))
    }
}

impl Here {
    fn refused(self) -> Self {
        Self(Some(Err(passkey::RelyingPartyError::Port)))
    }
}

fn bytes(text: &str, max: usize, pointer: &str) -> Result<Vec<u8>, ApiError> {
    let wrong = || ApiError::field(pointer, "this is not what a browser sends");
    if text.len() > max.div_ceil(3) * 4 {
        return Err(wrong());
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())
}

fn reference(row: &PasskeyRow) -> PasskeyRef {
    PasskeyRef { id: URL_SAFE_NO_PAD.encode(&row.credential), transports: row.transports.clone() }
}

/// Whose it is, under which name, with which key: nobody who writes to the database alone makes a passkey of somebody's.
fn tag_of(desk: &Desk, row: &PasskeyRow) -> Result<Vec<u8>, ApiError> {
    let key = desk.keys.mac_key("passkey", None).map_err(|_| ApiError::Internal)?;
    Ok(key.sign(&tagged(row)).to_vec())
}

fn tagged(row: &PasskeyRow) -> Vec<u8> {
    let mut text = b"watchkeep passkey 1\0".to_vec();
    text.extend_from_slice(row.user.uuid().as_bytes());
    text.push(u8::from(row.backup_eligible));
    for part in [row.rp_id.as_bytes(), &row.credential, &row.public_key] {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part);
    }
    text
}

fn image(row: &PasskeyRow) -> Image {
    Image::new()
        .field("name", row.name.as_str())
        .field("host", row.rp_id.as_str())
        .field("synced", row.backup_eligible)
        .field("model", hex(&row.aaguid))
        .field("created_ms", row.created.as_ms())
        .field("key_id", hex(&row.credential))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a challenge is for. It counts for nothing else.
#[derive(Debug, Clone, Copy)]
pub(crate) enum For<'a> {
    /// The passkey alone.
    SignIn,
    /// After the password: the digest of the sign-in's ticket.
    SecondStep(&'a [u8; 32]),
    /// In a session.
    Elevate(wk_domain::SessionId),
    Register(wk_domain::SessionId),
    /// The digest of the one-time link.
    Join(&'a [u8; 32]),
}

impl For<'_> {
    fn bytes(self, party: &RelyingParty) -> Vec<u8> {
        let (word, of): (&str, Vec<u8>) = match self {
            Self::SignIn => ("sign-in", Vec::new()),
            Self::SecondStep(digest) => ("second", digest.to_vec()),
            Self::Elevate(session) => ("elevate", session.uuid().as_bytes().to_vec()),
            Self::Register(session) => ("register", session.uuid().as_bytes().to_vec()),
            Self::Join(digest) => ("join", digest.to_vec()),
        };
        [word.as_bytes(), b"\0", party.origin().as_bytes(), b"\0", &of].concat()
    }
}

impl Desk {
    fn question(
        &self,
        what_for: For<'_>,
        party: &RelyingParty,
        now: Timestamp,
    ) -> Result<PasskeyChallenge, ApiError> {
        self.passkeys.ask(&what_for.bytes(party), now).map_err(|_| ApiError::Internal)
    }

    /// Asks for one of these passkeys; for any when there are none.
    pub(crate) fn ask_passkey(
        &self,
        what_for: For<'_>,
        party: &RelyingParty,
        rows: &[PasskeyRow],
        now: Timestamp,
    ) -> Result<PasskeyAsk, ApiError> {
        Ok(PasskeyAsk {
            challenge: self.question(what_for, party, now)?.text(),
            rp_id: party.id().to_owned(),
            allow: rows.iter().filter(|row| row.rp_id == party.id()).map(reference).collect(),
            timeout_ms: TOUCH_MS,
        })
    }

    /// Asks for a new passkey.
    pub(crate) async fn ask_new_passkey(
        &self,
        app: &App,
        what_for: For<'_>,
        party: &RelyingParty,
        user: (UserId, &str, &str),
        known: &[PasskeyRow],
    ) -> Result<PasskeyCreate, ApiError> {
        let (id, name, display_name) = user;
        let display = if display_name.is_empty() { name } else { display_name };
        Ok(PasskeyCreate {
            challenge: self.question(what_for, party, app.engine.now())?.text(),
            rp_id: party.id().to_owned(),
            user_handle: URL_SAFE_NO_PAD.encode(id.uuid().as_bytes()),
            user_name: name.to_owned(),
            user_display_name: display.to_owned(),
            algorithms: ALGORITHMS.to_vec(),
            exclude: known.iter().filter(|row| row.rp_id == party.id()).map(reference).collect(),
            // A browser tells the model only when it is asked for, and may ask the person then.
            attestation: if models(app).await?.is_empty() { "none" } else { "direct" }.to_owned(),
            timeout_ms: TOUCH_MS,
        })
    }

    /// Reads a passkey that was made for this.
    pub(crate) async fn new_passkey(
        &self,
        app: &App,
        what_for: For<'_>,
        party: &RelyingParty,
        user: UserId,
        name: &str,
        input: &PasskeyCreated,
    ) -> Result<PasskeyRow, ApiError> {
        let now = app.engine.now();
        let client = bytes(&input.client_data, passkey::CLIENT_DATA_MAX, "/passkey/client_data")?;
        let object = bytes(&input.attestation, passkey::ATTESTATION_MAX, "/passkey/attestation")?;
        let refuse = |error: PasskeyError| ApiError::field("/passkey", error.to_string());
        let challenge = PasskeyChallenge::named_in(&client).ok_or_else(|| refuse(PasskeyError::Challenge))?;
        if !self.passkeys.is_open(&challenge, &what_for.bytes(party), now) {
            return Err(refuse(PasskeyError::Challenge));
        }
        let made =
            passkey::register(party, &challenge, &client, &object, &models(app).await?).map_err(refuse)?;
        if !self.passkeys.take(challenge, now) {
            return Err(refuse(PasskeyError::Challenge));
        }
        let mut name = wk_domain::text::clean_line(name, NAME_MAX);
        if name.is_empty() {
            name = "Passkey".to_owned();
        }
        let known = |transport: &&String| TRANSPORTS.contains(&transport.as_str());
        let mut row = PasskeyRow {
            id: wk_engine::ids::new_id(now),
            user,
            credential: made.credential,
            rp_id: party.id().to_owned(),
            public_key: made.public_key,
            sign_count: i64::from(made.sign_count),
            backup_eligible: made.backup_eligible,
            backed_up: made.backed_up,
            aaguid: made.aaguid.to_vec(),
            transports: input.transports.iter().filter(known).take(TRANSPORTS.len()).cloned().collect(),
            name,
            created: now,
            last_used: None,
            tag: Vec::new(),
        };
        row.tag = tag_of(self, &row)?;
        Ok(row)
    }

    /// The passkey that signed for this, and what must be stored with what it opens. `None`: it is not right, or of
    /// somebody else; a copy of one has been reported then.
    pub(crate) async fn check_passkey(
        &self,
        app: &App,
        what_for: For<'_>,
        party: &RelyingParty,
        of: Option<UserId>,
        input: &PasskeyUsed,
    ) -> Result<Result<(PasskeyRow, FactorUse), PasskeyError>, ApiError> {
        let now = app.engine.now();
        if input.id.len() > ID_TEXT_MAX {
            return Ok(Err(PasskeyError::Malformed("its id is too long")));
        }
        let id = bytes(&input.id, CREDENTIAL_ID_MAX, "/passkey/id")?;
        let client = bytes(&input.client_data, passkey::CLIENT_DATA_MAX, "/passkey/client_data")?;
        let data = bytes(&input.authenticator_data, passkey::AUTH_DATA_MAX, "/passkey/authenticator_data")?;
        let signature = bytes(&input.signature, passkey::SIGNATURE_MAX, "/passkey/signature")?;
        let handle = input.user_handle.as_deref().filter(|handle| !handle.is_empty());
        let handle = handle.map(|handle| bytes(handle, 64, "/passkey/user_handle")).transpose()?;
        let Some(challenge) = PasskeyChallenge::named_in(&client)
            .filter(|challenge| self.passkeys.is_open(challenge, &what_for.bytes(party), now))
        else {
            return Ok(Err(PasskeyError::Challenge));
        };
        let row = app.engine.store().passkey_by_credential(&id).await?;
        let Some(row) = row.filter(|row| of.is_none_or(|of| of == row.user)) else {
            return Ok(Err(PasskeyError::Signature));
        };
        // A passkey that names its owner names this one; without a name from the person it must.
        let owner = row.user.uuid().as_bytes().to_vec();
        if handle.as_ref().map_or(of.is_none(), |handle| *handle != owner) {
            return Ok(Err(PasskeyError::Signature));
        }
        let key = self.keys.mac_key("passkey", None).map_err(|_| ApiError::Internal)?;
        if !key.verify(&tagged(&row), &row.tag) {
            tracing::error!(passkey.id = %row.id, "a passkey was not written by this server: it is not taken");
            return Ok(Err(PasskeyError::Signature));
        }
        if row.rp_id != party.id() {
            return Ok(Err(PasskeyError::RelyingParty));
        }
        let known = KnownPasskey {
            public_key: &row.public_key,
            sign_count: u32::try_from(row.sign_count).unwrap_or(u32::MAX),
            backup_eligible: row.backup_eligible,
        };
        match passkey::authenticate(party, &challenge, &client, &data, &signature, &known) {
            Ok(use_of) if self.passkeys.take(challenge, now) => {
                let factor = FactorUse::Passkey {
                    id: row.id,
                    was: row.sign_count,
                    sign_count: i64::from(use_of.sign_count),
                    backed_up: use_of.backed_up,
                    at: now,
                };
                Ok(Ok((row, factor)))
            }
            Ok(_) => Ok(Err(PasskeyError::Challenge)),
            Err(error) => {
                if let PasskeyError::Counter { .. } = error {
                    copied(app, &row, error).await?;
                }
                Ok(Err(error))
            }
        }
    }
}

/// Tells everybody that somebody has a copy of a passkey.
async fn copied(app: &App, row: &PasskeyRow, error: PasskeyError) -> Result<(), ApiError> {
    let now = app.engine.now();
    let user = app.engine.store().user(row.user).await?;
    let name = user.map_or_else(|| row.user.to_string(), |user| user.name);
    app.engine.counters().add("passkey.copied", 1);
    let event = EventRow {
        id: wk_engine::ids::new_id(now),
        at: now,
        host: None,
        check: None,
        agent: None,
        kind: "security".to_owned(),
        severity: "critical".to_owned(),
        summary: format!("the passkey `{}` of {name} was refused: {error}", row.name),
        detail_json: serde_json::json!({"passkey": row.id.to_string(), "user": row.user.to_string()})
            .to_string(),
    };
    let audit =
        record::draft(&Actor::system(), now, "passkey.copied", "user", &name).denied(error.to_string());
    Ok(app.engine.store().put_event(event, Some(audit)).await?)
}

/// The setting with the models that may be registered: AAGUIDs as UUIDs, separated by spaces; absent for any.
pub(crate) const MODELS: &str = "passkey.models";

async fn models(app: &App) -> Result<Vec<[u8; 16]>, ApiError> {
    let text = app.engine.store().setting(MODELS).await?.unwrap_or_default();
    let parsed: Option<Vec<[u8; 16]>> = text
        .split_whitespace()
        .map(|model| model.parse::<uuid::Uuid>().ok().map(uuid::Uuid::into_bytes))
        .collect();
    // What cannot be read must not turn the list off.
    parsed.ok_or(ApiError::Internal)
}

fn source_of(origin: Origin) -> IpAddr {
    origin.ip().unwrap_or(Ipv4Addr::LOCALHOST.into())
}

async fn first_begin(State(app): State<App>, here: Here) -> Answer<PasskeyAsk> {
    let now = app.engine.now();
    Ok(Json(app.people.ask_passkey(For::SignIn, here.party()?, &[], now)?))
}

async fn first(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    here: Here,
    asked: Asked,
    headers: HeaderMap,
    Body(input): Body<PasskeySignIn>,
) -> Result<Response, ApiError> {
    let (desk, source, now) = (&app.people, source_of(origin), app.engine.now());
    let wrong = || ApiError::Unauthorized("this passkey does not open an account here".to_owned());
    // A known browser is counted by itself: whoever sends nonsense behind the same router keeps nobody out.
    let known = desk.signed_browser(&app.engine, &headers).unwrap_or_default();
    app.gate.may_bring(source, &known)?;
    let checked = desk.check_passkey(&app, For::SignIn, here.party()?, None, &input.passkey).await?;
    let (row, factor) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            app.gate.brought_wrong(source);
            app.engine.counters().add("sign_in.failed", 1);
            let audit = record::by_nobody(Some(source), now, "session.open", "user", "-");
            let audit = asked.put(audit).denied(format!("passkey: {error}"));
            app.engine.store().append_audit(vec![audit]).await?;
            return Err(match error {
                PasskeyError::Challenge => ApiError::Unauthorized(error.to_string()),
                _ => wrong(),
            });
        }
    };
    let user =
        app.engine.store().user(row.user).await?.filter(|user| user.disabled.is_none()).ok_or_else(wrong)?;
    // A passkey whose day has come is gone now, and opens nothing below.
    let user = crate::removal::settle(&app, user).await?;
    let opening = Opening {
        method: "passkey",
        address: source,
        headers: &headers,
        asked: &asked,
        factor,
        reset_failures: false,
    };
    let (cookie, session) = desk.open_session_with(&app, &user, opening).await?.ok_or_else(wrong)?;
    desk.opened_by_owner(&app, &user).await?;
    let device = desk.device_cookie(&app.engine, &headers, &user, source, now).await?;
    let rights = app.engine.rights_of(&user).await?;
    let cookies = AppendHeaders([(header::SET_COOKIE, cookie), (header::SET_COOKIE, device)]);
    Ok((cookies, Json(me_view(&app.people, &user, &session, &rights))).into_response())
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    here: Here,
) -> Answer<Page<Passkey>> {
    let Ok((user, _)) = person(&app, &actor).await else {
        return Ok(Json(Page { items: Vec::new(), total: None, next: None }));
    };
    let here = here.party().ok().map(|party| party.id().to_owned());
    let view = |row: PasskeyRow| Passkey {
        id: row.id.to_string(),
        name: row.name,
        works_here: here.as_ref() == Some(&row.rp_id),
        rp_id: row.rp_id,
        synced: row.backup_eligible,
        created_at: time::write(row.created),
        last_used_at: row.last_used.map(time::write),
    };
    let items = app.engine.store().passkeys(user.id).await?.into_iter().map(view).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn elevate_begin(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    here: Here,
) -> Answer<PasskeyAsk> {
    let (user, session) = person(&app, &actor).await?;
    let (party, rows) = (here.party()?, app.engine.store().passkeys(user.id).await?);
    let ask = app.people.ask_passkey(For::Elevate(session), party, &rows, app.engine.now())?;
    if ask.allow.is_empty() {
        return Err(ApiError::Conflict(format!("you have no passkey for {}", party.id())));
    }
    Ok(Json(ask))
}

async fn add_begin(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    here: Here,
) -> Answer<PasskeyCreate> {
    let (user, session) = person(&app, &actor).await?;
    let known = app.engine.store().passkeys(user.id).await?;
    let who = (user.id, user.name.as_str(), user.display_name.as_str());
    let asked = app.people.ask_new_passkey(&app, For::Register(session), here.party()?, who, &known).await?;
    Ok(Json(asked))
}

async fn add(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    here: Here,
    Body(input): Body<PasskeyAdd>,
) -> Result<Response, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let (party, now) = (here.party()?, app.engine.now());
    let what_for = For::Register(session);
    let row = app.people.new_passkey(&app, what_for, party, user.id, &input.name, &input.passkey).await?;
    let audit = vec![
        record::draft(&actor, now, "user.add_passkey", "user", &user.name).images(None, Some(&image(&row))),
        record::draft(&actor, now, "session.end", "user", &user.name)
            .reason("all sessions but the one at hand"),
    ];
    let end = EndSessions { keep: Some(session), at: now };
    let added = format!("has another passkey now, `{}`", row.name);
    app.engine.store().add_passkey(row, Some(end), audit).await?;
    crate::removal::tell_changed(&app, &user, &added).await?;
    account::enrolled(&app, &actor, &user, session, "passkey").await
}

async fn own(app: &App, user: &UserRow, id: PasskeyId) -> Result<(PasskeyRow, usize), ApiError> {
    let rows = app.engine.store().passkeys(user.id).await?;
    let count = rows.len();
    let row = rows.into_iter().find(|row| row.id == id);
    Ok((row.ok_or_else(|| ApiError::NotFound("the passkey is not there".to_owned()))?, count))
}

async fn rename(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<PasskeyKind>,
    Body(input): Body<NameInput>,
) -> Result<StatusCode, ApiError> {
    let (user, _) = person(&app, &actor).await?;
    let (row, _) = own(&app, &user, id).await?;
    let name = wk_domain::text::clean_line(&input.name, NAME_MAX);
    if name.is_empty() {
        return Err(ApiError::field("/name", "give it a name"));
    }
    let after = PasskeyRow { name: name.clone(), ..row.clone() };
    let audit = record::draft(&actor, app.engine.now(), "user.rename_passkey", "user", &user.name)
        .images(Some(&image(&row)), Some(&image(&after)));
    app.engine.store().rename_passkey(user.id, id, &name, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<PasskeyKind>,
) -> Result<StatusCode, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let (row, count) = own(&app, &user, id).await?;
    let now = app.engine.now();
    if count == 1 && user.totp_sealed.is_empty() {
        crate::removal::ask(&app, &actor, &user, &row.id.to_string()).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let audit = vec![
        record::draft(&actor, now, "user.remove_passkey", "user", &user.name)
            .images(Some(&image(&row)), None),
        record::draft(&actor, now, "session.end", "user", &user.name)
            .reason("all sessions but the one at hand"),
    ];
    let end = EndSessions { keep: Some(session), at: now };
    app.engine.store().delete_passkey(user.id, id, end, audit).await?;
    crate::removal::tell_changed(&app, &user, &format!("has no passkey `{}` any more", row.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}
