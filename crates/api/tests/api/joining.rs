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
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": token})).await.status, 204);
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
