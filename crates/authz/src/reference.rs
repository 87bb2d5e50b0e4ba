//! The rule of rights once more, as short as it can be said, for tests to compare [`crate::Rights`] with. Slow, and
//! nothing decides by it.
//!
//! Written from the rule's text, and sharing none of the index, the paths or the matching of the real one.

use std::collections::HashMap;

use wk_domain::{HostId, TenantId, UserId};

use crate::action::{Act, Kind};
use crate::scope::{Effect, Grant};
use crate::selector::Term;

/// What is asked about.
#[derive(Debug, Clone)]
pub struct Thing {
    pub tenant: TenantId,
    pub host: Option<HostId>,
    pub labels: Vec<(String, String)>,
    pub owner: Option<UserId>,
}

/// Whether `person`, holding `grants`, may do `act` to `thing`. `parents`: of every tenant but the root.
pub fn may(
    person: UserId,
    grants: &[Grant],
    parents: &HashMap<TenantId, TenantId>,
    act: Act,
    thing: &Thing,
) -> bool {
    match act.kind() {
        Kind::Public | Kind::Own => return true,
        Kind::Read | Kind::Handle | Kind::Configure => {}
    }
    // "The tenant with all below it": some tenant on the way up from the thing is the scope's, and the way ends at the root.
    let (mut up, mut at) = (vec![thing.tenant], thing.tenant);
    while let Some(&parent) =
        parents.get(&at).filter(|_| at != TenantId::ROOT && up.len() < wk_domain::tenant::LEVELS_MAX)
    {
        up.push(parent);
        at = parent;
    }
    if at != TenantId::ROOT {
        return false;
    }
    let label = |key: &String| thing.labels.iter().find(|label| label.0 == *key).map(|label| &label.1);
    let speaks = |grant: &&Grant| {
        let scope = &grant.scope;
        let section = scope.sections.is_empty() || scope.sections.contains(&act.section());
        let labels = scope.selector.iter().flat_map(|selector| selector.terms()).all(|term| match term {
            Term::In { key, values } => label(key).is_some_and(|value| values.contains(value)),
            Term::NotIn { key, values } => !label(key).is_some_and(|value| values.contains(value)),
            Term::There { key } => label(key).is_some(),
            Term::Absent { key } => label(key).is_none(),
        });
        grant.actions.has(act)
            && section
            && labels
            && up.contains(&scope.tenant)
            && (scope.host.is_none() || scope.host == thing.host)
            && (!scope.owned || thing.owner == Some(person))
    };
    let any = |effect| grants.iter().filter(|grant| grant.effect == effect).any(|grant| speaks(&grant));
    any(Effect::Allow) && !any(Effect::Deny)
}
