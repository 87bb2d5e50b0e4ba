//! What a believed token must say to count: pure, with the time and what was asked for as arguments.

use std::time::Duration;

use serde_json::{Map, Value};
use wk_domain::Timestamp;
use wk_identity::outside::Once;

use crate::config::Config;
use crate::jwt::{Alg, Believed};

/// How far clocks may be apart.
const SKEW: Duration = Duration::from_secs(60);
/// An ID token is fetched at once; one older than this was kept by somebody.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// A logout token is delivered at once, or again a little later.
const LOGOUT_FRESH: Duration = Duration::from_secs(5 * 60);
/// A `sub` has at most 255 ASCII characters (OpenID Connect Core 1.0, section 2).
const SUB_MAX: usize = 255;
const SID_MAX: usize = 255;
const JTI_MAX: usize = 512;
/// The event of a logout token.
const LOGGED_OUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What was asked for when the browser was sent away.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) nonce: &'a str,
    pub(crate) access_token: Option<&'a str>,
    /// The person had to prove it anew, not before this.
    pub(crate) proved_after: Option<Timestamp>,
}

/// Who it is, by an ID token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identified {
    pub(crate) sub: String,
    pub(crate) sid: Option<String>,
    pub(crate) auth_time: Option<Timestamp>,
    pub(crate) second_factor: bool,
}

type Claims = Map<String, Value>;

fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, String> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("the token's `{name}` is no text")),
    }
}

fn instant(claims: &Claims, name: &str) -> Result<Option<Timestamp>, String> {
    let wrong = || format!("the token's `{name}` is no time");
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            // Seconds, of which there may be fractions (RFC 7519, section 2).
            let seconds = number.as_f64().filter(|s| (0.0..1e11).contains(s)).ok_or_else(wrong)?;
            #[expect(clippy::cast_possible_truncation, reason = "below 1e14, as the range says")]
            Ok(Some(Timestamp::from_ms((seconds * 1_000.0) as i64)))
        }
        Some(_) => Err(wrong()),
    }
}

fn needed<T>(found: Option<T>, name: &str) -> Result<T, String> {
    found.ok_or_else(|| format!("the token has no `{name}`"))
}

fn same(a: &str, b: &str) -> bool {
    wk_seal::Secret::new(a.as_bytes().to_vec()) == wk_seal::Secret::new(b.as_bytes().to_vec())
}

/// From whom, for whom, and when: what all tokens have.
fn common(config: &Config, claims: &Claims, now: Timestamp, fresh: Duration) -> Result<Timestamp, String> {
    let iss = needed(text(claims, "iss")?, "iss")?;
    if iss != config.issuer {
        let iss = wk_domain::text::clean_line(iss, 200);
        return Err(format!("the token is from {iss}, not from {}", config.issuer));
    }
    let azp = text(claims, "azp")?;
    if azp.is_some_and(|azp| azp != config.client_id) {
        return Err("the token was made for another client (`azp`)".to_owned());
    }
    let for_us = match needed(claims.get("aud"), "aud")? {
        Value::String(aud) => *aud == config.client_id,
        Value::Array(list) => match list.as_slice() {
            [only] => *only == config.client_id,
            // Whoever else it is for could have shown it to us; unless it says that we asked for it.
            many => azp.is_some() && many.iter().any(|aud| *aud == config.client_id),
        },
        _ => false,
    };
    if !for_us {
        return Err("the token is not for this client (`aud`)".to_owned());
    }
    let exp = needed(instant(claims, "exp")?, "exp")?;
    if now >= exp + SKEW {
        return Err("the token has expired; are both clocks right?".to_owned());
    }
    let iat = needed(instant(claims, "iat")?, "iat")?;
    if iat > now + SKEW {
        return Err("the token was made in the future; are both clocks right?".to_owned());
    }
    if now.since(iat) >= fresh + SKEW {
        return Err("the token was made long ago; are both clocks right?".to_owned());
    }
    if instant(claims, "nbf")?.is_some_and(|nbf| nbf > now + SKEW) {
        return Err("the token does not count yet (`nbf`); are both clocks right?".to_owned());
    }
    Ok(exp)
}

fn sub(claims: &Claims) -> Result<Option<String>, String> {
    let Some(sub) = text(claims, "sub")? else { return Ok(None) };
    if sub.is_empty() || sub.len() > SUB_MAX || sub.chars().any(char::is_control) {
        return Err("the token's `sub` is empty, too long or not printable".to_owned());
    }
    Ok(Some(sub.to_owned()))
}

fn sid(claims: &Claims) -> Result<Option<String>, String> {
    let Some(sid) = text(claims, "sid")? else { return Ok(None) };
    if sid.is_empty() || sid.len() > SID_MAX || sid.chars().any(char::is_control) {
        return Err("the token's `sid` is empty, too long or not printable".to_owned());
    }
    Ok(Some(sid.to_owned()))
}

/// Judges an ID token (OpenID Connect Core 1.0, 3.1.3.7).
///
/// # Errors
/// A sentence for the audit log.
pub(crate) fn id_token(
    config: &Config,
    token: &Believed,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Identified, String> {
    let claims = &token.claims;
    if token.typ.as_deref().is_some_and(|typ| typ != "jwt" && typ != "application/jwt") {
        return Err("the token is of another type than an ID token".to_owned());
    }
    common(config, claims, now, FRESH)?;
    if claims.contains_key("events") {
        return Err("the token tells of an event: it is no ID token".to_owned());
    }
    let nonce = needed(text(claims, "nonce")?, "nonce")?;
    if !same(nonce, expected.nonce) {
        return Err("the token was made for another sign-in (`nonce`)".to_owned());
    }
    check_half_hash(token.alg, claims, expected.access_token)?;
    let auth_time = instant(claims, "auth_time")?;
    if let Some(after) = expected.proved_after {
        let proved = needed(auth_time, "auth_time")?;
        if proved + SKEW < after {
            return Err("the person did not prove anew who they are (`auth_time`)".to_owned());
        }
    }
    let amr: Vec<&str> = match claims.get("amr") {
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err("the token's `amr` is no list".to_owned()),
    };
    let acr = text(claims, "acr")?;
    let second_factor = amr.iter().any(|amr| config.amr.iter().any(|known| known == amr))
        || acr.is_some_and(|acr| config.acr.iter().any(|known| known == acr));
    Ok(Identified { sub: needed(sub(claims)?, "sub")?, sid: sid(claims)?, auth_time, second_factor })
}

/// The access token is the one that was made with the ID token, if that says so.
fn check_half_hash(alg: Alg, claims: &Claims, access_token: Option<&str>) -> Result<(), String> {
    let (Some(said), Some(token)) = (text(claims, "at_hash")?, access_token) else { return Ok(()) };
    if same(said, &alg.half_hash(token)) {
        return Ok(());
    }
    Err("the access token is not the ID token's (`at_hash`)".to_owned())
}

/// Whose session is over, by a logout token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoggedOut {
    pub(crate) sub: Option<String>,
    pub(crate) sid: Option<String>,
    pub(crate) once: Once,
}

/// Judges a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6).
///
/// # Errors
/// A sentence for the audit log.
pub(crate) fn logout_token(config: &Config, token: &Believed, now: Timestamp) -> Result<LoggedOut, String> {
    let claims = &token.claims;
    if token.typ.as_deref().is_some_and(|typ| !matches!(typ, "jwt" | "logout+jwt" | "application/logout+jwt"))
    {
        return Err("the token is of another type than a logout token".to_owned());
    }
    let exp = common(config, claims, now, LOGOUT_FRESH)?;
    if claims.contains_key("nonce") {
        return Err("the token has a `nonce`: it is an ID token that somebody kept".to_owned());
    }
    let events = needed(claims.get("events").and_then(Value::as_object), "events")?;
    if !events.get(LOGGED_OUT).is_some_and(Value::is_object) {
        return Err("the token does not tell of the end of a session (`events`)".to_owned());
    }
    let jti = needed(text(claims, "jti")?, "jti")?;
    if jti.is_empty() || jti.len() > JTI_MAX || jti.chars().any(char::is_control) {
        return Err("the token's `jti` is empty, too long or not printable".to_owned());
    }
    let (sub, sid) = (sub(claims)?, sid(claims)?);
    if sub.is_none() && sid.is_none() {
        return Err("the token says neither whose session is over (`sub`) nor which (`sid`)".to_owned());
    }
    // Until it would be refused for its age.
    let until = exp.max(now + LOGOUT_FRESH) + SKEW + SKEW;
    Ok(LoggedOut { sub, sid, once: Once { key: format!("logout:{jti}"), until } })
}

/// A claim by its name, or by a JSON pointer.
pub(crate) fn claim<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    if path.starts_with('/') { claims.pointer(path) } else { claims.get(path) }
}

/// The groups of a claim: a list of texts, or one text.
pub(crate) fn groups(claims: &Value, path: &str) -> Vec<String> {
    match claim(claims, path) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_763_700_000_000);
    const S: i64 = 1_763_700_000;

    fn config() -> Config {
        Config::read(&json!({"issuer": "https://op.example", "client_id": "wk", "acr": ["gold"]})).unwrap()
    }

    fn believed(claims: &Value) -> Believed {
        let claims = claims.as_object().unwrap().clone();
        Believed { alg: Alg::RS256, typ: None, claims }
    }

    fn good() -> Value {
        json!({"iss": "https://op.example", "aud": "wk", "sub": "7", "exp": S + 300, "iat": S, "nonce": "n-1"})
    }

    fn with(change: Value) -> Value {
        let mut claims = good();
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    fn judge(claims: &Value) -> Result<Identified, String> {
        let expected = Expected { nonce: "n-1", access_token: Some("at"), proved_after: None };
        id_token(&config(), &believed(claims), &expected, NOW)
    }

    #[test]
    fn a_token_for_us_counts() {
        assert_eq!(judge(&good()).unwrap().sub, "7");
        for fine in [
            json!({"aud": ["wk"]}),
            json!({"aud": ["wk", "api"], "azp": "wk"}),
            json!({"exp": S - 59}),
            json!({"iat": S + 59}),
            json!({"iat": S - 600}),
            json!({"nbf": S + 59}),
            json!({"exp": 1_763_700_000.5}),
        ] {
            assert!(judge(&with(fine.clone())).is_ok(), "{fine}");
        }
        assert!(judge(&with(json!({"amr": ["pwd", "mfa"]}))).unwrap().second_factor);
        assert!(judge(&with(json!({"acr": "gold"}))).unwrap().second_factor);
        assert!(!judge(&with(json!({"amr": ["pwd", "otp"], "acr": "silver"}))).unwrap().second_factor);
    }

    #[test]
    fn a_token_with_anything_wrong_does_not() {
        for wrong in [
            json!({"iss": "https://op.example/"}),
            json!({"iss": null}),
            json!({"iss": ["https://op.example"]}),
            json!({"aud": "other"}),
            json!({"aud": null}),
            json!({"aud": []}),
            json!({"aud": [["wk"]]}),
            json!({"aud": {"wk": 1}}),
            json!({"aud": ["wk", "other"]}),
            json!({"aud": ["wk", "other"], "azp": "other"}),
            json!({"azp": "other"}),
            json!({"exp": null}),
            json!({"exp": S - 61}),
            json!({"exp": "1763700300"}),
            json!({"exp": 1e300}),
            json!({"exp": -1}),
            json!({"iat": null}),
            json!({"iat": S + 120}),
            json!({"iat": S - 3600}),
            json!({"nbf": S + 120}),
            json!({"nonce": null}),
            json!({"nonce": "n-2"}),
            json!({"nonce": ["n-1"]}),
            json!({"sub": null}),
            json!({"sub": ""}),
            json!({"sub": "a\u{0}b"}),
            json!({"sub": "x".repeat(256)}),
            json!({"sub": 7}),
            json!({"sid": 7}),
            json!({"amr": "mfa"}),
            json!({"at_hash": "AAAA"}),
            json!({"events": {LOGGED_OUT: {}}}),
        ] {
            assert!(judge(&with(wrong.clone())).is_err(), "{wrong}");
        }
        let mut typed = believed(&good());
        typed.typ = Some("logout+jwt".to_owned());
        let expected = Expected { nonce: "n-1", access_token: None, proved_after: None };
        assert!(id_token(&config(), &typed, &expected, NOW).is_err());
    }

    #[test]
    fn proving_it_anew_is_seen_in_the_token() {
        let expected = Expected { nonce: "n-1", access_token: None, proved_after: Some(NOW) };
        let judge = |claims: &Value| id_token(&config(), &believed(claims), &expected, NOW);
        assert!(judge(&good()).is_err());
        assert!(judge(&with(json!({"auth_time": S - 3600}))).is_err());
        assert!(judge(&with(json!({"auth_time": S}))).is_ok());
    }

    #[test]
    fn a_logout_token_says_what_it_is() {
        let event = json!({LOGGED_OUT: {}});
        let whole = json!({"nonce": null, "jti": "j1", "events": event, "sid": "s1"});
        let judge = |change: Value| {
            let mut claims = with(whole.clone());
            for (name, value) in change.as_object().unwrap() {
                if value.is_null() {
                    claims.as_object_mut().unwrap().remove(name);
                } else {
                    claims[name] = value.clone();
                }
            }
            logout_token(&config(), &believed(&claims), NOW)
        };
        let out = judge(json!({})).unwrap();
        assert_eq!((out.sub.as_deref(), out.sid.as_deref()), (Some("7"), Some("s1")));
        assert_eq!(out.once.key, "logout:j1");
        assert!(out.once.until > NOW + LOGOUT_FRESH);
        for wrong in [
            json!({"nonce": "n-1"}),
            json!({"events": null}),
            json!({"events": {"x": {}}}),
            json!({"events": {LOGGED_OUT: true}}),
            json!({"events": [LOGGED_OUT]}),
            json!({"jti": null}),
            json!({"jti": ""}),
            json!({"sub": null, "sid": null}),
            json!({"aud": "other"}),
            json!({"iss": "https://evil.example"}),
            json!({"iat": S - 600}),
            json!({"exp": null}),
        ] {
            assert!(judge(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(logout_token(&config(), &believed(&good()), NOW).is_err(), "an ID token is none");
    }

    #[test]
    fn groups_are_found_by_name_or_pointer() {
        let claims =
            json!({"groups": ["a", 7, "b"], "realm_access": {"roles": ["r"]}, "https://x.example/g": "one"});
        assert_eq!(groups(&claims, "groups"), ["a", "b"]);
        assert_eq!(groups(&claims, "/realm_access/roles"), ["r"]);
        assert_eq!(groups(&claims, "https://x.example/g"), ["one"]);
        assert!(groups(&claims, "none").is_empty() && groups(&claims, "/realm_access").is_empty());
    }
}
