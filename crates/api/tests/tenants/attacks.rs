//! The neighbour, and the administrator of a part, who try to see or to do more than is theirs.

use http_body_util::BodyExt;
use serde_json::{Value, json};
use wk_authz::{Actor, ReadOnlySwitch, Section, Selector};
use wk_engine::ports::passkeys::{FactorRemovalRow, PasskeyStore as _};
use wk_engine::ports::rows::UserRow;

use super::*;

async fn root_admin(site: &Site) -> UserRow {
    site.as_admin().await;
    site.rig.store.user_by_name("admin").await.unwrap().unwrap()
}

async fn join(site: &Site, group: GroupId, person: &UserRow) {
    let permit = authorize::<AccessWrite, _>(&admin(), group).unwrap();
    site.rig.engine.add_member(permit, person).await.unwrap();
}

fn labelled(tenant: TenantId, selector: &str) -> Scope {
    Scope { selector: Some(Selector::parse(selector).unwrap()), ..Scope::tenant(tenant) }
}

/// An id may be written with an escape, and the door must read it as the handler does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_written_otherwise_leads_to_the_same_door() {
    let site = Site::limited(many()).await;
    let (own, other) = (side(&site, "alpha").await, side(&site, "omega").await);
    for route in site.table.iter().filter(|route| route.path.contains("{id}")) {
        let Lives::Thing(kind) = lives(route) else { continue };
        let ask = async |id: &str| {
            let body = body(&site, route, &own);
            let path = path(route, &id.replace('_', "%5F"), &own);
            site.ask(&own.admin, route.method, &path, body.as_ref()).await
        };
        let (there, absent) = (ask(&other.things[kind]).await, ask(&nothing(&other.things[kind])).await);
        assert_eq!(there.status, 404, "{} {}: {:?}", route.method, route.path, there.body);
        assert_eq!(told(&there), told(&absent), "{} {}", route.method, route.path);
    }
    let mine = format!("/users/{}/sessions", own.things["users"].replace('_', "%5F"));
    assert_eq!(site.get(&own.admin, &mine).await.status, 200, "one's own is there, however it is written");
    site.end().await;
}

/// What is done to somebody is in the log of where he is at home, and not of where its doer is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_spoken_of_in_its_own_tenants_log() {
    let site = Site::limited(many()).await;
    let (own, other) = (side(&site, "alpha").await, side(&site, "omega").await);
    let crosser = person(&site, "crosser", Role::None, own.tenant).await;
    give(&site, Whom::Person(crosser), Effect::Allow, "admin", Scope::tenant(other.tenant)).await;
    let who = site.session_of(crosser).await;
    let id = &other.things["users"];
    let why = json!({"reason": "test"});
    for act in ["disable", "enable", "reopen", "require-change", "reset"] {
        let done = site.post(&who, &format!("/users/{id}/{act}"), why.clone()).await;
        assert!(done.status < 500, "{act}: {}", done.status);
    }
    assert!(
        site.post(&who, &format!("/users/{id}/role"), json!({"role": "operator", "reason": "x"}))
            .await
            .status
            < 500
    );
    assert_eq!(site.delete(&who, &format!("/users/{id}/sessions")).await.status, 204);
    assert_eq!(site.delete(&who, &format!("/api-tokens/{}", other.things["api-tokens"])).await.status, 204);
    let ours = String::from_utf8(site.get(&own.admin, "/audit?limit=500").await.body.to_vec()).unwrap();
    for told in ["leaver-omega", &other.things["users"], &other.things["api-tokens"]] {
        assert!(!ours.contains(told), "the neighbour's log names {told}: {ours}");
    }
    let theirs = String::from_utf8(site.get(&other.admin, "/audit?limit=500").await.body.to_vec()).unwrap();
    for action in ["user.disable", "user.enable", "session.end", "token.revoke"] {
        assert!(theirs.contains(&format!("\"{action}\"")), "{action} is missing: {theirs}");
    }
    site.end().await;
}

/// Who manages a part shuts nobody out who manages the whole, by a group neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deny_does_not_come_by_a_group_that_was_filled_before() {
    let site = Site::limited(many()).await;
    let own = side(&site, "alpha").await;
    let root = root_admin(&site).await;
    let group: GroupId = own.things["groups"].parse().unwrap();
    join(&site, group, &root).await;
    let deny = json!({
        "group": group.to_string(), "role": "viewer", "effect": "deny", "tenant": own.tenant.to_string(), "reason": "mine",
    });
    assert_eq!(site.post(&own.admin, "/grants", deny).await.status, 403);
    assert_eq!(site.get(&site.as_admin().await, "/hosts").await.json()["total"], 1);
    site.end().await;
}

/// Rights by labels are not to be had by labelling: nobody makes himself more on a host by what he writes on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_labels_himself_more_rights() {
    let site = Site::limited(many()).await;
    let own = side(&site, "alpha").await;
    let host = format!("/hosts/{}", own.things["hosts"]);
    let revoke = format!("/agents/{}/revoke", own.things["agents"]);
    let label = |labels: Value| json!({"name": "web-1", "labels": labels});
    // An author, with everything on what bears his name.
    let ann = person(&site, "ann", Role::Author, own.tenant).await;
    give(&site, Whom::Person(ann), Effect::Allow, "admin", labelled(own.tenant, "team=ann")).await;
    let ann = site.session_of(ann).await;
    let refused = site.put(&ann, &host, label(json!({"side": "alpha", "team": "ann"}))).await;
    assert_eq!(refused.status, 403, "{:?}", refused.body);
    assert_eq!(site.post(&ann, &revoke, json!({"reason": "mine"})).await.status, 403);
    assert_eq!(site.put(&ann, &host, label(json!({"side": "alpha", "rack": "7"}))).await.status, 200);
    // An administrator who is denied something on what bears a label.
    let ben = person(&site, "ben", Role::Admin, own.tenant).await;
    let scope = Scope { sections: vec![Section::Agents], ..labelled(own.tenant, "side=alpha") };
    give(&site, Whom::Person(ben), Effect::Deny, "admin", scope).await;
    let ben = site.session_of(ben).await;
    assert_eq!(site.put(&ben, &host, label(json!({}))).await.status, 403);
    // Nor by moving the host to where nothing is denied.
    let below = tenant(&site, "below", own.tenant).await;
    let cas = person(&site, "cas", Role::Author, own.tenant).await;
    give(&site, Whom::Person(cas), Effect::Allow, "admin", Scope::tenant(below)).await;
    let cas = site.session_of(cas).await;
    let moved = json!({"name": "web-1", "tenant": below.to_string()});
    assert_eq!(site.put(&cas, &host, moved.clone()).await.status, 403);
    // Who holds all of it anyway, writes what he likes.
    assert_eq!(site.put(&own.admin, &host, label(json!({"team": "ann"}))).await.status, 200);
    assert_eq!(site.put(&own.admin, &host, moved).await.status, 200);
    site.end().await;
}

/// Counts and explanations speak of what one sees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_and_explanations_speak_of_what_is_seen() {
    let site = Site::limited(many()).await;
    let (own, other) = (side(&site, "alpha").await, side(&site, "omega").await);
    let guest = person(&site, "traveller", Role::Viewer, own.tenant).await;
    let get = async |path: &str| told(&site.get(&own.admin, path).await);
    let (roles, group) = (get("/roles").await, format!("/groups/{}", own.things["groups"]));
    let before = (roles, get(&group).await, get("/access/explain?who=traveller").await);
    // The server's own people give the traveller something elsewhere, himself and by a group; and a role is given there.
    let host = Scope { host: Some(other.agent.host), ..Scope::tenant(other.tenant) };
    give(&site, Whom::Person(guest), Effect::Allow, "viewer", host).await;
    let away = super::group(&site, other.tenant, "omega travellers").await;
    let row = site.rig.store.user(guest).await.unwrap().unwrap();
    join(&site, away, &row).await;
    give(&site, Whom::Group(away), Effect::Allow, "operator", Scope::tenant(other.tenant)).await;
    // Their people come into this tenant's group, and the group holds something there.
    let stranger = site.rig.store.user(other.things["users"].parse().unwrap()).await.unwrap().unwrap();
    join(&site, own.things["groups"].parse().unwrap(), &stranger).await;
    let ours = Whom::Group(own.things["groups"].parse().unwrap());
    give(&site, ours, Effect::Allow, "auditor", Scope::tenant(other.tenant)).await;
    assert_eq!((get("/roles").await, get(&group).await), (before.0, before.1));
    let after = get("/access/explain?who=traveller").await;
    assert_eq!(after.1["sees"], before.2.1["sees"]);
    assert_eq!(after.1["holds"], before.2.1["holds"]);
    assert!(!after.1.to_string().contains("omega"), "{}", after.1);
    // To himself it is said.
    let mine = site.get(&site.session_of(guest).await, "/me/access").await.json();
    assert!(mine.to_string().contains("omega"), "{mine}");
    site.end().await;
}

/// What is above one's own tenant has no name below, nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_above_has_no_name_below() {
    let site = Site::limited(many()).await;
    let above = tenant(&site, "umbrella", TenantId::ROOT).await;
    let own = tenant(&site, "alpha", above).await;
    let boss = person(&site, "boss", Role::Admin, own).await;
    let who = site.session_of(boss).await;
    let group = group(&site, own, "night").await;
    give(&site, Whom::Group(group), Effect::Allow, "viewer", Scope::tenant(own)).await;
    let closed = json!({"read_only": true, "why": "audit week"});
    let switch = format!("/tenants/{above}/read-only");
    for phase in ["open", "closed"] {
        for path in site.table.iter().filter(|route| route.method == "get" && !route.path.contains('{')) {
            if path.path.ends_with("/live") {
                continue;
            }
            let path = path.path.strip_prefix("/api/v1").unwrap();
            let query = match path {
                "/access/explain" => "?who=boss".to_owned(),
                "/access/who" => format!("?action=host.read&on={own}"),
                _ => String::new(),
            };
            let got = site.get(&who, &format!("{path}{query}")).await;
            let text = String::from_utf8_lossy(&got.body);
            assert!(!text.contains("umbrella"), "{phase}: {path}: {text}");
        }
        let made = site.post(&who, "/hosts", json!({"name": format!("db-{phase}")})).await;
        let text = String::from_utf8_lossy(&made.body).into_owned();
        assert!(!text.contains("umbrella"), "{phase}: {text}");
        assert_eq!(made.status, if phase == "open" { 200 } else { 423 }, "{text}");
        if phase == "open" {
            assert_eq!(site.post(&site.as_admin().await, &switch, closed.clone()).await.status, 200);
        } else {
            assert!(text.contains("audit week"), "{text}");
        }
    }
    site.end().await;
}

/// Who administers some hosts of a tenant does not see who of its people is losing a factor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_of_a_tenants_hosts_is_none_of_its_people() {
    let site = Site::limited(many()).await;
    let own = side(&site, "alpha").await;
    let ned = person(&site, "ned", Role::None, TenantId::ROOT).await;
    give(&site, Whom::Person(ned), Effect::Allow, "admin", labelled(own.tenant, "side=alpha")).await;
    let now = site.rig.now();
    let user: UserId = own.things["users"].parse().unwrap();
    let row = FactorRemovalRow {
        user,
        factor: "totp".to_owned(),
        asked: now,
        asked_by: "leaver-alpha".to_owned(),
        due: now + secs(86_400),
    };
    let audit = record::draft(&Actor::system(), now, "user.ask_factor_removal", "user", user);
    site.rig.store.ask_factor_removal(row, vec![audit]).await.unwrap();
    let who = site.session_of(ned).await;
    assert_eq!(site.get(&who, "/hosts").await.json()["total"], 1);
    for path in [
        "/users",
        "/factor-removals",
        "/invitations",
        "/groups",
        "/api-tokens",
        "/views",
        "/service-accounts",
        "/audit",
    ] {
        let got = site.get(&who, path).await;
        let text = String::from_utf8_lossy(&got.body);
        assert!(!text.contains("leaver-alpha") && !text.contains("alpha\""), "{path}: {text}");
    }
    assert_eq!(site.get(&own.admin, "/factor-removals").await.json()["items"].as_array().unwrap().len(), 1);
    site.end().await;
}

/// What names a thing of another's is answered as what names nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_tells_what_there_is_elsewhere() {
    let site = Site::limited(many()).await;
    let (own, other) = (side(&site, "alpha").await, side(&site, "omega").await);
    let root = root_admin(&site).await.id.to_string();
    let (t, none) = (other.tenant.to_string(), nothing(&other.tenant.to_string()));
    let person = &own.things["users"];
    let ask = async |method: &str, path: &str, body: Value| {
        let body = (method != "get").then_some(&body);
        told(&site.ask(&own.admin, method, &format!("/api/v1{path}"), body).await)
    };
    let grant = |tenant: &str| json!({"person": person, "role": "viewer", "tenant": tenant, "reason": "x"});
    assert_eq!(ask("post", "/grants", grant(&t)).await, ask("post", "/grants", grant(&none)).await);
    let group = |tenant: &str| json!({"name": "x", "tenant": tenant});
    assert_eq!(ask("post", "/groups", group(&t)).await, ask("post", "/groups", group(&none)).await);
    let token = |tenant: &str| json!({"name": "x", "scopes": [{"role": "viewer", "tenant": tenant}]});
    assert_eq!(ask("post", "/me/tokens", token(&t)).await, ask("post", "/me/tokens", token(&none)).await);
    for token in [&other.things["api-tokens"]] {
        let path = |id: &str| format!("/access/explain?who={id}");
        let (there, absent) = (path(token), path(&nothing(token)));
        assert_eq!(ask("get", &there, json!({})).await, ask("get", &absent, json!({})).await);
    }
    for on in [&root, &other.things["users"], &other.things["hosts"], &other.things["channels"]] {
        let path = |id: &str| format!("/access/who?action=host.read&on={id}");
        let (there, absent) = (path(on), path(&nothing(on)));
        assert_eq!(ask("get", &there, json!({})).await, ask("get", &absent, json!({})).await);
    }
    let service = |owner: &str| json!({"name": "x", "role": "viewer", "owner": owner, "purpose": "x"});
    let (there, absent) = (service("boss-omega"), service("nobody"));
    assert_eq!(ask("post", "/service-accounts", there).await, ask("post", "/service-accounts", absent).await);
    let edit = |owner: &str| json!({"owner": owner, "purpose": "x", "revision": 1});
    let path = format!("/service-accounts/{}", own.things["service-accounts"]);
    assert_eq!(ask("put", &path, edit("boss-omega")).await, ask("put", &path, edit("nobody")).await);
    site.end().await;
}

/// A request in the very moment in which a tenant is closed keeps nothing of before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_the_moment_of_a_change_keeps_no_right_of_before() {
    let site = Site::limited(many()).await;
    let own = side(&site, "alpha").await;
    for (read_only, expected) in [(true, 423), (false, 200)] {
        let pause = site.rig.store.pause_tenants();
        let act = async {
            let permit = authorize::<ReadOnlySwitch, _>(&admin(), own.tenant).unwrap();
            site.rig.engine.set_read_only(permit, read_only, "audit week").await.unwrap();
        };
        let look = async {
            // The store has it, and the world has it not.
            pause.wait().await;
            assert_eq!(site.get(&own.admin, "/hosts").await.status, 200);
            pause.wait().await;
        };
        tokio::join!(act, look);
        let made = site.post(&own.admin, "/hosts", json!({"name": format!("db-{expected}")})).await;
        assert_eq!(made.status, expected, "{:?}", made.body);
    }
    site.end().await;
}

/// The stream of one tenant says nothing of another's, whatever happens there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_stream_says_nothing_of_another_tenant() {
    let site = Site::limited(many()).await;
    let (own, mut other) = (side(&site, "alpha").await, side(&site, "omega").await);
    let mut streams = Vec::new();
    for role in [Role::Viewer, Role::Admin] {
        let user = person(&site, &format!("looker-{}", role.as_str()), role, own.tenant).await;
        let who = site.session_of(user).await;
        let response = site.open(site.request(&who, "get", "/api/v1/live", None), false).await;
        assert_eq!(response.status(), 200);
        streams.push(response.into_body());
    }
    for seed in 0..57 {
        meddle(&site, &mut other, seed).await;
    }
    let check = json!([own.things["checks"]]);
    let said = site.post(&own.admin, "/comments", json!({"checks": check, "text": "the end of it"})).await;
    assert_eq!(said.json()["done"], 1);
    for mut stream in streams {
        let mut text = String::new();
        while !text.contains("the end of it") {
            let frame = tokio::time::timeout(std::time::Duration::from_secs(60), stream.frame()).await;
            let frame = frame.expect("in time").expect("the stream goes on").unwrap();
            if let Ok(data) = frame.into_data() {
                text.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
        for mark in
            ["omega", other.things["hosts"].as_str(), &other.things["checks"], &other.things["agents"]]
        {
            assert!(!text.contains(mark), "{mark}: {text}");
        }
    }
    site.end().await;
}
