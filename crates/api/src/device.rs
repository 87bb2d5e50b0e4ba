//! Browsers that a person has signed in from before, with both factors. A cookie says so, signed by this server, and the
//! store has a row for each, which the person sees and can remove.
//!
//! It opens nothing. It keeps the person's own tries apart from everybody else's, so that whoever guesses at an account
//! slows down and closes only the way of strangers: see [`wk_identity::LoginThrottle`].

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use wk_authz::{SelfManage, Who};
use wk_domain::{BrowserKind, Timestamp, UserId};
use wk_engine::Engine;
use wk_engine::ports::passwords::BrowserRow;
use wk_engine::ports::rows::UserRow;
use wk_engine::record::{self, DraftExt as _};
use wk_identity::DeviceCookie;
use wk_seal::{MacKey, sha256};

use crate::auth::{Caller, one_cookie};
use crate::body::PathId;
use crate::dto::Page;
use crate::error::ApiError;
use crate::routes::{Routes, delete, get};
use crate::sign::Desk;
use crate::state::App;
use crate::time;

/// Name of the cookie.
pub(crate) const DEVICE: &str = "__Host-dev";
/// Ninety days, as the cookie itself says it inside.
const LIFE_S: u32 = 90 * 24 * 60 * 60;
const PURPOSE: &str = "device cookie";

impl Desk {
    fn device_key(&self) -> Result<MacKey, ApiError> {
        self.keys.mac_key(PURPOSE, None).map_err(|_| ApiError::Internal)
    }

    /// The browser that sends these headers, if it is one that is known and was not removed. Asks the store only for a
    /// cookie that is ours.
    async fn browser(
        &self,
        engine: &Engine,
        headers: &HeaderMap,
    ) -> Result<Option<(DeviceCookie, BrowserRow)>, ApiError> {
        let Some(raw) = one_cookie(headers, DEVICE) else { return Ok(None) };
        let Ok(cookie) = DeviceCookie::verify(raw, &self.device_key()?, engine.now()) else {
            return Ok(None);
        };
        let row = engine.store().browser_by_nonce(&sha256(&cookie.nonce)).await?;
        Ok(row.filter(|row| row.user == cookie.user).map(|row| (cookie, row)))
    }

    /// Under which key the gate counts the requests of a browser whose cookie is ours. Asks no store: the signature is
    /// enough to be counted apart from the neighbours behind one router.
    pub(crate) fn signed_browser(&self, engine: &Engine, headers: &HeaderMap) -> Option<[u8; 32]> {
        let raw = one_cookie(headers, DEVICE)?;
        let cookie = DeviceCookie::verify(raw, &self.device_key().ok()?, engine.now()).ok()?;
        let mut named = b"watchkeep browser 1\0".to_vec();
        named.extend_from_slice(&cookie.nonce);
        Some(sha256(&named))
    }

    /// The nonce of the browser that sends these headers, if it is one that the person called `name` has signed in from.
    pub(crate) async fn known_device(
        &self,
        engine: &Engine,
        headers: &HeaderMap,
        name: &str,
    ) -> Result<Option<[u8; 16]>, ApiError> {
        let Some((cookie, _)) = self.browser(engine, headers).await? else { return Ok(None) };
        let user = engine.store().user(cookie.user).await?;
        Ok(user.filter(|user| user.name == name).map(|_| cookie.nonce))
    }

    /// The cookie of a browser from which a person has just shown both factors; a new one each time, for the same row.
    pub(crate) async fn device_cookie(
        &self,
        engine: &Engine,
        headers: &HeaderMap,
        user: &UserRow,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<HeaderValue, ApiError> {
        let known = self.browser(engine, headers).await?.filter(|(_, row)| row.user == user.id);
        let cookie = DeviceCookie::issue(user.id, now).map_err(|_| ApiError::Internal)?;
        let row = BrowserRow {
            id: known.as_ref().map_or_else(|| wk_engine::ids::new_id(now), |(_, row)| row.id),
            user: user.id,
            nonce_sha256: sha256(&cookie.nonce).to_vec(),
            first_seen: known.map_or(now, |(_, row)| row.first_seen),
            last_used: now,
            address: address.to_string(),
            user_agent: crate::auth::user_agent(headers),
        };
        engine.store().put_browser(row).await?;
        let text = cookie.text(&self.device_key()?);
        let line = format!(
            "{DEVICE}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={LIFE_S}",
            text.expose()
        );
        let mut value = HeaderValue::from_str(&line).map_err(|_| ApiError::Internal)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// From now on the person's browsers are strangers, until each has shown both factors again.
    pub(crate) async fn forget_devices(&self, engine: &Engine, user: UserId) -> Result<(), ApiError> {
        Ok(engine.store().forget_browsers(user, None).await?)
    }

    /// A known browser has failed too often: it is a stranger from now on, also after the next start.
    pub(crate) async fn wear_out(&self, app: &App, nonce: [u8; 16], name: &str) -> Result<(), ApiError> {
        let store = app.engine.store();
        let Some(row) = store.browser_by_nonce(&sha256(&nonce)).await? else { return Ok(()) };
        let audit =
            record::draft(&wk_authz::Actor::system(), app.engine.now(), "browser.forget", "user", name)
                .reason("ten failures in a row");
        Ok(store.forget_browser(row.user, row.id, audit).await?)
    }

    /// The owner came in by a way that nobody else has: what strangers did closes nothing any more.
    pub(crate) async fn opened_by_owner(&self, app: &App, user: &UserRow) -> Result<(), ApiError> {
        self.reopen(&user.name);
        if user.failures == 0 {
            return Ok(());
        }
        let now = app.engine.now();
        let audit = record::draft(&wk_authz::Actor::system(), now, "user.reset_failures", "user", &user.name)
            .images_of(Some(user), Some(&UserRow { failures: 0, ..user.clone() }));
        Ok(app.engine.store().set_failures(user.id, 0, audit).await?)
    }
}

/// A browser that I signed in from before.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Browser {
    id: String,
    /// The one at hand.
    current: bool,
    first_seen_at: String,
    last_used_at: String,
    address: String,
    user_agent: String,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<SelfManage, _, _>(
            get(
                "/me/browsers",
                "Browsers that are known as mine: my tries from there are counted by themselves",
            )
            .page::<Browser>(),
            list,
        )
        .add::<SelfManage, _, _>(
            delete("/me/browsers/{id}", "Treat a browser as a stranger from now on"),
            forget,
        )
}

async fn list(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Json<Page<Browser>>, ApiError> {
    let Who::User { id, .. } = &actor.who else {
        return Ok(Json(Page { items: Vec::new(), total: None, next: None }));
    };
    let here = app.people.browser(&app.engine, &headers).await?.map(|(_, row)| row.id);
    let view = |row: BrowserRow| Browser {
        id: row.id.to_string(),
        current: here == Some(row.id),
        first_seen_at: time::write(row.first_seen),
        last_used_at: time::write(row.last_used),
        address: row.address,
        user_agent: row.user_agent,
    };
    let items = app.engine.store().browsers(*id).await?.into_iter().map(view).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn forget(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<BrowserKind>,
) -> Result<StatusCode, ApiError> {
    let Who::User { id: user, name, .. } = &actor.who else {
        return Err(ApiError::NotFound("the browser is not there".to_owned()));
    };
    let audit = record::draft(&actor, app.engine.now(), "browser.forget", "user", name);
    app.engine.store().forget_browser(*user, id, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}
