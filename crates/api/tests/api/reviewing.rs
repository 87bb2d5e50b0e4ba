//! Reviews of who has access: what is found, decided, signed, and what that does.

use std::time::Duration;

use serde_json::{Value, json};
use wk_authz::Role;
use wk_domain::UserId;
use wk_engine::ports::Store as _;
use wk_engine::ports::rows::SessionRow;
use wk_engine::record;

use crate::site::*;

const DAY: Duration = Duration::from_secs(86_400);

fn line<'a>(items: &'a Value, name: &str) -> &'a Value {
    items
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["name"] == name)
        .unwrap_or_else(|| panic!("{name}: {items}"))
}

fn codes(line: &Value) -> Vec<&str> {
    line["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// A session from somewhere, in use from then to then.
async fn session(site: &Site, user: UserId, address: &str, program: &str, minutes: u64) {
    let now = site.rig.now();
    let row = SessionRow {
        id: wk_engine::ids::new_id(now),
        token_sha256: wk_identity::SessionToken::generate().unwrap().sha256().to_vec(),
        user,
        created: now - Duration::from_secs(minutes * 60),
        last_used: now,
        address: address.to_owned(),
        user_agent: program.to_owned(),
        method: "password+totp".to_owned(),
        ended: None,
        elevated: None,
    };
    let audit = record::draft(&wk_authz::Actor::system(), now, "session.open", "session", row.id);
    site.rig.store.put_session(row, audit).await.unwrap();
}

#[tokio::test]
async fn what_is_odd_is_found_with_its_evidence() {
    let site = Site::new().await;
    let shared = site.person("shift", Role::Operator).await;
    site.person("ghost", Role::Viewer).await;
    let lord = site.person("lord", Role::Admin).await;
    let leaver = site.person("leaver", Role::Viewer).await;
    let admin = site.as_admin().await;
    let service =
        json!({"name": "ci", "role": "viewer", "owner": "leaver", "purpose": "builds", "review_days": 30});
    let service = site.post(&admin, "/service-accounts", service).await.json();
    let input = json!({"name": "deploy", "scopes": [{"role": "viewer"}], "days": 100});
    let made = site
        .post(&admin, &format!("/service-accounts/{}/tokens", service["id"].as_str().unwrap()), input)
        .await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    site.rig.clock.advance(DAY * 95);
    let admin = site.as_admin().await;
    assert_eq!(
        site.post(&admin, &format!("/users/{leaver}/disable"), json!({"reason": "left"})).await.status,
        204
    );
    for (address, program) in [("192.0.2.1", "firefox"), ("198.51.100.9", "chrome"), ("2001:db8::1", "edge")]
    {
        session(&site, shared, address, program, 30).await;
    }
    session(&site, lord, "192.0.2.1", "firefox", 5).await;
    let found = site.get(&admin, "/access-findings").await;
    assert_eq!(found.status, 200, "{:?}", found.body);
    let items = found.json()["items"].clone();
    assert!(codes(line(&items, "ghost")).contains(&"never-used"));
    assert!(codes(line(&items, "ghost")).contains(&"no-second-factor"));
    assert!(codes(line(&items, "shift")).contains(&"shared"));
    let evidence = line(&items, "shift")["findings"].to_string();
    assert!(evidence.contains("198.51.100.9") && evidence.contains("chrome"), "{evidence}");
    assert!(codes(line(&items, "lord")).contains(&"over-privileged"), "{}", line(&items, "lord"));
    let ci = codes(line(&items, "ci"));
    assert!(
        ci.contains(&"no-owner") && ci.contains(&"review-overdue") && ci.contains(&"never-used"),
        "{ci:?}"
    );
    let deploy = codes(line(&items, "deploy"));
    assert!(deploy.contains(&"from-anywhere") && deploy.contains(&"ends-soon"), "{deploy:?}");
    assert!(
        items.as_array().unwrap().iter().all(|line| line["name"] != "leaver"),
        "who is out has no access"
    );
    // Those that need a person come first.
    assert_eq!(items[0]["findings"][0]["weight"], "high");
    assert_eq!(site.get(&site.as_viewer().await, "/access-findings").await.status, 403);
    site.end().await;
}

#[tokio::test]
async fn a_review_is_decided_line_by_line_and_signed_as_a_whole() {
    let site = Site::new().await;
    let ghost = site.person("ghost", Role::Viewer).await;
    let lord = site.person("lord", Role::Operator).await;
    site.rig.clock.advance(DAY * 8);
    let admin = site.as_admin().await;
    let (begun, audit) = site.audited(site.post(&admin, "/reviews", json!({}))).await;
    assert_eq!(
        (begun.status, audit.len(), audit[0].action.as_str()),
        (200, 1, "review.begin"),
        "{:?}",
        begun.body
    );
    let begun = begun.json();
    let id = begun["review"]["id"].as_str().unwrap().to_owned();
    assert_eq!((&begun["review"]["lines"], &begun["review"]["state"]), (&json!(3), &json!("open")));
    let number = |name: &str| line(&begun["lines"], name)["number"].clone();
    let say = async |name: &str, decision: &str, role: &str, note: &str| {
        let input = json!({"number": number(name), "decision": decision, "role": role, "note": note});
        site.post(&admin, &format!("/reviews/{id}/lines"), input).await
    };
    let sign = json!({"note": "all looked at", "next_days": 90});
    let early = site.post(&admin, &format!("/reviews/{id}/sign"), sign.clone()).await;
    assert_eq!(early.status, 409, "{:?}", early.body);
    assert_eq!(say("ghost", "disable", "", "").await.status, 422, "say why");
    assert_eq!(say("admin", "disable", "", "me").await.status, 409, "one's own is for somebody else");
    assert_eq!(say("lord", "reduce", "admin", "more").await.status, 422, "more is not less");
    for (name, decision, role) in
        [("ghost", "disable", ""), ("lord", "reduce", "viewer"), ("admin", "keep", "")]
    {
        let (said, audit) = site.audited(say(name, decision, role, "as talked about")).await;
        assert_eq!((said.status, audit.len()), (200, 1), "{name} {:?}", said.body);
    }
    let (signed, audit) = site.audited(site.post(&admin, &format!("/reviews/{id}/sign"), sign.clone())).await;
    assert_eq!(signed.status, 200, "{:?}", signed.body);
    let signed = signed.json();
    assert_eq!(
        (&signed["review"]["state"], &signed["review"]["signed_by"]),
        (&json!("signed"), &json!("admin"))
    );
    assert!(signed["review"]["next_due_at"].is_string());
    let actions: Vec<_> = audit.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions.iter().filter(|action| **action == "review.sign").count(), 1, "{actions:?}");
    assert!(actions.contains(&"user.disable") && actions.contains(&"user.set_role"), "{actions:?}");
    assert!(site.rig.store.user(ghost).await.unwrap().unwrap().disabled.is_some());
    assert_eq!(site.rig.store.user(lord).await.unwrap().unwrap().role, "viewer");
    // Signed is signed.
    assert_eq!(site.post(&admin, &format!("/reviews/{id}/sign"), sign).await.status, 409);
    assert_eq!(say("lord", "keep", "", "on second thought").await.status, 409);
    let listed = site.get(&admin, "/reviews").await.json();
    assert_eq!(listed["items"][0]["decided"], 3);
    site.end().await;
}

#[tokio::test]
async fn nobody_keeps_himself_while_somebody_else_could_look() {
    let site = Site::new().await;
    let lord = site.person("lord", Role::Admin).await;
    let (admin, lord) = (site.as_admin().await, site.session_of(lord).await);
    let made = site.post(&lord, "/me/tokens", json!({"name": "hers", "scopes": [{"role": "viewer"}]})).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    let begun = site.post(&admin, "/reviews", json!({})).await.json();
    let path = format!("/reviews/{}/lines", begun["review"]["id"].as_str().unwrap());
    let keep = |name: &str| json!({"number": line(&begun["lines"], name)["number"], "decision": "keep", "note": "as talked about"});
    for own in ["lord", "hers"] {
        assert_eq!(site.post(&lord, &path, keep(own)).await.status, 409, "{own}");
        assert_eq!(site.post(&admin, &path, keep(own)).await.status, 200, "{own}");
    }
    assert_eq!(site.post(&lord, &path, keep("admin")).await.status, 200);
    site.end().await;
}

/// What takes a second person takes one in a review as well: the review is not signed over what was only asked for.
#[tokio::test]
async fn a_review_is_not_signed_over_what_was_not_done() {
    let site = Site::new().await;
    let lord = site.person("lord", Role::Admin).await;
    let honest = site.person("honest", Role::Admin).await;
    let (admin, honest) = (site.as_admin().await, site.session_of(honest).await);
    let begun = site.post(&admin, "/reviews", json!({})).await.json();
    let path = format!("/reviews/{}", begun["review"]["id"].as_str().unwrap());
    let number = |name: &str| line(&begun["lines"], name)["number"].clone();
    for (who, name, decision, role) in [
        (&admin, "lord", "reduce", "approver"),
        (&admin, "honest", "keep", ""),
        (&honest, "admin", "keep", ""),
    ] {
        let input =
            json!({"number": number(name), "decision": decision, "role": role, "note": "as talked about"});
        let said = site.post(who, &format!("{path}/lines"), input).await;
        assert_eq!(said.status, 200, "{name} {:?}", said.body);
    }
    let sign = json!({"note": "all looked at"});
    let early = site.post(&admin, &format!("{path}/sign"), sign.clone()).await;
    assert_eq!(early.status, 409, "{:?}", early.body);
    assert!(early.json()["detail"].as_str().unwrap().contains("agree"), "{:?}", early.body);
    assert_eq!(site.rig.store.user(lord).await.unwrap().unwrap().role, "admin");
    let open = site.get(&honest, "/approvals?open=true").await.json()["items"][0].clone();
    let agree = json!({"payload_sha256": open["payload_sha256"]});
    let done = site.post(&honest, &format!("/approvals/{}/agree", open["id"].as_str().unwrap()), agree).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    let signed = site.post(&admin, &format!("{path}/sign"), sign).await;
    assert_eq!(signed.status, 200, "{:?}", signed.body);
    assert_eq!(site.rig.store.user(lord).await.unwrap().unwrap().role, "approver");
    site.end().await;
}

/// Between deciding and signing the account was lowered further: signing does not raise it again.
#[tokio::test]
async fn signing_raises_nobody() {
    let site = Site::new().await;
    let lord = site.person("lord", Role::Admin).await;
    let admin = site.as_admin().await;
    let begun = site.post(&admin, "/reviews", json!({})).await.json();
    let path = format!("/reviews/{}", begun["review"]["id"].as_str().unwrap());
    for (name, decision, role) in [("lord", "reduce", "operator"), ("admin", "keep", "")] {
        let number = line(&begun["lines"], name)["number"].clone();
        let input = json!({"number": number, "decision": decision, "role": role, "note": "as talked about"});
        assert_eq!(site.post(&admin, &format!("{path}/lines"), input).await.status, 200);
    }
    let lower = json!({"role": "viewer", "reason": "x"});
    assert_eq!(site.post(&admin, &format!("/users/{lord}/role"), lower).await.status, 204);
    let signed = site.post(&admin, &format!("{path}/sign"), json!({"note": "all looked at"})).await;
    assert_eq!(signed.status, 200, "{:?}", signed.body);
    assert_eq!(site.rig.store.user(lord).await.unwrap().unwrap().role, "viewer");
    site.end().await;
}
