//! Acts that two people must want, and the administrator who would rather be alone.

use std::time::Duration;

use serde_json::{Value, json};
use wk_authz::Role;
use wk_domain::UserId;
use wk_engine::ports::{ApprovalStore as _, Store as _};

use crate::site::*;

const DAY: Duration = Duration::from_secs(86_400);

/// A person who has signed in, with a session.
async fn somebody(site: &Site, name: &str, role: Role) -> (UserId, Persona) {
    let id = site.person(name, role).await;
    (id, site.session_of(id).await)
}

/// Two administrators and somebody to do things to.
async fn two(site: &Site) -> (Persona, Persona, UserId) {
    let (_, rogue) = somebody(site, "rogue", Role::Admin).await;
    let (_, honest) = somebody(site, "honest", Role::Admin).await;
    (rogue, honest, site.person("olga", Role::Viewer).await)
}

fn admin_role() -> Value {
    json!({"role": "admin", "reason": "she helps out"})
}

async fn raise(site: &Site, who: &Persona, whom: UserId) -> Value {
    let asked = site.post(who, &format!("/users/{whom}/role"), admin_role()).await;
    assert_eq!(asked.status, 202, "{:?}", asked.body);
    asked.json()
}

async fn agree(site: &Site, who: &Persona, approval: &Value) -> Answer {
    let input = json!({"payload_sha256": approval["payload_sha256"], "note": "looks right"});
    site.post(who, &format!("/approvals/{}/agree", approval["id"].as_str().unwrap()), input).await
}

async fn role_of(site: &Site, id: UserId) -> String {
    site.rig.store.user(id).await.unwrap().unwrap().role
}

async fn state(site: &Site, who: &Persona, approval: &Value) -> String {
    let path = format!("/approvals/{}", approval["id"].as_str().unwrap());
    site.get(who, &path).await.json()["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_one_asks_for_another_agrees_to_and_the_log_tells_all_three() {
    let site = Site::new().await;
    let (rogue, honest, olga) = two(&site).await;
    let (asked, audit) = site.audited(raise(&site, &rogue, olga)).await;
    assert_eq!(audit.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["approval.request"]);
    assert_eq!((role_of(&site, olga).await.as_str(), &asked["state"]), ("viewer", &json!("open")));
    assert_eq!((&asked["mine"], &asked["may_decide"]), (&json!(true), &json!(false)));
    assert_eq!(asked["could_decide"], json!(["honest"]));
    let listed = site.get(&honest, "/approvals?open=true").await.json();
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["may_decide"]), (&asked["id"], &json!(true)));

    let (done, audit) = site.audited(agree(&site, &honest, &asked)).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert_eq!(role_of(&site, olga).await, "admin");
    let told: Vec<_> = audit.iter().map(|row| (row.actor.as_str(), row.action.as_str())).collect();
    let expected =
        [("user:honest", "approval.agree"), ("user:rogue", "user.set_role"), ("user:rogue", "session.end")];
    assert_eq!(told, expected);
    let act: Value = serde_json::from_str(&audit[1].entry_json).unwrap();
    let id = asked["id"].as_str().unwrap();
    let mark = act["diff"].as_array().unwrap().iter().find(|change| change["field"] == "four_eyes").unwrap();
    assert_eq!(mark["new"], json!(format!("{id}, by honest")));
    let decision: Value = serde_json::from_str(&audit[0].entry_json).unwrap();
    assert_eq!(act["request_id"], decision["request_id"]);
    assert_eq!(state(&site, &rogue, &asked).await, "done");
    assert_eq!(site.get(&honest, "/approvals?open=true").await.json()["items"], json!([]));
    site.end().await;
}

#[tokio::test]
async fn nobody_agrees_to_what_he_asked_for_himself() {
    let site = Site::new().await;
    let (rogue, _, olga) = two(&site).await;
    let asked = raise(&site, &rogue, olga).await;
    let id = site.rig.store.user_by_name("rogue").await.unwrap().unwrap().id;
    let second = site.session_of(id).await;
    for who in [&rogue, &second] {
        let (refused, audit) = site.audited(agree(&site, who, &asked)).await;
        assert_eq!(refused.status, 409);
        assert_eq!((audit.len(), audit[0].outcome.as_str()), (1, "denied"), "the try is in the log");
    }
    let made =
        site.post(&rogue, "/me/tokens", json!({"name": "x", "scopes": [{"role": "admin"}]})).await.json();
    let program = Persona::Bearer(made["secret"].as_str().unwrap().to_owned());
    assert_eq!(agree(&site, &program, &asked).await.status, 403, "nor through a token");
    assert_eq!(agree(&site, &site.as_local(), &asked).await.status, 409, "nor from the machine");
    let (_, olivia) = somebody(&site, "olivia", Role::Operator).await;
    assert_eq!(agree(&site, &olivia, &asked).await.status, 403, "nor who may not");
    assert_eq!(role_of(&site, olga).await, "viewer");
    site.end().await;
}

/// He is alone, makes himself a second account, and would agree with it.
#[tokio::test]
async fn an_account_that_the_requester_made_cannot_agree_for_him() {
    let site = Site::new().await;
    let (_, rogue) = somebody(&site, "rogue", Role::Admin).await;
    let (_, honest) = somebody(&site, "honest", Role::Approver).await;
    // Honest agrees to one raise in good faith; the raised account is still rogue's creature for a week.
    let puppet = site.person("puppet", Role::Viewer).await;
    let asked = raise(&site, &rogue, puppet).await;
    assert_eq!(agree(&site, &honest, &asked).await.status, 200);
    let puppet = site.session_of(puppet).await;
    let olga = site.person("olga", Role::Viewer).await;
    let asked = raise(&site, &rogue, olga).await;
    assert_eq!(asked["could_decide"], json!(["honest"]));
    let refused = agree(&site, &puppet, &asked).await;
    assert_eq!(refused.status, 409);
    let why = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(why.contains("made your account or changed it"), "{why}");
    assert_eq!(role_of(&site, olga).await, "viewer");
    // A week later it is an account like any other.
    site.rig.clock.advance(DAY * 9);
    let rogue = site.session_of(site.rig.store.user_by_name("rogue").await.unwrap().unwrap().id).await;
    let puppet = site.session_of(site.rig.store.user_by_name("puppet").await.unwrap().unwrap().id).await;
    let asked = raise(&site, &rogue, olga).await;
    assert_eq!(agree(&site, &puppet, &asked).await.status, 200);
    site.end().await;
}

/// He gets rid of the one who watches, and is no less watched for a week.
#[tokio::test]
async fn whoever_removes_the_other_eyes_is_not_alone() {
    for act in ["disable", "role"] {
        let site = Site::new().await;
        let (rogue, _, olga) = two(&site).await;
        let honest = site.rig.store.user_by_name("honest").await.unwrap().unwrap().id;
        let body = match act {
            "role" => json!({"role": "viewer", "reason": "x"}),
            _ => json!({"reason": "x"}),
        };
        assert_eq!(site.post(&rogue, &format!("/users/{honest}/{act}"), body).await.status, 204, "{act}");
        let asked = raise(&site, &rogue, olga).await;
        assert_eq!(asked["could_decide"], json!([]), "{act}");
        let policy = site.get(&rogue, "/four-eyes").await.json();
        assert_eq!(policy["alone"], false);
        // The machine itself is the way out, and says so in the log.
        let (done, audit) =
            site.audited(site.post(&site.as_local(), &format!("/users/{olga}/role"), admin_role())).await;
        assert_eq!(done.status, 204);
        assert!(
            audit[0].entry_json.contains("alone: on the server's own machine"),
            "{}",
            audit[0].entry_json
        );
        site.end().await;
    }
}

/// Who could agree to nothing is no other pair of eyes: removing him binds nobody.
#[tokio::test]
async fn removing_who_could_agree_to_nothing_locks_nobody_out() {
    let site = Site::new().await;
    let (_, only) = somebody(&site, "only", Role::Admin).await;
    let (operator, _) = somebody(&site, "operator", Role::Operator).await;
    let olga = site.person("olga", Role::Viewer).await;
    let why = json!({"reason": "left"});
    assert_eq!(site.post(&only, &format!("/users/{operator}/disable"), why).await.status, 204);
    assert_eq!(site.post(&only, &format!("/users/{olga}/role"), admin_role()).await.status, 204);
    site.end().await;
}

#[tokio::test]
async fn a_lone_administrator_acts_alone_and_the_log_says_so() {
    let site = Site::new().await;
    let (_, only) = somebody(&site, "only", Role::Admin).await;
    // An account that never signed in is nobody to wait for.
    site.person("never", Role::Admin).await;
    let olga = site.person("olga", Role::Viewer).await;
    assert_eq!(site.get(&only, "/four-eyes").await.json()["alone"], true);
    let (done, audit) = site.audited(site.post(&only, &format!("/users/{olga}/role"), admin_role())).await;
    assert_eq!(done.status, 204);
    assert!(audit[0].entry_json.contains("alone: nobody else could agree"), "{}", audit[0].entry_json);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_agree_at_once_one_does_it() {
    let site = Site::new().await;
    let (rogue, honest, _) = two(&site).await;
    let (_, third) = somebody(&site, "third", Role::Approver).await;
    for round in 0..5 {
        let name = format!("joiner-{round}");
        let input = json!({"name": name, "role": "admin", "reason": "we grow"});
        let asked = site.post(&rogue, "/users", input).await;
        assert_eq!(asked.status, 202, "{:?}", asked.body);
        let asked = asked.json();
        let before = site.rig.audit().await.len();
        let (a, b) = tokio::join!(agree(&site, &honest, &asked), agree(&site, &third, &asked));
        let mut got = [a.status, b.status];
        got.sort_unstable();
        assert_eq!(got, [200, 409], "{:?} {:?}", a.body, b.body);
        let invited = site.rig.audit().await.split_off(before);
        assert_eq!(invited.iter().filter(|row| row.action == "user.invite").count(), 1);
        assert_eq!(invited.iter().filter(|row| row.action == "approval.agree").count(), 1);
        let won = if a.status == 200 { a } else { b };
        assert!(won.json()["result"]["path"].as_str().unwrap().starts_with("/claim#"), "the link, once");
        // Again, by either.
        assert_eq!(agree(&site, &honest, &asked).await.status, 409, "replayed");
        assert_eq!(agree(&site, &third, &asked).await.status, 409, "replayed");
    }
    site.end().await;
}

#[tokio::test]
async fn one_agrees_to_what_one_has_seen_and_to_nothing_that_moved_since() {
    let site = Site::new().await;
    let (rogue, honest, olga) = two(&site).await;
    let asked = raise(&site, &rogue, olga).await;
    let mut other = asked.clone();
    other["payload_sha256"] = json!("0".repeat(64));
    assert_eq!(agree(&site, &honest, &other).await.status, 409);
    assert_eq!(state(&site, &honest, &asked).await, "open");
    // The account changes in between: nobody agreed to that.
    let lower = json!({"role": "operator", "reason": "x"});
    assert_eq!(site.post(&honest, &format!("/users/{olga}/role"), lower).await.status, 204);
    let refused = agree(&site, &honest, &asked).await;
    assert_eq!(refused.status, 409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("void"), "{:?}", refused.body);
    assert_eq!(
        (state(&site, &honest, &asked).await.as_str(), role_of(&site, olga).await.as_str()),
        ("void", "operator")
    );
    site.end().await;
}

/// Whoever can write to the table of requests can still not make one say something else than it did.
#[tokio::test]
async fn a_changed_payload_is_noticed() {
    let site = Site::new().await;
    let (rogue, honest, olga) = two(&site).await;
    let asked = raise(&site, &rogue, olga).await;
    let id = asked["id"].as_str().unwrap().parse().unwrap();
    let row = site.rig.store.approval(id).await.unwrap().unwrap();
    let other = site.person("mallory", Role::Viewer).await;
    let payload = row.payload_json.replace(&olga.to_string(), &other.to_string());
    assert_ne!(payload, row.payload_json);
    let forged = wk_engine::ports::approvals::ApprovalRow {
        id: wk_engine::ids::new_id(site.rig.now()),
        payload_json: payload,
        ..row
    };
    let audit = wk_engine::record::draft(&wk_authz::Actor::system(), site.rig.now(), "x", "x", "x");
    site.rig.store.put_approval(forged.clone(), audit).await.unwrap();
    let mut shown = asked.clone();
    shown["id"] = json!(forged.id.to_string());
    assert_eq!(agree(&site, &honest, &shown).await.status, 500);
    assert_eq!(role_of(&site, other).await, "viewer");
    site.end().await;
}

#[tokio::test]
async fn a_request_is_declined_withdrawn_or_over_and_then_does_nothing() {
    let site = Site::new().await;
    let (rogue, honest, olga) = two(&site).await;
    let first = raise(&site, &rogue, olga).await;
    let path = |approval: &Value, end: &str| format!("/approvals/{}{end}", approval["id"].as_str().unwrap());
    assert_eq!(site.post(&honest, &path(&first, "/decline"), json!({"reason": ""})).await.status, 422);
    let declined = site.post(&honest, &path(&first, "/decline"), json!({"reason": "she is new here"})).await;
    assert_eq!((declined.status, &declined.json()["state"]), (200, &json!("declined")));
    let second = raise(&site, &rogue, olga).await;
    assert_eq!(site.delete(&honest, &format!("/me{}", path(&second, ""))).await.status, 404, "not honest's");
    assert_eq!(site.delete(&rogue, &format!("/me{}", path(&second, ""))).await.status, 204);
    let third = raise(&site, &rogue, olga).await;
    site.rig.clock.advance(DAY);
    let honest = site.session_of(site.rig.store.user_by_name("honest").await.unwrap().unwrap().id).await;
    for (approval, ended) in [(&first, "declined"), (&second, "withdrawn"), (&third, "expired")] {
        assert_eq!(agree(&site, &honest, approval).await.status, 409, "{ended}");
        assert_eq!(state(&site, &honest, approval).await, ended);
    }
    assert_eq!(role_of(&site, olga).await, "viewer");
    site.end().await;
}

#[tokio::test]
async fn who_asked_must_still_be_somebody_who_may() {
    let site = Site::new().await;
    let (rogue, honest, olga) = two(&site).await;
    let asked = raise(&site, &rogue, olga).await;
    let id = site.rig.store.user_by_name("rogue").await.unwrap().unwrap().id;
    assert_eq!(site.post(&honest, &format!("/users/{id}/disable"), json!({"reason": "x"})).await.status, 204);
    assert_eq!(agree(&site, &honest, &asked).await.status, 409);
    assert_eq!(
        (state(&site, &honest, &asked).await.as_str(), role_of(&site, olga).await.as_str()),
        ("void", "viewer")
    );
    site.end().await;
}

#[tokio::test]
async fn each_protected_act_is_asked_for_and_the_rest_is_not() {
    let site = Site::new().await;
    let (rogue, honest, olga) = two(&site).await;
    let why = json!({"reason": "because"});
    for path in [format!("/users/{olga}/reset"), format!("/users/{olga}/reopen")] {
        let asked = site.post(&rogue, &path, why.clone()).await;
        assert_eq!(asked.status, 202, "{path} {:?}", asked.body);
    }
    let channel = Site::channel("team");
    let refused = site.post(&rogue, "/channels", channel.clone()).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/reason")));
    let mut input = channel;
    input["reason"] = json!("for the night shift");
    let asked = site.post(&rogue, "/channels", input).await;
    assert_eq!(asked.status, 202, "{:?}", asked.body);
    let asked = asked.json();
    assert!(!asked.to_string().contains("hunter2"), "a secret goes in and is not shown: {asked}");
    assert_eq!(asked["input"]["secret"], json!({"withheld": true}));
    let done = agree(&site, &honest, &asked).await;
    assert_eq!((done.status, &done.json()["result"]["has_secret"]), (200, &json!(true)), "{:?}", done.body);
    let channel = done.json()["result"]["id"].as_str().unwrap().to_owned();
    let removed = site.delete(&rogue, &format!("/channels/{channel}")).await;
    assert_eq!(removed.status, 202);
    assert_eq!(agree(&site, &honest, &removed.json()).await.status, 200);
    assert_eq!(site.get(&rogue, "/channels").await.json()["items"], json!([]));
    let service = json!({"name": "ci", "role": "admin", "owner": "honest", "purpose": "x", "reason": "x"});
    assert_eq!(site.post(&rogue, "/service-accounts", service).await.status, 202);
    // What opens no door is done at once.
    let small = json!({"role": "operator", "reason": "x"});
    assert_eq!(site.post(&rogue, &format!("/users/{olga}/role"), small).await.status, 204);
    assert_eq!(site.post(&rogue, "/users", json!({"name": "joiner", "role": "viewer"})).await.status, 200);
    site.end().await;
}

#[tokio::test]
async fn a_program_may_ask_for_what_it_may_not_do() {
    let site = Site::new().await;
    let (rogue, honest, olga) = two(&site).await;
    let made =
        site.post(&rogue, "/me/tokens", json!({"name": "hr", "scopes": [{"role": "admin"}]})).await.json();
    let program = Persona::Bearer(made["secret"].as_str().unwrap().to_owned());
    let asked = raise(&site, &program, olga).await;
    assert_eq!(asked["by_token"], true);
    // Whatever a person does by a fresh factor, a program asks for: also what opens no door.
    let invite = json!({"name": "joiner", "role": "viewer", "reason": "we grow"});
    assert_eq!(site.post(&program, "/users", invite).await.status, 202);
    let small = json!({"role": "operator", "reason": "x"});
    assert_eq!(site.post(&program, &format!("/users/{olga}/role"), small).await.status, 202);
    assert_eq!(site.get(&rogue, "/invitations").await.json()["items"], json!([]));
    let grant = json!({"person": "olga", "role": "operator", "reason": "x", "effect": "allow"});
    let (refused, audit) = site.audited(site.post(&program, "/grants", grant)).await;
    assert!(refused.status == 409 || refused.status == 202 || refused.status == 403, "{:?}", refused.body);
    assert!(audit.iter().all(|row| row.action != "grant.create" || row.outcome != "success"), "{audit:?}");
    assert_eq!(agree(&site, &rogue, &asked).await.status, 409, "it asked as its owner");
    assert_eq!(agree(&site, &honest, &asked).await.status, 200);
    assert_eq!(role_of(&site, olga).await, "admin");
    site.end().await;
}

#[tokio::test]
async fn switching_it_off_takes_two_as_well() {
    let site = Site::new().await;
    let (rogue, honest, olga) = two(&site).await;
    let off = json!({"mode": "off", "reason": "it is in the way"});
    let asked = site.put(&rogue, "/four-eyes", off).await;
    assert_eq!(asked.status, 202, "{:?}", asked.body);
    assert_eq!(site.get(&rogue, "/four-eyes").await.json()["mode"], "when_two");
    let always = json!({"mode": "always", "reason": "stricter"});
    assert_eq!(site.put(&rogue, "/four-eyes", always).await.status, 200, "more often needs nobody");
    // The policy moved on: what was asked for before is void.
    assert_eq!(agree(&site, &honest, &asked.json()).await.status, 409);
    let asked = site.put(&rogue, "/four-eyes", json!({"mode": "off", "reason": "x"})).await.json();
    assert_eq!(agree(&site, &honest, &asked).await.status, 200);
    assert_eq!(site.post(&rogue, &format!("/users/{olga}/role"), admin_role()).await.status, 204);
    site.end().await;
}

/// Something small is done to the one who could agree, and he is still the one who could.
#[tokio::test]
async fn a_harmless_act_on_the_other_pair_of_eyes_closes_no_eye() {
    for act in ["group", "grant", "custom", "custom-gone", "role"] {
        let site = Site::new().await;
        let (rogue, _, olga) = two(&site).await;
        let honest = site.rig.store.user_by_name("honest").await.unwrap().unwrap().id;
        let id = |answer: Answer| {
            assert_eq!(answer.status, 200, "{act} {:?}", answer.body);
            answer.json()["id"].as_str().unwrap().to_owned()
        };
        let grant = |role: &str| json!({"person": "honest", "role": role, "reason": "x"});
        match act {
            "group" => {
                let group = id(site.post(&rogue, "/groups", json!({"name": "Choir"})).await);
                let member = json!({"person": honest.to_string()});
                let put = site.post(&rogue, &format!("/groups/{group}/members"), member).await;
                assert_eq!(put.status, 204, "{:?}", put.body);
            }
            "grant" => drop(id(site.post(&rogue, "/grants", grant("viewer")).await)),
            "role" => {
                // He is an administrator by a grant, and at home nothing much.
                let (_, third) = somebody(&site, "third", Role::Admin).await;
                let given = site.post(&third, "/grants", grant("admin")).await;
                assert_eq!(given.status, 202, "{:?}", given.body);
                assert_eq!(agree(&site, &rogue, &given.json()).await.status, 200);
                let (path, viewer) =
                    (format!("/users/{honest}/role"), json!({"role": "viewer", "reason": "x"}));
                assert_eq!(site.post(&third, &path, viewer).await.status, 204);
                let third = site.rig.store.user_by_name("third").await.unwrap().unwrap().id;
                let (path_of_third, why) = (format!("/users/{third}/disable"), json!({"reason": "x"}));
                let gone = site.post(&site.as_local(), &path_of_third, why).await;
                assert_eq!(gone.status, 204);
                let operator = json!({"role": "operator", "reason": "x"});
                assert_eq!(site.post(&rogue, &path, operator).await.status, 204);
            }
            _ => {
                let input = json!({"name": "listener", "actions": ["host.read"]});
                let role = id(site.post(&rogue, "/roles", input).await);
                let given = id(site.post(&rogue, "/grants", grant("listener")).await);
                if act == "custom-gone" {
                    let taken =
                        site.post(&rogue, &format!("/grants/{given}/take"), json!({"reason": "x"})).await;
                    assert_eq!(taken.status, 204, "{:?}", taken.body);
                    assert_eq!(site.delete(&rogue, &format!("/roles/{role}")).await.status, 204);
                }
            }
        }
        let asked = site.post(&rogue, &format!("/users/{olga}/role"), admin_role()).await;
        assert_eq!(asked.status, 202, "{act}: he acted alone");
        site.end().await;
    }
}

/// Two acts on one account, of which the log names it once by name and once by id: both count.
#[tokio::test]
async fn what_is_known_of_an_account_by_name_hides_nothing_that_is_known_by_id() {
    let site = Site::new().await;
    let (_, rogue) = somebody(&site, "rogue", Role::Admin).await;
    let (_, third) = somebody(&site, "third", Role::Admin).await;
    let (honest, _) = somebody(&site, "honest", Role::Viewer).await;
    let olga = site.person("olga", Role::Viewer).await;
    let grant = json!({"person": "honest", "role": "approver", "reason": "x"});
    let given = site.post(&third, "/grants", grant).await;
    assert_eq!(given.status, 202, "{:?}", given.body);
    let given = agree(&site, &rogue, &given.json()).await.json();
    let third = site.rig.store.user_by_name("third").await.unwrap().unwrap().id;
    let gone = site.post(&site.as_local(), &format!("/users/{third}/disable"), json!({"reason": "x"})).await;
    assert_eq!(gone.status, 204);
    let small = json!({"role": "operator", "reason": "x"});
    assert_eq!(site.post(&rogue, &format!("/users/{honest}/role"), small).await.status, 204);
    let path = format!("/grants/{}/take", given["result"]["id"].as_str().unwrap());
    assert_eq!(site.post(&rogue, &path, json!({"reason": "x"})).await.status, 204);
    let asked = site.post(&rogue, &format!("/users/{olga}/role"), admin_role()).await;
    assert_eq!(asked.status, 202, "who took the other's say is not alone");
    site.end().await;
}

/// The log writes accounts by name; a name that looks like an id is read as one.
#[tokio::test]
async fn a_name_that_looks_like_an_id_hides_nobody() {
    let site = Site::new().await;
    let (_, rogue) = somebody(&site, "user_rogue", Role::Admin).await;
    let (honest, _) = somebody(&site, "honest", Role::Admin).await;
    let olga = site.person("olga", Role::Viewer).await;
    // Somebody is invited under the other administrator's id.
    let invite = json!({"name": honest.to_string(), "role": "viewer"});
    let refused = site.post(&rogue, "/users", invite).await;
    assert_eq!(refused.status, 422, "{:?}", refused.body);
    raise(&site, &rogue, olga).await;
    // And what somebody of such a name did is found.
    assert_eq!(
        site.post(&rogue, &format!("/users/{honest}/disable"), json!({"reason": "x"})).await.status,
        204
    );
    raise(&site, &rogue, olga).await;
    site.end().await;
}

/// The other's say comes by a custom role, and the role loses it.
#[tokio::test]
async fn whoever_empties_the_role_by_which_another_could_agree_is_not_alone() {
    let site = Site::new().await;
    let (_, rogue) = somebody(&site, "rogue", Role::Admin).await;
    somebody(&site, "honest", Role::Viewer).await;
    let olga = site.person("olga", Role::Viewer).await;
    let role = json!({"name": "eyes", "actions": ["approval.read", "approval.decide", "host.read"]});
    let role = site.post(&rogue, "/roles", role).await.json()["id"].as_str().unwrap().to_owned();
    let given =
        site.post(&rogue, "/grants", json!({"person": "honest", "role": "eyes", "reason": "x"})).await;
    assert_eq!(given.status, 200, "{:?}", given.body);
    site.rig.clock.advance(DAY * 9);
    let again = async |name: &str| {
        site.session_of(site.rig.store.user_by_name(name).await.unwrap().unwrap().id).await
    };
    let (rogue, _) = (again("rogue").await, again("honest").await);
    assert_eq!(raise(&site, &rogue, olga).await["could_decide"], json!(["honest"]));
    let less = json!({"name": "eyes", "actions": ["approval.read", "host.read"]});
    assert_eq!(site.put(&rogue, &format!("/roles/{role}"), less).await.status, 200);
    raise(&site, &rogue, olga).await;
    site.end().await;
}

/// A group denies, and the one who watches is put into it.
#[tokio::test]
async fn whoever_puts_the_other_into_a_group_that_denies_is_not_alone() {
    let site = Site::new().await;
    let (rogue, _, olga) = two(&site).await;
    let group = site.post(&rogue, "/groups", json!({"name": "Quiet"})).await.json();
    let group = group["id"].as_str().unwrap().to_owned();
    let deny = json!({"group": group, "role": "approver", "effect": "deny", "reason": "x"});
    assert_eq!(site.post(&rogue, "/grants", deny).await.status, 200);
    site.rig.clock.advance(DAY * 9);
    let again = async |name: &str| {
        let id = site.rig.store.user_by_name(name).await.unwrap().unwrap().id;
        (id, site.session_of(id).await)
    };
    let ((_, rogue), (honest, _)) = (again("rogue").await, again("honest").await);
    raise(&site, &rogue, olga).await;
    let member = json!({"person": honest.to_string()});
    let put = site.post(&rogue, &format!("/groups/{group}/members"), member).await;
    assert_eq!(put.status, 204, "{:?}", put.body);
    raise(&site, &rogue, olga).await;
    site.end().await;
}
