//! Rules for passwords as people meet them: set by an administrator, seen while typing, asked for at sign-in; browsers
//! that are known; what happens when many sign-ins fail.

use std::time::Duration;

use serde_json::{Value, json};
use wk_authz::Role;
use wk_engine::ports::rows::UserRow;
use wk_engine::ports::{PasswordStore, Store};
use wk_identity::{
    BlocklistFormat, HashCost, Password, Peppers, Totp, hash_password, import_blocklist, solve_puzzle,
};

use crate::signing::{Claimed, PASSWORD, claimed, first_step, second_step, totp};
use crate::site::*;

const OTHER: &str = "tulabe korinfa 93 quosel";
const DAY: Duration = Duration::from_secs(86_400);

/// A request from a browser that carries this cookie.
pub(crate) async fn from_browser(site: &Site, device: &str, path: &str, body: Value) -> Answer {
    let mut request = site.request(&site.as_nobody(), "post", &format!("/api/v1{path}"), Some(&body));
    request.headers_mut().insert("cookie", format!("__Host-dev={device}").parse().unwrap());
    site.send(request).await
}

/// Signs in with both factors, at a step of the authenticator's own.
pub(crate) async fn sign_in(site: &Site, maria: &Claimed, password: &str) -> Answer {
    site.rig.clock.advance(Duration::from_secs(30));
    let challenge = first_step(site, "maria", password).await;
    assert_eq!(challenge.status, 200, "{:?}", challenge.body);
    let done = second_step(site, &challenge.json(), &maria.code(site)).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    done
}

async fn elevated(site: &Site) -> Persona {
    let maria = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    site.session_of(maria.id).await
}

async fn put_policy(site: &Site, scope: &str, profile: &str, knobs: Value) -> Answer {
    let who = elevated(site).await;
    site.put(&who, "/policies/password", json!({"scope": scope, "profile": profile, "knobs": knobs})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_set_within_its_profile_and_what_it_forbids_is_refused_with_the_clause() {
    let (site, maria) = claimed().await;
    let shown = site.get(&maria.who, "/policies/password").await.json();
    assert_eq!(
        (&shown["policies"][0]["scope"], &shown["policies"][0]["profile"]),
        (&json!("default"), &json!("nist"))
    );
    assert_eq!(shown["profiles"].as_array().unwrap().len(), 4);
    assert_eq!(shown["policies"][0]["values"]["chars_min"], 12);
    assert_eq!(shown["policies"][0]["values"]["age_max_days"], Value::Null);

    let refused = put_policy(&site, "default", "pci-dss-4", json!({"chars_min": 8, "history": 2})).await;
    assert_eq!(refused.status, 422);
    let errors = refused.json()["errors"].clone();
    assert_eq!(errors[0]["pointer"], "/knobs/chars_min");
    assert_eq!(errors[0]["detail"], "PCI DSS 4.0.1 8.3.6 does not allow 8 here: it allows 12 to 64");
    assert!(errors[1]["detail"].as_str().unwrap().starts_with("PCI DSS 4.0.1 8.3.7"), "{errors}");
    for (scope, profile, knobs, pointer) in [
        ("default", "own", json!({}), "/profile"),
        ("everybody", "nist", json!({}), "/scope"),
        ("role:king", "nist", json!({}), "/scope"),
        ("default", "nist", json!({"classes": 1}), "/knobs/classes"),
        ("default", "nist", json!({"blocklist": 0}), "/knobs/blocklist"),
        ("default", "classic", json!({"length": 9}), "/knobs/length"),
        ("default", "classic", json!({"history": 99999}), "/knobs/history"),
    ] {
        let refused = put_policy(&site, scope, profile, knobs).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!(pointer)));
    }
    let (set, audit) =
        site.audited(put_policy(&site, "default", "pci-dss-4", json!({"chars_min": 14}))).await;
    assert_eq!((set.status, &set.json()["values"]["chars_min"]), (200, &json!(14)), "{:?}", set.body);
    assert!(audit.iter().any(|row| row.action == "password_policy.set"));
    let operator = site.as_operator().await;
    assert_eq!(site.get(&operator, "/policies/password").await.status, 403);
    let input = json!({"scope": "default", "profile": "nist"});
    assert_eq!(site.put(&operator, "/policies/password", input.clone()).await.status, 403);
    let who = elevated(&site).await;
    let removed = site.post(&who, "/policies/password/remove", json!({"scope": "default"})).await;
    assert_eq!(removed.status, 204);
    let shown = site.get(&maria.who, "/policies/password").await.json();
    assert_eq!(shown["policies"][0]["profile"], "nist");
    assert_eq!(site.post(&who, "/policies/password/remove", json!({"scope": "default"})).await.status, 404);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_strictest_of_everybodys_and_a_roles_rules_hold_while_typing_and_when_it_is_set() {
    let (site, maria) = claimed().await;
    assert_eq!(put_policy(&site, "role:admin", "classic", json!({"classes": 4})).await.status, 200);
    let typed = json!({"password": OTHER});
    let own = site.post(&maria.who, "/password/check", typed.clone()).await.json();
    assert_eq!(own["accepted"], false);
    let rule = own["rules"].as_array().unwrap().iter().find(|rule| rule["code"] == "classes").unwrap();
    assert_eq!(rule["met"], false);
    assert!(rule["why"].as_str().unwrap().contains("use 4"), "{rule}");
    assert!(
        own["policy"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().starts_with("4 of these"))
    );
    let strangers = site.post(&site.as_nobody(), "/password/check", typed).await.json();
    assert_eq!(strangers["accepted"], true, "the rule is the administrators': {strangers}");

    let change = |password: &str| json!({"current": PASSWORD, "password": password});
    let refused = site.post(&maria.who, "/me/password", change(OTHER)).await;
    assert_eq!(refused.status, 422);
    let done = site.post(&maria.who, "/me/password", change("Tulabe! korinfa 93 quosel")).await;
    assert_eq!(done.status, 204, "{:?}", done.body);

    // Whoever is invited as an administrator chooses by the same rules, and sees them before.
    let admin = elevated(&site).await;
    let made = site.post(&admin, "/users", json!({"name": "ada", "role": "admin"})).await.json();
    let token = made["path"].as_str().unwrap().strip_prefix("/claim#").unwrap().to_owned();
    let typed = json!({"password": OTHER, "token": token});
    assert_eq!(site.post(&site.as_nobody(), "/password/check", typed).await.json()["accepted"], false);
    let begin = |password: &str| json!({"token": token, "name": "ada", "password": password});
    assert_eq!(site.post(&site.as_nobody(), "/claim/begin", begin(OTHER)).await.status, 422);
    let good = site.post(&site.as_nobody(), "/claim/begin", begin("Morvaden, 4 listige Kranich")).await;
    assert_eq!(good.status, 200, "{:?}", good.body);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn former_passwords_do_not_come_back() {
    let (site, maria) = claimed().await;
    assert_eq!(put_policy(&site, "default", "classic", json!({"history": 2})).await.status, 200);
    let change = |current: &str, password: &str| json!({"current": current, "password": password});
    let third = "morvaden listig 58 kranich";
    assert_eq!(site.post(&maria.who, "/me/password", change(PASSWORD, OTHER)).await.status, 204);
    let back = site.post(&maria.who, "/me/password", change(OTHER, PASSWORD)).await;
    assert_eq!(back.status, 422);
    assert!(back.json()["errors"][0]["detail"].as_str().unwrap().contains("before"), "{:?}", back.body);
    assert_eq!(site.post(&maria.who, "/me/password", change(OTHER, third)).await.status, 204);
    assert_eq!(site.post(&maria.who, "/me/password", change(third, PASSWORD)).await.status, 422);
    let fourth = "gostempira 20 dulovek wint";
    assert_eq!(site.post(&maria.who, "/me/password", change(third, fourth)).await.status, 204);
    let done = site.post(&maria.who, "/me/password", change(fourth, PASSWORD)).await;
    assert_eq!(done.status, 204, "two are kept, and this one is older: {:?}", done.body);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_too_old_opens_nothing_but_its_own_change() {
    let (site, maria) = claimed().await;
    let knobs = json!({"age_max_days": 30, "age_min_days": 2});
    assert_eq!(put_policy(&site, "default", "classic", knobs).await.status, 200);
    let change = |current: &str, password: &str| json!({"current": current, "password": password});
    let early = site.post(&maria.who, "/me/password", change(PASSWORD, OTHER)).await;
    assert_eq!(early.status, 409, "kept for two days: {:?}", early.body);
    let policy = site.get(&maria.who, "/me/policy").await.json();
    assert!(policy["ends_at"].is_string() && policy["must_change"].is_null(), "{policy}");

    site.rig.clock.advance(DAY * 30);
    let done = sign_in(&site, &maria, PASSWORD).await;
    let who = Persona::Session(done.session());
    assert_eq!(done.json()["must_change_password"], "It is older than 30 days.");
    for path in ["/hosts", "/me/sessions", "/policies/password", "/users", "/overview"] {
        let answer = site.get(&who, path).await;
        assert_eq!(
            (answer.status, &answer.json()["type"]),
            (403, &json!("/problems/must-change-password")),
            "{path}"
        );
    }
    assert_eq!(site.post(&who, "/me/recovery-codes", json!({})).await.status, 403);
    assert_eq!(site.get(&who, "/me").await.status, 200);
    let changed = site.post(&who, "/me/password", change(PASSWORD, OTHER)).await;
    assert_eq!(changed.status, 204, "{:?}", changed.body);
    assert_eq!(site.get(&who, "/hosts").await.status, 200);
    assert!(site.get(&who, "/me").await.json()["must_change_password"].is_null());
    let again = sign_in(&site, &maria, OTHER).await;
    assert!(again.json()["must_change_password"].is_null());
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_became_stricter_are_asked_for_at_the_next_sign_in() {
    let (site, maria) = claimed().await;
    let input = json!({"scope": "default", "profile": "classic", "knobs": {"chars_min": 40}});
    let preview = site.post(&maria.who, "/policies/password/preview", input).await.json();
    assert_eq!(
        (&preview["accounts"], &preview["must_change"], &preview["may_change"]),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(put_policy(&site, "default", "classic", json!({"chars_min": 40})).await.status, 200);
    assert_eq!(site.get(&maria.who, "/hosts").await.status, 200, "a session goes on");
    let done = sign_in(&site, &maria, PASSWORD).await;
    assert_eq!(done.json()["must_change_password"], "It has 25 characters; use at least 40.");
    // Not forgotten by a restart: the store knows.
    let facts = site.rig.store.password_facts().await.unwrap();
    assert!(facts.iter().any(|fact| fact.must_change.is_some()));
    let gone = site.get(&maria.who, "/hosts").await;
    assert_eq!(gone.status, 403, "her other sessions are held back, too");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_asks_for_another_password_and_never_knows_one() {
    let (site, maria) = claimed().await;
    let admin = site.as_admin().await;
    let id = site.rig.store.user_by_name("maria").await.unwrap().unwrap().id;
    let why = json!({"reason": "it was on a list"});
    let (done, audit) = site.audited(site.post(&admin, &format!("/users/{id}/require-change"), why)).await;
    assert_eq!(done.status, 204, "{:?}", done.body);
    assert!(audit.iter().any(|row| row.action == "user.require_change"));
    assert_eq!(site.get(&maria.who, "/me").await.status, 401, "sessions end");
    let done = sign_in(&site, &maria, PASSWORD).await;
    assert!(done.json()["must_change_password"].as_str().unwrap().contains("administrator"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_live_as_long_as_the_policy_says() {
    let (site, maria) = claimed().await;
    let olga = site.person("olga", Role::Operator).await;
    let session = site.session_of(olga).await;
    assert_eq!(put_policy(&site, "role:operator", "classic", json!({"idle_minutes": 5})).await.status, 200);
    site.rig.clock.advance(Duration::from_secs(299));
    assert_eq!(site.get(&session, "/me").await.status, 200);
    site.rig.clock.advance(Duration::from_secs(301));
    assert_eq!(site.get(&session, "/me").await.status, 401);
    assert_eq!(site.get(&maria.who, "/me").await.status, 200, "fifteen minutes for everybody else");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breached_password_is_refused_from_the_moment_its_list_is_in_place() {
    let (site, maria) = claimed().await;
    let typed = json!({"password": OTHER});
    assert_eq!(site.post(&maria.who, "/password/check", typed.clone()).await.json()["accepted"], true);
    let path = site.rig.dir.path().join(wk_api::BLOCKLIST_FILE);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let words = format!("{OTHER}\n{PASSWORD}\n");
    import_blocklist(words.as_bytes(), BlocklistFormat::Words, &path, |_| {}).unwrap();
    // The server looks every few seconds, by a clock that no test moves.
    let mut verdict = json!({"accepted": true});
    for _ in 0..60 {
        verdict = site.post(&maria.who, "/password/check", typed.clone()).await.json();
        if verdict["accepted"] == false {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let rules = verdict["rules"].as_array().expect("rules");
    assert!(rules.iter().any(|rule| rule["code"] == "breached" && rule["met"] == false), "{verdict}");
    assert_eq!(site.get(&maria.who, "/policies/password").await.json()["blocklist_entries"], 2);
    let refused =
        site.post(&maria.who, "/me/password", json!({"current": PASSWORD, "password": OTHER})).await;
    assert_eq!(refused.status, 422);
    let done = sign_in(&site, &maria, PASSWORD).await;
    assert!(
        done.json()["must_change_password"].as_str().unwrap().contains("stolen"),
        "evidence of compromise"
    );
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hash_of_another_day_is_made_anew_when_its_password_was_right() {
    let (site, maria) = claimed().await;
    // As it was made before the pepper was changed.
    let before = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    let peppers = Peppers::new(site.old_pepper.clone(), Vec::new());
    let phc = hash_password(&Password::parse(PASSWORD).unwrap(), &peppers, HashCost::FLOOR).unwrap();
    let audit = wk_engine::record::draft(&wk_authz::Actor::system(), site.rig.now(), "test", "user", "maria");
    assert!(site.rig.store.upgrade_password(before.id, &before.password_phc, &phc, audit).await.unwrap());
    assert_eq!(first_step(&site, "maria", "not the password at all").await.status, 401);
    let kept = || async { site.rig.store.user_by_name("maria").await.unwrap().unwrap().password_phc };
    assert_eq!(kept().await, phc);
    let (_, audit) = site.audited(sign_in(&site, &maria, PASSWORD)).await;
    let anew = kept().await;
    assert_ne!(anew, phc);
    let entry = audit.iter().find(|row| row.action == "user.upgrade_hash").expect("it is written down");
    assert!(!entry.entry_json.contains("argon2id"), "and no hash with it");
    sign_in(&site, &maria, PASSWORD).await;
    assert_eq!(kept().await, anew, "once");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sees_ones_known_browsers_and_removes_one() {
    let (site, maria) = claimed().await;
    let mut request = site.request(&maria.who, "get", "/api/v1/me/browsers", None);
    let Persona::Session(session) = &maria.who else { panic!("a session") };
    let cookies = format!("__Host-sid={session}; __Host-dev={}", maria.device);
    request.headers_mut().insert("cookie", cookies.parse().unwrap());
    let shown = site.send(request).await.json();
    assert_eq!((shown["items"].as_array().unwrap().len(), &shown["items"][0]["current"]), (1, &json!(true)));
    // Signing in again from it is the same browser; from elsewhere it is another.
    site.rig.clock.advance(Duration::from_secs(30));
    let step =
        from_browser(&site, &maria.device, "/session", json!({"name": "maria", "password": PASSWORD})).await;
    let body = json!({"challenge": step.json()["challenge"], "code": maria.code(&site)});
    let same = from_browser(&site, &maria.device, "/session/factor", body).await;
    let device = same.cookie("__Host-dev");
    let other = sign_in(&site, &maria, PASSWORD).await;
    let who = Persona::Session(other.session());
    let items = site.get(&who, "/me/browsers").await.json()["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 2);
    // Its old cookie is nobody's, its new one is known until it is removed.
    let wrong = json!({"name": "maria", "password": "not the password at all"});
    for _ in 0..6 {
        assert_eq!(from_browser(&site, &device, "/session", wrong.clone()).await.status, 401);
    }
    let first = items[1]["id"].as_str().unwrap();
    let stranger = site.as_operator().await;
    assert_eq!(site.delete(&stranger, &format!("/me/browsers/{first}")).await.status, 404);
    let (gone, audit) = site.audited(site.delete(&who, &format!("/me/browsers/{first}"))).await;
    assert_eq!(gone.status, 204);
    assert!(audit.iter().any(|row| row.action == "browser.forget"));
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(from_browser(&site, &device, "/session", wrong.clone()).await.status);
    }
    assert!(statuses.contains(&429), "a stranger from now on: {statuses:?}");
    assert_eq!(
        site.get(&who, "/me").await.status,
        200,
        "the session of the removed browser is another matter"
    );
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_failures_make_a_known_browser_a_stranger_for_good() {
    let (site, maria) = claimed().await;
    let wrong = json!({"name": "maria", "password": "not the password at all"});
    for _ in 0..10 {
        assert_eq!(from_browser(&site, &maria.device, "/session", wrong.clone()).await.status, 401);
    }
    let id = site.rig.store.user_by_name("maria").await.unwrap().unwrap().id;
    assert!(site.rig.store.browsers(id).await.unwrap().is_empty(), "also after a restart");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pci_policy_closes_the_password_of_strangers_for_half_an_hour_and_a_strict_one_that_of_all() {
    let (site, maria) = claimed().await;
    let wrong = |name: &str| json!({"name": name, "password": "not the password at all"});
    let right = json!({"name": "maria", "password": PASSWORD});
    assert_eq!(put_policy(&site, "default", "pci-dss-4", json!({})).await.status, 200);
    for name in ["maria", "nobody-at-all"] {
        for _ in 0..10 {
            assert_eq!(site.post(&site.as_nobody(), "/session", wrong(name)).await.status, 401);
            site.rig.clock.advance(Duration::from_secs(120));
        }
        let closed = site.post(&site.as_nobody(), "/session", wrong(name)).await;
        assert_eq!(closed.status, 429, "{name}");
        let wait: u64 = closed.header("retry-after").parse().unwrap();
        assert!((1600..=1800).contains(&wait), "{name}: {wait}");
    }
    assert_eq!(first_step(&site, "maria", PASSWORD).await.status, 429, "not even with the right one");
    assert_eq!(from_browser(&site, &maria.device, "/session", right.clone()).await.status, 200);
    assert_eq!(put_policy(&site, "default", "pci-strict", json!({})).await.status, 200);
    assert_eq!(from_browser(&site, &maria.device, "/session", right.clone()).await.status, 429);
    site.rig.clock.advance(Duration::from_secs(1800));
    assert_eq!(from_browser(&site, &maria.device, "/session", right).await.status, 200);
    site.end().await;
}

/// Fails often enough for an attack to be seen: under names of their own, so that no delay of an account hides the tries.
async fn attack(site: &Site) {
    for n in 0..1100 {
        // The source's own limit does not matter here; time that passes lifts it.
        if n % 19 == 0 {
            site.rig.clock.advance(Duration::from_millis(5100));
        }
        let body = json!({"name": format!("user{n}"), "password": "x"});
        let answer = from_far(site, n, body).await;
        if answer.status == 428 {
            return;
        }
    }
    panic!("eleven hundred failures were no attack");
}

/// A try from an address of its own.
async fn from_far(site: &Site, n: u32, body: Value) -> Answer {
    let request = site.request(&site.as_nobody(), "post", "/api/v1/session", Some(&body));
    crate::botnet::send_from(site, crate::botnet::address(n), request).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_many_sign_ins_fail_strangers_work_for_each_try_and_known_browsers_do_not() {
    let (site, maria) = claimed().await;
    attack(&site).await;
    let right = json!({"name": "maria", "password": PASSWORD});
    let known = from_browser(&site, &maria.device, "/session", right.clone()).await;
    assert_eq!(known.status, 200, "{:?}", known.body);
    let asked = site.post(&site.as_nobody(), "/session", right.clone()).await;
    assert_eq!((asked.status, &asked.json()["type"]), (428, &json!("/problems/puzzle")));
    let (bits, puzzle) = asked.header("x-puzzle").split_once(" puzzle=").unwrap();
    let (bits, puzzle) = (bits.strip_prefix("bits=").unwrap().parse().unwrap(), puzzle.to_owned());
    assert_eq!(bits, 18);
    let with = |puzzle: &str, solution: u64| json!({"name": "maria", "password": PASSWORD, "puzzle": puzzle, "solution": solution});
    let solution = solve_puzzle(&puzzle, bits);
    assert_eq!(site.post(&site.as_nobody(), "/session", with(&puzzle, solution + 1)).await.status, 428);
    let elsewhere = from_far(&site, 77_777, with(&puzzle, solution)).await;
    assert_eq!(elsewhere.status, 428, "it was given to another source");
    let solved = site.post(&site.as_nobody(), "/session", with(&puzzle, solution)).await;
    assert_eq!(solved.status, 200, "{:?}", solved.body);
    let again = site.post(&site.as_nobody(), "/session", with(&puzzle, solution)).await;
    assert_eq!(again.status, 428, "each counts once");

    let who = elevated(&site).await;
    let me = site.get(&who, "/me").await.json();
    assert!(me["sign_in_attack_until"].is_string(), "whoever looks after the server sees it: {me}");
    let audit = site.rig.audit().await;
    assert_eq!(audit.iter().filter(|row| row.action == "sign_in.attack").count(), 1);
    site.rig.clock.advance(Duration::from_secs(601));
    assert_eq!(site.post(&site.as_nobody(), "/session", right).await.status, 200, "it ends by itself");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_made_three_times_an_hour_for_one_person() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::Operator).await;
    let why = json!({"reason": "lost the telephone"});
    for _ in 0..3 {
        assert_eq!(site.post(&admin, &format!("/users/{olga}/reset"), why.clone()).await.status, 200);
    }
    let refused = site.post(&admin, &format!("/users/{olga}/reset"), why.clone()).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 3000);
    site.rig.clock.advance(Duration::from_secs(3600));
    let admin = site.as_admin().await;
    assert_eq!(site.post(&admin, &format!("/users/{olga}/reset"), why).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_link_works_once_and_brings_no_former_password_back() {
    let (site, maria) = claimed().await;
    // At the machine: elsewhere a second person has to agree.
    let admin = site.as_local();
    let row = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    let why = json!({"reason": "she asked"});
    let made = site.post(&admin, &format!("/users/{}/reset", row.id), why).await.json();
    assert!(made.get("password").is_none(), "whoever resets never knows one");
    let token = made["path"].as_str().unwrap().strip_prefix("/claim#").unwrap().to_owned();
    assert_eq!(first_step(&site, "maria", PASSWORD).await.status, 401);
    let nobody = site.as_nobody();
    let begin = |password: &str| json!({"token": token, "name": "maria", "password": password});
    let back = site.post(&nobody, "/claim/begin", begin(PASSWORD)).await;
    assert_eq!(back.status, 422, "{:?}", back.body);
    let setup = site.post(&nobody, "/claim/begin", begin(OTHER)).await.json();
    let totp = totp(setup["secret"].as_str().unwrap());
    let code = totp.code_at(Totp::step_of(site.rig.now())).expose().clone();
    let finish = json!({"token": token, "code": code});
    let done = site.post(&nobody, "/claim/finish", finish.clone()).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert_eq!(site.post(&nobody, "/claim/finish", finish).await.status, 410, "once");
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": token})).await.status, 410);
    // The browser that was known before is a stranger: its owner's factors are others now.
    let browsers = site.rig.store.browsers(row.id).await.unwrap();
    assert_eq!(browsers.len(), 1, "only the one that used the link");
    let _ = maria;
    site.end().await;
}

/// A session that an attacker knows from before never becomes the one somebody signs in with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_was_planted_is_never_the_one_signed_in_with() {
    let (site, maria) = claimed().await;
    site.rig.clock.advance(Duration::from_secs(30));
    let planted = "A".repeat(43);
    let send = async |path: &str, body: Value| {
        let mut request = site.request(&site.as_nobody(), "post", &format!("/api/v1{path}"), Some(&body));
        request.headers_mut().insert("cookie", format!("__Host-sid={planted}").parse().unwrap());
        site.send(request).await
    };
    let step = send("/session", json!({"name": "maria", "password": PASSWORD})).await;
    let body = json!({"challenge": step.json()["challenge"], "code": maria.code(&site)});
    let done = send("/session/factor", body).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert_ne!(done.session(), planted);
    assert_eq!(site.get(&Persona::Session(planted.clone()), "/me").await.status, 401);
    // The half-done sign-in is no session either.
    let challenge = step.json()["challenge"].as_str().unwrap().to_owned();
    assert_eq!(site.get(&Persona::Session(challenge), "/me").await.status, 401);
    // A good session that somebody else planted is not made theirs: signing in makes another one.
    let olga = site.person("olga", Role::Viewer).await;
    let Persona::Session(olgas) = site.session_of(olga).await else { panic!("a session") };
    site.rig.clock.advance(Duration::from_secs(30));
    let mut request = site.request(
        &site.as_nobody(),
        "post",
        "/api/v1/session",
        Some(&json!({"name": "maria", "password": PASSWORD})),
    );
    request.headers_mut().insert("cookie", format!("__Host-sid={olgas}").parse().unwrap());
    let step = site.send(request).await;
    let done = second_step(&site, &step.json(), &maria.code(&site)).await;
    assert_ne!(done.session(), olgas);
    assert_eq!(site.get(&Persona::Session(olgas), "/me").await.json()["name"], "olga");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_must_enrol_a_factor_changes_an_outgrown_password_after_it() {
    let (site, maria) = claimed().await;
    assert_eq!(put_policy(&site, "default", "nist", json!({"chars_min": 30})).await.status, 200);
    assert_eq!(site.delete(&maria.who, "/me/totp").await.status, 204);
    site.rig.clock.advance(Duration::from_secs(24 * 60 * 60));
    let offer = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(offer["factors"], json!(["enrol"]));
    let inside =
        site.post(&site.as_nobody(), "/session/enrol", json!({"challenge": offer["challenge"]})).await;
    let me = inside.json();
    assert!(me["must_enrol"] == true && me["must_change_password"].is_string(), "{me}");
    let bare = Persona::Session(inside.session());
    assert_eq!(site.get(&bare, "/me/sessions").await.json()["type"], "/problems/must-change-password");
    let setup = site.post(&bare, "/me/totp/begin", json!({})).await;
    assert_eq!(setup.status, 200, "the factor comes first: {:?}", setup.body);
    let new = crate::signing::totp(setup.json()["secret"].as_str().unwrap());
    let code = new.code_at(wk_identity::Totp::step_of(site.rig.now())).expose().clone();
    let done = site.post(&bare, "/me/totp/finish", json!({"code": code})).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    let whole = Persona::Session(done.session());
    assert_eq!(site.get(&whole, "/hosts").await.json()["type"], "/problems/must-change-password");
    site.end().await;
}

// Times ---------------------------------------------------------------------------------------------------------------

/// How long answers take must not tell what was wrong. Each sample is a whole request; the kinds take turns, so that what
/// else the machine does falls on all alike.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_long_a_refusal_takes_tells_nothing() {
    const SAMPLES: usize = 500;
    let (site, _maria) = claimed().await;
    let row = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    let like = async |name: &str, change: &dyn Fn(&mut UserRow)| {
        let mut other = row.clone();
        other.id = wk_engine::ids::new_id(site.rig.now());
        other.name = name.to_owned();
        change(&mut other);
        let audit =
            wk_engine::record::draft(&wk_authz::Actor::system(), site.rig.now(), "test", "user", name);
        site.rig.store.create_user(other, Vec::new(), audit).await.unwrap();
    };
    like("disabled", &|row| row.disabled = Some(row.created)).await;
    like("closed", &|row| row.failures = 5000).await;
    let kinds = ["maria", "nobody", "disabled", "closed"];
    let mut last = String::new();
    for round in 0..3 {
        let mut taken: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
        for n in 0..SAMPLES {
            if n % 50 == 0 {
                // Or a hundred failures would close the account that is to be open.
                let audit = wk_engine::record::draft(
                    &wk_authz::Actor::system(),
                    site.rig.now(),
                    "test",
                    "user",
                    "maria",
                );
                site.rig.store.set_failures(row.id, 0, audit).await.unwrap();
            }
            for shift in 0..kinds.len() {
                let kind = (n + shift) % kinds.len();
                site.rig.clock.advance(Duration::from_secs(901));
                let body = json!({"name": kinds[kind], "password": "not the password at all"});
                let request = site.request(&site.as_nobody(), "post", "/api/v1/session", Some(&body));
                let from = crate::botnet::address(u32::try_from(n * kinds.len() + shift).unwrap());
                let mut sender = crate::botnet::dial_from(&site, from).await.expect("a connection");
                let began = std::time::Instant::now();
                let answer = sender.send_request(request).await.unwrap();
                taken[kind].push(began.elapsed().as_secs_f64() * 1000.0);
                assert_eq!(answer.status(), 401);
            }
        }
        // What is answered without the work, as an unknown name would be without the hash that stands in for one.
        let mut without = Vec::new();
        for n in 0..40 {
            site.rig.clock.advance(Duration::from_secs(901));
            let body = json!({"name": "nobody", "password": ""});
            let request = site.request(&site.as_nobody(), "post", "/api/v1/session", Some(&body));
            let mut sender = crate::botnet::dial_from(&site, crate::botnet::address(5000 + n)).await.unwrap();
            let began = std::time::Instant::now();
            assert_eq!(sender.send_request(request).await.unwrap().status(), 401);
            without.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        let means: Vec<(f64, f64)> = taken.iter_mut().map(|times| trimmed(times)).collect();
        let (of, error) = means[0];
        // Within five in a hundred, or within what chance makes of so many samples.
        let alike = |(mean, own): (f64, f64)| {
            let by = (mean - of).abs();
            by <= of * 0.05 || by <= 3.3 * (error * error + own * own).sqrt()
        };
        let without = trimmed(&mut without);
        assert!(!alike(without), "the measure sees an answer without the work: {means:?} {without:?} ms");
        last = format!("round {round}: {kinds:?}: {means:?} ms, without the work {without:?} ms");
        if means.iter().all(|mean| alike(*mean)) {
            eprintln!("{last}");
            site.end().await;
            return;
        }
    }
    panic!("refusals can be told apart by their time: {last}");
}

/// Mean and its standard error, without the slowest fifth: what the machine did otherwise.
fn trimmed(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let kept = &times[..times.len() * 4 / 5];
    let n = kept.len() as f64;
    let mean = kept.iter().sum::<f64>() / n;
    let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}
