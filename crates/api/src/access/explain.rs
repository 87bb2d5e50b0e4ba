//! What somebody may do, and why; and the reverse: who may do this to that.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_authz::{AccessRead, Act, Actions, Actor, Decision, Grant, Place, Rights, SelfManage, Via, Why};
use wk_domain::{AgentId, ApiTokenId, ChannelId, CheckId, GroupId, HostId, TenantId, UserId, text};
use wk_engine::ports::rows::UserRow;
use wk_engine::world::World;

use super::grants::{GrantScope, scope_view};
use crate::auth::Caller;
use crate::body::Query;
use crate::dto::Page;
use crate::error::ApiError;
use crate::routes::{Routes, get};
use crate::scopes::{self, TokenScope};
use crate::state::App;

type Answer<T> = Result<Json<T>, ApiError>;

/// Who may do what, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Explanation {
    who: ExplainedWho,
    on: ExplainedThing,
    /// One for the action that was asked about; for every action when none was.
    answers: Vec<ActionAnswer>,
    /// All that is held, what speaks of the thing and what does not.
    holds: Vec<HeldGrant>,
    sees: Seen,
}

/// A person or a token.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ExplainedWho {
    id: String,
    name: String,
    /// `person` or `token`.
    kind: String,
    /// Can do nothing at all just now: disabled, revoked or run out.
    off: bool,
}

/// What is asked about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ExplainedThing {
    id: String,
    title: String,
    tenant: String,
    tenant_title: String,
}

/// Whether an action is permitted, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ActionAnswer {
    action: String,
    allowed: bool,
    /// For people.
    why: String,
    /// The grants that speak about it here, the deciding one first.
    reasons: Vec<HeldGrant>,
}

/// A grant as somebody holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct HeldGrant {
    /// Absent for what no grant says: the account's own role, a token's limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// `home`, `person`, `group`, `token` or `server`.
    via: String,
    /// The group it comes through.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    effect: String,
    role: String,
    scope: GrantScope,
}

/// How much is seen of what there is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Seen {
    hosts: u64,
    checks: u64,
    agents: u64,
    channels: u64,
}

/// Somebody who may.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WhoMay {
    who: ExplainedWho,
    why: String,
}

#[derive(Debug, Deserialize)]
struct Asked {
    who: Option<String>,
    action: Option<String>,
    on: Option<String>,
}

#[derive(Debug, Deserialize)]
struct AskedOwn {
    action: Option<String>,
    on: Option<String>,
}

const ON: &str = "An id of a host, check, agent, channel, tenant or account; the whole server when absent";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AccessRead, _, _>(
            get("/access/explain", "What somebody may do, where, and why")
                .query("who", "string", "An account's id or name, or a token's id")
                .query("action", "string", "One action; all when absent")
                .query("on", "string", ON)
                .answer::<Explanation>(),
            explain,
        )
        .add::<SelfManage, _, _>(
            get("/me/access", "What I may do, where, and why")
                .query("action", "string", "One action; all when absent")
                .query("on", "string", ON)
                .answer::<Explanation>(),
            own,
        )
        .add::<AccessRead, _, _>(
            get("/access/who", "Who may do this to that: people, then tokens")
                .query("action", "string", "The action")
                .query("on", "string", ON)
                .page::<WhoMay>(),
            who,
        )
}

/// Something one can ask about.
#[derive(Debug, Clone, Copy)]
enum Thing {
    Server,
    Host(HostId),
    Check(CheckId),
    Agent(AgentId),
    Channel(ChannelId),
    Tenant(TenantId),
    Person(UserId, TenantId),
}

impl Thing {
    async fn read(app: &App, raw: Option<&str>) -> Result<Self, ApiError> {
        let Some(raw) = raw.map(str::trim).filter(|raw| !raw.is_empty()) else { return Ok(Self::Server) };
        let wrong = || {
            let raw = text::clean_line(raw, 80);
            ApiError::BadRequest(format!(
                "`on`: `{raw}` is no id of a host, check, agent, channel, tenant or account"
            ))
        };
        let Some((kind, _)) = raw.rsplit_once('_') else { return Err(wrong()) };
        Ok(match kind {
            "host" => Self::Host(raw.parse().map_err(|_| wrong())?),
            "check" => Self::Check(raw.parse().map_err(|_| wrong())?),
            "agent" => Self::Agent(raw.parse().map_err(|_| wrong())?),
            "channel" => Self::Channel(raw.parse().map_err(|_| wrong())?),
            "tenant" => Self::Tenant(raw.parse().map_err(|_| wrong())?),
            "user" => {
                let id: UserId = raw.parse().map_err(|_| wrong())?;
                let user = app.engine.store().user(id).await?.ok_or_else(gone)?;
                Self::Person(id, user.tenant)
            }
            _ => return Err(wrong()),
        })
    }

    fn place(self, world: &World) -> Option<Place<'_>> {
        match self {
            Self::Server => Some(Place::ROOT),
            Self::Host(id) => world.place_of_host(id),
            Self::Check(id) => world.place_of_check(id),
            Self::Agent(id) => world.place_of_agent(id),
            Self::Channel(id) => world.place_of_channel(id),
            Self::Tenant(id) => world.place_of_tenant(id),
            Self::Person(id, home) => world.place_of_person(id, home),
        }
    }

    /// Who may do this, may know that it is there.
    const fn seen_by(self) -> Option<Act> {
        match self {
            Self::Server => None,
            Self::Host(_) => Some(Act::HostRead),
            Self::Check(_) => Some(Act::CheckRead),
            Self::Agent(_) => Some(Act::AgentRead),
            Self::Channel(_) => Some(Act::ChannelRead),
            Self::Tenant(_) => Some(Act::TenantRead),
            Self::Person(..) => Some(Act::AccessRead),
        }
    }

    fn view(self, world: &World, actor: &Actor, place: &Place<'_>) -> ExplainedThing {
        let (id, title) = match self {
            Self::Server => (String::new(), "the whole server".to_owned()),
            Self::Host(id) => {
                (id.to_string(), world.hosts.get(&id).map(|h| h.name.clone()).unwrap_or_default())
            }
            Self::Check(id) => {
                let title = world.checks.get(&id).map(|entry| {
                    let check = &entry.row.check;
                    let host =
                        world.hosts.get(&check.host).map(|host| host.name.as_str()).unwrap_or_default();
                    format!("{} on {host}", check.key)
                });
                (id.to_string(), title.unwrap_or_default())
            }
            Self::Agent(id) => {
                (id.to_string(), world.agents.get(&id).map(|e| e.row.hostname.clone()).unwrap_or_default())
            }
            Self::Channel(id) => {
                (id.to_string(), world.channels.get(&id).map(|e| e.row.name.clone()).unwrap_or_default())
            }
            Self::Tenant(id) => (id.to_string(), world.title_for(actor, id)),
            Self::Person(id, _) => (id.to_string(), "an account".to_owned()),
        };
        let tenant = place.tenants.last().copied().unwrap_or(TenantId::ROOT);
        ExplainedThing { id, title, tenant: tenant.to_string(), tenant_title: world.title_for(actor, tenant) }
    }
}

fn gone() -> ApiError {
    ApiError::NotFound("what `on` names is not there (any more)".to_owned())
}

/// Runs `answer` with the thing's place, if the actor may know of it.
fn at<T>(
    app: &App,
    actor: &Actor,
    thing: Thing,
    answer: impl FnOnce(&World, &Place<'_>) -> T,
) -> Result<T, ApiError> {
    let world = app.engine.world();
    let place = thing.place(&world).ok_or_else(gone)?;
    if thing.seen_by().is_some_and(|act| !actor.rights.may(act, &place)) {
        return Err(gone());
    }
    Ok(answer(&world, &place))
}

/// To whom something is explained.
struct Listener<'a> {
    actor: &'a Actor,
    /// It is himself that he asks about: what he holds, he may know.
    own: bool,
    /// Groups that he sees.
    groups: HashSet<GroupId>,
}

impl<'a> Listener<'a> {
    async fn of(app: &App, actor: &'a Actor) -> Result<Self, ApiError> {
        let mut groups = app.engine.store().groups().await?;
        let world = app.engine.world();
        let seen = world.view_of(actor, Act::AccessRead);
        groups.retain(|group| seen.tenant(group.tenant));
        Ok(Self { actor, own: false, groups: groups.into_iter().map(|group| group.id).collect() })
    }

    /// Whether he may know of the grant: where it holds, and of the group it comes through.
    fn hears(&self, world: &World, grant: &Grant) -> bool {
        let through = match &grant.via {
            Via::Group { id, .. } => self.groups.contains(id),
            Via::Home | Via::Person | Via::Token | Via::Server => true,
        };
        let place = world.place_of_tenant(grant.scope.tenant);
        self.own || (through && place.is_some_and(|place| self.actor.rights.may(Act::AccessRead, &place)))
    }

    /// Whether he sees a thing himself, so that it may be counted to him.
    fn sees(&self, act: Act, place: &Place<'_>) -> bool {
        self.own || self.actor.rights.may(act, place)
    }
}

fn held(world: &World, listener: &Listener<'_>, grant: &Grant) -> HeldGrant {
    let (via, group) = match &grant.via {
        Via::Home => ("home", None),
        Via::Person => ("person", None),
        Via::Group { name, .. } => ("group", Some(name.clone())),
        Via::Token => ("token", None),
        Via::Server => ("server", None),
    };
    HeldGrant {
        id: grant.id.map(|id| id.to_string()),
        via: via.to_owned(),
        group,
        effect: grant.effect.as_str().to_owned(),
        role: grant.role.clone(),
        scope: scope_view(world, listener.actor, &grant.scope),
    }
}

/// A grant in a few words: `the role operator, through the group night`.
fn in_words(world: &World, listener: &Listener<'_>, grant: &Grant) -> String {
    if !listener.hears(world, grant) {
        return "a grant that was made elsewhere".to_owned();
    }
    let role = &grant.role;
    let through = match &grant.via {
        Via::Home => format!("the account's own role {role}"),
        Via::Person => format!("a grant of {role}"),
        Via::Group { name, .. } => format!("a grant of {role} through the group {name}"),
        Via::Token => format!("the token's limit to {role}"),
        Via::Server => "the server's own rights".to_owned(),
    };
    let scope = &grant.scope;
    let mut where_ = match scope.tenant {
        tenant if tenant == TenantId::ROOT => String::new(),
        tenant => format!(" in {}", world.title_for(listener.actor, tenant)),
    };
    if let Some(selector) = &scope.selector {
        where_.push_str(&format!(", hosts with {selector}"));
    }
    if let Some(host) = scope.host {
        let name = world.hosts.get(&host).map_or("a host that is gone", |host| host.name.as_str());
        where_.push_str(&format!(", the host {name}"));
    }
    if scope.owned {
        where_.push_str(", what is their own");
    }
    if !scope.sections.is_empty() {
        let names: Vec<&str> = scope.sections.iter().map(|section| section.as_str()).collect();
        where_.push_str(&format!(", in the sections {}", names.join(", ")));
    }
    format!("{through}{where_}")
}

fn why(world: &World, listener: &Listener<'_>, rights: &Rights, decision: Decision) -> String {
    let grant =
        |at: usize| rights.grants().get(at).map(|grant| in_words(world, listener, grant)).unwrap_or_default();
    match decision.why {
        Why::Anybody => "anybody may".to_owned(),
        Why::Own => "it is their own account".to_owned(),
        Why::Allowed(at) => format!("{} allows it", grant(at)),
        Why::DeniedBy(at) => match rights.grants().get(at) {
            Some(held) => format!(
                "{} denies it, whatever else allows it",
                in_words(world, listener, held).replacen("a grant of", "a deny of", 1)
            ),
            None => "it is denied".to_owned(),
        },
        Why::Nothing => "nothing that is held allows it here".to_owned(),
        Why::BeyondToken => "the owner may; the token's limits do not allow it".to_owned(),
    }
}

fn explained(
    world: &World,
    listener: &Listener<'_>,
    who: ExplainedWho,
    rights: &Arc<Rights>,
    acts: Actions,
    thing: Thing,
    place: &Place<'_>,
) -> Explanation {
    let said = |grants: &mut dyn Iterator<Item = &Grant>| -> Vec<HeldGrant> {
        grants
            .filter(|grant| listener.hears(world, grant))
            .map(|grant| held(world, listener, grant))
            .collect()
    };
    let answers = acts.iter().map(|act| {
        let decision = rights.decide(act, place);
        ActionAnswer {
            action: act.name().to_owned(),
            allowed: decision.allowed && !who.off,
            why: match who.off {
                true => "it is switched off: nothing is permitted just now".to_owned(),
                false => why(world, listener, rights, decision),
            },
            reasons: said(&mut rights.reasons(act, place).into_iter()),
        }
    });
    let answers = answers.collect();
    let (hosts, checks) = (rights.sight(Act::HostRead), rights.sight(Act::CheckRead));
    let (agents, channels) = (rights.sight(Act::AgentRead), rights.sight(Act::ChannelRead));
    let at_host = |sight: &wk_authz::Sight, act, id| {
        world.place_of_host(id).is_some_and(|place| sight.sees(&place) && listener.sees(act, &place))
    };
    let sees = Seen {
        hosts: world.hosts.keys().filter(|id| at_host(&hosts, Act::HostRead, **id)).count() as u64,
        checks: world
            .checks_of
            .iter()
            .filter(|(id, _)| at_host(&checks, Act::CheckRead, **id))
            .map(|(_, checks)| checks.len() as u64)
            .sum(),
        agents: world.agents.values().filter(|entry| at_host(&agents, Act::AgentRead, entry.row.host)).count()
            as u64,
        channels: world
            .channels
            .keys()
            .filter(|id| {
                let place = world.place_of_channel(**id);
                place.is_some_and(|place| channels.sees(&place) && listener.sees(Act::ChannelRead, &place))
            })
            .count() as u64,
    };
    let holds = said(&mut rights.grants().iter());
    Explanation { who, on: thing.view(world, listener.actor, place), answers, holds, sees }
}

fn acts(raw: Option<&str>) -> Result<Actions, ApiError> {
    match raw.filter(|raw| !raw.is_empty()) {
        None => Ok(Actions::ALL),
        Some(raw) => {
            let act = Act::parse(raw).filter(|act| Actions::ALL.has(*act));
            act.map(Actions::one).ok_or_else(|| {
                let raw = text::clean_line(raw, 60);
                ApiError::BadRequest(format!(
                    "`action`: `{raw}` is no action that a role can have; see /api/v1/actions"
                ))
            })
        }
    }
}

fn a_person(user: &UserRow) -> ExplainedWho {
    ExplainedWho {
        id: user.id.to_string(),
        name: user.name.clone(),
        kind: "person".to_owned(),
        off: user.disabled.is_some(),
    }
}

/// A token's rights, by its row.
async fn of_token(
    app: &App,
    row: &wk_engine::ports::api_tokens::ApiTokenRow,
    owner: &UserRow,
) -> Result<(ExplainedWho, Arc<Rights>), ApiError> {
    // What cannot be read limits to nothing.
    let limits: Vec<TokenScope> = serde_json::from_str(&row.scope_json).unwrap_or_default();
    let rights = app.engine.rights_of(owner).await?.limited(scopes::limits(app, owner.id, &limits));
    let off = row.revoked.is_some() || row.expires <= app.engine.now() || owner.disabled.is_some();
    let name = format!("{}, of {}", row.name, owner.name);
    Ok((ExplainedWho { id: row.id.to_string(), name, kind: "token".to_owned(), off }, rights))
}

async fn explain(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(asked): Query<Asked>,
) -> Answer<Explanation> {
    let raw = asked.who.as_deref().map(str::trim).filter(|who| !who.is_empty());
    let raw = raw.ok_or_else(|| {
        ApiError::BadRequest("say `who`: an account's id or name, or a token's id".to_owned())
    })?;
    let acts = acts(asked.action.as_deref())?;
    let thing = Thing::read(&app, asked.on.as_deref()).await?;
    let (who, rights) = match raw.parse::<ApiTokenId>() {
        Ok(id) => {
            let row = app.engine.store().api_token(id).await?;
            let row =
                row.ok_or_else(|| ApiError::NotFound("the token is not there (any more)".to_owned()))?;
            // Another's answers as if it were not there.
            let owner = super::person_called(&app, &actor, &row.owner.to_string()).await;
            let owner = owner.map_err(|error| match error {
                ApiError::Hidden { denied, .. } => ApiError::Hidden { what: "the token", denied },
                other => other,
            })?;
            of_token(&app, &row, &owner).await?
        }
        Err(_) => {
            let user = super::person_called(&app, &actor, raw).await?;
            (a_person(&user), app.engine.rights_of(&user).await?)
        }
    };
    let listener = Listener::of(&app, &actor).await?;
    let answer =
        |world: &World, place: &Place<'_>| explained(world, &listener, who, &rights, acts, thing, place);
    at(&app, &actor, thing, answer).map(Json)
}

async fn own(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(asked): Query<AskedOwn>,
) -> Answer<Explanation> {
    let acts = acts(asked.action.as_deref())?;
    let thing = Thing::read(&app, asked.on.as_deref()).await?;
    let who = ExplainedWho {
        id: actor.account().map(|id| id.to_string()).unwrap_or_default(),
        name: actor.label(),
        kind: "person".to_owned(),
        off: false,
    };
    let listener = Listener { actor: &actor, own: true, groups: HashSet::new() };
    let answer = |world: &World, place: &Place<'_>| {
        explained(world, &listener, who, &actor.rights, acts, thing, place)
    };
    at(&app, &actor, thing, answer).map(Json)
}

async fn who(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(asked): Query<AskedOwn>,
) -> Answer<Page<WhoMay>> {
    let raw = asked.action.as_deref().filter(|raw| !raw.is_empty());
    if raw.is_none() {
        return Err(ApiError::BadRequest("say which `action`; see /api/v1/actions".to_owned()));
    }
    let Some(act) = acts(raw)?.iter().next() else { return Err(ApiError::Internal) };
    let thing = Thing::read(&app, asked.on.as_deref()).await?;
    let mut users = app.engine.store().users().await?;
    {
        let world = app.engine.world();
        let sees = world.view_of(&actor, Act::AccessRead);
        users.retain(|user| sees.owned(user.tenant, user.id) && user.disabled.is_none());
    }
    users.sort_by(|a, b| a.name.cmp(&b.name));
    let rights = app.engine.rights_of_all(&users).await?;
    let mut tokens = Vec::new();
    for row in app.engine.store().api_tokens(None).await? {
        if let Some(owner) = users.iter().find(|user| user.id == row.owner) {
            let (who, rights) = of_token(&app, &row, owner).await?;
            if !who.off {
                tokens.push((who, rights));
            }
        }
    }
    let all = users.iter().map(a_person).zip(rights).chain(tokens);
    let listener = Listener::of(&app, &actor).await?;
    let items = at(&app, &actor, thing, |world, place| {
        all.filter_map(|(who, rights)| {
            let decision = rights.decide(act, place);
            decision.allowed.then(|| WhoMay { who, why: why(world, &listener, &rights, decision) })
        })
        .collect()
    })?;
    Ok(Json(Page { items, total: None, next: None }))
}

#[cfg(test)]
mod tests {
    use wk_authz::Effect;

    use super::*;

    #[test]
    fn an_action_is_one_that_can_be_granted() {
        assert_eq!(acts(None).unwrap(), Actions::ALL);
        assert_eq!(acts(Some("host.read")).unwrap(), Actions::one(Act::HostRead));
        assert!(acts(Some("self.manage")).is_err() && acts(Some("server.shell")).is_err());
    }

    #[test]
    fn a_deny_reads_as_one() {
        let world = World::default();
        let grant = Grant {
            id: None,
            via: Via::Group { id: wk_domain::Id::new(1, [0; 10]), name: "trainees".into() },
            effect: Effect::Deny,
            role: "author".into(),
            actions: wk_authz::Role::Author.actions(),
            scope: wk_authz::Scope::everything(),
        };
        let rights = Rights::compile(None, vec![grant], &world.tenants);
        let actor = Actor::system();
        let listener = Listener { actor: &actor, own: true, groups: HashSet::new() };
        let said = why(&world, &listener, &rights, rights.decide(Act::HostWrite, &Place::ROOT));
        assert_eq!(said, "a deny of author through the group trainees denies it, whatever else allows it");
    }
}
