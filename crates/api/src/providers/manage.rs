//! Providers: listed, made, changed, removed, tested.
//!
//! A secret goes in and is never shown. It is sealed under the revision of the row it stands in, anew at each change: an
//! older one put back in its place does not open. Whatever changes who may come in ends the sessions that came over it.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wk_audit::Image;
use wk_authz::{Act, Actor, Effect, ProviderRead, ProviderWrite, Role, Scope};
use wk_domain::{ProviderId, ProviderKindTag, UserId};
use wk_engine::image::{self, Imaged};
use wk_engine::ports::outside::ProviderRow;
use wk_engine::record::{self, DraftExt as _};
use wk_identity::outside::{GROUP_MAX, Here, Mapping, ProviderKind, RULES_MAX, Rule, SecretNeed, Wrong};
use wk_seal::{Secret, SecretBytes};

use super::dto::{MappingRule, ProviderInput, ProviderTest, ProviderView, TestStep};
use super::{At, kind_word, open_secret, provider_of, secret_at};
use crate::auth::Caller;
use crate::body::{Body, PathId};
use crate::dto::Page;
use crate::error::ApiError;
use crate::four_eyes::{self, Wanted};
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;

/// Providers there may be.
const PROVIDERS_MAX: usize = 50;
/// Longest name, in bytes.
const NAME_MAX: usize = 60;
/// Longest secret, in bytes: a key with its certificates fits.
const SECRET_MAX: usize = 32 * 1024;

type Answer<T> = Result<Json<T>, ApiError>;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add::<ProviderRead, _, _>(
            get("/providers", "Who vouches for people, by name").page::<ProviderView>(),
            list,
        )
        .add::<ProviderWrite, _, _>(
            post("/providers", "Let somebody vouch for people")
                .body::<ProviderInput>()
                .answer::<ProviderView>()
                .asks(),
            create,
        )
        .add::<ProviderRead, _, _>(get("/providers/{id}", "One of them").answer::<ProviderView>(), one)
        .add::<ProviderWrite, _, _>(
            put("/providers/{id}", "Change one: sessions that came over it end when it matters to them")
                .body::<ProviderInput>()
                .answer::<ProviderView>()
                .asks(),
            change,
        )
        .add::<ProviderWrite, _, _>(
            delete("/providers/{id}", "Remove one, with its links: sessions that came over it end"),
            remove,
        )
        .add::<ProviderWrite, _, _>(
            post("/providers/{id}/test", "Walk through what a sign-in needs, and explain each step")
                .answer::<ProviderTest>(),
            test,
        )
}

/// As the log sees it.
struct Seen<'a>(&'a ProviderRow);

impl Imaged for Seen<'_> {
    fn image(&self) -> Image {
        let row = self.0;
        let image = Image::new()
            .field("kind", row.kind.as_str())
            .field("name", row.name.as_str())
            .field("enabled", row.enabled)
            .field("create_accounts", row.create_accounts)
            .field("trusts_factor", row.trusts_factor)
            .stored_secret("secret", &row.secret_sealed);
        let image = image::json(image, "config", &row.config_json);
        image::json(image, "mapping", &row.mapping_json)
    }
}

fn view(app: &App, row: &ProviderRow, people: u64, at: &At) -> ProviderView {
    let here = at.here(row.id, app.engine.now());
    let config: Value = serde_json::from_str(&row.config_json).unwrap_or_default();
    let mapping: Mapping = serde_json::from_str(&row.mapping_json).unwrap_or_default();
    let rule = |rule: Rule| MappingRule { group: rule.group, role: rule.role, groups: rule.groups };
    ProviderView {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        name: row.name.clone(),
        enabled: row.enabled,
        config: image::without_secrets(config),
        has_secret: !row.secret_sealed.is_empty(),
        rules: mapping.rules.into_iter().map(rule).collect(),
        create_accounts: row.create_accounts,
        trusts_factor: row.trusts_factor,
        people,
        callback: here.callback,
        logout: here.logout,
        metadata: here.metadata,
        revision: row.revision,
    }
}

async fn list(State(app): State<App>, at: At) -> Answer<Page<ProviderView>> {
    let store = app.engine.store();
    let counts = store.link_counts().await?;
    let count = |id: ProviderId| counts.iter().find(|(known, _)| *known == id).map_or(0, |(_, n)| *n);
    let rows = store.providers().await?;
    let items = rows.iter().map(|row| view(&app, row, count(row.id), &at)).collect();
    Ok(Json(Page { items, total: None, next: None }))
}

async fn find(app: &App, id: ProviderId) -> Result<ProviderRow, ApiError> {
    let row = app.engine.store().provider(id).await?;
    row.ok_or_else(|| ApiError::NotFound("the sign-in method is not there (any more)".to_owned()))
}

async fn people(app: &App, id: ProviderId) -> Result<u64, ApiError> {
    let counts = app.engine.store().link_counts().await?;
    Ok(counts.into_iter().find(|(known, _)| *known == id).map_or(0, |(_, n)| n))
}

async fn one(State(app): State<App>, at: At, PathId(id): PathId<ProviderKindTag>) -> Answer<ProviderView> {
    let row = find(&app, id).await?;
    let people = people(&app, id).await?;
    Ok(Json(view(&app, &row, people, &at)))
}

fn wrong(wrong: Wrong) -> ApiError {
    // A kind speaks of its configuration, or of the secret beside it.
    let pointer = match wrong.pointer.as_str() {
        own if own.starts_with("/secret") => own.to_owned(),
        inner => format!("/config{inner}"),
    };
    ApiError::field(&pointer, wrong.detail)
}

fn name(raw: &str) -> Result<String, ApiError> {
    let name = raw.trim();
    // It becomes part of how a session says where it came from: `oidc:Keycloak+totp`.
    let fits = |c: char| c.is_alphanumeric() || " .-_".contains(c);
    if (1..=NAME_MAX).contains(&name.len()) && name.chars().all(fits) {
        return Ok(name.to_owned());
    }
    Err(ApiError::field("/name", format!("use at most {NAME_MAX} letters, digits, blanks or . - _")))
}

async fn mapping(app: &App, rules: Vec<MappingRule>) -> Result<Mapping, ApiError> {
    if rules.len() > RULES_MAX {
        return Err(ApiError::field("/rules", format!("at most {RULES_MAX} rules")));
    }
    let known: HashSet<String> =
        app.engine.store().groups().await?.iter().map(|group| group.id.to_string()).collect();
    let mut kept = Vec::new();
    for (i, rule) in rules.into_iter().enumerate() {
        let at = |field: &str| format!("/rules/{i}/{field}");
        if rule.group.is_empty() || rule.group.len() > GROUP_MAX || rule.group.chars().any(char::is_control) {
            return Err(ApiError::field(
                &at("group"),
                "write the group's name as the provider does, or * for everybody",
            ));
        }
        if let Some(role) = &rule.role
            && Role::parse(role).is_none()
        {
            return Err(ApiError::field(
                &at("role"),
                format!("there is no role `{}`", wk_domain::text::clean_line(role, 40)),
            ));
        }
        if let Some(n) = rule.groups.iter().position(|group| !known.contains(group)) {
            return Err(ApiError::field(&at(&format!("groups/{n}")), "this group is not there"));
        }
        if rule.role.is_none() && rule.groups.is_empty() {
            return Err(ApiError::field(&at("role"), "a rule gives a role, or groups, or both"));
        }
        kept.push(Rule { group: rule.group, role: rule.role, groups: rule.groups });
    }
    Ok(Mapping { rules: kept })
}

/// A mapping gives to whomever the provider names: nobody writes one that gives more than he holds.
async fn may_map(app: &App, actor: &Actor, mapping: &Mapping) -> Result<(), ApiError> {
    for rule in &mapping.rules {
        if let Some(role) = rule.role.as_deref().and_then(Role::parse) {
            app.engine.may_give(actor, "provider.write", role.actions(), &Scope::everything())?;
        }
        for group in rule.groups.iter().filter_map(|group| group.parse().ok()) {
            app.engine.may_fill(actor, "provider.write", group).await?;
        }
    }
    Ok(())
}

/// Whoever says what a provider is could come in over it as anybody it lets in: only who holds all that they hold says
/// so. Gives whether one of the others has power.
async fn lets_in_power(app: &App, actor: &Actor, id: ProviderId) -> Result<bool, ApiError> {
    let store = app.engine.store();
    let linked: HashSet<UserId> = store.linked_to(id).await?.into_iter().collect();
    let mut users = store.users().await?;
    users.retain(|user| linked.contains(&user.id) && actor.account() != Some(user.id));
    let all = app.engine.rights_of_all(&users).await?;
    for grant in all.iter().flat_map(|rights| rights.grants()).filter(|grant| grant.effect == Effect::Allow) {
        app.engine.may_give(actor, "provider.write", grant.actions, &grant.scope)?;
    }
    let power = [Act::ApprovalDecide, Act::UserWrite, Act::AccessWrite];
    Ok(all.iter().any(|rights| power.into_iter().any(|act| rights.may_somewhere(act))))
}

/// The secret as it is from now on: the one that was given, or the one there was.
fn secret(
    app: &App,
    old: Option<&ProviderRow>,
    need: SecretNeed,
    given: Option<String>,
    check: impl Fn(&SecretBytes) -> Result<(), Wrong>,
) -> Result<Option<SecretBytes>, ApiError> {
    let given = given.filter(|given| !given.is_empty());
    if need == SecretNeed::None {
        if given.is_some() {
            return Err(ApiError::field("/secret", "such a provider has no secret"));
        }
        return Ok(None);
    }
    let secret = match given {
        Some(given) if given.len() > SECRET_MAX => {
            return Err(ApiError::field(
                "/secret",
                format!("a secret has at most {} KiB", SECRET_MAX / 1024),
            ));
        }
        Some(given) => {
            let secret = Secret::new(given.into_bytes());
            check(&secret).map_err(wrong)?;
            Some(secret)
        }
        None => match old {
            Some(old) => open_secret(app, old)?,
            None => None,
        },
    };
    if secret.is_none() && need == SecretNeed::Required {
        return Err(ApiError::field("/secret", "such a provider needs a secret"));
    }
    Ok(secret)
}

/// The secret that a kind makes for itself, such as a key pair; for any other the one there is.
async fn own_secret(
    kind: Arc<dyn ProviderKind>,
    here: Here,
    old: Option<SecretBytes>,
) -> Result<Option<SecretBytes>, ApiError> {
    // A key takes a second of work.
    let made = tokio::task::spawn_blocking(move || match kind.own_secret(&here, old.as_ref()) {
        Some(made) => made.map(Some),
        None => Ok(old),
    });
    made.await.map_err(|_| ApiError::Internal)?.map_err(wrong)
}

async fn write(
    app: &App,
    actor: &Actor,
    at: &At,
    old: Option<ProviderRow>,
    input: ProviderInput,
) -> Result<Response, ApiError> {
    let now = app.engine.now();
    let word = kind_word(&input.kind)?;
    if old.as_ref().is_some_and(|old| old.kind != word.as_str()) {
        return Err(ApiError::field("/kind", "a provider stays of its kind: its links are. Make a new one"));
    }
    let kind = app.outside.kind(word.as_str()).ok_or_else(|| {
        ApiError::field("/kind", format!("this server does not know providers of the kind {}", word.as_str()))
    })?;
    if let Some(old) = &old
        && input.revision.is_some_and(|revision| revision != old.revision)
    {
        return Err(ApiError::Conflict(
            "the sign-in method was changed by somebody else meanwhile; look at it again".to_owned(),
        ));
    }
    let name = name(&input.name)?;
    let config = kind.check(&input.config).map_err(wrong)?;
    let mapping = mapping(app, input.rules).await?;
    may_map(app, actor, &mapping).await?;
    let power = match &old {
        Some(old) => lets_in_power(app, actor, old.id).await?,
        None => false,
    };
    let check = |secret: &SecretBytes| kind.check_secret(&config, secret);
    let id = old.as_ref().map_or_else(|| wk_engine::ids::new_id(now), |old| old.id);
    let given = input.secret.as_ref().is_some_and(|given| !given.is_empty());
    let mut secret = secret(app, old.as_ref(), kind.secret(&config), input.secret, check)?;
    if !given && (secret.is_none() || input.renew_secret) {
        secret = own_secret(Arc::clone(kind), at.here(id, now), secret).await?;
    }
    let revision = old.as_ref().map_or(0, |old| old.revision);
    let secret_sealed = match &secret {
        Some(secret) => {
            let row = id.to_string();
            let sealed = app.people.keys.seal(&secret_at(&row, revision + 1), secret.expose());
            sealed.map_err(|_| ApiError::Internal)?
        }
        None => Vec::new(),
    };
    let row = ProviderRow {
        id,
        kind: word.as_str().to_owned(),
        name,
        enabled: input.enabled,
        config_json: config.to_string(),
        secret_sealed,
        mapping_json: serde_json::to_string(&mapping).map_err(|_| ApiError::Internal)?,
        create_accounts: input.create_accounts,
        trusts_factor: input.trusts_factor,
        created: old.as_ref().map_or(now, |old| old.created),
        revision,
    };
    // Whom the rules let in as somebody who could agree to acts, or into groups that may give as much, comes in by this
    // one's word alone: that takes two. So does what could come in as somebody who has power already.
    if row.enabled && (power || mapping.rules.iter().any(gives_power)) {
        let wanted = Wanted {
            act: if old.is_some() { "provider.change" } else { "provider.create" },
            object: format!("provider:{}", row.name),
            summary: format!(
                "Let {} vouch for people, {}",
                super::enter::method(&row),
                if power { "some of whom have power" } else { "with rules that give power" }
            ),
            target: old.as_ref().map(|old| old.id.to_string()),
            reason: &input.reason,
            input: kept(&row, at, &input.reason),
        };
        if let Some(asked) = four_eyes::ask(app, actor, wanted).await? {
            return Ok(asked);
        }
    }
    put_row(app, actor, at, old, row, &input.reason).await
}

fn gives_power(rule: &Rule) -> bool {
    rule.role.as_deref().is_some_and(four_eyes::raises) || !rule.groups.is_empty()
}

/// A provider as a request for a second person's agreement keeps it.
fn kept(row: &ProviderRow, at: &At, reason: &str) -> Value {
    let hex: String = row.secret_sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    json!({
        "id": row.id.to_string(), "kind": row.kind, "name": row.name, "enabled": row.enabled,
        "config": json(&row.config_json), "secret_sealed": hex, "mapping": json(&row.mapping_json),
        "create_accounts": row.create_accounts, "trusts_factor": row.trusts_factor, "revision": row.revision,
        "origin": at.0, "reason": reason,
    })
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    id: String,
    kind: String,
    name: String,
    enabled: bool,
    config: Value,
    secret_sealed: String,
    mapping: Mapping,
    create_accounts: bool,
    trusts_factor: bool,
    revision: i64,
    origin: String,
    reason: String,
}

/// Does what a second person agreed to.
pub(crate) async fn carry_out(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    input: Value,
) -> Result<Response, ApiError> {
    let kept: Kept = serde_json::from_value(input).map_err(|_| ApiError::Internal)?;
    let hex = &kept.secret_sealed;
    let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let secret_sealed: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(pair).collect();
    let id: ProviderId = kept.id.parse().map_err(|_| ApiError::Internal)?;
    let old = app.engine.store().provider(id).await?;
    if old.as_ref().map_or(0, |old| old.revision) != kept.revision {
        return Err(ApiError::Conflict("the sign-in method was changed meanwhile: ask again".to_owned()));
    }
    // Whoever asked for it may have less by now, and the groups or the people more.
    may_map(&app, &actor, &kept.mapping).await?;
    lets_in_power(&app, &actor, id).await?;
    let kind = app.outside.kind(&kept.kind).ok_or(ApiError::Internal)?;
    // What was right when it was asked for is right now, too: the program may have learnt something.
    let config = kind.check(&kept.config).map_err(wrong)?;
    let row = ProviderRow {
        id,
        kind: kept.kind,
        name: name(&kept.name)?,
        enabled: kept.enabled,
        config_json: config.to_string(),
        secret_sealed: secret_sealed.ok_or(ApiError::Internal)?,
        mapping_json: serde_json::to_string(&kept.mapping).map_err(|_| ApiError::Internal)?,
        create_accounts: kept.create_accounts,
        trusts_factor: kept.trusts_factor,
        created: old.as_ref().map_or_else(|| app.engine.now(), |old| old.created),
        revision: kept.revision,
    };
    put_row(&app, &actor, &At(kept.origin), old, row, &kept.reason).await
}

async fn put_row(
    app: &App,
    actor: &Actor,
    at: &At,
    old: Option<ProviderRow>,
    row: ProviderRow,
    reason: &str,
) -> Result<Response, ApiError> {
    let (now, id) = (app.engine.now(), row.id);
    let matters = old.as_ref().is_some_and(|old| {
        (old.enabled && !row.enabled)
            || old.config_json != row.config_json
            || old.mapping_json != row.mapping_json
            || (old.trusts_factor && !row.trusts_factor)
    });
    let action = if old.is_some() { "provider.change" } else { "provider.create" };
    let mut audit = vec![
        record::draft(actor, now, action, "provider", id)
            .next_revision(old.as_ref().map(|old| old.revision))
            .reason(wk_domain::text::clean_line(reason, 500))
            .images_of(old.as_ref().map(Seen).as_ref(), Some(&Seen(&row))),
    ];
    if matters {
        let ended = record::draft(actor, now, "session.end", "provider", id);
        audit.push(ended.reason("all sessions that came over a provider that was changed"));
    }
    let row = app.engine.store().put_provider(row, matters.then_some(now), audit).await?;
    let people = people(app, id).await?;
    Ok(Json(view(app, &row, people, at)).into_response())
}

async fn create(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    at: At,
    Body(input): Body<ProviderInput>,
) -> Result<Response, ApiError> {
    if app.engine.store().providers().await?.len() >= PROVIDERS_MAX {
        return Err(ApiError::Conflict(format!("there are {PROVIDERS_MAX} sign-in methods already")));
    }
    write(&app, &actor, &at, None, input).await
}

async fn change(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    at: At,
    PathId(id): PathId<ProviderKindTag>,
    Body(input): Body<ProviderInput>,
) -> Result<Response, ApiError> {
    let old = find(&app, id).await?;
    write(&app, &actor, &at, Some(old), input).await
}

async fn remove(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ProviderKindTag>,
) -> Result<StatusCode, ApiError> {
    let row = find(&app, id).await?;
    let now = app.engine.now();
    let audit = vec![
        record::draft(&actor, now, "provider.delete", "provider", id).images_of(Some(&Seen(&row)), None),
        record::draft(&actor, now, "session.end", "provider", id)
            .reason("all sessions that came over a provider that was removed"),
    ];
    let store = app.engine.store();
    // What it put people into goes with it: nobody will ever take them out again.
    let origin = id.to_string();
    for member in store.memberships().await?.into_iter().filter(|member| member.origin == origin) {
        let audit = record::draft(&actor, now, "group.map", "user", member.person)
            .reason("the provider that said so was removed");
        store.set_memberships(member.person, &origin, Vec::new(), now, audit).await?;
        app.engine.tell_rights_changed();
    }
    store.delete_provider(id, now, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    at: At,
    PathId(id): PathId<ProviderKindTag>,
) -> Answer<ProviderTest> {
    let row = find(&app, id).await?;
    let kind = app.outside.kind(&row.kind).ok_or_else(|| {
        ApiError::Conflict(format!("this server does not know providers of the kind {}", row.kind))
    })?;
    let provider = provider_of(&app, &row)?;
    let now = app.engine.now();
    let audit = record::draft(&actor, now, "provider.test", "provider", id);
    app.engine.store().append_audit(vec![audit]).await?;
    let steps = {
        let turn = app.outside.turn(id).await;
        let _turn = turn.map_err(|refusal| ApiError::Unavailable(refusal.detail))?;
        kind.test(&provider, &at.here(id, now)).await
    };
    let steps: Vec<TestStep> = steps
        .into_iter()
        .map(|step| TestStep { title: step.title, ok: step.ok, detail: step.detail })
        .collect();
    Ok(Json(ProviderTest { ok: steps.iter().all(|step| step.ok), steps }))
}
