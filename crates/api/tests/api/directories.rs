//! Whole sign-ins by directories that are real: `slapd` and `freeradius`, started by the test.

#[allow(dead_code)]
#[path = "../../../directory/tests/directory/authority.rs"]
mod authority;
#[allow(dead_code)]
#[path = "../../../directory/tests/directory/freeradius.rs"]
mod freeradius;
#[allow(dead_code)]
#[path = "../../../directory/tests/directory/process.rs"]
mod process;
#[allow(dead_code)]
#[path = "../../../directory/tests/directory/slapd.rs"]
mod slapd;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wk_directory::{LdapKind, RadiusKind};
use wk_egress::Egress;
use wk_engine::ports::Store as _;
use wk_identity::outside::ProviderKind;

use self::freeradius::{FreeRadius, SECRET};
use self::slapd::{SERVICE_PASSWORD, Slapd};
use crate::rig::Rig;
use crate::signing::claimed_with;
use crate::site::*;

/// A claimed site, and its administrator.
async fn site() -> (Site, Persona) {
    let egress = || Egress::new(Vec::new());
    let kinds: Vec<Arc<dyn ProviderKind>> =
        vec![Arc::new(LdapKind::new(egress())), Arc::new(RadiusKind::new(egress()))];
    let (site, maria) = claimed_with(Site::outside(Rig::new().await, false, kinds).await).await;
    (site, maria.who)
}

async fn provider(by: &(Site, Persona), kind: &str, config: Value, secret: &str, more: Value) -> String {
    let (site, admin) = by;
    let mut input = json!({
        "kind": kind, "name": kind.to_uppercase(), "config": config, "secret": secret, "create_accounts": true,
        "rules": [{"group": "ops", "role": "operator"}], "reason": "people have accounts there",
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = site.post(admin, "/providers", input).await;
    assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
    let made = made.json();
    assert_eq!(made["has_secret"], true);
    assert!(!made.to_string().contains(secret));
    made["id"].as_str().unwrap().to_owned()
}

async fn sign_in(site: &Site, provider: &str, name: &str, password: &str) -> Answer {
    let body = json!({"provider": provider, "name": name, "password": password});
    site.post(&site.as_nobody(), "/sign-in/outside", body).await
}

fn searched(slapd: &Slapd) -> Value {
    slapd.config(json!({
        "groups": {"from": "search", "base": "ou=groups,dc=corp,dc=example", "named_by": "name"}
    }))
}

#[tokio::test]
async fn a_person_of_a_directory_gets_an_account_and_whoever_guesses_learns_nothing() {
    let slapd = Slapd::start("");
    let by = site().await;
    let id = provider(&by, "ldap", searched(&slapd), SERVICE_PASSWORD, json!({})).await;
    let (site, _) = by;
    let first = sign_in(&site, &id, "Ada", "correct horse").await;
    assert_eq!(first.status, 200, "{}", String::from_utf8_lossy(&first.body));
    // The directory's password is one factor: the second is ours.
    assert_eq!(first.json()["next"], "factor");
    let ada = site.rig.store.user_by_name("ada").await.unwrap().unwrap();
    assert_eq!((ada.role.as_str(), ada.display_name.as_str()), ("operator", "The ada"));

    let mut told = Vec::new();
    for (name, password) in [
        ("ada", "wrong"),
        ("nobody", "wrong"),
        ("*", "correct horse"),
        ("ada)(uid=*", "x"),
        ("twin", "same name"),
    ] {
        let begun = Instant::now();
        let answer = sign_in(&site, &id, name, password).await;
        assert_eq!(answer.status, 401, "{name}");
        assert!(
            begun.elapsed() >= Duration::from_millis(600),
            "{name} was refused after {:?}",
            begun.elapsed()
        );
        told.push(answer.json()["detail"].clone());
    }
    told.dedup();
    assert_eq!(told, ["name or password is wrong"]);
    // Whom the directory knows and no rule names stays out.
    let grace = sign_in(&site, &id, "grace", "battery staple").await;
    assert_eq!(grace.status, 409);
    assert!(site.rig.store.user_by_name("grace").await.unwrap().is_none());
    site.end().await;
}

#[tokio::test]
async fn nobody_has_an_account_of_the_directory_locked_through_us() {
    let slapd = Slapd::start("");
    let by = site().await;
    let id = provider(&by, "ldap", searched(&slapd), SERVICE_PASSWORD, json!({})).await;
    let (site, _) = by;
    for name in ["ada", "ADA", "ａda", "Ada", "aDa", "ada "] {
        let status = sign_in(&site, &id, name, "guess").await.status;
        assert!(matches!(status, 401 | 429), "{name}: {status}");
    }
    let dn = "uid=ada,ou=people,dc=corp,dc=example";
    assert_eq!(slapd.attribute(dn, "pwdFailureTime").len(), 2);
    site.end().await;
}

#[tokio::test]
async fn the_test_as_a_person_explains_each_step_and_lets_nobody_in() {
    let slapd = Slapd::start("");
    let by = site().await;
    let id = provider(&by, "ldap", searched(&slapd), SERVICE_PASSWORD, json!({})).await;
    let (site, admin) = by;
    let path = format!("/providers/{id}/test-person");
    let walk = |body: Value| site.post(&admin, &path, body);
    let good = walk(json!({"name": "ada", "password": "correct horse"})).await;
    let good = good.json();
    assert_eq!(good["ok"], true, "{good}");
    let last = good["steps"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["title"], "Apply the rules");
    assert!(last["detail"].as_str().unwrap().contains("role operator"), "{last}");
    assert!(!good.to_string().contains("correct horse"));
    let grace = walk(json!({"name": "grace"})).await.json();
    assert_eq!(grace["ok"], false);
    assert!(grace.to_string().contains("this person stays out"), "{grace}");
    assert_eq!(walk(json!({"name": ""})).await.status, 422);
    assert!(site.rig.store.user_by_name("ada").await.unwrap().is_none(), "a test makes no account");
    let viewer = site.as_viewer().await;
    assert_eq!(site.post(&viewer, &path, json!({"name": "ada"})).await.status, 403);
    site.end().await;
}

#[tokio::test]
async fn a_challenge_of_a_radius_server_is_a_step_of_the_sign_in() {
    let server = FreeRadius::start();
    let by = site().await;
    let config = json!({
        "servers": [format!("127.0.0.1:{}", server.udp)], "transport": "udp", "second_factor": "challenge",
    });
    let everybody = json!({"trusts_factor": true, "rules": [{"group": "*", "role": "viewer"}]});
    let id = provider(&by, "radius", config, SECRET, everybody).await;
    let (site, _) = by;
    let asked = sign_in(&site, &id, "grace", "first").await.json();
    assert_eq!(asked["next"], "answer");
    assert_eq!(asked["question"]["prompt"], "Enter the code that was sent to you");
    let answer = |ticket: &Value, answer: &str| {
        let body = json!({"ticket": ticket, "answer": answer});
        let nobody = site.as_nobody();
        let site = &site;
        async move { site.post(&nobody, "/sign-in/outside/answer", body).await }
    };
    let ticket = &asked["question"]["ticket"];
    assert_eq!(answer(ticket, "000000").await.status, 401);
    assert_eq!(answer(ticket, "424242").await.status, 410, "a question is asked once");
    assert!(site.rig.store.user_by_name("grace").await.unwrap().is_none());

    let asked = sign_in(&site, &id, "grace", "first").await.json();
    let done = answer(&asked["question"]["ticket"], "424242").await;
    assert_eq!(done.status, 200, "{}", String::from_utf8_lossy(&done.body));
    assert_eq!(done.json()["next"], "in");
    let me = site.get(&Persona::Session(done.session()), "/me").await.json();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("grace"), Some("viewer")));
    assert_eq!(sign_in(&site, &id, "grace", "wrong").await.status, 401);
    site.end().await;
}

#[tokio::test]
async fn settings_that_would_give_passwords_away_are_not_kept() {
    let (site, admin) = site().await;
    let find = json!({"by": "template", "dn": "uid={name},dc=corp,dc=example"});
    for (kind, config, secret, pointer) in [
        ("ldap", json!({"servers": ["ldap://dc1"], "find": find}), None, "/config/servers/0"),
        ("ldap", json!({"servers": ["dc1"], "find": find, "verify": false}), None, "/config"),
        ("radius", json!({"servers": ["10.0.0.1"], "transport": "udp"}), Some("testing123"), "/secret"),
        ("radius", json!({"servers": ["10.0.0.1"]}), Some("a key"), "/config/certificate_pem"),
    ] {
        let mut input = json!({"kind": kind, "name": "x", "config": config, "reason": "r", "rules": []});
        if let Some(secret) = secret {
            input["secret"] = json!(secret);
        }
        let answer = site.post(&admin, "/providers", input).await;
        assert_eq!(answer.status, 422, "{kind} {pointer}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.json());
    }
    site.end().await;
}
