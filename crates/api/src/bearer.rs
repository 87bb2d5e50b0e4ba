//! Programs with a token: `Authorization: Bearer wk_…`, and no other way. Asked anew for every request.
//!
//! Whatever is wrong with a token, the answer is the same: unknown, mistyped, over, revoked, its owner disabled, or used
//! from where it may not be used. Which of them it was is in the audit log of its owner's server, not in the answer.
//! A token is opaque, so there is nothing in it to forge: a JWT of any kind is simply not one of ours.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use wk_authz::{Actor, Rights, Role, Who};
use wk_domain::{Cidr, Timestamp};
use wk_engine::ports::api_tokens::ApiTokenRow;
use wk_engine::ports::rows::UserRow;
use wk_engine::record;
use wk_identity::ApiToken;

use crate::auth::user_agent;
use crate::error::ApiError;
use crate::scopes::TokenScope;
use crate::state::App;

/// How stale a token's last use may be before it is written again.
const TOUCH_EVERY_MS: i64 = 60_000;

/// Whether the request brings an `Authorization` header at all, of whatever kind.
pub(crate) fn is_given(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// The token of a request, if it brings one.
///
/// # Errors
/// 400 for two at once, or a token beside a cookie; the one answer to wrong tokens for anything that is none.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<ApiToken>, ApiError> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(ApiError::BadRequest("there is more than one Authorization header".to_owned()));
    }
    if headers.contains_key(header::COOKIE) {
        // A browser sends cookies by itself: with them a page could lend its session to what it was made to send.
        return Err(ApiError::BadRequest("a program sends its token and no cookie".to_owned()));
    }
    let text = value.to_str().map_err(|_| ApiError::WrongToken)?;
    let (scheme, token) = text.split_once(' ').ok_or(ApiError::WrongToken)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::WrongToken);
    }
    ApiToken::parse(token).map(Some).map_err(|_| ApiError::WrongToken)
}

/// The digest under which the counters know a token; nothing for what is none.
pub(crate) fn digest(headers: &HeaderMap) -> Option<[u8; 32]> {
    bearer(headers).ok().flatten().map(|token| token.sha256())
}

/// What is wrong with a token now, in the audit log's words.
fn wrong(
    row: &ApiTokenRow,
    owner: &UserRow,
    digest: &[u8; 32],
    from: IpAddr,
    now: Timestamp,
) -> Option<&'static str> {
    let networks: Option<Vec<Cidr>> = row.networks.iter().map(|raw| raw.parse().ok()).collect();
    let old = row.secret_sha256 != digest;
    if row.revoked.is_some() {
        Some("the token is revoked")
    } else if now >= row.expires {
        Some("the token has ended")
    } else if old && row.old_until.is_none_or(|until| now >= until) {
        Some("the token was replaced, and the time for both is over")
    } else if owner.disabled.is_some() {
        Some("the token's owner is disabled")
    } else if networks.is_none_or(|list| !list.is_empty() && !list.iter().any(|range| range.contains(from))) {
        Some("the token may not be used from this address")
    } else {
        None
    }
}

/// Who acts with this token.
///
/// # Errors
/// [`ApiError::WrongToken`]; 429 for a source that brought too many wrong ones.
pub(crate) async fn actor(
    app: &App,
    request: &Parts,
    token: &ApiToken,
    from: IpAddr,
    tag: String,
    touch: bool,
) -> Result<Actor, ApiError> {
    let from = from.to_canonical();
    let digest = token.sha256();
    app.gate.may_bring(from, &digest)?;
    let store = app.engine.store();
    let now = app.engine.now();
    let refuse = || {
        app.gate.brought_wrong(from);
        app.engine.counters().add("token.refused", 1);
    };
    let Some((row, owner)) = store.api_token_by_secret(&digest).await? else {
        refuse();
        return Err(ApiError::WrongToken);
    };
    let who = Who::Token { id: row.id, name: row.name.clone(), owner: owner.id };
    let role = Role::parse(&owner.role).unwrap_or(Role::None);
    let user_agent = user_agent(&request.headers);
    let actor =
        Actor { address: Some(from), request: tag, user_agent, ..Actor::new(who, role, Rights::nothing()) };
    if let Some(why) = wrong(&row, &owner, &digest, from, now) {
        refuse();
        // Once a minute for each token and reason: somebody holds a secret that he should not, or forgot one somewhere.
        if let Some(more) = app.gate.denial(crate::tokens::as_session(row.id), why) {
            let reason = if more == 0 {
                why.to_owned()
            } else {
                format!("{why}; {more} more times in the last minute")
            };
            let audit = record::draft(&actor, now, "token.use", "apitoken", row.id).denied(reason);
            store.append_audit(vec![audit]).await?;
        }
        return Err(ApiError::WrongToken);
    }
    let scopes: Vec<TokenScope> = serde_json::from_str(&row.scope_json).map_err(|error| {
        tracing::error!(token.id = %row.id, "a token's scopes cannot be read: {error}");
        ApiError::Internal
    })?;
    let held = app.engine.rights_of(&owner).await?;
    let rights = held.limited(crate::scopes::limits(app, owner.id, &scopes));
    if touch && row.last_used.is_none_or(|used| now.as_ms() - used.as_ms() >= TOUCH_EVERY_MS || now < used) {
        store.touch_api_token(row.id, now, &from.to_string()).await?;
    }
    app.gate.introduce(digest);
    Ok(Actor { rights, ..actor })
}
