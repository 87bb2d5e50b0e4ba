//! How the engine begins an audit draft: one place, so that every record looks alike.

use std::cell::RefCell;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::LazyLock;

use wk_audit::{Actor as Recorded, ActorKind, Agreement, Draft, Hash};
use wk_authz::{Actor, Via, Who};
use wk_domain::{AgentId, TenantId, Timestamp};

use crate::image::Imaged;

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
        Who::Token { id, name, .. } => {
            Recorded::new(ActorKind::Token, name).session(id).authenticated("token", 1)
        }
        Who::Local { uid } => Recorded::new(ActorKind::Local, uid).authenticated("peer-credentials", 1),
        Who::System => Recorded::system(),
    };
    let user_agent = Some(actor.user_agent.as_str()).filter(|name| !name.is_empty());
    let draft = begun(now, recorded, action).object(kind, id).source(actor.address, user_agent);
    let draft = match &actor.who {
        Who::Token { owner, .. } => draft.on_behalf_of(owner),
        Who::User { .. } | Who::Local { .. } | Who::System => draft,
    };
    let draft = marked(draft).within(home_of(actor));
    if actor.request.is_empty() { draft } else { draft.request(&actor.request) }
}

/// Where the actor is at home: what an act concerns unless the object is elsewhere. The program's, and that of whoever is
/// on its machine, is the root.
pub fn home_of(actor: &Actor) -> TenantId {
    let home = actor.rights.grants().iter().find(|grant| grant.via == Via::Home);
    home.map_or(TenantId::ROOT, |grant| grant.scope.tenant)
}

/// What every entry of a request bears beside its own: that a second person agreed, or why there was none; and the client
/// certificate it came with.
#[derive(Debug, Default)]
struct Marks {
    agreement: Option<Agreement>,
    /// Nothing may be written without one.
    needed: bool,
    alone: Option<&'static str>,
    /// Whose client certificate the request's connection presented.
    certificate: Option<String>,
}

tokio::task_local! {
    // By task and not by argument: whatever an approved act comes to write, in whichever layer, must bear the agreement,
    // so that the store can refuse it when there is none any more. A draft made outside bears none, and uses none up.
    static MARKS: RefCell<Marks>;
}

/// Runs a request. Inside, [`agreed`] and [`alone`] mark the drafts that follow.
pub async fn marking<T>(request: impl Future<Output = T>) -> T {
    MARKS.scope(RefCell::default(), request).await
}

/// From now on, what this request writes stands on that agreement and uses it up; on none any more with `None`.
/// False outside of [`marking`].
pub fn agreed(agreement: Option<Agreement>) -> bool {
    MARKS.try_with(|marks| marks.borrow_mut().agreement = agreement).is_ok()
}

/// From now on, what this request writes needs an agreement: without one the store writes nothing. A wall behind the
/// handlers, for callers who may only ask.
pub fn needs_agreement(needed: bool) {
    let _ = MARKS.try_with(|marks| marks.borrow_mut().needed = needed);
}

/// Whether what this request does was agreed to.
pub fn is_agreed() -> bool {
    MARKS.try_with(|marks| marks.borrow().agreement.is_some()).unwrap_or(false)
}

/// From now on, what this request writes says that a second person should have agreed, and why none was asked.
pub fn alone(why: &'static str) {
    // Outside of a request nobody asks for a second person.
    let _ = MARKS.try_with(|marks| marks.borrow_mut().alone = Some(why));
}

/// From now on, what this request writes names the client certificate that its connection presented.
pub fn presented(certificate: &str) {
    // Outside of a request there is no connection.
    let _ = MARKS.try_with(|marks| marks.borrow_mut().certificate = Some(certificate.to_owned()));
}

fn marked(draft: Draft) -> Draft {
    let (agreement, needed, alone) = MARKS
        .try_with(|marks| {
            let marks = marks.borrow();
            (marks.agreement.clone(), marks.needed, marks.alone)
        })
        .unwrap_or_default();
    if agreement.is_none() && needed {
        let decision = draft.clone();
        let none = String::new;
        return draft.agreed(Agreement {
            approval: none(),
            by: none(),
            by_id: none(),
            note: none(),
            decision,
        });
    }
    match (agreement, alone) {
        (Some(agreement), _) => {
            let who = format!("{}, by {}", agreement.approval, agreement.by);
            draft.change("four_eyes", Option::<&str>::None, who).agreed(agreement)
        }
        (None, Some(why)) => draft.change("four_eyes", Option::<&str>::None, why),
        (None, None) => draft,
    }
}

/// The server itself, for callers that know nothing of rights.
pub fn system() -> Actor {
    Actor::system()
}

/// A draft of what an agent did, known by its certificate.
pub fn by_agent(agent: AgentId, address: IpAddr, now: Timestamp, action: &'static str) -> Draft {
    let recorded = Recorded::new(ActorKind::Agent, agent).authenticated("certificate", 2);
    begun(now, recorded, action).object("agent", agent).source(Some(address), None)
}

/// A draft of what somebody unknown tried.
pub fn by_nobody(
    address: Option<IpAddr>,
    now: Timestamp,
    action: &'static str,
    kind: &'static str,
    id: impl Display,
) -> Draft {
    begun(now, Recorded::anonymous(), action).object(kind, id).source(address, None)
}

/// Every draft names the policy in force, and the certificate that its request came with, whoever acts by it.
fn begun(now: Timestamp, recorded: Recorded, action: &'static str) -> Draft {
    let draft = Draft::new(ns(now), recorded, action).policy(&*POLICY);
    let certificate = MARKS.try_with(|marks| marks.borrow().certificate.clone()).ok().flatten();
    match certificate {
        Some(certificate) => draft.change("client_certificate", Option::<&str>::None, certificate),
        None => draft,
    }
}

static POLICY: LazyLock<String> =
    LazyLock::new(|| format!("sha256:{}", Hash::of(wk_authz::policy_text().as_bytes())));

fn ns(at: Timestamp) -> i64 {
    at.as_ms().saturating_mul(1_000_000)
}

/// Text fields, which most are.
pub trait DraftExt: Sized {
    /// The tenant that the object belongs to: its people read the entry, and others do not.
    #[must_use]
    fn within(self, tenant: TenantId) -> Self;
    /// A text field that changed; absent where there was or is none.
    #[must_use]
    fn text(self, field: &str, old: Option<&str>, new: Option<&str>) -> Self;
    /// The object before and after: hashes and fields. `None`: it was not there.
    #[must_use]
    fn images_of<T: Imaged>(self, before: Option<&T>, after: Option<&T>) -> Self;
    /// The revision the store gives the object with this act: one more than before it.
    #[must_use]
    fn next_revision(self, before: Option<i64>) -> Self;
}

impl DraftExt for Draft {
    fn within(mut self, tenant: TenantId) -> Self {
        self.tenant =
            if tenant == TenantId::ROOT { wk_audit::TENANT.into() } else { tenant.to_string().into() };
        self
    }

    fn text(self, field: &str, old: Option<&str>, new: Option<&str>) -> Self {
        self.change(field, old, new)
    }

    fn images_of<T: Imaged>(self, before: Option<&T>, after: Option<&T>) -> Self {
        self.images(before.map(T::image).as_ref(), after.map(T::image).as_ref())
    }

    fn next_revision(self, before: Option<i64>) -> Self {
        self.revision(u64::try_from(before.unwrap_or(0).saturating_add(1)).unwrap_or(0))
    }
}
