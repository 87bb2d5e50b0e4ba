//! One's own password and factors, and the fresh factor that dangerous acts ask for.

use std::time::Duration;

use serde_json::{Value, json};
use wk_authz::{Role, needs_fresh_factor};
use wk_engine::ports::Store;
use wk_identity::Totp;

use crate::signing::{Claimed, PASSWORD, claimed, first_step, second_step, totp};
use crate::site::*;

const OTHER: &str = "tulabe korinfa 93 quosel";

fn actions(audit: &[wk_engine::ports::rows::AuditRow]) -> Vec<(&str, &str)> {
    audit.iter().map(|row| (row.action.as_str(), row.outcome.as_str())).collect()
}

/// Another device of the same person.
async fn another_device(site: &Site, maria: &Claimed) -> Persona {
    site.rig.clock.advance(Duration::from_secs(30));
    let challenge = first_step(site, "maria", PASSWORD).await.json();
    let answer = second_step(site, &challenge, &maria.code(site)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    Persona::Session(answer.session())
}

async fn is_in(site: &Site, who: &Persona) -> bool {
    site.get(who, "/me").await.status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_changed_with_the_old_one_and_ends_the_other_sessions() {
    let (site, maria) = claimed().await;
    let other = another_device(&site, &maria).await;
    let change = |current: &str, password: &str| json!({"current": current, "password": password});

    let (wrong, audit) = site.audited(site.post(&maria.who, "/me/password", change("not it", OTHER))).await;
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["pointer"]), (422, &json!("/current")));
    assert_eq!(actions(&audit), [("user.change_password", "denied")]);
    assert!(!audit[0].entry_json.contains("not it") && !audit[0].entry_json.contains(OTHER));
    for (weak, why) in
        [("short", "short"), (PASSWORD, "the old one"), (&format!("{PASSWORD}8"), "nearly the old one")]
    {
        let refused = site.post(&maria.who, "/me/password", change(PASSWORD, weak)).await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (422, &json!("/password")),
            "{why}"
        );
    }
    assert!(is_in(&site, &other).await, "what is refused ends nothing");

    let (done, audit) = site.audited(site.post(&maria.who, "/me/password", change(PASSWORD, OTHER))).await;
    assert_eq!(
        (done.status, actions(&audit)),
        (204, vec![("user.change_password", "success"), ("session.end", "success")])
    );
    assert!(is_in(&site, &maria.who).await && !is_in(&site, &other).await);
    assert_eq!(first_step(&site, "maria", PASSWORD).await.status, 401);
    assert_eq!(first_step(&site, "maria", OTHER).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_authenticator_counts_once_it_is_confirmed() {
    let (site, maria) = claimed().await;
    let other = another_device(&site, &maria).await;
    let early = site.post(&maria.who, "/me/totp/finish", json!({"code": "123456"})).await;
    assert_eq!(early.status, 410);
    let setup = site.post(&maria.who, "/me/totp/begin", json!({})).await.json();
    assert!(setup["uri"].as_str().unwrap().starts_with("otpauth://totp/"));
    let new = totp(setup["secret"].as_str().unwrap());
    let old_code = maria.code(&site);
    let refused = site.post(&maria.who, "/me/totp/finish", json!({"code": old_code})).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/code")));
    assert!(is_in(&site, &other).await);

    let code = |totp: &Totp| totp.code_at(Totp::step_of(site.rig.now())).expose().clone();
    let (done, audit) =
        site.audited(site.post(&maria.who, "/me/totp/finish", json!({"code": code(&new)}))).await;
    assert_eq!(
        (done.status, audit[0].action.as_str()),
        (200, "user.change_authenticator"),
        "{:?}",
        done.body
    );
    assert!(!audit[0].entry_json.contains(setup["secret"].as_str().unwrap()));
    assert!(is_in(&site, &maria.who).await && !is_in(&site, &other).await);
    site.rig.clock.advance(Duration::from_secs(60));
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(&site, &challenge, &maria.code(&site)).await.status, 401, "the old one is void");
    assert_eq!(second_step(&site, &challenge, &code(&new)).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_recovery_codes_void_the_old_ones() {
    let (site, maria) = claimed().await;
    let other = another_device(&site, &maria).await;
    let left = async || site.get(&maria.who, "/me/factors").await.json()["recovery_codes_left"].clone();
    assert_eq!(left().await, 10);
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(&site, &challenge, &maria.recovery[0]).await.status, 200);
    assert_eq!(left().await, 9);

    let (made, audit) = site.audited(site.post(&maria.who, "/me/recovery-codes", json!({}))).await;
    let codes = made.json()["recovery_codes"].as_array().unwrap().clone();
    assert_eq!((codes.len(), audit[0].action.as_str()), (10, "user.new_recovery_codes"));
    assert!(
        audit.iter().all(|row| codes.iter().all(|code| !row.entry_json.contains(code.as_str().unwrap())))
    );
    assert_eq!(left().await, 10);
    assert!(!is_in(&site, &other).await);
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(&site, &challenge, &maria.recovery[1]).await.status, 401);
    assert_eq!(second_step(&site, &challenge, codes[0].as_str().unwrap()).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_not_enough_for_dangerous_acts() {
    let (site, maria) = claimed().await;
    let olga = site.person("olga", Role::Viewer).await;
    let disable = format!("/users/{olga}/disable");
    let why = json!({"reason": "left"});
    assert!(site.get(&maria.who, "/me/factors").await.json()["fresh_until"].is_string());
    site.rig.clock.advance(Duration::from_secs(10 * 60));
    assert_eq!(site.get(&maria.who, "/me/factors").await.json()["fresh_until"], Value::Null);

    let (refused, audit) = site.audited(site.post(&maria.who, &disable, why.clone())).await;
    assert_eq!((refused.status, &refused.json()["type"]), (403, &json!("/problems/elevate")));
    assert!(audit.is_empty());
    let mut asked = 0;
    for route in site.table.iter().filter(|route| needs_fresh_factor(route.action)) {
        let path = route.path.replace("{id}", "x");
        let answer = site.ask(&maria.who, route.method, &path, Some(&json!({}))).await;
        assert_eq!(answer.json()["type"], "/problems/elevate", "{} {path}", route.method);
        asked += 1;
    }
    assert!(asked >= 10, "{asked}");
    assert_eq!(site.get(&maria.who, "/users").await.status, 200, "reading asks for nothing");

    let wrong = site.post(&maria.who, "/me/elevate", json!({"code": "000000"})).await;
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["pointer"]), (422, &json!("/code")));
    let (risen, audit) =
        site.audited(site.post(&maria.who, "/me/elevate", json!({"code": maria.code(&site)}))).await;
    assert_eq!((risen.status, actions(&audit)), (200, vec![("session.elevate", "success")]));
    let cookie = risen.header("set-cookie").to_owned();
    for guard in ["; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(guard), "{cookie}");
    }
    let fresh = Persona::Session(risen.session());
    assert!(!is_in(&site, &maria.who).await, "what was overheard before is worth nothing");
    let again = site.post(&fresh, "/me/elevate", json!({"code": maria.code(&site)})).await;
    assert_eq!(again.status, 422, "each code works once");
    assert_eq!(site.post(&fresh, &disable, why).await.status, 204);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_wrong_codes_end_the_session_that_tries() {
    let (site, maria) = claimed().await;
    let other = another_device(&site, &maria).await;
    for n in 0..4 {
        if n == 3 {
            // Three codes for each step.
            site.rig.clock.advance(Duration::from_secs(30));
        }
        assert_eq!(site.post(&maria.who, "/me/elevate", json!({"code": "000000"})).await.status, 422);
    }
    let last = json!({"current": "guess", "password": OTHER});
    assert_eq!(site.post(&maria.who, "/me/password", last).await.status, 401);
    assert!(!is_in(&site, &maria.who).await && is_in(&site, &other).await);
    let users = site.get(&other, "/users").await.json();
    assert_eq!(users["items"][0]["failures"], 5, "they count as failed sign-ins");
    site.end().await;
}

/// Or whoever has many sessions would have five tries in each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_tried_in_sessions_are_counted_for_the_account_and_the_browser() {
    let (site, maria) = claimed().await;
    let owner = site.rig.store.user_by_name("maria").await.unwrap().unwrap().id;
    let wrong = async |who: &Persona| site.post(who, "/me/elevate", json!({"code": "000000"})).await;
    for _ in 0..3 {
        assert_eq!(wrong(&maria.who).await.status, 422);
    }
    let other = site.session_of(owner).await;
    let fourth = wrong(&other).await;
    assert_eq!(fourth.status, 429, "three for each step, in all sessions: {:?}", fourth.body);
    let Persona::Session(token) = &other else { panic!() };
    let at_home = Persona::Session(format!("{token}; __Host-dev={}", maria.device));
    assert_eq!(wrong(&at_home).await.status, 422, "the owner's browser has a count of its own");
    for _ in 0..9 {
        site.rig.clock.advance(Duration::from_secs(30));
        let thief = site.session_of(owner).await;
        for _ in 0..3 {
            assert_eq!(wrong(&thief).await.status, 422);
        }
    }
    site.rig.clock.advance(Duration::from_secs(30));
    let thief = site.session_of(owner).await;
    let right = site.post(&thief, "/me/elevate", json!({"code": maria.code(&site)})).await;
    assert_eq!(right.status, 429, "thirty a day");
    assert!(right.header("retry-after").parse::<u64>().unwrap() > 80_000);
    let Persona::Session(token) = &thief else { panic!() };
    let at_home = Persona::Session(format!("{token}; __Host-dev={}", maria.device));
    assert_eq!(site.post(&at_home, "/me/elevate", json!({"code": maria.code(&site)})).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_other_sessions_end_at_once_and_nobody_elses() {
    let (site, maria) = claimed().await;
    let (a, b) = (another_device(&site, &maria).await, another_device(&site, &maria).await);
    let olga = site.person("olga", Role::Viewer).await;
    let hers = site.session_of(olga).await;
    let (done, audit) = site.audited(site.delete(&b, "/me/sessions")).await;
    assert_eq!((done.status, actions(&audit)), (204, vec![("session.end", "success")]));
    assert!(!is_in(&site, &maria.who).await && !is_in(&site, &a).await);
    assert!(is_in(&site, &b).await && is_in(&site, &hers).await);
    let listed = site.get(&b, "/me/sessions").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_socket_has_no_password() {
    let site = Site::new().await;
    let local = site.as_local();
    assert_eq!(site.get(&local, "/me/factors").await.json()["totp"], false);
    for (path, body) in [
        ("/me/elevate", json!({"code": "123456"})),
        ("/me/password", json!({"current": "x", "password": OTHER})),
        ("/me/totp/begin", json!({})),
        ("/me/recovery-codes", json!({})),
    ] {
        let refused = site.post(&local, path, body).await;
        assert_eq!(refused.status, 409, "{path}");
        assert!(refused.json()["detail"].as_str().unwrap().contains("sign in"), "{path}");
    }
    site.end().await;
}
