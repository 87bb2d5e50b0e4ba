//! Browsers that a person has signed in from before, with both factors. A cookie says so, signed by this server.
//!
//! It opens nothing. It keeps the person's own tries apart from everybody else's, so that whoever guesses at an account
//! slows down and closes only the way of strangers: see [`wk_identity::LoginThrottle`].

use axum::http::{HeaderMap, HeaderValue};
use wk_domain::{Timestamp, UserId};
use wk_engine::Engine;
use wk_engine::ports::rows::UserRow;
use wk_identity::DeviceCookie;
use wk_seal::MacKey;

use crate::auth::one_cookie;
use crate::error::ApiError;
use crate::sign::Desk;

/// Name of the cookie.
pub(crate) const DEVICE: &str = "__Host-dev";
/// Ninety days, as the cookie itself says it inside.
const LIFE_S: u32 = 90 * 24 * 60 * 60;
const PURPOSE: &str = "device cookie";

/// The setting that says since when a person's devices count.
fn since_key(user: UserId) -> String {
    format!("devices.since_ms.{user}")
}

impl Desk {
    fn device_key(&self) -> Result<MacKey, ApiError> {
        self.keys.mac_key(PURPOSE, None).map_err(|_| ApiError::Internal)
    }

    /// The nonce of the device that sends these headers, if it is one that the person called `name` has signed in from.
    /// Asks the store only for a cookie that is ours.
    pub(crate) async fn known_device(
        &self,
        engine: &Engine,
        headers: &HeaderMap,
        name: &str,
    ) -> Result<Option<[u8; 16]>, ApiError> {
        let Some(raw) = one_cookie(headers, DEVICE) else { return Ok(None) };
        let Ok(cookie) = DeviceCookie::verify(raw, &self.device_key()?, engine.now()) else {
            return Ok(None);
        };
        let store = engine.store();
        if store.user(cookie.user).await?.is_none_or(|user| user.name != name) {
            return Ok(None);
        }
        let since = store.setting(&since_key(cookie.user)).await?.and_then(|ms| ms.parse().ok()).unwrap_or(0);
        Ok((cookie.issued >= Timestamp::from_ms(since)).then_some(cookie.nonce))
    }

    /// The cookie of a device from which a person has just shown both factors; a new one each time.
    pub(crate) fn device_cookie(&self, user: &UserRow, now: Timestamp) -> Result<HeaderValue, ApiError> {
        let cookie = DeviceCookie::issue(user.id, now).map_err(|_| ApiError::Internal)?;
        let text = cookie.text(&self.device_key()?);
        let line = format!(
            "{DEVICE}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={LIFE_S}",
            text.expose()
        );
        let mut value = HeaderValue::from_str(&line).map_err(|_| ApiError::Internal)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// From now on the person's devices are strangers, until each has shown both factors again.
    pub(crate) async fn forget_devices(&self, engine: &Engine, user: UserId) -> Result<(), ApiError> {
        let now = engine.now().as_ms().to_string();
        Ok(engine.store().put_setting(&since_key(user), &now, None).await?)
    }
}
