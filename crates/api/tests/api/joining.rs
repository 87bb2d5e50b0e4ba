//! How further people get in: invited by name and role, once; and what an administrator does about accounts.

use serde_json::json;
use wk_authz::Role;
use wk_engine::ports::Store;
use wk_identity::Totp;

use crate::signing::{PASSWORD, totp};
use crate::site::*;

#[tokio::test]
async fn an_invitation_makes_one_account_with_the_role_it_names() {
    let site = Site::new().await;
    let (admin, nobody) = (site.as_admin().await, site.as_nobody());
    let (made, audit) =
        site.audited(site.post(&admin, "/users", json!({"name": "Olga", "role": "operator"}))).await;
    assert_eq!(made.status, 200);
    assert_eq!(audit.iter().filter(|row| row.action == "user.invite").count(), 1);
    let path = made.json()["path"].as_str().unwrap().to_owned();
    let token = path.strip_prefix("/claim#").unwrap().to_owned();
    assert!(audit.iter().all(|row| !row.entry_json.contains(&token)), "the link is in no log");

    let begin = |name: &str| json!({"token": token, "name": name, "password": PASSWORD});
    let other = site.post(&nobody, "/claim/begin", begin("eve")).await;
    assert_eq!((other.status, &other.json()["errors"][0]["detail"]), (422, &json!("this link is for olga")));
    let setup = site.post(&nobody, "/claim/begin", begin("olga")).await.json();
    let code =
        totp(setup["secret"].as_str().unwrap()).code_at(Totp::step_of(site.rig.now())).expose().clone();
    let finish = json!({"token": token, "code": code});
    let done = site.post(&nobody, "/claim/finish", finish.clone()).await;
    assert_eq!((done.status, &done.json()["me"]["role"]), (200, &json!("operator")));
    let olga = Persona::Session(done.session());
    assert_eq!(site.get(&olga, "/me").await.json()["name"], "olga");
    assert_eq!(site.get(&olga, "/users").await.status, 403);
    for (path, body) in [
        ("/claim/check", json!({"token": token})),
        ("/claim/begin", begin("olga")),
        ("/claim/finish", finish),
    ] {
        assert_eq!(site.post(&nobody, path, body).await.status, 410, "{path}");
    }
    assert_eq!(site.post(&admin, "/users", json!({"name": "olga", "role": "viewer"})).await.status, 409);
    site.end().await;
}

#[tokio::test]
async fn an_invitation_ends_after_a_day_and_names_a_role_that_exists() {
    let site = Site::new().await;
    let (admin, nobody) = (site.as_admin().await, site.as_nobody());
    let refused = site.post(&admin, "/users", json!({"name": "olga", "role": "root"})).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/role")));
    let made = site.post(&admin, "/users", json!({"name": "olga", "role": "viewer"})).await.json();
    let token = made["path"].as_str().unwrap().strip_prefix("/claim#").unwrap().to_owned();
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": token})).await.status, 200);
    site.rig.clock.advance(std::time::Duration::from_secs(24 * 3600));
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": token})).await.status, 410);
    site.end().await;
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once_and_nobody_disables_themselves() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::Operator).await;
    let session = site.session_of(olga).await;
    assert_eq!(site.get(&session, "/me").await.status, 200);
    let why = json!({"reason": "left the company"});
    assert_eq!(
        site.post(&admin, &format!("/users/{olga}/disable"), json!({"reason": " "})).await.status,
        422
    );
    let (done, audit) = site.audited(site.post(&admin, &format!("/users/{olga}/disable"), why.clone())).await;
    assert_eq!(done.status, 204);
    assert!(audit.iter().any(|row| row.action == "user.disable"), "{audit:?}");
    assert_eq!(site.get(&session, "/me").await.status, 401);
    assert_eq!(site.post(&admin, &format!("/users/{olga}/enable"), why.clone()).await.status, 204);
    assert_eq!(site.get(&session, "/me").await.status, 401, "an ended session stays ended");
    let own = site.get(&admin, "/me").await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(site.post(&admin, &format!("/users/{own}/disable"), why).await.status, 409);
    site.end().await;
}

#[tokio::test]
async fn a_link_says_whom_it_is_for_and_a_newer_one_or_a_withdrawal_ends_it() {
    let site = Site::new().await;
    let (admin, nobody) = (site.as_admin().await, site.as_nobody());
    let invite = async || {
        let input = json!({"name": "olga", "display_name": "Olga O.", "role": "operator"});
        let made = site.post(&admin, "/users", input).await.json();
        made["path"].as_str().unwrap().strip_prefix("/claim#").unwrap().to_owned()
    };
    let check = async |token: &str| site.post(&nobody, "/claim/check", json!({"token": token})).await;
    let first = invite().await;
    let shown = check(&first).await.json();
    assert_eq!((&shown["kind"], &shown["name"]), (&json!("invitation"), &json!("olga")));
    assert_eq!((&shown["display_name"], &shown["role"]), (&json!("Olga O."), &json!("operator")));
    let second = invite().await;
    assert_eq!((check(&first).await.status, check(&second).await.status), (410, 200));
    let listed = site.get(&admin, "/invitations").await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(&second), "the link is shown once");
    let listed = listed.json()["items"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["name"], &listed[0]["created_by"]), (&json!("olga"), &json!("admin")));
    let path = format!("/invitations/{}", listed[0]["id"].as_str().unwrap());
    let (done, audit) = site.audited(site.delete(&admin, &path)).await;
    assert_eq!((done.status, audit.len(), audit[0].action.as_str()), (204, 1, "user.withdraw_link"));
    assert_eq!((check(&second).await.status, site.delete(&admin, &path).await.status), (410, 404));
    assert_eq!(site.get(&admin, "/invitations").await.json()["items"], json!([]));

    let third = invite().await;
    site.rig.clock.advance(std::time::Duration::from_secs(24 * 3600));
    assert_eq!(check(&third).await.status, 410);
    let local = site.as_local();
    assert_eq!(site.get(&local, "/invitations").await.json()["items"][0]["expired"], true);
    site.end().await;
}

#[tokio::test]
async fn another_role_ends_the_sessions_of_before_and_the_last_administrator_stays_one() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::Viewer).await;
    let session = site.session_of(olga).await;
    assert_eq!(site.get(&session, "/users").await.status, 403);
    let role = |name: &str| json!({"role": name, "reason": "on duty"});
    let path = format!("/users/{olga}/role");
    assert_eq!(site.post(&admin, &path, role("root")).await.status, 422);
    assert_eq!(site.post(&admin, &path, role("viewer")).await.status, 422, "she is one already");
    let (done, audit) = site.audited(site.post(&admin, &path, role("admin"))).await;
    let actions: Vec<_> = audit.iter().map(|row| row.action.as_str()).collect();
    assert_eq!((done.status, actions), (204, vec!["user.set_role", "session.end"]));
    assert!(audit[0].entry_json.contains("viewer") && audit[0].entry_json.contains("on duty"));
    assert_eq!(site.get(&session, "/users").await.status, 401, "within one request");
    let session = site.session_of(olga).await;
    assert_eq!(site.get(&session, "/users").await.status, 200);

    let own = site.get(&admin, "/me").await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(site.post(&admin, &format!("/users/{own}/role"), role("viewer")).await.status, 409);
    assert_eq!(site.post(&session, &format!("/users/{own}/role"), role("viewer")).await.status, 204);
    // Now she is the last, and not even the machine's own right takes that away.
    let local = site.as_local();
    for (path, body) in [(path.clone(), role("operator")), (format!("/users/{olga}/disable"), role("x"))] {
        let body = if path.ends_with("disable") { json!({"reason": "x"}) } else { body };
        let (refused, audit) = site.audited(site.post(&local, &path, body)).await;
        assert_eq!(refused.status, 409, "{path}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("last administrator"), "{detail}");
        assert!(audit.is_empty(), "what did not happen is not in the log as done");
    }
    assert_eq!(site.get(&session, "/users").await.status, 200, "her session goes on");
    site.end().await;
}

#[tokio::test]
async fn reset_factors_open_nothing_until_the_link_is_used() {
    let (site, maria) = crate::signing::claimed().await;
    let nobody = site.as_nobody();
    // Two administrators would have to agree; the machine itself asks nobody.
    let admin = site.as_local();
    let id = site.get(&maria.who, "/me").await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/users/{id}/reset");
    let (made, audit) = site.audited(site.post(&admin, &path, json!({"reason": "lost the phone"}))).await;
    assert_eq!((made.status, audit.len()), (200, 2));
    assert_eq!(audit[0].action, "user.reset_factors");
    assert_eq!(site.get(&maria.who, "/me").await.status, 401, "sessions end at once");
    let refused = crate::signing::first_step(&site, "maria", PASSWORD).await;
    assert_eq!(refused.status, 401, "the old password is no good");
    let users = site.get(&admin, "/users").await.json();
    let row = users["items"].as_array().unwrap().iter().find(|user| user["name"] == "maria").unwrap().clone();
    assert_eq!((&row["awaits_factors"], &row["factors"]), (&json!(true), &json!([])));

    let token = made.json()["path"].as_str().unwrap().strip_prefix("/claim#").unwrap().to_owned();
    let shown = site.post(&nobody, "/claim/check", json!({"token": token})).await.json();
    assert_eq!((&shown["kind"], &shown["name"]), (&json!("reset"), &json!("maria")));
    let chosen = "tulabe korinfa 93 quosel";
    let begin = json!({"token": token, "name": "maria", "password": chosen});
    let setup = site.post(&nobody, "/claim/begin", begin).await.json();
    let new = totp(setup["secret"].as_str().unwrap());
    let code = new.code_at(Totp::step_of(site.rig.now())).expose().clone();
    let (done, audit) =
        site.audited(site.post(&nobody, "/claim/finish", json!({"token": token, "code": code}))).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert!(audit.iter().any(|row| row.action == "user.choose_factors"));
    let me = &done.json()["me"];
    assert_eq!((&me["id"], &me["role"]), (&json!(id), &json!("admin")), "the same account, the same role");
    assert_eq!(site.rig.store.users().await.unwrap().len(), 1, "maria, and nobody new");
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": token})).await.status, 410);
    assert_eq!(crate::signing::first_step(&site, "maria", chosen).await.status, 200);
    assert_eq!(crate::signing::first_step(&site, "maria", PASSWORD).await.status, 401);
    site.end().await;
}

#[tokio::test]
async fn a_closed_account_is_reopened_by_an_administrator() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::Viewer).await;
    let audit =
        wk_engine::record::draft(&wk_authz::Actor::system(), site.rig.now(), "session.open", "user", olga);
    site.rig.store.set_failures(olga, 100, audit).await.unwrap();
    let listed = site.get(&admin, "/users").await.json();
    let row = listed["items"].as_array().unwrap().iter().find(|user| user["name"] == "olga").unwrap().clone();
    assert_eq!((&row["closed"], &row["failures"]), (&json!(true), &json!(100)));
    let why = json!({"reason": "it was her own typing"});
    assert_eq!(site.post(&admin, &format!("/users/{olga}/reopen"), why).await.status, 204);
    assert_eq!(site.rig.store.user(olga).await.unwrap().unwrap().failures, 0);
    site.end().await;
}

#[tokio::test]
async fn nobody_is_invited_before_the_server_has_an_administrator() {
    let site = Site::unclaimed().await;
    let refused = site.post(&site.as_local(), "/users", json!({"name": "olga", "role": "viewer"})).await;
    assert_eq!(refused.status, 409);
    assert_eq!(site.get(&site.as_nobody(), "/meta").await.json()["claimed"], false);
    site.end().await;
}
