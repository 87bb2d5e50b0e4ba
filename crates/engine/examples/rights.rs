//! What rights cost: one decision, a list of 100 000 checks for a person with 50 scopes, and how soon a grant counts.
//!
//! One JSON line per figure, for `cargo xtask bench`.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement, made of the tests' own parts"
)]

#[path = "../tests/engine/flaky.rs"]
mod flaky;
#[path = "../tests/engine/flaky_access.rs"]
mod flaky_access;
#[path = "../tests/engine/flaky_outside.rs"]
mod flaky_outside;
#[path = "../tests/engine/flaky_passkeys.rs"]
mod flaky_passkeys;
#[path = "../tests/engine/flaky_passwords.rs"]
mod flaky_passwords;
#[path = "../tests/engine/flaky_tenants.rs"]
mod flaky_tenants;
#[path = "../tests/engine/flaky_tokens.rs"]
mod flaky_tokens;
#[path = "../tests/engine/rig.rs"]
mod rig;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use wk_authz::{Act, Actor, Effect, Grant, Place, Rights, Role, Scope, Selector, Via, Who, authorize};
use wk_domain::{
    Check, CheckKind, HostId, Id, Labels, RetryPolicy, Tenant, TenantId, TenantTree, Timestamp, UserId,
};
use wk_engine::access::{GrantEdit, Whom};
use wk_engine::ports::Store as _;
use wk_engine::ports::rows::{CheckRow, HostRow, UserRow};
use wk_engine::record;
use wk_engine::world::World;

const TENANTS: u64 = 100;
const HOSTS: u64 = 10_000;
const CHECKS_OF_A_HOST: u64 = 10;
const DECISIONS: u32 = 1_000_000;
const GRANTS: usize = 200;

fn figure(name: &str, value: f64, unit: &str, budget: Option<f64>) {
    let ok = budget.is_none_or(|most| value <= most);
    println!("{}", json!({"name": name, "value": value, "unit": unit, "budget": budget, "ok": ok}));
}

fn id<K: wk_domain::id::Kind>(n: u64) -> Id<K> {
    Id::new(n, [0; 10])
}

/// 100 tenants in a tree of three levels, 10 000 hosts in them, 100 000 checks.
fn world() -> World {
    let tenant = |n: u64| Tenant {
        id: id(n),
        parent: Some(if n <= 10 { TenantId::ROOT } else { id(n % 10 + 1) }),
        name: format!("t{n}"),
        read_only: false,
        why: String::new(),
        revision: 1,
    };
    let mut world = World { tenants: TenantTree::of((1..=TENANTS).map(tenant)).0, ..World::default() };
    let created = Timestamp::from_ms(0);
    for n in 0..HOSTS {
        let host: HostId = id(1_000 + n);
        let labels = [
            ("env", if n % 3 == 0 { "prod" } else { "test" }),
            ("team", if n % 2 == 0 { "db" } else { "web" }),
        ];
        world.put_host(HostRow {
            id: host,
            tenant: id(n % TENANTS + 1),
            name: format!("host-{n}"),
            agent: None,
            created,
            fields: Vec::new(),
            labels: Labels::parse(labels).unwrap(),
            addresses: Vec::new(),
            os: String::new(),
            revision: 1,
        });
        for k in 0..CHECKS_OF_A_HOST {
            let retry = RetryPolicy {
                interval: Duration::from_secs(60),
                retry_interval: Duration::from_secs(60),
                max_attempts: 3,
                volatile: false,
            };
            world.put_check(CheckRow {
                check: Check {
                    id: id(100_000 + n * CHECKS_OF_A_HOST + k),
                    host,
                    key: format!("check-{k}"),
                    title: format!("Check {k}"),
                    kind: CheckKind::Builtin,
                    runner: None,
                    retry,
                    enabled: true,
                },
                spec_json: "{}".to_owned(),
                created,
                revision: 1,
            });
        }
    }
    world
}

/// 50 scopes: whole tenants, tenants by labels, single hosts, and a deny for each fifth.
fn scopes() -> Vec<Grant> {
    (0..50)
        .map(|n: u64| {
            let mut scope = Scope::tenant(id(n * 2 + 1));
            match n % 3 {
                0 => {}
                1 => scope.selector = Some(Selector::parse("env=prod, team in (db, web), !legacy").unwrap()),
                _ => scope.host = Some(id(1_000 + n)),
            }
            let (effect, role) =
                if n % 5 == 4 { (Effect::Deny, Role::Author) } else { (Effect::Allow, Role::Operator) };
            let (id, role_name) = (Some(id(n)), role.as_str().to_owned());
            Grant { id, via: Via::Person, effect, role: role_name, actions: role.actions(), scope }
        })
        .collect()
}

fn decisions(world: &World, rights: &Rights) {
    let hosts: Vec<_> = world.hosts.keys().copied().collect();
    let places: Vec<Place<'_>> = hosts.iter().map(|id| world.place_of_host(*id).unwrap()).collect();
    let began = Instant::now();
    for (n, place) in (0..DECISIONS).zip(places.iter().cycle()) {
        let act = if n % 2 == 0 { Act::HostRead } else { Act::ProblemAcknowledge };
        black_box(rights.decide(act, black_box(place)));
    }
    let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(DECISIONS);
    figure("one decision for a person with 50 scopes", each, "us", Some(5.0));
}

fn lists(world: &World, actor: &Actor) {
    let mut worst: f64 = 0.0;
    let mut seen = 0;
    for _ in 0..20 {
        let began = Instant::now();
        let view = world.view_of(actor, Act::CheckRead);
        seen = world.checks.keys().filter(|id| view.check(**id)).count();
        worst = worst.max(began.elapsed().as_secs_f64() * 1e3);
    }
    assert!(seen > 0 && seen < world.checks.len());
    figure("100 000 checks filtered for 50 scopes, worst of 20", worst, "ms", Some(50.0));
}

async fn grants() {
    let rig = rig::Rig::new().await;
    let person: UserId = id(7);
    let user = UserRow {
        id: person,
        tenant: TenantId::ROOT,
        name: "olga".to_owned(),
        display_name: String::new(),
        role: "none".to_owned(),
        password_phc: String::new(),
        totp_sealed: Vec::new(),
        totp_revision: 1,
        totp_last_step: 0,
        created: rig.now(),
        disabled: None,
        failures: 0,
        revision: 1,
    };
    let audit = record::draft(&Actor::system(), rig.now(), "user.create", "user", person);
    rig.store.create_user(user.clone(), Vec::new(), audit).await.unwrap();
    let (mut gives, mut asks) = (Vec::new(), Vec::new());
    for _ in 0..GRANTS {
        let edit = GrantEdit {
            whom: Whom::Person(person),
            effect: Effect::Allow,
            role: "viewer".to_owned(),
            scope: Scope::everything(),
            reason: "a measurement".to_owned(),
            expires: None,
        };
        let began = Instant::now();
        let row = rig.engine.give(authorize(&Actor::system(), TenantId::ROOT).unwrap(), edit).await.unwrap();
        let asked = Instant::now();
        assert!(rig.engine.rights_of(&user).await.unwrap().may(Act::HostRead, &Place::ROOT));
        asks.push(asked.elapsed().as_secs_f64() * 1e6);
        gives.push(began.elapsed().as_secs_f64() * 1e3);
        rig.engine.take(authorize(&Actor::system(), row.id).unwrap(), "a measurement").await.unwrap();
        assert!(!rig.engine.rights_of(&user).await.unwrap().may(Act::HostRead, &Place::ROOT));
    }
    let p99 = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() * 99 / 100]
    };
    figure("a grant made and counting in the next request, p99", p99(&mut gives), "ms", Some(100.0));
    figure("rights read again after a change, p99", p99(&mut asks), "us", None);
    let mut kept = Vec::new();
    for _ in 0..2_000 {
        let began = Instant::now();
        black_box(rig.engine.rights_of(&user).await.unwrap());
        kept.push(began.elapsed().as_secs_f64() * 1e6);
    }
    figure("rights asked for when nothing changed, p99", p99(&mut kept), "us", None);
    rig.end().await;
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let world = world();
    let rights = Arc::new(Rights::compile(Some(id(7)), scopes(), &world.tenants));
    decisions(&world, &rights);
    let who = Who::User { id: id(7), name: "olga".to_owned(), session: id(8), method: "bench".to_owned() };
    lists(&world, &Actor::new(who, Role::None, rights));
    grants().await;
}
