//! Claiming, signing in, and what a session is.

use std::time::Duration;

use serde_json::{Value, json};
use wk_authz::{Actor, Role};
use wk_engine::ports::Store;
use wk_engine::record;
use wk_identity::Totp;

use crate::site::*;

pub(crate) const PASSWORD: &str = "vifoqu maridope lantel 47";

pub(crate) fn totp(secret: &str) -> Totp {
    let (mut bits, mut held, mut seed) = (0u32, 0u32, Vec::new());
    for letter in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        bits = (bits << 5) | u32::try_from(value).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            seed.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    Totp::from_seed(&seed).unwrap()
}

async fn claim_token(site: &Site) -> String {
    let link = site.desk.open_claim(&site.rig.engine, "https://127.0.0.1:8443").await.unwrap();
    link.expose().split('#').nth(1).unwrap().to_owned()
}

pub(crate) struct Claimed {
    pub(crate) totp: Totp,
    pub(crate) recovery: Vec<String>,
    pub(crate) who: Persona,
    /// The line that set the cookie by which the browser is known, and its value.
    pub(crate) device_line: String,
    pub(crate) device: String,
}

impl Claimed {
    pub(crate) fn code(&self, site: &Site) -> String {
        self.totp.code_at(Totp::step_of(site.rig.now())).expose().clone()
    }
}

pub(crate) async fn claimed() -> (Site, Claimed) {
    claimed_with(Site::unclaimed().await).await
}

pub(crate) async fn claimed_with(site: Site) -> (Site, Claimed) {
    let nobody = site.as_nobody();
    let token = claim_token(&site).await;
    let begin = json!({"token": token, "name": "Maria", "password": PASSWORD});
    let setup = site.post(&nobody, "/claim/begin", begin).await;
    assert_eq!(setup.status, 200, "{:?}", setup.body);
    let totp = totp(setup.json()["secret"].as_str().unwrap());
    let code = totp.code_at(Totp::step_of(site.rig.now())).expose().clone();
    let done = site.post(&nobody, "/claim/finish", json!({"token": token, "code": code})).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    let codes = done.json()["recovery_codes"].as_array().unwrap().clone();
    let recovery = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    let who = Persona::Session(done.session());
    let (device, device_line) = (done.cookie("__Host-dev"), done.cookie_line("__Host-dev"));
    (site, Claimed { totp, recovery, who, device_line, device })
}

pub(crate) async fn first_step(site: &Site, name: &str, password: &str) -> Answer {
    site.post(&site.as_nobody(), "/session", json!({"name": name, "password": password})).await
}

pub(crate) async fn second_step(site: &Site, challenge: &Value, code: &str) -> Answer {
    let body = json!({"challenge": challenge["challenge"], "code": code});
    site.post(&site.as_nobody(), "/session/factor", body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_claimed_once_with_a_strong_password_and_a_right_code() {
    let site = Site::unclaimed().await;
    let nobody = site.as_nobody();
    assert_eq!(site.get(&nobody, "/meta").await.json()["claimed"], false);
    let token = claim_token(&site).await;
    for wrong in ["", "x", "0".repeat(token.len()).as_str()] {
        for (path, body) in [
            ("/claim/check", json!({"token": wrong})),
            ("/claim/begin", json!({"token": wrong, "name": "maria", "password": PASSWORD})),
            ("/claim/finish", json!({"token": wrong, "code": "123456"})),
        ] {
            assert_eq!(site.post(&nobody, path, body).await.status, 410, "{path} with {wrong:?}");
        }
    }
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": token})).await.status, 200);
    let early = site.post(&nobody, "/claim/finish", json!({"token": token, "code": "123456"})).await;
    assert_eq!(early.status, 410, "before name and password");
    for weak in ["short", "password1234", "maria maria maria", "aaaaaaaaaaaaaaaaaaaa"] {
        let body = json!({"token": token, "name": "maria", "password": weak});
        let refused = site.post(&nobody, "/claim/begin", body).await;
        assert_eq!(refused.status, 422, "{weak}");
        let errors = refused.json()["errors"].as_array().unwrap().clone();
        assert!(
            !errors.is_empty() && errors.iter().all(|e| e["pointer"] == "/password"),
            "{weak}: {errors:?}"
        );
        assert!(!String::from_utf8_lossy(&refused.body).contains(weak), "{weak}: said back");
    }
    for name in ["m", "ma ria", "<script>", &"m".repeat(65)] {
        let body = json!({"token": token, "name": name, "password": PASSWORD});
        let refused = site.post(&nobody, "/claim/begin", body).await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (422, &json!("/name")),
            "{name}"
        );
    }
    let begin = json!({"token": token, "name": "maria", "password": PASSWORD});
    let setup = site.post(&nobody, "/claim/begin", begin).await.json();
    let totp = totp(setup["secret"].as_str().unwrap());
    let now = Totp::step_of(site.rig.now());
    let right = totp.code_at(now).expose().clone();
    let wrong = (0..)
        .map(|n| format!("{n:06}"))
        .find(|code| (-2..=2).all(|d| totp.code_at(now + d).expose() != code));
    let refused = site.post(&nobody, "/claim/finish", json!({"token": token, "code": wrong})).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/code")));
    assert!(site.rig.store.users().await.unwrap().is_empty(), "no account before the code is right");

    let (done, audit) =
        site.audited(site.post(&nobody, "/claim/finish", json!({"token": token, "code": right}))).await;
    assert_eq!(done.status, 200);
    assert!(audit.iter().any(|row| row.action == "server.claim"), "{audit:?}");
    assert_eq!(done.json()["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(done.json()["me"]["role"], "admin");
    assert_eq!(site.get(&nobody, "/meta").await.json()["claimed"], true);
    assert!(*site.desk.claimed().borrow(), "the listener hears of it");
    let who = Persona::Session(done.session());
    assert_eq!(site.get(&who, "/me").await.json()["name"], "maria");
    for (path, body) in [
        ("/claim/check", json!({"token": token})),
        ("/claim/begin", json!({"token": token, "name": "eve", "password": PASSWORD})),
        ("/claim/finish", json!({"token": token, "code": right})),
    ] {
        assert_eq!(site.post(&nobody, path, body).await.status, 410, "{path} again");
    }
    let user = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    let kept = format!("{user:?}");
    assert!(!kept.contains(PASSWORD) && user.password_phc.starts_with("$argon2id$"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_link_ends_after_a_day_and_when_a_newer_one_is_made() {
    let site = Site::unclaimed().await;
    let nobody = site.as_nobody();
    let old = claim_token(&site).await;
    let new = claim_token(&site).await;
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": old})).await.status, 410);
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": new})).await.status, 200);
    site.rig.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(site.post(&nobody, "/claim/check", json!({"token": new})).await.status, 410);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_claim_at_once_one_does() {
    let site = Site::unclaimed().await;
    let nobody = site.as_nobody();
    let token = claim_token(&site).await;
    let begin = json!({"token": token, "name": "maria", "password": PASSWORD});
    let setup = site.post(&nobody, "/claim/begin", begin).await.json();
    let code =
        totp(setup["secret"].as_str().unwrap()).code_at(Totp::step_of(site.rig.now())).expose().clone();
    let finish = || site.post(&nobody, "/claim/finish", json!({"token": token, "code": code}));
    let (a, b, c) = tokio::join!(finish(), finish(), finish());
    let mut statuses = [a.status, b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410, 410]);
    assert_eq!(site.rig.store.users().await.unwrap().len(), 1);
    site.end().await;
}

/// The same to whoever asks, whatever was wrong.
fn without_tags(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    let mut body = answer.json();
    body["instance"] = json!("");
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status, body, headers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_name_a_wrong_password_and_a_disabled_account_answer_alike() {
    let (site, _maria) = claimed().await;
    let mut row = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    row.id = wk_engine::ids::new_id(site.rig.now());
    row.name = "gone".to_owned();
    row.disabled = Some(site.rig.now());
    let audit = record::draft(&Actor::system(), site.rig.now(), "user.create", "user", row.id);
    site.rig.store.create_user(row, Vec::new(), audit).await.unwrap();
    let (password, audit) = site.audited(first_step(&site, "maria", "not my password at all")).await;
    assert_eq!(password.status, 401);
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].action.as_str(), audit[0].outcome.as_str()), ("session.open", "denied"));
    assert!(!audit[0].entry_json.contains("not my password"));
    for (name, word) in
        [("nobody-here", PASSWORD), ("gone", PASSWORD), ("<script>", PASSWORD), ("", PASSWORD), ("eve", "")]
    {
        let (other, audit) = site.audited(first_step(&site, name, word)).await;
        assert_eq!(without_tags(&other), without_tags(&password), "{name:?} {word:?}");
        assert_eq!(audit.len(), 1, "{name:?} {word:?}: each try is written down");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_takes_both_factors_and_gives_a_cookie_that_browsers_guard() {
    let (site, maria) = claimed().await;
    site.rig.clock.advance(Duration::from_secs(30));
    let challenge = first_step(&site, " MARIA ", PASSWORD).await;
    assert_eq!(challenge.status, 200, "{:?}", challenge.body);
    assert!(challenge.headers.get("set-cookie").is_none(), "no session after one factor");
    let challenge = challenge.json();
    let wrong = second_step(&site, &challenge, "000000x").await;
    assert_eq!(wrong.status, 401);
    let (done, audit) = site.audited(second_step(&site, &challenge, &maria.code(&site))).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert!(audit.iter().any(|row| row.action == "session.open" && row.outcome == "success"));
    let cookie = done.header("set-cookie");
    assert!(cookie.starts_with("__Host-sid="), "{cookie}");
    let flags: Vec<&str> = cookie.split("; ").skip(1).collect();
    for flag in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(flags.contains(&flag), "{flag} in {flags:?}");
    }
    assert!(!flags.iter().any(|flag| flag.starts_with("Domain")), "{flags:?}");
    let token = done.session();
    assert!(token.len() >= 22, "at least 128 bits");
    let kept =
        format!("{:?}", site.rig.store.sessions(site.rig.store.users().await.unwrap()[0].id).await.unwrap());
    assert!(!kept.contains(&token), "only its digest is kept");
    assert_eq!(
        second_step(&site, &challenge, &maria.code(&site)).await.status,
        401,
        "a challenge serves once"
    );
    // Out again.
    let who = Persona::Session(token);
    let out = site.delete(&who, "/session").await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(site.get(&who, "/me").await.status, 401);
    assert_eq!(site.get(&maria.who, "/me").await.status, 200, "the other session goes on");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_either_kind_opens_once() {
    let (site, maria) = claimed().await;
    // The claim used this step's code.
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(&site, &challenge, &maria.code(&site)).await.status, 401, "used by the claim");
    site.rig.clock.advance(Duration::from_secs(30));
    assert_eq!(second_step(&site, &challenge, &maria.code(&site)).await.status, 200);
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(&site, &challenge, &maria.code(&site)).await.status, 401, "used a moment ago");
    let code = &maria.recovery[3];
    assert_eq!(second_step(&site, &challenge, code).await.status, 200);
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(&site, &challenge, code).await.status, 401);
    assert_eq!(second_step(&site, &challenge, &maria.recovery[4].to_lowercase()).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_right_password_is_worth_five_codes_and_five_minutes() {
    let (site, maria) = claimed().await;
    site.rig.clock.advance(Duration::from_secs(60));
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    for n in 0..5 {
        if n == 3 {
            // Three a step is another limit.
            site.rig.clock.advance(Duration::from_secs(30));
        }
        assert_eq!(second_step(&site, &challenge, "none of them").await.status, 401);
    }
    assert_eq!(
        second_step(&site, &challenge, &maria.code(&site)).await.status,
        401,
        "the sixth, though right"
    );
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    site.rig.clock.advance(Duration::from_secs(300));
    assert_eq!(second_step(&site, &challenge, &maria.code(&site)).await.status, 401, "too late");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_slowed_down_for_known_and_unknown_names_alike() {
    let (site, maria) = claimed().await;
    for name in ["maria", "nobody-here"] {
        let mut statuses = Vec::new();
        let mut last = None;
        for _ in 0..8 {
            let answer = first_step(&site, name, "wrong password again").await;
            statuses.push(answer.status);
            last = Some(answer);
        }
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429], "{name}");
        let last = last.unwrap();
        let wait: u64 = last.header("retry-after").parse().unwrap();
        assert!((1..=900).contains(&wait), "{wait}");
        assert_eq!(last.json()["type"], "/problems/too-many");
        if name == "maria" {
            assert_eq!(
                first_step(&site, name, PASSWORD).await.status,
                429,
                "right or wrong is not told meanwhile"
            );
            assert_eq!(site.get(&maria.who, "/me").await.status, 200, "who is in stays in");
        }
        site.rig.clock.advance(Duration::from_secs(1000));
    }
    let challenge = first_step(&site, "maria", PASSWORD).await;
    assert_eq!(challenge.status, 200, "after the wait");
    assert_eq!(second_step(&site, &challenge.json(), &maria.code(&site)).await.status, 200);
    let kept = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    assert_eq!(kept.failures, 0, "a success ends the count");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_when_idle_at_their_limit_or_with_the_account() {
    let site = Site::new().await;
    let minute = Duration::from_secs(60);
    for (role, idle) in [(Role::Viewer, 30), (Role::Admin, 15)] {
        let user = site.person(&format!("p-{}", role.as_str()), role).await;
        let who = site.session_of(user).await;
        site.rig.clock.advance(minute * idle - Duration::from_secs(1));
        assert_eq!(site.get(&who, "/me").await.status, 200, "{role:?}: use");
        site.rig.clock.advance(minute * idle - Duration::from_secs(1));
        assert_eq!(site.get(&who, "/me").await.status, 200, "{role:?}: counted as use");
        site.rig.clock.advance(minute * idle);
        assert_eq!(site.get(&who, "/me").await.status, 401, "{role:?}: idle");

        let who = site.session_of(user).await;
        let mut open = Duration::ZERO;
        while open < minute * 60 * 12 - minute * 10 {
            site.rig.clock.advance(minute * 10);
            open += minute * 10;
            assert_eq!(site.get(&who, "/me").await.status, 200, "{role:?} after {open:?}");
        }
        site.rig.clock.advance(minute * 10);
        assert_eq!(site.get(&who, "/me").await.status, 401, "{role:?}: twelve hours, however busy");

        let who = site.session_of(user).await;
        let mut row = site.rig.store.user(user).await.unwrap().unwrap();
        row.disabled = Some(site.rig.now());
        let audit = record::draft(&Actor::system(), site.rig.now(), "user.disable", "user", user);
        site.rig.store.update_user(row, audit).await.unwrap();
        assert_eq!(site.get(&who, "/me").await.status, 401, "{role:?}: disabled");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let site = Site::new().await;
    let (one, other) = (site.as_viewer().await, site.as_viewer().await);
    let admin = site.as_admin().await;
    let list = site.get(&one, "/me/sessions").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "only one's own");
    let second = list["items"].as_array().unwrap().iter().find(|s| s["current"] == false).unwrap();
    let path = format!("/me/sessions/{}", second["id"].as_str().unwrap());
    assert_eq!(site.delete(&admin, &path).await.status, 404, "not even an administrator this way");
    assert_eq!(site.get(&other, "/me").await.status, 200);
    assert_eq!(site.delete(&one, &path).await.status, 204);
    assert_eq!(site.get(&other, "/me").await.status, 401);
    assert_eq!(site.get(&one, "/me").await.status, 200);
    site.end().await;
}

/// Two links for one name: the older one is void, and the newer one's role stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_invitations_for_one_name_the_newer_one_counts() {
    let site = Site::new().await;
    let (admin, nobody) = (site.as_admin().await, site.as_nobody());
    let mut tokens = Vec::new();
    for role in ["viewer", "admin"] {
        let made = site.post(&admin, "/users", json!({"name": "maria", "role": role})).await.json();
        tokens.push(made["path"].as_str().unwrap().split('#').nth(1).unwrap().to_owned());
    }
    let mut statuses = Vec::new();
    for token in &tokens {
        let begin = json!({"token": token, "name": "maria", "password": PASSWORD});
        let begun = site.post(&nobody, "/claim/begin", begin).await;
        if begun.status != 200 {
            statuses.push(begun.status);
            continue;
        }
        let totp = totp(begun.json()["secret"].as_str().unwrap());
        let code = totp.code_at(Totp::step_of(site.rig.now())).expose().clone();
        statuses
            .push(site.post(&nobody, "/claim/finish", json!({"token": token, "code": code})).await.status);
    }
    assert_eq!(statuses, [410, 200]);
    assert_eq!(site.rig.store.user_by_name("maria").await.unwrap().unwrap().role, "admin");
    site.end().await;
}

/// The durable count behind the hard cap: tries side by side are as many as tries in a row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_side_by_side_are_all_counted_and_a_closed_account_stays_closed() {
    let (site, maria) = claimed().await;
    let attempt = || first_step(&site, "maria", "wrong password again");
    let answers = tokio::join!(attempt(), attempt(), attempt(), attempt());
    assert_eq!([answers.0.status, answers.1.status, answers.2.status, answers.3.status], [401; 4]);
    let user = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    assert_eq!(user.failures, 4);
    // Closed between the two steps: the right code opens nothing any more.
    site.rig.clock.advance(Duration::from_secs(60));
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    let audit = record::draft(&Actor::system(), site.rig.now(), "session.open", "user", user.id);
    site.rig.store.set_failures(user.id, 100, audit).await.unwrap();
    assert_eq!(second_step(&site, &challenge, &maria.code(&site)).await.status, 401);
    assert_eq!(site.get(&maria.who, "/me").await.status, 200, "who is in stays in");
    site.end().await;
}
