//! How the engine fills an audit draft: one place, so that every record looks alike.

use wk_audit::{ActorRef, Change, Draft, ObjectRef, Outcome, Source, Value};
use wk_authz::{Actor, Who};
use wk_domain::{AgentId, Timestamp};

/// A draft of what `actor` does to an object.
pub fn draft(actor: &Actor, now: Timestamp, action: &str, kind: &str, id: impl ToString) -> Draft {
    Draft {
        ts_ns: now.as_ms().saturating_mul(1_000_000),
        actor: actor_ref(actor),
        source: Source { ip: actor.address.map(|a| a.to_string()).unwrap_or_default(), ..Source::default() },
        action: action.to_owned(),
        object: ObjectRef { kind: kind.to_owned(), id: id.to_string(), rev: 0 },
        request_id: actor.request.clone(),
        ..Draft::default()
    }
}

/// A draft of what an agent did, known by its certificate.
pub fn by_agent(agent: AgentId, address: &str, now: Timestamp, action: &str, kind: &str, id: impl ToString) -> Draft {
    let mut draft = draft(&Actor::system(), now, action, kind, id);
    draft.actor = ActorRef {
        kind: "agent".to_owned(),
        id: agent.to_string(),
        auth_method: "certificate".to_owned(),
        aal: 2,
        ..ActorRef::default()
    };
    draft.source.ip = address.to_owned();
    draft
}

/// A draft of what somebody unknown tried.
pub fn by_nobody(address: &str, now: Timestamp, action: &str, kind: &str, id: impl ToString) -> Draft {
    let mut draft = draft(&Actor::system(), now, action, kind, id);
    draft.actor = ActorRef { kind: "anonymous".to_owned(), ..ActorRef::default() };
    draft.source.ip = address.to_owned();
    draft
}

/// The builder's usual endings.
pub trait DraftExt: Sized {
    /// Why, in the actor's words or ours.
    fn because(self, reason: impl Into<String>) -> Self;
    /// A field that changed; nothing is written when it did not.
    fn text(self, field: &str, old: Option<&str>, new: Option<&str>) -> Self;
    /// Not permitted.
    fn denied(self) -> Self;
    /// Permitted, but it did not work.
    fn failed(self) -> Self;
}

impl DraftExt for Draft {
    fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    fn text(mut self, field: &str, old: Option<&str>, new: Option<&str>) -> Self {
        if old != new {
            let value = |v: Option<&str>| v.map_or(Value::Null, |v| Value::Text(v.to_owned()));
            self.diff.push(Change { field: field.to_owned(), old: value(old), new: value(new) });
        }
        self
    }

    fn denied(mut self) -> Self {
        self.outcome = Outcome::Denied;
        self
    }

    fn failed(mut self) -> Self {
        self.outcome = Outcome::Failed;
        self
    }
}

fn actor_ref(actor: &Actor) -> ActorRef {
    match &actor.who {
        Who::User { id, name, session, method } => ActorRef {
            kind: "user".to_owned(),
            id: id.to_string(),
            name: name.clone(),
            session: session.to_string(),
            auth_method: method.clone(),
            aal: 2,
        },
        Who::Local { uid } => ActorRef {
            kind: "local".to_owned(),
            id: uid.to_string(),
            auth_method: "peer-credentials".to_owned(),
            aal: 1,
            ..ActorRef::default()
        },
        Who::System => ActorRef { kind: "system".to_owned(), ..ActorRef::default() },
    }
}
