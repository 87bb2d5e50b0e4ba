//! Who may do what, and where: a pure decision, and the only maker of a [`Permit`].
//!
//! A use case takes `Permit<A, R>` by value, so that forgetting the question does not compile and nobody can ask about
//! one thing and change another: the resource travels inside. Deny by default, and an explicit deny wins.
//!
//! * [`action`]: the policy table. * [`role`]: built-in roles, named sets of actions. * [`scope`]: scopes and
//!   places. * [`rights`]: what somebody holds, compiled. * [`reference`]: the rule again, plainly, for tests.

pub mod action;
pub mod reference;
pub mod rights;
pub mod role;
pub mod scope;
pub mod selector;

#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use wk_domain::{ApiTokenId, SessionId, UserId};

pub use action::*;
pub use rights::{Decision, MAX_GRANTS, Rights, Sight, Split, Why};
pub use role::{Role, may, policy_text};
pub use scope::{Effect, Grant, Place, Scope, Via};
pub use selector::{Selector, SelectorError};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A signed-in person.
    User { id: UserId, name: String, session: SessionId, method: String },
    /// A program with a token. `owner`: the account it belongs to, which may be a service account.
    Token { id: ApiTokenId, name: String, owner: UserId },
    /// Somebody with the server's own rights on the server's machine, over the local socket.
    Local { uid: u32 },
    /// The program itself.
    System,
}

/// Who acts, with what rights, from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub who: Who,
    /// The role of the account. What is permitted, `rights` say alone.
    pub role: Role,
    pub rights: Arc<Rights>,
    pub address: Option<IpAddr>,
    /// The request this act belongs to.
    pub request: String,
    /// What the caller's program calls itself; empty when it does not say. Nobody has checked it.
    pub user_agent: String,
}

impl Actor {
    /// The program itself, for acts nobody asked for.
    pub fn system() -> Self {
        Self::new(Who::System, Role::Admin, Rights::server())
    }

    /// Whoever has the server's own rights on its machine.
    pub fn local(uid: u32) -> Self {
        Self::new(Who::Local { uid }, Role::Admin, Rights::server())
    }

    /// Somebody, from nowhere yet.
    pub fn new(who: Who, role: Role, rights: Arc<Rights>) -> Self {
        Self { who, role, rights, address: None, request: String::new(), user_agent: String::new() }
    }

    /// Somebody with a built-in role over the whole server, and no grants.
    pub fn of_role(who: Who, role: Role) -> Self {
        Self::new(who, role, Rights::of_role(role))
    }

    /// The account behind it: the person's, or that of the token's owner.
    pub fn account(&self) -> Option<UserId> {
        match &self.who {
            Who::User { id, .. } => Some(*id),
            Who::Token { owner, .. } => Some(*owner),
            Who::Local { .. } | Who::System => None,
        }
    }

    /// As lists show it: a name, `token:backup`, `local:0`, `system`.
    pub fn label(&self) -> String {
        match &self.who {
            Who::User { name, .. } => name.clone(),
            Who::Token { name, .. } => format!("token:{name}"),
            Who::Local { uid } => format!("local:{uid}"),
            Who::System => "system".to_owned(),
        }
    }
}

/// Proof that an actor may do `A` to `resource`. Only [`authorize`] and [`authorize_at`] make one.
#[must_use = "a permit is there to be used"]
pub struct Permit<A, R = ()> {
    actor: Actor,
    resource: R,
    action: PhantomData<fn() -> A>,
}

impl<A: Action, R> Permit<A, R> {
    /// Who may.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// To what.
    pub fn resource(&self) -> &R {
        &self.resource
    }

    /// Both, to be used up.
    pub fn into_parts(self) -> (Actor, R) {
        (self.actor, self.resource)
    }

    /// The action's name, for the audit record.
    pub fn action(&self) -> &'static str {
        A::NAME
    }
}

impl<A: Action, R: fmt::Debug> fmt::Debug for Permit<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("action", &A::NAME)
            .field("actor", &self.actor.label())
            .field("resource", &self.resource)
            .finish()
    }
}

/// No.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action} is not for {actor}: {reason}")]
pub struct Denied {
    pub action: &'static str,
    pub actor: String,
    /// What was missing, or what was in the way, and what would be needed.
    pub reason: String,
    /// Whoever asked may not even know that there is such a thing: answer as if there were none.
    pub hidden: bool,
    /// The actor may; the place is read-only now, and nobody changes its configuration.
    pub closed: bool,
}

/// Whether the place is closed to what `act` would do; after it is known that the actor may.
fn unless_closed(actor: &Actor, act: Act, place: &Place<'_>) -> Result<(), Denied> {
    let Some(why) = actor.rights.closed_at(act, place) else { return Ok(()) };
    Err(Denied {
        action: act.name(),
        actor: actor.label(),
        reason: why.to_owned(),
        hidden: false,
        closed: true,
    })
}

fn denied(actor: &Actor, act: Act, why: Why, hidden: bool, place: &str) -> Denied {
    let reason = match why {
        Why::DeniedBy(at) => {
            let grant = actor.rights.grants().get(at);
            let role = grant.map_or("", |grant| grant.role.as_str());
            let id =
                grant.and_then(|grant| grant.id).map_or_else(|| "a grant".to_owned(), |id| id.to_string());
            match grant.map(|grant| &grant.via) {
                Some(Via::Group { name, .. }) => format!("{id} denies {role} to the group {name}{place}"),
                _ => format!("{id} denies {role}{place}"),
            }
        }
        Why::BeyondToken => format!("it is beyond what the token is for{place}"),
        Why::Nothing | Why::Anybody | Why::Own | Why::Allowed(_) => {
            let roles: Vec<_> =
                Role::ALL.into_iter().filter(|role| role.actions().has(act)).map(Role::as_str).collect();
            let mut has: Vec<&str> = Vec::new();
            for grant in actor.rights.grants().iter().filter(|grant| grant.effect == Effect::Allow) {
                if !has.contains(&grant.role.as_str()) {
                    has.push(&grant.role);
                }
            }
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            match roles.as_slice() {
                [] => format!("it is nobody's{place}"),
                [one] => format!("it needs the role {one}{place}; there is {has}"),
                [some @ .., last] => {
                    format!("it needs the role {} or {last}{place}; there is {has}", some.join(", "))
                }
            }
        }
    };
    Denied { action: act.name(), actor: actor.label(), reason, hidden, closed: false }
}

/// Asks whether `actor` may do `A` to `resource`, which lives at `place`.
///
/// # Errors
/// [`Denied`], with what would be needed. `hidden` when the actor may not know of the thing at all.
pub fn authorize_at<A: Action, R>(
    actor: &Actor,
    resource: R,
    place: &Place<'_>,
) -> Result<Permit<A, R>, Denied> {
    let decision = actor.rights.decide(A::ACT, place);
    if decision.allowed {
        unless_closed(actor, A::ACT, place)?;
        return Ok(Permit { actor: actor.clone(), resource, action: PhantomData });
    }
    let seen = A::ACT.entry().seen;
    let hidden = !actor.rights.may(seen, place);
    Err(denied(actor, A::ACT, decision.why, hidden, " here"))
}

/// Asks whether `actor` may do `A` to what belongs to the whole server.
///
/// # Errors
/// [`Denied`], with what would be needed.
pub fn authorize<A: Action, R>(actor: &Actor, resource: R) -> Result<Permit<A, R>, Denied> {
    let decision = actor.rights.decide(A::ACT, &Place::ROOT);
    if decision.allowed {
        unless_closed(actor, A::ACT, &Place::ROOT)?;
        return Ok(Permit { actor: actor.clone(), resource, action: PhantomData });
    }
    Err(denied(actor, A::ACT, decision.why, false, ""))
}

/// Asks whether `actor` may do `A` anywhere at all: the door's question, before it is known to what. Gives no permit.
///
/// # Errors
/// [`Denied`], with what would be needed.
pub fn may_somewhere<A: Action>(actor: &Actor) -> Result<(), Denied> {
    if actor.rights.may_somewhere(A::ACT) {
        // What is closed at the root is closed everywhere.
        return unless_closed(actor, A::ACT, &Place::ROOT);
    }
    // A deny over everything is worth naming; anything else is plainly not there.
    let why = actor.rights.decide(A::ACT, &Place::ROOT).why;
    Err(denied(actor, A::ACT, why, false, ""))
}
