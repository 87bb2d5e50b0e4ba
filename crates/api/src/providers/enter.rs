//! What a provider says becomes an account with rights: found or made, mapped anew each time, or refused.
//!
//! The mapping rules over accounts that were made for the provider's people: their role is the first one that a rule
//! gives, at each sign-in. An account of our own that its owner linked keeps the role it was given here. Groups, with the
//! provider as their origin, are set for both.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use wk_authz::Role;
use wk_domain::{TenantId, Timestamp, UserId};
use wk_engine::ports::StoreError;
use wk_engine::ports::outside::{LinkRow, OutsideEnd, OutsideSession, ProviderRow};
use wk_engine::ports::passkeys::FactorUse;
use wk_engine::ports::rows::{SessionRow, UserChange, UserRow};
use wk_engine::record::{self, DraftExt as _};
use wk_identity::SessionToken;
use wk_identity::outside::{Mapped, Mapping, Once, Outside, Refusal, Why};

use crate::auth::Asked;
use crate::error::ApiError;
use crate::sign::{Opening, Via};
use crate::state::App;

/// A proof of a second factor younger than this is a fresh one.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// With whom, and on whose behalf, something is tried.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    pub(super) source: IpAddr,
    pub(super) headers: &'a HeaderMap,
    pub(super) asked: &'a Asked,
}

/// How far somebody came.
#[derive(Debug)]
pub(super) enum Entered {
    In {
        cookies: Vec<HeaderValue>,
        user: UserRow,
        session: SessionRow,
    },
    /// A factor of ours is still to be given: the ticket of the challenge.
    Factor {
        user: UserRow,
        ticket: SessionToken,
    },
}

/// Why not: a refusal that may be told, or a fault of ours.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(Refusal),
    Error(ApiError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}
impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

fn refuse<T>(why: Why, detail: impl AsRef<str>) -> Result<T, Stop> {
    Err(Stop::Refused(Refusal::new(why, detail)))
}

/// `oidc:Keycloak`: what a session that came over a provider has as its method.
pub(super) fn method(row: &ProviderRow) -> String {
    format!("{}:{}", row.kind, row.name)
}

/// Remembers what counts once.
pub(super) async fn once(app: &App, row: &ProviderRow, once: &[Once]) -> Result<(), Stop> {
    if once.is_empty() {
        return Ok(());
    }
    let keys = once.iter().map(|one| (one.key.clone(), one.until)).collect();
    if app.engine.store().claim_once(row.id, keys, app.engine.now()).await? {
        return Ok(());
    }
    refuse(Why::Refused, "what the provider sent was used before: somebody shows it again")
}

/// Lets somebody in whom a provider vouches for.
///
/// # Errors
/// [`Stop`].
pub(super) async fn enter(
    app: &App,
    row: &ProviderRow,
    outside: Outside,
    visit: &Visit<'_>,
) -> Result<Entered, Stop> {
    if outside.provider != row.id {
        return refuse(Why::Refused, "the provider's answer is another provider's");
    }
    let outside = outside.bounded()?;
    once(app, row, &outside.once).await?;
    let user = account(app, row, &outside, visit).await?;
    let now = app.engine.now();
    let session = OutsideSession {
        provider: row.id,
        subject: outside.subject.clone(),
        outside_session: outside.session.clone().unwrap_or_default(),
    };
    if !(row.trusts_factor && outside.second_factor) {
        let via = Via { method: method(row), outside: session };
        let ticket = app.people.await_factor(user.id, via, now)?;
        return Ok(Entered::Factor { user, ticket });
    }
    let name = format!("{}+factor", method(row));
    let opening = Opening {
        method: &name,
        address: visit.source,
        headers: visit.headers,
        asked: visit.asked,
        factor: FactorUse::Nothing,
        reset_failures: false,
    };
    let fresh = outside.proved_at.and_then(|at| now.checked_since(at)).is_some_and(|age| age < FRESH);
    let opened = app.people.open_session_via(app, &user, opening, Some(&session), fresh).await;
    let (cookie, session) = opened?.ok_or(ApiError::Internal)?;
    let device = app.people.device_cookie(&app.engine, visit.headers, &user, visit.source, now).await?;
    Ok(Entered::In { cookies: vec![cookie, device], user, session })
}

async fn account(
    app: &App,
    row: &ProviderRow,
    outside: &Outside,
    visit: &Visit<'_>,
) -> Result<UserRow, Stop> {
    let store = app.engine.store();
    let mapping: Mapping = serde_json::from_str(&row.mapping_json)
        .map_err(|error| Refusal::new(Why::Misconfigured, format!("the rules cannot be read: {error}")))?;
    let link = store.link_of(row.id, &outside.subject).await?;
    let Some(mapped) = mapping.apply(&outside.groups) else {
        if let Some(link) = &link {
            let which = OutsideEnd {
                provider: row.id,
                subject: Some(outside.subject.clone()),
                outside_session: None,
            };
            end_sessions(app, which, visit, "no rule lets the person in any more").await?;
            // Tokens and sessions that did not come over it must not keep what the rules gave.
            let nothing = Mapped {
                role: None,
                groups: BTreeSet::new(),
                because: vec!["no rule names any of their groups".to_owned()],
            };
            match known(app, row, link, &nothing, outside, visit).await {
                Ok(_) | Err(Stop::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let shown: Vec<&str> = outside.groups.iter().map(String::as_str).take(20).collect();
        return refuse(
            Why::NoRule,
            format!(
                "no rule names a group of {}; the provider names {} of them: {}",
                outside.name,
                outside.groups.len(),
                shown.join(", ")
            ),
        );
    };
    match link {
        Some(link) => known(app, row, &link, &mapped, outside, visit).await,
        None => joins(app, row, &mapped, outside, visit).await,
    }
}

/// The account that the identity is linked to, with its role and groups as the rules say now.
async fn known(
    app: &App,
    row: &ProviderRow,
    link: &LinkRow,
    mapped: &Mapped,
    outside: &Outside,
    visit: &Visit<'_>,
) -> Result<UserRow, Stop> {
    let store = app.engine.store();
    let Some(user) = store.user(link.person).await? else {
        return refuse(Why::Closed, "the account is not there any more");
    };
    if user.disabled.is_some() {
        return refuse(Why::Closed, format!("the account {} is disabled", user.name));
    }
    let role = mapped.role.as_deref().unwrap_or(Role::None.as_str());
    let display_name = Some(&outside.display_name).filter(|name| !name.is_empty());
    let display_name = display_name.unwrap_or(&user.display_name).clone();
    let changed = UserRow { role: role.to_owned(), display_name, ..user.clone() };
    let user = if link.made_account && changed != user {
        let now = app.engine.now();
        let audit = record::by_nobody(Some(visit.source), now, "user.map", "user", &user.name)
            .reason(because(row, mapped))
            .next_revision(Some(user.revision))
            .images_of(Some(&user), Some(&changed));
        match store.change_user(UserChange::of(changed.clone()), vec![visit.asked.put(audit)]).await {
            Ok(()) => UserRow { revision: user.revision + 1, ..changed },
            Err(StoreError::Conflict { what }) => {
                return refuse(Why::Closed, format!("the account {} cannot be mapped: {what}", user.name));
            }
            Err(error) => return Err(error.into()),
        }
    } else {
        user
    };
    groups(app, row, mapped, user.id, &user.name, visit).await?;
    Ok(user)
}

fn because(row: &ProviderRow, mapped: &Mapped) -> String {
    let groups: Vec<&str> = mapped.because.iter().map(String::as_str).take(10).collect();
    wk_domain::text::clean_line(format!("{} says so: {}", method(row), groups.join(", ")), 400)
}

async fn groups(
    app: &App,
    row: &ProviderRow,
    mapped: &Mapped,
    id: UserId,
    name: &str,
    visit: &Visit<'_>,
) -> Result<(), Stop> {
    let groups = mapped.groups.iter().filter_map(|group| group.parse().ok()).collect();
    let now = app.engine.now();
    let audit = record::by_nobody(Some(visit.source), now, "group.map", "user", name);
    let audit = visit.asked.put(audit).reason(because(row, mapped));
    app.engine.store().set_memberships(id, &row.id.to_string(), groups, now, audit).await?;
    app.engine.tell_rights_changed();
    Ok(())
}

/// A name for an account, from what the provider calls the person: what fits is kept, the rest is not guessed.
pub(super) fn account_name(raw: &str) -> Result<String, Refusal> {
    crate::sign::user_name(raw).map_err(|_| {
        let raw = wk_domain::text::clean_line(raw, 80);
        Refusal::new(
            Why::Refused,
            format!("the provider calls the person {raw}, and an account's name has 2 to 64 letters, digits or . - _ @"),
        )
    })
}

/// An account just in time.
async fn joins(
    app: &App,
    row: &ProviderRow,
    mapped: &Mapped,
    outside: &Outside,
    visit: &Visit<'_>,
) -> Result<UserRow, Stop> {
    if !row.create_accounts {
        return refuse(
            Why::NoAccount,
            format!("{} is linked to no account, and {} makes none", outside.name, row.name),
        );
    }
    if !*app.people.claimed().borrow() {
        return refuse(Why::NoAccount, "the server is not claimed yet");
    }
    let name = account_name(&outside.name)?;
    let store = app.engine.store();
    let now = app.engine.now();
    let taken = || {
        refuse(
            Why::NameTaken,
            format!(
                "there is an account {name} already, which nobody has linked to {}; its owner can, signed in, under My \
                 account",
                row.name
            ),
        )
    };
    if store.user_by_name(&name).await?.is_some() {
        return taken();
    }
    let user = UserRow {
        id: wk_engine::ids::new_id(now),
        tenant: TenantId::ROOT,
        name: name.clone(),
        display_name: outside.display_name.clone(),
        role: mapped.role.clone().unwrap_or_else(|| Role::None.as_str().to_owned()),
        password_phc: String::new(),
        totp_sealed: Vec::new(),
        totp_revision: 0,
        totp_last_step: 0,
        created: now,
        disabled: None,
        failures: 0,
        revision: 1,
    };
    let link = link_row(row, outside, user.id, now, true);
    let audit = record::by_nobody(Some(visit.source), now, "user.join", "user", &name)
        .reason(because(row, mapped))
        .next_revision(None)
        .images_of(None, Some(&user));
    match store.create_linked(user.clone(), link, visit.asked.put(audit)).await {
        Ok(()) => {}
        // Somebody of that name, or the same person in another window, was quicker.
        Err(StoreError::Conflict { .. }) if store.user_by_name(&name).await?.is_some() => return taken(),
        Err(error) => return Err(error.into()),
    }
    groups(app, row, mapped, user.id, &name, visit).await?;
    Ok(user)
}

pub(super) fn link_row(
    row: &ProviderRow,
    outside: &Outside,
    person: UserId,
    now: Timestamp,
    made_account: bool,
) -> LinkRow {
    LinkRow {
        provider: row.id,
        subject: outside.subject.clone(),
        person,
        name: wk_domain::text::clean_line(&outside.name, 200),
        linked: now,
        made_account,
        last_used: now,
    }
}

/// Ends sessions at a provider's word, each with its entry in the log.
pub(super) async fn end_sessions(
    app: &App,
    which: OutsideEnd,
    visit: &Visit<'_>,
    reason: &str,
) -> Result<usize, Stop> {
    let store = app.engine.store();
    let now = app.engine.now();
    let mut ended = 0;
    loop {
        // The store gives some at a time.
        let found = store.outside_sessions(which.clone()).await?;
        if found.is_empty() {
            return Ok(ended);
        }
        for (session, _) in found {
            let audit = record::by_nobody(Some(visit.source), now, "session.end", "session", session);
            store.end_session(session, now, visit.asked.put(audit).reason(reason)).await?;
            ended += 1;
        }
    }
}

/// Writes down that somebody was refused.
pub(super) async fn note(app: &App, row: &ProviderRow, refusal: &Refusal, visit: &Visit<'_>) {
    app.engine.counters().add("sign_in.outside_refused", 1);
    let audit = record::by_nobody(Some(visit.source), app.engine.now(), "session.open", "provider", row.id)
        .denied(format!("{}: {} ({})", method(row), refusal.detail, refusal.why.as_str()));
    if let Err(error) = app.engine.store().append_audit(vec![visit.asked.put(audit)]).await {
        tracing::error!("a refused sign-in could not be written down: {error}");
    }
}
