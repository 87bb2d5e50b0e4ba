//! How the engine begins an audit draft: one place, so that every record looks alike.

use std::fmt::Display;
use std::net::IpAddr;

use wk_audit::{Actor as Recorded, ActorKind, Draft};
use wk_authz::{Actor, Who};
use wk_domain::{AgentId, Timestamp};

/// A draft of what `actor` does to an object.
pub fn draft(
    actor: &Actor,
    now: Timestamp,
    action: &'static str,
    kind: &'static str,
    id: impl Display,
) -> Draft {
    let recorded = match &actor.who {
        Who::User { name, session, method, .. } => {
            Recorded::new(ActorKind::User, name).session(session).authenticated(method, 2)
        }
        Who::Local { uid } => Recorded::new(ActorKind::Local, uid).authenticated("peer-credentials", 1),
        Who::System => Recorded::system(),
    };
    let draft = Draft::new(ns(now), recorded, action).object(kind, id).source(actor.address, None);
    if actor.request.is_empty() { draft } else { draft.request(&actor.request) }
}

/// A draft of what an agent did, known by its certificate.
pub fn by_agent(agent: AgentId, address: IpAddr, now: Timestamp, action: &'static str) -> Draft {
    let recorded = Recorded::new(ActorKind::Agent, agent).authenticated("certificate", 2);
    Draft::new(ns(now), recorded, action).object("agent", agent).source(Some(address), None)
}

/// A draft of what somebody unknown tried.
pub fn by_nobody(
    address: Option<IpAddr>,
    now: Timestamp,
    action: &'static str,
    kind: &'static str,
    id: impl Display,
) -> Draft {
    Draft::new(ns(now), Recorded::anonymous(), action).object(kind, id).source(address, None)
}

fn ns(at: Timestamp) -> i64 {
    at.as_ms().saturating_mul(1_000_000)
}

/// Text fields, which most are.
pub trait DraftExt: Sized {
    /// A text field that changed; absent where there was or is none.
    #[must_use]
    fn text(self, field: &str, old: Option<&str>, new: Option<&str>) -> Self;
}

impl DraftExt for Draft {
    fn text(self, field: &str, old: Option<&str>, new: Option<&str>) -> Self {
        self.change(field, old, new)
    }
}
