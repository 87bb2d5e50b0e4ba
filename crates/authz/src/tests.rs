//! Facts about rights, and the real evaluator against the plain one.

use std::collections::HashMap;

use wk_domain::tenant::LEVELS_MAX;
use wk_domain::{GrantId, HostId, Labels, Tenant, TenantId, TenantTree};

use super::*;

fn as_role(role: Role) -> Actor {
    Actor::of_role(Who::Local { uid: 7 }, role)
}

fn id<K: wk_domain::id::Kind>(n: u64) -> wk_domain::id::Id<K> {
    wk_domain::id::Id::new(n, [0; 10])
}

fn grant(effect: Effect, role: Role, scope: Scope) -> Grant {
    Grant {
        id: Some(id(1)),
        via: Via::Person,
        effect,
        role: role.as_str().to_owned(),
        actions: role.actions(),
        scope,
    }
}

fn holding(grants: Vec<Grant>, tree: &TenantTree) -> Actor {
    let who = Who::User { id: id(7), name: "olga".into(), session: id(8), method: "test".into() };
    Actor::new(who, Role::None, Arc::new(Rights::compile(Some(id(7)), grants, tree)))
}

fn tree_of(parents: impl IntoIterator<Item = (TenantId, TenantId)>) -> TenantTree {
    let tenant = |(id, parent): (TenantId, TenantId)| Tenant {
        id,
        parent: Some(parent),
        name: id.to_string(),
        read_only: false,
        why: String::new(),
        revision: 1,
    };
    TenantTree::of(parents.into_iter().map(tenant)).0
}

/// Root, with sales and works below it, and press below works.
fn tree() -> (TenantTree, [TenantId; 3]) {
    let [sales, works, press] = [id(11), id(12), id(13)];
    (tree_of([(sales, TenantId::ROOT), (works, TenantId::ROOT), (press, works)]), [sales, works, press])
}

#[test]
fn a_viewer_sees_and_changes_nothing() {
    let viewer = as_role(Role::Viewer);
    assert!(authorize::<CheckRead, _>(&viewer, ()).is_ok());
    let denied = authorize::<ProblemAcknowledge, _>(&viewer, ()).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "problem.acknowledge is not for local:7: it needs the role operator, responder or admin; there is viewer"
    );
    let changes =
        TABLE.iter().filter(|entry| entry.kind == Kind::Configure || entry.name.starts_with("problem."));
    for entry in changes {
        assert!(!may(Role::Viewer, entry.name), "{}", entry.name);
    }
}

#[test]
fn whoever_writes_does_not_approve_and_whoever_reads_evidence_changes_nothing() {
    let kinds = |role: Role| role.actions().iter().map(Act::kind).collect::<Vec<_>>();
    assert!(kinds(Role::Auditor).iter().all(|kind| *kind == Kind::Read));
    assert!(!kinds(Role::Approver).contains(&Kind::Configure) || !may(Role::Approver, "check.write"));
    for name in ["host.write", "check.write"] {
        assert!(
            may(Role::Author, name) && !may(Role::Approver, name) && !may(Role::Operator, name),
            "{name}"
        );
    }
    assert!(may(Role::Responder, "problem.acknowledge") && !may(Role::Responder, "problem.downtime"));
    assert!(Role::None.actions().is_empty());
    assert_eq!(Role::Admin.actions(), Actions::ALL);
    // Nobody but an administrator touches accounts, rights and channels.
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Admin) {
        for name in ["user.write", "access.write", "channel.write", "agent.enrol", "agent.revoke"] {
            assert!(!may(role, name), "{} {name}", role.as_str());
        }
    }
}

#[test]
fn an_unknown_action_is_refused_to_everybody() {
    assert!(Role::ALL.into_iter().all(|role| !may(role, "server.shell")));
}

#[test]
fn what_asks_for_a_fresh_factor_is_in_the_table() {
    for name in FRESH_FACTOR {
        assert!(Act::parse(name).is_some(), "{name}");
    }
    assert!(!needs_fresh_factor("self.manage"), "signing out must always work");
}

#[test]
fn the_policy_as_text_names_every_action_once_with_who_may() {
    let text = policy_text();
    assert_eq!(text.lines().count(), TABLE.len());
    for line in
        ["public anybody", "self.secure everybody fresh", "host.write author admin", "user.write admin fresh"]
    {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
}

#[test]
fn actions_are_numbered_as_the_table_lists_them() {
    for (at, entry) in TABLE.iter().enumerate() {
        assert_eq!(Act::ALL[at], entry.act);
        assert_eq!(entry.act as usize, at);
        assert_eq!(Act::parse(entry.name), Some(entry.act));
        assert_eq!(entry.seen.entry().seen, entry.seen, "{}: what shows it shows itself", entry.name);
    }
}

#[test]
fn the_permit_carries_what_was_asked_about() {
    let permit = authorize::<HostWrite, _>(&as_role(Role::Admin), "web-1").unwrap();
    assert_eq!(*permit.resource(), "web-1");
    assert_eq!(permit.action(), "host.write");
}

#[test]
fn a_grant_holds_in_its_tenant_and_below_and_nowhere_else() {
    let (tree, [sales, works, press]) = tree();
    let olga = holding(vec![grant(Effect::Allow, Role::Viewer, Scope::tenant(works))], &tree);
    let sees = |tenant| {
        authorize_at::<HostRead, _>(&olga, (), &Place::tenant(tree.path(tenant).unwrap().ids())).is_ok()
    };
    assert!(sees(works) && sees(press));
    assert!(!sees(sales) && !sees(TenantId::ROOT));
    assert!(may_somewhere::<HostRead>(&olga).is_ok());
    assert!(authorize::<HostRead, _>(&olga, ()).is_err(), "the whole server is not hers");
    let sight = olga.rights.sight(Act::HostRead);
    assert!(!sight.is_all() && !sight.is_none());
    assert_eq!(sight.tenants(), [works]);
    assert!(olga.rights.sight(Act::HostWrite).is_none());
}

#[test]
fn what_may_not_be_seen_is_hidden_and_what_may_is_refused() {
    let (tree, [sales, works, _]) = tree();
    let olga = holding(vec![grant(Effect::Allow, Role::Viewer, Scope::tenant(works))], &tree);
    let refused = |tenant| {
        authorize_at::<HostWrite, _>(&olga, (), &Place::tenant(tree.path(tenant).unwrap().ids())).unwrap_err()
    };
    assert!(!refused(works).hidden);
    assert!(refused(sales).hidden);
}

#[test]
fn an_explicit_deny_wins_over_any_allow_and_is_named() {
    let (tree, [_, works, press]) = tree();
    let deny = Grant {
        via: Via::Group { id: id(3), name: "trainees".into() },
        ..grant(Effect::Deny, Role::Admin, Scope::tenant(press))
    };
    let olga = holding(vec![Grant::home(Role::Admin, TenantId::ROOT), deny], &tree);
    let at =
        |tenant| authorize_at::<HostWrite, _>(&olga, (), &Place::tenant(tree.path(tenant).unwrap().ids()));
    assert!(at(works).is_ok());
    let refused = at(press).unwrap_err().to_string();
    assert!(refused.contains("denies admin to the group trainees"), "{refused}");
    assert!(!olga.rights.is_unrestricted() && Rights::of_role(Role::Admin).is_unrestricted());
    assert!(!olga.rights.sight(Act::HostRead).is_all(), "a deny somewhere takes something");
    // One's own account stays one's own.
    assert!(olga.rights.may(Act::SelfManage, &Place::tenant(tree.path(press).unwrap().ids())));
}

#[test]
fn a_deny_over_everything_closes_the_door() {
    let tree = TenantTree::default();
    let deny = grant(Effect::Deny, Role::Author, Scope::everything());
    let olga = holding(vec![Grant::home(Role::Admin, TenantId::ROOT), deny], &tree);
    assert!(may_somewhere::<HostWrite>(&olga).unwrap_err().to_string().contains("denies author"));
    assert!(may_somewhere::<UserWrite>(&olga).is_ok());
    assert!(!olga.rights.somewhere().has(Act::HostWrite));
}

#[test]
fn labels_hosts_groups_owners_and_sections_narrow_a_grant() {
    let tree = TenantTree::default();
    let labels = Labels::parse([("env", "prod")]).unwrap();
    let place = Place { host: Some(id(4)), labels: &labels, owner: Some(id(7)), ..Place::ROOT };
    let wide = Scope::everything();
    let selector = |raw: &str| Some(Selector::parse(raw).unwrap());
    for (scope, holds) in [
        (Scope { selector: selector("env=prod"), ..wide.clone() }, true),
        (Scope { selector: selector("env=test"), ..wide.clone() }, false),
        (Scope { host: Some(id(4)), ..wide.clone() }, true),
        (Scope { host: Some(id(5)), ..wide.clone() }, false),
        (Scope { owned: true, ..wide.clone() }, true),
        (Scope { sections: vec![Section::Hosts], ..wide.clone() }, true),
        (Scope { sections: vec![Section::Monitor], ..wide.clone() }, false),
    ] {
        let olga = holding(vec![grant(Effect::Allow, Role::Viewer, scope.clone())], &tree);
        assert_eq!(olga.rights.may(Act::HostRead, &place), holds, "{scope:?}");
        assert!(!olga.rights.may(Act::HostRead, &Place { tenants: &[], ..place }), "nowhere is nowhere");
    }
    let other = Place { owner: Some(id(9)), ..place };
    let olga = holding(vec![grant(Effect::Allow, Role::Viewer, Scope { owned: true, ..wide })], &tree);
    assert!(!olga.rights.may(Act::HostRead, &other));
}

#[test]
fn a_token_may_what_both_its_owner_and_its_limits_allow() {
    let (tree, [sales, works, _]) = tree();
    let owner = Arc::new(Rights::compile(
        Some(id(7)),
        vec![grant(Effect::Allow, Role::Operator, Scope::tenant(works))],
        &tree,
    ));
    let limits =
        Arc::new(Rights::compile(None, vec![grant(Effect::Allow, Role::Viewer, Scope::everything())], &tree));
    let token = owner.limited(limits);
    let may = |act, tenant| token.may(act, &Place::tenant(tree.path(tenant).unwrap().ids()));
    assert!(may(Act::HostRead, works));
    assert!(!may(Act::HostRead, sales), "not the owner's");
    assert!(!may(Act::ProblemAcknowledge, works), "beyond the token");
    assert!(!token.may_somewhere(Act::ProblemAcknowledge));
    assert!(!token.may(Act::SelfSecure, &Place::ROOT), "a token changes nobody's password");
    assert!(token.covers(Actions::one(Act::ProblemAcknowledge), &Scope::tenant(works), &tree).is_err());
}

#[test]
fn one_gives_only_what_one_holds() {
    let (tree, [sales, works, press]) = tree();
    let admin_of_works = Rights::compile(
        Some(id(7)),
        vec![
            Grant::home(Role::Admin, works),
            grant(Effect::Deny, Role::Author, Scope { host: Some(id(4)), ..Scope::tenant(works) }),
        ],
        &tree,
    );
    let covers = |role: Role, scope: &Scope| admin_of_works.covers(role.actions(), scope, &tree);
    let host = |n| Scope { host: Some(id(n)), ..Scope::tenant(press) };
    assert_eq!(covers(Role::Operator, &host(5)), Ok(()));
    assert_eq!(covers(Role::Operator, &host(4)), Err(Act::OverviewRead), "denied there");
    assert!(covers(Role::Operator, &Scope::tenant(press)).is_err(), "the host may be in it");
    let user_admin = Actions::one(Act::UserWrite);
    assert_eq!(admin_of_works.covers(user_admin, &Scope::tenant(press), &tree), Ok(()), "not denied");
    assert!(covers(Role::Viewer, &Scope::tenant(sales)).is_err());
    assert!(covers(Role::Viewer, &Scope::everything()).is_err());
    let of_prod = Scope { selector: Selector::parse("env=prod").ok(), ..Scope::tenant(works) };
    let some = Rights::compile(Some(id(7)), vec![grant(Effect::Allow, Role::Viewer, of_prod.clone())], &tree);
    let narrower = Scope { selector: Selector::parse("env=prod, team=db").ok(), ..Scope::tenant(press) };
    assert_eq!(some.covers(Role::Viewer.actions(), &narrower, &tree), Ok(()));
    assert!(some.covers(Role::Viewer.actions(), &Scope::tenant(works), &tree).is_err());
}

#[test]
fn a_tenant_on_no_branch_of_the_root_is_nowhere() {
    let [a, b, c]: [TenantId; 3] = [id(1), id(2), id(3)];
    let tree = tree_of([(a, b), (b, a), (c, id(99))]);
    assert!([a, b, c].into_iter().all(|tenant| tree.path(tenant).is_none()));
    let deep: Vec<TenantId> = (1..=u64::try_from(LEVELS_MAX).unwrap()).map(id).collect();
    let parents =
        deep.iter().enumerate().map(|(i, &t)| (t, if i == 0 { TenantId::ROOT } else { deep[i - 1] }));
    let tree = tree_of(parents);
    assert!(tree.path(deep[LEVELS_MAX - 2]).is_some() && tree.path(deep[LEVELS_MAX - 1]).is_none());
}

#[test]
fn selectors_are_read_as_they_are_written() {
    for (raw, shown) in [
        ("env=prod", "env=prod"),
        ("env = prod,team in (web,db) , !legacy", "env=prod, team in (db, web), !legacy"),
        ("site notin (a), rack", "site!=a, rack"),
    ] {
        let selector = Selector::parse(raw).unwrap();
        assert_eq!(selector.to_string(), shown);
        assert_eq!(Selector::parse(shown).unwrap(), selector);
    }
    for raw in [
        "",
        ",",
        "env=",
        "=prod",
        "env in",
        "env in (",
        "env in ()",
        "a b",
        "!",
        "env=(",
        "env==prod",
        "e\u{e9}=1",
    ] {
        assert!(Selector::parse(raw).is_err(), "{raw:?}");
    }
    assert!(Selector::parse(&vec!["a"; 17].join(",")).is_err());
}

/// SplitMix64: the same cases in every run, so that a failure can be looked at again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

const SELECTORS: [&str; 7] = [
    "env=prod",
    "env!=prod",
    "team in (db, web)",
    "team notin (db)",
    "legacy",
    "!legacy",
    "env=prod, !legacy",
];

/// Tenants with their parents: mostly a tree, now and then a ring or a branch of nothing.
fn some_tenants(chance: &mut Chance) -> HashMap<TenantId, TenantId> {
    let count = 1 + chance.below(7) as u64;
    (1..=count)
        .map(|n| {
            let parent = match chance.below(12) {
                0 => id(1 + chance.below(8) as u64),
                1..=4 => TenantId::ROOT,
                _ if n == 1 => TenantId::ROOT,
                _ => id(1 + chance.below(usize::try_from(n - 1).unwrap()) as u64),
            };
            (id(n), parent)
        })
        .collect()
}

fn some_tenant(chance: &mut Chance) -> TenantId {
    match chance.below(9) {
        0 => TenantId::ROOT,
        n => id(n as u64),
    }
}

fn some_grant(chance: &mut Chance, n: u64) -> Grant {
    let role = chance.of(&Role::ALL);
    let actions = if chance.one_in(3) {
        Actions::ALL.iter().filter(|_| chance.one_in(3)).collect()
    } else {
        role.actions()
    };
    let mut scope = Scope::tenant(some_tenant(chance));
    if chance.one_in(5) {
        scope.selector = Selector::parse(chance.of(&SELECTORS)).ok();
    }
    if chance.one_in(6) {
        scope.host = Some(id(chance.below(3) as u64));
    }
    scope.owned = chance.one_in(8);
    if chance.one_in(5) {
        scope.sections = vec![chance.of(&Section::ALL), chance.of(&Section::ALL)];
    }
    let effect = if chance.one_in(4) { Effect::Deny } else { Effect::Allow };
    Grant {
        id: Some(GrantId::new(n, [0; 10])),
        via: Via::Person,
        effect,
        role: role.as_str().to_owned(),
        actions,
        scope,
    }
}

fn some_thing(chance: &mut Chance) -> reference::Thing {
    let host: Option<HostId> = (!chance.one_in(4)).then(|| id(chance.below(4) as u64));
    let mut labels = Vec::new();
    if chance.one_in(2) {
        labels.push(("env".to_owned(), chance.of(&["prod", "test"]).to_owned()));
    }
    if chance.one_in(2) {
        labels.push(("team".to_owned(), chance.of(&["db", "web", "net"]).to_owned()));
    }
    if chance.one_in(3) {
        labels.push(("legacy".to_owned(), "yes".to_owned()));
    }
    let owner = chance.one_in(2).then(|| id(7 + chance.below(2) as u64));
    reference::Thing { tenant: some_tenant(chance), host, labels, owner }
}

/// A million questions, put to both evaluators. What follows from an answer is checked with it: a list shows what may be
/// seen, and the door is open where anything is permitted; whoever covers a scope is permitted in it.
#[test]
fn the_index_decides_as_the_plain_rule_does() {
    let (me, mut yes, mut no) = (id(7), 0_u32, 0_u32);
    for seed in 0..5_000_u64 {
        let mut chance = Chance(seed);
        let parents = some_tenants(&mut chance);
        let tree = tree_of(parents.iter().map(|(&tenant, &parent)| (tenant, parent)));
        let grants: Vec<_> = (0..1 + chance.below(9)).map(|n| some_grant(&mut chance, n as u64)).collect();
        let rights = Arc::new(Rights::compile(Some(me), grants.clone(), &tree));
        for _ in 0..200 {
            let (act, thing) = (chance.of(Act::ALL), some_thing(&mut chance));
            let path = tree.path(thing.tenant);
            let labels = Labels::parse(thing.labels.iter().map(|(key, value)| (key, value))).unwrap();
            let place = Place {
                tenants: path.as_ref().map_or(&[][..], |path| path.ids()),
                host: thing.host,
                labels: &labels,
                owner: thing.owner,
            };
            let decision = rights.decide(act, &place);
            let expected = reference::may(me, &grants, &parents, act, &thing);
            assert_eq!(
                decision.allowed, expected,
                "seed {seed}: {act:?} at {thing:?}\n{parents:?}\n{grants:#?}"
            );
            if expected {
                yes += 1;
                assert!(rights.may_somewhere(act), "seed {seed}: {act:?} is permitted, and the door is shut");
            } else {
                no += 1;
            }
            if matches!(act.kind(), Kind::Read | Kind::Handle | Kind::Configure) {
                assert_eq!(rights.sight(act).sees(&place), expected, "seed {seed}: {act:?} in a list");
                let tenants = rights.sight(act).tenants();
                assert!(
                    !expected || place.tenants.iter().any(|tenant| tenants.contains(tenant)),
                    "seed {seed}"
                );
                let split = rights.sight(act).split(&tree);
                assert!(
                    !split.whole.contains(&thing.tenant) || expected,
                    "seed {seed}: {act:?} of a whole tenant"
                );
                let seen = split.whole.contains(&thing.tenant) || split.part.contains(&thing.tenant);
                assert!(!expected || seen, "seed {seed}: {act:?} in no tenant");
                let names_deny = matches!(decision.why, Why::DeniedBy(_));
                let reasons = rights.reasons(act, &place);
                assert_eq!(names_deny, reasons.first().is_some_and(|grant| grant.effect == Effect::Deny));
                assert_eq!(reasons.is_empty(), decision.why == Why::Nothing);
            }
            let mut scope = some_grant(&mut chance, 0).scope;
            scope.owned = false;
            if rights.covers(Actions::one(act), &scope, &tree).is_ok() && scope.holds_at(&place, Some(me)) {
                assert!(
                    expected || !scope.of(Actions::one(act)).has(act),
                    "seed {seed}: {scope:?} is covered"
                );
            }
        }
    }
    assert!(yes > 100_000 && no > 100_000, "both answers come up: {yes} yes, {no} no");
}

/// The table of the guide is this table, redrawn.
#[test]
fn the_documented_table_is_the_one_that_decides() {
    let mut page = String::from(
        "# Permissions\n\nWho may do what. Anything that is not listed is refused. A test redraws this page.\n\n\
         A role is a named set of actions, given at a tenant and all below it, or at less by a [grant](../rights.md). \
         Roles are no ranks: an author may what an approver may not. Custom roles are sets of the same actions.\n\n\
         A fresh factor is a code of the authenticator, or a recovery code, given in the last ten minutes: at sign-in \
         or when asked again.\n\n",
    );
    for role in Role::ALL {
        page.push_str(&format!("* `{}`: {}.\n", role.as_str(), role.about()));
    }
    page.push_str("\n| action | section | kind |");
    for role in Role::ALL {
        page.push_str(&format!(" {} |", role.as_str()));
    }
    page.push_str(" fresh factor |\n|---|---|---|");
    page.push_str(&"---|".repeat(Role::ALL.len() + 1));
    page.push('\n');
    for entry in TABLE {
        let kind = match entry.kind {
            Kind::Public => "public",
            Kind::Own => "own account",
            Kind::Read => "read",
            Kind::Handle => "handle",
            Kind::Configure => "configure",
        };
        page.push_str(&format!("| `{}` | {} | {kind} |", entry.name, entry.section.as_str()));
        for role in Role::ALL {
            page.push_str(if may(role, entry.name) { " yes |" } else { " |" });
        }
        page.push_str(if entry.act.needs_fresh_factor() { " yes |\n" } else { " |\n" });
    }
    page.push_str(
        "\n`public` needs no sign-in. One's own account is everybody's who has signed in; no grant gives it, and none \
         takes it. `configure` is refused while the system, or the tenant, is read-only; `handle` goes on.\n",
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/permissions.md");
    if std::env::var_os("WATCHKEEP_REDRAW").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(committed, page, "run WATCHKEEP_REDRAW=1 cargo nextest run -p wk-authz");
}

#[test]
fn what_is_read_only_is_so_for_everybody_who_configures_and_for_nobody_who_handles() {
    use wk_domain::{Tenant, TenantId, TenantTree};
    let mut tree = TenantTree::default();
    let (europe, asia) = (TenantId::new(1, [1; 10]), TenantId::new(2, [2; 10]));
    for (id, name, read_only) in [(europe, "Europe", true), (asia, "Asia", false)] {
        let why = if read_only { "audit week".to_owned() } else { String::new() };
        tree.put(Tenant { id, parent: Some(TenantId::ROOT), name: name.into(), read_only, why, revision: 1 })
            .unwrap();
    }
    let actor = |tree: &TenantTree| Actor::new(Who::Local { uid: 0 }, Role::Admin, Rights::server_in(tree));
    let admin = actor(&tree);
    let (closed, open) = (tree.path(europe).unwrap(), tree.path(asia).unwrap());
    let denied = authorize_at::<HostWrite, _>(&admin, (), &Place::tenant(closed.ids())).unwrap_err();
    assert!(denied.closed && !denied.hidden);
    assert!(denied.to_string().contains("the tenant Europe is read-only now (audit week)"), "{denied}");
    assert!(authorize_at::<ProblemAcknowledge, _>(&admin, (), &Place::tenant(closed.ids())).is_ok());
    assert!(
        authorize_at::<ReadOnlySwitch, _>(&admin, (), &Place::tenant(closed.ids())).is_ok(),
        "the way back"
    );
    assert!(authorize_at::<HostWrite, _>(&admin, (), &Place::tenant(open.ids())).is_ok());
    assert!(may_somewhere::<HostWrite>(&admin).is_ok());
    // Who may not anyway hears that, and not what is going on.
    let viewer = Actor::new(
        Who::Local { uid: 0 },
        Role::Viewer,
        Arc::new(Rights::compile(None, vec![Grant::home(Role::Viewer, europe)], &tree)),
    );
    assert!(!authorize_at::<HostWrite, _>(&viewer, (), &Place::tenant(closed.ids())).unwrap_err().closed);
    let root = tree.get(TenantId::ROOT).unwrap().clone();
    tree.put(Tenant { read_only: true, ..root }).unwrap();
    assert!(
        may_somewhere::<HostWrite>(&actor(&tree)).unwrap_err().closed,
        "closed at the root, closed everywhere"
    );
    assert!(may_somewhere::<SelfSecure>(&actor(&tree)).is_ok());
}

#[test]
fn what_is_closed_above_has_no_name_below() {
    use wk_domain::{Tenant, TenantId, TenantTree};
    let mut tree = TenantTree::default();
    let (europe, paris) = (TenantId::new(1, [1; 10]), TenantId::new(2, [2; 10]));
    for (id, parent, name, read_only) in
        [(europe, TenantId::ROOT, "Europe", true), (paris, europe, "Paris", false)]
    {
        let why = if read_only { "audit week".to_owned() } else { String::new() };
        tree.put(Tenant { id, parent: Some(parent), name: name.into(), read_only, why, revision: 1 })
            .unwrap();
    }
    let rights = Rights::compile(None, vec![Grant::home(Role::Admin, paris)], &tree);
    let admin = Actor::new(Who::Local { uid: 0 }, Role::Admin, Arc::new(rights));
    let path = tree.path(paris).unwrap();
    let denied = authorize_at::<HostWrite, _>(&admin, (), &Place::tenant(path.ids())).unwrap_err();
    assert!(denied.closed && denied.to_string().contains("audit week"), "{denied}");
    assert!(!denied.to_string().contains("Europe"), "{denied}");
}
