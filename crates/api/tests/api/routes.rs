//! Every route, as everybody: who may is what the table says, and nothing else is reachable.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wk_api::{Budget, Limits, RouteInfo};
use wk_authz::{Act, Role, may};
use wk_domain::{
    AgentId, ApiTokenId, ApprovalId, ChannelId, CheckId, DowntimeId, HostId, InvitationId, ReviewId,
    SessionId, TokenId, UserId, ViewId,
};
use wk_engine::ports::Store;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{EventFilter, Page};

use crate::rig::{Rig, is_builtin};
pub(crate) use crate::site::rfc3339;
use crate::site::*;

/// A path with ids that are well formed, and of nothing.
fn absent(route: &RouteInfo) -> String {
    let path = route.path.strip_prefix("/api/v1").unwrap();
    let id = match path.split('/').nth(1).unwrap() {
        "checks" => CheckId::new(1, [1; 10]).to_string(),
        "hosts" => HostId::new(1, [1; 10]).to_string(),
        "agents" => AgentId::new(1, [1; 10]).to_string(),
        "downtimes" => DowntimeId::new(1, [1; 10]).to_string(),
        "channels" => ChannelId::new(1, [1; 10]).to_string(),
        "enrolment-tokens" => TokenId::new(1, [1; 10]).to_string(),
        "me" => SessionId::new(1, [1; 10]).to_string(),
        "invitations" => InvitationId::new(1, [1; 10]).to_string(),
        "views" => ViewId::new(1, [1; 10]).to_string(),
        "api-tokens" => ApiTokenId::new(1, [1; 10]).to_string(),
        "approvals" => ApprovalId::new(1, [1; 10]).to_string(),
        "reviews" => ReviewId::new(1, [1; 10]).to_string(),
        "service-accounts" => UserId::new(1, [1; 10]).to_string(),
        "users" => UserId::new(1, [1; 10]).to_string(),
        "tenants" => wk_domain::TenantId::new(1, [1; 10]).to_string(),
        "providers" => wk_domain::ProviderId::new(1, [1; 10]).to_string(),
        "groups" => wk_domain::GroupId::new(1, [1; 10]).to_string(),
        "roles" => wk_domain::RoleId::new(1, [1; 10]).to_string(),
        "grants" => wk_domain::GrantId::new(1, [1; 10]).to_string(),
        _ => String::new(),
    };
    route
        .path
        .replace("{id}", &id)
        .replace("{section}", "packages")
        .replace("{person}", &UserId::new(1, [1; 10]).to_string())
}

/// Only the status: a stream never ends.
async fn status(site: &Site, who: &Persona, route: &RouteInfo) -> u16 {
    let body = (route.method != "get" && route.method != "delete").then(|| json!({}));
    let request = site.request(who, route.method, &absent(route), body.as_ref());
    site.open(request, matches!(who, Persona::Local)).await.status().as_u16()
}

/// One source asks for everything here.
fn many() -> Limits {
    Limits { source: Budget { per_second: 1e6, burst: 1e6, open_max: 128 }, ..Limits::DEFAULT }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_session_only_the_public_routes_answer() {
    let site = Site::limited(many()).await;
    let mut public = BTreeSet::new();
    for route in &site.table {
        let (method, path) = (route.method, route.path.as_str());
        let got = status(&site, &site.as_nobody(), route).await;
        if route.action == "public" {
            assert!(got != 403, "{method} {path}: {got}");
            public.insert(format!("{method} {}", path.strip_prefix("/api/v1").unwrap()));
        } else {
            assert_eq!(got, 401, "{method} {path}");
        }
        for wrong in ["", "x", "0".repeat(43).as_str(), "\u{e9}"] {
            if route.action != "public" {
                let who = Persona::Session(wrong.to_owned());
                assert_eq!(status(&site, &who, route).await, 401, "{method} {path} with {wrong:?}");
            }
        }
    }
    // Whatever is added here is open to the world.
    let known = [
        "get /meta",
        "get /providers/{id}/begin",
        "get /providers/{id}/callback",
        "get /providers/{id}/metadata",
        "get /sign-in/methods",
        "get /sign-in/outside",
        "post /claim/begin",
        "post /claim/check",
        "post /claim/finish",
        "post /csp-reports",
        "post /password/check",
        "post /providers/{id}/callback",
        "post /providers/{id}/logout",
        "post /session",
        "post /session/enrol",
        "post /session/factor",
        "post /session/passkey",
        "post /session/passkey/begin",
        "post /sign-in/outside",
        "post /sign-in/outside/answer",
    ];
    assert_eq!(public.iter().map(String::as_str).collect::<Vec<_>>(), known);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_what_the_table_says_and_denials_are_written_down() {
    let site = Site::new().await;
    for route in site.table.iter().filter(|route| route.action != "public") {
        for role in Role::ALL {
            // A session of its own each time: one of the routes signs out.
            let who = site.as_role(role).await;
            let (got, audit) = site.audited(status(&site, &who, route)).await;
            let what = format!("{} {} as {}: {got}", route.method, route.path, role.as_str());
            assert!(Act::parse(route.action).is_some(), "{what}: the table lists its action");
            if may(role, route.action) {
                assert!(got != 401 && got != 403 && got < 500, "{what}");
                assert!(audit.iter().all(|row| row.outcome != "denied"), "{what}: {audit:?}");
            } else {
                assert_eq!(got, 403, "{what}");
                assert_eq!(audit.len(), 1, "{what}");
                assert_eq!((audit[0].outcome.as_str(), audit[0].action.as_str()), ("denied", route.action));
                assert_eq!(audit[0].actor, format!("user:{}", role.as_str()), "{what}");
            }
        }
        let got = status(&site, &site.as_local(), route).await;
        assert!(got != 401 && got != 403 && got < 500, "{} {} locally: {got}", route.method, route.path);
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_the_table_is_not_there() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    for path in ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/hosts", "/api/v1/nothing", "/api/v1/hosts/"]
    {
        for method in ["get", "post", "put", "delete"] {
            for who in [&site.as_nobody(), &admin] {
                let answer = site.ask(who, method, path, Some(&json!({}))).await;
                assert_eq!(answer.status, 404, "{method} {path}");
                assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
                assert_eq!(answer.json()["type"], "/problems/not-found", "{method} {path}");
            }
        }
    }
    for (method, path) in
        [("patch", "/api/v1/hosts"), ("delete", "/api/v1/overview"), ("trace", "/api/v1/meta")]
    {
        let answer = site.ask(&admin, method, path, None).await;
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    site.end().await;
}

/// All that is kept, as text.
async fn everything(rig: &Rig) -> Vec<String> {
    let page = || Page { limit: 500, after: None };
    let mut checks = rig.store.checks().await.unwrap();
    checks.retain(|row| !is_builtin(row.check.kind));
    vec![
        format!("{:?}", rig.store.hosts().await.unwrap()),
        format!("{checks:?}"),
        format!("{:?}", rig.store.agents().await.unwrap()),
        format!("{:?}", rig.store.tokens(&TenantScope::whole()).await.unwrap()),
        format!("{:?}", rig.store.channels().await.unwrap()),
        format!("{:?}", rig.store.users().await.unwrap()),
        format!("{:?}", rig.store.acks().await.unwrap()),
        format!("{:?}", rig.store.downtimes(rig.now()).await.unwrap()),
        format!("{:?}", rig.store.outbox_recent(&TenantScope::whole(), page()).await.unwrap()),
        format!(
            "{:?}",
            rig.store.events(&TenantScope::whole(), EventFilter::default(), page()).await.unwrap()
        ),
        format!("{:?}", rig.audit().await),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_changes_nothing() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let agent = site.rig.connected("web-1", &[]).await;
    site.rig.probe(&agent, "tcp:web").await;
    site.rig.channel("team").await;
    site.rig.engine.tick_now().await;
    let before = everything(&site.rig).await;
    let mut read = 0;
    for route in site.table.iter().filter(|route| route.method == "get") {
        let mut path = absent(route);
        path = path.replace(&HostId::new(1, [1; 10]).to_string(), &agent.host.to_string());
        path = path.replace(&AgentId::new(1, [1; 10]).to_string(), &agent.id.to_string());
        let request = site.request(&admin, "get", &path, None);
        let got = site.open(request, false).await.status().as_u16();
        assert!(got < 500, "{path}: {got}");
        read += usize::from(got == 200);
    }
    assert!(read > 15, "most of them answer: {read}");
    assert_eq!(everything(&site.rig).await, before);
    site.end().await;
}

/// Each write that does something is in the log, with who and what.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_leaves_an_entry_with_its_author() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let agent = site.rig.connected("web-1", &[]).await;
    let _orders = wk_engine::desk::AgentDesk::orders(site.rig.engine.as_ref());
    let mut written = BTreeSet::new();
    let mut act = async |method: &'static str,
                         route: &'static str,
                         path: String,
                         body: Option<Value>|
           -> Value {
        let (answer, audit) =
            site.audited(site.ask(&who, method, &format!("/api/v1{path}"), body.as_ref())).await;
        assert!(answer.status < 300, "{method} {path}: {} {:?}", answer.status, answer.body);
        // What changes how somebody signs in ends sessions too, which is an entry of its own.
        let ends = ["/disable", "/role", "/reset", "/me/recovery-codes"];
        let expected = if ends.iter().any(|end| route.ends_with(end)) { 2 } else { 1 };
        let actions: Vec<&String> = audit.iter().map(|row| &row.action).collect();
        assert_eq!(audit.len(), expected, "{method} {path}: {actions:?}");
        assert_eq!((audit[0].actor.as_str(), audit[0].outcome.as_str()), ("user:admin", "success"), "{path}");
        let entry: Value = serde_json::from_str(&audit[0].entry_json).unwrap();
        assert!(
            entry.to_string().contains(answer.header("x-request-id")),
            "{path}: names the request: {entry}"
        );
        assert!(!entry.to_string().contains("hunter2"), "{path}");
        written.insert(format!("{method} {route}"));
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    };
    let id = |value: &Value| value["id"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();

    let host = act("post", "/hosts", "/hosts".into(), Some(json!({"name": "db-1"}))).await;
    let edit = json!({"name": "db-2", "revision": host["revision"]});
    act("put", "/hosts/{id}", format!("/hosts/{}", id(&host)), Some(edit)).await;
    act("delete", "/hosts/{id}", format!("/hosts/{}", id(&host)), None).await;
    let spec = json!({"kind": "tcp", "address": "192.0.2.1", "port": 80});
    let new = json!({"host": agent.host.to_string(), "key": "tcp:web", "spec": spec});
    act("post", "/checks", "/checks".into(), Some(new.clone())).await;
    let check = site.rig.check_named(agent.host, "tcp:web").unwrap().to_string();
    act("put", "/checks/{id}", format!("/checks/{check}"), Some(new)).await;
    let mut runner = agent.clone();
    for _ in 0..3 {
        site.rig.report(&mut runner, check.parse().unwrap(), wk_domain::Status::Critical).await;
    }
    let these = json!([check]);
    act("post", "/rechecks", "/rechecks".into(), Some(json!({"checks": these}))).await;
    act("post", "/comments", "/comments".into(), Some(json!({"checks": these, "text": "looking"}))).await;
    act(
        "post",
        "/acknowledgements",
        "/acknowledgements".into(),
        Some(json!({"checks": these, "note": "mine"})),
    )
    .await;
    act(
        "post",
        "/acknowledgements/remove",
        "/acknowledgements/remove".into(),
        Some(json!({"checks": these})),
    )
    .await;
    let plan = json!({
        "targets": [{"host": agent.host.to_string()}],
        "start_at": "2020-01-01T00:00:00Z",
        "end_at": "2020-01-01T00:00:00Z",
        "note": "disks",
    });
    let refused = site.post(&who, "/downtimes", plan.clone()).await;
    assert_eq!(refused.json()["done"], 0, "{:?}", refused.body);
    let mut plan = plan;
    let end = site.rig.now() + crate::rig::secs(3600);
    let at = |ms: i64| rfc3339(ms / 1000);
    plan["start_at"] = json!(at(site.rig.now().as_ms()));
    plan["end_at"] = json!(at(end.as_ms()));
    act("post", "/downtimes", "/downtimes".into(), Some(plan)).await;
    let downtime = site.get(&who, "/downtimes").await.json()["items"][0].clone();
    act("delete", "/downtimes/{id}", format!("/downtimes/{}", id(&downtime)), None).await;
    let channel = act("post", "/channels", "/channels".into(), Some(Site::channel("team"))).await;
    assert!(channel.get("secret").is_none() && channel["has_secret"] == true);
    act("put", "/channels/{id}", format!("/channels/{}", id(&channel)), Some(Site::channel("all"))).await;
    act("post", "/channels/{id}/test", format!("/channels/{}/test", id(&channel)), Some(json!({}))).await;
    act("delete", "/channels/{id}", format!("/channels/{}", id(&channel)), None).await;
    let token = act("post", "/enrolment-tokens", "/enrolment-tokens".into(), Some(json!({}))).await;
    act("delete", "/enrolment-tokens/{id}", format!("/enrolment-tokens/{}", id(&token)), None).await;
    act("delete", "/checks/{id}", format!("/checks/{check}"), None).await;
    // Quarantine it, as a stolen key would.
    for key in [b"one".to_vec(), b"two".to_vec()] {
        let _ = wk_engine::desk::AgentDesk::renew(site.rig.engine.as_ref(), &agent.peer, key).await;
    }
    let reason = Some(json!({"reason": "looked"}));
    act("post", "/agents/{id}/release", format!("/agents/{}/release", agent.id), reason.clone()).await;
    let read_only = Some(json!({"read_only": true, "reason": "looked into"}));
    act("post", "/agents/{id}/read-only", format!("/agents/{}/read-only", agent.id), read_only).await;
    act("post", "/agents/{id}/revoke", format!("/agents/{}/revoke", agent.id), reason).await;
    let viewer = site.person("leaver", Role::Viewer).await;
    for what in ["disable", "enable", "reopen"] {
        let route: &'static str = match what {
            "disable" => "/users/{id}/disable",
            "enable" => "/users/{id}/enable",
            _ => "/users/{id}/reopen",
        };
        act("post", route, format!("/users/{viewer}/{what}"), Some(json!({"reason": "on leave"}))).await;
    }
    let role = json!({"role": "operator", "reason": "on duty"});
    act("post", "/users/{id}/role", format!("/users/{viewer}/role"), Some(role)).await;
    let reset = json!({"reason": "lost the phone"});
    act("post", "/users/{id}/reset", format!("/users/{viewer}/reset"), Some(reset)).await;
    act("post", "/users", "/users".into(), Some(json!({"name": "joiner", "role": "viewer"}))).await;
    let link = site.get(&who, "/invitations").await.json()["items"][0].clone();
    act("delete", "/invitations/{id}", format!("/invitations/{}", id(&link)), None).await;
    let view = json!({"list": "problems", "name": "Paris", "filter": "host:paris-*", "shared": true});
    let kept = act("post", "/views", "/views".into(), Some(view.clone())).await;
    act("put", "/views/{id}", format!("/views/{}", id(&kept)), Some(view)).await;
    act("delete", "/views/{id}", format!("/views/{}", id(&kept)), None).await;
    let group = act("post", "/groups", "/groups".into(), Some(json!({"name": "night"}))).await;
    let path = format!("/groups/{}", id(&group));
    act("put", "/groups/{id}", path.clone(), Some(json!({"name": "day"}))).await;
    let member = Some(json!({"person": viewer.to_string()}));
    act("post", "/groups/{id}/members", format!("{path}/members"), member).await;
    act("delete", "/groups/{id}/members/{person}", format!("{path}/members/{viewer}"), None).await;
    act("delete", "/groups/{id}", path, None).await;
    let role = json!({"name": "looker", "actions": ["host.read"]});
    let made = act("post", "/roles", "/roles".into(), Some(role.clone())).await;
    act("put", "/roles/{id}", format!("/roles/{}", id(&made)), Some(role)).await;
    let grant = json!({"person": viewer.to_string(), "role": "looker", "reason": "to look"});
    let grant = act("post", "/grants", "/grants".into(), Some(grant)).await;
    let taken = Some(json!({"reason": "has looked"}));
    act("post", "/grants/{id}/take", format!("/grants/{}/take", id(&grant)), taken).await;
    act("delete", "/roles/{id}", format!("/roles/{}", id(&made)), None).await;
    let scopes = json!([{"role": "viewer"}]);
    let input = Some(json!({"name": "backup", "scopes": scopes}));
    let made = act("post", "/me/tokens", "/me/tokens".into(), input.clone()).await;
    let rotate = Some(json!({"overlap_hours": 1}));
    let mine = format!("/me/tokens/{}", id(&made["token"]));
    act("post", "/me/tokens/{id}/rotate", format!("{mine}/rotate"), rotate.clone()).await;
    act("delete", "/me/tokens/{id}", mine, None).await;
    let service = json!({"name": "ci", "role": "viewer", "owner": "admin", "purpose": "builds"});
    let service = act("post", "/service-accounts", "/service-accounts".into(), Some(service)).await;
    let edit = json!({"owner": "admin", "purpose": "tests", "revision": service["revision"]});
    act("put", "/service-accounts/{id}", format!("/service-accounts/{}", id(&service)), Some(edit)).await;
    let path = format!("/service-accounts/{}/tokens", id(&service));
    let made = act("post", "/service-accounts/{id}/tokens", path, input).await;
    let path = format!("/api-tokens/{}", id(&made["token"]));
    act("post", "/api-tokens/{id}/rotate", format!("{path}/rotate"), rotate).await;
    act("delete", "/api-tokens/{id}", path, None).await;
    act("put", "/four-eyes", "/four-eyes".into(), Some(json!({"mode": "off", "reason": "alone here"}))).await;
    let review = act("post", "/reviews", "/reviews".into(), Some(json!({}))).await;
    let path = format!("/reviews/{}", id(&review["review"]));
    let word = json!({"number": 1, "decision": "keep", "note": "needed"});
    act("post", "/reviews/{id}/lines", format!("{path}/lines"), Some(word)).await;
    for line in review["lines"].as_array().unwrap().iter().skip(1) {
        let word = json!({"number": line["number"], "decision": "keep", "note": "needed"});
        act("post", "/reviews/{id}/lines", format!("{path}/lines"), Some(word)).await;
    }
    act("post", "/reviews/{id}/sign", format!("{path}/sign"), Some(json!({"note": "fine"}))).await;
    let policy = json!({"scope": "role:viewer", "profile": "pci-dss-4"});
    act("put", "/policies/password", "/policies/password".into(), Some(policy)).await;
    let scope = json!({"scope": "role:viewer"});
    act("post", "/policies/password/remove", "/policies/password/remove".into(), Some(scope)).await;
    act("put", "/admin-conditions", "/admin-conditions".into(), Some(json!({}))).await;
    act("put", "/console-clients", "/console-clients".into(), Some(json!({"mode": "off"}))).await;
    let tenant = act("post", "/tenants", "/tenants".into(), Some(json!({"name": "Paris"}))).await;
    let path = format!("/tenants/{}", id(&tenant));
    act("put", "/tenants/{id}", path.clone(), Some(json!({"name": "Lyon"}))).await;
    for read_only in [true, false] {
        let switch = Some(json!({"read_only": read_only, "why": "audit week"}));
        act("post", "/tenants/{id}/read-only", format!("{path}/read-only"), switch).await;
    }
    act("delete", "/tenants/{id}", path, None).await;
    act("post", "/me/recovery-codes", "/me/recovery-codes".into(), None).await;
    site.as_admin().await;
    act("delete", "/me/sessions", "/me/sessions".into(), None).await;
    act("post", "/me/totp/begin", "/me/totp/begin".into(), None).await;
    site.as_admin().await;
    let sessions = site.get(&who, "/me/sessions").await.json()["items"].clone();
    let another = sessions.as_array().unwrap().iter().find(|s| s["current"] == false).unwrap().clone();
    act("delete", "/me/sessions/{id}", format!("/me/sessions/{}", id(&another)), None).await;
    act("delete", "/session", "/session".into(), None).await;

    // With a password and an authenticator of one's own: see `account.rs`.
    // Two people: see `two_people.rs`.
    for two in ["post /approvals/{id}/agree", "post /approvals/{id}/decline", "delete /me/approvals/{id}"] {
        written.insert(two.to_owned());
    }
    // Of accounts with a password: see `passwords.rs`. The preview changes nothing.
    for known in
        ["delete /me/browsers/{id}", "post /users/{id}/require-change", "post /policies/password/preview"]
    {
        written.insert(known.to_owned());
    }
    // With a passkey, or a last factor: see `passkeys.rs`, `conditions.rs`, `others.rs` and `taking.rs`. To begin changes
    // nothing.
    for known in [
        "post /me/passkeys/begin",
        "post /me/passkeys",
        "put /me/passkeys/{id}",
        "delete /me/passkeys/{id}",
        "post /me/elevate/begin",
        "delete /me/elevate",
        "post /me/devices",
        "delete /me/devices/{id}",
        "delete /me/totp",
        "delete /me/factor-removal",
        "post /me/factor-removal/at-once",
        "delete /users/{id}/factor-removal",
        "delete /users/{id}/sessions",
    ] {
        written.insert(known.to_owned());
    }
    // With a provider that answers: see `outside.rs` and `saml.rs`.
    for known in [
        "post /providers",
        "put /providers/{id}",
        "delete /providers/{id}",
        "post /providers/{id}/test",
        "post /providers/{id}/test-person",
        "post /users/{id}/emergency",
        "put /sign-in/local",
        "post /me/outside/link",
        "post /me/outside/elevate",
        "delete /me/outside/{id}",
    ] {
        written.insert(known.to_owned());
    }
    for own in ["post /me/elevate", "post /me/password", "post /me/totp/finish"] {
        written.insert(own.to_owned());
    }
    let writes: BTreeSet<String> = site
        .table
        .iter()
        .filter(|route| route.method != "get" && route.action != "public")
        .map(|route| format!("{} {}", route.method, route.path.strip_prefix("/api/v1").unwrap()))
        .collect();
    assert_eq!(written, writes, "this test must try every write");
    site.end().await;
}

/// The document people and programs are given is the one the code builds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_committed_document_is_what_the_code_says() {
    let site = Site::new().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/watchkeep.json");
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        committed == site.document,
        "openapi/watchkeep.json is not what the code says; mend: cargo run -q -p watchkeep -- openapi > openapi/watchkeep.json"
    );
    let mut listed = 0;
    for item in site.document["paths"].as_object().unwrap().values() {
        listed += item.as_object().unwrap().len();
    }
    assert_eq!(listed, site.table.len());
    for route in &site.table {
        let operation = &site.document["paths"][&route.path][route.method];
        assert_eq!(operation["x-permission"], route.action, "{} {}", route.method, route.path);
        let open = operation["security"].as_array().unwrap().is_empty();
        assert_eq!(open, route.action == "public", "{} {}", route.method, route.path);
    }
    site.end().await;
}
