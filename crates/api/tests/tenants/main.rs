//! Tenants through the API: nobody sees sideways. Every route as every role, with things of one's own tenant and of
//! another; nothing that another tenant does changes a byte of what one gets; and what is closed is closed for everybody.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// The engine's own rig: the same clock, issuer and agents.
mod attacks;
#[allow(dead_code)]
#[path = "../../../engine/tests/engine/flaky.rs"]
mod flaky;
#[path = "../../../engine/tests/engine/flaky_access.rs"]
mod flaky_access;
#[path = "../../../engine/tests/engine/flaky_outside.rs"]
mod flaky_outside;
#[path = "../../../engine/tests/engine/flaky_passkeys.rs"]
mod flaky_passkeys;
#[path = "../../../engine/tests/engine/flaky_passwords.rs"]
mod flaky_passwords;
#[path = "../../../engine/tests/engine/flaky_tenants.rs"]
mod flaky_tenants;
#[path = "../../../engine/tests/engine/flaky_tokens.rs"]
mod flaky_tokens;
#[allow(dead_code)]
#[path = "../../../engine/tests/engine/rig.rs"]
mod rig;
#[allow(dead_code)]
#[path = "../api/site.rs"]
mod site;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wk_api::{Budget, Limits, RouteInfo};
use wk_authz::{AccessWrite, Act, Effect, Kind, Role, Scope, TenantWrite, authorize, may};
use wk_domain::id::Id;
use wk_domain::{ApiTokenId, GrantId, GroupId, RoleId, Status, TenantId, UserId};
use wk_engine::access::{GrantEdit, GroupEdit, Whom};
use wk_engine::ports::Store;
use wk_engine::ports::api_tokens::{ApiTokenRow, ApiTokenStore as _, ServiceAccountRow};
use wk_engine::ports::rows::UserRow;
use wk_engine::record;

use crate::rig::{Agent, admin, secs};
use crate::site::*;

/// One source asks for everything here.
fn many() -> Limits {
    Limits { source: Budget { per_second: 1e6, burst: 1e6, open_max: 128 }, ..Limits::DEFAULT }
}

/// A tenant with one of everything, all of whose texts bear its mark.
struct Side {
    tenant: TenantId,
    mark: &'static str,
    agent: Agent,
    admin: Persona,
    /// By the first word of a route: the id of this tenant's thing.
    things: BTreeMap<&'static str, String>,
}

fn user(site: &Site, name: &str, role: Role, tenant: TenantId) -> UserRow {
    UserRow {
        id: wk_engine::ids::new_id(site.rig.now()),
        tenant,
        name: name.to_owned(),
        display_name: name.to_owned(),
        role: role.as_str().to_owned(),
        password_phc: String::new(),
        totp_sealed: Vec::new(),
        totp_revision: 1,
        totp_last_step: 0,
        created: site.rig.now(),
        disabled: None,
        failures: 0,
        revision: 1,
    }
}

async fn person(site: &Site, name: &str, role: Role, tenant: TenantId) -> UserId {
    let user = user(site, name, role, tenant);
    let id = user.id;
    let audit = record::draft(&wk_authz::Actor::system(), site.rig.now(), "user.create", "user", id);
    site.rig.store.create_user(user, Vec::new(), audit).await.unwrap();
    id
}

async fn tenant(site: &Site, name: &str, parent: TenantId) -> TenantId {
    let permit = authorize::<TenantWrite, _>(&admin(), parent).unwrap();
    site.rig.engine.create_tenant(permit, name).await.unwrap().id
}

async fn group(site: &Site, tenant: TenantId, name: &str) -> GroupId {
    let permit = authorize::<AccessWrite, _>(&admin(), tenant).unwrap();
    let edit = GroupEdit { name: name.to_owned(), about: String::new(), revision: None };
    site.rig.engine.make_group(permit, edit).await.unwrap().id
}

/// By the server itself, so that nothing but the place is in the way.
async fn give(site: &Site, whom: Whom, effect: Effect, role: &str, scope: Scope) -> GrantId {
    let permit = authorize::<AccessWrite, _>(&admin(), scope.tenant).unwrap();
    let (role, reason) = (role.to_owned(), "test".to_owned());
    let edit = GrantEdit { whom, effect, role, scope, reason, expires: None };
    site.rig.engine.give(permit, edit).await.unwrap().id
}

/// A service account at home in a tenant, with a token.
async fn service(site: &Site, tenant: TenantId, mark: &str) -> (UserId, ApiTokenId) {
    let now = site.rig.now();
    let program = user(site, &format!("ci-{mark}"), Role::Viewer, tenant);
    let id = program.id;
    let audit = || record::draft(&wk_authz::Actor::system(), now, "service.create", "user", id);
    let account = ServiceAccountRow {
        person: id,
        owner: None,
        purpose: mark.to_owned(),
        review_due: now + secs(86_400),
        created: now,
        created_by: "test".to_owned(),
        revision: 0,
    };
    site.rig.store.create_service_account(program, account, audit()).await.unwrap();
    let token = ApiTokenRow {
        id: wk_engine::ids::new_id(now),
        owner: id,
        name: format!("token {mark}"),
        hint: mark.to_owned(),
        secret_sha256: mark.bytes().cycle().take(32).collect(),
        old_sha256: Vec::new(),
        old_until: None,
        scope_json: r#"[{"role":"viewer"}]"#.to_owned(),
        networks: Vec::new(),
        created: now,
        created_by: "test".to_owned(),
        rotated: None,
        expires: now + secs(86_400),
        last_used: None,
        last_address: String::new(),
        revoked: None,
        revoked_by: String::new(),
        revision: 0,
    };
    (id, site.rig.store.put_api_token(token, audit()).await.unwrap().id)
}

fn id_of(answer: &Answer) -> String {
    let value = answer.json();
    value["id"].as_str().unwrap_or_else(|| panic!("{} {value}", answer.status)).to_owned()
}

fn end_of(site: &Site) -> String {
    rfc3339((site.rig.now() + secs(3600)).as_ms() / 1000)
}

/// Both sides have a host of the same name.
async fn side(site: &Site, mark: &'static str) -> Side {
    let tenant = tenant(site, mark, TenantId::ROOT).await;
    let mut agent = site.rig.enrol_in(tenant, "web-1", &["probe"]).await;
    site.rig.link(&agent).await;
    let check = site.rig.probe(&agent, &format!("tcp:{mark}")).await;
    for _ in 0..3 {
        site.rig.report(&mut agent, check, Status::Critical).await;
    }
    site.rig.send(&mut agent, crate::rig::disk(site.rig.now(), &format!("/{mark}"), 50.0)).await;
    let boss = person(site, &format!("boss-{mark}"), Role::Admin, tenant).await;
    let admin = site.session_of(boss).await;
    let ok = |answer: Answer| {
        assert!(answer.status < 300, "{mark}: {} {:?}", answer.status, answer.body);
        answer
    };
    let host = agent.host.to_string();
    let named = json!({
        "name": "web-1", "fields": {"note": mark, mark: "here"}, "labels": {"side": mark},
        "revision": site.rig.engine.world().hosts[&agent.host].revision,
    });
    ok(site.put(&admin, &format!("/hosts/{host}"), named).await);
    ok(site.post(&admin, "/comments", json!({"checks": [check.to_string()], "text": mark})).await);
    let plan = json!({
        "targets": [{"host": host}], "start_at": rfc3339(site.rig.now().as_ms() / 1000), "end_at": end_of(site), "note": mark,
    });
    ok(site.post(&admin, "/downtimes", plan).await);
    let downtime = site.get(&admin, "/downtimes").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let channel = {
        let id = wk_engine::ids::new_id(site.rig.now());
        let edit = wk_engine::people::ChannelEdit {
            id,
            create: true,
            tenant: Some(tenant),
            name: format!("channel {mark}"),
            kind: "webhook".to_owned(),
            config: json!({"url": format!("https://{mark}.example/")}),
            secret_sealed: Some(vec![1]),
            enabled: true,
            revision: None,
        };
        site.rig.engine.write_channel(authorize(&crate::rig::admin(), ()).unwrap(), edit).await.unwrap().id
    };
    let token = id_of(&ok(site
        .post(&admin, "/enrolment-tokens", json!({"host_pattern": format!("{mark}-*")}))
        .await));
    let view = json!({"list": "hosts", "name": mark, "filter": mark, "shared": true});
    let view = id_of(&ok(site.post(&admin, "/views", view).await));
    let leaver = person(site, &format!("leaver-{mark}"), Role::Viewer, tenant).await;
    let group = group(site, tenant, &format!("group {mark}")).await;
    let grant = give(site, Whom::Person(leaver), Effect::Allow, "viewer", Scope::tenant(tenant)).await;
    let guest = json!({"name": format!("guest-{mark}"), "role": "viewer", "display_name": mark});
    ok(site.post(&admin, "/users", guest).await);
    let invitation =
        site.get(&admin, "/invitations").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let (service, api_token) = service(site, tenant, mark).await;
    let things = BTreeMap::from([
        ("groups", group.to_string()),
        ("grants", grant.to_string()),
        ("invitations", invitation),
        ("service-accounts", service.to_string()),
        ("api-tokens", api_token.to_string()),
        ("hosts", host),
        ("checks", check.to_string()),
        ("agents", agent.id.to_string()),
        ("downtimes", downtime),
        ("channels", channel.to_string()),
        ("enrolment-tokens", token),
        ("views", view),
        ("users", leaver.to_string()),
        ("tenants", tenant.to_string()),
    ]);
    Side { tenant, mark, agent, admin, things }
}

/// Where what a route speaks of lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lives {
    /// A thing of a tenant, named in the path.
    Thing(&'static str),
    /// A list of things of tenants, or something to make in one.
    Tenants,
    /// The whole server's.
    Server,
    /// The caller's own.
    Own,
}

/// A route that is not here fails the walk: say where its things live.
fn lives(route: &RouteInfo) -> Lives {
    // What anybody may ask is no tenant's: those that have not signed in ask it.
    if route.action == "public" {
        return Lives::Own;
    }
    let path = route.path.strip_prefix("/api/v1/").unwrap();
    let mut words = path.split('/');
    let (first, second) = (words.next().unwrap(), words.next());
    let of = |thing| if second == Some("{id}") { Lives::Thing(thing) } else { Lives::Tenants };
    match first {
        "hosts" => of("hosts"),
        "checks" => of("checks"),
        "agents" => of("agents"),
        "downtimes" => of("downtimes"),
        "channels" => of("channels"),
        "enrolment-tokens" => of("enrolment-tokens"),
        "views" => of("views"),
        "tenants" => of("tenants"),
        "groups" => of("groups"),
        "grants" => of("grants"),
        "invitations" => of("invitations"),
        "api-tokens" => of("api-tokens"),
        "service-accounts" if route.method == "post" && second.is_none() => Lives::Server,
        "service-accounts" => of("service-accounts"),
        "roles" if route.method != "get" => Lives::Server,
        "roles" | "actions" | "access" | "factor-removals" => Lives::Tenants,
        "users" => of("users"),
        "overview" | "summary" | "problems" | "filter" | "events" | "acknowledgements" | "rechecks"
        | "comments" | "notifications" | "live" => Lives::Tenants,
        "audit" if second.is_none() => Lives::Tenants,
        "audit" | "system" | "certificates" | "admin-conditions" | "approvals" | "console-clients"
        | "four-eyes" | "policies" | "providers" | "access-findings" | "reviews" | "sign-in" => Lives::Server,
        "me" | "session" => Lives::Own,
        _ => panic!("{}: say where its things live, so that the walk can go there", route.path),
    }
}

/// What a write asks for, so that nothing but the place is in its way.
fn body(site: &Site, route: &RouteInfo, side: &Side) -> Option<Value> {
    let path = route.path.strip_prefix("/api/v1").unwrap();
    let things = &side.things;
    Some(match (route.method, path) {
        ("get" | "delete", _) => return None,
        ("post", "/hosts") => json!({"name": "db-1"}),
        ("put", "/hosts/{id}") => json!({"name": "web-1"}),
        ("post", "/checks") | ("put", "/checks/{id}") => json!({
            "host": things["hosts"], "key": "tcp:new", "spec": {"kind": "tcp", "address": "192.0.2.1", "port": 80},
        }),
        ("post", "/acknowledgements") => json!({"checks": [things["checks"]], "note": "mine"}),
        ("post", "/acknowledgements/remove" | "/rechecks") => json!({"checks": [things["checks"]]}),
        ("post", "/comments") => json!({"checks": [things["checks"]], "text": "hello"}),
        ("post", "/downtimes") => json!({
            "targets": [{"host": things["hosts"]}], "start_at": rfc3339(site.rig.now().as_ms() / 1000),
            "end_at": end_of(site), "note": "disks",
        }),
        ("post", "/agents/{id}/read-only") => json!({"read_only": true, "reason": "test"}),
        ("post", "/agents/{id}/revoke" | "/agents/{id}/release") => json!({"reason": "test"}),
        ("post", "/channels") | ("put", "/channels/{id}") => Site::channel("new"),
        ("post", "/enrolment-tokens") => json!({}),
        ("post", "/views") | ("put", "/views/{id}") => json!({"list": "hosts", "name": "new", "filter": ""}),
        ("post", "/users/{id}/role") => json!({"role": "operator", "reason": "test"}),
        ("post", path) if path.starts_with("/users/{id}/") => json!({"reason": "test"}),
        ("post", "/users") => json!({"name": format!("joiner-{}", side.mark), "role": "viewer"}),
        ("post", "/groups") => json!({"name": "new", "tenant": side.tenant.to_string()}),
        ("put", "/groups/{id}") => json!({"name": "renamed"}),
        ("post", "/groups/{id}/members") => json!({"person": things["users"], "reason": "test"}),
        ("post", "/grants") => json!({
            "person": things["users"], "role": "viewer", "tenant": side.tenant.to_string(), "reason": "test",
        }),
        ("post", "/grants/{id}/take") => json!({"reason": "test"}),
        ("post", "/roles") | ("put", "/roles/{id}") => json!({"name": "new", "actions": ["host.read"]}),
        ("post", "/service-accounts") => {
            json!({"name": "new", "role": "viewer", "owner": format!("boss-{}", side.mark), "purpose": "test"})
        }
        ("put", "/service-accounts/{id}") => {
            json!({"owner": format!("boss-{}", side.mark), "purpose": "test", "revision": 1})
        }
        ("post", "/service-accounts/{id}/tokens") => json!({"name": "new", "scopes": [{"role": "viewer"}]}),
        ("post", "/tenants") => json!({"name": "new"}),
        ("put", "/tenants/{id}") => json!({"name": "renamed"}),
        ("post", "/tenants/{id}/read-only") => json!({"read_only": true, "why": "test"}),
        _ => json!({}),
    })
}

fn path(route: &RouteInfo, id: &str, side: &Side) -> String {
    let mut path = route.path.replace("{id}", id).replace("{section}", "packages");
    path = path.replace("{person}", &side.things["users"]);
    if route.path.ends_with("/access/explain") {
        path.push_str(&format!("?who=leaver-{}", side.mark));
    }
    if route.path.ends_with("/access/who") {
        path.push_str(&format!("?action=host.read&on={}", side.things["hosts"]));
    }
    if route.path.ends_with("/range") {
        path.push_str("?name=fs.used");
    }
    if route.path.ends_with("/move") {
        path.push_str(&format!("?to={}", side.tenant));
    }
    path
}

/// An id of the kind that is of nothing.
fn nothing(like: &str) -> String {
    let prefix = like.rsplit_once('_').unwrap().0;
    let none: Id<wk_domain::HostKind> = Id::new(7, [9; 10]);
    format!("{prefix}_{}", none.to_string().rsplit_once('_').unwrap().1)
}

/// The answer but for what names the request.
fn told(answer: &Answer) -> (u16, Value) {
    let mut value: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if let Some(problem) = value.as_object_mut().filter(|_| answer.status >= 400) {
        problem.remove("instance");
    }
    (answer.status, value)
}

/// Every route, as every role at home in a tenant, with things of the own tenant and of another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_as_every_role_in_ones_own_tenant_and_in_anothers() {
    for role in Role::ALL {
        let site = Site::limited(many()).await;
        let (own, other) = (side(&site, "alpha").await, side(&site, "omega").await);
        let user = person(&site, "walker", role, own.tenant).await;
        let mut routes: Vec<&RouteInfo> =
            site.table.iter().filter(|route| route.action != "public").collect();
        // What ends things comes last.
        let late = |r: &RouteInfo| {
            (r.method == "delete", r.path.ends_with("/revoke"), r.path.contains("/read-only"))
        };
        routes.sort_by_key(|route| late(route));
        for route in routes {
            let what = format!("{} {} as {}", route.method, route.path, role.as_str());
            let allowed = may(role, route.action);
            let ask = async |side: &Side, id: &str| {
                // A session of its own each time: some acts end sessions.
                let who = site.session_of(user).await;
                let request = body(&site, route, side);
                let sent = site.request(&who, route.method, &path(route, id, side), request.as_ref());
                let response = site.open(sent, false).await;
                if route.path.ends_with("/live") {
                    let (parts, _) = response.into_parts();
                    let (headers, version) = (parts.headers, parts.version);
                    return Answer {
                        status: parts.status.as_u16(),
                        headers,
                        version,
                        body: Default::default(),
                    };
                }
                site.finish(response).await
            };
            match lives(route) {
                Lives::Own => {}
                Lives::Server => {
                    // Well formed, so that the right is what is asked for first.
                    let got = ask(&own, &RoleId::new(7, [9; 10]).to_string()).await;
                    assert_eq!(got.status, 403, "{what}: it is the server's");
                }
                Lives::Tenants => {
                    let got = ask(&own, "").await;
                    if allowed {
                        assert!(
                            got.status != 401 && got.status != 403 && got.status != 404 && got.status < 500,
                            "{what}: {} {:?}",
                            got.status,
                            got.body
                        );
                        let text = String::from_utf8_lossy(&got.body);
                        assert!(!text.contains(other.mark), "{what} shows the other tenant: {text}");
                    } else {
                        assert_eq!(got.status, 403, "{what}");
                    }
                }
                Lives::Thing(kind) => {
                    let (mine, foreign) = (&own.things[kind], &other.things[kind]);
                    // The body speaks of the own tenant, so that only the path is foreign.
                    let (there, absent) = (ask(&own, foreign).await, ask(&own, &nothing(foreign)).await);
                    if allowed {
                        assert_eq!(there.status, 404, "{what} in another tenant: {:?}", there.body);
                        assert_eq!(told(&there), told(&absent), "{what}: there and absent are one");
                        let got = ask(&own, mine).await;
                        assert!(
                            got.status != 401 && got.status != 403 && got.status < 500,
                            "{what}: {} {:?}",
                            got.status,
                            got.body
                        );
                        // Nothing hangs on itself.
                        let fine = if route.path.ends_with("/move") { 409 } else { 200 };
                        assert!(route.method != "get" || got.status == fine, "{what}: {}", got.status);
                        let text = String::from_utf8_lossy(&got.body);
                        assert!(!text.contains(other.mark), "{what} shows the other tenant: {text}");
                    } else {
                        assert_eq!((there.status, absent.status), (403, 403), "{what}");
                        assert_eq!(ask(&own, mine).await.status, 403, "{what}");
                    }
                }
            }
        }
        site.end().await;
    }
}

/// What names another tenant's thing in a body is not there either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_names_what_is_anothers_names_nothing() {
    let site = Site::new().await;
    let (own, other) = (side(&site, "alpha").await, side(&site, "omega").await);
    let who = &own.admin;
    let spec = json!({"kind": "tcp", "address": "192.0.2.1", "port": 80});
    for (host, runner, what) in [
        (&other.things["hosts"], None, "the host"),
        (&own.things["hosts"], Some(&other.things["agents"]), "the agent"),
    ] {
        let ask = async |host: &str, runner: Option<&str>| {
            let new = json!({"host": host, "runner": runner, "key": "tcp:x", "spec": spec});
            told(&site.post(who, "/checks", new).await)
        };
        let there = ask(host, runner.map(String::as_str)).await;
        let none = (nothing(host), runner.map(|runner| nothing(runner)));
        let host = if what == "the host" { none.0.as_str() } else { host.as_str() };
        assert_eq!(there, ask(host, none.1.as_deref()).await, "{what}");
        assert_eq!(there.0, 404);
    }
    let put = json!({"name": "web-1", "tenant": other.tenant.to_string()});
    assert_eq!(site.put(who, &format!("/hosts/{}", own.things["hosts"]), put).await.status, 404);
    let new = json!({"name": "db-9", "tenant": TenantId::ROOT.to_string()});
    assert_eq!(site.post(who, "/hosts", new).await.status, 404, "what is above is not seen either");
    for (route, key) in [("/acknowledgements", "note"), ("/comments", "text")] {
        let act = async |check: &str| {
            let mut answer = site.post(who, route, json!({"checks": [check], key: "x"})).await.json();
            answer["failed"][0]["id"] = Value::Null;
            answer
        };
        let foreign = &other.things["checks"];
        let there = act(foreign).await;
        assert_eq!(there, act(&nothing(foreign)).await, "{route}");
        assert_eq!(there["done"], 0);
    }
    // Names are free of another's: both have a `web-1`, and now a `db-1`.
    for side in [&own, &other] {
        let made = site.post(&side.admin, "/hosts", json!({"name": "db-1"})).await;
        assert_eq!(
            (made.status, made.json()["tenant"].as_str()),
            (200, Some(side.tenant.to_string().as_str()))
        );
        assert_eq!(site.post(&side.admin, "/hosts", json!({"name": "db-1"})).await.status, 409);
    }
    // The server's own people see both.
    let all = site.get(&site.as_admin().await, "/hosts").await.json();
    assert_eq!(all["total"], 4);
    site.end().await;
}

/// All that a person gets from every route that reads, byte by byte but for the number of the request.
///
/// `known`: only these. What is denied is written down in the own tenant's log, which would then not be the same again.
async fn everything(
    site: &Site,
    who: &Persona,
    sides: [&Side; 2],
    known: Option<&BTreeMap<String, (u16, Value)>>,
) -> BTreeMap<String, (u16, Value)> {
    let mut got = BTreeMap::new();
    for route in site.table.iter().filter(|route| route.method == "get" && !route.path.ends_with("/live")) {
        let mut paths = vec![path(route, "", sides[0])];
        if let Lives::Thing(kind) = lives(route) {
            paths = sides.iter().map(|side| path(route, &side.things[kind], side)).collect();
        } else if route.path.contains('{') {
            continue;
        }
        let more = match route.path.strip_prefix("/api/v1").unwrap() {
            "/hosts" => vec!["?q=omega", "?q=web", "?sort=-state"],
            "/checks" | "/problems" => {
                vec!["?filter=host:web-1", "?filter=omega", "?filter=label.side:*", "?sort=-since"]
            }
            "/filter/complete" => vec!["?q=host:", "?q=check:", "?q=f", "?q=label."],
            "/events" => vec!["?kind=state", "?limit=1"],
            "/audit" => vec!["?action=host.", "?limit=2", "?actor=user:boss-omega"],
            _ => Vec::new(),
        };
        let plain = paths[0].clone();
        paths.extend(more.into_iter().map(|query| format!("{plain}{query}")));
        for path in paths {
            if known.is_some_and(|known| !known.contains_key(&path)) {
                continue;
            }
            let answer = site.ask(who, "get", &path, None).await;
            if answer.status == 403 {
                continue;
            }
            let text = String::from_utf8_lossy(&answer.body);
            let hidden = sides[1].mark;
            assert!(!text.contains(hidden), "{path} shows the other tenant: {text}");
            got.insert(path, told(&answer));
        }
    }
    got
}

/// One act of the other tenant.
async fn meddle(site: &Site, side: &mut Side, seed: u64) {
    let (mark, pick) = (side.mark, seed / 19);
    let api = async |method: &str, path: String, body: Value| {
        let body = (method != "delete").then_some(&body);
        let answer = site.ask(&side.admin, method, &format!("/api/v1{path}"), body).await;
        assert!(answer.status < 500, "{method} {path}: {}", answer.status);
        answer
    };
    let host = side.things["hosts"].clone();
    let check = side.things["checks"].clone();
    match seed % 19 {
        0 => drop(
            api("post", "/hosts".into(), json!({"name": format!("web-{}", pick % 5), "fields": {mark: "x"}}))
                .await,
        ),
        1 => {
            let name = if pick % 2 == 0 { "web-1" } else { "zzz-omega" };
            drop(
                api("put", format!("/hosts/{host}"), json!({"name": name, "labels": {"side": "omega"}}))
                    .await,
            );
        }
        2 => {
            let status = [Status::Ok, Status::Warning, Status::Critical, Status::Unknown][pick as usize % 4];
            let id = check.parse().unwrap();
            site.rig.report(&mut side.agent, id, status).await;
        }
        3 => drop(
            api("post", "/comments".into(), json!({"checks": [check], "text": format!("omega {pick}")}))
                .await,
        ),
        4 => drop(api("post", "/acknowledgements".into(), json!({"checks": [check], "note": "omega"})).await),
        5 => drop(api("post", "/acknowledgements/remove".into(), json!({"checks": [check]})).await),
        6 => {
            let plan = json!({
                "targets": [{"host": host}], "start_at": rfc3339(site.rig.now().as_ms() / 1000),
                "end_at": end_of(site), "note": "omega",
            });
            drop(api("post", "/downtimes".into(), plan).await);
        }
        7 => drop(api("post", "/enrolment-tokens".into(), json!({"host_pattern": "web-*"})).await),
        8 => drop(
            api(
                "post",
                "/views".into(),
                json!({"list": "hosts", "name": format!("omega {pick}"), "filter": "x", "shared": true}),
            )
            .await,
        ),
        9 => drop(api("post", "/tenants".into(), json!({"name": format!("omega {}", pick % 3)})).await),
        10 => drop(
            api("put", format!("/tenants/{}", side.tenant), json!({"name": format!("omega-{}", pick % 3)}))
                .await,
        ),
        11 => {
            let new = json!({
                "host": host, "key": format!("tcp:{}", pick % 4), "spec": {"kind": "tcp", "address": "192.0.2.9", "port": 81},
            });
            drop(api("post", "/checks".into(), new).await);
        }
        12 => {
            site.rig.unlink(&side.agent).await;
            site.rig.link(&side.agent).await;
        }
        13 => {
            let put = crate::rig::disk(site.rig.now(), "/omega", (pick % 100) as f64);
            site.rig.send(&mut side.agent, put).await;
        }
        14 => {
            // Somebody of there looks for what is here.
            drop(api("delete", format!("/hosts/{}", nothing(&host)), Value::Null).await);
            let user = person(site, &format!("omega-{seed}"), Role::Operator, side.tenant).await;
            let who = site.session_of(user).await;
            assert_eq!(site.get(&who, "/problems").await.status, 200);
        }
        15 => drop(
            api(
                "post",
                "/groups".into(),
                json!({"name": format!("omega {pick}"), "tenant": side.tenant.to_string()}),
            )
            .await,
        ),
        16 => {
            let whom = side.things["users"].clone();
            let given = json!({"person": whom, "role": "viewer", "tenant": side.tenant.to_string(), "reason": "omega"});
            drop(api("post", "/grants".into(), given).await);
        }
        17 => {
            let member = json!({"person": side.things["users"], "reason": "omega"});
            drop(api("post", format!("/groups/{}/members", side.things["groups"]), member).await);
        }
        _ => drop(
            api("post", "/users".into(), json!({"name": format!("omega{}", pick % 50), "role": "viewer"}))
                .await,
        ),
    }
}

/// Non-interference: whatever another tenant's people and machines do, in whatever order, no answer to anybody of this one
/// changes by a byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_another_tenant_does_changes_a_byte() {
    use proptest::strategy::{Strategy, ValueTree};
    let site = Site::limited(many()).await;
    let (own, mut other) = (side(&site, "alpha").await, side(&site, "omega").await);
    let mut people = Vec::new();
    for role in [Role::Viewer, Role::Operator, Role::Author, Role::Auditor, Role::Admin] {
        let user = person(&site, &format!("alpha-{}", role.as_str()), role, own.tenant).await;
        people.push(site.session_of(user).await);
    }
    // What this tenant's own checks come to by themselves has come.
    for _ in 0..3 {
        site.rig.engine.tick_now().await;
    }
    let mut allowed = Vec::new();
    for who in &people {
        allowed.push(everything(&site, who, [&own, &other], None).await);
    }
    let mut before = Vec::new();
    for (who, allowed) in people.iter().zip(&allowed) {
        before.push(everything(&site, who, [&own, &other], Some(allowed)).await);
    }
    assert!(before[0].values().filter(|(status, _)| *status == 200).count() > 15, "{:?}", before[0].keys());
    let mut runner = proptest::test_runner::TestRunner::default();
    let acts = proptest::collection::vec(proptest::num::u64::ANY, 8..24);
    for _ in 0..6 {
        let seeds = acts.new_tree(&mut runner).unwrap().current();
        for seed in &seeds {
            meddle(&site, &mut other, *seed).await;
        }
        for (who, before) in people.iter().zip(&before) {
            for (path, now) in everything(&site, who, [&own, &other], Some(before)).await {
                assert_eq!(Some(&now), before.get(&path), "{path} changed after {seeds:?}");
            }
        }
    }
    site.end().await;
}

/// A closed tenant refuses every change of configuration, to everybody and the same way; what is handled goes on, and so
/// does the way back. Beside it nothing is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_only_refuses_every_write_of_configuration_and_nothing_else() {
    for server in [false, true] {
        let site = Site::limited(many()).await;
        let (own, other) = (side(&site, "alpha").await, side(&site, "omega").await);
        let root = site.as_admin().await;
        let closed = if server { TenantId::ROOT } else { own.tenant };
        let switch = format!("/tenants/{closed}/read-only");
        assert_eq!(site.post(&root, &switch, json!({"read_only": true, "why": ""})).await.status, 422);
        let (shut, audit) =
            site.audited(site.post(&root, &switch, json!({"read_only": true, "why": "audit week"}))).await;
        assert_eq!(shut.status, 200, "{:?}", shut.body);
        assert_eq!(audit[0].action, "read_only.begin");
        let mut refused = 0;
        for route in &site.table {
            let Some(act) = Act::parse(route.action).filter(|_| route.method != "get") else { continue };
            let thing = match lives(route) {
                Lives::Thing(kind) => own.things[kind].clone(),
                Lives::Tenants => String::new(),
                Lives::Server | Lives::Own if act.kind() == Kind::Configure && server => "x".to_owned(),
                Lives::Server | Lives::Own => continue,
            };
            if act.kind() != Kind::Configure {
                continue;
            }
            for who in [&own.admin, &root, &Persona::Local] {
                if std::ptr::eq(who, &own.admin) && matches!(lives(route), Lives::Server) {
                    continue;
                }
                let mut body = body(&site, route, &own);
                if let Some(body) = body.as_mut().and_then(Value::as_object_mut)
                    && ["/hosts", "/channels", "/enrolment-tokens", "/tenants"]
                        .iter()
                        .any(|p| route.path.ends_with(p))
                {
                    let key = if route.path.ends_with("/tenants") { "parent" } else { "tenant" };
                    body.insert(key.to_owned(), json!(own.tenant.to_string()));
                }
                let answer = site.ask(who, route.method, &path(route, &thing, &own), body.as_ref()).await;
                let what = format!(
                    "{} {} as {who:?}: {} {:?}",
                    route.method, route.path, answer.status, answer.body
                );
                if route.path.ends_with("/users") && !server {
                    // An invitation is to the home of whoever invites, which is open here for the server's people.
                    continue;
                }
                assert_eq!(answer.status, 423, "{what}");
                let problem = answer.json();
                assert_eq!(problem["type"], "/problems/read-only", "{what}");
                assert!(problem["detail"].as_str().unwrap().contains("audit week"), "{what}");
                refused += 1;
            }
        }
        assert!(refused > 30, "{refused}");
        // Monitoring and handling go on.
        let check = own.things["checks"].clone();
        let mut agent = own.agent.clone();
        site.rig.report(&mut agent, check.parse().unwrap(), Status::Warning).await;
        let ack = json!({"checks": [check], "note": "still mine"});
        assert_eq!(site.post(&own.admin, "/acknowledgements", ack).await.json()["done"], 1);
        let summary = site.get(&own.admin, "/summary").await.json();
        assert_eq!(summary["read_only"][0]["why"], "audit week");
        // A new machine is a change too.
        let token = own.things["enrolment-tokens"].parse().unwrap();
        let row = site.rig.store.token(token).await.unwrap().unwrap();
        let secret = row.secret_sha256.try_into().unwrap();
        assert!(site.rig.try_enrol(site.rig.attempt((token, secret), "alpha-9", b"k")).await.is_err());
        let elsewhere = site.post(&other.admin, "/hosts", json!({"name": "db-1"})).await;
        assert_eq!(elsewhere.status, if server { 423 } else { 200 });
        assert_eq!(
            site.get(&other.admin, "/summary").await.json()["read_only"].as_array().unwrap().len(),
            usize::from(server)
        );
        let open = json!({"read_only": false, "why": "done"});
        assert_eq!(site.post(&root, &switch, open).await.status, 200);
        assert_eq!(site.post(&own.admin, "/hosts", json!({"name": "db-2"})).await.status, 200);
        site.end().await;
    }
}

/// A moved tenant is seen by whoever holds what is above it now, from the next request on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_is_previewed_done_and_felt_at_once() {
    let site = Site::new().await;
    let (own, other) = (side(&site, "alpha").await, side(&site, "omega").await);
    let root = site.as_admin().await;
    let preview = site.get(&root, &format!("/tenants/{}/move?to={}", other.tenant, own.tenant)).await.json();
    assert_eq!((&preview["hosts"], &preview["gains"]), (&json!(1), &json!(["alpha"])), "{preview}");
    assert_eq!(site.get(&own.admin, "/hosts").await.json()["total"], 1);
    let change = json!({"parent": own.tenant.to_string()});
    assert_eq!(site.put(&own.admin, &format!("/tenants/{}", other.tenant), change.clone()).await.status, 404);
    let moved = site.put(&root, &format!("/tenants/{}", other.tenant), change).await;
    assert_eq!(moved.status, 200, "{:?}", moved.body);
    assert_eq!(site.get(&own.admin, "/hosts").await.json()["total"], 2);
    assert_eq!(site.get(&other.admin, "/hosts").await.json()["total"], 1, "and not the other way round");
    let circle = json!({"parent": other.tenant.to_string()});
    assert_eq!(site.put(&root, &format!("/tenants/{}", own.tenant), circle).await.status, 409);
    assert_eq!(
        site.delete(&root, &format!("/tenants/{}", other.tenant)).await.status,
        409,
        "it holds things"
    );
    let listed = site.get(&own.admin, "/tenants").await.json();
    let titles: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|t| t["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["alpha", "alpha / omega"]);
    site.end().await;
}

/// An agent of one tenant runs nothing for what is beside or above it; one of a tenant above may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_reaches_its_own_tenant_and_what_is_below() {
    let site = Site::new().await;
    let own = side(&site, "alpha").await;
    let above = site.rig.connected("probe-1", &["probe"]).await;
    let root = site.as_admin().await;
    let check = |host: &str, runner: &str, key: &str| json!({"host": host, "runner": runner, "key": key, "spec": {"kind": "tcp", "address": "192.0.2.1", "port": 80}});
    let down = check(&own.things["hosts"], &above.id.to_string(), "tcp:down");
    assert_eq!(site.post(&root, "/checks", down).await.status, 200);
    let up = check(&above.host.to_string(), &own.things["agents"], "tcp:up");
    assert_eq!(site.post(&root, "/checks", up).await.status, 404);
    // Moved elsewhere, the host would be out of its reach: by that the move is refused, with the check's name.
    let second = tenant(&site, "second", TenantId::ROOT).await;
    let row = site.rig.engine.world().hosts[&above.host].clone();
    let put = json!({"name": row.name, "tenant": second.to_string(), "revision": row.revision});
    let refused = site.put(&root, &format!("/hosts/{}", above.host), put).await;
    assert_eq!(refused.status, 409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("tcp:down"), "{:?}", refused.body);
    site.end().await;
}
