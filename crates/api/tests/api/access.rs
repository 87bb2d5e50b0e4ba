//! Groups, roles and grants: what they give and take, from when, who may make them, and what is said of why.

use serde_json::{Value, json};
use wk_authz::{Actor, Role};
use wk_domain::{TenantId, UserId};
use wk_engine::ports::Store as _;
use wk_engine::ports::rows::{UserChange, UserRow};
use wk_engine::record;

use crate::site::*;

fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap_or_else(|| panic!("{:?}", answer.json())).to_owned()
}

fn sentence(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap_or_default().to_owned()
}

async fn give(site: &Site, who: &Persona, input: Value) -> Answer {
    let mut whole = json!({"reason": "on duty"});
    whole.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    site.post(who, "/grants", whole).await
}

async fn take(site: &Site, who: &Persona, grant: &str) -> Answer {
    site.post(who, &format!("/grants/{grant}/take"), json!({"reason": "no longer on duty"})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_counts_from_the_next_request_on_and_so_does_taking_it() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::None).await;
    let session = site.session_of(olga).await;
    let hosts = async || site.get(&session, "/hosts").await.status;
    assert_eq!((hosts().await, site.get(&session, "/me").await.status), (403, 200));

    let (given, audit) = site.audited(give(&site, &admin, json!({"person": "olga", "role": "viewer"}))).await;
    assert_eq!(given.status, 200, "{}", sentence(&given));
    let grant = id(&given);
    assert_eq!((audit.len(), audit[0].action.as_str()), (1, "grant.create"));
    assert!(audit[0].entry_json.contains(&olga.to_string()) && audit[0].entry_json.contains("on duty"));
    assert_eq!(hosts().await, 200, "the same session");
    let me = site.get(&session, "/me").await.json();
    let may: Vec<_> = me["permissions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(may.contains(&"host.read") && !may.contains(&"host.write"), "{may:?}");

    assert_eq!(site.post(&admin, &format!("/grants/{grant}/take"), json!({"reason": " "})).await.status, 422);
    let (taken, audit) = site.audited(take(&site, &admin, &grant)).await;
    assert_eq!((taken.status, audit[0].action.as_str()), (204, "grant.delete"));
    assert_eq!(hosts().await, 403);
    assert_eq!(take(&site, &admin, &grant).await.status, 404);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_runs_out_by_itself() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::None).await;
    let session = site.session_of(olga).await;
    let in_a_minute = "2999-01-01T00:00:00Z";
    let far =
        give(&site, &admin, json!({"person": "olga", "role": "viewer", "expires_at": in_a_minute})).await;
    assert_eq!(far.status, 422, "a slip of the century");
    let now = site.rig.now() + std::time::Duration::from_secs(60);
    let at = jiff::Timestamp::from_millisecond(now.as_ms()).unwrap().to_string();
    let given = give(&site, &admin, json!({"person": "olga", "role": "viewer", "expires_at": at})).await;
    assert_eq!(given.status, 200, "{}", sentence(&given));
    assert_eq!(site.get(&session, "/hosts").await.status, 200);
    site.rig.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(site.get(&session, "/hosts").await.status, 403);
    assert_eq!(site.get(&admin, "/grants").await.json()["items"][0]["expired"], true);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deny_restricts_administrators_too_but_never_the_last() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let deny = |whom: &str| json!({"person": whom, "role": "author", "effect": "deny"});
    let refused = give(&site, &admin, deny("admin")).await;
    assert_eq!(refused.status, 409);
    assert!(sentence(&refused).contains("make somebody else one first"), "{}", sentence(&refused));
    assert_eq!(site.get(&admin, "/grants").await.json()["items"], json!([]), "nothing happened");

    let bob = site.person("bob", Role::Admin).await;
    let bob_session = site.session_of(bob).await;
    let new_host = json!({"name": "db-1"});
    let denied = give(&site, &admin, deny("bob")).await;
    assert_eq!(denied.status, 200, "{}", sentence(&denied));
    let (answer, audit) = site.audited(site.post(&bob_session, "/hosts", new_host.clone())).await;
    assert_eq!(answer.status, 403);
    assert!(sentence(&answer).contains("denies author"), "{}", sentence(&answer));
    assert_eq!((audit.len(), audit[0].outcome.as_str()), (1, "denied"));
    assert_eq!(site.get(&bob_session, "/users").await.status, 200, "the rest stays");
    // Nor does he lift it himself: it gives what he does not hold.
    assert_eq!(take(&site, &bob_session, &id(&denied)).await.status, 403);
    assert_eq!(take(&site, &admin, &id(&denied)).await.status, 204);
    assert_eq!(site.post(&bob_session, "/hosts", new_host).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gives_what_he_does_not_hold() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let kim = site.person("kim", Role::None).await;
    let olga = site.person("olga", Role::None).await;
    let mine = ["access.read", "access.write", "user.read", "user.write", "host.read", "tenant.read"];
    let keeper = json!({"name": "keeper", "about": "Keeps accounts", "actions": mine});
    let made = site.post(&admin, "/roles", keeper.clone()).await;
    assert_eq!(made.status, 200, "{}", sentence(&made));
    assert_eq!(give(&site, &admin, json!({"person": "kim", "role": "keeper"})).await.status, 200);
    let group = id(&site.post(&admin, "/groups", json!({"name": "operators"})).await);
    assert_eq!(give(&site, &admin, json!({"group": group, "role": "operator"})).await.status, 200);

    let session = site.session_of(kim).await;
    for role in ["viewer", "admin", "auditor"] {
        let refused = give(&site, &session, json!({"person": "olga", "role": role})).await;
        assert_eq!(refused.status, 403, "{role}");
        assert!(sentence(&refused).contains("nobody gives or takes"), "{}", sentence(&refused));
    }
    assert_eq!(
        give(&site, &session, json!({"person": "kim", "role": "admin"})).await.status,
        403,
        "nor to himself"
    );
    let members = format!("/groups/{group}/members");
    for person in [olga, kim] {
        let refused = site.post(&session, &members, json!({"person": person.to_string()})).await;
        assert_eq!(refused.status, 403, "by a group");
    }
    let more = json!({"name": "keeper", "actions": ["access.write", "audit.read"]});
    assert_eq!(site.put(&session, &format!("/roles/{}", id(&made)), more).await.status, 403, "by his role");
    let why = json!({"reason": "to become him"});
    let admin_id = site.get(&admin, "/me").await.json()["id"].as_str().unwrap().to_owned();
    for what in ["reset", "disable"] {
        let path = format!("/users/{admin_id}/{what}");
        assert_eq!(site.post(&session, &path, why.clone()).await.status, 403, "{what} of who may more");
    }
    let set = json!({"role": "viewer", "reason": "x"});
    assert_eq!(site.post(&session, &format!("/users/{olga}/role"), set).await.status, 403, "by the account");
    let invited = site.post(&session, "/users", json!({"name": "eve", "role": "admin"})).await;
    assert_eq!(invited.status, 403, "by an invitation");
    // What he holds, he gives; and a deny of it too. Rights over rights, only with a second person.
    let looker = json!({"name": "looker", "actions": ["host.read"]});
    assert_eq!(site.post(&admin, "/roles", looker).await.status, 200);
    assert_eq!(give(&site, &session, json!({"person": "olga", "role": "keeper"})).await.status, 202);
    assert_eq!(give(&site, &session, json!({"person": "olga", "role": "looker"})).await.status, 200);
    assert_eq!(site.get(&site.session_of(olga).await, "/hosts").await.status, 200);
    let deny = json!({"person": "olga", "role": "looker", "effect": "deny"});
    assert_eq!(give(&site, &session, deny).await.status, 200);
    assert_eq!(site.get(&site.session_of(olga).await, "/hosts").await.status, 403);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_gives_to_its_members_what_it_holds() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::None).await;
    let session = site.session_of(olga).await;
    let made = site.post(&admin, "/groups", json!({"name": "night", "about": "At night"})).await;
    assert_eq!(made.json()["tenant"], TenantId::ROOT.to_string());
    let group = id(&made);
    assert_eq!(site.post(&admin, "/groups", json!({"name": "night"})).await.status, 409);
    assert_eq!(site.post(&admin, "/groups", json!({"name": " "})).await.status, 422);
    assert_eq!(give(&site, &admin, json!({"group": group, "role": "viewer"})).await.status, 200);
    let members = format!("/groups/{group}/members");
    let added = site.audited(site.post(&admin, &members, json!({"person": olga.to_string()}))).await;
    assert_eq!((added.0.status, added.1[0].action.as_str()), (204, "group.add_member"));
    assert_eq!(site.get(&session, "/hosts").await.status, 200);
    let listed = site.get(&admin, &members).await.json();
    assert_eq!(
        (&listed["items"][0]["name"], &listed["items"][0]["origin"]),
        (&json!("olga"), &json!("local"))
    );
    let shown = site.get(&admin, &format!("/groups/{group}")).await.json();
    assert_eq!((&shown["members"], &shown["grants"]), (&json!(1), &json!(1)));
    let stale = json!({"name": "day", "revision": 7});
    assert_eq!(site.put(&admin, &format!("/groups/{group}"), stale).await.status, 409);
    assert_eq!(site.delete(&admin, &format!("{members}/{olga}")).await.status, 204);
    assert_eq!(site.get(&session, "/hosts").await.status, 403);
    site.post(&admin, &members, json!({"person": olga.to_string()})).await;
    let (gone, audit) = site.audited(site.delete(&admin, &format!("/groups/{group}"))).await;
    let actions: Vec<_> = audit.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(gone.status, 204);
    for expected in ["group.delete", "group.remove_member", "grant.delete"] {
        assert!(actions.contains(&expected), "{actions:?}");
    }
    assert_eq!(site.get(&session, "/hosts").await.status, 403);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_may_is_explained_and_who_may_is_found() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::Viewer).await;
    let host = id(&site.post(&admin, "/hosts", json!({"name": "db-1"})).await);
    let group = id(&site.post(&admin, "/groups", json!({"name": "trainees"})).await);
    site.post(&admin, &format!("/groups/{group}/members"), json!({"person": olga.to_string()})).await;
    give(&site, &admin, json!({"person": "olga", "role": "operator", "host": host})).await;
    give(
        &site,
        &admin,
        json!({"group": group, "role": "responder", "effect": "deny", "sections": ["monitor"]}),
    )
    .await;

    let ask = async |action: &str| {
        let path = format!("/access/explain?who=olga&action={action}&on={host}");
        site.get(&admin, &path).await.json()
    };
    let read = ask("host.read").await;
    assert_eq!(read["answers"][0]["allowed"], true);
    assert_eq!(read["on"]["title"], "db-1");
    let why = read["answers"][0]["why"].as_str().unwrap();
    assert!(why.contains("the account's own role viewer"), "{why}");
    assert_eq!(read["answers"][0]["reasons"].as_array().unwrap().len(), 2, "the home role, and the grant");
    let downtime = ask("problem.downtime").await;
    assert_eq!(downtime["answers"][0]["allowed"], true);
    assert!(downtime["answers"][0]["why"].as_str().unwrap().contains("the host db-1"));
    let acknowledge = ask("problem.acknowledge").await;
    assert_eq!(acknowledge["answers"][0]["allowed"], false);
    let why = acknowledge["answers"][0]["why"].as_str().unwrap();
    assert!(why.contains("a deny of responder through the group trainees"), "{why}");
    assert_eq!(acknowledge["answers"][0]["reasons"][0]["effect"], "deny");
    let all = site.get(&admin, &format!("/access/explain?who={olga}")).await.json();
    assert_eq!(all["holds"].as_array().unwrap().len(), 3);
    assert!(all["answers"].as_array().unwrap().len() > 20);
    assert_eq!(all["sees"]["hosts"], 1);

    let names = async |query: &str| -> Vec<String> {
        let found = site.get(&admin, &format!("/access/who?{query}")).await.json();
        let items = found["items"].as_array().unwrap_or_else(|| panic!("{found}")).clone();
        items.iter().map(|item| item["who"]["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&format!("action=problem.downtime&on={host}")).await, ["admin", "olga"]);
    assert_eq!(names(&format!("action=problem.acknowledge&on={host}")).await, ["admin"]);
    assert_eq!(names("action=problem.downtime").await, ["admin"], "not everywhere");
    for wrong in [
        "/access/explain",
        "/access/explain?who=olga&action=server.shell",
        "/access/explain?who=olga&on=db-1",
        "/access/who",
        "/access/who?action=self.manage",
    ] {
        assert_eq!(site.get(&admin, wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(site.get(&admin, "/access/explain?who=nobody").await.status, 404);

    // One's own, everybody may ask; of others only who reads access.
    let session = site.session_of(olga).await;
    let own = site.get(&session, &format!("/me/access?action=problem.acknowledge&on={host}")).await.json();
    assert_eq!((&own["answers"][0]["allowed"], &own["who"]["name"]), (&json!(false), &json!("olga")));
    assert_eq!(site.get(&session, "/access/explain?who=admin").await.status, 403);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_custom_role_is_a_set_of_actions_and_changes_for_all_who_hold_it() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::None).await;
    let session = site.session_of(olga).await;
    for (wrong, status) in [
        (json!({"name": "Editor", "actions": ["host.read"]}), 422),
        (json!({"name": "viewer", "actions": ["host.read"]}), 409),
        (json!({"name": "editor", "actions": []}), 422),
        (json!({"name": "editor", "actions": ["self.manage"]}), 422),
        (json!({"name": "editor", "actions": ["server.shell"]}), 422),
    ] {
        let refused = site.post(&admin, "/roles", wrong.clone()).await;
        assert_eq!(refused.status, status, "{wrong}: {}", sentence(&refused));
    }
    let role = id(&site.post(&admin, "/roles", json!({"name": "editor", "actions": ["host.read"]})).await);
    assert_eq!(give(&site, &admin, json!({"person": "olga", "role": "editor"})).await.status, 200);
    assert_eq!(
        (site.get(&session, "/hosts").await.status, site.get(&session, "/checks").await.status),
        (200, 403)
    );
    let change = json!({"name": "editor", "actions": ["check.read"], "revision": 1});
    assert_eq!(site.put(&admin, &format!("/roles/{role}"), change.clone()).await.status, 200);
    assert_eq!(
        (site.get(&session, "/hosts").await.status, site.get(&session, "/checks").await.status),
        (403, 200)
    );
    assert_eq!(site.put(&admin, &format!("/roles/{role}"), change).await.status, 409, "somebody was faster");
    assert_eq!(site.delete(&admin, &format!("/roles/{role}")).await.status, 409, "it is given");
    let roles = site.get(&admin, "/roles").await.json();
    let names: Vec<_> = roles["items"].as_array().unwrap().iter().map(|r| r["name"].clone()).collect();
    assert_eq!(names.len(), Role::ALL.len() + 1);
    let actions = site.get(&admin, "/actions").await.json();
    assert!(actions["items"].as_array().unwrap().iter().all(|a| a["name"] != "self.manage"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_that_makes_no_sense_is_refused_with_the_field() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga: UserId = site.person("olga", Role::None).await;
    let group = id(&site.post(&admin, "/groups", json!({"name": "night"})).await);
    for (wrong, pointer) in [
        (json!({"role": "viewer"}), "/person"),
        (json!({"person": olga.to_string(), "group": group, "role": "viewer"}), "/person"),
        (json!({"person": "olga", "role": "root"}), "/role"),
        (json!({"person": "olga", "role": "viewer", "effect": "perhaps"}), "/effect"),
        (json!({"person": "olga", "role": "viewer", "labels": "env=("}), "/labels"),
        (json!({"person": "olga", "role": "viewer", "sections": ["kitchen"]}), "/sections/0"),
        (
            json!({"person": "olga", "role": "viewer", "tenant": "tenant_01h455vb4pex5vsknk084sn02q"}),
            "/tenant",
        ),
        (json!({"person": "olga", "role": "viewer", "host": "host_01h455vb4pex5vsknk084sn02q"}), "/host"),
        (json!({"person": "olga", "role": "viewer", "expires_at": "tomorrow"}), "/expires_at"),
    ] {
        let refused = give(&site, &admin, wrong.clone()).await;
        assert_eq!(refused.status, 422, "{wrong}: {}", sentence(&refused));
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{wrong}");
    }
    for nothing in [
        json!({"person": "olga", "role": "none"}),
        json!({"person": "olga", "role": "viewer", "sections": ["evidence"]}),
    ] {
        assert_eq!(give(&site, &admin, nothing.clone()).await.status, 422, "{nothing}");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_no_way_around_what_one_holds() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let kim = site.person("kim", Role::Viewer).await;
    let mine = json!({"name": "machinist", "actions": ["service.write", "token.read"]});
    assert_eq!(site.post(&admin, "/roles", mine).await.status, 200);
    assert_eq!(give(&site, &admin, json!({"person": "kim", "role": "machinist"})).await.status, 200);
    let service = json!({"name": "ci", "role": "viewer", "owner": "admin", "purpose": "builds"});
    let service = id(&site.post(&admin, "/service-accounts", service).await);
    let session = site.session_of(kim).await;
    let tokens = format!("/service-accounts/{service}/tokens");
    let wants = |role: &str| json!({"name": "x", "scopes": [{"role": role}]});
    assert_eq!(
        site.post(&session, &tokens, wants("operator")).await.status,
        200,
        "no more than the account has"
    );
    // The account gets more by a grant; a token of it would be more than kim.
    let given = give(&site, &admin, json!({"person": "ci", "role": "operator"})).await;
    assert_eq!(given.status, 200, "{}", sentence(&given));
    let refused = site.post(&session, &tokens, wants("operator")).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/scopes")));
    assert_eq!(site.post(&session, &tokens, wants("viewer")).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_manages_a_part_manages_that_part_alone() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let paris = id(&site.post(&admin, "/tenants", json!({"name": "Paris"})).await);
    let (pm, pia) = (site.person("pm", Role::None).await, site.person("pia", Role::None).await);
    let at_home = site.rig.store.user(pia).await.unwrap().unwrap();
    let at_home = UserRow { tenant: paris.parse().unwrap(), ..at_home };
    let audit = record::draft(&Actor::system(), site.rig.now(), "user.move", "user", pia);
    site.rig.store.change_user(UserChange::of(at_home), vec![audit]).await.unwrap();
    let world = id(&site.post(&admin, "/groups", json!({"name": "world"})).await);
    let local = id(&site.post(&admin, "/groups", json!({"name": "local", "tenant": paris})).await);
    // One who may do everything in Paris, and nothing elsewhere.
    assert_eq!(
        give(&site, &admin, json!({"person": "pm", "role": "admin", "tenant": paris})).await.status,
        200
    );
    let session = site.session_of(pm).await;

    let seen = site.get(&session, "/groups").await.json();
    assert_eq!((seen["items"].as_array().unwrap().len(), &seen["items"][0]["name"]), (1, &json!("local")));
    let absent = site.get(&session, &format!("/groups/{}", wk_domain::GroupId::new(1, [1; 10]))).await;
    let foreign = site.get(&session, &format!("/groups/{world}")).await;
    assert_eq!((foreign.status, sentence(&foreign)), (404, sentence(&absent)), "to the letter");
    assert_eq!(site.put(&session, &format!("/groups/{world}"), json!({"name": "mine"})).await.status, 404);
    assert_eq!(site.delete(&session, &format!("/groups/{world}")).await.status, 404);
    assert_eq!(site.post(&session, "/groups", json!({"name": "more"})).await.status, 404, "not at the root");
    assert_eq!(site.put(&session, &format!("/groups/{local}"), json!({"name": "here"})).await.status, 200);

    let viewer = |whom: &str| json!({"person": whom, "role": "viewer", "tenant": paris});
    let given = give(&site, &session, viewer("pia")).await;
    assert_eq!(given.status, 200, "{}", sentence(&given));
    assert_eq!(give(&site, &session, viewer("admin")).await.status, 404, "nobody he knows");
    assert_eq!(
        give(&site, &session, json!({"person": "pia", "role": "viewer"})).await.status,
        404,
        "everywhere"
    );
    let deny = json!({"person": "pia", "role": "author", "effect": "deny", "tenant": paris, "sections": ["monitor"]});
    assert_eq!(give(&site, &session, deny).await.status, 200);
    // A deny of a group of his hits whoever is put into it by those who manage more; so he may not put them there.
    let member = json!({"person": site.get(&admin, "/me").await.json()["id"]});
    assert_eq!(site.post(&session, &format!("/groups/{local}/members"), member).await.status, 404);
    let role = json!({"name": "mine", "actions": ["host.read"]});
    assert_eq!(site.post(&session, "/roles", role).await.status, 403, "roles are the server's");

    assert_eq!(site.get(&session, "/access/explain?who=pia").await.status, 200);
    assert_eq!(site.get(&session, "/access/explain?who=admin").await.status, 404);
    let who = site.get(&session, &format!("/access/who?action=host.read&on={paris}")).await.json();
    let names: Vec<_> =
        who["items"].as_array().unwrap().iter().map(|item| item["who"]["name"].clone()).collect();
    assert_eq!(names, ["pia"], "of those he may know");
    let grants = site.get(&session, "/grants").await.json();
    assert!(grants["items"].as_array().unwrap().iter().all(|grant| grant["name"] == "pia"), "{grants}");
    site.end().await;
}
