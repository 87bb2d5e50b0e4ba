//! What is taken from somebody: the last second factor at another person's word, and rights that a session and an open
//! stream lose within one request.

use std::time::Duration;

use serde_json::{Value, json};
use wk_authz::Role;
use wk_domain::UserId;
use wk_engine::ports::rows::Page;
use wk_engine::ports::{ApprovalStore as _, Store as _, TenantScope};

use crate::live::follow;
use crate::site::*;

/// Somebody with an authenticator and nothing else.
async fn olga(site: &Site) -> (UserId, Persona) {
    let id = site.person("olga", Role::Viewer).await;
    let mut row = site.rig.store.user(id).await.unwrap().unwrap();
    row.totp_sealed = vec![1; 40];
    let audit =
        wk_engine::record::draft(&wk_authz::Actor::system(), site.rig.now(), "user.change", "user", id);
    site.rig.store.update_user(row, audit).await.unwrap();
    (id, site.session_of(id).await)
}

async fn agree(site: &Site, who: &Persona, approval: &Value) -> Answer {
    let input = json!({"payload_sha256": approval["payload_sha256"], "note": "I rang her"});
    site.post(who, &format!("/approvals/{}/agree", approval["id"].as_str().unwrap()), input).await
}

async fn has_factor(site: &Site, id: UserId) -> bool {
    !site.rig.store.user(id).await.unwrap().unwrap().totp_sealed.is_empty()
}

const NOW: &str = "/me/factor-removal/at-once";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_factor_goes_at_once_when_another_person_agrees_and_not_otherwise() {
    let site = Site::new().await;
    let (id, who) = olga(&site).await;
    let why = json!({"reason": "the phone is lost"});
    assert_eq!(site.post(&who, NOW, why.clone()).await.status, 409, "nothing is on its way out");
    assert_eq!(site.delete(&who, "/me/totp").await.status, 204);
    let alone = site.post(&who, NOW, why.clone()).await;
    assert_eq!(alone.status, 409, "nobody could agree, and that makes nobody alone: {:?}", alone.body);
    assert!(has_factor(&site, id).await);

    let boss = site.person("boss", Role::Admin).await;
    let boss = site.session_of(boss).await;
    assert_eq!(site.post(&who, NOW, json!({"reason": " "})).await.status, 422);
    let asked = site.post(&who, NOW, why.clone()).await;
    assert_eq!(asked.status, 202, "{:?}", asked.body);
    let asked = asked.json();
    assert_eq!((&asked["act"], &asked["mine"]), (&json!("user.remove_factor"), &json!(true)));
    assert!(has_factor(&site, id).await);
    let again = agree(&site, &who, &asked).await.status;
    assert!(again == 403 || again == 409, "not oneself: {again}");

    // It was stopped, and asked for again: that is not what was to be agreed to.
    assert_eq!(site.delete(&who, "/me/factor-removal").await.status, 204);
    site.rig.clock.advance(Duration::from_secs(5));
    assert_eq!(site.delete(&who, "/me/totp").await.status, 204);
    assert_eq!(agree(&site, &boss, &asked).await.status, 409);
    assert!(has_factor(&site, id).await);

    let asked = site.post(&who, NOW, why).await.json();
    let (done, audit) = site.audited(agree(&site, &boss, &asked)).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    let told: Vec<_> = audit.iter().map(|row| (row.actor.as_str(), row.action.as_str())).collect();
    let expected =
        [("user:boss", "approval.agree"), ("user:olga", "user.remove_factor"), ("user:olga", "session.end")];
    assert_eq!(told, expected);
    assert!(!has_factor(&site, id).await);
    assert_eq!(site.get(&who, "/me").await.status, 401, "the sessions ended");
    let row = site.rig.store.approval(asked["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(row.state, "done");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_factor_on_its_way_out_is_told_to_the_channels_once() {
    let site = Site::new().await;
    let boss = site.as_admin().await;
    let made = site.post(&boss, "/channels", Site::channel("ops")).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    let (_, who) = olga(&site).await;
    let sent = async || {
        let page = Page { limit: 10, after: None };
        site.rig.store.outbox_recent(&TenantScope::whole(), page).await.unwrap()
    };
    for _ in 0..3 {
        assert_eq!(site.delete(&who, "/me/totp").await.status, 204);
        assert_eq!(site.delete(&who, "/me/factor-removal").await.status, 204);
    }
    let told = sent().await;
    assert_eq!((told.len(), told[0].kind.as_str()), (1, "notice"), "asked and stopped in a loop");
    assert!(told[0].payload_json.contains("olga loses the last second factor"), "{}", told[0].payload_json);
    site.rig.clock.advance(Duration::from_secs(3_700));
    let again = site.session_of(site.rig.store.user_by_name("olga").await.unwrap().unwrap().id).await;
    assert_eq!(site.delete(&again, "/me/totp").await.status, 204);
    assert_eq!(sent().await.len(), 2);
    site.end().await;
}

/// Whatever takes them: a grant that goes, one that forbids, a role of one's own that shrinks, a group that is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_are_taken_are_gone_with_the_next_request_and_the_next_event() {
    for how in ["taken", "denied", "role", "group"] {
        let site = Site::new().await;
        let boss = site.as_admin().await;
        let agent = site.rig.connected("web-1", &[]).await;
        let check = site.rig.probe(&agent, "tcp:web").await;
        let say = async |text: &str| {
            let permit = wk_authz::authorize(&crate::rig::admin(), check).unwrap();
            site.rig.engine.comment(permit, text).await.unwrap();
        };
        let made = async |path: &str, body: Value| {
            let made = site.post(&boss, path, body).await;
            assert!(made.status == 200 || made.status == 204, "{how} {path}: {:?}", made.body);
            if made.body.is_empty() { Value::Null } else { made.json() }
        };
        let id = site.person("nora", Role::None).await;
        let nora = site.session_of(id).await;
        let mut grant = Value::Null;
        match how {
            "role" => {
                let actions = json!(["overview.read", "host.read", "check.read"]);
                made("/roles", json!({"name": "eyes", "actions": actions})).await;
                made("/grants", json!({"person": "nora", "role": "eyes", "reason": "x"})).await;
            }
            "group" => {
                let group = made("/groups", json!({"name": "readers"})).await;
                grant = group["id"].clone();
                made("/grants", json!({"group": grant, "role": "viewer", "reason": "x"})).await;
                let path = format!("/groups/{}/members", grant.as_str().unwrap());
                made(&path, json!({"person": id.to_string(), "reason": "x"})).await;
            }
            _ => {
                grant =
                    made("/grants", json!({"person": "nora", "role": "viewer", "reason": "x"})).await["id"]
                        .clone();
            }
        }
        assert_eq!(site.get(&nora, "/hosts").await.json()["items"].as_array().unwrap().len(), 1, "{how}");
        let mut stream = follow(&site, &nora, None).await;
        say("before").await;
        stream.until("event", "before").await;
        let id_of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let taken = match how {
            "taken" => {
                site.post(&boss, &format!("/grants/{}/take", id_of(&grant)), json!({"reason": "x"})).await
            }
            "denied" => {
                let deny = json!({"person": "nora", "role": "viewer", "effect": "deny", "reason": "x"});
                site.post(&boss, "/grants", deny).await
            }
            "role" => {
                let roles = site.get(&boss, "/roles").await.json();
                let all = roles["items"].as_array().unwrap();
                let eyes = all.iter().find(|role| role["name"] == "eyes").unwrap().clone();
                let less = json!({"name": "eyes", "actions": ["overview.read"], "reason": "x", "revision": eyes["revision"]});
                site.put(&boss, &format!("/roles/{}", id_of(&eyes["id"])), less).await
            }
            _ => {
                let path = format!("/groups/{}/members/{id}", id_of(&grant));
                site.delete(&boss, &path).await
            }
        };
        assert!(taken.status == 200 || taken.status == 204, "{how}: {} {:?}", taken.status, taken.body);
        say("after").await;
        let hosts = site.get(&nora, "/hosts").await;
        assert!(hosts.status == 403 || hosts.json()["items"] == json!([]), "{how}: {:?}", hosts.body);
        // The stream starts over with less, and says nothing of what came after.
        while let Some(event) = stream.next_within(Duration::from_secs(2)).await {
            assert!(!event.data.to_string().contains("after"), "{how}: {event:?}");
        }
        site.end().await;
    }
}
